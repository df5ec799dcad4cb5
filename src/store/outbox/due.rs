//! What is due: read where the index says that there may be something.

use super::accept::unpack_bodies;
use super::message::{Message, unpack};
use crate::model::{AttemptId, Label, MessageKey, OnUncertain, PartState, Priority, Timestamp};
use crate::store::types::FirstTry;
use crate::store::writer::Writer;
use crate::store::{Due, PendingPart, Undecided, Work};
use crate::tpdu::MessageClass;
use rusqlite::{OptionalExtension, Row, params};

/// READY parts of a message that are handed out at a time.
const PARTS: usize = 8;

impl Writer {
    /// What is due now, by priority, due time and order of acceptance. `lanes`: labels of the SIMs that can send; what
    /// has to go out by another one is passed over, however much of it there is. `None`: all.
    pub(crate) fn due(&mut self, now: Timestamp, limit: usize, lanes: Option<&[Label]>) -> rusqlite::Result<Due> {
        self.flush_if_open()?;
        let mut due = Due::default();
        for priority in [Priority::Alarm, Priority::High, Priority::Normal, Priority::Low] {
            let mut keys = Vec::new();
            for lane in self.lanes_of(priority, lanes) {
                let next_at = self.lane_due(priority, &lane, now, limit + 1 - due.work.len(), &mut keys)?;
                due.next_at = [due.next_at, next_at].into_iter().flatten().min();
            }
            keys.sort_unstable();
            for (_, key) in keys {
                if due.work.len() == limit {
                    due.more = true;
                    break;
                }
                due.work.extend(self.work(MessageKey(key))?);
            }
        }
        due.next_at = [due.next_at, self.next_timeout()?].into_iter().flatten().min();
        Ok(due)
    }

    /// Lanes that may have something due at this priority, among those asked for and the lane of no SIM in particular.
    fn lanes_of(&self, priority: Priority, asked: Option<&[Label]>) -> Vec<String> {
        let wanted = |lane: &str| lane.is_empty() || asked.is_none_or(|asked| asked.iter().any(|l| l.as_str() == lane));
        let of = |(p, lane): &(u8, String)| (*p == priority as u8 && wanted(lane)).then(|| lane.clone());
        self.rows.lanes.iter().filter_map(of).collect()
    }

    /// Due keys of one lane, and when the next is due. A lane that turns out empty is not looked at again.
    fn lane_due(
        &mut self,
        priority: Priority,
        lane: &str,
        now: Timestamp,
        limit: usize,
        keys: &mut Vec<(i64, i64)>,
    ) -> rusqlite::Result<Option<Timestamp>> {
        let mut next_at = None;
        let (mut taken, mut empty) = (0, true);
        {
            let mut statement = self.connection.prepare_cached(
                "SELECT due_at, message FROM messages WHERE lane = ?1 AND priority = ?2 AND due_at IS NOT NULL
                 ORDER BY due_at",
            )?;
            let mut rows = statement.query(params![lane, priority as u8])?;
            while let Some(row) = rows.next()? {
                empty = false;
                let (at, key): (i64, i64) = (row.get(0)?, row.get(1)?);
                // Claimed since the index was written.
                if self.rows.get(MessageKey(key)).is_some_and(|message| message.due_at().is_none()) {
                    continue;
                }
                if at > now.0 {
                    next_at = Some(Timestamp(at));
                    break;
                }
                keys.push((at, key));
                taken += 1;
                if taken == limit {
                    break;
                }
            }
        }
        if empty && self.rows.is_clean() {
            self.rows.lanes.remove(&(priority as u8, lane.to_owned()));
        }
        Ok(next_at)
    }

