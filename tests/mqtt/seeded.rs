//! I-25: whatever becomes of broker, link and gateway, each inbound message is published, and `seq` has no gap.

use super::mosquitto::Mosquitto;
use super::proxy::{Acks, End, Faults, Way};
use super::random::Random;
use super::rig::{self, Rig};
use super::world::World;
use std::time::Duration;

/// How many faults: this, or 60.
const FAULTS: &str = "GSMGATE_MQTT_FAULTS";

/// What happens between two looks.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Cut,
    CutSoon,
    SessionForgotten,
    AcksLost,
    AcksOutOfOrder,
    SlowLine,
    HalfOpen,
    BrokerRestarted,
    GatewayKilled,
    TakenOver,
}

const ALL: [Fault; 13] = [
    Fault::Cut,
    Fault::CutSoon,
    Fault::CutSoon,
    Fault::CutSoon,
    Fault::SessionForgotten,
    Fault::SessionForgotten,
    Fault::AcksLost,
    Fault::AcksOutOfOrder,
    Fault::SlowLine,
    Fault::HalfOpen,
    Fault::BrokerRestarted,
    Fault::GatewayKilled,
    Fault::TakenOver,
];

#[tokio::test]
async fn i25_every_inbound_is_published_and_seq_has_no_gap() {
    let mut random = Random::start("i25_every_inbound_is_published_and_seq_has_no_gap");
    let faults = std::env::var(FAULTS).map_or(60, |n| n.parse().expect("a number"));
    // Half-open links are noticed soon.
    let short = |config: &mut gsmgate::bridge::mqtt::Config| config.keep_alive = Duration::from_secs(1);
    let mut world = World::start_with(Mosquitto::start("").await, short).await;
    // Seen once in a thousand faults: what the library sends again in a session that goes on comes in another order.
    world.witness.in_any_order = true;
    let mut received = 0;
    for n in 0..faults {
        received += receive(&mut world, &mut random, received).await;
        let fault = *random.one_of(&ALL);
        println!("{n}: {fault:?}");
        world = befall(world, fault, &mut random).await;
        received += receive(&mut world, &mut random, received).await;
        if random.below(3) == 0 {
            world.proxy.mend();
            // Where no acknowledgement arrives there is never an end.
            if matches!(fault, Fault::AcksLost) {
                world.proxy.cut(End::Reset);
            }
            world.settle().await;
        }
    }
    world.proxy.mend();
    world.proxy.cut(End::Reset);
    world.settle().await;
    for n in 0..received {
        let text = format!("message {n}");
        assert_eq!(world.witness.count(|event| event["text"] == text.as_str()), 1, "{text}");
    }
    let copies = world.witness.copies_after(0).0;
    println!(
        "{faults} faults, {received} messages, {} events, {copies} copies, {} links",
        world.last(),
        world.proxy.seen().len()
    );
    world.rig.kill().await;
}

/// Up to 30 messages come in.
async fn receive(world: &mut World, random: &mut Random, before: usize) -> usize {
    let n = random.below(30);
    for k in 0..n {
        world.receive(&format!("message {}", before + k)).await;
    }
    n
}

async fn befall(mut world: World, fault: Fault, random: &mut Random) -> World {
    let end = *random.one_of(&[End::Reset, End::Reset, End::Reset, End::Fin]);
    let mut faults = Faults::default();
    match fault {
        Fault::Cut => {}
        Fault::CutSoon => {
            let way = *random.one_of(&[Way::ToBroker, Way::ToGateway]);
            faults.cut = Some((way, random.below(4000) + 1, end));
        }
        Fault::SessionForgotten => faults.clean_start = true,
        Fault::AcksLost => faults.acks[Way::ToGateway as usize] = Acks::Lost,
        Fault::AcksOutOfOrder => faults.acks[Way::ToGateway as usize] = Acks::Reversed(random.below(64) + 1),
        Fault::SlowLine => faults.slow = Some((random.below(300) + 1, Duration::from_millis(1))),
        Fault::HalfOpen => faults.silent_after = Some(random.below(3000)),
        Fault::BrokerRestarted => return restarted(world).await,
        Fault::GatewayKilled => {
            world.rig.kill().await;
            let mut config = rig::to(world.proxy.address);
            config.keep_alive = Duration::from_secs(1);
            world.rig = Rig::linked(Default::default(), world.dir.path(), config);
            return world;
        }
        Fault::TakenOver => {
            taken_over(&world).await;
            return world;
        }
    }
    world.proxy.spoil_next(faults);
    world.proxy.cut(end);
    world
}

/// It forgets all it has. What it has acknowledged is seen before; what is written then leads nowhere.
async fn restarted(mut world: World) -> World {
    world.proxy.silence(true);
    world.receive("written to nobody").await;
    world.witness.catch_up().await;
    world.broker.kill().await;
    world.proxy.away(true);
    world.proxy.silence(false);
    world.broker.again().await;
    world.witness.connect_again(world.broker.address).await;
    world.proxy.away(false);
    world
}

/// Another client with our identifier comes and goes, and takes the session along.
async fn taken_over(world: &World) {
    let broker = rumqttc::Broker::tcp("127.0.0.1", world.broker.address.port());
    let mut options = rumqttc::MqttOptions::new("gsmgate-t", broker);
    options.set_clean_start(true);
    let (_client, mut other) = rumqttc::AsyncClient::builder(options).capacity(8).build();
    let _ = rig::soon("the other client is there", other.poll()).await;
}
