//! What is old goes, and nothing else does.

use super::rig::{NOW, Rig, TTL, id};
use gsmgate::model::{EventKind, ModemNotice, Notice, NoticeKind, PublicState, Refusal, RefusalCode, Timestamp};
use gsmgate::store::{Accepted, Config, InboundPart, InboundPdu, Receipt, ReportIn, Retention, StoreError, Verdict};
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn day(n: u32) -> Timestamp {
    NOW.after(DAY * n)
}

/// Everything that a day may bring: a message that is delivered, one with a report that never comes, what comes in, and what
/// is told.
async fn live(rig: &mut Rig, n: u32) {
    rig.now = day(n);
    let [mr, other] = [u8::try_from(n % 128).unwrap(), u8::try_from(128 + n % 128).unwrap()];
    for (name, mr) in [(format!("delivered-{n}"), mr), (format!("silent-{n}"), other)] {
        let key = rig.accept(&name, 2).await;
        for seq in [1, 2] {
            let attempt = rig.send(key, seq).await;
            let report_until = rig.now.after(TTL + 3 * DAY);
            rig.end(attempt, Verdict::Acked { mr: Some(mr), report_until, by_evidence: false }).await;
            if mr < 128 {
                rig.store.report(report(rig.now, mr)).await.unwrap();
            }
        }
    }
    rig.accept(&format!("expired-{n}"), 1).await;
    assert_eq!(rig.store.receive(pdu(n, 0, Ok(1))).await.unwrap(), Receipt::New);
    assert_eq!(rig.store.receive(pdu(n, 1, Ok(2))).await.unwrap(), Receipt::New, "a part whose other never comes");
    assert_eq!(rig.store.receive(pdu(n, 2, Err("octets"))).await.unwrap(), Receipt::New);
    rig.store.report(ReportIn { recipient: "+33612345678".to_owned(), ..report(rig.now, 0) }).await.unwrap();
    rig.store.refuse(Refusal::new(RefusalCode::InvalidJson, "{"), rig.now).await.unwrap();
    let notice = Notice::new(NoticeKind::Alarm, "no_answer", "look at it");
    let notice = ModemNotice { modem: "modem-1".parse().unwrap(), sim: None, notice };
    rig.store.notice(notice, rig.now).await.unwrap();
    rig.store.expire(rig.now).await.unwrap();
}

fn report(at: Timestamp, mr: u8) -> ReportIn {
    ReportIn { scts: Some(at.0 / 1000), at, raw: at.0.to_be_bytes().to_vec(), ..Rig::report(mr, 0) }
}

/// A readable PDU, so that its text is seen to come and to go. Each place of the SIM is used again after ten days.
fn pdu(n: u32, what: u16, part: Result<u8, &str>) -> InboundPdu {
    // SMS-DELIVER from +491700000001, octets: "hello" and the day. 3GPP TS 23.040 §9.2.2.1
    let mut raw = vec![0, 4, 12, 0x91, 0x94, 0x71, 0, 0, 0, 0x10, 0, 4, 0x72, 0x10, 0x51, 0x21, 0, 0, 0, 9];
    raw.extend(b"hello");
    raw.extend(n.to_be_bytes());
    raw[18] = u8::try_from(what).unwrap();
    let reference = u16::try_from(n).unwrap();
    let mut pdu = Rig::pdu(&raw, part.map(|total| (reference, total, 1)));
    // As intake writes it.
    pdu.part = pdu.part.map(|part| InboundPart { sender: "91 491700000001".to_owned(), ..part });
    (pdu.id, pdu.at) = (format!("in-{n}-{what}"), day(n));
    pdu.place = Some(("ME".to_owned(), u16::try_from(n % 10 * 3).unwrap() + what));
    pdu
}

/// A pass of the job by a clock that is trusted; how many steps it took.
async fn tidy(rig: &Rig, now: Timestamp) -> usize {
    // Where it is far ahead of the last time, it is so for the third time.
    let mut n = 0;
    for hours in [12, 6, 0] {
        n += tidy_once(rig, Timestamp(now.0 - hours * 3_600_000)).await;
    }
    n
}

/// One look at the clock, and a pass.
async fn tidy_once(rig: &Rig, now: Timestamp) -> usize {
    let mut n = 0;
    while rig.store.tidy(now).await.unwrap() {
        n += 1;
    }
    n
}

async fn acknowledge_all(rig: &Rig) {
    let last = *rig.store.committed().borrow();
    rig.store.acknowledge("mqtt", last, Vec::new()).unwrap();
    // The cursor rides with a commit.
    rig.store.refuse(Refusal::new(RefusalCode::InvalidJson, "{"), rig.now).await.unwrap();
}

