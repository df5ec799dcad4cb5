//! Commands that a person types, and which of them are not let through.

use super::command::name_of;

/// A command that a person typed: one, by its name, such as `AT+CSQ`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedLine(String);

/// Why a typed line is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATypedLine {
    /// Not one command.
    #[error(
        "one command: AT, a name such as +CSQ or I, and printable ASCII, at most 256 characters, without a semicolon"
    )]
    NotACommand,
    /// It sends, deletes or acknowledges messages.
    #[error("{0} is for messages, which the gateway has in hand; see `gsmgate send`")]
    Messages(&'static str),
    /// It holds or changes a secret of the SIM or the modem.
    #[error("{0} may lock the SIM or the modem for good; use pin_file, or a phone")]
    Locks(&'static str),
    /// It takes the line away.
    #[error("{0} takes the line away from the gateway; see `gsmgate modem LABEL restart`")]
    Line(&'static str),
}

impl TypedLine {
    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the command: `+CSQ`, `I`; nothing of `AT` alone.
    fn name(&self) -> &str {
        name_of(&self.0)
    }

    /// True for what changes nothing: the forms `AT+X?` and `AT+X=?`, and some that only tell.
    pub fn only_asks(&self) -> bool {
        let tells = ["+CSQ", "+CESQ", "+CGMI", "+CGMM", "+CGMR", "+CGSN", "+CIMI", "+CCID", "+CPAS", "+CNUM"];
        let name = self.name();
        let is_basic = !name.starts_with(|c: char| c.is_ascii_punctuation() && c != '&');
        let only_tells = is_basic || tells.iter().any(|tells| name.eq_ignore_ascii_case(tells));
        let rest = self.0.find(['=', '?']).map_or("", |at| self.0[at..].trim_end());
        matches!(rest, "?" | "=?") || rest.is_empty() && only_tells
    }
}

/// What a name must not hold when the command does more than ask: whatever sign or letter the make puts in front.
type Denied = (&'static [&'static str], fn(&'static str) -> NotATypedLine);

const DENIED: &[Denied] = &[
    (&["CMGS", "CMSS", "CMGW", "CMGC", "MGD", "CNMA", "CIPSEND"], NotATypedLine::Messages),
    (
        &["PIN", "PUK", "CLCK", "SLCK", "PWD", "LOCK", "CSIM", "CRSM", "CGLA", "CCHO", "CCHC", "EGMR", "SIMLOCK"],
        NotATypedLine::Locks,
    ),
    (
        &[
            "CMUX", "CGDATA", "IPR", "ICF", "IFC", "CPOF", "POWD", "PWROFF", "PWRDN", "SMSO", "SHDN", "CFUN", "RESET",
            "REBOOT",
        ],
        NotATypedLine::Line,
    ),
];

impl TryFrom<String> for TypedLine {
    type Error = NotATypedLine;

    fn try_from(text: String) -> Result<TypedLine, NotATypedLine> {
        let is_plain = (2..=256).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b';');
        if !is_plain || !text[..2].eq_ignore_ascii_case("AT") {
            return Err(NotATypedLine::NotACommand);
        }
        let line = TypedLine(text);
        let name = line.name().to_ascii_uppercase();
        let (sign, bare) = name.split_at(name.len().min(1));
        let is_extended = matches!(sign, "+" | "^" | "#" | "*" | "!" | "%" | "_" | "$")
            && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        // Basic commands dial, answer, and change how the line answers; those that only tell are let through.
        let tells = name.is_empty() || name == "&V" || sign == "I" && bare.bytes().all(|b| b.is_ascii_digit());
        if !is_extended && !tells {
            return Err(NotATypedLine::NotACommand);
        }
        if !line.only_asks() {
            for (names, error) in DENIED {
                if let Some(denied) = names.iter().find(|denied| bare.contains(**denied)) {
                    return Err(error(denied));
                }
            }
        }
        Ok(line)
    }
}
