//! The durable queue: the transitions T1 to T7, T9 and T10 of RELIABILITY §2.2.

mod accept;
mod due;
mod end;
pub(super) mod message;
pub(super) mod rows;
pub(super) mod tries;

use super::events::StatusCause;
use super::writer::Writer;
use super::{Claim, Step, Verdict};
use crate::model::{AttemptId, MessageKey, PartKey, Timestamp, UncertainReason};
use rusqlite::params;
use tries::{Try, TryState, UNKNOWN_MR};

impl Writer {
    /// The steps of one lane, in order. One that is impossible is left out: what it wanted to change has moved on.
    pub(super) fn steps(&mut self, steps: Vec<Step>) -> rusqlite::Result<()> {
        for step in steps {
            match step {
                Step::Claim(claim) => self.claim(claim)?,
                Step::Release(attempt) => self.release(attempt)?,
                Step::Arm { attempt, at, deadline, reply } => {
                    let armed = self.arm(attempt, at, deadline)?;
                    self.reply_after_commit(Box::new(move |done| {
                        // A driver that is gone does not wait any more.
                        let _ = reply.send(armed && done.is_ok());
                    }));
                }
                Step::Ended { attempt, verdict, at } => self.ended(attempt, &verdict, at)?,
                Step::Evidence { attempt, mr, report_until, at } => self.evidence(attempt, mr, report_until, at)?,
                Step::Resend { part, at } => self.decide(part, at, |message| message.resend(part.seq, at))?,
                Step::Restart { message, at } => self.restart(message, at)?,
                Step::GiveUp { part, at } => self.decide(part, at, |message| message.give_up(part.seq, at))?,
            }
        }
        Ok(())
    }

    /// T2. It stays in memory until the part is ARMED, or the message is written for another reason: nothing outward
    /// depends on it, and a start that finds the part READY is right.
    fn claim(&mut self, claim: Claim) -> rusqlite::Result<()> {
        if self.tries.is_kept(claim.attempt) {
            return Ok(());
        }
        let sim = self.sim_row(&claim.iccid, &claim.sim, claim.at)?;
        let Some(mut message) = self.message(claim.part.message)? else { return Ok(()) };
        let previous = message.part(claim.part.seq).map(|part| part.attempt).filter(|attempt| *attempt > 0);
        if message.claim(claim.part.seq, claim.attempt, sim) {
            self.put_claimed(message);
            self.put_try(Try::claimed(claim, sim, previous));
        } else {
            tracing::debug!(
                attempt = claim.attempt.0,
                "a part was claimed that is not to be had; it will not be armed"
            );
        }
        Ok(())
    }

    /// T2b.
    fn release(&mut self, attempt: AttemptId) -> rusqlite::Result<()> {
        let Some(tried) = self.tried(attempt)?.filter(|tried| tried.state == TryState::Claimed) else { return Ok(()) };
        let Some(mut message) = self.message(tried.part.message)? else { return Ok(()) };
        if let Some(new) = &tried.new {
            if message.release(tried.part.seq, attempt, new.previous.unwrap_or(0)) {
                self.put_claimed(message);
            }
            self.tries.forget(attempt);
            return Ok(());
        }
        // The file has it as claimed, and it is to be found as due again at once.
        self.begin()?;
        if message.release(tried.part.seq, attempt, attempt.0) {
            self.put(message);
        }
        self.put_try(Try { state: TryState::Withdrawn, ..tried });
        Ok(())
    }

    /// T3. False when the claim was taken back, its time is over, or the SIM has another try in the air (W-1).
    fn arm(&mut self, attempt: AttemptId, at: Timestamp, deadline: Timestamp) -> rusqlite::Result<bool> {
        let Some(tried) = self.tried(attempt)? else { return Ok(false) };
        if tried.state == TryState::Armed {
            return Ok(true);
        }
        let Some(mut message) = self.message(tried.part.message)? else { return Ok(false) };
        if let Some(other) = self.tries.armed_on(tried.sim) {
            tracing::error!(attempt = attempt.0, other = other.0, "a SIM was to send two parts at a time; refused");
            return Ok(false);
        }
        // It may have waited behind a slow send until its time was over.
        if at >= message.expires_at || tried.state != TryState::Claimed || !message.arm(tried.part.seq, attempt) {
            return Ok(false);
        }
        self.begin()?;
        self.put(message);
        self.put_try(Try { state: TryState::Armed, armed_at: Some(at), deadline: Some(deadline), ..tried.clone() });
        self.refresh(tried.part.message, &StatusCause::default(), at)?;
        Ok(true)
    }

