//! What is done, and when, to a modem that does not do its work: RELIABILITY F-06, F-28, F-29.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Something that is done to a modem, the gentlest first. Bringing the line in step and opening the port again come before
/// all of them and are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Step {
    /// The radio off and on: `+CFUN=4`, `+CFUN=1`.
    Radio,
    /// The make's own restart.
    Reset,
    /// The USB device away and back.
    Usb,
    /// The power of its USB port off and on.
    PortPower,
    /// The modem's power key.
    PowerKey,
}

impl Step {
    /// The word in events and in the modem's state.
    pub(super) fn word(self) -> &'static str {
        match self {
            Step::Radio => "radio",
            Step::Reset => "reset",
            Step::Usb => "usb",
            Step::PortPower => "port_power",
            Step::PowerKey => "power_key",
        }
    }
}

/// Restarts in an hour. More would keep a modem from ever finding its network, and a stick from cooling down.
const RESTARTS: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);
/// How long a modem may be without a network before the first step; twice as long before each step after it.
const NETWORK_PATIENCE: Duration = Duration::from_secs(600);
/// The longest such time.
const NETWORK_PATIENCE_MOST: Duration = Duration::from_secs(6 * 3600);
/// So many losses of the line within [`FLAPPING_WITHIN`] make a modem one that comes and goes.
pub(super) const FLAPPING: usize = 3;
const FLAPPING_WITHIN: Duration = Duration::from_secs(600);
/// How long such a modem is watched before it is used again; twice as long with each further loss.
const WATCHED: Duration = Duration::from_secs(30);
/// The longest such time.
const WATCHED_MOST: Duration = Duration::from_secs(300);

/// The memory of what was done to one modem and what became of it; it outlives the port.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    /// Steps of the last hour, the oldest first.
    taken: VecDeque<(Instant, Step)>,
    /// The highest step since the modem was last well.
    reached: Option<Step>,
    /// Steps since then.
    since_well: u32,
    /// When the line was lost, the oldest first.
    losses: VecDeque<Instant>,
}

impl Ladder {
    /// The step for a modem that does not answer or takes no orders; it counts as taken. `None`: not now. The step before
    /// has `settle` to show what it did.
    pub(super) fn restart(&mut self, now: Instant, settle: Duration, can: &[Step]) -> Option<Step> {
        self.climb(now, settle, Step::Reset, can)
    }

    /// The step for a modem without a network since `since`; it counts as taken. `None`: not now.
    pub(super) fn find_network(&mut self, now: Instant, since: Instant, can: &[Step]) -> Option<Step> {
        if now < self.network_due(since) { None } else { self.climb(now, NETWORK_PATIENCE, Step::Radio, can) }
    }

    /// When [`Ladder::find_network`] is to be asked for a modem without a network since `since`.
    pub(super) fn network_due(&self, since: Instant) -> Instant {
        let patience = NETWORK_PATIENCE.saturating_mul(1 << self.since_well.min(16)).min(NETWORK_PATIENCE_MOST);
        let last = self.taken.back().map_or(since, |(at, _)| (*at).max(since));
        last + patience
    }

    fn climb(&mut self, now: Instant, settle: Duration, lowest: Step, can: &[Step]) -> Option<Step> {
        while self.taken.front().is_some_and(|(at, _)| now.duration_since(*at) >= HOUR) {
            self.taken.pop_front();
        }
        let restarts = self.taken.iter().filter(|(_, step)| *step >= Step::Reset).count();
        let is_settling = self.taken.back().is_some_and(|(at, _)| now.duration_since(*at) < settle);
        if is_settling {
            return None;
        }
        let is_allowed = |step: &Step| *step >= lowest && (*step < Step::Reset || restarts < RESTARTS);
        let allowed = || can.iter().copied().filter(is_allowed);
        // At the top the strongest is taken again.
        let step = allowed()
            .find(|step| self.reached.is_none_or(|reached| *step > reached))
            .or_else(|| allowed().next_back())?;
        self.taken.push_back((now, step));
        self.reached = self.reached.max(Some(step));
        self.since_well = self.since_well.saturating_add(1);
        Some(step)
    }

    /// The modem does its work: the next trouble begins at the bottom. What was taken within the hour still counts.
    pub(super) fn well(&mut self) {
        (self.reached, self.since_well) = (None, 0);
    }

    /// Somebody has asked for a restart: it counts, but says nothing of how bad things are.
    pub(super) fn asked(&mut self, now: Instant) {
        self.taken.push_back((now, Step::Reset));
    }

