//! G-5 after a salvage: what the log may not have told is told anew, whatever the clock was.

use super::rig::{NOW, Rig, acked, id, later};
use gsmgate::model::{Event, EventKind, PublicState, Timestamp};
use gsmgate::store::{InboundPart, InboundPdu, Receipt};
use std::path::Path;

/// An SMS-DELIVER from +491700000001 in UCS-2 with a concatenation header. 3GPP TS 23.040 §9.2.2.1
fn pdu(text: &str, reference: u8, total: u8, seq: u8, at: Timestamp) -> InboundPdu {
    let text: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut raw = vec![0, 0x44, 12, 0x91, 0x94, 0x71, 0, 0, 0, 0x10, 0, 8, 0x72, 0x10, 0x51, 0x21, 0, 0, 0];
    raw.push(6 + u8::try_from(text.len()).unwrap());
    raw.extend([5, 0, 3, reference, total, seq]);
    raw.extend(text);
    let mut pdu = Rig::pdu(&raw, Ok((reference.into(), total, seq)));
    pdu.part = pdu.part.map(|part| InboundPart { sender: "91 491700000001".to_owned(), ..part });
    (pdu.id, pdu.at) = (format!("in-{reference}-{seq}"), at);
    pdu.place = Some(("ME".to_owned(), u16::from(reference) * 10 + u16::from(seq)));
    pdu
}

async fn receive(rig: &Rig, pdu: InboundPdu) {
    assert_eq!(rig.store.receive(pdu).await.unwrap(), Receipt::New);
}

/// The bridge has all that is there.
async fn hand_over(rig: &Rig) {
    rig.store.acknowledge("mqtt", *rig.store.committed().borrow(), Vec::new()).unwrap();
    // The cursor rides with a commit.
    rig.accept("after", 1).await;
}

/// Rows are lost, and the next start salvages.
fn lose(dir: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(dir.join("gsmgate.db")).unwrap();
    connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    std::fs::write(dir.join("suspect"), "a page is lost").unwrap();
}

