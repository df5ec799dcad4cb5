//! Modems that are found as they are plugged in, by a gateway of its own process: USB as sysfs shows it, in a directory.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use gsmgate::simulator::LabConfig;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use support::machine::Machine;
use support::{ECHO, PATIENCE, Rig};

/// A port that says nothing, such as one for diagnosis.
struct Silent(#[allow(dead_code, reason = "held open")] PtyMaster, PathBuf);

impl Silent {
    fn new() -> Silent {
        let master = posix_openpt(nix::fcntl::OFlag::O_RDWR | nix::fcntl::OFlag::O_NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname_r(&master).unwrap().into();
        Silent(master, path)
    }
}

/// What `gsmgate modems` says once it is as wanted.
fn modems(rig: &Rig, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let (exit, said) = rig.json(&["modems"]);
        assert_eq!(exit, Some(0));
        if wanted(&said[0]) {
            return said[0].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{:#}", said[0]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ready(said: &Value) -> usize {
    said["modems"].as_array().unwrap().iter().filter(|modem| modem["state"] == "ready").count()
}

fn send(rig: &Rig, id: &str) {
    let (exit, said) = rig.cli(&["send", ECHO, "hello", "--id", id, "--wait", "60"]);
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some(format!("{id}  delivered").as_str())));
}

/// Faults F-26 and F-27.
#[test]
fn a_modem_is_found_behind_silent_ports_and_known_again_under_other_names() {
    let silent = [Silent::new(), Silent::new(), Silent::new()];
    let rig = Rig::with(1, |dir, _| Machine::at(dir).config(""));
    let machine = Machine(rig.path("machine"));
    assert_eq!(rig.cli(&["modems"]).1.len(), 1, "there is none yet");
    let line = rig.path("lab/modem0");
    // Quectel: interface 2 is the one.
    let ttys = [(0, "ttyUSB0", silent[0].1.as_path()), (2, "ttyUSB2", &line), (3, "ttyUSB3", &silent[1].1)];
    machine.plug("1-1.2", 7, "2c7c:0125", &ttys);
    let said = modems(&rig, |said| ready(said) == 1);
    let label = said["modems"][0]["label"].clone();
    assert_eq!(said["modems"][0]["imei"], LabConfig::imei(0));
    assert!(said["modems"][0]["port"].as_str().unwrap().ends_with("dev/ttyUSB2"));
    send(&rig, "a");

    machine.unplug("1-1.2", &["ttyUSB0", "ttyUSB2", "ttyUSB3"]);
    rig.unplug_virtual(0);
    modems(&rig, |said| said["modems"][0]["state"] == "offline");
    rig.plug_virtual(0);
    // In another socket, under another name, and in a mode in which another interface is the one.
    let ttys = [(0, "ttyUSB5", silent[2].1.as_path()), (2, "ttyUSB6", &silent[0].1), (3, "ttyUSB7", &line)];
    machine.plug("1-1.4", 9, "2c7c:0125", &ttys);
    let said = modems(&rig, |said| ready(said) == 1);
    assert_eq!(said["modems"].as_array().unwrap().len(), 1, "{said:#}");
    assert_eq!(said["modems"][0]["label"], label);
    assert!(said["modems"][0]["port"].as_str().unwrap().ends_with("dev/ttyUSB7"));
    send(&rig, "b");

    // The same device; only its ports have come back under other names, as after a reset of it.
    let (sys, dev) = (machine.0.join("sys/bus/usb/devices/1-1.4:1.3"), machine.0.join("dev"));
    fs::rename(sys.join("ttyUSB7"), sys.join("ttyUSB9")).unwrap();
    fs::rename(dev.join("ttyUSB7"), dev.join("ttyUSB9")).unwrap();
    let is_there = |said: &Value| said["modems"][0]["port"].as_str().is_some_and(|port| port.ends_with("ttyUSB9"));
    modems(&rig, |said| ready(said) == 1 && is_there(said));
    send(&rig, "c");
}

#[test]
fn only_configured_modems_are_taken_where_that_is_wanted() {
    let imei = LabConfig::imei(1);
    let rig = Rig::with(2, |dir, _| {
        let machine = Machine::at(dir);
        machine.plug("1-1", 2, "2c7c:0125", &[(2, "ttyUSB0", &dir.join("lab/modem0"))]);
        machine.config(&format!("take = \"configured\"\n[[modem]]\nimei = \"{imei}\"\nlabel = \"mine\"\n"))
    });
    let said = modems(&rig, |said| said["hindered"].as_array().unwrap().len() == 1);
    assert_eq!((&said["modems"][0]["label"], &said["modems"][0]["state"]), (&"mine".into(), &"offline".into()));
    assert_eq!(said["modems"][0]["reason"], "it is not plugged in");
    assert!(said["hindered"][0]["reason"].as_str().unwrap().contains("IMEI is not configured"), "{said:#}");
    let machine = Machine(rig.path("machine"));
    machine.plug("1-2", 3, "2c7c:0125", &[(2, "ttyUSB1", &rig.path("lab/modem1"))]);
    let said = modems(&rig, |said| ready(said) == 1);
    assert_eq!((&said["modems"][0]["label"], &said["modems"][0]["imei"]), (&"mine".into(), &imei.into()));
}

/// MODEMS.md, pain 18.
#[test]
fn sticks_that_have_no_port_are_named_with_what_to_do() {
    let rig = Rig::with(1, |dir, _| {
        let machine = Machine::at(dir);
        machine.plug("1-1", 2, "12d1:14dc", &[]);
        machine.plug("1-2", 3, "12d1:14fe", &[]);
        machine.plug("1-3", 4, "1d6b:0002", &[]);
        machine.plug("1-4", 5, "2c7c:0125", &[]);
        fs::write(machine.0.join("sys/bus/usb/devices/1-4/authorized"), "0\n").unwrap();
        machine.config("")
    });
    let said = modems(&rig, |said| said["hindered"].as_array().unwrap().len() == 3);
    let reason = |n: usize| said["hindered"][n]["reason"].as_str().unwrap();
    assert!(reason(0).contains("HiLink") && reason(1).contains("usb_modeswitch -v 12d1 -p 14fe"), "{said:#}");
    let barred = said["hindered"].as_array().unwrap().iter().find(|it| it["socket"] == "1-4").unwrap();
    assert!(barred["reason"].as_str().unwrap().contains("/sys/bus/usb/devices/1-4/authorized"), "{said:#}");
    let (_, lines) = rig.cli(&["modems"]);
    assert!(lines.iter().any(|line| line.starts_with("USB 12d1:14dc at 1-1: a HiLink stick")), "{lines:#?}");
    // A device that nobody knows is left alone, and not spoken of.
    assert!(!lines.iter().any(|line| line.contains("1d6b")), "{lines:#?}");
}

/// Fault F-33.
#[test]
fn sixteen_modems_at_once_are_ready_within_thirty_seconds() {
    let rig = Rig::with(16, |dir, _| Machine::at(dir).config(""));
    let machine = Machine(rig.path("machine"));
    let begun = Instant::now();
    for n in 0..16_u8 {
        let line = rig.path(&format!("lab/modem{n}"));
        machine.plug(&format!("1-{n}"), u32::from(n) + 2, "2c7c:0125", &[(2, &format!("ttyUSB{n}"), &line)]);
    }
    modems(&rig, |said| ready(said) == 16);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
