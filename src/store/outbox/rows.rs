//! Messages in memory: read once, changed by any number of steps, and written once a commit.

use super::message::{Facts, Message, pack, unpack};
use crate::model::{MessageKey, PublicState, QueueCounts, Timestamp};
use crate::store::events::read_tags;
use crate::store::sims::Sims;
use crate::store::writer::Writer;
use rusqlite::{Connection, OptionalExtension, ToSql};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Rows kept in memory between commits, at most. Those with a part in hand are among the youngest.
const KEPT: usize = 512;

/// How a row in memory differs from the one in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    /// Parts are CLAIMED. The file need not know: there they are READY, which is what recovery would make of them.
    Claims,
    /// It is to be written.
    Any,
}

/// A message with what the indexes in the file say about it.
#[derive(Debug)]
struct Kept {
    message: Message,
    change: Change,
    in_due: bool,
    watch_at: Option<Timestamp>,
}

impl Kept {
    fn saved(message: Message) -> Kept {
        Kept { change: Change::None, in_due: message.due_at().is_some(), watch_at: message.watch_at, message }
    }
}

/// The rows in memory, and sums over all rows. Nobody else writes the file, so both stay true.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    kept: HashMap<MessageKey, Kept>,
    dirty: Vec<MessageKey>,
    pub(crate) counts: QueueCounts,
    /// Lanes and priorities under which there may be something due: to look nowhere else.
    pub(crate) lanes: BTreeSet<(u8, String)>,
}

impl Rows {
    /// Reads the sums: along the indexes, and without sorting a million entries in memory.
    pub(crate) fn open(connection: &Connection) -> rusqlite::Result<Rows> {
        const SUMMED: [PublicState; 4] =
            [PublicState::Queued, PublicState::Sending, PublicState::Sent, PublicState::Uncertain];
        let mut rows = Rows::default();
        let mut due = 0;
        let mut statement = connection.prepare(
            "SELECT lane, priority, count(*), sum(state = ?1), sum(state = ?2), sum(state = ?3), sum(state = ?4)
             FROM messages INDEXED BY messages_due WHERE due_at IS NOT NULL GROUP BY lane, priority",
        )?;
        let mut found = statement.query(SUMMED.map(|state| state as u8))?;
        while let Some(row) = found.next()? {
            rows.lanes.insert((row.get(1)?, row.get(0)?));
            due += row.get::<_, u64>(2)?;
            for (column, state) in (3..).zip(SUMMED) {
                let n: u64 = row.get(column)?;
                if let Some(count) = rows.count(state) {
                    *count += n;
                }
            }
        }
        let watched = "SELECT count(*) FROM messages INDEXED BY messages_watch WHERE watch_at IS NOT NULL";
        let watched: u64 = connection.query_row(watched, [], |row| row.get(0))?;
        // What is watched and not due has been sent, as far as recovery leaves nothing under way.
        rows.counts.awaiting_report = watched.saturating_sub(due);
        Ok(rows)
    }

    /// Counts: after recovery, which leaves nothing under way.
    pub(crate) fn recount(&mut self, connection: &Connection) -> rusqlite::Result<QueueCounts> {
        let Rows { counts, lanes, .. } = Rows::open(connection)?;
        self.counts = counts;
        self.lanes.extend(lanes);
        Ok(counts)
    }

    fn count(&mut self, state: PublicState) -> Option<&mut u64> {
        match state {
            PublicState::Queued => Some(&mut self.counts.queued),
            PublicState::Sending => Some(&mut self.counts.sending),
            PublicState::Sent => Some(&mut self.counts.awaiting_report),
            PublicState::Uncertain => Some(&mut self.counts.uncertain),
            _ => None,
        }
    }

    /// Counts a message that was accepted.
    pub(crate) fn accepted(&mut self, message: Message) {
        self.counts.queued += 1;
        self.note_lane(message.priority, message.pinned.clone().unwrap_or_default());
        self.kept.insert(message.key, Kept::saved(message));
    }

    /// There may be something due in this lane.
    pub(crate) fn note_lane(&mut self, priority: u8, lane: String) {
        self.lanes.insert((priority, lane));
    }

    /// The message as it is in memory, where it is there.
    pub(crate) fn get(&self, key: MessageKey) -> Option<&Message> {
        self.kept.get(&key).map(|kept| &kept.message)
    }

    /// Its row is gone.
    pub(crate) fn forget(&mut self, key: MessageKey) {
        self.kept.remove(&key);
    }

    /// Nothing but claims makes it differ from the file.
    pub(crate) fn is_only_claimed(&self, key: MessageKey) -> bool {
        self.kept.get(&key).is_some_and(|kept| kept.change == Change::Claims)
    }

    /// Forgets what nobody has touched lately. Only between commits: then nothing but claims is unsaved.
    pub(crate) fn trim(&mut self) {
        if self.kept.len() > KEPT {
            self.kept.retain(|_, kept| kept.change != Change::None);
        }
    }

    /// True when the indexes in the file are as they would be of what is in memory.
    pub(crate) fn is_clean(&self) -> bool {
        self.dirty.is_empty()
    }
}

