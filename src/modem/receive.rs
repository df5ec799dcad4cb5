//! Receiving: read raw, hand over, and delete or acknowledge only what is committed (RELIABILITY A-4, §2.6).

use super::bringup::{Detail, MemoryPlan, ROUTING_STOPPED};
use super::chat::{Lost, Reply};
use super::driver::Session;
use super::{Config, Disposal, Place, Received};
use crate::at::sms::{self, Level, Stored};
use crate::at::{Command, FinalResult, Memory};
use crate::model::Iccid;
use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{Permit, error::TrySendError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{debug, warn};

/// From so many announced messages on, one list is cheaper than reading each.
const READS_BEFORE_LIST: usize = 8;
/// First pause before something that could not be read, committed or deleted is tried again; doubled each time.
const RETRY: Duration = Duration::from_secs(2);
/// Longest such pause.
const RETRY_MOST: Duration = Duration::from_secs(60);
/// Messages read and not handed over yet, because the one who commits is slow. More stay on the SIM.
const BACKLOG: usize = 512;

/// One exchange to do for what came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// `AT+CNMA`: the routed one is committed.
    Acknowledge,
    /// Delete a slot, unless it holds another message by now.
    Delete { memory: Memory, index: u16, serial: u64 },
    /// Read a slot that was announced.
    Read { memory: Memory, index: u16 },
    /// Read a whole memory.
    Sweep(Memory),
}

/// Where a message in a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotState {
    /// Handed over; it is being committed.
    Committing,
    /// Committed; to be deleted.
    Deleting,
    /// Committed; deleting it failed.
    Undeleted,
    /// The modem says that it is deleted; the next comparison of counts shows.
    Deleted,
    /// To stay: foreign, or written by somebody here.
    Kept,
}

#[derive(Debug)]
struct Slot {
    pdu: Vec<u8>,
    state: SlotState,
    /// Tells this message from the next one in the same slot.
    serial: u64,
}

/// A message that is being committed.
#[derive(Debug)]
struct Waiting {
    /// `None`: routed.
    slot: Option<(Memory, u16, u64)>,
    stored: oneshot::Receiver<Disposal>,
}

/// A message that nobody has yet taken to commit it.
#[derive(Debug)]
struct Arrived {
    slot: Option<(Memory, u16, u64)>,
    pdu: Vec<u8>,
    first_sweep: bool,
}

/// What is known of the memories, and what is to be done about it.
#[derive(Debug)]
pub(super) struct Inbox {
    home: Memory,
    beside: Option<Memory>,
    memories: Vec<Memory>,
    /// The memory that is read and deleted from now; `None`: not known.
    pub(super) selected: Option<Memory>,
    iccid: Option<Iccid>,
    jobs: VecDeque<Job>,
    slots: HashMap<(Memory, u16), Slot>,
    waiting: Vec<Waiting>,
    backlog: VecDeque<Arrived>,
    serials: u64,
    /// Something was deleted, or a minute is over: compare what the modem counts with what we know.
    check: bool,
    /// All memories were swept once since the process started.
    pub(super) swept: bool,
    /// When what failed is tried again.
    pub(super) retry_at: Option<Instant>,
    retries: u32,
    /// A routed message was not committed: routing will stop, and must be set up again.
    pub(super) unacknowledged: bool,
    acknowledges: bool,
}

impl Inbox {
    /// An inbox that knows nothing.
    pub(super) fn new(swept: bool) -> Inbox {
        Inbox {
            home: Memory::SM,
            beside: None,
            memories: Vec::new(),
            selected: None,
            iccid: None,
            jobs: VecDeque::new(),
            slots: HashMap::new(),
            waiting: Vec::new(),
            backlog: VecDeque::new(),
            serials: 0,
            check: false,
            swept,
            retry_at: None,
            retries: 0,
            unacknowledged: false,
            acknowledges: false,
        }
    }

    /// Begins anew with these memories: what was known of slots is void, what is being committed will be found again.
    pub(super) fn begin(&mut self, plan: &MemoryPlan) {
        *self = Inbox {
            home: plan.home,
            beside: plan.beside,
            memories: plan.swept.clone(),
            serials: self.serials,
            iccid: self.iccid.take(),
            ..Inbox::new(self.swept)
        };
        self.sweep_all();
    }

