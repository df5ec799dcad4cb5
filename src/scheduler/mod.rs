//! Sends what is due: which SIM, when, and again.

pub mod limits;
pub mod retry;
pub mod router;
