//! R: what a start finds of the process before, and mends.

use super::Recovered;
use super::events::StatusCause;
use super::mailbox::Mailbox;
use super::outbox::tries::{Tries, TryState};
use super::salvage::DOUBT;
use super::writer::Writer;
use crate::model::{AttemptId, MessageKey, QueueCounts, Timestamp, UncertainReason};
use rusqlite::{OptionalExtension, params};
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
    /// CLAIMED → READY: provably not sent. ARMED → AMBIG: nobody knows. The counts are filled in after the commit.
    pub(super) fn recover(&mut self, now: Timestamp) -> rusqlite::Result<Recovered> {
        self.begin()?;
        let mut armed = Vec::new();
        for (attempt, port) in self.live_tries()? {
            let Some(mut tried) = self.tried(attempt)? else { continue };
            let (key, seq) = (tried.part.message, tried.part.seq);
            tried.ended_at = Some(now);
            if tried.state == TryState::Claimed {
                tried.state = TryState::Withdrawn;
                self.put_try(tried);
                self.change(key, &StatusCause::default(), now, |message| message.release(seq, attempt, attempt.0))?;
                continue;
            }
            armed.push((port, attempt, now.until(tried.deadline.unwrap_or(now))));
            let report = self.message(key)?.is_some_and(|message| message.report);
            self.ambiguous(tried, UncertainReason::Crash, None, now.after(resolve_wait(report)), now)?;
        }
        let last = "SELECT coalesce(max(attempt), 0) FROM attempts";
        let last: i64 = self.connection.query_row(last, [], |row| row.get(0))?;
        Ok(Recovered {
            epoch: self.epoch,
            next_attempt: AttemptId(last + 1),
            armed,
            counts: QueueCounts::default(),
            sims: self.sims.named(),
        })
    }

    /// After a salvage, once: nothing is READY, since what is in the file may be old. RELIABILITY F-43.
    pub(super) fn doubt(&mut self, mailbox: &Mailbox, now: Timestamp) -> rusqlite::Result<()> {
        let done = "SELECT value FROM meta WHERE key = ?1";
        let done: Option<i64> = self.connection.query_row(done, [DOUBT], |row| row.get(0)).optional()?;
        let Some(mut after) = done else { return Ok(()) };
        loop {
            let rows: Vec<(i64, bool, bool)> = self
                .connection
                .prepare_cached(
                    "SELECT message, message IN (SELECT message FROM bodies), watch_at IS NOT NULL
                     FROM messages WHERE message > ?1
                     ORDER BY message LIMIT 256",
                )?
                .query_map([after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<_>>()?;
            self.begin()?;
            let Some((last, ..)) = rows.last() else {
                self.connection.execute("DELETE FROM meta WHERE key = ?1", [DOUBT])?;
                return self.commit(mailbox);
            };
            after = *last;
            for (key, sendable, is_found) in rows {
                self.doubt_one(MessageKey(key), sendable, is_found, now)?;
            }
            // A start that is ended before it is through goes on there.
            self.connection
                .prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1")?
                .execute(params![DOUBT, after])?;
            self.commit(mailbox)?;
        }
    }

    /// `is_found`: an index has it, which may be wrong; then it is written in any case.
    fn doubt_one(&mut self, key: MessageKey, sendable: bool, is_found: bool, now: Timestamp) -> rusqlite::Result<()> {
        let Some(mut message) = self.message(key)? else { return Ok(()) };
        let resolve_at = now.after(resolve_wait(message.report));
        if !message.doubt(resolve_at, sendable) && !is_found {
            return Ok(());
        }
        self.put(message);
        let cause = StatusCause { uncertain: Some(UncertainReason::Salvaged), ..StatusCause::default() };
        self.refresh(key, &cause, now)
    }

    /// Tries as the file has them: what was claimed and not written is forgotten.
    pub(super) fn reopen_tries(&mut self) -> rusqlite::Result<()> {
        self.tries = Tries::default();
        for (attempt, _) in self.live_tries()? {
            if let Some(tried) = self.tried(attempt)? {
                self.tries.keep(tried);
            }
        }
        Ok(())
    }

    /// Tries that were under way, with the port of each.
    fn live_tries(&self) -> rusqlite::Result<Vec<(AttemptId, String)>> {
        self.connection
            .prepare(
                "SELECT attempt, port FROM attempts INDEXED BY attempts_live WHERE live IS NOT NULL ORDER BY attempt",
            )?
            .query_map([], |row| Ok((AttemptId(row.get(0)?), row.get(1)?)))?
            .collect()
    }
}
