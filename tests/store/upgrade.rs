//! Databases of older versions with a live queue, as `gsmgate` of that version left them when it was killed: F-70.
//!
//! A dump is made with `.dump` of the sqlite3 shell, with the pragmas in front of it. A version that changes the schema adds one
//! of the version before.

use super::rig::{Rig, acked};
use gsmgate::model::{PublicState, Timestamp};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// After the last instant in the dumps.
const LATER: Timestamp = Timestamp(1_796_060_000_000);

fn dumps() -> Vec<(i64, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/upgrades");
    let version = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("schema-")?.parse().ok();
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter_map(|path| Some((version(&path)?, path))).collect()
}

fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_queue_of_an_older_version_goes_on() {
    let dumps = dumps();
    assert!(!dumps.is_empty());
    for (version, dump) in dumps {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("gsmgate.db");
        let older = Connection::open(&database).unwrap();
        older.execute_batch(&fs::read_to_string(&dump).unwrap()).unwrap();
        older.close().unwrap();

        let mut rig = Rig::open_at(dir.path(), LATER);
        for (id, state) in [
            ("ended", PublicState::Delivered),
            ("two-parts", PublicState::Delivered),
            ("on-the-air", PublicState::Uncertain),
            ("waits", PublicState::Queued),
            ("planned", PublicState::Queued),
        ] {
            assert_eq!(rig.state(id).await, state, "{version}: {id}");
        }
        let due = rig.store.due(LATER, 9).await.unwrap();
        let due: Vec<_> = due.work.iter().map(|work| (work.id.as_str(), work.key)).collect();
        assert!(matches!(due[..], [("waits", _)]), "{version}: {due:?}");
        let attempt = rig.send(due[0].1, 1).await;
        rig.end(attempt, acked(1)).await;
        assert_eq!(rig.state("waits").await, PublicState::Sent, "{version}");
        rig.close();

        let kept = dir.path().join(format!("backups/before-update-{version}.db"));
        assert_eq!(number(&kept, "PRAGMA user_version"), version);
        assert_eq!(number(&kept, "SELECT count(*) FROM messages"), number(&database, "SELECT count(*) FROM messages"));
        let backups = fs::read_dir(dir.path().join("backups")).unwrap().count();
        Rig::open_at(dir.path(), LATER).close();
        assert_eq!(fs::read_dir(dir.path().join("backups")).unwrap().count(), backups, "one for each update");
    }
}
