//! A damaged database: what can be read of it goes into a new one, row by row, and somebody is told (RELIABILITY F-43).
//!
//! The new one is built under another name and takes the place of the old one when it is whole. What the old one was stays in
//! a folder of its own.

use super::schema::{self, SchemaError};
use super::snapshot;
use super::{OpenError, open_flags};
use crate::model::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, params, params_from_iter};
use std::collections::VecDeque;
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Tables, and whether their rows have numbers. What others refer to comes first.
const TABLES: [(&str, bool); 17] = [
    ("meta", false),
    ("sims", true),
    ("left_alone", false),
    ("epochs", true),
    ("messages", true),
    ("bodies", true),
    ("attempts", true),
    ("concat_references", false),
    ("orphan_reports", true),
    ("inbound", true),
    ("inbound_pdus", true),
    ("events", true),
    ("refusals", true),
    ("notices", true),
    ("cursors", false),
    ("parked", false),
    ("pins", false),
];
/// Ranges of one table that are tried: seconds, however much is unreadable.
const PROBES: usize = 100_000;
/// Octets of a page, as of `schema`.
const PAGE: usize = 1024;
/// Rows of one page, at most.
const ROWS_OF_PAGE: u64 = 64;
/// Rows of one transaction.
const ROWS: usize = 10_000;
/// Numbers of events that are left out: those that were lost may have had them.
const LOST_EVENTS: i64 = 10_000;
/// The same of tries.
const LOST_TRIES: i64 = 10_000;

/// What became of one table.
#[derive(Debug, Default)]
struct Found {
    read: u64,
    /// Rows that could not be read or kept; of a run of them it is known only how many numbers it has.
    lost: u64,
    from_snapshot: u64,
}

/// Where the files are.
pub(super) struct Salvage<'a> {
    pub(super) dir: &'a Path,
    /// The database.
    pub(super) path: &'a Path,
    /// Where snapshots are.
    pub(super) backups: Option<&'a Path>,
}

