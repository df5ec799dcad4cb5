//! Events that a bridge has not handed over for so long that nobody waits for it any more (RELIABILITY §2.7).

use super::writer::Writer;
use crate::model::{Event, ModemNotice, Timestamp};

/// Events to be kept elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Overdue {
    /// In order. One whose row is gone says nothing and is not among them.
    pub events: Vec<Event>,
    /// The `seq` of the last.
    pub upto: u64,
}

impl Writer {
    /// The cursor that is farthest behind, and the last event after it that is overdue, at most so many on.
    pub(super) fn overdue(&mut self, now: Timestamp, limit: usize) -> rusqlite::Result<Option<(u64, u64)>> {
        let Some(age) = self.tidy.retention.unpublished else { return Ok(None) };
        let Some(now) = self.believed(now)? else { return Ok(None) };
        let slowest = "SELECT min(seq) FROM cursors";
        let Some(after) = self.connection.query_row(slowest, [], |row| row.get::<_, Option<u64>>(0))? else {
            return Ok(None);
        };
        let upto = self.older_than(age, now, after, limit)?;
        Ok(upto.map(|upto| (after, upto)))
    }

    /// They are kept elsewhere: every bridge goes on after them.
    pub(super) fn give_up(&mut self, upto: u64, told: Option<&ModemNotice>, now: Timestamp) -> rusqlite::Result<()> {
        self.begin()?;
        self.connection.execute("UPDATE cursors SET seq = ?1 WHERE seq < ?1", [upto])?;
        told.map_or(Ok(()), |notice| self.notice(notice, now))
    }
}
