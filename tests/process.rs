//! The gateway as its service manager sees it: what it says, and how it ends when it has to.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use support::{ECHO, PATIENCE, Process, Rig, gsmgate};

/// another process holds the database for longer than we wait for it.
#[test]
fn a_database_that_fails_ends_it_with_74_and_a_restart_goes_on() {
    let mut rig = Rig::start();
    let database = rusqlite::Connection::open(rig.path("state/gsmgate.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (exit, answers) = rig.json(&["send", ECHO, "x", "--id", "a"]);
    assert_ne!(exit, Some(0), "{answers:?}");
    assert_eq!(rig.gateway.0.wait().unwrap().code(), Some(74));
    let log = std::fs::read_to_string(rig.path("gateway.log")).unwrap();
    assert!(log.contains("the database failed: database is locked"), "{log}");
    database.execute_batch("ROLLBACK").unwrap();
    rig.restart();
    let (exit, said) = rig.cli(&["send", ECHO, "x", "--id", "a", "--wait", "60"]);
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
    let manager = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
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
