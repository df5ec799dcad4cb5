//! What is old goes: texts first, history later, in small steps while nothing else waits.
//!
//! The log is cut at its old end only, and never beyond what every bridge has handed over. A row goes when no event of the
//! log tells of it any more. What the next number of a kind is made from stays: the highest message, try, PDU, message that came in, and event.

use super::events::Kind;
use super::inbox::COMPLETE_WITHIN;
use super::trust::EARLIEST;
use super::writer::Writer;
use crate::model::{MessageKey, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Rows that one step removes at most: a few milliseconds.
const ROWS: usize = 128;
/// Rows that one step looks at where most stay.
const LOOKS: usize = 1024;
/// Messages that one pass removes at most: it bounds what is remembered of them.
const MESSAGES: usize = 50_000;
/// Pages given back by one step.
const PAGES: u32 = 64;
/// Free pages that stay, with an eighth of the file: what is written tomorrow needs them again.
const FREE_PAGES: u32 = 1024;
/// A message that lacks parts may still be completed, with an hour for a clock that was set.
const STAYS_OPEN: Duration = COMPLETE_WITHIN.saturating_add(Duration::from_secs(3600));

/// How long things are kept. `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Texts and data of messages that have ended, and PDUs that were published. Default 7 days.
    pub bodies: Option<Duration>,
    /// Everything else of messages that have ended, and events that were handed over. Default 90 days; at least 7, for
    /// which ids are unique.
    pub history: Option<Duration>,
    /// Events that a bridge has not handed over: then they are [overdue](super::Overdue). Default 14 days.
    pub unpublished: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { bodies: Some(days(7)), history: Some(days(90)), unpublished: Some(days(14)) }
    }
}

impl Retention {
    /// As if a day had so many seconds; for tests that cannot wait for days.
    pub fn with_days_of(self, seconds: u32) -> Retention {
        let shorter = |age: Option<Duration>| age.map(|age| age / 86_400 * seconds);
        let Retention { bodies, history, unpublished } = self;
        Retention { bodies: shorter(bodies), history: shorter(history), unpublished: shorter(unpublished) }
    }
}

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

/// The job, as the writer keeps it.
#[derive(Debug, Default)]
pub(super) struct Tidy {
    pub(super) retention: Retention,
    pass: Option<Pass>,
    /// PDUs of events up to here are dealt with.
    pdus_upto: u64,
}

impl Tidy {
    pub(super) fn new(retention: Retention) -> Tidy {
        Tidy { retention, ..Tidy::default() }
    }

    /// Begins anew: the last step came to nothing.
    pub(super) fn forget(&mut self) {
        *self = Tidy::new(self.retention);
    }
}

/// One walk through the file.
#[derive(Debug, Default)]
struct Pass {
    /// The time by which it removes.
    now: i64,
    /// The next event with a sound time, behind one without.
    sound: Option<(u64, i64)>,
    stage: Stage,
    /// The last key of the stage's table that was looked at.
    at: i64,
    /// Messages that are to go.
    old: BTreeSet<i64>,
    /// There may be more than are remembered at a time.
    full: bool,
    /// There are more that may go.
    again: bool,
    /// The log was searched up to here for what tells of them.
    told_upto: u64,
    /// The latest PDU of each place of a SIM: the copy that may lie there.
    places: HashMap<(i64, String, i64), i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Bodies,
    Pdus,
    Events,
    /// Which messages are old enough.
    Old,
    /// Which of them the log still tells of.
    Told,
    Messages,
    Attempts,
    /// Where copies may lie.
    Places,
    Copies,
    Rest,
    Pages,
}

const STAGES: [Stage; 11] = [
    Stage::Bodies,
    Stage::Pdus,
    Stage::Events,
    Stage::Old,
    Stage::Told,
    Stage::Messages,
    Stage::Attempts,
    Stage::Places,
    Stage::Copies,
    Stage::Rest,
    Stage::Pages,
];

/// Nothing can happen to the message by itself any more, and it is not on its way.
const RESTS: &str = "m.watch_at IS NULL AND m.due_at IS NULL";

