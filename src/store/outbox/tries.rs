//! Tries: one row for each time a part was given to a SIM, written once a commit.

use crate::model::{AttemptId, Failure, MessageKey, PartKey, Timestamp, UncertainReason};
use crate::store::Claim;
use crate::store::writer::Writer;
use crate::tpdu::ValidityPeriod;
use rusqlite::{OptionalExtension, params};
use std::collections::HashMap;
use std::sync::Arc;

/// Stands for a TP-MR that is not known, where a status report may still be about the try.
pub(crate) const UNKNOWN_MR: u16 = 256;

/// Where a try stands. Numbers are in the database: never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TryState {
    Claimed = 0,
    Armed = 1,
    Acked = 2,
    Failed = 3,
    Ambiguous = 4,
    /// Never armed.
    Withdrawn = 5,
}

impl TryState {
    const ALL: [TryState; 6] = [
        TryState::Claimed,
        TryState::Armed,
        TryState::Acked,
        TryState::Failed,
        TryState::Ambiguous,
        TryState::Withdrawn,
    ];

    pub(crate) fn is_live(self) -> bool {
        matches!(self, TryState::Claimed | TryState::Armed)
    }
}

/// A try: what changes of it, and whom it is about.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    pub(crate) attempt: AttemptId,
    pub(crate) part: PartKey,
    pub(crate) sim: i64,
    pub(crate) resend_of: Option<AttemptId>,
    pub(crate) state: TryState,
    pub(crate) armed_at: Option<Timestamp>,
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) mr: Option<u8>,
    /// What a status report finds it by.
    pub(crate) report_key: Option<u16>,
    pub(crate) failure: Option<Failure>,
    /// Of an uncertain end.
    pub(crate) code: Option<u16>,
    pub(crate) uncertain: Option<UncertainReason>,
    /// What the row gets when it is made; `None`: it is in the file.
    pub(crate) new: Option<Arc<New>>,
}

/// What of a row never changes.
#[derive(Debug)]
pub(crate) struct New {
    claim: Claim,
    /// The part's try before.
    pub(crate) previous: Option<i64>,
}

impl Try {
    pub(crate) fn claimed(claim: Claim, sim: i64, previous: Option<i64>) -> Try {
        Try {
            attempt: claim.attempt,
            part: claim.part,
            sim,
            resend_of: claim.resend_of,
            state: TryState::Claimed,
            armed_at: None,
            deadline: None,
            ended_at: None,
            mr: None,
            report_key: None,
            failure: None,
            code: None,
            uncertain: None,
            new: Some(Arc::new(New { claim, previous })),
        }
    }

    fn live(&self) -> Option<i64> {
        match self.state {
            TryState::Claimed => Some(self.attempt.0),
            TryState::Armed => Some(0),
            _ => None,
        }
    }
}

/// Tries that are under way, and those that ended since the last commit.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    kept: HashMap<AttemptId, Try>,
    dirty: Vec<AttemptId>,
}

impl Tries {
    /// The try that is ARMED on this SIM.
    pub(crate) fn armed_on(&self, sim: i64) -> Option<AttemptId> {
        let armed = |tried: &&Try| tried.state == TryState::Armed && tried.sim == sim;
        self.kept.values().find(armed).map(|tried| tried.attempt)
    }

    /// CLAIMED tries of a message.
    pub(crate) fn claimed_of(&self, key: MessageKey) -> Vec<Try> {
        let claimed = |tried: &&Try| tried.state == TryState::Claimed && tried.part.message == key;
        self.kept.values().filter(claimed).cloned().collect()
    }

    /// Keeps a live one that is in the file.
    pub(crate) fn keep(&mut self, tried: Try) {
        self.kept.insert(tried.attempt, tried);
    }

    /// Forgets a try that nothing in the file tells of.
    pub(crate) fn forget(&mut self, attempt: AttemptId) {
        self.kept.remove(&attempt);
    }

    pub(crate) fn is_kept(&self, attempt: AttemptId) -> bool {
        self.kept.contains_key(&attempt)
    }
}

