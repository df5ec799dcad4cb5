//! Looks through a large file for damage while the gateway runs already.

use super::mailbox::{Job, Mailbox};
use super::schema;
use rusqlite::{Connection, ffi};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Starts the thread. What it finds ends the store like a damage that a statement meets: the next start salvages.
pub(super) fn in_background(path: PathBuf, mailbox: Arc<Mailbox>) -> std::io::Result<()> {
    let look = move || match damage(&path) {
        Ok(None) => tracing::info!("the database has been looked through: it is sound"),
        Ok(Some(found)) => tell(found, &mailbox),
        // A disk that cannot be read now is met by the writer too.
        Err(error) => tracing::warn!(%error, "the database could not be looked through"),
    };
    std::thread::Builder::new().name("store-check".into()).spawn(look).map(drop)
}

fn damage(path: &Path) -> rusqlite::Result<Option<String>> {
    let connection = Connection::open_with_flags(path, super::reading_flags())?;
    schema::common(&connection)?;
    match schema::damage(&connection) {
        Err(error) if schema::is_damage(&error) => Ok(Some(error.to_string())),
        found => found,
    }
}

fn tell(found: String, mailbox: &Mailbox) {
    let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
    let error = rusqlite::Error::SqliteFailure(corrupt, Some(found));
    let job = Job { writes: false, work: Box::new(move |_| Err(error)) };
    if let Err(error) = mailbox.push(job) {
        tracing::error!(%error, "the database is damaged, and the writer could not be told");
    }
}