impl Salvage<'_> {
    fn draft(&self) -> PathBuf {
        self.dir.join("salvage.part")
    }

    fn whole(&self) -> PathBuf {
        self.dir.join("salvaged.db")
    }

    /// An empty database where one has been is a damage, which SQLite does not see. Where the file was taken away that was
    /// somebody's wish.
    pub(super) fn check_emptied(&self, now: Timestamp) -> Result<(), OpenError> {
        // The journal is made after the first database.
        if !self.dir.join("spill").exists() {
            return Ok(());
        }
        let len = |path: &Path| fs::metadata(path).map(|file| file.len()).ok();
        let has_wal = len(&side(self.path, "-wal")).unwrap_or(0) > 0;
        match len(self.path) {
            None => tracing::warn!("the database was taken away; beginning with an empty one"),
            Some(len) if len < PAGE as u64 && !has_wal => return self.run("it is an empty file, or nearly", now),
            Some(_) if !has_wal && is_without_tables(self.path) => return self.run("it has no tables", now),
            Some(_) => {}
        }
        Ok(())
    }

    /// Goes on with what a process before had begun: its new database is whole.
    pub(super) fn finish_begun(&self, now: Timestamp) -> Result<(), OpenError> {
        if self.whole().exists() { self.swap(now).map_err(|error| self.failed(error)) } else { Ok(()) }
    }

    /// What the process before failed of, where a start finds no damage. Once in an hour: if it does not help, it is something
    /// else.
    pub(super) fn check_suspicion(&self, noted: &Path, now: Timestamp) -> Result<(), OpenError> {
        let Ok(damage) = fs::read_to_string(noted) else { return Ok(()) };
        fs::remove_file(noted).map_err(|error| self.failed(error))?;
        let hour_ago = snapshot::stamp(Timestamp(now.0.saturating_sub(3_600_000))).unwrap_or_default();
        let entries = fs::read_dir(self.dir).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_recent = names.any(|name| name.strip_prefix("damaged-").is_some_and(|stamp| *stamp > *hour_ago));
        if is_recent { Ok(()) } else { self.run(damage.trim(), now) }
    }

    /// Makes a new database of what can be read, and puts the damaged one aside.
    pub(super) fn run(&self, damage: &str, now: Timestamp) -> Result<(), OpenError> {
        tracing::error!(%damage, "the database is damaged; what can be read of it goes into a new one");
        for suffix in SIDES {
            let _ = fs::remove_file(side(&self.draft(), suffix));
        }
        let schema = |source| OpenError::Schema { path: self.draft(), source };
        let mut to = self.make().map_err(schema)?;
        let aside = self.aside(now);
        let aside = aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.fill(&mut to, damage, &aside, now).map_err(|error| schema(error.into()))?;
        to.close().map_err(|(_, error)| schema(error.into()))?;
        let done = File::open(self.draft()).and_then(|file| file.sync_all());
        done.and_then(|()| fs::rename(self.draft(), self.whole())).map_err(|error| self.failed(error))?;
        self.swap(now).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> OpenError {
        OpenError::Io { path: self.whole(), source }
    }

    fn make(&self) -> Result<Connection, SchemaError> {
        let draft = self.draft();
        let made = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        // SQLite says the same of it, and better.
        drop(made);
        let mut to = Connection::open_with_flags(&draft, open_flags())?;
        schema::open_writer(&mut to)?;
        // It is synced when it is whole.
        to.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")?;
        Ok(to)
    }

    fn fill(&self, to: &mut Connection, damage: &str, aside: &str, now: Timestamp) -> rusqlite::Result<()> {
        let mut found: Vec<Found> = TABLES.iter().map(|_| Found::default()).collect();
        let snapshot = self.backups.and_then(|dir| snapshot::list(dir).pop()).map(|(_, path)| path);
        if let Some(from) = self.readable(to, snapshot.as_deref())? {
            for ((table, numbered), found) in TABLES.iter().zip(&mut found) {
                copy(&from, to, table, *numbered, found)?;
            }
        }
        for suffix in SIDES {
            let _ = fs::remove_file(side(&self.dir.join("salvage.repaired"), suffix));
        }
        if let Some(from) = snapshot.as_deref().and_then(open_readable) {
            // Reports that have found their message since would be told of as orphans.
            let stays = |table: &str| table != "orphan_reports";
            for ((table, numbered), found) in TABLES.iter().zip(&mut found).filter(|(table, _)| stays(table.0)) {
                let mut more = Found::default();
                copy(&from, to, table, *numbered, &mut more)?;
                found.from_snapshot = more.read;
            }
        }
        to.execute_batch("BEGIN")?;
        let (dangling, seq) = mend(to, now)?;
        let said = say(&found, dangling, damage, aside, snapshot.as_deref());
        tracing::error!("{said}");
        tell(to, &said, seq, now)?;
        to.execute_batch("COMMIT")?;
        // A file of its own, without a WAL beside it.
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
    }

    /// The damaged file, opened so that its tables are known. `None`: not even that can be had.
    fn readable(&self, new: &Connection, snapshot: Option<&Path>) -> rusqlite::Result<Option<Connection>> {
        if let Some(from) = open_readable(self.path) {
            return Ok(Some(from));
        }
        // Tables never move in the file, so that of another copy the pages which say where they are fit this one too.
        new.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let repaired = self.dir.join("salvage.repaired");
        for model in snapshot.into_iter().chain([self.draft().as_path()]) {
            match repair(self.path, model, &repaired) {
                Ok(()) => {
                    if let Some(from) = open_readable(&repaired) {
                        tracing::warn!(model = %model.display(), "the list of tables was taken from another copy");
                        return Ok(Some(from));
                    }
                }
                Err(error) => tracing::warn!(%error, "the list of tables could not be taken from another copy"),
            }
        }
        Ok(None)
    }

    fn aside(&self, now: Timestamp) -> PathBuf {
        let stamp = snapshot::stamp(now).unwrap_or_else(|| now.0.to_string());
        self.dir.join(format!("damaged-{stamp}"))
    }

    /// The damaged files go aside, and the new one takes their place. Cut short, it is gone on with at the next start.
    fn swap(&self, now: Timestamp) -> io::Result<()> {
        let mut aside = self.aside(now);
        while aside.join("gsmgate.db").exists() {
            aside.as_mut_os_string().push("x");
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&aside)?;
        // The WAL first: it must never be taken for the new one's.
        for suffix in ["-wal", "-journal", ""] {
            let from = side(self.path, suffix);
            let name = format!("gsmgate.db{suffix}");
            if from.exists() {
                fs::rename(from, aside.join(name))?;
            }
        }
        let _ = fs::remove_file(side(self.path, "-shm"));
        File::open(self.dir)?.sync_all()?;
        fs::rename(self.whole(), self.path)?;
        File::open(self.dir)?.sync_all()
    }
}

