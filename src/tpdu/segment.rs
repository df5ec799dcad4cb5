//! Cutting a text or data into what one SMS carries.

use super::dcs::{Alphabet, Dcs, MessageClass};
use super::gsm7;
use super::ucs2;
use super::udh::{Concat, InformationElement, Ports, Udh};
use super::user_data::{MAX_OCTETS, UserData};
use std::fmt;

/// The payload of one SMS, ready for [`UserData`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What the payload consists of.
    pub alphabet: Alphabet,
    /// GSM 7 bit: one septet an octet. UCS-2: UTF-16BE octets. Data: octets.
    pub payload: Vec<u8>,
}

impl Segment {
    /// TP-DCS for this payload.
    pub fn dcs(&self, class: Option<MessageClass>) -> Dcs {
        Dcs::new(self.alphabet, class)
    }

    /// TP-UD: the payload behind the header that a part of several, or data for a port, needs.
    pub fn user_data(self, concat: Option<Concat>, port: Option<u16>) -> UserData {
        let ports = port.map(|dst| Ports { dst, src: 0, wide: true }.into());
        let elements: Vec<InformationElement> = ports.into_iter().chain(concat.map(Into::into)).collect();
        UserData { udh: Udh(elements), payload: self.payload }
    }
}

/// Says how much, never the content.
impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({:?}, {} octets)", self.alphabet, self.payload.len())
    }
}

/// Which alphabet to write a text in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Choice {
    /// GSM 7 bit where every character fits, else UCS-2.
    #[default]
    Auto,
    /// GSM 7 bit, or refuse.
    Gsm7,
    /// UCS-2 always.
    Ucs2,
}

/// Why a text or data cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// GSM 7 bit was asked for, and a character is not in it.
    #[error(transparent)]
    NotGsm7(#[from] gsm7::NotGsm7),
    /// More than 255 parts: the number of a part is one octet.
    #[error("more than {MAX_PARTS} parts")]
    TooManyParts,
}

/// Cuts a text into 1 to 255 segments. More than one are made for a header with an 8 bit reference: 153 septets or
/// 67 UCS-2 units each; alone a segment holds 160 or 70. No escape sequence or surrogate pair is cut.
/// 3GPP TS 23.040 §9.2.3.24.1.
pub fn text(text: &str, choice: Choice) -> Result<Vec<Segment>, SegmentError> {
    // The largest text has 255 * 153 characters, of at most 3 octets of UTF-8 each. No use reading more.
    if text.len() > MAX_PARTS * 153 * 3 {
        return Err(SegmentError::TooManyParts);
    }
    let septets = match choice {
        Choice::Ucs2 => None,
        Choice::Gsm7 => Some(gsm7::encode(text)?),
        Choice::Auto => gsm7::encode(text).ok(),
    };
    match septets {
        Some(septets) => cut(Alphabet::Gsm7, septets, 160, 153, before_escape),
        None => cut(Alphabet::Ucs2, ucs2::encode(text), MAX_OCTETS, 134, before_surrogate),
    }
}

/// Cuts data into 1 to 255 segments: 140 octets alone, 134 as one of several; 133 and 128 where a header with 16 bit
/// ports goes along. 3GPP TS 23.040 §9.2.3.24.
pub fn octets(data: &[u8], port: Option<u16>) -> Result<Vec<Segment>, SegmentError> {
    let (alone, several) = if port.is_some() { (133, 128) } else { (MAX_OCTETS, 134) };
    if data.len() > MAX_PARTS * several {
        return Err(SegmentError::TooManyParts);
    }
    cut(Alphabet::Octets, data.to_vec(), alone, several, |_, at| at)
}

/// The number of a part is one octet. 3GPP TS 23.040 §9.2.3.24.1.
const MAX_PARTS: usize = 255;

/// Cuts a payload that does not fit alone; `place` moves a cut back to where it does no harm.
fn cut(
    alphabet: Alphabet,
    payload: Vec<u8>,
    alone: usize,
    several: usize,
    place: fn(&[u8], usize) -> usize,
) -> Result<Vec<Segment>, SegmentError> {
    if payload.len() <= alone {
        return Ok(vec![Segment { alphabet, payload }]);
    }
    let mut segments = Vec::with_capacity(payload.len().div_ceil(several));
    let mut rest = payload.as_slice();
    while !rest.is_empty() {
        if segments.len() == MAX_PARTS {
            return Err(SegmentError::TooManyParts);
        }
        let at = if rest.len() <= several { rest.len() } else { place(rest, several) };
        let (part, next) = rest.split_at(at);
        segments.push(Segment { alphabet, payload: part.to_vec() });
        rest = next;
    }
    Ok(segments)
}

