//! Logging: one line a record on standard error, safe to look at whatever came in, and held up by nobody.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// Records that wait for a reader of standard error; those beyond are dropped, and counted.
const WAITING: usize = 1024;
/// How long the end of the process waits for such a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often it is tried to queue the end behind the records.
const LOOK: Duration = Duration::from_millis(10);

static OUT: OnceLock<SyncSender<Entry>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

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
    write_from_now_on();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| SafeLines);
    // Only fails when logging runs already, and then it is as good.
    let _ = match format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Auto if journal => builder.without_time().try_init(),
        LogFormat::Auto | LogFormat::Plain => builder.try_init(),
    };
}

/// What the writing thread is given.
enum Entry {
    Record(String),
    /// Hung up when everything before it is written.
    End(SyncSender<()>),
}

/// Starts the thread that writes: a standard error that is full and that nobody reads must hold nothing up (F-48).
fn write_from_now_on() {
    let (out, entries) = sync_channel(WAITING);
    if OUT.set(out).is_ok() {
        // Without a thread there is no log, which is better than no gateway.
        let _ = std::thread::Builder::new().name("log".into()).spawn(move || write_all(&entries));
    }
}

fn write_all(entries: &Receiver<Entry>) {
    let mut told = 0;
    for entry in entries {
        let line = match entry {
            Entry::Record(line) => line,
            Entry::End(done) => {
                drop(done);
                continue;
            }
        };
        // Where it is closed nobody reads.
        let _ = std::io::stderr().write_all(line.as_bytes());
        let dropped = DROPPED.load(Ordering::Relaxed);
        if dropped > told {
            tracing::warn!(
                records = dropped,
                "standard error was not read; so many records are missing since the start"
            );
            told = dropped;
        }
    }
}

/// Waits until what was logged is written, but for no reader longer than a second.
pub fn finish() {
    let Some(out) = OUT.get() else { return };
    let until = Instant::now() + LAST_WORDS;
    let (done, written) = sync_channel(0);
    let mut end = Entry::End(done);
    while let Err(TrySendError::Full(back)) = out.try_send(end) {
        if Instant::now() >= until {
            return;
        }
        end = back;
        std::thread::sleep(LOOK);
    }
    // Either way the process ends.
    let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
}

/// One line a record: what a terminal or a reader could be fooled with is escaped (T-02).
struct SafeLines;

impl Write for SafeLines {
    /// A record comes in one piece.
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let mut line = escape(text.trim_end_matches('\n'));
        line.push('\n');
        if OUT.get().is_none_or(|out| out.try_send(Entry::Record(line)).is_err()) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
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
