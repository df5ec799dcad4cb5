//! The one masking of the wire: lines keep their shape, so that a driver still takes them for what they are, and lose
//! what people wrote and who they are.
//!
//! | what | becomes |
//! |---|---|
//! | a field that a table in `mask_fields.rs` names, and that is what the table says | itself, or another one: see there |
//! | a PDU where one is due | one of equal length and structure, with another number and a text of zeros |
//! | a PIN | `0000` |
//! | everything else | its shape: `x` for a letter, `0` for a digit |
//!
//! So do the codes of final results stay, the names of commands and lines, and a PDU's kind, times, status and sizes.

use super::mask_fields::{Fields, Id, is_cell, make, shape};
use super::mask_pdu::Way;
use super::profile;
use crate::at::{FinalResult, Pin, sms};
use crate::tpdu::hex;
use std::fmt;

/// What stands for a PIN, whatever its length.
pub(super) const NO_PIN: &str = "0000";
/// Heads that a PDU follows, or a text in text mode.
const HEADS: &[&str] = &["+CMT", "+CDS", "+CBM", "+CMGR", "+CMGL"];
/// What the lines that have no name of their own answer, by the command.
const ASKED: &[(&str, Asked)] = &[
    ("AT+CGSN", Asked::Id(Id::Imei)),
    ("AT+CIMI", Asked::Id(Id::Imsi)),
    ("AT+CCID", Asked::Id(Id::Iccid)),
    ("AT^ICCID?", Asked::Id(Id::Iccid)),
    ("AT+ICCID", Asked::Id(Id::Iccid)),
    ("AT+QCCID", Asked::Id(Id::Iccid)),
    ("AT+CGMI", Asked::Name),
    ("AT+CGMM", Asked::Name),
    ("AT+CGMR", Asked::Name),
];

/// What a line without a name answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Asked {
    #[default]
    Nothing,
    /// The name of a maker, a model or a firmware: the next line.
    Name,
    Id(Id),
}

/// The masking of one modem's line. It knows what was asked last, and which pseudonym stands for whom.
#[derive(Default)]
pub(super) struct Mask {
    asked: Asked,
    /// The last command, to know its echo; never one with a PIN.
    command: String,
    /// The last payload as it was and as it is shown, for the same.
    payload: Option<(String, String)>,
    /// The PIN that is on its way to the SIM.
    pin: Option<Pin>,
    /// A head came, and what it announces is due.
    content_due: bool,
    /// A USSD text goes on in the next line.
    text_open: bool,
    fields: Fields,
}

/// Shows nothing: it knows the last command, payload and PIN.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(…)")
    }
}

impl Mask {
    /// A new session: what was due in the one before does not come any more.
    pub(super) fn begin(&mut self) {
        *self = Mask { fields: std::mem::take(&mut self.fields), ..Mask::default() };
    }

