//! A PDU field by field, for people.

mod broadcast;
mod user_data;

use super::address::{self, Address};
use super::command::CommandType;
use super::dcs::Dcs;
use super::error::DecodeError;
use super::failure_cause::FailureCause;
use super::hex;
use super::parameters::read_indicator;
use super::pdu::{OUTGOING, first_octet};
use super::pid::Pid;
use super::reader::Reader;
use super::status::Status;
use super::time::{Scts, ValidityPeriod};

pub use broadcast::dump_broadcast;

/// Which way a PDU goes: TP-MTI means different things by direction. 3GPP TS 23.040 §9.2.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Read from a modem: SMS-DELIVER, SMS-STATUS-REPORT, SMS-SUBMIT-REPORT.
    FromModem,
    /// Written to a modem: SMS-SUBMIT, SMS-COMMAND, SMS-DELIVER-REPORT.
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
    /// What is wrong with it, where the message is readable all the same.
    pub warning: Option<&'static str>,
}

/// Every field of a PDU that begins with a service centre field. Fields follow each other without gaps; those that
/// are bits of one octet share it.
pub fn dump(octets: &[u8], direction: Direction) -> Result<Vec<FieldLine>, DecodeError> {
    let mut dump = Dump::new(octets);
    dump.smsc()?;
    let types: &[u8] = if direction == Direction::ToModem { &[0, 1, 2] } else { &[0, 1, 2, 3] };
    let first = first_octet(&mut dump.reader, types, OUTGOING)?;
    match (direction, first & 0x03) {
        (Direction::FromModem, 0 | 3) => dump.deliver(first)?,
        (Direction::FromModem, 1) => dump.submit_report(first)?,
        (Direction::FromModem, _) => dump.status_report(first)?,
        (Direction::ToModem, 0) => dump.deliver_report(first)?,
        (Direction::ToModem, 1) => dump.submit(first)?,
        (Direction::ToModem, _) => dump.command(first)?,
    }
    dump.left_over("after the TPDU");
    Ok(dump.lines)
}

/// Reads with the same readers as the codec, and writes a line for each step.
struct Dump<'a> {
    octets: &'a [u8],
    reader: Reader<'a>,
    lines: Vec<FieldLine>,
}

impl<'a> Dump<'a> {
    fn new(octets: &'a [u8]) -> Dump<'a> {
        Dump { octets, reader: Reader::new(octets, 0), lines: Vec::with_capacity(24) }
    }

    fn line(&mut self, name: &'static str, start: usize, len: usize, value: impl Into<String>) {
        self.lines.push(FieldLine { name, start, len, value: value.into(), warning: None });
    }

    /// Something is wrong with the last line.
    fn warn(&mut self, warning: &'static str) {
        if let Some(line) = self.lines.last_mut() {
            line.warning = Some(warning);
        }
    }

    /// What nothing has read.
    fn left_over(&mut self, name: &'static str) {
        let rest = self.reader.rest();
        if !rest.is_empty() {
            self.line(
                name,
                self.reader.at(),
                rest.len(),
                format!("{} octets, ignored: {}", rest.len(), hex::encode(rest)),
            );
        }
    }

    /// A field of one octet, as hex and in words.
    fn coded(&mut self, name: &'static str, octet: u8, words: impl std::fmt::Display) {
        self.line(name, self.reader.at() - 1, 1, format!("{octet:#04x}: {words}"));
    }

    /// A bit of the first octet, which was read last.
    fn flag(&mut self, name: &'static str, first: u8, bit: u8, [clear, set]: [&str; 2]) {
        let (value, words) = if first >> bit & 1 == 0 { (0, clear) } else { (1, set) };
        self.line(name, self.reader.at() - 1, 1, format!("bit {bit} = {value}: {words}"));
    }

    fn mti(&mut self, first: u8, words: &str) {
        self.line("TP-MTI message type", self.reader.at() - 1, 1, format!("bits 1..0 = {:02b}: {words}", first & 0x03));
    }

    fn submit(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, "SMS-SUBMIT");
        self.flag("TP-RD reject duplicates", first, 2, ["no", "yes"]);
        let vpf = first >> 3 & 0x03;
        let format = ["none", "enhanced", "relative", "absolute"][usize::from(vpf)];
        let value = format!("bits 4..3 = {vpf:02b}: {format}");
        self.line("TP-VPF validity period format", self.reader.at() - 1, 1, value);
        self.flag("TP-SRR status report request", first, 5, ["no", "yes"]);
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.flag("TP-RP reply path", first, 7, ["no", "yes"]);
        self.mr()?;
        self.address("TP-DA destination address", &address::DA)?;
        self.pid()?;
        let dcs = self.dcs()?;
        let start = self.reader.at();
        let vp = match vpf {
            1 => Some(ValidityPeriod::Enhanced(self.reader.array("tp-vp")?)),
            2 => Some(ValidityPeriod::Relative(self.reader.octet("tp-vp")?)),
            3 => Some(ValidityPeriod::Absolute(Scts { raw: self.reader.array("tp-vp")? })),
            _ => None,
        };
        if let Some(vp) = vp {
            let raw = hex::encode(&self.octets[start..self.reader.at()]);
            self.line("TP-VP validity period", start, raw.len() / 2, format!("{raw}: {vp}"));
            if matches!(vp, ValidityPeriod::Absolute(stamp) if stamp.unix_seconds().is_none()) {
                self.warn(NO_DATE);
            }
        }
        self.user_data(dcs, first)
    }

