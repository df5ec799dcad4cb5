//! PDUs without people: as long as they were and of the same structure, with other numbers and a text of zeros.

use super::pseudonym::{Pseudonyms, padded};
use std::ops::Range;

/// Which way a PDU goes: the same bits are another kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToModem,
    FromModem,
}

/// Who stands in PDUs and in lines, and what was written.
#[derive(Debug, Default)]
pub(super) struct People {
    numbers: Pseudonyms,
    texts: Pseudonyms,
}

/// Where in a PDU somebody's digits and words are.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    centre: Range<usize>,
    address: Range<usize>,
    text: Range<usize>,
}

impl People {
    /// Masks a PDU, service centre field included. What is not one throughout is taken for text.
    pub(super) fn mask(&mut self, pdu: &mut [u8], way: Way) {
        let Some(Places { centre, address, text }) = Places::of(pdu, way) else { return self.text(pdu) };
        self.semi_octets(&mut pdu[centre]);
        self.semi_octets(&mut pdu[address]);
        self.text(&mut pdu[text]);
    }

    /// A telephone number, or what could be one.
    pub(super) fn number(&mut self, digits: &str) -> String {
        padded(self.numbers.of(digits.as_bytes()), digits.len())
    }

    /// Replaces digits in semi-octets, the filler kept.
    fn semi_octets(&mut self, octets: &mut [u8]) {
        let text: String = octets.iter().flat_map(|octet| [octet & 15, octet >> 4]).map(|d| format!("{d:X}")).collect();
        let digits = text.trim_end_matches('F');
        if digits.is_empty() {
            return;
        }
        let made = format!("{}{}", self.number(digits), &text[digits.len()..]);
        let nibble = |n: usize| made.as_bytes().get(n).and_then(|b| char::from(*b).to_digit(16)).unwrap_or(0) as u8;
        for (n, octet) in octets.iter_mut().enumerate() {
            *octet = nibble(2 * n) | nibble(2 * n + 1) << 4;
        }
    }

    /// Zeros, and at the end a number that tells one text from another.
    fn text(&mut self, octets: &mut [u8]) {
        if octets.is_empty() {
            return;
        }
        let n = self.texts.of(octets);
        octets.fill(0);
        let decimal = |n: u16| (n / 10 % 10 * 16 + n % 10) as u8;
        match octets {
            [.., high, low] => (*high, *low) = (decimal(n / 100), decimal(n)),
            [only] => *only = decimal(n),
            [] => {}
        }
    }
}

impl Places {
    /// `None`: these octets are no PDU, or not a whole one. 3GPP TS 23.040 §9.2.2.
    fn of(pdu: &[u8], way: Way) -> Option<Places> {
        let centre = usize::from(*pdu.first()?);
        let is_number = centre == 0 || (2..=12).contains(&centre) && pdu.get(1)? & 0x80 != 0;
        let first = *pdu.get(centre + 1)?;
        let at = centre + 2;
        let (address, times, validity, is_report) = match (way, first & 3) {
            (Way::FromModem, 0) => (address(pdu, at)?, 1, 0, false),
            (Way::FromModem, 2) => (address(pdu, at + 1)?, 2, 0, true),
            // TP-VPF: none, enhanced, relative, absolute.
            (Way::ToModem, 1) => (address(pdu, at + 1)?, 0, [0, 7, 1, 7][usize::from(first >> 3 & 3)], false),
            _ => return None,
        };
        let centre = 2.min(centre + 1)..centre + 1;
        if is_report {
            // The times and the status; what may follow is not known.
            let end = address.end + 7 * times + 1;
            let text = end..pdu.len();
            let is_one = is_number && pdu.get(address.end..end - 1)?.chunks(7).all(is_time) && end <= pdu.len();
            return is_one.then_some(Places { centre, address, text });
        }
        // TP-PID, TP-DCS, then a time or a validity, TP-UDL.
        let at = address.end + 2 + 7 * times + validity;
        let is_timed = pdu.get(address.end + 2..address.end + 2 + 7 * times)?.chunks(7).all(is_time);
        let n_units = usize::from(*pdu.get(at)?);
        let data = &pdu[at + 1..];
        // Octets, or septets in octets.
        let is_whole = n_units <= 160 && ((n_units * 7).div_ceil(8)..=n_units).contains(&data.len());
        let header = if first & 0x40 == 0 { 0 } else { header_octets(data) };
        (is_number && is_timed && is_whole).then_some(Places { centre, address, text: at + 1 + header..pdu.len() })
    }
}

/// The digits of an address field. 3GPP TS 23.040 §9.1.2.5.
fn address(pdu: &[u8], at: usize) -> Option<Range<usize>> {
    let n_digits = usize::from(*pdu.get(at)?);
    let digits = at + 2..at + 2 + n_digits.div_ceil(2);
    let is_one = n_digits <= 20 && pdu.get(at + 1)? & 0x80 != 0 && digits.end <= pdu.len();
    is_one.then_some(digits)
}

/// A time that there can be, or zeros for none. 3GPP TS 23.040 §9.2.3.11.
fn is_time(octets: &[u8]) -> bool {
    let number = |octet: u8| (octet & 15 < 10 && octet >> 4 < 10).then_some((octet & 15) * 10 + (octet >> 4));
    let [year, month, day, hour, minute, second, zone] = *octets else { return false };
    let is_date =
        number(month).is_some_and(|n| (1..=12).contains(&n)) && number(day).is_some_and(|n| (1..=31).contains(&n));
    let is_clock =
        number(hour).is_some_and(|n| n < 24) && [minute, second].iter().all(|it| number(*it).is_some_and(|n| n < 60));
    // The sign of the zone is a bit of its tens.
    octets.iter().all(|octet| *octet == 0)
        || is_date && is_clock && number(year).is_some() && number(zone & !8).is_some()
}

/// Where a text begins behind its header: the one that counts parts stays, of another only its size.
fn header_octets(data: &[u8]) -> usize {
    match data {
        [5, 0, 3, ..] if data.len() >= 6 => 6,
        [6, 8, 4, ..] if data.len() >= 7 => 7,
        [] => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever comes: the same for the same, and no octet of the text left.
        #[test]
        fn no_octet_of_a_text_is_left(octets in prop::collection::vec(any::<u8>(), 1..200), to_modem: bool) {
            let way = if to_modem { Way::ToModem } else { Way::FromModem };
            let mut people = People::default();
            let (mut one, mut two) = (octets.clone(), octets.clone());
            people.mask(&mut one, way);
            people.mask(&mut two, way);
            prop_assert_eq!(&one, &two);
            let text = Places::of(&octets, way).map_or(0..octets.len(), |places| places.text);
            // What a header counts is kept behind it.
            let zeros = text.len().saturating_sub(2);
            prop_assert!(one[text][..zeros].iter().all(|octet| *octet == 0));
        }
    }
}
