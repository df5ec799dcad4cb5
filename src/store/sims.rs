//! SIMs: known by their ICCID, called by their label.

use super::writer::Writer;
use crate::model::{Iccid, Label, Timestamp};
use rusqlite::{Connection, params};
use std::collections::{HashMap, HashSet};

/// What is known of a SIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimSeen {
    /// When this gateway first saw it.
    pub first: Timestamp,
    /// SHA-256 of the PDUs that are left on it.
    pub left_alone: HashSet<[u8; 32]>,
}

/// All SIMs that were ever seen: tens, so they stay in memory.
#[derive(Debug, Default)]
pub(super) struct Sims {
    rows: HashMap<Iccid, i64>,
    facts: HashMap<i64, Facts>,
}

#[derive(Debug)]
struct Facts {
    iccid: Iccid,
    label: Label,
    /// Service centre's clock minus ours in milliseconds, once known.
    skew: Option<i64>,
    /// The skew as it is in the file.
    saved_skew: Option<i64>,
}

impl Sims {
    pub(super) fn open(connection: &Connection) -> rusqlite::Result<Sims> {
        let mut sims = Sims::default();
        let mut statement = connection.prepare("SELECT sim, iccid, label, skew FROM sims")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let sim: i64 = row.get(0)?;
            let skew: Option<i64> = row.get(3)?;
            // What was not checked when it was written is not in the file, unless it is damaged.
            if let (Ok(iccid), Ok(label)) =
                (row.get_ref(1)?.as_str()?.parse::<Iccid>(), row.get_ref(2)?.as_str()?.parse())
            {
                sims.rows.insert(iccid.clone(), sim);
                sims.facts.insert(sim, Facts { iccid, label, skew, saved_skew: skew });
            }
        }
        Ok(sims)
    }

    pub(super) fn label(&self, sim: i64) -> Option<&Label> {
        self.facts.get(&sim).map(|facts| &facts.label)
    }

    pub(super) fn named(&self) -> Vec<(Iccid, Label)> {
        self.facts.values().map(|facts| (facts.iccid.clone(), facts.label.clone())).collect()
    }

    pub(super) fn iccid(&self, sim: i64) -> Option<&Iccid> {
        self.facts.get(&sim).map(|facts| &facts.iccid)
    }

    pub(super) fn skew(&self, sim: i64) -> Option<i64> {
        self.facts.get(&sim)?.skew
    }
}

impl Writer {
    /// The row of a SIM, made when it is new. A new label takes the place of the one before.
    pub(super) fn sim_row(&mut self, iccid: &Iccid, label: &Label, now: Timestamp) -> rusqlite::Result<i64> {
        if let Some(sim) = self.sims.rows.get(iccid) {
            let sim = *sim;
            if self.sims.label(sim) != Some(label) {
                self.rename_sim(sim, label)?;
            }
            return Ok(sim);
        }
        self.begin()?;
        let sim = self
            .connection
            .prepare_cached("INSERT INTO sims (iccid, label, first_seen) VALUES (?1, ?2, ?3) RETURNING sim")?
            .query_row(params![iccid.as_str(), label.as_str(), now.0], |row| row.get(0))?;
        self.sims.rows.insert(iccid.clone(), sim);
        let facts = Facts { iccid: iccid.clone(), label: label.clone(), skew: None, saved_skew: None };
        self.sims.facts.insert(sim, facts);
        Ok(sim)
    }

    /// Messages that are bound to the SIM follow it under its new name.
    fn rename_sim(&mut self, sim: i64, label: &Label) -> rusqlite::Result<()> {
        self.begin()?;
        self.flush_if_open()?;
        self.connection.execute("UPDATE sims SET label = ?2 WHERE sim = ?1", params![sim, label.as_str()])?;
        let Some(facts) = self.sims.facts.get_mut(&sim) else { return Ok(()) };
        let before = std::mem::replace(&mut facts.label, label.clone());
        let moved = self.connection.execute(
            "UPDATE messages SET lane = ?3 WHERE lane = ?2 AND due_at IS NOT NULL AND sim = ?1 AND pinned IS NULL",
            params![sim, before.as_str(), label.as_str()],
        )?;
        if moved > 0 {
            (0..=3).for_each(|priority| self.rows.note_lane(priority, label.as_str().to_owned()));
        }
        Ok(())
    }

    /// What is known of a SIM that a modem has now.
    pub(super) fn sim_seen(&mut self, iccid: &Iccid, label: &Label, now: Timestamp) -> rusqlite::Result<SimSeen> {
        let sim = self.sim_row(iccid, label, now)?;
        let first = self
            .connection
            .prepare_cached("SELECT first_seen FROM sims WHERE sim = ?1")?
            .query_row([sim], |row| row.get(0).map(Timestamp))?;
        let mut statement = self.connection.prepare_cached("SELECT sha256 FROM left_alone WHERE sim = ?1")?;
        let left_alone = statement.query_map([sim], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(SimSeen { first, left_alone })
    }

    /// Remembers a message that is left on its SIM.
    pub(super) fn leave_alone(&mut self, iccid: &Iccid, sha256: &[u8; 32]) -> rusqlite::Result<()> {
        let Some(sim) = self.sims.rows.get(iccid).copied() else { return Ok(()) };
        self.begin()?;
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO left_alone (sim, sha256) VALUES (?1, ?2)")?
            .execute(params![sim, sha256])?;
        Ok(())
    }

    /// Learns from a report that can only be about one try. RELIABILITY §2.5: a moving average.
    pub(super) fn learn_skew(&mut self, sim: i64, sample: i64) -> rusqlite::Result<()> {
        let Some(facts) = self.sims.facts.get_mut(&sim) else { return Ok(()) };
        // A clock that was set is followed at once.
        let near = facts.skew.filter(|skew| (sample - skew).abs() <= SKEW_JUMP);
        let skew = near.map_or(sample, |skew| skew + (sample - skew) / 8);
        facts.skew = Some(skew);
        // Small moves are not worth a page: the tolerance is minutes.
        if facts.saved_skew.is_none_or(|saved| (saved - skew).abs() > SKEW_STEP) {
            facts.saved_skew = Some(skew);
            // One commit with what the report changes.
            self.begin()?;
            self.connection.execute("UPDATE sims SET skew = ?2 WHERE sim = ?1", params![sim, skew])?;
        }
        Ok(())
    }
}

/// A sample that is farther off, in milliseconds, tells of a clock that was set.
const SKEW_JUMP: i64 = 300_000;
/// The skew is written when it has moved this far, in milliseconds.
const SKEW_STEP: i64 = 30_000;
