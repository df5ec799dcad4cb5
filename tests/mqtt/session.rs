//! What the gateway does with its session, acknowledgements and cursor, seen by a broker that plays along or not.

use super::rig::{Rig, soon};
use super::scripted::{Broker, Link, Packet};
use gsmgate::model::{Refusal, RefusalCode};
use gsmgate::{modem, slots};
use std::collections::BTreeSet;

const SEND: &str = "gsmgate/t/send";

/// Writes n events to the log.
async fn events(rig: &Rig, n: usize) {
    for _ in 0..n {
        rig.gateway.refuse(Refusal::new(RefusalCode::Unsupported, "an event")).await.unwrap();
    }
}

/// Acknowledges events until the one with this `seq` came; their `seq`s.
async fn take(link: &mut Link, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    loop {
        let event = link.event().await;
        link.puback(event.id, 0).await;
        seen.push(event.seq());
        if event.seq() == last {
            return seen;
        }
    }
}

/// The number of the next command that the gateway acknowledges; events are acknowledged meanwhile.
async fn acknowledged(link: &mut Link) -> u16 {
    loop {
        match link.next().await.expect("the link stays") {
            Packet::PubAck(id) => return id,
            Packet::Publish(publish) => link.puback(publish.id, 0).await,
            _ => {}
        }
    }
}

async fn cursor_at(rig: &Rig, seq: u64) {
    soon("the cursor moves", async {
        while rig.gateway.cursor("mqtt").await.unwrap() != seq {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn says_hello_as_the_contract_has_it() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(false, &[]).await;
    // §3.1.2: MQTT, version 5; flags: will retain, will QoS 1, will, no clean start; keep-alive 20 s.
    assert_eq!(link.connect[..10], [0, 4, b'M', b'Q', b'T', b'T', 5, 0x2c, 0, 20]);
    let has = |octets: &[u8]| link.connect.windows(octets.len()).any(|window| window == octets);
    for (name, octets) in [
        ("session expiry 7 d", &[0x11, 0x00, 0x09, 0x3a, 0x80][..]),
        ("receive maximum 64", &[0x21, 0, 64]),
        ("maximum packet size 128 KiB", &[0x27, 0, 2, 0, 0]),
        ("client id", b"\x00\x09gsmgate-t"),
        ("will delay 10 s", &[0x18, 0, 0, 0, 10]),
        ("will topic", b"\x00\x0fgsmgate/t/state"),
        ("will payload", br#"{"state":"offline"}"#),
    ] {
        assert!(has(octets), "{name}");
    }
    let mut states = BTreeSet::new();
    let mut subscribed = Vec::new();
    while states.len() < 2 || subscribed.is_empty() {
        match link.next().await.unwrap() {
            Packet::Publish(publish) => {
                assert!(publish.retained);
                states.insert(publish.topic);
                link.puback(publish.id, 0).await;
            }
            Packet::Subscribe { id, filters } => {
                link.suback(id, filters.len()).await;
                subscribed = filters;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(states, ["gsmgate/t/info", "gsmgate/t/state"].map(str::to_owned).into());
    // §3.8.3.1: QoS 1, No Local, Retain As Published, Retain Handling 0.
    let all = ["send", "send/+", "notify/+", "request/+"].map(|end| (format!("gsmgate/t/{end}"), 0b0000_1101));
    assert_eq!(subscribed, all);
    rig.kill().await;
}

#[tokio::test]
async fn goes_on_with_a_session_that_only_the_broker_remembers() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 3).await;
    let mut link = broker.accept(true, &[]).await;
    assert_eq!(take(&mut link, 3).await, [1, 2, 3]);
    link.command(SEND, 7, br#"{"to":"+491701234567","text":"a"}"#).await;
    assert_eq!(acknowledged(&mut link).await, 7);
    rig.kill().await;
}

/// A code may spend money: the broker must not bring it again, whatever becomes of it.
#[tokio::test]
async fn an_order_is_acknowledged_before_the_modem_has_carried_it_out() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    // A modem that never answers: its driver is busy waking it.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = format!("tcp://{}", mute.local_addr().unwrap());
    let modem = modem::Config { label: "m".parse().ok(), ..modem::Config::new(0, port) };
    let rig =
        Rig::start_with(slots::Config { modems: vec![modem], ..Default::default() }, dir.path(), broker.address());
    let (_line, _) = mute.accept().await.unwrap();
    let mut link = broker.accept(true, &[]).await;
    link.command("gsmgate/t/request/ussd", 9, br#"{"modem":"m","code":"*100#"}"#).await;
    assert_eq!(acknowledged(&mut link).await, 9);
    rig.kill().await;
}

#[tokio::test]
async fn a_lost_session_brings_everything_unacknowledged_again() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 5).await;
    let mut link = broker.accept(false, &[]).await;
    let mut first = Vec::new();
    for _ in 0..5 {
        first.push(link.event().await);
    }
    // The second to fourth are never acknowledged; the fifth is, out of order.
    link.puback(first[0].id, 0).await;
    link.puback(first[4].id, 0).await;
    cursor_at(&rig, 1).await;
    drop(link);
    let mut link = broker.accept(false, &[]).await;
    let Some(Packet::Subscribe { id, filters }) = link.next().await else { panic!("no subscription") };
    link.suback(id, filters.len()).await;
    assert_eq!(take(&mut link, 5).await, [2, 3, 4, 5]);
    cursor_at(&rig, 5).await;
    rig.kill().await;
}

/// A subscriber keeps the highest `seq`: nothing new may overtake what was lost.
#[tokio::test]
async fn what_comes_without_a_link_goes_out_after_what_was_lost() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 3).await;
    let mut link = broker.accept(false, &[]).await;
    for _ in 0..3 {
        link.event().await;
    }
    drop(link);
    let mut link = broker.knock().await;
    events(&rig, 3).await;
    // The pump has time to do it wrong.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    link.welcome(false, &[]).await;
    assert_eq!(take(&mut link, 6).await, (1..=6).collect::<Vec<_>>());
    rig.kill().await;
}

#[tokio::test]
async fn a_resumed_session_brings_them_again_as_duplicates() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 2).await;
    let mut link = broker.accept(false, &[]).await;
    for _ in 0..2 {
        link.event().await;
    }
    drop(link);
    let mut link = broker.accept(true, &[]).await;
    for seq in 1..=2 {
        let event = link.event().await;
        assert_eq!((event.seq(), event.dup), (seq, true));
        link.puback(event.id, 0).await;
    }
    cursor_at(&rig, 2).await;
    rig.kill().await;
}

