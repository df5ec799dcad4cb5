//! I-24, R-11: messages in parts, beside a naive model of RELIABILITY §2.6: all orders of two messages with one reference, and
//! random sequences of what can happen. `make reassembly` plays the whole.

use super::proof::{memory, number, write_proof};
use super::random::Random;
use super::rig::{NOW, Rig};
use gsmgate::model::{EventKind, Timestamp};
use gsmgate::store::{InboundPart, InboundPdu, Receipt};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const HOUR_MS: i64 = 3_600_000;
/// 8!
const ORDERS: usize = 40_320;
/// What CI plays.
const SLICE_OF_ORDERS: usize = 300;
const SLICE_OF_SEQUENCES: usize = 1500;
/// Sequences that are played side by side, each with a sender of its own: what comes in one step shares commits.
const ABREAST: usize = 256;
const STEPS: usize = 8;
/// After so many batches a new database, so that the old one does not grow.
const BATCHES: usize = 40;

/// A part on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    /// The sequence it belongs to, which is its sender.
    owner: usize,
    /// The same digits of a national number are another sender.
    national: bool,
    reference: u16,
    wide: bool,
    total: u8,
    seq: u8,
    letter: char,
    /// Which of the time stamps its centre gave it.
    stamp: usize,
}

/// Seconds after the first; parts more than six hours apart are of two messages.
const STAMPS: [i64; 3] = [0, 60, 7 * 3600];

impl Part {
    /// The SMS-DELIVER: 3GPP TS 23.040 §9.2.2.1, in UCS-2, with its header where it is one of several.
    fn raw(&self) -> Vec<u8> {
        let digits = format!("49170{:07}", self.owner);
        let pairs = digits.as_bytes().chunks(2).map(|pair| (pair[1] - b'0') << 4 | (pair[0] - b'0'));
        let header = match (self.total, self.wide) {
            (1, _) => Vec::new(),
            (_, false) => vec![5, 0, 3, self.reference.to_be_bytes()[1], self.total, self.seq],
            (_, true) => [&[6, 8, 4], self.reference.to_be_bytes().as_slice(), &[self.total, self.seq]].concat(),
        };
        let first = if header.is_empty() { 0x04 } else { 0x44 };
        let mut octets = vec![0, first, 12, if self.national { 0xA1 } else { 0x91 }];
        octets.extend(pairs);
        // Hour and minute stand for the stamp.
        let clock = [[0x01, 0x00], [0x01, 0x10], [0x80, 0x00]][self.stamp];
        octets.extend([0, 8, 0x62, 0x11, 0x62, clock[0], clock[1], 0, 0]);
        let text = u16::try_from(u32::from(self.letter)).unwrap().to_be_bytes();
        octets.push(u8::try_from(header.len() + text.len()).unwrap());
        octets.extend(header);
        octets.extend(text);
        octets
    }

    fn pdu(&self, op: usize, at: Timestamp) -> InboundPdu {
        let sender = format!("{}+49170{:07}", if self.national { "a1" } else { "91" }, self.owner);
        let part = InboundPart {
            sender,
            reference: self.reference,
            wide: self.wide,
            total: self.total,
            seq: self.seq,
            scts: Some(NOW.0 / 1000 + STAMPS[self.stamp]),
        };
        InboundPdu {
            id: format!("in-{}-{op}", self.owner),
            place: Some(("ME".to_owned(), u16::try_from(op).unwrap())),
            part: Ok(part),
            at,
            ..Rig::pdu(&self.raw(), Err(""))
        }
    }
}

/// What is told of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    id: String,
    revision: u8,
    missing: Vec<u8>,
    text: String,
    same_as: Option<String>,
}

struct Group {
    id: String,
    first: Part,
    at: Timestamp,
    letters: BTreeMap<u8, char>,
    partial_at: Option<i64>,
    revision: u8,
    same_as: Option<String>,
}

impl Group {
    fn tell(&mut self) -> Told {
        self.revision += 1;
        self.partial_at = None;
        let missing = (1..=self.first.total).filter(|seq| !self.letters.contains_key(seq)).collect();
        let (id, same_as) = (self.id.clone(), self.same_as.clone());
        Told { id, revision: self.revision, missing, text: self.letters.values().collect(), same_as }
    }

