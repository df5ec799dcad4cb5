//! T1: messages come in, each once.

use super::message::{Facts, Message, Part, pack};
use crate::model::{Label, MessageKey, OnUncertain, PublicState, Timestamp};
use crate::store::events::StatusCause;
use crate::store::writer::Writer;
use crate::store::{Accepted, NewMessage};
use crate::tpdu::gsm7::{Language, Shift};
use crate::tpdu::{Alphabet, MessageClass, Segment};
use rusqlite::{OptionalExtension, params};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// An id is unique for so long.
const ID_UNIQUE: Duration = Duration::from_secs(7 * 24 * 3600);

impl Writer {
    /// Accepts all messages, or none when one of them misuses its id. `None`: the queue is full.
    pub(crate) fn accept(
        &mut self,
        messages: &[NewMessage],
        now: Timestamp,
    ) -> rusqlite::Result<Option<Vec<Accepted>>> {
        let known = messages.iter().map(|message| self.known(message, now)).collect::<rusqlite::Result<Vec<_>>>()?;
        let n_new = known.iter().filter(|known| known.is_none()).count() as u64;
        // What is known already is answered even by a full queue.
        if n_new > 0 && self.unsent() + n_new > self.max_queued {
            return Ok(None);
        }
        let mut ids = HashSet::new();
        let twice = messages.len() > 1 && !messages.iter().all(|message| ids.insert(message.id.as_str()));
        if twice || known.contains(&Some(Accepted::IdReused)) {
            return Ok(Some(vec![Accepted::IdReused; messages.len()]));
        }
        if n_new > 0 {
            self.begin()?;
        }
        let answers = messages.iter().zip(known).map(|(message, known)| match known {
            Some(answer) => Ok(answer),
            None => self.insert(message, now).map(Accepted::New),
        });
        answers.collect::<rusqlite::Result<_>>().map(Some)
    }

    /// Messages that the service centre does not have: what the cap is about.
    fn unsent(&self) -> u64 {
        let counts = self.rows.counts;
        counts.queued + counts.sending + counts.uncertain
    }

    fn known(&mut self, message: &NewMessage, now: Timestamp) -> rusqlite::Result<Option<Accepted>> {
        let since = now.0 - i64::try_from(ID_UNIQUE.as_millis()).unwrap_or(i64::MAX);
        let found = self
            .connection
            .prepare_cached(
                "SELECT message, digest, state FROM messages WHERE id = ?1 AND accepted_at > ?2
                 ORDER BY message DESC LIMIT 1",
            )?
            .query_row(params![message.id.as_str(), since], |row| {
                Ok((MessageKey(row.get(0)?), row.get_ref(1)?.as_blob()? == message.digest, row.get(2)?))
            })
            .optional()?;
        Ok(found.map(|(key, same, saved)| {
            let saved = PublicState::from_number(saved).unwrap_or(PublicState::Unknown);
            let state = self.rows.get(key).map_or(saved, |message| message.state);
            if same { Accepted::Repeated(key, state) } else { Accepted::IdReused }
        }))
    }

