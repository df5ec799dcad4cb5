//! What modems told that is no message.

use super::events::Kind;
use super::writer::Writer;
use crate::model::{ModemNotice, Notice, NoticeKind, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

impl Writer {
    /// Keeps a notice and its event.
    pub(super) fn notice(&mut self, from: &ModemNotice, at: Timestamp) -> rusqlite::Result<()> {
        let ModemNotice { modem, sim, notice: Notice { kind, subject, number, text, detail } } = from;
        self.begin()?;
        self.connection
            .prepare_cached(
                "INSERT INTO notices (modem, sim, kind, subject, number, text, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                modem.as_str(),
                sim.as_ref().map(|sim| sim.as_str()),
                *kind as u8,
                subject,
                number,
                text,
                detail
            ])?;
        let row = self.connection.last_insert_rowid();
        self.event(Kind::Notice, row, None, None, at)
    }
}

/// The notice in a row; `None`: there is none, or it is of a kind of a later version.
pub(super) fn read(connection: &Connection, row: i64) -> rusqlite::Result<Option<ModemNotice>> {
    let found = connection
        .prepare_cached("SELECT modem, sim, kind, subject, number, text, detail FROM notices WHERE notice = ?1")?
        .query_row([row], |row| {
            let kind = NoticeKind::from_number(row.get(2)?);
            let (modem, sim): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let told = (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?);
            Ok((modem, sim, kind, told))
        })
        .optional()?;
    Ok(found.and_then(|(modem, sim, kind, (subject, number, text, detail))| {
        let notice = Notice { kind: kind?, subject, number, text, detail };
        Some(ModemNotice { modem: modem.parse().ok()?, sim: sim.and_then(|sim| sim.parse().ok()), notice })
    }))
}
