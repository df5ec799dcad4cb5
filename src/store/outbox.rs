//! The durable queue: the transitions T1 to T7 and T9, T10 of RELIABILITY §2.2, and what is due.

use super::events::StatusCause;
use super::writer::Writer;
use super::{Accepted, Claim, Due, NewMessage, PendingPart, Step, Undecided, Verdict, Work};
use crate::model::{
    AttemptId, Failure, Iccid, Label, MessageId, MessageKey, OnUncertain, PartKey, PartState, Priority, PublicState,
    Timestamp, UncertainReason,
};
use crate::tpdu::{Alphabet, MessageClass, Segment, ValidityPeriod};
use rusqlite::{OptionalExtension, Row, params};
use std::time::Duration;

/// Messages that are not final.
pub(super) const COUNT_OPEN: &str = "SELECT count(*) FROM messages WHERE due_at IS NOT NULL OR watch_at IS NOT NULL";
/// An id is unique for so long.
const ID_UNIQUE: Duration = Duration::from_secs(7 * 24 * 3600);
/// READY parts of a message that are handed out at a time.
const PARTS: usize = 8;
/// A message that cannot expire now (a part is in the air) is looked at again then.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Where a try stands. Numbers are in the database: never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum TryState {
    Claimed = 0,
    Armed = 1,
    #[allow(dead_code, reason = "written as a literal in the hot statement")]
    Acked = 2,
    Failed = 3,
    Ambiguous = 4,
    Withdrawn = 5,
}

/// The try that a step is about.
struct Try {
    part: PartKey,
    state: u8,
    report: bool,
    resend_of: Option<i64>,
}

impl Writer {
    // ---- T1 ----

    /// Accepts all messages, or none when one of them misuses its id. `None`: the queue is full.
    pub(super) fn accept(
        &mut self,
        messages: &[NewMessage],
        now: Timestamp,
    ) -> rusqlite::Result<Option<Vec<Accepted>>> {
        if self.open_messages + messages.len() as u64 > self.max_queued {
            // The count is an upper bound between two such looks: it only grows.
            self.open_messages = self.connection.query_row(COUNT_OPEN, [], |row| row.get(0))?;
            if self.open_messages + messages.len() as u64 > self.max_queued {
                return Ok(None);
            }
        }
        let known = messages.iter().map(|message| self.known(message, now)).collect::<rusqlite::Result<Vec<_>>>()?;
        let misused = known.contains(&Some(Accepted::IdReused));
        messages
            .iter()
            .zip(known)
            .map(|(message, known)| match known {
                Some(answer) => Ok(answer),
                None if misused => Ok(Accepted::IdReused),
                None => self.insert(message, now).map(Accepted::New),
            })
            .collect::<rusqlite::Result<_>>()
            .map(Some)
    }

