//! A whole gateway on virtual modems, in one thread and in virtual time that stands still while the store works.

use super::support::machine::Machine;
use gsmgate::clock::{Line, Reading};
use gsmgate::model::{
    Event, EventKind, MessageId, MessageView, ModemPhase, ModemStatus, Notice, NoticeKind, OnUncertain, PublicState,
    Submission, Timestamp,
};
use gsmgate::modem::discover::{self, Take};
use gsmgate::simulator::{Fault, Handle, Lab, LabConfig, ModemStats, Record, What};
use gsmgate::store::{Config, Store};
use gsmgate::{gateway::Gateway, intake, modem, scheduler, slots};
use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// 2026-11-25 00:00:00 UTC.
pub(crate) const EPOCH: i64 = 1_795_564_800;
/// The pace of virtual time: whatever is real, a pty or the disk, gets its turn after so much of it.
const STEP: Duration = Duration::from_millis(20);
/// How often a state that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The longest wait of a row.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Octets of a recording that a failure shows.
const RECORDED: usize = 4096;
/// Somebody outside.
const TO: &str = "+491701234567";

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    static LINE: Cell<Option<Line>> = const { Cell::new(None) };
    /// Seconds that the wall clock of this thread's world is set ahead.
    static AHEAD: Cell<i64> = const { Cell::new(0) };
}

/// The gateway's own line of time.
fn clock() -> Timestamp {
    let line = LINE.get().unwrap_or_else(|| Line::begin(None, reading()));
    Timestamp(i64::try_from(line.now(now()).as_millis()).unwrap())
}

/// What the clocks of this thread's world show.
fn reading() -> Reading {
    let wall = u64::try_from(EPOCH + AHEAD.get()).unwrap();
    Reading { wall: Duration::from_secs(wall) + now(), boot: now() }
}

/// As the gateway does it: looks at the wall clock.
async fn heed(store: Store) {
    loop {
        sleep(SECOND).await;
        let mut line = LINE.get().unwrap();
        if line.heed(reading()) {
            store.wall_set(line.offset_ms(), clock()).await.unwrap();
        }
        LINE.set(Some(line));
    }
}

/// Since the first world of this thread began.
fn now() -> Duration {
    BEGAN.get().map_or(Duration::ZERO, |began| began.elapsed())
}

/// A gateway and its modems; the SIMs are called `sim0`, `sim1` …
pub(crate) struct World {
    pub(crate) lab: Handle,
    pub(crate) gateway: Gateway,
    modems: usize,
    began: Duration,
    ready_at: Arc<Mutex<Vec<Option<Duration>>>>,
    dir: tempfile::TempDir,
    _stop: watch::Sender<bool>,
    _drivers: slots::Drivers,
}

/// What came of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    /// The longest recovery.
    pub(crate) took: Duration,
    /// Messages that neither arrived nor were reported.
    pub(crate) lost: usize,
    /// The most that one message was sent or published too often.
    pub(crate) twice: usize,
}

impl Measured {
    /// Both.
    pub(crate) fn and(self, other: Measured) -> Measured {
        let Measured { took, lost, twice } = other;
        Measured { took: self.took.max(took), lost: self.lost + lost, twice: self.twice.max(twice) }
    }

    /// The same, with this as the recovery.
    pub(crate) fn took(self, took: Duration) -> Measured {
        Measured { took, ..self }
    }
}

impl World {
    /// Modems as configured, all of them ready.
    pub(crate) async fn ready(config: LabConfig) -> World {
        World::start(config).await.all_ready().await
    }

    /// The same world once all modems are ready, and have nothing to do.
    pub(crate) async fn all_ready(self) -> World {
        for modem in 0..self.modems {
            self.is_ready(modem).await;
        }
        self.quiet().await;
        self
    }

    /// One modem, ready, with this fault from then on.
    pub(crate) async fn with(fault: Fault) -> World {
        let world = World::ready(LabConfig::default()).await;
        world.lab.fault(fault).await.unwrap();
        world
    }

    /// Modems as configured, behind serial servers: what is under way to them is never out of sight of the clock, as it can
    /// be in a pty.
    pub(crate) async fn start(config: LabConfig) -> World {
        let dir = tempfile::tempdir().unwrap();
        let (handle, modems) = lab(config).await;
        let mut ports = Vec::new();
        for modem in 0..modems {
            let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            server.set_nonblocking(true).unwrap();
            ports.push(format!("tcp://{}", server.local_addr().unwrap()));
            tokio::spawn(serve(TcpListener::from_std(server).unwrap(), handle.clone(), modem));
        }
        World::made(dir, handle, fixed(&ports), Duration::ZERO)
    }

