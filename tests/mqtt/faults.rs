//! The faults of MQTT, F-49 to F-59: a whole gateway without modems, the recommended broker, and what spoils the link between them.
//!
//! In all of them the witness at the broker sees each event, in order, and a copy only with the same `event_id`.
#![cfg(feature = "embedded-broker")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may fail where it stands, and says what it saw")]

mod frames;
mod loads;
mod mosquitto;
mod proxy;
mod random;
#[allow(dead_code, reason = "shared with the other tests of the bridge")]
mod rig;
#[allow(dead_code, reason = "shared with the other tests of the bridge")]
mod scripted;
mod seeded;
mod strangers;
mod trust;
#[allow(dead_code, reason = "shared with the other tests of the bridge")]
mod user;
mod world;

use proxy::{Acks, End, Faults, Way};
use std::time::{Duration, Instant};
use world::World;

/// F-49: it forgets sessions and what it holds; the gateway subscribes again and publishes what was not acknowledged.
#[tokio::test]
async fn f49_broker_restarted_without_persistence() {
    let mut world = World::start("persistence false").await;
    for round in 0..3 {
        world.receive_many(20).await;
        world.settle().await;
        // These are written to a line that leads nowhere.
        world.proxy.silence(true);
        world.receive_many(100).await;
        world.witness.catch_up().await;
        world.broker.kill().await;
        world.proxy.away(true);
        world.proxy.silence(false);
        world.broker.again().await;
        world.witness.connect_again(world.broker.address).await;
        let (before, back) = (world.last(), Instant::now());
        world.proxy.away(false);
        world.settle().await;
        let took = back.elapsed();
        println!("round {round}: 100 events were there {took:?} after the broker");
        assert!(took < Duration::from_secs(5), "{took:?}");
        world.witness.online().await;
        world.command(&format!("m{round}")).await;
        world.witness.upto(before + 1).await;
    }
    assert_eq!(world.accepted().await, 3);
    world.rig.kill().await;
}

/// F-50: the exchange of one connection is cut at each of its octets in both directions, and what follows makes it good.
/// Once with a session that the broker kept, and a command in it; once with one that it forgot.
#[test]
fn f50_cut_at_each_octet() {
    const LANES: usize = 8;
    let begin = Instant::now();
    let in_a_thread = |lane| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(cut_each(lane, LANES))
        })
    };
    let lanes: Vec<_> = (0..LANES).map(in_a_thread).collect();
    let (mut offsets, mut cuts, mut copies) = (0, 0, 0);
    for lane in lanes {
        let lane = lane.join().unwrap();
        (offsets, cuts, copies) = (offsets + lane.0, cuts + lane.1, copies + lane.2);
    }
    println!("cut at {cuts} of {offsets} offsets; {copies} copies; {:?}", begin.elapsed());
    // CONNECT, states, two events and their acknowledgements, twice: far more than this.
    assert!(cuts > 2000 && cuts * 100 > offsets * 98, "{cuts} of {offsets}");
    // Where it lies between a PUBLISH and its PUBACK there is one.
    assert!(copies > 30, "{copies}");
}

/// Every n-th offset. Offsets, links that were cut at theirs, and copies of events.
async fn cut_each(first: usize, step: usize) -> (usize, usize, usize) {
    let mut world = World::start("").await;
    let (mut offsets, mut cuts, mut copies, mut commands) = (0, 0, 0, 0);
    for clean_start in [false, true] {
        let uncut = exchange(&mut world, &mut commands, Faults { clean_start, ..Faults::default() }).await;
        for way in [Way::ToBroker, Way::ToGateway] {
            for octets in (1 + first..=uncut.passed[way as usize]).step_by(step) {
                // Three FINs within a minute of ours are another fault.
                let end = if (octets / step).is_multiple_of(32) { End::Fin } else { End::Reset };
                let before = world.last();
                let faults = Faults { cut: Some((way, octets, end)), clean_start, ..Faults::default() };
                let link = exchange(&mut world, &mut commands, faults).await;
                let (all, most) = world.witness.copies_after(before);
                assert!(most <= 1, "{way:?} {octets}: an event came {} times", most + 1);
                offsets += 1;
                cuts += usize::from(link.passed[way as usize] == octets && link.is_over);
                copies += all;
            }
        }
    }
    assert_eq!(world.accepted().await, commands, "each command is carried out once");
    world.rig.kill().await;
    (offsets, cuts, copies)
}