    /// What was written, without its end; ESC is `^[` and Ctrl-Z `^Z`.
    pub(super) fn sent(&mut self, octets: &[u8]) -> String {
        match octets {
            [0x1b, ..] => return "^[".to_owned(),
            [0x1a] => return "^Z".to_owned(),
            _ => {}
        }
        let text = String::from_utf8_lossy(octets);
        let text = text.trim();
        if !text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("AT")) {
            let shown = self.pdu(text, Way::ToModem).unwrap_or_else(|| shape(text));
            self.payload = Some((text.to_owned(), shown.clone()));
            return shown;
        }
        self.ends();
        self.pin = None;
        self.command.clear();
        self.asked = ASKED.iter().find(|(command, _)| *command == text).map(|(_, asked)| *asked).unwrap_or_default();
        if let Some(masked) = entered_pin(text) {
            self.pin = text.split('"').nth(1).and_then(|pin| Pin::try_from(pin).ok());
            return masked;
        }
        text.clone_into(&mut self.command);
        self.fields.command(text)
    }

    /// A line that came.
    pub(super) fn came(&mut self, line: &str) -> String {
        if let Some(masked) = entered_pin(line) {
            return masked;
        }
        if self.pin.as_ref().is_some_and(|pin| line.contains(pin.as_str())) {
            return shape(line);
        }
        if let Some(masked) = final_result(line) {
            self.ends();
            return masked;
        }
        if let Some((_, shown)) = self.payload.as_ref().filter(|(payload, _)| payload.eq_ignore_ascii_case(line)) {
            return shown.clone();
        }
        if line.starts_with("AT") {
            return if line == self.command { self.fields.command(line) } else { shape(line) };
        }
        if self.content_due
            && let Some(masked) = self.content(line)
        {
            return masked;
        }
        if self.text_open && !self.is_known(line) {
            self.text_open = !ends_text(line);
            return shape(line);
        }
        self.named(line).unwrap_or_else(|| self.without_name(line))
    }

    /// True for a line that begins with a name of a table, or as makes begin lines.
    fn is_known(&mut self, line: &str) -> bool {
        is_known_start(line) || name_of(line).is_some_and(|(name, ..)| self.fields.answer(name, "").is_some())
    }

    /// What was asked and what was due is over.
    fn ends(&mut self) {
        (self.asked, self.content_due, self.text_open) = (Asked::Nothing, false, false);
    }

    /// What stands where a PDU is due. `None`: something else came in between, of which the tables say what is kept.
    fn content(&mut self, line: &str) -> Option<String> {
        if let Some(masked) = self.pdu(line, Way::FromModem) {
            self.content_due = false;
            return Some(masked);
        }
        match name_of(line) {
            Some((name, ..)) if is_cell(name) || HEADS.contains(&name) || ["+CMTI", "+CDSI"].contains(&name) => None,
            // It may be a text all the same: nothing of it is taken for a word.
            Some((_, head, text)) => Some(format!("{head}{}", shape(text))),
            None => {
                self.content_due = is_known_start(line);
                (!self.content_due).then(|| shape(line))
            }
        }
    }

    fn named(&mut self, line: &str) -> Option<String> {
        let known =
            name_of(line).and_then(|(name, head, text)| Some((name, head, text, self.fields.answer(name, text)?)));
        if let Some((name, head, text, shown)) = known {
            self.content_due |= HEADS.contains(&name);
            if name == "+CUSD" {
                self.text_open = text.contains(',') && !ends_text(text);
            }
            return Some(format!("{head}{shown}"));
        }
        if let Some(sign) = sign_of(line) {
            return Some(format!("{sign}{}", shape(&line[sign.len()..])));
        }
        name_of(line).map(|(_, head, text)| format!("{head}{}", shape(text)))
    }

    fn without_name(&mut self, line: &str) -> String {
        match self.asked {
            _ if line == "RING" => line.to_owned(),
            Asked::Id(id) => self.fields.bare(line, id),
            Asked::Name => {
                self.asked = Asked::Nothing;
                make(line)
            }
            Asked::Nothing => shape(line),
        }
    }

    /// A PDU of hexadecimal digits; `None` when the text is something else. A quote that sticks to it stays.
    fn pdu(&mut self, text: &str, way: Way) -> Option<String> {
        let mut octets = sms::octets(text)?;
        self.fields.people.mask(&mut octets, way);
        let digits = hex::encode(&octets);
        let inner = text.trim_matches('"');
        Some(text.replacen(inner, &digits, 1))
    }
}

/// A final result with its number, where it is one; the words of a maker are hidden.
pub(super) fn final_result(line: &str) -> Option<String> {
    let result = FinalResult::parse(line)?;
    let text = match &result {
        FinalResult::Cms(error) => &error.text,
        FinalResult::Cme(error) => &error.text,
        _ => return Some(line.to_owned()),
    };
    // Samsung says -1 of an empty slot.
    if result.code().is_some() || text == "-1" {
        return Some(line.to_owned());
    }
    let (name, text) = line.split_at("+CMS ERROR".len());
    Some(format!("{name}{}", shape(text)))
}

/// `AT+CPIN="0000"` for a line that enters a PIN, or has it in its echo.
fn entered_pin(line: &str) -> Option<String> {
    let at = line.to_ascii_uppercase().find("CPIN=")?;
    let before = if &line[..at] == "AT+" { "AT+".to_owned() } else { shape(&line[..at]) };
    Some(format!("{before}CPIN=\"{NO_PIN}\""))
}

/// True at the end of a USSD string.
fn ends_text(text: &str) -> bool {
    text.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',' || c == ' ').ends_with('"')
}

/// True for what makes say by themselves.
fn is_known_start(line: &str) -> bool {
    line == "RING" || sign_of(line).is_some()
}

fn sign_of(line: &str) -> Option<&'static str> {
    let is_it = |sign: &&str| {
        line.strip_prefix(*sign).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    profile::signs().iter().copied().flatten().map(|(sign, _)| *sign).find(is_it)
}

/// Name, the same with its colon, and what follows, of a line such as `+CREG: 1`.
fn name_of(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.strip_prefix(['+', '^', '#', '*', '!', '%', '_', '$', '&'])?;
    let end = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit())?;
    let colon = end + rest[end..].find(|c| c != ' ')?;
    let is_name = (2..=12).contains(&end) && rest.starts_with(|c: char| c.is_ascii_uppercase());
    let few_digits = rest[..end].bytes().filter(u8::is_ascii_digit).count() <= 2;
    let (head, text) = line.split_at_checked(colon + 2)?;
    (is_name && few_digits && head.ends_with(':')).then(|| (&line[..end + 1], head, text))
}
