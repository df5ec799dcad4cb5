//! Status reports: which try they are about (RELIABILITY §2.5), and what they change (T8).

use super::ReportIn;
use super::events::{Kind, StatusCause};
use super::outbox::tries::{Try, TryState, UNKNOWN_MR};
use super::writer::Writer;
use crate::model::{AttemptId, PartState, Timestamp};
use crate::tpdu::{Status, StatusCategory};
use rusqlite::{Row, params};
use std::time::Duration;

/// Numbers with so many equal last digits are the same: networks rewrite national numbers.
const TAIL_DIGITS: usize = 7;
/// TP-SCTS and the arming of one message differ by no more than this, the skew of the centre's clock taken off.
const TOLERANCE: i64 = 300_000;
/// A report that fits nothing waits so long for its `+CMGS`, then it is published as an orphan.
pub(super) const ORPHAN_WAIT: Duration = Duration::from_secs(600);
/// Tries with one reference that are looked at, the latest first. It comes again every 256 submits, and a report after 72 h is
/// still right: so many turns last as long with more than a message a second.
const CANDIDATES: usize = 1024;

/// The tries that a report may be about.
struct Candidates {
    found: Vec<Candidate>,
    /// No older one was left out.
    are_all: bool,
}

/// A try that the report may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    attempt: i64,
    /// When it was armed, in milliseconds.
    sent_at: i64,
}

impl Writer {
    /// One report. It is committed with what it changes, so it costs one sync.
    pub(super) fn report(&mut self, report: &ReportIn) -> rusqlite::Result<()> {
        let sim = self.sim_row(&report.iccid, &report.sim, report.at)?;
        let scts = report.scts.map(|seconds| seconds.saturating_mul(1000));
        self.flush_if_open()?;
        let found = self.find(sim, report.mr, &report.recipient, scts)?;
        self.begin()?;
        let Some(attempt) = found else { return self.shelve(sim, report) };
        let Some(tried) = self.tried(attempt)? else { return Ok(()) };
        self.apply(tried, Some(report.mr), report.status, report.at)
    }

    /// The try with this reference to this recipient that fits the time best; else one whose reference is not known.
    fn find(&mut self, sim: i64, mr: u8, recipient: &str, scts: Option<i64>) -> rusqlite::Result<Option<AttemptId>> {
        let skew = self.sims.skew(sim);
        let sent_at = scts.zip(skew).map(|(scts, skew)| scts - skew);
        let Candidates { found: exact, are_all } = self.candidates(sim, u16::from(mr), recipient, sent_at)?;
        if let Some(found) = nearest(&exact, scts, skew, true) {
            return self.found(sim, found, scts, exact.len() == 1);
        }
        let Candidates { found: unknown, .. } = self.candidates(sim, UNKNOWN_MR, recipient, sent_at)?;
        let is_counted = self.is_counted(sim, &exact)?;
        // Without a time and a reference only a single candidate is sure enough.
        let sure = !is_counted && (scts.is_some() || unknown.len() == 1);
        if let Some(found) = nearest(&unknown, scts, skew, true).filter(|_| sure) {
            return self.found(sim, found, scts, false);
        }
        // Out of tolerance, but there is no other: the centre's clock was set. A reference that comes round again is of
        // the part in the air rather, whose answer is not here yet.
        match exact.as_slice() {
            [only] if are_all && (is_counted || unknown.is_empty()) && !self.is_in_the_air(sim, recipient)? => {
                self.found(sim, *only, scts, true)
            }
            _ => Ok(None),
        }
    }

    /// True when the latest of them is so young that its reference has not come round again: no other try since has it.
    fn is_counted(&self, sim: i64, exact: &[Candidate]) -> rusqlite::Result<bool> {
        let Some(latest) = exact.first() else { return Ok(false) };
        let since = "SELECT count(*) FROM (SELECT 1 FROM attempts WHERE attempt > ?1 AND sim = ?2 LIMIT 256)";
        let since: u32 =
            self.connection.prepare_cached(since)?.query_row(params![latest.attempt, sim], |row| row.get(0))?;
        Ok(since < 255)
    }

    /// True when the SIM has a part to that recipient ARMED.
    fn is_in_the_air(&mut self, sim: i64, recipient: &str) -> rusqlite::Result<bool> {
        let Some(attempt) = self.tries.armed_on(sim) else { return Ok(false) };
        let Some(tried) = self.tried(attempt)? else { return Ok(false) };
        Ok(same_number(&self.recipient(&tried)?, recipient))
    }

    fn found(
        &mut self,
        sim: i64,
        candidate: Candidate,
        scts: Option<i64>,
        unambiguous: bool,
    ) -> rusqlite::Result<Option<AttemptId>> {
        if let (Some(scts), true) = (scts, unambiguous) {
            self.learn_skew(sim, scts - candidate.sent_at)?;
        }
        Ok(Some(AttemptId(candidate.attempt)))
    }

