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

    /// One word, for JSON.
    pub fn word(self) -> &'static str {
        match self {
            TypeOfNumber::Unknown => "unknown",
            TypeOfNumber::NetworkSpecific => "network_specific",
            TypeOfNumber::Reserved => "reserved",
            other => other.name(),
        }
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
pub(super) const MAX_SEMI_OCTETS: usize = 20;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Octets of the field, and what they say. Rows follow 3GPP TS 23.040 §9.1.2.5 (digits: §9.1.2.3).
    #[test]
    fn table_of_addresses_both_ways() {
        use NumberingPlan::{Isdn, National, Other, Unknown as NoPlan};
        use TypeOfNumber::{Abbreviated, Alphanumeric, International, NetworkSpecific, Subscriber, Unknown};
        for (name, octets, ton, npi, shown) in [
            ("E.164, odd", &[0x0B, 0x91, 0x64, 0x07, 0x28, 0x15, 0x53, 0xF8][..], International, Isdn, "+46708251358"),
            ("E.164, even", &[0x04, 0x91, 0x21, 0x43], International, Isdn, "+1234"),
            ("plain number", &[0x05, 0x81, 0x21, 0x43, 0xF5], Unknown, Isdn, "12345"),
            ("national", &[0x03, 0xA1, 0x10, 0xF2], TypeOfNumber::National, Isdn, "012"),
            ("short code of the operator", &[0x03, 0xB1, 0x21, 0xF3], NetworkSpecific, Isdn, "123"),
            ("subscriber, national plan", &[0x02, 0xC8, 0x87], Subscriber, National, "78"),
            ("abbreviated, plan unknown", &[0x02, 0xE0, 0x87], Abbreviated, NoPlan, "78"),
            ("reserved type and plan", &[0x02, 0xFF, 0x87], TypeOfNumber::Reserved, Other(15), "78"),
            ("digits 10 to 14", &[0x05, 0x81, 0xBA, 0xDC, 0xFE], Unknown, Isdn, "*#abc"),
            ("no digits", &[0x00, 0x81], Unknown, Isdn, ""),
            (
                "20 digits",
                &[20, 0x81, 0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0x65, 0x87, 0x09],
                Unknown,
                Isdn,
                "12345678901234567890",
            ),
            ("name: ceil(7*5/4) = 9", &[0x09, 0xD0, 0xE8, 0x32, 0x9B, 0xFD, 0x06], Alphanumeric, NoPlan, "hello"),
            (
                "name that ends on an octet",
                &[0x0E, 0xD0, 0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9],
                Alphanumeric,
                NoPlan,
                "hellohel",
            ),
            (
                "name of seven, no @ after it",
                &[0x0D, 0xD0, 0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0x01],
                Alphanumeric,
                NoPlan,
                "hellohe",
            ),
            ("name with an escape", &[0x04, 0xD0, 0x9B, 0x32], Alphanumeric, NoPlan, "€"),
        ] {
            let (address, consumed) = Address::decode(octets).unwrap();
            assert_eq!((address.ton, address.npi, consumed), (ton, npi, octets.len()), "{name}");
            assert_eq!(address.to_string(), shown, "{name}");
            let mut out = Vec::new();
            address.encode(&mut out).unwrap();
            assert_eq!(out, octets, "{name}");
        }
    }

    #[test]
    fn table_of_addresses_that_are_written_otherwise() {
        for (name, octets, shown) in [
            ("bit 7 of the type may be 0", &[0x04, 0x11, 0x21, 0x43][..], "+1234"),
            ("fill inside is passed over", &[0x04, 0x81, 0xF1, 0x43], "134"),
            ("length rounded up", &[0x04, 0x81, 0x21, 0xF3], "123"),
        ] {
            assert_eq!(Address::decode(octets).unwrap().0.to_string(), shown, "{name}");
        }
    }

    #[test]
    fn table_of_service_centres() {
        for (name, octets, shown, consumed) in [
            ("none: the one in the SIM", &[0x00, 0x11][..], None, 1),
            ("type alone", &[0x01, 0x91], Some("+"), 2),
            ("usual", &[0x07, 0x91, 0x72, 0x83, 0x01, 0x00, 0x10, 0xF5], Some("+27381000015"), 8),
            ("ITU plan unknown", &[0x03, 0x81, 0x21, 0x43], Some("1234"), 4),
        ] {
            let (smsc, read) = Address::decode_smsc(octets).unwrap();
            assert_eq!((smsc.as_ref().map(Address::to_string).as_deref(), read), (shown, consumed), "{name}");
            let mut out = Vec::new();
            match smsc {
                Some(smsc) => smsc.encode_smsc(&mut out).unwrap(),
                None => out.push(0),
            }
            assert_eq!(out, octets[..consumed], "{name}");
        }
    }

    #[test]
    fn decode_errors_name_field_and_octet() {
        for (octets, want) in [
            (&[][..], "tp-oa.length at octet 0: 1 octets needed, 0 left"),
            (&[0x0B], "tp-oa.toa at octet 1: 1 octets needed, 0 left"),
            (&[0x03, 0x91, 0x21], "tp-oa.value at octet 2: 2 octets needed, 1 left"),
            (&[21, 0x91], "tp-oa.length at octet 0: 21 is over the limit of 20"),
        ] {
            assert_eq!(Address::decode(octets).unwrap_err().to_string(), want);
        }
        let error = Address::decode_smsc(&[0x07, 0x91, 0x72]).unwrap_err();
        assert_eq!(error.to_string(), "smsc.value at octet 2: 6 octets needed, 1 left");
    }

    #[test]
    fn encode_errors_name_the_character() {
        for (address, want) in [
            (Address::from_number("032BAD"), "tp-da: 'B' is not a digit of an address"),
            (Address::from_number("12\r"), "tp-da: '\\r' is not a digit of an address"),
            (Address::from_number("１２"), "tp-da: '１' is not a digit of an address"),
            (Address::from_number("+123456789012345678901"), "tp-da: 21 semi-octets, at most 20 fit"),
            (Address::from_name("twelve chars"), "tp-da: 21 semi-octets, at most 20 fit"),
            (Address::from_name("Привет"), "tp-da: 'П' is not in the GSM 7 bit alphabet"),
        ] {
            assert_eq!(address.encode(&mut Vec::new()).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn fields_are_appended() {
        let mut out = vec![0xEE];
        let number = Address::from_number("+1234");
        number.encode(&mut out).unwrap();
        number.encode_smsc(&mut out).unwrap();
        assert_eq!(out, [0xEE, 4, 0x91, 0x21, 0x43, 3, 0x91, 0x21, 0x43]);
    }

    #[test]
    fn words_of_types() {
        for (bits, word) in
            [(0, "unknown"), (1, "international"), (3, "network_specific"), (5, "alphanumeric"), (7, "reserved")]
        {
            assert_eq!(TypeOfNumber::from_bits(bits).word(), word);
        }
    }

    #[test]
    fn debug_hides_the_middle() {
        assert_eq!(format!("{:?}", Address::from_number("+491701234567")), "Address(0x91 4917******67)");
        assert_eq!(format!("{:?}", Address::from_number("12345")), "Address(0x81 *****)");
        assert_eq!(format!("{:?}", Address::from_number("1234567")), "Address(0x81 *******)");
        assert_eq!(format!("{:?}", Address::from_number("12345678")), "Address(0x81 1234**78)");
    }
}
