//! The time that passes here. A test may let it run faster than the world's: every wait of the drivers, the scheduler and the
//! bridges is shorter by the same number then, and nothing else is different.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, Sleep, Timeout};

static FASTER: OnceLock<Faster> = OnceLock::new();

#[derive(Debug)]
struct Faster {
    by: u32,
    began: Instant,
    wall: Duration,
}

/// Lets time run so many times as fast for the rest of the process. Before anything asks for the time.
pub fn run_faster(by: u32) {
    let faster = Faster { by: by.max(1), began: Instant::now(), wall: world() };
    // Only the first call counts.
    let _ = FASTER.set(faster);
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

/// The wall clock: since 1970.
pub fn wall() -> Duration {
    FASTER.get().map_or_else(world, |faster| faster.wall + faster.began.elapsed() * faster.by)
}

fn world() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
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
