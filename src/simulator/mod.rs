//! Virtual modems on ptys or in memory, with a tiny service centre behind them: the lab that stands in for hardware.
//!
//! ```text
//!  host ── Port (pty, duplex) ── Line (8N1) ── Modem (AT) ── Centre (routes, reports, echo phone)
//!                                                 │              │
//!                                            Sim, memories    Journal (append-only log)
//! ```
//! [`Network`] holds everything but the ports and is sans-IO: octets and time go in, octets, deadlines and records come
//! out, so whole histories run in virtual time. [`Lab`] is the one task that joins it to ports and a clock. What the
//! modems do wrong is scripted by [`Fault`]s; what they do otherwise because of their make is a [`Personality`].

mod centre;
mod command;
mod config;
mod control;
mod echo;
mod fault;
mod handle;
mod kind;
mod lab;
mod line;
mod log;
mod memory;
mod modem;
mod network;
mod odd;
mod personality;
mod port;
mod power;
mod pty;
mod receive;
mod send;
mod sim;
mod speak;
mod storage;
mod trouble;

pub use config::LabConfig;
pub use control::serve;
pub use fault::{FAULTS_MAX, Fault, When};
pub use handle::{Handle, LabError, ModemStats};
pub use kind::{FaultKind, OddDelete, OddFinal, OddPrompt, Stage, Step, UrcPlace};
pub use lab::Lab;
pub use log::{Record, What};
pub use modem::{Modem, ModemEvent, Stats};
pub use network::{Network, NetworkError, PlugEvent};
pub use odd::{Foreign, NoNetwork, Noise, OddMessage};
pub use personality::Personality;
pub use receive::Arrival;
pub use send::{Submitted, Verdict};

/// Time since the lab began.
pub type Moment = std::time::Duration;

#[cfg(test)]
mod tests;
