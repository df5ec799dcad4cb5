//! What of salvaged rows still makes sense together.

use super::retell;
use super::rows::MOST;
use crate::model::Timestamp;
use crate::store::outbox::message::unpack;
use rusqlite::Connection;

/// Numbers of events that are left out: those that were lost may have had them. A snapshot may be weeks old.
pub(super) const LOST_EVENTS: i64 = 1 << 32;
/// Numbers of tries that are left out: those that were lost may have had them.
const LOST_TRIES: i64 = 1 << 32;
/// The same of PDUs: what is published raw is called after its number.
const LOST_PDUS: i64 = 1 << 32;

/// What was mended.
#[derive(Debug)]
pub(super) struct Mended {
    /// Rows that referred to lost ones, and said nothing any more.
    pub(super) dangling: usize,
    /// Events that were written anew.
    pub(super) again: usize,
    /// The next free `seq`.
    pub(super) seq: i64,
}

/// Makes rows fit each other, tells anew what the log may not have told, and leaves out numbers that may have been used.
pub(super) fn mend(to: &Connection, now: Timestamp) -> rusqlite::Result<Mended> {
    // A SIM whose row is lost gets a name, so that what came in by it can be told.
    to.execute_batch(
        "INSERT OR IGNORE INTO sims (sim, iccid, label, first_seen)
            SELECT DISTINCT sim, printf('8900000000000%06d', sim), printf('lost-%d', sim), 0 FROM
                (SELECT sim FROM attempts UNION SELECT sim FROM inbound UNION SELECT sim FROM inbound_pdus
                 UNION SELECT sim FROM orphan_reports UNION SELECT sim FROM messages WHERE sim IS NOT NULL)
            WHERE sim NOT IN (SELECT sim FROM sims);
         -- Made anew of what the parts are: the two may not agree any more.
         UPDATE messages SET due_at = NULL;
         -- Of a snapshot: two tries cannot be under way on one SIM.
         UPDATE attempts SET live = NULL WHERE state NOT IN (0, 1);",
    )?;
    let mut n = 0;
    for (table, octets, others) in NUMBERS {
        let octets = octets.split(' ').map(|column| format!("{column} NOT BETWEEN 0 AND 255"));
        let bad: Vec<String> = octets.chain((!others.is_empty()).then(|| (*others).to_owned())).collect();
        n += to.execute(&format!("DELETE FROM {table} WHERE {}", bad.join(" OR ")), [])?;
    }
    retell::rebuild_inbound(to, now)?;
    n += to.execute(
        "UPDATE inbound_pdus SET inbound = NULL, seq = NULL, reason = coalesce(reason, 'its message was lost')
            WHERE inbound NOT IN (SELECT inbound FROM inbound)",
        [],
    )?;
    // A cursor far behind the log's end is damage, and would keep its bridge from all that comes.
    let cursors = "DELETE FROM cursors WHERE seq > (SELECT coalesce(max(seq), ?2) FROM events) + ?1";
    n += to.execute(cursors, [LOST_EVENTS, MOST])?;
    for sql in [
        "DELETE FROM bodies WHERE message NOT IN (SELECT message FROM messages)",
        "DELETE FROM attempts WHERE message NOT IN (SELECT message FROM messages)",
    ] {
        n += to.execute(sql, [])?;
    }
    let last = "SELECT max(coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(seq) FROM cursors), 0))";
    let last: i64 = to.query_row(last, [], |row| row.get(0))?;
    for (kind, table, refers) in [
        (0, "messages", "message"),
        (1, "inbound", "inbound"),
        (2, "inbound_pdus", "pdu"),
        (3, "orphan_reports", "orphan"),
        (4, "refusals", "refusal"),
        (5, "notices", "notice"),
    ] {
        let sql = format!("DELETE FROM events WHERE kind = ?1 AND ref NOT IN (SELECT {refers} FROM {table})");
        n += to.execute(&sql, [kind])?;
    }
    let again = retell::tell(to, last, now)?;
    leave_numbers_out(to, now)?;
    Ok(Mended { dangling: n, again, seq: last + LOST_EVENTS + i64::try_from(again).unwrap_or(0) + 1 })
}

