//! How many parts a SIM may send per minute, hour and day: sliding windows over the times of its arming.

use crate::model::Timestamp;
use std::collections::VecDeque;

/// Limits of one SIM; `None` is no limit. All are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// Parts in any 60 s.
    pub per_minute: Option<u32>,
    /// Parts in any 60 min.
    pub per_hour: Option<u32>,
    /// Parts in any 24 h.
    pub per_day: Option<u32>,
}

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// The longest window: what has to be known of the past at start.
pub const DAY: i64 = 24 * HOUR;

impl Config {
    /// True when nothing is limited.
    pub fn is_off(&self) -> bool {
        self.rows().iter().all(|(_, limit)| limit.is_none())
    }

    fn rows(&self) -> [(i64, Option<u32>); 3] {
        [(MINUTE, self.per_minute), (HOUR, self.per_hour), (DAY, self.per_day)]
    }
}

/// The recent past of one SIM.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Ascending; no longer than the largest limit.
    times: VecDeque<Timestamp>,
}

impl Window {
    /// A window that knows these times, in any order.
    pub fn new(mut past: Vec<Timestamp>) -> Window {
        past.sort_unstable();
        Window { times: past.into() }
    }

    /// The earliest instant at which one more part may go: `now` when it may go at once.
    pub fn free_at(&self, config: &Config, now: Timestamp) -> Timestamp {
        let waits = config.rows().into_iter().filter_map(|(span, limit)| {
            let limit = limit? as usize;
            if limit == 0 {
                return Some(Timestamp(i64::MAX));
            }
            // The limit-th latest one has to leave the window.
            let index = self.times.len().checked_sub(limit)?;
            Some(Timestamp(self.times[index].0.saturating_add(span)))
        });
        waits.max().map_or(now, |at| at.max(now))
    }

    /// Notes one part.
    pub fn note(&mut self, config: &Config, now: Timestamp) {
        if config.is_off() {
            return;
        }
        while self.times.front().is_some_and(|t| t.0 <= now.0 - DAY) {
            self.times.pop_front();
        }
        // A clock that went back must not put times out of order.
        let at = self.times.back().map_or(now, |last| now.max(*last));
        self.times.push_back(at);
    }

    /// Takes the latest one back: the part was provably not sent.
    pub fn give_back(&mut self) {
        self.times.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_window_decides() {
        let config = Config { per_minute: Some(2), per_hour: Some(3), per_day: None };
        let mut window = Window::default();
        let at = |s: i64| Timestamp(s * 1000);
        assert_eq!(window.free_at(&config, at(0)), at(0));
        window.note(&config, at(0));
        window.note(&config, at(10));
        assert_eq!(window.free_at(&config, at(20)), at(60));
        assert_eq!(window.free_at(&config, at(61)), at(61));
        window.note(&config, at(61));
        assert_eq!(window.free_at(&config, at(62)), at(3600));
        window.give_back();
        assert_eq!(window.free_at(&config, at(62)), at(62));
    }

    #[test]
    fn a_restart_remembers() {
        let config = Config { per_day: Some(2), ..Config::default() };
        let window = Window::new(vec![Timestamp(5), Timestamp(3)]);
        assert_eq!(window.free_at(&config, Timestamp(10)), Timestamp(3 + DAY));
    }

    #[test]
    fn zero_stops_and_off_costs_nothing() {
        let stop = Config { per_minute: Some(0), ..Config::default() };
        assert_eq!(Window::default().free_at(&stop, Timestamp(1)), Timestamp(i64::MAX));
        let mut window = Window::default();
        window.note(&Config::default(), Timestamp(1));
        assert!(window.times.is_empty());
    }
}
