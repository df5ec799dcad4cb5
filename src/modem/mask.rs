//! The one masking of the wire: lines keep their shape, so that a driver still takes them for what they are, and lose
//! what people wrote and who they are.
//!
//! | what | becomes |
//! |---|---|
//! | text, names, letters of lines that are in no list | `x`, digits of it `0` |
//! | a PDU | one of equal length and structure, with another number and a text of zeros |
//! | IMEI, IMSI, ICCID, telephone number | zeros and a small number, the same for the same value |
//! | area and cell | `F`, zeros and a small number |
//! | a PIN | `0000` |
//!
//! Codes, indexes, counts and the names of commands stay. So do a PDU's kind, times, status and sizes.

use super::mask_pdu::{People, Way};
use super::profile;
use super::pseudonym::{Pseudonyms, padded};
use crate::at::line::body;
use crate::at::{FinalResult, sms};

/// Longest name of a command, with what is around it.
const NAME: usize = 14;
/// What stands for a PIN, whatever its length.
pub(super) const NO_PIN: &str = "0000";
/// Longest run of digits that is an index, a code or a count.
const SHORT: usize = 4;
/// Answers of which letters are words of the protocol.
const PLAIN: &[&str] = &[
    "+CPIN",
    "+CPINR",
    "^CPIN",
    "+QPINC",
    "#PCT",
    "+CPMS",
    "+CMTI",
    "+CDSI",
    "+CSMS",
    "+CNMI",
    "+CMGF",
    "+CMGS",
    "+CSQ",
    "+COPS",
    "+CFUN",
    "+CMEE",
    "+CGMI",
    "+CGMM",
    "+CGMR",
    "+CMS ERROR",
    "+CME ERROR",
];
/// Heads that a PDU follows, or a text in text mode. What is quoted in them is a name or a number.
const HEADS: &[&str] = &["+CMT", "+CDS", "+CBM", "+CMGR", "+CMGL"];
/// Registrations.
const CELLS: &[&str] = &["+CREG", "+CGREG", "+CEREG", "+C5GREG"];
/// Telephone numbers.
const NUMBERS: &[&str] = &["+CSCA", "+CNUM", "+CLIP"];
/// Our own commands whose long numbers are nobody's.
const OURS: &[&str] = &["AT+CRSM=176,12258,0,0,10", "AT+CSIM=10,\"0020000100\""];
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
/// Names of answers with an identity.
const IDS: &[(&str, Id)] = &[
    ("+CGSN", Id::Imei),
    ("+CIMI", Id::Imsi),
    ("+CCID", Id::Iccid),
    ("^ICCID", Id::Iccid),
    ("+ICCID", Id::Iccid),
    ("+QCCID", Id::Iccid),
    ("+CRSM", Id::Iccid),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Id {
    Imei,
    Imsi,
    Iccid,
}

/// The masking of one modem's line. It knows what was asked last, and which pseudonym stands for whom.
#[derive(Debug, Default)]
pub(super) struct Mask {
    asked: Asked,
    /// The last command, to know its echo; never one with a PIN.
    command: String,
    /// The last payload as it was and as it is shown, for the same.
    payload: Option<(String, String)>,
    /// The PIN that is on its way to the SIM.
    pin: Option<String>,
    /// A head came, and what it announces is due.
    content_due: bool,
    ids: Pseudonyms,
    cells: Pseudonyms,
    people: People,
}

impl Mask {
    /// What was written, without its end; ESC is `^[` and Ctrl-Z `^Z`.
    pub(super) fn sent(&mut self, octets: &[u8]) -> String {
        match octets {
            [0x1b, ..] => return "^[".to_owned(),
            [0x1a] => return "^Z".to_owned(),
            _ => {}
        }
        let text = String::from_utf8_lossy(octets);
        let text = text.trim();
        if !text.starts_with("AT") {
            let shown = self.pdu(text, Way::ToModem).unwrap_or_else(|| shape(text));
            self.payload = Some((text.to_owned(), shown.clone()));
            return shown;
        }
        self.pin = None;
        self.command.clear();
        self.asked = ASKED.iter().find(|(command, _)| *command == text).map(|(_, asked)| *asked).unwrap_or_default();
        if let Some(masked) = entered_pin(text) {
            self.pin = text.split('"').nth(1).filter(|pin| !pin.is_empty()).map(str::to_owned);
            return masked;
        }
        text.clone_into(&mut self.command);
        self.command_text(text)
    }

    /// A line that came.
    pub(super) fn came(&mut self, line: &str) -> String {
        if let Some(masked) = entered_pin(line) {
            return masked;
        }
        if let Some(pin) = &self.pin
            && line.contains(pin.as_str())
        {
            return shape(&line.replace(pin.as_str(), NO_PIN));
        }
        if let Some(result) = FinalResult::parse(line) {
            return match line.split_once(':') {
                // Words of a maker. Samsung says -1 of an empty slot.
                Some((name, text)) if result.code().is_none() && text.trim() != "-1" => {
                    format!("{name}:{}", shape(text))
                }
                _ => self.plain(line),
            };
        }
        if let Some((payload, shown)) = &self.payload
            && payload.eq_ignore_ascii_case(line)
        {
            return shown.clone();
        }
        if self.content_due
            && let Some(masked) = self.content(line)
        {
            return masked;
        }
        self.of_no_head(line)
    }

    /// Words of a protocol, of a maker or of ours; long numbers in them are replaced.
    pub(super) fn plain(&mut self, text: &str) -> String {
        let text: String = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.runs(&text, |c| c.is_ascii_digit(), |c| c)
    }

    /// What stands where a PDU is due. `None`: something else came in between.
    fn content(&mut self, line: &str) -> Option<String> {
        let masked = self.pdu(line, Way::FromModem);
        let announces = ["+CMTI", "+CDSI"].iter().chain(CELLS).any(|name| body(line, name).is_some());
        if masked.is_none() && (announces || name_of(line).is_some()) {
            // It may be a text all the same: nothing of it is taken for a word.
            return (!announces && head_of(line).is_none()).then(|| self.unlisted(line));
        }
        self.content_due = false;
        Some(masked.unwrap_or_else(|| shape(line)))
    }

    fn of_no_head(&mut self, line: &str) -> String {
        if line.starts_with("AT") {
            return if line == self.command { self.command_text(line) } else { self.unlisted(line) };
        }
        if let Some((name, text)) = head_of(line) {
            self.content_due = true;
            return format!("{name}{}", self.head(text));
        }
        let mut signs = profile::signs().iter().copied().flatten();
        if let Some((sign, _)) = signs.find(|(sign, _)| line.starts_with(sign)) {
            return format!("{sign}{}", self.hidden(&line[sign.len()..]));
        }
        if let Some((name, text)) = name_of(line) {
            return format!("{name}{}", self.named(name.trim_end_matches([':', ' ']), text));
        }
        match self.asked {
            _ if line == "RING" => line.to_owned(),
            Asked::Id(id) => self.bare_identity(line, id),
            Asked::Name => {
                self.asked = Asked::Nothing;
                self.plain(line)
            }
            Asked::Nothing if line.len() >= 16 => self.pdu(line, Way::FromModem).unwrap_or_else(|| shape(line)),
            Asked::Nothing => shape(line),
        }
    }

    /// What follows the name of an answer.
    fn named(&mut self, name: &str, text: &str) -> String {
        if let Some((_, id)) = IDS.iter().find(|(known, _)| *known == name) {
            return self.identities(text, *id);
        }
        if CELLS.contains(&name) {
            return self.registration(text);
        }
        if NUMBERS.contains(&name) {
            return self.hidden(text);
        }
        if name == "+CSIM" {
            return status_words(text);
        }
        if PLAIN.contains(&name) { self.plain(text) } else { self.quoted_hidden(text) }
    }

    fn unlisted(&mut self, line: &str) -> String {
        let end = line.bytes().skip(3).position(|b| !b.is_ascii_uppercase() && b != b':').map_or(line.len(), |n| n + 3);
        let end = end.min(NAME);
        match line.get(..end) {
            Some(name) => format!("{}{}", self.plain(name), shape(&line[end..])),
            None => shape(line),
        }
    }

    fn command_text(&mut self, text: &str) -> String {
        if OURS.contains(&text) { text.to_owned() } else { self.plain(text) }
    }

    /// The fields of a head: what is quoted is gone.
    fn head(&mut self, text: &str) -> String {
        let mut parts = text.split('"').enumerate();
        let mut out = String::with_capacity(text.len());
        for (n, part) in &mut parts {
            if n % 2 == 0 {
                out.push_str(&self.hidden(part));
            } else {
                out.push_str("\"\"");
            }
        }
        out
    }

    /// Letters hidden, long runs of hexadecimal digits replaced.
    fn hidden(&mut self, text: &str) -> String {
        self.runs(text, |c| c.is_ascii_hexdigit(), hide_letter)
    }

    /// The same; what is quoted shows its shape only.
    fn quoted_hidden(&mut self, text: &str) -> String {
        let parts: Vec<String> = text
            .split('"')
            .enumerate()
            .map(|(n, part)| if n % 2 == 0 { self.hidden(part) } else { shape(part) })
            .collect();
        parts.join("\"")
    }

    /// Replaces runs that are longer than [`SHORT`] and have a digit; shows the rest as told.
    fn runs(&mut self, text: &str, of_run: impl Fn(char) -> bool, show: impl Fn(char) -> char) -> String {
        self.each_run(
            text,
            of_run,
            |mask, run| {
                if run.len() > SHORT && run.bytes().any(|b| b.is_ascii_digit()) {
                    mask.number(run)
                } else {
                    run.chars().map(&show).collect()
                }
            },
            &show,
        )
    }

    fn each_run(
        &mut self,
        text: &str,
        of_run: impl Fn(char) -> bool,
        mut run: impl FnMut(&mut Mask, &str) -> String,
        show: impl Fn(char) -> char,
    ) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if of_run(first) {
                let end = rest.find(|c| !of_run(c)).unwrap_or(rest.len());
                out.push_str(&run(self, &rest[..end]));
                rest = &rest[end..];
            } else {
                out.push(show(first));
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }

    fn registration(&mut self, text: &str) -> String {
        self.each_run(
            text,
            |c| c.is_ascii_hexdigit(),
            |mask, run| {
                // A state, however it is padded.
                if run.trim_start_matches('0').len() <= 2 && run.len() <= SHORT {
                    return run.to_owned();
                }
                format!("F{}", padded(mask.cells.of(run.as_bytes()), run.len() - 1))
            },
            hide_letter,
        )
    }

    fn identities(&mut self, text: &str, id: Id) -> String {
        let least = if id == Id::Imsi { SHORT + 1 } else { 10 };
        self.each_run(
            text,
            |c| c.is_ascii_hexdigit(),
            |mask, run| {
                if run.len() >= least {
                    mask.identity(run, id)
                } else if run.len() > SHORT {
                    mask.number(run)
                } else {
                    run.to_owned()
                }
            },
            hide_letter,
        )
    }

    /// A line that begins with an identity; what follows is of no use to anybody.
    fn bare_identity(&mut self, line: &str, id: Id) -> String {
        let quote = line.len() - line.trim_start_matches('"').len();
        let (quote, text) = line.split_at(quote);
        let end = text.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(text.len());
        let (run, rest) = text.split_at(end);
        if run.len() > SHORT { format!("{quote}{}{}", self.identities(run, id), shape(rest)) } else { shape(line) }
    }

    /// One of the same length, with a check digit that is right. IMEI: 3GPP TS 23.003 §6.2; ICCID: ITU-T E.118; IMSI of the
    /// test network 001 01.
    fn identity(&mut self, text: &str, id: Id) -> String {
        match id {
            Id::Imei if (14..=17).contains(&text.len()) => {
                let n = self.ids.of(&text.as_bytes()[..14]);
                if text.len() == 15 {
                    checked(format!("35{n:0>12}"))
                } else {
                    format!("35{}", padded(n, text.len() - 2))
                }
            }
            Id::Imsi if (8..=15).contains(&text.len()) => {
                format!("00101{}", padded(self.ids.of(text.as_bytes()), text.len() - 5))
            }
            Id::Iccid if text.len() <= 22 => {
                // The card's file has each pair of digits the other way round.
                let is_swapped = text.starts_with("98");
                let ordered = if is_swapped { swapped(text) } else { text.to_owned() }.to_ascii_uppercase();
                let core = ordered.trim_end_matches('F');
                let made = checked(format!("89{}", padded(self.ids.of(core.as_bytes()), core.len().saturating_sub(3))));
                let made = format!("{made}{}", "F".repeat(ordered.len().saturating_sub(made.len())));
                if is_swapped { swapped(&made) } else { made }
            }
            _ => self.number(text),
        }
    }

    fn number(&mut self, digits: &str) -> String {
        self.people.number(digits)
    }

    /// A PDU of hexadecimal digits; `None` when the text is something else. A quote that sticks to it stays.
    fn pdu(&mut self, text: &str, way: Way) -> Option<String> {
        let mut octets = sms::octets(text)?;
        self.people.mask(&mut octets, way);
        let digits: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        let inner = text.trim_matches('"');
        Some(text.replacen(inner, &digits, 1))
    }
}

/// `AT+CPIN="0000"` for a line that enters a PIN, or has it in its echo.
fn entered_pin(line: &str) -> Option<String> {
    let at = line.to_ascii_uppercase().find("CPIN=")?;
    let before = if &line[..at] == "AT+" { "AT+".to_owned() } else { shape(&line[..at]) };
    Some(format!("{before}CPIN=\"{NO_PIN}\""))
}

/// Head and fields of a line that a PDU follows.
fn head_of(line: &str) -> Option<(&str, &str)> {
    name_of(line).filter(|(name, _)| HEADS.contains(&name.trim_end_matches([':', ' '])))
}

/// Name with its colon, and what follows, of a line such as `+CREG: 1`.
fn name_of(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix(['+', '^', '#', '*', '!', '%', '_', '$', '&'])?;
    let name = rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit())?;
    let colon = rest[name..].find(|c| c != ' ')? + name;
    let fits = (2..=12).contains(&name) && rest.starts_with(|c: char| c.is_ascii_uppercase());
    let short = rest[..name].split(|c: char| !c.is_ascii_digit()).all(|run| run.len() <= SHORT);
    (fits && short && rest[colon..].starts_with(':')).then(|| line.split_at(colon + 2))
}

