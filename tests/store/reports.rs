//! T8: which try a status report is about. RELIABILITY §2.5.

use super::rig::{NOW, Rig, TO, acked, ambiguous, later};
use gsmgate::model::{Blame, EventKind, Failure, FailureCause, PartKey, PartState, PublicState};
use gsmgate::store::{ReportIn, Step, Verdict};

async fn sent(rig: &mut Rig, name: &str, mr: u8) {
    let key = rig.accept(name, 1).await;
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, acked(mr)).await;
}

#[tokio::test]
async fn a_report_that_comes_before_its_answer_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let attempt = rig.send(key, 1).await;
    rig.store.report(Rig::report(7, 0)).await.unwrap();
    assert_eq!(rig.state("a").await, PublicState::Sending);
    rig.end(attempt, acked(7)).await;
    assert_eq!(rig.story("a").await.last(), Some(&"delivered"));
    rig.close();
}

#[tokio::test]
async fn a_report_that_fits_nothing_is_published_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    rig.store.report(Rig::report(7, 0)).await.unwrap();
    rig.store.expire(later(599)).await.unwrap();
    assert!(rig.events().await.is_empty());
    rig.store.expire(later(601)).await.unwrap();
    rig.store.expire(later(700)).await.unwrap();
    let events = rig.events().await;
    assert!(matches!(&events[..], [event] if matches!(&event.kind, EventKind::Orphan(orphan) if orphan.mr == 7)));
    rig.close();
}

/// The clock was set by an hour while parts to one recipient were in the air.
#[tokio::test]
async fn a_report_out_of_time_is_known_by_its_reference_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "before", 6).await;
    rig.store.report(Rig::report(6, 0)).await.unwrap();
    sent(&mut rig, "a", 7).await;
    let key = rig.accept("b", 1).await;
    let attempt = rig.send(key, 1).await;
    let scts = Some(NOW.0 / 1000 + 3600);
    rig.store.report(ReportIn { scts, ..Rig::report(7, 0) }).await.unwrap();
    assert_eq!(rig.state("a").await, PublicState::Sent, "it may be on the one in the air");
    rig.end(attempt, acked(8)).await;
    rig.store.expire(later(601)).await.unwrap();
    assert_eq!(rig.story("a").await.last(), Some(&"delivered"));
    rig.close();
}

/// After the clock was set it would fit by its time.
#[tokio::test]
async fn a_report_on_a_known_reference_is_no_evidence_for_another_try() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "before", 5).await;
    rig.store.report(Rig::report(5, 0)).await.unwrap();
    sent(&mut rig, "a", 6).await;
    let key = rig.accept("b", 1).await;
    let attempt = rig.send(key, 1).await;
    // An hour off: it waits, since it may be on what is in the air. Then the skew is learned from another.
    let scts = Some(NOW.0 / 1000 + 3600);
    rig.store.report(ReportIn { scts, ..Rig::report(6, 0) }).await.unwrap();
    rig.end(attempt, ambiguous()).await;
    assert_eq!(rig.state("b").await, PublicState::Uncertain);
    for mr in 7..60 {
        sent(&mut rig, &format!("m{mr}"), mr).await;
        rig.store.report(ReportIn { scts, ..Rig::report(mr, 0) }).await.unwrap();
    }
    let key = rig.accept("c", 1).await;
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, ambiguous()).await;
    assert_eq!(rig.state("c").await, PublicState::Uncertain, "nothing was heard of it");
    rig.store.expire(later(601)).await.unwrap();
    assert_eq!(rig.story("a").await.last(), Some(&"delivered"));
    rig.close();
}

#[tokio::test]
async fn numbers_are_compared_as_networks_write_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for (mr, (recipient, ours)) in
        (1..).zip([("+491701234567", true), ("01701234567", true), ("1234567", true), ("+491701234568", false)])
    {
        let name = format!("m{mr}");
        sent(&mut rig, &name, mr).await;
        rig.store.report(ReportIn { recipient: recipient.to_owned(), ..Rig::report(mr, 0) }).await.unwrap();
        let want = if ours { PublicState::Delivered } else { PublicState::Sent };
        assert_eq!(rig.state(&name).await, want, "{recipient}");
    }
    rig.close();
}

