//! What waits for the writing thread: steps of lanes first, everything else in its order, cursors when it suits.

use super::spill::Outcome;
use super::writer::Writer;
use super::{Step, StoreError};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Jobs that wait; more are refused as [`StoreError::Full`].
const JOBS: usize = 4096;
/// Steps that wait: far above two a lane, so reaching it means that the thread hangs.
const STEPS: usize = 4096;
/// Parked events that wait to be written with the cursors; with more the cursor does not move.
const PARKED: usize = 4096;
/// A cursor is written this long after it moved, where no commit took it along.
const CURSORS_WITHIN: Duration = Duration::from_secs(1);

/// What the caller hears, once the transaction is durable (`Ok`) or lost.
pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// What is to be done with the database.
pub(super) type Work = Box<dyn FnOnce(&mut Writer) -> rusqlite::Result<Reply> + Send>;

/// Work on the database. A writing job is answered after its commit; a reading one at once.
pub(super) struct Job {
    pub(super) writes: bool,
    pub(super) work: Work,
}

/// The next thing to do.
pub(super) enum Task {
    Steps(Vec<Step>),
    Job(Job),
}

/// An event that a bridge went past.
#[derive(Debug, Clone)]
pub(super) struct Parked {
    pub(super) bridge: &'static str,
    pub(super) seq: u64,
    pub(super) reason: String,
}

/// What is written of bridges with the commit that is under way.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) cursors: BTreeMap<&'static str, u64>,
    pub(super) parked: Vec<Parked>,
}

/// Why the writer woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// There is a task.
    Work,
    /// Nothing but a job that has time.
    Spare,
    /// Cursors have waited long enough.
    Cursors,
    /// Nothing came until the instant that was given.
    Idle,
    /// No task is left, and none will come.
    Closed,
}

/// The queue to the writer.
pub(super) struct Mailbox {
    queues: Mutex<Queues>,
    /// Where the writer is a thread.
    filled: Condvar,
    /// Where it is a task.
    filled_for_task: Notify,
    now: fn() -> Instant,
}

#[derive(Default)]
struct Queues {
    steps: VecDeque<Vec<Step>>,
    jobs: VecDeque<Job>,
    /// Taken when nothing else is to be done.
    spare: Option<Job>,
    /// Where each bridge stands that has moved since the start.
    cursors: BTreeMap<&'static str, u64>,
    /// Bridges go past everything up to here.
    given_up: u64,
    /// What cursors went past, until a commit has it.
    parked: Vec<Parked>,
    /// When the first move came that is not written yet.
    cursors_since: Option<Instant>,
    /// The database is gone: only what became of tries is still taken.
    failed: bool,
    closed: bool,
}

impl Queues {
    /// Nothing more is written to the database.
    fn is_over(&self) -> bool {
        self.failed || self.closed
    }
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox")
    }
}

impl Mailbox {
    /// For a writer that is a thread.
    pub(super) fn for_thread() -> Mailbox {
        Mailbox::with_time(Instant::now)
    }

    /// For a writer that is a task, in the time of its runtime.
    pub(super) fn for_task() -> Mailbox {
        Mailbox::with_time(|| tokio::time::Instant::now().into_std())
    }

    fn with_time(now: fn() -> Instant) -> Mailbox {
        Mailbox { queues: Mutex::default(), filled: Condvar::new(), filled_for_task: Notify::new(), now }
    }

    /// The time in which the writer waits.
    pub(super) fn now(&self) -> Instant {
        (self.now)()
    }