/// What may lie beside a database, and itself.
const SIDES: [&str; 4] = ["", "-journal", "-wal", "-shm"];

fn side(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn is_without_tables(path: &Path) -> bool {
    let version = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| {
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        });
    version.is_ok_and(|tables| tables == 0)
}

/// Opens a file only to read it, and leaves its WAL alone. `None`: its tables are not known.
fn open_readable(path: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).ok()?;
    schema::common(&connection).ok()?;
    let is_known = |(table, _): &(&str, bool)| !columns(&connection, table, "").unwrap_or_default().is_empty();
    // An older schema has fewer tables.
    TABLES.iter().any(is_known).then_some(connection)
}

/// Copies a file, with the pages of the list of tables from another.
fn repair(damaged: &Path, model: &Path, repaired: &Path) -> io::Result<()> {
    for suffix in ["", "-wal"] {
        let from = side(damaged, suffix);
        if from.exists() {
            fs::copy(from, side(repaired, suffix))?;
        }
    }
    let (model, file) = (File::open(model)?, fs::OpenOptions::new().write(true).open(repaired)?);
    let mut first = [0; PAGE];
    model.read_exact_at(&mut first, 0)?;
    // An interior page of a table: right-most child at 8, number of cells at 3, pointers to them from 12 on, all behind the
    // file's header. <https://sqlite.org/fileformat2.html>
    let number =
        |at: usize| first.get(at..at + 2).map_or(0, |octets| usize::from(u16::from_be_bytes([octets[0], octets[1]])));
    let page = |at: usize| {
        first.get(at..at + 4).map_or(0, |octets| u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
    };
    if first[100] == 5 {
        let children = (0..number(103)).map(|n| page(number(112 + 2 * n))).chain([page(108)]);
        for child in children.filter(|child| *child > 1) {
            let (mut octets, at) = ([0; PAGE], u64::from(child - 1) * PAGE as u64);
            model.read_exact_at(&mut octets, at)?;
            file.write_all_at(&octets, at)?;
        }
    }
    let pages = u32::try_from(file.metadata()?.len() / PAGE as u64).unwrap_or(u32::MAX);
    // WAL, its size, and no free pages.
    first[18..20].fill(2);
    first[28..32].copy_from_slice(&pages.to_be_bytes());
    first[32..40].fill(0);
    file.write_all_at(&first, 0)
}

/// Columns of a table; `which`: a condition.
fn columns(connection: &Connection, table: &str, which: &str) -> rusqlite::Result<Vec<String>> {
    let sql = format!("SELECT name FROM pragma_table_info(?1) {which}");
    connection.prepare(&sql)?.query_map([table], |row| row.get(0))?.collect()
}

/// Copies what can be read of a table and is not there yet. Only errors of the new file are errors.
fn copy(
    from: &Connection,
    to: &mut Connection,
    table: &str,
    numbered: bool,
    found: &mut Found,
) -> rusqlite::Result<()> {
    let there = columns(to, table, "")?;
    let mut names = columns(from, table, "").unwrap_or_default();
    names.retain(|name| there.contains(name));
    if names.is_empty() {
        return Ok(());
    }
    let marks = vec!["?"; names.len()].join(", ");
    let names = names.join(", ");
    let mut sink = Sink { to, sql: format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"), n: 0, found };
    sink.to.execute_batch("BEGIN")?;
    if numbered {
        let pages: u64 = from.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or(1 << 20);
        numbered_rows(from, table, &names, i64::try_from(pages * ROWS_OF_PAGE).unwrap_or(i64::MAX), &mut sink)?;
    } else {
        let key = columns(to_ref(sink.to), table, "WHERE pk > 0 ORDER BY pk")?;
        // From both ends up to where it breaks.
        for order in ["", " DESC"] {
            let by: Vec<String> = key.iter().map(|column| format!("{column}{order}")).collect();
            let sql = format!("SELECT {names} FROM {table} ORDER BY {}", by.join(", "));
            if let Ok(mut statement) = from.prepare(&sql)
                && let Ok(mut rows) = statement.query([])
            {
                loop {
                    match rows.next() {
                        Ok(Some(row)) => sink.put(row, 0)?,
                        Ok(None) => break,
                        Err(_) => {
                            sink.found.lost += 1;
                            break;
                        }
                    }
                }
            }
        }
    }
    sink.to.execute_batch("COMMIT")
}

fn to_ref(connection: &mut Connection) -> &Connection {
    connection
}

/// Rows by their numbers: from both ends of a range up to where it breaks, then halves of what is between.
fn numbered_rows(from: &Connection, table: &str, names: &str, most: i64, sink: &mut Sink<'_>) -> rusqlite::Result<()> {
    let sql = |order| {
        format!("SELECT rowid, {names} FROM {table} NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid {order}")
    };
    let (Ok(mut up), Ok(mut down)) = (from.prepare(&sql("ASC")), from.prepare(&sql("DESC"))) else { return Ok(()) };
    let mut ranges = VecDeque::from([(1, i64::MAX)]);
    let mut probes = 0;
    while let Some((mut low, mut high)) = ranges.pop_front() {
        probes += 1;
        if probes > PROBES {
            sink.found.lost += u64::try_from(high - low).unwrap_or(0) + 1;
            continue;
        }
        match scan(&mut up, low, high, true, sink)? {
            End::Whole => continue,
            End::Broke(last) => low = last.map_or(low, |last| last + 1),
        }
        match scan(&mut down, low, high, false, sink)? {
            End::Whole => continue,
            End::Broke(last) => high = last.map_or(high, |last| last - 1),
        }
        // A file of this size has no more rows.
        high = high.min(low.saturating_add(most));
        if low < high {
            let middle = low + (high - low) / 2;
            ranges.extend([(low, middle), (middle + 1, high)]);
        } else if low == high {
            sink.found.lost += 1;
        }
    }
    Ok(())
}

enum End {
    Whole,
    /// After this row, where there was one.
    Broke(Option<i64>),
}

/// Rows of a range, in order, up to where it breaks.
fn scan(
    statement: &mut rusqlite::Statement<'_>,
    low: i64,
    high: i64,
    upwards: bool,
    sink: &mut Sink<'_>,
) -> rusqlite::Result<End> {
    let Ok(mut rows) = statement.query(params![low, high]) else { return Ok(End::Broke(None)) };
    let mut last = None;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(End::Whole),
            Err(_) => return Ok(End::Broke(last)),
        };
        let Ok(number) = row.get::<_, i64>(0) else { return Ok(End::Broke(last)) };
        // A page of another place in the tree.
        let follows = last.is_none_or(|before| if upwards { number > before } else { number < before });
        if !(low..=high).contains(&number) || !follows {
            return Ok(End::Broke(last));
        }
        last = Some(number);
        sink.put(row, 1)?;
    }
}