/// No number comes again: others tell of rows that may be lost.
fn leave_numbers_out(to: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let tries = to.query_row("SELECT coalesce(max(attempt), 0) FROM attempts", [], |row| row.get::<_, i64>(0))?;
    let highest = highest_try(to)?.max(tries);
    to.execute(
        "INSERT INTO attempts (attempt, message, seq, sim, port, epoch, sha256, routing, claimed_at, state)
         VALUES (?1, 0, 0, 0, '', 0, x'', 'numbers that were lost', ?2, 5)",
        [highest.saturating_add(LOST_TRIES), now.0],
    )?;
    // Without any SIM nothing is known to have come in.
    to.execute(
        "INSERT INTO inbound_pdus (pdu, sim, sha256, raw, epoch, received_at, reason)
         SELECT coalesce((SELECT max(pdu) FROM inbound_pdus), 0) + ?1, sim, x'', x'', 0, ?2, 'numbers that were lost'
            FROM sims LIMIT 1",
        [LOST_PDUS, now.0],
    )?;
    // A process tells by its number what the one before it has kept: no jump.
    to.execute(
        "INSERT OR IGNORE INTO epochs (epoch, started_at, boot_id)
         SELECT max(epoch), ?1, '' FROM (SELECT epoch FROM attempts UNION SELECT epoch FROM inbound_pdus)
            WHERE epoch BETWEEN 1 AND ?2 HAVING max(epoch) IS NOT NULL",
        [now.0, MOST],
    )
    .map(drop)
}

/// Columns of a table that are octets, and what else no row of it says that was ever written: a byte that flipped within a
/// number is no damage to SQLite. NULL passes.
const NUMBERS: &[(&str, &str, &str)] = &[
    (
        "messages",
        "class reference state",
        "priority NOT BETWEEN 0 AND 3 OR hold NOT IN (0, 1) OR report NOT IN (0, 1) OR duplicate NOT IN (0, 1)
            OR port NOT BETWEEN 0 AND 65535 OR tries NOT BETWEEN 0 AND 1000000 OR run_from < 0
            OR length(parts) NOT BETWEEN 1 AND 255 * 16 OR length(parts) % 16 <> 0",
    ),
    (
        "attempts",
        "seq validity mr blame cause uncertain",
        "state NOT BETWEEN 0 AND 5 OR report_key NOT BETWEEN 0 AND 256 OR code NOT BETWEEN 0 AND 65535",
    ),
    ("inbound", "total have revision", "wide NOT IN (0, 1) OR reference NOT BETWEEN 0 AND 65535"),
    ("inbound_pdus", "seq", ""),
    ("orphan_reports", "mr status", "published NOT IN (0, 1)"),
    ("refusals", "code", ""),
    ("notices", "kind", ""),
    (
        "events",
        "kind state previous sent blame cause uncertain report",
        "attempt NOT BETWEEN 0 AND 1000000 OR code NOT BETWEEN 0 AND 65535 OR duplicate NOT IN (0, 1)
            OR restarted NOT IN (0, 1) OR kind = 0 AND (attempt IS NULL OR sent IS NULL OR duplicate IS NULL
            OR restarted IS NULL OR state IS NULL)",
    ),
];

/// The highest try that a part tells of.
fn highest_try(to: &Connection) -> rusqlite::Result<i64> {
    let mut statement = to.prepare("SELECT parts FROM messages")?;
    let mut rows = statement.query([])?;
    let mut highest = 0;
    while let Some(row) = rows.next()? {
        let parts = unpack(row.get_ref(0)?.as_blob()?);
        let tries = parts.iter().map(|part| part.attempt).filter(|attempt| *attempt < MOST);
        highest = tries.max().unwrap_or(0).max(highest);
    }
    Ok(highest)
}
