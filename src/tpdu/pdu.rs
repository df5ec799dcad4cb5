//! The PDU that modems exchange: a service centre field, a TPDU, and both as a line of hex. 3GPP TS 27.005 §3.1.

use super::address::Address;
use super::command::Command;
use super::deliver::Deliver;
use super::deliver_report::DeliverReport;
use super::error::{DecodeError, Detail, EncodeError};
use super::reader::Reader;
use super::status_report::StatusReport;
use super::submit::Submit;
use super::submit_report::SubmitReport;

/// A transfer protocol data unit: what [`Pdu`] carries.
pub trait Tpdu: Sized {
    /// Reads the TPDU that begins at octet `start`; places in errors count from octet 0.
    fn decode_at(octets: &[u8], start: usize) -> Result<Self, DecodeError>;

    /// Appends the TPDU's octets.
    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// The TPDU's octets.
    fn to_octets(&self) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(MAX_PDU_OCTETS);
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
        let mut octets = Vec::with_capacity(MAX_PDU_OCTETS);
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
    /// The centre's answer to one we sent.
    SubmitReport(Pdu<SubmitReport>),
}

impl Incoming {
    /// Reads octets that begin with the service centre field, by TP-MTI. 3GPP TS 23.040 §9.2.3.1.
    pub fn decode(octets: &[u8]) -> Result<Incoming, DecodeError> {
        let (smsc, start) = Address::decode_smsc(octets)?;
        Ok(match Reader::new(octets, start).octet("tp-mti")? & 0x03 {
            1 => Incoming::SubmitReport(Pdu { smsc, tpdu: SubmitReport::decode_at(octets, start)? }),
            2 => Incoming::StatusReport(Pdu { smsc, tpdu: StatusReport::decode_at(octets, start)? }),
            _ => Incoming::Deliver(Pdu { smsc, tpdu: Deliver::decode_at(octets, start)? }),
        })
    }
}

/// What goes to the network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outgoing {
    /// A message.
    Submit(Pdu<Submit>),
    /// What to do with an earlier one.
    Command(Pdu<Command>),
    /// Our answer to what came in.
    DeliverReport(Pdu<DeliverReport>),
}

impl Outgoing {
    /// Reads octets that begin with the service centre field, by TP-MTI. 3GPP TS 23.040 §9.2.3.1.
    pub fn decode(octets: &[u8]) -> Result<Outgoing, DecodeError> {
        let (smsc, start) = Address::decode_smsc(octets)?;
        Ok(match Reader::new(octets, start).octet("tp-mti")? & 0x03 {
            0 => Outgoing::DeliverReport(Pdu { smsc, tpdu: DeliverReport::decode_at(octets, start)? }),
            2 => Outgoing::Command(Pdu { smsc, tpdu: Command::decode_at(octets, start)? }),
            1 => Outgoing::Submit(Pdu { smsc, tpdu: Submit::decode_at(octets, start)? }),
            found => {
                let detail = Detail::MessageType { found, wanted: "SMS-SUBMIT, SMS-COMMAND or SMS-DELIVER-REPORT" };
                return Err(DecodeError { field: "tp-mti", octet: start, detail });
            }
        })
    }
}

/// The bits that are set, in one octet.
pub(super) fn flags<const N: usize>(bits: [(bool, u8); N]) -> u8 {
    bits.into_iter().fold(0, |octet, (set, bit)| if set { octet | bit } else { octet })
}

/// The largest TPDU: SMS-SUBMIT with the longest address and an absolute validity period.
pub(super) const MAX_OCTETS: usize = 164;
/// A service centre of 20 digits and the largest TPDU.
const MAX_PDU_OCTETS: usize = 12 + MAX_OCTETS;

/// Hexadecimal lines.
pub mod hex {
    use super::{DecodeError, Detail};

    /// The octets of a line: upper or lower case; blanks, CR and LF are passed over.
    /// Places in errors are characters of the line.
    pub fn decode(line: &str) -> Result<Vec<u8>, DecodeError> {
        decode_up_to(line, MAX_CHARACTERS)
    }

    /// The same for what may be longer, or has to be shorter, than a PDU.
    pub fn decode_up_to(line: &str, max_characters: usize) -> Result<Vec<u8>, DecodeError> {
        if line.len() > max_characters {
            return Err(error(max_characters, Detail::OverLimit { value: line.len(), limit: max_characters }));
        }
        let (pairs, odd) = line.as_bytes().as_chunks();
        let mut all = 0;
        let octets = pairs.iter().map(|[high, low]| {
            let [high, low] = [VALUES[usize::from(*high)], VALUES[usize::from(*low)]];
            all |= high | low;
            (high << 4) | (low & 0x0F)
        });
        let octets = octets.collect();
        // Nothing but pairs of digits is the rule; whatever else it is, the slow way finds out.
        if all != NO_DIGIT && odd.is_empty() { Ok(octets) } else { decode_chars(line) }
    }

    /// Octets in upper-case hex.
    pub fn encode(octets: &[u8]) -> String {
        let pairs: Vec<[u8; 2]> = octets.iter().map(|octet| PAIRS[usize::from(*octet)]).collect();
        String::from_utf8(pairs.into_flattened()).unwrap_or_default()
    }

