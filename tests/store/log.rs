//! The event log, cursors, ids that are used once, and the order in which messages are due.

use super::rig::{NOW, Rig, TTL, later};
use gsmgate::model::{EventKind, ModemNotice, Notice, NoticeKind, Priority, PublicState, Refusal, RefusalCode};
use gsmgate::store::{Accepted, Config, NewMessage, StoreError};

#[tokio::test]
async fn one_id_is_one_message_for_seven_days() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let again = |digest: u8, day: u64| {
        let message = NewMessage { digest: [digest; 32], expires_at: later(30 * 86_400), ..Rig::message("a", 1) };
        rig.store.accept(vec![message], later(day * 86_400))
    };
    assert_eq!(again(1, 0).await.unwrap(), [Accepted::Repeated(key, PublicState::Queued)]);
    assert_eq!(again(2, 6).await.unwrap(), [Accepted::IdReused]);
    rig.store.cancel("a".parse().unwrap(), NOW).await.unwrap();
    assert_eq!(again(1, 6).await.unwrap(), [Accepted::Repeated(key, PublicState::Cancelled)]);
    assert!(matches!(again(2, 8).await.unwrap()[..], [Accepted::New(new)] if new != key));
    rig.close();
}

#[tokio::test]
async fn a_list_is_accepted_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.accept("used", 1).await;
    let spoilt = NewMessage { digest: [9; 32], ..Rig::message("used", 1) };
    let list = vec![Rig::message("fresh", 1), spoilt];
    assert_eq!(rig.store.accept(list, NOW).await.unwrap(), [Accepted::IdReused, Accepted::IdReused]);
    assert!(rig.store.message("fresh".parse().unwrap()).await.unwrap().is_none());
    let twice = vec![Rig::message("fresh", 1), Rig::message("fresh", 1)];
    assert_eq!(rig.store.accept(twice, NOW).await.unwrap(), [Accepted::IdReused, Accepted::IdReused]);
    rig.close();
}

#[tokio::test]
async fn a_full_queue_says_so_and_still_knows_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(&Config { max_queued: 1, ..Config::new(dir.path()) }, NOW);
    let key = rig.accept("a", 1).await;
    assert_eq!(rig.store.accept(vec![Rig::message("b", 1)], NOW).await, Err(StoreError::Full));
    let repeated = rig.store.accept(vec![Rig::message("a", 1)], NOW).await.unwrap();
    assert_eq!(repeated, [Accepted::Repeated(key, PublicState::Queued)]);
    rig.store.cancel("a".parse().unwrap(), NOW).await.unwrap();
    rig.accept("b", 1).await;
    rig.close();
}

#[tokio::test]
async fn what_is_due_comes_by_priority_and_then_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for (name, priority, after) in [
        ("low", Priority::Low, 0),
        ("second", Priority::Normal, 2),
        ("first", Priority::Normal, 1),
        ("third", Priority::Normal, 2),
        ("alarm", Priority::Alarm, 3),
        ("not yet", Priority::Alarm, 60),
    ] {
        let name = name.replace(' ', "-");
        let message = NewMessage { priority, not_before: later(after), ..Rig::message(&name, 1) };
        rig.store.accept(vec![message], NOW).await.unwrap();
    }
    let due = rig.store.due(later(3), 4).await.unwrap();
    let order: Vec<_> = due.work.iter().map(|work| work.id.as_str()).collect();
    assert_eq!((order, due.more), (vec!["alarm", "first", "second", "third"], true));
    let due = rig.store.due(later(3), 9).await.unwrap();
    assert_eq!((due.work.len(), due.more, due.next_at), (5, false, Some(later(60))));
    rig.close();
}

#[tokio::test]
async fn a_message_for_another_sim_does_not_stand_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for n in 0..20 {
        let message = NewMessage { sim: Some("absent".parse().unwrap()), ..Rig::message(&format!("p{n}"), 1) };
        rig.store.accept(vec![message], NOW).await.unwrap();
    }
    rig.accept("free", 1).await;
    let due = rig.store.due_on(NOW, 4, vec!["sim-1000".parse().unwrap()]).await.unwrap();
    assert_eq!(due.work.iter().map(|work| work.id.as_str()).collect::<Vec<_>>(), ["free"]);
    rig.close();
}

