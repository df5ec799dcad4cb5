//! What signals do in the middle of a send, and what the end of a task does: F-36, F-37.

use super::support::{ECHO, PATIENCE, Rig, Setup, TEXT};
use super::trace;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::Instant;

/// One modem, in the middle of a send: its answer to message `a` comes so much later.
fn in_the_middle(late_ms: u32) -> Rig {
    let late = format!(r#"{{"fault":"F-11","by_ms":{late_ms}}}"#);
    let rig = Rig::of(&Setup { modems: 1, ready: 1, arguments: &["--fault", &late], ..Setup::default() });
    assert_eq!(rig.cli(&["send", ECHO, TEXT, "--id", "a"]).0, Some(0));
    let begun = Instant::now();
    // The payload is out.
    while rig.lab(r#"{"do":"stats"}"#)["stats"][0]["submits"] != 1 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    rig
}

/// Why each try of message `a` was uncertain, once it has ended, and how often the centre took it.
fn tries(rig: &Rig) -> (Vec<Value>, u64) {
    assert_eq!(rig.cli(&["send", ECHO, TEXT, "--id", "a", "--wait", "60"]).0, Some(0));
    let (_, message) = rig.json(&["status", "a"]);
    let tries = message[0]["parts"][0]["attempts"].as_array().unwrap();
    let why = tries.iter().map(|tried| tried["reason"].clone()).collect();
    (why, rig.lab(r#"{"do":"stats"}"#)["stats"][0]["submits"].as_u64().unwrap())
}

/// F-36
#[test]
fn a_send_on_the_air_ends_before_the_process() {
    let mut rig = in_the_middle(2_000);
    assert_eq!(rig.gateway.end(Signal::SIGTERM), Some(0));
    rig.restart();
    assert_eq!(tries(&rig), (vec![Value::Null], 1));
}

/// F-36
#[test]
fn a_second_signal_ends_it_at_once_and_leaves_the_send_uncertain() {
    let mut rig = in_the_middle(600_000);
    rig.gateway.signal(Signal::SIGTERM);
    let begun = Instant::now();
    while !std::fs::read_to_string(rig.path("gateway.log")).unwrap().contains("signal again to stop at once") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(rig.gateway.end(Signal::SIGTERM), Some(130));
    rig.restart();
    let (why, _) = tries(&rig);
    assert_eq!(why[0]["cause"], "crash", "{why:?}");
}

/// F-36: nothing is read again, and nothing ends.
#[test]
fn a_hang_up_changes_nothing_and_says_so() {
    let rig = in_the_middle(1_000);
    rig.gateway.signal(Signal::SIGHUP);
    assert_eq!(tries(&rig), (vec![Value::Null], 1));
    let log = std::fs::read_to_string(rig.path("gateway.log")).unwrap();
    assert!(log.contains("read at the start only"), "{log}");
}

/// F-37: the bridge panics, since its runtime may not wait any more.
#[test]
fn a_task_that_panics_ends_the_process_in_order() {
    let mut rig = Rig::with(1, |dir, ports| format!("[[modem]]\nport = {:?}\n{}", ports[0], Rig::broker(dir)));
    let mut strace = trace::inject(rig.gateway.0.id(), Some("mqtt"), "epoll_wait,epoll_pwait:error=EBADF");
    assert_eq!(rig.gateway.0.wait().unwrap().code(), Some(1));
    strace.0.wait().unwrap();
    let log = std::fs::read_to_string(rig.path("gateway.log")).unwrap();
    assert!(log.contains("the MQTT bridge ended unexpectedly"), "{log}");
    rig.restart();
    assert_eq!(rig.cli(&["send", ECHO, TEXT, "--wait", "60"]).0, Some(0));
}
