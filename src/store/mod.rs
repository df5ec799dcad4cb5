//! The only module that says SQL: the durable queue, the event log, and what was received.

mod check;
mod clock;
mod events;
mod failing;
mod held;
mod inbox;
mod lock;
mod mailbox;
mod mark;
mod notices;
mod outbox;
mod overdue;
mod pins;
mod reader;
mod recent;
mod recover;
mod reports;
mod retention;
mod room;
mod salvage;
mod schema;
mod sims;
mod snapshot;
mod spill;
mod trust;
mod types;
mod writer;

use clock::boot_id;
pub use clock::{Begin, Past};
pub use overdue::Overdue;
pub use recover::resolve_wait;
pub use retention::Retention;
pub use schema::SchemaError;
pub use sims::SimSeen;
pub use snapshot::SnapshotError;
pub use types::{
    Accepted, Claim, Due, FirstTry, InboundPart, InboundPdu, NewMessage, PendingPart, Receipt, Recovered, ReportIn,
    Step, Undecided, Verdict, Work,
};

use crate::model::{
    Event, Iccid, Label, MessageId, MessageView, ModemNotice, PinMark, PinRecord, Priority, PublicState, QueueCounts,
    Refusal, StatusChange, StoreState, Timestamp,
};
use failing::Failing;
use lock::{Lock, LockError};
use mailbox::{Job, Mailbox, Reply};
use mark::{Extent, Mark};
use reader::{Answering, Reader};
use recent::Recent;
use retention::Tidy;
use room::Disk;
use rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE as NO_CKPT_ON_CLOSE;
use rusqlite::{Connection, OpenFlags};
use salvage::Salvage;
use snapshot::Snapshots;
use spill::Spill;
use std::future::Future;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use writer::{Announce, Desk, Writer};

/// Where the store lives and how much it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The state directory; made when it is missing.
    pub dir: PathBuf,
    /// Messages that are not final, at most. Default 1,000,000.
    pub max_queued: u64,
    /// How long things are kept.
    pub retention: Retention,
    /// Where snapshots of the database go; `None`: nowhere. Default `backups` in the state directory.
    pub backups: Option<PathBuf>,
}

impl Config {
    /// A store in this directory, everything else default.
    pub fn new(dir: impl Into<PathBuf>) -> Config {
        let dir = dir.into();
        let backups = Some(dir.join("backups"));
        Config { dir, max_queued: 1_000_000, retention: Retention::default(), backups }
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another gateway uses the directory.
    #[error("{} is in use by another gateway: {holder}", .dir.display())]
    InUse {
        /// The state directory.
        dir: PathBuf,
        /// What the other one wrote about itself.
        holder: String,
    },
    /// The directory or a file in it cannot be made or opened.
    #[error("{}: {source}", .path.display())]
    Io {
        /// What could not be made or opened.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be used.
    #[error("{}: {source}", .path.display())]
    Schema {
        /// The database.
        path: PathBuf,
        /// Why.
        source: SchemaError,
    },
}

impl OpenError {
    /// The disk does not do its work, or what is on it is damaged: no permission or wrong version that a person mends.
    pub fn is_of_disk(&self) -> bool {
        match self {
            OpenError::InUse { .. } => false,
            OpenError::Io { source, .. } => source.kind() != std::io::ErrorKind::PermissionDenied,
            OpenError::Schema { source, .. } => {
                matches!(source, SchemaError::Damaged(_) | SchemaError::Sqlite(_) | SchemaError::Migration(_))
            }
        }
    }
}

/// Why the store could not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It has failed or is closed; nothing was changed.
    #[error("the store takes no more changes; the gateway is stopping")]
    Closed,
    /// There is no room for more; try again later.
    #[error("the queue is full; try again later")]
    Full,
    /// The disk is full, or fills and this has time; nothing was changed.
    #[error("the disk is full; free some room, and the gateway goes on by itself")]
    NoRoom,
    /// Another program holds the database; nothing was changed.
    #[error("another program holds the database; end it, and the gateway goes on by itself")]
    Locked,
    /// It could not be read this time.
    #[error("the database could not be read; the log says why")]
    Unreadable,
}

impl StoreError {
    /// It may work later, without a restart.
    pub fn is_passing(self) -> bool {
        matches!(self, StoreError::Full | StoreError::NoRoom | StoreError::Locked)
    }
}

/// Why a message could not be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// No message has this id.
    #[error("no message has this id")]
    NotFound,
    /// It is being sent, or final.
    #[error("the message is {} already", .0.word())]
    TooLate(PublicState),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store: a cheap handle to two threads, one that writes and one that reads.
#[derive(Clone)]
pub struct Store {
    mailbox: Arc<Mailbox>,
    reader: Reader,
    recent: Recent,
    committed: watch::Receiver<u64>,
    failed: watch::Receiver<Option<String>>,
    state: watch::Receiver<StoreState>,
    log_id: Arc<str>,
    snapshots: Option<Snapshots>,
    _lock: Arc<Lock>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("log_id", &self.log_id).finish_non_exhaustive()
    }
}

