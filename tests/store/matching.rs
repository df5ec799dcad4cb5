//! I-14, R-10: which try a status report is about, for reports by the thousand: the reference comes round again and again, on
//! three SIMs, and reports come late, shuffled and twice.
//!
//! The model is the service centre: it knows which message each report is about. `make reports N=100000` plays the whole.

use super::proof::{memory, number, write_proof};
use super::random::Random;
use super::rig::{NOW, Rig, later};
use gsmgate::model::{AttemptId, EventKind, Iccid, Label, MessageKey, PartKey, StatusChange, Timestamp};
use gsmgate::store::{Accepted, Claim, NewMessage, ReportIn, Step, Verdict};
use gsmgate::tpdu::ValidityPeriod;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const SIMS: usize = 3;
/// A modem takes about as long for a message.
const PACE_S: u64 = 4;
/// What comes within that time is written in one go.
const WINDOW_S: u64 = 60;
/// A report is waited for as long after the validity period.
const LATEST_S: u64 = 72 * 3600;
/// Few enough that reference and recipient are equal again and again.
const RECIPIENTS: usize = 12;
const HOUR_S: i64 = 3600;
/// Messages of each round that CI plays: several turns of the reference on every SIM.
const SLICE: usize = 6000;

/// A report as the centre sends it.
#[derive(Clone)]
struct Told {
    message: usize,
    status: u8,
    /// In seconds since the begin.
    comes_at: u64,
}

/// What happened to one message.
struct Sent {
    name: String,
    sim: usize,
    mr: u8,
    recipient: String,
    at_s: u64,
    /// The report comes before the modem's answer.
    is_early: bool,
    /// What its last report says: of equal references each another.
    status: u8,
}

/// The centre: what it was given, and what it still has to tell.
struct Centre {
    random: Random,
    /// How far its clock is ahead for each SIM, in seconds.
    skews: [i64; SIMS],
    sent: Vec<Sent>,
    due: BTreeMap<u64, Vec<Told>>,
    /// Reports that are on their way, by message.
    told: BTreeSet<usize>,
    reports: usize,
}

impl Centre {
    fn new(seed: u64, skews: [i64; SIMS]) -> Centre {
        let random = Random::new(seed);
        Centre { random, skews, sent: Vec::new(), due: BTreeMap::new(), told: BTreeSet::new(), reports: 0 }
    }

    /// The n-th message of a SIM goes out.
    fn send(&mut self, sim: usize, n: usize, at_s: u64) -> usize {
        let message = self.sent.len();
        let recipient = format!("+49170{:07}", 1_000_000 + self.random.below(RECIPIENTS));
        let turn = n / 256;
        // Delivered, or one of the failures: another one at each turn of the reference.
        let status = if turn.is_multiple_of(4) { 0 } else { 0x40 + u8::try_from(turn % 32).unwrap() };
        let (mr, is_early) = (u8::try_from(n % 256).unwrap(), self.random.per_cent(2));
        self.sent.push(Sent { name: format!("m{message}"), sim, mr, recipient, at_s, is_early, status });
        self.tell(message, status, is_early);
        message
    }

    /// Most come soon, some after hours, a few after days; some twice, some after one that says that it is still tried.
    fn tell(&mut self, message: usize, status: u8, is_early: bool) {
        if self.random.per_cent(3) {
            return;
        }
        let at_s = self.sent[message].at_s;
        let latest = match self.random.below(100) {
            0..70 => 60,
            70..90 => 3600,
            _ => LATEST_S,
        };
        let after = if is_early { 0 } else { 3 + self.random.below(usize::try_from(latest).unwrap()) as u64 };
        let mut told = vec![Told { message, status, comes_at: at_s + after }];
        if !is_early && self.random.per_cent(10) {
            told.push(Told {
                status: 0x30,
                comes_at: at_s + 3 + self.random.below(usize::try_from(after).unwrap()) as u64,
                ..told[0].clone()
            });
        }
        if self.random.per_cent(5) {
            let again = after + self.random.below(7200) as u64;
            told.push(Told { comes_at: at_s + again.min(LATEST_S), ..told[0].clone() });
        }
        self.reports += told.len();
        for report in told {
            self.due.entry(report.comes_at / WINDOW_S).or_default().push(report);
        }
    }

    /// What comes in this window, in no order.
    fn take(&mut self, window: u64) -> Vec<Told> {
        let mut told = self.due.remove(&window).unwrap_or_default();
        for i in (1..told.len()).rev() {
            told.swap(i, self.random.below(i + 1));
        }
        told
    }

