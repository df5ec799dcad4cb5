//! Tests at the border of `wire`.

mod commands;
mod events;