#[tokio::test]
async fn a_reference_that_comes_round_again_means_the_nearest_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "old", 7).await;
    // Armed an hour later, with the same reference to the same number.
    let key = rig.accept("new", 1).await;
    let attempt = rig.claim(key, 1);
    let at = later(3600);
    assert!(rig.arm_at(attempt, at).await);
    rig.end(attempt, acked(7)).await;
    let scts = Some(at.0 / 1000);
    rig.store.report(ReportIn { scts, at, ..Rig::report(7, 0) }).await.unwrap();
    assert_eq!((rig.state("old").await, rig.state("new").await), (PublicState::Sent, PublicState::Delivered));
    rig.store.report(Rig::report(7, 0)).await.unwrap();
    assert_eq!(rig.state("old").await, PublicState::Delivered);
    rig.close();
}

/// At 4 s a message a reference comes 250 times in the 72 h that a report may take.
#[tokio::test]
async fn a_report_is_still_found_after_many_turns_of_its_reference() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for turn in 0..250 {
        rig.now = later(turn * 1024);
        sent(&mut rig, &format!("m{turn}"), 7).await;
        if turn == 0 {
            // The centre's clock is known from here on.
            rig.store.report(Rig::report(7, 0x30)).await.unwrap();
        }
    }
    rig.store.report(ReportIn { at: rig.now, ..Rig::report(7, 0) }).await.unwrap();
    assert_eq!((rig.state("m0").await, rig.state("m1").await), (PublicState::Delivered, PublicState::Sent));
    rig.close();
}

#[tokio::test]
async fn a_reference_that_comes_round_again_may_be_of_the_part_in_the_air() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "old", 7).await;
    let key = rig.accept("new", 1).await;
    let attempt = rig.claim(key, 1);
    let at = later(3600);
    assert!(rig.arm_at(attempt, at).await);
    rig.store.report(ReportIn { scts: Some(at.0 / 1000), at, ..Rig::report(7, 0) }).await.unwrap();
    rig.end(attempt, acked(7)).await;
    assert_eq!((rig.state("old").await, rig.state("new").await), (PublicState::Sent, PublicState::Delivered));
    rig.close();
}

#[tokio::test]
async fn a_centre_with_a_wrong_clock_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for (name, mr) in [("a", 1), ("b", 2)] {
        sent(&mut rig, name, mr).await;
        let scts = Some(later(7 * 3600).0 / 1000);
        rig.store.report(ReportIn { scts, ..Rig::report(mr, 0) }).await.unwrap();
        assert_eq!(rig.state(name).await, PublicState::Delivered, "{name}");
    }
    rig.close();
}

#[tokio::test]
async fn a_report_tells_that_an_uncertain_part_had_left() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 1).await;
    let attempt = rig.send(key, 1).await;
    rig.end(attempt, ambiguous()).await;
    rig.store.report(Rig::report(200, 0)).await.unwrap();
    assert_eq!(rig.story("a").await, ["queued", "sending", "uncertain", "delivered"]);
    assert!(rig.store.due(later(999), 9).await.unwrap().work.is_empty(), "it is not sent once more");
    rig.close();
}