impl Writer {
    /// The message, to be changed and given back with [`Writer::put`].
    pub(crate) fn message(&mut self, key: MessageKey) -> rusqlite::Result<Option<Message>> {
        if let Some(message) = self.rows.get(key) {
            return Ok(Some(message.clone()));
        }
        let message: Option<Option<Message>> = self
            .connection
            .prepare_cached(
                "SELECT priority, report, pinned, expires_at, state, not_before, watch_at, report_until, sim, tries,
                    duplicate, parts, id, tags, run_from FROM messages WHERE message = ?1",
            )?
            .query_row([key.0], |row| {
                // Only a damaged file has an id that was not checked when it was written.
                let Ok(id) = row.get_ref(12)?.as_str()?.parse() else { return Ok(None) };
                Ok(Some(Message {
                    key,
                    facts: Arc::new(Facts { id, tags: read_tags(row.get_ref(13)?.as_str()?) }),
                    priority: row.get(0)?,
                    report: row.get(1)?,
                    pinned: row.get(2)?,
                    expires_at: Timestamp(row.get(3)?),
                    state: PublicState::from_number(row.get(4)?).unwrap_or(PublicState::Unknown),
                    not_before: Timestamp(row.get(5)?),
                    watch_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
                    report_until: Timestamp(row.get(7)?),
                    sim: row.get(8)?,
                    tries: row.get(9)?,
                    duplicate: row.get(10)?,
                    run_from: row.get(14)?,
                    parts: unpack(row.get_ref(11)?.as_blob()?),
                }))
            })
            .optional()?;
        let message = message.flatten();
        if let Some(message) = &message {
            self.rows.kept.insert(key, Kept::saved(message.clone()));
        }
        Ok(message)
    }

    /// Takes a message back that was only claimed, or released again: that is written when something else is.
    pub(crate) fn put_claimed(&mut self, message: Message) {
        if let Some(kept) = self.rows.kept.get_mut(&message.key) {
            if kept.change == Change::None {
                kept.change = Change::Claims;
            }
            kept.message = message;
        }
    }

    /// Takes a changed message back; it is written with the next commit.
    pub(crate) fn put(&mut self, message: Message) {
        let key = message.key;
        let Some(kept) = self.rows.kept.get_mut(&key) else { return };
        let (before, now, report) = (kept.message.state, message.state, message.report);
        kept.message = message;
        if std::mem::replace(&mut kept.change, Change::Any) != Change::Any {
            self.rows.dirty.push(key);
        }
        if before != now {
            // Sent is the end where no report was asked for.
            let counts = |state: &PublicState| report || *state != PublicState::Sent;
            if let Some(count) = Some(before).filter(counts).and_then(|state| self.rows.count(state)) {
                *count = count.saturating_sub(1);
            }
            if let Some(count) = Some(now).filter(counts).and_then(|state| self.rows.count(state)) {
                *count += 1;
            }
        }
    }

    /// Writes every changed message. An index is touched only where it has, or is to have, an entry of it.
    pub(crate) fn flush_messages(&mut self) -> rusqlite::Result<()> {
        for key in std::mem::take(&mut self.rows.dirty) {
            let Some(kept) = self.rows.kept.get_mut(&key) else { continue };
            kept.change = Change::None;
            let message = &kept.message;
            let due_at = message.due_at();
            let due = std::mem::replace(&mut kept.in_due, due_at.is_some()) || due_at.is_some();
            let watch = std::mem::replace(&mut kept.watch_at, message.watch_at) != message.watch_at;
            let lane = lane(&self.sims, message);
            let all: [&dyn ToSql; 11] = [
                &message.key.0,
                &message.not_before.0,
                &message.report_until.0,
                &message.sim,
                &message.tries,
                &message.duplicate,
                &pack(&message.parts),
                &(message.state as u8),
                &due_at.map(|at| at.0),
                &lane,
                &message.watch_at.map(|at| at.0),
            ];
            let (sql, n) = UPDATES[usize::from(due) + 2 * usize::from(watch)];
            self.connection.prepare_cached(sql)?.execute(&all[..n])?;
            if due_at.is_some() {
                let priority = message.priority;
                self.rows.note_lane(priority, lane);
            }
        }
        Ok(())
    }
}

/// The label of the only SIM that may carry it; empty: any.
fn lane(sims: &Sims, message: &Message) -> String {
    let bound = || message.bound().and_then(|sim| sims.label(sim)).map(|label| label.as_str().to_owned());
    message.pinned.clone().or_else(bound).unwrap_or_default()
}

macro_rules! update {
    ($more:literal) => {
        concat!(
            "UPDATE messages SET not_before = ?2, report_until = ?3, sim = ?4, tries = ?5, duplicate = ?6, parts = ?7, \
             state = ?8",
            $more,
            " WHERE message = ?1"
        )
    };
}

/// The statement and its parameters, by what it touches besides the row: nothing, due, watch, both.
const UPDATES: [(&str, usize); 4] = [
    (update!(""), 8),
    (update!(", due_at = ?9, lane = ?10"), 10),
    (update!(", watch_at = ?11"), 11),
    (update!(", due_at = ?9, lane = ?10, watch_at = ?11"), 11),
];
