//! The only module that says SQL: the durable queue, the event log, and what was received.

mod types;

pub use types::{Accepted, Claim, Due, NewMessage, PendingPart, Recovered, Step, Undecided, Verdict, Work};
