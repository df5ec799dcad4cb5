//! The part of a message's row that changes, and every change it may go through: RELIABILITY §2.2, without SQL.

use crate::model::{AttemptId, MessageId, MessageKey, PartState, PublicState, Timestamp, roll_up};
use std::sync::Arc;
use std::time::Duration;

/// A report may come this long after the validity period. RELIABILITY T9.
pub(crate) const REPORT_GRACE: Duration = Duration::from_secs(72 * 3600);
/// Octets of a packed part.
const PART_OCTETS: usize = 16;

/// One part.
///
/// ```text
///   0       1        2         3      4..8    8..16
/// +-------+--------+---------+------+-------+---------+
/// | state | 0      | resends | left | tries | attempt |  little endian; attempt 0: none yet
/// +-------+--------+---------+------+-------+---------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) state: PartState,
    /// How often it was sent once more because nobody knew.
    pub(crate) resends: u8,
    /// It may have left before the message was begun again.
    pub(crate) left: bool,
    pub(crate) tries: u32,
    /// The latest try; 0: none.
    pub(crate) attempt: i64,
}

impl Part {
    pub(crate) const NEW: Part = Part { state: PartState::Ready, resends: 0, left: false, tries: 0, attempt: 0 };

    fn packed(&self) -> [u8; PART_OCTETS] {
        let mut octets = [0; PART_OCTETS];
        octets[0] = self.state as u8;
        octets[2] = self.resends;
        octets[3] = u8::from(self.left);
        octets[4..8].copy_from_slice(&self.tries.to_le_bytes());
        octets[8..].copy_from_slice(&self.attempt.to_le_bytes());
        octets
    }

