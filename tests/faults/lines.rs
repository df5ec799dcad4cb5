//! Serial lines and AT: F-01 to F-14.

use super::world::{MS, Measured, SECOND, World};
use gsmgate::model::{OnUncertain, PublicState};
use gsmgate::simulator::{Fault, FaultKind, LabConfig, Noise, OddFinal, OddPrompt, Record, Step, UrcPlace, What, When};
use std::time::Duration;

/// What a submit may take, as the driver has it.
const DEADLINE: Duration = gsmgate::modem::profile::SEND_DEADLINE;
/// How long a line is listened to for the end of a submit before it is used.
const LISTEN: Duration = Duration::from_secs(5);
/// How long after it an end may still come.
const LATE: Duration = Duration::from_secs(120);

/// Traffic while this stands.
async fn under(fault: Fault) -> Measured {
    let world = World::with(fault).await;
    let measured = world.traffic(2).await;
    world.struck().await;
    measured
}

pub(crate) async fn f_01_output_in_pieces() -> Measured {
    let mut measured = Measured::default();
    for (seed, most) in [(1, 1), (2, 7), (3, 40)] {
        let faults = vec![Fault::once(FaultKind::Pieces { most, gap: MS }).when(When::Always)];
        let world = World::ready(LabConfig { seed, faults, ..LabConfig::default() }).await;
        measured = measured.and(world.traffic(2).await);
        world.struck().await;
    }
    measured
}

pub(crate) async fn f_02_urc_inside() -> Measured {
    let mut measured = Measured::default();
    for place in [UrcPlace::Response, UrcPlace::Cmgr, UrcPlace::Prompt] {
        let urc = "^RSSI: 18".to_owned();
        measured = measured.and(under(Fault::once(FaultKind::UrcInside { place, urc }).when(When::Always)).await);
    }
    measured
}

pub(crate) async fn f_03_echo() -> Measured {
    let echo = |doubled_cr| Fault::once(FaultKind::Echo { doubled_cr }).when(When::Always);
    under(echo(false)).await.and(under(echo(true)).await)
}

pub(crate) async fn f_04_noise() -> Measured {
    let mut measured = Measured::default();
    for (noise, octets) in
        [(Noise::Nuls, 300), (Noise::EightBit, 300), (Noise::Framing, 300), (Noise::Endless, 256 * 1024)]
    {
        measured = measured.and(under(Fault::once(FaultKind::Noise { noise, octets }).when(When::Nth(2))).await);
    }
    measured
}

pub(crate) async fn f_05_busy() -> Measured {
    let lasts = 30 * SECOND;
    let busy = || Fault::once(FaultKind::Busy { code: 515, lasts });
    let mut measured = Measured::default();
    for at_the_start in [true, false] {
        let world = match at_the_start {
            true => World::start(LabConfig { faults: vec![busy()], ..LabConfig::default() }).await,
            false => World::with(busy()).await,
        };
        let id = world.text("busy").await;
        let struck = world.struck().await;
        let judged = world.judge(&[("busy".to_owned(), id)]).await;
        assert!(world.status(0).unwrap().opened <= 4, "a port is not opened again and again");
        measured = measured.and(judged.took(world.now() - struck - lasts));
    }
    measured
}

pub(crate) async fn f_06_mute() -> Measured {
    let lasts = 100 * SECOND;
    let world = World::with(Fault::once(FaultKind::Mute { lasts: Some(lasts) })).await;
    let id = world.text("mute").await;
    let struck = world.struck().await;
    let measured = world.judge(&[("mute".to_owned(), id)]).await;
    measured.took(world.now() - struck - lasts)
}

pub(crate) async fn f_07_prompt() -> Measured {
    let mut measured = Measured::default();
    for prompt in [OddPrompt::Missing, OddPrompt::NoBlank, OddPrompt::LateMs(3000)] {
        let world = World::with(Fault::once(FaultKind::Prompt { prompt })).await;
        let id = world.text("prompt").await;
        let struck = world.struck().await;
        let judged = world.judge(&[("prompt".to_owned(), id)]).await;
        // Nobody can know before the deadline that the prompt does not come.
        let waited = if prompt == OddPrompt::Missing { 10 * SECOND } else { Duration::ZERO };
        measured = measured.and(judged.took((world.now() - struck).saturating_sub(waited)));
    }
    measured
}

pub(crate) async fn f_08_starts_in_the_prompt() -> Measured {
    let faults = vec![Fault::once(FaultKind::InPrompt)];
    let world = World::start(LabConfig { faults, ..LabConfig::default() }).await;
    let took = world.recoveries().await[0];
    let measured = world.traffic(1).await.took(took);
    assert_eq!(world.stats().await[0].counters.submits, 1, "nothing of somebody else was sent");
    measured
}

/// What became of a submit that nobody was sure of, how often it was accepted, and when that was known.
struct Uncertain {
    state: PublicState,
    accepted: usize,
    took: Duration,
}