/// One connection with these faults, and what follows, until all is as it should be; the connection with the faults.
async fn exchange(world: &mut World, commands: &mut u64, faults: Faults) -> proxy::Seen {
    world.proxy.away(true);
    world.receive("a").await;
    let before = world.last();
    // A session that is forgotten takes what the broker has acknowledged with it.
    if !faults.clean_start {
        *commands += 1;
        world.command(&format!("m{commands}")).await;
    }
    let spoiled = world.proxy.seen().len();
    let is_cut = faults.cut.is_some();
    world.proxy.mend();
    world.proxy.spoil_next(faults.clone());
    if faults.clean_start {
        // And the next one too, so that what was under way is lost with the session.
        world.proxy.spoil_next(Faults { clean_start: true, ..Faults::default() });
    }
    world.proxy.away(false);
    if !faults.clean_start {
        world.witness.upto(before + 1).await;
    }
    world.settle().await;
    // The states are published once more two seconds later: some offsets lie there.
    let patience = if is_cut { Duration::from_secs(3) } else { Duration::from_millis(150) };
    let over = Instant::now() + Duration::from_secs(2) / world::SPEED + patience;
    loop {
        let link = world.proxy.seen()[spoiled].clone();
        if is_cut && link.is_over || Instant::now() > over {
            return link;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// F-51: nobody hangs up, and nothing comes: noticed within 1½ keep-alives (here 2 s), also while events go out; a link that
/// does not come up, within five seconds.
#[tokio::test]
async fn f51_half_open() {
    let idle = half_open(Duration::MAX, None);
    let busy = half_open(Duration::from_millis(250), None);
    let on_the_way_up = half_open(Duration::MAX, Some(20));
    let (idle, busy, on_the_way_up) = tokio::join!(idle, busy, on_the_way_up);
    println!("noticed after {idle:?} idle, {busy:?} busy, {on_the_way_up:?} on the way up");
    // With the default of 20 s: 30 s, of 35 s until it goes on.
    assert!(idle.max(busy) < Duration::from_secs(7), "{idle:?} {busy:?}");
    assert!(on_the_way_up < Duration::from_secs(12), "{on_the_way_up:?}");
}

/// How long it takes until there is another link; meanwhile something happens this often.
async fn half_open(often: Duration, silent_after: Option<usize>) -> Duration {
    let broker = mosquitto::Mosquitto::start("").await;
    let mut world = World::start_with(broker, |config| config.keep_alive = Duration::from_secs(2)).await;
    world.receive_many(5).await;
    world.settle().await;
    // Until the states have been published once more: then nothing is under way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    let links = match silent_after {
        None => {
            world.proxy.silence(true);
            2
        }
        Some(_) => {
            world.proxy.spoil_next(Faults { silent_after, ..Faults::default() });
            world.proxy.cut(End::Reset);
            3
        }
    };
    let mut next = often;
    while world.proxy.seen().len() < links {
        if begin.elapsed() >= next {
            world.receive("while nobody hears").await;
            next += often;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(begin.elapsed() < Duration::from_secs(40), "it is not noticed");
        world.proxy.silence(world.proxy.seen().len() < links && silent_after.is_none());
    }
    let took = begin.elapsed();
    world.receive("after").await;
    world.settle().await;
    world.rig.kill().await;
    took
}

/// F-52: the acknowledgements of commands are lost, and the broker sends them again with DUP; who is not sure publishes again
/// under another packet identifier; two bridges bring each command twice.
#[tokio::test]
async fn f52_command_redelivered() {
    let mut world = World::start("").await;
    world.link_again(Faults { acks: [Acks::Lost, Acks::Pass], ..Faults::default() }).await;
    for k in 0..5 {
        world.command(&format!("m{k}")).await;
    }
    // Without an id it is known by response topic and correlation data.
    let properties = rumqttc::PublishProperties {
        response_topic: Some("app/answers".to_owned()),
        correlation_data: Some(b"c-1".to_vec().into()),
        ..rumqttc::PublishProperties::default()
    };
    let options = rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce).properties(properties);
    world.witness.user.publish("send", r#"{"to":"+491701234567","text":"a"}"#, options).await;
    world.witness.upto(6).await;
    for round in 3..6 {
        world.proxy.cut(End::Reset);
        world.links("the broker sends all again", |seen| seen.len() == round && seen[round - 1].again >= 6).await;
    }
    world.link_again(Faults::default()).await;
    // The same once more, from who is not sure: another packet identifier.
    for k in 0..5 {
        world.command(&format!("m{k}")).await;
    }
    world.command("last").await;
    world.witness.upto(7).await;
    two_bridges(&mut world).await;
    assert_eq!((world.accepted().await, world.last()), (17, 17));
    world.rig.kill().await;
}

/// Ten commands come to another broker, which two bridges hand on.
async fn two_bridges(world: &mut World) {
    let bridge = |name: &str| {
        let address = world.broker.address;
        format!(
            "connection {name}\naddress {address}\ntopic gsmgate/t/send out 1\ntry_private false\nremote_clientid {name}\n"
        )
    };
    let far = mosquitto::Mosquitto::start(&format!("{}{}", bridge("one"), bridge("two"))).await;
    let user = user::User::connect(far.address).await;
    for k in 0..10 {
        user.send(format!(r#"{{"to":"+491701234567","text":"a","id":"far{k}"}}"#)).await;
    }
    world.witness.upto(17).await;
    world.links("each came twice", |seen| seen.last().unwrap().commands >= 20).await;
    world.command("far0").await;
    world.witness.catch_up().await;
}

/// F-53: retained commands are refused at every connection; what is too old for its expiry or for the broker's session never
/// arrives, or is refused.
#[tokio::test]
async fn f53_retained_and_stale_commands() {
    let mut world = World::start("").await;
    let retained = rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce).retained();
    world.witness.user.publish("send", r#"{"to":"+491701234567","text":"a"}"#, retained).await;
    world.witness.upto(1).await;
    // A session that is forgotten brings it anew: the filters are subscribed again.
    world.proxy.spoil_all(Faults { clean_start: true, ..Faults::default() });
    for n in 2..=11 {
        world.proxy.cut(End::Reset);
        world.witness.upto(n).await;
    }
    let refused = |event: &serde_json::Value| event["error"]["code"] == "retained_command";
    assert_eq!(world.witness.count(refused), 11);
    world.witness.user.publish("send", "", rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce).retained()).await;

    // The gateway is away; days are seconds here.
    world.link_again(Faults { session_expiry: Some(1), clean_start: true, ..Faults::default() }).await;
    world.proxy.away(true);
    world.command("waits-for-nobody").await;
    world.broker.says("Expiring").await;
    assert_eq!(world.link_again(Faults::default()).await.resumed, Some(false));

    // Its sender said how long it is good for, in the payload or to the broker.
    world.proxy.away(true);
    let old = r#"{"to":"+491701234567","text":"a","id":"old","expires_at":"2026-01-01T00:00:00Z"}"#;
    world.witness.user.send(old).await;
    let short = rumqttc::PublishProperties { message_expiry_interval: Some(1), ..Default::default() };
    let short = rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce).properties(short);
    world.witness.user.publish("send", r#"{"to":"+491701234567","text":"a","id":"short"}"#, short).await;
    // The broker's clock has seconds.
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.proxy.away(false);
    world.command("new").await;
    world.witness.upto(13).await;
    assert_eq!(world.witness.count(|event| event["error"]["code"] == "expired" && event["id"] == "old"), 1);
    world.witness.catch_up().await;
    assert_eq!((world.accepted().await, world.last()), (1, 13), "only the new one");
    world.rig.kill().await;
}
