//! What modems say and hear: V.250, 3GPP TS 27.007 and 27.005 as values, and one exchange as a sans-IO engine.

pub mod params;

pub use params::{Param, Params};
