//! SMS-DELIVER: a message on its way from the service centre to us.

use super::address::{self, Address};
use super::dcs::Dcs;
use super::error::{DecodeError, EncodeError};
use super::pdu::{Tpdu, first_octet, flags};
use super::pid::Pid;
use super::reader::Reader;
use super::time::Scts;
use super::user_data::{MAX_OCTETS, UserData};

/// SMS-DELIVER.
///
/// ```text
///   7    6     5    4   3    2     1 0
/// +----+------+-----+---+----+-----+-----+----+-----+-----+------+-----+----+
/// | RP | UDHI | SRI | 0 | LP | MMS | MTI | OA | PID | DCS | SCTS | UDL | UD |
/// +----+------+-----+---+----+-----+-----+----+-----+-----+------+-----+----+
/// ```
/// TP-UDHI follows from `ud`. 3GPP TS 23.040 §9.2.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Deliver {
    /// TP-MMS, more messages to send: true when the centre has more (the bit is 0 then). §9.2.3.2.
    pub mms: bool,
    /// TP-LP, loop prevention: forwarded or spawned already. §9.2.3.28.
    pub lp: bool,
    /// TP-SRI, status report indication: the sender asked for a report. §9.2.3.4.
    pub sri: bool,
    /// TP-RP, reply path. §9.2.3.17.
    pub rp: bool,
    /// TP-OA, originating address. §9.2.3.7.
    pub oa: Address,
    /// TP-PID, protocol identifier. §9.2.3.9.
    pub pid: Pid,
    /// TP-DCS, data coding scheme. §9.2.3.10.
    pub dcs: Dcs,
    /// TP-SCTS, service centre time stamp. §9.2.3.11.
    pub scts: Scts,
    /// TP-UDL and TP-UD, user data. §9.2.3.24.
    pub ud: UserData,
}

impl Tpdu for Deliver {
    fn decode_at(octets: &[u8], start: usize) -> Result<Deliver, DecodeError> {
        let mut reader = Reader::new(octets, start);
        // 11 is reserved, and read as SMS-DELIVER when it comes from the network. §9.2.3.1.
        let first = first_octet(&mut reader, &[0, 3], "SMS-DELIVER")?;
        let oa = Address::read(&mut reader, &address::OA)?;
        let pid = Pid(reader.octet("tp-pid")?);
        let dcs = Dcs(reader.octet("tp-dcs")?);
        let scts = Scts { raw: reader.array("tp-scts")? };
        let ud = UserData::read(&mut reader, dcs, first & UDHI != 0)?;
        Ok(Deliver {
            mms: first & NO_MMS == 0,
            lp: first & LP != 0,
            sri: first & SRI != 0,
            rp: first & RP != 0,
            oa,
            pid,
            dcs,
            scts,
            ud,
        })
    }

    fn encode_into(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let udhi = !self.ud.udh.is_empty();
        out.push(flags([(!self.mms, NO_MMS), (self.lp, LP), (self.sri, SRI), (udhi, UDHI), (self.rp, RP)]));
        self.oa.write(out, &address::OA)?;
        out.extend([self.pid.0, self.dcs.0]);
        out.extend_from_slice(&self.scts.raw);
        self.ud.write(self.dcs, out, MAX_OCTETS)
    }
}

// Bits of the first octet; TP-MTI is 00.
const NO_MMS: u8 = 0x04;
const LP: u8 = 0x08;
const SRI: u8 = 0x20;
const UDHI: u8 = 0x40;
const RP: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::super::join;
    use super::super::udh::{InformationElement, Udh};
    use super::*;

    fn text(deliver: &Deliver) -> String {
        join::text(&[(&deliver.dcs, &deliver.ud)])
    }

    /// The example of dreamfabric.com/sms, without its service centre; the others vary one field of
    /// 3GPP TS 23.040 §9.2.2.1 each.
    #[test]
    fn table_of_delivers() {
        let plain = Deliver {
            oa: Address {
                ton: address::TypeOfNumber::Subscriber,
                npi: address::NumberingPlan::National,
                text: "27838890001".into(),
            },
            scts: Scts { raw: [0x99, 0x30, 0x92, 0x51, 0x61, 0x95, 0x80] },
            ud: UserData { udh: Udh::default(), payload: b"hellohello".to_vec() },
            ..Deliver::default()
        };
        for (name, line, deliver) in [
            ("plain", "040BC87238880900F10000993092516195800AE8329BFD4697D9EC37", plain.clone()),
            (
                "more to come",
                "000BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
                Deliver { mms: true, ..plain.clone() },
            ),
            (
                "every flag",
                "AC0BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
                Deliver { lp: true, sri: true, rp: true, ..plain.clone() },
            ),
            (
                "protocol and scheme",
                "040BC87238880900F141F1993092516195800AE8329BFD4697D9EC37",
                Deliver { pid: Pid(0x41), dcs: Dcs(0xF1), ..plain },
            ),
        ] {
            let octets = hex::decode(line).unwrap();
            assert_eq!(Deliver::decode(&octets).as_ref(), Ok(&deliver), "{name}");
            assert_eq!(deliver.encode().map(|octets| hex::encode(&octets)).as_deref(), Ok(line), "{name}");
            assert_eq!(text(&deliver), "hellohello", "{name}");
        }
    }

    /// Read with what can be read. UDH: 3GPP TS 23.040 §9.2.3.24; TP-MTI: §9.2.3.1.
    #[test]
    fn table_of_odd_delivers() {
        let head = "0291210000993092516195 80";
        for (name, line, n_elements, want) in [
            ("reserved message type", format!("07{head}02E834"), 0, "hi"),
            ("filler after the TPDU", format!("04{head}02E834FFFFFFFF"), 0, "hi"),
            ("reserved bit 4", format!("14{head}02E834"), 0, "hi"),
            ("header without octets", format!("44{head}00"), 0, ""),
            ("empty header", format!("44{head}0300001A"), 0, "h"),
            ("element that does not fit: text kept", format!("44{head}090500 04C30201D069"), 0, "hi"),
            ("element of no octets", format!("44{head}0602A100 804E03"), 1, "hi"),
        ] {
            let deliver = Deliver::decode(&hex::decode(&line).unwrap()).unwrap();
            assert_eq!((deliver.ud.udh.0.len(), text(&deliver).as_str()), (n_elements, want), "{name}");
        }
    }

    #[test]
    fn unknown_elements_survive() {
        let ie = InformationElement { iei: 0x7E, data: vec![1, 2, 3] };
        let ud = UserData { udh: Udh(vec![ie]), payload: b"hi".to_vec() };
        let deliver = Deliver { ud, ..Deliver::default() };
        assert_eq!(Deliver::decode(&deliver.encode().unwrap()), Ok(deliver));
    }

    #[test]
    fn other_types_are_refused() {
        for first in [0x01, 0x02] {
            let error = Deliver::decode(&[first]).unwrap_err().to_string();
            assert_eq!(error, format!("tp-mti at octet 0: message type {first} is not SMS-DELIVER"));
        }
    }
}
