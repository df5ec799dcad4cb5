//! The time that passes here. A test may let it run faster than the world's: every wait of the drivers, the scheduler and the
//! bridges is shorter by the same number then, and nothing else is different.
//!
//! Whatever the wall clock is set to, spans are counted on a line of our own ([`ours`]); the wall clock is told to people, and
//! only they name instants of it (RELIABILITY §2.8).

use nix::time::{ClockId, clock_gettime};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, Sleep, Timeout};

/// A wall clock that was set is believed when it has stayed so for so long: a step for a moment changes nothing.
const BELIEVED: Duration = Duration::from_secs(60);
/// Our line does not begin before 2026: no gateway is older, and what is removed by its age is not by an earlier time.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
/// Two readings of one clock differ by less than this, in milliseconds.
const SAME_MS: i64 = 500;

static FASTER: OnceLock<Faster> = OnceLock::new();
static LINE: Mutex<Option<Line>> = Mutex::new(None);
static WALL_FILE: OnceLock<PathBuf> = OnceLock::new();

#[derive(Debug)]
struct Faster {
    by: u32,
    began: Instant,
    boot: Duration,
}

/// Lets time run so many times as fast for the rest of the process. Before anything asks for the time.
pub fn run_faster(by: u32) {
    let faster = Faster { by: by.max(1), began: Instant::now(), boot: boottime() };
    // Only the first call counts.
    let _ = FASTER.set(faster);
}

/// For tests that set the wall clock: it is as many seconds ahead as this file says. Only the first call counts.
pub fn wall_from(file: PathBuf) {
    let _ = WALL_FILE.set(file);
}

/// How many times as fast as the world's it runs.
pub fn speed() -> u32 {
    FASTER.get().map_or(1, |faster| faster.by)
}

/// Now.
pub fn now() -> Instant {
    let now = Instant::now();
    FASTER.get().map_or(now, |faster| faster.began + (now - faster.began) * faster.by)
}

/// What the machine's clocks show at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Since 1970. Anybody may set it.
    pub wall: Duration,
    /// Since the machine was switched on, while it slept too. Nobody can set it.
    pub boot: Duration,
}

/// Reads both.
pub fn read() -> Reading {
    let (wall, boot) = (world(), boottime());
    let ran = FASTER.get().map_or(boot, |faster| faster.boot + boot.saturating_sub(faster.boot) * faster.by);
    Reading { wall: wall + (ran - boot), boot: ran }
}

/// What is known of the process before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// When it began, on our line.
    pub began: Duration,
    /// The same since the machine was switched on, if that is how long it has been on.
    pub boot: Option<Duration>,
    /// The last that it wrote down, on our line.
    pub last: Duration,
    /// The wall clock minus our line, in milliseconds.
    pub offset_ms: i64,
}

/// Our own line of time: instants that are as far apart as they were, whatever the wall clock was set to between them.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    began: Duration,
    at: Reading,
    offset_ms: i64,
    /// The wall clock differs by so many milliseconds, since then.
    doubt: Option<(i64, Duration)>,
}

impl Line {
    /// Goes on where the process before was. Where the machine was switched off between, only the wall clock can tell for how
    /// long; one that stands behind says that it does not know, and no time has passed.
    pub fn begin(past: Option<Past>, at: Reading) -> Line {
        let began = match past {
            None => at.wall,
            Some(Past { began, boot: Some(boot), last, .. }) => (began + at.boot.saturating_sub(boot)).max(last),
            Some(Past { last, offset_ms, .. }) => {
                let off_ms = (ms(at.wall) - offset_ms).saturating_sub(ms(last));
                last + Duration::from_millis(u64::try_from(off_ms).unwrap_or(0))
            }
        };
        let began = began.max(EARLIEST);
        Line { began, at, offset_ms: ms(at.wall) - ms(began), doubt: None }
    }

    /// The instant on it.
    pub fn now(&self, boot: Duration) -> Duration {
        self.began + boot.saturating_sub(self.at.boot)
    }

    /// The wall clock minus this line, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms
    }

    /// Looks at the wall clock, once a second or so. True: it was set, and is believed from now on.
    pub fn heed(&mut self, read: Reading) -> bool {
        let set_ms = ms(read.wall) - ms(self.now(read.boot)) - self.offset_ms;
        if set_ms.abs() < SAME_MS {
            self.doubt = None;
            return false;
        }
        match self.doubt {
            Some((before, since)) if (set_ms - before).abs() < SAME_MS => {
                if read.boot.saturating_sub(since) < BELIEVED {
                    return false;
                }
                self.offset_ms += set_ms;
                self.doubt = None;
                true
            }
            _ => {
                self.doubt = Some((set_ms, read.boot));
                false
            }
        }
    }
}

