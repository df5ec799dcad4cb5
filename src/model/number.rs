//! A recipient's number: parsed once at the border, so that nothing else can reach an AT command.

use super::ids::masked;
use crate::tpdu::Address;
use std::fmt;
use std::str::FromStr;

/// Numbers that are emergency calls everywhere, or in a phone without a SIM. 3GPP TS 22.101 §10.1.1.
const EMERGENCY: [&str; 8] = ["112", "911", "999", "000", "08", "110", "118", "119"];

/// Why a text is not a number that an SMS can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Letters, blanks, other signs, or too short or long.
    #[error(
        "a number is 2 to 15 digits, with + in front when it is international (^\\+?[0-9]{{3,15}}$, or a short code of 2 to 6 digits)"
    )]
    Pattern,
    /// An emergency number: refused always (threat T-40).
    #[error("an emergency number cannot be reached by this gateway")]
    Emergency,
}

/// A number to send to: `^\+?[0-9]{3,15}$`, or a short code of 2 to 6 digits; never an emergency number.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(String);

impl Number {
    /// As the client wrote it: digits, with `+` in front when international.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As TP-DA carries it.
    pub fn address(&self) -> Address {
        Address::from_number(&self.0)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let least = if digits.len() == text.len() { 2 } else { 3 };
        if !(least..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NumberError::Pattern);
        }
        if EMERGENCY.contains(&digits) {
            return Err(NumberError::Emergency);
        }
        Ok(Number(text.to_owned()))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows the middle as stars.
impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0, 5, 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_numbers() {
        use NumberError::{Emergency, Pattern};
        for (text, want) in [
            ("+491701234567", Ok(())),
            ("491701234567", Ok(())),
            ("72", Ok(())),
            ("12345", Ok(())),
            ("+123", Ok(())),
            ("+12", Err(Pattern)),
            ("", Err(Pattern)),
            ("7", Err(Pattern)),
            ("+", Err(Pattern)),
            ("++491", Err(Pattern)),
            ("+4917012345678901", Err(Pattern)),
            ("0170 123", Err(Pattern)),
            ("abc", Err(Pattern)),
            ("123\r", Err(Pattern)),
            ("123\n", Err(Pattern)),
            ("123\u{1a}", Err(Pattern)),
            ("12\"3", Err(Pattern)),
            ("１２３４", Err(Pattern)),
            ("*100#", Err(Pattern)),
            ("112", Err(Emergency)),
            ("911", Err(Emergency)),
            ("+112", Err(Emergency)),
            ("08", Err(Emergency)),
        ] {
            assert_eq!(text.parse::<Number>().map(|_| ()), want, "{text:?}");
        }
    }

    #[test]
    fn debug_hides_the_middle() {
        assert_eq!(format!("{:?}", "+491701234567".parse::<Number>().unwrap()), "+4917******67");
    }
}