    fn unpacked(octets: &[u8; PART_OCTETS]) -> Part {
        let [state, _, resends, left, t0, t1, t2, t3, attempt @ ..] = *octets;
        Part {
            // A state that this version does not know came from no version before it: the file is refused as newer.
            state: PartState::from_number(state).unwrap_or(PartState::Unknown),
            resends,
            left: left != 0,
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
        self.state = if self.is_resend() || self.left { PartState::Unknown } else { end };
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
    /// Tries before this one were of an earlier run, by another SIM; 0: there was none.
    pub(crate) run_from: i64,
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

    /// The whole message may be begun again by another SIM: once, when nothing is on its way and nothing has failed.
    pub(crate) fn may_restart(parts: &[Part], pinned: bool, run_from: i64) -> bool {
        let stops = |part: &Part| {
            part.is_under_way()
                || matches!(
                    part.state,
                    PartState::Ambiguous
                        | PartState::Failed
                        | PartState::FailedNet
                        | PartState::Expired
                        | PartState::Cancelled
                )
        };
        let waits = parts.iter().any(|part| part.state == PartState::Ready);
        parts.len() > 1 && !pinned && run_from == 0 && waits && !parts.iter().any(stops)
    }

    /// The end of RELIABILITY §2.2: every part READY again, for any SIM. The phone cannot join parts of two SIMs.
    pub(crate) fn restart(&mut self, at: Timestamp) -> bool {
        if !Message::may_restart(&self.parts, self.pinned.is_some(), self.run_from) {
            return false;
        }
        for part in &mut self.parts {
            part.left |= part.state != PartState::Ready || part.is_resend();
            part.state = PartState::Ready;
            part.resends = 0;
        }
        self.run_from = 1 + self.parts.iter().map(|part| part.attempt).max().unwrap_or(0);
        self.sim = None;
        self.duplicate = true;
        self.decided(at);
        true
    }

    /// It was begun again by another SIM.
    pub(crate) fn is_restarted(&self) -> bool {
        self.run_from > 0
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
    pub(crate) fn retry(&mut self, seq: u8, attempt: AttemptId, not_before: Timestamp, at: Timestamp) -> bool {
        let expired = at >= self.expires_at;
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.state = PartState::Ready;
        if expired {
            part.withdraw(PartState::Expired);
        }
        self.not_before = self.not_before.max(not_before);
        self.settle();
        true
    }

    /// T5: FAILED for good, UNKNOWN where an earlier try may have left; parts that wait are cancelled.
    pub(crate) fn fail(&mut self, seq: u8, attempt: AttemptId) -> bool {
        let Some(part) = self.trying(seq, attempt) else { return false };
        part.withdraw(PartState::Failed);
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

    /// T7b: AMBIG → READY. Past its time, or where the rest of the message goes out no more, it is given up instead.
    pub(crate) fn resend(&mut self, seq: u8, at: Timestamp) -> bool {
        let is_over = |part: &Part| {
            matches!(part.state, PartState::Failed | PartState::FailedNet | PartState::Expired | PartState::Cancelled)
        };
        if at >= self.expires_at || self.parts.iter().any(is_over) {
            return self.give_up(seq, at);
        }
        let Some(part) = self.ambiguous_part(seq) else { return false };
        part.state = PartState::Ready;
        part.resends = part.resends.saturating_add(1);
        self.duplicate = true;
        self.decided(at);
        true
    }

    /// T7c: AMBIG → UNKNOWN. Whoever sends it again may double it.
    pub(crate) fn give_up(&mut self, seq: u8, at: Timestamp) -> bool {
        let Some(part) = self.ambiguous_part(seq) else { return false };
        part.state = PartState::Unknown;
        self.duplicate = true;
        self.decided(at);
        true
    }

    fn ambiguous_part(&mut self, seq: u8) -> Option<&mut Part> {
        self.part_mut(seq).filter(|part| part.state == PartState::Ambiguous)
    }

    /// After a salvage: what is not known to have been sent may have left all the same. `sendable`: its text is there.
    pub(crate) fn doubt(&mut self, resolve_at: Timestamp, sendable: bool) -> bool {
        let mut is_changed = false;
        for part in self.parts.iter_mut().filter(|part| !part.state.is_final() && !part.state.was_sent()) {
            part.state = if sendable { PartState::Ambiguous } else { PartState::Unknown };
            is_changed = true;
        }
        if is_changed {
            // What was to go out later still is.
            self.not_before = self.not_before.max(resolve_at);
        }
        self.settle();
        is_changed
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
        let was_open = part.state == PartState::Ambiguous || part.is_waiting();
        part.state = to;
        if rank == 0 {
            self.report_until = self.report_until.max(self.expires_at.after(REPORT_GRACE));
        }
        if to == PartState::FailedNet {
            // A phone without one of its parts shows none: the rest would be paid for nothing.
            self.cancel();
        }
        if was_open {
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

#[cfg(test)]
mod tests {
    use super::PartState::{
        Acked, Ambiguous, Armed, Cancelled, Claimed, Delivered, Expired, Failed, FailedNet, NoReport, Pending, Ready,
        SentUnconfirmed, Unknown,
    };
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const EXPIRES: Timestamp = Timestamp(NOW.0 + 1000);
    const TRY: AttemptId = AttemptId(7);

    fn message(states: &[PartState], resends: u8) -> Message {
        let part = |state: &PartState| Part { state: *state, attempt: TRY.0, resends, ..Part::NEW };
        let mut message = Message {
            key: MessageKey(1),
            facts: Arc::new(Facts { id: "a".parse().unwrap(), tags: Vec::new() }),
            priority: 1,
            report: true,
            pinned: None,
            expires_at: EXPIRES,
            state: PublicState::Queued,
            not_before: NOW,
            watch_at: Some(EXPIRES),
            report_until: EXPIRES,
            sim: Some(1),
            tries: 0,
            duplicate: false,
            run_from: 0,
            parts: states.iter().map(part).collect(),
        };
        message.state = message.rolled_up();
        message
    }

    type Transition = fn(&mut Message);
    /// A name, what is done, and every state that it changes, with what it becomes.
    type Row = (&'static str, Transition, &'static [(PartState, PartState)]);

    /// RELIABILITY §2.2, for a part that was never sent once more.
    const TABLE: &[Row] = &[
        ("T2 claim", |m| _ = m.claim(1, TRY, 1), &[(Ready, Claimed)]),
        ("T2b release", |m| _ = m.release(1, TRY, 0), &[(Claimed, Ready)]),
        ("T3 arm", |m| _ = m.arm(1, TRY), &[(Claimed, Armed)]),
        ("T4 acked", |m| _ = m.acked(1, TRY, EXPIRES), &[(Claimed, Acked), (Armed, Acked)]),
        ("T5 retry", |m| _ = m.retry(1, TRY, NOW, NOW), &[(Claimed, Ready), (Armed, Ready)]),
        ("T5 retry, too late", |m| _ = m.retry(1, TRY, NOW, EXPIRES), &[(Claimed, Expired), (Armed, Expired)]),
        ("T5 fail", |m| _ = m.fail(1, TRY), &[(Claimed, Failed), (Armed, Failed)]),
        ("T6 ambiguous", |m| _ = m.ambiguous(1, TRY, NOW), &[(Claimed, Ambiguous), (Armed, Ambiguous)]),
        ("T7a evidence", |m| _ = m.evidence(1, EXPIRES, NOW), &[(Ambiguous, Acked)]),
        ("T7b resend", |m| _ = m.resend(1, NOW), &[(Ambiguous, Ready)]),
        ("T7b resend, too late", |m| _ = m.resend(1, EXPIRES), &[(Ambiguous, Unknown)]),
        ("T7c give up", |m| _ = m.give_up(1, NOW), &[(Ambiguous, Unknown)]),
        (
            "T8 pending",
            |m| _ = m.reported(1, Pending, NOW),
            &[(Acked, Pending), (Ambiguous, Pending), (Unknown, Pending)],
        ),
        (
            "T8 sent, unconfirmed",
            |m| _ = m.reported(1, SentUnconfirmed, NOW),
            &[
                (Acked, SentUnconfirmed),
                (Ambiguous, SentUnconfirmed),
                (Unknown, SentUnconfirmed),
                (Pending, SentUnconfirmed),
                (NoReport, SentUnconfirmed),
            ],
        ),
        (
            "T8 failed",
            |m| _ = m.reported(1, FailedNet, NOW),
            &[
                (Acked, FailedNet),
                (Ambiguous, FailedNet),
                (Unknown, FailedNet),
                (Pending, FailedNet),
                (NoReport, FailedNet),
                (SentUnconfirmed, FailedNet),
            ],
        ),
        (
            "T8 delivered",
            |m| _ = m.reported(1, Delivered, NOW),
            &[
                (Acked, Delivered),
                (Ambiguous, Delivered),
                (Unknown, Delivered),
                (Pending, Delivered),
                (NoReport, Delivered),
                (SentUnconfirmed, Delivered),
                (FailedNet, Delivered),
            ],
        ),
        (
            "T9 expire",
            |m| m.expire(EXPIRES, EXPIRES),
            &[(Ready, Expired), (Claimed, Expired), (Acked, NoReport), (Pending, NoReport)],
        ),
        ("T9 too early", |m| m.expire(NOW, EXPIRES), &[]),
        ("T10 cancel", |m| _ = m.cancel(), &[(Ready, Cancelled), (Claimed, Cancelled)]),
    ];

    #[test]
    fn every_step_from_every_state() {
        for (name, step, changes) in TABLE {
            for from in PartState::ALL {
                let mut message = message(&[from], 0);
                step(&mut message);
                let want = changes.iter().find(|(state, _)| *state == from).map_or(from, |(_, to)| *to);
                assert_eq!(message.parts[0].state, want, "{name} of {from:?}");
            }
        }
    }

    #[test]
    fn another_try_changes_nothing() {
        let other = AttemptId(8);
        for from in PartState::ALL {
            let before = message(&[from], 0);
            let mut after = before.clone();
            assert!(!after.release(1, other, 0) && !after.arm(1, other) && !after.acked(1, other, EXPIRES));
            assert!(!after.retry(1, other, NOW, NOW) && !after.fail(1, other) && !after.ambiguous(1, other, NOW));
            assert_eq!(after, before, "{from:?}");
        }
    }

    /// What may have left once is never said to be cancelled or expired.
    #[test]
    fn a_resend_that_ends_early_is_unknown() {
        for from in [Ready, Claimed] {
            let mut cancelled = message(&[from], 1);
            cancelled.cancel();
            let mut expired = message(&[from], 1);
            expired.expire(EXPIRES, EXPIRES);
            assert_eq!((cancelled.parts[0].state, expired.parts[0].state), (Unknown, Unknown));
        }
        for (from, to) in [(Ready, Acked), (Claimed, Acked), (Armed, Armed)] {
            let mut late = message(&[from], 1);
            late.evidence(1, EXPIRES, NOW);
            assert_eq!(late.parts[0].state, to, "a late answer to the first try, {from:?}");
        }
    }

    #[test]
    fn reports_end_alike_in_any_order() {
        let all = [Pending, SentUnconfirmed, FailedNet, Delivered];
        for a in all {
            for b in all {
                for c in all {
                    let mut message = message(&[Acked], 0);
                    for report in [a, b, c] {
                        message.reported(1, report, NOW);
                    }
                    let strongest = [a, b, c].into_iter().max_by_key(|state| strength(*state)).unwrap();
                    assert_eq!(message.parts[0].state, strongest, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }

    #[test]
    fn a_failed_part_cancels_those_that_wait() {
        let mut message = message(&[Acked, Armed, Claimed, Ready], 0);
        assert!(message.fail(2, TRY));
        let states: Vec<_> = message.parts.iter().map(|part| part.state).collect();
        assert_eq!(states, [Acked, Failed, Cancelled, Cancelled]);
        assert_eq!(message.rolled_up(), PublicState::Failed);
    }

    /// No part of it is of use without the others.
    #[test]
    fn what_failed_or_was_cancelled_goes_out_no_more() {
        let states = |message: &Message| message.parts.iter().map(|part| part.state).collect::<Vec<_>>();
        let mut reported = message(&[Acked, Ready, Claimed, Armed], 0);
        assert!(reported.reported(1, FailedNet, NOW));
        assert_eq!(states(&reported), [FailedNet, Cancelled, Cancelled, Armed]);
        for over in [Cancelled, Failed, FailedNet, Expired] {
            let mut undecided = message(&[Ambiguous, over], 0);
            assert!(undecided.resend(1, NOW));
            assert_eq!(states(&undecided), [Unknown, over]);
        }
        let mut refused = message(&[Armed], 1);
        assert!(refused.fail(1, TRY));
        assert_eq!(states(&refused), [Unknown], "the first try may have left");
    }

    #[test]
    fn a_report_shortens_no_wait_but_that_for_itself() {
        for (state, not_before) in [(Acked, EXPIRES), (Ambiguous, NOW)] {
            let mut message = message(&[state, Ambiguous], 0);
            message.not_before = EXPIRES;
            assert!(message.reported(1, Delivered, NOW));
            assert_eq!(message.not_before, not_before, "{state:?}");
        }
    }

    #[test]
    fn later_parts_go_out_by_the_same_sim() {
        let mut fresh = message(&[Ready, Ready], 0);
        assert!(fresh.claim(1, TRY, 5) && !fresh.claim(2, AttemptId(8), 6) && fresh.claim(2, AttemptId(8), 5));
        let mut alone = message(&[Ready], 0);
        assert!(alone.claim(1, TRY, 6), "a message of one part may change its SIM");
    }

    #[test]
    fn what_cannot_change_any_more_is_not_watched() {
        for (states, watched) in [
            (&[Ready][..], true),
            (&[Ambiguous], true),
            (&[Acked], true),
            (&[Pending, Delivered], true),
            (&[Delivered, Delivered], false),
            (&[Failed, Cancelled], false),
            (&[Unknown], false),
        ] {
            let mut message = message(states, 0);
            message.settle();
            assert_eq!(message.watch_at.is_some(), watched, "{states:?}");
        }
    }

    #[test]
    fn parts_come_back_as_they_were_packed() {
        for state in PartState::ALL {
            let part = Part { state, resends: 1, left: true, tries: 70_000, attempt: i64::MAX };
            assert_eq!(unpack(&pack(&[part, Part::NEW])), [part, Part::NEW]);
        }
    }
}
