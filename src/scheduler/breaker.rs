//! Closes a lane for a while when several different recipients have failed on it in a row.

use super::retry;
use crate::model::{Number, Timestamp};

/// Failures of so many different recipients in a row are evidence against the SIM, not the message.
const RECIPIENTS: usize = 3;

/// The evidence against one SIM.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    failed: Vec<Number>,
    opened: u32,
}

impl Breaker {
    /// A part got through: all is forgiven.
    pub(super) fn success(&mut self) {
        self.failed.clear();
        self.opened = 0;
    }

    /// A part failed by no fault of the message. Returns until when to close, once there is evidence enough.
    pub(super) fn failure(
        &mut self,
        config: &retry::Config,
        recipient: &Number,
        now: Timestamp,
        random: f64,
    ) -> Option<Timestamp> {
        if !self.failed.contains(recipient) {
            self.failed.push(recipient.clone());
        }
        if self.failed.len() < RECIPIENTS {
            return None;
        }
        self.failed.clear();
        let wait = retry::backoff(config, self.opened, random);
        self.opened = self.opened.saturating_add(1);
        Some(now.after(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_number_closes_nothing() {
        let (config, now) = (retry::Config::default(), Timestamp(0));
        let number = |n: u32| format!("+4917055500{n:02}").parse::<Number>().unwrap();
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            assert_eq!(breaker.failure(&config, &number(1), now, 1.0), None);
        }
        assert_eq!(breaker.failure(&config, &number(2), now, 1.0), None);
        assert_eq!(breaker.failure(&config, &number(3), now, 1.0), Some(Timestamp(5_000)));
        for (n, want) in [(1, None), (2, None), (3, Some(Timestamp(10_000)))] {
            assert_eq!(breaker.failure(&config, &number(n), now, 1.0), want);
        }
        breaker.success();
        breaker.failure(&config, &number(1), now, 1.0);
        breaker.failure(&config, &number(2), now, 1.0);
        assert_eq!(breaker.failure(&config, &number(3), now, 1.0), Some(Timestamp(5_000)));
    }
}
