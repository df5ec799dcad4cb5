//! Which SIM sits where, in what state: starts and stops the drivers, one lane a modem.

use crate::model::{AttemptId, Iccid, Label, ModemNotice, ModemPhase, ModemStatus, Timestamp};
use crate::modem::{self, Handle, Links, Noticed, PinQuestion, Received};
use crate::store::Store;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Room for what drivers report: every modem has at most four events under way.
const EVENTS_PER_MODEM: usize = 8;
/// Received PDUs under way between drivers and intake.
const RECEIVED: usize = 64;
/// Questions about PINs under way; each driver has one at most.
const PIN_QUESTIONS: usize = 4;
/// Notices that wait to be kept.
const NOTICES: usize = 64;

/// All slots: cheap to clone, for reading.
#[derive(Debug, Clone)]
pub struct Slots {
    statuses: Arc<[watch::Receiver<ModemStatus>]>,
    labels: Arc<Labels>,
    changed: watch::Receiver<u64>,
}

pub use crate::modem::profile::SEND_DEADLINE;
pub use crate::modem::{LaneEvent, LaneEventKind, Outgoing};

/// The lane ends that the scheduler owns.
#[derive(Debug)]
pub struct Lanes {
    /// Where parts are given to each modem, by index.
    pub outgoing: Vec<mpsc::Sender<Outgoing>>,
    /// What happened to them.
    pub events: mpsc::Receiver<LaneEvent>,
}

/// The drivers, to be stopped in order at the end.
#[derive(Debug)]
pub struct Drivers {
    handles: Vec<Handle>,
    watcher: tokio::task::JoinHandle<()>,
    pins: tokio::task::JoinHandle<()>,
    notices: tokio::task::JoinHandle<()>,
    /// Keeps the channels open while no modem is configured.
    links: Links,
}

impl Drivers {
    /// Lets armed sends end and closes every port. RELIABILITY W-7.
    pub async fn stop(self) {
        let stops: Vec<_> = self.handles.into_iter().map(|handle| tokio::spawn(handle.stop())).collect();
        for stop in stops {
            // A driver that panicked has nothing left to stop.
            let _ = stop.await;
        }
        self.watcher.abort();
        self.pins.abort();
        // Nobody tells anything any more; what was told is kept.
        drop(self.links);
        let _ = self.notices.await;
    }
}

/// Starts one driver a modem. `armed` are tries of the last process whose final code may still come; `sims` those that were
/// ever used here, with their labels.
pub fn start(
    configs: Vec<modem::Config>,
    armed: &[(String, AttemptId, Duration)],
    sims: Vec<(Iccid, Label)>,
    store: Store,
    clock: fn() -> Timestamp,
) -> (Slots, Lanes, Drivers, mpsc::Receiver<Received>) {
    let (lane, events) = mpsc::channel(EVENTS_PER_MODEM * configs.len().max(1));
    let (received_in, received) = mpsc::channel(RECEIVED);
    let (pins_in, pins) = mpsc::channel(PIN_QUESTIONS);
    let (notices_in, notices) = mpsc::channel(NOTICES);
    let links = Links { lane, received: received_in, pins: pins_in, notices: notices_in };
    let pins = tokio::spawn(remember_pins(pins, store.clone()));
    let labels = Arc::new(Labels::new(&configs, sims));
    let notices = tokio::spawn(keep_notices(notices, store, Arc::clone(&labels), clock));
    let handles: Vec<Handle> = configs
        .into_iter()
        .map(|config| {
            let listen = armed_on(&config.port, armed);
            modem::spawn(config, links.clone(), listen)
        })
        .collect();
    let statuses: Arc<[_]> = handles.iter().map(|handle| handle.status.clone()).collect();
    let (announce, changed) = watch::channel(0);
    let watcher = tokio::spawn(announce_changes(Arc::clone(&statuses), announce));
    let lanes = Lanes { outgoing: handles.iter().map(|handle| handle.outgoing.clone()).collect(), events };
    (Slots { statuses, labels, changed }, lanes, Drivers { handles, watcher, pins, notices, links }, received)
}

