//! Finds modems as they are plugged in, and knows them again under whatever name they come back.
//!
//! Only devices that the table of some make has are touched: to others a written `AT` may mean anything.

mod probe;
mod uevent;
mod usb;

use super::line::TCP;
use super::profile::Ports;
use super::{Config as ModemConfig, Noticed};
use crate::clock;
use crate::model::{Imei, Label, ModemStatus, Notice, NoticeKind};
use probe::Found;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::Instant;
use uevent::Uevents;
use usb::Device;

/// Devices probed at a time: a hub that comes up brings many at once (fault F-33).
const PROBES: usize = 4;
/// How often a port is woken at the first probe; three times more at each further one, as some modems boot for long.
const WAKE_TRIES: usize = 3;
const WAKE_TRIES_MOST: usize = 12;
/// After word from the kernel: a device makes its ports one after the other, and udev opens them to us.
const SETTLE: Duration = Duration::from_millis(300);
/// How long a device may lack ports that the table has for it.
const INCOMPLETE: Duration = Duration::from_secs(2);
/// Between two tries of a port that we may not open: udev may be at it (fault F-32).
const DENIED: Duration = Duration::from_secs(1);
/// How often that is tried before the next look at everything.
const DENIED_TRIES: u32 = 5;
/// How long a probe may take: a driver of the kernel may hang.
const PROBE: Duration = Duration::from_secs(180);

/// Which modems are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// All that are found.
    All,
    /// Those with an IMEI that is configured.
    Configured,
}

/// What discovery needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which modems are taken.
    pub take: Take,
    /// USB devices that are taken for modems beside those of the table: `idVendor` and `idProduct`.
    pub also: Vec<(u16, u16)>,
    /// How often everything is looked at, whether or not the kernel says anything. Default 30 s.
    pub rescan: Duration,
    /// Where `sys` and `dev` lie. Default `/`.
    pub root: PathBuf,
    /// What holds for modems that have no configuration of their own. Default: the defaults.
    pub every: ModemConfig,
}

impl Config {
    /// Takes these, everything else default.
    pub fn new(take: Take) -> Config {
        Config {
            take,
            also: Vec::new(),
            rescan: Duration::from_secs(30),
            root: "/".into(),
            every: ModemConfig::new(0, ""),
        }
    }
}

/// Puts a modem in whose port comes by the watch; `None`: the gateway stops.
pub type Seat =
    Box<dyn Fn(ModemConfig, watch::Receiver<Option<String>>) -> Option<watch::Receiver<ModemStatus>> + Send + Sync>;

/// What discovery works with.
pub struct Host {
    /// Modems of the configuration that are found by their IMEI.
    pub modems: Vec<(Imei, ModemConfig)>,
    /// Ports of the configuration, which are not ours.
    pub fixed: Vec<String>,
    /// Ports on which a submit of the last process may still end: they are listened to first, not probed.
    pub armed: Vec<String>,
    /// Puts a modem in.
    pub seat: Seat,
    /// Devices that should be modems and are not, and why.
    pub hindered: watch::Sender<Vec<Hindered>>,
    /// Who keeps what is told.
    pub notices: mpsc::Sender<Noticed>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("modems", &self.modems).field("fixed", &self.fixed).finish_non_exhaustive()
    }
}

/// A device that should be a modem and is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindered {
    /// Where it is plugged in: `1-1.2`.
    pub socket: String,
    /// `idVendor:idProduct`.
    pub usb: String,
    /// Why, and the next step.
    pub reason: String,
}

/// Looks for modems until it is dropped.
pub async fn run(config: Config, host: Host) {
    let uevents = Uevents::listen();
    if let Err(error) = &uevents {
        tracing::warn!(%error, "no word from the kernel of devices that come and go; they are looked for at times only");
    }
    let mut search = Search::new(config, host);
    search.seat_configured();
    loop {
        search.look().await;
        let due = search.due();
        tokio::select! {
            Some(ended) = search.probes.join_next_with_id() => search.probe_ended(ended),
            () = word(&uevents) => {
                clock::sleep(SETTLE).await;
                uevents.iter().for_each(Uevents::drain);
            }
            () = clock::sleep_until(due) => {}
        }
    }
}

