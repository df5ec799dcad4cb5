//! A queue of a million messages beside one of a thousand: what an insert and a claim take (RELIABILITY R-06).
//!
//! `QUEUED` is the million, `QUEUE_DIR` a folder in which its state directory is left, for `tests/judge/million.py`.
//! The last line of the output is a JSON object; times are in milliseconds.
#![allow(missing_docs, clippy::print_stdout, reason = "a program that prints what it measured")]

mod rig;

use gsmgate::model::{PartKey, Priority, Timestamp};
use gsmgate::store::{Accepted, Config, NewMessage, Step};
use rig::Rig;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const FEW: usize = 1000;
/// Messages inserted at a time while the queue is filled.
const BATCH: usize = 500;
/// Taken in turn of both queues, so that what else the machine does meets both.
const SAMPLES: usize = 3000;
/// What the scheduler asks for at a time.
const WINDOW: usize = 64;

/// A message as queues have them: some urgent, some for later, some for one SIM, ids of the client's own and ours.
fn message(rig: &Rig, n: usize) -> NewMessage {
    // Knuth's multiplier: recipients and ids in no order.
    let mixed = n.wrapping_mul(2_654_435_761) % 10_000_000_019;
    let plain = rig.message(mixed);
    let id = if n.is_multiple_of(2) { plain.id } else { format!("order-{mixed:010}-{n}").parse().expect("an id") };
    let later = if n.is_multiple_of(10) { 3600 + n as u64 % 3600 } else { 0 };
    NewMessage {
        id,
        priority: match n % 100 {
            0 => Priority::High,
            1..20 => Priority::Low,
            _ => Priority::Normal,
        },
        sim: (n % 20 == 7).then(|| format!("sim-{}", n % 200 / 20).parse().expect("a label")),
        not_before: rig.now.after(Duration::from_secs(later)),
        tags: if n.is_multiple_of(4) { vec!["invoice".to_owned()] } else { Vec::new() },
        ..plain
    }
}

async fn filled(dir: &Path, now: Timestamp, messages: usize) -> Rig {
    // The queue takes what is measured beside what fills it.
    let config = Config { max_queued: 2_000_000, ..Config::new(dir) };
    let rig = Rig::with(&config, now);
    for first in (0..messages).step_by(BATCH) {
        let batch = (first..messages.min(first + BATCH)).map(|n| message(&rig, n)).collect();
        rig.store.accept(batch, now).await.expect("accepted");
    }
    rig
}

/// What one sample took.
#[derive(Default)]
struct Taken {
    insert: Vec<Duration>,
    due: Vec<Duration>,
    claim: Vec<Duration>,
}

impl Taken {
    /// One message in, the question what is due, and the first of it claimed, armed and ended: the queue stays as long.
    async fn sample(&mut self, rig: &mut Rig, n: usize) {
        let begin = Instant::now();
        let new = NewMessage { id: format!("new-{n}").parse().expect("an id"), ..rig.message(n) };
        let accepted = rig.store.accept(vec![new], rig.now).await.expect("accepted");
        self.insert.push(begin.elapsed());
        assert!(matches!(accepted[0], Accepted::New(_)));
        let begin = Instant::now();
        let sims = vec!["sim-1000".parse().expect("a label")];
        let due = rig.store.due_on(rig.now, WINDOW, sims).await.expect("due");
        self.due.push(begin.elapsed());
        let claim = rig.claim(PartKey { message: due.work[0].key, seq: due.work[0].parts[0].seq });
        let attempt = claim.attempt;
        let (arm, armed) = rig.arm(attempt);
        rig.store.step(vec![Step::Claim(claim), arm]).expect("steps");
        assert_eq!(armed.await, Ok(true));
        self.claim.push(begin.elapsed());
        let mut committed = rig.store.committed();
        committed.borrow_and_update();
        rig.store.step(vec![rig.acked(attempt, n as u8)]).expect("ended");
        committed.changed().await.expect("committed");
    }

    fn told(&mut self) -> Value {
        let all = [("insert", &mut self.insert), ("due", &mut self.due), ("claim", &mut self.claim)];
        let told = all.into_iter().map(|(name, took)| {
            took.sort();
            let at = |share: f64| (took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6).round() / 1e3;
            (name.to_owned(), json!({ "median": at(0.5), "p99": at(0.99), "most": at(1.0) }))
        });
        Value::Object(told.collect())
    }
}

async fn run(many: usize, dir: &Path, few_dir: &Path) -> Value {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    let now = Timestamp(i64::try_from(since.as_millis()).expect("a time"));
    let begin = Instant::now();
    let mut rigs = [filled(few_dir, now, FEW).await, filled(dir, now, many).await];
    let filled_in = begin.elapsed();
    let mut taken = [Taken::default(), Taken::default()];
    for n in 0..SAMPLES {
        for (rig, taken) in rigs.iter_mut().zip(&mut taken) {
            taken.sample(rig, n).await;
        }
    }
    let [few, many_] = taken.map(|mut taken| taken.told());
    let ratio = |what: &str| {
        let of = |told: &Value| told[what]["p99"].as_f64().unwrap_or(f64::NAN);
        (of(&many_) / of(&few) * 100.0).round() / 100.0
    };
    let ratios = json!({ "insert": ratio("insert"), "due": ratio("due"), "claim": ratio("claim") });
    let queued = rigs[1].store.counts().await.expect("counts").queued;
    for rig in rigs {
        // As after days of running: everything that happened has been published.
        let last = *rig.store.committed().borrow();
        rig.store.acknowledge("mqtt", last, Vec::new()).expect("a cursor");
        rig.close();
    }
    let octets = std::fs::metadata(dir.join("gsmgate.db")).map_or(0, |file| file.len());
    json!({ "queued": queued, "beside": FEW, "samples": SAMPLES, "filled_in_s": filled_in.as_secs(), "database_octets": octets,
        "probe_ms": rig::probe().as_secs_f64() * 1e3, "few": few, "many": many_, "p99_ratio": ratios })
}

fn main() {
    // `cargo test --benches` only wants to know whether it runs.
    let many = if std::env::args().any(|arg| arg == "--bench") { 1_000_000 } else { 2000 };
    let many = std::env::var("QUEUED").ok().map_or(many, |text| text.parse().expect("QUEUED is a number"));
    let (dir, few) = (rig::folder(), rig::folder());
    let kept = std::env::var_os("QUEUE_DIR").map(std::path::PathBuf::from);
    let many_dir = kept.as_deref().unwrap_or(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    println!("{}", runtime.block_on(run(many, many_dir, few.path())));
}
