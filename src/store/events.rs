//! The event log: gap-free, written with what it tells of, read by every bridge behind its own cursor.

use super::mailbox::{Moves, Parked};
use super::outbox::message::Message;
use super::writer::Writer;
use crate::model::{
    Blame, Event, EventKind, Failure, FailureCause, Label, MessageKey, OrphanReport, PublicState, Refusal, RefusalCode,
    StatusChange, Timestamp, UncertainReason,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Kinds of events. Numbers are in the database: never renumbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Status = 0,
    Inbound = 1,
    Raw = 2,
    Orphan = 3,
    Refused = 4,
    Notice = 5,
}

/// What brought a change of state about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StatusCause {
    pub(super) failure: Option<Failure>,
    pub(super) uncertain: Option<UncertainReason>,
    /// TP-ST.
    pub(super) report: Option<u8>,
}

impl Writer {
    fn take_seq(&mut self) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        seq
    }

    /// Writes an event that is a row of another table, with an optional revision and list of missing parts.
    pub(super) fn event(
        &mut self,
        kind: Kind,
        row: i64,
        revision: Option<u8>,
        missing: Option<&[u8]>,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        self.begin()?;
        let seq = self.take_seq();
        self.new_events.push(None);
        self.connection
            .prepare_cached("INSERT INTO events (seq, at, kind, ref, state, missing) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![seq, at.0, kind as u8, row, revision, missing])?;
        Ok(())
    }

    pub(super) fn refused(&mut self, refusal: &Refusal, at: Timestamp) -> rusqlite::Result<()> {
        self.begin()?;
        self.connection
            .prepare_cached("INSERT INTO refusals (code, detail, field, id, correlation) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![refusal.code as u8, refusal.detail, refusal.field, refusal.id, refusal.transaction])?;
        let row = self.connection.last_insert_rowid();
        self.event(Kind::Refused, row, None, None, at)
    }

    /// Rolls the parts up; writes the state and an event when it changed.
    pub(super) fn refresh(&mut self, key: MessageKey, cause: &StatusCause, at: Timestamp) -> rusqlite::Result<()> {
        let Some(mut message) = self.message(key)? else { return Ok(()) };
        let state = message.rolled_up();
        let previous = std::mem::replace(&mut message.state, state);
        if state == previous {
            return Ok(());
        }
        self.status_event(&message, Some(previous), cause, at)?;
        self.put(message);
        Ok(())
    }

    /// Tells of the message's state as it is now.
    pub(super) fn status_event(
        &mut self,
        message: &Message,
        previous: Option<PublicState>,
        cause: &StatusCause,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let seq = self.take_seq();
        self.new_events.push(Some(Event { seq, at, kind: EventKind::Status(self.told(message, previous, cause)) }));
        self.connection
            .prepare_cached(
                "INSERT INTO events (seq, at, kind, ref, state, previous, attempt, sent, sim, blame, cause, code,
                    uncertain, report, duplicate, restarted)
                 VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                seq,
                at.0,
                message.key.0,
                message.state as u8,
                previous.map(|state| state as u8),
                message.tries,
                message.parts_sent(),
                message.sim,
                cause.failure.map(|failure| failure.blame as u8),
                cause.failure.map(|failure| failure.cause as u8),
                cause.failure.and_then(|failure| failure.code),
                cause.uncertain.map(|reason| reason as u8),
                cause.report,
                message.duplicate,
                message.is_restarted(),
            ])?;
        Ok(())
    }

    /// What the event says, as it will be read from the file.
    fn told(&self, message: &Message, previous: Option<PublicState>, cause: &StatusCause) -> StatusChange {
        StatusChange {
            id: message.facts.id.clone(),
            state: message.state,
            previous,
            sim: message.sim.and_then(|sim| self.sims.label(sim)).cloned(),
            attempt: message.tries,
            parts: u8::try_from(message.parts.len()).unwrap_or(u8::MAX),
            parts_sent: u8::try_from(message.parts_sent()).unwrap_or(u8::MAX),
            failure: cause.failure,
            uncertain: cause.uncertain,
            report_status: cause.report,
            duplicate_possible: message.duplicate,
            restarted: message.is_restarted(),
            tags: message.facts.tags.clone(),
        }
    }

    pub(super) fn write_moves(&self, moves: &Moves) -> rusqlite::Result<()> {
        for (bridge, seq) in &moves.cursors {
            self.connection
                .prepare_cached(
                    "INSERT INTO cursors (bridge, seq) VALUES (?1, ?2)
                     ON CONFLICT (bridge) DO UPDATE SET seq = max(seq, excluded.seq)",
                )?
                .execute(params![bridge, seq])?;
        }
        for Parked { bridge, seq, reason } in &moves.parked {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO parked (bridge, seq, reason) VALUES (?1, ?2, ?3)")?
                .execute(params![bridge, seq, reason])?;
        }
        Ok(())
    }
}

// ---- reading ----