    /// When the next message expires or stops waiting for its report, or something incomplete is to be published.
    pub(crate) fn next_timeout(&self) -> rusqlite::Result<Option<Timestamp>> {
        let wait = i64::try_from(crate::store::reports::ORPHAN_WAIT.as_millis()).unwrap_or(i64::MAX);
        let at: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT min(at) FROM (SELECT min(watch_at) AS at FROM messages WHERE watch_at IS NOT NULL
                    UNION ALL SELECT min(partial_at) FROM inbound WHERE partial_at IS NOT NULL
                    UNION ALL SELECT min(at) + ?1 FROM orphan_reports WHERE published = 0)",
            )?
            .query_row([wait], |row| row.get(0))?;
        Ok(at.map(Timestamp))
    }

    fn work(&self, key: MessageKey) -> rusqlite::Result<Option<Work>> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT m.id, m.recipient, m.priority, m.pinned, m.class, m.report, m.hold, m.expires_at, m.reference,
                    m.port, m.parts, m.sim, b.parts, m.run_from
                 FROM messages m JOIN bodies b ON b.message = m.message WHERE m.message = ?1",
            )?
            .query_row([key.0], |row| {
                let (parts, sim) = match self.rows.get(key) {
                    Some(message) => (message.parts.clone(), message.sim),
                    None => (unpack(row.get_ref(10)?.as_blob()?), row.get(11)?),
                };
                let bodies = unpack_bodies(row.get_ref(12)?.as_blob()?);
                let run_from = row.get(13)?;
                Ok(read_work(key, row)?.map(|work| (work, parts, sim, bodies, run_from)))
            })
            .optional()?
            .flatten();
        // Only a damaged file has a row that was not checked when it was written.
        let Some((mut work, parts, sim, bodies, run_from)) = found else { return Ok(None) };
        work.bound = Message::bound_by(&parts, sim).and_then(|sim| self.sims.iccid(sim)).cloned();
        // Under `hold` nothing goes out twice, whatever it costs.
        work.may_restart =
            work.on_uncertain == OnUncertain::Resend && Message::may_restart(&parts, work.pinned.is_some(), run_from);
        work.total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
        let numbered = || (1..=u8::MAX).zip(&parts);
        if let Some((seq, part)) = numbered().find(|(_, part)| part.state == PartState::Ambiguous) {
            work.undecided = Some(Undecided { seq, resends: u32::from(part.resends) });
            return Ok(Some(work));
        }
        for ((seq, part), segment) in numbered().zip(bodies) {
            if part.state == PartState::Ready && work.parts.len() < PARTS {
                let resend_of = if part.is_resend() { self.resend_of(part.attempt)? } else { None };
                work.parts.push(PendingPart { seq, segment, tries: part.tries, resend_of });
            }
        }
        Ok(Some(work))
    }

    /// The uncertain try that the next one repeats: the latest that may have left.
    fn resend_of(&self, attempt: i64) -> rusqlite::Result<Option<FirstTry>> {
        let mut attempt = Some(attempt);
        while let Some(id) = attempt {
            let Some(tried) = self.tried(AttemptId(id))? else { return Ok(None) };
            if tried.state == super::TryState::Ambiguous {
                return Ok(Some((tried.attempt, self.sims.iccid(tried.sim).cloned().zip(tried.mr))));
            }
            attempt = tried.resend_of.map(|of| of.0);
        }
        Ok(None)
    }
}

fn read_work(key: MessageKey, row: &Row<'_>) -> rusqlite::Result<Option<Work>> {
    let (Ok(id), Ok(to)) = (row.get_ref(0)?.as_str()?.parse(), row.get_ref(1)?.as_str()?.parse()) else {
        return Ok(None);
    };
    let priorities = [Priority::Low, Priority::Normal, Priority::High, Priority::Alarm];
    let hold: bool = row.get(6)?;
    Ok(Some(Work {
        key,
        id,
        to,
        priority: priorities.get(row.get::<_, usize>(2)?).copied().unwrap_or_default(),
        pinned: row.get_ref(3)?.as_str_or_null()?.and_then(|label| label.parse().ok()),
        bound: None,
        port: row.get(9)?,
        class: row.get::<_, Option<u8>>(4)?.map(MessageClass::from_bits),
        report: row.get(5)?,
        on_uncertain: if hold { OnUncertain::Hold } else { OnUncertain::Resend },
        expires_at: Timestamp(row.get(7)?),
        reference: row.get(8)?,
        total: 0,
        parts: Vec::new(),
        undecided: None,
        may_restart: false,
    }))
}