async fn word(uevents: &std::io::Result<Uevents>) {
    match uevents {
        Ok(uevents) => uevents.next().await,
        Err(_) => std::future::pending().await,
    }
}

/// Where a device is plugged in, and which time.
type Key = (String, u32);

/// Where a modem is: the device, and the interface of it that answers.
type Place = (Key, u8);

/// A modem that has a driver, plugged in or not.
struct Seated {
    imei: Option<Imei>,
    status: watch::Receiver<ModemStatus>,
    port: watch::Sender<Option<String>>,
    place: Option<Place>,
}

impl Seated {
    fn imei(&self) -> Option<Imei> {
        self.imei.clone().or_else(|| self.status.borrow().imei.clone())
    }

    fn move_to(&mut self, place: Option<Place>, port: Option<String>) {
        self.place = place;
        self.port.send_if_modified(|now| {
            let has_changed = *now != port;
            *now = port;
            has_changed
        });
    }
}

/// What became of a device so far.
enum Fate {
    /// Some of its ports are missing.
    Incomplete,
    Probing,
    Taken,
    /// Not now: tried again at that time.
    Again(Instant),
    /// Never.
    Left,
}

struct Seen {
    fate: Fate,
    since: Instant,
    /// How often it was tried.
    tries: u32,
    device: Device,
}

struct Search {
    config: Config,
    host: Host,
    seen: HashMap<Key, Seen>,
    seated: Vec<Seated>,
    probes: JoinSet<Found>,
    probing: HashMap<task::Id, Key>,
    turns: Arc<Semaphore>,
    /// The interface that answered, of each kind of device.
    winners: HashMap<(u16, u16), u8>,
    /// What was told of already.
    told: HashSet<(Key, String)>,
    next_look: Instant,
}

impl Search {
    fn new(config: Config, host: Host) -> Search {
        Search {
            config,
            host,
            seen: HashMap::new(),
            seated: Vec::new(),
            probes: JoinSet::new(),
            probing: HashMap::new(),
            turns: Arc::new(Semaphore::new(PROBES)),
            winners: HashMap::new(),
            told: HashSet::new(),
            next_look: clock::now(),
        }
    }

    /// Modems that the operator names have their place whether or not they are here.
    fn seat_configured(&mut self) {
        for (imei, config) in std::mem::take(&mut self.host.modems) {
            self.seat(config, Some(imei), None, None);
        }
    }

    fn seat(&mut self, config: ModemConfig, imei: Option<Imei>, place: Option<Place>, port: Option<String>) {
        let (sender, receiver) = watch::channel(port);
        if let Some(status) = (self.host.seat)(ModemConfig { imei: imei.clone(), ..config }, receiver) {
            self.seated.push(Seated { imei, status, port: sender, place });
        }
    }

    /// Compares what is plugged in with what was.
    async fn look(&mut self) {
        let now = clock::now();
        self.next_look = now + self.config.rescan;
        let root = self.config.root.clone();
        let Ok(devices) = tokio::task::spawn_blocking(move || usb::scan(&root)).await else { return };
        let here: HashSet<Key> = devices.iter().map(|device| device.key.clone()).collect();
        self.seen.retain(|key, _| here.contains(key));
        self.told.retain(|(key, _)| here.contains(key));
        self.host.hindered.send_if_modified(|hindered| {
            let before = hindered.len();
            hindered.retain(|it| here.iter().any(|(socket, _)| *socket == it.socket));
            hindered.len() != before
        });
        for seated in &mut self.seated {
            if seated.place.as_ref().is_some_and(|(key, _)| !here.contains(key)) {
                seated.move_to(None, None);
            }
        }
        for device in devices {
            self.consider(device, now);
        }
        self.follow();
    }

    /// Gives modems that are where they were the names that their ports have now, and those that were taken before anybody
    /// knew who they are the place that is kept for them.
    fn follow(&mut self) {
        for n in 0..self.seated.len() {
            let Some(place) = self.seated[n].place.clone() else { continue };
            let port = self.port_of(&place);
            let imei = self.seated[n].imei.is_none().then(|| self.seated[n].imei()).flatten();
            let is_its = |seated: &Seated| imei.is_some() && seated.imei == imei && seated.place.is_none();
            match self.seated.iter().position(is_its) {
                Some(own) => {
                    self.seated[n].move_to(None, None);
                    self.seated[own].move_to(Some(place), port);
                }
                None => self.seated[n].move_to(Some(place), port),
            }
        }
    }

