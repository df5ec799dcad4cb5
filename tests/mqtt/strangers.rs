//! Others at the broker who do what they should not: F-55 and F-56.

use super::random::Random;
use super::rig::{Rig, soon};
use super::scripted::{self, Packet};
use super::world::{SPEED, World};
use gsmgate::clock;
use rumqttc::{AsyncClient, MqttOptions, PublishOptions, PublishProperties, QoS};
use std::time::{Duration, Instant};

/// F-55: commands of any octets under any topic that a broker lets through: each is refused with an event, or is carried out, and
/// the link stays. `GSMGATE_MQTT_SEED` replays one.
#[tokio::test]
async fn f55_bad_topics_and_payloads() {
    let mut random = Random::start("f55_bad_topics_and_payloads");
    let mut world = World::start("").await;
    let mut sent = 0;
    for _ in 0..200 {
        let n = *random.one_of(&[0, 1, 7, 100, 5_000, 60_000, 120_000, 140_000]);
        let topic = topic(&mut random);
        let payload = random.octets(n);
        let properties = PublishProperties {
            response_topic: (random.below(4) == 0)
                .then(|| random.one_of(&["a/b", "$SYS/a", "gsmgate/t/send"]).to_string()),
            user_properties: vec![("k".to_owned(), random.text(20))],
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
        // We announce 128 KiB; the broker drops what is more.
        sent += u64::from(topic.len() + n < 125_000);
        world.witness.user.publish(&topic, payload, options).await;
    }
    world.witness.upto(sent).await;
    world.command("good").await;
    world.witness.upto(sent + 1).await;
    assert_eq!((world.last(), world.accepted().await), (sent + 1, 1));
    assert_eq!(world.witness.count(|event| event["event_type"] == "refused"), usize::try_from(sent).unwrap());
    assert_eq!(world.proxy.seen().len(), 1, "the link stays");
    world.rig.kill().await;
}

/// A command topic; what it names is nobody's.
fn topic(random: &mut Random) -> String {
    let name = match random.below(4) {
        0 => "9".repeat(60_000),
        1 => "$share".to_owned(),
        2 => random.text(300),
        _ => random.text(8),
    };
    // Not a number, a verb, or another level.
    let name = format!("x{}", name.replace('/', "-"));
    match random.below(4) {
        0 => "send".to_owned(),
        1 => format!("send/{name}"),
        2 => format!("request/{name}"),
        _ => format!("notify/{name}"),
    }
}

/// F-55: a broker that hands on what no broker may. What MQTT calls malformed ends the link (§4.13); everything else is refused or
/// passed over and acknowledged. Nothing of it is carried out, and the next command is.
#[tokio::test]
async fn f55_topics_that_no_broker_may_hand_on() {
    clock::run_faster(SPEED);
    let (dir, broker) = (tempfile::tempdir().unwrap(), scripted::Broker::new().await);
    let rig = Rig::start(dir.path(), broker.address());
    let mut link = broker.accept(false, &[]).await;
    let topics: [&[u8]; 9] = [
        b"gsmgate/t/send/+",
        b"gsmgate/t/send/#",
        b"gsmgate/t/#",
        b"+/+/send",
        b"gsmgate/t/send/a\0b",
        b"gsmgate/t/send/\xff\xfe",
        b"gsmgate/t/request/\r\nAT+CFUN=0",
        b"$SYS/broker/version",
        b"$share/a/gsmgate/t/send",
    ];
    let mut kept = 0;
    for topic in topics {
        link.command_to(topic, 1, br#"{"to":"+491701234567","text":"a"}"#).await;
        if is_acknowledged(&mut link, 1).await {
            kept += 1;
        } else {
            link = broker.accept(false, &[]).await;
        }
        assert_eq!(rig.gateway.counts().await.unwrap().queued, 0, "{}", topic.escape_ascii());
    }
    println!("{kept} of {} were acknowledged", topics.len());
    link.command("gsmgate/t/send", 2, br#"{"to":"+491701234567","text":"a"}"#).await;
    assert!(is_acknowledged(&mut link, 2).await);
    assert_eq!(rig.gateway.counts().await.unwrap().queued, 1);
    rig.kill().await;
}

/// Whether the gateway acknowledges this, or ends the link.
async fn is_acknowledged(link: &mut scripted::Link, id: u16) -> bool {
    loop {
        match link.next().await {
            None => return false,
            Some(Packet::PubAck(acknowledged)) => return acknowledged == id,
            Some(Packet::Publish(publish)) => link.puback(publish.id, 0).await,
            Some(Packet::Subscribe { id, filters }) => link.suback(id, filters.len()).await,
            Some(_) => {}
        }
    }
}

/// F-56: another client has our identifier and comes back whenever it is thrown out. After three times we leave it alone for a
/// minute, and tell of it once; when it is gone everything goes on.
#[tokio::test]
async fn f56_takeover_loop() {
    let mut world = World::start("").await;
    let mut options = MqttOptions::new("gsmgate-t", rumqttc::Broker::tcp("127.0.0.1", world.broker.address.port()));
    options.set_clean_start(true);
    let (_client, mut other) = AsyncClient::builder(options).capacity(8).build();
    let other = tokio::spawn(async move {
        loop {
            let _ = other.poll().await;
        }
    });
    let begin = Instant::now();
    let minute = Duration::from_secs(60) / SPEED;
    let is_left_alone =
        |seen: &[super::proxy::Seen]| seen.windows(2).any(|pair| pair[1].began - pair[0].began >= minute * 9 / 10);
    let links = world.links("it is left alone", is_left_alone).await;
    println!("{} links within {:?} of this time", links.len(), begin.elapsed());
    // Ours, and one after each time but the last; more only where three took longer than a minute.
    assert!(links.len() >= 4, "{}", links.len());
    world.receive_many(10).await;
    other.abort();
    soon("it is told", async {
        while world.witness.count(|event| event["alarm"] == "client_id_in_use") == 0 {
            world.witness.next().await;
        }
    })
    .await;
    world.settle().await;
    world.links("the last link", |seen| seen.last().is_some_and(|link| link.subscribed)).await;
    world.command("after").await;
    world.witness.upto(12).await;
    assert_eq!(world.witness.count(|event| event["alarm"] == "client_id_in_use"), 1, "told once");
    assert_eq!((world.last(), world.accepted().await), (12, 1));
    world.rig.kill().await;
}
