//! The part of a message's row that changes, and every change it may go through: RELIABILITY §2.2, without SQL.

use crate::model::{AttemptId, MessageId, MessageKey, PartState, PublicState, Timestamp, roll_up};
use std::sync::Arc;
use std::time::Duration;

/// A report may come this long after the validity period. RELIABILITY T9.
const REPORT_GRACE: Duration = Duration::from_secs(72 * 3600);
/// Octets of a packed part.
const PART_OCTETS: usize = 16;

/// One part.
///
/// ```text
///   0       1        2         3      4..8    8..16
/// +-------+--------+---------+------+-------+---------+
/// | state | blamed | resends |  0   | tries | attempt |  little endian; attempt 0: none yet
/// +-------+--------+---------+------+-------+---------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) state: PartState,
    /// Tries that blamed the message.
    pub(crate) blamed: u8,
    /// How often it was sent once more because nobody knew.
    pub(crate) resends: u8,
    pub(crate) tries: u32,
    /// The latest try; 0: none.
    pub(crate) attempt: i64,
}

impl Part {
    pub(crate) const NEW: Part = Part { state: PartState::Ready, blamed: 0, resends: 0, tries: 0, attempt: 0 };

    fn packed(&self) -> [u8; PART_OCTETS] {
        let mut octets = [0; PART_OCTETS];
        octets[0] = self.state as u8;
        octets[1] = self.blamed;
        octets[2] = self.resends;
        octets[4..8].copy_from_slice(&self.tries.to_le_bytes());
        octets[8..].copy_from_slice(&self.attempt.to_le_bytes());
        octets
    }

    fn unpacked(octets: &[u8; PART_OCTETS]) -> Part {
        let [state, blamed, resends, _, t0, t1, t2, t3, attempt @ ..] = *octets;
        Part {
            // A state that this version does not know came from no version before it: the file is refused as newer.
            state: PartState::from_number(state).unwrap_or(PartState::Unknown),
            blamed,
            resends,
            tries: u32::from_le_bytes([t0, t1, t2, t3]),
            attempt: i64::from_le_bytes(attempt),
        }
    }

    /// It waits to be sent once more although it may have left before.
    pub(crate) fn is_resend(&self) -> bool {
        self.resends > 0
    }

    /// Provably not with the service centre, and not on its way.
    fn is_waiting(&self) -> bool {
        matches!(self.state, PartState::Ready | PartState::Claimed)
    }

    fn is_under_way(&self) -> bool {
        matches!(self.state, PartState::Claimed | PartState::Armed)
    }

    /// Ends a waiting part: as unknown where it may have left in an earlier try.
    fn withdraw(&mut self, end: PartState) {
        self.state = if self.is_resend() { PartState::Unknown } else { end };
    }
}

/// All parts of a message as they are in its row.
pub(crate) fn pack(parts: &[Part]) -> Vec<u8> {
    parts.iter().flat_map(Part::packed).collect()
}

/// The parts of a row.
pub(crate) fn unpack(octets: &[u8]) -> Vec<Part> {
    octets.as_chunks().0.iter().map(Part::unpacked).collect()
}

/// What an event says of every message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) id: MessageId,
    pub(crate) tags: Vec<String>,
}

/// What of a message changes after its acceptance, and what the changes depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) key: MessageKey,
    pub(crate) facts: Arc<Facts>,
    pub(crate) priority: u8,
    /// A status report was asked for.
    pub(crate) report: bool,
    pub(crate) pinned: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: PublicState,
    pub(crate) not_before: Timestamp,
    pub(crate) watch_at: Option<Timestamp>,
    pub(crate) report_until: Timestamp,
    /// Row of the SIM that carried it last.
    pub(crate) sim: Option<i64>,
    pub(crate) tries: u32,
    pub(crate) duplicate: bool,
    pub(crate) parts: Vec<Part>,
}

impl Message {
    /// The part with this sequence number, from 1.
    pub(crate) fn part(&self, seq: u8) -> Option<&Part> {
        self.parts.get(usize::from(seq).checked_sub(1)?)
    }

    fn part_mut(&mut self, seq: u8) -> Option<&mut Part> {
        self.parts.get_mut(usize::from(seq).checked_sub(1)?)
    }

    /// The part, when `attempt` is its latest try and still under way.
    fn trying(&mut self, seq: u8, attempt: AttemptId) -> Option<&mut Part> {
        self.part_mut(seq).filter(|part| part.attempt == attempt.0 && part.is_under_way())
    }

    fn any(&self, state: PartState) -> bool {
        self.parts.iter().any(|part| part.state == state)
    }