    fn port_of(&self, (key, interface): &Place) -> Option<String> {
        self.paths(key).into_iter().find_map(|(number, path)| (number == *interface).then_some(path))
    }

    /// When something is due though nothing is heard.
    fn due(&self) -> Instant {
        let dues = self.seen.values().filter_map(|seen| match seen.fate {
            Fate::Again(at) => Some(at),
            Fate::Incomplete => Some(seen.since + INCOMPLETE),
            Fate::Probing | Fate::Taken | Fate::Left => None,
        });
        dues.fold(self.next_look, Instant::min)
    }

    fn consider(&mut self, device: Device, now: Instant) {
        let key = device.key.clone();
        let seen = self.seen.entry(key.clone()).or_insert_with(|| Seen {
            fate: Fate::Incomplete,
            since: now,
            tries: 0,
            device: device.clone(),
        });
        let has_changed = seen.device != device;
        seen.device = device;
        let is_due = match seen.fate {
            Fate::Probing | Fate::Taken => false,
            Fate::Again(at) => at <= now || has_changed,
            Fate::Incomplete => seen.device.is_complete() || seen.since + INCOMPLETE <= now,
            Fate::Left => has_changed,
        };
        if !is_due {
            return;
        }
        let is_known = self.config.also.contains(&seen.device.id);
        match seen.device.ports() {
            Some(Ports::Storage) => self.leave(&key, "storage_mode", &storage_advice(self.device(&key))),
            Some(Ports::Network) => self.leave(&key, "hilink", HILINK),
            Some(_) if seen.device.is_barred => self.leave(&key, "not_authorized", &barred_advice(&key)),
            None if !is_known => self.set(&key, Fate::Left),
            Some(_) | None if self.is_configured(&key) => self.set(&key, Fate::Left),
            Some(_) | None => self.probe(&key),
        }
    }

    fn device(&self, key: &Key) -> Option<&Device> {
        self.seen.get(key).map(|seen| &seen.device)
    }

    fn set(&mut self, key: &Key, fate: Fate) {
        if let Some(seen) = self.seen.get_mut(key) {
            seen.fate = fate;
        }
    }

    /// The paths of a device's ttys, the most likely first, with their interfaces.
    fn paths(&self, key: &Key) -> Vec<(u8, String)> {
        let Some(device) = self.device(key) else { return Vec::new() };
        let winner = self.winners.get(&device.id);
        let mut paths: Vec<_> =
            device.candidates().into_iter().map(|tty| (tty.interface, self.path(&tty.name))).collect();
        // Stable: the others stay in their order.
        paths.sort_by_key(|(interface, _)| winner != Some(interface));
        paths
    }

    fn path(&self, tty: &str) -> String {
        self.config.root.join("dev").join(tty).to_string_lossy().into_owned()
    }

    /// True when the operator has named one of its ports: then he looks after it.
    fn is_configured(&self, key: &Key) -> bool {
        let real = |path: &str| fs::canonicalize(path).unwrap_or_else(|_| Path::new(path).to_owned());
        let fixed: HashSet<PathBuf> =
            self.host.fixed.iter().filter(|port| !port.starts_with(TCP)).map(|port| real(port)).collect();
        self.paths(key).iter().any(|(_, path)| fixed.contains(&real(path)))
    }

    fn probe(&mut self, key: &Key) {
        let paths = self.paths(key);
        if let Some((interface, port)) = paths.iter().find(|(_, path)| self.host.armed.contains(path)).cloned() {
            // What comes there now must not be taken for an answer to a probe.
            self.host.armed.retain(|armed| *armed != port);
            return self.take(key, None, interface, port);
        }
        if paths.is_empty() {
            return self.again(key, self.config.rescan);
        }
        self.set(key, Fate::Probing);
        let turns = Arc::clone(&self.turns);
        let wake = WAKE_TRIES.saturating_mul(1 + self.tries(key) as usize).min(WAKE_TRIES_MOST);
        let baud = self.config.every.baud;
        let settles = self.tries(key) + 1 < DENIED_TRIES;
        let probe = self.probes.spawn(async move {
            // It is never closed.
            let _turn = turns.acquire().await;
            clock::timeout(PROBE, probe::identify(paths, baud, wake, settles)).await.unwrap_or(Found::Mute)
        });
        self.probing.insert(probe.id(), key.clone());
    }