#[tokio::test]
async fn a_killed_process_publishes_at_most_the_window_again() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 100).await;
    let mut link = broker.accept(false, &[]).await;
    let mut first = Vec::new();
    for _ in 0..64 {
        first.push(link.event().await);
    }
    for event in &first[..10] {
        link.puback(event.id, 0).await;
    }
    cursor_at(&rig, 10).await;
    rig.kill().await;
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(true, &[]).await;
    assert_eq!(take(&mut link, 100).await, (11..=100).collect::<Vec<_>>());
    rig.kill().await;
}

#[tokio::test]
async fn what_the_broker_never_takes_is_parked() {
    for (reason, name) in [(0x87, "not authorized"), (0x90, "topic"), (0x97, "quota")] {
        let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
        let rig = Rig::start(dir.path(), broker.address());
        events(&rig, 3).await;
        let mut link = broker.accept(false, &[]).await;
        for seq in 1..=3 {
            let event = link.event().await;
            assert_eq!(event.seq(), seq, "{name}");
            link.puback(event.id, if seq == 2 { reason } else { 0 }).await;
        }
        let told = link.event().await;
        assert_eq!((told.seq(), told.alarm()), (4, "event_parked".to_owned()), "{name}");
        link.puback(told.id, 0).await;
        cursor_at(&rig, 4).await;
        rig.kill().await;
        // Parked is parked: the next process does not try it again.
        let rig = Rig::start(dir.path(), broker.address());
        let mut link = broker.accept(true, &[]).await;
        events(&rig, 1).await;
        assert_eq!(link.event().await.seq(), 5, "{name}");
        rig.kill().await;
    }
}

#[tokio::test]
async fn another_reason_is_tried_again() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 1).await;
    let mut link = broker.accept(false, &[]).await;
    let event = link.event().await;
    link.puback(event.id, 0x83).await;
    assert_eq!(link.event().await.seq(), event.seq());
    rig.kill().await;
}

#[tokio::test]
async fn an_event_over_the_brokers_limit_does_not_poison_the_link() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    // Maximum Packet Size 512 (§3.2.2.3.6).
    let mut link = broker.accept(false, &[0x27, 0, 0, 2, 0]).await;
    events(&rig, 1).await;
    assert_eq!(take(&mut link, 1).await, [1]);
    rig.gateway.refuse(Refusal::new(RefusalCode::Unsupported, "x".repeat(600))).await.unwrap();
    events(&rig, 1).await;
    assert_eq!(take(&mut link, 3).await, [3]);
    cursor_at(&rig, 3).await;
    rig.kill().await;
}

