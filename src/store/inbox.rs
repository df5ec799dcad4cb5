//! What came in: kept raw first, joined, and published. RELIABILITY §2.6.

use super::events::Kind;
use super::writer::Writer;
use super::{InboundPart, InboundPdu, Receipt};
use crate::model::{InboundEvent, RawInbound, Timestamp};
use crate::tpdu::{Deliver, Incoming, join};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// A message with parts missing is published as it is after this time.
const PARTIAL_AFTER: Duration = Duration::from_secs(600);
/// Late parts complete it up to this time.
pub(super) const COMPLETE_WITHIN: Duration = Duration::from_secs(72 * 3600);

/// Parts of one message are stamped by their centre within this time, however late they come: what lies farther apart is
/// another message whose reference has come round again. In seconds.
const SAME_MESSAGE: i64 = 6 * 3600;
/// Messages with missing parts, of one sender and in all: beyond them the oldest is published as it is.
const OPEN_OF_SENDER: i64 = 32;
const OPEN_IN_ALL: i64 = 4096;

/// The group that a part belongs to.
struct Group {
    inbound: i64,
    have: u8,
    revision: u8,
}

impl Writer {
    /// Keeps one PDU, and publishes what it completes.
    pub(super) fn receive(&mut self, pdu: &InboundPdu) -> rusqlite::Result<Receipt> {
        let sim = self.sim_row(&pdu.iccid, &pdu.sim, pdu.at)?;
        let sha: [u8; 32] = Sha256::digest(&pdu.raw).into();
        if self.is_kept(sim, pdu, &sha)? {
            return Ok(Receipt::Known);
        }
        self.begin()?;
        let same_as = self.same_before(sim, &sha)?;
        let row = self.insert_pdu(sim, pdu, &sha)?;
        match &pdu.part {
            Err(_) => self.event(Kind::Raw, row, None, None, pdu.at)?,
            Ok(part) => self.join_part(sim, row, part, same_as, pdu)?,
        }
        Ok(Receipt::New)
    }

