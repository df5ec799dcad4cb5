//! Steps that get a modem to work again, and what is told of them. When they are taken: [`Ladder`](super::ladder::Ladder).

use super::chat::{ATTENTION, Lost, Reply};
use super::device;
use super::driver::{Desk, Session};
use super::ladder::Step;
use crate::at::{Command, Expect};
use crate::clock;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::warn;

/// How long `+CFUN` may take: the network is told of the end.
const RADIO: Duration = Duration::from_secs(15);
/// How long a modem may be silent before it is asked whether it is there. With the time that takes, one that is mute is
/// known as such within 30 s (RELIABILITY R-08).
pub(super) const PULSE: Duration = Duration::from_secs(20);

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Carries out what is due after this session, which ended like this.
    pub(super) async fn recover(mut self, desk: &mut Desk, lost: &Lost) {
        desk.profile = self.profile;
        let Some(step) = desk.step_after(lost, self.up) else { return };
        desk.board.recovering(step, &lost.to_string());
        let done = match step {
            Step::Radio => Ok(()),
            Step::Reset => self.reset().await,
            Step::Usb | Step::PortPower | Step::PowerKey => {
                // An open port keeps its name from the device that comes back.
                drop(self);
                desk.switch(step).await
            }
        };
        told(&desk.config.port, step, done);
    }

    /// While it serves: ends the watch, and does what is due for a modem without a network.
    pub(super) async fn look_after(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        if self.watched.take_if(|(until, _)| *until <= clock::now()).is_some() {
            self.publish_registration();
        }
        if self.merged_registration().can_send() {
            desk.ladder.well();
        }
        self.call_if_due(desk).await?;
        self.ussd_if_due().await?;
        self.find_network_if_due(desk).await?;
        self.network_due = self.without_network.map(|since| desk.ladder.network_due(since));
        Ok(())
    }

    async fn find_network_if_due(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        let Some(since) = self.without_network else { return Ok(()) };
        let now = clock::now();
        if now < desk.ladder.network_due(since) {
            // What can be done is only looked up when something is: that asks the system.
            return Ok(());
        }
        let Some(step) = desk.ladder.find_network(now, since, &desk.steps()) else { return Ok(()) };
        let why = "it finds no network";
        if step != Step::Radio {
            return Err(Lost::Due(step, why));
        }
        self.board.recovering(step, why);
        let done = self.switch_radio().await;
        told(&self.config.port, step, done);
        self.anew = true;
        Ok(())
    }

    /// Off and on. Some refuse to leave the network without switching the SIM off too.
    async fn switch_radio(&mut self) -> Result<(), String> {
        let mut last = Ok(());
        for (off, on) in [("+CFUN=4", "+CFUN=1"), ("+CFUN=0", "+CFUN=1")] {
            last = self.order(off, RADIO).await;
            // On it goes whatever came of the first.
            self.order(on, RADIO).await?;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// The make's own restart. It is written blindly: a modem that answers nothing may hear all the same.
    async fn reset(&mut self) -> Result<(), String> {
        let mut last = Err("its make has no command for that".to_owned());
        for command in self.profile.reset {
            last = self.order(command, ATTENTION).await;
        }
        last
    }

    async fn order(&mut self, command: &'static str, within: Duration) -> Result<(), String> {
        match self.chat.exchange(Command::of_make(command, Expect::Nothing), within).await {
            Ok(Reply::Done(_)) => Ok(()),
            Ok(reply) => Err(reply.to_string()),
            Err(lost) => Err(lost.to_string()),
        }
    }
}

/// What a step does shows later; only that it could not be taken is told.
fn told(port: &str, step: Step, done: Result<(), String>) {
    if let Err(error) = done {
        warn!(port, step = step.word(), error, "the step failed");
    }
}

impl Desk {
    /// The step that is due after a session that ended with this.
    fn step_after(&mut self, lost: &Lost, was_up: bool) -> Option<Step> {
        let now = clock::now();
        match lost {
            Lost::Due(step, _) => Some(*step),
            Lost::Asked => {
                self.ladder.asked(now);
                Some(Step::Reset)
            }
            // One that came up and then fell silent is opened again first.
            Lost::Mute | Lost::Unfit(_) if !was_up => {
                self.ladder.restart(now, self.profile.deadlines.reset, &self.steps())
            }
            _ => None,
        }
    }

    /// What can be done to this modem.
    fn steps(&self) -> Vec<Step> {
        let port = &self.config.port;
        let hardware = [
            (device::usb_device(port).is_some(), Step::Usb),
            (device::usb_port(port).is_some(), Step::PortPower),
            (self.config.power_key.is_some(), Step::PowerKey),
        ];
        let hardware = hardware.into_iter().filter_map(|(can, step)| can.then_some(step));
        [Step::Radio, Step::Reset].into_iter().chain(hardware).collect()
    }

    /// Beside the runtime: the system takes its time.
    async fn switch(&self, step: Step) -> Result<(), String> {
        let (port, key) = (self.config.port.clone(), self.config.power_key.clone());
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let work = move || match (step, key) {
            (Step::PowerKey, Some(key)) => key.press(),
            (Step::PortPower, _) => device::usb_port(&port).ok_or_else(gone)?.switch(),
            _ => device::usb_device(&port).ok_or_else(gone)?.switch(),
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    }
}
