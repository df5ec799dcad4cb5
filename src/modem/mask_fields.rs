//! What of a line's fields is kept: one table for what comes, one for what is written. Of everything else only the shape
//! stays.

use super::mask_pdu::People;
use super::profile;
use super::pseudonym::{Pseudonyms, padded};
use crate::at::sim::swapped;

/// What is kept of a field; where it is something else, its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Hidden,
    /// A state, a level: at most three digits.
    Small,
    /// An index, a count: at most five digits.
    Count,
    /// One of [`WORDS`].
    Word,
    /// A word or a count, or a range.
    Listed,
    /// Identifiers of cell broadcasts.
    Channels,
    /// A network's name.
    Network,
    /// Status words of a card.
    Status,
    /// An area or a cell: another one.
    Cell,
    /// A telephone number: another one.
    Telephone,
    /// An identity: another one.
    Id(Id),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    Imei,
    Imsi,
    Iccid,
}

use Field::{Cell, Channels, Count, Hidden, Listed, Network, Small, Status, Telephone, Word};

/// Names, what is kept of their fields, and of all the fields behind.
type Row = (&'static [&'static str], &'static [Field], Field);

/// What comes. The numbers that makes are asked for ([`profile::asked`]) are listed too.
const LINES: &[Row] = &[
    (&["+CMT", "+CDS", "+CBM", "+CMGR"], &[], Small),
    (&["+CMGL"], &[Count], Small),
    (&["+CMTI", "+CDSI", "+CBMI"], &[Word, Count], Hidden),
    (&["+CPMS", "+CNMI", "+CSMS", "^HCSQ"], &[], Listed),
    (&["+CMGS", "+CMGF", "+CMEE", "+CFUN", "%CSQN"], &[Small], Hidden),
    (&["+CSQ", "^RSSI", "^RSSILVL", "^HRSSILVL", "+CESQ", "+CMTE", "+WIND"], &[], Small),
    (&["^SIMST", "^MODE", "^SRVST", "+QSIMSTAT", "+QUSIM", "+UUSIMSTAT", "+ZUSIMR"], &[Small, Small], Hidden),
    (&["+CPIN"], &[Word], Hidden),
    (&["+CPINR", "+SIMCARD"], &[Word], Small),
    (&["+COPS"], &[Small, Small, Network, Small], Hidden),
    (&["+CGSN"], &[Field::Id(Id::Imei)], Hidden),
    (&["+CIMI"], &[Field::Id(Id::Imsi)], Hidden),
    (&["+CCID", "^ICCID", "+ICCID", "+QCCID"], &[Field::Id(Id::Iccid)], Hidden),
    (&["+CRSM"], &[Small, Small, Field::Id(Id::Iccid)], Hidden),
    (&["+CSIM"], &[Small, Status], Hidden),
    (&["+CSCA", "+CLIP"], &[Telephone, Small], Hidden),
    (&["+CNUM"], &[Hidden, Telephone, Small], Hidden),
    (&["+CPBR"], &[Count, Telephone, Small], Hidden),
];
/// A registration, told and asked for. 3GPP TS 27.007 §7.2.
const CELLS: &[&str] = &["+CREG", "+CGREG", "+CEREG", "+C5GREG"];
const TOLD: Row = (CELLS, &[Small, Cell, Cell, Small], Hidden);
const ASKED: Row = (CELLS, &[Small, Small, Cell, Cell, Small], Hidden);
/// Answers that are one name.
const MAKES: &[&str] = &["+CGMI", "+CGMM", "+CGMR"];

/// What is written: commands that the driver builds. Those of makes ([`profile::commands`]) are kept whole.
const COMMANDS: &[Row] = &[
    (&["+CMGS", "+CMGR", "+CMGD", "+CMGL", "+CMGF", "+CMEE", "+CPMS", "+CSMS", "+CNMI"], &[], Listed),
    (&["+CREG", "+CGREG", "+CEREG", "+CFUN", "+CLIP", "+CPBS", "+CPBR"], &[], Listed),
    (&["+CSCB"], &[Small], Channels),
    (&["+CSCA"], &[Telephone, Small], Hidden),
];
/// The driver's own that are kept whole.
const WHOLE: &[&str] = &["E0V1", "Q0V1E0", "&D0", "+CRSM=176,12258,0,0,10", "+CSIM=10,\"0020000100\""];

/// The driver's own that only ask, beside those that it also sets: a person's order is none of these.
const ASKS: &[&str] = &[
    "", "H", "+CNMA", "+CHUP", "+CSQ", "+COPS", "+CIMI", "+CGSN", "+CGMI", "+CGMM", "+CGMR", "+CCID", "^ICCID",
    "+ICCID", "+QCCID", "+CPIN", "+CPINR", "+CNUM", "+CSCA", "+CSCB",
];

