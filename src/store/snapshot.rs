//! Copies of the database for a bad day: taken while it is in use, whole or not at all.

use super::failing::Failing;
use super::mailbox::Mailbox;
use super::room::Disk;
use super::schema;
use super::trust::EARLIEST;
use crate::model::{StoreState, Timestamp};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A snapshot is due when the newest one is so old. RELIABILITY §2.3.6.
const EVERY: Duration = Duration::from_secs(6 * 3600);
/// Snapshots that are kept.
const KEPT: usize = 2;
/// Pages that are copied at a time, and the pause after them, which the writer has the disk for itself.
const PAGES: i32 = 256;
const PAUSE: Duration = Duration::from_millis(5);
/// Steps after which what was copied is synced: a large sync at the end would hold the writer's own up.
const SYNC_STEPS: usize = 16;
/// The WAL cannot be emptied meanwhile: a copy that takes longer, or lets it grow above this, is given up. F-46.
const DEADLINE: Duration = Duration::from_secs(600);
const WAL: u64 = 64 << 20;
/// The form of the time in a file's name; the names sort by it.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file of it.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite's own answer.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// The copy does not pass `PRAGMA quick_check`; the snapshots before it were kept.
    #[error("the copy is damaged, and so may be the database: {0}; the snapshots before it are kept")]
    Damaged(String),
    /// The disk is too slow for what is written.
    #[error("it took longer than {} s or let the WAL grow above {WAL} octets; given up", DEADLINE.as_secs())]
    TooSlow,
    /// The store was closed meanwhile.
    #[error("the store was closed")]
    Closed,
}

impl SnapshotError {
    fn is_of_damage(&self) -> bool {
        match self {
            SnapshotError::Damaged(_) => true,
            SnapshotError::Sqlite(error) => schema::is_damage(error),
            _ => false,
        }
    }
}

/// Where snapshots are.
#[derive(Debug, Clone)]
pub(super) struct Snapshots {
    pub(super) database: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) failing: Failing,
}

impl Snapshots {
    /// Takes one where it is due and there is room. Blocks: for a thread of its own.
    pub(super) fn take(
        &self,
        now: Timestamp,
        state: StoreState,
        mailbox: &Mailbox,
    ) -> Result<Option<PathBuf>, SnapshotError> {
        let Some(stamp) = stamp(now) else { return Ok(None) };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(io_at(&self.dir))?;
        let there = list(&self.dir);
        if there.iter().any(|(taken, _)| *taken <= now && taken.after(EVERY) > now) {
            return Ok(None);
        }
        if now < EARLIEST && there.iter().any(|(taken, _)| *taken >= EARLIEST) {
            // The clock is not set yet: it would count for the oldest of all, and take the place of a better one.
            return Ok(None);
        }
        let octets = fs::metadata(&self.database).map_err(io_at(&self.database))?.len();
        if state != StoreState::Ok || Disk::of(&self.dir).state_with(octets) != StoreState::Ok {
            tracing::warn!("no snapshot of the database: the disk has too little room for it");
            return Ok(None);
        }
        let draft = self.dir.join(".snapshot.part");
        // Of one that was not finished.
        for side in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(self.dir.join(format!(".snapshot.part{side}")));
        }
        let path = self.dir.join(format!("gsmgate-{stamp}.db"));
        let done = self.copy(&draft, mailbox).and_then(|()| {
            fs::rename(&draft, &path).map_err(io_at(&path))?;
            File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(io_at(&self.dir))
        });
        if let Err(error) = &done {
            if error.is_of_damage()
                && let Some(damage) = self.damage()
            {
                self.failing.end(&damage);
            }
            // What is left of it is of no use, and the next one begins anew.
            let _ = fs::remove_file(&draft);
        }
        done?;
        self.trim(now)?;
        Ok(Some(path))
    }

    /// What is wrong with the database itself: it may be the disk of the copy that damages.
    fn damage(&self) -> Option<String> {
        let found = Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|from| {
            schema::common(&from)?;
            from.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        });
        match found {
            Ok(found) => (found != "ok").then_some(found),
            Err(error) => schema::is_damage(&error).then(|| error.to_string()),
        }
    }

    fn copy(&self, draft: &Path, mailbox: &Mailbox) -> Result<(), SnapshotError> {
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft);
        let file = made.map_err(io_at(draft))?;
        let from = Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::common(&from)?;
        let mut to = Connection::open_with_flags(draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // We sync the file ourselves, and a half one is thrown away.
        to.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        // One state of the database for all steps: otherwise each commit makes the copy begin anew.
        from.execute_batch("BEGIN")?;
        from.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
        self.steps(&from, &mut to, &file, draft, mailbox)?;
        drop(from);
        // A file of its own, without a WAL beside it.
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        let found: String = to.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found != "ok" {
            return Err(SnapshotError::Damaged(found));
        }
        to.close().map_err(|(_, error)| error)?;
        file.sync_all().map_err(io_at(draft))
    }

    fn steps(
        &self,
        from: &Connection,
        to: &mut Connection,
        file: &File,
        draft: &Path,
        mailbox: &Mailbox,
    ) -> Result<(), SnapshotError> {
        let begun = Instant::now();
        let mut wal = self.database.clone().into_os_string();
        wal.push("-wal");
        let backup = Backup::new(from, to)?;
        for n in 1_usize.. {
            if mailbox.is_closed() {
                return Err(SnapshotError::Closed);
            }
            if begun.elapsed() > DEADLINE || fs::metadata(&wal).is_ok_and(|wal| wal.len() > WAL) {
                return Err(SnapshotError::TooSlow);
            }
            if backup.step(PAGES)? == StepResult::Done {
                break;
            }
            if n.is_multiple_of(SYNC_STEPS) {
                file.sync_data().map_err(io_at(draft))?;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Removes the oldest. One from the future, by a clock that was wrong, is older than all.
    fn trim(&self, now: Timestamp) -> Result<(), SnapshotError> {
        let mut there = list(&self.dir);
        there.sort_by_key(|(taken, _)| if *taken > now { Timestamp(i64::MIN) } else { *taken });
        let n = there.len().saturating_sub(KEPT);
        there.iter().take(n).try_for_each(|(_, path)| fs::remove_file(path).map_err(io_at(path)))
    }
}

/// The snapshots in a folder, with the time of each; the oldest first. None where it cannot be read.
pub(super) fn list(dir: &Path) -> Vec<(Timestamp, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stamp = name.strip_prefix("gsmgate-")?.strip_suffix(".db")?;
            let taken = jiff::civil::DateTime::strptime(STAMP, stamp).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
            Some((Timestamp(taken.timestamp().as_millisecond()), entry.path()))
        })
        .collect();
    found.sort_unstable();
    found
}

/// The instant in a file's name.
pub(super) fn stamp(now: Timestamp) -> Option<String> {
    Some(jiff::Timestamp::from_millisecond(now.0).ok()?.strftime(STAMP).to_string())
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> SnapshotError + '_ {
    |source| SnapshotError::Io { path: path.to_owned(), source }
}