    /// Modems as configured, on ptys, which can be unplugged.
    pub(crate) async fn on_ptys(config: LabConfig) -> World {
        let dir = tempfile::tempdir().unwrap();
        let (handle, modems) = lab(LabConfig { dir: Some(dir.path().to_owned()), ..config }).await;
        let ports = (0..modems).map(|n| dir.path().join(format!("modem{n}")).to_str().unwrap().to_owned());
        let config = fixed(&ports.collect::<Vec<_>>());
        World::made(dir, handle, config, MS)
    }

    /// Modems as configured, on ptys, and a gateway that looks for them in the machine of this world.
    pub(crate) async fn to_be_found(config: LabConfig) -> (World, Machine) {
        let dir = tempfile::tempdir().unwrap();
        let machine = Machine::at(dir.path());
        let (handle, _) = lab(LabConfig { dir: Some(dir.path().to_owned()), ..config }).await;
        let found = discover::Config { root: machine.0.clone(), rescan: SECOND, ..discover::Config::new(Take::All) };
        let config = slots::Config { discovery: Some(found), ..slots::Config::default() };
        (World::made(dir, handle, config, MS), machine)
    }

    fn made(dir: tempfile::TempDir, lab: Handle, config: slots::Config, pause: Duration) -> World {
        let modems = config.modems.len();
        let config = slots::Config { supply: Some(dir.path().to_owned()), ..config };
        AHEAD.set(0);
        LINE.set(Some(Line::begin(None, reading())));
        let (store, recovered, _closer) = Store::open(&Config::new(dir.path().join("state")), clock()).unwrap();
        let (slots, lanes, drivers, received) =
            slots::start(config, &recovered.armed, recovered.sims, store.clone(), clock);
        let wake = scheduler::Wake::default();
        let gateway = Gateway::new("rig".parse().unwrap(), store.clone(), slots.clone(), wake.clone(), clock);
        let names = slots.clone();
        let wiring = scheduler::Wiring {
            store: store.clone(),
            slots,
            lanes,
            wake,
            next_attempt: recovered.next_attempt,
            clock,
            seed: 1,
        };
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(scheduler::run(scheduler::Config::default(), wiring, stopped));
        let name_sim = Box::new(move |modem: usize, iccid: &_| names.sim_label(modem, iccid));
        let settings = intake::Settings { adopt: intake::Adopt::Publish, name_sim, clock };
        tokio::spawn(intake::run(received, store.clone(), settings));
        tokio::spawn(heed(store.clone()));
        tokio::spawn(pace(store, pause));
        let ready_at = Arc::new(Mutex::new(vec![None; modems]));
        for (modem, status) in gateway.modems().into_iter().enumerate() {
            tokio::spawn(note_ready(status, modem, Arc::clone(&ready_at)));
        }
        World { lab, gateway, modems, began: now(), ready_at, dir, _stop: stop, _drivers: drivers }
    }

    /// Since the first world of this thread began.
    pub(crate) fn now(&self) -> Duration {
        now()
    }

    /// Sets the wall clock so many seconds ahead of what it was at the beginning.
    pub(crate) fn set_wall(&self, ahead: i64) {
        AHEAD.set(ahead);
    }

    /// By how many seconds the gateway has taken over what the wall clock was set to.
    pub(crate) fn wall_believed(&self) -> i64 {
        LINE.get().unwrap().offset_ms() / 1000
    }