    /// The line was lost. What a restart of ours does within `settle` is no sign of bad contact.
    pub(super) fn lost(&mut self, now: Instant, settle: Duration) {
        if self.taken.back().is_some_and(|(at, step)| *step >= Step::Reset && now.duration_since(*at) < settle) {
            return;
        }
        self.losses.push_back(now);
        while self.losses.front().is_some_and(|at| now.duration_since(*at) >= FLAPPING_WITHIN) {
            self.losses.pop_front();
        }
    }

    /// For how long a modem that comes and goes is to be watched before it is used, and how often it has gone.
    pub(super) fn watched(&self, now: Instant) -> Option<(Duration, usize)> {
        let lately = self.losses.iter().filter(|at| now.duration_since(**at) < FLAPPING_WITHIN).count();
        let further = u32::try_from(lately.checked_sub(FLAPPING)?).unwrap_or(u32::MAX);
        Some((WATCHED.saturating_mul(1 << further.min(8)).min(WATCHED_MOST), lately))
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{PortPower, PowerKey, Radio, Reset, Usb};
    use super::*;

    const ALL: &[Step] = &[Radio, Reset, Usb, PortPower, PowerKey];
    const SETTLE: Duration = Duration::from_secs(120);

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_mute_modem_is_restarted_harder_each_time_and_three_times_an_hour() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let mut at = |s: u64| ladder.restart(start + seconds(s), SETTLE, ALL);
        assert_eq!([at(0), at(119), at(120), at(240)], [Some(Reset), None, Some(Usb), Some(PortPower)]);
        assert_eq!([at(400), at(3599)], [None, None], "three restarts an hour");
        assert_eq!([at(3600), at(3720), at(3840)], [Some(PowerKey); 3], "one an hour ago each");
        assert_eq!(at(3960), None);
    }

    #[test]
    fn what_cannot_be_done_is_gone_past() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let can = [Radio, Reset];
        let steps = [0, 120, 240].map(|s| ladder.restart(start + seconds(s), SETTLE, &can));
        assert_eq!(steps, [Some(Reset); 3]);
        assert_eq!(Ladder::default().restart(start, SETTLE, &[Radio]), None);
    }

    #[test]
    fn a_modem_that_was_well_begins_at_the_bottom() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        assert_eq!(ladder.restart(start, SETTLE, ALL), Some(Reset));
        ladder.well();
        assert_eq!(ladder.restart(start + seconds(600), SETTLE, ALL), Some(Reset));
        ladder.well();
        assert_eq!(ladder.restart(start + seconds(1200), SETTLE, ALL), Some(Reset));
        ladder.well();
        assert_eq!(ladder.restart(start + seconds(1800), SETTLE, ALL), None, "the limit holds all the same");
    }

    #[test]
    fn without_a_network_the_patience_doubles() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let mut taken = Vec::new();
        for minute in 0..24 * 60 {
            let now = start + seconds(60 * minute);
            let due = ladder.network_due(start);
            let step = ladder.find_network(now, start, ALL);
            assert_eq!(step.is_some(), now >= due, "who waits until it is due is not sent away");
            taken.extend(step.map(|step| (minute, step)));
        }
        assert_eq!(
            taken,
            [
                (10, Radio),
                (30, Reset),
                (70, Usb),
                (150, PortPower),
                (310, PowerKey),
                (630, PowerKey),
                (990, PowerKey),
                (1350, PowerKey)
            ]
        );
        ladder.well();
        let now = start + seconds(86_400);
        assert_eq!(ladder.network_due(now), now + NETWORK_PATIENCE);
    }

    #[test]
    fn a_modem_that_comes_and_goes_is_watched_longer_each_time() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let mut spans = Vec::new();
        for n in 0..8 {
            let now = start + seconds(90 * n);
            ladder.lost(now, SETTLE);
            spans.push(ladder.watched(now).map(|(span, losses)| (span.as_secs(), losses)));
        }
        let want = [None, None, Some((30, 3)), Some((60, 4)), Some((120, 5)), Some((240, 6)), Some((300, 7))];
        assert_eq!(spans[..7], want);
        assert_eq!(spans[7], Some((300, 7)), "the first is ten minutes ago");
        assert_eq!(ladder.watched(start + seconds(2000)), None);
        ladder.asked(start + seconds(2000));
        (0..5).for_each(|n| ladder.lost(start + seconds(2000 + 23 * n), SETTLE));
        assert_eq!(ladder.watched(start + seconds(2100)), None, "it was told to restart");
        (0..3).for_each(|n| ladder.lost(start + seconds(2120 + n), SETTLE));
        assert_eq!(ladder.watched(start + seconds(2130)).map(|it| it.1), Some(3));
    }
}