    fn is_open_for(&self, part: &Part, at: Timestamp) -> bool {
        let key = |part: &Part| (part.national, part.reference, part.wide, part.total);
        self.letters.len() < usize::from(self.first.total)
            && key(&self.first) == key(part)
            && self.at.0 > at.0 - 72 * HOUR_MS
            && self.apart(part) <= 6 * 3600
            && !self.letters.contains_key(&part.seq)
    }

    /// Seconds between the stamps.
    fn apart(&self, part: &Part) -> i64 {
        (STAMPS[self.first.stamp] - STAMPS[part.stamp]).abs()
    }
}

/// One sender's messages as §2.6 has them, with nothing but lists.
#[derive(Default)]
struct Model {
    groups: Vec<Group>,
    /// What was kept: octets, place, process, and the message it became a part of.
    kept: Vec<(Part, usize, u64, Option<String>)>,
    told: Vec<Told>,
}

impl Model {
    fn receive(&mut self, part: &Part, op: usize, first_sweep: bool, epoch: u64, at: Timestamp) -> Receipt {
        if first_sweep && self.kept.iter().any(|(kept, place, of, _)| kept == part && *place == op && *of < epoch) {
            return Receipt::Known;
        }
        let same_as = self.kept.iter().filter(|(kept, ..)| kept == part).find_map(|(.., id)| id.clone());
        if part.total > 1 && same_as.is_some() {
            self.kept.push((part.clone(), op, epoch, None));
            return Receipt::New;
        }
        let open = self.groups.iter().enumerate().filter(|(_, group)| part.total > 1 && group.is_open_for(part, at));
        let index = match open.min_by_key(|(index, group)| (group.apart(part), *index)) {
            Some((index, _)) => index,
            None => {
                let (id, first, letters) = (format!("in-{}-{op}", part.owner), part.clone(), BTreeMap::new());
                let partial_at = (part.total > 1).then_some(at.0 + 600_000);
                self.groups.push(Group { id, first, at, letters, partial_at, revision: 0, same_as });
                self.groups.len() - 1
            }
        };
        let group = &mut self.groups[index];
        group.letters.insert(part.seq, part.letter);
        self.kept.push((part.clone(), op, epoch, Some(group.id.clone())));
        if group.letters.len() == usize::from(part.total) {
            self.told.push(group.tell());
        }
        Receipt::New
    }

    fn expire(&mut self, now: Timestamp) {
        let mut due: Vec<_> = (0..self.groups.len())
            .filter_map(|index| Some((self.groups[index].partial_at.filter(|at| *at <= now.0)?, index)))
            .collect();
        due.sort_unstable();
        self.told.extend(due.into_iter().map(|(_, index)| self.groups[index].tell()));
    }
}

/// A store that is compared with one model a sender.
struct Play {
    dir: tempfile::TempDir,
    rig: Rig,
    epoch: u64,
    now: Timestamp,
    models: BTreeMap<usize, Model>,
    after: u64,
    received: usize,
    told: usize,
}

impl Play {
    fn new() -> Play {
        let dir = tempfile::tempdir_in(memory()).unwrap();
        let rig = Rig::open(dir.path());
        Play { dir, rig, epoch: 1, now: NOW, models: BTreeMap::new(), after: 0, received: 0, told: 0 }
    }

    /// A new process over the same files.
    fn restart(self) -> Play {
        let Play { dir, rig, epoch, now, models, after, received, told } = self;
        rig.close();
        let rig = Rig::open_at(dir.path(), now);
        Play { dir, rig, epoch: epoch + 1, now, models, after, received, told }
    }

    /// Side by side, and in this order: part, number of the operation, and whether it is what a first look at the SIM found.
    async fn receive(&mut self, parts: Vec<(Part, usize, bool)>) {
        let mut waiting = Vec::new();
        for (part, op, first_sweep) in &parts {
            let (store, pdu) =
                (self.rig.store.clone(), InboundPdu { first_sweep: *first_sweep, ..part.pdu(*op, self.now) });
            waiting.push(tokio::spawn(async move { store.receive(pdu).await }));
        }
        for ((part, op, first_sweep), receipt) in parts.into_iter().zip(waiting) {
            let model = self.models.entry(part.owner).or_default();
            let want = model.receive(&part, op, first_sweep, self.epoch, self.now);
            assert_eq!(receipt.await.unwrap().unwrap(), want, "{part:?}, operation {op}");
            self.received += 1;
        }
    }

