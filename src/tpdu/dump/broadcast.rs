//! A cell broadcast field by field, for people.

use super::super::broadcast::{self, Page, SerialNumber, subject};
use super::super::cbs_dcs::CbsDcs;
use super::super::dcs::Alphabet;
use super::super::error::DecodeError;
use super::super::etws::{PrimaryNotification, SECURITY_OCTETS};
use super::super::hex;
use super::{Dump, FieldLine};

/// Every field of a cell broadcast: a primary notification, a page as GSM and LTE have it, or all pages as UMTS has them.
pub fn dump_broadcast(octets: &[u8]) -> Result<Vec<FieldLine>, DecodeError> {
    let mut dump = Dump::new(octets);
    if let Some(notification) = PrimaryNotification::of(octets) {
        dump.primary(&notification)?;
        return Ok(dump.lines);
    }
    let pages = broadcast::decode(octets)?;
    match pages.as_slice() {
        [page] if !broadcast::is_umts(octets) => dump.gsm(page)?,
        pages => dump.umts(pages)?,
    }
    Ok(dump.lines)
}

impl Dump<'_> {
    fn gsm(&mut self, page: &Page) -> Result<(), DecodeError> {
        self.serial_number(page.serial)?;
        self.message_identifier(page.message_id)?;
        self.scheme(page.dcs)?;
        let parameter = self.reader.octet("cbs.page-parameter")?;
        self.coded("page parameter", parameter, format_args!("page {} of {}", page.page, page.pages));
        if parameter != page.page << 4 | page.pages {
            self.warn("no page of that many, so it is read as the only one");
        }
        self.content(page, page.content.len())
    }

    fn umts(&mut self, pages: &[Page]) -> Result<(), DecodeError> {
        self.reader.octet("cbs.message-type")?;
        self.coded("message type", 1, "CBS message");
        let Some(first) = pages.first() else { return Ok(()) };
        self.message_identifier(first.message_id)?;
        self.serial_number(first.serial)?;
        self.scheme(first.dcs)?;
        self.reader.octet("cbs.number-of-pages")?;
        self.coded("number of pages", first.pages, first.pages);
        for page in pages {
            self.content(page, broadcast::CONTENT_OCTETS)?;
            let len = self.reader.octet("cbs.content-length")?;
            self.coded("content length", len, format_args!("{} octets", page.content.len()));
            if usize::from(len) > broadcast::CONTENT_OCTETS {
                self.warn("more than a page has, so all of it is read");
            }
        }
        self.left_over("after the message");
        Ok(())
    }

    fn primary(&mut self, found: &PrimaryNotification) -> Result<(), DecodeError> {
        self.serial_number(found.serial)?;
        self.message_identifier(found.message_id)?;
        let start = self.reader.at();
        let kind = u16::from_be_bytes(self.reader.array("cbs.warning-type")?);
        self.line("warning type", start, 2, format!("{kind:#06x}: {found}"));
        let security = self.reader.take("cbs.warning-security-information", SECURITY_OCTETS)?;
        self.line("security information", start + 2, SECURITY_OCTETS, hex::encode(security));
        Ok(())
    }

    fn serial_number(&mut self, serial: SerialNumber) -> Result<(), DecodeError> {
        let bits = u16::from_be_bytes(self.reader.array("cbs.serial-number")?);
        let scope = ["cell, shown at once", "network", "location or service area", "cell"];
        let scope = scope[usize::from(serial.scope & 0x03)];
        let value = format!("{bits:#06x}: scope {scope}, code {}, update {}", serial.code, serial.update);
        self.line("serial number", self.reader.at() - 2, 2, value);
        Ok(())
    }

    fn message_identifier(&mut self, message_id: u16) -> Result<(), DecodeError> {
        let start = self.reader.at();
        self.reader.array::<2>("cbs.message-identifier")?;
        let words = subject(message_id).unwrap_or("not known here");
        self.line("message identifier", start, 2, format!("{message_id}: {words}"));
        Ok(())
    }

    fn scheme(&mut self, dcs: CbsDcs) -> Result<(), DecodeError> {
        self.reader.octet("cbs.dcs")?;
        self.coded("data coding scheme", dcs.0, dcs);
        Ok(())
    }

    /// The content of a page and the octets it has room for.
    fn content(&mut self, page: &Page, room: usize) -> Result<(), DecodeError> {
        let start = self.reader.at();
        self.reader.take("cbs.content", room)?;
        let (name, value) = match page.dcs.alphabet() {
            Alphabet::Octets => ("content, data", hex::encode(&page.content)),
            _ => ("content, text", format!("{:?}", page.text())),
        };
        self.line(name, start, room, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Result<Vec<String>, String> {
        let octets = hex::decode(line).unwrap();
        let lines = dump_broadcast(&octets).map_err(|error| error.to_string())?;
        let warning = |line: &FieldLine| line.warning.map_or(String::new(), |warning| format!(" ({warning})"));
        let shown =
            |line: &FieldLine| format!("{} {} {}: {}{}", line.start, line.len, line.name, line.value, warning(line));
        Ok(lines.iter().map(shown).collect())
    }

    #[test]
    fn a_page_of_gsm() {
        assert_eq!(
            shown("4021 1112 0F 12 F3F7DB0D").unwrap(),
            [
                "0 2 serial number: 0x4021: scope network, code 2, update 1",
                "2 2 message identifier: 4370: presidential or national alert",
                "4 1 data coding scheme: 0x0f: GSM 7 bit",
                "5 1 page parameter: 0x12: page 1 of 2",
                "6 4 content, text: \"soon\"",
            ]
        );
        assert_eq!(
            shown("C021 0032 44 21 0102").unwrap()[3..],
            [
                "5 1 page parameter: 0x21: page 1 of 1 (no page of that many, so it is read as the only one)",
                "6 2 content, data: 0102",
            ]
        );
        assert_eq!(shown("4021 1112"), Err("cbs.dcs at octet 4: 1 octets needed, 0 left".into()));
    }

    #[test]
    fn a_primary_notification() {
        let security = "00".repeat(50);
        assert_eq!(
            shown(&format!("4021 1101 0380 {security}")).unwrap(),
            [
                "0 2 serial number: 0x4021: scope network, code 2, update 1".to_owned(),
                "2 2 message identifier: 4353: tsunami warning".to_owned(),
                "4 2 warning type: 0x0380: tsunami warning, alert the user, show it at once".to_owned(),
                format!("6 50 security information: {security}"),
            ]
        );
    }

    #[test]
    fn all_pages_of_umts() {
        let page = |text: &str, len: &str| format!("{text}{}{len}", "00".repeat(82 - text.len() / 2));
        let line = format!("01 0032 4021 48 02 {}{}", page("0411", "02"), page("0412", "FF"));
        assert_eq!(
            shown(&line).unwrap(),
            [
                "0 1 message type: 0x01: CBS message",
                "1 2 message identifier: 50: assigned by the GSMA",
                "3 2 serial number: 0x4021: scope network, code 2, update 1",
                "5 1 data coding scheme: 0x48: UCS-2",
                "6 1 number of pages: 0x02: 2",
                "7 82 content, text: \"Б\"",
                "89 1 content length: 0x02: 2 octets",
                "90 82 content, text: \"В\"",
                "172 1 content length: 0xff: 82 octets (more than a page has, so all of it is read)",
            ]
        );
        let full = format!("01 0032 4021 48 01 {}", page("0411", "52"));
        assert_eq!(shown(&full).unwrap()[6], "89 1 content length: 0x52: 82 octets");
        assert_eq!(shown(&format!("{full} DEAD")).unwrap()[7], "90 2 after the message: 2 octets, ignored: DEAD");
    }
}
