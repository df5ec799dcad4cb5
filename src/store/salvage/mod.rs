//! A damaged database: what can be read of it goes into a new one, row by row, and somebody is told (RELIABILITY F-43).
//!
//! The new one is built under another name and takes the place of the old one when it is whole. What the old one was stays in
//! a folder of its own.

mod mend;
mod retell;
mod rows;

use super::schema::{self, SchemaError};
use super::{OpenError, open_flags};
use super::{mark, snapshot};
use crate::model::Timestamp;
use mend::Mended;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
/// Octets of a page, as of `schema`.
const PAGE: usize = 1024;

/// What a start finds no damage of is salvaged once in this time.
pub(super) const ONCE_IN: Duration = Duration::from_secs(3600);

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
            // Beside one without a page SQLite deletes the WAL, with everything in it.
            Some(len) if len < PAGE as u64 => return self.run("it is an empty file, or nearly", now),
            Some(_) if !has_wal && is_without_tables(self.path) => return self.run("it has no tables", now),
            Some(_) => {}
        }
        Ok(())
    }

    /// What was committed last is gone with its WAL. Parts that were sent would be READY again, and numbers would come again.
    pub(super) fn check_wal(&self, boot_id: &str, now: Timestamp) -> Result<(), OpenError> {
        if !self.path.exists() {
            return mark::remove(self.path).map_err(|error| self.failed(error));
        }
        if mark::is_wal_lost(self.path, boot_id) {
            self.run("its WAL is gone, with what was committed last", now)?;
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
        if !self.is_lately_done(now) {
            self.run(damage.trim(), now)?;
        }
        fs::remove_file(noted).map_err(|error| self.failed(error))
    }

    /// There was a salvage in the last hour.
    pub(super) fn is_lately_done(&self, now: Timestamp) -> bool {
        let stamp = |at: i64| snapshot::stamp(Timestamp(at)).unwrap_or_default();
        let (hour_ago, now_stamp) = (stamp(now.0.saturating_sub(super::retention::millis(ONCE_IN))), stamp(now.0));
        let entries = fs::read_dir(self.dir).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        // One with a stamp of the future was made by a wrong clock.
        let is_lately = |stamp: &str| *stamp > *hour_ago && *stamp <= *now_stamp;
        names.any(|name| name.strip_prefix("damaged-").is_some_and(is_lately))
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
        schema::open_writer(&mut to, None)?;
        // It is synced when it is whole.
        to.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")?;
        Ok(to)
    }

    fn fill(&self, to: &mut Connection, damage: &str, aside: &str, now: Timestamp) -> rusqlite::Result<()> {
        let mut found: Vec<Found> = TABLES.iter().map(|_| Found::default()).collect();
        let snapshot = self.backups.and_then(|dir| snapshot::list(dir).pop()).map(|(_, path)| path);
        if let Some(from) = self.readable(to, snapshot.as_deref())? {
            for ((table, numbered), found) in TABLES.iter().zip(&mut found) {
                rows::copy(&from, to, table, *numbered, found)?;
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
                rows::copy(&from, to, table, *numbered, &mut more)?;
                found.from_snapshot = more.read;
            }
        }
        to.execute_batch("BEGIN")?;
        let mended = mend::mend(to, now)?;
        let said = say(&found, &mended, damage, aside, snapshot.as_deref());
        tracing::error!("{said}");
        tell(to, &said, mended.seq, now)?;
        to.execute_batch("COMMIT")?;
        // A file of its own, without a WAL beside it.
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
    }

    /// The damaged file, opened so that its tables are known. `None`: not even that can be had.
    fn readable(&self, new: &Connection, snapshot: Option<&Path>) -> rusqlite::Result<Option<Connection>> {
        let has_pages = fs::metadata(self.path).is_ok_and(|file| file.len() >= PAGE as u64);
        if has_pages && let Some(from) = open_readable(self.path) {
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
        // The new one has no WAL yet.
        mark::remove(self.path)?;
        File::open(self.dir)?.sync_all()?;
        fs::rename(self.whole(), self.path)?;
        File::open(self.dir)?.sync_all()?;
        self.remove_old();
        Ok(())
    }

    /// A disk that damages again and again is not to be filled with what it damaged.
    fn remove_old(&self) {
        let entries = fs::read_dir(self.dir).into_iter().flatten().flatten();
        let is_damaged = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("damaged-"))
        };
        let mut damaged: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_damaged).collect();
        damaged.sort_unstable();
        for old in damaged.iter().rev().skip(KEPT_ASIDE) {
            if let Err(error) = fs::remove_dir_all(old) {
                tracing::warn!(%error, folder = %old.display(), "an old damaged database could not be removed");
            }
        }
    }
}

/// Damaged databases that are kept, the newest.
const KEPT_ASIDE: usize = 3;

/// What may lie beside a database, and itself.
const SIDES: [&str; 4] = ["", "-journal", "-wal", "-shm"];

pub(super) fn side(path: &Path, suffix: &str) -> PathBuf {
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
    let is_known = |(table, _): &(&str, bool)| !rows::columns(&connection, table, "").unwrap_or_default().is_empty();
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

/// What is said to people.
fn say(found: &[Found], mended: &Mended, damage: &str, aside: &str, snapshot: Option<&Path>) -> String {
    let sum = |of: fn(&Found) -> u64| found.iter().map(of).sum::<u64>();
    let damage = damage.replace('\n', ", ");
    let mut said = format!("the database was damaged ({damage}); {} rows of it were read", sum(|found| found.read));
    if let Some(snapshot) = snapshot {
        let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
        let _ = write!(said, ", {} came from {name}", sum(|found| found.from_snapshot));
    }
    let _ = write!(said, "; up to {} are lost", sum(|found| found.lost) + mended.dangling as u64);
    for ((table, _), found) in TABLES.iter().zip(found) {
        tracing::warn!(table, read = found.read, lost = found.lost, from_snapshot = found.from_snapshot, "salvaged");
        if found.lost > 0 {
            let _ = write!(said, ", {table} {}", found.lost);
        }
    }
    let _ = write!(said, "; {} events are told anew", mended.again);
    let _ = write!(said, "; what had not ended is uncertain now; the damaged file is in {aside}: check the disk");
    said
}

/// The alarm, and the mark that nothing may be taken for READY.
fn tell(to: &Connection, said: &str, seq: i64, now: Timestamp) -> rusqlite::Result<()> {
    to.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, 0)", [DOUBT])?;
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

/// The key in `meta` while parts that were READY are still to be doubted: the message up to which they are.
pub(super) const DOUBT: &str = "doubt";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_is_salvaged() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::open_writer(&mut connection, None).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let there: BTreeSet<String> =
            connection.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(there, TABLES.iter().map(|(table, _)| (*table).to_owned()).collect());
    }
}
