//! Address fields: who sends, who receives, and which service centre forwards.

use super::error::{DecodeError, Detail, EncodeError};
use super::gsm7;
use super::reader::Reader;
use std::fmt;

/// An address: TP-OA, TP-DA, TP-RA or the service centre's.
///
/// ```text
///   7   6 5 4   3 2 1 0
/// +---+-------+---------+
/// | 1 |  TON  |   NPI   |  type of address; then digits, swapped BCD, or a name, packed septets
/// +---+-------+---------+
/// ```
/// 3GPP TS 23.040 §9.1.2.5.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Address {
    /// Type of number.
    pub ton: TypeOfNumber,
    /// Numbering plan identification.
    pub npi: NumberingPlan,
    /// At most 20 digits, `*#abc` included; or, where `ton` is alphanumeric, a name of at most 11 characters.
    pub text: String,
}

impl Address {
    /// A number as written: `+` in front makes it international, anything else is sent with TON unknown (0x81).
    /// What is not a digit stays, and is refused by [`Address::encode`].
    pub fn from_number(number: &str) -> Address {
        let (ton, digits) = match number.strip_prefix('+') {
            Some(digits) => (TypeOfNumber::International, digits),
            None => (TypeOfNumber::Unknown, number),
        };
        Address { ton, npi: NumberingPlan::Isdn, text: digits.to_owned() }
    }

    /// A sender's name, at most 11 characters of the GSM 7 bit alphabet.
    pub fn from_name(name: &str) -> Address {
        Address { ton: TypeOfNumber::Alphanumeric, npi: NumberingPlan::Unknown, text: name.to_owned() }
    }

    /// True for a name.
    pub fn is_alphanumeric(&self) -> bool {
        self.ton == TypeOfNumber::Alphanumeric
    }

    /// The type-of-address octet.
    pub fn toa(&self) -> u8 {
        0x80 | (self.ton.bits() << 4) | self.npi.bits()
    }

    /// Reads an address field as TP-OA, TP-DA and TP-RA have it; answers it and the octets it took.
    pub fn decode(octets: &[u8]) -> Result<(Address, usize), DecodeError> {
        let mut reader = Reader::new(octets, 0);
        let address = Address::read(&mut reader, &OA)?;
        Ok((address, reader.at()))
    }

