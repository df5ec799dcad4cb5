//! SIMs and networks: F-15 to F-25.

use super::world::{EPOCH, Measured, SECOND, World};
use gsmgate::model::{EventKind, ModemPhase, NoticeKind, OnUncertain, PublicState};
use gsmgate::simulator::{Fault, FaultKind, LabConfig, NoNetwork, OddDelete, Stage, What};
use gsmgate::tpdu::{Address, Concat, Deliver, Pdu, Scts, Udh, UserData, gsm7};
use std::ops::Range;
use std::time::Duration;

const FROM: &str = "+491701234567";

/// Each of these texts comes in once; how long that took, and until the memories are empty.
async fn arrivals(world: &World, texts: &[&str]) -> Measured {
    let begun = world.now();
    let mut measured = Measured::default();
    for text in texts {
        measured = measured.and(world.came(text).await);
    }
    world.emptied().await;
    measured.took(world.now() - begun)
}

pub(crate) async fn f_15_memory_full() -> Measured {
    let world = World::with(Fault::once(FaultKind::MemoryFull)).await;
    world.lab.inject(0, FROM, "waits").await.unwrap();
    let measured = arrivals(&world, &["waits"]).await;
    assert_eq!(world.notices(NoticeKind::Alarm).await, ["memory_filling"]);
    let fillers = world.received().await.iter().filter(|text| text.starts_with("filler")).count();
    Measured { lost: 30 - fillers, ..measured }
}

pub(crate) async fn f_16_other_memory() -> Measured {
    let world = World::with(Fault::once(FaultKind::OtherMemory { told: false })).await;
    world.lab.inject(0, FROM, "stray").await.unwrap();
    let measured = arrivals(&world, &["stray"]).await;
    world.struck().await;
    // It forgets what was chosen, and says nothing of that.
    world.lab.restart(0).await.unwrap();
    world.lab.inject(0, FROM, "after a restart").await.unwrap();
    measured.and(arrivals(&world, &["after a restart"]).await)
}

pub(crate) async fn f_17_delete_fails() -> Measured {
    let mut measured = Measured::default();
    for delete in [OddDelete::Error, OddDelete::Ignored, OddDelete::Silent, OddDelete::WrongIndex] {
        let world = World::with(Fault::once(FaultKind::DeleteFails { delete })).await;
        for text in ["one", "two"] {
            world.lab.inject(0, FROM, text).await.unwrap();
        }
        measured = measured.and(arrivals(&world, &["one", "two"]).await);
        world.struck().await;
    }
    measured
}

pub(crate) async fn f_18_odd_messages() -> Measured {
    let world = World::with(Fault::once(FaultKind::OddMessage { message: None })).await;
    world.lab.inject(0, FROM, "plain").await.unwrap();
    let measured = arrivals(&world, &["plain"]).await;
    let events = world.events().await;
    let odd = events.iter().filter(|event| matches!(event, EventKind::Inbound(_) | EventKind::Raw(_))).count() - 1;
    Measured { lost: 9 - odd, ..measured }
}

pub(crate) async fn f_19_sim_gone() -> Measured {
    let mut measured = Measured::default();
    for swapped in [false, true] {
        let config = LabConfig { modems: 2, ..LabConfig::default() };
        let world = World::ready(config).await;
        let back = 30 * SECOND;
        let gone = FaultKind::SimGone { back: Some(back), swapped };
        world.lab.fault(Fault::once(gone).of_modem(0)).await.unwrap();
        let struck = world.struck().await;
        world.is_in(0, ModemPhase::Blocked).await;
        let traffic = world.traffic(2).await;
        assert!(traffic.took < 5 * SECOND, "the other SIM sends: {:?}", traffic.took);
        let status = world.is_ready(0).await;
        let took = world.now() - struck - back;
        let iccid = LabConfig::iccid(if swapped { 1000 } else { 0 });
        assert_eq!(status.sim.unwrap().iccid.as_str(), iccid);
        measured = measured.and(traffic.took(took));
    }
    measured
}

pub(crate) async fn f_21_no_network() -> Measured {
    let mut measured = Measured::default();
    for network in [NoNetwork::Searching, NoNetwork::Denied, NoNetwork::Roaming] {
        let lasts = 60 * SECOND;
        let world = World::with(Fault::once(FaultKind::NoNetwork { network, lasts })).await;
        let struck = world.struck().await;
        if network == NoNetwork::Roaming {
            measured = measured.and(world.traffic(2).await);
            continue;
        }
        world.is_in(0, ModemPhase::Blocked).await;
        let id = world.text("waits").await;
        tokio::time::sleep(lasts / 2).await;
        let view = world.view(&id).await;
        assert_eq!((view.state, view.parts[0].attempts.len()), (PublicState::Queued, 0), "no try is counted");
        let judged = world.judge(&[("waits".to_owned(), id)]).await;
        measured = measured.and(judged.took(world.now() - struck - lasts));
    }
    measured
}

pub(crate) async fn f_22_interleaved() -> Measured {
    let mut measured = Measured::default();
    for seed in 1..=4 {
        let world = World::ready(LabConfig { seed, ..LabConfig::default() }).await;
        world.lab.fault(Fault::once(FaultKind::Interleaved)).await.unwrap();
        let texts = ["+491700000001", "+491700000002"].map(|from| from.repeat(30));
        measured = measured.and(arrivals(&world, &texts.each_ref().map(String::as_str)).await);
    }
    measured
}