    async fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.rig.store.expire(self.now).await.unwrap();
        self.models.values_mut().for_each(|model| model.expire(self.now));
    }

    /// What the store has told since, by sender, must be what the models would.
    async fn compare(&mut self, again: &str) -> BTreeMap<usize, Vec<Told>> {
        let mut told: BTreeMap<usize, Vec<Told>> = BTreeMap::new();
        loop {
            let events = self.rig.store.events(self.after, 1000).await.unwrap();
            let Some(last) = events.last() else { break };
            self.after = last.seq;
            for event in events {
                let EventKind::Inbound(inbound) = event.kind else { continue };
                let owner = inbound.id.split('-').nth(1).unwrap().parse().unwrap();
                let (id, revision, missing, same_as) = (inbound.id, inbound.revision, inbound.missing, inbound.same_as);
                told.entry(owner).or_default().push(Told {
                    id,
                    revision,
                    missing,
                    text: inbound.text.unwrap(),
                    same_as,
                });
            }
        }
        for (owner, model) in std::mem::take(&mut self.models) {
            let found = told.get(&owner).map_or(&[][..], Vec::as_slice);
            assert_eq!(found, model.told, "{again}; sender {owner} sent {:#?}", model.kept);
            self.told += found.len();
        }
        told
    }
}

/// The n-th order of eight.
fn order(mut n: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..8).collect();
    (1..=8)
        .rev()
        .map(|size| {
            let index = n % size;
            n /= size;
            left.remove(index)
        })
        .collect()
}

/// Two messages of four parts with one reference, in these orders; the second with this time stamp. What was told of each order.
async fn orders(orders: &[usize], stamp: usize, received: &mut usize) -> Vec<Vec<Told>> {
    let mut told = Vec::new();
    for (batch, orders) in orders.chunks(ABREAST * BATCHES).enumerate() {
        let mut play = Play::new();
        for (batch, orders) in orders.chunks(ABREAST).enumerate().map(|(n, orders)| (batch * BATCHES + n, orders)) {
            for step in 0..8 {
                let part = |(n, which): (usize, &usize)| {
                    let place = order(*which)[step];
                    let (seq, letter) = (u8::try_from(place % 4).unwrap() + 1, char::from(b"abcdefgh"[place]));
                    let (owner, stamp) = (batch * ABREAST + n, if place < 4 { 0 } else { stamp });
                    (
                        Part { owner, national: false, reference: 7, wide: false, total: 4, seq, letter, stamp },
                        step,
                        false,
                    )
                };
                play.receive(orders.iter().enumerate().map(part).collect()).await;
            }
            told.extend(play.compare(&format!("orders {orders:?}")).await.into_values());
        }
        *received += play.received;
        play.rig.close();
    }
    told
}

/// No letter is lost, none stands twice, none stands in another's place, and there are two messages.
fn is_whole(told: &[Told]) -> bool {
    let [a, b] = told else { return false };
    let pairs = a.text.chars().zip(b.text.chars()).zip("abcd".chars().zip("efgh".chars()));
    let fits = |((a, b), (x, y)): ((char, char), (char, char))| (a, b) == (x, y) || (a, b) == (y, x);
    a.text.len() == 4
        && b.text.len() == 4
        && pairs.into_iter().all(fits)
        && told.iter().all(|told| told.missing.is_empty())
}

