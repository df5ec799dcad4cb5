//! How far a clock is trusted before something is removed by it (RELIABILITY §2.8).
//!
//! A clock that is behind removes too little, which mends itself. One that is ahead would remove what nobody brings back: it
//! is trusted when it is not far ahead of what it was when it was trusted last, or when it is still so after a while.

use super::writer::Writer;
use crate::model::Timestamp;
use rusqlite::OptionalExtension;

/// An earlier time is that of a box whose clock was not set: no gateway is older. 2026-01-01.
pub(super) const EARLIEST: Timestamp = Timestamp(1_767_225_600_000);

const HOUR: i64 = 3_600_000;
/// So far it may be ahead at once: it is looked at once a day, and a box may be off over a night.
const STEP: i64 = 48 * HOUR;
/// A clock that is farther ahead is trusted when it was so for so many times, and went on between them: as long as it takes
/// somebody, or the network, to set it; and a box may be on for an hour a week.
const TIMES: i64 = 3;
const APART: std::ops::RangeInclusive<i64> = 6 * HOUR..=60 * 24 * HOUR;
/// The key in `meta`.
const KEY: &str = "clock";

/// What is remembered of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    /// As it was trusted last.
    trusted: i64,
    /// As it was seen far ahead of that, and how often; 0: not at all.
    ahead: i64,
    times: i64,
}

impl Seen {
    fn trusting(now: i64) -> Seen {
        Seen { trusted: now, ahead: 0, times: 0 }
    }

    /// What is remembered after another look.
    fn look(self, now: i64) -> Seen {
        if now.saturating_sub(self.trusted) <= STEP {
            return Seen::trusting(now);
        }
        match now.saturating_sub(self.ahead) {
            _ if self.times == 0 => Seen { ahead: now, times: 1, ..self },
            span if APART.contains(&span) && self.times + 1 >= TIMES => Seen::trusting(now),
            span if APART.contains(&span) => Seen { ahead: now, times: self.times + 1, ..self },
            span if (0..*APART.start()).contains(&span) => self,
            _ => Seen { ahead: now, times: 1, ..self },
        }
    }

    fn read(text: &str) -> Option<Seen> {
        let mut numbers = text.split(' ').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Seen { trusted: next()?, ahead: next()?, times: next()? })
    }
}

impl Writer {
    /// The time by which things may be removed now; `None`: by none.
    pub(super) fn trusted(&self, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
        if now < EARLIEST {
            return Ok(None);
        }
        let kept = self.kept_clock()?;
        let seen = kept.map_or(Seen::trusting(now.0), |kept| kept.look(now.0));
        if kept != Some(seen) {
            let text = format!("{} {} {}", seen.trusted, seen.ahead, seen.times);
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
                .execute([KEY, &text])?;
        }
        if seen.trusted != now.0 {
            let ahead_h = (now.0 - seen.trusted) / HOUR;
            tracing::warn!(
                ahead_h,
                times = seen.times,
                "the clock is far ahead of its last time; nothing is removed by it yet"
            );
        }
        Ok(Some(Timestamp(seen.trusted)))
    }

    /// The same without a look that counts; `None` also before the first that did.
    pub(super) fn believed(&self, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
        let kept = self.kept_clock()?.filter(|_| now >= EARLIEST);
        Ok(kept.map(|kept| Timestamp(kept.look(now.0).trusted)))
    }

    fn kept_clock(&self) -> rusqlite::Result<Option<Seen>> {
        let kept: Option<String> = self
            .connection
            .prepare_cached("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1")?
            .query_row([KEY], |row| row.get(0))
            .optional()?;
        Ok(kept.and_then(|text| Seen::read(&text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;

    #[test]
    fn table_of_looks() {
        for (name, looks, trusted) in [
            ("daily", &[0, DAY, 2 * DAY][..], 2 * DAY),
            ("off over the weekend", &[0, 3 * DAY], 0),
            ("a year ahead", &[0, YEAR], 0),
            ("a year ahead for a day", &[0, YEAR, YEAR + DAY, 2 * DAY], 2 * DAY),
            ("for good", &[0, YEAR, YEAR + DAY, YEAR + 2 * DAY], YEAR + 2 * DAY),
            ("many starts in a row", &[0, YEAR, YEAR + 1, YEAR + HOUR, YEAR + 2 * HOUR, YEAR + 5 * HOUR], 0),
            ("another year each time", &[0, YEAR, 2 * YEAR, 3 * YEAR, 4 * YEAR], 0),
            ("on for an hour a week", &[0, 7 * DAY, 14 * DAY, 21 * DAY], 21 * DAY),
            ("back by a year", &[2 * YEAR, YEAR], YEAR),
            ("back and forth", &[2 * YEAR, YEAR, 2 * YEAR], YEAR),
            ("to and fro while ahead", &[0, YEAR, YEAR - DAY, YEAR, YEAR - DAY], 0),
        ] {
            let seen = looks[1..].iter().fold(Seen::trusting(looks[0]), |seen, now| seen.look(*now));
            assert_eq!(seen.trusted, trusted, "{name}: {seen:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_read_again() {
        assert_eq!(Seen::read("1 -2 3"), Some(Seen { trusted: 1, ahead: -2, times: 3 }));
        assert_eq!([Seen::read(""), Seen::read("1 2"), Seen::read("x 2 3")], [None; 3]);
    }
}