/// A submit with this fault. Meanwhile another SIM sends, and in the end this one does.
async fn uncertain(kind: FaultKind, policy: OnUncertain) -> Uncertain {
    let world = World::ready(LabConfig { modems: 2, ..LabConfig::default() }).await;
    world.lab.fault(Fault::once(kind).of_modem(0)).await.unwrap();
    let begun = world.now();
    let id = world.send("uncertain", Some(0), policy).await;
    world.gets(&id, PublicState::Sending).await;
    assert!(world.traffic(1).await.took < 5 * SECOND, "another SIM sends at once");
    let known = |state| matches!(state, PublicState::Sent | PublicState::Delivered | PublicState::Unknown);
    let look = || async { Some(world.view(&id).await.state).filter(|state| known(*state)) };
    let state = world.until("a state", look).await;
    let took = world.now() - begun;
    let next = world.send("next", Some(0), OnUncertain::Resend).await;
    assert_eq!(world.ended(&next).await.state, PublicState::Delivered);
    assert!(world.now() - begun < DEADLINE + LATE + 5 * SECOND);
    let accepted = world.accepted("uncertain").await;
    assert!(accepted <= 1 || world.view(&id).await.duplicate_possible);
    assert_eq!(world.accepted("next").await, 1);
    Uncertain { state, accepted, took }
}

pub(crate) async fn f_09_final_lost() -> Measured {
    let sent = uncertain(FaultKind::FinalLost, OnUncertain::Resend).await;
    assert!(matches!(sent.state, PublicState::Sent | PublicState::Delivered), "its report tells: {:?}", sent.state);
    let held = uncertain(FaultKind::FinalLost, OnUncertain::Hold).await;
    assert_eq!((held.state, held.accepted), (PublicState::Unknown, 1));
    Measured { took: sent.took.max(held.took), lost: 0, twice: sent.accepted - 1 }
}

pub(crate) async fn f_10_never_accepted() -> Measured {
    let sent = uncertain(FaultKind::NeverAccepted, OnUncertain::Resend).await;
    assert!(matches!(sent.state, PublicState::Sent | PublicState::Delivered), "{:?}", sent.state);
    let held = uncertain(FaultKind::NeverAccepted, OnUncertain::Hold).await;
    assert_eq!((held.state, held.accepted), (PublicState::Unknown, 0), "it is lost, and said to be");
    Measured { took: sent.took.max(held.took), lost: 1 - sent.accepted, twice: 0 }
}

pub(crate) async fn f_11_final_late() -> Measured {
    let mut measured = Measured::default();
    for late in [SECOND, 60 * SECOND, 100 * SECOND] {
        let by = DEADLINE + late;
        let Uncertain { state, accepted, took } = uncertain(FaultKind::FinalLate { by }, OnUncertain::Hold).await;
        // A hold ends as unknown before the later ones come; they settle it all the same.
        assert!(matches!(state, PublicState::Sent | PublicState::Unknown), "{state:?}");
        assert_eq!(accepted, 1);
        if late == SECOND {
            assert_eq!(state, PublicState::Sent, "one that is hardly late is credited");
        }
        if state == PublicState::Sent {
            measured = measured.and(Measured { took: took.saturating_sub(by), lost: 0, twice: 0 });
        }
    }
    measured
}

pub(crate) async fn f_12_final_odd() -> Measured {
    let mut measured = Measured::default();
    for answer in [OddFinal::OkOnly, OddFinal::Garbage, OddFinal::Mr256, OddFinal::Twice] {
        measured = measured.and(under(Fault::once(FaultKind::OddFinal { answer })).await);
    }
    measured
}

pub(crate) async fn f_13_hang_up() -> Measured {
    const SENDING: [Step; 5] = [Step::Prompt, Step::Payload, Step::End, Step::Accepted, Step::Final];
    const STEPS: usize = 40;
    let back = Some(500 * MS);
    let any = (1..=STEPS).map(|nth| (None, When::Nth(nth as u32)));
    let sending = SENDING.map(|step| (Some(step), When::Nth(1)));
    let each = any.chain(sending).map(|(step, when)| Fault::once(FaultKind::HangUp { step, back }).when(when));
    let faults: Vec<Fault> = each.enumerate().map(|(n, fault)| fault.of_modem(n)).collect();
    let modems = faults.len();
    let world = World::on_ptys(LabConfig { modems, faults, ..LabConfig::default() }).await;
    let mut sent = Vec::new();
    for n in 0..modems {
        let text = format!("step {n}");
        let id = world.send(&text, Some(n), OnUncertain::Resend).await;
        sent.push((text, id));
    }
    let measured = world.judge(&sent).await;
    let is_strike = |record: &&Record| matches!(record.what, What::FaultStruck { .. });
    assert_eq!(world.records().await.iter().filter(is_strike).count(), modems, "every modem has hung up");
    // Once a payload is on its way the new line is listened to before anything is written.
    let net = |(n, took): (usize, Duration)| if n > STEPS { took.saturating_sub(LISTEN) } else { took };
    measured.took(world.recoveries().await.into_iter().enumerate().map(net).max().unwrap())
}

pub(crate) async fn f_14_stall() -> Measured {
    let lasts = 8 * SECOND;
    let world = World::with(Fault::once(FaultKind::Stall { lasts: Some(lasts) })).await;
    let id = world.text("stall").await;
    let struck = world.struck().await;
    let measured = world.judge(&[("stall".to_owned(), id)]).await;
    measured.took(world.now() - struck - lasts)
}