    /// The world's folder, in which its `sys` lies too.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Looks until there is an answer.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, look: impl Fn() -> F) -> T {
        let begun = self.now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if self.now() - begun > PATIENCE {
                let states: Vec<_> = (0..self.modems).map(|n| self.status(n)).collect();
                let recording = self.gateway.recording(0).unwrap_or_default();
                let end = recording.floor_char_boundary(recording.len().saturating_sub(RECORDED));
                panic!("waited in vain: {what}\n{states:?}\n{}", &recording[end..]);
            }
            sleep(LOOK).await;
        }
    }

    pub(crate) fn status(&self, modem: usize) -> Option<ModemStatus> {
        self.gateway.modems().get(modem).map(|status| status.borrow().clone())
    }

    /// How many modems are ready.
    pub(crate) fn n_ready(&self) -> usize {
        self.gateway.modems().iter().filter(|status| status.borrow().phase == ModemPhase::Ready).count()
    }

    pub(crate) async fn is_in(&self, modem: usize, phase: ModemPhase) -> ModemStatus {
        let look = || async { self.status(modem).filter(|status| status.phase == phase) };
        self.until(&format!("modem {modem} {}", phase.word()), look).await
    }

    pub(crate) async fn is_ready(&self, modem: usize) -> ModemStatus {
        self.is_in(modem, ModemPhase::Ready).await
    }

    /// Waits until nobody has said anything for a while.
    pub(crate) async fn quiet(&self) {
        let mut commands = 0;
        loop {
            sleep(3 * SECOND).await;
            let now = self.stats().await.iter().map(|stats| stats.counters.commands).sum();
            if now == std::mem::replace(&mut commands, now) {
                return;
            }
        }
    }

    pub(crate) async fn stats(&self) -> Vec<ModemStats> {
        self.lab.stats().await.unwrap()
    }

    /// Hands a text over for a SIM, or for any.
    pub(crate) async fn send(&self, text: &str, sim: Option<usize>, on_uncertain: OnUncertain) -> MessageId {
        let sim = sim.map(|sim| format!("sim{sim}").parse().unwrap());
        let report = on_uncertain == OnUncertain::Resend;
        let submission = Submission { sim, on_uncertain, report, ..Submission::text(TO.parse().unwrap(), text) };
        self.gateway.submit(vec![submission], None).await.unwrap().remove(0).id
    }

    /// A text of the default kind.
    pub(crate) async fn text(&self, text: &str) -> MessageId {
        self.send(text, None, OnUncertain::Resend).await
    }

    pub(crate) async fn view(&self, id: &MessageId) -> MessageView {
        self.gateway.message(id).await.unwrap()
    }

    /// The message once it has ended.
    pub(crate) async fn ended(&self, id: &MessageId) -> MessageView {
        let look = || async {
            let view = self.view(id).await;
            view.state.is_final().then_some(view)
        };
        self.until(&format!("the end of {id}"), look).await
    }

    /// The message once it is in this state.
    pub(crate) async fn gets(&self, id: &MessageId, state: PublicState) {
        let look = || async { (self.view(id).await.state == state).then_some(()) };
        self.until(&format!("{id} {}", state.word()), look).await;
    }

    pub(crate) async fn events(&self) -> Vec<EventKind> {
        let mut all: Vec<Event> = Vec::new();
        loop {
            let more = self.gateway.events(all.last().map_or(0, |event| event.seq), 1000).await.unwrap();
            if more.is_empty() {
                return all.into_iter().map(|event| event.kind).collect();
            }
            all.extend(more);
        }
    }

    /// Subjects of the notices of a kind.
    pub(crate) async fn notices(&self, kind: NoticeKind) -> Vec<String> {
        self.told(kind).await.into_iter().map(|notice| notice.subject).collect()
    }

    /// What the notices of a kind say to a person.
    pub(crate) async fn details(&self, kind: NoticeKind) -> Vec<String> {
        self.told(kind).await.into_iter().map(|notice| notice.detail).collect()
    }

    async fn told(&self, kind: NoticeKind) -> Vec<Notice> {
        let told = self.events().await.into_iter().filter_map(|event| match event {
            EventKind::Notice(it) if it.notice.kind == kind => Some(it.notice),
            _ => None,
        });
        told.collect()
    }

    /// Texts that came in whole, each as often as it was published.
    pub(crate) async fn received(&self) -> Vec<String> {
        let whole = self.events().await.into_iter().filter_map(|event| match event {
            EventKind::Inbound(it) if it.missing.is_empty() && it.same_as.is_none() => it.text,
            _ => None,
        });
        whole.collect()
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        self.lab.records(0).await.unwrap()
    }

    /// When the last record of a kind was made.
    pub(crate) async fn last(&self, wanted: impl Fn(&What) -> bool) -> Option<Duration> {
        let records = self.records().await;
        let found = records.iter().rev().find(|record| wanted(&record.what))?;
        Some(since_epoch(found.at_us))
    }

    /// When a fault struck last.
    pub(crate) async fn struck(&self) -> Duration {
        self.until("a strike", || self.last(|what| matches!(what, What::FaultStruck { .. }))).await
    }

    /// How long each modem took from its return, or its first start, to be ready since.
    pub(crate) async fn recoveries(&self) -> Vec<Duration> {
        let mut took = Vec::new();
        for modem in 0..self.modems {
            let back = self.records().await.into_iter().rev().find(|it| it.modem == modem && it.what == What::Plugged);
            let back = back.map_or(self.began, |record| since_epoch(record.at_us));
            let ready = || async { lock(&self.ready_at)[modem].filter(|at| *at >= back) };
            took.push(self.until("a modem that is ready again", ready).await - back);
        }
        took
    }

    /// How often the centre has accepted this text.
    pub(crate) async fn accepted(&self, wanted: &str) -> usize {
        let is_it = |record: &Record| matches!(&record.what, What::Submit { ok: true, text, .. } if text == wanted);
        self.records().await.iter().filter(|record| is_it(record)).count()
    }

    /// What came of these messages, all of which are to arrive: lost ones, and those that went out twice. Each of those has
    /// to say so.
    pub(crate) async fn judge(&self, texts: &[(String, MessageId)]) -> Measured {
        let mut measured = Measured::default();
        for (text, id) in texts {
            let view = self.ended(id).await;
            let accepted = self.accepted(text).await;
            assert!(accepted <= 1 || view.duplicate_possible, "{text} went out {accepted} times, unexplained");
            measured.lost += usize::from(accepted == 0 || view.state != PublicState::Delivered);
            measured.twice = measured.twice.max(accepted.saturating_sub(1));
        }
        measured
    }

    /// Sends so many texts and has as many come in by the last SIM; how long both take.
    pub(crate) async fn traffic(&self, n: usize) -> Measured {
        let begun = self.now();
        let name = |way: &str, n: usize| format!("{way} {n} at {}", begun.as_millis());
        let mut sent = Vec::new();
        for n in 0..n {
            let text = name("out", n);
            let id = self.text(&text).await;
            sent.push((text, id));
            self.lab.inject(self.modems - 1, TO, &name("in", n)).await.unwrap();
        }
        let mut measured = self.judge(&sent).await;
        for n in 0..n {
            measured = measured.and(self.came(&name("in", n)).await);
        }
        measured.took(self.now() - begun)
    }

    /// Waits for a text from outside.
    pub(crate) async fn came(&self, text: &str) -> Measured {
        let begun = self.now();
        let look = || async {
            let times = self.received().await.iter().filter(|it| *it == text).count();
            (times > 0).then_some(times)
        };
        let times = self.until(text, look).await;
        Measured { took: self.now() - begun, lost: 0, twice: times - 1 }
    }

    /// Waits until every memory of every modem is empty.
    pub(crate) async fn emptied(&self) {
        let look = || async {
            let is_so = |stats: &ModemStats| stats.counters.stored == stats.counters.deleted && stats.waiting == 0;
            self.stats().await.iter().all(is_so).then_some(())
        };
        self.until("empty memories", look).await;
    }
}