    fn insert(&mut self, new: &NewMessage, now: Timestamp) -> rusqlite::Result<MessageKey> {
        let reference = if new.parts.len() > 1 { self.next_reference(new.to.as_str())? } else { 0 };
        let parts = vec![Part::NEW; new.parts.len()];
        let pinned = new.sim.as_ref().map(Label::as_str);
        self.connection
            .prepare_cached(
                "INSERT INTO messages (id, digest, recipient, class, port, priority, hold, report, pinned, accepted_at,
                    expires_at, reference, tags, state, not_before, due_at, lane, watch_at, parts,
                    send_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?14, ?15, ?11, ?16, ?17)",
            )?
            .execute(params![
                new.id.as_str(),
                new.digest,
                new.to.as_str(),
                new.class.map(MessageClass::bits),
                new.port,
                new.priority as u8,
                new.on_uncertain == OnUncertain::Hold,
                new.report,
                pinned,
                now.0,
                new.expires_at.0,
                reference,
                new.tags.join("\n"),
                new.not_before.0,
                pinned.unwrap_or_default(),
                pack(&parts),
                new.send_at.map(|at| at.0),
            ])?;
        let key = MessageKey(self.connection.last_insert_rowid());
        self.connection
            .prepare_cached("INSERT INTO bodies (message, parts) VALUES (?1, ?2)")?
            .execute(params![key.0, pack_bodies(&new.parts)])?;
        let message = Message {
            key,
            facts: Arc::new(Facts { id: new.id.clone(), tags: new.tags.clone() }),
            priority: new.priority as u8,
            report: new.report,
            pinned: pinned.map(str::to_owned),
            expires_at: new.expires_at,
            state: PublicState::Queued,
            not_before: new.not_before,
            watch_at: Some(new.expires_at),
            report_until: Timestamp(0),
            sim: None,
            tries: 0,
            duplicate: false,
            run_from: 0,
            parts,
        };
        self.status_event(&message, None, &StatusCause::default(), now)?;
        self.rows.accepted(message);
        Ok(key)
    }

    /// The next concatenation reference for a recipient: kept before it is used, so that a restart does not repeat it.
    pub(super) fn next_reference(&self, recipient: &str) -> rusqlite::Result<u8> {
        self.connection
            .prepare_cached(
                "INSERT INTO concat_references (recipient, last) VALUES (?1, 1)
                 ON CONFLICT (recipient) DO UPDATE SET last = (last + 1) % 256 RETURNING last",
            )?
            .query_row([recipient], |row| row.get(0))
    }
}

/// Alphabet, national tables where there are any, length and payload, part after part. A payload has at most 160 octets.
fn pack_bodies(segments: &[Segment]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(segments.iter().map(|segment| segment.payload.len() + 2).sum());
    for segment in segments {
        let Shift { locking, single } = segment.shift;
        match segment.alphabet {
            Alphabet::Gsm7 if segment.shift != Shift::NONE => {
                octets.push(SHIFTED);
                octets.extend([locking, single].map(|language| language.map_or(0, Language::identifier)));
            }
            Alphabet::Gsm7 => octets.push(0),
            Alphabet::Octets => octets.push(1),
            Alphabet::Ucs2 => octets.push(2),
        }
        octets.push(u8::try_from(segment.payload.len()).unwrap_or(u8::MAX));
        octets.extend(segment.payload.iter().take(usize::from(u8::MAX)));
    }
    octets
}

/// The segments of a body; those behind a broken one are missing.
pub(super) fn unpack_bodies(mut octets: &[u8]) -> Vec<Segment> {
    let mut segments = Vec::new();
    while let Some((alphabet, shift, len, rest)) = unpack_head(octets) {
        let Some((payload, rest)) = rest.split_at_checked(usize::from(len)) else { break };
        segments.push(Segment { alphabet, shift, payload: payload.to_vec() });
        octets = rest;
    }
    segments
}

fn unpack_head(octets: &[u8]) -> Option<(Alphabet, Shift, u8, &[u8])> {
    match octets {
        [SHIFTED, locking, single, len, rest @ ..] => {
            let [locking, single] = [*locking, *single].map(Language::from_identifier);
            Some((Alphabet::Gsm7, Shift { locking, single }, *len, rest))
        }
        [0, len, rest @ ..] => Some((Alphabet::Gsm7, Shift::NONE, *len, rest)),
        [1, len, rest @ ..] => Some((Alphabet::Octets, Shift::NONE, *len, rest)),
        [2, len, rest @ ..] => Some((Alphabet::Ucs2, Shift::NONE, *len, rest)),
        _ => None,
    }
}

/// GSM 7 bit with national tables, whose identifiers follow; 0: none.
const SHIFTED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tpdu::{Choice, segment};

    #[test]
    fn bodies_come_back_as_they_went() {
        for text in ["", "hello", &"a long one ".repeat(60), &"🙂".repeat(90), &"ığş".repeat(90), &"á".repeat(80)]
        {
            let segments = segment::text(text, Choice::National).unwrap();
            assert_eq!(unpack_bodies(&pack_bodies(&segments)), segments, "{text}");
        }
        assert_eq!(unpack_bodies(&[0, 9, 1]), []);
    }
}
