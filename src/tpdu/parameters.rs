//! TP-PI and what it announces: the optional end of reports. 3GPP TS 23.040 §9.2.3.27.

use super::dcs::Dcs;
use super::error::{DecodeError, EncodeError};
use super::pdu::flags;
use super::pid::Pid;
use super::reader::Reader;
use super::user_data::UserData;

/// Optional parameters, each there where TP-PI announces it.
///
/// ```text
///    7    6..3   2     1     0
/// +-----+------+-----+-----+-----+-----+-----+-----+----+
/// | ext | 0000 | UDL | DCS | PID | PID | DCS | UDL | UD |
/// +-----+------+-----+-----+-----+-----+-----+-----+----+
/// ```
/// 3GPP TS 23.040 §9.2.3.27.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Parameters {
    /// TP-PID. §9.2.3.9.
    pub pid: Option<Pid>,
    /// TP-DCS. §9.2.3.10.
    pub dcs: Option<Dcs>,
    /// TP-UDL and TP-UD. §9.2.3.24.
    pub ud: Option<UserData>,
}

impl Parameters {
    /// True when TP-PI would announce nothing.
    pub fn is_empty(&self) -> bool {
        self.pid.is_none() && self.dcs.is_none() && self.ud.is_none()
    }

    /// The scheme of the user data: the default where there is none.
    pub fn scheme(&self) -> Dcs {
        self.dcs.unwrap_or_default()
    }

    /// TP-UDHI of the first octet.
    pub(super) fn has_header(&self) -> bool {
        self.ud.as_ref().is_some_and(|ud| !ud.udh.is_empty())
    }

    /// Reads what `pi` announces.
    pub(super) fn read(reader: &mut Reader<'_>, pi: u8, udhi: bool) -> Result<Parameters, DecodeError> {
        let flagged = |bit: u8| pi & bit != 0;
        let pid = flagged(PID).then(|| reader.octet("tp-pid").map(Pid)).transpose()?;
        let dcs = flagged(DCS).then(|| reader.octet("tp-dcs").map(Dcs)).transpose()?;
        let ud = flagged(UDL).then(|| UserData::read(reader, dcs.unwrap_or_default(), udhi)).transpose()?;
        Ok(Parameters { pid, dcs, ud })
    }

    /// TP-PI.
    pub(super) fn indicator(&self) -> u8 {
        flags([(self.pid.is_some(), PID), (self.dcs.is_some(), DCS), (self.ud.is_some(), UDL)])
    }

    /// Appends what TP-PI announces.
    pub(super) fn write(&self, out: &mut Vec<u8>, max_octets: usize) -> Result<(), EncodeError> {
        out.extend(self.pid.map(|pid| pid.0));
        out.extend(self.dcs.map(|dcs| dcs.0));
        self.ud.as_ref().map_or(Ok(()), |ud| ud.write(self.scheme(), out, max_octets))
    }
}

/// Reads TP-PI with its extension octets; 0 when the TPDU ends here.
pub(super) fn read_indicator(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    // A record on the SIM is filled with 0xFF, which as TP-PI would announce what no centre sends.
    if matches!(reader.rest().first(), None | Some(0xFF)) {
        return Ok(0);
    }
    let pi = reader.octet("tp-pi")?;
    let mut more = pi & EXTENSION != 0;
    while more {
        more = reader.octet("tp-pi")? & EXTENSION != 0;
    }
    Ok(pi)
}

// Bits of TP-PI.
const PID: u8 = 0x01;
const DCS: u8 = 0x02;
const UDL: u8 = 0x04;
const EXTENSION: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit 7 says that another octet of TP-PI follows. 3GPP TS 23.040 §9.2.3.27.
    #[test]
    fn table_of_indicators() {
        for (name, octets, want) in [
            ("plain", &[0x05, 0x55][..], (0x05, &[0x55][..])),
            ("with one more octet", &[0x81, 0x00, 0x55], (0x81, &[0x55])),
            ("with two more octets", &[0x81, 0x80, 0x01, 0x55], (0x81, &[0x55])),
            ("none", &[], (0, &[])),
            ("filled up", &[0xFF, 0xFF], (0, &[0xFF, 0xFF])),
        ] {
            let mut reader = Reader::new(octets, 0);
            assert_eq!((read_indicator(&mut reader), reader.rest()), (Ok(want.0), want.1), "{name}");
        }
    }
}
