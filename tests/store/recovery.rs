//! R: what a start makes of what the process before left, after `kill -9` and after an orderly end.

use super::rig::{Rig, acked, ambiguous, failure, later, sim};
use gsmgate::model::{PublicState, Timestamp};
use gsmgate::store::{Step, Verdict};

/// Opens a copy of the folder as a kill would leave it, and the folder itself after an orderly end; both agree.
async fn after_both(dir: &std::path::Path, rig: Rig) -> [Rig; 2] {
    let (keep, copy) = Rig::killed(dir);
    rig.close();
    let rigs = [Rig::open(&copy), Rig::open(dir)];
    // The copy is needed as long as its store.
    std::mem::forget(keep);
    rigs
}

#[tokio::test]
async fn what_is_ready_stays_ready() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.accept("a", 1).await;
    for rig in after_both(dir.path(), rig).await {
        assert_eq!((rig.state("a").await, rig.story("a").await), (PublicState::Queued, vec!["queued"]));
        assert_eq!(rig.store.due(later(0), 9).await.unwrap().work.len(), 1);
        rig.close();
    }
}

#[tokio::test]
async fn what_was_only_claimed_is_ready_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let (one, three) = (rig.accept("one", 1).await, rig.accept("three", 3).await);
    rig.claim(one, 1);
    // The first part's end is written, and with it the claim of the second.
    let first = rig.send(three, 1).await;
    rig.claim(three, 2);
    rig.end(first, acked(1)).await;
    for mut rig in after_both(dir.path(), rig).await {
        assert_eq!(rig.story("one").await, ["queued"]);
        assert_eq!(rig.story("three").await, ["queued", "sending"]);
        let work = rig.store.due(later(0), 9).await.unwrap().work;
        let waiting: Vec<(&str, Vec<u8>)> =
            work.iter().map(|work| (work.id.as_str(), work.parts.iter().map(|part| part.seq).collect())).collect();
        assert_eq!(waiting, [("one", vec![1]), ("three", vec![2, 3])]);
        assert_eq!(work[1].bound, Some(sim().0), "the rest follows by the same SIM");
        assert_eq!(work[1].parts[0].tries, 0, "a try that never began does not count");
        // No id is given twice, and the part can be sent.
        let attempt = rig.send(three, 2).await;
        assert!(attempt > first);
        rig.close();
    }
}

#[tokio::test]
async fn what_was_armed_is_uncertain() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let attempt = rig.send(key, 1).await;
    for rig in after_both(dir.path(), rig).await {
        assert_eq!(rig.story("a").await, ["queued", "sending", "uncertain"]);
        let armed = &rig.recovered.armed;
        assert_eq!((armed[0].0.as_str(), armed[0].1), ("/dev/ttyUSB0", attempt), "its late answer is listened for");
        assert!(rig.store.due(later(0), 9).await.unwrap().work.is_empty(), "evidence is waited for first");
        let work = rig.store.due(later(121), 9).await.unwrap().work;
        assert_eq!(work[0].undecided.map(|undecided| undecided.seq), Some(1));
        rig.close();
    }
}

#[tokio::test]
async fn what_has_ended_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for (name, verdict) in [
        ("sent", acked(1)),
        ("retry", Verdict::Retry { failure: failure(), not_before: later(60) }),
        ("failed", Verdict::Fail { failure: failure() }),
        ("uncertain", ambiguous()),
    ] {
        let key = rig.accept(name, 1).await;
        let attempt = rig.send(key, 1).await;
        rig.end(attempt, verdict).await;
    }
    let key = rig.accept("delivered", 1).await;
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, acked(9)).await;
    rig.store.report(Rig::report(9, 0)).await.unwrap();
    let before = rig.events().await;
    for rig in after_both(dir.path(), rig).await {
        assert_eq!(rig.events().await, before, "the log from the file is the log from memory");
        for (name, state) in [
            ("sent", PublicState::Sent),
            ("retry", PublicState::Queued),
            ("failed", PublicState::Failed),
            ("uncertain", PublicState::Uncertain),
            ("delivered", PublicState::Delivered),
        ] {
            assert_eq!(rig.state(name).await, state, "{name}");
        }
        let work = rig.store.due(later(60), 9).await.unwrap().work;
        assert_eq!((work[0].id.as_str(), work[0].parts[0].tries), ("retry", 1));
        rig.close();
    }
}

