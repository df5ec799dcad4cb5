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

/// Words that are a level by themselves; any other bare word would be a module's name, and silence everything else.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Says what is wrong with a filter.
pub fn check_level(level: &str) -> Result<(), String> {
    let example = "e.g. \"info\", \"debug\" or \"info,gsmgate::modem=trace\"";
    if let Some(word) = level.split(',').find(|word| !word.contains(['=', '[']) && !LEVELS.contains(word)) {
        return Err(format!("{word:?} is no level; {example}"));
    }
    EnvFilter::try_new(level).map(|_| ()).map_err(|error| format!("{error}; {example}"))
}

/// Starts logging for this process. `RUST_LOG`, where it is set and right, stands above `level`. A second call changes
/// nothing.
pub fn start(level: &str, format: LogFormat) {
    let wished = std::env::var("RUST_LOG").ok().filter(|wished| check_level(wished).is_ok());
    let filter = EnvFilter::try_new(wished.as_deref().unwrap_or(level)).unwrap_or_else(|_| EnvFilter::new("info"));
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

/// The text as one line that neither drives a terminal nor fools its reader (T-02). The escapes are also JSON's.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi(c) { safe.push_str(&format!("\\u{:04x}", u32::from(c))) } else { safe.push(c) }
    }
    safe
}

/// Marks that turn the direction of writing, or break a line: all of them below U+10000.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_is_one_safe_line() {
        assert_eq!(escape("a\r\nb\u{1b}[31m\u{202e}c"), "a\\u000d\\u000ab\\u001b[31m\\u202ec");
        assert_eq!(escape("plain ü €"), "plain ü €");
    }

    #[test]
    fn what_is_escaped_stays_json() {
        let line = serde_json::json!({ "text": "a\u{202e}b" }).to_string();
        let value: serde_json::Value = serde_json::from_str(&escape(&line)).unwrap();
        assert_eq!(value["text"], "a\u{202e}b");
    }

    #[test]
    fn levels_are_checked() {
        for (level, fits) in [
            ("info", true),
            ("gsmgate::modem=trace,warn", true),
            ("off", true),
            ("gsmgate=loud", false),
            ("verbose", false),
            ("info,gsmgate", false),
            ("", false),
        ] {
            assert_eq!(check_level(level).is_ok(), fits, "{level}");
        }
    }
}
