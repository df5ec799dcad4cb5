//! What a seed decides: the modems, the messages, what goes wrong, and when the gateway is killed.

use super::random::Random;
use gsmgate::model::OnUncertain;
use gsmgate::simulator::{
    Fault, FaultKind, Foreign, LabConfig, NoNetwork, OddDelete, OddFinal, OddPrompt, Personality, Stage, UrcPlace, When,
};
use std::time::Duration;

/// Septets of a part of a longer text, and of a text alone.
pub(crate) const PART: usize = 153;
/// Somebody outside; few, so that references, TP-MR and senders meet.
const PEOPLE: [&str; 5] = ["+491701234567", "+491701234568", "+4917099999", "+33612345678", "+15551234567"];
/// Codes of refusals: 3GPP TS 27.005 §3.2.5.
const CODES: [u16; 24] =
    [1, 8, 17, 21, 27, 28, 30, 38, 41, 42, 47, 96, 111, 193, 208, 300, 302, 310, 321, 331, 332, 500, 512, 600];

/// A whole history.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) lab: LabConfig,
    /// Messages to send, by their time.
    pub(crate) out: Vec<Out>,
    /// Messages from outside, by their time.
    pub(crate) inbound: Vec<Inbound>,
    /// What goes wrong, by its time.
    pub(crate) faults: Vec<(Duration, Fault)>,
    /// When the gateway ends, and begins anew.
    pub(crate) ends: Vec<End>,
}

/// What kind of things go wrong. A port that is opened anew and answers in step has no open end any more: where that does not
/// hold certainty ends (ARCHITECTURE.md), so that the two do not come in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Troubles {
    /// Ends of submits come late, and the port stays open.
    LateEnds,
    /// Everything else.
    Losses,
}

/// A message to send.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    pub(crate) at: Duration,
    pub(crate) to: &'static str,
    /// Each part begins with its name; all but the last are full.
    pub(crate) text: String,
    pub(crate) parts: usize,
    pub(crate) sim: Option<usize>,
    pub(crate) on_uncertain: OnUncertain,
    pub(crate) report: bool,
}

/// A message from outside.
#[derive(Debug, Clone)]
pub(crate) struct Inbound {
    pub(crate) at: Duration,
    pub(crate) modem: usize,
    pub(crate) from: &'static str,
    pub(crate) text: String,
}

/// An end of the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) at: Duration,
    /// How many tasks have their turn yet, so that it does not only come when all of them wait.
    pub(crate) turns: usize,
    pub(crate) orderly: bool,
    /// How far our line jumps until the next start, as after a time without power and a clock that is ahead.
    pub(crate) jump: Duration,
}

impl Plan {
    /// What this seed decides.
    pub(crate) fn of(seed: u64) -> Plan {
        let mut random = Random::new(seed);
        let sims = 1 + random.below(8);
        let span = [20, 60, 300][random.below(3)] * 1000;
        let lab = lab(seed, sims, &mut random);
        let messages = 10 + random.below(91);
        let times = by_time((0..messages).map(|_| moment(span, &mut random)), |at| *at);
        let out = times.into_iter().enumerate().map(|(n, at)| out(n, at, sims, &mut random)).collect();
        let received = 10 + random.below(91);
        let times = by_time((0..received).map(|_| moment(span, &mut random)), |at| *at);
        let inbound = times.into_iter().enumerate().map(|(n, at)| inbound(n, at, sims, &mut random)).collect();
        let troubles = if random.per_cent(25) { Troubles::LateEnds } else { Troubles::Losses };
        let faults = 0..random.below(4 * sims + 1);
        let faults = faults.map(|_| (moment(span, &mut random), fault(troubles, sims, &mut random)));
        let faults = by_time(faults, |(at, _)| *at);
        let ends = if troubles == Troubles::Losses { random.below(5) } else { 0 };
        let ends = by_time((0..ends).map(|_| end(span, &mut random)), |end| end.at);
        Plan { seed, lab, out, inbound, faults, ends }
    }

    /// Messages both ways.
    pub(crate) fn messages(&self) -> usize {
        self.out.len() + self.inbound.len()
    }
}

fn by_time<T>(all: impl Iterator<Item = T>, at: impl Fn(&T) -> Duration) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_by_key(at);
    all
}

fn ms(ms: usize) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap())
}

fn moment(span: usize, random: &mut Random) -> Duration {
    ms(random.below(span))
}

fn lab(seed: u64, sims: usize, random: &mut Random) -> LabConfig {
    let makes: Vec<_> = Personality::names().filter_map(Personality::named).collect();
    let personalities =
        if random.per_cent(50) { Vec::new() } else { (0..sims).filter_map(|_| random.pick(&makes).copied()).collect() };
    LabConfig {
        modems: sims,
        personalities,
        latency: ms([20, 250, 1000, 4000][random.below(4)]),
        report_delay: ms([5, 500, 20_000][random.below(3)]),
        slots: [3, 10, 30][random.below(3)],
        duplicate_filter: random.per_cent(30),
        honours_mr: random.per_cent(50),
        seed,
        ..LabConfig::default()
    }
}