/// Where rows go.
struct Sink<'a> {
    to: &'a mut Connection,
    sql: String,
    n: usize,
    found: &'a mut Found,
}

impl Sink<'_> {
    /// Keeps a row, whose columns begin there. One that the schema does not allow is lost.
    fn put(&mut self, row: &Row<'_>, begin: usize) -> rusqlite::Result<()> {
        let n_columns = row.as_ref().column_count();
        let values: Option<Vec<Value>> = (begin..n_columns).map(|n| row.get(n).ok()).collect();
        let Some(values) = values else {
            self.found.lost += 1;
            return Ok(());
        };
        match self.to.prepare_cached(&self.sql)?.execute(params_from_iter(values)) {
            Ok(n) => self.found.read += n as u64,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => self.found.lost += 1,
            Err(error) => return Err(error),
        }
        self.n += 1;
        if self.n.is_multiple_of(ROWS) {
            self.to.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }
}

/// What refers to lost rows says nothing any more. How many such rows there were, and the next free `seq`.
fn mend(to: &Connection, now: Timestamp) -> rusqlite::Result<(usize, i64)> {
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
         UPDATE attempts SET live = NULL WHERE state NOT IN (0, 1);
         UPDATE inbound_pdus SET inbound = NULL, seq = NULL, reason = coalesce(reason, 'its message was lost')
            WHERE inbound NOT IN (SELECT inbound FROM inbound);",
    )?;
    let mut n = 0;
    for (table, octets, others) in NUMBERS {
        let octets = octets.split(' ').map(|column| format!("{column} NOT BETWEEN 0 AND 255"));
        let bad: Vec<String> = octets.chain((!others.is_empty()).then(|| (*others).to_owned())).collect();
        n += to.execute(&format!("DELETE FROM {table} WHERE {}", bad.join(" OR ")), [])?;
    }
    for sql in [
        "DELETE FROM bodies WHERE message NOT IN (SELECT message FROM messages)",
        "DELETE FROM attempts WHERE message NOT IN (SELECT message FROM messages)",
    ] {
        n += to.execute(sql, [])?;
    }
    // What came in and is not told of: its event was lost. What the bridges had at that time is not told again.
    let told = "SELECT coalesce((SELECT max(at) FROM events WHERE seq <= (SELECT min(seq) FROM cursors)), -1)";
    let told: i64 = to.query_row(told, [], |row| row.get(0))?;
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
    let again = to.execute(
        "INSERT INTO events (seq, at, kind, ref, state)
         SELECT ?1 + row_number() OVER (ORDER BY received_at), received_at, 1, inbound, revision FROM inbound
            WHERE have = total AND received_at > ?2 AND inbound NOT IN (SELECT ref FROM events WHERE kind = 1)",
        params![last + LOST_EVENTS, told],
    )?;
    // No number comes again: parts tell of tries that may be lost.
    let tries = to.query_row("SELECT coalesce(max(attempt), 0) FROM attempts", [], |row| row.get::<_, i64>(0))?;
    let highest = highest_try(to)?.max(tries);
    to.execute(
        "INSERT INTO attempts (attempt, message, seq, sim, port, epoch, sha256, routing, claimed_at, state)
         VALUES (?1, 0, 0, 0, '', 0, x'', 'numbers that were lost', ?2, 5)",
        [highest.saturating_add(LOST_TRIES), now.0],
    )?;
    Ok((n, last + LOST_EVENTS + i64::try_from(again).unwrap_or(0) + 1))
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
        let parts = super::outbox::message::unpack(row.get_ref(0)?.as_blob()?);
        // A number that no gateway ever comes to is damage.
        let tries = parts.iter().map(|part| part.attempt).filter(|attempt| *attempt < 1 << 48);
        highest = tries.max().unwrap_or(0).max(highest);
    }
    Ok(highest)
}

