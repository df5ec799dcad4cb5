//! What became of parts, kept where the database cannot: a small journal that has its room from the start
//! (RELIABILITY §2.3.3).
//!
//! Records of 128 octets, numbers with their lowest octet first; what is not used is zero:
//!
//! | octets | |
//! |---|---|
//! | 0–3 | `GSPL` |
//! | 4 | 1 acked, 2 retry, 3 fail, 4 ambiguous, 5 evidence, 6 taken back |
//! | 5 | 1: by evidence |
//! | 6–7 | TP-MR and 1 |
//! | 8–11 | the code and 1 |
//! | 12, 13 | blame and cause; or the reason |
//! | 16–23, 24–31, 32–39 | the try; now; the instant of the verdict |
//! | 112–127 | SHA-256 of the octets before, its first 16 |

use super::room::fill;
use super::{Step, Verdict};
use crate::model::{AttemptId, Blame, Failure, FailureCause, Timestamp, UncertainReason};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const RECORD: usize = 128;
const BODY: usize = 112;
/// As many tries cannot be in the air at a time.
const RECORDS: usize = 8192;
const MAGIC: &[u8] = b"GSPL";

/// What became of a try: what must not be lost, whatever becomes of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As [`Step::Ended`].
    Ended { attempt: AttemptId, verdict: Verdict, at: Timestamp },
    /// As [`Step::Evidence`].
    Evidence { attempt: AttemptId, mr: Option<u8>, report_until: Timestamp, at: Timestamp },
    /// As [`Step::Release`].
    Released(AttemptId),
}

impl Outcome {
    /// Of a step that tells of a try's end.
    pub(super) fn of(step: &Step) -> Option<Outcome> {
        match step {
            Step::Ended { attempt, verdict, at } => {
                Some(Outcome::Ended { attempt: *attempt, verdict: verdict.clone(), at: *at })
            }
            Step::Evidence { attempt, mr, report_until, at } => {
                Some(Outcome::Evidence { attempt: *attempt, mr: *mr, report_until: *report_until, at: *at })
            }
            Step::Release(attempt) => Some(Outcome::Released(*attempt)),
            _ => None,
        }
    }

    pub(super) fn into_step(self) -> Step {
        match self {
            Outcome::Ended { attempt, verdict, at } => Step::Ended { attempt, verdict, at },
            Outcome::Evidence { attempt, mr, report_until, at } => Step::Evidence { attempt, mr, report_until, at },
            Outcome::Released(attempt) => Step::Release(attempt),
        }
    }
}

/// The journal.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    /// Records in it.
    used: usize,
}

