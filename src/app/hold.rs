//! A disk that fails again and again: the gateway stays up, touches no modem, and says so (RELIABILITY §2.3.5, F-44).

use crate::bridge::control::Control;
use crate::clock;
use crate::model::Timestamp;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So many failures within [`WITHIN`] are not mended by one more restart.
const FAILURES: usize = 3;
const WITHIN: Duration = Duration::from_secs(600);
/// How often the disk is tried.
const TRY: Duration = Duration::from_secs(5);
/// What systemd is told that the start takes longer, in microseconds: until after the next try, and the store's opening.
const LONGER: u32 = 120_000_000;

/// When the disk has failed: in a file beside the control socket, where no disk is needed, one instant a line.
#[derive(Debug)]
pub(super) struct Failures(PathBuf);

impl Failures {
    pub(super) fn beside(control_socket: &Path) -> Failures {
        Failures(control_socket.with_extension("failures"))
    }

    fn lately(&self, now: Timestamp) -> Vec<Timestamp> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let at = text.lines().filter_map(|line| line.parse().ok().map(Timestamp));
        at.filter(|at| *at <= now && at.after(WITHIN) > now).collect()
    }

    /// Remembers one.
    pub(super) fn note(&self, now: Timestamp) {
        let mut lately = self.lately(now);
        lately.push(now);
        let text: String = lately.iter().map(|at| format!("{}\n", at.0)).collect();
        // Where it cannot be kept, every start is tried, as before.
        let _ = fs::write(&self.0, text);
    }

    pub(super) fn are_many(&self, now: Timestamp) -> bool {
        self.lately(now).len() >= FAILURES
    }
}

/// Waits until the disk takes a file again.
pub(super) async fn wait(state_dir: &Path, control_socket: &Path) {
    let detail = format!(
        "the disk has failed {FAILURES} times in {} minutes: nothing is accepted or sent, and what comes in stays on the SIM, \
         until {} can be written again; look at the kernel's log, and at the disk",
        WITHIN.as_secs() / 60,
        state_dir.display()
    );
    tracing::error!("{detail}");
    let writable = async {
        while let Err(error) = try_disk(state_dir) {
            tracing::debug!(%error, "the disk still fails");
            // Not ready, and the start takes longer. systemd is not there on every box.
            let told = [
                sd_notify::NotifyState::Status("held: the disk fails; see the log"),
                sd_notify::NotifyState::ExtendTimeoutUsec(LONGER),
            ];
            let _ = sd_notify::notify(&told);
            clock::sleep(TRY).await;
        }
    };
    match Control::bind(control_socket).await {
        Ok(control) => tokio::select! {
            () = writable => {}
            () = control.refuse(&detail) => {}
        },
        Err(error) => {
            tracing::warn!(%error, "no control socket to say so");
            writable.await;
        }
    }
    tracing::info!("the disk can be written again");
}

/// Writes a file and makes it durable.
fn try_disk(state_dir: &Path) -> io::Result<()> {
    let path = state_dir.join("trial");
    let mut file = File::create(&path)?;
    file.write_all(b"is there a disk\n")?;
    file.sync_all()?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_ten_minutes_are_many() {
        let dir = tempfile::tempdir().unwrap();
        let failures = Failures::beside(&dir.path().join("control.sock"));
        let at = |minutes: u64| Timestamp(0).after(Duration::from_secs(60 * minutes));
        let many = [0, 4, 8, 12, 13, 30].map(|minutes| {
            failures.note(at(minutes));
            failures.are_many(at(minutes))
        });
        assert_eq!(many, [false, false, true, true, true, false]);
        assert!(!failures.are_many(at(5)), "the clock was set back");
    }
}