/// What is said to people.
fn say(found: &[Found], dangling: usize, damage: &str, aside: &str, snapshot: Option<&Path>) -> String {
    let sum = |of: fn(&Found) -> u64| found.iter().map(of).sum::<u64>();
    let mut said = format!("the database was damaged ({damage}); {} rows of it were read", sum(|found| found.read));
    if let Some(snapshot) = snapshot {
        let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
        let _ = write!(said, ", {} came from {name}", sum(|found| found.from_snapshot));
    }
    let _ = write!(said, "; up to {} are lost", sum(|found| found.lost) + dangling as u64);
    for ((table, _), found) in TABLES.iter().zip(found) {
        tracing::warn!(table, read = found.read, lost = found.lost, from_snapshot = found.from_snapshot, "salvaged");
        if found.lost > 0 {
            let _ = write!(said, ", {table} {}", found.lost);
        }
    }
    let _ = write!(said, "; what had not ended is uncertain now; the damaged file is in {aside}: check the disk");
    said
}

/// The alarm, and the mark that nothing may be taken for READY.
fn tell(to: &Connection, said: &str, seq: i64, now: Timestamp) -> rusqlite::Result<()> {
    to.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, 1)", [DOUBT])?;
    to.execute(
        "INSERT INTO notices (modem, kind, subject, detail) VALUES ('box', 1, 'database_salvaged', ?1)",
        [said],
    )?;
    to.execute(
        "INSERT INTO events (seq, at, kind, ref) VALUES (?1, ?2, 5, ?3)",
        params![seq, now.0, to.last_insert_rowid()],
    )?;
    Ok(())
}

/// The key in `meta` while parts that were READY are still to be doubted.
pub(super) const DOUBT: &str = "doubt";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_is_salvaged() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::open_writer(&mut connection).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let there: BTreeSet<String> =
            connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(there, TABLES.iter().map(|(table, _)| (*table).to_owned()).collect());
    }
}