    fn probe_ended(&mut self, ended: Result<(task::Id, Found), JoinError>) {
        let (id, found) = ended.unwrap_or_else(|error| (error.id(), Found::Mute));
        if let Some(key) = self.probing.remove(&id) {
            self.probed(&key, found);
        }
    }

    fn probed(&mut self, key: &Key, found: Found) {
        let Some(Seen { device, .. }) = self.seen.get(key) else { return };
        let id = device.id;
        match found {
            Found::Modem { imei: None, .. } if self.config.take == Take::Configured => {
                self.hinder(key, "unknown_modem", "it does not tell its IMEI; give it a port in the configuration");
                self.again(key, self.config.rescan);
            }
            Found::Modem { interface, port, imei } => {
                self.winners.insert(id, interface);
                self.unhinder(key);
                self.take(key, imei, interface, port);
            }
            Found::Closed(error) => {
                let is_racing = error.is_cheap();
                let tries = self.tries(key);
                let pause = if is_racing && tries < DENIED_TRIES { DENIED } else { self.config.rescan };
                if !is_racing || tries + 1 >= DENIED_TRIES {
                    self.hinder(key, "port_closed", &format!("{error}; {}", error.hint()));
                }
                self.again(key, pause);
            }
            Found::Mute => {
                let tries = self.tries(key);
                self.hinder(key, "no_answer", "none of its ports answers AT; if it is no modem, nothing is wrong");
                self.again(key, self.config.rescan.saturating_mul(1 << tries.min(4)));
            }
        }
    }

    fn tries(&self, key: &Key) -> u32 {
        self.seen.get(key).map_or(0, |seen| seen.tries)
    }

    fn again(&mut self, key: &Key, pause: Duration) {
        if let Some(seen) = self.seen.get_mut(key) {
            seen.tries = seen.tries.saturating_add(1);
            seen.fate = Fate::Again(clock::now() + pause);
        }
    }

    /// Gives a modem the port that it has now.
    fn take(&mut self, key: &Key, imei: Option<Imei>, interface: u8, port: String) {
        // The name that the operator gave may have come into being meanwhile.
        if self.is_configured(key) {
            return self.set(key, Fate::Left);
        }
        let place = (key.clone(), interface);
        // Two with one IMEI are two (cheap pools of modems have that): the one that is here keeps its place.
        let is_it = |seated: &&mut Seated| seated.place.is_none() && imei.is_some() && seated.imei() == imei;
        if let Some(seated) = self.seated.iter_mut().find(is_it) {
            seated.move_to(Some(place), Some(port));
        } else if self.config.take == Take::All || imei.is_none() {
            self.seat(self.config.every.clone(), imei, Some(place), Some(port));
        } else {
            if self.seated.iter().any(|seated| seated.imei() == imei) {
                let reason = "another modem with its IMEI is plugged in; give this one a port in the configuration";
                self.hinder(key, "unknown_modem", reason);
                return self.again(key, self.config.rescan);
            }
            let reason = "its IMEI is not configured, and discovery takes configured modems only";
            return self.leave(key, "unknown_modem", reason);
        }
        self.set(key, Fate::Taken);
    }

    fn leave(&mut self, key: &Key, alarm: &str, reason: &str) {
        self.hinder(key, alarm, reason);
        self.set(key, Fate::Left);
    }

    /// Tells once why a device is no modem now.
    fn hinder(&mut self, key: &Key, alarm: &str, reason: &str) {
        let Some(usb) = self.device(key).map(Device::shown_id) else { return };
        let hindered = Hindered { socket: key.0.clone(), usb: usb.clone(), reason: reason.to_owned() };
        self.host.hindered.send_if_modified(|all| {
            if all.contains(&hindered) {
                return false;
            }
            all.retain(|it| it.socket != hindered.socket);
            all.push(hindered);
            true
        });
        if !self.told.insert((key.clone(), alarm.to_owned())) {
            return;
        }
        let detail = format!("USB device {usb} at {}: {reason}", key.0);
        tracing::warn!("{detail}");
        let label = Label::from_text(&format!("usb-{}", usb.replace(':', "-")));
        let Some(label) = label else { return };
        let notice = Notice::new(NoticeKind::Alarm, alarm, detail);
        // One that finds no room stands in the log.
        let _ = self.host.notices.try_send(Noticed { modem: 0, label, iccid: None, notice });
    }

