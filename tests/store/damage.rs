//! F-43: a damage that only those meet who read ends the process, so that the next start mends it.

use super::rig::{NOW, Rig, later};
use gsmgate::model::Timestamp;
use gsmgate::store::{SnapshotError, StoreError};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PAGE: u64 = 1024;

/// A store in use whose table is damaged on the disk; whoever has read it has it still in memory.
async fn open(dir: &Path, table: &str, now: Timestamp) -> Rig {
    let rig = Rig::open_at(dir, now);
    let database = dir.join("gsmgate.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u64 = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.write_all_at(&[0; PAGE as usize], (page - 1) * PAGE).unwrap();
    rig
}

async fn fill(dir: &Path) {
    let rig = Rig::open(dir);
    for n in 0..50 {
        rig.accept(&format!("m{n}"), 1).await;
    }
    rig.close();
}

fn is_aside(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy().starts_with("damaged-")).count()
}

fn failure(rig: &Rig) -> Option<String> {
    rig.store.failed().borrow().clone()
}

#[tokio::test]
async fn a_damage_that_a_bridge_meets_ends_the_process_once_in_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    for (n, seconds, ends) in [(1, 0, true), (2, 1800, false), (3, 5500, true)] {
        let rig = open(dir.path(), "events", later(seconds)).await;
        assert_eq!(
            (rig.store.events(0, 9).await.unwrap_err(), failure(&rig).is_some()),
            (StoreError::Unreadable, ends)
        );
        // What is in the air ends as always.
        rig.accept(&format!("late-{seconds}"), 1).await;
        rig.close();
        assert_eq!(dir.path().join("suspect").exists(), ends);
        let after = Rig::open_at(dir.path(), later(seconds + 1));
        // This damage a start sees by itself.
        assert!(is_aside(dir.path()) == n && !after.store.events(0, 999).await.unwrap().is_empty(), "{seconds}");
        after.close();
    }
}

/// A value that was never written is no damage to SQLite: not for a caller, but where a bridge would never come past it.
#[tokio::test]
async fn a_value_that_nobody_wrote_ends_the_process_where_we_read_it() {
    for ours in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path()).await;
        let rig = Rig::open(dir.path());
        let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
        shell.execute_batch("UPDATE messages SET tags = CAST(x'ff' AS TEXT), tries = -1 WHERE id = 'm7'").unwrap();
        if ours {
            rig.store.open_statuses().await.unwrap_err();
        } else {
            rig.store.message("m7".parse().unwrap()).await.unwrap_err();
        }
        assert_eq!((failure(&rig).is_some(), dir.path().join("suspect").exists()), (ours, ours));
        rig.close();
        let after = Rig::open(dir.path());
        assert_eq!(after.store.open_statuses().await.is_ok(), ours);
        after.close();
    }
}

#[tokio::test]
async fn a_damage_that_a_snapshot_meets_ends_the_process() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    let rig = open(dir.path(), "messages", NOW).await;
    assert_eq!(failure(&rig), None);
    let taken = rig.store.snapshot(NOW).await;
    assert!(matches!(taken, Err(SnapshotError::Damaged(_))), "{taken:?}");
    assert!(failure(&rig).is_some() && dir.path().join("suspect").exists());
    rig.close();
}
