//! SMS-SUBMIT-REPORT: the service centre's answer to an SMS-SUBMIT or an SMS-COMMAND.

use super::error::{DecodeError, EncodeError};
use super::failure_cause::FailureCause;
use super::parameters::{Parameters, read_indicator};
use super::pdu::{MAX_TPDU_OCTETS, Tpdu, first_octet, flags};
use super::reader::Reader;
use super::time::Scts;

/// SMS-SUBMIT-REPORT, as `+CMGS` hands it over in `<ackpdu>`: a positive one (RP-ACK) without TP-FCS, a negative one
/// (RP-ERROR) with.
///
/// ```text
///   7    6    5..2    1 0
/// +---+------+------+-----+-------+----+------+-------+-------+-------+------+
/// | 0 | UDHI | 0000 | MTI | (FCS) | PI | SCTS | (PID) | (DCS) | (UDL) | (UD) |
/// +---+------+------+-----+-------+----+------+-------+-------+-------+------+
/// ```
/// 3GPP TS 23.040 §9.2.2.2a.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SubmitReport {
    /// TP-FCS of a negative report, 0x80 to 0xFF. §9.2.3.22.
    pub fcs: Option<FailureCause>,
    /// TP-SCTS: when the centre had the message. §9.2.3.11.
    pub scts: Scts,
    /// What TP-PI announces. §9.2.3.27.
    pub parameters: Parameters,
}

impl Tpdu for SubmitReport {
    fn decode_at(octets: &[u8], start: usize) -> Result<SubmitReport, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = first_octet(&mut reader, &[MTI], "SMS-SUBMIT-REPORT")?;
        let fcs = FailureCause::read(&mut reader)?;
        let pi = read_indicator(&mut reader)?;
        let scts = Scts { raw: reader.array("tp-scts")? };
        let parameters = Parameters::read(&mut reader, pi, first & UDHI != 0)?;
        Ok(SubmitReport { fcs, scts, parameters })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.push(MTI | flags([(self.parameters.has_header(), UDHI)]));
        FailureCause::write(self.fcs, out)?;
        out.push(self.parameters.indicator());
        out.extend_from_slice(&self.scts.raw);
        let room = MAX_TPDU_OCTETS - (out.len() - start) - 3;
        self.parameters.write(out, room)
    }
}

// Bits of the first octet.
const MTI: u8 = 0x01;
const UDHI: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::super::dcs::Dcs;
    use super::super::hex;
    use super::super::pid::Pid;
    use super::super::udh::Udh;
    use super::super::user_data::UserData;
    use super::*;

    /// 3GPP TS 23.040 §9.2.2.2a.
    #[test]
    fn table_of_reports_both_ways() {
        let scts = Scts { raw: [0x11, 0x10, 0x11, 0x71, 0x95, 0x51, 0x40] };
        let ud = UserData { udh: Udh::default(), payload: b"hi".to_vec() };
        let all = Parameters { pid: Some(Pid(0)), dcs: Some(Dcs(0)), ud: Some(ud) };
        let plain = SubmitReport { scts, ..SubmitReport::default() };
        for (name, line, report) in [
            ("positive", "010011101171955140", plain.clone()),
            ("duplicate", "01C50011101171955140", SubmitReport { fcs: Some(FailureCause(0xC5)), ..plain.clone() }),
            ("everything", "010711101171955140000002E834", SubmitReport { parameters: all, ..plain }),
        ] {
            let octets = hex::decode(line).unwrap();
            assert_eq!(SubmitReport::decode_at(&octets, 0).as_ref(), Ok(&report), "{name}");
            assert_eq!(report.encode(), Ok(octets), "{name}");
        }
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (line, want) in [
            ("00", "tp-mti at octet 0: message type 0 is not SMS-SUBMIT-REPORT"),
            ("0100", "tp-scts at octet 2: 7 octets needed, 0 left"),
            ("010111101171955140", "tp-pid at octet 9: 1 octets needed, 0 left"),
        ] {
            let error = SubmitReport::decode_at(&hex::decode(line).unwrap(), 0).unwrap_err().to_string();
            assert_eq!(error, want, "{line}");
        }
    }
}
