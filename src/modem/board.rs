//! What one modem tells outside: its status, and notices.

use super::ladder::Step;
use super::{Config, Noticed};
use crate::model::{Iccid, Label, ModemPhase, ModemStatus, Notice, NoticeKind, Radio, RecoveryCounts};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

/// What is told outside: the status, and notices.
#[derive(Debug, Clone)]
pub(super) struct Board {
    status: watch::Sender<ModemStatus>,
    notices: mpsc::Sender<Noticed>,
    index: usize,
}

impl Board {
    /// A board that says offline.
    pub(super) fn new(config: &Config, notices: mpsc::Sender<Noticed>) -> (Board, watch::Receiver<ModemStatus>) {
        let (sender, receiver) = watch::channel(ModemStatus {
            label: config.label.clone().unwrap_or_else(|| made_label(config)),
            port: config.port.clone(),
            phase: ModemPhase::Offline,
            reason: config.port.is_empty().then(|| "it is not plugged in".to_owned()),
            imei: None,
            manufacturer: None,
            model: None,
            firmware: None,
            sim: None,
            opened: 0,
            recovery: RecoveryCounts::default(),
            temperature_tenths: None,
            supply_mv: None,
        });
        (Board { status: sender, notices, index: config.index }, receiver)
    }

    /// Changes it; listeners wake only when something is different.
    pub(super) fn update(&self, change: impl FnOnce(&mut ModemStatus)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    /// The port is open. Its name may have changed since the last time.
    pub(super) fn opened(&self, port: &str) {
        self.update(|status| {
            status.opened += 1;
            if status.port != port {
                port.clone_into(&mut status.port);
            }
        });
    }

    /// The radio that the SIM is registered on, where that is known.
    pub(super) fn radio(&self) -> Option<Radio> {
        self.status.borrow().sim.as_ref()?.cell.radio
    }

    /// Whose it is.
    fn who(&self) -> (Label, Option<Iccid>) {
        let status = self.status.borrow();
        (status.label.clone(), status.sim.as_ref().map(|sim| sim.iccid.clone()))
    }

    /// Tells what is no message. One that finds no room is only logged: nobody keeps up with such a flood.
    pub(super) fn notice(&self, notice: Notice) {
        let (label, iccid) = self.who();
        info!(modem = label.as_str(), ?notice, "notice");
        let noticed = Noticed { modem: self.index, label, iccid, notice };
        if self.notices.try_send(noticed).is_err() {
            warn!("a notice finds no room and is not kept");
        }
    }

    /// Tells of something that needs a person.
    pub(super) fn alarm(&self, alarm: &str, detail: impl Into<String>) {
        self.notice(Notice::new(NoticeKind::Alarm, alarm, detail));
    }

    /// Changes the phase.
    pub(super) fn phase(&self, phase: ModemPhase, reason: Option<String>) {
        self.update(|status| {
            if (status.phase, &status.reason) != (phase, &reason) {
                info!(modem = status.label.as_str(), reason, "the modem is {}", phase.word());
            }
            status.phase = phase;
            status.reason = reason;
        });
    }

    /// Publishes a step and counts it.
    pub(super) fn recovering(&self, step: Step, why: &str) {
        self.update(|status| {
            let count = match step {
                Step::Radio => &mut status.recovery.radio,
                Step::Reset => &mut status.recovery.reset,
                Step::Usb => &mut status.recovery.usb,
                Step::PortPower => &mut status.recovery.port_power,
                Step::PowerKey => &mut status.recovery.power_key,
            };
            *count = count.saturating_add(1);
        });
        let words = match step {
            Step::Radio => "its radio is switched off and on",
            Step::Reset => "it is told to restart",
            Step::Usb => "its USB device is taken away and given back",
            Step::PortPower => "the power of its USB port is switched off and on",
            Step::PowerKey => "its power key is pressed",
        };
        self.phase(ModemPhase::BringUp, Some(format!("{why}; {words}")));
        self.notice(Notice::new(NoticeKind::Recovery, step.word(), format!("{why}; {words}")));
    }
}

/// `modem-` and the end of the IMEI; until that is known, of the port's name.
fn made_label(config: &Config) -> Label {
    let name = config.port.rsplit('/').next().unwrap_or_default();
    let tail: String = name.chars().skip(name.chars().count().saturating_sub(16)).collect();
    let tail = config.imei.as_ref().map_or(tail.as_str(), |imei| imei.tail());
    let label = Label::from_text(format!("modem-{tail}").trim_end_matches('-'));
    label.or_else(|| Label::from_text("modem")).expect("\"modem\" is a label")
}
