//! Service indication and service loading, in binary XML. WAP-167-ServiceInd, WAP-168-ServiceLoad, WAP-192-WBXML.

use super::super::error::{DecodeError, Detail};
use super::super::reader::Reader;
use super::wsp;
use std::fmt::Write;

/// Service indication: something waits at an address. WAP-167-ServiceInd §5.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indication {
    /// Where it is.
    pub href: String,
    /// What to tell the user.
    pub text: String,
    /// `si-id`: a later indication with the same replaces it.
    pub id: Option<String>,
    /// When it was made, RFC 3339; the digits that came where they are no instant.
    pub created: Option<String>,
    /// When it is to be deleted, alike.
    pub expires: Option<String>,
    /// How loudly to tell.
    pub action: Action,
}

/// Service loading: an address that the device is to load. WAP-168-ServiceLoad §6.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loading {
    /// What to load.
    pub href: String,
    /// How.
    pub action: Action,
}

/// What the device is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// Keep it quietly.
    SignalNone,
    /// Tell without interrupting.
    SignalLow,
    /// Tell soon: the default of an indication.
    #[default]
    SignalMedium,
    /// Tell now.
    SignalHigh,
    /// Delete the indication with this id.
    Delete,
    /// Load without a user: the default of a loading.
    ExecuteLow,
    /// Load now.
    ExecuteHigh,
    /// Load into the cache only.
    Cache,
}

impl Action {
    /// As the documents write it.
    pub fn word(self) -> &'static str {
        match self {
            Action::SignalNone => "signal-none",
            Action::SignalLow => "signal-low",
            Action::SignalMedium => "signal-medium",
            Action::SignalHigh => "signal-high",
            Action::Delete => "delete",
            Action::ExecuteLow => "execute-low",
            Action::ExecuteHigh => "execute-high",
            Action::Cache => "cache",
        }
    }
}

/// Reads a service indication.
pub(super) fn indication(reader: Reader<'_>) -> Result<Indication, DecodeError> {
    let mut found = Indication::default();
    for (name, value) in Document::open(reader)?.read(SI)? {
        match name {
            Name::Href => found.href = value,
            Name::Text => found.text += &value,
            Name::Id => found.id = Some(value),
            Name::Created => found.created = Some(value),
            Name::Expires => found.expires = Some(value),
            Name::Action(action) => found.action = action,
            Name::Other => {}
        }
    }
    Ok(found)
}

