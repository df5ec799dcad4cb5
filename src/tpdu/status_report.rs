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
