//! The thread that owns the connection: one transaction after the other, each for whatever waits.

use super::held::passing;
use super::mailbox::{Mailbox, Reply, Task, Wake};
use super::mark::Mark;
use super::outbox::rows::Rows;
use super::outbox::tries::Tries;
use super::recent::Recent;
use super::retention::Tidy;
use super::room::Disk;
use super::sims::Sims;
use super::spill::{Outcome, Spill};
use super::{Begin, Recovered, Step, StoreError};
use crate::model::{Event, QueueCounts, StoreState};
use rusqlite::Connection;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
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
/// How often it is looked whether a full disk has room again, or another program has let the database go.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked whether the disk fills while nothing comes.
const LOOK_IDLE: Duration = Duration::from_secs(60);
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
    pub(super) tidy: Tidy,
    /// Reports that wait for their try.
    pub(super) orphans: u64,
    /// What the transaction has written to the log; `None`: to be read from the file.
    pub(super) new_events: Vec<Option<Event>>,
    recent: Recent,
    pub(super) mark: Option<Mark>,
    pub(super) open: bool,
    pub(super) replies: Vec<Reply>,
    commits: u32,
    pub(super) disk: Disk,
    pub(super) spill: Spill,
    /// What became of tries in this transaction.
    pub(super) outcomes: Vec<Outcome>,
    /// As of the last commit.
    pub(super) committed: Committed,
    /// Why nothing can be written.
    pub(super) held: Option<StoreState>,
}

