//! SMS-SUBMIT: a message on its way from us to the service centre.

use super::address::{self, Address};
use super::dcs::Dcs;
use super::error::{DecodeError, EncodeError};
use super::pdu::{Tpdu, first_octet, flags};
use super::pid::Pid;
use super::reader::Reader;
use super::time::{Scts, ValidityPeriod};
use super::user_data::{MAX_OCTETS, UserData};

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

impl Tpdu for Submit {
    fn decode_at(octets: &[u8], start: usize) -> Result<Submit, DecodeError> {
        let mut reader = Reader::new(octets, start);
        let first = first_octet(&mut reader, &[MTI], "SMS-SUBMIT")?;
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
        self.ud.write(self.dcs, out, MAX_OCTETS)
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

#[cfg(test)]
mod tests {
    use super::super::dcs::{Alphabet, MessageClass};
    use super::super::hex;
    use super::super::udh::{Concat, Udh};
    use super::*;

    fn septets(text: &str) -> UserData {
        UserData { udh: Udh::default(), payload: super::super::gsm7::encode(text).unwrap() }
    }

    /// TPDUs and what they say, both ways. The first is the example of dreamfabric.com/sms; the others vary one field
    /// of 3GPP TS 23.040 §9.2.2.2 each.
    #[test]
    fn table_of_submits() {
        let plain = Submit {
            da: Address::from_number("+46708251358"),
            vp: Some(ValidityPeriod::Relative(0xAA)),
            ud: septets("hellohello"),
            ..Submit::default()
        };
        let absolute = Scts { raw: [0x52, 0x10, 0x10, 0x00, 0x00, 0x00, 0x32] };
        let concat = Concat { reference: 0xC3, wide: false, total: 2, seq: 1 };
        let part = UserData { udh: Udh(vec![concat.into()]), ..septets("hello") };
        let flash = Dcs::new(Alphabet::Gsm7, Some(MessageClass::Class0));
        for (name, line, submit) in [
            ("relative period", "11000B916407281553F80000AA0AE8329BFD4697D9EC37", plain.clone()),
            ("no period", "01000B916407281553F800000AE8329BFD4697D9EC37", Submit { vp: None, ..plain.clone() }),
            (
                "absolute period",
                "19000B916407281553F80000521010000000320AE8329BFD4697D9EC37",
                Submit { vp: Some(ValidityPeriod::Absolute(absolute)), ..plain.clone() },
            ),
            (
                "enhanced period",
                "09000B916407281553F80000021E00000000000AE8329BFD4697D9EC37",
                Submit { vp: Some(ValidityPeriod::Enhanced([2, 30, 0, 0, 0, 0, 0])), ..plain.clone() },
            ),
            (
                "every flag",
                "B5FF0B916407281553F84010AA0AE8329BFD4697D9EC37",
                Submit {
                    rd: true,
                    srr: true,
                    rp: true,
                    mr: MessageReference(255),
                    pid: Pid(0x40),
                    dcs: flash,
                    ..plain.clone()
                },
            ),
            (
                "part of two: one fill bit",
                "51000B916407281553F80000AA0C050003C30201D06536FB0D",
                Submit { ud: part, ..plain.clone() },
            ),
            (
                "8 bit data",
                "11000B916407281553F80004AA03C0FFEE",
                Submit {
                    dcs: Dcs(4),
                    ud: UserData { udh: Udh::default(), payload: vec![0xC0, 0xFF, 0xEE] },
                    ..plain.clone()
                },
            ),
            ("no text", "11000B916407281553F80000AA00", Submit { ud: UserData::default(), ..plain }),
        ] {
            let octets = hex::decode(line).unwrap();
            assert_eq!(Submit::decode(&octets).as_ref(), Ok(&submit), "{name}");
            assert_eq!(submit.encode().map(|octets| hex::encode(&octets)), Ok(hex::encode(&octets)), "{name}");
        }
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (line, want) in [
            ("", "tp-mti at octet 0: 1 octets needed, 0 left"),
            ("04", "tp-mti at octet 0: message type 0 is not SMS-SUBMIT"),
            ("11", "tp-mr at octet 1: 1 octets needed, 0 left"),
            ("1100", "tp-da.length at octet 2: 1 octets needed, 0 left"),
            ("11000291", "tp-da.value at octet 4: 1 octets needed, 0 left"),
            ("1100029121", "tp-pid at octet 5: 1 octets needed, 0 left"),
            ("110002912100", "tp-dcs at octet 6: 1 octets needed, 0 left"),
            ("11000291210000", "tp-vp at octet 7: 1 octets needed, 0 left"),
            ("19000291210000AA", "tp-vp at octet 7: 7 octets needed, 1 left"),
            ("11000291210000AA", "tp-udl at octet 8: 1 octets needed, 0 left"),
            ("11000291210000AA09E8329BFD", "tp-ud at octet 9: 8 octets needed, 4 left"),
            ("51000291210000AA03050003", "tp-ud.udhl at octet 9: 6 octets needed, 3 left"),
        ] {
            assert_eq!(Submit::decode(&hex::decode(line).unwrap()).unwrap_err().to_string(), want, "{line}");
        }
    }

    #[test]
    fn values_that_no_submit_can_carry() {
        let with = |dcs: u8, n: usize| Submit {
            dcs: Dcs(dcs),
            ud: UserData { udh: Udh::default(), payload: vec![0x61; n] },
            ..Submit::default()
        };
        assert!(with(0, 160).encode().is_ok());
        assert_eq!(with(0, 161).encode().unwrap_err().to_string(), "tp-ud: 141 octets, at most 140 fit");
        assert!(with(4, 140).encode().is_ok());
        assert_eq!(with(4, 300).encode().unwrap_err().to_string(), "tp-ud: 300 octets, at most 140 fit");
        let mut odd = with(0, 3);
        odd.ud.payload[2] = 0x80;
        assert_eq!(odd.encode().unwrap_err().to_string(), "tp-ud: octet 2 of the payload, 0x80, is not a septet");
    }
}
