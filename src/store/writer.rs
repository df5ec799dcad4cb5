//! The thread that owns the connection: one transaction after the other, each for whatever waits.

use super::mailbox::{Mailbox, Reply, Task, Wake};
use super::outbox::rows::Rows;
use super::outbox::tries::Tries;
use super::recent::Recent;
use super::sims::Sims;
use super::{Step, StoreError};
use crate::model::Event;
use rusqlite::Connection;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Jobs of one transaction, at most: a flood of commands does not hold its first one up.
const GROUP: usize = 256;
/// Jobs that a transaction takes along once a part waits to be armed with it.
const BESIDE_ARMING: usize = 8;
/// The WAL is copied back when nothing has come for so long, so that it is not done while something waits.
const IDLE: Duration = Duration::from_secs(5);
/// Commits after which that is worth two syncs: about one MiB.
const WORTH_A_CHECKPOINT: u32 = 128;

/// The connection with what is kept in memory of it.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Number of this process among those that opened the store.
    pub(super) epoch: i64,
    pub(super) next_seq: u64,
    pub(super) max_queued: u64,
    pub(super) rows: Rows,
    pub(super) tries: Tries,
    pub(super) sims: Sims,
    /// Reports that wait for their try.
    pub(super) orphans: u64,
    /// What the transaction has written to the log; `None`: to be read from the file.
    pub(super) new_events: Vec<Option<Event>>,
    recent: Recent,
    open: bool,
    replies: Vec<Reply>,
    commits: u32,
}

impl Writer {
    pub(super) fn new(connection: Connection, epoch: i64, max_queued: u64, recent: Recent) -> rusqlite::Result<Writer> {
        // Of a pruned log the cursors know how far it went.
        let last =
            "SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(seq) FROM cursors), 0))";
        let last: u64 = connection.query_row(last, [], |row| row.get(0))?;
        let orphans = "SELECT count(*) FROM orphan_reports WHERE published = 0";
        let orphans = connection.query_row(orphans, [], |row| row.get(0))?;
        Ok(Writer {
            epoch,
            next_seq: last + 1,
            max_queued,
            rows: Rows::open(&connection)?,
            tries: Tries::default(),
            sims: Sims::open(&connection)?,
            orphans,
            new_events: Vec::new(),
            recent,
            open: false,
            replies: Vec::new(),
            commits: 0,
            connection,
        })
    }

    /// Opens the transaction that the current group shares.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        if !self.open {
            self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            self.open = true;
        }
        Ok(())
    }

    /// Makes the indexes true before they are searched. Without a transaction only claims can be missing in them.
    pub(super) fn flush_if_open(&mut self) -> rusqlite::Result<()> {
        if self.open {
            self.flush_messages()?;
            self.flush_tries()?;
        }
        Ok(())
    }

    /// Answers after the commit.
    pub(super) fn reply_after_commit(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    /// Does what waits, steps first, and commits it. It never waits for more to come.
    fn group(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        let (mut jobs, mut limit) = (0, GROUP);
        while let Some(task) = mailbox.pop(jobs < limit) {
            match task {
                Task::Steps(steps) => {
                    if steps.iter().any(|step| matches!(step, Step::Arm { .. })) {
                        limit = limit.min(jobs + BESIDE_ARMING);
                    }
                    self.steps(steps)?;
                }
                Task::Job(job) => {
                    jobs += 1;
                    let reply = (job.work)(self)?;
                    if job.writes { self.replies.push(reply) } else { reply(Ok(())) }
                }
            }
        }
        self.commit(mailbox)
    }

    /// Writes what has changed in memory, the cursors too, and makes it durable. Without a transaction that was begun
    /// there is nothing that anybody waits for.
    pub(super) fn commit(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.flush_messages()?;
        self.flush_tries()?;
        for (bridge, seq) in mailbox.take_cursors() {
            self.write_cursor(bridge, seq)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        self.recent.add(self.new_events.drain(..));
        self.commits += 1;
        self.rows.trim();
        Ok(())
    }

    /// Writes cursors for which no commit came by. It does not wait for the disk: a cursor that a power cut takes back
    /// only means that some events are published again.
    fn commit_cursors(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        self.begin()?;
        self.commit(mailbox)?;
        self.connection.execute_batch("PRAGMA synchronous = FULL")
    }

    fn checkpoint(&mut self) -> rusqlite::Result<()> {
        self.commits = 0;
        self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }

    /// The `seq` of the last event.
    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }
}

/// What the thread tells the rest.
pub(super) struct Announce {
    pub(super) committed: watch::Sender<u64>,
    pub(super) failed: watch::Sender<Option<String>>,
}

/// The thread. On the first error of the database, or a panic, it stops for good: nothing after it is acknowledged.
pub(super) fn run(mut writer: Writer, mailbox: &Mailbox, announce: &Announce) {
    let worked = std::panic::catch_unwind(AssertUnwindSafe(|| work(&mut writer, mailbox, announce)));
    let failure = match worked {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the thread that writes panicked".to_owned(),
    };
    mailbox.close();
    tracing::error!(%failure, "the database failed; nothing more is accepted or sent");
    announce.failed.send_replace(Some(failure));
    writer.replies.into_iter().for_each(|reply| reply(Err(StoreError::Closed)));
    mailbox.clear();
}

fn work(writer: &mut Writer, mailbox: &Mailbox, announce: &Announce) -> rusqlite::Result<()> {
    let mut idle_at = None;
    loop {
        match mailbox.wait(idle_at) {
            Wake::Work => {
                writer.group(mailbox)?;
                let last = writer.last_seq();
                announce.committed.send_if_modified(|seq| std::mem::replace(seq, last) != last);
                std::mem::take(&mut writer.replies).into_iter().for_each(|reply| reply(Ok(())));
                idle_at = (writer.commits >= WORTH_A_CHECKPOINT).then(|| Instant::now() + IDLE);
            }
            Wake::Cursors => writer.commit_cursors(mailbox)?,
            Wake::Idle => {
                writer.checkpoint()?;
                idle_at = None;
            }
            Wake::Closed => {
                writer.begin()?;
                writer.commit(mailbox)?;
                return writer.checkpoint();
            }
        }
    }
}
