//! gsmgate turns GSM and LTE modems into an SMS gateway. `ARCHITECTURE.md` has the whole system on one page.

#![forbid(unsafe_code)]

// Codec: values; no I/O, no clock, no async.
pub mod at;
pub mod model;
pub mod tpdu;
// Beside the tower: the time that all who wait go by.
pub mod clock;
// Edge: each owns exactly one outside thing.
pub mod modem;
pub mod store;
// Flow: move messages; keep state in the store.
pub mod gateway;
pub mod intake;
pub mod scheduler;
pub mod slots;
// Outside: translate; know gateway and model, nothing else.
pub mod bridge;
// Beside the tower: virtual modems.
pub mod simulator;
// Shell: join the parts.
pub mod app;
pub mod cli;
pub mod config;
pub mod telemetry;
