//! Status reports: which try they are about (RELIABILITY §2.5), and what they change (T8).

use super::ReportIn;
use super::events::{Kind, StatusCause};
use super::outbox::part_key;
use super::writer::Writer;
use crate::model::{AttemptId, PartKey, PartState, Timestamp};
use crate::tpdu::{Status, StatusCategory};
use rusqlite::{OptionalExtension, params};
use std::time::Duration;

/// A report is matched to the candidate nearest in time; the centre's clock may be off by hours (skew is learned later).
const TAIL_DIGITS: usize = 7;
/// A report that fits nothing waits so long for its `+CMGS`, then it is published as an orphan.
pub(super) const ORPHAN_WAIT: Duration = Duration::from_secs(600);

struct Candidate {
    attempt: i64,
    /// The message reference is known and equal; else it is not known.
    same_mr: bool,
    part: PartKey,
    armed_at: i64,
    recipient: String,
}

impl Writer {
    /// One report. It is committed with what it changes, so it costs one sync.
    pub(super) fn report(&mut self, report: &ReportIn) -> rusqlite::Result<()> {
        let sim = self.sim_row(&report.iccid, &report.sim, report.at)?;
        let candidates = self.candidates(sim, report.mr)?;
        let found = nearest(candidates, &report.recipient, report.scts);
        if let Some(candidate) = found {
            return self.apply(candidate.attempt, candidate.part, report.status, report.at);
        }
        self.connection
            .prepare_cached(
                "INSERT INTO orphan_reports (sim, mr, recipient, scts, status, raw, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                sim,
                report.mr,
                report.recipient,
                report.scts,
                report.status,
                report.raw,
                report.at.0
            ])?;
        Ok(())
    }

    fn candidates(&self, sim: i64, mr: u8) -> rusqlite::Result<Vec<Candidate>> {
        self.connection
            .prepare_cached(
                "SELECT a.message, a.seq, a.attempt, coalesce(a.armed_at, 0), m.recipient, a.mr IS NOT NULL FROM attempts a
                 JOIN messages m ON m.message = a.message
                 WHERE a.awaiting = 1 AND a.sim = ?1 AND (a.mr = ?2 OR a.mr IS NULL)",
            )?
            .query_map(params![sim, mr], |row| {
                Ok(Candidate {
                    part: part_key(row)?,
                    attempt: row.get(2)?,
                    armed_at: row.get(3)?,
                    recipient: row.get(4)?,
                    same_mr: row.get(5)?,
                })
            })?
            .collect()
    }

    /// Reports that came before the `+CMGS` of their try.
    pub(super) fn match_orphans(&mut self, attempt: AttemptId, at: Timestamp) -> rusqlite::Result<()> {
        let any: bool = self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM orphan_reports WHERE published = 0)")?
            .query_row([], |row| row.get(0))?;
        if !any {
            return Ok(());
        }
        let found: Option<(i64, u8, String, PartKey, String)> = self
            .connection
            .prepare_cached(
                "SELECT a.message, a.seq, o.orphan, o.status, o.recipient, m.recipient FROM attempts a
                 JOIN messages m ON m.message = a.message
                 JOIN orphan_reports o ON o.published = 0 AND o.sim = a.sim AND o.mr = a.mr
                 WHERE a.attempt = ?1 ORDER BY o.orphan DESC LIMIT 1",
            )?
            .query_row([attempt.0], |row| Ok((row.get(2)?, row.get(3)?, row.get(4)?, part_key(row)?, row.get(5)?)))
            .optional()?;
        if let Some((orphan, status, reported, part, recipient)) = found
            && same_number(&reported, &recipient)
        {
            self.connection.prepare_cached("DELETE FROM orphan_reports WHERE orphan = ?1")?.execute([orphan])?;
            self.apply(attempt.0, part, status, at)?;
        }
        Ok(())
    }

    /// Publishes the reports that have waited long enough for their message.
    pub(super) fn publish_orphans(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let before = now.0 - i64::try_from(ORPHAN_WAIT.as_millis()).unwrap_or(i64::MAX);
        let orphans: Vec<i64> = self
            .connection
            .prepare_cached(
                "UPDATE orphan_reports SET published = 1 WHERE published = 0 AND at <= ?1 RETURNING orphan",
            )?
            .query_map([before], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for orphan in orphans {
            self.event(Kind::Orphan, orphan, None, None, now)?;
        }
        Ok(())
    }

    /// T8: PENDING < FAILED_NET < DELIVERED; never back. A report for an uncertain part is evidence that it left (W-6).
    fn apply(&mut self, attempt: i64, part: PartKey, status: u8, at: Timestamp) -> rusqlite::Result<()> {
        let (to, from): (PartState, &[PartState]) = match Status(status).category() {
            StatusCategory::Delivered => (PartState::Delivered, &DELIVERED_FROM),
            StatusCategory::Unconfirmed => (PartState::SentUnconfirmed, &DONE_FROM),
            StatusCategory::Pending => (PartState::Pending, &PENDING_FROM),
            StatusCategory::Permanent | StatusCategory::GaveUp => (PartState::FailedNet, &DONE_FROM),
        };
        let final_ = to != PartState::Pending;
        self.connection
            .prepare_cached(
                "UPDATE attempts SET awaiting = ?2, state = 2, ended_at = coalesce(ended_at, ?3) WHERE attempt = ?1",
            )?
            .execute(params![attempt, !final_ || to == PartState::FailedNet, at.0])?;
        if self.move_part(part, from, to)? {
            self.settle(part.message)?;
            let cause = StatusCause { report: Some(status), ..StatusCause::default() };
            self.refresh(part.message, &cause, at)?;
        }
        Ok(())
    }
}

const PENDING_FROM: [PartState; 2] = [PartState::Acked, PartState::Ambiguous];
const DONE_FROM: [PartState; 6] = [
    PartState::Acked,
    PartState::Pending,
    PartState::Ambiguous,
    PartState::Ready,
    PartState::Unknown,
    PartState::NoReport,
];
const DELIVERED_FROM: [PartState; 8] = [
    PartState::Acked,
    PartState::Pending,
    PartState::Ambiguous,
    PartState::Ready,
    PartState::Unknown,
    PartState::NoReport,
    PartState::FailedNet,
    PartState::SentUnconfirmed,
];

/// Same recipient; then a known reference before an unknown one; then nearest in time, since references wrap.
fn nearest(candidates: Vec<Candidate>, recipient: &str, scts: Option<i64>) -> Option<Candidate> {
    let same = candidates.into_iter().filter(|candidate| same_number(&candidate.recipient, recipient));
    same.min_by_key(|candidate| {
        let distance = scts.map_or(-candidate.armed_at, |scts| (candidate.armed_at - scts * 1000).abs());
        (!candidate.same_mr, distance)
    })
}

/// Equal numbers, or equal last digits: networks rewrite national numbers.
fn same_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (a, b) = (digits(a), digits(b));
    let n = a.len().min(b.len());
    a == b || n >= TAIL_DIGITS && a[a.len() - TAIL_DIGITS..] == b[b.len() - TAIL_DIGITS..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_by_their_tail() {
        for (a, b, same) in [
            ("+491701234567", "+491701234567", true),
            ("+491701234567", "01701234567", true),
            ("+491701234567", "+491701234568", false),
            ("72345", "72345", true),
            ("72345", "972345", false),
        ] {
            assert_eq!(same_number(a, b), same, "{a} {b}");
        }
    }
}