    /// Tries by that SIM with that reference to that recipient, the latest first. Where it is known when it was sent, the walk
    /// ends behind one of that time: what is older is farther off.
    fn candidates(&self, sim: i64, key: u16, recipient: &str, sent_at: Option<i64>) -> rusqlite::Result<Candidates> {
        let mut statement = self.connection.prepare_cached(
            "SELECT a.attempt, coalesce(a.armed_at, a.claimed_at), m.recipient FROM attempts a
             JOIN messages m ON m.message = a.message
             WHERE a.sim = ?1 AND a.report_key = ?2 ORDER BY a.attempt DESC",
        )?;
        let mut rows = statement.query(params![sim, key])?;
        let (mut found, mut seen, mut fits) = (Vec::new(), 0, false);
        while let Some(row) = rows.next()? {
            let candidate = Candidate { attempt: row.get(0)?, sent_at: row.get(1)? };
            let is_past = sent_at.is_some_and(|at| candidate.sent_at < at - TOLERANCE);
            if seen == CANDIDATES || fits && is_past {
                return Ok(Candidates { found, are_all: false });
            }
            seen += 1;
            if same_number(row.get_ref(2)?.as_str()?, recipient) {
                found.push(candidate);
                fits |= sent_at.is_some_and(|at| (candidate.sent_at - at).abs() <= TOLERANCE);
            }
        }
        Ok(Candidates { found, are_all: true })
    }

    fn recipient(&self, tried: &Try) -> rusqlite::Result<String> {
        self.connection
            .prepare_cached("SELECT recipient FROM messages WHERE message = ?1")?
            .query_row([tried.part.message.0], |row| row.get(0))
    }

    /// T8. A report on a try that nobody knew about is evidence that it had left (W-6).
    fn apply(&mut self, tried: Try, mr: Option<u8>, status: u8, at: Timestamp) -> rusqlite::Result<()> {
        let to = match Status(status).category() {
            StatusCategory::Delivered => PartState::Delivered,
            StatusCategory::Unconfirmed => PartState::SentUnconfirmed,
            StatusCategory::Pending => PartState::Pending,
            StatusCategory::Permanent | StatusCategory::GaveUp => PartState::FailedNet,
        };
        let (key, seq) = (tried.part.message, tried.part.seq);
        if tried.mr.is_none() && mr.is_some() || tried.state == TryState::Ambiguous {
            let report_key = mr.map(u16::from).or(tried.report_key);
            self.put_try(Try { state: TryState::Acked, mr, report_key, ..tried.clone() });
        }
        if !self.is_of_this_run(&tried)? {
            return Ok(());
        }
        let cause = StatusCause { report: Some(status), ..StatusCause::default() };
        self.change(key, &cause, at, |message| message.reported(seq, to, at))?;
        self.withdraw_tries(key);
        Ok(())
    }

    // ---- reports that come before their +CMGS ----