/// The try that was armed on this port when the process before ended. The name may have moved to another modem: then
/// nothing is heard, and nothing is lost by listening.
fn armed_on(port: &str, armed: &[(String, AttemptId, Duration)]) -> Option<(AttemptId, Duration)> {
    armed.iter().find(|(armed_port, ..)| armed_port == port).map(|(_, attempt, left)| (*attempt, *left))
}

/// Remembers what SIMs make of PINs. Where that cannot be kept there is no answer, and no PIN is entered.
async fn remember_pins(mut questions: mpsc::Receiver<PinQuestion>, store: Store) {
    while let Some(PinQuestion { sim, modem, pin, mark, answer }) = questions.recv().await {
        // Four digits cannot be hidden from who reads the database, but need not lie about in it.
        let digest = Sha256::digest(format!("{} {}", store.log_id(), pin.as_str()));
        if let Ok(record) = store.pin_record(sim, modem, digest.into(), mark).await {
            // A driver that was stopped meanwhile needs no answer.
            let _ = answer.send(record);
        }
    }
}

/// Makes events of what modems tell.
async fn keep_notices(
    mut notices: mpsc::Receiver<Noticed>,
    store: Store,
    labels: Arc<Labels>,
    clock: fn() -> Timestamp,
) {
    while let Some(Noticed { modem, label, iccid, notice }) = notices.recv().await {
        let sim = iccid.map(|iccid| labels.of(modem, &iccid));
        let kept = store.notice(ModemNotice { modem: label, sim, notice }, clock()).await;
        if let Err(error) = kept {
            tracing::error!(%error, "what a modem told could not be kept");
        }
    }
}

/// Turns many watches into one counter that readers can wait for.
async fn announce_changes(statuses: Arc<[watch::Receiver<ModemStatus>]>, announce: watch::Sender<u64>) {
    let mut tasks = tokio::task::JoinSet::new();
    let announce = Arc::new(announce);
    for status in statuses.iter() {
        let (mut status, announce) = (status.clone(), Arc::clone(&announce));
        tasks.spawn(async move {
            while status.changed().await.is_ok() {
                announce.send_modify(|n| *n += 1);
            }
        });
    }
    while tasks.join_next().await.is_some() {}
}

impl Slots {
    /// Slots whose modems somebody else plays.
    #[cfg(test)]
    pub(crate) fn played(statuses: Vec<watch::Receiver<ModemStatus>>, changed: watch::Receiver<u64>) -> Slots {
        let configs: Vec<_> = (0..statuses.len()).map(|n| modem::Config::new(n, "none")).collect();
        Slots { statuses: statuses.into(), labels: Arc::new(Labels::new(&configs, Vec::new())), changed }
    }

    /// How many modems are configured.
    pub fn len(&self) -> usize {
        self.statuses.len()
    }

    /// True when no modem is configured.
    pub fn is_empty(&self) -> bool {
        self.statuses.is_empty()
    }

    /// The state of every modem, by index.
    pub fn statuses(&self) -> &[watch::Receiver<ModemStatus>] {
        &self.statuses
    }