    fn deliver(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, if first & 0x03 == 0 { "SMS-DELIVER" } else { "reserved, read as SMS-DELIVER" });
        self.more_and_loop(first);
        self.flag("TP-SRI status report indication", first, 5, ["no", "the sender asked for a report"]);
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.flag("TP-RP reply path", first, 7, ["no", "yes"]);
        self.address("TP-OA originating address", &address::OA)?;
        self.pid()?;
        let dcs = self.dcs()?;
        self.stamp("TP-SCTS service centre time stamp", "tp-scts")?;
        self.user_data(dcs, first)
    }

    fn status_report(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, "SMS-STATUS-REPORT");
        self.more_and_loop(first);
        self.flag("TP-SRQ status report qualifier", first, 5, ["answers SMS-SUBMIT", "answers SMS-COMMAND"]);
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.mr()?;
        self.address("TP-RA recipient address", &address::RA)?;
        self.stamp("TP-SCTS service centre time stamp", "tp-scts")?;
        self.stamp("TP-DT discharge time", "tp-dt")?;
        let st = Status(self.reader.octet("tp-st")?);
        self.coded("TP-ST status", st.0, format_args!("{}, {st}", st.category().word()));
        self.parameters(first, None)
    }

    fn submit_report(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, "SMS-SUBMIT-REPORT");
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.cause()?;
        self.parameters(first, Some("tp-scts"))
    }

    fn deliver_report(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, "SMS-DELIVER-REPORT");
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.cause()?;
        self.parameters(first, None)
    }

    fn command(&mut self, first: u8) -> Result<(), DecodeError> {
        self.mti(first, "SMS-COMMAND");
        self.flag("TP-SRR status report request", first, 5, ["no", "yes"]);
        self.flag("TP-UDHI user data header", first, 6, ["no", "yes"]);
        self.mr()?;
        self.pid()?;
        let ct = self.reader.octet("tp-ct")?;
        self.coded("TP-CT command type", ct, CommandType(ct));
        let mn = self.reader.octet("tp-mn")?;
        self.line("TP-MN message number", self.reader.at() - 1, 1, format!("{mn}: TP-MR of the message it is about"));
        self.address("TP-DA destination address", &address::DA)?;
        let cdl = self.reader.octet("tp-cdl")?;
        let start = self.reader.at();
        self.line("TP-CDL command data length", start - 1, 1, format!("{cdl} octets"));
        let data = hex::encode(self.reader.take("tp-cd", usize::from(cdl))?);
        self.line("TP-CD command data", start, usize::from(cdl), data);
        Ok(())
    }

    /// TP-FCS, which a negative report has.
    fn cause(&mut self) -> Result<(), DecodeError> {
        if let Some(cause) = FailureCause::read(&mut self.reader)? {
            self.coded("TP-FCS failure cause", cause.0, format_args!("{}, {cause}", cause.category().word()));
        }
        Ok(())
    }

    /// TP-PI, TP-SCTS where the TPDU has it here, and what TP-PI announces.
    fn parameters(&mut self, first: u8, scts: Option<&'static str>) -> Result<(), DecodeError> {
        let start = self.reader.at();
        let pi = read_indicator(&mut self.reader)?;
        if self.reader.at() > start {
            let announced = ["TP-PID", "TP-DCS", "TP-UD"].into_iter().enumerate();
            let fields: Vec<&str> = announced.filter(|(bit, _)| pi >> bit & 1 != 0).map(|(_, name)| name).collect();
            let words = match fields.as_slice() {
                [] => "nothing follows".to_owned(),
                [one] => format!("{one} follows"),
                many => format!("{} follow", many.join(", ")),
            };
            let value = format!("{pi:#04x}: {words}");
            self.line("TP-PI parameter indicator", start, self.reader.at() - start, value);
        }
        if let Some(field) = scts {
            self.stamp("TP-SCTS service centre time stamp", field)?;
        }
        if pi & 0x01 != 0 {
            self.pid()?;
        }
        let dcs = if pi & 0x02 != 0 { self.dcs()? } else { Dcs::default() };
        if pi & 0x04 != 0 { self.user_data(dcs, first) } else { Ok(()) }
    }

    fn more_and_loop(&mut self, first: u8) {
        self.flag("TP-MMS more messages to send", first, 2, ["more are waiting", "no more are waiting"]);
        self.flag("TP-LP loop prevention", first, 3, ["no", "forwarded already"]);
    }

    fn smsc(&mut self) -> Result<(), DecodeError> {
        match Address::read_smsc(&mut self.reader)? {
            None => self.line("SMSC length", 0, 1, "0: the service centre stored in the SIM"),
            Some(smsc) => {
                self.line("SMSC length", 0, 1, format!("{} octets follow", self.reader.at() - 1));
                self.address_lines(["SMSC type of address", "SMSC service centre"], 1, &smsc);
                if smsc.text.chars().count() > address::MAX_SEMI_OCTETS {
                    self.warn("more digits than any number has");
                }
            }
        }
        Ok(())
    }

    fn address(&mut self, name: &'static str, path: &address::Path) -> Result<(), DecodeError> {
        let start = self.reader.at();
        let address = Address::read(&mut self.reader, path)?;
        let n = self.octets[start];
        let unit = if address.is_alphanumeric() { "semi-octets of packed septets" } else { "digits" };
        self.line("address length", start, 1, format!("{n} {unit}"));
        self.address_lines(["type of address", name], start + 1, &address);
        Ok(())
    }

    fn address_lines(&mut self, [toa, value]: [&'static str; 2], start: usize, address: &Address) {
        let words = format!("{:#04x}: {}, {}", self.octets[start], address.ton.name(), address.npi.name());
        self.line(toa, start, 1, words);
        let text = if address.is_alphanumeric() { format!("{:?}", address.text) } else { address.to_string() };
        self.line(value, start + 1, self.reader.at() - start - 1, text);
    }

    fn mr(&mut self) -> Result<(), DecodeError> {
        let mr = self.reader.octet("tp-mr")?;
        self.line("TP-MR message reference", self.reader.at() - 1, 1, mr.to_string());
        Ok(())
    }

    fn pid(&mut self) -> Result<(), DecodeError> {
        let pid = self.reader.octet("tp-pid")?;
        self.coded("TP-PID protocol identifier", pid, Pid(pid));
        Ok(())
    }

    fn dcs(&mut self) -> Result<Dcs, DecodeError> {
        let dcs = Dcs(self.reader.octet("tp-dcs")?);
        self.coded("TP-DCS data coding scheme", dcs.0, dcs);
        Ok(dcs)
    }

    fn stamp(&mut self, name: &'static str, field: &'static str) -> Result<(), DecodeError> {
        let stamp = Scts { raw: self.reader.array(field)? };
        self.line(name, self.reader.at() - 7, 7, stamp.to_string());
        if stamp.unix_seconds().is_none() {
            self.warn(NO_DATE);
        }
        Ok(())
    }
}