    fn report(&mut self, told: &Told) -> ReportIn {
        let jitter = i64::try_from(self.random.below(4)).unwrap();
        let sent = &self.sent[told.message];
        let (iccid, sim) = sim(sent.sim);
        // When the centre got it, by its own clock.
        let scts = Some(NOW.0 / 1000 + i64::try_from(sent.at_s).unwrap() + jitter + self.skews[sent.sim]);
        let raw = [told.message.to_le_bytes().as_slice(), &[told.status]].concat();
        let (mr, recipient, at) = (sent.mr, sent.recipient.clone(), later(told.comes_at));
        self.told.insert(told.message);
        ReportIn { iccid, sim, mr, recipient, scts, status: told.status, raw, at }
    }
}

fn sim(index: usize) -> (Iccid, Label) {
    (format!("894900000000000100{index}").parse().unwrap(), format!("sim-{index}").parse().unwrap())
}

/// The store, and the messages as it calls them.
struct Play {
    rig: Rig,
    next: i64,
}

impl Play {
    /// All in one transaction.
    async fn accept(&mut self, centre: &Centre, messages: &[usize], at: Timestamp) -> Vec<MessageKey> {
        let new = |&message: &usize| {
            let sent = &centre.sent[message];
            let to = sent.recipient.parse().unwrap();
            NewMessage {
                to,
                not_before: at,
                expires_at: at.after(Duration::from_secs(86_400)),
                ..Rig::message(&sent.name, 1)
            }
        };
        let accepted = self.rig.store.accept(messages.iter().map(new).collect(), at).await.unwrap();
        let key = |accepted| if let Accepted::New(key) = accepted { key } else { panic!("{accepted:?}") };
        accepted.into_iter().map(key).collect()
    }

    fn claim(&mut self, sent: &Sent, message: MessageKey) -> (AttemptId, Vec<Step>) {
        let attempt = AttemptId(self.next);
        self.next += 1;
        let ((iccid, sim), at) = (sim(sent.sim), later(sent.at_s));
        let claim = Claim {
            attempt,
            part: PartKey { message, seq: 1 },
            iccid,
            sim,
            port: "/dev/ttyUSB0".into(),
            tpdu_sha256: [7; 32],
            validity: ValidityPeriod::Relative(167),
            routing: "the only SIM",
            resend_of: None,
            at,
        };
        let (reply, _) = tokio::sync::oneshot::channel();
        let arm = Step::Arm { attempt, at, deadline: at.after(Duration::from_secs(180)), reply };
        (attempt, vec![Step::Claim(claim), arm])
    }

    fn acked(sent: &Sent, attempt: AttemptId) -> Step {
        let at = later(sent.at_s + 2);
        let report_until = at.after(Duration::from_secs(LATEST_S + 86_400));
        Step::Ended { attempt, verdict: Verdict::Acked { mr: Some(sent.mr), report_until, by_evidence: false }, at }
    }

    /// A window's messages, each sent and acknowledged. Where a report is early, it comes in between.
    async fn send(&mut self, centre: &mut Centre, window: u64, first: &mut [usize; SIMS], n: &mut usize, most: usize) {
        let mut messages = Vec::new();
        for tick in 0..WINDOW_S / PACE_S {
            for (sim, sent) in first.iter_mut().enumerate() {
                if *n < most {
                    messages.push(centre.send(sim, *sent, window * WINDOW_S + tick * PACE_S));
                    (*sent, *n) = (*sent + 1, *n + 1);
                }
            }
        }
        if messages.is_empty() {
            return;
        }
        let keys = self.accept(centre, &messages, later(window * WINDOW_S)).await;
        let mut steps = Vec::new();
        for (message, key) in messages.into_iter().zip(keys) {
            let (attempt, claim) = self.claim(&centre.sent[message], key);
            steps.extend(claim);
            if centre.sent[message].is_early {
                self.rig.store.step(std::mem::take(&mut steps)).unwrap();
                self.report_early(centre, message, window).await;
            }
            steps.push(Play::acked(&centre.sent[message], attempt));
        }
        self.rig.store.step(steps).unwrap();
    }

    async fn report_early(&mut self, centre: &mut Centre, message: usize, window: u64) {
        let due = centre.due.get_mut(&window).into_iter().flatten();
        let Some(told) = due.into_iter().find(|told| told.message == message).map(|told| told.clone()) else { return };
        let report = centre.report(&told);
        self.rig.store.report(report).await.unwrap();
    }