/// Reads a service loading.
pub(super) fn loading(reader: Reader<'_>) -> Result<Loading, DecodeError> {
    let mut found = Loading { href: String::new(), action: Action::ExecuteLow };
    for (name, value) in Document::open(reader)?.read(SL)? {
        match name {
            Name::Href => found.href = value,
            Name::Action(action) => found.action = action,
            _ => {}
        }
    }
    Ok(found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Href,
    Text,
    Id,
    Created,
    Expires,
    Action(Action),
    Other,
}

/// An attribute's start: its token, what it is, and the value it begins with.
type Start = (u8, Name, &'static str);

/// WAP-167-ServiceInd §8.2.2.
const SI: &[Start] = &[
    (0x05, Name::Action(Action::SignalNone), ""),
    (0x06, Name::Action(Action::SignalLow), ""),
    (0x07, Name::Action(Action::SignalMedium), ""),
    (0x08, Name::Action(Action::SignalHigh), ""),
    (0x09, Name::Action(Action::Delete), ""),
    (0x0A, Name::Created, ""),
    (0x0B, Name::Href, ""),
    (0x0C, Name::Href, "http://"),
    (0x0D, Name::Href, "http://www."),
    (0x0E, Name::Href, "https://"),
    (0x0F, Name::Href, "https://www."),
    (0x10, Name::Expires, ""),
    (0x11, Name::Id, ""),
];

/// WAP-168-ServiceLoad §9.2.2.
const SL: &[Start] = &[
    (0x05, Name::Action(Action::ExecuteLow), ""),
    (0x06, Name::Action(Action::ExecuteHigh), ""),
    (0x07, Name::Action(Action::Cache), ""),
    (0x08, Name::Href, ""),
    (0x09, Name::Href, "http://"),
    (0x0A, Name::Href, "http://www."),
    (0x0B, Name::Href, "https://"),
    (0x0C, Name::Href, "https://www."),
];

/// Values of attributes that are one octet, from 0x85 on; the same in both.
const VALUES: [&str; 4] = [".com/", ".edu/", ".net/", ".org/"];

// Global tokens. WAP-192-WBXML §7.1.
const SWITCH_PAGE: u8 = 0x00;
const END: u8 = 0x01;
const ENTITY: u8 = 0x02;
const STR_I: u8 = 0x03;
const LITERAL: u8 = 0x04;
const STR_T: u8 = 0x83;
const OPAQUE: u8 = 0xC3;
/// A processing instruction.
const PI: u8 = 0x43;
/// Extensions, three of each kind, with a text, an integer, or nothing behind them. No document here has a use for one.
const EXT_I: u8 = 0x40;
const EXT_T: u8 = 0x80;
const EXT: u8 = 0xC0;
/// A tag with attributes; with content.
const ATTRIBUTES: u8 = 0x80;
const CONTENT: u8 = 0x40;
/// The element of a service indication that holds its text. WAP-167-ServiceInd §8.2.1.
const INDICATION: u8 = 0x06;

struct Document<'a> {
    reader: Reader<'a>,
    charset: u64,
    strings: &'a [u8],
    /// Octets of text that may still come: strings of the table can be named again and again.
    room: usize,
}

const FIELD: &str = "wbxml";

impl<'a> Document<'a> {
    /// Version, public identifier, character set, string table. WAP-192-WBXML §5.
    fn open(mut reader: Reader<'a>) -> Result<Document<'a>, DecodeError> {
        reader.octet("wbxml.version")?;
        if wsp::uintvar(&mut reader, "wbxml.public-id")? == 0 {
            wsp::uintvar(&mut reader, "wbxml.public-id")?;
        }
        let charset = wsp::uintvar(&mut reader, "wbxml.charset")? as u64;
        let n = wsp::uintvar(&mut reader, "wbxml.string-table")?;
        let strings = reader.take("wbxml.string-table", n)?;
        Ok(Document { reader, charset, strings, room: wsp::MAX_TEXT })
    }

    /// The attributes of all elements, and the texts of the indication, in order.
    fn read(mut self, starts: &[Start]) -> Result<Vec<(Name, String)>, DecodeError> {
        let mut found = Vec::new();
        // The elements that are open.
        let mut open = Vec::new();
        while let Some(token) = self.reader.rest().first().copied() {
            self.reader.octet(FIELD)?;
            match token {
                END => _ = open.pop(),
                token if self.passes_over(token)? => {}
                PI => self.attributes(&[], &mut found)?,
                ENTITY | STR_I | STR_T | OPAQUE => {
                    let text = self.value(token, false)?;
                    // Beside it there may be items for the program, not for people.
                    let name = if open.last() == Some(&INDICATION) { Name::Text } else { Name::Other };
                    found.push((name, text));
                }
                tag => {
                    if tag & 0x3F == LITERAL {
                        wsp::uintvar(&mut self.reader, FIELD)?;
                    }
                    if tag & ATTRIBUTES != 0 {
                        self.attributes(starts, &mut found)?;
                    }
                    if tag & CONTENT != 0 {
                        open.push(tag & 0x3F);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Attributes up to END.
    fn attributes(&mut self, starts: &[Start], found: &mut Vec<(Name, String)>) -> Result<(), DecodeError> {
        let mut current: Option<(Name, String)> = None;
        loop {
            let token = self.reader.octet(FIELD)?;
            match token {
                END => break,
                token if self.passes_over(token)? => {}
                ENTITY | STR_I | STR_T | OPAQUE | 0x85.. => {
                    let is_date = matches!(current, Some((Name::Created | Name::Expires, _)));
                    let text = self.value(token, is_date)?;
                    if let Some((_, value)) = &mut current {
                        value.push_str(&text);
                    }
                }
                token => {
                    if token == LITERAL {
                        wsp::uintvar(&mut self.reader, FIELD)?;
                    }
                    found.extend(current.take());
                    let start = starts.iter().find(|(other, ..)| *other == token);
                    let (name, value) = start.map_or((Name::Other, ""), |(_, name, value)| (*name, *value));
                    current = Some((name, value.to_owned()));
                }
            }
        }
        found.extend(current);
        Ok(())
    }

    /// True for a token that says nothing of the document; what belongs to it is read.
    fn passes_over(&mut self, token: u8) -> Result<bool, DecodeError> {
        match token {
            SWITCH_PAGE => _ = self.reader.octet(FIELD)?,
            EXT_I..=0x42 => _ = wsp::inline(&mut self.reader, self.charset, FIELD)?,
            EXT_T..=0x82 => _ = wsp::uintvar(&mut self.reader, FIELD)?,
            EXT..=0xC2 => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn value(&mut self, token: u8, is_date: bool) -> Result<String, DecodeError> {
        let at = self.reader.at();
        let text = match token {
            ENTITY => {
                let code = wsp::uintvar(&mut self.reader, FIELD)?;
                u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
            }
            STR_I => wsp::inline(&mut self.reader, self.charset, FIELD)?,
            STR_T => {
                let offset = wsp::uintvar(&mut self.reader, FIELD)?;
                wsp::of_table(self.charset, self.strings.get(offset..).unwrap_or_default())
            }
            OPAQUE => {
                let n = wsp::uintvar(&mut self.reader, FIELD)?;
                let octets = self.reader.take(FIELD, n)?;
                if is_date { date(octets) } else { wsp::of_table(self.charset, octets) }
            }
            token => VALUES.get(usize::from(token) - 0x85).copied().unwrap_or_default().to_owned(),
        };
        match self.room.checked_sub(text.len()) {
            Some(room) => self.room = room,
            None => {
                let detail = Detail::OverLimit { value: text.len(), limit: wsp::MAX_TEXT };
                return Err(DecodeError { field: FIELD, octet: at, detail });
            }
        }
        Ok(text)
    }
}

/// Decimal digits, two an octet, zeros at the end left out: 19990625152315. WAP-167-ServiceInd §8.2.2.
fn date(octets: &[u8]) -> String {
    let mut digits = String::new();
    for octet in octets.iter().take(7) {
        // Into a String: it cannot fail.
        let _ = write!(digits, "{octet:02x}");
    }
    if digits.len() < 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return digits;
    }
    digits.extend(std::iter::repeat_n('0', 14 - digits.len()));
    let [year, month, day, hour, minute, second] =
        [0..4, 4..6, 6..8, 8..10, 10..12, 12..14].map(|range| &digits[range]);
    let date = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    // What is no instant is shown as the digits that came.
    if date.parse::<jiff::Timestamp>().is_ok() { date } else { digits }
}

#[cfg(test)]
mod tests {
    use super::super::super::hex;
    use super::*;

    /// WAP-192-WBXML §5.8.4.2: each of them inside an attribute, and in the content; a processing instruction in front.
    #[test]
    fn extensions_are_passed_over() {
        let extensions = "40787900 42787900 800A 828105 C0 C2 0000";
        let line =
            format!("02056A00 43 10 036900 01 45 C6 0B036100 {extensions} 036200 01 036D00 {extensions} 037300 01 01");
        let found = si(&line).unwrap();
        assert_eq!((found.href.as_str(), found.text.as_str(), found.expires), ("ab", "ms", None));
        assert_eq!(
            si("02056A00 45 C6 4178").unwrap_err().to_string(),
            "wbxml at octet 7: not a text that ends with NUL"
        );
    }

    /// An element whose name stands in the string table: WAP-192-WBXML §5.8.4.5.
    #[test]
    fn the_index_of_a_literal_name_is_no_tag() {
        assert_eq!(si("02056A00 45 C6 0B036100 01 04 01 036D00 01 01").unwrap().text, "m");
    }

    #[test]
    fn actions_have_the_words_of_the_documents() {
        use Action::{Cache, Delete, ExecuteHigh, ExecuteLow, SignalHigh, SignalLow, SignalMedium, SignalNone};
        let words = [SignalNone, SignalLow, SignalMedium, SignalHigh, Delete, ExecuteLow, ExecuteHigh, Cache];
        assert_eq!(
            words.map(Action::word).join(" "),
            "signal-none signal-low signal-medium signal-high delete execute-low execute-high cache"
        );
    }

    #[test]
    fn the_text_is_that_of_the_indication() {
        // <si><indication href="a">msg</indication><info><item class="k">FOO</item></info></si>
        let line = "02056A00 45 C6 0B036100 01 036D736700 01 47 C8 12036B00 01 03464F4F00 01 01 01";
        assert_eq!(si(line).unwrap().text, "msg");
    }

    fn si(line: &str) -> Result<Indication, String> {
        indication(Reader::new(&hex::decode(line).unwrap(), 0)).map_err(|error| error.to_string())
    }

    #[test]
    fn table_of_indications() {
        let with = |change: fn(&mut Indication)| {
            let mut indication = Indication { href: "a".into(), ..Indication::default() };
            change(&mut indication);
            Ok(indication)
        };
        for (name, line, want) in [
            ("from the string table", "02056A036D0061 45C60B83 02 01 83 00 01", with(|i| i.text = "m".into())),
            ("UTF-16", "0205 8768 00 45C60B03 0061 0000 01 03 042F 0430 0000 01", with(|i| i.text = "Яа".into())),
            (
                "UTF-16 in the string table",
                "0205 8768 06 0061 0000 042F 45C60B8300 01 8304 01",
                with(|i| i.text = "Я".into()),
            ),
            ("entity and literal", "02056A00 45C60B036100 01 02 8124 01", with(|i| i.text = "¤".into())),
            (
                "action and id",
                "02056A00 45C6 08 0B036100 11033900 01 01",
                with(|i| {
                    i.action = Action::SignalHigh;
                    i.id = Some("9".into());
                }),
            ),
            ("attribute that is not known", "02056A00 45C6 30037A00 0B036100 01", with(|_| {})),
            (
                "a text in a tag without attributes",
                "02056A00 45C60B036100 01 46 036D00 01",
                with(|i| i.text = "m".into()),
            ),
            ("a tag by name", "02056A00 84 00 0B036100 01", with(|_| {})),
            ("a tag by name, with nothing", "02056A00 04 00 C5 0B036100 01", with(|_| {})),
            (
                "month 13",
                "02056A00 45C6 0B036100 0AC304 20241345 01",
                with(|i| i.created = Some("20241345000000".into())),
            ),
            ("short date", "02056A00 45C6 0B036100 0AC30219 99 01", with(|i| i.created = Some("1999".into()))),
            ("nothing", "02056A00", Ok(Indication::default())),
        ] {
            assert_eq!(si(line), want, "{name}");
        }
    }

    #[test]
    fn table_of_loadings() {
        for (name, line, href, action) in [
            ("low", "02066A00 85 08036100 01", "a", Action::ExecuteLow),
            ("high", "02066A00 85 06 08036100 01", "a", Action::ExecuteHigh),
            ("cache", "02066A00 85 07 09036100 01", "http://a", Action::Cache),
        ] {
            let want = Loading { href: href.into(), action };
            assert_eq!(loading(Reader::new(&hex::decode(line).unwrap(), 0)), Ok(want), "{name}");
        }
    }

    #[test]
    fn a_table_named_again_and_again_ends() {
        let mut octets = vec![0x02, 0x05, 0x6A, 0x87, 0x68];
        octets.extend([b'x'; 999]);
        octets.push(0);
        octets.push(0x45);
        octets.extend([0x83, 0x00].repeat(500));
        let error = indication(Reader::new(&octets, 0)).unwrap_err().to_string();
        assert!(error.ends_with("999 is over the limit of 8192"), "{error}");
    }

    #[test]
    fn what_is_cut_is_an_error() {
        for (line, want) in [
            ("02", "wbxml.public-id at octet 1: 1 octets needed, 0 left"),
            ("02056A05", "wbxml.string-table at octet 4: 5 octets needed, 0 left"),
            ("02056A0045C60B", "wbxml at octet 7: 1 octets needed, 0 left"),
            ("02056A0045C60B0361", "wbxml at octet 8: not a text that ends with NUL"),
        ] {
            assert_eq!(si(line).unwrap_err(), want, "{line}");
        }
    }
}
