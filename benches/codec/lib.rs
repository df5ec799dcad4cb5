//! The codec alone, from its sources.

#![allow(dead_code)]

#[path = "../../src/tpdu/mod.rs"]
pub mod tpdu;
