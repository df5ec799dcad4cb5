//! PINs that were entered: what each SIM made of them.

use super::writer::Writer;
use crate::model::{PinMark, PinRecord};
use rusqlite::{OptionalExtension, params};

impl Writer {
    /// What is remembered of a PIN in a SIM, before a new mark takes its place.
    pub(super) fn pin_record(
        &mut self,
        sim: &str,
        modem: &str,
        pin: &[u8; 32],
        mark: Option<PinMark>,
    ) -> rusqlite::Result<PinRecord> {
        let here = self
            .connection
            .prepare_cached("SELECT mark FROM pins WHERE sim = ?1 AND pin = ?2")?
            .query_row(params![sim, pin], |row| row.get(0).map(mark_of))
            .optional()?;
        let fits_another = self
            .connection
            .prepare_cached("SELECT 1 FROM pins WHERE modem = ?1 AND pin = ?2 AND sim <> ?3 AND mark = ?4")?
            .exists(params![modem, pin, sim, number(PinMark::Accepted)])?;
        let others_wrong: u8 = self
            .connection
            .prepare_cached("SELECT min(count(*), 255) FROM pins WHERE sim = ?1 AND pin <> ?2 AND mark <> ?3")?
            .query_row(params![sim, pin, number(PinMark::Accepted)], |row| row.get(0))?;
        if let Some(mark) = mark.filter(|mark| here != Some(*mark)) {
            self.begin()?;
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO pins (sim, pin, modem, mark) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![sim, pin, modem, number(mark)])?;
        }
        Ok(PinRecord { here, others_wrong, fits_another })
    }
}

fn number(mark: PinMark) -> u8 {
    match mark {
        PinMark::Tried => 0,
        PinMark::Accepted => 1,
        PinMark::Refused => 2,
    }
}

/// A damaged number is read as the mark that keeps the PIN from being entered.
fn mark_of(number: u8) -> PinMark {
    match number {
        0 => PinMark::Tried,
        1 => PinMark::Accepted,
        _ => PinMark::Refused,
    }
}
