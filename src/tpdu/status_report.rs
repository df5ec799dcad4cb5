//! SMS-STATUS-REPORT: what became of a message that was sent.

use super::address::{self, Address};
use super::dcs::Dcs;
use super::error::{DecodeError, Detail, EncodeError};
use super::pdu::{Tpdu, flags};
use super::pid::Pid;
use super::reader::Reader;
use super::status::Status;
use super::submit::MessageReference;
use super::time::Scts;
use super::user_data::UserData;

/// SMS-STATUS-REPORT.
///
/// ```text
///   7   6     5    4   3    2     1 0
/// +---+------+-----+---+----+-----+-----+----+----+------+----+----+----+-----+-----+-----+----+
/// | 0 | UDHI | SRQ | 0 | LP | MMS | MTI | MR | RA | SCTS | DT | ST | PI | PID | DCS | UDL | UD |
/// +---+------+-----+---+----+-----+-----+----+----+------+----+----+----+-----+-----+-----+----+
/// ```
/// TP-PI and what follows it are optional. TP-UDHI and TP-PI follow from the other fields. 3GPP TS 23.040 §9.2.2.3.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StatusReport {
    /// TP-MMS, more messages to send: true when the centre has more (the bit is 0 then). §9.2.3.2.
    pub mms: bool,
    /// TP-LP, loop prevention. §9.2.3.28.
    pub lp: bool,
    /// TP-SRQ, status report qualifier: the report answers an SMS-COMMAND, not an SMS-SUBMIT. §9.2.3.26.
    pub srq: bool,
    /// TP-MR of the message it reports on. §9.2.3.6.
    pub mr: MessageReference,
    /// TP-RA, recipient address. §9.2.3.14.
    pub ra: Address,
    /// TP-SCTS of the message it reports on. §9.2.3.11.
    pub scts: Scts,
    /// TP-DT, discharge time: of the outcome, or of the last try. §9.2.3.13.
    pub dt: Scts,
    /// TP-ST, status. §9.2.3.15.
    pub st: Status,
    /// TP-PID, where TP-PI announces it. §9.2.3.9.
    pub pid: Option<Pid>,
    /// TP-DCS, where TP-PI announces it. §9.2.3.10.
    pub dcs: Option<Dcs>,
    /// TP-UDL and TP-UD, where TP-PI announces them. §9.2.3.24.
    pub ud: Option<UserData>,
}

impl StatusReport {
    /// Reads the TPDU's octets; what follows it is ignored.
    pub fn decode(octets: &[u8]) -> Result<StatusReport, DecodeError> {
        StatusReport::decode_at(octets, 0)
    }

    /// The TPDU's octets.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.to_octets()
    }
}

impl Tpdu for StatusReport {
    fn decode_at(octets: &[u8], start: usize) -> Result<StatusReport, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = reader.octet("tp-mti")?;
        if first & 0x03 != MTI {
            let detail = Detail::MessageType { found: first & 0x03, wanted: "SMS-STATUS-REPORT" };
            return Err(DecodeError { field: "tp-mti", octet: start, detail });
        }
        let mr = MessageReference(reader.octet("tp-mr")?);
        let ra = Address::read(&mut reader, &address::RA)?;
        let scts = Scts { raw: reader.array("tp-scts")? };
        let dt = Scts { raw: reader.array("tp-dt")? };
        let st = Status(reader.octet("tp-st")?);
        let pi = read_pi(&mut reader)?;
        let flagged = |bit: u8| pi & bit != 0;
        let pid = flagged(PI_PID).then(|| reader.octet("tp-pid").map(Pid)).transpose()?;
        let dcs = flagged(PI_DCS).then(|| reader.octet("tp-dcs").map(Dcs)).transpose()?;
        let udhi = first & UDHI != 0;
        let ud = flagged(PI_UDL).then(|| UserData::read(&mut reader, dcs.unwrap_or_default(), udhi)).transpose()?;
        let [mms, lp, srq] = [first & NO_MMS == 0, first & LP != 0, first & SRQ != 0];
        Ok(StatusReport { mms, lp, srq, mr, ra, scts, dt, st, pid, dcs, ud })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let udhi = self.ud.as_ref().is_some_and(|ud| !ud.udh.is_empty());
        let first = MTI | flags([(!self.mms, NO_MMS), (self.lp, LP), (self.srq, SRQ), (udhi, UDHI)]);
        out.extend([first, self.mr.0]);
        self.ra.write(out, &address::RA)?;
        out.extend_from_slice(&self.scts.raw);
        out.extend_from_slice(&self.dt.raw);
        out.push(self.st.0);
        let pi = flags([(self.pid.is_some(), PI_PID), (self.dcs.is_some(), PI_DCS), (self.ud.is_some(), PI_UDL)]);
        if pi != 0 {
            out.push(pi);
        }
        out.extend(self.pid.map(|pid| pid.0));
        out.extend(self.dcs.map(|dcs| dcs.0));
        match &self.ud {
            Some(ud) => ud.write(self.dcs.unwrap_or_default(), out),
            None => Ok(()),
        }
    }
}