#[tokio::test]
async fn two_messages_with_one_reference_come_in_any_order() {
    let all = number("GSMGATE_REASSEMBLY").is_some();
    let every = if all { 1 } else { ORDERS / SLICE_OF_ORDERS };
    let asked: Vec<usize> = (0..ORDERS).step_by(every).collect();
    let (begin, mut received) = (Instant::now(), 0);
    for stamp in [0, 1] {
        let told = orders(&asked, stamp, &mut received).await;
        assert_eq!(told.len(), asked.len());
        assert!(told.iter().all(|told| is_whole(told)));
    }
    // Their centre stamped them hours apart: then nothing can be mixed up.
    for told in orders(&asked, 2, &mut received).await {
        let mut texts: Vec<_> = told.iter().map(|told| told.text.as_str()).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["abcd", "efgh"]);
    }
    let proof = json!({ "orders": { "orders": asked.len(), "stamps_s_apart": STAMPS, "parts": received, "differences": 0,
        "seconds": begin.elapsed().as_secs() } });
    write_proof("GSMGATE_REASSEMBLY_PROOF", proof);
}

/// What a sequence does next: mostly a new part of few values, so that they meet; or one of its own once more, from another
/// place or from the same.
fn next(random: &mut Random, owner: usize, op: usize, before: &[(Part, usize)]) -> (Part, usize, bool) {
    let repeated = before.get(random.below(before.len().max(1))).cloned();
    match (random.below(10), repeated) {
        (0, Some((part, _))) => (part, op, false),
        (1, Some((part, place))) => (part, place, true),
        _ => {
            let total = [1, 2, 2, 3, 3, 4][random.below(6)];
            let seq = u8::try_from(random.below(usize::from(total))).unwrap() + 1;
            let letter = char::from(b'a' + seq - 1 + 10 * u8::from(random.per_cent(30)));
            let part = Part {
                owner,
                national: random.per_cent(10),
                reference: if total == 1 { 0 } else { 7 + u16::from(random.per_cent(20)) },
                wide: total > 1 && random.per_cent(10),
                total,
                seq,
                letter,
                stamp: random.below(4).min(2),
            };
            (part, op, false)
        }
    }
}

/// One batch of sequences, side by side: they share time, which stands still, moves on, or jumps, and restarts.
async fn batch(mut play: Play, random: &mut Random, first: usize, sequences: usize, again: &str) -> Play {
    let mut done: Vec<Vec<(Part, usize)>> = vec![Vec::new(); sequences];
    for op in 0..STEPS {
        let parts: Vec<_> = (0..sequences).map(|n| next(random, first + n, op, &done[n])).collect();
        for (done, (part, place, _)) in done.iter_mut().zip(&parts) {
            done.push((part.clone(), *place));
        }
        play.receive(parts).await;
        let seconds = [0, 0, 1, 300, 601, 20 * 3600, 80 * 3600][random.below(7)];
        if seconds > 0 {
            play.wait(Duration::from_secs(seconds)).await;
        }
        if random.per_cent(3) {
            play = play.restart();
        }
    }
    // Nothing stays open of them, or the store's caps would come in.
    play.wait(Duration::from_secs(601)).await;
    play.compare(again).await;
    play
}

#[tokio::test]
async fn random_sequences_are_as_a_naive_model_has_them() {
    let seed = number("GSMGATE_REASSEMBLY_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let sequences = number("GSMGATE_REASSEMBLY").map_or(SLICE_OF_SEQUENCES, |n| usize::try_from(n).unwrap());
    let again = format!(
        "again: GSMGATE_REASSEMBLY_SEED={seed} GSMGATE_REASSEMBLY={sequences} cargo test --test store reassembly"
    );
    eprintln!("{again}");
    let (begin, mut random) = (Instant::now(), Random::new(seed));
    let (mut played, mut received, mut told, mut restarts) = (0, 0, 0, 0);
    while played < sequences {
        if played > 0 {
            eprintln!("{played} of {sequences} sequences, {} s", begin.elapsed().as_secs());
        }
        let mut play = Play::new();
        for _ in 0..BATCHES {
            let now = ABREAST.min(sequences - played);
            if now > 0 {
                play = batch(play, &mut random, played, now, &again).await;
                played += now;
            }
        }
        (received, told, restarts) = (received + play.received, told + play.told, restarts + play.epoch - 1);
        play.rig.close();
    }
    let proof = json!({ "sequences": { "seed": seed, "sequences": played, "operations": received, "told": told,
        "restarts": restarts, "differences": 0, "seconds": begin.elapsed().as_secs() } });
    write_proof("GSMGATE_REASSEMBLY_PROOF", proof);
    assert!(told > played, "something was told of each: {told}");
}
