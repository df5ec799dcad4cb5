//! What a one-part message costs the store: time, processor time and octets written, alone and under load.
#![allow(missing_docs, reason = "criterion's macros make public items")]

mod rig;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gsmgate::model::{AttemptId, PartKey};
use gsmgate::store::{Accepted, Step};
use rig::{NOW, Rig};
use std::time::Instant;
use tokio::runtime::Runtime;

/// Messages a client has under way at a time.
const WINDOW: usize = 64;

/// One message at a time, every answer waited for: accept, claim and arm, acknowledged, delivered.
async fn alone(rig: &mut Rig, first: usize, messages: usize) {
    let mut committed = rig.store.committed();
    for n in first..first + messages {
        let message = rig.message(n);
        let accepted = rig.store.accept(vec![message], NOW).await.expect("accepted");
        let Accepted::New(key) = accepted[0] else { panic!("not new") };
        let due = rig.store.due(NOW, 64).await.expect("due");
        assert_eq!(due.work.len(), 1);
        let claim = rig.claim(PartKey { message: key, seq: 1 });
        let attempt = claim.attempt;
        rig.store.step(vec![Step::Claim(claim)]).expect("claimed");
        let (step, armed) = rig.arm(attempt);
        rig.store.step(vec![step]).expect("arming");
        assert_eq!(armed.await, Ok(true));
        committed.borrow_and_update();
        rig.store.step(vec![rig.acked(attempt, n as u8)]).expect("ended");
        committed.changed().await.expect("committed");
        rig.store.report(rig.report(n, n as u8)).await.expect("reported");
    }
}

/// A full queue and one lane that never waits: result of part k, arming of part k+1, claim of part k+2 in one commit.
async fn busy(rig: &mut Rig, first: usize, messages: usize) {
    let mut attempts = std::collections::VecDeque::new();
    let mut next = first;
    let mut in_air: Option<(AttemptId, usize)> = None;
    let mut reports: Vec<tokio::task::JoinHandle<()>> = Vec::new();
    for n in first..first + messages {
        if attempts.len() < 2 && next < first + messages {
            let batch: Vec<_> = (0..WINDOW.min(first + messages - next)).map(|i| rig.message(next + i)).collect();
            next += batch.len();
            // Each is a command of its own, as from a client with a window of QoS 1 messages.
            let accepts: Vec<_> = batch
                .into_iter()
                .map(|message| {
                    let store = rig.store.clone();
                    tokio::spawn(async move { store.accept(vec![message], NOW).await.expect("accepted") })
                })
                .collect();
            for accept in accepts {
                accept.await.expect("accepted");
            }
            let due = rig.store.due(NOW, 2 * WINDOW).await.expect("due");
            // What is in hand already comes again until it is claimed.
            let in_hand = attempts.clone();
            attempts.extend(due.work.into_iter().map(|work| work.key).filter(|key| !in_hand.contains(key)));
        }
        let key = attempts.pop_front().expect("a message");
        let claim = rig.claim(PartKey { message: key, seq: 1 });
        let attempt = claim.attempt;
        let (step, armed) = rig.arm(attempt);
        let ended = in_air.take().map(|(attempt, n)| rig.acked(attempt, n as u8));
        rig.store.step(ended.into_iter().chain([Step::Claim(claim), step]).collect()).expect("steps");
        assert_eq!(armed.await, Ok(true));
        if n > first {
            let (store, report) = (rig.store.clone(), rig.report(n - 1, (n - 1) as u8));
            reports.push(tokio::spawn(async move { store.report(report).await.expect("reported") }));
        }
        in_air = Some((attempt, n));
    }
    let (attempt, n) = in_air.expect("the last one");
    rig.store.step(vec![rig.acked(attempt, n as u8)]).expect("ended");
    rig.store.report(rig.report(n, n as u8)).await.expect("reported");
    for report in reports {
        report.await.expect("reported");
    }
}

/// Octets that this process passed to write calls.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok()).unwrap_or(0)
}

/// Processor time in microseconds of the threads whose name begins so.
fn processor(name: &str) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let named = tasks.map(|task| task.path()).filter(|task| read(task.join("comm")).starts_with(name));
    let nanos = |task: std::path::PathBuf| read(task.join("schedstat")).split(' ').next()?.parse::<u64>().ok();
    named.filter_map(nanos).sum::<u64>() / 1000
}

fn summary(name: &str, runtime: &Runtime, messages: usize, run: impl AsyncFn(&mut Rig, usize, usize)) {
    let dir = rig::folder();
    let mut rig = Rig::new(dir.path(), NOW);
    runtime.block_on(run(&mut rig, 0, 200));
    let before = (written(), processor(""), processor("store-writer"));
    let start = Instant::now();
    runtime.block_on(run(&mut rig, 200, messages));
    let took = start.elapsed();
    let n = messages as u64;
    eprintln!(
        "{name}: {:.0} messages/s, {} us of processor ({} of them to write) and {:.1} KiB written a message",
        messages as f64 / took.as_secs_f64(),
        (processor("") - before.1) / n,
        (processor("store-writer") - before.2) / n,
        (written() - before.0) as f64 / 1024.0 / messages as f64
    );
}

fn life_cycle(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    eprintln!("disk: {} us for 4 KiB and a sync", rig::probe().as_micros());
    summary("alone", &runtime, 1000, async |rig: &mut Rig, first, n| alone(rig, first, n).await);
    summary("busy", &runtime, 5000, async |rig: &mut Rig, first, n| busy(rig, first, n).await);
    if std::env::var_os("SUMMARY_ONLY").is_some() {
        return;
    }
    let mut group = criterion.benchmark_group("store");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for (name, is_busy) in [("alone", false), ("busy", true)] {
        let dir = rig::folder();
        let mut rig = Rig::new(dir.path(), NOW);
        let mut first = 0;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let n = iterations as usize;
                let start = Instant::now();
                runtime.block_on(async {
                    if is_busy { busy(&mut rig, first, n).await } else { alone(&mut rig, first, n).await }
                });
                first += n;
                start.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, life_cycle);
criterion_main!(benches);
