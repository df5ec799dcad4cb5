//! The tables, how a database file is opened, and how an older one is brought up to date.

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, Migrations};
use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Marks a file as ours: "GSMG".
const APPLICATION_ID: i32 = 0x4753_4D47;
/// The first SQLite without the WAL-reset corruption: RELIABILITY A-8.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Octets of a page. A step changes a few octets in each of some five pages, and writes them whole: small pages write a
/// quarter of what pages of 4096 do (benches/store.rs: 22 instead of 80 KiB for a lone message), in less time.
const PAGE_SIZE: u32 = 1024;
/// The WAL is copied back when it has so many pages: 4 MiB.
const CHECKPOINT_PAGES: u32 = 4096;

/// Octets of a file that is looked through before it is used. Of a larger one that takes seconds, so it is done meanwhile
/// (check.rs). RELIABILITY §2.3.
const CHECKED_FIRST: i64 = 32 << 20;

/// One entry a version; never edited once released.
const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("migrations/001_first.sql")),
    M::up(include_str!("migrations/002_pins.sql")),
    M::up(include_str!("migrations/003_notices.sql")),
    M::up(include_str!("migrations/004_clock.sql")),
];

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The library is one that can corrupt a database.
    #[error("SQLite {0} can corrupt its WAL; at least 3.51.3 is needed")]
    OldSqlite(&'static str),
    /// The file belongs to another program.
    #[error("this is a database of another program (application_id {0:#x}); name another state_dir")]
    Foreign(i32),
    /// It was written by a newer gsmgate.
    #[error("this database was written by a newer gsmgate (schema {found}, this one knows {known}); run the newer one")]
    Newer {
        /// `user_version` of the file.
        found: i32,
        /// The highest version that this program knows.
        known: usize,
    },
    /// The file does not pass `PRAGMA quick_check`, or is empty where a database has been.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// SQLite's own answer.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A migration failed; the file is as it was.
    #[error("the schema could not be brought up to date: {0}")]
    Migration(#[from] rusqlite_migration::Error),
}

impl SchemaError {
    /// The file itself is damaged; reading it again will not help.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            SchemaError::Damaged(_) => true,
            SchemaError::Sqlite(error) => is_damage(error) || super::events::is_value(error),
            SchemaError::Migration(rusqlite_migration::Error::RusqliteError { err, .. }) => is_damage(err),
            _ => false,
        }
    }
}

/// SQLite found a damage.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Settings of every connection.
pub(super) fn common(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 1000;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Sets up the one connection that writes, and brings the schema up to date. What was before that goes to `backups`.
pub(super) fn open_writer(connection: &mut Connection, backups: Option<&Path>) -> Result<(), SchemaError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(SchemaError::OldSqlite(rusqlite::version()));
    }
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if id != 0 && id != APPLICATION_ID || id == 0 && version != 0 {
        return Err(SchemaError::Foreign(id));
    }
    if usize::try_from(version).unwrap_or(usize::MAX) > MIGRATIONS.len() {
        return Err(SchemaError::Newer { found: version, known: MIGRATIONS.len() });
    }
    // Both take effect only before the first table.
    connection.execute_batch(&format!("PRAGMA page_size = {PAGE_SIZE}; PRAGMA auto_vacuum = INCREMENTAL;"))?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // FULL: a commit that was acknowledged survives a power cut.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
         PRAGMA journal_size_limit = 16777216;"
    ))?;
    // Before the first table: a start that ends in between leaves an empty file of ours, not a foreign one.
    if id == 0 {
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    common(connection)?;
    if version > 0
        && !is_large(connection)?
        && let Some(found) = damage(connection)?
    {
        return Err(SchemaError::Damaged(found));
    }
    if let Some(backups) = backups
        && version > 0
        && usize::try_from(version).is_ok_and(|version| version < MIGRATIONS.len())
    {
        let path = backups.join(format!("before-update-{version}.db"));
        match keep(connection, &path) {
            Ok(()) => tracing::info!(path = %path.display(), "the database as it was before the update is kept"),
            // The update is one transaction: it can do without.
            Err(error) => tracing::warn!(%error, path = %path.display(), "the database before the update is not kept"),
        }
    }
    Migrations::from_slice(MIGRATIONS).to_latest(connection)?;
    Ok(())
}

/// To be looked through while it is used.
pub(super) fn is_large(connection: &Connection) -> rusqlite::Result<bool> {
    let of = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    Ok(of("PRAGMA page_count")?.saturating_mul(of("PRAGMA page_size")?) > CHECKED_FIRST)
}

/// Looks through the whole file: the first damage, in SQLite's words.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// Copies the database, for who wants the older version back. A copy of an earlier update from there is replaced.
fn keep(connection: &Connection, path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap_or(path))?;
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let done = connection.execute("VACUUM INTO ?1", [path.to_string_lossy()]).map_err(std::io::Error::other);
    if done.is_err() {
        // A half one is of no use.
        let _ = std::fs::remove_file(path);
    }
    done?;
    file.sync_all()
}

/// Sets up a connection that only reads.
pub(super) fn open_reader(connection: &Connection) -> Result<(), SchemaError> {
    common(connection)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn a_new_file_is_ours_and_has_its_settings() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = Connection::open(dir.path().join("db")).unwrap();
        open_writer(&mut connection, None).unwrap();
        let of = |pragma| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0)).unwrap();
        let found = ["application_id", "page_size", "auto_vacuum"].map(of);
        assert_eq!(found, [APPLICATION_ID.into(), PAGE_SIZE.into(), 2]);
    }

    #[test]
    fn a_foreign_or_newer_file_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("PRAGMA application_id = 7; PRAGMA user_version = 1;").unwrap();
        assert!(matches!(open_writer(&mut connection, None), Err(SchemaError::Foreign(7))));
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(open_writer(&mut connection, None), Err(SchemaError::Newer { found: 99, .. })));
    }
}
