//! What the log may not have told of what was salvaged: it is told anew (guarantee G-5: at least once).
//!
//! An event that is there speaks for itself. One that is lost may have been handed over; that is known by the order in which
//! PDUs came, never by a clock: whatever came before a PDU whose event was handed over was told before it.

use super::mend::LOST_EVENTS;
use crate::model::{PublicState, Timestamp};
use crate::store::events::Kind;
use crate::store::outbox::message::unpack;
use crate::store::types::InboundPart;
use crate::tpdu::Incoming;
use rusqlite::{Connection, params, params_from_iter};
use std::collections::BTreeSet;

/// Messages whose row is lost while PDUs of them are there get a row again. Where there is still an event of it, that says
/// which revision was told.
pub(super) fn rebuild_inbound(to: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "SELECT inbound, sim, raw, received_at FROM inbound_pdus
        WHERE inbound IS NOT NULL AND raw <> x'' AND inbound NOT IN (SELECT inbound FROM inbound) ORDER BY inbound, pdu";
    let mut statement = to.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut insert = to.prepare(
        "INSERT OR IGNORE INTO inbound (inbound, id, sim, sender, reference, wide, total, have, received_at, scts, revision,
            partial_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, n, ?8, ?9, coalesce(told, n >= ?7), iif(n < ?7 AND told IS NULL, ?10, NULL)
            FROM (SELECT count(DISTINCT seq) AS n FROM inbound_pdus WHERE inbound = ?1),
                (SELECT max(state) AS told FROM events WHERE kind = 1 AND ref = ?1)",
    )?;
    while let Some(row) = rows.next()? {
        let (inbound, sim, received_at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let Ok(Incoming::Deliver(pdu)) = Incoming::decode(row.get_ref(2)?.as_blob()?) else { continue };
        let InboundPart { sender, reference, wide, total, scts, .. } = InboundPart::of(&pdu.tpdu);
        // The first PDU that can be read decides; the id that it had is lost.
        let id = ulid::Ulid::generate().to_string().to_ascii_lowercase();
        insert.execute(params![inbound, id, sim, sender, reference, wide, total, received_at, scts, now.0])?;
    }
    Ok(())
}

/// Writes events of what has none, from this `seq` on; how many.
pub(super) fn tell(to: &Connection, last: i64, now: Timestamp) -> rusqlite::Result<usize> {
    let mut log = Log { to, seq: last + LOST_EVENTS, now, n: 0 };
    let handed_over = HandedOver::read(to)?;
    inbound(&mut log, &handed_over)?;
    raw(&mut log, &handed_over)?;
    statuses(&mut log)?;
    let orphans = "SELECT orphan FROM orphan_reports WHERE published = 1
        AND orphan NOT IN (SELECT ref FROM events WHERE kind = 3) ORDER BY orphan";
    for orphan in keys(to, orphans, [])? {
        log.event(Kind::Orphan, orphan, None, None)?;
    }
    Ok(log.n)
}

/// The end of the new log.
struct Log<'a> {
    to: &'a Connection,
    seq: i64,
    now: Timestamp,
    n: usize,
}

impl Log<'_> {
    fn next(&mut self) -> i64 {
        (self.seq, self.n) = (self.seq + 1, self.n + 1);
        self.seq
    }

    fn event(&mut self, kind: Kind, row: i64, revision: Option<u8>, missing: Option<&[u8]>) -> rusqlite::Result<()> {
        let seq = self.next();
        self.to
            .prepare_cached("INSERT INTO events (seq, at, kind, ref, state, missing) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![seq, self.now.0, kind as u8, row, revision, missing])?;
        Ok(())
    }
}

/// What every bridge has had, as far as that is certain; 0: nothing is.
struct HandedOver {
    /// Whatever this PDU or one before it completed.
    pdu: i64,
    /// Messages of one part up to this one, also where their PDUs are lost.
    inbound: i64,
}

impl HandedOver {
    fn read(to: &Connection) -> rusqlite::Result<HandedOver> {
        // The event of a whole message is written with its last PDU, that of an incomplete one later.
        let sql = "WITH told AS (SELECT kind, ref FROM events
                WHERE seq <= (SELECT min(seq) FROM cursors) AND (kind = 2 OR kind = 1 AND missing IS NULL))
            SELECT max(coalesce((SELECT max(ref) FROM told WHERE kind = 2), 0),
                    coalesce((SELECT max(pdu) FROM told JOIN inbound_pdus ON inbound = ref WHERE kind = 1), 0)),
                coalesce((SELECT max(ref) FROM told WHERE kind = 1), 0)";
        to.query_row(sql, [], |row| Ok(HandedOver { pdu: row.get(0)?, inbound: row.get(1)? }))
    }
}