    /// T4, T5, T6.
    fn ended(&mut self, attempt: AttemptId, verdict: &Verdict, at: Timestamp) -> rusqlite::Result<()> {
        let Some(tried) = self.tried(attempt)?.filter(|tried| tried.state.is_live()) else {
            tracing::debug!(attempt = attempt.0, "a try ended that had been taken back or had ended before");
            return Ok(());
        };
        self.begin()?;
        let tried = Try { ended_at: Some(at), ..tried };
        if !matches!(verdict, Verdict::Acked { .. }) && self.first_is_acked(&tried)? {
            return self.ended_needless(tried, verdict, at);
        }
        match *verdict {
            Verdict::Acked { mr, report_until, by_evidence } => {
                if tried.state == TryState::Claimed {
                    tracing::error!(attempt = attempt.0, "a part was sent that had not been armed; please report this");
                }
                self.acked(tried, mr, report_until, by_evidence, at)
            }
            Verdict::Retry { failure, not_before } => {
                let cause = StatusCause { failure: Some(failure), ..StatusCause::default() };
                let (key, seq) = (tried.part.message, tried.part.seq);
                self.put_try(Try { state: TryState::Failed, failure: Some(failure), ..tried });
                self.change(key, &cause, at, |message| message.retry(seq, attempt, not_before, at))
            }
            Verdict::Fail { failure } => {
                let cause = StatusCause { failure: Some(failure), ..StatusCause::default() };
                let (key, seq) = (tried.part.message, tried.part.seq);
                self.put_try(Try { state: TryState::Failed, failure: Some(failure), ..tried });
                self.change(key, &cause, at, |message| message.fail(seq, attempt))?;
                self.withdraw_tries(key);
                Ok(())
            }
            Verdict::Ambiguous { reason, code, resolve_at } => self.ambiguous(tried, reason, code, resolve_at, at),
        }
    }

    /// True for a resend whose first try turned out to have left while it was in the air.
    fn first_is_acked(&mut self, tried: &Try) -> rusqlite::Result<bool> {
        let Some(first) = tried.resend_of else { return Ok(false) };
        let is_acked = self.tried(first)?.is_some_and(|first| first.state == TryState::Acked);
        Ok(is_acked && self.is_of_this_run(tried)?)
    }

    /// T7a, late: however the resend ended, its part has left.
    fn ended_needless(&mut self, tried: Try, verdict: &Verdict, at: Timestamp) -> rusqlite::Result<()> {
        let (attempt, key, seq) = (tried.attempt, tried.part.message, tried.part.seq);
        let report = self.message(key)?.is_some_and(|message| message.report);
        let ended = match *verdict {
            Verdict::Retry { failure, .. } | Verdict::Fail { failure } => {
                Try { state: TryState::Failed, failure: Some(failure), ..tried }
            }
            // It may have left too; its report is welcome.
            Verdict::Ambiguous { reason, code, .. } => {
                let report_key = report.then_some(UNKNOWN_MR);
                Try { state: TryState::Ambiguous, uncertain: Some(reason), code, report_key, ..tried }
            }
            Verdict::Acked { .. } => Try { state: TryState::Acked, ..tried },
        };
        self.put_try(ended);
        self.change(key, &StatusCause::default(), at, |message| {
            message.acked(seq, attempt, message.expires_at.after(message::REPORT_GRACE))
        })
    }

    /// T4; also T7a by the answer to the resend.
    fn acked(
        &mut self,
        tried: Try,
        mr: Option<u8>,
        report_until: Timestamp,
        by_evidence: bool,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let (attempt, key, seq) = (tried.attempt, tried.part.message, tried.part.seq);
        let first = if by_evidence { tried.resend_of } else { None };
        self.change(key, &StatusCause::default(), at, |message| message.acked(seq, attempt, report_until))?;
        self.close_acked(Try { state: TryState::Acked, ..tried }, mr, at)?;
        // The centre has had the first one all along: that is the try whose report will come.
        if let Some(first) = first
            && let Some(first) = self.tried(first)?.filter(|first| first.state == TryState::Ambiguous)
        {
            let mr = first.mr;
            self.close_acked(Try { state: TryState::Acked, ..first }, mr, at)?;
        }
        Ok(())
    }