impl Writer {
    /// One step. False when nothing is left to do for now.
    pub(super) fn tidy(&mut self, now: Timestamp) -> rusqlite::Result<bool> {
        self.begin()?;
        let mut pass = match self.tidy.pass.take() {
            Some(pass) => pass,
            None => match self.trusted(now)? {
                Some(now) => Pass { now: now.0, ..Pass::default() },
                None => return Ok(false),
            },
        };
        let now = pass.now;
        let Retention { bodies, history, .. } = self.tidy.retention;
        let before = |age: Option<Duration>| age.map(|age| now.saturating_sub(millis(age)));
        let (bodies, history) = (before(bodies), before(history));
        let is_done = match (pass.stage, bodies, history) {
            (Stage::Bodies, Some(before), _) => self.tidy_bodies(&mut pass, before)?,
            (Stage::Pdus, Some(before), _) => self.tidy_pdus(&mut pass, before)?,
            (Stage::Events, _, Some(before)) => self.tidy_events(&mut pass, before)?,
            (Stage::Old, _, Some(before)) => self.tidy_old(&mut pass, before)?,
            (Stage::Told, _, Some(_)) => pass.old.is_empty() || self.tidy_told(&mut pass)?,
            (Stage::Messages, _, Some(_)) => self.tidy_messages(&mut pass)?,
            (Stage::Attempts, _, Some(before)) => self.tidy_attempts(&mut pass, before)?,
            (Stage::Places, _, Some(_)) => self.tidy_places(&mut pass)?,
            (Stage::Copies, _, Some(before)) => self.tidy_copies(&mut pass, before)?,
            (Stage::Rest, _, Some(before)) => self.tidy_rest(before)?,
            (Stage::Pages, ..) => self.tidy_pages()?,
            _ => true,
        };
        if is_done {
            let next = STAGES.iter().position(|stage| *stage == pass.stage).and_then(|n| STAGES.get(n + 1));
            let Some(next) = next else { return Ok(pass.again) };
            (pass.stage, pass.at, pass.sound) = (*next, 0, None);
        }
        self.tidy.pass = Some(pass);
        Ok(true)
    }

    /// Up to where every bridge has handed the log over, the newest event excepted: the next `seq` is made from it.
    fn handed_over(&self) -> rusqlite::Result<u64> {
        let slowest = "SELECT min(seq) FROM cursors";
        let slowest: Option<u64> = self.connection.query_row(slowest, [], |row| row.get(0))?;
        Ok(slowest.unwrap_or(u64::MAX).min(self.last_seq().saturating_sub(1)))
    }

    /// Texts of messages that have ended.
    fn tidy_bodies(&self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        // `not_before` moves with each decision, so a message that was to go out later is not taken for older than it is.
        let rows = self.looked_at(
            &format!(
                "SELECT b.message, m.message IS NULL OR {RESTS} AND max(m.accepted_at, m.not_before) < ?2
                 FROM bodies b LEFT JOIN messages m ON m.message = b.message
                 WHERE b.message > ?1 ORDER BY b.message LIMIT ?3"
            ),
            pass.at,
            before,
        )?;
        let removed = self.take(&rows, pass, "DELETE FROM bodies WHERE message = ?1")?;
        Ok(!removed && rows.len() < LOOKS)
    }

    /// PDUs of what was published. Their hashes stay.
    fn tidy_pdus(&mut self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        let handed_over = self.handed_over()?;
        let mut n = 0;
        for event in self.events_from(self.tidy.pdus_upto, handed_over)? {
            let is_young = self.written_by(pass, &event)? >= before;
            if is_young || event.kind == Kind::Inbound as u8 && self.is_open(&event, pass.now)? {
                return Ok(true);
            }
            if event.kind == Kind::Raw as u8 {
                n += self.run("UPDATE inbound_pdus SET raw = x'' WHERE pdu = ?1", event.row)?;
            }
            if event.kind == Kind::Inbound as u8 && self.is_latest(&event)? {
                self.run(COPIES, event.row)?;
                n += self.run("UPDATE inbound_pdus SET raw = x'' WHERE inbound = ?1", event.row)?;
            }
            self.tidy.pdus_upto = event.seq;
            if n >= ROWS {
                return Ok(false);
            }
        }
        Ok(self.tidy.pdus_upto >= handed_over)
    }

