//! A mark beside the database: its WAL has what nothing else has. Where the WAL is gone all the same, that is a damage which
//! SQLite does not see (RELIABILITY F-43).
//!
//! The mark says what was committed last. Another program that comes last closes the database in order: it copies the WAL
//! back and removes it, and then the database has all that the mark says. That word is not synced, since it would cost each
//! commit a sync; so it counts only for as long as the machine runs. After another boot a missing WAL is a lost one.

use super::salvage::side;
use super::writer::Writer;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fmt::Write;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What every WAL begins with, but for its last bit. <https://sqlite.org/fileformat2.html#the_write_ahead_log>
const MAGIC: [u8; 4] = [0x37, 0x7F, 0x06, 0x82];
/// Octets of a WAL's header.
const HEADER: u64 = 32;

/// The highest numbers of what must not be lost: each commit that matters makes one higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    event: i64,
    attempt: i64,
    pdu: i64,
}

impl Extent {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Extent> {
        connection
            .prepare_cached(
                "SELECT coalesce((SELECT max(seq) FROM events), 0), coalesce((SELECT max(attempt) FROM attempts), 0),
                    coalesce((SELECT max(pdu) FROM inbound_pdus), 0)",
            )?
            .query_row([], |row| Ok(Extent { event: row.get(0)?, attempt: row.get(1)?, pdu: row.get(2)? }))
    }

    fn covers(self, other: Extent) -> bool {
        self.event >= other.event && self.attempt >= other.attempt && self.pdu >= other.pdu
    }

    fn line(self, boot_id: &str) -> String {
        let mut line = String::new();
        // One length for all, so that it is always written over.
        let _ = writeln!(line, "{boot_id:32} {:020} {:020} {:020}", self.event, self.attempt, self.pdu);
        line
    }

    fn read(line: &str, boot_id: &str) -> Option<Extent> {
        let numbers = line.strip_prefix(boot_id).filter(|_| !boot_id.is_empty())?;
        let mut numbers = numbers.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Extent { event: next()?, attempt: next()?, pdu: next()? })
    }
}

/// The mark of a store in use.
#[derive(Debug)]
pub(super) struct Mark {
    database: PathBuf,
    boot_id: String,
    /// `None`: it could not be made.
    file: Option<File>,
}

impl Mark {
    /// Makes it, durable. Without one the store works on; only a lost WAL would not be noticed.
    pub(super) fn make(database: &Path, boot_id: String, extent: Extent) -> Mark {
        let (database, path) = (database.to_owned(), path(database));
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let made = made.and_then(|file| {
            file.write_all_at(extent.line(&boot_id).as_bytes(), 0)?;
            file.sync_all()?;
            sync_dir(&path)?;
            Ok(file)
        });
        let told = |error: io::Error| tracing::warn!(%error, mark = %path.display(), "should the WAL be lost, nobody will see it");
        let file = made.map_err(told).ok();
        Mark { database, boot_id, file }
    }

    /// After a commit: what the WAL has.
    fn note(&self, extent: Extent) {
        if let Some(file) = &self.file {
            // A mark that is behind is only weaker.
            let _ = file.write_all_at(extent.line(&self.boot_id).as_bytes(), 0);
        }
    }
}

impl Writer {
    /// Commits the transaction, and notes up to where that went.
    pub(super) fn commit_and_mark(&self) -> rusqlite::Result<()> {
        let extent = Extent::of(&self.connection)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        if let Some(mark) = &self.mark {
            mark.note(extent);
        }
        Ok(())
    }

    /// The last checkpoint. Where the database has everything then, the WAL may go with the connection.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        let of = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?));
        let (frames, copied) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], of)?;
        let Some(mark) = self.mark.take().filter(|_| frames == copied) else { return Ok(()) };
        match remove(&mark.database) {
            Ok(()) => self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop),
            // The WAL stays with it.
            Err(error) => {
                tracing::warn!(%error, "the mark of the WAL could not be removed");
                Ok(())
            }
        }
    }
}

/// There should be a WAL, and there is none, or none that SQLite wrote; and the database does not have what was in it.
pub(super) fn is_wal_lost(database: &Path, boot_id: &str) -> bool {
    let Ok(line) = fs::read_to_string(path(database)) else { return false };
    if is_wal(&side(database, "-wal")) {
        return false;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = Connection::open_with_flags(database, flags).and_then(|connection| Extent::of(&connection));
    match (found, Extent::read(&line, boot_id)) {
        (Ok(found), Some(marked)) => !found.covers(marked),
        _ => true,
    }
}

fn is_wal(path: &Path) -> bool {
    let mut octets = [0; MAGIC.len()];
    let read = File::open(path).and_then(|file| {
        file.read_exact_at(&mut octets, 0)?;
        file.metadata()
    });
    octets[3] &= !1;
    read.is_ok_and(|file| file.len() > HEADER) && octets == MAGIC
}

/// Removes the mark of a database, where there is one; durable.
pub(super) fn remove(database: &Path) -> io::Result<()> {
    let path = path(database);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_dir(&path)),
    }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn path(database: &Path) -> PathBuf {
    side(database, "-open")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_only_in_its_boot() {
        let extent = Extent { event: i64::MAX, attempt: 0, pdu: 7 };
        let line = extent.line("abc");
        assert_eq!(line.len(), Extent { event: 1, ..extent }.line("abcdef").len());
        assert_eq!(Extent::read(&line, "abc"), Some(extent));
        for (line, boot_id) in [(line.as_str(), "abd"), (line.as_str(), ""), (&line[..60], "abc"), ("", "abc")] {
            assert_eq!(Extent::read(line, boot_id), None, "{line} of {boot_id}");
        }
    }
}