#[tokio::test]
async fn no_more_than_the_broker_wants_is_under_way() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    events(&rig, 200).await;
    // Receive Maximum 1 (§3.2.2.3.3): every publish waits for the one before.
    let mut link = broker.accept(false, &[0x21, 0, 1]).await;
    assert_eq!(take(&mut link, 200).await, (1..=200).collect::<Vec<_>>());
    rig.kill().await;
}

/// I-26: while the commit is held up, there is no PUBACK; a PUBACK means that the message is there.
#[tokio::test]
async fn a_command_is_acknowledged_after_its_commit() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(false, &[]).await;
    // The retained states and the subscription, first.
    events(&rig, 1).await;
    take(&mut link, 1).await;
    let database = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    link.command(SEND, 9, br#"{"to":"+491701234567","text":"a","id":"x"}"#).await;
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(300), link.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    database.execute_batch("ROLLBACK").unwrap();
    assert_eq!(acknowledged(&mut link).await, 9);
    assert!(rig.gateway.message(&"x".parse().unwrap()).await.is_ok());
    rig.kill().await;
}

/// A-7: an acknowledgement never crosses over to another connection, where its number means something else.
#[tokio::test]
async fn a_command_of_a_lost_link_is_not_acknowledged_on_the_next() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(false, &[]).await;
    events(&rig, 1).await;
    take(&mut link, 1).await;
    let database = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    link.command(SEND, 9, br#"{"to":"+491701234567","text":"a","id":"x"}"#).await;
    drop(link);
    let mut link = broker.accept(true, &[]).await;
    database.execute_batch("ROLLBACK").unwrap();
    // The same command under another number, as a broker may do.
    link.command(SEND, 4, br#"{"to":"+491701234567","text":"a","id":"x"}"#).await;
    let mut queued = 0;
    loop {
        match link.next().await.expect("the link stays") {
            Packet::PubAck(id) => {
                assert_eq!(id, 4);
                break;
            }
            Packet::Publish(publish) => {
                queued += usize::from(publish.topic == "gsmgate/t/status/x");
                link.puback(publish.id, 0).await;
            }
            _ => {}
        }
    }
    assert!(queued <= 1);
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 1);
    rig.kill().await;
}

/// MQTT 5 §4.4: an unacknowledged packet id means the same message in a resumed session, so no `id` is needed to know it.
#[tokio::test]
async fn a_command_that_comes_again_unacknowledged_is_carried_out_once() {
    for comes_again_in_hand in [true, false] {
        let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
        let rig = Rig::start(dir.path(), broker.address());
        let mut link = broker.accept(false, &[]).await;
        events(&rig, 1).await;
        take(&mut link, 1).await;
        let database = rusqlite::Connection::open(dir.path().join("gsmgate.db")).unwrap();
        database.execute_batch("BEGIN IMMEDIATE").unwrap();
        let payload = br#"{"to":"+491701234567","text":"a"}"#;
        link.command(SEND, 9, payload).await;
        let quiet = tokio::time::timeout(std::time::Duration::from_millis(300), link.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        drop(link);
        let mut link = broker.accept(true, &[]).await;
        if comes_again_in_hand {
            link.command(SEND, 9, payload).await;
            database.execute_batch("ROLLBACK").unwrap();
        } else {
            database.execute_batch("ROLLBACK").unwrap();
            let queued = async { while rig.gateway.counts().await.unwrap().queued == 0 {} };
            soon("the command is carried out", queued).await;
            link.command(SEND, 9, payload).await;
        }
        assert_eq!(acknowledged(&mut link).await, 9);
        assert_eq!(rig.gateway.counts().await.unwrap().queued, 1, "{comes_again_in_hand}");
        rig.kill().await;
    }
}

#[tokio::test]
async fn says_goodbye_after_the_last_event() {
    let (dir, broker) = (tempfile::tempdir().unwrap(), Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(false, &[]).await;
    events(&rig, 1).await;
    take(&mut link, 1).await;
    events(&rig, 1).await;
    let stop = tokio::spawn(rig.stop());
    let (mut seen, mut offline) = (false, false);
    loop {
        match link.next().await {
            Some(Packet::Publish(publish)) => {
                seen |= !publish.retained && publish.seq() == 2;
                offline |= publish.retained && publish.payload == br#"{"state":"offline"}"#;
                link.puback(publish.id, 0).await;
            }
            Some(Packet::Disconnect) => break,
            Some(_) => {}
            None => panic!("no DISCONNECT"),
        }
    }
    assert!(seen && offline);
    stop.await.unwrap();
}