/// Messages of which the log does not tell as they are. One whose PDUs are all emptied was published long ago.
fn inbound(log: &mut Log<'_>, handed_over: &HandedOver) -> rusqlite::Result<()> {
    let sql = "SELECT inbound, total, have, revision, last FROM
            (SELECT i.inbound, total, have, revision, max(pdu) AS last, max(raw <> x'') AS is_there FROM inbound i
                LEFT JOIN inbound_pdus p ON p.inbound = i.inbound
                WHERE have > 0 AND partial_at IS NULL GROUP BY i.inbound)
        WHERE is_there IS NOT 0
            AND (inbound, revision) NOT IN (SELECT ref, state FROM events WHERE kind = 1 AND state IS NOT NULL)
        ORDER BY last, inbound";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let found: Vec<(i64, u8, u8, u8, Option<i64>)> =
        log.to.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
    for (inbound, total, have, revision, last) in found {
        if have < total {
            // It was told of as it was, some time after its last PDU: that is done once more.
            let again = "UPDATE inbound SET partial_at = ?2 WHERE inbound = ?1";
            log.to.prepare_cached(again)?.execute(params![inbound, log.now.0])?;
            continue;
        }
        let is_told = match last {
            Some(pdu) => pdu <= handed_over.pdu,
            None => total == 1 && inbound <= handed_over.inbound,
        };
        if !is_told {
            let parts = "SELECT seq FROM inbound_pdus WHERE inbound = ?1 AND seq IS NOT NULL";
            let there: BTreeSet<i64> = keys(log.to, parts, [inbound])?.into_iter().collect();
            let missing: Vec<u8> = (1..=total).filter(|seq| !there.contains(&i64::from(*seq))).collect();
            log.event(Kind::Inbound, inbound, Some(revision), (!missing.is_empty()).then_some(&missing))?;
        }
    }
    Ok(())
}

/// PDUs that are published as they came. A part that came twice is one of them when the other copy is lost.
fn raw(log: &mut Log<'_>, handed_over: &HandedOver) -> rusqlite::Result<()> {
    let sql = "SELECT pdu FROM inbound_pdus p
        WHERE inbound IS NULL AND raw <> x'' AND pdu > ?1 AND pdu NOT IN (SELECT ref FROM events WHERE kind = 2)
            AND (reason IS NOT 'repeated part'
                OR NOT EXISTS (SELECT 1 FROM inbound_pdus o WHERE o.sha256 = p.sha256 AND o.pdu <> p.pdu))
        ORDER BY pdu";
    for pdu in keys(log.to, sql, [handed_over.pdu])? {
        log.event(Kind::Raw, pdu, None, None)?;
    }
    Ok(())
}

/// Ends of messages that their last event does not tell. What has not ended is told of by what becomes of it.
fn statuses(log: &mut Log<'_>) -> rusqlite::Result<()> {
    let to = log.to;
    let mut statement = to.prepare(
        "SELECT m.message, m.state, m.watch_at, m.parts, m.tries, m.sim, m.duplicate, m.run_from FROM messages m
         LEFT JOIN (SELECT ref, state, max(seq) FROM events WHERE kind = 0 GROUP BY ref) e ON e.ref = m.message
         WHERE e.state IS NOT m.state ORDER BY m.message",
    )?;
    let mut insert = to.prepare(
        "INSERT INTO events (seq, at, kind, ref, state, attempt, sent, sim, duplicate, restarted, blame, cause, code)
         SELECT ?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, blame, cause, code FROM (SELECT 1)
            LEFT JOIN attempts ON attempt = ?10 AND message = ?3",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let is_final = PublicState::from_number(row.get(1)?).is_some_and(PublicState::is_final);
        if !is_final && row.get::<_, Option<i64>>(2)?.is_some() {
            continue;
        }
        let parts = unpack(row.get_ref(3)?.as_blob()?);
        let sent = parts.iter().filter(|part| part.state.was_sent()).count();
        let last = parts.iter().map(|part| part.attempt).max().unwrap_or(0);
        let (key, state, tries): (i64, u8, i64) = (row.get(0)?, row.get(1)?, row.get(4)?);
        let (sim, duplicate, run_from): (Option<i64>, bool, i64) = (row.get(5)?, row.get(6)?, row.get(7)?);
        let seq = log.next();
        insert.execute(params![seq, log.now.0, key, state, tries, sent, sim, duplicate, run_from > 0, last])?;
    }
    Ok(())
}

/// The first column of what is found.
fn keys<const N: usize>(to: &Connection, sql: &str, parameters: [i64; N]) -> rusqlite::Result<Vec<i64>> {
    to.prepare_cached(sql)?.query_map(params_from_iter(parameters), |row| row.get(0))?.collect()
}