fn since_epoch(at_us: i64) -> Duration {
    Duration::from_micros(u64::try_from(at_us - EPOCH * 1_000_000).unwrap())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// Notes when a modem became ready last.
async fn note_ready(
    mut status: watch::Receiver<ModemStatus>,
    modem: usize,
    ready_at: Arc<Mutex<Vec<Option<Duration>>>>,
) {
    while status.wait_for(|status| status.phase == ModemPhase::Ready).await.is_ok() {
        lock(&ready_at)[modem] = Some(now());
        if status.wait_for(|status| status.phase != ModemPhase::Ready).await.is_err() {
            return;
        }
    }
}

/// Modems on these ports; their SIMs are called `sim0`, `sim1` …
fn fixed(ports: &[String]) -> slots::Config {
    let modem = |(n, port): (usize, &String)| modem::Config {
        sim_label: Some(format!("sim{n}").parse().unwrap()),
        ..modem::Config::new(n, port.clone())
    };
    slots::Config { modems: ports.iter().enumerate().map(modem).collect(), ..slots::Config::default() }
}

/// A lab of this world's time, and how many modems it has.
async fn lab(config: LabConfig) -> (Handle, usize) {
    BEGAN.set(BEGAN.get().or_else(|| Some(Instant::now())));
    // The clock of a lab begins with a whole second.
    let began = Duration::from_secs(now().as_secs() + 1);
    sleep(began - now()).await;
    let modems = config.modems;
    let epoch = Some(EPOCH + i64::try_from(began.as_secs()).unwrap());
    let config = LabConfig { epoch, latency: 100 * MS, report_delay: 100 * MS, ..config };
    let (lab, handle) = Lab::new(config).unwrap();
    tokio::spawn(lab.run());
    (handle, modems)
}

/// Joins whoever connects to a modem in memory.
async fn serve(server: TcpListener, lab: Handle, modem: usize) {
    while let Ok((mut host, _)) = server.accept().await {
        host.set_nodelay(true).unwrap();
        if let Ok(mut line) = lab.connect(modem).await {
            // Either side may hang up.
            let _ = tokio::io::copy_bidirectional(&mut host, &mut line).await;
        }
    }
}

/// Lets virtual time go on a step, whenever the store has nothing to do and a pause is over.
async fn pace(store: Store, pause: Duration) {
    loop {
        let runtime = tokio::runtime::Handle::current();
        let store = store.clone();
        // While a blocking task runs, paused time stands still.
        let (at, nobody) = (clock(), "nobody".parse().unwrap());
        let settled = tokio::task::spawn_blocking(move || {
            std::thread::sleep(pause);
            // A write is answered after its commit, and a read after those before it.
            runtime.block_on(async {
                // There is no such message.
                let _ = store.cancel(nobody, at).await;
                store.cursor("pace").await.map(drop)
            })
        });
        if !matches!(settled.await, Ok(Ok(()))) {
            return;
        }
        sleep(STEP).await;
    }
}
