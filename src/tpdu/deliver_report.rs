//! SMS-DELIVER-REPORT: our answer to an SMS-DELIVER or an SMS-STATUS-REPORT.

use super::error::{DecodeError, EncodeError};
use super::failure_cause::FailureCause;
use super::parameters::{Parameters, read_indicator};
use super::pdu::{MAX_TPDU_OCTETS, Tpdu, first_octet, flags};
use super::reader::Reader;

/// SMS-DELIVER-REPORT, as `AT+CNMA` sends it: a positive one (RP-ACK) without TP-FCS, a negative one (RP-ERROR) with.
///
/// ```text
///   7    6    5..2    1 0
/// +---+------+------+-----+-------+----+-------+-------+-------+------+
/// | 0 | UDHI | 0000 | MTI | (FCS) | PI | (PID) | (DCS) | (UDL) | (UD) |
/// +---+------+------+-----+-------+----+-------+-------+-------+------+
/// ```
/// 3GPP TS 23.040 §9.2.2.1a.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct DeliverReport {
    /// TP-FCS of a negative report, 0x80 to 0xFF. §9.2.3.22.
    pub fcs: Option<FailureCause>,
    /// What TP-PI announces. §9.2.3.27.
    pub parameters: Parameters,
}

impl Tpdu for DeliverReport {
    fn decode_at(octets: &[u8], start: usize) -> Result<DeliverReport, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = first_octet(&mut reader, &[MTI], "SMS-DELIVER-REPORT")?;
        let fcs = FailureCause::read(&mut reader)?;
        let pi = read_indicator(&mut reader)?;
        let parameters = Parameters::read(&mut reader, pi, first & UDHI != 0)?;
        Ok(DeliverReport { fcs, parameters })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.push(MTI | flags([(self.parameters.has_header(), UDHI)]));
        FailureCause::write(self.fcs, out)?;
        out.push(self.parameters.indicator());
        let room = MAX_TPDU_OCTETS - (out.len() - start) - 3;
        self.parameters.write(out, room)
    }
}

// Bits of the first octet.
const MTI: u8 = 0x00;
const UDHI: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::super::dcs::Dcs;
    use super::super::hex;
    use super::super::pid::Pid;
    use super::super::udh::Udh;
    use super::super::user_data::UserData;
    use super::*;

    /// 3GPP TS 23.040 §9.2.2.1a.
    #[test]
    fn table_of_reports_both_ways() {
        let ud = UserData { udh: Udh::default(), payload: b"hi".to_vec() };
        let all = Parameters { pid: Some(Pid(0x7F)), dcs: Some(Dcs(0xF6)), ud: Some(ud.clone()) };
        for (name, line, report) in [
            ("positive", "0000", DeliverReport::default()),
            ("memory full", "00D300", DeliverReport { fcs: Some(FailureCause(0xD3)), ..DeliverReport::default() }),
            ("SIM download, everything", "00077FF6026869", DeliverReport { fcs: None, parameters: all.clone() }),
            (
                "negative, everything",
                "00D5077FF6026869",
                DeliverReport { fcs: Some(FailureCause(0xD5)), parameters: all },
            ),
            (
                "text in the default alphabet",
                "000402E834",
                DeliverReport { fcs: None, parameters: Parameters { ud: Some(ud), ..Parameters::default() } },
            ),
        ] {
            let octets = hex::decode(line).unwrap();
            assert_eq!(DeliverReport::decode_at(&octets, 0).as_ref(), Ok(&report), "{name}");
            assert_eq!(report.encode(), Ok(octets), "{name}");
        }
    }

    #[test]
    fn lengths_and_causes_that_cannot_be() {
        let data = |n: usize| Parameters {
            dcs: Some(Dcs(4)),
            ud: Some(UserData { udh: Udh::default(), payload: vec![0; n] }),
            pid: Some(Pid(0)),
        };
        for (fcs, n, fits) in [(None, 159, true), (None, 160, false), (Some(0xD3), 158, true), (Some(0xD3), 159, false)]
        {
            let report = DeliverReport { fcs: fcs.map(FailureCause), parameters: data(n) };
            let octets = report.encode();
            assert_eq!(octets.as_ref().is_ok_and(|octets| octets.len() == 164), fits, "{n} {octets:?}");
        }
        let error = DeliverReport { fcs: Some(FailureCause(0x7F)), ..DeliverReport::default() }.encode();
        assert_eq!(error.unwrap_err().to_string(), "tp-fcs: 0x7f is reserved, 0x80 to 0xff are causes");
        let error = DeliverReport::decode_at(&[0x02], 0).unwrap_err().to_string();
        assert_eq!(error, "tp-mti at octet 0: message type 2 is not SMS-DELIVER-REPORT");
    }
}
