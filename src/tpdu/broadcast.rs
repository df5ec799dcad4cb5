//! Cell broadcast: what a cell tells everybody. 3GPP TS 23.041 §9.4.

use super::cbs_dcs::{CbsDcs, CbsLanguage};
use super::dcs::Alphabet;
use super::error::{DecodeError, Detail};
use super::gsm7::{self, Shift};
use super::reader::Reader;
use super::ucs2;
use super::udh::Udh;
use std::fmt;

/// One page of a cell broadcast message, as `+CBM` hands it over.
///
/// ```text
/// +--------+------------+-----+--------------+-----------+
/// | serial | message id | DCS | page / pages | content   |
/// | 2      | 2          | 1   | 4 bits each  | 82 octets |
/// +--------+------------+-----+--------------+-----------+
/// ```
/// 3GPP TS 23.041 §9.4.1.2.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Page {
    /// Which message it is, and how new.
    pub serial: SerialNumber,
    /// Source and type of the message. §9.4.1.2.2.
    pub message_id: u16,
    /// Data coding scheme.
    pub dcs: CbsDcs,
    /// This page, from 1.
    pub page: u8,
    /// Pages in all, 1 to 15.
    pub pages: u8,
    /// The content as it came, at most 82 octets.
    pub content: Vec<u8>,
}

/// Serial number: scope, code and update. 3GPP TS 23.041 §9.4.1.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber {
    /// Where the code is unique: 0 cell, shown at once; 1 PLMN; 2 location or service area; 3 cell.
    pub scope: u8,
    /// Tells messages with one identifier apart.
    pub code: u16,
    /// Counts the changes of a message.
    pub update: u8,
}

impl Page {
    /// Reads a page as GSM and LTE modems write it: 88 octets. Fewer are read as far as they go.
    pub fn decode(octets: &[u8]) -> Result<Page, DecodeError> {
        let mut reader = Reader::new(octets, 0);
        let serial = SerialNumber::from_bits(u16::from_be_bytes(reader.array("cbs.serial-number")?));
        let message_id = u16::from_be_bytes(reader.array("cbs.message-identifier")?);
        let dcs = CbsDcs(reader.octet("cbs.dcs")?);
        let parameter = reader.octet("cbs.page-parameter")?;
        let content = reader.rest();
        if content.len() > CONTENT_OCTETS {
            let detail = Detail::OverLimit { value: content.len(), limit: CONTENT_OCTETS };
            return Err(DecodeError { field: "cbs.content", octet: reader.at(), detail });
        }
        // A page or a total of 0, and a page over the total, are one of one. §9.4.1.2.4.
        let (page, pages) = match (parameter >> 4, parameter & 0x0F) {
            (page @ 1.., pages) if page <= pages => (page, pages),
            _ => (1, 1),
        };
        Ok(Page { serial, message_id, dcs, page, pages, content: content.to_vec() })
    }

    /// Reads a message of all its pages as UMTS has it: type 1, then each page with its length.
    /// 3GPP TS 23.041 §9.4.2.2.
    pub fn decode_umts(octets: &[u8]) -> Result<Vec<Page>, DecodeError> {
        let mut reader = Reader::new(octets, 0);
        if reader.octet("cbs.message-type")? != CBS_MESSAGE {
            let detail = Detail::Malformed { wanted: "a CBS message, 1" };
            return Err(DecodeError { field: "cbs.message-type", octet: 0, detail });
        }
        let message_id = u16::from_be_bytes(reader.array("cbs.message-identifier")?);
        let serial = SerialNumber::from_bits(u16::from_be_bytes(reader.array("cbs.serial-number")?));
        let dcs = CbsDcs(reader.octet("cbs.dcs")?);
        let at = reader.at();
        let pages = reader.octet("cbs.number-of-pages")?;
        if !(1..=MAX_PAGES).contains(&pages) {
            let detail = Detail::Malformed { wanted: "1 to 15 pages" };
            return Err(DecodeError { field: "cbs.number-of-pages", octet: at, detail });
        }
        (1..=pages)
            .map(|page| {
                let content = reader.array::<CONTENT_OCTETS>("cbs.content")?;
                let len = usize::from(reader.octet("cbs.content-length")?).min(CONTENT_OCTETS);
                Ok(Page { serial, message_id, dcs, page, pages, content: content[..len].to_vec() })
            })
            .collect()
    }