    /// When an event was written at the latest. One that a wrong clock stamped, years ahead or in 1970, is at least as old as
    /// the next that was not; without a next one it counts for new.
    fn written_by(&self, pass: &mut Pass, event: &Old) -> rusqlite::Result<i64> {
        let sound = EARLIEST.0..=pass.now;
        if sound.contains(&event.at) {
            return Ok(event.at);
        }
        if pass.sound.is_none_or(|(seq, _)| seq <= event.seq) {
            let next = "SELECT seq, at FROM events WHERE seq > ?1 AND at BETWEEN ?2 AND ?3 ORDER BY seq LIMIT 1";
            let found = self
                .connection
                .prepare_cached(next)?
                .query_row(params![event.seq, sound.start(), sound.end()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            pass.sound = found.or(Some((u64::MAX, i64::MAX)));
        }
        Ok(pass.sound.map_or(i64::MAX, |(_, at)| at))
    }

    /// The last event after that one which is older, at most so many on.
    pub(super) fn older_than(
        &self,
        age: Duration,
        now: Timestamp,
        after: u64,
        limit: usize,
    ) -> rusqlite::Result<Option<u64>> {
        let (mut pass, before) = (Pass { now: now.0, ..Pass::default() }, now.0.saturating_sub(millis(age)));
        let mut last = None;
        for event in self.events_from(after, u64::MAX)?.iter().take(limit) {
            if self.written_by(&mut pass, event)? >= before {
                break;
            }
            last = Some(event.seq);
        }
        Ok(last)
    }

    /// Another revision of it may come.
    fn is_open(&self, event: &Old, now: i64) -> rusqlite::Result<bool> {
        let since = now.saturating_sub(millis(STAYS_OPEN));
        self.connection
            .prepare_cached("SELECT 1 FROM inbound WHERE inbound = ?1 AND have < total AND received_at >= ?2")?
            .exists(params![event.row, since])
    }

    /// No later event tells of the same message.
    fn is_latest(&self, event: &Old) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached("SELECT 1 FROM inbound WHERE inbound = ?1 AND revision <= ?2")?
            .exists(params![event.row, event.revision.unwrap_or(u8::MAX)])
    }

    /// The old end of the log, with what only it tells of.
    fn tidy_events(&self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        let handed_over = self.handed_over()?;
        let events = self.events_from(0, handed_over)?;
        for (n, event) in events.iter().enumerate() {
            if self.written_by(pass, event)? >= before {
                return Ok(true);
            }
            if n >= ROWS {
                return Ok(false);
            }
            match event.kind {
                kind if kind == Kind::Inbound as u8 && self.is_latest(event)? => {
                    self.run(
                        "UPDATE inbound_pdus SET raw = x'', inbound = NULL, seq = NULL WHERE inbound = ?1",
                        event.row,
                    )?;
                    if self.run(NOT_THE_HIGHEST, event.row)? == 0 {
                        self.run(EMPTIED, event.row)?;
                    }
                }
                kind if kind == Kind::Raw as u8 => {
                    self.run("UPDATE inbound_pdus SET raw = x'' WHERE pdu = ?1", event.row)?;
                }
                kind if kind == Kind::Orphan as u8 => {
                    self.run("DELETE FROM orphan_reports WHERE orphan = ?1", event.row)?;
                }
                kind if kind == Kind::Refused as u8 => {
                    self.run("DELETE FROM refusals WHERE refusal = ?1", event.row)?;
                }
                kind if kind == Kind::Notice as u8 => {
                    self.run("DELETE FROM notices WHERE notice = ?1", event.row)?;
                }
                _ => {}
            }
            self.connection.prepare_cached("DELETE FROM events WHERE seq = ?1")?.execute([event.seq])?;
        }
        Ok(events.is_empty())
    }

    fn tidy_old(&self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        let sql = format!(
            "SELECT m.message, {RESTS} AND m.accepted_at < ?2 FROM messages m WHERE m.message > ?1 ORDER BY m.message LIMIT ?3"
        );
        let rows = self.looked_at(&sql, pass.at, before)?;
        pass.at = rows.last().map_or(pass.at, |row| row.0);
        pass.old.extend(rows.iter().filter(|row| row.1).map(|row| row.0));
        let is_done = rows.len() < LOOKS || pass.old.len() >= MESSAGES;
        pass.full |= pass.old.len() >= MESSAGES;
        if is_done {
            // The next number of a message is made from it.
            let newest = "SELECT max(message) FROM messages";
            let newest: Option<i64> = self.connection.query_row(newest, [], |row| row.get(0))?;
            newest.map(|newest| pass.old.remove(&newest));
        }
        Ok(is_done)
    }

    /// Leaves out the messages that the log tells of.
    fn tidy_told(&self, pass: &mut Pass) -> rusqlite::Result<bool> {
        let events = self.events_from(pass.told_upto, u64::MAX)?;
        for event in &events {
            pass.told_upto = event.seq;
            if event.kind == Kind::Status as u8 {
                pass.old.remove(&event.row);
            }
        }
        Ok(events.len() < LOOKS)
    }

    fn tidy_messages(&mut self, pass: &mut Pass) -> rusqlite::Result<bool> {
        // What has been told since.
        while !pass.old.is_empty() && !self.tidy_told(pass)? {}
        for _ in 0..ROWS {
            let Some(key) = pass.old.pop_first() else { return Ok(true) };
            let sql = format!("DELETE FROM messages AS m WHERE message = ?1 AND {RESTS}");
            if self.run(&sql, key)? > 0 {
                self.run("DELETE FROM bodies WHERE message = ?1", key)?;
                self.rows.forget(MessageKey(key));
                // Where none may go yet, another pass would find the same.
                pass.again |= pass.full;
            }
        }
        Ok(false)
    }

    /// Tries whose message is gone; the next number of a try is made from the last.
    fn tidy_attempts(&self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        let rows = self.looked_at(
            "SELECT attempt, claimed_at < ?2 AND live IS NULL AND attempt < (SELECT max(attempt) FROM attempts)
                AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.message = a.message)
             FROM attempts a WHERE attempt > ?1 ORDER BY attempt LIMIT ?3",
            pass.at,
            before,
        )?;
        let removed = self.take(&rows, pass, "DELETE FROM attempts WHERE attempt = ?1")?;
        Ok(!removed && rows.len() < LOOKS)
    }