/// Who writes, to be ended in order.
#[derive(Debug)]
pub struct Closer {
    thread: Option<std::thread::JoinHandle<()>>,
    mailbox: Arc<Mailbox>,
}

impl Closer {
    /// Does what waits, writes the cursors, and closes the database. Blocks. Of a store that is a task it only has that done.
    pub fn close(self) {
        self.mailbox.close();
        if self.thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's thread panicked");
        }
    }
}

impl Store {
    /// Opens the database, mends what the process before left (R), and starts the threads.
    pub fn open(config: &Config, now: Timestamp) -> Result<(Store, Recovered, Closer), OpenError> {
        Store::open_by(config, &|_| Begin { now, boottime: Duration::ZERO, offset_ms: 0 })
    }

    /// The same, by a clock that goes on where the process before was.
    pub fn open_by(
        config: &Config,
        clock: &dyn Fn(Option<Past>) -> Begin,
    ) -> Result<(Store, Recovered, Closer), OpenError> {
        let (store, recovered, Staff { desk, answering, is_large }) =
            Store::made(config, clock, Mailbox::for_thread())?;
        let io = |source| OpenError::Io { path: config.dir.join("gsmgate.db"), source };
        let thread = |name: &str| std::thread::Builder::new().name(name.into());
        thread("store-reader").spawn(move || answering.run()).map_err(io)?;
        let thread = thread("store-writer").spawn(move || desk.run()).map_err(io)?;
        if is_large {
            check::in_background(config.dir.join("gsmgate.db"), Arc::clone(&store.mailbox)).map_err(io)?;
        }
        let closer = Closer { thread: Some(thread), mailbox: Arc::clone(&store.mailbox) };
        Ok((store, recovered, closer))
    }

    /// The same without threads, for tests in virtual time: the future does the work of both, in the time of the runtime that it
    /// runs in. It ends when the store is closed, the database failed, or all handles are gone.
    pub fn open_as_task(
        config: &Config,
        now: Timestamp,
    ) -> Result<(Store, Recovered, Closer, impl Future<Output = ()> + use<>), OpenError> {
        let clock = |_| Begin { now, boottime: Duration::ZERO, offset_ms: 0 };
        let (store, recovered, Staff { desk, answering, .. }) = Store::made(config, &clock, Mailbox::for_task())?;
        let work = async move {
            tokio::select! {
                biased;
                () = desk.run_as_task() => {}
                () = answering.run_as_task() => {}
            }
        };
        let closer = Closer { thread: None, mailbox: Arc::clone(&store.mailbox) };
        Ok((store, recovered, closer, work))
    }

