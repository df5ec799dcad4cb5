//! A damage that only those meet who read: the process ends of it, and the next start mends it.

use super::events::is_value;
use super::schema::is_damage;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::watch;

/// What a reader does with a damage. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    /// Where it is noted for the next start.
    pub(super) suspicion: PathBuf,
    pub(super) failed: watch::Sender<Option<String>>,
    /// A start would not salvage again before this: until then it is of no use to end.
    pub(super) not_before: Option<Instant>,
}

impl Failing {
    /// An error of a read. A value that was never written stands in the way of our own reads only; somebody outside could ask
    /// for it again and again.
    pub(super) fn of_read(&self, error: &rusqlite::Error, is_ours: bool) {
        if is_damage(error) || is_ours && is_value(error) {
            self.end(&error.to_string());
        }
    }

    /// The database is damaged.
    pub(super) fn end(&self, damage: &str) {
        if self.not_before.is_some_and(|at| at > Instant::now()) {
            return tracing::error!(
                damage,
                "the database was salvaged less than an hour ago; it is not yet done again"
            );
        }
        // The next start may find nothing.
        let _ = std::fs::write(&self.suspicion, damage);
        let told = format!("a part of it that is only read: {damage}");
        let is_first = self.failed.send_if_modified(|failed| failed.is_none() && failed.replace(told).is_none());
        if is_first {
            tracing::error!(damage, "the database is damaged; the next start mends it");
        }
    }
}