fn number(dir: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("gsmgate.db")).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The log's `seq`s: without a gap, wherever they begin.
async fn seqs(rig: &Rig) -> std::ops::RangeInclusive<u64> {
    let events = rig.store.events(0, 1_000_000).await.unwrap();
    let (first, last) = (events.first().unwrap().seq, events.last().unwrap().seq);
    assert_eq!(last - first + 1, events.len() as u64, "a gap");
    first..=last
}

#[tokio::test]
async fn a_year_is_no_larger_than_a_quarter() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let mut pages = Vec::new();
    for n in 0..365 {
        live(&mut rig, n).await;
        acknowledge_all(&rig).await;
        if n % 5 == 4 {
            tidy(&rig, day(n)).await;
            pages.push(number(dir.path(), "PRAGMA page_count"));
        }
        if n % 100 == 99 {
            rig.close();
            rig = Rig::open_at(dir.path(), day(n));
        }
    }
    let (quarter, year) = (pages[19], *pages.last().unwrap());
    assert!(year <= quarter + quarter / 5 + 1024, "{pages:?}");
    for (table, most) in [
        ("messages", 3 * 96),
        ("bodies", 3 * 13),
        ("attempts", 4 * 96),
        ("inbound", 2 * 96),
        ("inbound_pdus", 3 * 96),
        ("orphan_reports", 96),
        ("notices", 96),
        ("refusals", 2 * 96),
        ("events", 20 * 96),
        ("inbound_pdus WHERE raw <> x''", 3 * 13),
    ] {
        let found = number(dir.path(), &format!("SELECT count(*) FROM {table}"));
        assert!((1..=most).contains(&found), "{table}: {found}");
    }
    assert!(*seqs(&rig).await.start() > 1);
    assert!(rig.store.message(id("delivered-100")).await.unwrap().is_none());
    let view = rig.store.message(id("delivered-300")).await.unwrap().unwrap();
    assert_eq!((view.state, view.parts.len()), (PublicState::Delivered, 2));
    assert!(view.parts.iter().all(|part| part.attempts.len() == 1), "its history is whole");
    rig.close();
}

#[tokio::test]
async fn what_is_not_published_stays_readable() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    // It is there, and has handed nothing over yet.
    assert_eq!(rig.store.cursor("mqtt").await.unwrap(), 0);
    for n in 0..20 {
        live(&mut rig, n).await;
    }
    rig.settled().await;
    let before = rig.events().await;
    for now in [day(50), day(400)] {
        tidy(&rig, now).await;
        assert_eq!(rig.events().await, before, "nothing is missing, and every text is there");
    }
    // Half of it is handed over: that half goes.
    let half = before[before.len() / 2].seq;
    rig.store.acknowledge("mqtt", half, Vec::new()).unwrap();
    rig.settled().await;
    rig.store.refuse(Refusal::new(RefusalCode::InvalidJson, "{"), day(400)).await.unwrap();
    tidy(&rig, day(400)).await;
    let after = rig.store.events(0, 1_000_000).await.unwrap();
    assert_eq!(after.first().unwrap().seq, half + 1);
    assert_eq!(after[..after.len() - 1], before[before.len() / 2 + 1..], "the other half is as it was");
    rig.close();
    // A bridge that begins at the start gets what is there, however few of them it asks for.
    let rig = Rig::open_at(dir.path(), day(401));
    assert_eq!(rig.store.cursor("mqtt").await.unwrap(), half);
    assert_eq!(rig.store.events(0, 1).await.unwrap().len(), 1);
    rig.close();
}

#[tokio::test]
async fn texts_go_first_and_the_rest_is_still_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    live(&mut rig, 0).await;
    live(&mut rig, 1).await;
    acknowledge_all(&rig).await;
    let before = rig.events().await;
    tidy(&rig, day(6)).await;
    assert_eq!(rig.events().await, before);
    rig.store.expire(day(6)).await.unwrap();
    acknowledge_all(&rig).await;
    tidy(&rig, day(20)).await;
    assert_eq!(number(dir.path(), "SELECT count(*) FROM bodies"), 0);
    let told: Vec<_> = rig.events().await.into_iter().zip(before).collect();
    let mut n = 0;
    for (now, then) in told {
        match (now.kind, then.kind) {
            (EventKind::Inbound(now), EventKind::Inbound(then)) => {
                assert!(then.data.unwrap().starts_with(b"hello") && now.data.is_none() && now.text.is_none());
                assert_eq!(now.from, "+491700000001");
                assert_eq!((now.id, now.parts, now.received_at), (then.id, then.parts, then.received_at));
                n += 1;
            }
            (EventKind::Raw(now), EventKind::Raw(then)) => {
                assert!(now.pdu.is_empty() && now.id == then.id);
                n += 1;
            }
            (now, then) => assert_eq!(now, then),
        }
    }
    assert_eq!(n, 5);
    rig.close();
}

