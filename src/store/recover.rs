//! R: what a start finds of the process before, and mends.

use super::Recovered;
use super::events::StatusCause;
use super::outbox::{TryState, part_key};
use super::writer::Writer;
use crate::model::{AttemptId, PartKey, PartState, Timestamp, UncertainReason};
use rusqlite::params;
use std::time::Duration;

/// Wait for evidence before an uncertain part is resent or given up: a report may still come.
const RESOLVE_WITH_REPORT: Duration = Duration::from_secs(120);
/// The same where no report was asked for: only a late `+CMGS` can help, and it comes soon or never.
const RESOLVE_WITHOUT_REPORT: Duration = Duration::from_secs(5);

/// How long an uncertain part waits for evidence. RELIABILITY T7b.
pub fn resolve_wait(report: bool) -> Duration {
    if report { RESOLVE_WITH_REPORT } else { RESOLVE_WITHOUT_REPORT }
}

impl Writer {
    /// CLAIMED → READY: provably not sent. ARMED → AMBIG: nobody knows.
    pub(super) fn recover(&mut self, now: Timestamp) -> rusqlite::Result<Recovered> {
        self.begin()?;
        for part in self.parts_tried(TryState::Claimed)? {
            self.move_part(part, &[PartState::Claimed], PartState::Ready)?;
            self.connection
                .prepare_cached("UPDATE messages SET due_at = coalesce(due_at, ?2) WHERE message = ?1")?
                .execute(params![part.message.0, now.0])?;
        }
        self.connection.execute(
            "UPDATE attempts SET state = ?1 WHERE state = ?2",
            params![TryState::Withdrawn as u8, TryState::Claimed as u8],
        )?;
        let armed = self.armed(now)?;
        for part in self.parts_tried(TryState::Armed)? {
            self.move_part(part, &[PartState::Armed], PartState::Ambiguous)?;
            self.resolve_later(part, now)?;
        }
        self.connection.execute(
            "UPDATE attempts SET state = ?1, ended_at = ?3, uncertain = ?4,
                awaiting = (SELECT report FROM messages m WHERE m.message = attempts.message) WHERE state = ?2",
            params![TryState::Ambiguous as u8, TryState::Armed as u8, now.0, UncertainReason::Crash as u8],
        )?;
        let last: i64 =
            self.connection.query_row("SELECT coalesce(max(attempt), 0) FROM attempts", [], |row| row.get(0))?;
        let counts = super::reader::counts(&self.connection)?;
        Ok(Recovered { epoch: self.epoch, next_attempt: AttemptId(last + 1), armed, counts })
    }

    fn parts_tried(&self, state: TryState) -> rusqlite::Result<Vec<PartKey>> {
        self.connection
            .prepare("SELECT message, seq FROM attempts WHERE state = ?1")?
            .query_map([state as u8], part_key)?
            .collect()
    }

    fn armed(&self, now: Timestamp) -> rusqlite::Result<Vec<(String, AttemptId, Duration)>> {
        self.connection
            .prepare("SELECT port, attempt, coalesce(deadline, 0) FROM attempts WHERE state = 1")?
            .query_map([], |row| {
                let left = now.until(Timestamp(row.get(2)?));
                Ok((row.get(0)?, AttemptId(row.get(1)?), left))
            })?
            .collect()
    }

    fn resolve_later(&mut self, part: PartKey, now: Timestamp) -> rusqlite::Result<()> {
        let report: bool = self
            .connection
            .prepare_cached("SELECT report FROM messages WHERE message = ?1")?
            .query_row([part.message.0], |row| row.get(0))?;
        self.connection
            .prepare_cached("UPDATE messages SET due_at = ?2 WHERE message = ?1")?
            .execute(params![part.message.0, now.after(resolve_wait(report)).0])?;
        let cause = StatusCause { uncertain: Some(UncertainReason::Crash), ..StatusCause::default() };
        self.refresh(part.message, &cause, now)
    }
}
