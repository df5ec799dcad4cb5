//! Every make that the simulator can play, with the whole gateway on it: found out, set up, sent with and received from.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use gsmgate::modem::profile::{GENERIC, Profile};
use gsmgate::simulator::Personality;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{ECHO, PATIENCE, PIN, Process, Rig, Setup};

/// Waits until what every modem has done is as it should be.
fn await_stats(rig: &Rig, is_so: impl Fn(&Value) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let stats = rig.lab(r#"{"do":"stats"}"#)["stats"].take();
        let stats = stats.as_array().unwrap();
        assert_eq!(stats.len(), Personality::names().count());
        let others: Vec<_> = Personality::names().zip(stats).filter(|(_, it)| !is_so(it)).collect();
        if others.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "{others:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the simulator is told to play one modem of each make.
fn one_of_each() -> Vec<&'static str> {
    Personality::names().flat_map(|name| ["--personality", name]).collect()
}

#[test]
fn every_profile_has_its_personality() {
    let names: HashSet<_> = Personality::names().collect();
    assert!(names.iter().all(|name| Profile::named(name).is_some()), "{names:?}");
    // A make that has only a name and USB ports of its own is played by the generic one.
    let is_plain = |profile: &Profile| {
        Profile { name: GENERIC.name, is: GENERIC.is, usb: GENERIC.usb, ..profile.clone() } == GENERIC
    };
    for profile in Profile::names().filter_map(Profile::named).filter(|profile| !is_plain(profile)) {
        assert!(names.contains(profile.name), "{}", profile.name);
    }
}

#[test]
fn every_make_sends_with_a_report_and_receives_also_after_a_restart() {
    let names: Vec<&str> = Personality::names().collect();
    let rig =
        Rig::of(&Setup { modems: names.len(), arguments: &one_of_each(), ready: names.len(), ..Setup::default() });
    let (_, status) = rig.json(&["status"]);
    for (n, name) in names.iter().enumerate() {
        let modem = &status[0]["modems"][n];
        let says = |key: &str| modem[key].as_str().unwrap_or_else(|| panic!("{name}: {modem}")).to_owned();
        assert_eq!(Profile::of(&says("manufacturer"), &says("model")).name, *name, "{modem}");
    }

    exchange(&rig, "first");
    for n in 0..names.len() {
        rig.lab(&format!(r#"{{"do":"restart","modem":{n}}}"#));
    }
    await_stats(&rig, |stats| stats["starts"] == 2);
    exchange(&rig, "after a restart");
}

/// Sends a message with each modem's SIM while the modem talks by itself, and waits for its report, for what the echo phone
/// answers, and for empty memories.
fn exchange(rig: &Rig, round: &str) {
    let texts: Vec<String> = Personality::names().map(|name| format!("{name} {round}")).collect();
    let follow = rig.command(&["events", "--json", "--after", "0"]).stdout(Stdio::piped()).spawn();
    let mut follow = Process(follow.unwrap());
    for (n, text) in texts.iter().enumerate() {
        rig.lab(&format!(r#"{{"do":"say","modem":{n}}}"#));
        let (exit, said) = rig.cli(&["send", ECHO, text, "--sim", &format!("sim{n}"), "--id", &text.replace(' ', "-")]);
        assert_eq!(exit, Some(0), "{text}: {said:?}");
    }
    let (mut delivered, mut received) = (texts.clone(), texts);
    let mut events = BufReader::new(follow.0.stdout.take().unwrap()).lines();
    while !(delivered.is_empty() && received.is_empty()) {
        let event: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
        assert_ne!(event["state"], "failed", "{event}");
        assert_ne!(event["event_type"], "alarm", "{event}");
        received.retain(|text| !(event["event_type"] == "received" && event["text"] == **text));
        delivered.retain(|text| !(event["state"] == "delivered" && event["id"] == *text.replace(' ', "-")));
    }
    await_stats(rig, |stats| stats["stored"] == stats["deleted"]);
}

/// Each make tells in its own way how many tries are left: 3 are, so the PIN may be entered.
#[test]
fn every_make_is_given_its_pin() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, PIN).unwrap();
    let n = Personality::names().count();
    let arguments = [one_of_each(), vec!["--pin", PIN]].concat();
    let keys = format!("pin_file = {:?}", file.path());
    let rig = Rig::of(&Setup { modems: n, arguments: &arguments, keys: &keys, ready: n, ..Setup::default() });
    assert_eq!(wrong_pins(&rig), vec![0; n]);
}

/// A wrong PIN costs one try, whatever the make says to it, and a restart costs no other.
#[test]
fn no_make_is_given_a_wrong_pin_twice() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, PIN).unwrap();
    let n = Personality::names().count();
    let arguments = [one_of_each(), vec!["--pin", "1234"]].concat();
    let keys = format!("pin_file = {:?}", file.path());
    let mut rig = Rig::of(&Setup { modems: n, arguments: &arguments, keys: &keys, ..Setup::default() });
    await_blocked(&rig, "the SIM has refused this PIN before");
    assert_eq!(wrong_pins(&rig), vec![1; n]);
    rig.gateway.end(Signal::SIGTERM);
    rig.restart();
    await_blocked(&rig, "the SIM asks for its PIN and has 2 tries left");
    assert_eq!(wrong_pins(&rig), vec![1; n]);
}

/// Waits until every modem is blocked with a reason that begins so.
fn await_blocked(rig: &Rig, reason: &str) {
    let end = Instant::now() + PATIENCE;
    let blocked = |modem: &Value| modem["reason"].as_str().is_some_and(|it| it.starts_with(reason));
    loop {
        let (_, mut said) = rig.json(&["modems"]);
        let modems = said.remove(0)["modems"].take();
        let others: Vec<_> = modems.as_array().unwrap().iter().filter(|modem| !blocked(modem)).collect();
        if others.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "not blocked so: {others:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many wrong PINs each SIM was given.
fn wrong_pins(rig: &Rig) -> Vec<u64> {
    let stats = rig.lab(r#"{"do":"stats"}"#)["stats"].take();
    stats.as_array().unwrap().iter().map(|stats| stats["wrong_pins"].as_u64().unwrap()).collect()
}
