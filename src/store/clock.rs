//! What of the clock outlasts a process: where its line of time stood, and what waits for an instant of the wall clock.

use super::writer::Writer;
use crate::model::{MessageKey, PublicState, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// What is known of the process before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// When it opened the store.
    pub began: Timestamp,
    /// How long the machine had been on by then; `None`: it has been switched off since, or that is not known.
    pub boottime: Option<Duration>,
    /// The last that it wrote down.
    pub last: Timestamp,
    /// The wall clock minus its instants, in milliseconds.
    pub offset_ms: i64,
}

/// When a process begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// Now.
    pub now: Timestamp,
    /// How long the machine has been on.
    pub boottime: Duration,
    /// The wall clock minus our instants, in milliseconds.
    pub offset_ms: i64,
}

/// The process before this one, where there was one.
pub(super) fn past(connection: &Connection) -> rusqlite::Result<Option<Past>> {
    let found = connection
        .query_row(
            "SELECT started_at, boottime, boot_id, wall_offset FROM epochs ORDER BY epoch DESC LIMIT 1",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?, row.get(3)?)),
        )
        .optional()?;
    let Some((began, boottime, boot, offset_ms)) = found else { return Ok(None) };
    let last = "SELECT at FROM events ORDER BY seq DESC LIMIT 1";
    let last: Option<i64> = connection.query_row(last, [], |row| row.get(0)).optional()?;
    let boottime = boottime.filter(|_| !boot.is_empty() && boot == boot_id());
    Ok(Some(Past {
        began: Timestamp(began),
        boottime: boottime.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
        last: Timestamp(began.max(last.unwrap_or(began))),
        offset_ms,
    }))
}

/// Notes the process; its number.
pub(super) fn begin_epoch(connection: &Connection, begin: &Begin) -> rusqlite::Result<i64> {
    let boottime = i64::try_from(begin.boottime.as_millis()).unwrap_or(i64::MAX);
    // Not RETURNING: a row is handed out before the commit, and nobody would hear that the commit failed.
    connection.execute(
        "INSERT INTO epochs (started_at, boot_id, boottime, wall_offset) VALUES (?1, ?2, ?3, ?4)",
        params![begin.now.0, boot_id(), boottime, begin.offset_ms],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Which boot of the machine this is; empty where it is hidden (the unit hands it on: ProcSubset=pid).
pub(super) fn boot_id() -> String {
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    let text = std::env::var("GSMGATE_BOOT_ID").ok().or_else(kernel).unwrap_or_default();
    text.chars().filter(char::is_ascii_hexdigit).take(32).collect()
}

impl Writer {
    /// The wall clock was set: what waits for an instant of it, and was not begun, waits for another one of ours.
    pub(super) fn wall_set(&mut self, offset_ms: i64, now: Timestamp) -> rusqlite::Result<()> {
        self.begin()?;
        self.flush_if_open()?;
        self.connection
            .execute("UPDATE epochs SET wall_offset = ?1 WHERE epoch = ?2", params![offset_ms, self.epoch])?;
        let waiting: Vec<i64> = self
            .connection
            .prepare(
                "SELECT message FROM messages INDEXED BY messages_send_at
                 WHERE send_at IS NOT NULL AND state = ?1 AND tries = 0 AND not_before > ?2",
            )?
            .query_map(params![PublicState::Queued as u8, now.0], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for message in waiting {
            self.connection
                .prepare_cached(
                    "UPDATE messages SET not_before = send_at - ?1, due_at = send_at - ?1,
                        expires_at = expires_at + send_at - ?1 - not_before,
                        watch_at = expires_at + send_at - ?1 - not_before WHERE message = ?2",
                )?
                .execute(params![offset_ms, message])?;
            self.rows.forget(MessageKey(message));
        }
        Ok(())
    }
}