    /// The SIM that has to carry the rest: once a part may have left, all go out by one SIM (I-17).
    pub(crate) fn bound(&self) -> Option<i64> {
        Message::bound_by(&self.parts, self.sim)
    }

    /// The same, of a row that is not in memory.
    pub(crate) fn bound_by(parts: &[Part], sim: Option<i64>) -> Option<i64> {
        let fresh = |part: &Part| part.state == PartState::Ready && !part.is_resend();
        sim.filter(|_| parts.len() > 1 && !parts.iter().all(fresh))
    }

    /// When there is something to send or to decide. Parts go in order, so an undecided one holds the others back.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        (self.any(PartState::Ready) || self.any(PartState::Ambiguous)).then_some(self.not_before)
    }

    /// The public state that the parts amount to.
    pub(crate) fn rolled_up(&self) -> PublicState {
        match self.parts.as_slice() {
            [one] => roll_up(&[one.state]),
            parts => roll_up(&parts.iter().map(|part| part.state).collect::<Vec<_>>()),
        }
    }

    /// Parts that the service centre has.
    pub(crate) fn parts_sent(&self) -> usize {
        self.parts.iter().filter(|part| part.state.was_sent()).count()
    }

    /// Nothing can happen to it any more by itself.
    fn rests(&self) -> bool {
        let waits_for_report = |part: &Part| matches!(part.state, PartState::Acked | PartState::Pending) && self.report;
        !self.parts.iter().any(|part| waits_for_report(part) || !part.state.is_final() && !part.state.was_sent())
    }

    /// Watches a message as long as something can happen to it by itself.
    fn settle(&mut self) {
        if self.rests() {
            self.watch_at = None;
        } else if self.watch_at.is_none() {
            self.watch_at = Some(self.report_until.max(self.expires_at));
        }
    }

    /// T2: READY → CLAIMED. False when the part is not READY, or has to go out by another SIM.
    pub(crate) fn claim(&mut self, seq: u8, attempt: AttemptId, sim: i64) -> bool {
        if self.bound().is_some_and(|bound| bound != sim) {
            return false;
        }
        let Some(part) = self.part_mut(seq).filter(|part| part.state == PartState::Ready) else { return false };
        part.state = PartState::Claimed;
        part.attempt = attempt.0;
        part.tries = part.tries.saturating_add(1);
        self.tries = self.tries.saturating_add(1);
        self.sim = Some(sim);
        true
    }

    /// T2b: CLAIMED → READY, as if it had never been claimed. `latest`: the part's latest try from now on.
    pub(crate) fn release(&mut self, seq: u8, attempt: AttemptId, latest: i64) -> bool {
        let claimed = |part: &&mut Part| part.attempt == attempt.0 && part.state == PartState::Claimed;
        let Some(part) = self.part_mut(seq).filter(claimed) else { return false };
        part.state = PartState::Ready;
        part.attempt = latest;
        part.tries = part.tries.saturating_sub(1);
        self.tries = self.tries.saturating_sub(1);
        true
    }

    /// T3: CLAIMED → ARMED. True also when this very try is ARMED already.
    pub(crate) fn arm(&mut self, seq: u8, attempt: AttemptId) -> bool {
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Armed;
        true
    }

    /// T4: ARMED → ACKED.
    pub(crate) fn acked(&mut self, seq: u8, attempt: AttemptId, report_until: Timestamp) -> bool {
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Acked;
        self.report_until = self.report_until.max(report_until);
        self.settle();
        true
    }

    /// T5: back to READY, not before that instant. Past its time it expires at once.
    pub(crate) fn retry(
        &mut self,
        seq: u8,
        attempt: AttemptId,
        not_before: Timestamp,
        counted: bool,
        at: Timestamp,
    ) -> bool {
        let expired = at >= self.expires_at;
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Ready;
        part.blamed = part.blamed.saturating_add(u8::from(counted));
        if expired {
            part.withdraw(PartState::Expired);
        }
        self.not_before = self.not_before.max(not_before);
        self.settle();
        true
    }

    /// T5: FAILED for good; parts that wait are cancelled.
    pub(crate) fn fail(&mut self, seq: u8, attempt: AttemptId) -> bool {
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Failed;
        self.cancel();
        self.settle();
        true
    }

    /// T6: AMBIG, to be decided then.
    pub(crate) fn ambiguous(&mut self, seq: u8, attempt: AttemptId, resolve_at: Timestamp) -> bool {
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Ambiguous;
        self.not_before = resolve_at;
        true
    }

    /// T7a: AMBIG → ACKED by evidence; also while it waits to be sent once more, which then is not needed.
    pub(crate) fn evidence(&mut self, seq: u8, report_until: Timestamp, at: Timestamp) -> bool {
        let undecided = |part: &&mut Part| part.state == PartState::Ambiguous || part.is_waiting() && part.is_resend();
        let Some(part) = self.part_mut(seq).filter(undecided) else { return false };
        part.state = PartState::Acked;
        self.report_until = self.report_until.max(report_until);
        self.decided(at);
        true
    }

    /// T7b: AMBIG → READY. Past its time it is given up instead.
    pub(crate) fn resend(&mut self, seq: u8, at: Timestamp) -> bool {
        if at >= self.expires_at {
            return self.give_up(seq, at);
        }
        let Some(part) = self.ambiguous_part(seq) else { return false };
        part.state = PartState::Ready;
        part.resends = part.resends.saturating_add(1);
        self.duplicate = true;
        self.decided(at);
        true
    }

    /// T7c: AMBIG → UNKNOWN.
    pub(crate) fn give_up(&mut self, seq: u8, at: Timestamp) -> bool {
        let Some(part) = self.ambiguous_part(seq) else { return false };
        part.state = PartState::Unknown;
        self.decided(at);
        true
    }

    fn ambiguous_part(&mut self, seq: u8) -> Option<&mut Part> {
        self.part_mut(seq).filter(|part| part.state == PartState::Ambiguous)
    }

    /// What waited for the decision goes on now; another undecided part has its turn at once.
    fn decided(&mut self, at: Timestamp) {
        self.not_before = at;
        self.settle();
    }

    /// T8: monotone, and a late "delivered" is stronger than everything (I-16). A report on a part that nobody knew
    /// about, or that waits to be sent once more, is evidence that it had left (W-6).
    pub(crate) fn reported(&mut self, seq: u8, to: PartState, at: Timestamp) -> bool {
        let Some(part) = self.part_mut(seq) else { return false };
        let Some(rank) = rank(part).filter(|rank| *rank < strength(to)) else { return false };
        // A resend that is in the air ends by itself.
        if part.state == PartState::Armed && to != PartState::Delivered {
            return false;
        }
        part.state = to;
        if rank == 0 {
            self.report_until = self.report_until.max(self.expires_at.after(REPORT_GRACE));
            self.decided(at);
        } else {
            self.settle();
        }
        true
    }

    /// T9: what waits expires; what was sent stops waiting for its report. Watched on while something is in the air.
    pub(crate) fn expire(&mut self, now: Timestamp, look_again: Timestamp) {
        if now >= self.expires_at {
            self.parts.iter_mut().filter(|part| part.is_waiting()).for_each(|part| part.withdraw(PartState::Expired));
        }
        let is_sent = |part: &Part| matches!(part.state, PartState::Acked | PartState::Pending);
        if now >= self.report_until {
            self.parts.iter_mut().filter(|part| is_sent(part)).for_each(|part| part.state = PartState::NoReport);
        }
        let open = |part: &Part| matches!(part.state, PartState::Armed | PartState::Ambiguous);
        let waits = self.parts.iter().any(Part::is_waiting).then_some(self.expires_at);
        let reports = self.parts.iter().any(is_sent).then_some(self.report_until);
        let looks = self.parts.iter().any(open).then_some(look_again);
        self.watch_at = [waits, reports, looks].into_iter().flatten().min();
        self.settle();
    }

    /// T10: READY and CLAIMED → CANCELLED. Returns how many parts.
    pub(crate) fn cancel(&mut self) -> usize {
        let mut n = 0;
        for part in self.parts.iter_mut().filter(|part| part.is_waiting()) {
            part.withdraw(PartState::Cancelled);
            n += 1;
        }
        self.settle();
        n
    }
}

/// How much a report says. PENDING < SENT_UNCONFIRMED < FAILED_NET < DELIVERED.
fn strength(state: PartState) -> u8 {
    match state {
        PartState::Pending => 1,
        PartState::SentUnconfirmed => 2,
        PartState::FailedNet => 3,
        PartState::Delivered => 4,
        _ => 0,
    }
}

/// What is known of a part that a report may change; `None`: none can be about it.
fn rank(part: &Part) -> Option<u8> {
    match part.state {
        PartState::Acked | PartState::Ambiguous | PartState::Unknown => Some(0),
        // Final already: that the centre still tries is no news.
        PartState::NoReport => Some(strength(PartState::Pending)),
        PartState::Ready | PartState::Claimed | PartState::Armed => part.is_resend().then_some(0),
        PartState::Pending | PartState::SentUnconfirmed | PartState::FailedNet | PartState::Delivered => {
            Some(strength(part.state))
        }
        PartState::Failed | PartState::Expired | PartState::Cancelled => None,
    }
}
