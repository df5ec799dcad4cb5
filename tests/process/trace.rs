//! What strace does to the system calls of a gateway.

use super::support::{PATIENCE, Process};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// Injects into the calls of a process from now on, or of the one thread of it with this name. Dropped, it stops.
pub(crate) fn inject(pid: u32, thread: Option<&str>, what: &str) -> Process {
    let traced = thread.map_or(pid, |name| tid(pid, name));
    let mut strace = Command::new("strace");
    if thread.is_none() {
        strace.arg("-f");
    }
    strace.args(["-qq", "-o", "/dev/null", "-e"]).arg(format!("inject={what}")).arg("-p").arg(traced.to_string());
    let mut strace = Process(strace.spawn().expect("this test needs strace: `make tools` installs it"));
    let begun = Instant::now();
    while !tids(pid).filter(|tid| thread.is_none() || *tid == traced).all(|tid| is_traced(pid, tid)) {
        assert_eq!(strace.0.try_wait().unwrap(), None, "strace may not attach: see sysctl kernel.yama.ptrace_scope");
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    strace
}

fn tids(pid: u32) -> impl Iterator<Item = u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.filter_map(|task| task.file_name().to_str()?.parse().ok())
}

/// A thread gives itself its name.
fn tid(pid: u32, name: &str) -> u32 {
    let is_it =
        |tid: &u32| fs::read_to_string(format!("/proc/{pid}/task/{tid}/comm")).unwrap_or_default().trim() == name;
    let begun = Instant::now();
    loop {
        if let Some(found) = tids(pid).find(is_it) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "no thread {name}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_traced(pid: u32, tid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status"));
    // One that has ended needs no tracer.
    status.is_err() || status.is_ok_and(|status| !status.contains("TracerPid:\t0\n"))
}
