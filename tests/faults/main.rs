//! The fault catalogue (RELIABILITY §3): every fault of modems, lines and SIMs is played to a whole gateway, and
//! docs/faults.md says how long the recovery took; the others have tests elsewhere.
//!
//! `GSMGATE_FAULT=F-13` plays one row; `GSMGATE_WRITE_DOCS=1` writes docs/faults.md anew.

#![allow(clippy::unwrap_used, reason = "a test")]

mod clocks;
mod dead;
mod lines;
mod ports;
mod rest;
mod sims;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod world;

use rest::{REST, Told};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use table::{ROWS, Row};
use world::Measured;

/// Rows that are played at a time. Each has a runtime of its own.
const AT_A_TIME: usize = 3;
/// A machine that stops for a while looks like a slow recovery: over its target thrice, it is one.
const TRIES: usize = 3;

const HEAD: &str = "# Faults

What can go wrong, and what the gateway does. Written by `GSMGATE_WRITE_DOCS=1 cargo test --test faults`, and checked by every
run of the tests: a row that is missing or names no test, and below that loses a message, sends one twice where that is not
allowed, or is over its target, fails.

## Modems, lines, SIMs, networks

The rows are played to a whole gateway with virtual modems, in virtual time, most of them by scripted faults
that `gsmgate simulate --help` lists too. Each message that goes out twice says so (`duplicate_possible`). What is measured is the time
from the end of the fault until the gateway works as before. A target of *at once* means that nothing has to recover:
messages go out and come in while the fault lasts, and have 5 s for that.

| fault | what happens | test | twice | target | measured |
|---|---|---|---|---|---|
";

const REST_HEAD: &str = "
## Everything else

| fault | what happens | what the gateway does | test |
|---|---|---|---|
";

#[test]
fn every_fault_has_its_row_and_its_tests() {
    let ids: Vec<&str> = ROWS.iter().map(|row| row.id).collect();
    let catalogue: Vec<String> = (1..=33).map(|n| format!("F-{n:02}")).collect();
    assert_eq!(ids, catalogue);
    for row in ROWS {
        assert!(row.play.is_some() || !row.elsewhere.is_empty(), "{} has no test", row.id);
        row.elsewhere.iter().for_each(|test| assert!(exists(test), "{}: there is no test {test}", row.id));
    }
    assert_eq!(REST.iter().map(|told| told.id).collect::<Vec<_>>(), rest::catalogue());
    for told in REST {
        assert!(!told.tests.is_empty(), "{} has no test", told.id);
        told.tests.split_whitespace().for_each(|test| assert!(exists(test), "{}: there is no test {test}", told.id));
    }
}

/// A function of a file, or a target of the Makefile.
fn exists(test: &str) -> bool {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap_or_default();
    if let Some(target) = test.strip_prefix("make:") {
        return read("Makefile").contains(&format!("\n{target}:"));
    }
    let (file, name) = test.rsplit_once("::").unwrap();
    read(file).contains(&format!("fn {name}("))
}

#[test]
fn every_fault_recovers_in_time() {
    let only = std::env::var("GSMGATE_FAULT").ok();
    let wanted: Vec<&Row> = ROWS.iter().filter(|row| only.as_ref().is_none_or(|only| only == row.id)).collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(row) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = proven(row);
                    results.lock().unwrap().insert(row.id, result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let failures: Vec<_> = results.iter().filter_map(|(id, result)| Some((*id, result.as_ref().err()?))).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    if only.is_some() {
        return println!("{results:#?}");
    }
    let page = page(&results.into_iter().map(|(id, result)| (id, result.unwrap())).collect());
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("faults.md"), &page).unwrap();
    let committed = root().join("docs/faults.md");
    if std::env::var_os("GSMGATE_WRITE_DOCS").is_some() {
        std::fs::write(&committed, &page).unwrap();
    }
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    assert_eq!(
        unmeasured(&committed),
        unmeasured(&page),
        "run it with GSMGATE_WRITE_DOCS=1, and commit docs/faults.md"
    );
}

/// What a row measures, where it is played; or what is wrong with it.
fn proven(row: &Row) -> Result<Option<Measured>, String> {
    let Some((name, play)) = row.play else { return Ok(None) };
    let mut last = String::new();
    for _ in 0..TRIES {
        let played = std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().start_paused(true).build().unwrap();
            let measured = runtime.block_on(play());
            runtime.shutdown_background();
            measured
        });
        let measured = played.join().map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| format!("{name} failed"))
        })?;
        if measured.lost > 0 || measured.twice > row.twice {
            return Err(format!("{measured:?}"));
        }
        if row.target.most.is_none_or(|most| measured.took <= most) {
            return Ok(Some(measured));
        }
        last = format!("over its target, {}: {measured:?}", row.target.text);
    }
    Err(last)
}

fn page(results: &BTreeMap<&str, Option<Measured>>) -> String {
    let mut page = HEAD.to_owned();
    for Row { id, happens, play, elsewhere, twice, target } in ROWS {
        let tests = play.iter().map(|(name, _)| name).chain(*elsewhere);
        let tests = tests.map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ");
        let took = results.get(id).copied().flatten().map(|measured| measured.took);
        let measured = match took.filter(|took| *took > Duration::ZERO || target.most.is_some()) {
            Some(took) => format!("{:.1} s", took.as_secs_f64()),
            None => "–".to_owned(),
        };
        let target = if target.text.is_empty() { "–" } else { target.text };
        writeln!(page, "| {id} | {happens} | {tests} | {twice} | {target} | {measured} |").unwrap();
    }
    page += REST_HEAD;
    for Told { id, fault, does, tests } in REST {
        let tests = tests.split_whitespace().map(|test| format!("`{}`", test.replace("make:", "make ")));
        writeln!(page, "| {id} | {fault} | {does} | {} |", tests.collect::<Vec<_>>().join(", ")).unwrap();
    }
    page
}

/// Without what was measured: the last of six columns.
fn unmeasured(page: &str) -> String {
    let cut = |line: &str| {
        if line.starts_with("| F-") && line.matches(" | ").count() == 5 {
            line.rsplitn(3, '|').last().unwrap().to_owned()
        } else {
            line.to_owned()
        }
    };
    page.lines().map(cut).collect::<Vec<_>>().join("\n")
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}