#[tokio::test]
async fn what_has_not_ended_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    let (waits, sent, done) = (rig.accept("waits", 1).await, rig.accept("sent", 1).await, rig.accept("done", 1).await);
    let attempt = rig.send(sent, 1).await;
    rig.end(attempt, Verdict::Acked { mr: Some(1), report_until: day(500), by_evidence: false }).await;
    let attempt = rig.send(done, 1).await;
    rig.end(attempt, super::rig::acked(2)).await;
    rig.store.report(Rig::report(2, 0)).await.unwrap();
    // In the air for as long as a year: only a clock that was set can make it so.
    let highest = rig.send(waits, 1).await;
    acknowledge_all(&rig).await;
    tidy(&rig, day(365)).await;
    assert!(rig.store.message(id("done")).await.unwrap().is_some(), "the newest, whose number must not come again");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM bodies"), 2);
    for (name, state) in [("waits", PublicState::Sending), ("sent", PublicState::Sent)] {
        assert_eq!(rig.state(name).await, state, "{name}");
    }
    rig.close();
    let rig = Rig::open_at(dir.path(), day(365));
    assert!(rig.recovered.next_attempt > highest);
    rig.store.expire(day(365)).await.unwrap();
    let key = rig.accept("new", 1).await;
    assert!(key.0 > done.0);
    rig.close();
}

#[tokio::test]
async fn no_number_comes_again_when_all_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..3 {
        live(&mut rig, n).await;
    }
    rig.store.expire(day(30)).await.unwrap();
    let highest = "SELECT (SELECT max(message) FROM messages) + 1000 * (SELECT max(attempt) FROM attempts)
        + 1000000 * (SELECT max(pdu) FROM inbound_pdus) + 1000000000 * (SELECT max(inbound) FROM inbound)";
    let (before, last) = (number(dir.path(), highest), *rig.store.committed().borrow());
    // Nobody follows the log.
    tidy(&rig, day(365)).await;
    assert_eq!(number(dir.path(), "SELECT count(*) FROM messages"), 1);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM attempts"), 1);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM events"), 1);
    rig.close();
    let mut rig = Rig::open_at(dir.path(), day(365));
    assert_eq!((number(dir.path(), highest), *rig.store.committed().borrow()), (before, last));
    // It was emptied, and goes when there is a higher one.
    assert_eq!(number(dir.path(), "SELECT count(*) FROM inbound WHERE sender = ''"), 1);
    live(&mut rig, 366).await;
    tidy(&rig, day(366)).await;
    assert_eq!(number(dir.path(), "SELECT count(*) FROM inbound WHERE sender = ''"), 0);
    rig.close();
}

/// I-22: what could not be deleted from its SIM lies there for years, and is still no new message.
#[tokio::test]
async fn a_copy_that_still_lies_on_the_sim_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..12 {
        live(&mut rig, n).await;
    }
    acknowledge_all(&rig).await;
    tidy(&rig, day(365)).await;
    rig.close();
    let rig = Rig::open_at(dir.path(), day(365));
    let again = async |n| {
        let pdu = InboundPdu { first_sweep: true, at: day(365), ..pdu(n, 0, Ok(1)) };
        rig.store.receive(pdu).await.unwrap()
    };
    assert_eq!(again(5).await, Receipt::Known);
    assert_eq!(again(11).await, Receipt::Known);
    assert_eq!(again(1).await, Receipt::New, "another has lain in its place since");
    rig.close();
}

#[tokio::test]
async fn an_id_is_unique_for_a_week_whatever_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { bodies: Some(Duration::ZERO), history: Some(7 * DAY), ..Retention::default() };
    let mut rig = Rig::with(&Config { retention, ..Config::new(dir.path()) }, NOW);
    live(&mut rig, 0).await;
    rig.store.expire(day(5)).await.unwrap();
    tidy(&rig, day(6)).await;
    let again = rig.store.accept(vec![Rig::message("delivered-0", 2)], day(6)).await.unwrap();
    assert!(matches!(again[..], [Accepted::Repeated(_, PublicState::Delivered)]), "{again:?}");
    rig.close();
}