    fn shelve(&mut self, sim: i64, report: &ReportIn) -> rusqlite::Result<()> {
        // The same octets again: read a second time after a crash, or sent twice by the network.
        let known: bool = self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM orphan_reports WHERE published = 0 AND sim = ?1 AND raw = ?2)",
            )?
            .query_row(params![sim, report.raw], |row| row.get(0))?;
        if known {
            return Ok(());
        }
        self.connection
            .prepare_cached(
                "INSERT INTO orphan_reports (sim, mr, recipient, scts, status, raw, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![sim, report.mr, report.recipient, report.scts, report.status, report.raw, report.at.0])?;
        self.orphans += 1;
        Ok(())
    }

    /// Looks whether the report on this try has come already.
    pub(super) fn take_orphan(&mut self, tried: &Try, at: Timestamp) -> rusqlite::Result<()> {
        let (Some(key), true) = (tried.report_key, self.orphans > 0) else { return Ok(()) };
        let recipient = self.recipient(tried)?;
        let candidate = [Candidate { attempt: tried.attempt.0, sent_at: tried.armed_at.map_or(at.0, |at| at.0) }];
        let skew = self.sims.skew(tried.sim);
        let mut found: Vec<(i64, u8, u8)> = Vec::new();
        {
            let mut statement = self.connection.prepare_cached(
                "SELECT orphan, mr, status, recipient, scts FROM orphan_reports
                 WHERE published = 0 AND sim = ?1 AND (mr = ?2 OR ?2 = 256) ORDER BY orphan",
            )?;
            let mut rows = statement.query(params![tried.sim, key])?;
            while let Some(row) = rows.next()? {
                let scts = row.get::<_, Option<i64>>(4)?.map(|seconds| seconds.saturating_mul(1000));
                // Without its reference only the time can tell, so then it has to be known.
                let sure = key != UNKNOWN_MR || scts.is_some();
                let fits = sure && nearest(&candidate, scts, skew, skew.is_some() || key == UNKNOWN_MR).is_some();
                let mr: u8 = row.get(1)?;
                let of_another = |told: &str| -> rusqlite::Result<bool> {
                    let exact = self.candidates(tried.sim, u16::from(mr), told, None)?.found;
                    Ok(key == UNKNOWN_MR && self.is_counted(tried.sim, &exact)?)
                };
                let told = row.get_ref(3)?.as_str()?;
                if fits && same_number(told, &recipient) && !of_another(told)? {
                    found.push((row.get(0)?, mr, row.get(2)?));
                }
            }
        }
        for (orphan, mr, status) in found {
            self.connection.prepare_cached("DELETE FROM orphan_reports WHERE orphan = ?1")?.execute([orphan])?;
            self.orphans -= 1;
            if let Some(tried) = self.tried(tried.attempt)? {
                self.apply(tried, Some(mr), status, at)?;
            }
        }
        Ok(())
    }

    /// Looks once more whose the reports are that have waited long enough for their message, and publishes those of nobody.
    pub(super) fn publish_orphans(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        if self.orphans == 0 {
            return Ok(());
        }
        let before = now.0 - i64::try_from(ORPHAN_WAIT.as_millis()).unwrap_or(i64::MAX);
        self.flush_if_open()?;
        let orphans: Vec<Orphan> = self
            .connection
            .prepare_cached(
                "SELECT orphan, sim, mr, recipient, scts, status FROM orphan_reports WHERE published = 0 AND at <= ?1
                 ORDER BY orphan",
            )?
            .query_map([before], Orphan::read)?
            .collect::<rusqlite::Result<_>>()?;
        for Orphan { orphan, sim, mr, recipient, scts, status } in orphans {
            self.begin()?;
            // The clock may have been set: then its message is known by the reference, once nothing is in the air.
            if let Some(attempt) = self.find(sim, mr, &recipient, scts)?
                && let Some(tried) = self.tried(attempt)?
            {
                self.connection.prepare_cached("DELETE FROM orphan_reports WHERE orphan = ?1")?.execute([orphan])?;
                self.orphans -= 1;
                self.apply(tried, Some(mr), status, now)?;
                continue;
            }
            self.connection
                .prepare_cached("UPDATE orphan_reports SET published = 1 WHERE orphan = ?1")?
                .execute([orphan])?;
            self.orphans -= 1;
            self.event(Kind::Orphan, orphan, None, None, now)?;
        }
        Ok(())
    }
}

/// A report on the shelf.
struct Orphan {
    orphan: i64,
    sim: i64,
    mr: u8,
    recipient: String,
    /// In milliseconds.
    scts: Option<i64>,
    status: u8,
}

impl Orphan {
    fn read(row: &Row<'_>) -> rusqlite::Result<Orphan> {
        let scts = row.get::<_, Option<i64>>(4)?.map(|seconds| seconds.saturating_mul(1000));
        let (orphan, sim, mr) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Orphan { orphan, sim, mr, recipient: row.get(3)?, scts, status: row.get(5)? })
    }
}

/// The candidate nearest in time: references come again, so time decides. `strict`: and none that is out of
/// tolerance. A stamp that is no time fits the latest; while the skew is not known everything is within tolerance of it.
fn nearest(candidates: &[Candidate], scts: Option<i64>, skew: Option<i64>, strict: bool) -> Option<Candidate> {
    let Some(scts) = scts else { return candidates.first().copied() };
    let distance = |candidate: &Candidate| (scts - skew.unwrap_or(0) - candidate.sent_at).abs();
    let best = candidates.iter().copied().min_by_key(distance)?;
    let fits = !strict || distance(&best) <= TOLERANCE;
    fits.then_some(best)
}

/// Equal numbers; or equal last digits, where one of them does not say of which country it is.
fn same_number(a: &str, b: &str) -> bool {
    let both_whole = a.starts_with('+') && b.starts_with('+');
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).rev().collect::<Vec<_>>();
    let (a, b) = (digits(a), digits(b));
    a == b || !both_whole && a.len().min(b.len()) >= TAIL_DIGITS && a[..TAIL_DIGITS] == b[..TAIL_DIGITS]
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
            ("+491701234567", "+15551234567", false),
            ("72345", "72345", true),
            ("72345", "972345", false),
        ] {
            assert_eq!(same_number(a, b), same, "{a} {b}");
        }
    }

    #[test]
    fn time_decides_between_equal_references() {
        let candidates = [Candidate { attempt: 2, sent_at: 2_000_000 }, Candidate { attempt: 1, sent_at: 1_000_000 }];
        let hour = 3_600_000;
        for (name, scts, skew, want) in [
            ("the later", Some(2_010_000), Some(0), Some(2)),
            ("the earlier", Some(1_100_000), Some(0), Some(1)),
            ("a clock that is an hour ahead", Some(1_000_000 + hour), Some(hour), Some(1)),
            ("between, out of tolerance", Some(1_500_000), Some(0), None),
            ("no time", None, Some(0), Some(2)),
        ] {
            assert_eq!(nearest(&candidates, scts, skew, true).map(|found| found.attempt), want, "{name}");
        }
    }
}