    /// Appends the address field as TP-OA, TP-DA and TP-RA have it: length in semi-octets, type, value.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.write(out, &DA)
    }

    /// Reads a service centre field; answers it (`None` for the length 0) and the octets it took.
    /// 3GPP TS 27.005 §3.1 `<pdu>`, 3GPP TS 24.011 §8.2.5.1.
    pub fn decode_smsc(octets: &[u8]) -> Result<(Option<Address>, usize), DecodeError> {
        let mut reader = Reader::new(octets, 0);
        let smsc = Address::read_smsc(&mut reader)?;
        Ok((smsc, reader.at()))
    }

    /// Appends the service centre field: length in octets, type, digits.
    pub fn encode_smsc(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend([0, self.toa()]);
        self.write_value(out, &SMSC)?;
        // A written value has at most 10 octets.
        out[start] = (out.len() - start - 1) as u8;
        Ok(())
    }

    pub(super) fn read(reader: &mut Reader<'_>, path: &Path) -> Result<Address, DecodeError> {
        let at = reader.at();
        let semi_octets = usize::from(reader.octet(path.length)?);
        if semi_octets > MAX_SEMI_OCTETS {
            let detail = Detail::OverLimit { value: semi_octets, limit: MAX_SEMI_OCTETS };
            return Err(DecodeError { field: path.length, octet: at, detail });
        }
        let toa = reader.octet(path.toa)?;
        let value = reader.take(path.value, semi_octets.div_ceil(2))?;
        Ok(Address::from_value(toa, value, semi_octets))
    }

    pub(super) fn read_smsc(reader: &mut Reader<'_>) -> Result<Option<Address>, DecodeError> {
        let len_octets = usize::from(reader.octet(SMSC.length)?);
        let Some(n) = len_octets.checked_sub(1) else { return Ok(None) };
        let toa = reader.octet(SMSC.toa)?;
        let value = reader.take(SMSC.value, n)?;
        Ok(Some(Address::from_value(toa, value, 2 * n)))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>, path: &Path) -> Result<(), EncodeError> {
        let start = out.len();
        out.extend([0, self.toa()]);
        // At most 20.
        out[start] = self.write_value(out, path)? as u8;
        Ok(())
    }

    fn from_value(toa: u8, value: &[u8], semi_octets: usize) -> Address {
        let ton = TypeOfNumber::from_bits(toa >> 4);
        let npi = NumberingPlan::from_bits(toa);
        let text = if ton == TypeOfNumber::Alphanumeric {
            gsm7::decode(&gsm7::unpack(value, 0, semi_octets * 4 / 7))
        } else {
            digits(value, semi_octets)
        };
        Address { ton, npi, text }
    }

    /// Appends digits or packed name; answers the useful semi-octets, at most 20.
    fn write_value(&self, out: &mut Vec<u8>, path: &Path) -> Result<usize, EncodeError> {
        let field = path.field;
        if self.is_alphanumeric() {
            let septets = gsm7::encode(&self.text).map_err(|e| EncodeError::Name { field, character: e.character })?;
            let semi_octets = (septets.len() * 7).div_ceil(4);
            check_len(field, semi_octets)?;
            gsm7::pack(&septets, 0, out);
            return Ok(semi_octets);
        }
        check_len(field, self.text.len())?;
        let mut half = None;
        for c in self.text.chars() {
            let digit = digit_bits(c).ok_or(EncodeError::Digit { field, character: c })?;
            match half.take() {
                None => half = Some(digit),
                Some(low) => out.push(digit << 4 | low),
            }
        }
        if let Some(low) = half {
            out.push(FILL << 4 | low);
        }
        Ok(self.text.len())
    }
}

/// `+digits`, digits, or the name.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ton == TypeOfNumber::International {
            f.write_str("+")?;
        }
        f.write_str(&self.text)
    }
}

/// Shows the middle as stars, so that a log can be shared.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.text.chars().count();
        let (head, tail) = if n > 7 { (4, n - 2) } else { (0, n) };
        let masked: String =
            self.text.chars().enumerate().map(|(i, c)| if i < head || i >= tail { c } else { '*' }).collect();
        write!(f, "Address({:#04x} {masked})", self.toa())
    }
}

/// Type of number: bits 6 to 4 of the type-of-address octet. 3GPP TS 23.040 §9.1.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TypeOfNumber {
    /// 000: unknown; the digits follow the network's own dialling plan.
    #[default]
    Unknown,
    /// 001: international; written with `+`.
    International,
    /// 010: national.
    National,
    /// 011: network specific, such as a short code of the operator.
    NetworkSpecific,
    /// 100: subscriber number.
    Subscriber,
    /// 101: alphanumeric, packed in the GSM 7 bit default alphabet.
    Alphanumeric,
    /// 110: abbreviated.
    Abbreviated,
    /// 111: reserved for extension.
    Reserved,
}

impl TypeOfNumber {
    const ALL: [TypeOfNumber; 8] = [
        TypeOfNumber::Unknown,
        TypeOfNumber::International,
        TypeOfNumber::National,
        TypeOfNumber::NetworkSpecific,
        TypeOfNumber::Subscriber,
        TypeOfNumber::Alphanumeric,
        TypeOfNumber::Abbreviated,
        TypeOfNumber::Reserved,
    ];

    /// From three bits; higher bits are ignored.
    pub fn from_bits(bits: u8) -> TypeOfNumber {
        TypeOfNumber::ALL[usize::from(bits & 0x07)]
    }

    /// The three bits.
    pub fn bits(self) -> u8 {
        self as u8
    }

    /// For a dump.
    pub fn name(self) -> &'static str {
        match self {
            TypeOfNumber::Unknown => "unknown type",
            TypeOfNumber::International => "international",
            TypeOfNumber::National => "national",
            TypeOfNumber::NetworkSpecific => "network specific",
            TypeOfNumber::Subscriber => "subscriber",
            TypeOfNumber::Alphanumeric => "alphanumeric",
            TypeOfNumber::Abbreviated => "abbreviated",
            TypeOfNumber::Reserved => "reserved type",
        }
    }
}