/// A label is only a name: what is bound to the SIM follows it, also over a restart.
#[tokio::test]
async fn a_message_follows_its_sim_under_a_new_label() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 2).await;
    let first = rig.send(key, 1).await;
    rig.end(first, acked(1)).await;
    let (iccid, before) = sim();
    let after: gsmgate::model::Label = "office".parse().unwrap();
    rig.store.sim_seen(iccid, after.clone(), later(1)).await.unwrap();
    for rig in after_both(dir.path(), rig).await {
        let due = async |label| rig.store.due_on(later(1), 9, vec![label]).await.unwrap().work.len();
        assert_eq!((due(before.clone()).await, due(after.clone()).await), (0, 1));
        rig.close();
    }
}

#[tokio::test]
async fn what_waits_for_a_report_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let (key, other) = (rig.accept("a", 1).await, rig.accept("b", 1).await);
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, acked(1)).await;
    let sending = rig.send(other, 1).await;
    rig.end(sending, ambiguous()).await;
    let count = async |rig: &Rig| {
        let counts = rig.store.counts().await.unwrap();
        (counts.queued, counts.sending, counts.uncertain, counts.awaiting_report)
    };
    assert_eq!(count(&rig).await, (0, 0, 1, 1));
    for rig in after_both(dir.path(), rig).await {
        assert_eq!(count(&rig).await, (0, 0, 1, 1));
        rig.store.report(Rig::report(1, 0)).await.unwrap();
        assert_eq!(count(&rig).await, (0, 0, 1, 0));
        rig.close();
    }
}

#[tokio::test]
async fn limits_and_cursors_survive() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for (name, mr) in [("a", 1), ("b", 2)] {
        let key = rig.accept(name, 1).await;
        let attempt = rig.send(key, 1).await;
        rig.end(attempt, acked(mr)).await;
    }
    rig.store.acknowledge("mqtt", 5, Vec::new()).unwrap();
    rig.accept("c", 1).await;
    for rig in after_both(dir.path(), rig).await {
        assert_eq!(rig.store.armed_since(sim().0, Timestamp(0)).await.unwrap(), [later(0), later(0)]);
        assert_eq!(rig.store.cursor("mqtt").await.unwrap(), 5);
        rig.close();
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_who_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    let second = gsmgate::store::Store::open(&gsmgate::store::Config::new(dir.path()), later(0));
    let error = second.err().unwrap().to_string();
    assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
    rig.close();
}

#[tokio::test]
async fn a_sim_has_one_part_in_the_air() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let (a, b) = (rig.accept("a", 1).await, rig.accept("b", 1).await);
    let first = rig.send(a, 1).await;
    let second = rig.claim(b, 1);
    assert!(!rig.arm(second).await, "W-1");
    rig.end(first, acked(1)).await;
    assert!(rig.arm(second).await);
    rig.close();
}

#[tokio::test]
async fn what_was_taken_back_is_not_armed() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let released = rig.claim(key, 1);
    rig.store.step(vec![Step::Release(released)]).unwrap();
    assert!(!rig.arm(released).await);
    assert_eq!(rig.store.due(later(0), 9).await.unwrap().work.len(), 1, "it is due again");
    let cancelled = rig.claim(key, 1);
    rig.store.cancel("a".parse().unwrap(), later(0)).await.unwrap();
    assert!(!rig.arm(cancelled).await);
    assert_eq!(rig.story("a").await, ["queued", "cancelled"]);
    rig.close();
}

/// Read by another connection, so that only a commit shows; often enough that no answer can be early by luck.
#[tokio::test]
async fn the_armed_mark_is_committed_before_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..60 {
        let name = format!("m{n}");
        let key = rig.accept(&name, 1).await;
        let attempt = rig.send(key, 1).await;
        assert_eq!(rig.state(&name).await, PublicState::Sending, "I-03");
        rig.end(attempt, acked(n)).await;
    }
    rig.close();
}

#[tokio::test]
async fn a_claim_that_was_taken_back_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let refused = rig.send(key, 1).await;
    rig.end(refused, Verdict::Retry { failure: failure(), not_before: later(0) }).await;
    let released = rig.claim(key, 1);
    rig.store.step(vec![Step::Release(released)]).unwrap();
    let sent = rig.send(key, 1).await;
    rig.end(sent, acked(1)).await;
    let view = rig.store.message("a".parse().unwrap()).await.unwrap().unwrap();
    let tries: Vec<_> = view.parts[0].attempts.iter().map(|attempt| attempt.attempt).collect();
    assert_eq!(tries, [refused, sent]);
    rig.close();
}
