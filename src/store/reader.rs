//! The thread that only reads: look-ups and events, so that they never hold an arming up.

use super::StoreError;
use super::events::{read_failure, read_tags};
use super::failing::Failing;
use super::outbox::message::unpack;
use crate::model::{
    AttemptId, AttemptView, Event, Iccid, MessageId, MessageView, PartView, PublicState, StatusChange, Timestamp,
    UncertainReason,
};
use rusqlite::{Connection, OptionalExtension, Row};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

/// Questions that wait.
const QUESTIONS: usize = 256;
/// What somebody outside asks is given up after this time: while it is read, the WAL cannot be emptied. RELIABILITY F-46.
const LONGEST: Duration = Duration::from_secs(1);
/// Steps of SQLite's machine between two looks at the time: a fraction of a millisecond.
const STEPS: i32 = 10_000;

type Question = Box<dyn FnOnce(&Connection) + Send>;

/// The way to who reads.
#[derive(Clone)]
pub(super) struct Reader {
    questions: mpsc::Sender<Question>,
    failing: Failing,
}

/// Who reads; ends when the last [`Reader`] is dropped.
pub(super) struct Answering {
    connection: Connection,
    questions: mpsc::Receiver<Question>,
}

impl Answering {
    pub(super) fn run(mut self) {
        while let Some(question) = self.questions.blocking_recv() {
            question(&self.connection);
        }
    }

    /// The same as a task.
    pub(super) async fn run_as_task(mut self) {
        while let Some(question) = self.questions.recv().await {
            question(&self.connection);
        }
    }
}

impl Reader {
    pub(super) fn new(connection: Connection, failing: Failing) -> (Reader, Answering) {
        let (sender, questions) = mpsc::channel(QUESTIONS);
        (Reader { questions: sender, failing }, Answering { connection, questions })
    }

    /// Asks for somebody outside: where too many wait, it is refused as [`StoreError::Full`]. Cancel safe.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (question, answer) = with_answer(move |connection| {
            let until = Instant::now() + LONGEST;
            connection.progress_handler(STEPS, Some(move || Instant::now() > until))?;
            let answer = question(connection);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            answer
        });
        self.questions.try_send(question).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Full,
            TrySendError::Closed(_) => StoreError::Closed,
        })?;
        self.read(answer, false).await
    }

    /// Asks for ourselves: waits for room. Cancel safe.
    pub(super) async fn ask_in_turn<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (question, answer) = with_answer(question);
        self.questions.send(question).await.map_err(|_| StoreError::Closed)?;
        self.read(answer, true).await
    }

    async fn read<T>(&self, answer: Answer<T>, is_ours: bool) -> Result<T, StoreError> {
        answer.await.map_err(|_| StoreError::Closed)?.map_err(|error| {
            tracing::error!(%error, "the database could not be read");
            self.failing.of_read(&error, is_ours);
            StoreError::Unreadable
        })
    }
}

type Answer<T> = oneshot::Receiver<rusqlite::Result<T>>;

fn with_answer<T: Send + 'static>(
    question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> (Question, Answer<T>) {
    let (reply, answer) = oneshot::channel();
    // A caller that went away needs no answer.
    (Box::new(move |connection| _ = reply.send(question(connection))), answer)
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

/// The state of every message that is not final: what bridges publish when a process starts.
pub(super) fn open_statuses(connection: &Connection) -> rusqlite::Result<Vec<StatusChange>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id, m.state, s.label, m.tries, m.parts, m.duplicate, m.tags, m.run_from FROM messages m
         LEFT JOIN sims s ON s.sim = m.sim WHERE m.watch_at IS NOT NULL ORDER BY m.message",
    )?;
    let mut rows = statement.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let state = PublicState::from_number(row.get(1)?).unwrap_or(PublicState::Unknown);
        let Ok(id) = row.get_ref(0)?.as_str()?.parse() else { continue };
        let parts = unpack(row.get_ref(4)?.as_blob()?);
        let parts_sent = parts.iter().filter(|part| part.state.was_sent()).count();
        // A part may still wait for its report when another has failed the message.
        if state.is_final() {
            continue;
        }
        open.push(StatusChange {
            id,
            state,
            previous: None,
            sim: row.get_ref(2)?.as_str_or_null()?.and_then(|label| label.parse().ok()),
            attempt: row.get(3)?,
            parts: u8::try_from(parts.len()).unwrap_or(u8::MAX),
            parts_sent: u8::try_from(parts_sent).unwrap_or(u8::MAX),
            failure: None,
            uncertain: None,
            report_status: None,
            duplicate_possible: row.get(5)?,
            restarted: row.get::<_, i64>(7)? > 0,
            tags: read_tags(row.get_ref(6)?.as_str()?),
        });
    }
    Ok(open)
}

