//! A PDU field by field, for people.

mod broadcast;

use super::address::{self, Address};
use super::command::CommandType;
use super::dcs::{Alphabet, Dcs};
use super::deliver_report::read_cause;
use super::error::{DecodeError, Detail};
use super::failure_cause::FailureCause;
use super::gsm7::{self, Shift};
use super::join;
use super::parameters::read_indicator;
use super::pdu::hex;
use super::pid::Pid;
use super::reader::Reader;
use super::status::Status;
use super::time::{Scts, ValidityPeriod};
use super::udh::{Concat, Hyperlink, InformationElement, Ports, SpecialMessage, Udh};
use super::user_data::{self, UserData};
use super::wap::Push;

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
    let start = dump.reader.at();
    let first = dump.reader.octet("tp-mti")?;
    match (direction, first & 0x03) {
        (Direction::FromModem, 0 | 3) => dump.deliver(first)?,
        (Direction::FromModem, 1) => dump.submit_report(first)?,
        (Direction::FromModem, _) => dump.status_report(first)?,
        (Direction::ToModem, 0) => dump.deliver_report(first)?,
        (Direction::ToModem, 1) => dump.submit(first)?,
        (Direction::ToModem, 2) => dump.command(first)?,
        (Direction::ToModem, found) => {
            let detail = Detail::MessageType { found, wanted: "SMS-SUBMIT, SMS-COMMAND or SMS-DELIVER-REPORT" };
            return Err(DecodeError { field: "tp-mti", octet: start, detail });
        }
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
        if let Some(FailureCause(fcs)) = read_cause(&mut self.reader)? {
            let cause = FailureCause(fcs);
            self.coded("TP-FCS failure cause", fcs, format_args!("{}, {cause}", cause.category().word()));
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

    fn user_data(&mut self, dcs: Dcs, first: u8) -> Result<(), DecodeError> {
        let start = self.reader.at();
        let udhi = first & 0x40 != 0;
        let ud = UserData::read(&mut self.reader, dcs, udhi)?;
        let octets = &self.octets[start + 1..self.reader.at()];
        let alphabet = dcs.alphabet();
        let unit = if alphabet == Alphabet::Gsm7 { "septets" } else { "octets" };
        let value = format!("{} {unit}{}", self.octets[start], if udhi { ", header included" } else { "" });
        self.line("TP-UDL user data length", start, 1, value);
        if octets.len() > user_data::MAX_OCTETS {
            self.warn("more than the 140 octets that a message has");
        }
        let header = if udhi { octets.first().map_or(0, |udhl| 1 + usize::from(*udhl)) } else { 0 };
        if header > 0 {
            self.header(start + 1, &octets[1..header], alphabet);
        }
        let text = join::text(&[(&dcs, &ud)]);
        let value = match alphabet {
            Alphabet::Octets => hex::encode(&ud.payload),
            _ => format!("{text:?}"),
        };
        let name = if alphabet == Alphabet::Octets { "TP-UD data" } else { "TP-UD text" };
        self.line(name, start + 1 + header, octets.len() - header, value);
        if let Some(warning) = replaced(alphabet, &ud.payload, &text) {
            self.warn(warning);
        }
        // Beside the data, not in their place: they are kept whatever is in them.
        if let Some(push) = Push::of(&ud) {
            let place = |error: DecodeError| DecodeError { octet: error.octet + start + 1 + header, ..error };
            let value = push.map_err(place);
            let value = value.map_or_else(|error| format!("cannot be read: {error}"), |push| push.to_string());
            self.line("WAP push", start + 1 + header, octets.len() - header, value);
        }
        Ok(())
    }

    /// The header's length at octet `start`, and its elements.
    fn header(&mut self, start: usize, elements: &[u8], alphabet: Alphabet) {
        let fill = match (alphabet, gsm7::fill_bits(1 + elements.len())) {
            (Alphabet::Gsm7, 1) => ", 1 fill bit before the text".to_owned(),
            (Alphabet::Gsm7, bits) => format!(", {bits} fill bits before the text"),
            _ => String::new(),
        };
        self.line("TP-UDHL header length", start, 1, format!("{} octets{fill}", elements.len()));
        let mut start = start + 1;
        let Some(udh) = Udh::decode(elements) else {
            self.line("malformed header", start, elements.len(), hex::encode(elements));
            return self.warn("an element does not fit, so the whole header is ignored");
        };
        for ie in &udh.0 {
            let len = 2 + ie.data.len();
            self.line(ie.name(), start, len, element(ie));
            if let Some(warning) = oddity(ie) {
                self.warn(warning);
            }
            start += len;
        }
    }
}

/// Of a time stamp or an absolute validity period.
const NO_DATE: &str = "these digits are no date";

/// Identifier and data, and what they mean where we know it.
fn element(ie: &InformationElement) -> String {
    let raw = format!("IEI {:#04x}, data {}", ie.iei, hex::encode(&ie.data));
    let alone = Udh(vec![ie.clone()]);
    if let Some(Concat { reference, total, seq, .. }) = alone.concat() {
        return format!("{raw}: part {seq} of {total}, reference {reference}");
    }
    if let Some(Ports { dst, src, .. }) = alone.ports() {
        return format!("{raw}: to port {dst}, from port {src}");
    }
    if let Some(special) = alone.waiting().first() {
        let SpecialMessage { store, profile, count, .. } = special;
        let kind = special.word();
        let keep = if *store { "keep the text" } else { "the text may be thrown away" };
        return format!("{raw}: {count} of {kind} wait, profile {profile}, {keep}");
    }
    if let Some(address) = alone.reply_address() {
        return format!("{raw}: answer to {address}");
    }
    if let Some(Hyperlink { position, title, url }) = alone.hyperlinks().first() {
        return format!("{raw}: title of {title} characters at {position}, then an address of {url}");
    }
    let shift = alone.shift();
    if let Some(language) = shift.locking.or(shift.single) {
        return format!("{raw}: {}", language.name());
    }
    raw
}

/// What makes an element that we know one to be ignored.
fn oddity(ie: &InformationElement) -> Option<&'static str> {
    let alone = Udh(vec![ie.clone()]);
    match ie.iei {
        InformationElement::CONCAT_8 | InformationElement::CONCAT_16 if alone.concat().is_none() => {
            Some("no valid part of a message, so this element is ignored")
        }
        InformationElement::PORTS_8 | InformationElement::PORTS_16 if alone.ports().is_none() => {
            Some("no valid ports, so this element is ignored")
        }
        InformationElement::SINGLE_SHIFT | InformationElement::LOCKING_SHIFT if alone.shift() == Shift::NONE => {
            Some("no language that is known, so the default tables are used")
        }
        InformationElement::LOCKING_SHIFT if alone.shift().locking.is_some_and(|it| !it.has_locking_table()) => {
            Some("no locking table has this language, so the default one is used")
        }
        _ => None,
    }
}

