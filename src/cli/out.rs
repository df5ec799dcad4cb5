//! Standard output: lines for eyes, objects for scripts.

use super::exit::{Exit, Failure};
use crate::telemetry::escape;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// A line for eyes. What came over the air must not drive the terminal (T-02).
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    raw(escape(text.as_ref()))
}

/// One JSON object on a line of its own.
pub(super) fn object(json: impl Display) -> Result<(), Failure> {
    raw(json)
}

/// Our own words, as they are.
pub(super) fn raw(text: impl Display) -> Result<(), Failure> {
    let text = format!("{text}\n");
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| match error.kind() {
        // The reader has seen enough, like `head`: that needs no words.
        ErrorKind::BrokenPipe => Failure::new(Exit::Io, ""),
        _ => Failure::new(Exit::Io, format!("standard output: {error}")),
    })
}