/// The card's last two octets say how it went; what is before them is the card's own.
fn status_words(text: &str) -> String {
    let quoted: Vec<String> = text
        .split('"')
        .enumerate()
        .map(|(n, part)| match part.len().checked_sub(4).and_then(|at| part.split_at_checked(at)) {
            Some((front, words)) if n % 2 == 1 && words.bytes().all(|b| b.is_ascii_hexdigit()) => {
                format!("{}{words}", shape(front))
            }
            _ => shape_of_long(part),
        })
        .collect();
    quoted.join("\"")
}

fn shape_of_long(text: &str) -> String {
    if text.len() <= SHORT + 1 { text.chars().map(hide_letter).collect() } else { shape(text) }
}

/// Letters as `x`, digits as `0`: what is left of a text.
fn shape(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_digit() { '0' } else { hide_letter(c) }).collect()
}

fn hide_letter(c: char) -> char {
    match c {
        c if c.is_ascii_uppercase() => 'X',
        c if c.is_ascii_lowercase() || !c.is_ascii() => 'x',
        c if c.is_control() => '?',
        c => c,
    }
}

/// Each pair of digits the other way round.
fn swapped(text: &str) -> String {
    text.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect()
}

/// With its check digit. ISO/IEC 7812-1 annex B.
fn checked(mut digits: String) -> String {
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(n, c)| {
            let digit = c.to_digit(10).unwrap_or(0) * if n % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    digits.push(char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0'));
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::sim;

    /// What came, each line after this was asked.
    fn came(asked: &str, line: &str) -> String {
        let mut mask = Mask::default();
        mask.sent(asked.as_bytes());
        mask.came(line)
    }

    #[test]
    fn table_of_commands() {
        for (sent, want) in [
            ("AT\r", "AT"),
            ("AT+CMGS=23\r", "AT+CMGS=23"),
            ("AT+CPMS=\"ME\",\"SM\",\"ME\"\r", "AT+CPMS=\"ME\",\"SM\",\"ME\""),
            ("AT+CRSM=176,12258,0,0,10\r", "AT+CRSM=176,12258,0,0,10"),
            ("AT+CPIN=\"4711\"\r", "AT+CPIN=\"0000\""),
            ("AT+CPIN=\"47118888\"\r", "AT+CPIN=\"0000\""),
            ("AT+CSCA=\"+491710760000\"\r", "AT+CSCA=\"+000000000001\""),
            ("\x1b", "^["),
            ("\x1b\r", "^["),
            ("\x1a", "^Z"),
            // SMS-SUBMIT: number and text.
            ("0011000B919471103254F60000A7054130500C06", "0011000B910000000000F10000A7050000000001"),
        ] {
            assert_eq!(Mask::default().sent(sent.as_bytes()), want, "{sent}");
        }
    }

    #[test]
    fn table_of_lines() {
        for (asked, line, want) in [
            ("AT", "OK", "OK"),
            ("AT", "+CMS ERROR: 38", "+CMS ERROR: 38"),
            ("AT", "+CMS ERROR: SIM busy", "+CMS ERROR: SIM busy"),
            ("AT", "+CME ERROR: -1", "+CME ERROR: -1"),
            ("AT", "+CME ERROR: call Bob", "+CME ERROR: xxxx Xxx"),
            ("AT", "+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
            ("AT+CREG?", "+CREG: 2,1,\"00C3\",\"0000A1B2\",7", "+CREG: 2,1,\"00C3\",\"F0000001\",7"),
            ("AT+CREG?", "+CREG: 2,1,1F00,1234", "+CREG: 2,1,F001,F002"),
            ("AT+CGSN", "357868041000000", "350000000000014"),
            ("AT+CGSN", "+CGSN: \"357868041000000\"", "+CGSN: \"350000000000014\""),
            ("AT+CIMI", "262019000000100", "001010000000001"),
            ("AT+CCID", "+CCID: 8949000000000001000", "+CCID: 8900000000000000011"),
            ("AT+CCID", "8949000000000001000F", "8900000000000000011F"),
            ("AT^ICCID?", "^ICCID: 989400000000001000F0", "^ICCID: 980000000000000010F1"),
            ("AT+CGMI", "Télé ACME 900E", "Télé ACME 900E"),
            ("AT+CGMM", "+CGMM: E3372", "+CGMM: E3372"),
            ("AT+CSCA?", "+CSCA: \"+491710760000\",145", "+CSCA: \"+000000000001\",145"),
            ("AT+COPS?", "+COPS: 0,0,\"SimNet\",7", "+COPS: 0,0,\"SimNet\",7"),
            ("AT+CPIN?", "+CPIN: SIM PIN", "+CPIN: SIM PIN"),
            ("AT+CSIM=10,\"0020000100\"", "+CSIM: 4,\"63C3\"", "+CSIM: 4,\"63C3\""),
            ("AT+CSIM=10,\"0020000100\"", "+CSIM: 12,\"311299889000\"", "+CSIM: 12,\"000000009000\""),
            ("AT", "^RSSI:20", "^RSSI:20"),
            ("AT", "+CUSD: 0,\"Your code is 4711\",15", "+CUSD: 0,\"Xxxx xxxx xx 0000\",15"),
            ("AT", "+CMGL: 1,1,\"Mum\",28", "+CMGL: 1,1,\"\",28"),
            ("AT", "see you at 8", "xxx xxx xx 0"),
            ("AT", "RING", "RING"),
            ("AT", "AT", "AT"),
            ("AT", "AT+CPIN=\"1234\"", "AT+CPIN=\"0000\""),
            ("AT+CPIN=\"4711\"", "IN=\"4711\"", "XX=\"0000\""),
            ("AT", "", ""),
        ] {
            assert_eq!(came(asked, line), want, "{asked}: {line}");
        }
    }

    #[test]
    fn the_same_stays_the_same_and_another_shows_as_another() {
        let mut mask = Mask::default();
        mask.sent(b"AT+CCID\r");
        let bare = mask.came("8949000000000001000");
        assert_eq!(mask.came("+CCID: 8949000000000001000F"), format!("+CCID: {bare}F"));
        let file = mask.came("^ICCID: 989400000000001000F0");
        assert_eq!(sim::iccid(&file), Some(bare.clone()), "as the card has it");
        assert_ne!(mask.came("8949000000000002000"), bare);
        assert_eq!(mask.came("8949000000000001000"), bare);
        let clear = mask.came("+CSCA: \"491710760000\",145");
        let pdu = mask.sent(b"079194710167000011000B919471103254F60000A7024130");
        assert!(clear.contains("000000000001") && pdu.starts_with("0791000000000010"), "{clear} {pdu}");
    }

    #[test]
    fn an_echo_is_shown_as_what_it_repeats() {
        let mut mask = Mask::default();
        for wire in ["AT+CSCA=\"+491710760000\"", "0011000B919471103254F60000A7054130500C06"] {
            let shown = mask.sent(wire.as_bytes());
            assert_eq!(mask.came(wire), shown);
        }
    }

    #[test]
    fn a_text_behind_a_head_is_hidden_however_it_looks() {
        for (text, want) in [
            ("Hello 12 you", "Xxxxx 00 xxx"),
            ("+COPS: my secret", "+COPS: xx xxxxxx"),
            ("OK", "OK"),
            (
                "07917283010010F5040BC87238880900F10000101010101010000AE8329BFD4697D9EC37",
                "07910000000000F1040BC80000000000F20000101010101010000A000000000000000001",
            ),
            // SMS-STATUS-REPORT.
            (
                "07917283010010F506070B919471103254F6101010101010001010101010100000",
                "07910000000000F106070B910000000000F2101010101010001010101010100000",
            ),
            // In parts.
            ("0044039121F300001010101010100008050003CC02014100", "0044039121F000001010101010100008050003CC02010001"),
            ("00FF", "00FF"),
            ("\"00FF", "\"00FF"),
        ] {
            let mut mask = Mask::default();
            assert_eq!(mask.came("+CMT: \"Bob\",,\"26/01/01\""), "+CMT: \"\",,\"\"");
            let got = mask.came(text);
            // The number of a short code takes what is left of its pseudonym.
            if text.starts_with("0044") {
                assert_eq!(got.len(), want.len());
                assert!(got.ends_with("050003CC02010001"), "{got}");
            } else {
                assert_eq!(got, want, "{text}");
            }
        }
    }

    #[test]
    fn check_digits_are_right() {
        // 3GPP TS 23.003 annex B, and an ICCID of ITU-T E.118.
        assert_eq!(checked("49015420323751".to_owned()), "490154203237518");
        assert_eq!(checked("894900000000000100".to_owned()).len(), 19);
    }
}