/// A text whose parts begin with their names and have their full length.
pub(crate) fn text(name: &str, parts: usize, rest: usize) -> String {
    let part = |n: usize, len: usize| format!("{:x<len$}", format!("{name}p{n} "));
    match parts {
        1 => part(1, 10 + rest),
        _ => (1..parts).map(|n| part(n, PART)).chain([part(parts, 10 + rest)]).collect(),
    }
}

fn parts(random: &mut Random) -> usize {
    if random.per_cent(80) { 1 } else { 2 + random.below(3) }
}

fn out(n: usize, at: Duration, sims: usize, random: &mut Random) -> Out {
    let parts = parts(random);
    // Two parts of 143 septets would be one message.
    let text = text(&format!("o{n}"), parts, 10 + random.below(100));
    Out {
        at,
        to: random.pick(&PEOPLE).unwrap(),
        text,
        parts,
        sim: random.per_cent(20).then(|| random.below(sims)),
        on_uncertain: if random.per_cent(50) { OnUncertain::Hold } else { OnUncertain::Resend },
        report: random.per_cent(70),
    }
}

fn inbound(n: usize, at: Duration, sims: usize, random: &mut Random) -> Inbound {
    let parts = parts(random);
    let text = text(&format!("i{n}"), parts, 10 + random.below(100));
    Inbound { at, modem: random.below(sims), from: random.pick(&PEOPLE).unwrap(), text }
}

fn end(span: usize, random: &mut Random) -> End {
    let at = moment(span, random);
    let most = 1 << random.below(10);
    let turns = if random.per_cent(30) { 0 } else { random.below(most) };
    // Within what a report may be off: beyond that one on a try without a known reference may fit another (docs/guarantees.md).
    let jump = if random.per_cent(20) { [1, 60, 200][random.below(3)] * 1000 } else { 0 };
    End { at, turns, orderly: random.per_cent(20), jump: ms(jump) }
}

fn fault(troubles: Troubles, sims: usize, random: &mut Random) -> Fault {
    let kind = match troubles {
        Troubles::LateEnds if random.per_cent(40) => FaultKind::FinalLate { by: seconds(random, 200) },
        Troubles::LateEnds => gentle(random),
        Troubles::Losses if random.per_cent(40) => gentle(random),
        Troubles::Losses => rough(random),
    };
    let nth = u32::try_from(1 + random.below(20)).unwrap();
    let fault = Fault::once(kind).when(When::Nth(nth));
    if random.per_cent(90) { fault.of_modem(random.below(sims)) } else { fault }
}

fn seconds(random: &mut Random, most: usize) -> Duration {
    Duration::from_secs(1 + u64::try_from(random.below(most)).unwrap())
}

/// What does not touch the line.
fn gentle(random: &mut Random) -> FaultKind {
    match random.below(9) {
        0 => FaultKind::Pieces { most: 1 + random.below(8), gap: ms(1) },
        1 => {
            let place = [UrcPlace::Response, UrcPlace::Cmgr, UrcPlace::Prompt][random.below(3)];
            FaultKind::UrcInside { place, urc: "^RSSI: 18".into() }
        }
        2 => FaultKind::Busy { code: 515, lasts: seconds(random, 40) },
        3 => FaultKind::OtherMemory { told: random.per_cent(50) },
        4 => {
            let ways = [OddDelete::Error, OddDelete::Ignored, OddDelete::Silent];
            FaultKind::DeleteFails { delete: ways[random.below(3)] }
        }
        5 | 6 => {
            let stage = if random.per_cent(50) { Stage::Payload } else { Stage::Prompt };
            FaultKind::CmsError { code: *random.pick(&CODES).unwrap(), stage }
        }
        7 => {
            let networks = [NoNetwork::Searching, NoNetwork::Denied];
            FaultKind::NoNetwork { network: networks[random.below(2)], lasts: seconds(random, 60) }
        }
        _ => FaultKind::Report { status: [0x20, 0x30, 0x00][random.below(3)] },
    }
}

/// What costs the line, or the end of a submit.
fn rough(random: &mut Random) -> FaultKind {
    match random.below(14) {
        0 => FaultKind::Mute { lasts: Some(seconds(random, 300)) },
        1 => FaultKind::Prompt { prompt: OddPrompt::Missing },
        2 => FaultKind::Prompt { prompt: OddPrompt::LateMs(u32::try_from(random.below(8000)).unwrap()) },
        3 => FaultKind::InPrompt,
        4 | 5 => FaultKind::FinalLost,
        6 => FaultKind::NeverAccepted,
        7 => {
            let answers = [OddFinal::OkOnly, OddFinal::Garbage, OddFinal::Mr256, OddFinal::Twice];
            FaultKind::OddFinal { answer: answers[random.below(4)] }
        }
        8 | 9 => FaultKind::HangUp { step: None, back: Some(seconds(random, 30)) },
        10 => FaultKind::Stall { lasts: Some(seconds(random, 20)) },
        11 => FaultKind::SimGone { back: Some(seconds(random, 60)), swapped: false },
        12 => FaultKind::SimLost { back: seconds(random, 900) },
        _ => FaultKind::Foreigner { foreign: Foreign::Ok },
    }
}