impl Spill {
    /// Opens the journal in this directory, made where it is missing.
    pub(super) fn open(dir: &Path) -> io::Result<Spill> {
        let path = dir.join("spill");
        let octets = (RECORD * RECORDS) as u64;
        if std::fs::metadata(&path).map_or(0, |file| file.len()) < octets {
            // One that is too short was never finished, so it is empty.
            fill(&path, octets)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let mut spill = Spill { file, used: 0 };
        spill.used = spill.read()?.len();
        Ok(spill)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Adds to it; durable when it returns.
    pub(super) fn add(&mut self, outcomes: &[Outcome]) -> io::Result<()> {
        if outcomes.is_empty() {
            return Ok(());
        }
        if self.used + outcomes.len() > RECORDS {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let records: Vec<u8> = outcomes.iter().flat_map(pack).collect();
        self.file.write_all_at(&records, (self.used * RECORD) as u64)?;
        self.file.sync_data()?;
        self.used += outcomes.len();
        Ok(())
    }

    /// What is in it, in order. A record that was not written whole is the end.
    pub(super) fn read(&self) -> io::Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for n in 0..RECORDS {
            let mut record = [0; RECORD];
            self.file.read_exact_at(&mut record, (n * RECORD) as u64)?;
            let Some(outcome) = unpack(&record) else { break };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Empties it: what was in it is in the database. Read twice it would change nothing more.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        if self.used > 0 {
            self.file.write_all_at(&vec![0; self.used * RECORD], 0)?;
            self.file.sync_data()?;
            self.used = 0;
        }
        Ok(())
    }
}

fn pack(outcome: &Outcome) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..4].copy_from_slice(MAGIC);
    let mut number = |at: usize, n: i64| record[at..at + 8].copy_from_slice(&n.to_le_bytes());
    let (attempt, at) = match outcome {
        Outcome::Ended { attempt, at, .. } | Outcome::Evidence { attempt, at, .. } => (*attempt, *at),
        Outcome::Released(attempt) => (*attempt, Timestamp(0)),
    };
    number(16, attempt.0);
    number(24, at.0);
    let instant = match outcome {
        Outcome::Evidence { report_until, .. } => report_until.0,
        Outcome::Released(_) => 0,
        Outcome::Ended { verdict, .. } => match verdict {
            Verdict::Acked { report_until, .. } => report_until.0,
            Verdict::Retry { not_before, .. } => not_before.0,
            Verdict::Ambiguous { resolve_at, .. } => resolve_at.0,
            Verdict::Fail { .. } => 0,
        },
    };
    number(32, instant);
    let (kind, mr, code, [a, b]) = match outcome {
        Outcome::Evidence { mr, .. } => (5, *mr, None, [0, 0]),
        Outcome::Released(_) => (6, None, None, [0, 0]),
        Outcome::Ended { verdict, .. } => match verdict {
            Verdict::Acked { mr, .. } => (1, *mr, None, [0, 0]),
            Verdict::Retry { failure, .. } => (2, None, failure.code, [failure.blame as u8, failure.cause as u8]),
            Verdict::Fail { failure } => (3, None, failure.code, [failure.blame as u8, failure.cause as u8]),
            Verdict::Ambiguous { reason, code, .. } => (4, None, *code, [*reason as u8, 0]),
        },
    };
    record[4] = kind;
    record[5] = u8::from(matches!(outcome, Outcome::Ended { verdict: Verdict::Acked { by_evidence: true, .. }, .. }));
    record[6..8].copy_from_slice(&mr.map_or(0, |mr| u16::from(mr) + 1).to_le_bytes());
    record[8..12].copy_from_slice(&code.map_or(0, |code| u32::from(code) + 1).to_le_bytes());
    record[12..14].copy_from_slice(&[a, b]);
    let digest = Sha256::digest(&record[..BODY]);
    record[BODY..].copy_from_slice(&digest[..RECORD - BODY]);
    record
}

fn unpack(record: &[u8; RECORD]) -> Option<Outcome> {
    let is_whole = record.starts_with(MAGIC) && Sha256::digest(&record[..BODY])[..RECORD - BODY] == record[BODY..];
    if !is_whole {
        return None;
    }
    let number = |at: usize| record[at..at + 8].try_into().map(i64::from_le_bytes).ok();
    let (attempt, at, instant) = (AttemptId(number(16)?), Timestamp(number(24)?), Timestamp(number(32)?));
    let mr = u16::from_le_bytes([record[6], record[7]]).checked_sub(1).and_then(|mr| u8::try_from(mr).ok());
    let code =
        u32::from_le_bytes(record[8..12].try_into().ok()?).checked_sub(1).and_then(|code| u16::try_from(code).ok());
    let failure = || {
        Some(Failure { blame: Blame::from_number(record[12])?, cause: FailureCause::from_number(record[13])?, code })
    };
    let verdict = match record[4] {
        1 => Verdict::Acked { mr, report_until: instant, by_evidence: record[5] == 1 },
        2 => Verdict::Retry { failure: failure()?, not_before: instant },
        3 => Verdict::Fail { failure: failure()? },
        4 => Verdict::Ambiguous { reason: UncertainReason::from_number(record[12])?, code, resolve_at: instant },
        5 => return Some(Outcome::Evidence { attempt, mr, report_until: instant, at }),
        6 => return Some(Outcome::Released(attempt)),
        _ => return None,
    };
    Some(Outcome::Ended { attempt, verdict, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Vec<Outcome> {
        let failure = Failure { blame: Blame::Sim, cause: FailureCause::SimBlocked, code: Some(u16::MAX) };
        let verdicts = [
            Verdict::Acked { mr: Some(255), report_until: Timestamp(i64::MAX), by_evidence: false },
            Verdict::Acked { mr: None, report_until: Timestamp(5), by_evidence: true },
            Verdict::Retry { failure, not_before: Timestamp(6) },
            Verdict::Fail { failure: Failure { code: None, ..failure } },
            Verdict::Ambiguous { reason: UncertainReason::Timeout, code: Some(0), resolve_at: Timestamp(7) },
        ];
        let ended =
            (1..).zip(verdicts).map(|(n, verdict)| Outcome::Ended { attempt: AttemptId(n), verdict, at: Timestamp(n) });
        let evidence =
            Outcome::Evidence { attempt: AttemptId(9), mr: Some(0), report_until: Timestamp(8), at: Timestamp(9) };
        ended.chain([evidence, Outcome::Released(AttemptId(10))]).collect()
    }

    #[test]
    fn what_is_written_is_read_after_a_restart_and_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(dir.path()).unwrap();
        assert!(spill.is_empty());
        let all = outcomes();
        spill.add(&all[..2]).unwrap();
        spill.add(&all[2..]).unwrap();
        let mut spill = Spill::open(dir.path()).unwrap();
        assert_eq!((spill.read().unwrap(), spill.is_empty()), (all.clone(), false));
        spill.clear().unwrap();
        assert_eq!(Spill::open(dir.path()).unwrap().read().unwrap(), []);
        spill.add(&all[..1]).unwrap();
        assert_eq!(Spill::open(dir.path()).unwrap().read().unwrap(), all[..1]);
    }

    #[test]
    fn a_torn_record_is_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::open(dir.path()).unwrap();
        let all = outcomes();
        spill.add(&all[..3]).unwrap();
        for octet in [0, 4, 16, 127] {
            let mut one = [0];
            let at = (RECORD * 2 + octet) as u64;
            spill.file.read_exact_at(&mut one, at).unwrap();
            spill.file.write_all_at(&[one[0] ^ 1], at).unwrap();
            assert_eq!(spill.read().unwrap(), all[..2], "octet {octet}");
            spill.file.write_all_at(&one, at).unwrap();
        }
        assert_eq!(spill.read().unwrap(), all[..3]);
    }
}