    /// The language, where the scheme or the text says it: two lower-case letters.
    pub fn language(&self) -> Option<String> {
        match self.dcs.language() {
            CbsLanguage::Unspecified => None,
            CbsLanguage::Known(code) => Some(code.to_owned()),
            CbsLanguage::InText => {
                let code = gsm7::decode(&gsm7::unpack(&self.content, 0, 2)).to_lowercase();
                Some(code).filter(|code| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_lowercase()))
            }
        }
    }

    /// The text of this page, without its language and the filling at its end; empty for data.
    pub fn text(&self) -> String {
        text(&[self])
    }

    /// Alphabet and national tables.
    fn coding(&self) -> (Alphabet, Shift) {
        let header = self.content.get(1..self.header_octets()).and_then(Udh::decode).unwrap_or_default();
        (self.dcs.alphabet(), header.shift())
    }

    fn header_octets(&self) -> usize {
        let udhl = self.content.first().filter(|_| self.dcs.has_header());
        udhl.map_or(0, |udhl| (1 + usize::from(*udhl)).min(self.content.len()))
    }

    /// Septets or octets of text, without the language in front of them and the filling behind.
    fn payload(&self) -> Vec<u8> {
        let in_text = self.dcs.language() == CbsLanguage::InText;
        let header = self.header_octets();
        match self.dcs.alphabet() {
            Alphabet::Octets => Vec::new(),
            Alphabet::Gsm7 => {
                let mut septets = gsm7::unpack(&self.content[header..], gsm7::fill_bits(header), MAX_SEPTETS);
                if in_text {
                    septets.drain(..septets.len().min(3));
                }
                let n = septets.iter().rposition(|septet| *septet != CR).map_or(0, |last| last + 1);
                septets.truncate(n);
                septets
            }
            Alphabet::Ucs2 => {
                let content = self.content.get(if in_text { 2 } else { header }..).unwrap_or_default();
                let units = content.as_chunks::<2>().0;
                let is_filling = |unit: &[u8; 2]| matches!(unit, [0, CR | 0]);
                let n = units.iter().rposition(|unit| !is_filling(unit)).map_or(0, |last| last + 1);
                // Half a unit is the begin of one that the next page ends, or filling.
                let n = if n == units.len() { content.len() } else { 2 * n };
                content[..n].to_vec()
            }
        }
    }

    /// What identifies the message that the page belongs to.
    pub fn key(&self) -> (u16, SerialNumber) {
        (self.message_id, self.serial)
    }
}

/// Says which, never what.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Page { serial, message_id, page, pages, .. } = self;
        write!(f, "Page({message_id}, {serial:?}, {page} of {pages})")
    }
}

impl SerialNumber {
    /// From 16 bits.
    pub fn from_bits(bits: u16) -> SerialNumber {
        let [high, low] = bits.to_be_bytes();
        SerialNumber { scope: high >> 6, code: bits >> 4 & 0x03FF, update: low & 0x0F }
    }

    /// The 16 bits.
    pub fn bits(self) -> u16 {
        u16::from(self.scope & 0x03) << 14 | (self.code & 0x03FF) << 4 | u16::from(self.update & 0x0F)
    }
}

/// The pages that octets are: one as GSM and LTE have it, all of them as UMTS has them.
pub fn decode(octets: &[u8]) -> Result<Vec<Page>, DecodeError> {
    if is_umts(octets) { Page::decode_umts(octets) } else { Page::decode(octets).map(|page| vec![page]) }
}

/// More octets than a page of GSM has, the first of which says what message it is: the shortest of UMTS has 90.
pub(super) fn is_umts(octets: &[u8]) -> bool {
    octets.len() > HEADER_OCTETS + CONTENT_OCTETS && octets[0] == CBS_MESSAGE
}

/// The text of a whole message; `None` until there is every page. Pages of other messages are passed over, of two with
/// one number the first counts.
pub fn join(pages: &[Page]) -> Option<String> {
    let first = pages.first()?;
    let of = |number| pages.iter().find(|page| page.key() == first.key() && page.page == number);
    let all: Vec<&Page> = (1..=first.pages).map(of).collect::<Option<_>>()?;
    Some(text(&all))
}

/// Pages in one coding are joined before they are decoded: some cut escape sequences and surrogate pairs.
fn text(pages: &[&Page]) -> String {
    let mut text = String::new();
    for run in pages.chunk_by(|a, b| a.coding() == b.coding()) {
        let payload: Vec<u8> = run.iter().flat_map(|page| page.payload()).collect();
        text += &match run[0].coding() {
            (Alphabet::Octets, _) => String::new(),
            (Alphabet::Gsm7, shift) => gsm7::decode_shifted(&payload, shift),
            (Alphabet::Ucs2, _) => ucs2::decode(&payload),
        };
    }
    text
}