    /// Notes what a report will find the try by, and looks whether it has come already.
    fn close_acked(&mut self, tried: Try, mr: Option<u8>, at: Timestamp) -> rusqlite::Result<()> {
        let report = self.message(tried.part.message)?.is_some_and(|message| message.report);
        let report_key = report.then(|| mr.map_or(UNKNOWN_MR, u16::from));
        let tried = Try { mr, report_key, ..tried };
        self.put_try(tried.clone());
        if report { self.take_orphan(&tried, at) } else { Ok(()) }
    }

    /// T6.
    pub(crate) fn ambiguous(
        &mut self,
        tried: Try,
        reason: UncertainReason,
        code: Option<u16>,
        resolve_at: Timestamp,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let (attempt, key, seq) = (tried.attempt, tried.part.message, tried.part.seq);
        let report = self.message(key)?.is_some_and(|message| message.report);
        let report_key = report.then_some(UNKNOWN_MR);
        let tried = Try { state: TryState::Ambiguous, uncertain: Some(reason), code, report_key, ..tried };
        self.put_try(tried.clone());
        let cause = StatusCause { uncertain: Some(reason), ..StatusCause::default() };
        self.change(key, &cause, at, |message| message.ambiguous(seq, attempt, resolve_at))?;
        if report { self.take_orphan(&tried, at) } else { Ok(()) }
    }

    /// T7a: a late final code. It counts while the part is undecided, or waits to be sent once more.
    fn evidence(
        &mut self,
        attempt: AttemptId,
        mr: Option<u8>,
        report_until: Timestamp,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let Some(tried) = self.tried(attempt)?.filter(|tried| tried.state == TryState::Ambiguous) else {
            tracing::info!(attempt = attempt.0, "a late answer came for a try that is decided");
            return Ok(());
        };
        self.begin()?;
        let (key, seq) = (tried.part.message, tried.part.seq);
        if self.is_of_this_run(&tried)? {
            self.change(key, &StatusCause::default(), at, |message| message.evidence(seq, report_until, at))?;
            self.withdraw_tries(key);
        }
        self.close_acked(Try { state: TryState::Acked, ..tried }, mr, at)
    }

    /// T7b and T7c.
    fn decide(
        &mut self,
        part: PartKey,
        at: Timestamp,
        decision: impl FnOnce(&mut message::Message) -> bool,
    ) -> rusqlite::Result<()> {
        self.begin()?;
        self.change(part.message, &StatusCause::default(), at, decision)
    }

    /// The end of RELIABILITY §2.2. Told even when the public state is as it was.
    fn restart(&mut self, key: MessageKey, at: Timestamp) -> rusqlite::Result<()> {
        let Some(mut message) = self.message(key)? else { return Ok(()) };
        if !message.restart(at) {
            return Ok(());
        }
        self.begin()?;
        let recipient = "SELECT recipient FROM messages WHERE message = ?1";
        let recipient: String = self.connection.query_row(recipient, [key.0], |row| row.get(0))?;
        let reference = self.next_reference(&recipient)?;
        self.connection
            .prepare_cached("UPDATE messages SET reference = ?2, run_from = ?3 WHERE message = ?1")?
            .execute(params![key.0, reference, message.run_from])?;
        let state = message.rolled_up();
        let previous = std::mem::replace(&mut message.state, state);
        self.status_event(&message, Some(previous), &StatusCause::default(), at)?;
        self.put(message);
        Ok(())
    }

    /// False for a try by the SIM that stayed away: what it tells is not about the parts that go out now.
    pub(super) fn is_of_this_run(&mut self, tried: &Try) -> rusqlite::Result<bool> {
        Ok(self.message(tried.part.message)?.is_some_and(|message| tried.attempt.0 >= message.run_from))
    }

    /// Applies one change to a message, and tells of it when its public state changed.
    pub(super) fn change(
        &mut self,
        key: MessageKey,
        cause: &StatusCause,
        at: Timestamp,
        change: impl FnOnce(&mut message::Message) -> bool,
    ) -> rusqlite::Result<()> {
        let Some(mut message) = self.message(key)? else { return Ok(()) };
        if change(&mut message) {
            self.put(message);
            return self.refresh(key, cause, at);
        }
        tracing::debug!(message = key.0, "a step came too late and changed nothing");
        Ok(())
    }

    /// Ends the CLAIMED tries of parts that are not to be sent any more; their arming will be refused.
    pub(super) fn withdraw_tries(&mut self, key: MessageKey) {
        for tried in self.tries.claimed_of(key) {
            let still = self.rows.get(key).and_then(|message| message.part(tried.part.seq));
            if still.is_none_or(|part| part.state != crate::model::PartState::Claimed) {
                self.put_try(Try { state: TryState::Withdrawn, ..tried });
            }
        }
    }
}