/// One of two parts, as hex with an empty service centre field.
pub(crate) fn half(seq: u8, text: &str) -> String {
    let concat = Concat { reference: 7, wide: false, total: 2, seq };
    let ud = UserData { udh: Udh(vec![concat.into()]), payload: gsm7::encode(text).unwrap() };
    let scts = Scts::from_unix(EPOCH, 0).unwrap();
    Pdu { smsc: None, tpdu: Deliver { oa: Address::from_number(FROM), scts, ud, ..Deliver::default() } }
        .to_hex()
        .unwrap()
        .0
}

pub(crate) async fn f_23_part_after_days() -> Measured {
    let world = World::ready(LabConfig::default()).await;
    world.lab.inject_pdu(0, &half(1, "begin, ")).await.unwrap();
    let begun = world.now();
    let revision = |wanted: u8| {
        let world = &world;
        move || async move {
            world.events().await.into_iter().find_map(|event| match event {
                EventKind::Inbound(it) if it.revision == wanted => Some((it.text.unwrap_or_default(), it.missing)),
                _ => None,
            })
        }
    };
    let (text, missing) = world.until("what is there", revision(1)).await;
    assert!(text.starts_with("begin, ") && missing == [2], "{text} {missing:?}");
    assert!((590..670).contains(&(world.now() - begun).as_secs()), "{:?}", world.now() - begun);
    tokio::time::advance(Duration::from_secs(70 * 3600)).await;
    world.lab.inject_pdu(0, &half(2, "end")).await.unwrap();
    let whole = world.until("all of it", revision(2)).await;
    assert_eq!(whole, ("begin, end".to_owned(), vec![]));
    Measured::default()
}

pub(crate) async fn f_24_sim_lost_between_parts() -> Measured {
    // As long as three parts, each of other letters.
    let text: String = ["a", "b", "c"].map(|letter| letter.repeat(153)).concat();
    for (back, begins_anew) in [(SECOND, false), (15 * 60 * SECOND, true)] {
        let world = World::ready(LabConfig { modems: 2, ..LabConfig::default() }).await;
        world.lab.fault(Fault::once(FaultKind::SimLost { back }).of_modem(0)).await.unwrap();
        let id = world.send(&text, None, OnUncertain::Resend).await;
        let view = world.ended(&id).await;
        world.struck().await;
        let records = world.records().await;
        let parts = records.iter().filter_map(|record| match record.what {
            What::Submit { ok: true, reference, part, .. } => Some((record.modem, reference, part)),
            _ => None,
        });
        let parts: Vec<_> = parts.collect();
        let last = parts.last().unwrap();
        let whole = parts.iter().filter(|part| (part.0, part.1) == (last.0, last.1)).count();
        assert_eq!((view.state, whole), (PublicState::Delivered, 3), "{parts:?}");
        // Of the first run one part is left over, which phones never show.
        assert_eq!((parts.len() > 3, view.restarted), (begins_anew, begins_anew), "{parts:?}");
    }
    // Whether it waits for the SIM or begins anew, nothing has to recover.
    Measured::default()
}

/// Codes that are played to one world at a time: a modem has one of them.
const CODES_AT_A_TIME: u16 = 64;
/// The last code of the standard's tables and of the makes' own.
const LAST_CODE: u16 = 600;

/// What becomes of a message to which this code is answered after its payload, by RELIABILITY §2.4: the codes that blame the
/// message end it, any other has it sent again, or wait for its report.
fn end_of(code: u16) -> PublicState {
    match code {
        1 | 30 | 95..=99 | 111 | 128..=159 | 176 | 195..=199 | 304 | 305 => PublicState::Failed,
        _ => PublicState::Delivered,
    }
}

pub(crate) async fn f_25_cms_codes() -> Measured {
    let mut measured = Measured::default();
    for stage in [Stage::Prompt, Stage::Payload] {
        for first in (0..=LAST_CODE).step_by(usize::from(CODES_AT_A_TIME)) {
            let codes = first..(first + CODES_AT_A_TIME).min(LAST_CODE + 1);
            measured = measured.and(these_codes(stage, codes).await);
        }
    }
    measured
}

async fn these_codes(stage: Stage, codes: Range<u16>) -> Measured {
    let world = World::ready(LabConfig { modems: codes.len(), ..LabConfig::default() }).await;
    let begun = world.now();
    let mut sent = Vec::new();
    for (n, code) in codes.clone().enumerate() {
        let kind = FaultKind::CmsError { code, stage };
        world.lab.fault(Fault::once(kind).of_modem(n)).await.unwrap();
        let text = format!("{code} at {stage:?}");
        sent.push((text.clone(), world.send(&text, Some(n), OnUncertain::Resend).await));
    }
    let mut measured = Measured::default();
    for (code, (text, id)) in codes.zip(&sent) {
        let view = world.ended(id).await;
        let accepted = world.accepted(text).await;
        // Before the prompt nothing was sent, whatever the code says.
        let end = if stage == Stage::Prompt { PublicState::Delivered } else { end_of(code) };
        assert_eq!(view.state, end, "{text}");
        assert!(accepted <= 1 || view.duplicate_possible, "{text}");
        let twice = accepted.saturating_sub(1);
        let lost = usize::from(view.state == PublicState::Delivered && accepted == 0);
        measured = measured.and(Measured { took: world.now() - begun, lost, twice });
    }
    measured
}
