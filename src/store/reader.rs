//! The thread that only reads: look-ups and events, so that they never hold an arming up.

use super::StoreError;
use super::events::{read_failure, read_tags, uncertain_from};
use crate::model::{
    AttemptId, AttemptView, Event, Iccid, MessageId, MessageView, PartState, PartView, PublicState, QueueCounts,
    StatusChange, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

/// Questions that wait; more are refused as [`StoreError::Full`].
const QUESTIONS: usize = 256;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The way to the thread.
#[derive(Clone)]
pub(super) struct Reader(SyncSender<Question>);

impl Reader {
    pub(super) fn spawn(connection: Connection) -> std::io::Result<Reader> {
        let (sender, receiver): (_, Receiver<Question>) = sync_channel(QUESTIONS);
        std::thread::Builder::new().name("store-reader".into()).spawn(move || {
            // Ends when the last handle is dropped.
            receiver.into_iter().for_each(|question| question(&connection));
        })?;
        Ok(Reader(sender))
    }

    /// Asks; the future is cancel safe, the answer is then dropped.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |connection| {
            // A caller that went away needs no answer.
            let _ = reply.send(question(connection));
        });
        self.0.try_send(question).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full(_) => StoreError::Full,
            std::sync::mpsc::TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        match answer.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "the database could not be read");
                Err(StoreError::Closed)
            }
            Err(_) => Err(StoreError::Closed),
        }
    }
}

pub(super) fn events(connection: &Connection, after: u64, limit: usize) -> rusqlite::Result<Vec<Event>> {
    super::events::after(connection, after, limit)
}

pub(super) fn cursor(connection: &Connection, bridge: &str) -> rusqlite::Result<u64> {
    let found: Option<u64> = connection
        .prepare_cached("SELECT seq FROM cursors WHERE bridge = ?1")?
        .query_row([bridge], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

pub(super) fn armed_since(
    connection: &Connection,
    iccid: &Iccid,
    since: Timestamp,
) -> rusqlite::Result<Vec<Timestamp>> {
    // Tries are numbered in the order of time, so the scan ends at the first old one that matters little.
    connection
        .prepare_cached(
            "SELECT armed_at FROM attempts WHERE sim = (SELECT sim FROM sims WHERE iccid = ?1) AND armed_at > ?2
                AND state <> 5",
        )?
        .query_map(params![iccid.as_str(), since.0], |row| row.get(0).map(Timestamp))?
        .collect()
}

/// Messages that are not final, by public state.
pub(super) fn counts(connection: &Connection) -> rusqlite::Result<QueueCounts> {
    let mut counts = QueueCounts::default();
    let mut statement = connection.prepare_cached(
        "SELECT state, count(*) FROM messages WHERE due_at IS NOT NULL OR watch_at IS NOT NULL GROUP BY state",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let n: u64 = row.get(1)?;
        match PublicState::from_number(row.get(0)?) {
            Some(PublicState::Queued) => counts.queued += n,
            Some(PublicState::Sending) => counts.sending += n,
            Some(PublicState::Sent) => counts.awaiting_report += n,
            Some(PublicState::Uncertain) => counts.uncertain += n,
            _ => {}
        }
    }
    Ok(counts)
}

/// The state of every message that is not final: what bridges publish when a process starts.
pub(super) fn open_statuses(connection: &Connection) -> rusqlite::Result<Vec<StatusChange>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id, m.state, s.label, m.attempts, m.total, m.duplicate, m.tags,
            (SELECT count(*) FROM parts p WHERE p.message = m.message AND p.state IN (3, 7, 8, 9, 10, 12))
         FROM messages m LEFT JOIN sims s ON s.sim = m.sim
         WHERE m.due_at IS NOT NULL OR m.watch_at IS NOT NULL ORDER BY m.message",
    )?;
    let mut rows = statement.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(id) = row.get::<_, String>(0)?.parse() else { continue };
        open.push(StatusChange {
            id,
            state: PublicState::from_number(row.get(1)?).unwrap_or(PublicState::Queued),
            previous: None,
            sim: row.get::<_, Option<String>>(2)?.and_then(|label| label.parse().ok()),
            attempt: row.get(3)?,
            parts: row.get(4)?,
            parts_sent: row.get(7)?,
            failure: None,
            uncertain: None,
            report_status: None,
            duplicate_possible: row.get(5)?,
            tags: read_tags(&row.get::<_, String>(6)?),
        });
    }
    Ok(open)
}

/// A message with its history.
pub(super) fn message(connection: &Connection, id: &MessageId) -> rusqlite::Result<Option<MessageView>> {
    let head = connection
        .prepare_cached(
            "SELECT message, recipient, state, accepted_at, expires_at, duplicate, tags FROM messages
             WHERE id = ?1 ORDER BY message DESC LIMIT 1",
        )?
        .query_row([id.as_str()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
                row.get(5)?,
                row.get::<_, String>(6)?,
            ))
        })
        .optional()?;
    let Some((key, recipient, state, accepted_at, expires_at, duplicate_possible, tags)) = head else {
        return Ok(None);
    };
    let Ok(to) = recipient.parse() else { return Ok(None) };
    Ok(Some(MessageView {
        id: id.clone(),
        to,
        state: PublicState::from_number(state).unwrap_or(PublicState::Unknown),
        accepted_at: Timestamp(accepted_at),
        expires_at: Timestamp(expires_at),
        parts: parts(connection, key)?,
        duplicate_possible,
        tags: read_tags(&tags),
    }))
}

fn parts(connection: &Connection, message: i64) -> rusqlite::Result<Vec<PartView>> {
    let mut statement = connection.prepare_cached("SELECT seq, state FROM parts WHERE message = ?1 ORDER BY seq")?;
    let rows = statement.query_map([message], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| {
        let (seq, state) = row?;
        let state = PartState::from_number(state).unwrap_or(PartState::Unknown);
        Ok(PartView { seq, state, attempts: attempts(connection, message, seq)? })
    })
    .collect()
}

fn attempts(connection: &Connection, message: i64, seq: u8) -> rusqlite::Result<Vec<AttemptView>> {
    let mut statement = connection.prepare_cached(
        "SELECT a.attempt, s.label, s.iccid, a.armed_at, a.ended_at, a.mr, a.blame, a.cause, a.code, a.uncertain,
            a.resend_of, a.routing FROM attempts a JOIN sims s ON s.sim = a.sim
         WHERE a.message = ?1 AND a.seq = ?2 ORDER BY a.attempt",
    )?;
    let mut rows = statement.query(params![message, seq])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (Ok(sim), Ok(iccid)) = (row.get::<_, String>(1)?.parse(), row.get::<_, String>(2)?.parse()) else {
            continue;
        };
        found.push(AttemptView {
            attempt: AttemptId(row.get(0)?),
            sim,
            iccid,
            armed_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
            ended_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
            mr: row.get(5)?,
            failure: read_failure(row.get(6)?, row.get(7)?, row.get(8)?),
            uncertain: row.get::<_, Option<u8>>(9)?.and_then(uncertain_from),
            resend_of: row.get::<_, Option<i64>>(10)?.map(AttemptId),
            routing: row.get(11)?,
        });
    }
    Ok(found)
}
