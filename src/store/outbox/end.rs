//! T9 and T10: what ends without having been sent.

use super::message::Message;
use crate::model::{MessageId, MessageKey, PublicState, Timestamp};
use crate::store::events::StatusCause;
use crate::store::writer::Writer;
use rusqlite::OptionalExtension;
use std::time::Duration;

/// A message with a part in the air when its time is over is looked at again then.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Messages that end in one transaction; the caller comes again for the rest.
const AT_A_TIME: usize = 256;

impl Writer {
    /// T9: what was not sent in time expires; what was sent stops waiting for its report.
    pub(crate) fn expire(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        self.flush_if_open()?;
        let keys: Vec<MessageKey> = self
            .connection
            .prepare_cached("SELECT message FROM messages WHERE watch_at <= ?1 ORDER BY watch_at LIMIT ?2")?
            .query_map([now.0, AT_A_TIME as i64], |row| row.get(0).map(MessageKey))?
            .collect::<rusqlite::Result<_>>()?;
        if keys.is_empty() {
            return Ok(());
        }
        self.begin()?;
        for key in keys {
            let change = |message: &mut Message| {
                message.expire(now, now.after(LOOK_AGAIN));
                true
            };
            self.change(key, &StatusCause::default(), now, change)?;
            self.withdraw_tries(key);
        }
        Ok(())
    }

    /// T10. `None`: no message has this id. `Err` holds the state that forbids it.
    pub(crate) fn cancel(
        &mut self,
        id: &MessageId,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Result<PublicState, PublicState>>> {
        let key = self
            .connection
            .prepare_cached("SELECT message FROM messages WHERE id = ?1 ORDER BY message DESC LIMIT 1")?
            .query_row([id.as_str()], |row| row.get(0).map(MessageKey))
            .optional()?;
        let Some(mut message) = key.map(|key| self.message(key)).transpose()?.flatten() else { return Ok(None) };
        if message.cancel() == 0 {
            return Ok(Some(Err(message.state)));
        }
        self.begin()?;
        let key = message.key;
        self.put(message);
        self.withdraw_tries(key);
        self.refresh(key, &StatusCause::default(), now)?;
        Ok(Some(Ok(self.rows.get(key).map_or(PublicState::Cancelled, |message| message.state))))
    }
}