    /// Whose messages these are, and whether routed ones are acknowledged.
    pub(super) fn belongs(&mut self, iccid: Option<Iccid>, acknowledges: bool) {
        self.iccid = iccid;
        self.acknowledges = acknowledges;
    }

    /// A message was announced: a hint to read it.
    pub(super) fn announced(&mut self, memory: Memory, index: u16) {
        if !self.memories.contains(&memory) {
            // In a memory we do not know by this name: it may be any.
            return self.sweep_all();
        }
        let job = Job::Read { memory, index };
        if self.jobs.contains(&job) || self.jobs.contains(&Job::Sweep(memory)) {
            return;
        }
        let of_memory = |job: &Job| matches!(job, Job::Read { memory: of, .. } if *of == memory);
        if self.jobs.iter().filter(|job| of_memory(job)).count() >= READS_BEFORE_LIST {
            self.jobs.retain(|job| !of_memory(job));
            self.jobs.push_back(Job::Sweep(memory));
        } else {
            self.jobs.push_back(job);
        }
    }

    /// A message was routed to us.
    pub(super) fn routed(&mut self, pdu: Vec<u8>) {
        if self.backlog.len() < BACKLOG {
            self.backlog.push_back(Arrived { slot: None, pdu, first_sweep: false });
        } else {
            self.unacknowledged = true;
        }
    }

    /// Puts all memories on the list.
    pub(super) fn sweep_all(&mut self) {
        self.jobs.retain(|job| !matches!(job, Job::Read { .. } | Job::Sweep(_)));
        self.jobs.extend(self.memories.iter().map(|memory| Job::Sweep(*memory)));
    }

    /// Compares the modem's counts with ours when nothing else is to do.
    pub(super) fn check_soon(&mut self) {
        self.check = true;
    }

    /// The next job.
    pub(super) fn next(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// The next job that carries out a decision.
    pub(super) fn next_decided(&mut self) -> Option<Job> {
        let at = self.jobs.iter().position(|job| matches!(job, Job::Acknowledge | Job::Delete { .. }))?;
        self.jobs.remove(at)
    }

    /// True when a job is on the list.
    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// True when something waits to be handed over.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Hands the oldest one over.
    pub(super) fn hand_over(&mut self, config: &Config, permit: Permit<'_, Received>) {
        if let Some(received) = self.take_arrived(config) {
            permit.send(received);
        }
    }

    fn take_arrived(&mut self, config: &Config) -> Option<Received> {
        let iccid = self.iccid.clone()?;
        let Arrived { slot, pdu, first_sweep } = self.backlog.pop_front()?;
        let (stored, decision) = oneshot::channel();
        self.waiting.push(Waiting { slot, stored: decision });
        let place = match slot {
            Some((memory, index, _)) => Place::Stored { memory: memory.to_string(), index },
            None => Place::Routed,
        };
        Some(Received { modem: config.index, iccid, place, pdu, first_sweep, stored })
    }

    /// Takes the decisions that have come.
    pub(super) fn settle_now(&mut self) {
        let mut n = 0;
        while n < self.waiting.len() {
            match self.waiting[n].stored.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => n += 1,
                decision => {
                    let waiting = self.waiting.swap_remove(n);
                    self.decided(waiting.slot, decision.ok());
                }
            }
        }
    }

    /// Waits for a decision and takes it. Cancel safe: nothing is taken before it is decided.
    pub(super) async fn settled(&mut self) {
        let (n, decision) = poll_fn(|cx| {
            for (n, waiting) in self.waiting.iter_mut().enumerate() {
                if let Poll::Ready(decision) = Pin::new(&mut waiting.stored).poll(cx) {
                    return Poll::Ready((n, decision));
                }
            }
            Poll::Pending
        })
        .await;
        let waiting = self.waiting.swap_remove(n);
        self.decided(waiting.slot, decision.ok());
    }

    /// `None`: it is not committed, so it stays where it is and will be found again.
    fn decided(&mut self, slot: Option<(Memory, u16, u64)>, disposal: Option<Disposal>) {
        let Some((memory, index, serial)) = slot else {
            match disposal {
                Some(Disposal::Delete | Disposal::Keep) if self.acknowledges => self.jobs.push_front(Job::Acknowledge),
                Some(_) => {}
                None => self.unacknowledged = true,
            }
            return;
        };
        let Some(slot) = self.slots.get_mut(&(memory, index)).filter(|slot| slot.serial == serial) else { return };
        if disposal.is_some() {
            self.retries = 0;
        }
        match disposal {
            Some(Disposal::Delete) => {
                slot.state = SlotState::Deleting;
                self.jobs.push_back(Job::Delete { memory, index, serial });
            }
            Some(Disposal::Keep) => slot.state = SlotState::Kept,
            None => {
                self.slots.remove(&(memory, index));
                self.retry();
            }
        }
    }

