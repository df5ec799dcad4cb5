//! Power cuts, simulated: the real store on a disk that keeps what was synced, and of the rest what chance leaves
//! (RELIABILITY F-40, F-41, R-03).
//!
//! `disk.rs` is that disk, `vfs.rs` puts SQLite on it, `work.rs` works until the cut, `ledger.rs` looks at what is left.
//! What the store writes beside the database (lock, ballast, journal of outcomes, mark of the WAL) does not go through SQLite:
//! it is made anew. The mark is as it was, since it is synced when it is made: where it lies, the WAL must not be missing.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod disk;
mod ledger;
mod random;
#[path = "../store/rig.rs"]
#[allow(dead_code, reason = "shared with tests/store")]
mod rig;
mod vfs;
mod work;

use disk::{AIMS, Cut, Disk, Image, Lie};
use gsmgate::model::{PublicState, Timestamp};
use gsmgate::store::{Config, Store};
use ledger::{Findings, Ledger};
use random::Random;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use work::Worker;

const SEED: &str = "GSMGATE_POWERCUT_SEED";
const CUTS: &str = "GSMGATE_POWERCUT_CUTS";
/// Where to write what came of it, and which commit that is.
const PROOF: &str = "GSMGATE_POWERCUT_PROOF";
const COMMIT: &str = "GSMGATE_POWERCUT_COMMIT";
/// The journal of outcomes.
const JOURNAL: &str = "spill";
/// The mark that there is a WAL.
const MARK: &str = "gsmgate.db-open";
/// What `cargo test` takes.
const SLICE: usize = 100;
/// Cuts of one database; each chain has a seed of its own.
const CHAIN: usize = 20;
/// Steps until a cut that does not come by itself.
const STEPS: usize = 80;

/// What many cuts came to.
#[derive(Default)]
struct Tally {
    cuts: usize,
    damaged: usize,
    lost: usize,
    calls: BTreeMap<String, u64>,
    steps: BTreeMap<&'static str, u64>,
    /// The first findings, each with how to see it again.
    told: Vec<String>,
}

impl Tally {
    fn add(&mut self, findings: &Findings, again: &str) {
        self.damaged += usize::from(!findings.damage.is_empty());
        self.lost += usize::from(!findings.lost.is_empty());
        if !findings.is_empty() && self.told.len() < 5 {
            self.told.push(format!("{again}\n{findings:#?}"));
        }
    }
}

/// One database, through cuts.
struct Chain {
    image: Image,
    random: Random,
    ledger: Ledger,
    lie: Lie,
    /// A store has come up on it.
    has_begun: bool,
    mark: Option<Vec<u8>>,
}

impl Chain {
    fn new(seed: u64, lie: Lie) -> Chain {
        let (random, ledger) = (Random::new(seed), Ledger::new(rig::NOW));
        Chain { image: Image::new(), random, ledger, lie, has_begun: false, mark: None }
    }

    /// Works on the disk until it is cut, and looks at what is left, which is the next round's disk.
    fn round(&mut self, cut: Cut, steps: usize, tally: &mut Tally) -> Findings {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        self.lay(dir.path());
        let disk = Arc::new(Disk::new(&self.image, cut, self.lie));
        let mount = vfs::Mount::new(dir.path(), Arc::clone(&disk));
        let mut worker = Worker::new(dir.path(), &disk, &mut self.random, &mut self.ledger);
        let wrong = runtime.block_on(worker.work(steps));
        disk.cut_now();
        runtime.block_on(worker.end());
        tally.cuts += 1;
        *tally.steps.entry(worker.step).or_default() += 1;
        *tally.calls.entry(disk.under_way()).or_default() += 1;
        drop(mount);
        self.image = disk.left(&mut self.random);
        let after = tempfile::tempdir().unwrap();
        // The journal is made after the first database; whoever finds it knows that there has been one.
        self.has_begun = dir.path().join(JOURNAL).exists();
        self.mark = std::fs::read(dir.path().join(MARK)).ok();
        self.lay(after.path());
        let mut findings = runtime.block_on(self.ledger.check(after.path()));
        findings.lost.extend(wrong);
        findings
    }

    /// The files of the image, and beside them what a store would take long to lay, without octets: a ballast, and the journal
    /// where there has been one.
    fn lay(&self, dir: &Path) {
        for (name, octets) in &self.image {
            std::fs::write(dir.join(name), octets).unwrap();
        }
        let beside = [("ballast", 16 << 20), (JOURNAL, 1 << 20)];
        for (name, len) in beside.into_iter().filter(|(name, _)| self.has_begun || *name != JOURNAL) {
            std::fs::File::create(dir.join(name)).unwrap().set_len(len).unwrap();
        }
        if let Some(mark) = &self.mark {
            // Of another boot: what it says of the last commit does not count, and a WAL has to be there.
            std::fs::write(dir.join(MARK), [b"x", &mark[1..]].concat()).unwrap();
        }
    }

    /// Half of the cuts come anywhere, the others where a checkpoint, a new WAL or a new database is half done.
    fn cut(&mut self) -> Cut {
        let random = &mut self.random;
        if self.image.is_empty() && random.per_cent(50) {
            return Cut { kind: None, after: random.below(150) };
        }
        if random.per_cent(50) {
            let most = 1 << random.below(5);
            return Cut { kind: random.pick(&AIMS).copied(), after: random.below(most) };
        }
        let most = 1 << random.below(12);
        Cut { kind: None, after: random.below(most) }
    }
}