    fn known(&self, message: &NewMessage, now: Timestamp) -> rusqlite::Result<Option<Accepted>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT message, digest, state FROM messages WHERE id = ?1 AND accepted_at > ?2 ORDER BY message DESC LIMIT 1",
        )?;
        let since = now.0 - i64::try_from(ID_UNIQUE.as_millis()).unwrap_or(i64::MAX);
        let row = statement.query_row(params![message.id.as_str(), since], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, u8>(2)?))
        });
        Ok(row.optional()?.map(|(key, digest, state)| {
            if digest == message.digest {
                let state = PublicState::from_number(state).unwrap_or(PublicState::Queued);
                Accepted::Repeated(MessageKey(key), state)
            } else {
                Accepted::IdReused
            }
        }))
    }

    fn insert(&mut self, message: &NewMessage, now: Timestamp) -> rusqlite::Result<MessageKey> {
        let reference = if message.parts.len() > 1 { self.next_reference(message.to.as_str())? } else { 0 };
        self.connection
            .prepare_cached(
                "INSERT INTO messages (id, digest, recipient, class, port, priority, hold, report, pinned, accepted_at,
                    expires_at, due_at, watch_at, total, reference, state, tags)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?11, ?13, ?14, 0, ?15)",
            )?
            .execute(params![
                message.id.as_str(),
                message.digest,
                message.to.as_str(),
                message.class.map(MessageClass::bits),
                message.port,
                message.priority as u8,
                message.on_uncertain == OnUncertain::Hold,
                message.report,
                message.sim.as_ref().map(Label::as_str),
                now.0,
                message.expires_at.0,
                message.not_before.0,
                message.parts.len(),
                reference,
                message.tags.join("\n"),
            ])?;
        let key = MessageKey(self.connection.last_insert_rowid());
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO parts (message, seq, state, alphabet, payload) VALUES (?1, ?2, 0, ?3, ?4)")?;
        for (n, segment) in message.parts.iter().enumerate() {
            statement.execute(params![key.0, n + 1, alphabet_number(segment.alphabet), segment.payload])?;
        }
        drop(statement);
        self.open_messages += 1;
        self.status_event(key, PublicState::Queued, None, &StatusCause::default(), now)?;
        Ok(key)
    }

    /// The next concatenation reference for a recipient: kept before it is used, so that a restart does not repeat it.
    fn next_reference(&self, recipient: &str) -> rusqlite::Result<u8> {
        self.connection
            .prepare_cached(
                "INSERT INTO concat_references (recipient, last) VALUES (?1, 1)
                 ON CONFLICT (recipient) DO UPDATE SET last = (last + 1) % 256 RETURNING last",
            )?
            .query_row([recipient], |row| row.get(0))
    }

    // ---- T2 to T7 ----

    pub(super) fn steps(&mut self, steps: Vec<Step>) -> rusqlite::Result<()> {
        for step in steps {
            // A claim alone opens no transaction: nothing outward depends on it.
            if let Step::Claim(claim) = step {
                self.claims.push(claim);
                continue;
            }
            self.begin()?;
            for claim in std::mem::take(&mut self.claims) {
                self.claim(&claim)?;
            }
            match step {
                Step::Claim(_) => {}
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
                Step::Resend { part, at } => self.resend(part, at)?,
                Step::GiveUp { part, at } => self.give_up(part, at)?,
            }
        }
        Ok(())
    }

    /// T2. A part that is not READY any more (cancelled meanwhile) is left alone; its arming will be refused.
    pub(super) fn claim(&mut self, claim: &Claim) -> rusqlite::Result<()> {
        let (message, seq, attempt) = (claim.part.message.0, claim.part.seq, claim.attempt.0);
        let claimed = self
            .connection
            .prepare_cached(
                "UPDATE parts SET state = 1, tries = tries + 1, attempt = ?3 WHERE message = ?1 AND seq = ?2 AND state = 0",
            )?
            .execute(params![message, seq, attempt])?;
        if claimed == 0 {
            return Ok(());
        }
        let sim = self.sim_row(&claim.iccid, &claim.sim, claim.at)?;
        let validity = match claim.validity {
            ValidityPeriod::Relative(octet) => Some(octet),
            _ => None,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO attempts (attempt, message, seq, sim, port, epoch, sha256, validity, routing,
                    resend_of, state, claimed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)",
            )?
            .execute(params![
                attempt,
                message,
                seq,
                sim,
                claim.port,
                self.epoch,
                claim.tpdu_sha256,
                validity,
                claim.routing,
                claim.resend_of.map(|of| of.0),
                claim.at.0
            ])?;
        self.connection
            .prepare_cached(
                "UPDATE messages SET attempts = attempts + 1, sim = ?2, due_at = CASE WHEN total > 1 AND EXISTS
                    (SELECT 1 FROM parts WHERE parts.message = ?1 AND parts.state = 0) THEN due_at END WHERE message = ?1",
            )?
            .execute(params![message, sim])?;
        Ok(())
    }

    /// T2b.
    fn release(&mut self, attempt: AttemptId) -> rusqlite::Result<()> {
        let Some(part) = self.end_try(attempt, &[TryState::Claimed], TryState::Withdrawn)? else { return Ok(()) };
        if self.move_part(part, &[PartState::Claimed], PartState::Ready)? {
            self.make_due(part.message, Timestamp(0))?;
        }
        Ok(())
    }

    /// T3. False when the claim was taken back.
    fn arm(&mut self, attempt: AttemptId, at: Timestamp, deadline: Timestamp) -> rusqlite::Result<bool> {
        let part = self
            .connection
            .prepare_cached(
                "UPDATE attempts SET state = 1, armed_at = ?2, deadline = ?3 WHERE attempt = ?1 AND state = 0
                 RETURNING message, seq",
            )?
            .query_row(params![attempt.0, at.0, deadline.0], part_key)
            .optional()?;
        let Some(part) = part else { return Ok(false) };
        if !self.move_part(part, &[PartState::Claimed], PartState::Armed)? {
            self.end_try(attempt, &[TryState::Armed], TryState::Withdrawn)?;
            return Ok(false);
        }
        self.refresh(part.message, &StatusCause::default(), at)?;
        Ok(true)
    }

    /// T4, T5, T6.
    fn ended(&mut self, attempt: AttemptId, verdict: &Verdict, at: Timestamp) -> rusqlite::Result<()> {
        let Some(tried) = self.tried(attempt)? else { return Ok(()) };
        if tried.state != TryState::Claimed as u8 && tried.state != TryState::Armed as u8 {
            return Ok(());
        }
        let under_way = [PartState::Claimed, PartState::Armed];
        match *verdict {
            Verdict::Acked { mr, report_until, by_evidence } => {
                self.acked(attempt, &tried, mr, report_until, by_evidence, &under_way, at)
            }
            Verdict::Retry { failure, not_before, counted } => {
                self.close_try(attempt, TryState::Failed, Some(failure), None, at)?;
                if self.move_part(tried.part, &under_way, PartState::Ready)? {
                    self.count_blame(tried.part, counted)?;
                    self.unbind_if_unsent(tried.part.message)?;
                    self.make_due(tried.part.message, not_before)?;
                }
                let cause = StatusCause { failure: Some(failure), ..StatusCause::default() };
                self.refresh(tried.part.message, &cause, at)
            }
            Verdict::Fail { failure } => {
                self.close_try(attempt, TryState::Failed, Some(failure), None, at)?;
                self.move_part(tried.part, &under_way, PartState::Failed)?;
                self.cancel_waiting(tried.part.message)?;
                self.settle(tried.part.message)?;
                let cause = StatusCause { failure: Some(failure), ..StatusCause::default() };
                self.refresh(tried.part.message, &cause, at)
            }
            Verdict::Ambiguous { reason, code, resolve_at } => {
                self.ambiguous(attempt, &tried, reason, code, resolve_at, at)
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of one transition")]
    fn acked(
        &mut self,
        attempt: AttemptId,
        tried: &Try,
        mr: Option<u8>,
        report_until: Timestamp,
        by_evidence: bool,
        from: &[PartState],
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE attempts SET state = 2, ended_at = ?2, mr = ?3, awaiting = ?4 WHERE attempt = ?1")?
            .execute(params![attempt.0, at.0, mr, tried.report])?;
        if let (true, Some(earlier)) = (by_evidence, tried.resend_of) {
            // The centre has the first one: that is the try that its report will name.
            self.connection
                .prepare_cached("UPDATE attempts SET state = 2, awaiting = ?2 WHERE attempt = ?1")?
                .execute(params![earlier, tried.report])?;
        }
        if self.move_part(tried.part, from, PartState::Acked)? {
            self.watch_report(tried.part.message, tried.report, report_until)?;
            self.refresh(tried.part.message, &StatusCause::default(), at)?;
        }
        if tried.report {
            self.match_orphans(attempt, at)?;
        }
        Ok(())
    }

    /// T6.
    fn ambiguous(
        &mut self,
        attempt: AttemptId,
        tried: &Try,
        reason: UncertainReason,
        code: Option<u16>,
        resolve_at: Timestamp,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE attempts SET state = 4, ended_at = ?2, uncertain = ?3, code = ?4, awaiting = ?5 WHERE attempt = ?1",
            )?
            .execute(params![attempt.0, at.0, reason as u8, code, tried.report])?;
        self.move_part(tried.part, &[PartState::Claimed, PartState::Armed], PartState::Ambiguous)?;
        self.connection
            .prepare_cached("UPDATE messages SET due_at = ?2 WHERE message = ?1")?
            .execute(params![tried.part.message.0, resolve_at.0])?;
        let cause = StatusCause { uncertain: Some(reason), ..StatusCause::default() };
        self.refresh(tried.part.message, &cause, at)
    }

    /// T7a. Counts while the part is undecided, or waits to be sent again.
    fn evidence(
        &mut self,
        attempt: AttemptId,
        mr: Option<u8>,
        report_until: Timestamp,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let Some(tried) = self.tried(attempt)? else { return Ok(()) };
        if tried.state != TryState::Ambiguous as u8 || !self.is_latest(attempt, tried.part)? {
            tracing::info!(attempt = attempt.0, "a late answer came for a part that is decided");
            return Ok(());
        }
        self.acked(attempt, &tried, mr, report_until, false, &[PartState::Ambiguous, PartState::Ready], at)?;
        self.settle(tried.part.message)
    }

    /// T7b.
    fn resend(&mut self, part: PartKey, at: Timestamp) -> rusqlite::Result<()> {
        if !self.move_part(part, &[PartState::Ambiguous], PartState::Ready)? {
            return Ok(());
        }
        self.connection
            .prepare_cached("UPDATE parts SET resends = resends + 1 WHERE message = ?1 AND seq = ?2")?
            .execute(params![part.message.0, part.seq])?;
        self.connection
            .prepare_cached("UPDATE messages SET duplicate = 1, due_at = ?2 WHERE message = ?1")?
            .execute(params![part.message.0, at.0])?;
        self.refresh(part.message, &StatusCause::default(), at)
    }

    /// T7c.
    fn give_up(&mut self, part: PartKey, at: Timestamp) -> rusqlite::Result<()> {
        if self.move_part(part, &[PartState::Ambiguous], PartState::Unknown)? {
            self.settle(part.message)?;
            self.refresh(part.message, &StatusCause::default(), at)?;
        }
        Ok(())
    }

    // ---- T9, T10 ----

    /// T9: what was not sent in time expires; what was sent stops waiting for its report.
    pub(super) fn expire(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let keys: Vec<(i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT message, expires_at FROM messages WHERE watch_at <= ?1 ORDER BY watch_at LIMIT 256",
            )?
            .query_map([now.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (key, expires_at) in keys {
            let key = MessageKey(key);
            let unsent = [PartState::Ready, PartState::Claimed];
            if expires_at <= now.0 && self.move_parts(key, &unsent, PartState::Expired)? > 0 {
                self.settle(key)?;
            } else if self.count_parts(key, &[PartState::Armed, PartState::Ambiguous])? > 0 {
                self.watch(key, Some(now.after(LOOK_AGAIN)))?;
                continue;
            } else {
                self.move_parts(key, &[PartState::Acked, PartState::Pending], PartState::NoReport)?;
                self.settle(key)?;
            }
            self.refresh(key, &StatusCause::default(), now)?;
        }
        Ok(())
    }

    /// T10. `Err` holds the state that forbids it.
    pub(super) fn cancel(
        &mut self,
        id: &MessageId,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Result<PublicState, PublicState>>> {
        let row = self
            .connection
            .prepare_cached("SELECT message, state FROM messages WHERE id = ?1 ORDER BY message DESC LIMIT 1")?
            .query_row([id.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u8>(1)?)))
            .optional()?;
        let Some((key, state)) = row else { return Ok(None) };
        let key = MessageKey(key);
        if self.cancel_waiting(key)? == 0 {
            return Ok(Some(Err(PublicState::from_number(state).unwrap_or(PublicState::Queued))));
        }
        self.settle(key)?;
        self.refresh(key, &StatusCause::default(), now)?;
        let state: u8 = self
            .connection
            .prepare_cached("SELECT state FROM messages WHERE message = ?1")?
            .query_row([key.0], |row| row.get(0))?;
        Ok(Some(Ok(PublicState::from_number(state).unwrap_or(PublicState::Cancelled))))
    }

    // ---- what is due ----

    pub(super) fn due(&mut self, now: Timestamp, limit: usize) -> rusqlite::Result<Due> {
        let mut due = Due::default();
        for priority in [Priority::Alarm, Priority::High, Priority::Normal, Priority::Low] {
            let left = limit + 1 - due.work.len();
            let keys: Vec<i64> = self
                .connection
                .prepare_cached(
                    "SELECT message FROM messages WHERE priority = ?1 AND due_at <= ?2 ORDER BY due_at, message LIMIT ?3",
                )?
                .query_map(params![priority as u8, now.0, left], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for key in keys {
                if due.work.len() == limit {
                    due.more = true;
                    break;
                }
                due.work.extend(self.work(MessageKey(key))?);
            }
            let next: Option<i64> = self
                .connection
                .prepare_cached("SELECT min(due_at) FROM messages WHERE priority = ?1 AND due_at > ?2")?
                .query_row(params![priority as u8, now.0], |row| row.get(0))?;
            due.next_at = [due.next_at, next.map(Timestamp)].into_iter().flatten().min();
        }
        let orphan_wait = i64::try_from(super::reports::ORPHAN_WAIT.as_millis()).unwrap_or(i64::MAX);
        let others: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(at) FROM (SELECT min(watch_at) AS at FROM messages WHERE watch_at IS NOT NULL
                    UNION ALL SELECT min(partial_at) FROM inbound WHERE partial_at IS NOT NULL
                    UNION ALL SELECT min(at) + ?1 FROM orphan_reports WHERE published = 0)",
            )?
            .query_row([orphan_wait], |row| row.get(0))?;
        due.next_at = [due.next_at, others.map(Timestamp)].into_iter().flatten().min();
        Ok(due)
    }

    fn work(&self, key: MessageKey) -> rusqlite::Result<Option<Work>> {
        let work = self
            .connection
            .prepare_cached(
                "SELECT m.id, m.recipient, m.priority, m.pinned, s.iccid, m.class, m.report, m.hold, m.expires_at,
                    m.reference, m.total, m.port FROM messages m LEFT JOIN sims s ON s.sim = m.sim AND m.total > 1
                 WHERE m.message = ?1",
            )?
            .query_row([key.0], |row| read_work(key, row))?;
        // Only a broken database has a row that was not checked when it was written.
        let Some(mut work) = work else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(
            "SELECT p.seq, p.state, p.alphabet, p.payload, p.tries, p.blamed, p.resends, p.attempt, a.mr, a.state
             FROM parts p LEFT JOIN attempts a ON a.attempt = p.attempt
             WHERE p.message = ?1 AND p.state IN (0, 4) ORDER BY p.seq LIMIT ?2",
        )?;
        let mut rows = statement.query(params![key.0, PARTS])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, u8>(1)? == PartState::Ambiguous as u8 {
                work.undecided = Some(Undecided { seq: row.get(0)?, resends: row.get(6)? });
                break;
            }
            work.parts.push(read_part(row)?);
        }
        Ok(Some(work))
    }

    // ---- helpers ----

    fn tried(&self, attempt: AttemptId) -> rusqlite::Result<Option<Try>> {
        self.connection
            .prepare_cached(
                "SELECT a.message, a.seq, a.state, m.report, a.resend_of FROM attempts a
                 JOIN messages m ON m.message = a.message WHERE a.attempt = ?1",
            )?
            .query_row([attempt.0], |row| {
                Ok(Try { part: part_key(row)?, state: row.get(2)?, report: row.get(3)?, resend_of: row.get(4)? })
            })
            .optional()
    }

    fn is_latest(&self, attempt: AttemptId, part: PartKey) -> rusqlite::Result<bool> {
        let latest: Option<i64> = self
            .connection
            .prepare_cached("SELECT attempt FROM parts WHERE message = ?1 AND seq = ?2")?
            .query_row(params![part.message.0, part.seq], |row| row.get(0))?;
        Ok(latest == Some(attempt.0))
    }

    fn end_try(&self, attempt: AttemptId, from: &[TryState], to: TryState) -> rusqlite::Result<Option<PartKey>> {
        let from: u32 = from.iter().map(|state| 1 << (*state as u8)).sum();
        self.connection
            .prepare_cached(
                "UPDATE attempts SET state = ?2 WHERE attempt = ?1 AND (?3 >> state) & 1 = 1 RETURNING message, seq",
            )?
            .query_row(params![attempt.0, to as u8, from], part_key)
            .optional()
    }

    fn close_try(
        &self,
        attempt: AttemptId,
        state: TryState,
        failure: Option<Failure>,
        uncertain: Option<UncertainReason>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE attempts SET state = ?2, ended_at = ?3, blame = ?4, cause = ?5, code = ?6, uncertain = ?7
                 WHERE attempt = ?1",
            )?
            .execute(params![
                attempt.0,
                state as u8,
                at.0,
                failure.map(|failure| failure.blame as u8),
                failure.map(|failure| failure.cause as u8),
                failure.and_then(|failure| failure.code),
                uncertain.map(|reason| reason as u8),
            ])?;
        Ok(())
    }

    /// Compare and set of one part's state.
    pub(super) fn move_part(&self, part: PartKey, from: &[PartState], to: PartState) -> rusqlite::Result<bool> {
        let changed = self
            .connection
            .prepare_cached("UPDATE parts SET state = ?3 WHERE message = ?1 AND seq = ?2 AND (?4 >> state) & 1 = 1")?
            .execute(params![part.message.0, part.seq, to as u8, mask(from)])?;
        Ok(changed == 1)
    }

    fn move_parts(&self, key: MessageKey, from: &[PartState], to: PartState) -> rusqlite::Result<usize> {
        self.connection
            .prepare_cached("UPDATE parts SET state = ?2 WHERE message = ?1 AND (?3 >> state) & 1 = 1")?
            .execute(params![key.0, to as u8, mask(from)])
    }

    fn count_parts(&self, key: MessageKey, states: &[PartState]) -> rusqlite::Result<usize> {
        self.connection
            .prepare_cached("SELECT count(*) FROM parts WHERE message = ?1 AND (?2 >> state) & 1 = 1")?
            .query_row(params![key.0, mask(states)], |row| row.get(0))
    }

    fn cancel_waiting(&self, key: MessageKey) -> rusqlite::Result<usize> {
        self.move_parts(key, &[PartState::Ready, PartState::Claimed], PartState::Cancelled)
    }

    fn count_blame(&self, part: PartKey, counted: bool) -> rusqlite::Result<()> {
        if counted {
            self.connection
                .prepare_cached("UPDATE parts SET blamed = blamed + 1 WHERE message = ?1 AND seq = ?2")?
                .execute(params![part.message.0, part.seq])?;
        }
        Ok(())
    }

    /// A message of which nothing can have left may go out by any SIM.
    fn unbind_if_unsent(&self, key: MessageKey) -> rusqlite::Result<()> {
        let left = [
            PartState::Armed,
            PartState::Acked,
            PartState::Ambiguous,
            PartState::Unknown,
            PartState::Pending,
            PartState::Delivered,
            PartState::SentUnconfirmed,
            PartState::FailedNet,
        ];
        self.connection
            .prepare_cached(
                "UPDATE messages SET sim = NULL WHERE message = ?1 AND total > 1 AND NOT EXISTS
                    (SELECT 1 FROM parts WHERE parts.message = ?1 AND (?2 >> parts.state) & 1 = 1)",
            )?
            .execute(params![key.0, mask(&left)])?;
        Ok(())
    }

    fn make_due(&self, key: MessageKey, not_before: Timestamp) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET due_at = max(coalesce(due_at, 0), ?2) WHERE message = ?1")?
            .execute(params![key.0, not_before.0])?;
        Ok(())
    }

    fn watch(&self, key: MessageKey, at: Option<Timestamp>) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("UPDATE messages SET watch_at = ?2 WHERE message = ?1")?
            .execute(params![key.0, at.map(|at| at.0)])?;
        Ok(())
    }

    /// After a part was acknowledged: when all are through, wait for the reports (or for nothing).
    fn watch_report(&mut self, key: MessageKey, report: bool, until: Timestamp) -> rusqlite::Result<()> {
        let before = [PartState::Ready, PartState::Claimed, PartState::Armed, PartState::Ambiguous];
        let total: u8 = self
            .connection
            .prepare_cached("SELECT total FROM messages WHERE message = ?1")?
            .query_row([key.0], |row| row.get(0))?;
        if total > 1 && self.count_parts(key, &before)? > 0 {
            return Ok(());
        }
        self.watch(key, report.then_some(until))
    }

    /// After something ended: what is still READY is due now; when nothing is left to do or wait for, the message rests.
    pub(super) fn settle(&mut self, key: MessageKey) -> rusqlite::Result<()> {
        let ready = self.count_parts(key, &[PartState::Ready])? > 0;
        let undecided = self.count_parts(key, &[PartState::Ambiguous])? > 0;
        let under_way = self.count_parts(key, &[PartState::Claimed, PartState::Armed])? > 0;
        let waiting = self.count_parts(key, &[PartState::Acked, PartState::Pending])? > 0;
        if undecided {
            return Ok(());
        }
        let rests = !ready && !under_way && !waiting;
        self.connection
            .prepare_cached(
                "UPDATE messages SET due_at = CASE WHEN ?2 THEN coalesce(due_at, 0) END,
                    watch_at = CASE WHEN ?3 THEN NULL ELSE watch_at END WHERE message = ?1",
            )?
            .execute(params![key.0, ready, rests])?;
        Ok(())
    }

    pub(super) fn sim_seen(&mut self, iccid: &Iccid, label: &Label, now: Timestamp) -> rusqlite::Result<Timestamp> {
        let sim = self.sim_row(iccid, label, now)?;
        self.connection
            .prepare_cached("UPDATE sims SET label = ?2 WHERE sim = ?1 RETURNING first_seen")?
            .query_row(params![sim, label.as_str()], |row| row.get(0).map(Timestamp))
    }

    /// The row of a SIM, made when it is new.
    pub(super) fn sim_row(&mut self, iccid: &Iccid, label: &Label, now: Timestamp) -> rusqlite::Result<i64> {
        if let Some(sim) = self.sims.get(iccid) {
            return Ok(*sim);
        }
        let sim = self
            .connection
            .prepare_cached(
                "INSERT INTO sims (iccid, label, first_seen) VALUES (?1, ?2, ?3)
                 ON CONFLICT (iccid) DO UPDATE SET label = excluded.label RETURNING sim",
            )?
            .query_row(params![iccid.as_str(), label.as_str(), now.0], |row| row.get(0))?;
        self.sims.insert(iccid.clone(), sim);
        Ok(sim)
    }
}

