//! SMS-SUBMIT: a message on its way from us to the service centre.

use super::address::{self, Address};
use super::dcs::Dcs;
use super::error::{DecodeError, Detail, EncodeError};
use super::pdu::{Tpdu, flags};
use super::pid::Pid;
use super::reader::Reader;
use super::time::{Scts, ValidityPeriod};
use super::user_data::UserData;

/// SMS-SUBMIT.
///
/// ```text
///   7    6     5    4 3    2    1 0
/// +----+------+-----+-----+----+-----+----+----+-----+-----+----+-----+----+
/// | RP | UDHI | SRR | VPF | RD | MTI | MR | DA | PID | DCS | VP | UDL | UD |
/// +----+------+-----+-----+----+-----+----+----+-----+-----+----+-----+----+
/// ```
/// TP-UDHI and TP-VPF follow from `ud` and `vp`. 3GPP TS 23.040 §9.2.2.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Submit {
    /// TP-RD, reject duplicates: the centre refuses the same MR to the same DA while it holds the first. §9.2.3.25.
    pub rd: bool,
    /// TP-SRR, status report request. §9.2.3.5.
    pub srr: bool,
    /// TP-RP, reply path. §9.2.3.17.
    pub rp: bool,
    /// TP-MR, message reference; most modems put their own. §9.2.3.6.
    pub mr: MessageReference,
    /// TP-DA, destination address. §9.2.3.8.
    pub da: Address,
    /// TP-PID, protocol identifier. §9.2.3.9.
    pub pid: Pid,
    /// TP-DCS, data coding scheme. §9.2.3.10.
    pub dcs: Dcs,
    /// TP-VP, validity period; `None`: the centre's own. §9.2.3.12.
    pub vp: Option<ValidityPeriod>,
    /// TP-UDL and TP-UD, user data. §9.2.3.24.
    pub ud: UserData,
}

impl Submit {
    /// Reads the TPDU's octets; what follows it is ignored.
    pub fn decode(octets: &[u8]) -> Result<Submit, DecodeError> {
        Submit::decode_at(octets, 0)
    }

    /// The TPDU's octets.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.to_octets()
    }
}

impl Tpdu for Submit {
    fn decode_at(octets: &[u8], start: usize) -> Result<Submit, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = reader.octet("tp-mti")?;
        if first & 0x03 != MTI {
            let detail = Detail::MessageType { found: first & 0x03, wanted: "SMS-SUBMIT" };
            return Err(DecodeError { field: "tp-mti", octet: start, detail });
        }
        let mr = MessageReference(reader.octet("tp-mr")?);
        let da = Address::read(&mut reader, &address::DA)?;
        let pid = Pid(reader.octet("tp-pid")?);
        let dcs = Dcs(reader.octet("tp-dcs")?);
        let vp = match first & VPF {
            RELATIVE => Some(ValidityPeriod::Relative(reader.octet("tp-vp")?)),
            ABSOLUTE => Some(ValidityPeriod::Absolute(Scts { raw: reader.array("tp-vp")? })),
            ENHANCED => Some(ValidityPeriod::Enhanced(reader.array("tp-vp")?)),
            _ => None,
        };
        let ud = UserData::read(&mut reader, dcs, first & UDHI != 0)?;
        Ok(Submit { rd: first & RD != 0, srr: first & SRR != 0, rp: first & RP != 0, mr, da, pid, dcs, vp, ud })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let vpf = match self.vp {
            None => 0,
            Some(ValidityPeriod::Relative(_)) => RELATIVE,
            Some(ValidityPeriod::Absolute(_)) => ABSOLUTE,
            Some(ValidityPeriod::Enhanced(_)) => ENHANCED,
        };
        let first = MTI | vpf | flags([(self.rd, RD), (self.srr, SRR), (!self.ud.udh.is_empty(), UDHI), (self.rp, RP)]);
        out.extend([first, self.mr.0]);
        self.da.write(out, &address::DA)?;
        out.extend([self.pid.0, self.dcs.0]);
        match &self.vp {
            None => {}
            Some(ValidityPeriod::Relative(octet)) => out.push(*octet),
            Some(ValidityPeriod::Absolute(Scts { raw }) | ValidityPeriod::Enhanced(raw)) => out.extend_from_slice(raw),
        }
        self.ud.write(self.dcs, out)
    }
}

/// TP-MR, message reference: counts the SMS-SUBMITs of a SIM, wraps at 256, and comes back in the status report.
/// 3GPP TS 23.040 §9.2.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MessageReference(pub u8);

// Bits of the first octet.
const MTI: u8 = 0x01;
const RD: u8 = 0x04;
const VPF: u8 = 0x18;
const ENHANCED: u8 = 0x08;
const RELATIVE: u8 = 0x10;
const ABSOLUTE: u8 = 0x18;
const SRR: u8 = 0x20;
const UDHI: u8 = 0x40;
const RP: u8 = 0x80;