/// Reads TP-PI with its extension octets; 0 when the report ends here. §9.2.3.27.
pub(super) fn read_pi(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    // A record on the SIM is filled with 0xFF, which as TP-PI would announce what no centre sends.
    if matches!(reader.rest().first(), None | Some(0xFF)) {
        return Ok(0);
    }
    let pi = reader.octet("tp-pi")?;
    let mut more = pi & PI_EXTENSION != 0;
    while more {
        more = reader.octet("tp-pi")? & PI_EXTENSION != 0;
    }
    Ok(pi)
}

// Bits of the first octet.
const MTI: u8 = 0x02;
const NO_MMS: u8 = 0x04;
const LP: u8 = 0x08;
const SRQ: u8 = 0x20;
const UDHI: u8 = 0x40;

// Bits of TP-PI.
const PI_PID: u8 = 0x01;
const PI_DCS: u8 = 0x02;
const PI_UDL: u8 = 0x04;
const PI_EXTENSION: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::super::pdu::hex;
    use super::super::udh::Udh;
    use super::*;

    /// First octet to TP-ST; 3GPP TS 23.040 §9.2.2.3.
    const HEAD: &str = "062A0B911326880736F4 11101171955140 11101171957140 00";

    fn plain() -> StatusReport {
        StatusReport {
            mr: MessageReference(0x2A),
            ra: Address::from_number("+31628870634"),
            scts: Scts { raw: [0x11, 0x10, 0x11, 0x71, 0x95, 0x51, 0x40] },
            dt: Scts { raw: [0x11, 0x10, 0x11, 0x71, 0x95, 0x71, 0x40] },
            ..StatusReport::default()
        }
    }

    /// What may follow TP-ST: 3GPP TS 23.040 §9.2.3.27.
    #[test]
    fn table_of_reports_both_ways() {
        let ud = UserData { udh: Udh::default(), payload: b"hi".to_vec() };
        for (name, tail, report) in [
            ("ends after TP-ST", "", plain()),
            ("identifier", "0140", StatusReport { pid: Some(Pid(0x40)), ..plain() }),
            ("scheme", "0208", StatusReport { dcs: Some(Dcs(8)), ..plain() }),
            ("text in the default alphabet", "0402E834", StatusReport { ud: Some(ud.clone()), ..plain() }),
            (
                "everything",
                "070004026869",
                StatusReport { pid: Some(Pid(0)), dcs: Some(Dcs(4)), ud: Some(ud), ..plain() },
            ),
        ] {
            let octets = hex::decode(&format!("{HEAD}{tail}")).unwrap();
            assert_eq!(StatusReport::decode(&octets).as_ref(), Ok(&report), "{name}");
            assert_eq!(report.encode(), Ok(octets), "{name}");
        }
    }

    #[test]
    fn table_of_odd_tails() {
        for (name, tail) in [
            ("record filler", "FFFFFFFF"),
            ("nothing announced", "00"),
            ("nothing announced, then filler", "00FFFF"),
            ("reserved bits of TP-PI", "78"),
            ("two extension octets", "808000"),
        ] {
            let octets = hex::decode(&format!("{HEAD}{tail}")).unwrap();
            assert_eq!(StatusReport::decode(&octets), Ok(plain()), "{name}");
        }
    }

    #[test]
    fn flags_are_kept() {
        let report = StatusReport { mms: true, lp: true, srq: true, st: Status(0x46), ..plain() };
        let octets = report.encode().unwrap();
        assert_eq!(octets[0], 0x2A);
        assert_eq!(StatusReport::decode(&octets), Ok(report));
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (line, want) in [
            ("04", "tp-mti at octet 0: message type 0 is not SMS-STATUS-REPORT"),
            ("062A02", "tp-ra.toa at octet 3: 1 octets needed, 0 left"),
            ("062A029121", "tp-scts at octet 5: 7 octets needed, 0 left"),
            ("062A02912111101171955140 11", "tp-dt at octet 12: 7 octets needed, 1 left"),
            ("062A0291211110117195514011101171957140", "tp-st at octet 19: 1 octets needed, 0 left"),
            ("062A02912111101171955140111011719571400080", "tp-pi at octet 21: 1 octets needed, 0 left"),
            ("062A02912111101171955140111011719571400001", "tp-pid at octet 21: 1 octets needed, 0 left"),
            ("062A0291211110117195514011101171957140000402E8", "tp-ud at octet 22: 2 octets needed, 1 left"),
        ] {
            assert_eq!(StatusReport::decode(&hex::decode(line).unwrap()).unwrap_err().to_string(), want, "{line}");
        }
    }
}