/// The first answer comes late, while its part is in the air once more: whatever becomes of that, the part has left.
#[tokio::test]
async fn a_late_answer_counts_however_the_resend_ends() {
    let retry = Verdict::Retry {
        failure: Failure { blame: Blame::Network, cause: FailureCause::Temporary, code: Some(38) },
        not_before: later(10),
    };
    let failure = Failure { blame: Blame::Message, cause: FailureCause::Recipient, code: Some(1) };
    for verdict in [retry, Verdict::Fail { failure }, ambiguous()] {
        let dir = tempfile::tempdir().unwrap();
        let name = format!("{verdict:?}");
        let mut rig = Rig::open(dir.path());
        let key = rig.accept("a", 1).await;
        let first = rig.send(key, 1).await;
        rig.end(first, ambiguous()).await;
        rig.store.step(vec![Step::Resend { part: PartKey { message: key, seq: 1 }, at: later(120) }]).unwrap();
        let again = rig.claim_again(key, 1, Some(first));
        assert!(rig.arm(again).await);
        let evidence = Step::Evidence { attempt: first, mr: Some(9), report_until: later(86_400), at: later(130) };
        rig.store.step(vec![evidence]).unwrap();
        rig.end(again, verdict).await;
        assert_eq!(rig.state("a").await, PublicState::Sent, "{name}");
        assert!(rig.store.due(later(999), 9).await.unwrap().work.is_empty(), "there is no third time");
        rig.store.report(Rig::report(9, 0)).await.unwrap();
        assert_eq!(rig.state("a").await, PublicState::Delivered, "{name}");
        rig.close();
    }
}

#[tokio::test]
async fn each_report_changes_its_own_part_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let key = rig.accept("a", 3).await;
    for seq in 1..=3 {
        let attempt = rig.send(key, seq).await;
        rig.end(attempt, acked(seq)).await;
    }
    for mr in [2, 2, 3, 1, 1] {
        assert_eq!(rig.state("a").await == PublicState::Delivered, mr == 1 && rig.story("a").await.len() > 3);
        rig.store.report(Rig::report(mr, 0)).await.unwrap();
    }
    assert_eq!(rig.story("a").await, ["queued", "sending", "sent", "delivered"]);
    rig.close();
}

#[tokio::test]
async fn a_delivery_is_stronger_than_a_failure_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "a", 1).await;
    for (status, want) in [
        (0x30, PublicState::Sent),
        (0x45, PublicState::Failed),
        (0, PublicState::Delivered),
        (0x45, PublicState::Delivered),
    ] {
        rig.store.report(Rig::report(1, status)).await.unwrap();
        assert_eq!(rig.state("a").await, want, "TP-ST {status:#x} for {TO}");
    }
    rig.close();
}

#[tokio::test]
async fn without_a_report_the_wait_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    sent(&mut rig, "a", 1).await;
    rig.store.expire(later(3 * 86_400)).await.unwrap();
    assert_eq!(rig.state("a").await, PublicState::Sent);
    rig.store.expire(later(4 * 86_400 + 1)).await.unwrap();
    assert_eq!(rig.state("a").await, PublicState::NoReport);
    rig.close();
}

#[tokio::test]
async fn reports_on_parts_before_a_restart_say_nothing_of_the_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let message = rig.accept("a", 2).await;
    let attempt = rig.send(message, 1).await;
    rig.end(attempt, acked(7)).await;
    rig.store.step(vec![Step::Restart { message, at: later(600) }]).unwrap();
    rig.settled().await;
    rig.store.report(Rig::report(7, 0)).await.unwrap();
    let view = rig.store.message("a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(view.parts.iter().map(|part| part.state).collect::<Vec<_>>(), [PartState::Ready, PartState::Ready]);
    assert!(view.restarted && view.duplicate_possible && view.state == PublicState::Queued);
    rig.store.step(vec![Step::Restart { message, at: later(1200) }]).unwrap();
    // What may have left is never said to be expired, and the mark survives the process.
    rig.close();
    let rig = Rig::open(dir.path());
    rig.store.expire(later(86_400)).await.unwrap();
    let view = rig.store.message("a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(view.parts.iter().map(|part| part.state).collect::<Vec<_>>(), [PartState::Unknown, PartState::Expired]);
    assert_eq!(rig.story("a").await, ["queued", "sending", "queued", "expired"], "and it begins anew once only");
    rig.close();
}