#[tokio::test]
async fn for_ever_is_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { bodies: None, history: None, unpublished: None };
    let mut rig = Rig::with(&Config { retention, ..Config::new(dir.path()) }, NOW);
    live(&mut rig, 0).await;
    let before = rig.events().await;
    tidy(&rig, day(10_000)).await;
    assert_eq!(rig.events().await, before);
    assert_eq!(number(dir.path(), "SELECT count(*) FROM bodies"), 3);
    rig.close();
}

/// Steps are small, and what is to be sent goes first.
#[tokio::test]
async fn a_large_backlog_goes_in_small_steps() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::open(dir.path());
    for n in 0..50 {
        let of = |k| Rig::message(&format!("m{n}-{k}"), 1);
        rig.store.accept((0..200).map(of).collect(), NOW).await.unwrap();
    }
    while rig.store.expire(day(2)).await.unwrap().is_some_and(|at| at <= day(2)) {}
    let pages = number(dir.path(), "PRAGMA page_count");
    let steps = tidy(&rig, day(100)).await;
    assert!(steps > 10_000 / 128 * 3, "{steps}");
    assert_eq!(number(dir.path(), "SELECT count(*) FROM messages"), 1);
    let (after, free) = (number(dir.path(), "PRAGMA page_count"), number(dir.path(), "PRAGMA freelist_count"));
    assert!(after < pages - 500 && free <= 1024, "{pages} {after} {free}");
    // It is taken back by a closing store, not left without an answer.
    let store = rig.store.clone();
    rig.close();
    assert_eq!(store.tidy(day(100)).await.unwrap_err(), StoreError::Closed);
}

/// A clock that is years ahead, soon after the start or in the middle of a run, removes nothing: it will be set.
#[tokio::test]
async fn a_clock_that_is_far_ahead_is_not_trusted_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..3 {
        live(&mut rig, n).await;
        tidy_once(&rig, day(n)).await;
    }
    rig.store.expire(day(5)).await.unwrap();
    acknowledge_all(&rig).await;
    let before = rig.events().await;
    for again in 0..4 {
        tidy_once(&rig, day(4000).after(Duration::from_secs(600 * again))).await;
        assert_eq!(rig.events().await, before, "{again}");
        rig.close();
        rig = Rig::open_at(dir.path(), day(3));
    }
    tidy_once(&rig, Timestamp(600_000)).await;
    tidy_once(&rig, day(3)).await;
    assert_eq!(rig.events().await, before);
    for (n, is_there) in [(400, true), (401, true), (402, false)] {
        tidy_once(&rig, day(n)).await;
        let message = rig.store.message(id("delivered-0")).await.unwrap();
        assert_eq!(message.is_some(), is_there, "a box that was off for a year, for {} days", n - 400);
    }
    rig.close();
}

/// What was written while the clock was wrong goes with what is around it, and holds nothing up.
#[tokio::test]
async fn what_a_wrong_clock_stamped_goes_with_what_came_after() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(dir.path());
    for n in 0..10 {
        live(&mut rig, n).await;
    }
    rig.store.expire(day(20)).await.unwrap();
    acknowledge_all(&rig).await;
    let last = *rig.store.committed().borrow();
    let shell = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    // Before the clock was set, and by one of another year; a long run of them, and a single one.
    let stamp = |at: Timestamp, seqs: &str| {
        shell.execute_batch(&format!("UPDATE events SET at = {} WHERE seq {seqs}", at.0)).unwrap();
    };
    stamp(day(100_000), "BETWEEN 5 AND 40 OR seq = 80");
    stamp(Timestamp(1000), &format!("= 50 OR seq > {}", last - 4));
    tidy(&rig, day(15)).await;
    let raw = "SELECT count(*) FROM inbound_pdus WHERE raw <> x'' AND received_at < 1800000000000 + 6 * 86400000";
    assert_eq!(number(dir.path(), raw), 0, "nothing is held up");
    assert!(number(dir.path(), "SELECT count(*) FROM inbound_pdus WHERE raw <> x''") > 0);
    tidy(&rig, day(93)).await;
    let first = number(dir.path(), "SELECT min(seq) FROM events");
    assert!(first > 40, "{first}");
    tidy(&rig, day(120)).await;
    // Those without a sound one behind them stay.
    assert_eq!(number(dir.path(), "SELECT count(*) FROM events"), 4);
    rig.close();
}
