//! The PDU that modems exchange: a service centre field, a TPDU, and both as a line of hex. 3GPP TS 27.005 §3.1.

use super::address::Address;
use super::deliver::Deliver;
use super::error::{DecodeError, Detail, EncodeError};
use super::reader::Reader;
use super::status_report::StatusReport;

/// A transfer protocol data unit: what [`Pdu`] carries.
pub trait Tpdu: Sized {
    /// Reads the TPDU that begins at octet `start`; places in errors count from octet 0.
    fn decode_at(octets: &[u8], start: usize) -> Result<Self, DecodeError>;

    /// Appends the TPDU's octets.
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// The TPDU's octets.
    fn to_octets(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(MAX_TPDU_OCTETS);
        self.encode_into(&mut out)?;
        Ok(out)
    }
}

/// A TPDU with the service centre in front of it, as AT commands carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pdu<T> {
    /// The service centre; `None`, a length of 0: the one stored in the SIM.
    pub smsc: Option<Address>,
    /// The TPDU.
    pub tpdu: T,
}

impl<T: Tpdu> Pdu<T> {
    /// Reads octets that begin with the service centre field.
    pub fn from_octets(octets: &[u8]) -> Result<Pdu<T>, DecodeError> {
        let (smsc, start) = Address::decode_smsc(octets)?;
        Ok(Pdu { smsc, tpdu: T::decode_at(octets, start)? })
    }

    /// The octets, service centre field first, and how many of them are the TPDU.
    pub fn encode(&self) -> Result<(Vec<u8>, usize), EncodeError> {
        let mut octets = Vec::with_capacity(MAX_TPDU_OCTETS);
        match &self.smsc {
            Some(smsc) => smsc.encode_smsc(&mut octets)?,
            None => octets.push(0),
        }
        let start = octets.len();
        self.tpdu.encode_into(&mut octets)?;
        let tpdu_octets = octets.len() - start;
        Ok((octets, tpdu_octets))
    }

    /// The line for `AT+CMGS` in upper-case hex, and its `<length>`: the TPDU's octets, without the service centre.
    /// 3GPP TS 27.005 §4.3.
    pub fn to_hex(&self) -> Result<(String, usize), EncodeError> {
        let (octets, tpdu_octets) = self.encode()?;
        Ok((hex::encode(&octets), tpdu_octets))
    }
}

/// What comes from the network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Incoming {
    /// A message.
    Deliver(Pdu<Deliver>),
    /// A report on one we sent.
    StatusReport(Pdu<StatusReport>),
}

impl Incoming {
    /// Reads octets that begin with the service centre field, by TP-MTI. 3GPP TS 23.040 §9.2.3.1.
    pub fn decode(octets: &[u8]) -> Result<Incoming, DecodeError> {
        let (smsc, start) = Address::decode_smsc(octets)?;
        let mti = Reader::new(octets, start).octet("tp-mti")? & 0x03;
        match mti {
            2 => Ok(Incoming::StatusReport(Pdu { smsc, tpdu: StatusReport::decode_at(octets, start)? })),
            1 => {
                let detail = Detail::MessageType { found: mti, wanted: "SMS-DELIVER or SMS-STATUS-REPORT" };
                Err(DecodeError { field: "tp-mti", octet: start, detail })
            }
            _ => Ok(Incoming::Deliver(Pdu { smsc, tpdu: Deliver::decode_at(octets, start)? })),
        }
    }
}

/// The bits that are set, in one octet.
pub(super) fn flags<const N: usize>(bits: [(bool, u8); N]) -> u8 {
    bits.into_iter().fold(0, |octet, (set, bit)| if set { octet | bit } else { octet })
}

/// Service centre and the largest TPDU, SMS-SUBMIT with an absolute validity period: 12 + 164 octets.
const MAX_TPDU_OCTETS: usize = 176;

/// Hexadecimal lines.
pub mod hex {
    use super::{DecodeError, Detail};

    /// The octets of a line: upper or lower case; blanks, CR and LF are passed over.
    /// Places in errors are characters of the line.
    pub fn decode(line: &str) -> Result<Vec<u8>, DecodeError> {
        if line.len() > MAX_CHARACTERS {
            return Err(error(MAX_CHARACTERS, Detail::OverLimit { value: line.len(), limit: MAX_CHARACTERS }));
        }
        let mut octets = Vec::with_capacity(line.len() / 2);
        let mut half = None;
        for (at, found) in line.chars().enumerate().filter(|(_, c)| !c.is_ascii_whitespace()) {
            let digit = found.to_digit(16).ok_or_else(|| error(at, Detail::NotHex { found }))? as u8;
            match half.take() {
                None => half = Some(digit),
                Some(high) => octets.push(high << 4 | digit),
            }
        }
        match half {
            None => Ok(octets),
            Some(_) => Err(error(line.chars().count(), Detail::OddDigits)),
        }
    }

    /// Octets in upper-case hex.
    pub fn encode(octets: &[u8]) -> String {
        let digit = |semi_octet: u8| char::from(b"0123456789ABCDEF"[usize::from(semi_octet & 0x0F)]);
        octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
    }

    /// The longest line read. A PDU has at most 352 digits, a record on a SIM 352, a cell broadcast less.
    const MAX_CHARACTERS: usize = 8192;

    fn error(octet: usize, detail: Detail) -> DecodeError {
        DecodeError { field: "hex", octet, detail }
    }
}