    fn unhinder(&self, key: &Key) {
        self.host.hindered.send_if_modified(|all| {
            let before = all.len();
            all.retain(|it| it.socket != key.0);
            all.len() != before
        });
    }
}

const HILINK: &str = "a HiLink stick: a small router with a web page, which has no AT port; only other firmware gives it one \
                      (docs/modems.md)";

fn barred_advice((socket, _): &Key) -> String {
    format!(
        "the system does not let it be used; allow it in usbguard where that runs, else write 1 to \
         /sys/bus/usb/devices/{socket}/authorized"
    )
}

fn storage_advice(device: Option<&Device>) -> String {
    let (vendor, product) = device.map_or((0, 0), |device| device.id);
    format!(
        "it shows itself as a disk with drivers and is no modem yet; install usb-modeswitch, or try: usb_modeswitch -v \
         {vendor:04x} -p {product:04x} -K"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::board::Board;
    use std::sync::Mutex;

    type Ports = Arc<Mutex<Vec<watch::Receiver<Option<String>>>>>;
    type Statuses = Arc<Mutex<Vec<watch::Sender<ModemStatus>>>>;

    /// A search below this directory, for a modem with this IMEI; a submit may still end on that port.
    fn search(root: &Path, imei: &str, armed: &str) -> (Search, Ports, Statuses) {
        let (ports, statuses) = (Ports::default(), Statuses::default());
        let seat: Seat = {
            let (ports, statuses) = (Arc::clone(&ports), Arc::clone(&statuses));
            Box::new(move |config, port| {
                let (_, status) = Board::new(&config, mpsc::channel(1).0);
                let (status, receiver) = watch::channel(status.borrow().clone());
                ports.lock().unwrap().push(port);
                statuses.lock().unwrap().push(status);
                Some(receiver)
            })
        };
        let host = Host {
            modems: vec![(imei.parse().unwrap(), ModemConfig::new(0, ""))],
            fixed: Vec::new(),
            armed: vec![armed.to_owned()],
            seat,
            hindered: watch::channel(Vec::new()).0,
            notices: mpsc::channel(4).0,
        };
        let config = Config { root: root.to_owned(), ..Config::new(Take::All) };
        (Search::new(config, host), ports, statuses)
    }

    #[tokio::test]
    async fn a_modem_that_was_listened_to_first_gets_the_place_that_is_kept_for_it() {
        let root = tempfile::tempdir().unwrap();
        let plug =
            |tty| usb::tests::plug(root.path(), "1-1.2", 7, ("2c7c", "0125"), &[(2, 0, Some(tty)), (3, 0, None)]);
        plug("ttyUSB2");
        let path = |tty: &str| root.path().join("dev").join(tty).to_string_lossy().into_owned();
        let (mut search, ports, statuses) = search(root.path(), "357868041000017", &path("ttyUSB2"));
        search.seat_configured();
        search.look().await;
        let incomplete = search.seen.values_mut().next().unwrap();
        incomplete.since -= INCOMPLETE;
        search.look().await;
        let now = || ports.lock().unwrap().iter().map(|port| port.borrow().clone()).collect::<Vec<_>>();
        assert_eq!(now(), [None, Some(path("ttyUSB2"))]);
        statuses.lock().unwrap()[1].send_modify(|status| status.imei = "357868041000017".parse().ok());
        search.look().await;
        assert_eq!(now(), [Some(path("ttyUSB2")), None]);
        usb::tests::unplug(root.path(), "1-1.2");
        plug("ttyUSB8");
        search.look().await;
        assert_eq!(now(), [Some(path("ttyUSB8")), None], "only the name has changed");
        usb::tests::unplug(root.path(), "1-1.2");
        search.look().await;
        assert_eq!(now(), [None, None]);
    }
}
