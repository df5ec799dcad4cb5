//! Logging: one line a record on standard error, safe to look at whatever came in.

use std::io::Write;
use tracing_subscriber::EnvFilter;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LogFormat {
    /// Plain; without the time where the journal adds it.
    #[default]
    Auto,
    /// Plain, with the time.
    Plain,
    /// One JSON object a line.
    Json,
}

/// Says what is wrong with a filter.
pub fn check_level(level: &str) -> Result<(), String> {
    EnvFilter::try_new(level)
        .map(|_| ())
        .map_err(|error| format!("{error}; e.g. \"info\", \"debug\" or \"gsmgate::modem=trace\""))
}

/// Starts logging for this process. A second call changes nothing.
pub fn start(level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| SafeLines);
    // Only fails when logging runs already, and then it is as good.
    let _ = match format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Auto if journal => builder.without_time().try_init(),
        LogFormat::Auto | LogFormat::Plain => builder.try_init(),
    };
}

/// Standard error, one line a record: what a terminal or a reader could be fooled with is escaped (T-02).
struct SafeLines;

impl Write for SafeLines {
    /// A record comes in one piece.
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut line = escape(text.trim_end_matches('\n'));
        line.push('\n');
        // A full or closed standard error must not hold the gateway up (F-48).
        let _ = std::io::stderr().write_all(line.as_bytes());
        Ok(record.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn escape(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() || is_bidi(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_one_safe_line() {
        assert_eq!(escape("a\r\nb\u{1b}[31m\u{202e}c"), "a\\u{d}\\u{a}b\\u{1b}[31m\\u{202e}c");
        assert_eq!(escape("plain ü €"), "plain ü €");
    }

    #[test]
    fn levels_are_checked() {
        assert!(check_level("info").is_ok() && check_level("gsmgate::modem=trace,warn").is_ok());
        assert!(check_level("gsmgate=loud").is_err());
    }
}