/// What had to be made up to show a text.
fn replaced(alphabet: Alphabet, payload: &[u8], text: &str) -> Option<&'static str> {
    match alphabet {
        Alphabet::Ucs2 if payload.len() % 2 == 1 => Some("half a character at the end is left out"),
        // Two of them are a blank of their own.
        Alphabet::Gsm7 if payload.iter().rev().take_while(|septet| **septet == gsm7::ESCAPE).count() % 2 == 1 => {
            Some("ends with an escape: its character is missing, or in the next part")
        }
        Alphabet::Gsm7 | Alphabet::Ucs2 if text.contains(char::REPLACEMENT_CHARACTER) => {
            Some("what is no character is shown as U+FFFD")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gsmgate decode` prints it, for reading: start, octets, name, value.
    fn shown(line: &str, direction: Direction) -> Vec<String> {
        let lines = dump(&hex::decode(line).unwrap(), direction).unwrap();
        let warning = |line: &FieldLine| line.warning.map_or(String::new(), |warning| format!(" ({warning})"));
        let shown = |line: &FieldLine| {
            let FieldLine { start, len, name, value, .. } = line;
            format!("{start:3} {len:2} {name}: {value}{}", warning(line))
        };
        lines.iter().map(shown).collect()
    }

    #[test]
    fn elements_have_places_of_their_own() {
        let line = "00 44 029121 00 04 99309251619580 0A 08 0A0141 0003C30201 41";
        let lines = dump(&hex::decode(line).unwrap(), Direction::FromModem).unwrap();
        let places: Vec<_> =
            lines.iter().filter(|line| line.value.starts_with("IEI")).map(|line| (line.start, line.len)).collect();
        assert_eq!(places, [(16, 3), (19, 5)]);
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

    /// The lines from the user data on, of an SMS-DELIVER with a header and this scheme.
    fn user_data(dcs: &str, ud: &str) -> Vec<String> {
        let lines = shown(&format!("00 44 029121 00 {dcs} 99309251619580 {ud}"), Direction::FromModem);
        let at = lines.iter().position(|line| line.contains("TP-UDHL")).unwrap();
        lines[at..].iter().map(|line| line[7..].to_owned()).collect()
    }

    #[test]
    fn elements_and_what_is_odd_about_them() {
        let concat = "concatenated message, 8 bit reference: IEI 0x00";
        for (name, dcs, ud, want) in [
            (
                "two elements, none of them odd",
                "04",
                "0D 0B 0003C30201 05040B8423F0 FF",
                &[
                    "TP-UDHL header length: 11 octets",
                    &format!("{concat}, data C30201: part 1 of 2, reference 195"),
                    "application ports, 16 bit: IEI 0x05, data 0B8423F0: to port 2948, from port 9200",
                    "TP-UD data: FF",
                ][..],
            ),
            (
                "part over the total, ports of a wrong length",
                "04",
                "0B 09 0003C30203 05020B84 FF",
                &[
                    "TP-UDHL header length: 9 octets",
                    &format!("{concat}, data C30203 (no valid part of a message, so this element is ignored)"),
                    "application ports, 16 bit: IEI 0x05, data 0B84 (no valid ports, so this element is ignored)",
                    "TP-UD data: FF",
                ],
            ),
            (
                "a language, and one that is not known",
                "00",
                "0A 06 250101 24010E E905",
                &[
                    "TP-UDHL header length: 6 octets, 0 fill bits before the text",
                    "national language locking shift: IEI 0x25, data 01: Turkish",
                    "national language single shift: IEI 0x24, data 0E (no language that is known, so the default tables are used)",
                    "TP-UD text: \"iĞ\"",
                ],
            ),
            (
                "a language without a locking table",
                "00",
                "06 03 250102 E905",
                &[
                    "TP-UDHL header length: 3 octets, 3 fill bits before the text",
                    "national language locking shift: IEI 0x25, data 02: Spanish (no locking table has this language, so the default one is used)",
                    "TP-UD text: \"=\"",
                ],
            ),
            (
                "others",
                "04",
                "12 10 01028003 22040491 2143 210400010203 FF",
                &[
                    "TP-UDHL header length: 16 octets",
                    "special message indication: IEI 0x01, data 8003: 3 of voicemail wait, profile 1, keep the text",
                    "reply address: IEI 0x22, data 04912143: answer to +1234",
                    "hyperlink: IEI 0x21, data 00010203: title of 2 characters at 1, then an address of 3",
                    "TP-UD data: FF",
                ],
            ),
        ] {
            assert_eq!(user_data(dcs, ud), want, "{name}");
        }
    }

    #[test]
    fn texts_that_are_not_whole() {
        for (name, dcs, ud, want) in [
            ("half a character", "08", "03 0031 00", "\"1\" (half a character at the end is left out)"),
            ("lone surrogate", "08", "02 D83D", "\"\u{FFFD}\" (what is no character is shown as U+FFFD)"),
            (
                "escape at the end",
                "00",
                "02 B10D",
                "\"1 \" (ends with an escape: its character is missing, or in the next part)",
            ),
            ("two escapes at the end", "00", "03 B1CD06", "\"1 \""),
            ("nothing wrong", "00", "02 B118", "\"11\""),
            ("nothing wrong, UCS-2", "08", "02 0031", "\"1\""),
        ] {
            let lines = shown(&format!("00 04 029121 00 {dcs} 99309251619580 {ud}"), Direction::FromModem);
            let last = lines.last().unwrap();
            assert_eq!(last.split_once(": ").unwrap().1, want, "{name}");
        }
        let stamp = shown("00 04 029121 00 00 00000000000000 00", Direction::FromModem);
        assert!(stamp.iter().any(|line| line.ends_with("unknown (these digits are no date)")), "{stamp:#?}");
        for (vp, warned) in [("00000000000000", true), ("62118171214500", false)] {
            let lines = shown(&format!("00 19 00 029121 00 00 {vp} 00"), Direction::ToModem);
            assert_eq!(lines.iter().any(|line| line.ends_with("(these digits are no date)")), warned, "{lines:#?}");
        }
    }

    #[test]
    fn a_report_that_ends_early_has_no_parameters() {
        let lines = shown("00 06 2A 029121 11101171955140 11101171957140 00", Direction::FromModem);
        assert_eq!(lines.last().unwrap(), " 20  1 TP-ST status: 0x00: delivered, received by the SME");
    }

    #[test]
    fn a_malformed_header_is_shown_as_such() {
        let line = "00 44 029121 00 00 99309251619580 09 050004C30201 D069";
        let lines = shown(line, Direction::FromModem);
        let header = " 16  5 malformed header: 0004C30201 (an element does not fit, so the whole header is ignored)";
        assert_eq!(lines[lines.len() - 2..], [header, " 21  2 TP-UD text: \"hi\""]);
    }
}
