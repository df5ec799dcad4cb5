//! Which SIM sits where, in what state: starts and stops the drivers, one lane a modem.

use crate::clock;
use crate::model::{AttemptId, Iccid, Label, ModemNotice, ModemPhase, ModemStatus, Timestamp};
use crate::modem::discover;
use crate::modem::{self, Handle, Links, Noticed, Ordered, PinQuestion, Received, Recorder};
use crate::store::Store;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Room for what drivers report: every modem has at most four events under way, and waits while there is none.
const EVENTS: usize = 256;
/// What says to be a modem over and over is none.
const MOST_MODEMS: usize = 256;
/// Received PDUs under way between drivers and intake.
const RECEIVED: usize = 64;
/// Questions about PINs under way; each driver has one at most.
const PIN_QUESTIONS: usize = 4;
/// How long an order may take in all: a typed command, and one before it.
const ORDER: Duration = Duration::from_secs(400);
/// Notices that wait to be kept.
const NOTICES: usize = 64;

pub use crate::modem::discover::Hindered;
pub use crate::modem::profile::SEND_DEADLINE;
pub use crate::modem::{Carried, Entry, LaneEvent, LaneEventKind, Order, Outcome, Outgoing, TypedLine};

/// All slots: cheap to clone, for reading. They become more while the gateway runs, never fewer.
#[derive(Debug, Clone)]
pub struct Slots {
    seats: Seats,
    labels: Arc<Labels>,
    hindered: watch::Receiver<Vec<Hindered>>,
    changed: watch::Receiver<u64>,
    ended: watch::Receiver<bool>,
    weak: watch::Receiver<bool>,
}

/// All modems, by index.
type Seats = Arc<Mutex<Vec<Seat>>>;

/// What others have of a driver.
#[derive(Debug, Clone)]
struct Seat {
    status: watch::Receiver<ModemStatus>,
    orders: mpsc::Sender<Ordered>,
    recorder: Recorder,
}

/// The lane ends that the scheduler owns.
#[derive(Debug)]
pub struct Lanes {
    /// Where parts are given to each modem, in the order of their indexes. One is here before its modem is in [`Slots`].
    pub joining: mpsc::Receiver<mpsc::Sender<Outgoing>>,
    /// What happened to them.
    pub events: mpsc::Receiver<LaneEvent>,
}

/// The drivers, to be stopped in order at the end.
#[derive(Debug)]
pub struct Drivers {
    rack: Arc<Rack>,
    discovery: Option<JoinHandle<()>>,
    supply: Option<JoinHandle<()>>,
    pins: JoinHandle<()>,
    notices: JoinHandle<()>,
}

impl Drivers {
    /// Lets armed sends end and closes every port. RELIABILITY W-7.
    pub async fn stop(self) {
        for task in [self.discovery, self.supply].into_iter().flatten() {
            task.abort();
            // It holds the rack, or a way to tell something, until it has ended.
            let _ = task.await;
        }
        let stops: Vec<_> = self.rack.close().into_iter().map(|handle| tokio::spawn(handle.stop())).collect();
        for stop in stops {
            // A driver that panicked has nothing left to stop.
            let _ = stop.await;
        }
        self.pins.abort();
        // Nobody tells anything any more; what was told is kept.
        drop(self.rack);
        let _ = self.notices.await;
    }
}

/// Where drivers are put in.
#[derive(Debug)]
struct Rack {
    links: Links,
    seats: Seats,
    labels: Arc<Labels>,
    joining: mpsc::Sender<mpsc::Sender<Outgoing>>,
    signals: Arc<Signals>,
    /// `None`: the gateway stops, and none is put in any more.
    handles: Mutex<Option<Vec<Handle>>>,
}

/// Told by the watchers of all modems.
#[derive(Debug)]
struct Signals {
    changed: watch::Sender<u64>,
    ended: watch::Sender<bool>,
}

/// Tells of the end of a task, by a panic too.
struct TellsEnd(Arc<Signals>);

impl Drop for TellsEnd {
    fn drop(&mut self) {
        self.0.ended.send_replace(true);
    }
}

