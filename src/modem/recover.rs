//! Steps that get a modem to work again, and what is told of them. When they are taken: [`Ladder`](super::ladder::Ladder).

use super::chat::{ATTENTION, Lost, Reply};
use super::device;
use super::driver::{Desk, Session};
use super::ladder::Step;
use crate::at::{Command, Expect};
use crate::model::{ModemPhase, Notice, NoticeKind};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::warn;

/// How long `+CFUN` may take: the network is told of the end.
const RADIO: Duration = Duration::from_secs(15);
/// How long a modem may be silent before it is asked whether it is there. With the time that takes, one that is mute is
/// known as such within 30 s (RELIABILITY R-08).
pub(super) const PULSE: Duration = Duration::from_secs(20);

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// After a session that ended with this: does what is due for a modem that does not answer, or takes no orders.
    pub(super) async fn restart_if_due(&mut self, desk: &mut Desk, lost: &Lost) {
        // One that came up and then fell silent is opened again first.
        if self.up || !matches!(lost, Lost::Mute | Lost::Unfit(_)) {
            return;
        }
        let settle = desk.profile.deadlines.reset;
        if let Some(step) = desk.ladder.restart(Instant::now(), settle, &desk.steps()) {
            self.take(desk, step, &lost.to_string()).await;
        }
    }

    /// While it serves: ends the watch, and does what is due for a modem without a network.
    pub(super) async fn look_after(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        desk.profile = self.profile;
        if self.watched.take_if(|(until, _)| *until <= Instant::now()).is_some() {
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
        let Some(step) = desk.ladder.find_network(Instant::now(), since, &desk.steps()) else { return Ok(()) };
        self.take(desk, step, "it finds no network").await;
        match step {
            Step::Radio => self.anew = true,
            Step::Reset | Step::Usb | Step::PowerKey => return Err(Lost::Restarted),
        }
        Ok(())
    }

    /// One step. What it does shows later; that it was taken is told first.
    pub(super) async fn take(&mut self, desk: &Desk, step: Step, why: &str) {
        desk.recovering(step, why);
        let done = match step {
            Step::Radio => self.switch_radio().await,
            Step::Reset => self.reset(desk).await,
            Step::Usb | Step::PowerKey => desk.switch(step).await,
        };
        if let Err(error) = done {
            warn!(port = self.config.port, step = step.word(), error, "the step failed");
        }
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
    async fn reset(&mut self, desk: &Desk) -> Result<(), String> {
        let mut last = Err("its make has no command for that".to_owned());
        for command in desk.profile.reset {
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

impl Desk {
    /// What can be done to this modem.
    fn steps(&self) -> Vec<Step> {
        let has_switch = device::usb_device(&self.config.port).is_some();
        let hardware = [(has_switch, Step::Usb), (self.config.power_key.is_some(), Step::PowerKey)];
        let hardware = hardware.into_iter().filter_map(|(can, step)| can.then_some(step));
        [Step::Radio, Step::Reset].into_iter().chain(hardware).collect()
    }

    /// Publishes a step and counts it.
    fn recovering(&self, step: Step, why: &str) {
        self.board.update(|status| {
            let count = match step {
                Step::Radio => &mut status.recovery.radio,
                Step::Reset => &mut status.recovery.reset,
                Step::Usb => &mut status.recovery.usb,
                Step::PowerKey => &mut status.recovery.power_key,
            };
            *count = count.saturating_add(1);
        });
        let words = match step {
            Step::Radio => "its radio is switched off and on",
            Step::Reset => "it is told to restart",
            Step::Usb => "its USB device is taken away and given back",
            Step::PowerKey => "its power key is pressed",
        };
        self.board.phase(ModemPhase::BringUp, Some(format!("{why}; {words}")));
        self.board.notice(Notice::new(NoticeKind::Recovery, step.word(), format!("{why}; {words}")));
    }

    /// Beside the runtime: the system takes its time.
    async fn switch(&self, step: Step) -> Result<(), String> {
        let (port, key) = (self.config.port.clone(), self.config.power_key.clone());
        let work = move || match (step, key) {
            (Step::PowerKey, Some(key)) => key.press(),
            _ => {
                device::usb_device(&port).map_or(Err(io::ErrorKind::NotFound.into()), |device| device::replug(&device))
            }
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    }
}
