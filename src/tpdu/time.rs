//! Times: the service centre's stamps, and how long it keeps a message. 3GPP TS 23.040 §9.2.3.11 and §9.2.3.12.

use std::fmt;
use std::time::Duration;

/// Service centre time stamp: local time of the centre with its zone in quarter hours; octets kept as they came.
///
/// ```text
/// +------+-------+-----+------+--------+--------+------+
/// | year | month | day | hour | minute | second | zone |  each octet two digits, swapped; sign of zone is bit 3
/// +------+-------+-----+------+--------+--------+------+
/// ```
/// TP-SCTS, TP-DT and absolute TP-VP, 3GPP TS 23.040 §9.2.3.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scts {
    /// As on the air.
    pub raw: [u8; 7],
}

impl Scts {
    /// The stamp of an instant in a zone of `quarters` quarter hours east of Greenwich, -79 to 79.
    /// `None` outside 1970 to 2069, which two digits of the year stand for here.
    pub fn from_unix(seconds: i64, quarters: i8) -> Option<Scts> {
        if !(-79..=79).contains(&quarters) {
            return None;
        }
        let local = offset(quarters)?.to_datetime(jiff::Timestamp::from_second(seconds).ok()?);
        if !(1970..=2069).contains(&local.year()) {
            return None;
        }
        let year = (local.year() % 100) as i8;
        let sign = if quarters < 0 { 0x08 } else { 0x00 };
        Some(Scts {
            raw: [
                swapped(year),
                swapped(local.month()),
                swapped(local.day()),
                swapped(local.hour()),
                swapped(local.minute()),
                swapped(local.second()),
                swapped(quarters.abs()) | sign,
            ],
        })
    }

    /// Seconds since 1970-01-01 UTC; `None` when the digits are no date, such as month 0.
    pub fn unix_seconds(&self) -> Option<i64> {
        Some(offset(self.offset_quarters())?.to_timestamp(self.local()?).ok()?.as_second())
    }

    /// The zone in quarter hours east of Greenwich, -79 to 79.
    pub fn offset_quarters(&self) -> i8 {
        let zone = self.raw[6];
        // The sign bit lies inside the tens digit: off with it first.
        let quarters = number(zone & !0x08);
        if zone & 0x08 == 0 { quarters } else { -quarters }
    }

    /// The local date and time; digits over 9 are read as 0, years are 1970 to 2069.
    fn local(&self) -> Option<jiff::civil::DateTime> {
        let [year, month, day, hour, minute, second] = [0, 1, 2, 3, 4, 5].map(|i| number(self.raw[i]));
        let century = if year >= 70 { 1900 } else { 2000 };
        jiff::civil::DateTime::new(century + i16::from(year), month, day, hour, minute, second, 0).ok()
    }
}

/// RFC 3339 with the centre's own offset, or `unknown` when the digits are no date.
impl fmt::Display for Scts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(local) = self.local() else { return f.write_str("unknown") };
        let quarters = self.offset_quarters();
        let sign = if quarters < 0 { '-' } else { '+' };
        let minutes = i32::from(quarters.abs()) * 15;
        write!(f, "{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// How long the service centre tries. TP-VP, 3GPP TS 23.040 §9.2.3.12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidityPeriod {
    /// One octet, not linear: 5 minutes (0) to 63 weeks (255). §9.2.3.12.1.
    Relative(u8),
    /// Until an instant. §9.2.3.12.2.
    Absolute(Scts),
    /// Seven octets with a format of their own. §9.2.3.12.3.
    Enhanced([u8; 7]),
}

impl ValidityPeriod {
    /// The largest relative step that is not longer than `span`; at least the shortest one, 5 minutes.
    pub fn relative_at_most(span: Duration) -> ValidityPeriod {
        let fits = |octet: &u8| relative(*octet) <= span;
        ValidityPeriod::Relative((0..=u8::MAX).rev().find(fits).unwrap_or(0))
    }

