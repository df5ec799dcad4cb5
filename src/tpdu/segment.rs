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