    /// Looks again later at what could not be read, committed or deleted.
    fn retry(&mut self) {
        if self.retry_at.is_none() {
            let pause = RETRY.saturating_mul(1 << self.retries.min(8)).min(RETRY_MOST);
            self.retries += 1;
            self.retry_at = Some(Instant::now() + pause);
        }
    }

    /// A message was read from a slot: because it was announced, or by a sweep.
    fn found(&mut self, memory: Memory, index: u16, stored: Stored, by_sweep: bool) {
        let known = self.slots.get_mut(&(memory, index)).filter(|slot| slot.pdu == stored.pdu);
        // An announced one is new even if it looks the same: the slot was free in between.
        let is_leftover = |slot: &&mut Slot| matches!(slot.state, SlotState::Undeleted | SlotState::Deleted);
        match known {
            Some(slot) if !is_leftover(&slot) => return,
            Some(slot) if by_sweep => {
                if slot.state == SlotState::Undeleted {
                    slot.state = SlotState::Deleting;
                    self.jobs.push_back(Job::Delete { memory, index, serial: slot.serial });
                } else {
                    warn!(%memory, index, "the modem said that a message was deleted, but it is still there");
                    slot.state = SlotState::Undeleted;
                    self.retry();
                }
                return;
            }
            _ => {}
        }
        self.serials += 1;
        let serial = self.serials;
        let is_outgoing = stored.status.is_outgoing();
        if !is_outgoing {
            if self.backlog.len() >= BACKLOG {
                return self.retry();
            }
            let first_sweep = by_sweep && !self.swept;
            self.backlog.push_back(Arrived {
                slot: Some((memory, index, serial)),
                pdu: stored.pdu.clone(),
                first_sweep,
            });
        }
        let state = if is_outgoing { SlotState::Kept } else { SlotState::Committing };
        self.slots.insert((memory, index), Slot { pdu: stored.pdu, state, serial });
    }

    /// A whole memory was read: what is not in it any more is forgotten.
    fn swept(&mut self, memory: Memory, messages: Vec<Stored>) {
        let listed: Vec<u16> = messages.iter().filter_map(|message| message.index).collect();
        self.slots.retain(|(of, index), _| *of != memory || listed.contains(index));
        for message in messages {
            if let Some(index) = message.index {
                self.found(memory, index, message, true);
            }
        }
        self.swept |= !self.jobs.iter().any(|job| matches!(job, Job::Sweep(_)));
    }

