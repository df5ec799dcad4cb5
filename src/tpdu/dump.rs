//! A PDU field by field, for people.

use super::address::{self, Address};
use super::dcs::{Alphabet, Dcs};
use super::error::{DecodeError, Detail};
use super::pdu::hex;
use super::pid::Pid;
use super::reader::Reader;
use super::status::Status;
use super::status_report::read_pi;
use super::time::{Scts, ValidityPeriod};
use super::udh::{Concat, InformationElement, Ports, Udh};
use super::user_data::UserData;
use super::{gsm7, join};

/// Which way a PDU goes: TP-MTI means different things by direction. 3GPP TS 23.040 §9.2.3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Read from a modem: SMS-DELIVER, SMS-STATUS-REPORT.
    FromModem,
    /// Written to a modem: SMS-SUBMIT.
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
}

/// Every field of a PDU that begins with a service centre field. Fields follow each other without gaps; those that
/// are bits of one octet share it.
pub fn dump(octets: &[u8], direction: Direction) -> Result<Vec<FieldLine>, DecodeError> {
    let mut dump = Dump { octets, reader: Reader::new(octets, 0), lines: Vec::with_capacity(24) };
    dump.smsc()?;
    let start = dump.reader.at();
    let first = dump.reader.octet("tp-mti")?;
    match (direction, first & 0x03) {
        (Direction::ToModem, 1) => dump.submit(first)?,
        (Direction::FromModem, 0 | 3) => dump.deliver(first)?,
        (Direction::FromModem, 2) => dump.status_report(first)?,
        (direction, found) => {
            let wanted = match direction {
                Direction::FromModem => "SMS-DELIVER or SMS-STATUS-REPORT",
                Direction::ToModem => "SMS-SUBMIT",
            };
            let detail = Detail::MessageType { found, wanted };
            return Err(DecodeError { field: "tp-mti", octet: start, detail });
        }
    }
    let ignored = dump.reader.rest().len();
    if ignored > 0 {
        let value = format!("{ignored} octets, ignored: {}", hex::encode(dump.reader.rest()));
        dump.line("after the TPDU", dump.reader.at(), ignored, value);
    }
    Ok(dump.lines)
}

/// Reads with the same readers as the codec, and writes a line for each step.
struct Dump<'a> {
    octets: &'a [u8],
    reader: Reader<'a>,
    lines: Vec<FieldLine>,
}

impl Dump<'_> {
    fn line(&mut self, name: &'static str, start: usize, len: usize, value: impl Into<String>) {
        self.lines.push(FieldLine { name, start, len, value: value.into() });
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
        self.coded("TP-ST status", st.0, format_args!("{:?}, {st}", st.category()));
        let start = self.reader.at();
        let pi = read_pi(&mut self.reader)?;
        if self.reader.at() > start {
            let fields: Vec<&str> = ["TP-PID", "TP-DCS", "TP-UD"]
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| pi >> bit & 1 != 0)
                .map(|(_, name)| name)
                .collect();
            let words = if fields.is_empty() { "nothing".to_owned() } else { fields.join(", ") };
            let value = format!("{pi:#04x}: {words} follows");
            self.line("TP-PI parameter indicator", start, self.reader.at() - start, value);
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
        let header = if udhi { octets.first().map_or(0, |udhl| 1 + usize::from(*udhl)) } else { 0 };
        if header > 0 {
            self.header(start + 1, &octets[1..header], alphabet);
        }
        let value = match alphabet {
            Alphabet::Octets => hex::encode(&ud.payload),
            _ => format!("{:?}", join::text(&[(&dcs, &ud)])),
        };
        let name = if alphabet == Alphabet::Octets { "TP-UD data" } else { "TP-UD text" };
        self.line(name, start + 1 + header, octets.len() - header, value);
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
            let value = format!("{}: an element does not fit, the whole header is ignored", hex::encode(elements));
            return self.line("malformed header", start, elements.len(), value);
        };
        for ie in &udh.0 {
            let len = 2 + ie.data.len();
            self.line(ie.name(), start, len, element(ie));
            start += len;
        }
    }
}

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
    if matches!(ie.iei, InformationElement::CONCAT_8 | InformationElement::CONCAT_16) {
        return format!("{raw}: no valid part, ignored");
    }
    raw
}