    fn made(
        config: &Config,
        clock: &dyn Fn(Option<Past>) -> Begin,
        mailbox: Mailbox,
    ) -> Result<(Store, Recovered, Staff), OpenError> {
        let mailbox = Arc::new(mailbox);
        // What was damaged tells no time.
        let Begin { now, .. } = clock(None);
        let lock = open_dir(&config.dir)?;
        let disk = Disk::of(&config.dir);
        if disk.state() == StoreState::Full && disk.throw_ballast() {
            tracing::warn!("the disk is full; the ballast makes room for what is to be mended");
        }
        let path = config.dir.join("gsmgate.db");
        let salvage = Salvage { dir: &config.dir, path: &path, backups: config.backups.as_deref() };
        salvage.finish_begun(now)?;
        salvage.check_emptied(now)?;
        salvage.check_wal(&boot_id(), now)?;
        salvage.check_suspicion(&disk.suspicion(), now)?;
        let mut opened = Opened::new(config, &path, clock, &mailbox, &disk);
        if let Err(OpenError::Schema { source, .. }) = &opened
            && source.is_damage()
        {
            salvage.run(&source.to_string(), now)?;
            opened = Opened::new(config, &path, clock, &mailbox, &disk);
        }
        let Opened { writer, reading, recent, log_id, recovered, is_large } = opened?;
        let (announce_committed, committed) = watch::channel(writer.last_seq());
        let (announce_failed, failed) = watch::channel(None);
        let not_before = salvage.is_lately_done(now).then(|| Instant::now() + salvage::ONCE_IN);
        let failing = Failing { suspicion: disk.suspicion(), failed: announce_failed.clone(), not_before };
        let (reader, answering) = Reader::new(reading, failing.clone());
        let (announce_state, state) = watch::channel(writer.state());
        let announce = Announce { committed: announce_committed, failed: announce_failed, state: announce_state };
        let desk = Desk::new(writer, Arc::clone(&mailbox), announce);
        let lock = Arc::new(lock);
        let snapshots = config.backups.clone().map(|dir| Snapshots { database: path.clone(), dir, failing });
        let log_id = log_id.into();
        let store = Store { mailbox, reader, recent, committed, failed, state, log_id, snapshots, _lock: lock };
        Ok((store, recovered, Staff { desk, answering, is_large }))
    }