/// A cut never follows an ESC: its code would begin the next part.
fn before_escape(septets: &[u8], at: usize) -> usize {
    if septets[at - 1] == gsm7::ESCAPE { at - 1 } else { at }
}

/// A cut never follows a high surrogate, U+D800 to U+DBFF.
fn before_surrogate(octets: &[u8], at: usize) -> usize {
    if octets[at - 2] & 0xFC == 0xD8 { at - 2 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(text: &str, choice: Choice) -> Vec<usize> {
        super::text(text, choice).unwrap().iter().map(|segment| segment.payload.len()).collect()
    }

    /// Capacities of 3GPP TS 23.040 §9.2.3.24.1: octets of payload, a septet being one and a UCS-2 unit two.
    #[test]
    fn table_of_lengths() {
        for (name, text, lengths_octets) in [
            ("nothing is one empty part", String::new(), &[0][..]),
            ("160 septets", "x".repeat(160), &[160]),
            ("161 septets", "x".repeat(161), &[153, 8]),
            ("306 septets", "x".repeat(306), &[153, 153]),
            ("307 septets", "x".repeat(307), &[153, 153, 1]),
            ("159 characters and a euro: 161", "x".repeat(159) + "€", &[153, 8]),
            ("80 euros", "€".repeat(80), &[160]),
            ("81 euros: no ESC at the end of a part", "€".repeat(81), &[152, 10]),
            ("ESC would be the 153rd", "x".repeat(152) + &"€".repeat(5), &[152, 10]),
            ("ESC is the 152nd", "x".repeat(151) + &"€".repeat(5), &[153, 8]),
            ("70 units", "я".repeat(70), &[140]),
            ("71 units", "я".repeat(71), &[134, 8]),
            ("134 units", "я".repeat(134), &[134, 134]),
            ("35 pairs", "😀".repeat(35), &[140]),
            ("36 pairs: the 67th unit would be a high surrogate", "😀".repeat(36), &[132, 12]),
            ("a pair fits to the end", "я".to_owned() + &"😀".repeat(35), &[134, 8]),
        ] {
            assert_eq!(lengths(&text, Choice::Auto), lengths_octets, "{name}");
        }
    }

    #[test]
    fn choices() {
        assert_eq!(text("abc", Choice::Ucs2).unwrap()[0].payload, [0, b'a', 0, b'b', 0, b'c']);
        assert_eq!(text("abc", Choice::Gsm7).unwrap()[0].alphabet, Alphabet::Gsm7);
        assert_eq!(text("abя", Choice::Auto).unwrap()[0].alphabet, Alphabet::Ucs2);
        let error = text("abя", Choice::Gsm7).unwrap_err();
        assert_eq!(error.to_string(), "'я', character 2 of the text, is not in the GSM 7 bit alphabet");
    }

    #[test]
    fn never_more_than_255_parts() {
        for (name, text, parts) in [
            ("the most septets", "x".repeat(255 * 153), Some(255)),
            ("39,016 characters", "x".repeat(255 * 153 + 1), None),
            ("the most units", "я".repeat(255 * 67), Some(255)),
            ("one unit more", "я".repeat(255 * 67 + 1), None),
            ("fits by number, not with whole escapes", "€".repeat(255 * 76 + 1), None),
            ("whole escapes", "€".repeat(255 * 76), Some(255)),
            ("a million", "x".repeat(1_000_000), None),
        ] {
            let ours = super::text(&text, Choice::Auto);
            assert_eq!(ours.map(|segments| segments.len()), parts.ok_or(SegmentError::TooManyParts), "{name}");
        }
    }

    #[test]
    fn data_leaves_room_for_its_header() {
        for (n_octets, port, lengths_octets) in [
            (0, None, &[0][..]),
            (140, None, &[140]),
            (141, None, &[134, 7]),
            (133, Some(2948), &[133]),
            (134, Some(2948), &[128, 6]),
        ] {
            let segments = octets(&vec![7; n_octets], port).unwrap();
            let total = segments.len() as u8;
            let concat = (total > 1).then_some(Concat { reference: 1, wide: false, total, seq: 1 });
            let ours: Vec<usize> = segments.iter().map(|segment| segment.payload.len()).collect();
            assert_eq!(ours, lengths_octets, "{n_octets} {port:?}");
            let ud = segments[0].clone().user_data(concat, port);
            assert!(ud.udh.len_octets() + ud.payload.len() <= MAX_OCTETS);
            assert_eq!((ud.udh.ports().map(|ports| ports.dst), ud.udh.concat()), (port, concat));
        }
        assert_eq!(octets(&vec![7; 255 * 134 + 1], None), Err(SegmentError::TooManyParts));
        assert_eq!(octets(&vec![7; 255 * 128 + 1], Some(1)), Err(SegmentError::TooManyParts));
    }
}