/// Tries are numbered in the order of time: the walk back ends at the first that was claimed before.
pub(super) fn armed_since(
    connection: &Connection,
    iccid: &Iccid,
    since: Timestamp,
) -> rusqlite::Result<Vec<Timestamp>> {
    let mut statement = connection.prepare_cached(
        "SELECT claimed_at, armed_at, sim = (SELECT sim FROM sims WHERE iccid = ?1) FROM attempts ORDER BY attempt DESC",
    )?;
    let mut rows = statement.query([iccid.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let armed_at: Option<i64> = row.get(1)?;
        if armed_at.unwrap_or(row.get(0)?) < since.0 {
            break;
        }
        if let (Some(armed_at), Some(true)) = (armed_at, row.get(2)?) {
            found.push(Timestamp(armed_at));
        }
    }
    found.reverse();
    Ok(found)
}

/// A message with its history.
pub(super) fn message(connection: &Connection, id: &MessageId) -> rusqlite::Result<Option<MessageView>> {
    let found = connection
        .prepare_cached(
            "SELECT recipient, state, accepted_at, expires_at, duplicate, tags, parts, run_from, pinned
             FROM messages WHERE id = ?1 ORDER BY message DESC LIMIT 1",
        )?
        .query_row([id.as_str()], |row| {
            let Ok(to) = row.get_ref(0)?.as_str()?.parse() else { return Ok(None) };
            let view = MessageView {
                id: id.clone(),
                to,
                only_sim: row.get_ref(8)?.as_str_or_null()?.and_then(|label| label.parse().ok()),
                state: PublicState::from_number(row.get(1)?).unwrap_or(PublicState::Unknown),
                accepted_at: Timestamp(row.get(2)?),
                expires_at: Timestamp(row.get(3)?),
                parts: Vec::new(),
                duplicate_possible: row.get(4)?,
                restarted: row.get::<_, i64>(7)? > 0,
                tags: read_tags(row.get_ref(5)?.as_str()?),
            };
            Ok(Some((view, unpack(row.get_ref(6)?.as_blob()?))))
        })
        .optional()?
        .flatten();
    let Some((mut view, parts)) = found else { return Ok(None) };
    for (seq, part) in (1..=u8::MAX).zip(parts) {
        let attempts = attempts(connection, part.attempt)?;
        view.parts.push(PartView { seq, state: part.state, attempts });
    }
    Ok(Some(view))
}

/// The tries of a part, from its latest back to its first; the first first.
fn attempts(connection: &Connection, latest: i64) -> rusqlite::Result<Vec<AttemptView>> {
    let mut found = Vec::new();
    let mut next = Some(latest).filter(|attempt| *attempt > 0);
    while let Some(attempt) = next {
        let read = connection
            .prepare_cached(
                "SELECT a.previous, s.label, s.iccid, a.armed_at, a.ended_at, a.mr, a.blame, a.cause, a.code, a.uncertain,
                    a.resend_of, a.routing FROM attempts a JOIN sims s ON s.sim = a.sim WHERE a.attempt = ?1",
            )?
            .query_row([attempt], |row| Ok((row.get::<_, Option<i64>>(0)?, read_attempt(attempt, row)?)))
            .optional()?;
        let Some((previous, view)) = read else { break };
        found.extend(view);
        // Tries are numbered upwards, so that the walk ends whatever the file holds.
        next = previous.filter(|previous| *previous < attempt);
    }
    found.reverse();
    Ok(found)
}

fn read_attempt(attempt: i64, row: &Row<'_>) -> rusqlite::Result<Option<AttemptView>> {
    let (Ok(sim), Ok(iccid)) = (row.get_ref(1)?.as_str()?.parse(), row.get_ref(2)?.as_str()?.parse()) else {
        return Ok(None);
    };
    Ok(Some(AttemptView {
        attempt: AttemptId(attempt),
        sim,
        iccid,
        armed_at: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        ended_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
        mr: row.get(5)?,
        failure: read_failure(row.get(6)?, row.get(7)?, row.get(8)?),
        uncertain: row.get::<_, Option<u8>>(9)?.and_then(UncertainReason::from_number),
        resend_of: row.get::<_, Option<i64>>(10)?.map(AttemptId),
        routing: row.get(11)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_query_is_cut_after_its_time() {
        let (failed, _) = tokio::sync::watch::channel(None);
        let failing = Failing { suspicion: "none".into(), failed, not_before: None };
        let (reader, answering) = Reader::new(Connection::open_in_memory().unwrap(), failing);
        std::thread::spawn(move || answering.run());
        let endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
        let count = |sql: &'static str| move |connection: &Connection| connection.query_row(sql, [], |row| row.get(0));
        assert_eq!(reader.ask(count(endless)).await, Err::<i64, _>(StoreError::Unreadable));
        assert_eq!(reader.ask(count("SELECT 7")).await, Ok(7_i64));
    }
}
