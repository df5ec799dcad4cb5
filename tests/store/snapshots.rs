//! Snapshots: whole, while the store is in use, and not more of them than wanted.

use super::rig::{NOW, Rig, acked, later};
use gsmgate::model::{PublicState, Timestamp};
use gsmgate::store::{Config, SnapshotError};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const HOUR: u64 = 3600;

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("backups")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// A state directory with the snapshot as its database.
fn restored(snapshot: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(snapshot, dir.path().join("gsmgate.db")).unwrap();
    dir
}

#[tokio::test]
async fn one_is_taken_every_six_hours_and_two_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.accept("a", 1).await;
    let mut taken = Vec::new();
    for hour in 0..20 {
        if let Some(path) = rig.store.snapshot(later(hour * HOUR)).await.unwrap() {
            taken.push((hour, path));
        }
    }
    assert_eq!(taken.iter().map(|(hour, _)| *hour).collect::<Vec<_>>(), [0, 6, 12, 18]);
    assert_eq!(names(dir.path()), ["gsmgate-20270115T200000Z.db", "gsmgate-20270116T020000Z.db"]);
    let newest = &taken[3].1;
    assert_eq!(fs::metadata(newest).unwrap().permissions().mode() & 0o777, 0o600);
    rig.close();
    // A restart does not begin anew.
    let rig = Rig::open_at(dir.path(), later(20 * HOUR));
    assert_eq!(rig.store.snapshot(later(20 * HOUR)).await.unwrap(), None);
    rig.close();
    let copy = restored(newest);
    let rig = Rig::open(copy.path());
    assert_eq!(rig.state("a").await, PublicState::Queued);
    rig.close();
}

#[tokio::test]
async fn none_where_none_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(&Config { backups: None, ..Config::new(dir.path()) }, NOW);
    assert_eq!(rig.store.snapshot(NOW).await.unwrap(), None);
    assert!(!dir.path().join("backups").exists());
    rig.close();
}

#[tokio::test]
async fn one_from_the_future_does_not_stay_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.store.snapshot(later(1_000_000 * HOUR)).await.unwrap().unwrap();
    for hour in [0, 6, 12] {
        rig.store.snapshot(later(hour * HOUR)).await.unwrap().unwrap();
    }
    assert_eq!(names(dir.path()), ["gsmgate-20270115T140000Z.db", "gsmgate-20270115T200000Z.db"]);
    rig.close();
}

/// Before the clock is set none takes the place of a better one; a box that never has the time has them all the same.
#[tokio::test]
async fn a_clock_of_1970_takes_the_place_of_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let boot = |hours: i64| Timestamp(hours * 3_600_000);
    assert!(rig.store.snapshot(boot(1)).await.unwrap().is_some());
    assert_eq!(rig.store.snapshot(boot(2)).await.unwrap(), None);
    assert!(rig.store.snapshot(boot(7)).await.unwrap().is_some());
    rig.store.snapshot(NOW).await.unwrap().unwrap();
    for hours in [8, 14, 20] {
        assert_eq!(rig.store.snapshot(boot(hours)).await.unwrap(), None);
    }
    assert_eq!(names(dir.path()), ["gsmgate-19700101T070000Z.db", "gsmgate-20270115T080000Z.db"]);
    rig.store.snapshot(later(6 * HOUR)).await.unwrap().unwrap();
    assert_eq!(names(dir.path()), ["gsmgate-20270115T080000Z.db", "gsmgate-20270115T140000Z.db"]);
    rig.close();
}

/// Commits go on while it is taken, and it is one state of the database.
#[tokio::test]
async fn the_writer_is_not_held_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    // So many that the copy takes longer than some commits, on any disk.
    for n in 0..80 {
        let of = |k| Rig::message(&format!("m{n}-{k}"), 1);
        rig.store.accept((0..200).map(of).collect(), NOW).await.unwrap();
    }
    let store = rig.store.clone();
    let taking = tokio::spawn(async move { store.snapshot(NOW).await });
    let (mut n, mut longest) = (0_u8, Duration::ZERO);
    while !taking.is_finished() && n < 250 {
        let name = format!("meanwhile-{n}");
        let key = rig.accept(&name, 1).await;
        let attempt = rig.claim(key, 1);
        let begun = Instant::now();
        assert!(rig.arm(attempt).await);
        longest = longest.max(begun.elapsed());
        rig.end(attempt, acked(n)).await;
        n += 1;
    }
    let path: PathBuf = taking.await.unwrap().unwrap().unwrap();
    eprintln!("{n} messages meanwhile, the longest arming took {longest:?}");
    assert!(n > 2, "it waited for the snapshot");
    let copy = restored(&path);
    let other = Rig::open(copy.path());
    let counts = other.store.counts().await.unwrap();
    assert!(counts.queued >= 16_000 && counts.sending == 0, "{counts:?}");
    assert_eq!(other.state("m79-199").await, PublicState::Queued);
    other.close();
    rig.close();
}

/// F-41: what is left of one that was not finished is no snapshot, and is in nobody's way.
#[tokio::test]
async fn a_half_one_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    fs::create_dir(dir.path().join("backups")).unwrap();
    for junk in [".snapshot.part", ".snapshot.part-journal", "gsmgate-now.db", "notes.txt"] {
        fs::write(dir.path().join("backups").join(junk), "junk").unwrap();
    }
    rig.store.snapshot(NOW).await.unwrap().unwrap();
    assert!(names(dir.path()).contains(&"notes.txt".to_owned()), "what is not ours stays");
    assert!(!names(dir.path()).iter().any(|name| name.starts_with('.')));
    let store = rig.store.clone();
    rig.close();
    let refused = store.snapshot(later(7 * HOUR)).await;
    assert!(matches!(refused, Err(SnapshotError::Closed)), "{refused:?}");
}
