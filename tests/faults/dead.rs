//! One SIM of four is dead: F-74.

use super::world::{MS, SECOND, World};
use gsmgate::model::{ModemPhase, OnUncertain, PublicState};
use gsmgate::simulator::{LabConfig, What};

/// Messages in the queue when it dies.
const N: usize = 40;

/// F-74: the others carry what it had, but for what may go by no other.
#[tokio::test(start_paused = true)]
async fn what_a_dead_sim_had_goes_out_by_others() {
    let world = World::ready(LabConfig { modems: 4, latency: 500 * MS, ..LabConfig::default() }).await;
    let mut sent = Vec::new();
    for n in 0..N {
        let text = format!("out {n}");
        let id = world.text(&text).await;
        sent.push((text, id));
    }
    let pinned = world.send("by that one", Some(3), OnUncertain::Resend).await;
    world.lab.unplug(3, None).await.unwrap();
    world.is_in(3, ModemPhase::Offline).await;
    let begun = world.now();
    let all_out = async || {
        let records = world.records().await;
        let out = |wanted: &str| {
            records.iter().any(|it| matches!(&it.what, What::Submit { ok: true, text, .. } if text == wanted))
        };
        sent.iter().all(|(text, _)| out(text)).then_some(())
    };
    world.until("all of them", all_out).await;
    assert!(world.now() - begun < 60 * SECOND, "{:?}", world.now() - begun);
    let view = world.view(&pinned).await;
    assert_eq!((view.state, view.only_sim.unwrap().as_str()), (PublicState::Queued, "sim3"));
    world.lab.plug(3).await.unwrap();
    world.gets(&pinned, PublicState::Delivered).await;
    // Reports on what it had sent came to it.
    let measured = world.judge(&sent).await;
    assert_eq!(measured.lost, 0, "{measured:?}");
}