impl Rack {
    /// Starts a driver and gives it the next index.
    ///
    /// `found` tells the port of one that has none of its own. `None`: the gateway stops, or has too many.
    fn add(
        &self,
        mut config: modem::Config,
        found: Option<watch::Receiver<Option<String>>>,
        armed: &[Armed],
    ) -> Option<watch::Receiver<ModemStatus>> {
        let mut handles = lock(&self.handles);
        let handles = handles.as_mut()?;
        if handles.len() >= MOST_MODEMS {
            tracing::warn!("more than {MOST_MODEMS} modems; this one is not used");
            return None;
        }
        config.index = handles.len();
        self.labels.configure(config.sim_label.clone());
        let links = self.links.clone();
        let handle = match found {
            None => {
                let listen = armed_on(&config.port, armed);
                modem::spawn(config, links, listen)
            }
            Some(port) => {
                let listen = port.borrow().as_ref().and_then(|port| armed_on(port, armed));
                modem::spawn_found(config, links, listen, port)
            }
        };
        // There is room for all; a scheduler that is gone needs no lane.
        let _ = self.joining.try_send(handle.outgoing.clone());
        let status = handle.status.clone();
        let (orders, recorder) = (handle.orders.clone(), handle.recorder.clone());
        lock(&self.seats).push(Seat { status: status.clone(), orders, recorder });
        tokio::spawn(watch_one(handle.status.clone(), Arc::clone(&self.signals)));
        handles.push(handle);
        self.signals.changed.send_modify(|n| *n += 1);
        Some(status)
    }