    fn wake(&self) {
        self.filled.notify_one();
        self.filled_for_task.notify_one();
    }

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
        self.wake();
        Ok(())
    }

    pub(super) fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.is_over() {
            return Err(StoreError::Closed);
        }
        if queues.jobs.len() >= JOBS {
            return Err(StoreError::Full);
        }
        queues.jobs.push_back(job);
        self.wake();
        Ok(())
    }

    /// A job that has time, one at a time.
    pub(super) fn push_spare(&self, job: Job) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.is_over() {
            return Err(StoreError::Closed);
        }
        if queues.spare.is_some() {
            return Err(StoreError::Full);
        }
        queues.spare = Some(job);
        self.wake();
        Ok(())
    }

    pub(super) fn take_spare(&self) -> Option<Job> {
        self.lock().spare.take()
    }

    /// The events that the cursor goes past are written with it.
    pub(super) fn move_cursor(
        &self,
        bridge: &'static str,
        upto: u64,
        parked: Vec<(u64, String)>,
    ) -> Result<(), StoreError> {
        let mut queues = self.lock();
        if queues.is_over() {
            return Err(StoreError::Closed);
        }
        if queues.parked.len() + parked.len() > PARKED {
            return Err(StoreError::Full);
        }
        queues.parked.extend(parked.into_iter().map(|(seq, reason)| Parked { bridge, seq, reason }));
        let cursor = queues.cursors.entry(bridge).or_default();
        *cursor = upto.max(*cursor);
        if queues.cursors_since.is_none() {
            queues.cursors_since = Some(self.now());
            self.wake();
        }
        Ok(())
    }

    /// The cursor, where it has moved since the start: the file may lag behind.
    pub(super) fn moved_cursor(&self, bridge: &str) -> Option<u64> {
        self.lock().cursors.get(bridge).copied()
    }

    pub(super) fn give_up(&self, upto: u64) {
        let mut queues = self.lock();
        queues.given_up = queues.given_up.max(upto);
    }

    pub(super) fn given_up(&self) -> u64 {
        self.lock().given_up
    }

    /// Cursors that are to be written with the commit that is under way, and what they went past.
    pub(super) fn take_cursors(&self) -> Moves {
        let mut queues = self.lock();
        match queues.cursors_since.take() {
            Some(_) => Moves { cursors: queues.cursors.clone(), parked: queues.parked.clone() },
            None => Moves::default(),
        }
    }

    /// So many of what was parked are in the file.
    pub(super) fn parked_is_written(&self, n: usize) {
        self.lock().parked.drain(..n);
    }

    /// True when no more work is taken.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_over()
    }

    /// The database has failed for good. What waits is dropped, which answers it with an error, but for the steps: they and those
    /// that still come tell what became of tries.
    pub(super) fn fail(&self) {
        let mut queues = self.lock();
        let (steps, closed) = (std::mem::take(&mut queues.steps), queues.closed);
        let dropped = std::mem::replace(&mut *queues, Queues { steps, failed: true, closed, ..Queues::default() });
        drop(queues);
        drop(dropped);
    }

    /// Has the cursors written again: the commit that took them along came to nothing.
    pub(super) fn cursors_again(&self) {
        let mut queues = self.lock();
        if !queues.cursors.is_empty() && queues.cursors_since.is_none() {
            queues.cursors_since = Some(self.now());
        }
    }

    /// No more work is taken; what waits is still done.
    pub(super) fn close(&self) {
        let mut queues = self.lock();
        queues.closed = true;
        // Dropped, which answers it.
        drop(queues.spare.take());
        drop(queues);
        self.wake();
    }

    /// What became of tries, among the steps that nobody will take.
    pub(super) fn take_outcomes(&self) -> Vec<Outcome> {
        self.lock().steps.drain(..).flatten().filter_map(|step| Outcome::of(&step)).collect()
    }

    /// The next task: steps before jobs. `None`: none waits, or only jobs do and they are not wanted.
    pub(super) fn pop(&self, jobs: bool) -> Option<Task> {
        let mut queues = self.lock();
        if let Some(steps) = queues.steps.pop_front() {
            return Some(Task::Steps(steps));
        }
        queues.jobs.pop_front_if(|_| jobs).map(Task::Job)
    }

    /// Sleeps until there is something to do.
    pub(super) fn wait(&self, idle_at: Option<Instant>) -> Wake {
        let mut queues = self.lock();
        loop {
            let until = match queues.look(self.now(), idle_at) {
                Ok(wake) => return wake,
                Err(until) => until,
            };
            queues = match until {
                Some(at) => {
                    let waited = self.filled.wait_timeout(queues, at.saturating_duration_since(self.now()));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.filled.wait(queues).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The same as a task. Cancel safe.
    pub(super) async fn wait_as_task(&self, idle_at: Option<Instant>) -> Wake {
        loop {
            let until = match self.lock().look(self.now(), idle_at) {
                Ok(wake) => return wake,
                Err(until) => until,
            };
            let filled = self.filled_for_task.notified();
            match until {
                // It is looked again either way.
                Some(at) => _ = tokio::time::timeout_at(at.into(), filled).await,
                None => filled.await,
            }
        }
    }
}

impl Queues {
    /// What is to be done now, or until when there is nothing.
    fn look(&self, now: Instant, idle_at: Option<Instant>) -> Result<Wake, Option<Instant>> {
        if !self.steps.is_empty() || !self.jobs.is_empty() {
            return Ok(Wake::Work);
        }
        if self.closed {
            return Ok(Wake::Closed);
        }
        let cursors_at = self.cursors_since.map(|since| since + CURSORS_WITHIN);
        if cursors_at.is_some_and(|at| at <= now) {
            return Ok(Wake::Cursors);
        }
        if self.spare.is_some() {
            return Ok(Wake::Spare);
        }
        if idle_at.is_some_and(|at| at <= now) {
            return Ok(Wake::Idle);
        }
        Err([cursors_at, idle_at].into_iter().flatten().min())
    }
}
