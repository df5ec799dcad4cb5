//! A wall clock that is set while everything is under way: F-60, F-61, I-28.

use super::sims::half;
use super::world::{SECOND, World};
use gsmgate::model::{EventKind, MessageId, OnUncertain, PublicState, Submission};
use gsmgate::simulator::{Fault, FaultKind, LabConfig, Stage, When};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;
/// How far the wall clock is set, in seconds, and whether it stays so.
const STEPS: [(i64, bool); 7] = [
    (1, true),
    (-1, true),
    (HOUR, true),
    (-HOUR, true),
    (10 * YEAR, true),
    (-10 * YEAR, true),
    // For one tick.
    (YEAR, false),
];
/// Histories at a time.
const AT_A_TIME: usize = 3;
/// Where the measured time is no more exact than that.
const SLACK: u64 = 15;

#[test]
fn no_step_of_the_wall_clock_changes_a_span() {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((ahead, stays)) = STEPS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
                    runtime.block_on(history(*ahead, *stays));
                    runtime.shutdown_background();
                }
            });
        }
    });
}

/// One message at each transition when the clock is set.
async fn history(ahead: i64, stays: bool) {
    let world = World::ready(LabConfig { modems: 4, ..LabConfig::default() }).await;
    let fault = async |kind, modem, when| world.lab.fault(Fault::once(kind).of_modem(modem).when(when)).await.unwrap();
    fault(FaultKind::NeverAccepted, 0, When::Nth(1)).await;
    for n in 1..=3 {
        fault(FaultKind::CmsError { code: 38, stage: Stage::Payload }, 1, When::Nth(n)).await;
    }
    fault(FaultKind::FinalLate { by: 30 * SECOND }, 2, When::Nth(1)).await;
    world.lab.unplug(3, None).await.unwrap();
    world.is_in(3, gsmgate::model::ModemPhase::Offline).await;
    let begun = world.now();
    let uncertain = world.send("uncertain", Some(0), OnUncertain::Resend).await;
    let refused = world.send("refused", Some(1), OnUncertain::Resend).await;
    let in_the_air = world.send("in the air", Some(2), OnUncertain::Resend).await;
    let absent = expiring(&world, 400 * SECOND).await;
    world.lab.inject_pdu(1, &half(1, "begin, ")).await.unwrap();
    for id in [&uncertain, &in_the_air] {
        world.gets(id, PublicState::Sending).await;
    }
    world.set_wall(ahead);
    tokio::time::sleep(2 * SECOND).await;
    if !stays {
        world.set_wall(0);
    }

    let name = format!("{ahead} s, stays: {stays}");
    let took = async |id: &MessageId| (world.ended(id).await.state, (world.now() - begun).as_secs());
    let fresh = world.text("fresh").await;
    assert_eq!(took(&fresh).await.0, PublicState::Delivered, "{name}");
    for (id, text, at) in
        [(&in_the_air, "in the air", 30), (&refused, "refused", 5 + 10 + 20), (&uncertain, "uncertain", 300)]
    {
        let (state, took) = took(id).await;
        assert_eq!((state, world.accepted(text).await), (PublicState::Delivered, 1), "{name}: {text}");
        assert!(took < at + SLACK, "{name}: {text} took {took} s");
        assert!(text == "refused" || took + SLACK > at, "{name}: {text} took {took} s");
    }
    let (state, took) = took(&absent).await;
    // It is looked once a minute.
    assert!(state == PublicState::Expired && (400..465).contains(&took), "{name}: {state:?} after {took} s");
    // Nothing else is to come before the ten minutes are over.
    tokio::time::advance(100 * SECOND).await;
    let half = || async {
        let events = world.events().await;
        events.into_iter().any(|event| matches!(event, EventKind::Inbound(it) if it.missing == [2])).then_some(())
    };
    world.until("half a message", half).await;
    let took = (world.now() - begun).as_secs();
    assert!((590..680).contains(&took), "{name}: half a message after {took} s");
    assert_eq!(world.wall_believed(), if stays { ahead } else { 0 }, "{name}");
}

/// F-63: digits that are no time.
#[tokio::test(start_paused = true)]
async fn a_message_without_a_time_is_published() {
    let world = World::ready(LabConfig::default()).await;
    let (right, wrong) = ("62115200000000", "FAFFFFFFFFFF99");
    let pdus = [half(1, "begin, "), half(2, "end")];
    for pdu in pdus {
        assert!(pdu.contains(right), "{pdu}");
        world.lab.inject_pdu(0, &pdu.replace(right, wrong)).await.unwrap();
    }
    world.came("begin, end").await;
    world.emptied().await;
}

/// A message for a SIM that is not there, which has so much time.
async fn expiring(world: &World, within: Duration) -> MessageId {
    let submission = Submission {
        sim: Some("sim3".parse().unwrap()),
        expires_at: Some(world.gateway.now().after(within)),
        ..Submission::text("+491701234567".parse().unwrap(), "absent")
    };
    world.gateway.submit(vec![submission], None).await.unwrap().remove(0).id
}