/// Words of the protocol. 3GPP TS 27.005 §3.1, 3GPP TS 27.007 §8.3.
const WORDS: &[&str] = &[
    "SM",
    "ME",
    "MT",
    "SR",
    "BM",
    "TA",
    "BC",
    "READY",
    "NOT READY",
    "NOT INSERTED",
    "SIM PIN",
    "SIM PUK",
    "SIM PIN2",
    "SIM PUK2",
    "PH-SIM PIN",
    "PH-FSIM PIN",
    "PH-FSIM PUK",
    "PH-NET PIN",
    "PH-NET PUK",
    "PH-NETSUB PIN",
    "PH-NETSUB PUK",
    "PH-SP PIN",
    "PH-SP PUK",
    "PH-CORP PIN",
    "PH-CORP PUK",
    "SC",
    "P2",
    "GSM",
    "WCDMA",
    "LTE",
    "NOSERVICE",
];

/// Longest run of digits in the name of a model or a firmware.
const RUN: usize = 4;
/// Digits that are left in a sentence, a network's name, or an unknown command: more could be a number of somebody.
const FEW: usize = 4;

/// Whom the pseudonyms stand for.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) people: People,
    ids: Pseudonyms,
    cells: Pseudonyms,
}

impl Fields {
    /// What follows the name of a line and its colon; `None`: the name is in no table.
    pub(super) fn answer(&mut self, name: &str, text: &str) -> Option<String> {
        if name == "+CUSD" {
            return Some(self.ussd(text));
        }
        if MAKES.contains(&name) {
            return Some(make(text));
        }
        if is_cell(name) {
            let area = text.split(',').nth(1).unwrap_or_default().trim();
            // As the driver tells an area from a state.
            let is_told = area.starts_with('"') || area.trim_start_matches('0').len() > 2;
            return Some(self.row(text, if is_told { &TOLD } else { &ASKED }));
        }
        if let Some(row) = LINES.iter().find(|(names, ..)| names.contains(&name)) {
            return Some(self.row(text, row));
        }
        profile::asked().any(|asked| asked.name == name).then(|| self.row(text, &(&[], &[], Listed)))
    }

    /// A command line: what stands in front of the `=`, and of the values what the tables say.
    pub(super) fn command(&mut self, text: &str) -> String {
        let Some(own) = text.strip_prefix("AT") else { return format!("AT{}", shape(&text[2..])) };
        if is_whole(own) {
            return text.to_owned();
        }
        let end = own.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && !"+^#*%_$!&?;".contains(c));
        let (name, rest) = own.split_at(end.unwrap_or(own.len()));
        let values =
            rest.strip_prefix('=').map(|values| match COMMANDS.iter().find(|(names, ..)| names.contains(&name)) {
                _ if name == "+CUSD" => self.ussd(values),
                Some(row) => self.row(values, row),
                None => shape(values),
            });
        let name = few_digits(name);
        match values {
            Some(values) => format!("AT{name}={values}"),
            None => format!("AT{name}{}", shape(rest)),
        }
    }

    /// A line that answers with an identity and no name.
    pub(super) fn bare(&mut self, line: &str, id: Id) -> String {
        let (first, rest) = line.split_at(line.find(',').unwrap_or(line.len()));
        format!("{}{}", self.field(first, Field::Id(id)), shape(rest))
    }

    /// A USSD string may have anything in it: what is in front of it and behind it is kept.
    fn ussd(&mut self, text: &str) -> String {
        let Some((state, rest)) = text.split_once(',') else { return self.field(text, Small) };
        let state = self.field(state, Small);
        match rest.rsplit_once(',').filter(|(string, _)| string.ends_with('"') && string.len() > 1) {
            Some((string, coding)) => format!("{state},{},{}", shape(string), self.field(coding, Small)),
            None => format!("{state},{}", shape(rest)),
        }
    }

    fn row(&mut self, text: &str, (_, fields, behind): &Row) -> String {
        let fields = fields.iter().chain(std::iter::repeat(behind));
        let shown: Vec<String> = text.split(',').zip(fields).map(|(text, field)| self.field(text, *field)).collect();
        shown.join(",")
    }

    /// One field. A comma in quotes begins another one: what is not of its kind is hidden.
    fn field(&mut self, text: &str, field: Field) -> String {
        let is_around = |c: char| matches!(c, ' ' | '(' | ')' | '"');
        let value = text.trim_matches(is_around);
        if value.is_empty() {
            return text.to_owned();
        }
        let (before, _) = text.split_at(text.len() - text.trim_start_matches(is_around).len());
        let after = &text[before.len() + value.len()..];
        let is_bare = !before.contains('"') && !after.contains('"');
        let kept = match field {
            Hidden => false,
            Small => is_bare && is_number(value, 3),
            Count => is_bare && is_range(value, 5),
            Word => WORDS.contains(&value),
            Listed => WORDS.contains(&value) || is_bare && is_range(value, 5),
            Channels => is_range(value, 5),
            Network => value.len() <= 24 && value.bytes().filter(u8::is_ascii_digit).count() < FEW,
            Status => matches!(value, "9000" | "6983") || value.len() == 4 && value.starts_with("63C"),
            Cell | Telephone | Field::Id(_) => false,
        };
        let shown = match field {
            _ if kept => Some(value.to_owned()),
            Cell => self.cell(value),
            Telephone => self.telephone(value),
            Field::Id(id) => self.identity(value, id),
            Status => status_words(value),
            _ => None,
        };
        format!("{before}{}{after}", shown.unwrap_or_else(|| shape(value)))
    }

    fn cell(&mut self, text: &str) -> Option<String> {
        is_hexadecimal(text).then(|| format!("F{}", padded(self.cells.of(text.as_bytes()), text.len() - 1)))
    }

    fn telephone(&mut self, text: &str) -> Option<String> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plus = &text[..text.len() - digits.len()];
        is_digits(digits).then(|| format!("{plus}{}", self.people.number(digits)))
    }

    /// One of the same length; an IMSI is of the test network 001 01.
    fn identity(&mut self, text: &str, id: Id) -> Option<String> {
        match id {
            Id::Imei if is_digits(text) && (14..=17).contains(&text.len()) => {
                Some(format!("35{}", padded(self.ids.of(&text.as_bytes()[..14]), text.len() - 2)))
            }
            Id::Imsi if is_digits(text) && (6..=15).contains(&text.len()) => {
                Some(format!("00101{}", padded(self.ids.of(text.as_bytes()), text.len() - 5)))
            }
            Id::Iccid if is_hexadecimal(text) && (10..=22).contains(&text.len()) => {
                // The card's file has each pair of digits the other way round.
                let is_swapped = text.starts_with("98");
                let ordered = if is_swapped { swapped(text) } else { text.to_owned() }.to_ascii_uppercase();
                let digits = ordered.trim_end_matches('F');
                let len = digits.len().max(3);
                let made = format!("89{}", padded(self.ids.of(digits.as_bytes()), len - 2));
                let made = format!("{made:F<0$}", ordered.len());
                Some(if is_swapped { swapped(&made) } else { made })
            }
            _ => None,
        }
    }
}