fn mask(states: &[PartState]) -> u32 {
    states.iter().map(|state| 1 << (*state as u8)).sum()
}

pub(super) fn part_key(row: &Row<'_>) -> rusqlite::Result<PartKey> {
    Ok(PartKey { message: MessageKey(row.get(0)?), seq: row.get(1)? })
}

fn alphabet_number(alphabet: Alphabet) -> u8 {
    match alphabet {
        Alphabet::Gsm7 => 0,
        Alphabet::Octets => 1,
        _ => 2,
    }
}

fn read_work(key: MessageKey, row: &Row<'_>) -> rusqlite::Result<Option<Work>> {
    let (Ok(id), Ok(to)) = (row.get::<_, String>(0)?.parse(), row.get::<_, String>(1)?.parse()) else {
        return Ok(None);
    };
    let priorities = [Priority::Low, Priority::Normal, Priority::High, Priority::Alarm];
    let hold: bool = row.get(7)?;
    Ok(Some(Work {
        key,
        id,
        to,
        priority: priorities.get(row.get::<_, usize>(2)?).copied().unwrap_or_default(),
        pinned: row.get::<_, Option<String>>(3)?.and_then(|label| label.parse().ok()),
        bound: row.get::<_, Option<String>>(4)?.and_then(|iccid| iccid.parse().ok()),
        class: row.get::<_, Option<u8>>(5)?.map(MessageClass::from_bits),
        report: row.get(6)?,
        on_uncertain: if hold { OnUncertain::Hold } else { OnUncertain::Resend },
        expires_at: Timestamp(row.get(8)?),
        reference: row.get(9)?,
        total: row.get(10)?,
        port: row.get(11)?,
        parts: Vec::new(),
        undecided: None,
    }))
}

fn read_part(row: &Row<'_>) -> rusqlite::Result<PendingPart> {
    let alphabet = match row.get::<_, u8>(2)? {
        0 => Alphabet::Gsm7,
        1 => Alphabet::Octets,
        _ => Alphabet::Ucs2,
    };
    let resends: u32 = row.get(6)?;
    // A READY part with a resend repeats its latest uncertain try.
    let last: Option<i64> = row.get(7)?;
    let mr: Option<u8> = row.get(8)?;
    let resend_of = last.filter(|_| resends > 0).map(|attempt| (AttemptId(attempt), mr));
    Ok(PendingPart {
        seq: row.get(0)?,
        segment: Segment { alphabet, payload: row.get(3)? },
        tries: row.get(4)?,
        blamed: row.get(5)?,
        resend_of,
    })
}
