//! `kill -9` at random moments: what was answered is there.

use super::rig::{NOW, Rig, acked};
use gsmgate::model::{EventKind, PublicState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

const DIR: &str = "GSMGATE_TEST_KILL_DIR";
const SEED: &str = "GSMGATE_TEST_KILL_SEED";
const ROUNDS: u64 = 12;

/// Works until it is killed, and says what is durable, a word and a name a line. Not a test of its own.
#[tokio::test]
async fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let mut rig = Rig::open(dir.as_ref());
    let epoch = rig.recovered.epoch;
    for n in 0_u64.. {
        let name = format!("m{epoch}-{n}");
        let key = rig.accept(&name, 1).await;
        say("accepted", &name);
        let attempt = rig.claim(key, 1);
        if !rig.arm(attempt).await {
            continue;
        }
        say("armed", &name);
        let mr = u8::try_from(n % 250).unwrap();
        rig.end(attempt, acked(mr)).await;
        if n % 3 == 0 {
            // Only the latest of equal references fits: each is reported before the next is sent.
            rig.store.report(Rig::report(mr, 0)).await.unwrap();
            say("reported", &name);
        }
        let mut raw = vec![0; 16];
        raw[..8].copy_from_slice(&n.to_be_bytes());
        raw[8..].copy_from_slice(&epoch.to_be_bytes());
        rig.receive(&raw, Err("only octets")).await;
        say("received", &raw.iter().map(|octet| format!("{octet:02x}")).collect::<String>());
    }
}

fn say(what: &str, name: &str) {
    // One write, so that a kill leaves no half of it; the parent's end of the pipe outlives us.
    std::io::stderr().write_all(format!("{what} {name}\n").as_bytes()).unwrap();
}

/// Lets a child work for a while; what it said.
fn work_and_kill(dir: &std::path::Path, after: Duration) -> Vec<(String, String)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kills::child", "--nocapture"]).env(DIR, dir);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // From its first word on, so that a slow start is not all that is killed.
    let mut said: Vec<String> = lines.by_ref().take(1).map(|line| line.unwrap()).collect();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let killer = std::thread::spawn(move || {
        std::thread::sleep(after);
        kill(pid, Signal::SIGKILL).unwrap();
    });
    said.extend(lines.map(|line| line.unwrap()));
    killer.join().unwrap();
    child.wait().unwrap();
    said.iter().filter_map(|line| line.split_once(' ')).map(|(what, name)| (what.into(), name.into())).collect()
}

#[tokio::test]
async fn what_was_answered_survives_kills() {
    let fresh = || u64::from(std::process::id());
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(fresh);
    eprintln!("again: {SEED}={seed} cargo test --test store kills");
    let dir = tempfile::tempdir().unwrap();
    let mut promised: BTreeMap<String, String> = BTreeMap::new();
    let mut octets = Vec::new();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for _ in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for (what, name) in work_and_kill(dir.path(), Duration::from_micros(random % 60_000)) {
            if what == "received" { octets.push(name) } else { _ = promised.insert(name, what) }
        }
        // What a start makes of it, each time.
        Rig::open(dir.path()).close();
    }
    assert!(promised.len() > 20, "the children have done something: {}", promised.len());
    let rig = Rig::open_at(dir.path(), NOW);
    for (name, what) in &promised {
        let view = rig.store.message(name.parse().unwrap()).await.unwrap();
        let state = view.unwrap_or_else(|| panic!("{name} was {what} and is lost; seed {seed}")).state;
        let fits = match what.as_str() {
            "accepted" => true,
            "armed" => state != PublicState::Queued,
            _ => state == PublicState::Delivered,
        };
        assert!(fits, "{name} was {what} and is {state:?}; seed {seed}");
    }
    let events = rig.events().await;
    let raw = |kind: &EventKind| match kind {
        EventKind::Raw(raw) => Some(raw.pdu.iter().map(|octet| format!("{octet:02x}")).collect::<String>()),
        _ => None,
    };
    let told: Vec<String> = events.iter().filter_map(|event| raw(&event.kind)).collect();
    for octets in &octets {
        assert_eq!(told.iter().filter(|each| *each == octets).count(), 1, "{octets}; seed {seed}");
    }
    rig.close();
}