    /// Set to the reason when the database failed: the process has to end.
    pub fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.clone()
    }

    /// Whether what comes can be kept.
    pub fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// The `seq` of the last committed event.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    /// Identity of this event log: random, made with the database.
    pub fn log_id(&self) -> &str {
        &self.log_id
    }

    /// T1: durable when it returns.
    pub async fn accept(&self, messages: Vec<NewMessage>, now: Timestamp) -> Result<Vec<Accepted>, StoreError> {
        if *self.state.borrow() == StoreState::Low && messages.iter().all(|message| message.priority == Priority::Low) {
            return Err(StoreError::NoRoom);
        }
        self.write(move |writer| writer.accept(&messages, now)).await?.ok_or(StoreError::Full)
    }

    /// T2 to T7: the steps of one call are one transaction, in order; claims ride with the next commit. When the database has
    /// failed, what became of tries is still kept, until the store is closed.
    pub fn step(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        if steps.is_empty() {
            return Ok(());
        }
        self.mailbox.push_steps(steps)
    }

    /// What is due now. Steps that were given before are respected.
    pub async fn due(&self, now: Timestamp, limit: usize) -> Result<Due, StoreError> {
        self.read_on_writer(move |writer| writer.due(now, limit, None)).await
    }

    /// What is due now and can go out by one of these SIMs: what is meant for another one is passed over.
    pub async fn due_on(&self, now: Timestamp, limit: usize, sims: Vec<Label>) -> Result<Due, StoreError> {
        self.read_on_writer(move |writer| writer.due(now, limit, Some(&sims))).await
    }

    /// T9, and everything else whose time has come: incomplete messages, reports without a message. Returns when the next
    /// such time is.
    pub async fn expire(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.write(move |writer| {
            writer.expire(now)?;
            writer.publish_partials(now)?;
            writer.publish_orphans(now)?;
            writer.next_timeout()
        })
        .await
    }

    /// The wall clock was set, and is so many milliseconds ahead of our instants.
    pub async fn wall_set(&self, offset_ms: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |writer| writer.wall_set(offset_ms, now)).await
    }

    /// One small step of removing what is old, when nothing else waits. True when there is more to do.
    pub async fn tidy(&self, now: Timestamp) -> Result<bool, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = move |writer: &mut Writer| writer.tidy(now);
        self.mailbox.push_spare(Job { writes: true, work: Box::new(answering(reply, work)) })?;
        answer.await.unwrap_or_else(|_| Err(self.refused()))
    }

    /// What a bridge has not handed over for too long: the oldest events of that, at most so many.
    pub async fn overdue(&self, now: Timestamp, limit: usize) -> Result<Option<Overdue>, StoreError> {
        let found = self.read_on_writer(move |writer| writer.overdue(now, limit)).await?;
        let Some((after, upto)) = found else { return Ok(None) };
        let mut events = self.reader.ask_in_turn(move |connection| reader::events(connection, after, limit)).await?;
        events.retain(|event| event.seq <= upto);
        Ok(Some(Overdue { events, upto }))
    }

    /// Lets every bridge go past what is overdue: it is kept elsewhere, as somebody is told. Durable when it returns.
    pub async fn give_up(&self, upto: u64, told: Option<ModemNotice>, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |writer| writer.give_up(upto, told.as_ref(), now)).await?;
        self.mailbox.give_up(upto);
        Ok(())
    }

    /// Up to where nothing is to be published any more, since this process began.
    pub fn given_up(&self) -> u64 {
        self.mailbox.given_up()
    }

    /// A copy of the database, on a thread of its own, where the last is older than 6 hours; the newest two are kept. `None`:
    /// it is not due, not wanted, or the disk is too full for it. Cancel safe: it is finished all the same.
    pub async fn snapshot(&self, now: Timestamp) -> Result<Option<PathBuf>, SnapshotError> {
        let Some(snapshots) = self.snapshots.clone() else { return Ok(None) };
        let (mailbox, state) = (Arc::clone(&self.mailbox), *self.state.borrow());
        let (reply, answer) = oneshot::channel();
        let path = snapshots.dir.clone();
        std::thread::Builder::new()
            .name("store-snapshot".into())
            .spawn(move || _ = reply.send(snapshots.take(now, state, &mailbox)))
            .map_err(|source| SnapshotError::Io { path, source })?;
        answer.await.unwrap_or(Err(SnapshotError::Closed))
    }

    /// T10: durable when it returns.
    pub async fn cancel(&self, id: MessageId, now: Timestamp) -> Result<PublicState, CancelError> {
        match self.write(move |writer| writer.cancel(&id, now)).await? {
            None => Err(CancelError::NotFound),
            Some(Err(state)) => Err(CancelError::TooLate(state)),
            Some(Ok(state)) => Ok(state),
        }
    }

    /// Keeps a received PDU: durable when it returns.
    pub async fn receive(&self, pdu: InboundPdu) -> Result<Receipt, StoreError> {
        self.write(move |writer| writer.receive(&pdu)).await
    }

    /// T8: durable when it returns.
    pub async fn report(&self, report: ReportIn) -> Result<(), StoreError> {
        self.write(move |writer| writer.report(&report)).await
    }

    /// The event of a refused command: durable when it returns.
    pub async fn refuse(&self, refusal: Refusal, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |writer| writer.refused(&refusal, now)).await
    }

    /// The event of something that a modem told: durable when it returns.
    pub async fn notice(&self, notice: ModemNotice, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |writer| writer.notice(&notice, now)).await
    }

    /// What is known of a SIM that a modem has now; durable when it returns.
    pub async fn sim_seen(&self, iccid: Iccid, label: Label, now: Timestamp) -> Result<SimSeen, StoreError> {
        self.write(move |writer| writer.sim_seen(&iccid, &label, now)).await
    }

    /// Remembers a message that is left on its SIM, by the SHA-256 of its PDU; durable when it returns.
    pub async fn leave_alone(&self, iccid: Iccid, sha256: [u8; 32]) -> Result<(), StoreError> {
        self.write(move |writer| writer.leave_alone(&iccid, &sha256)).await
    }

    /// What is remembered of a PIN, by its digest, in a SIM in a modem, and what is to be remembered from now on; durable when it returns.
    pub async fn pin_record(
        &self,
        sim: String,
        modem: String,
        pin: [u8; 32],
        mark: Option<PinMark>,
    ) -> Result<PinRecord, StoreError> {
        self.write(move |writer| writer.pin_record(&sim, &modem, &pin, mark)).await
    }

    /// Events after `seq`, in order.
    pub async fn events(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        match self.recent.after(after, limit) {
            Some(events) => Ok(events),
            None => self.reader.ask_in_turn(move |connection| reader::events(connection, after, limit)).await,
        }
    }

    /// Up to where a bridge has handed everything over. What is behind that is kept for it from now on.
    pub async fn cursor(&self, bridge: &'static str) -> Result<u64, StoreError> {
        let kept = self.reader.ask_in_turn(move |connection| reader::cursor(connection, bridge)).await?;
        let cursor = kept.max(self.mailbox.moved_cursor(bridge).unwrap_or(0));
        // From now on the log waits for this bridge, also where it has handed nothing over yet.
        self.mailbox.move_cursor(bridge, cursor, Vec::new())?;
        Ok(cursor)
    }

    /// Moves a bridge's cursor with the next commit that can be made, and writes down the events that it went past.
    pub fn acknowledge(&self, bridge: &'static str, upto: u64, parked: Vec<(u64, String)>) -> Result<(), StoreError> {
        self.mailbox.move_cursor(bridge, upto, parked)
    }

    /// A message with its history.
    pub async fn message(&self, id: MessageId) -> Result<Option<MessageView>, StoreError> {
        self.reader.ask(move |connection| reader::message(connection, &id)).await
    }

    /// Messages that are not final.
    pub async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.read_on_writer(|writer| Ok(writer.rows.counts)).await
    }

    /// The state of every message that is not final.
    pub async fn open_statuses(&self) -> Result<Vec<StatusChange>, StoreError> {
        self.reader.ask_in_turn(reader::open_statuses).await
    }

    /// When parts were armed on a SIM after an instant.
    pub async fn armed_since(&self, iccid: Iccid, since: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        self.reader.ask_in_turn(move |connection| reader::armed_since(connection, &iccid, since)).await
    }

    /// The database fails for good.
    #[cfg(test)]
    pub(crate) async fn fail(&self) {
        self.write(|_| Err::<(), _>(rusqlite::Error::InvalidQuery)).await.unwrap_err();
    }

    /// Runs on the writing thread; answered after the commit. Cancel safe: the work is done all the same.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.mailbox.push(Job { writes: true, work: Box::new(answering(reply, work)) })?;
        answer.await.unwrap_or_else(|_| Err(self.refused()))
    }

    /// Why work was dropped.
    fn refused(&self) -> StoreError {
        if self.mailbox.is_closed() {
            return StoreError::Closed;
        }
        if *self.state.borrow() == StoreState::Locked { StoreError::Locked } else { StoreError::NoRoom }
    }

    async fn read_on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work = move |writer: &mut Writer| -> rusqlite::Result<Reply> {
            let value = work(writer)?;
            Ok(Box::new(move |_| {
                let _ = reply.send(value);
            }))
        };
        self.mailbox.push(Job { writes: false, work: Box::new(work) })?;
        answer.await.map_err(|_| self.refused())
    }
}