    fn tidy_places(&self, pass: &mut Pass) -> rusqlite::Result<bool> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT pdu, sim, memory, slot FROM inbound_pdus WHERE pdu > ?1 ORDER BY pdu LIMIT ?2")?;
        let mut rows = statement.query(params![pass.at, LOOKS])?;
        let mut n = 0;
        while let Some(row) = rows.next()? {
            (n, pass.at) = (n + 1, row.get(0)?);
            if let (Some(memory), Some(slot)) = (row.get(2)?, row.get(3)?) {
                pass.places.insert((row.get(1)?, memory, slot), pass.at);
            }
        }
        Ok(n < LOOKS)
    }

    /// PDUs that are hashes only, and copies. The last that was read from a place may still lie there, however old it is:
    /// it is recognised by its hash. What is routed is repeated by the network for hours, not for months.
    fn tidy_copies(&self, pass: &mut Pass, before: i64) -> rusqlite::Result<bool> {
        let rows: Vec<(i64, bool)> = self
            .connection
            .prepare_cached(
                "SELECT pdu, received_at < ?2 AND inbound IS NULL AND (raw = x'' OR reason = 'repeated part')
                    AND pdu < (SELECT max(pdu) FROM inbound_pdus), sim, memory, slot
                 FROM inbound_pdus WHERE pdu > ?1 ORDER BY pdu LIMIT ?3",
            )?
            .query_map(params![pass.at, before, LOOKS], |row| {
                let (pdu, memory, slot): (i64, Option<String>, Option<i64>) = (row.get(0)?, row.get(3)?, row.get(4)?);
                let place = memory.zip(slot).map(|(memory, slot)| row.get(2).map(|sim| (sim, memory, slot)));
                let last = place.transpose()?.and_then(|place| pass.places.get(&place).copied());
                Ok((pdu, row.get::<_, bool>(1)? && last != Some(pdu)))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let removed = self.take(&rows, pass, "DELETE FROM inbound_pdus WHERE pdu = ?1")?;
        Ok(!removed && rows.len() < LOOKS)
    }

    /// What is little.
    fn tidy_rest(&self, before: i64) -> rusqlite::Result<bool> {
        self.connection.execute("DELETE FROM parked WHERE seq < (SELECT min(seq) FROM events)", [])?;
        let emptied = "DELETE FROM inbound WHERE have < total AND have = 0
            AND inbound < (SELECT max(inbound) FROM inbound)";
        self.connection.execute(emptied, [])?;
        let epochs = "DELETE FROM epochs WHERE epoch IN
            (SELECT epoch FROM epochs WHERE started_at < ?1 AND epoch < ?2 ORDER BY epoch LIMIT ?3)";
        let n = self.connection.execute(epochs, params![before, self.epoch, ROWS])?;
        Ok(n < ROWS)
    }

    /// Free pages go back to the file system.
    fn tidy_pages(&self) -> rusqlite::Result<bool> {
        let number = |pragma: &str| self.connection.query_row(pragma, [], |row| row.get::<_, u32>(0));
        let (free, all) = (number("PRAGMA freelist_count")?, number("PRAGMA page_count")?);
        if free <= FREE_PAGES.max(all / 8) {
            return Ok(true);
        }
        let mut statement = self.connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok(false)
    }

    /// Keys after `at`, and whether each is to go.
    fn looked_at(&self, sql: &str, at: i64, before: i64) -> rusqlite::Result<Vec<(i64, bool)>> {
        self.connection
            .prepare_cached(sql)?
            .query_map(params![at, before, LOOKS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    /// Removes what is to go, up to a limit, and notes how far it came. True when the limit was reached.
    fn take(&self, rows: &[(i64, bool)], pass: &mut Pass, delete: &str) -> rusqlite::Result<bool> {
        let mut n = 0;
        for (key, goes) in rows {
            pass.at = *key;
            if *goes {
                n += self.run(delete, *key)?;
            }
            if n >= ROWS {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn run(&self, sql: &str, key: i64) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute([key])
    }

    fn events_from(&self, after: u64, upto: u64) -> rusqlite::Result<Vec<Old>> {
        let read = |row: &rusqlite::Row<'_>| {
            let revision = row.get::<_, Option<i64>>(4)?.and_then(|n| u8::try_from(n).ok());
            Ok(Old { seq: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, row: row.get(3)?, revision })
        };
        // SQLite knows no numbers above this.
        let upto = i64::try_from(upto).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "SELECT seq, at, kind, ref, state FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map(params![after, upto, LOOKS], read)?
            .collect()
    }
}

/// An event, as far as it matters here.
struct Old {
    seq: u64,
    at: i64,
    kind: u8,
    /// The row it tells of.
    row: i64,
    revision: Option<u8>,
}

/// A message that came in, of which the log tells no more.
const NOT_THE_HIGHEST: &str = "DELETE FROM inbound WHERE inbound = ?1 AND inbound < (SELECT max(inbound) FROM inbound)";
/// The highest keeps its number, and nothing else.
const EMPTIED: &str =
    "UPDATE inbound SET id = '', sender = '', reference = NULL, wide = NULL, total = 1, have = 0, scts = NULL,
    same_as = NULL, partial_at = NULL WHERE inbound = ?1";

/// What the network sent again of a message's parts.
const COPIES: &str = "UPDATE inbound_pdus SET raw = x'' WHERE reason = 'repeated part' AND sha256 IN
    (SELECT sha256 FROM inbound_pdus WHERE inbound = ?1)";

pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The sender of a message whose PDUs are gone, as its first PDU had it.
pub(super) fn sender(connection: &Connection, inbound: i64) -> rusqlite::Result<Option<String>> {
    let sender: Option<String> = connection
        .prepare_cached("SELECT sender FROM inbound WHERE inbound = ?1")?
        .query_row([inbound], |row| row.get(0))
        .optional()?;
    Ok(sender.map(|sender| {
        // TON in bits 4 to 6 of the octet in front. 3GPP TS 23.040 §9.1.2.5
        let (toa, text) = sender.split_once(' ').unwrap_or(("", &sender));
        let is_international = u8::from_str_radix(toa, 16).is_ok_and(|toa| toa >> 4 & 7 == 1);
        format!("{}{text}", if is_international { "+" } else { "" })
    }))
}
