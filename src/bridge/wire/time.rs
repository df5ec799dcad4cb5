//! Instants as JSON carries them: RFC 3339, written in UTC with milliseconds.

use crate::model::Timestamp;
use serde::{Serialize, Serializer};

/// Reads an RFC 3339 date and time with an offset; anything finer than a millisecond is cut.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
}

/// An instant that serialises as RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rfc3339(pub(super) Timestamp);

impl std::fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limits = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
        let at = jiff::Timestamp::from_millisecond(self.0.0.clamp(limits.0, limits.1)).unwrap_or_default();
        write!(f, "{at:.3}")
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_instants() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-25T03:00:00+01:00", Some(1_795_572_000_000)),
            ("2026-11-25T02:00:00.1234Z", Some(1_795_572_000_123)),
            ("2026-11-25T02:00:00", None),
            ("2026-11-25", None),
            ("2026-13-01T00:00:00Z", None),
            ("10000-01-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(parse(text).map(|at| at.0), want, "{text}");
        }
        for (ms, text) in [(0, "1970-01-01T00:00:00.000Z"), (1_795_572_000_123, "2026-11-25T02:00:00.123Z")] {
            assert_eq!(Rfc3339(Timestamp(ms)).to_string(), text);
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(!Rfc3339(Timestamp(extreme)).to_string().is_empty());
        }
    }
}