    /// Compares a modem's count with what we know to be in use. When they differ the memory is read again; else what was
    /// deleted is gone indeed.
    fn compare(&mut self, level: &Level) {
        if !self.memories.contains(&level.memory) {
            return;
        }
        let in_use = |slot: &Slot| slot.state != SlotState::Deleted;
        let known = self.slots.iter().filter(|((of, _), slot)| *of == level.memory && in_use(slot)).count();
        if usize::from(level.used) == known {
            self.slots.retain(|(of, _), slot| *of != level.memory || in_use(slot));
        } else {
            self.jobs.push_back(Job::Sweep(level.memory));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Hands over what has been read, as far as there is room.
    pub(super) fn offer(&mut self) {
        if std::mem::take(&mut self.inbox.unacknowledged) && self.timers.reassert.is_none() {
            self.timers.reassert = Some(Instant::now() + ROUTING_STOPPED);
        }
        while self.inbox.has_backlog() {
            match self.received.try_reserve() {
                Ok(permit) => self.inbox.hand_over(&self.config, permit),
                Err(TrySendError::Full(()) | TrySendError::Closed(())) => return,
            }
        }
    }

    /// Does one job.
    pub(super) async fn run_job(&mut self, job: Job) -> Result<(), Lost> {
        match job {
            Job::Acknowledge => {
                let reply = self.chat.ask(Command::acknowledge(), self.profile.deadlines.command).await?;
                if !matches!(reply, Reply::Done(_)) {
                    // 340: none was expected. Else the network sends it again, and it is known by then.
                    debug!(port = self.config.port, %reply, "a routed message could not be acknowledged");
                }
                Ok(())
            }
            Job::Delete { memory, index, serial } => self.delete(memory, index, serial).await,
            Job::Read { memory, index } => match self.read(memory, index).await? {
                Some(stored) => {
                    self.inbox.found(memory, index, stored, false);
                    Ok(())
                }
                None => Ok(()),
            },
            Job::Sweep(memory) => self.sweep(memory).await,
        }
    }

    /// Goes back to the memory where messages are received, and compares counts. False when neither is due.
    pub(super) async fn run_chore(&mut self) -> Result<bool, Lost> {
        let home = self.inbox.home;
        if self.inbox.selected.is_some_and(|selected| selected != home) {
            self.select(home).await?;
            // Where it cannot be selected now, the next look tries again.
            self.inbox.selected = Some(home);
            return Ok(true);
        }
        if std::mem::take(&mut self.inbox.check) {
            self.compare_counts().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// One slot; `None` when it is empty or cannot be read now.
    async fn read(&mut self, memory: Memory, index: u16) -> Result<Option<Stored>, Lost> {
        if !self.select(memory).await? {
            return Ok(None);
        }
        match self.chat.ask(Command::read(index), self.profile.deadlines.memory).await? {
            Reply::Done(answer) if answer.lines.is_empty() => {}
            Reply::Refused(result) if is_empty_slot(&result) => {}
            Reply::Done(answer) => match sms::read_message(&answer.lines) {
                Some(stored) => return Ok(Some(stored)),
                None => {
                    warn!(port = self.config.port, %memory, index, "a stored message is unreadable; it is tried again");
                    self.inbox.retry();
                    return Ok(None);
                }
            },
            reply => {
                debug!(port = self.config.port, %memory, index, %reply, "a slot cannot be read now");
                self.inbox.retry();
                return Ok(None);
            }
        }
        self.inbox.slots.remove(&(memory, index));
        Ok(None)
    }

    async fn sweep(&mut self, memory: Memory) -> Result<(), Lost> {
        if !self.select(memory).await? {
            return Ok(());
        }
        match self.chat.ask(Command::list_all(), self.profile.deadlines.list).await? {
            Reply::Done(answer) => {
                // The status of a listed message changes from unread to read, nothing else.
                self.inbox.swept(memory, sms::listed_messages(&answer.lines));
            }
            reply => {
                debug!(port = self.config.port, %memory, %reply, "a memory cannot be listed now");
                self.inbox.retry();
            }
        }
        Ok(())
    }

    /// Deletes what is committed. When that fails the slot is read first before it is tried again: the modem may have
    /// deleted it, or something else may be there (fault F-17).
    async fn delete(&mut self, memory: Memory, index: u16, serial: u64) -> Result<(), Lost> {
        let Some(slot) = self.inbox.slots.get(&(memory, index)).filter(|slot| slot.serial == serial) else {
            return Ok(());
        };
        let pdu = slot.pdu.clone();
        if !self.select(memory).await? {
            return Ok(());
        }
        let reply = self.chat.ask(Command::delete(index), self.profile.deadlines.memory).await?;
        if let Reply::Done(_) = reply {
            if let Some(slot) = self.inbox.slots.get_mut(&(memory, index)) {
                slot.state = SlotState::Deleted;
            }
            self.inbox.check = true;
            return Ok(());
        }
        warn!(port = self.config.port, %memory, index, %reply, "a committed message cannot be deleted; it is tried again");
        match self.read(memory, index).await? {
            Some(stored) if stored.pdu == pdu => {
                if let Some(slot) = self.inbox.slots.get_mut(&(memory, index)) {
                    slot.state = SlotState::Undeleted;
                }
                self.inbox.retry();
            }
            Some(other) => self.inbox.found(memory, index, other, false),
            None => {}
        }
        Ok(())
    }

    /// One `+CPMS?`: tells whether something came that nobody announced, whether what was deleted is gone, and whether the
    /// modem still receives where it was told to.
    async fn compare_counts(&mut self) -> Result<(), Lost> {
        let reply = self.chat.ask(Command::memory_levels(), self.profile.deadlines.memory).await?;
        let Some(answer) = reply.done() else { return Ok(()) };
        let Some(params) = answer.params("+CPMS") else { return Ok(()) };
        let levels = sms::levels(&params);
        self.publish_storage(&levels);
        if sms::selected(&params).get(2).is_some_and(|receives| *receives != self.inbox.home) {
            warn!(port = self.config.port, "the modem has forgotten where it was to receive");
            self.details.push_back(Detail::SetUp);
            return Ok(());
        }
        for level in levels {
            self.inbox.compare(&level);
        }
        Ok(())
    }

    /// Selects the memory that is read and deleted from. False when the modem refuses.
    async fn select(&mut self, memory: Memory) -> Result<bool, Lost> {
        if self.inbox.selected.is_none_or(|selected| selected == memory) {
            return Ok(true);
        }
        // Home is selected with all three, for modems that change the others along with the first.
        let choice = match self.inbox.beside {
            Some(beside) if memory == self.inbox.home => vec![memory, beside, memory],
            _ if memory == self.inbox.home => vec![memory; 3],
            _ => vec![memory],
        };
        let mut reply = self.chat.ask(Command::select_memories(&choice), self.profile.deadlines.memory).await?;
        if choice.len() > 1 && matches!(reply, Reply::Refused(_)) {
            reply = self.chat.ask(Command::select_memories(&[memory]), self.profile.deadlines.memory).await?;
        }
        let done = matches!(reply, Reply::Done(_));
        if done {
            self.inbox.selected = Some(memory);
        } else {
            debug!(port = self.config.port, %memory, %reply, "a memory cannot be selected now");
            self.inbox.retry();
        }
        Ok(done)
    }
}

/// What modems answer to reading a slot with nothing in it: `+CMS ERROR: 321`, and CME errors for the same.
fn is_empty_slot(result: &FinalResult) -> bool {
    match result {
        FinalResult::Cms(error) => error.code == Some(321),
        // Samsung writes -1.
        FinalResult::Cme(error) => matches!(error.code, Some(21 | 22)) || error.text == "-1",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::sms::MessageStatus;

    const ME: Memory = Memory::ME;
    const SM: Memory = Memory::SM;

    fn inbox() -> Inbox {
        let mut inbox = Inbox::new(false);
        inbox.begin(&MemoryPlan { home: ME, beside: Some(SM), swept: vec![ME, SM] });
        inbox.belongs("8949000000000001000".parse().ok(), true);
        inbox
    }

    fn stored(index: u16, pdu: &[u8]) -> Stored {
        Stored { index: Some(index), status: MessageStatus::ReceivedUnread, pdu: pdu.to_vec() }
    }

    fn jobs(inbox: &mut Inbox) -> Vec<Job> {
        std::iter::from_fn(|| inbox.next()).collect()
    }

    fn take(inbox: &mut Inbox) -> Received {
        inbox.take_arrived(&Config::new(0, "/dev/ttyUSB0")).unwrap()
    }

    #[test]
    fn many_announcements_become_one_list() {
        let mut inbox = inbox();
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME), Job::Sweep(SM)]);
        for index in 0..READS_BEFORE_LIST as u16 {
            inbox.announced(ME, index);
            inbox.announced(ME, index);
        }
        assert_eq!(inbox.jobs.len(), READS_BEFORE_LIST);
        inbox.announced(ME, 99);
        inbox.announced(ME, 100);
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME)]);
        inbox.announced(Memory::MT, 1);
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME), Job::Sweep(SM)]);
    }

    #[test]
    fn a_message_is_deleted_only_after_the_decision_and_only_if_it_is_still_the_same() {
        let mut inbox = inbox();
        jobs(&mut inbox);
        inbox.found(ME, 3, stored(3, b"a"), false);
        let received = take(&mut inbox);
        inbox.settle_now();
        assert_eq!(jobs(&mut inbox), []);
        // Another message lies in the slot by the time the first is committed.
        inbox.found(ME, 3, stored(3, b"b"), false);
        received.stored.send(Disposal::Delete).unwrap();
        inbox.settle_now();
        assert_eq!(jobs(&mut inbox), []);
        let received = take(&mut inbox);
        received.stored.send(Disposal::Delete).unwrap();
        inbox.settle_now();
        assert_eq!(jobs(&mut inbox), [Job::Delete { memory: ME, index: 3, serial: 2 }]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_committed_is_read_again() {
        let mut inbox = inbox();
        jobs(&mut inbox);
        inbox.found(ME, 3, stored(3, b"a"), false);
        drop(take(&mut inbox).stored);
        inbox.settle_now();
        assert_eq!(inbox.retry_at, Some(Instant::now() + RETRY));
        inbox.retry_at = None;
        inbox.swept(ME, vec![stored(3, b"a")]);
        assert_eq!(take(&mut inbox).pdu, b"a");
    }

    #[test]
    fn what_is_kept_is_handed_over_once() {
        let mut inbox = inbox();
        jobs(&mut inbox);
        inbox.found(ME, 3, stored(3, b"a"), false);
        take(&mut inbox).stored.send(Disposal::Keep).unwrap();
        inbox.settle_now();
        inbox.swept(ME, vec![stored(3, b"a")]);
        assert!(!inbox.has_backlog());
        inbox.compare(&Level { memory: ME, used: 1, total: 50 });
        assert_eq!(jobs(&mut inbox), []);
        // Gone, and another one in its place.
        inbox.swept(ME, vec![stored(3, b"b")]);
        assert_eq!(take(&mut inbox).pdu, b"b");
        inbox.swept(ME, vec![]);
        inbox.compare(&Level { memory: ME, used: 0, total: 50 });
        assert_eq!(jobs(&mut inbox), []);
    }

    #[test]
    fn what_was_written_here_is_never_handed_over() {
        let mut inbox = inbox();
        let status = MessageStatus::StoredUnsent;
        inbox.swept(ME, vec![Stored { index: Some(1), status, pdu: vec![0] }]);
        assert!(!inbox.has_backlog());
        inbox.compare(&Level { memory: ME, used: 1, total: 50 });
        inbox.compare(&Level { memory: SM, used: 1, total: 50 });
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME), Job::Sweep(SM), Job::Sweep(SM)]);
    }

    #[test]
    fn what_was_said_to_be_deleted_and_is_not_is_deleted_again_and_an_equal_new_one_is_new() {
        let deleted = || {
            let mut inbox = inbox();
            jobs(&mut inbox);
            inbox.found(ME, 3, stored(3, b"a"), false);
            take(&mut inbox);
            inbox.slots.get_mut(&(ME, 3)).unwrap().state = SlotState::Deleted;
            inbox
        };
        let mut still_there = deleted();
        still_there.compare(&Level { memory: ME, used: 1, total: 50 });
        assert_eq!(jobs(&mut still_there), [Job::Sweep(ME)]);
        still_there.swept(ME, vec![stored(3, b"a")]);
        assert!(!still_there.has_backlog() && still_there.retry_at.is_some());
        still_there.swept(ME, vec![stored(3, b"a")]);
        assert_eq!(jobs(&mut still_there), [Job::Delete { memory: ME, index: 3, serial: 1 }]);

        let mut announced = deleted();
        announced.found(ME, 3, stored(3, b"a"), false);
        assert!(announced.has_backlog());

        let mut gone = deleted();
        gone.compare(&Level { memory: ME, used: 0, total: 50 });
        gone.swept(ME, vec![stored(3, b"a")]);
        assert!(gone.has_backlog());
    }

    #[test]
    fn the_first_sweep_is_over_when_every_memory_was_read() {
        let mut inbox = inbox();
        inbox.next();
        inbox.swept(ME, vec![stored(1, b"a")]);
        inbox.found(ME, 2, stored(2, b"b"), false);
        inbox.next();
        inbox.swept(SM, vec![stored(1, b"c")]);
        inbox.swept(SM, vec![stored(1, b"c"), stored(2, b"d")]);
        let first: Vec<bool> = (0..4).map(|_| take(&mut inbox).first_sweep).collect();
        assert_eq!(first, [true, false, true, false]);
    }

    #[test]
    fn a_routed_message_is_acknowledged_when_committed_and_only_with_that_service() {
        for (acknowledges, want) in [(true, vec![Job::Acknowledge]), (false, vec![])] {
            let mut inbox = inbox();
            jobs(&mut inbox);
            inbox.belongs(inbox.iccid.clone(), acknowledges);
            inbox.routed(b"a".to_vec());
            let received = take(&mut inbox);
            assert_eq!(received.place, Place::Routed);
            received.stored.send(Disposal::Delete).unwrap();
            inbox.settle_now();
            assert_eq!(jobs(&mut inbox), want);
        }
        let mut inbox = inbox();
        jobs(&mut inbox);
        inbox.routed(b"a".to_vec());
        drop(take(&mut inbox).stored);
        inbox.settle_now();
        assert!(inbox.unacknowledged && jobs(&mut inbox).is_empty());
    }
}
