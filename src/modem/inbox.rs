//! What is known of a modem's memories, and what is to be done about it: decisions without I/O.

use super::bringup::MemoryPlan;
use super::recorder::Recorder;
use super::{Config, Disposal, Place, Received};
use crate::at::Memory;
use crate::at::sms::{Level, Stored};
use crate::clock;
use crate::model::Iccid;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::Permit;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::warn;

/// From so many announced messages on, one list is cheaper than reading each.
const READS_BEFORE_LIST: usize = 8;
/// First pause before something that could not be read, committed or deleted is tried again; doubled each time.
const RETRY: Duration = Duration::from_secs(2);
/// Longest such pause.
const RETRY_MOST: Duration = Duration::from_secs(60);
/// How often a memory that is listed may be refused before it is left out: three minutes, in which a busy SIM comes back.
const REFUSALS: u32 = 8;
/// Messages read and not handed over yet, because the one who commits is slow. More stay on the SIM.
const BACKLOG: usize = 512;

/// The memory that is read and deleted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    /// This one.
    Is(Memory),
    /// Not known: one is to be selected before anything is read or deleted.
    Unknown,
    /// The only one of a modem that lets none be selected.
    Only,
}

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
    /// Where messages are received.
    pub(super) home: Memory,
    /// What is to be selected beside it.
    pub(super) beside: Option<Memory>,
    memories: Vec<Memory>,
    /// The memory that is read and deleted from now.
    pub(super) selected: Selected,
    iccid: Option<Iccid>,
    jobs: VecDeque<Job>,
    slots: BTreeMap<(Memory, u16), Slot>,
    waiting: Vec<Waiting>,
    backlog: VecDeque<Arrived>,
    serials: u64,
    /// Something was deleted, or a minute is over: compare what the modem counts with what we know.
    pub(super) check: bool,
    /// All memories were swept once since the process started.
    pub(super) swept: bool,
    /// When what failed is tried again.
    pub(super) retry_at: Option<Instant>,
    retries: u32,
    /// How often a memory could not be selected that the modem lists.
    refusals: BTreeMap<Memory, u32>,
    /// A routed message was not committed: routing will stop, and must be set up again.
    pub(super) unacknowledged: bool,
    acknowledges: bool,
    /// Who writes decisions down: they make the driver say what it says as much as the modem does.
    recorder: Option<Recorder>,
}

impl Inbox {
    /// An inbox that knows nothing.
    pub(super) fn new(swept: bool, recorder: Option<Recorder>) -> Inbox {
        Inbox {
            home: Memory::SM,
            beside: None,
            memories: Vec::new(),
            selected: Selected::Unknown,
            iccid: None,
            jobs: VecDeque::new(),
            slots: BTreeMap::new(),
            waiting: Vec::new(),
            backlog: VecDeque::new(),
            serials: 0,
            check: false,
            swept,
            retry_at: None,
            retries: 0,
            refusals: BTreeMap::new(),
            unacknowledged: false,
            acknowledges: false,
            recorder,
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
            ..Inbox::new(self.swept, self.recorder.take())
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

    /// True when something waits to be handed over, and it is known whose it is.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty() && self.iccid.is_some()
    }

    /// The PDU that is committed and to be deleted from a slot; `None` when the slot holds another by now.
    pub(super) fn committed(&self, memory: Memory, index: u16, serial: u64) -> Option<Vec<u8>> {
        let slot = self.slots.get(&(memory, index)).filter(|slot| slot.serial == serial)?;
        Some(slot.pdu.clone())
    }

    /// The modem says that it has deleted a slot, or it has not.
    pub(super) fn deleted(&mut self, memory: Memory, index: u16, done: bool) {
        if let Some(slot) = self.slots.get_mut(&(memory, index)) {
            slot.state = if done { SlotState::Deleted } else { SlotState::Undeleted };
        }
    }

    /// A slot turned out to hold nothing.
    pub(super) fn empty(&mut self, memory: Memory, index: u16) {
        self.slots.remove(&(memory, index));
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
        if let Some(recorder) = &self.recorder {
            recorder.decided(slot.map(|(memory, index, _)| (memory, index)), disposal);
        }
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
    pub(super) fn retry(&mut self) {
        if self.retry_at.is_none() {
            let pause = RETRY.saturating_mul(1 << self.retries.min(8)).min(RETRY_MOST);
            self.retries += 1;
            self.retry_at = Some(clock::now() + pause);
        }
    }

    /// A memory that is to be swept cannot be selected. Some modems list memories that they refuse for ever (Wavecom, SR):
    /// these are left out after a while, so that the first sweep comes to an end, and home is not swept for nothing.
    pub(super) fn refused(&mut self, memory: Memory) {
        let refusals = self.refusals.entry(memory).or_default();
        *refusals += 1;
        if *refusals >= REFUSALS && memory != self.home {
            self.memories.retain(|other| *other != memory);
            self.swept |= !self.has_sweeps();
        }
    }

    fn has_sweeps(&self) -> bool {
        self.jobs.iter().any(|job| matches!(job, Job::Sweep(_)))
    }

    /// A message was read from a slot: because it was announced, or by a sweep.
    pub(super) fn found(&mut self, memory: Memory, index: u16, stored: Stored, by_sweep: bool) {
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
    pub(super) fn swept(&mut self, memory: Memory, messages: Vec<Stored>) {
        let listed: Vec<u16> = messages.iter().filter_map(|message| message.index).collect();
        self.slots.retain(|(of, index), _| *of != memory || listed.contains(index));
        self.refusals.remove(&memory);
        for message in messages {
            if let Some(index) = message.index {
                self.found(memory, index, message, true);
            }
        }
        self.swept |= !self.has_sweeps();
    }

    /// Compares a modem's count with what we know to be in use. When they differ the memory is read again; else what was
    /// deleted is gone indeed.
    pub(super) fn compare(&mut self, level: &Level) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::sms::MessageStatus;

    const ME: Memory = Memory::ME;
    const SM: Memory = Memory::SM;

    fn inbox() -> Inbox {
        let mut inbox = Inbox::new(false, None);
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
    fn the_first_sweep_is_over_when_a_memory_was_refused_for_long() {
        let mut inbox = inbox();
        for _ in 0..REFUSALS {
            inbox.sweep_all();
            inbox.next();
            inbox.swept(ME, vec![]);
            assert!(!inbox.swept, "SM may still come back");
            assert_eq!(inbox.next(), Some(Job::Sweep(SM)));
            inbox.refused(SM);
        }
        assert!(inbox.swept);
        inbox.sweep_all();
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME)]);
        (0..2 * REFUSALS).for_each(|_| inbox.refused(ME));
        inbox.sweep_all();
        assert_eq!(jobs(&mut inbox), [Job::Sweep(ME)], "home stays");
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