    /// The span, where it is one: not for an instant, and not for enhanced formats without a span or reserved.
    pub fn duration(&self) -> Option<Duration> {
        match *self {
            ValidityPeriod::Relative(octet) => Some(relative(octet)),
            ValidityPeriod::Absolute(_) => None,
            // Another octet of functions follows: what it shifts is not known.
            ValidityPeriod::Enhanced([functions, ..]) if functions & 0x80 != 0 => None,
            ValidityPeriod::Enhanced([functions, a, b, c, ..]) => match functions & 0x07 {
                1 => Some(relative(a)),
                2 => Some(Duration::from_secs(u64::from(a))),
                3 => {
                    let [hours, minutes, seconds] = [a, b, c].map(|octet| u64::from(number(octet).unsigned_abs()));
                    Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
                }
                _ => None,
            },
        }
    }

    /// The centre is to try once only: bit 6 of an enhanced period.
    pub fn is_single_shot(&self) -> bool {
        matches!(self, ValidityPeriod::Enhanced([functions, ..]) if functions & 0x40 != 0)
    }
}

/// What it says, for a dump.
impl fmt::Display for ValidityPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.duration()) {
            (ValidityPeriod::Absolute(until), _) => write!(f, "until {until}")?,
            (_, Some(span)) => write_span(f, span.as_secs())?,
            (ValidityPeriod::Enhanced([functions, ..]), None) if functions & 0x07 == 0 => f.write_str("none given")?,
            (_, None) => f.write_str("reserved format")?,
        }
        if self.is_single_shot() { f.write_str(", one try only") } else { Ok(()) }
    }
}