impl Writer {
    /// The try, to be changed and given back with [`Writer::put_try`].
    pub(crate) fn tried(&self, attempt: AttemptId) -> rusqlite::Result<Option<Try>> {
        if let Some(tried) = self.tries.kept.get(&attempt) {
            return Ok(Some(tried.clone()));
        }
        self.connection
            .prepare_cached(
                "SELECT message, seq, sim, resend_of, state, armed_at, deadline, ended_at, mr, report_key, code, uncertain
                 FROM attempts WHERE attempt = ?1",
            )?
            .query_row([attempt.0], |row| {
                let state = usize::from(row.get::<_, u8>(4)?);
                Ok(Try {
                    attempt,
                    part: PartKey { message: MessageKey(row.get(0)?), seq: row.get(1)? },
                    sim: row.get(2)?,
                    resend_of: row.get::<_, Option<i64>>(3)?.map(AttemptId),
                    state: TryState::ALL.get(state).copied().unwrap_or(TryState::Ambiguous),
                    armed_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
                    deadline: row.get::<_, Option<i64>>(6)?.map(Timestamp),
                    ended_at: row.get::<_, Option<i64>>(7)?.map(Timestamp),
                    mr: row.get(8)?,
                    report_key: row.get(9)?,
                    // Only tries without a definite failure are changed once they are out of memory.
                    failure: None,
                    code: row.get(10)?,
                    uncertain: row.get::<_, Option<u8>>(11)?.and_then(UncertainReason::from_number),
                    new: None,
                })
            })
            .optional()
    }

    /// Takes a changed try back; it is written with the next commit.
    pub(crate) fn put_try(&mut self, tried: Try) {
        self.tries.dirty.push(tried.attempt);
        self.tries.kept.insert(tried.attempt, tried);
    }

    /// Writes every changed try. Ends come first: the SIM has to be free before another try is ARMED on it.
    pub(crate) fn flush_tries(&mut self) -> rusqlite::Result<()> {
        let mut dirty = std::mem::take(&mut self.tries.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        // A claim is written together with its message.
        let (later, dirty): (Vec<_>, Vec<_>) = dirty.into_iter().partition(|attempt| {
            let tried = self.tries.kept.get(attempt);
            tried.is_some_and(|tried| tried.state == TryState::Claimed && self.rows.is_only_claimed(tried.part.message))
        });
        self.tries.dirty = later;
        let (ended, live): (Vec<_>, Vec<_>) = dirty
            .into_iter()
            .partition(|attempt| self.tries.kept.get(attempt).is_some_and(|tried| !tried.state.is_live()));
        for attempt in ended.into_iter().chain(live) {
            let Some(mut tried) = self.tries.kept.remove(&attempt) else { continue };
            match tried.new.take() {
                Some(new) => self.insert_try(&tried, &new)?,
                None => self.update_try(&tried)?,
            }
            if tried.state.is_live() {
                self.tries.kept.insert(attempt, tried);
            }
        }
        Ok(())
    }

    fn insert_try(&self, tried: &Try, New { claim, previous }: &New) -> rusqlite::Result<()> {
        let validity = match claim.validity {
            ValidityPeriod::Relative(octet) => Some(octet),
            _ => None,
        };
        self.connection
            .prepare_cached(
                "INSERT INTO attempts (attempt, message, seq, previous, sim, port, epoch, sha256, validity, routing,
                    resend_of, claimed_at, state, live, armed_at, deadline, ended_at, mr, report_key, blame, cause, code,
                    uncertain)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                    ?22, ?23)",
            )?
            .execute(params![
                tried.attempt.0,
                tried.part.message.0,
                tried.part.seq,
                previous,
                tried.sim,
                claim.port,
                self.epoch,
                claim.tpdu_sha256,
                validity,
                claim.routing,
                tried.resend_of.map(|of| of.0),
                claim.at.0,
                tried.state as u8,
                tried.live(),
                tried.armed_at.map(|at| at.0),
                tried.deadline.map(|at| at.0),
                tried.ended_at.map(|at| at.0),
                tried.mr,
                tried.report_key,
                tried.failure.map(|failure| failure.blame as u8),
                tried.failure.map(|failure| failure.cause as u8),
                tried.failure.map_or(tried.code, |failure| failure.code),
                tried.uncertain.map(|reason| reason as u8),
            ])?;
        Ok(())
    }

    fn update_try(&self, tried: &Try) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE attempts SET state = ?2, live = ?3, armed_at = ?4, deadline = ?5, ended_at = ?6, mr = ?7,
                    report_key = ?8, blame = ?9, cause = ?10, code = ?11, uncertain = ?12 WHERE attempt = ?1",
            )?
            .execute(params![
                tried.attempt.0,
                tried.state as u8,
                tried.live(),
                tried.armed_at.map(|at| at.0),
                tried.deadline.map(|at| at.0),
                tried.ended_at.map(|at| at.0),
                tried.mr,
                tried.report_key,
                tried.failure.map(|failure| failure.blame as u8),
                tried.failure.map(|failure| failure.cause as u8),
                tried.failure.map_or(tried.code, |failure| failure.code),
                tried.uncertain.map(|reason| reason as u8),
            ])?;
        Ok(())
    }
}