/// Numbering plan identification: bits 3 to 0 of the type-of-address octet. 3GPP TS 23.040 §9.1.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NumberingPlan {
    /// 0000: unknown.
    Unknown,
    /// 0001: ISDN, telephone (E.164, E.163).
    #[default]
    Isdn,
    /// 0011: data (X.121).
    Data,
    /// 0100: telex.
    Telex,
    /// 1000: national.
    National,
    /// 1001: private.
    Private,
    /// 1010: ERMES.
    Ermes,
    /// Any other; 0101 and 0110 belong to the service centre.
    Other(u8),
}

impl NumberingPlan {
    /// From four bits; higher bits are ignored.
    pub fn from_bits(bits: u8) -> NumberingPlan {
        match bits & 0x0F {
            0 => NumberingPlan::Unknown,
            1 => NumberingPlan::Isdn,
            3 => NumberingPlan::Data,
            4 => NumberingPlan::Telex,
            8 => NumberingPlan::National,
            9 => NumberingPlan::Private,
            10 => NumberingPlan::Ermes,
            other => NumberingPlan::Other(other),
        }
    }

    /// The four bits.
    pub fn bits(self) -> u8 {
        match self {
            NumberingPlan::Unknown => 0,
            NumberingPlan::Isdn => 1,
            NumberingPlan::Data => 3,
            NumberingPlan::Telex => 4,
            NumberingPlan::National => 8,
            NumberingPlan::Private => 9,
            NumberingPlan::Ermes => 10,
            NumberingPlan::Other(bits) => bits & 0x0F,
        }
    }

    /// For a dump.
    pub fn name(self) -> &'static str {
        match self {
            NumberingPlan::Unknown => "unknown plan",
            NumberingPlan::Isdn => "ISDN/telephone plan (E.164)",
            NumberingPlan::Data => "data plan (X.121)",
            NumberingPlan::Telex => "telex plan",
            NumberingPlan::National => "national plan",
            NumberingPlan::Private => "private plan",
            NumberingPlan::Ermes => "ERMES plan",
            NumberingPlan::Other(5 | 6) => "service centre's plan",
            NumberingPlan::Other(_) => "reserved plan",
        }
    }
}

/// How errors name one address field.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) field: &'static str,
    length: &'static str,
    toa: &'static str,
    value: &'static str,
}

macro_rules! path {
    ($field:literal) => {
        Path {
            field: $field,
            length: concat!($field, ".length"),
            toa: concat!($field, ".toa"),
            value: concat!($field, ".value"),
        }
    };
}

pub(super) const SMSC: Path = path!("smsc");
pub(super) const OA: Path = path!("tp-oa");
pub(super) const DA: Path = path!("tp-da");
pub(super) const RA: Path = path!("tp-ra");

/// An address field has at most 12 octets, 10 of them value. 3GPP TS 23.040 §9.1.2.5.
const MAX_SEMI_OCTETS: usize = 20;

/// 1111 fills the last octet of an odd number of digits.
const FILL: u8 = 0x0F;

/// What the semi-octets 0000 to 1110 stand for.
const DIGITS: [u8; 15] = *b"0123456789*#abc";

fn digits(value: &[u8], semi_octets: usize) -> String {
    let mut text = String::with_capacity(semi_octets);
    for semi_octet in value.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]).take(semi_octets) {
        if let Some(digit) = DIGITS.get(usize::from(semi_octet)) {
            text.push(char::from(*digit));
        }
    }
    text
}

fn digit_bits(c: char) -> Option<u8> {
    match c {
        '0'..='9' => Some(c as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'a'..='c' => Some(c as u8 - b'a' + 12),
        _ => None,
    }
}

fn check_len(field: &'static str, semi_octets: usize) -> Result<(), EncodeError> {
    if semi_octets > MAX_SEMI_OCTETS {
        return Err(EncodeError::AddressTooLong { field, semi_octets });
    }
    Ok(())
}