/// The work, answered after its commit. A caller that went away needs no answer.
fn answering<T: Send + 'static>(
    reply: oneshot::Sender<Result<T, StoreError>>,
    work: impl FnOnce(&mut Writer) -> rusqlite::Result<T> + Send + 'static,
) -> impl FnOnce(&mut Writer) -> rusqlite::Result<Reply> + Send + 'static {
    move |writer| match work(writer) {
        Ok(value) => Ok(Box::new(move |done| _ = reply.send(done.map(|()| value)))),
        Err(error) => {
            writer.reply_after_commit(Box::new(move |done| {
                _ = reply.send(Err(done.err().unwrap_or(StoreError::Closed)));
            }));
            Err(error)
        }
    }
}

fn open_dir(dir: &Path) -> Result<Lock, OpenError> {
    let io = |path: &Path, source| OpenError::Io { path: path.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| io(dir, error))?;
    let path = dir.join("lock");
    lock::take(&path).map_err(|error| match error {
        LockError::Held(holder) => OpenError::InUse { dir: dir.to_owned(), holder },
        LockError::Io(source) => io(&path, source),
    })
}

/// Who does the work.
struct Staff {
    desk: Desk,
    answering: Answering,
    /// The file was not checked at the start.
    is_large: bool,
}

/// A database in use.
struct Opened {
    writer: Writer,
    reading: Connection,
    recent: Recent,
    log_id: String,
    recovered: Recovered,
    /// Nobody has looked yet whether the file is damaged.
    is_large: bool,
}