/// Events after `seq`, in order.
pub(super) fn after(connection: &Connection, seq: u64, limit: usize) -> rusqlite::Result<Vec<Event>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.seq, e.at, e.kind, e.ref, e.state, e.previous, e.attempt, e.sent, e.blame, e.cause, e.code,
            e.uncertain, e.report, e.duplicate, e.missing, m.id, length(m.parts) / 16, m.tags, s.label, e.restarted
         FROM events e LEFT JOIN messages m ON e.kind = 0 AND m.message = e.ref LEFT JOIN sims s ON s.sim = e.sim
         WHERE e.seq > ?1 ORDER BY e.seq",
    )?;
    let mut rows = statement.query([seq])?;
    let mut events = Vec::new();
    // Not limited in SQL: where only pruned ones come next, the reader would take the answer for the end of the log.
    while events.len() < limit
        && let Some(row) = rows.next()?
    {
        let kind = match read_kind(connection, row) {
            Err(error) if is_value(&error) => {
                tracing::error!(%error, seq = row.get::<_, u64>(0)?, "an event cannot be read and is left out: the database is damaged");
                None
            }
            kind => kind?,
        };
        // An event whose row has been pruned says nothing any more, but keeps its place: readers go past it by `seq`.
        if let Some(kind) = kind {
            events.push(Event { seq: row.get(0)?, at: Timestamp(row.get(1)?), kind });
        }
    }
    Ok(events)
}

/// What is in the row is not what was ever written: a byte flipped where SQLite does not see it. The next rows can be read.
pub(super) fn is_value(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
}

fn read_kind(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Option<EventKind>> {
    let reference: i64 = row.get(3)?;
    match row.get::<_, u8>(2)? {
        0 => Ok(read_status(row)?.map(EventKind::Status)),
        1 => {
            let missing: Option<Vec<u8>> = row.get(14)?;
            let revision: Option<u8> = row.get(4)?;
            let event = super::inbox::read(connection, reference, revision.unwrap_or(1), missing.unwrap_or_default())?;
            Ok(event.map(EventKind::Inbound))
        }
        2 => Ok(super::inbox::read_raw(connection, reference)?.map(EventKind::Raw)),
        3 => Ok(read_orphan(connection, reference)?.map(EventKind::Orphan)),
        4 => Ok(read_refusal(connection, reference)?.map(EventKind::Refused)),
        5 => Ok(super::notices::read(connection, reference)?.map(EventKind::Notice)),
        _ => Ok(None),
    }
}

fn read_status(row: &Row<'_>) -> rusqlite::Result<Option<StatusChange>> {
    let Some(id) = row.get::<_, Option<String>>(15)?.and_then(|id| id.parse().ok()) else { return Ok(None) };
    let state = PublicState::from_number(row.get(4)?).unwrap_or(PublicState::Unknown);
    Ok(Some(StatusChange {
        id,
        state,
        previous: row.get::<_, Option<u8>>(5)?.and_then(PublicState::from_number),
        sim: row.get::<_, Option<String>>(18)?.and_then(|label| label.parse().ok()),
        attempt: row.get(6)?,
        parts: row.get(16)?,
        parts_sent: row.get(7)?,
        failure: read_failure(row.get(8)?, row.get(9)?, row.get(10)?),
        uncertain: row.get::<_, Option<u8>>(11)?.and_then(UncertainReason::from_number),
        report_status: row.get(12)?,
        duplicate_possible: row.get(13)?,
        restarted: row.get(19)?,
        tags: read_tags(&row.get::<_, String>(17)?),
    }))
}

pub(super) fn read_tags(text: &str) -> Vec<String> {
    text.split('\n').filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

pub(super) fn read_failure(blame: Option<u8>, cause: Option<u8>, code: Option<u16>) -> Option<Failure> {
    Some(Failure { blame: Blame::from_number(blame?)?, cause: FailureCause::from_number(cause?)?, code })
}

fn read_orphan(connection: &Connection, row: i64) -> rusqlite::Result<Option<OrphanReport>> {
    let found = connection
        .prepare_cached(
            "SELECT s.label, s.iccid, o.mr, o.recipient, o.status FROM orphan_reports o JOIN sims s ON s.sim = o.sim
             WHERE o.orphan = ?1",
        )?
        .query_row([row], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    Ok(found.and_then(|(label, iccid, mr, recipient, status)| {
        let sim: Label = label.parse().ok()?;
        Some(OrphanReport { sim, iccid: iccid.parse().ok()?, mr, recipient, status })
    }))
}

fn read_refusal(connection: &Connection, row: i64) -> rusqlite::Result<Option<Refusal>> {
    connection
        .prepare_cached("SELECT code, detail, field, id, correlation FROM refusals WHERE refusal = ?1")?
        .query_row([row], |row| {
            Ok(Refusal {
                code: RefusalCode::from_number(row.get(0)?).unwrap_or(RefusalCode::Internal),
                detail: row.get(1)?,
                field: row.get(2)?,
                id: row.get(3)?,
                transaction: row.get(4)?,
            })
        })
        .optional()
}
