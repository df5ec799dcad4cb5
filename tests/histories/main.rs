//! Whole histories in virtual time: modems that fail, kills, restarts and clocks that jump between, each decided by one seed
//! (RELIABILITY R-04).
//!
//! `plan.rs` is what a seed decides, `world.rs` plays it on one thread, `judge.rs` holds the centre's log against the gateway's
//! words. `make histories N=100000` runs many, on all cores.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod judge;
mod plan;
#[path = "../powercut/random.rs"]
mod random;
mod world;

use judge::Counts;
use plan::Plan;
use serde_json::json;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use world::Over;

const SEED: &str = "GSMGATE_HISTORIES_SEED";
/// How many, or for how many seconds.
const COUNT: &str = "GSMGATE_HISTORIES";
const SECONDS: &str = "GSMGATE_HISTORIES_SECONDS";
/// Where to write what came of it, and which commit that is.
const PROOF: &str = "GSMGATE_HISTORIES_PROOF";
const COMMIT: &str = "GSMGATE_HISTORIES_COMMIT";
/// What `cargo test` takes, the same each time: other seeds look for what is not known yet.
const SLICE: u64 = 40;
const FIRST: u64 = 20_001;

/// A folder for the databases of one thread, in memory where there is such a place.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Folder(tempfile::tempdir_in(place).unwrap())
    }

    /// Removes what a history left, but not the ballast, which takes long to lay.
    fn emptied(&self) -> PathBuf {
        for entry in std::fs::read_dir(self.0.path()).unwrap().flatten() {
            if entry.file_name() != "ballast" {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        self.0.path().to_owned()
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Plays the history of a seed, and what is wrong with it.
fn history(seed: u64, folder: &Folder) -> (Over, Vec<String>, Counts) {
    let plan = Plan::of(seed);
    let tells = std::env::var_os(world::TELL).is_some();
    if tells {
        eprintln!("{:#?}\n{:?}\n{:?}", plan.lab, plan.faults, plan.ends);
    }
    let over = world::play(&plan, &folder.emptied());
    if tells {
        over.records.iter().for_each(|record| eprintln!("{:.3} {record:?}", world::since(record)));
    }
    let (wrong, counts) = judge::judge(&plan, &over);
    (over, wrong, counts)
}

/// Plays one seed after the other until there are enough, on all cores.
fn run(seed: u64, count: u64, seconds: Option<u64>) -> (Counts, Vec<String>) {
    let (next, stop, begin) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
    let all = Mutex::new((Counts::default(), Vec::new()));
    let is_over = || seconds.is_some_and(|seconds| begin.elapsed() > Duration::from_secs(seconds));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let folder = Folder::new();
                while !stop.load(Ordering::Relaxed) && !is_over() {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    let told = std::panic::catch_unwind(|| history(seed + n, &folder));
                    let (wrong, counts) = match told {
                        Ok((_, wrong, counts)) => (wrong, counts),
                        Err(_) => (vec!["it panicked".to_owned()], Counts::default()),
                    };
                    let mut all = all.lock().unwrap();
                    all.0.add(&counts);
                    if !wrong.is_empty() {
                        let again = format!("again: {SEED}={} {COUNT}=1 cargo test --test histories", seed + n);
                        all.1.push(format!("{again}\n  {}", wrong.join("\n  ")));
                        stop.store(all.1.len() >= 5, Ordering::Relaxed);
                    }
                    if all.0.histories.is_multiple_of(2000) {
                        let rate = all.0.messages as f64 / begin.elapsed().as_secs_f64();
                        eprintln!("{} histories, {rate:.0} messages a second", all.0.histories);
                    }
                }
            });
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn histories_keep_the_guarantee() {
    let seed = number(SEED).unwrap_or(FIRST);
    let seconds = number(SECONDS);
    let count = number(COUNT).unwrap_or(if seconds.is_some() { u64::MAX } else { SLICE });
    eprintln!("again: {SEED}={seed} {COUNT}={count} cargo test --test histories");
    let begin = Instant::now();
    let (counts, wrong) = run(seed, count, seconds);
    let took = begin.elapsed().as_secs_f64();
    let proof = json!({
        "commit": std::env::var(COMMIT).ok(),
        "seed": seed,
        "seconds": (took * 10.0).round() / 10.0,
        "histories_times_messages_per_second": (counts.messages as f64 / took).round(),
        "counts": counts,
        "wrong": wrong,
    });
    let proof = serde_json::to_string_pretty(&proof).unwrap();
    eprintln!("{proof}");
    if let Some(path) = std::env::var_os(PROOF) {
        std::fs::write(path, proof + "\n").unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One seed is one history, to the last record and event.
#[test]
fn a_history_comes_again_as_it_was() {
    let folder = Folder::new();
    let digest = |seed| {
        let (over, ..) = history(seed, &folder);
        let mut hasher = DefaultHasher::new();
        for record in &over.records {
            format!("{record:?}").hash(&mut hasher);
        }
        (over.records.len(), over.outside.events.len(), hasher.finish())
    };
    for seed in 1..=4 {
        assert_eq!(digest(seed), digest(seed), "seed {seed}");
    }
}