/// True for a command that the driver says by itself; what people order is none, as far as that can be told.
pub(super) fn is_own(text: &str) -> bool {
    let Some(own) = text.strip_prefix("AT") else { return false };
    let name = own.split(['=', '?']).next().unwrap_or_default();
    let sets = COMMANDS.iter().any(|(names, ..)| names.contains(&name)) && !["+CPBS", "+CPBR"].contains(&name);
    sets || ASKS.contains(&name) || is_whole(own)
}

/// True for what has nothing of anybody in it, behind `AT`.
fn is_whole(own: &str) -> bool {
    WHOLE.contains(&own) || profile::commands().any(|command| command == own)
}

/// The name of a maker, a model or a firmware: words that have a letter, and numbers with dots. Long runs of digits may
/// be a serial number.
pub(super) fn make(text: &str) -> String {
    let word = |word: &str| {
        let is_version = word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b".,\"".contains(&b));
        let has_letter = word.chars().any(char::is_alphabetic);
        if !is_version && !has_letter {
            return shape(word);
        }
        let runs = word.split_inclusive(|c: char| !c.is_ascii_digit());
        runs.map(|run| if run.bytes().filter(u8::is_ascii_digit).count() > RUN { shape(run) } else { run.to_owned() })
            .collect()
    };
    text.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

/// A sentence of ours. What a modem called an error in it may be anything.
pub(super) fn sentence(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let Some((ours, error)) = text.split_once(" ERROR: ") else { return few_digits(&text) };
    let (code, rest) = error.split_at(error.find(|c: char| !c.is_ascii_digit()).unwrap_or(error.len()));
    let has_code = is_number(code, 5) && (rest.is_empty() || rest.starts_with([')', ';', ',']));
    let error = if has_code { format!("{code}{}", few_digits(rest)) } else { shape(error) };
    format!("{} ERROR: {error}", few_digits(ours))
}

/// True for the name of a registration.
pub(super) fn is_cell(name: &str) -> bool {
    CELLS.contains(&name)
}

/// Letters as `x`, digits as `0`: what is left of a text.
pub(super) fn shape(text: &str) -> String {
    let hidden = |c: char| match c {
        c if c.is_ascii_digit() => '0',
        c if c.is_ascii_uppercase() => 'X',
        c if c.is_ascii_lowercase() || !c.is_ascii() => 'x',
        c if c.is_control() => '?',
        c => c,
    };
    text.chars().map(hidden).collect()
}

fn few_digits(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    if text.chars().filter(|c| is_digit(*c)).count() < FEW { text.to_owned() } else { text.replace(is_digit, "0") }
}

/// The last two octets say how it went; what is before them is the card's own.
fn status_words(text: &str) -> Option<String> {
    let (data, words) = text.split_at_checked(text.len().checked_sub(4)?)?;
    (words == "9000" && is_hexadecimal(data)).then(|| format!("{}{words}", "0".repeat(data.len())))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_number(text: &str, most: usize) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() <= most && is_digits(digits)
}

fn is_range(text: &str, most: usize) -> bool {
    match text.split_once('-') {
        Some((first, last)) if !first.is_empty() => is_number(first, most) && is_number(last, most),
        _ => is_number(text, most),
    }
}
