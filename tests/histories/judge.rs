//! Whether a history kept the guarantee: what the service centre's log says against what the gateway says.

use super::plan::{Out, PART, Plan};
use super::world::{Over, id};
use gsmgate::model::{EventKind, MessageView, OnUncertain, PublicState};
use gsmgate::simulator::{Record, What};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen over many histories.
#[derive(Debug, Default, Clone, Copy, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) histories: u64,
    pub(crate) messages: u64,
    /// Parts that the centre has accepted.
    pub(crate) parts: u64,
    pub(crate) lives: u64,
    /// Tries of which nobody knew.
    pub(crate) uncertain: u64,
    /// Parts that the centre has accepted more than once, each explained.
    pub(crate) twice: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    pub(crate) delivered: u64,
    pub(crate) faults_struck: u64,
    /// Hours that went by in them.
    pub(crate) hours: f64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Counts) {
        self.histories += other.histories;
        self.messages += other.messages;
        self.parts += other.parts;
        self.lives += other.lives;
        self.uncertain += other.uncertain;
        self.twice += other.twice;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.delivered += other.delivered;
        self.faults_struck += other.faults_struck;
        self.hours += other.hours;
    }
}

/// How often the centre has accepted each part of each message.
type Accepted = BTreeMap<(usize, usize), u64>;

/// What is wrong with it, a line each.
pub(crate) fn judge(plan: &Plan, over: &Over) -> (Vec<String>, Counts) {
    let mut wrong = over.outside.wrong.clone();
    let struck = |record: &&Record| matches!(record.what, What::FaultStruck { .. });
    let mut counts = Counts {
        histories: 1,
        messages: plan.messages() as u64,
        lives: over.lives as u64,
        faults_struck: over.records.iter().filter(struck).count() as u64,
        hours: over.took.as_secs_f64() / 3600.0,
        ..Counts::default()
    };
    let accepted = accepted(plan, &over.records, &mut wrong);
    counts.parts = accepted.values().sum();
    for n in 0..over.views.len() {
        let Some(view) = over.views.get(&id(n)) else { continue };
        let told = over.outside.states.get(&id(n)).copied();
        if told != Some(view.state) {
            wrong.push(format!("m{n}: the events say {told:?}, the store {}", view.state.word()));
        }
        judge_message(n, plan.out.get(n), view, &accepted, &mut counts, &mut wrong);
    }
    judge_inbound(plan, over, &mut wrong);
    judge_reports(plan, over, &mut wrong);
    if let Some((last, _)) = over.outside.events.last_key_value()
        && *last != over.outside.events.len() as u64
    {
        wrong.push(format!("{} events, and the last is {last}", over.outside.events.len()));
    }
    (wrong, counts)
}

/// Each accepted part says which it is; its octets are those of the plan.
fn accepted(plan: &Plan, records: &[Record], wrong: &mut Vec<String>) -> Accepted {
    let mut accepted = Accepted::new();
    for record in records {
        let What::Submit { ok: true, text, part, parts, to, .. } = &record.what else { continue };
        let Some((n, k)) = name(text) else {
            wrong.push(format!("the centre was given what nobody wrote, {} characters", text.len()));
            continue;
        };
        *accepted.entry((n, k)).or_default() += 1;
        // The fresh ones at the end are not of the plan.
        let Some(out) = plan.out.get(n) else { continue };
        let from = (k - 1) * PART;
        let expected = if out.parts == 1 { &out.text } else { &out.text[from..out.text.len().min(from + PART)] };
        let is_so = (usize::from(*part), usize::from(*parts), to.as_str()) == (k, out.parts, out.to);
        if text != expected || !is_so {
            wrong.push(format!("m{n} part {k} went out as part {part} of {parts} to {to}, or with another text"));
        }
    }
    accepted
}

/// Message and part of a text that begins with `o3p1 `.
fn name(text: &str) -> Option<(usize, usize)> {
    let (n, k) = text.strip_prefix('o')?.split(' ').next()?.split_once('p')?;
    Some((n.parse().ok()?, k.parse().ok()?))
}

