//! The thread that owns the connection: runs jobs in one transaction after the other, arming first.

use super::{Step, StoreError};
use crate::model::Iccid;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Jobs that wait; more are refused as [`StoreError::Full`].
const JOBS: usize = 4096;
/// Steps that wait: far above two a lane, so reaching it means that the thread hangs.
const STEPS: usize = 4096;
/// Jobs taken into one transaction, so that a flood of commands does not hold its first one up.
const GROUP: usize = 256;

/// What the caller hears, once the transaction is durable (`Ok`) or lost.
pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Work on the database.
type Work = Box<dyn FnOnce(&mut Writer) -> rusqlite::Result<Reply> + Send>;

/// A job. A writing job is answered after its commit; a reading one at once.
pub(super) struct Job {
    pub(super) writes: bool,
    pub(super) work: Work,
}

/// The queue into the thread.
#[derive(Default)]
pub(super) struct Inbox {
    queues: Mutex<Queues>,
    filled: Condvar,
}

#[derive(Default)]
struct Queues {
    steps: VecDeque<Vec<Step>>,
    jobs: VecDeque<Job>,
    /// Cursors to write with the next commit: none of them is a commit of its own.
    cursors: BTreeMap<&'static str, u64>,
    closed: bool,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        // A panic while the lock is held cannot leave a queue half changed.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push_steps(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.closed || queues.steps.len() >= STEPS {
            return Err(StoreError::Closed);
        }
        queues.steps.push_back(steps);
        self.filled.notify_one();
        Ok(())
    }

    pub(super) fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(StoreError::Closed);
        }
        if queues.jobs.len() >= JOBS {
            return Err(StoreError::Full);
        }
        queues.jobs.push_back(job);
        self.filled.notify_one();
        Ok(())
    }

    pub(super) fn move_cursor(&self, bridge: &'static str, upto: u64) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(StoreError::Closed);
        }
        let cursor = queues.cursors.entry(bridge).or_default();
        *cursor = upto.max(*cursor);
        Ok(())
    }

    /// The cursor that is not written yet.
    pub(super) fn moved_cursor(&self, bridge: &str) -> Option<u64> {
        self.lock().cursors.get(bridge).copied()
    }

    /// No more work is taken; what waits is still done.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    fn take_steps(&self) -> VecDeque<Vec<Step>> {
        std::mem::take(&mut self.lock().steps)
    }

    /// Waits for something to do. `None`: closed, and nothing is left.
    fn wait(&self) -> Option<(VecDeque<Vec<Step>>, VecDeque<Job>)> {
        let mut queues = self.lock();
        loop {
            if !queues.steps.is_empty() || !queues.jobs.is_empty() {
                let n = queues.jobs.len().min(GROUP);
                let jobs = queues.jobs.drain(..n).collect();
                return Some((std::mem::take(&mut queues.steps), jobs));
            }
            if queues.closed {
                return None;
            }
            queues = self.filled.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The connection with what is cached of it.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) epoch: i64,
    pub(super) next_seq: u64,
    pub(super) max_queued: u64,
    /// At least the number of messages that are not final: counting a million rows takes long.
    pub(super) open_messages: u64,
    /// Row of each SIM.
    pub(super) sims: HashMap<Iccid, i64>,
    /// Claims (T2) that ride with the next commit: nothing outward depends on them.
    pub(super) claims: Vec<super::Claim>,
    in_transaction: bool,
    replies: Vec<Reply>,
}

impl Writer {
    pub(super) fn new(connection: Connection, epoch: i64, max_queued: u64) -> rusqlite::Result<Writer> {
        let last: Option<i64> = connection.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
        let last_kept: i64 = connection.query_row("SELECT coalesce(max(seq), 0) FROM cursors", [], |row| row.get(0))?;
        let open: i64 = connection.query_row(super::outbox::COUNT_OPEN, [], |row| row.get(0))?;
        let mut sims = HashMap::new();
        {
            let mut statement = connection.prepare("SELECT iccid, sim FROM sims")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                if let Ok(iccid) = row.get::<_, String>(0)?.parse() {
                    sims.insert(iccid, row.get(1)?);
                }
            }
        }
        Ok(Writer {
            connection,
            epoch,
            next_seq: u64::try_from(last.unwrap_or(0).max(last_kept)).unwrap_or(0) + 1,
            max_queued,
            open_messages: u64::try_from(open).unwrap_or(0),
            sims,
            claims: Vec::new(),
            in_transaction: false,
            replies: Vec::new(),
        })
    }

    /// Opens the transaction that the current group shares; the waiting claims are its first rows.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.in_transaction {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            self.in_transaction = true;
            for claim in std::mem::take(&mut self.claims) {
                self.claim(&claim)?;
            }
        }
        Ok(())
    }

    /// Answers after the commit.
    pub(super) fn reply_after_commit(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    fn group(&mut self, inbox: &Inbox, steps: VecDeque<Vec<Step>>, jobs: VecDeque<Job>) -> rusqlite::Result<()> {
        for batch in steps {
            self.steps(batch)?;
        }
        for job in jobs {
            if job.writes {
                self.begin()?;
                let reply = (job.work)(self)?;
                self.replies.push(reply);
            } else {
                (job.work)(self)?(Ok(()));
            }
            // Arming does not wait for the rest of the group.
            for batch in inbox.take_steps() {
                self.steps(batch)?;
            }
        }
        self.commit(inbox)
    }

    pub(super) fn commit(&mut self, inbox: &Inbox) -> rusqlite::Result<()> {
        if !self.in_transaction {
            return Ok(());
        }
        let cursors = std::mem::take(&mut inbox.lock().cursors);
        for (bridge, seq) in &cursors {
            self.write_cursor(bridge, *seq)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.in_transaction = false;
        Ok(())
    }

    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }
}

/// What the thread tells the rest.
pub(super) struct Announce {
    pub(super) committed: watch::Sender<u64>,
    pub(super) failed: watch::Sender<Option<String>>,
}

/// The thread. On the first error of the database it stops for good: nothing after it is acknowledged.
pub(super) fn run(mut writer: Writer, inbox: &Arc<Inbox>, announce: &Announce) {
    while let Some((steps, jobs)) = inbox.wait() {
        let done = writer.group(inbox, steps, jobs);
        let replies = std::mem::take(&mut writer.replies);
        match done {
            Ok(()) => {
                let last = writer.last_seq();
                replies.into_iter().for_each(|reply| reply(Ok(())));
                announce.committed.send_if_modified(|seq| std::mem::replace(seq, last) != last);
            }
            Err(error) => {
                inbox.close();
                tracing::error!(%error, "the database failed; nothing more is accepted or sent");
                announce.failed.send_replace(Some(error.to_string()));
                replies.into_iter().for_each(|reply| reply(Err(StoreError::Closed)));
                // Dropping what waits answers it with an error too.
                let mut queues = inbox.lock();
                queues.jobs.clear();
                queues.steps.clear();
                return;
            }
        }
    }
    if let Err(error) = writer.begin().and_then(|()| writer.commit(inbox)) {
        tracing::warn!(%error, "the last cursors could not be written; some events will be published again");
    }
}
