//! The gateway as its service manager sees it: what it says, and how it ends when it has to.

#![allow(clippy::unwrap_used, reason = "a test")]

mod clocks;
mod hangs;
mod limits;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod trace;

use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{ECHO, PATIENCE, Process, Rig, TEXT, gsmgate, manager};

/// F-44: what cannot be made durable is acknowledged to nobody.
#[test]
fn a_disk_that_fails_ends_it_with_74_and_a_restart_goes_on() {
    let mut rig = Rig::start();
    let mut strace = trace::inject(rig.gateway.0.id(), None, "fsync,fdatasync:error=EIO");
    let (exit, answers) = rig.json(&["send", ECHO, TEXT, "--id", "a"]);
    assert_ne!(exit, Some(0), "{answers:?}");
    assert_eq!(rig.gateway.0.wait().unwrap().code(), Some(74));
    strace.0.wait().unwrap();
    let log = std::fs::read_to_string(rig.path("gateway.log")).unwrap();
    assert!(log.contains("the database failed: disk I/O error"), "{log}");
    rig.restart();
    let (exit, said) = rig.cli(&["send", ECHO, TEXT, "--id", "a", "--wait", "60"]);
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some("a  delivered")));
}

/// F-44: one that fails again and again is waited for, and that is said.
#[test]
fn a_disk_that_fails_for_the_third_time_is_waited_for() {
    let mut rig = Rig::start();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    std::fs::write(rig.path("control.failures"), format!("{}\n{}\n", now(), now())).unwrap();
    let mut strace = trace::inject(rig.gateway.0.id(), None, "fsync,fdatasync:error=EIO");
    rig.json(&["send", ECHO, TEXT, "--id", "a"]);
    assert_eq!(rig.gateway.0.wait().unwrap().code(), Some(74));
    strace.0.wait().unwrap();
    // What cannot be written: root is stopped by no permission.
    std::fs::create_dir(rig.path("state/trial")).unwrap();
    let mut held = gsmgate();
    held.arg("run").arg("--config").arg(rig.path("gsmgate.toml"));
    rig.gateway = Process(held.stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    loop {
        let (exit, said) = rig.json(&["status"]);
        let detail = said.first().map(|it| it["error"]["detail"].as_str().unwrap_or_default().to_owned());
        if detail.is_some_and(|detail| detail.starts_with("the disk has failed 3 times in 10 minutes")) {
            assert_ne!(exit, Some(0));
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{said:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::remove_dir(rig.path("state/trial")).unwrap();
    while rig.cli(&["status"]).0 != Some(0) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    let (exit, said) = rig.cli(&["send", ECHO, TEXT, "--id", "a", "--wait", "60"]);
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some("a  delivered")));
}

/// F-47: another program has the database's write lock for a while.
#[test]
fn a_database_that_is_held_refuses_and_goes_on_by_itself() {
    let rig = Rig::start();
    let database = rusqlite::Connection::open(rig.path("state/gsmgate.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (exit, answers) = rig.json(&["send", ECHO, TEXT, "--id", "a"]);
    assert_eq!((exit, &answers[0]["error"]["code"]), (Some(1), &"queue_full".into()), "{answers:?}");
    let (_, status) = rig.cli(&["status"]);
    assert!(status.iter().any(|line| line.starts_with("another program holds the database")), "{status:?}");
    database.execute_batch("ROLLBACK").unwrap();
    let begun = Instant::now();
    while rig.cli(&["send", ECHO, TEXT, "--id", "a"]).0 != Some(0) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (exit, said) = rig.cli(&["send", ECHO, TEXT, "--id", "a", "--wait", "60"]);
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some("a  delivered")));
}

#[test]
fn the_watchdog_is_fed_without_modems() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "[gateway]\nname = \"rig\"\nstate_dir = {:?}\ncontrol_socket = {:?}\n[discovery]\ntake = \"none\"\n",
        dir.path().join("state"),
        dir.path().join("control.sock")
    );
    std::fs::write(dir.path().join("gsmgate.toml"), config).unwrap();
    let manager = manager(dir.path());
    let gateway = gsmgate()
        .args(["run", "--config"])
        .arg(dir.path().join("gsmgate.toml"))
        .env("NOTIFY_SOCKET", dir.path().join("notify"))
        .env("WATCHDOG_USEC", "200000")
        .stderr(Stdio::null())
        .spawn();
    let _gateway = Process(gateway.unwrap());
    let (mut octets, mut fed) = ([0; 512], 0);
    while fed < 5 {
        let n = manager.recv(&mut octets).unwrap();
        fed += usize::from(String::from_utf8_lossy(&octets[..n]).contains("WATCHDOG=1"));
    }
}
