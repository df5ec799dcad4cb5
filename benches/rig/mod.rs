//! A store in a folder on a disk, and what the benches do with it.
#![allow(dead_code, reason = "each bench uses its part")]

use gsmgate::model::{AttemptId, Label, OnUncertain, PartKey, Priority, Timestamp};
use gsmgate::store::{Claim, Closer, Config, NewMessage, ReportIn, Step, Store, Verdict};
use gsmgate::tpdu::{Choice, ValidityPeriod, segment};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// 51 characters, as in the comparison with other gateways.
pub(crate) const TEXT: &str = "the quick brown fox jumps over the lazy dog, twice!";
/// What the clock says in a bench that has no other.
pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
/// A store that runs.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    closer: Closer,
    next: i64,
}

impl Rig {
    pub(crate) fn new(dir: &Path, now: Timestamp) -> Rig {
        Rig::with(&Config::new(dir), now)
    }

    pub(crate) fn with(config: &Config, now: Timestamp) -> Rig {
        let (store, recovered, closer) = Store::open(config, now).expect("a store");
        Rig { store, now, closer, next: recovered.next_attempt.0 }
    }

    /// Ends in order.
    pub(crate) fn close(self) {
        drop(self.store);
        self.closer.close();
    }

    pub(crate) fn message(&self, n: usize) -> NewMessage {
        NewMessage {
            id: ulid::Ulid::generate().to_string().to_ascii_lowercase().parse().expect("an id"),
            digest: [n as u8; 32],
            to: format!("+49170{:07}", n % 10_000_000).parse().expect("a number"),
            parts: segment::text(TEXT, Choice::Auto).expect("one part"),
            port: None,
            class: None,
            priority: Priority::Normal,
            on_uncertain: OnUncertain::Resend,
            report: true,
            sim: None,
            not_before: self.now,
            send_at: None,
            expires_at: self.now.after(Duration::from_secs(86_400)),
            tags: Vec::new(),
        }
    }

    pub(crate) fn claim(&mut self, part: PartKey) -> Claim {
        let attempt = AttemptId(self.next);
        self.next += 1;
        Claim {
            attempt,
            part,
            iccid: "8949000000000001000".parse().expect("an ICCID"),
            sim: label("sim-1000"),
            port: "/dev/ttyUSB0".into(),
            tpdu_sha256: [7; 32],
            validity: ValidityPeriod::Relative(167),
            routing: "least loaded",
            resend_of: None,
            at: self.now,
        }
    }

    pub(crate) fn report(&self, n: usize, mr: u8) -> ReportIn {
        ReportIn {
            iccid: "8949000000000001000".parse().expect("an ICCID"),
            sim: label("sim-1000"),
            mr,
            recipient: format!("+49170{:07}", n % 10_000_000),
            scts: Some(self.now.0 / 1000),
            status: 0,
            raw: vec![0; 40],
            at: self.now,
        }
    }

    pub(crate) fn acked(&self, attempt: AttemptId, mr: u8) -> Step {
        let report_until = self.now.after(Duration::from_secs(4 * 86_400));
        let verdict = Verdict::Acked { mr: Some(mr), report_until, by_evidence: false };
        Step::Ended { attempt, verdict, at: self.now }
    }

    pub(crate) fn arm(&self, attempt: AttemptId) -> (Step, oneshot::Receiver<bool>) {
        let (reply, armed) = oneshot::channel();
        let deadline = self.now.after(Duration::from_secs(180));
        (Step::Arm { attempt, at: self.now, deadline, reply }, armed)
    }
}

fn label(text: &str) -> Label {
    text.parse().expect("a label")
}

/// A folder on the disk that is measured: in `BENCH_DIR`, or in `target`.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(std::env::var("BENCH_DIR").unwrap_or_else(|_| "target".into())).expect("a folder on a disk")
}

/// 500 times 4 KiB and a sync: what the disk takes for one.
pub(crate) fn probe() -> Duration {
    use std::io::Write;
    let dir = folder();
    let mut file = tempfile::tempfile_in(&dir).expect("a file");
    let mut took: Vec<Duration> = (0..500)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[0x55; 4096]).expect("written");
            file.sync_data().expect("synced");
            start.elapsed()
        })
        .collect();
    took.sort();
    took[250]
}
