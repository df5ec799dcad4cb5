//! Little of everything: files, threads, memory; and much to do: F-71, F-72, I-29.

use super::support::{ECHO, PATIENCE, Rig, Setup, TEXT};
use super::trace;
use rusqlite::Connection;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Messages of a large queue; a million takes minutes to fill.
const QUEUED: &str = "GSMGATE_TEST_QUEUED";
/// What more of them may take, in KiB: a window of the queue, caches, what an allocator keeps.
const MORE_KIB: u64 = 4 * 1024;
/// Submits of a burst, and messages of a flood.
const BURST: usize = 2_000;
const FLOOD: usize = 300;

/// A row of `/proc/PID/status` in KiB.
fn memory_kib(pid: u32, row: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(row)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Fills the queue with copies of the message `a`, which waits.
fn fill(database: &Path, n: u64) {
    let database = Connection::open(database).unwrap();
    let columns: Vec<String> = database
        .prepare("SELECT name FROM pragma_table_info('messages')")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let value = |column: &String| match column.as_str() {
        "message" => "1000 + x".to_owned(),
        "id" => "'copy-' || x".to_owned(),
        other => other.to_owned(),
    };
    let (names, values) = (columns.join(", "), columns.iter().map(value).collect::<Vec<_>>().join(", "));
    let numbers = format!("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {n})");
    database
        .execute_batch(&format!(
            "PRAGMA synchronous = OFF; BEGIN;
             {numbers} INSERT INTO messages ({names}) SELECT {values} FROM n, messages WHERE id = 'a';
             {numbers} INSERT INTO bodies SELECT 1000 + x, b.parts FROM n, bodies b JOIN messages m USING (message) WHERE m.id = 'a';
             COMMIT;"
        ))
        .unwrap();
}

/// The memory of a gateway whose queue has so many messages, after it has sent some of them.
fn memory_with(queued: u64) -> u64 {
    let mut rig = Rig::of(&Setup { modems: 1, ready: 1, ..Setup::default() });
    rig.unplug_virtual(0);
    assert_eq!(rig.cli(&["send", ECHO, TEXT, "--id", "a"]).0, Some(0));
    rig.gateway.end(nix::sys::signal::Signal::SIGTERM);
    fill(&rig.path("state/gsmgate.db"), queued);
    rig.plug_virtual(0);
    rig.restart();
    let begun = Instant::now();
    while rig.lab(r#"{"do":"stats"}"#)["stats"][0]["submits"].as_u64().unwrap() < 30 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (_, status) = rig.json(&["status"]);
    assert!(status[0]["queue"]["queued"].as_u64().unwrap() > queued / 2, "{status:?}");
    memory_kib(rig.gateway.0.id(), "VmHWM:")
}

/// I-29
#[test]
fn a_large_queue_needs_no_more_memory() {
    let queued = std::env::var(QUEUED).ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let (small, large) = (memory_with(500), memory_with(queued));
    println!("{small} KiB with 500, {large} KiB with {queued}");
    assert!(large < small + MORE_KIB, "{small} KiB with 500, {large} KiB with {queued}");
}

/// F-71
#[test]
fn with_few_files_no_threads_and_little_memory_it_goes_on() {
    let rig = Rig::start();
    let pid = rig.gateway.0.id();
    let strace = trace::inject(pid, None, "clone,clone3:error=EAGAIN");
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    // With 64 there is one for each client that is served; with 40 there is not; then for none.
    for (round, files) in [(1, 64), (2, 40), (3, open)] {
        limit(pid, files);
        if files == open {
            let _waits = UnixStream::connect(rig.path("control.sock")).unwrap();
            // As long as it takes until one is accepted again.
            std::thread::sleep(Duration::from_secs(2));
            limit(pid, 64);
        }
        flood_of_clients(&rig, round);
    }
    let log = std::fs::read_to_string(rig.path("gateway.log")).unwrap();
    let refused = log.matches("does not accept a client").count();
    assert!((1..200).contains(&refused), "{refused} times");
    drop(strace);
}

/// So many descriptors, and 64 MiB.
fn limit(pid: u32, files: usize) {
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--nofile={files}:64")).args(["--data=67108864:67108864", "--pid", &pid.to_string()]);
    assert!(prlimit.status().unwrap().success());
}

/// More clients than can be served, while messages come in; then one that is.
fn flood_of_clients(rig: &Rig, round: usize) {
    // More than there are descriptors; those that wait are never answered.
    let clients: Vec<_> = (0..100).filter_map(|_| UnixStream::connect(rig.path("control.sock")).ok()).collect();
    assert!(clients.len() > 64, "{}", clients.len());
    // Modems go on: what comes in is kept, and its echo goes out.
    let from = |n: usize| format!(r#"{{"do":"inject","modem":{},"from":"+491700000001","text":"{round} {n}"}}"#, n % 2);
    (0..40).for_each(|n| drop(rig.lab(&from(n))));
    drop(clients);
    let begun = Instant::now();
    loop {
        let (exit, said) = rig.cli(&["send", ECHO, TEXT, "--id", &format!("a{round}"), "--wait", "60"]);
        if exit == Some(0) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{said:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    while received(rig, "491700000001") != (40 * round, 40 * round) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", received(rig, "491700000001"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many events tell of messages from a number, and of how many.
fn received(rig: &Rig, from: &str) -> (usize, usize) {
    let database = Connection::open(rig.path("state/gsmgate.db")).unwrap();
    database.busy_timeout(PATIENCE).unwrap();
    let sql = "SELECT count(*), count(DISTINCT inbound) FROM events JOIN inbound ON inbound = ref
               WHERE kind = 1 AND instr(sender, ?1)";
    database.query_row(sql, [from], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

/// F-72
#[test]
fn a_burst_and_a_flood_are_kept_and_an_alarm_goes_first() {
    let rig = Rig::start();
    let mut control = rig.connect();
    let mut answers = BufReader::new(control.try_clone().unwrap());
    for n in 0..FLOOD {
        rig.lab(&format!(r#"{{"do":"inject","modem":1,"from":"+491700000001","text":"{n}"}}"#));
    }
    let begun = Instant::now();
    for n in 0..BURST {
        writeln!(control, r#"{{"do":"send","with":{{"to":"{ECHO}","text":"x","id":"m{n}","report":false}}}}"#).unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert!(line.contains(r#""status":"ok""#), "{n}: {line}");
    }
    let (exit, said) = rig.cli(&["send", ECHO, "fire", "--id", "alarm", "--priority", "alarm", "--wait", "60"]);
    assert_eq!(exit, Some(0), "{said:?}");
    let database = Connection::open(rig.path("state/gsmgate.db")).unwrap();
    let before = "SELECT count(*) FROM attempts a, messages m JOIN attempts b ON b.message = m.message
                  WHERE m.id = 'alarm' AND a.claimed_at > m.accepted_at AND a.attempt < b.attempt";
    let before: usize = database.query_row(before, [], |row| row.get(0)).unwrap();
    // What two lanes may have taken while it was on its way.
    assert!(before <= 8, "{before} went before the alarm");
    while received(&rig, "491700000001") != (FLOOD, FLOOD) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", received(&rig, "491700000001"));
        std::thread::sleep(Duration::from_millis(100));
    }
}
