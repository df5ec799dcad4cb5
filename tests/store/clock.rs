//! A wall clock that is set, and processes one after the other: F-60, F-61, F-64, I-28.

use super::rig::{NOW, Rig, TTL, later};
use gsmgate::model::{MessageId, Timestamp};
use gsmgate::store::{Begin, Config, NewMessage, Past, Store};
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

const HOUR: u64 = 3600;
const HOUR_MS: i64 = 3_600_000;

/// What a start is told of the process before, when the machine has been on for so long.
fn past(dir: &Path, boottime: u64) -> Option<Past> {
    let told = Cell::new(None);
    let clock = |past: Option<Past>| {
        told.set(past);
        Begin { now: past.map_or(NOW, |past| past.last), boottime: Duration::from_secs(boottime), offset_ms: 7 }
    };
    let (store, _, closer) = Store::open_by(&Config::new(dir), &clock).unwrap();
    drop(store);
    closer.close();
    told.get()
}

#[tokio::test]
async fn a_start_is_told_where_the_process_before_was() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(past(dir.path(), 100), None);
    let first = Past { began: NOW, boottime: Some(Duration::from_secs(100)), last: NOW, offset_ms: 7 };
    assert_eq!(past(dir.path(), 200), Some(first));
    let rig = Rig::open_at(dir.path(), later(50));
    rig.accept("a", 1).await;
    rig.close();
    let found = past(dir.path(), 300).unwrap();
    assert_eq!((found.began, found.last, found.offset_ms), (later(50), later(50), 0));
    let database = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    database.execute("UPDATE epochs SET boot_id = 'another'", []).unwrap();
    assert_eq!(past(dir.path(), 10).unwrap().boottime, None, "it was switched off between");
}

/// When a message is due and expires, in seconds of our line.
async fn times(rig: &Rig, id: &str) -> (i64, i64) {
    let seconds = |at: Timestamp| (at.0 - NOW.0) / 1000;
    let due = rig.store.due(NOW, 9).await.unwrap();
    assert!(due.work.iter().all(|work| work.id.as_str() != id), "not yet");
    let view = rig.store.message(id.parse::<MessageId>().unwrap()).await.unwrap().unwrap();
    (seconds(due.next_at.unwrap()), seconds(view.expires_at))
}

#[tokio::test]
async fn what_waits_for_an_instant_of_the_wall_clock_follows_it_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let at = |hours| later(hours * HOUR);
    let planned = NewMessage {
        send_at: Some(at(5)),
        not_before: at(5),
        expires_at: at(5).after(TTL),
        ..Rig::message("planned", 1)
    };
    rig.store.accept(vec![planned], NOW).await.unwrap();
    let ttl = i64::try_from(TTL.as_secs()).unwrap();
    let hour = i64::try_from(HOUR).unwrap();
    for (name, offset_ms, due) in [
        ("as it was", 0, 5 * hour),
        ("an hour ahead", HOUR_MS, 4 * hour),
        ("two hours behind", -2 * HOUR_MS, 7 * hour),
        ("and right", 0, 5 * hour),
    ] {
        rig.store.wall_set(offset_ms, NOW).await.unwrap();
        assert_eq!(times(&rig, "planned").await, (due, due + ttl), "{name}");
    }
    let key = rig.accept("at-once", 1).await;
    let tried = rig.send(key, 1).await;
    let verdict = gsmgate::store::Verdict::Retry { failure: super::rig::failure(), not_before: later(60) };
    rig.end(tried, verdict).await;
    rig.store.wall_set(HOUR_MS, NOW).await.unwrap();
    assert_eq!(times(&rig, "at-once").await, (60, ttl));
    rig.store.expire(later(5 * HOUR)).await.unwrap();
    assert_eq!(rig.story("planned").await, ["queued"]);
    rig.close();
}
