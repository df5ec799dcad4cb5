//! Joins the parts: the only module that knows everybody.

mod export;
mod hold;

use crate::clock;
use crate::gateway::Gateway;
use crate::model::{Label, Priority, Timestamp};
use crate::scheduler::{self, Wake};
use crate::slots::{self, Slots};
use crate::store::{self, OpenError, SnapshotError, Store, StoreError};
use crate::{bridge, intake};
use hold::Failures;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// Everything that a running gateway is made from; checked before anything opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The gateway's label.
    pub name: Label,
    /// The durable queue.
    pub store: store::Config,
    /// How often what is older than `store.retention` is removed: every 24 h, but in tests.
    pub tidy_every: Duration,
    /// Modems, and how others are found.
    pub slots: slots::Config,
    /// Retry and limits.
    pub scheduler: scheduler::Config,
    /// What to do with old messages on a SIM that is new to us.
    pub adopt: intake::Adopt,
    /// The socket of the command line.
    pub control_socket: PathBuf,
    /// The broker, if there is one.
    pub mqtt: Option<bridge::mqtt::Config>,
}

/// Why the gateway ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed while running; a restart recovers.
    #[error("the database failed: {0}")]
    StoreFailed(String),
    /// The control socket cannot be made.
    #[error("control socket {}: {source}", .path.display())]
    Control {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The system gives no thread.
    #[error("no thread for the MQTT bridge: {0}")]
    Thread(std::io::Error),
    /// A task panicked or ended too early: our fault.
    #[error("the {0} ended unexpectedly; please report this with the log")]
    TaskEnded(&'static str),
}

/// By then the clock of a box without one is set.
const FIRST_TIDY: Duration = Duration::from_secs(600);
/// Between two steps, so that a slow disk is not kept busy.
const TIDY_PAUSE: Duration = Duration::from_millis(20);

/// How soon a store that is asked too much is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How often it is looked whether a snapshot is due.
const SNAPSHOT_LOOK: Duration = Duration::from_secs(1200);

/// How often it is looked whether the wall clock was set.
const CLOCK_LOOK: Duration = Duration::from_secs(1);

/// Now on our own line of time: spans are right whatever the wall clock is set to.
pub fn now() -> Timestamp {
    timestamp(clock::ours())
}

/// What the wall clock shows.
fn wall() -> Timestamp {
    timestamp(clock::read().wall)
}

fn timestamp(since_1970: Duration) -> Timestamp {
    Timestamp(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Begins our line where the process before was.
fn begin(past: Option<store::Past>) -> store::Begin {
    let since_1970 = |at: Timestamp| Duration::from_millis(u64::try_from(at.0).unwrap_or(0));
    clock::begin(past.map(|past| clock::Past {
        began: since_1970(past.began),
        boot: past.boottime,
        last: since_1970(past.last),
        offset_ms: past.offset_ms,
    }));
    store::Begin { now: now(), boottime: clock::read().boot, offset_ms: clock::offset_ms() }
}

/// Runs a gateway until `stop` completes, then lets armed sends end (W-7) and closes the store. When the disk has failed again
/// and again it first waits for one that can be written.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> Result<(), Error> {
    tokio::pin!(stop);
    let failures = Failures::beside(&settings.control_socket);
    if failures.are_many(wall()) {
        tokio::select! {
            () = hold::wait(&settings.store.dir, &settings.control_socket) => {}
            () = &mut stop => return Ok(()),
        }
    }
    let done = work(settings, stop).await;
    let is_of_disk = match &done {
        Err(Error::StoreFailed(_)) => true,
        Err(Error::Open(error)) => error.is_of_disk(),
        _ => false,
    };
    if is_of_disk {
        failures.note(wall());
    }
    done
}

async fn work(settings: Settings, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let exported = settings.store.dir.join("exported");
    let (store, recovered, closer) = Store::open_by(&settings.store, &begin)?;
    tracing::info!(epoch = recovered.epoch, open = ?recovered.counts, "store opened");
    warn_of_missing_limits(&settings);
    let (slots, lanes, drivers, received) =
        slots::start(settings.slots, &recovered.armed, recovered.sims, store.clone(), now);
    let wake = Wake::default();
    let (stopping, stopped) = watch::channel(false);
    let gateway = Gateway::new(settings.name, store.clone(), slots.clone(), wake.clone(), now);
    let mut tasks: JoinSet<&'static str> = JoinSet::new();
    spawn(&mut tasks, "clock", heed_the_wall_clock(store.clone(), wake.clone()));

    let wiring = scheduler::Wiring {
        store: store.clone(),
        slots: slots.clone(),
        lanes,
        wake,
        next_attempt: recovered.next_attempt,
        clock: now,
        seed: seed(),
    };
    let mut scheduler = tokio::spawn(scheduler::run(settings.scheduler, wiring, stopped));
    let naming = slots.clone();
    let name_sim = Box::new(move |modem: usize, iccid: &_| naming.sim_label(modem, iccid));
    let intake_settings = intake::Settings { adopt: settings.adopt, name_sim, clock: now };
    spawn(&mut tasks, "intake", intake::run(received, store.clone(), intake_settings));
    let path = settings.control_socket;
    let control = bridge::control::Control::bind(&path).await.map_err(|source| Error::Control { path, source })?;
    spawn(&mut tasks, "control socket", control.serve(gateway.clone()));
    // The bridge ends last, so that what the drivers still report goes out.
    let (closing, closed) = watch::channel(false);
    let mqtt = settings.mqtt.map(|mqtt| on_its_own_thread("mqtt", bridge::mqtt::run(mqtt, gateway.clone(), closed)));
    let (mut mqtt, bridge) = mqtt.transpose().map_err(Error::Thread)?.unzip();
    spawn(&mut tasks, "house keeping", keep_house(slots.clone(), store.clone(), bridge));
    spawn(&mut tasks, "retention", tidy(store.clone(), exported, settings.tidy_every));
    spawn(&mut tasks, "snapshots", take_snapshots(store.clone()));
    // What the others have in the air ends in order; a restart recovers what the one that panicked had.
    spawn(&mut tasks, "driver of a modem, or who finds them", async move { slots.driver_ended().await });

    let mut failed = store.failed();
    let reason = tokio::select! {
        () = stop => None,
        Ok(_) = failed.wait_for(Option::is_some) => None,
        () = ended(&mut mqtt) => Some(Error::TaskEnded("MQTT bridge")),
        _ = &mut scheduler => Some(Error::TaskEnded("scheduler")),
        Some(ended) = tasks.join_next() => Some(Error::TaskEnded(ended.unwrap_or("task that panicked"))),
    };
    // Where the store failed, the others ended of that.
    let reason = failed.borrow().clone().map(Error::StoreFailed).or(reason);
    // systemd is not there on every box; then nobody listens.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stopping.send_replace(true);
    drivers.stop().await;
    // The scheduler ends when the last part in hand has; what becomes of it the store keeps also when its database has failed.
    if !scheduler.is_finished() {
        let _ = scheduler.await;
    }
    closing.send_replace(true);
    if mqtt.is_some() {
        // It has its own deadline.
        ended(&mut mqtt).await;
    }
    tasks.shutdown().await;
    drop((gateway, store));
    tokio::task::spawn_blocking(move || closer.close()).await.ok();
    reason.map_or(Ok(()), Err)
}

/// Runs on a thread of its own, so that a broker's flood never comes between a modem and its next byte. The answer
/// comes when it has ended; what is spawned on the handle runs when the thread does.
fn on_its_own_thread(
    name: &str,
    task: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<(oneshot::Receiver<()>, Handle)> {
    let (ended, wait) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(task);
        runtime.shutdown_background();
        drop(ended);
    })?;
    Ok((wait, handle))
}

/// Completes once when the thread has ended; never where there is none. Cancel safe.
async fn ended(thread: &mut Option<oneshot::Receiver<()>>) {
    match thread {
        Some(wait) => {
            let _ = wait.await;
            *thread = None;
        }
        None => std::future::pending().await,
    }
}

/// A task that is to run as long as the gateway does; its name is told when it does not.
fn spawn(tasks: &mut JoinSet<&'static str>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(async move {
        task.await;
        name
    });
}