    /// Side by side: the writer takes them in the order in which they were given, many to a commit.
    async fn reports(&mut self, centre: &mut Centre, window: u64) {
        let mut waiting = Vec::new();
        for told in centre.take(window) {
            let (store, report) = (self.rig.store.clone(), centre.report(&told));
            waiting.push(tokio::spawn(async move { store.report(report).await }));
        }
        for report in waiting {
            report.await.unwrap().unwrap();
        }
    }
}

/// How a round compares with what the centre knows.
#[derive(Default, Debug)]
struct Tally {
    sent: usize,
    reports: usize,
    reported: usize,
    right: usize,
    wrong: usize,
    /// Messages whose report changed nothing.
    unmatched: usize,
    orphans: usize,
}

impl Tally {
    fn of(centre: &Centre, told: &BTreeMap<String, u8>, strangers: usize, orphans: usize) -> Tally {
        let mut tally =
            Tally { sent: centre.sent.len(), reports: centre.reports, reported: centre.told.len(), ..Tally::default() };
        (tally.wrong, tally.orphans) = (strangers, orphans);
        for (message, sent) in centre.sent.iter().enumerate() {
            match told.get(&sent.name) {
                Some(status) if *status == sent.status && centre.told.contains(&message) => tally.right += 1,
                Some(_) => tally.wrong += 1,
                None => tally.unmatched += usize::from(centre.told.contains(&message)),
            }
        }
        tally
    }

    fn json(&self) -> Value {
        json!({ "sent": self.sent, "reports": self.reports, "reported": self.reported, "right": self.right, "wrong": self.wrong,
            "unmatched": self.unmatched, "orphan_events": self.orphans })
    }
}

async fn round(seed: u64, messages: usize, skews: [i64; SIMS]) -> Tally {
    let dir = tempfile::tempdir_in(memory()).unwrap();
    let rig = Rig::open(dir.path());
    let next = rig.recovered.next_attempt.0;
    let mut play = Play { rig, next };
    let (mut centre, mut first, mut n, mut window) = (Centre::new(seed, skews), [0; SIMS], 0, 0);
    while n < messages || !centre.due.is_empty() {
        play.send(&mut centre, window, &mut first, &mut n, messages).await;
        play.reports(&mut centre, window).await;
        if window.is_multiple_of(10) {
            play.rig.store.expire(later(window * WINDOW_S)).await.unwrap();
        }
        window += 1;
    }
    play.rig.store.expire(later(window * WINDOW_S + 700)).await.unwrap();
    let tally = compare(&play.rig, &centre).await;
    play.rig.close();
    tally
}

/// What the log says, beside what the centre knows.
async fn compare(rig: &Rig, centre: &Centre) -> Tally {
    let (mut told, mut strangers, mut orphans, mut after) = (BTreeMap::new(), 0, 0, 0);
    loop {
        let events = rig.store.events(after, 1000).await.unwrap();
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in events {
            match event.kind {
                EventKind::Status(StatusChange { id, report_status: Some(status), .. }) if status != 0x30 => {
                    // Whatever a report says it says once, and of a message of ours.
                    strangers += usize::from(told.insert(id.as_str().to_owned(), status).is_some());
                }
                EventKind::Orphan(_) => orphans += 1,
                _ => {}
            }
        }
    }
    Tally::of(centre, &told, strangers, orphans)
}

/// Rounds with a clock that is right, and with clocks that are wrong by up to ten hours.
#[tokio::test]
async fn each_of_many_reports_finds_its_message() {
    let seed = number("GSMGATE_REPORTS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let messages = number("GSMGATE_REPORTS").map_or(SLICE, |n| usize::try_from(n).unwrap());
    eprintln!("again: GSMGATE_REPORTS_SEED={seed} GSMGATE_REPORTS={messages} cargo test --test store matching");
    let begin = Instant::now();
    let clean = round(seed, messages, [0; SIMS]).await;
    let skewed = round(seed + 1, messages, [10 * HOUR_S, -7 * HOUR_S, 1800]).await;
    let proof = json!({ "seed": seed, "seconds": begin.elapsed().as_secs(), "sims": SIMS, "recipients": RECIPIENTS,
        "clean": clean.json(), "skewed_by_up_to_10_h": skewed.json() });
    write_proof("GSMGATE_REPORTS_PROOF", proof);
    for (name, tally) in [("clean", &clean), ("skewed", &skewed)] {
        assert!(tally.reported > messages * 9 / 10, "{name}: {tally:?}");
        assert_eq!(tally.wrong, 0, "{name}: {tally:?}");
        assert!(tally.unmatched * 1000 <= tally.reported, "{name}: {tally:?}");
    }
}