impl Opened {
    fn new(
        config: &Config,
        path: &Path,
        clock: &dyn Fn(Option<Past>) -> Begin,
        mailbox: &Mailbox,
        disk: &Disk,
    ) -> Result<Opened, OpenError> {
        let schema = |source| OpenError::Schema { path: path.to_owned(), source };
        let mut connection = connect(path)?;
        schema::open_writer(&mut connection, config.backups.as_deref()).map_err(schema)?;
        let reading = Connection::open_with_flags(path, reading_flags()).map_err(|error| schema(error.into()))?;
        schema::open_reader(&reading).map_err(schema)?;
        let is_large = schema::is_large(&connection).map_err(|error| schema(error.into()))?;
        let recent = Recent::default();
        let (writer, log_id, recovered) = recover(connection, config, clock, mailbox, recent.clone(), disk.clone())?;
        Ok(Opened { writer, reading, recent, log_id, recovered, is_large })
    }
}

/// The database file is made by us first, so that nobody else can read it; SQLite gives its side files the same mode.
fn connect(path: &Path) -> Result<Connection, OpenError> {
    let made = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    Connection::open_with_flags(path, open_flags())
        // Whatever ends us, the WAL stays; it goes with the last checkpoint.
        .and_then(|connection| connection.set_db_config(NO_CKPT_ON_CLOSE, true).map(|_| connection))
        .map_err(|error| OpenError::Schema { path: path.to_owned(), source: error.into() })
}

fn reading_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn open_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// R, committed before anything else happens.
fn recover(
    connection: Connection,
    config: &Config,
    clock: &dyn Fn(Option<Past>) -> Begin,
    mailbox: &Mailbox,
    recent: Recent,
    disk: Disk,
) -> Result<(Writer, String, Recovered), OpenError> {
    let spill = config.dir.join("spill");
    let io = |source| OpenError::Io { path: spill.clone(), source };
    let failed =
        |error: rusqlite::Error| OpenError::Schema { path: config.dir.join("gsmgate.db"), source: error.into() };
    let log_id = log_id(&connection).map_err(failed)?;
    let begin = clock(clock::past(&connection).map_err(failed)?);
    let epoch = clock::begin_epoch(&connection, &begin).map_err(failed)?;
    let mark = Mark::make(&config.dir.join("gsmgate.db"), boot_id(), Extent::of(&connection).map_err(failed)?);
    let spill = Spill::open(&config.dir).map_err(io)?;
    let mut writer = Writer::new(connection, epoch, config.max_queued, recent, disk, spill).map_err(failed)?;
    writer.tidy = Tidy::new(config.retention);
    writer.mark = Some(mark);
    let recovered = writer.start(mailbox, &begin).map_err(failed)?;
    Ok((writer, log_id, recovered))
}

/// The log's identity.
fn log_id(connection: &Connection) -> rusqlite::Result<String> {
    let mut random = [0_u8; 8];
    // Without randomness the process number still tells two logs of one box apart.
    if getrandom::fill(&mut random).is_err() {
        random = u64::from(std::process::id()).to_be_bytes();
    }
    let made: String = random.iter().map(|octet| format!("{octet:02x}")).collect();
    connection.execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('log_id', ?1)", [made])?;
    connection.query_row("SELECT value FROM meta WHERE key = 'log_id'", [], |row| row.get(0))
}