/// Limits are off by default: one line at start names the setting.
fn warn_of_missing_limits(settings: &Settings) {
    if settings.scheduler.limits.is_off() && !settings.slots.modems.is_empty() {
        tracing::warn!("no sending limits are set; [limits] per_minute, per_hour and per_day protect a SIM");
    }
}

/// Tells systemd that we are up, how it goes, and that we live: that a task of each thread gets its turn (F-38). All tasks that
/// move modems share this one.
async fn keep_house(slots: Slots, store: Store, bridge: Option<Handle>) {
    let mut changed = slots.changed();
    let mut modems = true;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let mut watchdog = sd_notify::watchdog_enabled().map(|period| tokio::time::interval(period / 2));
    loop {
        let status = format!("{} of {} modems ready", slots.ready(), slots.len());
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Status(&status)]);
        tokio::select! {
            // Without modems there is no change, and the watchdog is fed all the same.
            changed = changed.changed(), if modems => modems = changed.is_ok(),
            () = tick(&mut watchdog) => {
                if let Some(bridge) = &bridge {
                    // One that has ended is told of elsewhere.
                    let _ = bridge.spawn(async {}).await;
                }
                if writer_lives(&store).await {
                    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
                }
            }
        }
    }
}

/// Answered by the thread that writes; where it takes nothing now it lives all the same.
async fn writer_lives(store: &Store) -> bool {
    loop {
        match store.counts().await {
            // Too many ask; that it stands still would look the same.
            Err(StoreError::Full) => tokio::time::sleep(ASK_AGAIN).await,
            answer => return !matches!(answer, Err(StoreError::Closed)),
        }
    }
}