/// What is kept in memory alone, to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Committed {
    pub(super) next_seq: u64,
    pub(super) counts: QueueCounts,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        epoch: i64,
        max_queued: u64,
        recent: Recent,
        disk: Disk,
        spill: Spill,
    ) -> rusqlite::Result<Writer> {
        // Of a pruned log the cursors know how far it went.
        let last =
            "SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(seq) FROM cursors), 0))";
        let last: u64 = connection.query_row(last, [], |row| row.get(0))?;
        Ok(Writer {
            epoch,
            next_seq: last + 1,
            max_queued,
            committed: Committed { next_seq: last + 1, counts: QueueCounts::default() },
            rows: Rows::default(),
            tries: Tries::default(),
            sims: Sims::open(&connection)?,
            tidy: Tidy::default(),
            orphans: count_orphans(&connection)?,
            new_events: Vec::new(),
            recent,
            mark: None,
            open: false,
            replies: Vec::new(),
            commits: 0,
            disk,
            spill,
            outcomes: Vec::new(),
            held: None,
            connection,
        })
    }

    /// What the process before has spilt, and R: committed before anything else happens.
    pub(super) fn start(&mut self, mailbox: &Mailbox, begin: &Begin) -> rusqlite::Result<Recovered> {
        let now = begin.now;
        if !self.spill.is_empty() {
            self.begin()?;
            self.take_spilt()?;
            // R looks into the file.
            self.commit(mailbox)?;
        }
        let mut recovered = self.recover(now)?;
        self.wall_set(begin.offset_ms, now)?;
        self.commit(mailbox)?;
        self.doubt(mailbox, now)?;
        recovered.counts = self.rows.recount(&self.connection)?;
        self.committed.counts = recovered.counts;
        self.forget_spilt();
        self.disk.lay_ballast();
        Ok(recovered)
    }

    /// Whether what comes can be kept.
    pub(super) fn state(&self) -> StoreState {
        self.held.unwrap_or_else(|| self.disk.state())
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

    /// Answers after the commit, or when there is none.
    pub(super) fn reply_after_commit(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    /// Does what waits, steps first, and commits it. It never waits for more to come. Why it was not committed, where that
    /// passes.
    fn group(&mut self, mailbox: &Mailbox, state: StoreState) -> rusqlite::Result<Option<StoreState>> {
        self.outcomes.clear();
        let Err(error) = self.try_group(mailbox, state.is_held()) else { return Ok(None) };
        let held = passing(&error).ok_or(error)?;
        self.hold(held, mailbox)?;
        Ok(Some(held))
    }

    fn try_group(&mut self, mailbox: &Mailbox, held: bool) -> rusqlite::Result<()> {
        let (mut jobs, mut limit) = (0, GROUP);
        while let Some(task) = mailbox.pop(jobs < limit) {
            match task {
                Task::Steps(steps) => {
                    if steps.iter().any(|step| matches!(step, Step::Arm { .. })) {
                        limit = limit.min(jobs + BESIDE_ARMING);
                    }
                    if self.spill.is_empty() {
                        self.outcomes.extend(steps.iter().filter_map(Outcome::of));
                        self.steps(if held { ends(steps) } else { steps })?;
                    } else {
                        // What was spilt must not be overtaken: a late answer says nothing of a try that has not ended.
                        let outcomes: Vec<_> = steps.iter().filter_map(Outcome::of).collect();
                        self.put_aside(&outcomes)?;
                    }
                }
                // Dropped, which answers it.
                Task::Job(job) if job.writes && held => {}
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
        let moves = mailbox.take_cursors();
        self.write_moves(&moves)?;
        self.commit_and_mark()?;
        mailbox.parked_is_written(moves.parked.len());
        self.open = false;
        self.recent.add(self.new_events.drain(..));
        self.commits += 1;
        self.rows.trim();
        self.committed = Committed { next_seq: self.next_seq, counts: self.rows.counts };
        Ok(())
    }

    /// Writes cursors for which no commit came by. It does not wait for the disk: a cursor that a power cut takes back
    /// only means that some events are published again.
    fn commit_cursors(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        let done = self.begin().and_then(|()| self.commit(mailbox));
        if !self.connection.is_autocommit() {
            // Within a transaction it cannot be set.
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection.execute_batch("PRAGMA synchronous = FULL")?;
        done
    }

    /// Does a job that has time. It does not wait for the disk: what a power cut takes back is done again.
    fn spare(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        let Some(job) = mailbox.take_spare() else { return Ok(()) };
        self.connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        let done = (job.work)(self).and_then(|reply| {
            self.replies.push(reply);
            self.commit(mailbox)
        });
        if done.is_err() && !self.connection.is_autocommit() {
            // The setting cannot be changed within a transaction.
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.connection.execute_batch("PRAGMA synchronous = FULL")?;
        done
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

/// Of the steps those that tell what became of a try. The others come again by themselves; a reply that is dropped refuses an
/// arming.
fn ends(steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().filter(|step| Outcome::of(step).is_some()).collect()
}

/// Reports that wait for their try.
pub(super) fn count_orphans(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM orphan_reports WHERE published = 0", [], |row| row.get(0))
}

/// What the thread tells the rest.
pub(super) struct Announce {
    pub(super) state: watch::Sender<StoreState>,
    pub(super) committed: watch::Sender<u64>,
    pub(super) failed: watch::Sender<Option<String>>,
}

impl Announce {
    /// Tells whether what comes can be kept.
    fn state_of(&self, writer: &Writer, mailbox: &Mailbox) -> StoreState {
        let state = writer.state();
        let before = *self.state.borrow();
        if before != state {
            self.state.send_replace(state);
            if before.is_held() {
                mailbox.cursors_again();
            }
        }
        state
    }

    /// Tells what came of a group; where it was not committed, why not, before anybody hears of it.
    fn group(&self, writer: &mut Writer, held: Option<StoreState>) {
        let done = match held {
            None => Ok(()),
            Some(held) => {
                self.state.send_replace(held);
                Err(if held == StoreState::Locked { StoreError::Locked } else { StoreError::NoRoom })
            }
        };
        let last = writer.last_seq();
        self.committed.send_if_modified(|seq| std::mem::replace(seq, last) != last);
        std::mem::take(&mut writer.replies).into_iter().for_each(|reply| reply(done));
    }
}

/// The writer at its desk: what it does when it is woken, whoever wakes it.
pub(super) struct Desk {
    writer: Writer,
    mailbox: Arc<Mailbox>,
    announce: Announce,
    checkpoint_at: Option<Instant>,
    look_at: Instant,
}

impl Desk {
    pub(super) fn new(writer: Writer, mailbox: Arc<Mailbox>, announce: Announce) -> Desk {
        let look_at = mailbox.now();
        Desk { writer, mailbox, announce, checkpoint_at: None, look_at }
    }

    /// Works as a thread until the mailbox is closed. On the first error of the database, or a panic, it stops for good: nothing
    /// after it is acknowledged.
    pub(super) fn run(mut self) {
        let worked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            loop {
                let until = self.before_wait()?;
                let wake = self.mailbox.wait(Some(until));
                self.turn(wake)?;
                if wake == Wake::Closed {
                    return Ok(());
                }
            }
        }));
        match worked {
            Ok(Ok(())) => return,
            Ok(Err(error)) => self.fail_of(&error),
            Err(_) => self.fail("the thread that writes panicked".to_owned()),
        }
        while self.mailbox.wait(None) != Wake::Closed {
            self.writer.spill_what_came(&self.mailbox);
        }
    }

    /// The same as a task.
    pub(super) async fn run_as_task(mut self) {
        let worked = async {
            loop {
                let until = self.before_wait()?;
                let wake = self.mailbox.wait_as_task(Some(until)).await;
                self.turn(wake)?;
                if wake == Wake::Closed {
                    return Ok(());
                }
            }
        };
        let Err(error) = worked.await else { return };
        self.fail_of(&error);
        while self.mailbox.wait_as_task(None).await != Wake::Closed {
            self.writer.spill_what_came(&self.mailbox);
        }
    }

    /// Looks whether what held it up is over, where it is time to. Until when to wait for something else.
    fn before_wait(&mut self) -> rusqlite::Result<Instant> {
        if self.writer.held.is_some() && self.look_at <= self.mailbox.now() {
            if self.writer.try_again(&self.mailbox)? {
                self.announce.group(&mut self.writer, None);
            }
            self.look_at = self.mailbox.now() + LOOK;
        }
        let held = self.announce.state_of(&self.writer, &self.mailbox).is_held();
        let look = self.mailbox.now() + if held { LOOK } else { LOOK_IDLE };
        Ok(self.checkpoint_at.filter(|_| !held).map_or(look, |at| at.min(look)))
    }

    fn turn(&mut self, wake: Wake) -> rusqlite::Result<()> {
        if let Err(error) = self.work(wake) {
            let held = passing(&error).ok_or(error)?;
            self.writer.outcomes.clear();
            self.writer.hold(held, &self.mailbox)?;
            self.announce.group(&mut self.writer, Some(held));
        }
        Ok(())
    }

    fn work(&mut self, wake: Wake) -> rusqlite::Result<()> {
        let Desk { writer, mailbox, announce, .. } = self;
        let state = announce.state_of(writer, mailbox);
        match wake {
            Wake::Work => {
                let held = writer.group(mailbox, state)?;
                announce.group(writer, held);
                self.plan_checkpoint();
                Ok(())
            }
            // They are written when there is room.
            Wake::Cursors if state.is_held() => {
                drop(mailbox.take_cursors());
                Ok(())
            }
            Wake::Cursors => writer.commit_cursors(mailbox),
            // Where only the room is short it goes on: it makes some.
            Wake::Spare if writer.held.is_some() => {
                drop(mailbox.take_spare());
                Ok(())
            }
            Wake::Spare => {
                writer.spare(mailbox)?;
                announce.group(writer, None);
                self.plan_checkpoint();
                Ok(())
            }
            Wake::Idle if !state.is_held() && self.checkpoint_at.take_if(|at| *at <= mailbox.now()).is_some() => {
                writer.checkpoint()
            }
            Wake::Idle => Ok(()),
            Wake::Closed if state.is_held() => Ok(()),
            Wake::Closed => writer.begin().and_then(|()| writer.commit(mailbox)).and_then(|()| writer.finish()),
        }
    }

    fn plan_checkpoint(&mut self) {
        self.checkpoint_at = (self.writer.commits >= WORTH_A_CHECKPOINT).then(|| self.mailbox.now() + IDLE);
    }

    fn fail_of(&mut self, error: &rusqlite::Error) {
        if super::schema::is_damage(error) || super::events::is_value(error) {
            // The next start would find nothing, and fail of the same.
            let _ = std::fs::write(self.writer.disk.suspicion(), error.to_string());
        }
        self.fail(error.to_string());
    }

    fn fail(&mut self, failure: String) {
        let Desk { writer, mailbox, announce, .. } = self;
        mailbox.fail();
        tracing::error!(%failure, "the database failed; nothing more is accepted or sent");
        announce.failed.send_replace(Some(failure));
        std::mem::take(&mut writer.replies).into_iter().for_each(|reply| reply(Err(StoreError::Closed)));
        writer.spill_what_came(mailbox);
    }
}
