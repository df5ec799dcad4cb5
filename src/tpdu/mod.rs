//! To be filled: only what `model` needs.

/// An address field. 3GPP TS 23.040 §9.1.2.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `+digits`.
    pub text: String,
}
impl Address {
    /// From a number as written.
    pub fn from_number(text: &str) -> Address {
        Address { text: text.to_owned() }
    }
}
/// Message class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageClass(pub u8);
/// TP-SCTS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scts;
/// User data of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Alphabet of the payload.
    pub alphabet: Alphabet,
    /// GSM-7: one septet an octet; else octets.
    pub payload: Vec<u8>,
}
/// The alphabet of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet.
    Gsm7,
    /// 8 bit octets.
    Octets,
    /// UCS-2.
    Ucs2,
}