/// Of a time stamp or an absolute validity period.
const NO_DATE: &str = "these digits are no date";

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gsmgate decode` prints it, for reading: start, octets, name, value.
    pub(super) fn shown(line: &str, direction: Direction) -> Vec<String> {
        let lines = dump(&hex::decode(line).unwrap(), direction).unwrap();
        let warning = |line: &FieldLine| line.warning.map_or(String::new(), |warning| format!(" ({warning})"));
        let shown = |line: &FieldLine| {
            let FieldLine { start, len, name, value, .. } = line;
            format!("{start:3} {len:2} {name}: {value}{}", warning(line))
        };
        lines.iter().map(shown).collect()
    }

    #[test]
    fn deliver_part_of_two_with_filler() {
        let line = "07917283010010F5 44 0D D0E8329BFD46 9701 00 00 99309251619580 0C 050003C30201 D06536FB0D FFFF";
        assert_eq!(
            shown(line, Direction::FromModem),
            [
                "  0  1 SMSC length: 7 octets follow",
                "  1  1 SMSC type of address: 0x91: international, ISDN/telephone plan (E.164)",
                "  2  6 SMSC service centre: +27381000015",
                "  8  1 TP-MTI message type: bits 1..0 = 00: SMS-DELIVER",
                "  8  1 TP-MMS more messages to send: bit 2 = 1: no more are waiting",
                "  8  1 TP-LP loop prevention: bit 3 = 0: no",
                "  8  1 TP-SRI status report indication: bit 5 = 0: no",
                "  8  1 TP-UDHI user data header: bit 6 = 1: yes",
                "  8  1 TP-RP reply path: bit 7 = 0: no",
                "  9  1 address length: 13 semi-octets of packed septets",
                " 10  1 type of address: 0xd0: alphanumeric, unknown plan",
                " 11  7 TP-OA originating address: \"hellohe\"",
                " 18  1 TP-PID protocol identifier: 0x00: short message",
                " 19  1 TP-DCS data coding scheme: 0x00: GSM 7 bit",
                " 20  7 TP-SCTS service centre time stamp: 1999-03-29T15:16:59+02:00",
                " 27  1 TP-UDL user data length: 12 septets, header included",
                " 28  1 TP-UDHL header length: 5 octets, 1 fill bit before the text",
                " 29  5 concatenated message, 8 bit reference: IEI 0x00, data C30201: part 1 of 2, reference 195",
                " 34  5 TP-UD text: \"hello\"",
                " 39  2 after the TPDU: 2 octets, ignored: FFFF",
            ]
        );
    }

    #[test]
    fn submit_of_data_to_a_port() {
        let line = "00 75 01 02A121 00 F5 AA 0A 0605040B8423F0 C0FFEE";
        assert_eq!(
            shown(line, Direction::ToModem)[..],
            [
                "  0  1 SMSC length: 0: the service centre stored in the SIM",
                "  1  1 TP-MTI message type: bits 1..0 = 01: SMS-SUBMIT",
                "  1  1 TP-RD reject duplicates: bit 2 = 1: yes",
                "  1  1 TP-VPF validity period format: bits 4..3 = 10: relative",
                "  1  1 TP-SRR status report request: bit 5 = 1: yes",
                "  1  1 TP-UDHI user data header: bit 6 = 1: yes",
                "  1  1 TP-RP reply path: bit 7 = 0: no",
                "  2  1 TP-MR message reference: 1",
                "  3  1 address length: 2 digits",
                "  4  1 type of address: 0xa1: national, ISDN/telephone plan (E.164)",
                "  5  1 TP-DA destination address: 12",
                "  6  1 TP-PID protocol identifier: 0x00: short message",
                "  7  1 TP-DCS data coding scheme: 0xf5: 8 bit data, class 1 (phone)",
                "  8  1 TP-VP validity period: AA: 4 days",
                "  9  1 TP-UDL user data length: 10 octets, header included",
                " 10  1 TP-UDHL header length: 6 octets",
                " 11  6 application ports, 16 bit: IEI 0x05, data 0B8423F0: to port 2948, from port 9200",
                " 17  3 TP-UD data: C0FFEE",
                " 17  3 WAP push: cannot be read: wsp.type at octet 18: not a push PDU, 0x06 or 0x07",
            ]
        );
    }

    #[test]
    fn status_report_with_parameters() {
        let line = "00 06 2A 029121 11101171955140 11101171957140 46 03 00 00";
        assert_eq!(
            shown(line, Direction::FromModem)[1..],
            [
                "  1  1 TP-MTI message type: bits 1..0 = 10: SMS-STATUS-REPORT",
                "  1  1 TP-MMS more messages to send: bit 2 = 1: no more are waiting",
                "  1  1 TP-LP loop prevention: bit 3 = 0: no",
                "  1  1 TP-SRQ status report qualifier: bit 5 = 0: answers SMS-SUBMIT",
                "  1  1 TP-UDHI user data header: bit 6 = 0: no",
                "  2  1 TP-MR message reference: 42",
                "  3  1 address length: 2 digits",
                "  4  1 type of address: 0x91: international, ISDN/telephone plan (E.164)",
                "  5  1 TP-RA recipient address: +12",
                "  6  7 TP-SCTS service centre time stamp: 2011-01-11T17:59:15+01:00",
                " 13  7 TP-DT discharge time: 2011-01-11T17:59:17+01:00",
                " 20  1 TP-ST status: 0x46: permanent, validity period expired",
                " 21  1 TP-PI parameter indicator: 0x03: TP-PID, TP-DCS follow",
                " 22  1 TP-PID protocol identifier: 0x00: short message",
                " 23  1 TP-DCS data coding scheme: 0x00: GSM 7 bit",
            ]
        );
    }

    #[test]
    fn the_direction_decides() {
        let submit = hex::decode("00 01 00 029121 00 00 00").unwrap();
        assert!(dump(&submit, Direction::ToModem).is_ok());
        let error = dump(&submit, Direction::FromModem).unwrap_err().to_string();
        assert_eq!(error, "tp-scts at octet 3: 7 octets needed, 6 left", "it would be an SMS-SUBMIT-REPORT");
        let error = dump(&[0x00, 0x03], Direction::ToModem).unwrap_err().to_string();
        assert_eq!(error, "tp-mti at octet 1: message type 3 is not SMS-SUBMIT, SMS-COMMAND or SMS-DELIVER-REPORT");
    }

    #[test]
    fn command_and_reports() {
        assert_eq!(
            shown("00 22 07 00 02 2A 02 91 21 01 FF", Direction::ToModem)[1..],
            [
                "  1  1 TP-MTI message type: bits 1..0 = 10: SMS-COMMAND",
                "  1  1 TP-SRR status report request: bit 5 = 1: yes",
                "  1  1 TP-UDHI user data header: bit 6 = 0: no",
                "  2  1 TP-MR message reference: 7",
                "  3  1 TP-PID protocol identifier: 0x00: short message",
                "  4  1 TP-CT command type: 0x02: delete a submitted message",
                "  5  1 TP-MN message number: 42: TP-MR of the message it is about",
                "  6  1 address length: 2 digits",
                "  7  1 type of address: 0x91: international, ISDN/telephone plan (E.164)",
                "  8  1 TP-DA destination address: +12",
                "  9  1 TP-CDL command data length: 1 octets",
                " 10  1 TP-CD command data: FF",
            ]
        );
        assert_eq!(
            shown("00 00 D3 00", Direction::ToModem)[1..],
            [
                "  1  1 TP-MTI message type: bits 1..0 = 00: SMS-DELIVER-REPORT",
                "  1  1 TP-UDHI user data header: bit 6 = 0: no",
                "  2  1 TP-FCS failure cause: 0xd3: phone, memory capacity exceeded",
                "  3  1 TP-PI parameter indicator: 0x00: nothing follows",
            ]
        );
        assert_eq!(
            shown("00 01 01 11101171955140 00", Direction::FromModem)[1..],
            [
                "  1  1 TP-MTI message type: bits 1..0 = 01: SMS-SUBMIT-REPORT",
                "  1  1 TP-UDHI user data header: bit 6 = 0: no",
                "  2  1 TP-PI parameter indicator: 0x01: TP-PID follows",
                "  3  7 TP-SCTS service centre time stamp: 2011-01-11T17:59:15+01:00",
                " 10  1 TP-PID protocol identifier: 0x00: short message",
            ]
        );
    }

    #[test]
    fn a_report_that_ends_early_has_no_parameters() {
        let lines = shown("00 06 2A 029121 11101171955140 11101171957140 00", Direction::FromModem);
        assert_eq!(lines.last().unwrap(), " 20  1 TP-ST status: 0x00: delivered, received by the SME");
    }

    #[test]
    fn what_is_longer_than_the_standard_allows_is_read_with_a_warning() {
        for (digits, is_warned) in [("2143658709".repeat(2), false), ("2143658709".repeat(2) + "21", true)] {
            let line = format!("{:02X}91{digits} 04 029121 00 00 99309251619580 00", digits.len() / 2 + 1);
            let lines = shown(&line, Direction::FromModem);
            assert_eq!(lines[2].ends_with("(more digits than any number has)"), is_warned, "{}", lines[2]);
        }
        for (octets, is_warned) in [(140, false), (141, true)] {
            let line = format!("00 04 029121 00 04 99309251619580 {octets:02X}{}", "AB".repeat(octets));
            let lines = shown(&line, Direction::FromModem);
            let udl = lines.iter().find(|line| line.contains("TP-UDL")).unwrap();
            assert_eq!(udl.ends_with("(more than the 140 octets that a message has)"), is_warned, "{udl}");
        }
    }

    #[test]
    fn digits_that_are_no_date() {
        let stamp = shown("00 04 029121 00 00 00000000000000 00", Direction::FromModem);
        assert!(stamp.iter().any(|line| line.ends_with("unknown (these digits are no date)")), "{stamp:#?}");
        for (vp, warned) in [("00000000000000", true), ("62118171214500", false)] {
            let lines = shown(&format!("00 19 00 029121 00 00 {vp} 00"), Direction::ToModem);
            assert_eq!(lines.iter().any(|line| line.ends_with("(these digits are no date)")), warned, "{lines:#?}");
        }
    }
}