    fn close(&self) -> Vec<Handle> {
        lock(&self.handles).take().unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which modems there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Those that are configured.
    pub modems: Vec<modem::Config>,
    /// How others are found, and those without a port; `None`: not at all.
    pub discovery: Option<discover::Config>,
    /// Where recordings of modems are written; `None`: nowhere.
    pub recordings: Option<PathBuf>,
    /// Where `sys` lies, which tells of the box's voltage; `None`: it is not looked at.
    pub supply: Option<PathBuf>,
    /// How ports are opened.
    pub dial: modem::Dial,
}

/// A try of the last process whose final code may still come: its port, and what is left of its deadline.
pub type Armed = (String, AttemptId, Duration);

/// Starts one driver a modem. `sims` are those that were ever used here, with their labels.
pub fn start(
    config: Config,
    armed: &[Armed],
    sims: Vec<(Iccid, Label)>,
    store: Store,
    clock: fn() -> Timestamp,
) -> (Slots, Lanes, Drivers, mpsc::Receiver<Received>) {
    let (lane, events) = mpsc::channel(EVENTS);
    let (received_in, received) = mpsc::channel(RECEIVED);
    let (pins_in, pins) = mpsc::channel(PIN_QUESTIONS);
    let (notices_in, notices) = mpsc::channel(NOTICES);
    let (joining_in, joining) = mpsc::channel(MOST_MODEMS);
    let ((changed_in, changed), (ended_in, ended)) = (watch::channel(0), watch::channel(false));
    let labels = Arc::new(Labels::new(sims));
    let rack = Arc::new(Rack {
        links: Links {
            lane,
            received: received_in,
            pins: pins_in,
            notices: notices_in,
            recordings: config.recordings,
            dial: config.dial,
        },
        seats: Seats::default(),
        labels: Arc::clone(&labels),
        joining: joining_in,
        signals: Arc::new(Signals { changed: changed_in, ended: ended_in }),
        handles: Mutex::new(Some(Vec::new())),
    });
    let (found, fixed): (Vec<_>, Vec<_>) = config.modems.into_iter().partition(|modem| modem.imei.is_some());
    let ports = fixed.iter().map(|config| config.port.clone()).collect();
    for config in fixed {
        rack.add(config, None, armed);
    }
    let (hindered_in, hindered) = watch::channel(Vec::new());
    let discovery = config.discovery.map(|config| {
        let host = discover::Host {
            modems: found.into_iter().filter_map(|config| Some((config.imei.clone()?, config))).collect(),
            fixed: ports,
            armed: armed.iter().map(|(port, ..)| port.clone()).collect(),
            seat: seat(&rack, armed.to_vec()),
            hindered: hindered_in,
            notices: rack.links.notices.clone(),
        };
        let end = TellsEnd(Arc::clone(&rack.signals));
        tokio::spawn(async move {
            let _end = end;
            discover::run(config, host).await;
        })
    });
    let (weak_in, weak) = watch::channel(false);
    let notices_of_box = rack.links.notices.clone();
    let supply = config.supply.map(|root| tokio::spawn(modem::supply::watch(root, notices_of_box, weak_in)));
    let pins = tokio::spawn(remember_pins(pins, store.clone()));
    let notices = tokio::spawn(keep_notices(notices, store, Arc::clone(&labels), clock));
    let slots = Slots { seats: Arc::clone(&rack.seats), labels, hindered, changed, ended, weak };
    (slots, Lanes { joining, events }, Drivers { rack, discovery, supply, pins, notices }, received)
}

/// How discovery puts a modem in.
fn seat(rack: &Arc<Rack>, armed: Vec<Armed>) -> discover::Seat {
    let rack = Arc::clone(rack);
    Box::new(move |config, port| rack.add(config, Some(port), &armed))
}

/// The try that was armed on this port when the process before ended. The name may have moved to another modem: then
/// nothing is heard, and nothing is lost by listening.
fn armed_on(port: &str, armed: &[Armed]) -> Option<(AttemptId, Duration)> {
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

/// Turns the changes of one modem into those of all.
async fn watch_one<S>(mut status: watch::Receiver<S>, signals: Arc<Signals>) {
    while status.changed().await.is_ok() {
        signals.changed.send_modify(|n| *n += 1);
    }
    signals.ended.send_replace(true);
}

impl Slots {
    /// Slots whose modems somebody else plays.
    #[cfg(test)]
    pub(crate) fn played(statuses: Vec<watch::Receiver<ModemStatus>>, changed: watch::Receiver<u64>) -> Slots {
        let labels = Labels::new(Vec::new());
        statuses.iter().for_each(|_| labels.configure(None));
        let ((_, ended), (_, hindered)) = (watch::channel(false), watch::channel(Vec::new()));
        let (_, weak) = watch::channel(false);
        let (orders, _) = mpsc::channel(1);
        let seat = |status: watch::Receiver<ModemStatus>| Seat {
            status,
            orders: orders.clone(),
            recorder: Recorder::of_nobody("none"),
        };
        Slots {
            seats: Arc::new(Mutex::new(statuses.into_iter().map(seat).collect())),
            labels: Arc::new(labels),
            hindered,
            changed,
            ended,
            weak,
        }
    }

    /// How many modems there are.
    pub fn len(&self) -> usize {
        lock(&self.seats).len()
    }

    /// True while there is no modem.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state of every modem, by index.
    pub fn statuses(&self) -> Vec<watch::Receiver<ModemStatus>> {
        lock(&self.seats).iter().map(|seat| seat.status.clone()).collect()
    }

    /// What was last said on the line of a modem, masked; `None` for one that does not exist.
    pub fn recording(&self, modem: usize) -> Option<String> {
        let recorder = lock(&self.seats).get(modem)?.recorder.clone();
        Some(recorder.text())
    }

    /// Gives an order to the modem with this label, or the one with a SIM of this label in it. `None`: there is none.
    pub async fn order(&self, label: &Label, order: Order) -> Option<Outcome> {
        let has_label = |index: usize, status: &ModemStatus| {
            let sim = status.sim.as_ref().map(|sim| self.sim_label(index, &sim.iccid));
            status.label == *label || sim.as_ref() == Some(label)
        };
        let seats = lock(&self.seats).clone();
        let found = seats.iter().enumerate().filter(|(index, seat)| has_label(*index, &seat.status.borrow()));
        let mut found: Vec<&Seat> = found.map(|(_, seat)| seat).collect();
        if found.len() > 1 {
            // A SIM may have been put into another modem.
            found.retain(|seat| !matches!(seat.status.borrow().phase, ModemPhase::Offline | ModemPhase::Stopped));
        }
        let seat = *found.first()?;
        if found.len() > 1 {
            return Some(Err(format!("more than one modem is called {label}; give them labels in the configuration")));
        }
        let (answer, outcome) = oneshot::channel();
        let given = seat.orders.try_send(Ordered { order, answer });
        if let Err(error) = given {
            return Some(Err(match error {
                TrySendError::Full(_) => "the modem has orders enough; try again later".to_owned(),
                TrySendError::Closed(_) => "the modem's driver has ended; see the log".to_owned(),
            }));
        }
        Some(match clock::timeout(ORDER, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("the modem was lost in the middle of it; see `gsmgate modems`".to_owned()),
            Err(_) => Err(format!("no answer within {} s; it may have been carried out all the same", ORDER.as_secs())),
        })
    }

    /// USB devices that should be modems and are not.
    pub fn hindered(&self) -> Vec<Hindered> {
        self.hindered.borrow().clone()
    }

    /// A counter that moves whenever any modem's state changes, or one is new.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    /// Whether the box has too little voltage for several modems that send at a time.
    pub fn supply_is_weak(&self) -> watch::Receiver<bool> {
        self.weak.clone()
    }

    /// Completes when a driver, or discovery, has ended: before the stop only a panic ends one.
    pub async fn driver_ended(&self) {
        if self.ended.clone().wait_for(|ended| *ended).await.is_err() {
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
        for (index, status) in self.statuses().into_iter().enumerate() {
            if let Some(sim) = &status.borrow().sim {
                let _ = self.sim_label(index, &sim.iccid);
            }
        }
        self.labels.knows(label)
    }

    /// Modems that can send now.
    pub fn ready(&self) -> usize {
        self.statuses().iter().filter(|status| status.borrow().phase == ModemPhase::Ready).count()
    }
}

/// Names of SIMs: from the configuration, else the one it had before, else made from the ICCID and kept apart.
#[derive(Debug)]
struct Labels {
    /// Of the processes before.
    known: HashMap<Iccid, Label>,
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    /// The operator's, by the modem's index.
    configured: Vec<Option<Label>>,
    made: HashMap<Iccid, Label>,
}

impl Names {
    fn has_configured(&self, label: &Label) -> bool {
        self.configured.iter().flatten().any(|other| other == label)
    }
}

impl Labels {
    fn new(sims: Vec<(Iccid, Label)>) -> Labels {
        Labels { known: sims.into_iter().collect(), names: Mutex::default() }
    }

    /// The name that the operator has given the SIM in the next modem.
    fn configure(&self, label: Option<Label>) {
        lock(&self.names).configured.push(label);
    }

    fn of(&self, modem: usize, iccid: &Iccid) -> Label {
        let mut names = lock(&self.names);
        if let Some(label) = names.made.get(iccid) {
            return label.clone();
        }
        let before = || self.known.get(iccid).filter(|label| !names.has_configured(label)).cloned();
        let taken = |label: &Label| {
            let others = self.known.iter().filter(|(other, _)| *other != iccid).map(|(_, label)| label);
            names.made.values().chain(others).any(|other| other == label) || names.has_configured(label)
        };
        let configured = names.configured.get(modem).cloned().flatten();
        let label = configured.or_else(before).unwrap_or_else(|| made_from(iccid, taken));
        names.made.insert(iccid.clone(), label.clone());
        label
    }

    fn knows(&self, label: &Label) -> bool {
        let names = lock(&self.names);
        names.made.values().chain(self.known.values()).any(|other| other == label) || names.has_configured(label)
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
        let labels = |second: Option<&Label>, sims| {
            let labels = Labels::new(sims);
            [None, second.cloned()].into_iter().for_each(|label| labels.configure(label));
            labels
        };
        let first = labels(None, Vec::new());
        let before = vec![(one.clone(), first.of(0, &one)), (two.clone(), first.of(1, &two))];
        assert_ne!(before[0].1, before[1].1);
        // The second is read first this time.
        let then = labels(None, before.clone());
        assert!(then.knows(&before[0].1), "one that is not there yet is waited for");
        assert_eq!((then.of(1, &two), then.of(0, &one)), (before[1].1.clone(), before[0].1.clone()));
        // The operator has the last word.
        let named = labels(Some(&before[0].1), before.clone());
        assert_eq!(named.of(1, &two), before[0].1);
        assert_ne!(named.of(0, &one), before[0].1);
    }

    /// F-37
    #[tokio::test]
    async fn a_driver_that_panics_is_noticed() {
        let ((changed, _), (ended, mut end)) = (watch::channel(0), watch::channel(false));
        let (status, watched) = watch::channel(());
        let watching = tokio::spawn(watch_one(watched, Arc::new(Signals { changed, ended })));
        let driver = tokio::spawn(async move {
            let _status = status;
            panic!("a test");
        });
        assert!(driver.await.is_err());
        watching.await.unwrap();
        assert!(*end.borrow_and_update());
    }

    #[test]
    fn sims_with_equal_tails_are_kept_apart() {
        let iccid: Iccid = "8949000000000011000".parse().unwrap();
        assert_eq!(made_from(&iccid, |_| false).as_str(), "sim-1000");
        assert_eq!(made_from(&iccid, |label| label.as_str() == "sim-1000").as_str(), "sim-11000");
    }
}
