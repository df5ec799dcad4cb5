//! SMS-STATUS-REPORT: what became of a message that was sent.

use super::address::{self, Address};
use super::error::{DecodeError, EncodeError};
use super::parameters::{Parameters, read_indicator};
use super::pdu::{MAX_TPDU_OCTETS, Tpdu, first_octet, flags};
use super::reader::Reader;
use super::status::Status;
use super::submit::MessageReference;
use super::time::Scts;

/// SMS-STATUS-REPORT.
///
/// ```text
///   7   6     5    4   3    2     1 0
/// +---+------+-----+---+----+-----+-----+----+----+------+----+----+----+-----+-----+-----+----+
/// | 0 | UDHI | SRQ | 0 | LP | MMS | MTI | MR | RA | SCTS | DT | ST | PI | PID | DCS | UDL | UD |
/// +---+------+-----+---+----+-----+-----+----+----+------+----+----+----+-----+-----+-----+----+
/// ```
/// TP-PI and what follows it are optional. TP-UDHI and TP-PI follow from `parameters`. 3GPP TS 23.040 §9.2.2.3.
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
    /// What TP-PI announces. §9.2.3.27.
    pub parameters: Parameters,
}

impl Tpdu for StatusReport {
    fn decode_at(octets: &[u8], start: usize) -> Result<StatusReport, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = first_octet(&mut reader, &[MTI], "SMS-STATUS-REPORT")?;
        let mr = MessageReference(reader.octet("tp-mr")?);
        let ra = Address::read(&mut reader, &address::RA)?;
        let scts = Scts { raw: reader.array("tp-scts")? };
        let dt = Scts { raw: reader.array("tp-dt")? };
        let st = Status(reader.octet("tp-st")?);
        let pi = read_indicator(&mut reader)?;
        let parameters = Parameters::read(&mut reader, pi, first & UDHI != 0)?;
        let [mms, lp, srq] = [first & NO_MMS == 0, first & LP != 0, first & SRQ != 0];
        Ok(StatusReport { mms, lp, srq, mr, ra, scts, dt, st, parameters })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let udhi = self.parameters.has_header();
        let first = MTI | flags([(!self.mms, NO_MMS), (self.lp, LP), (self.srq, SRQ), (udhi, UDHI)]);
        out.extend([first, self.mr.0]);
        self.ra.write(out, &address::RA)?;
        out.extend_from_slice(&self.scts.raw);
        out.extend_from_slice(&self.dt.raw);
        out.push(self.st.0);
        if self.parameters.is_empty() {
            return Ok(());
        }
        out.push(self.parameters.indicator());
        let room = MAX_TPDU_OCTETS - (out.len() - start) - 3;
        self.parameters.write(out, room)
    }
}

// Bits of the first octet.
const MTI: u8 = 0x02;
const NO_MMS: u8 = 0x04;
const LP: u8 = 0x08;
const SRQ: u8 = 0x20;
const UDHI: u8 = 0x40;

#[cfg(test)]
mod tests {
    use super::super::dcs::Dcs;
    use super::super::hex;
    use super::super::pid::Pid;
    use super::super::udh::Udh;
    use super::super::user_data::UserData;
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
        let with = |parameters| StatusReport { parameters, ..plain() };
        let none = Parameters::default;
        for (name, tail, report) in [
            ("ends after TP-ST", "", plain()),
            ("identifier", "0140", with(Parameters { pid: Some(Pid(0x40)), ..none() })),
            ("scheme", "0208", with(Parameters { dcs: Some(Dcs(8)), ..none() })),
            ("text in the default alphabet", "0402E834", with(Parameters { ud: Some(ud.clone()), ..none() })),
            ("everything", "070004026869", with(Parameters { pid: Some(Pid(0)), dcs: Some(Dcs(4)), ud: Some(ud) })),
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
