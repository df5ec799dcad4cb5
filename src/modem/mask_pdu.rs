//! PDUs without people: as long as they were and of the same structure, with other numbers and a text of zeros.

use super::pseudonym::{Pseudonyms, padded};

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

impl People {
    /// Masks a PDU, service centre field included. What is not understood is taken for text.
    pub(super) fn mask(&mut self, pdu: &mut [u8], way: Way) {
        if let Err(from) = self.structure(pdu, way) {
            self.text(&mut pdu[from..]);
        }
    }

    /// A telephone number, or what could be one.
    pub(super) fn number(&mut self, digits: &str) -> String {
        padded(self.numbers.of(digits.as_bytes()), digits.len())
    }

    /// Masks what is known of a PDU's structure. `Err`: from where on it is not known. 3GPP TS 23.040 §9.2.2.
    fn structure(&mut self, pdu: &mut [u8], way: Way) -> Result<(), usize> {
        let smsc = usize::from(*pdu.first().ok_or(0_usize)?);
        if let Some(digits) = pdu.get_mut(2..smsc + 1) {
            self.semi_octets(digits);
        }
        let first = *pdu.get(smsc + 1).ok_or(1_usize)?;
        let at = smsc + 2;
        let (pid, validity, is_report) = match (way, first & 3) {
            (Way::FromModem, 0) => (self.address(pdu, at)?, 7, false),
            (Way::FromModem, 2) => (self.address(pdu, at + 1)?, 0, true),
            // TP-VPF: none, enhanced, relative, absolute.
            (Way::ToModem, 1) => (self.address(pdu, at + 1)?, [0, 7, 1, 7][usize::from(first >> 3 & 3)], false),
            _ => return Err(at),
        };
        if is_report {
            // Two times and the status; what may follow is not known.
            let end = pid + 15;
            return if pdu.len() <= end { Ok(()) } else { Err(end) };
        }
        // TP-PID, TP-DCS, then a time or a validity, TP-UDL.
        let text = pid + 2 + validity + 1;
        if text > pdu.len() {
            return Err(pid.min(pdu.len()));
        }
        let header = if first & 0x40 == 0 { 0 } else { header_octets(&pdu[text..]) };
        self.text(&mut pdu[text + header..]);
        Ok(())
    }

    /// An address field; returns where the next field begins. 3GPP TS 23.040 §9.1.2.5.
    fn address(&mut self, pdu: &mut [u8], at: usize) -> Result<usize, usize> {
        let n_digits = usize::from(*pdu.get(at).ok_or(pdu.len().min(at))?);
        let end = at + 2 + n_digits.div_ceil(2);
        let digits = pdu.get_mut(at + 2..end).ok_or(at + 1)?;
        self.semi_octets(digits);
        Ok(end)
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
        /// Whatever comes: as long as it was, the same for the same, and no octet of the text left.
        #[test]
        fn any_octets_keep_their_length(octets in prop::collection::vec(any::<u8>(), 1..200), to_modem: bool) {
            let way = if to_modem { Way::ToModem } else { Way::FromModem };
            let mut people = People::default();
            let (mut one, mut two) = (octets.clone(), octets.clone());
            people.mask(&mut one, way);
            people.mask(&mut two, way);
            prop_assert_eq!(&one, &two);
            prop_assert_eq!(one.len(), octets.len());
        }
    }
}