/// Removes what is old, and soon after the start too, for a box that is off at night.
async fn tidy(store: Store, exported: PathBuf, every: Duration) {
    let mut wait = FIRST_TIDY;
    loop {
        clock::sleep(wait).await;
        wait = every;
        // Where the store cannot now, there is another time.
        if let Err(error) = export::overdue(&store, &exported, now()).await {
            tracing::error!(%error, "what no broker took for too long could not be kept in a file; it stays in the log");
        }
        while let Ok(true) = store.tidy(now()).await {
            clock::sleep(TIDY_PAUSE).await;
        }
    }
}

/// Looks often, so that a box that is on for an hour a day has snapshots too.
async fn take_snapshots(store: Store) {
    loop {
        clock::sleep(SNAPSHOT_LOOK).await;
        match store.snapshot(now()).await {
            Ok(Some(path)) => tracing::info!(path = %path.display(), "snapshot of the database taken"),
            Ok(None) | Err(SnapshotError::Closed) => {}
            Err(error) => tracing::error!(%error, "no snapshot of the database"),
        }
    }
}

/// Takes over what the wall clock was set to, once it has stayed so. Spans are not touched; what a client wants sent at an
/// instant is.
async fn heed_the_wall_clock(store: Store, wake: Wake) {
    let mut told = clock::offset_ms();
    loop {
        clock::sleep(CLOCK_LOOK).await;
        clock::heed();
        let offset_ms = clock::offset_ms();
        // Where the store cannot now, it is told later.
        if offset_ms != told && store.wall_set(offset_ms, now()).await.is_ok() {
            tracing::warn!(by_s = (offset_ms - told) / 1000, "the wall clock was set");
            told = offset_ms;
            wake.wake(Priority::Normal);
        }
    }
}

async fn tick(interval: &mut Option<tokio::time::Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

fn seed() -> u64 {
    // Jitter only needs to differ between boxes.
    getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()))
}