/// What the bridge still gets.
async fn rest(rig: &Rig) -> Vec<Event> {
    let cursor = rig.store.cursor("mqtt").await.unwrap();
    rig.store.events(cursor, 10_000).await.unwrap()
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| match &event.kind {
        EventKind::Inbound(inbound) => {
            Some(format!("{} {} {:?}", inbound.text.as_deref().unwrap_or("-"), inbound.from, inbound.missing))
        }
        EventKind::Raw(raw) => Some(String::from_utf8_lossy(&raw.pdu).into_owned()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// Three that were handed over, and after them three that were not: the long one began before.
async fn messages(rig: &Rig) {
    receive(rig, pdu("long ", 1, 2, 1, NOW)).await;
    receive(rig, pdu("had", 2, 1, 1, NOW)).await;
    assert_eq!(rig.receive(b"raw had", Err("octets")).await, Receipt::New);
    receive(rig, pdu("had too", 4, 1, 1, NOW)).await;
    hand_over(rig).await;
    receive(rig, pdu("message", 1, 2, 2, later(60))).await;
    receive(rig, pdu("short", 3, 1, 1, later(61))).await;
    assert_eq!(rig.receive(b"raw", Err("octets")).await, Receipt::New);
}

const TOLD: [&str; 3] = ["long message +491700000001 []", "short +491700000001 []", "raw"];

#[tokio::test]
async fn what_came_in_is_told_whatever_row_of_it_is_lost() {
    const NEW: &str = "(SELECT seq FROM cursors)";
    const HAD: &str =
        "DELETE FROM events WHERE kind = 2 AND ref = 3 OR kind = 1 AND ref = 2; DELETE FROM inbound WHERE inbound = 2";
    for (name, sql) in [
        ("nothing", String::new()),
        ("rows", "DELETE FROM inbound".to_owned()),
        ("events", format!("DELETE FROM events WHERE seq > {NEW}")),
        ("both", format!("DELETE FROM inbound; DELETE FROM events WHERE seq > {NEW}")),
        ("handed over", HAD.to_owned()),
        // What was handed over is told as if by a clock of another year.
        ("future", format!("DELETE FROM events WHERE seq > {NEW}; UPDATE events SET at = at + 100000000000")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::open(dir.path());
        messages(&rig).await;
        rig.close();
        lose(dir.path(), &sql);
        let rig = Rig::open(dir.path());
        let mut told = texts(&rest(&rig).await);
        told.sort();
        let mut all = TOLD;
        all.sort_unstable();
        assert_eq!(told, all, "{name}");
        rig.close();
        // Told anew once.
        let rig = Rig::open(dir.path());
        assert_eq!(
            rest(&rig).await.iter().filter(|event| matches!(event.kind, EventKind::Raw(_))).count(),
            1,
            "{name}"
        );
        rig.close();
    }
}

#[tokio::test]
async fn without_a_cursor_all_is_told_anew() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    messages(&rig).await;
    rig.close();
    lose(dir.path(), "DELETE FROM events; DELETE FROM cursors; DELETE FROM inbound WHERE inbound = 2");
    let rig = Rig::open(dir.path());
    let mut told = texts(&rest(&rig).await);
    told.sort();
    let all =
        [TOLD[0], "had +491700000001 []", "had too +491700000001 []", TOLD[1], "raw", "raw had"].map(str::to_owned);
    let mut all = all.to_vec();
    all.sort();
    assert_eq!(told, all);
    rig.close();
}

#[tokio::test]
async fn what_is_left_of_a_message_is_told_with_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    receive(&rig, pdu("first ", 1, 3, 1, NOW)).await;
    receive(&rig, pdu("second", 1, 3, 2, NOW)).await;
    receive(&rig, pdu("lost", 1, 3, 3, NOW)).await;
    // Told of as incomplete, after its time.
    receive(&rig, pdu("alone", 2, 2, 2, NOW)).await;
    rig.store.expire(later(601)).await.unwrap();
    rig.close();
    lose(
        dir.path(),
        "DELETE FROM inbound WHERE inbound = 1; DELETE FROM inbound_pdus WHERE pdu = 3; DELETE FROM events",
    );
    let rig = Rig::open_at(dir.path(), later(700));
    rig.store.expire(later(700)).await.unwrap();
    let told = texts(&rest(&rig).await);
    assert_eq!(told, ["first second +491700000001 [3]", "alone +491700000001 [1]"]);
    // A late part still completes it.
    receive(&rig, pdu("before ", 2, 2, 1, later(701))).await;
    assert_eq!(texts(&rest(&rig).await).last().unwrap(), "before alone +491700000001 []");
    rig.close();
    lose(dir.path(), "DELETE FROM inbound_pdus; DELETE FROM events");
    // Who and when is left.
    let rig = Rig::open_at(dir.path(), later(2 * 3600 + 700));
    assert_eq!(texts(&rest(&rig).await), ["- +491700000001 [1, 2]"]);
    rig.close();
}

#[tokio::test]
async fn ends_are_told_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let mut ends = Vec::new();
    for (name, mr) in [("delivered", 1), ("sent", 2)] {
        let key = rig.accept(name, 1).await;
        let attempt = rig.send(key, 1).await;
        rig.end(attempt, acked(mr)).await;
        ends.push(attempt);
    }
    rig.store.report(Rig::report(1, 0)).await.unwrap();
    rig.accept("cancelled", 1).await;
    rig.store.cancel(id("cancelled"), NOW).await.unwrap();
    rig.accept("told", 1).await;
    rig.store.cancel(id("told"), NOW).await.unwrap();
    rig.close();
    lose(dir.path(), "DELETE FROM events WHERE seq < (SELECT max(seq) FROM events)");
    let rig = Rig::open(dir.path());
    for (name, story) in
        [("delivered", &["delivered"][..]), ("sent", &[]), ("cancelled", &["cancelled"]), ("told", &["cancelled"])]
    {
        assert_eq!(rig.story_after_damage(name).await, story, "{name}");
    }
    // What still waits for its report has it told when it ends.
    rig.store.expire(later(5 * 86_400)).await.unwrap();
    assert_eq!(rig.story_after_damage("sent").await, ["no_report"]);
    assert_eq!(rig.state("sent").await, PublicState::NoReport);
    rig.close();
}

/// Numbers that lost rows had: of what is published raw, and of processes.
#[tokio::test]
async fn no_number_of_a_lost_row_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        Rig::open(dir.path()).close();
    }
    let rig = Rig::open(dir.path());
    let routed = InboundPdu { place: None, ..Rig::pdu(b"routed", Err("octets")) };
    receive(&rig, routed).await;
    assert_eq!(rig.receive(b"lost", Err("octets")).await, Receipt::New);
    let epoch = rig.recovered.epoch;
    let raw_ids = async |rig: &Rig| -> Vec<String> {
        let id = |event: Event| match event.kind {
            EventKind::Raw(raw) => Some(raw.id),
            _ => None,
        };
        rig.store.events(0, 1000).await.unwrap().into_iter().filter_map(id).collect()
    };
    let before = raw_ids(&rig).await;
    rig.close();
    lose(dir.path(), "DELETE FROM epochs; DELETE FROM inbound_pdus WHERE pdu = 2; DELETE FROM events WHERE ref = 2");
    let rig = Rig::open(dir.path());
    assert_eq!(rig.recovered.epoch, epoch + 1);
    // The network sends again what the process before did not acknowledge.
    let again = InboundPdu { place: None, ..Rig::pdu(b"routed", Err("octets")) };
    assert_eq!(rig.store.receive(again).await.unwrap(), Receipt::Known);
    assert_eq!(rig.receive(b"new", Err("octets")).await, Receipt::New);
    let after = raw_ids(&rig).await;
    assert!(after.len() == 2 && !before.contains(&after[1]), "{before:?} {after:?}");
    rig.close();
}