    /// A counter that moves whenever any modem's state changes.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Completes when a driver has ended: before the stop only a panic ends one.
    pub async fn driver_ended(&self) {
        let mut ends = tokio::task::JoinSet::new();
        for mut status in self.statuses.iter().cloned() {
            ends.spawn(async move { while status.changed().await.is_ok() {} });
        }
        if ends.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    /// The label of a SIM that some modem holds or has held.
    pub fn sim_label(&self, modem: usize, iccid: &Iccid) -> Label {
        self.labels.of(modem, iccid)
    }

    /// True when a SIM with this label is known: configured, or seen at some time.
    pub fn knows_sim(&self, label: &Label) -> bool {
        // Labels come into being when a SIM is first read, so every SIM that is there now is named here.
        for (index, status) in self.statuses.iter().enumerate() {
            if let Some(sim) = &status.borrow().sim {
                let _ = self.sim_label(index, &sim.iccid);
            }
        }
        self.labels.knows(label)
    }

    /// Modems that can send now.
    pub fn ready(&self) -> usize {
        self.statuses.iter().filter(|status| status.borrow().phase == ModemPhase::Ready).count()
    }
}

/// Names of SIMs: from the configuration, else the one it had before, else made from the ICCID and kept apart.
#[derive(Debug)]
struct Labels {
    configured: Vec<Option<Label>>,
    /// Of the processes before.
    known: HashMap<Iccid, Label>,
    made: Mutex<HashMap<Iccid, Label>>,
}

impl Labels {
    fn new(configs: &[modem::Config], sims: Vec<(Iccid, Label)>) -> Labels {
        let configured = configs.iter().map(|config| config.sim_label.clone()).collect();
        Labels { configured, known: sims.into_iter().collect(), made: Mutex::default() }
    }

    fn of(&self, modem: usize, iccid: &Iccid) -> Label {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = made.get(iccid) {
            return label.clone();
        }
        let before = || self.known.get(iccid).filter(|label| !self.is_configured(label)).cloned();
        let taken = |label: &Label| {
            let others = self.known.iter().filter(|(other, _)| *other != iccid).map(|(_, label)| label);
            made.values().chain(others).any(|other| other == label) || self.is_configured(label)
        };
        let configured = self.configured.get(modem).cloned().flatten();
        let label = configured.or_else(before).unwrap_or_else(|| made_from(iccid, taken));
        made.insert(iccid.clone(), label.clone());
        label
    }

    fn is_configured(&self, label: &Label) -> bool {
        self.configured.iter().flatten().any(|other| other == label)
    }

    fn knows(&self, label: &Label) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.values().chain(self.known.values()).any(|other| other == label) || self.is_configured(label)
    }
}

/// `sim-` and the last four digits of the ICCID; more digits where two SIMs would share a label.
fn made_from(iccid: &Iccid, taken: impl Fn(&Label) -> bool) -> Label {
    let digits = iccid.as_str().to_ascii_lowercase();
    let whole = || Label::from_text(&format!("sim-{digits}"));
    (4..digits.len())
        .filter_map(|n| Label::from_text(&format!("sim-{}", &digits[digits.len() - n..])))
        .find(|label| !taken(label))
        .or_else(whole)
        .expect("digits make a label")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sim_keeps_its_label_over_a_restart() {
        let (one, two): (Iccid, Iccid) =
            ("8949000000000011000".parse().unwrap(), "8949000000000021000".parse().unwrap());
        let unnamed = [modem::Config::new(0, "a"), modem::Config::new(1, "b")];
        let first = Labels::new(&unnamed, Vec::new());
        let before = vec![(one.clone(), first.of(0, &one)), (two.clone(), first.of(1, &two))];
        assert_ne!(before[0].1, before[1].1);
        // The second is read first this time.
        let then = Labels::new(&unnamed, before.clone());
        assert!(then.knows(&before[0].1), "one that is not there yet is waited for");
        assert_eq!((then.of(1, &two), then.of(0, &one)), (before[1].1.clone(), before[0].1.clone()));
        // The operator has the last word.
        let mut named = unnamed;
        named[1].sim_label = Some(before[0].1.clone());
        let named = Labels::new(&named, before.clone());
        assert_eq!(named.of(1, &two), before[0].1);
        assert_ne!(named.of(0, &one), before[0].1);
    }

    #[test]
    fn sims_with_equal_tails_are_kept_apart() {
        let iccid: Iccid = "8949000000000011000".parse().unwrap();
        assert_eq!(made_from(&iccid, |_| false).as_str(), "sim-1000");
        assert_eq!(made_from(&iccid, |label| label.as_str() == "sim-1000").as_str(), "sim-11000");
    }
}
