//! Who the modem is, and which SIM is in it.

use super::chat::{Lost, Reply};
use super::driver::Session;
use super::profile::Profile;
use crate::at::command::IccidSource;
use crate::at::{Command, Params, line, sim};
use crate::model::{Iccid, Imei, Imsi, Label};
use tokio::io::{AsyncRead, AsyncWrite};

/// The IMEI in the answer to `+CGSN`.
pub(super) fn imei_in(lines: &[String]) -> Option<Imei> {
    lines.iter().find_map(|line| sim::digits(line, "+CGSN", 14, 17)?.parse().ok())
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// IMEI, maker and model; with them the label and the profile.
    pub(super) async fn identify_modem(&mut self) -> Result<(), Lost> {
        let within = self.profile.deadlines.command;
        // First, because its answer cannot be taken for any other: from here on line and engine are in step.
        let imei = self.lines(Command::serial_number(), within).await?;
        let imei = imei_in(&imei);
        // Once a port: with its other SIM slot some modems tell another IMEI.
        if let (Some(ours), Some(here), None) = (&self.config.imei, &imei, &self.imei)
            && ours != here
        {
            return Err(Lost::Another(here.clone()));
        }
        let manufacturer = self.lines(Command::manufacturer(), within).await?;
        let manufacturer = manufacturer.first().and_then(|line| sim::name(line, "+CGMI"));
        let model = self.lines(Command::model(), within).await?;
        let model = model.first().and_then(|line| sim::name(line, "+CGMM"));
        self.profile = match &self.config.profile {
            Some(name) => Profile::named(name).ok_or_else(|| Lost::Unfit(format!("no profile is named {name}")))?,
            None => Profile::of(manufacturer.as_deref().unwrap_or_default(), model.as_deref().unwrap_or_default()),
        };
        self.imei = imei.clone();
        // The modem that is found here first is the one that belongs here.
        if self.config.imei.is_none() {
            self.config.imei.clone_from(&imei);
        }
        let label = self.config.label.clone();
        self.board.update(|status| {
            let made = imei.as_ref().and_then(|imei| Label::from_text(&format!("modem-{}", imei.tail())));
            if let Some(label) = label.or(made) {
                status.label = label;
            }
            status.imei = imei;
            status.manufacturer = manufacturer;
            status.model = model;
        });
        Ok(())
    }

    /// The SIM's serial number, by the first way that works.
    pub(super) async fn read_iccid(&mut self) -> Result<Option<Iccid>, Lost> {
        let within = self.profile.deadlines.memory;
        for source in IccidSource::ALL {
            let lines = self.lines(Command::iccid(source), within).await?;
            let read = |line: &String| match source {
                IccidSource::File => sim::iccid_file(&Params::parse(line::body(line, "+CRSM")?)),
                _ => sim::iccid(line),
            };
            if let Some(iccid) = lines.iter().filter_map(read).find_map(|text| text.parse().ok()) {
                return Ok(Some(iccid));
            }
        }
        Ok(None)
    }

    /// The subscriber.
    pub(super) async fn read_imsi(&mut self) -> Result<Option<Imsi>, Lost> {
        let lines = self.lines(Command::subscriber(), self.profile.deadlines.memory).await?;
        Ok(lines.iter().find_map(|line| sim::digits(line, "+CIMI", 5, 15)?.parse().ok()))
    }

    /// The firmware.
    pub(super) async fn read_firmware(&mut self) -> Result<Option<String>, Lost> {
        let lines = self.lines(Command::revision(), self.profile.deadlines.command).await?;
        Ok(lines.first().and_then(|line| sim::name(line, "+CGMR")))
    }

    /// The lines of an answer; none when it was refused.
    async fn lines(&mut self, command: Command, within: std::time::Duration) -> Result<Vec<String>, Lost> {
        Ok(match self.chat.ask(command, within).await? {
            Reply::Done(answer) | Reply::Silent(answer) => answer.lines,
            Reply::Refused(_) => Vec::new(),
        })
    }
}