    /// The same copy, seen again: an earlier process kept it, and ended before it was deleted or acknowledged. Within a
    /// process the driver knows what it has handed over; an equal message is then another one (I-22).
    fn is_kept(&self, sim: i64, pdu: &InboundPdu, sha: &[u8; 32]) -> rusqlite::Result<bool> {
        let (memory, slot) = pdu.place.as_ref().map_or((None, None), |(memory, slot)| (Some(memory), Some(slot)));
        if memory.is_some() && !pdu.first_sweep {
            return Ok(false);
        }
        // Routed: the network repeats only what the process before did not acknowledge. Stored: it lies there until a
        // deletion succeeds, through any number of processes.
        let oldest = if memory.is_some() { 0 } else { self.epoch - 1 };
        self.connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM inbound_pdus WHERE sha256 = ?1 AND sim = ?2 AND memory IS ?3 AND slot IS ?4
                    AND epoch < ?5 AND epoch >= ?6)",
            )?
            .query_row(params![sha, sim, memory, slot, self.epoch, oldest], |row| row.get(0))
    }

    /// The message that an equal TPDU, time stamp included, belonged to.
    fn same_before(&self, sim: i64, sha: &[u8; 32]) -> rusqlite::Result<Option<String>> {
        self.connection
            .prepare_cached(
                "SELECT i.id FROM inbound_pdus p JOIN inbound i ON i.inbound = p.inbound
                 WHERE p.sha256 = ?1 AND p.sim = ?2 ORDER BY p.pdu LIMIT 1",
            )?
            .query_row(params![sha, sim], |row| row.get(0))
            .optional()
    }

    fn insert_pdu(&self, sim: i64, pdu: &InboundPdu, sha: &[u8; 32]) -> rusqlite::Result<i64> {
        let (memory, slot) = pdu.place.as_ref().map_or((None, None), |(memory, slot)| (Some(memory), Some(slot)));
        self.connection
            .prepare_cached(
                "INSERT INTO inbound_pdus (sim, memory, slot, sha256, raw, epoch, received_at, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![sim, memory, slot, sha, pdu.raw, self.epoch, pdu.at.0, pdu.part.as_ref().err()])?;
        Ok(self.connection.last_insert_rowid())
    }

    fn join_part(
        &mut self,
        sim: i64,
        row: i64,
        part: &InboundPart,
        same_as: Option<String>,
        pdu: &InboundPdu,
    ) -> rusqlite::Result<()> {
        if part.total > 1 && same_as.is_some() {
            // A part of which we have the very octets: the network sent it again.
            self.connection
                .prepare_cached("UPDATE inbound_pdus SET reason = 'repeated part' WHERE pdu = ?1")?
                .execute([row])?;
            return Ok(());
        }
        let group = match self.open_group(sim, part, pdu.at)? {
            Some(group) => group,
            None => {
                if part.total > 1 {
                    self.make_room(sim, &part.sender, pdu.at)?;
                }
                self.new_group(sim, part, same_as, pdu)?
            }
        };
        self.connection
            .prepare_cached("UPDATE inbound_pdus SET inbound = ?2, seq = ?3 WHERE pdu = ?1")?
            .execute(params![row, group.inbound, part.seq])?;
        let complete = group.have + 1 >= part.total;
        let revision = group.revision + u8::from(complete);
        self.connection
            .prepare_cached(
                "UPDATE inbound SET have = have + 1, revision = ?2,
                    partial_at = CASE WHEN ?3 THEN NULL ELSE partial_at END WHERE inbound = ?1",
            )?
            .execute(params![group.inbound, revision, complete])?;
        if complete {
            self.event(Kind::Inbound, group.inbound, Some(revision), None, pdu.at)?;
        }
        Ok(())
    }

    /// The open group with this key that lacks this part and whose time stamp is nearest; of equals the oldest.
    fn open_group(&self, sim: i64, part: &InboundPart, now: Timestamp) -> rusqlite::Result<Option<Group>> {
        if part.total == 1 {
            return Ok(None);
        }
        let since = now.0 - i64::try_from(COMPLETE_WITHIN.as_millis()).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "SELECT inbound, have, revision, abs(coalesce(scts - ?8, 0)) AS distance FROM inbound i
                 WHERE have < total AND sim = ?1 AND sender = ?2 AND reference = ?3 AND wide = ?4 AND total = ?5
                    AND received_at > ?6 AND distance <= ?9 AND NOT EXISTS
                    (SELECT 1 FROM inbound_pdus p WHERE p.inbound = i.inbound AND p.seq = ?7)
                 ORDER BY distance, inbound LIMIT 1",
            )?
            .query_row(
                params![
                    sim,
                    part.sender,
                    part.reference,
                    part.wide,
                    part.total,
                    since,
                    part.seq,
                    part.scts,
                    SAME_MESSAGE
                ],
                |row| Ok(Group { inbound: row.get(0)?, have: row.get(1)?, revision: row.get(2)? }),
            )
            .optional()
    }

    /// Publishes the oldest incomplete message when there are too many.
    fn make_room(&mut self, sim: i64, sender: &str, now: Timestamp) -> rusqlite::Result<()> {
        let oldest: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT coalesce(
                    (SELECT inbound FROM inbound INDEXED BY inbound_partial
                        WHERE partial_at IS NOT NULL AND sim = ?1 AND sender = ?2
                        ORDER BY inbound DESC LIMIT 1 OFFSET ?3),
                    (SELECT inbound FROM inbound WHERE partial_at IS NOT NULL ORDER BY partial_at DESC LIMIT 1 OFFSET ?4))",
            )?
            .query_row(params![sim, sender, OPEN_OF_SENDER - 1, OPEN_IN_ALL - 1], |row| row.get(0))?;
        match oldest {
            Some(inbound) => self.publish_partial(inbound, now),
            None => Ok(()),
        }
    }

    fn new_group(
        &self,
        sim: i64,
        part: &InboundPart,
        same_as: Option<String>,
        pdu: &InboundPdu,
    ) -> rusqlite::Result<Group> {
        let partial_at = (part.total > 1).then(|| pdu.at.after(PARTIAL_AFTER).0);
        self.connection
            .prepare_cached(
                "INSERT INTO inbound (id, sim, sender, reference, wide, total, have, received_at, same_as, partial_at,
                    scts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                pdu.id,
                sim,
                part.sender,
                part.reference,
                part.wide,
                part.total,
                pdu.at.0,
                same_as,
                partial_at,
                part.scts
            ])?;
        Ok(Group { inbound: self.connection.last_insert_rowid(), have: 0, revision: 0 })
    }

    /// Publishes what has waited long enough for its missing parts.
    pub(super) fn publish_partials(&mut self, now: Timestamp) -> rusqlite::Result<()> {
        let due: Vec<i64> = self
            .connection
            .prepare_cached("SELECT inbound FROM inbound WHERE partial_at <= ?1 ORDER BY partial_at")?
            .query_map([now.0], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        due.into_iter().try_for_each(|inbound| self.publish_partial(inbound, now))
    }

    fn publish_partial(&mut self, inbound: i64, now: Timestamp) -> rusqlite::Result<()> {
        self.begin()?;
        let (total, revision): (u8, u8) = self
            .connection
            .prepare_cached(
                "UPDATE inbound SET partial_at = NULL, revision = revision + 1 WHERE inbound = ?1
                 RETURNING total, revision",
            )?
            .query_row([inbound], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let have: Vec<u8> = self
            .connection
            .prepare_cached("SELECT seq FROM inbound_pdus WHERE inbound = ?1")?
            .query_map([inbound], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let missing: Vec<u8> = (1..=total).filter(|seq| !have.contains(seq)).collect();
        self.event(Kind::Inbound, inbound, Some(revision), Some(&missing), now)
    }
}

// ---- reading ----

/// The message as it was at that revision.
pub(super) fn read(
    connection: &Connection,
    row: i64,
    revision: u8,
    missing: Vec<u8>,
) -> rusqlite::Result<Option<InboundEvent>> {
    let head = connection
        .prepare_cached(
            "SELECT i.id, s.label, i.total, i.received_at, i.same_as FROM inbound i JOIN sims s ON s.sim = i.sim
             WHERE i.inbound = ?1",
        )?
        .query_row([row], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .optional()?;
    let Some((id, label, parts, received_at, same_as)) = head else { return Ok(None) };
    let Ok(sim) = label.parse() else { return Ok(None) };
    let delivers = delivers(connection, row, &missing)?;
    let Some(first) = delivers.first() else {
        // Its PDUs are gone: who and when is still told.
        let Some(from) = super::retention::sender(connection, row)? else { return Ok(None) };
        let (text, data, port, sent_at, class) = (None, None, None, None, None);
        let received_at = Timestamp(received_at);
        let event = InboundEvent {
            id,
            revision,
            sim,
            from,
            text,
            data,
            port,
            sent_at,
            received_at,
            parts,
            missing,
            class,
            same_as,
        };
        return Ok(Some(event));
    };
    let port = first.ud.udh.ports().map(|ports| ports.dst);
    let is_data = first.dcs.alphabet() == crate::tpdu::Alphabet::Octets;
    let text = || join::text(&delivers.iter().map(|deliver| (&deliver.dcs, &deliver.ud)).collect::<Vec<_>>());
    let data = || delivers.iter().flat_map(|deliver| deliver.ud.payload.iter().copied()).collect();
    Ok(Some(InboundEvent {
        id,
        revision,
        sim,
        from: first.oa.to_string(),
        text: (!is_data).then(text),
        data: is_data.then(data),
        port,
        sent_at: Some(first.scts),
        received_at: Timestamp(received_at),
        parts,
        missing,
        class: first.dcs.class().map(crate::tpdu::MessageClass::bits),
        same_as,
    }))
}

fn delivers(connection: &Connection, row: i64, missing: &[u8]) -> rusqlite::Result<Vec<Deliver>> {
    let mut statement =
        connection.prepare_cached("SELECT seq, raw FROM inbound_pdus WHERE inbound = ?1 ORDER BY seq")?;
    let parts = statement.query_map([row], |row| Ok((row.get::<_, u8>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
    let mut delivers = Vec::new();
    for part in parts {
        let (seq, raw) = part?;
        if let Ok(Incoming::Deliver(pdu)) = Incoming::decode(&raw)
            && !missing.contains(&seq)
        {
            delivers.push(pdu.tpdu);
        }
    }
    Ok(delivers)
}

pub(super) fn read_raw(connection: &Connection, row: i64) -> rusqlite::Result<Option<RawInbound>> {
    let found = connection
        .prepare_cached(
            "SELECT s.label, p.raw, p.reason, p.received_at, p.pdu FROM inbound_pdus p JOIN sims s ON s.sim = p.sim
             WHERE p.pdu = ?1",
        )?
        .query_row([row], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get(3)?,
                row.get::<_, i64>(4)?,
            ))
        })
        .optional()?;
    Ok(found.and_then(|(label, pdu, reason, received_at, row)| {
        let sim = label.parse().ok()?;
        let reason = reason.unwrap_or_default();
        Some(RawInbound { id: format!("raw-{row}"), sim, pdu, reason, received_at: Timestamp(received_at) })
    }))
}