/// Writes a span in the largest unit that measures it.
fn write_span(f: &mut fmt::Formatter<'_>, seconds: u64) -> fmt::Result {
    const UNITS: [(u64, &str); 5] =
        [(7 * 86400, "weeks"), (86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")];
    let (size, unit) =
        UNITS.into_iter().find(|(size, _)| seconds.is_multiple_of(*size) && seconds > *size).unwrap_or(UNITS[4]);
    write!(f, "{} {unit}", seconds / size)
}

/// The span of a relative octet. 3GPP TS 23.040 §9.2.3.12.1.
fn relative(octet: u8) -> Duration {
    const MINUTE: u64 = 60;
    const DAY: u64 = 24 * 60 * MINUTE;
    let v = u64::from(octet);
    Duration::from_secs(match v {
        0..=143 => (v + 1) * 5 * MINUTE,
        144..=167 => DAY / 2 + (v - 143) * 30 * MINUTE,
        168..=196 => (v - 166) * DAY,
        _ => (v - 192) * 7 * DAY,
    })
}

/// Two digits, the low semi-octet first; a digit over 9 is read as 0.
fn number(octet: u8) -> i8 {
    let digit = |semi_octet: u8| if semi_octet > 9 { 0 } else { semi_octet as i8 };
    10 * digit(octet & 0x0F) + digit(octet >> 4)
}

/// The octet of a number from 0 to 99.
fn swapped(number: i8) -> u8 {
    let number = number.unsigned_abs();
    ((number % 10) << 4) | (number / 10)
}

fn offset(quarters: i8) -> Option<jiff::tz::Offset> {
    jiff::tz::Offset::from_seconds(i32::from(quarters) * 15 * 60).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3GPP TS 23.040 §9.2.3.11.
    #[test]
    fn table_of_stamps() {
        for (name, raw, quarters, shown) in [
            ("east", [0x99, 0x30, 0x92, 0x51, 0x61, 0x95, 0x80], 8, "1999-03-29T15:16:59+02:00"),
            ("west", [0x42, 0x20, 0x92, 0x32, 0x95, 0x95, 0x8A], -28, "2024-02-29T23:59:59-07:00"),
            ("Nepal, +5:45", [0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x32], 23, "2025-01-01T00:00:00+05:45"),
            ("Chatham, +13:45", [0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x55], 55, "2025-01-01T00:00:00+13:45"),
            ("farthest west", [0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x9F], -79, "2025-01-01T00:00:00-19:45"),
            ("first year", [0x07, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00], 0, "1970-01-01T00:00:00+00:00"),
            ("last year", [0x96, 0x21, 0x13, 0x32, 0x95, 0x95, 0x00], 0, "2069-12-31T23:59:59+00:00"),
        ] {
            let stamp = Scts { raw };
            assert_eq!((stamp.offset_quarters(), stamp.to_string().as_str()), (quarters, shown), "{name}");
            let seconds = shown.parse::<jiff::Timestamp>().unwrap().as_second();
            assert_eq!(stamp.unix_seconds(), Some(seconds), "{name}");
            assert_eq!(Scts::from_unix(seconds, quarters), Some(stamp), "{name}");
        }
    }

    #[test]
    fn table_of_odd_stamps() {
        for (name, raw, shown) in [
            ("negative zero", [0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x08], "2025-01-01T00:00:00+00:00"),
            ("digits over 9 are 0", [0x52, 0x10, 0x10, 0xA1, 0xF2, 0xCC, 0x40], "2025-01-01T10:20:00+01:00"),
            ("month 0 by such a digit", [0x52, 0xFF, 0x10, 0x00, 0x00, 0x00, 0x40], "unknown"),
            ("all zero", [0x00; 7], "unknown"),
            ("all ones", [0xFF; 7], "unknown"),
            ("30 February", [0x52, 0x20, 0x03, 0x00, 0x00, 0x00, 0x00], "unknown"),
            ("25 hours", [0x52, 0x10, 0x10, 0x52, 0x00, 0x00, 0x00], "unknown"),
        ] {
            let stamp = Scts { raw };
            assert_eq!(stamp.to_string(), shown, "{name}");
            assert_eq!(stamp.unix_seconds().is_none(), shown == "unknown", "{name}");
        }
    }

    #[test]
    fn instants_that_no_stamp_can_say() {
        for (seconds, quarters) in [(-1, 0), (3_155_760_000, 0), (i64::MAX, 0), (0, -1), (0, 80), (0, i8::MIN)] {
            assert_eq!(Scts::from_unix(seconds, quarters), None, "{seconds} {quarters}");
        }
    }

    /// The ends of each range of 3GPP TS 23.040 §9.2.3.12.1.
    #[test]
    fn table_of_relative_periods() {
        for (octet, minutes, shown) in [
            (0, 5, "5 minutes"),
            (11, 60, "60 minutes"),
            (143, 12 * 60, "12 hours"),
            (144, 12 * 60 + 30, "750 minutes"),
            (167, 24 * 60, "24 hours"),
            (168, 2 * 1440, "2 days"),
            (173, 7 * 1440, "7 days"),
            (196, 30 * 1440, "30 days"),
            (197, 5 * 7 * 1440, "5 weeks"),
            (255, 63 * 7 * 1440, "63 weeks"),
        ] {
            let vp = ValidityPeriod::Relative(octet);
            let span = Duration::from_secs(minutes * 60);
            assert_eq!((vp.duration(), vp.to_string().as_str()), (Some(span), shown), "{octet}");
            assert_eq!(ValidityPeriod::relative_at_most(span), vp, "{octet}");
            let less = ValidityPeriod::Relative(octet.saturating_sub(1));
            assert_eq!(ValidityPeriod::relative_at_most(span - Duration::from_secs(1)), less, "{octet}");
        }
        assert_eq!(ValidityPeriod::relative_at_most(Duration::ZERO), ValidityPeriod::Relative(0));
        assert_eq!(ValidityPeriod::relative_at_most(Duration::MAX), ValidityPeriod::Relative(255));
    }

    /// 3GPP TS 23.040 §9.2.3.12.3.
    #[test]
    fn table_of_enhanced_periods() {
        for (octets, seconds, shown) in [
            ([0x00, 0, 0, 0, 0, 0, 0], None, "none given"),
            ([0x40, 0, 0, 0, 0, 0, 0], None, "none given, one try only"),
            ([0x01, 11, 0, 0, 0, 0, 0], Some(3600), "60 minutes"),
            ([0x02, 30, 0, 0, 0, 0, 0], Some(30), "30 seconds"),
            ([0x03, 0x10, 0x20, 0x30, 0, 0, 0], Some(3600 + 2 * 60 + 3), "3723 seconds"),
            ([0x43, 0x32, 0x95, 0x95, 0, 0, 0], Some(86399), "86399 seconds, one try only"),
            ([0x07, 1, 2, 3, 0, 0, 0], None, "reserved format"),
            ([0x81, 0, 11, 0, 0, 0, 0], None, "reserved format"),
        ] {
            let vp = ValidityPeriod::Enhanced(octets);
            let read = (vp.duration().map(|span| span.as_secs()), vp.to_string());
            assert_eq!(read, (seconds, shown.to_owned()), "{octets:x?}");
        }
    }
}
