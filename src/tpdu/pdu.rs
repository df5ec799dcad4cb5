//! The PDU that modems exchange: a service centre field, a TPDU, and both as a line of hex. 3GPP TS 27.005 §3.1.

use super::address::Address;
use super::command::Command;
use super::deliver::Deliver;
use super::deliver_report::DeliverReport;
use super::error::{DecodeError, Detail, EncodeError};
use super::hex;
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

    /// Reads the TPDU's octets; what follows it is ignored.
    fn decode(octets: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_at(octets, 0)
    }

    /// The TPDU's octets.
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
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
        let first = first_octet(&mut Reader::new(octets, start), &[0, 1, 2], OUTGOING)?;
        Ok(match first & 0x03 {
            0 => Outgoing::DeliverReport(Pdu { smsc, tpdu: DeliverReport::decode_at(octets, start)? }),
            2 => Outgoing::Command(Pdu { smsc, tpdu: Command::decode_at(octets, start)? }),
            _ => Outgoing::Submit(Pdu { smsc, tpdu: Submit::decode_at(octets, start)? }),
        })
    }
}

/// The first octet of a TPDU whose TP-MTI is one of `types`. 3GPP TS 23.040 §9.2.3.1.
pub(super) fn first_octet(reader: &mut Reader<'_>, types: &[u8], wanted: &'static str) -> Result<u8, DecodeError> {
    let octet = reader.at();
    let first = reader.octet("tp-mti")?;
    let found = first & 0x03;
    if !types.contains(&found) {
        return Err(DecodeError { field: "tp-mti", octet, detail: Detail::MessageType { found, wanted } });
    }
    Ok(first)
}

/// The bits that are set, in one octet.
pub(super) fn flags<const N: usize>(bits: [(bool, u8); N]) -> u8 {
    bits.into_iter().fold(0, |octet, (set, bit)| if set { octet | bit } else { octet })
}

/// What can go out.
pub(super) const OUTGOING: &str = "SMS-SUBMIT, SMS-COMMAND or SMS-DELIVER-REPORT";

/// The largest TPDU: SMS-SUBMIT with the longest address and an absolute validity period.
pub(super) const MAX_TPDU_OCTETS: usize = 164;
/// A service centre of 20 digits and the largest TPDU.
const MAX_PDU_OCTETS: usize = 12 + MAX_TPDU_OCTETS;

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
}
