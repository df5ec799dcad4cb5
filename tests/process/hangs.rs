//! A thread that hangs, a disk that is slow, a log that nobody reads: F-38, F-45, F-48.

use super::support::{ECHO, PATIENCE, Process, Rig, Setup, TEXT, gsmgate, manager};
use super::trace;
use std::io::Read;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Longer than between two signs of life, and than a busy machine makes of that.
const SILENCE: Duration = Duration::from_secs(2);

/// Whether there is a sign of life in time.
fn lives(manager: &UnixDatagram, within: Duration) -> bool {
    manager.set_read_timeout(Some(within)).unwrap();
    let mut octets = [0; 512];
    let begun = Instant::now();
    while let Ok(n) = manager.recv(&mut octets) {
        if String::from_utf8_lossy(&octets[..n]).contains("WATCHDOG=1") {
            return true;
        }
        if begun.elapsed() > within {
            break;
        }
    }
    false
}

/// F-38: whichever thread hangs, the watchdog is not fed, so that systemd kills the process and starts another.
#[test]
fn a_thread_that_hangs_stops_the_heartbeat() {
    let env = [("WATCHDOG_USEC", "200000")];
    let rig = Rig::configured(&Setup { modems: 1, env: &env, ..Setup::default() }, |dir, ports| {
        format!("[[modem]]\nport = {:?}\n{}", ports[0], Rig::broker(dir))
    });
    let pid = rig.gateway.0.id();
    for (thread, calls) in
        [("gsmgate", "epoll_wait,epoll_pwait"), ("mqtt", "epoll_wait,epoll_pwait"), ("store-writer", "futex")]
    {
        let manager = manager(rig.dir.path());
        assert!(lives(&manager, PATIENCE), "{thread}");
        let strace = trace::inject(pid, Some(thread), &format!("{calls}:delay_exit=600000000"));
        let begun = Instant::now();
        while lives(&manager, SILENCE) {
            assert!(begun.elapsed() < PATIENCE, "{thread} hangs, and nobody sees it");
        }
        drop(strace);
        assert!(lives(&manager, PATIENCE), "{thread} goes on");
    }
}

/// F-45: what is sent takes no longer than its syncs. The watchdog waits for 15 s at least.
#[test]
fn a_slow_disk_slows_down_and_nothing_else() {
    let env = [("WATCHDOG_USEC", "30000000")];
    for (calls, at_a_time, longest_s) in [
        // An SD card: each sync.
        ("fdatasync:delay_exit=30000", 8, 20),
        ("fdatasync:delay_exit=500000", 2, 30),
        // One that moves its blocks: a sync of many.
        ("fdatasync:delay_exit=5000000:when=3", 2, 30),
    ] {
        let rig = Rig::of(&Setup { modems: 2, ready: 2, env: &env, ..Setup::default() });
        let strace = trace::inject(rig.gateway.0.id(), None, calls);
        let begun = Instant::now();
        for n in 0..at_a_time {
            assert_eq!(rig.cli(&["send", ECHO, TEXT, "--id", &format!("m{n}")]).0, Some(0), "{calls}");
        }
        for n in 0..at_a_time {
            assert_eq!(rig.cli(&["send", ECHO, TEXT, "--id", &format!("m{n}"), "--wait", "60"]).0, Some(0), "{calls}");
        }
        assert!(begun.elapsed() < Duration::from_secs(longest_s), "{calls}: {:?}", begun.elapsed());
        drop(strace);
    }
}

/// F-48
#[test]
fn a_log_that_nobody_reads_holds_nothing_up_and_says_what_is_missing() {
    let mut rig = Rig::start();
    rig.gateway.end(nix::sys::signal::Signal::SIGTERM);
    let mut gateway = gsmgate();
    gateway.arg("run").arg("--config").arg(rig.path("gsmgate.toml")).env("RUST_LOG", "trace");
    rig.gateway = Process(gateway.stderr(Stdio::piped()).spawn().unwrap());
    let mut log = rig.gateway.0.stderr.take().unwrap();
    let begun = Instant::now();
    while rig.cli(&["status"]).0 != Some(0) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    // A part of a text is some thirty records.
    let text = "x".repeat(900);
    for n in 0..20 {
        assert_eq!(rig.cli(&["send", ECHO, &text, "--id", &format!("m{n}"), "--wait", "60"]).0, Some(0), "{n}");
    }
    let mut octets = [0; 1 << 16];
    let mut read = String::new();
    while !read.contains("so many records are missing") {
        let n = log.read(&mut octets).unwrap();
        assert!(n > 0 && begun.elapsed() < PATIENCE, "nothing is missing in {} octets", read.len());
        read += &String::from_utf8_lossy(&octets[..n]);
    }
}