/// So many cuts of one database, or until something is found.
fn chain(seed: u64, cuts: usize, lie: Lie, tally: &mut Tally) {
    let mut chain = Chain::new(seed, lie);
    for n in 1..=cuts {
        let cut = chain.cut();
        let findings = chain.round(cut, STEPS, tally);
        tally.add(&findings, &format!("again: {SEED}={seed} {CUTS}={n} cargo test --test powercut"));
        if !findings.is_empty() {
            return;
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// As many cuts as are asked for, with a word now and then.
fn run(seed: u64, cuts: usize, lie: Lie) -> Tally {
    let (mut tally, begin, mut said) = (Tally::default(), Instant::now(), Instant::now());
    let mut chains = 0;
    while tally.cuts < cuts && tally.told.len() < 5 {
        chain(seed + chains, CHAIN.min(cuts - tally.cuts), lie, &mut tally);
        chains += 1;
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            let rate = tally.cuts as f64 / begin.elapsed().as_secs_f64();
            eprintln!("{} of {cuts} cuts, {rate:.0} a second, {} findings", tally.cuts, tally.told.len());
        }
    }
    tally
}

#[test]
fn what_was_acknowledged_survives_power_cuts() {
    let fresh = || u64::from(std::process::id()) << 16 | begin_nanos() & 0xFFFF;
    let seed = number(SEED).unwrap_or_else(fresh);
    let cuts = number(CUTS).map_or(SLICE, |cuts| usize::try_from(cuts).unwrap());
    eprintln!("again: {SEED}={seed} {CUTS}={cuts} cargo test --test powercut");
    let begin = Instant::now();
    let tally = run(seed, cuts, Lie::None);
    let seconds = (begin.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let proof = json!({
        "commit": std::env::var(COMMIT).ok(),
        "seed": seed,
        "cuts": tally.cuts,
        "seconds": seconds,
        "integrity_failures": tally.damaged,
        "lost": tally.lost,
        "under_way": { "calls": tally.calls, "steps": tally.steps },
        "findings": tally.told,
    });
    let proof = serde_json::to_string_pretty(&proof).unwrap();
    eprintln!("{proof}");
    if let Some(path) = std::env::var_os(PROOF) {
        std::fs::write(path, proof + "\n").unwrap();
    }
    assert!(tally.told.is_empty(), "{}", tally.told.join("\n"));
}

fn begin_nanos() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::from(since.subsec_nanos()))
}

/// F-41: also where the schema is made.
#[test]
fn a_first_start_may_be_cut_at_every_call() {
    let mut tally = Tally::default();
    for after in 0..1000 {
        let mut chain = Chain::new(after as u64, Lie::None);
        let findings = chain.round(Cut { kind: None, after }, 0, &mut tally);
        assert!(findings.is_empty(), "at call {after}: {findings:#?}");
        if tally.calls.contains_key("nothing") {
            assert!(after > 50, "{after} calls make a database");
            return;
        }
    }
    panic!("a start has no end");
}

/// F-41: also where the schema is brought up to date.
#[test]
fn an_update_may_be_cut_at_every_call() {
    let later = Timestamp(1_796_060_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let older = older();
    for after in 0..1000 {
        let mut chain = Chain { image: older.clone(), has_begun: true, ..Chain::new(after as u64, Lie::None) };
        let dir = tempfile::tempdir().unwrap();
        chain.lay(dir.path());
        let disk = Arc::new(Disk::new(&older, Cut { kind: None, after }, Lie::None));
        let mount = vfs::Mount::new(dir.path(), Arc::clone(&disk));
        if let Ok((store, _, closer)) = Store::open(&Config::new(dir.path()), later) {
            drop(store);
            closer.close();
        }
        let begun = Instant::now();
        while disk.open_files() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "at call {after}: a file stays open");
            std::thread::sleep(Duration::from_millis(1));
        }
        let was_cut = disk.is_off();
        disk.cut_now();
        drop(mount);
        let copy = tempfile::tempdir().unwrap();
        chain.image = disk.left(&mut chain.random);
        chain.mark = std::fs::read(dir.path().join(MARK)).ok();
        chain.lay(copy.path());
        runtime.block_on(async {
            let rig = rig::Rig::open_at(copy.path(), later);
            for (id, state) in [
                ("ended", PublicState::Delivered),
                ("on-the-air", PublicState::Uncertain),
                ("waits", PublicState::Queued),
            ] {
                assert_eq!(rig.state(id).await, state, "at call {after}: {id}");
            }
            rig.close();
        });
        if !was_cut {
            assert!(after > 10, "{after} calls bring a database up to date");
            return;
        }
    }
    panic!("an update has no end");
}

/// The files of an older version: tests/store/upgrade.rs.
fn older() -> Image {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gsmgate.db");
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/upgrades/schema-3.sql");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch(&std::fs::read_to_string(dump).unwrap()).unwrap();
    database.close().unwrap();
    Image::from([("gsmgate.db".to_owned(), std::fs::read(path).unwrap())])
}

/// With `synchronous = NORMAL` messages are lost that were accepted, and the file stays sound.
#[test]
fn a_harness_that_ignores_syncs_goes_red() {
    let tally = run(1, 200, Lie::Commits);
    assert!(tally.told.iter().any(|told| told.contains("was accepted")), "in {} cuts nothing was lost", tally.cuts);
    assert_eq!(tally.damaged, 0, "{}", tally.told.join("\n"));
}

/// A disk that does not keep what a checkpoint wrote damages the file.
#[test]
fn a_database_that_is_never_synced_goes_red() {
    let tally = run(1, 200, Lie::Database);
    assert!(tally.damaged > 0, "in {} cuts nothing was damaged", tally.cuts);
}