    fn decode_chars(line: &str) -> Result<Vec<u8>, DecodeError> {
        let mut octets = Vec::with_capacity(line.len() / 2);
        let mut half = None;
        for (at, found) in line.chars().enumerate().filter(|(_, c)| !c.is_ascii_whitespace()) {
            let digit = found.to_digit(16).ok_or_else(|| error(at, Detail::NotHex { found }))? as u8;
            match half.take() {
                None => half = Some(digit),
                Some(high) => octets.push((high << 4) | digit),
            }
        }
        match half {
            None => Ok(octets),
            Some(_) => Err(error(line.chars().count(), Detail::OddDigits)),
        }
    }

    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";

    /// Both digits of every octet.
    static PAIRS: [[u8; 2]; 256] = {
        let mut pairs = [[0; 2]; 256];
        let mut octet = 0;
        while octet < 256 {
            pairs[octet] = [DIGITS[octet >> 4], DIGITS[octet & 0x0F]];
            octet += 1;
        }
        pairs
    };

    /// Not the value of a digit; every bit set, so that it shows through any number of ORs.
    const NO_DIGIT: u8 = 0xFF;

    /// Values of the digits in both cases.
    static VALUES: [u8; 256] = {
        let mut values = [NO_DIGIT; 256];
        let mut value = 0;
        while value < 16 {
            values[DIGITS[value] as usize] = value as u8;
            values[DIGITS[value].to_ascii_lowercase() as usize] = value as u8;
            value += 1;
        }
        values
    };

    /// The longest line read. A PDU has at most 352 digits, a record on a SIM 352, a cell broadcast less.
    pub const MAX_CHARACTERS: usize = 8192;

    fn error(octet: usize, detail: Detail) -> DecodeError {
        DecodeError { field: "hex", octet, detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of dreamfabric.com/sms: the service centre is not counted in the length.
    #[test]
    fn the_line_for_the_modem() {
        let line = "07917283010010F511000B916407281553F80000AA0AE8329BFD4697D9EC37";
        let pdu = Pdu::<Submit>::from_octets(&hex::decode(line).unwrap()).unwrap();
        assert_eq!(pdu.smsc.as_ref().map(Address::to_string).as_deref(), Some("+27381000015"));
        assert_eq!(pdu.to_hex(), Ok((line.to_owned(), 23)));
        let stored = Pdu { smsc: None, ..pdu };
        assert_eq!(stored.to_hex(), Ok((format!("00{}", &line[16..]), 23)));
    }

    #[test]
    fn what_comes_in_is_told_by_its_type() {
        let head = "00 04029121 0000 99309251619580 00";
        let report = "00 06 2A 029121 11101171955140 11101171957140 00";
        assert!(matches!(Incoming::decode(&hex::decode(head).unwrap()), Ok(Incoming::Deliver(_))));
        assert!(matches!(Incoming::decode(&hex::decode(report).unwrap()), Ok(Incoming::StatusReport(_))));
        for (line, want) in [
            ("", "smsc.length at octet 0: 1 octets needed, 0 left"),
            ("00", "tp-mti at octet 1: 1 octets needed, 0 left"),
            ("0291", "smsc.value at octet 2: 1 octets needed, 0 left"),
            ("00 11", "tp-scts at octet 2: 7 octets needed, 0 left"),
            ("02 9121 04 15", "tp-oa.length at octet 4: 21 is over the limit of 20"),
        ] {
            assert_eq!(Incoming::decode(&hex::decode(line).unwrap()).unwrap_err().to_string(), want, "{line}");
        }
    }

    #[test]
    fn table_of_hex() {
        for (name, line, want) in [
            ("nothing", "", Ok(&[][..])),
            ("both cases", "aBCdef09", Ok(&[0xAB, 0xCD, 0xEF, 0x09])),
            ("blanks and line ends", " 0A\t0b\r\n", Ok(&[0x0A, 0x0B])),
            ("blank inside an octet", "0 A", Ok(&[0x0A])),
            ("odd", "0A0", Err("hex at octet 3: an odd number of hexadecimal digits")),
            ("letter", "0A0G", Err("hex at octet 3: 'G' is not a hexadecimal digit")),
            ("other digits", "0A１", Err("hex at octet 2: '１' is not a hexadecimal digit")),
            ("sign", "+A", Err("hex at octet 0: '+' is not a hexadecimal digit")),
        ] {
            let ours = hex::decode(line).map_err(|error| error.to_string());
            assert_eq!(ours.as_deref().map_err(String::as_str), want, "{name}");
        }
        assert_eq!(hex::encode(&[0x00, 0x9A, 0xFF]), "009AFF");
        assert_eq!(hex::decode(&"0".repeat(8192)).map(|octets| octets.len()), Ok(4096));
        let error = hex::decode(&"0".repeat(10_000_000)).unwrap_err();
        assert_eq!(error.to_string(), "hex at octet 8192: 10000000 is over the limit of 8192");
    }
}
