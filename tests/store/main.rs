//! The durable queue at its border: real SQLite files, closed in order, copied while in use, and killed.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod clock;
mod damage;
mod inbound;
mod kills;
mod log;
mod matching;
mod pins;
mod proof;
#[path = "../powercut/random.rs"]
#[allow(dead_code, reason = "shared with tests/powercut")]
mod random;
mod reassembly;
mod recovery;
mod reports;
mod retell;
mod retention;
mod rig;
mod room;
mod salvage;
mod snapshots;
mod upgrade;
