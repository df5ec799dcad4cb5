//! The MQTT bridge at its border: against a broker that is real, and against one that does as the test says.
#![cfg(feature = "embedded-broker")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod content;
mod contract;
mod held;
mod outage;
mod rig;
mod scripted;
mod session;
mod user;
