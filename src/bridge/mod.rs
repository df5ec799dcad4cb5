//! Translators between the gateway and the outside: they know the gateway and the model, nothing else.

pub mod control;
pub mod mqtt;
pub mod wire;