fn judge_message(
    n: usize,
    out: Option<&Out>,
    view: &MessageView,
    accepted: &Accepted,
    counts: &mut Counts,
    wrong: &mut Vec<String>,
) {
    let mut here = 0;
    for part in &view.parts {
        let times = accepted.get(&(n, usize::from(part.seq))).copied().unwrap_or(0);
        let uncertain = part.attempts.iter().filter(|it| it.uncertain.is_some()).count() as u64;
        let of = part.attempts.iter().filter(|it| it.resend_of.is_some()).count() as u64;
        here += u64::from(times > 0);
        counts.uncertain += uncertain;
        counts.twice += times.saturating_sub(1);
        let holds = out.is_some_and(|out| out.on_uncertain == OnUncertain::Hold);
        let most = if holds { 1 } else { 1 + uncertain.min(of) };
        // Where the SIM stayed away in the middle, all parts go out anew by another one, and the message says so.
        if times > most && !view.restarted {
            wrong.push(format!("m{n} part {}: {times} times at the centre, at most {most} are explained", part.seq));
        }
        if times > 1 && !view.duplicate_possible && !view.restarted {
            wrong.push(format!("m{n} part {}: {times} times at the centre, and nothing says so", part.seq));
        }
    }
    let all = here == view.parts.len() as u64;
    match view.state {
        PublicState::Delivered => counts.delivered += 1,
        PublicState::Sent | PublicState::SentUnconfirmed => {}
        PublicState::Failed => counts.failed += 1,
        PublicState::Unknown => counts.unknown += 1,
        state => wrong.push(format!("m{n} ended as {}", state.word())),
    }
    let says_all = matches!(view.state, PublicState::Delivered | PublicState::Sent | PublicState::SentUnconfirmed);
    if says_all && !all {
        wrong.push(format!("m{n} is {}, and the centre has {here} of {} parts", view.state.word(), view.parts.len()));
    }
    if view.state == PublicState::Failed && all {
        wrong.push(format!("m{n} is failed, and the centre has all of it"));
    }
    if out.is_none() && view.state != PublicState::Delivered {
        wrong.push(format!("m{n}, sent when all was well, ended as {}", view.state.word()));
    }
}

/// What the gateway was told of each part of a message makes it delivered. Where our clock jumped a report on a try without a known
/// reference may fit nothing: then nobody knows.
fn judge_reports(plan: &Plan, over: &Over, wrong: &mut Vec<String>) {
    let jumps = plan.ends.iter().any(|end| !end.jump.is_zero());
    let (mut parts, mut reports) = (BTreeMap::new(), BTreeMap::new());
    let mut delivered: BTreeSet<(usize, usize)> = BTreeSet::new();
    for Record { sim, what, .. } in &over.records {
        match what {
            What::Submit { ok: true, mr, to, text, .. } => {
                parts.extend(name(text).map(|part| ((sim, *mr, to), part)));
            }
            What::Report { id, mr, to, status: 0, .. } => {
                reports.extend(parts.get(&(sim, *mr, to)).map(|part| (*id, *part)));
            }
            // It has left the network's hands.
            What::Deleted { id, .. } | What::Acked { id } => delivered.extend(reports.get(id)),
            _ => {}
        }
    }
    for n in 0..over.views.len() {
        let Some(view) = over.views.get(&id(n)).filter(|view| view.state != PublicState::Delivered) else { continue };
        let told = view.parts.iter().all(|part| delivered.contains(&(n, usize::from(part.seq))));
        if told && !(jumps && view.state == PublicState::Unknown) {
            wrong.push(format!("{} is {}, and all its parts were reported as delivered", view.id, view.state.word()));
        }
    }
}

/// Each message from outside is published whole, once but for what says that it may be a copy.
fn judge_inbound(plan: &Plan, over: &Over, wrong: &mut Vec<String>) {
    let mut came: BTreeMap<&str, usize> = BTreeMap::new();
    for event in over.outside.events.values() {
        if let EventKind::Inbound(it) = &event.kind
            && let (Some(text), true, None) = (&it.text, it.missing.is_empty(), &it.same_as)
        {
            *came.entry(text).or_default() += 1;
        }
    }
    for text in came.keys().filter(|text| !plan.inbound.iter().any(|it| it.text == **text)) {
        wrong.push(format!("published, and nobody wrote it: {text:.40}, {} octets", text.len()));
    }
    for (n, it) in plan.inbound.iter().enumerate() {
        match came.get(it.text.as_str()).copied().unwrap_or(0) {
            1 => {}
            times => wrong.push(format!("i{n} was published {times} times")),
        }
    }
}