/// Begins our line for this process.
pub fn begin(past: Option<Past>) {
    *line() = Some(Line::begin(past, read()));
}

/// Now on our line: since 1970, as the wall clock would be had nobody ever set it.
pub fn ours() -> Duration {
    let read = read();
    line().map_or(read.wall, |line| line.now(read.boot))
}

/// The wall clock minus our line, in milliseconds.
pub fn offset_ms() -> i64 {
    line().map_or(0, |line| line.offset_ms)
}

/// Looks at the wall clock: see [`Line::heed`].
pub fn heed() -> bool {
    let read = read();
    line().as_mut().is_some_and(|line| line.heed(read))
}

fn line() -> MutexGuard<'static, Option<Line>> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

fn world() -> Duration {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ahead = WALL_FILE.get().and_then(|file| std::fs::read_to_string(file).ok()?.trim().parse::<i64>().ok());
    let ahead = ahead.unwrap_or(0);
    let span = Duration::from_secs(ahead.unsigned_abs());
    if ahead < 0 { wall.saturating_sub(span) } else { wall + span }
}

fn boottime() -> Duration {
    // It cannot fail on Linux; where it did, the wall clock would be all there is.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or_else(|_| world(), Duration::from)
}

/// The world's instant at which ours is this one.
fn in_world(at: Instant) -> Instant {
    FASTER.get().map_or(at, |faster| faster.began + at.saturating_duration_since(faster.began) / faster.by)
}

/// As tokio's.
pub fn sleep(span: Duration) -> Sleep {
    tokio::time::sleep(span / speed())
}

/// As tokio's, until an instant of [`now`].
pub fn sleep_until(at: Instant) -> Sleep {
    tokio::time::sleep_until(in_world(at))
}

/// As tokio's.
pub fn timeout<F: Future>(span: Duration, future: F) -> Timeout<F> {
    tokio::time::timeout(span / speed(), future)
}

/// As tokio's, at an instant of [`now`].
pub fn timeout_at<F: Future>(at: Instant, future: F) -> Timeout<F> {
    tokio::time::timeout_at(in_world(at), future)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;

    /// So many seconds after 2030.
    fn at(seconds: u64) -> Duration {
        EARLIEST + Duration::from_secs(4 * YEAR + seconds)
    }

    fn reading(wall: Duration, boot: u64) -> Reading {
        Reading { wall, boot: Duration::from_secs(boot) }
    }

    #[test]
    fn a_start_goes_on_where_the_process_before_was() {
        let past = Past { began: at(1000), boot: Some(Duration::from_secs(100)), last: at(1050), offset_ms: 0 };
        let off = Past { boot: None, ..past };
        let behind = Past { offset_ms: ms(Duration::from_secs(YEAR)), ..off };
        let long_ago = Duration::from_secs(3);
        for (name, past, read, began) in [
            ("the first", None, reading(at(1000), 5), at(1000)),
            ("the first, in 1970", None, reading(long_ago, 5), EARLIEST),
            ("a restart", Some(past), reading(at(1200), 300), at(1200)),
            ("the clock was set ahead meanwhile", Some(past), reading(at(1200 + YEAR), 300), at(1200)),
            ("and behind", Some(past), reading(long_ago, 300), at(1200)),
            ("what was written last is not undone", Some(past), reading(at(1001), 101), at(1050)),
            ("switched off for a day", Some(off), reading(at(1050 + 86_400), 20), at(1050 + 86_400)),
            ("switched off, and no clock: 1970", Some(off), reading(long_ago, 20), at(1050)),
            ("our line is a year behind: off for an hour", Some(behind), reading(at(1050 + YEAR + 3600), 20), at(4650)),
        ] {
            let line = Line::begin(past, read);
            assert_eq!(line.now(read.boot), began, "{name}");
            assert_eq!(line.offset_ms(), ms(read.wall) - ms(began), "{name}");
        }
    }

    #[test]
    fn a_clock_that_was_set_is_believed_after_a_minute_and_moves_no_span() {
        let mut line = Line::begin(None, reading(at(0), 0));
        let mut after = |boot: u64, wall: Duration| {
            let told = line.heed(reading(wall, boot));
            ((line.now(Duration::from_secs(boot)) - at(0)).as_secs(), told, line.offset_ms() / 1000)
        };
        assert_eq!(after(10, at(10)), (10, false, 0));
        assert_eq!(after(11, at(YEAR + 11)), (11, false, 0), "a year ahead, for a moment");
        assert_eq!(after(12, at(12)), (12, false, 0));
        let hour = Duration::from_secs(3600);
        for boot in 20..80 {
            assert_eq!(after(boot, at(boot) - hour), (boot, false, 0));
        }
        assert_eq!(after(80, at(80) - hour), (80, true, -3600));
        assert_eq!(after(81, at(81) - hour), (81, false, -3600));
    }
}
