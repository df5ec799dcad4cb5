//! The machine's wall clock is set, and its processes stand still: F-60, F-61, F-62.

use super::support::{ECHO, PATIENCE, Rig, Setup, TEXT};
use nix::sys::signal::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const YEAR: i64 = 365 * 86_400;

/// A gateway whose wall clock is so many seconds ahead, and whose time is so many times as fast.
struct Clocked {
    rig: Rig,
    wall: PathBuf,
    _dir: tempfile::TempDir,
}

impl Clocked {
    fn start(ahead: i64, speed: &str) -> Clocked {
        let dir = tempfile::tempdir().unwrap();
        let wall = dir.path().join("wall");
        fs::write(&wall, ahead.to_string()).unwrap();
        let env = [("GSMGATE_TEST_WALL", wall.to_str().unwrap()), ("GSMGATE_TEST_TIME_SCALE", speed)];
        let rig = Rig::of(&Setup { modems: 2, ready: 2, env: &env, ..Setup::default() });
        Clocked { rig, wall, _dir: dir }
    }

    fn set(&self, ahead: i64) {
        let new = self.wall.with_extension("new");
        fs::write(&new, ahead.to_string()).unwrap();
        fs::rename(new, &self.wall).unwrap();
    }

    /// Waits until the log says something so many times.
    fn says(&self, words: &str, times: usize) {
        let begun = Instant::now();
        while fs::read_to_string(self.rig.path("gateway.log")).unwrap().matches(words).count() < times {
            assert!(begun.elapsed() < PATIENCE, "{words}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// One goes out, and is delivered; the year in which it says that it was accepted.
    fn delivers(&self, id: &str) -> i32 {
        let (exit, said) = self.rig.cli(&["send", ECHO, TEXT, "--id", id, "--sim", "sim0", "--wait", "60"]);
        assert_eq!(exit, Some(0), "{said:?}");
        let (_, message) = self.rig.json(&["status", id]);
        message[0]["accepted_at"].as_str().unwrap()[..4].parse().unwrap()
    }

    fn state(&self, id: &str) -> String {
        self.rig.json(&["status", id]).1[0]["state"].as_str().unwrap().to_owned()
    }
}

fn this_year() -> i32 {
    let days = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    i32::try_from(1970 + days * 100 / 36_525).unwrap()
}

/// F-60: the box does not know the time; then NTP does.
#[test]
fn a_box_that_boots_long_ago_sends_and_later_knows_the_time() {
    let mut clocked = Clocked::start(-40 * YEAR, "60");
    clocked.rig.unplug_virtual(1);
    assert!(clocked.delivers("then") < this_year() - 38);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "waits", "--sim", "sim1"]).0, Some(0));
    clocked.set(0);
    clocked.says("the wall clock was set", 1);
    assert_eq!(clocked.state("waits"), "queued", "what waited has waited for a minute");
    // A day may begin or end meanwhile, and a year.
    assert!(clocked.delivers("now") >= this_year() - 1);
    clocked.rig.gateway.end(Signal::SIGTERM);
    clocked.rig.restart_with(1);
    assert_eq!(clocked.state("waits"), "queued");
    clocked.rig.plug_virtual(1);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "waits", "--sim", "sim1", "--wait", "60"]).0, Some(0));
}

/// F-61: an hour back, as of daylight saving done wrong, and a year ahead for a moment.
#[test]
fn a_clock_that_jumps_expires_nothing_and_sends_nothing_twice() {
    let clocked = Clocked::start(0, "60");
    clocked.rig.unplug_virtual(1);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "waits", "--sim", "sim1"]).0, Some(0));
    clocked.set(YEAR);
    clocked.delivers("ahead");
    clocked.set(-3600);
    clocked.rig.lab(r#"{"do":"fault","fault":"F-25","code":38,"modem":0}"#);
    clocked.delivers("behind");
    clocked.says("the wall clock was set", 1);
    clocked.delivers("after");
    assert_eq!(clocked.state("waits"), "queued");
    clocked.rig.plug_virtual(1);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "waits", "--sim", "sim1", "--wait", "60"]).0, Some(0));
    let stats = clocked.rig.lab(r#"{"do":"stats"}"#);
    assert_eq!((&stats["stats"][0]["submits"], &stats["stats"][1]["submits"]), (&4.into(), &1.into()));
}

/// F-62: it stands still for ten minutes in the middle of a send.
#[test]
fn a_process_that_stood_still_goes_on() {
    let clocked = Clocked::start(0, "100");
    clocked.rig.lab(r#"{"do":"fault","fault":"F-11","by_ms":300,"modem":0}"#);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "a", "--sim", "sim0"]).0, Some(0));
    let begun = Instant::now();
    while clocked.rig.lab(r#"{"do":"stats"}"#)["stats"][0]["submits"] != 1 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    clocked.rig.gateway.signal(Signal::SIGSTOP);
    // Ten minutes of the gateway's time. It cannot be asked whether they are over.
    std::thread::sleep(Duration::from_secs(6));
    clocked.rig.gateway.signal(Signal::SIGCONT);
    assert_eq!(clocked.rig.cli(&["send", ECHO, TEXT, "--id", "a", "--sim", "sim0", "--wait", "60"]).0, Some(0));
    let (_, message) = clocked.rig.json(&["status", "a"]);
    let submits = clocked.rig.lab(r#"{"do":"stats"}"#)["stats"][0]["submits"].as_u64().unwrap();
    assert!(submits == 1 || submits == 2 && message[0]["duplicate_possible"] == true, "{submits}: {message:?}");
    clocked.delivers("fresh");
}