/// What a message identifier stands for; `None` for those that are not known here. 3GPP TS 23.041 §9.4.1.2.2.
pub fn subject(message_id: u16) -> Option<&'static str> {
    Some(match message_id {
        4352 => "earthquake warning",
        4353 => "tsunami warning",
        4354 => "earthquake and tsunami warning",
        4355 => "warning test",
        4356 => "other emergency",
        4370 | 4383 => "presidential or national alert",
        4371..=4372 | 4384..=4385 => "extreme threat",
        4373..=4378 | 4386..=4391 => "severe threat",
        4379 | 4392 => "missing person alert",
        4380 | 4393 => "monthly test",
        4381 | 4394 => "exercise",
        4382 | 4395 => "operator defined alert",
        4396 | 4397 => "public safety alert",
        4398 | 4399 => "state or local test",
        0..=999 => "assigned by the GSMA",
        1000..=1003 => "data for location services",
        4096..=4351 => "data for the SIM",
        4357..=4369 | 4400..=6399 => "public warning",
        6400 => "EU-Info",
        40_960..=45_055 => "given out by the operator",
        _ => return None,
    })
}

/// What stands in front of a page. 3GPP TS 23.041 §9.4.1.2.
const HEADER_OCTETS: usize = 6;
/// Content of a page. 3GPP TS 23.041 §9.4.1.2.5.
pub(super) const CONTENT_OCTETS: usize = 82;
/// Septets of a page.
const MAX_SEPTETS: usize = 93;
/// Pages of a message. 3GPP TS 23.041 §9.4.1.2.4.
const MAX_PAGES: u8 = 15;
/// Fills pages up.
const CR: u8 = b'\r';
/// Message type of UMTS: CBS. 3GPP TS 23.041 §9.4.2.1.
const CBS_MESSAGE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    /// A page: serial 0x4021 (PLMN, code 2, update 1), identifier 50.
    fn page(dcs: u8, parameter: u8, content: &[u8]) -> Page {
        let mut octets = vec![0x40, 0x21, 0x00, 0x32, dcs, parameter];
        octets.extend_from_slice(content);
        Page::decode(&octets).unwrap()
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut septets = gsm7::encode(text).unwrap();
        septets.resize(MAX_SEPTETS, b'\r');
        let mut octets = Vec::new();
        gsm7::pack(&septets, 0, &mut octets);
        octets
    }

    #[test]
    fn a_page_that_is_full_is_of_gsm() {
        assert!(!is_umts(&[CBS_MESSAGE; HEADER_OCTETS + CONTENT_OCTETS]));
        assert!(is_umts(&[CBS_MESSAGE; HEADER_OCTETS + CONTENT_OCTETS + 1]));
        let error = decode(&[0x40; HEADER_OCTETS + CONTENT_OCTETS + 1]).unwrap_err();
        assert_eq!(error.to_string(), "cbs.content at octet 6: 83 is over the limit of 82");
    }

    #[test]
    fn table_of_pages() {
        let ucs2 = |text: &str| [ucs2::encode(text), vec![0x00, 0x0D]].concat();
        let language_ucs2 = [hex::decode("F237").unwrap(), ucs2::encode("Я")].concat();
        let header = [vec![0x03, 0x24, 0x01, 0x02], {
            let mut octets = Vec::new();
            gsm7::pack(&[0x1B, 0x09, 0x0D], gsm7::fill_bits(4), &mut octets);
            octets
        }]
        .concat();
        for (name, dcs, content, language, text) in [
            ("German", 0x00, packed("Unwetter"), Some("de"), "Unwetter"),
            ("no language", 0x0F, packed("storm"), None, "storm"),
            ("language in front", 0x10, packed("en\rstorm"), Some("en"), "storm"),
            ("UCS-2", 0x48, ucs2("Гроза"), None, "Гроза"),
            ("UCS-2, language in front", 0x11, language_ucs2, Some("ro"), "Я"),
            ("no letters in front", 0x10, packed("1\r"), None, ""),
            ("data", 0x44, vec![1, 2, 3], None, ""),
            ("header with a national table", 0x90, header, None, "ç"),
            ("header longer than the content", 0x90, vec![0xFF], None, ""),
            ("nothing", 0x0F, Vec::new(), None, ""),
        ] {
            let page = page(dcs, 0x11, &content);
            assert_eq!((page.language().as_deref(), page.text().as_str()), (language, text), "{name}");
            assert_eq!(page.serial, SerialNumber { scope: 1, code: 2, update: 1 });
            assert_eq!((page.serial.bits(), page.message_id), (0x4021, 50));
        }
    }

    #[test]
    fn serial_numbers_are_three_numbers() {
        for bits in [0x0000, 0x4021, 0xC3F5, 0x8010, 0xFFFF] {
            assert_eq!(SerialNumber::from_bits(bits).bits(), bits, "{bits:#06x}");
        }
        assert_eq!(SerialNumber::from_bits(0x8015), SerialNumber { scope: 2, code: 1, update: 5 });
        let shown = format!("{:?}", page(0x0F, 0x12, &packed("secret")));
        assert_eq!(shown, "Page(50, SerialNumber { scope: 1, code: 2, update: 1 }, 1 of 2)");
    }

    #[test]
    fn pages_are_joined_in_any_order() {
        let [one, two, other] = [(0x12, "storm "), (0x22, "warning"), (0x12, "x")]
            .map(|(parameter, text)| page(0x0F, parameter, &packed(text)));
        let other = Page { message_id: 51, ..other };
        assert_eq!(join(&[two.clone(), other, one.clone(), two.clone()]).as_deref(), Some("storm warning"));
        assert_eq!(join(&[two]), None, "the first is not here");
        let cut = [(0x12, &[0xD8, 0x3D][..]), (0x22, &[0xDE, 0x00])].map(|(at, content)| page(0x48, at, content));
        assert_eq!(join(&cut).as_deref(), Some("😀"), "a pair cut by the page");
        assert_eq!(join(&[]), None);
        for parameter in [0x00, 0x01, 0x10, 0x21] {
            let page = page(0x0F, parameter, &packed("a"));
            assert_eq!((page.page, page.pages), (1, 1), "{parameter:#04x}");
        }
    }

    #[test]
    fn umts_has_all_pages_in_one() {
        let mut octets = hex::decode("01 0032 4021 0F 02").unwrap();
        for text in ["storm ", "warning"] {
            octets.extend(packed(text));
            octets.push(82);
        }
        let pages = Page::decode_umts(&octets).unwrap();
        assert_eq!(join(&pages).as_deref(), Some("storm warning"));
        for (line, want) in [
            ("02", "cbs.message-type at octet 0: not a CBS message, 1"),
            ("01003240210F00", "cbs.number-of-pages at octet 6: not 1 to 15 pages"),
            ("01003240210F01FF", "cbs.content at octet 7: 82 octets needed, 1 left"),
        ] {
            assert_eq!(Page::decode_umts(&hex::decode(line).unwrap()).unwrap_err().to_string(), want, "{line}");
        }
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (octets, want) in [
            (&[][..], "cbs.serial-number at octet 0: 2 octets needed, 0 left"),
            (&[0, 1, 0, 50, 0], "cbs.page-parameter at octet 5: 1 octets needed, 0 left"),
            (&[0; 89], "cbs.content at octet 6: 83 is over the limit of 82"),
        ] {
            assert_eq!(Page::decode(octets).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn table_of_subjects() {
        for (id, want) in [
            (50, Some("assigned by the GSMA")),
            (999, Some("assigned by the GSMA")),
            (1000, Some("data for location services")),
            (1003, Some("data for location services")),
            (1004, None),
            (4095, None),
            (4096, Some("data for the SIM")),
            (4351, Some("data for the SIM")),
            (4352, Some("earthquake warning")),
            (4370, Some("presidential or national alert")),
            (4383, Some("presidential or national alert")),
            (4371, Some("extreme threat")),
            (4385, Some("extreme threat")),
            (4373, Some("severe threat")),
            (4391, Some("severe threat")),
            (4379, Some("missing person alert")),
            (4392, Some("missing person alert")),
            (4380, Some("monthly test")),
            (4393, Some("monthly test")),
            (4381, Some("exercise")),
            (4394, Some("exercise")),
            (4382, Some("operator defined alert")),
            (4395, Some("operator defined alert")),
            (4396, Some("public safety alert")),
            (4397, Some("public safety alert")),
            (4398, Some("state or local test")),
            (4399, Some("state or local test")),
            (4400, Some("public warning")),
            (6399, Some("public warning")),
            (6400, Some("EU-Info")),
            (6401, None),
            (40_959, None),
            (40_960, Some("given out by the operator")),
            (45_055, Some("given out by the operator")),
            (45_056, None),
        ] {
            assert_eq!(subject(id), want, "{id}");
        }
    }
}