#[tokio::test]
async fn what_is_not_sent_in_time_expires() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let claimed = rig.claim(key, 1);
    rig.store.expire(NOW.after(TTL)).await.unwrap();
    assert_eq!(rig.story("a").await, ["queued", "expired"]);
    assert!(!rig.arm(claimed).await);
    assert_eq!(rig.store.counts().await.unwrap().queued, 0);
    rig.close();
}

#[tokio::test]
async fn a_cursor_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.store.acknowledge("mqtt", 9, vec![(7, "refused".to_owned())]).unwrap();
    rig.store.acknowledge("mqtt", 4, Vec::new()).unwrap();
    assert_eq!(rig.store.cursor("mqtt").await.unwrap(), 9);
    rig.close();
    let rig = Rig::open(dir.path());
    assert_eq!((rig.store.cursor("mqtt").await.unwrap(), rig.store.cursor("other").await.unwrap()), (9, 0));
    rig.close();
}

#[tokio::test]
async fn a_log_is_read_from_any_place_alike() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..300 {
        let key = rig.accept(&format!("m{n}"), 1).await;
        if n % 7 == 0 {
            rig.store.refuse(Refusal::new(RefusalCode::InvalidJson, "no"), NOW).await.unwrap();
        }
        let attempt = rig.send(key, 1).await;
        rig.end(attempt, super::rig::acked(1)).await;
    }
    let all = rig.events().await;
    assert_eq!(all.len(), 943);
    for after in [0, 1, 400, 900, 930, 942, 943] {
        let found = rig.store.events(after, 10).await.unwrap();
        let from = usize::try_from(after).unwrap();
        let n = found.len();
        assert_eq!(found, all[from..from + n], "after {after}");
        assert_eq!(n == 0, after == 943, "after {after}");
    }
    rig.close();
    let rig = Rig::open(dir.path());
    assert_eq!(rig.events().await, all);
    rig.close();
}

#[tokio::test]
async fn what_a_modem_told_is_read_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let call = Notice { number: Some("+491".into()), ..Notice::new(NoticeKind::Call, "ignored", "a call") };
    let page = Notice { text: Some("storm".into()), ..Notice::new(NoticeKind::Broadcast, "weather", "a page") };
    let from = |notice, sim: Option<&str>| ModemNotice {
        modem: "m-1".parse().unwrap(),
        sim: sim.map(|sim| sim.parse().unwrap()),
        notice,
    };
    let told = [from(call, Some("sim-1")), from(page, None)];
    let rig = Rig::open(dir.path());
    for one in &told {
        rig.store.notice(one.clone(), NOW).await.unwrap();
    }
    rig.close();
    let rig = Rig::open(dir.path());
    let events = rig.store.events(0, 10).await.unwrap();
    let kinds: Vec<_> = events.into_iter().map(|event| (event.seq, event.kind)).collect();
    assert_eq!(kinds, [(1, EventKind::Notice(told[0].clone())), (2, EventKind::Notice(told[1].clone()))]);
    rig.close();
}

/// F-46: while somebody reads all the time. What is written is more than may stay.
#[tokio::test]
async fn the_log_beside_the_database_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let store = rig.store.clone();
    let reads = tokio::spawn(async move {
        loop {
            store.events(0, 100).await.unwrap();
            // What is in memory is there at once.
            tokio::task::yield_now().await;
        }
    });
    let mut largest = 0;
    for group in 0..250 {
        let name = |n: u32| Rig::message(&format!("m{group}-{n}"), 1);
        rig.store.accept((0..100).map(name).collect(), NOW).await.unwrap();
        largest = largest.max(std::fs::metadata(dir.path().join("gsmgate.db-wal")).unwrap().len());
    }
    reads.abort();
    rig.close();
    // It is emptied at 4 MiB.
    assert!(largest < 6 << 20, "{largest}");
}
