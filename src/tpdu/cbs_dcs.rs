//! The data coding scheme of cell broadcast and USSD: a table of its own. 3GPP TS 23.038 §5.

use super::dcs::{Alphabet, MessageClass};
use std::fmt;

/// Cell broadcast data coding scheme. Every octet is kept; reserved values are the 7 bit default alphabet.
/// 3GPP TS 23.038 §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CbsDcs(pub u8);

/// Where the language of a text is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CbsLanguage {
    /// Nowhere.
    Unspecified,
    /// In the scheme: ISO 639 code.
    Known(&'static str),
    /// In front of the text: two letters and, in the 7 bit alphabet, CR.
    InText,
}

impl CbsDcs {
    /// How the content is to be read. Compressed text is [`Alphabet::Octets`].
    pub fn alphabet(self) -> Alphabet {
        if self.is_compressed() { Alphabet::Octets } else { self.text_alphabet() }
    }

    /// The alphabet of the text, once it is no longer compressed.
    pub fn text_alphabet(self) -> Alphabet {
        match self.0 {
            0x11 => Alphabet::Ucs2,
            0x40..=0x7F | 0x90..=0x9F => match self.0 & 0x0C {
                0x04 => Alphabet::Octets,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            0xF0..=0xFF if self.0 & 0x04 != 0 => Alphabet::Octets,
            _ => Alphabet::Gsm7,
        }
    }

    /// Compressed as 3GPP TS 23.042 says.
    pub fn is_compressed(self) -> bool {
        matches!(self.0, 0x60..=0x7F)
    }

    /// The content begins with a user data header.
    pub fn has_header(self) -> bool {
        matches!(self.0, 0x90..=0x9F)
    }

    /// The message class, where there is one.
    pub fn class(self) -> Option<MessageClass> {
        // In the last group 00 is no class, unlike in the scheme of short messages.
        let has_class =
            matches!(self.0, 0x50..=0x5F | 0x70..=0x7F | 0x90..=0x9F) || self.0 >= 0xF0 && self.0 & 0x03 != 0;
        has_class.then(|| MessageClass::from_bits(self.0))
    }

    /// The language.
    pub fn language(self) -> CbsLanguage {
        let code = |codes: &[&'static str], n: u8| codes.get(usize::from(n)).copied();
        let known = match self.0 {
            0x00..=0x0F => code(&LANGUAGES, self.0),
            0x10 | 0x11 => return CbsLanguage::InText,
            0x20..=0x2F => code(&MORE_LANGUAGES, self.0 & 0x0F),
            _ => None,
        };
        known.map_or(CbsLanguage::Unspecified, CbsLanguage::Known)
    }
}

/// German, English, Italian, French, Spanish, Dutch, Swedish, Danish, Portuguese, Finnish, Norwegian, Greek, Turkish,
/// Hungarian, Polish.
const LANGUAGES: [&str; 15] =
    ["de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "el", "tr", "hu", "pl"];
/// Czech, Hebrew, Arabic, Russian, Icelandic.
const MORE_LANGUAGES: [&str; 5] = ["cs", "he", "ar", "ru", "is"];

/// What it says, for a dump.
impl fmt::Display for CbsDcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.text_alphabet() {
            Alphabet::Gsm7 => "GSM 7 bit",
            Alphabet::Octets => "8 bit data",
            Alphabet::Ucs2 => "UCS-2",
        })?;
        if self.is_compressed() {
            f.write_str(", compressed")?;
        }
        match self.language() {
            CbsLanguage::Unspecified => {}
            CbsLanguage::Known(code) => write!(f, ", language {code}")?,
            CbsLanguage::InText => f.write_str(", language in front of the text")?,
        }
        if self.has_header() {
            f.write_str(", user data header")?;
        }
        match self.class() {
            Some(class) => write!(f, ", class {}", class.bits()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last of each group of 3GPP TS 23.038 §5.
    #[test]
    fn table_of_schemes() {
        for (dcs, shown) in [
            (0x00, "GSM 7 bit, language de"),
            (0x01, "GSM 7 bit, language en"),
            (0x0E, "GSM 7 bit, language pl"),
            (0x0F, "GSM 7 bit"),
            (0x10, "GSM 7 bit, language in front of the text"),
            (0x11, "UCS-2, language in front of the text"),
            (0x12, "GSM 7 bit"),
            (0x20, "GSM 7 bit, language cs"),
            (0x24, "GSM 7 bit, language is"),
            (0x25, "GSM 7 bit"),
            (0x3F, "GSM 7 bit"),
            (0x40, "GSM 7 bit"),
            (0x44, "8 bit data"),
            (0x48, "UCS-2"),
            (0x4C, "GSM 7 bit"),
            (0x5A, "UCS-2, class 2"),
            (0x60, "GSM 7 bit, compressed"),
            (0x68, "UCS-2, compressed"),
            (0x7F, "GSM 7 bit, compressed, class 3"),
            (0x80, "GSM 7 bit"),
            (0x99, "UCS-2, user data header, class 1"),
            (0xA0, "GSM 7 bit"),
            (0xE0, "GSM 7 bit"),
            (0xF0, "GSM 7 bit"),
            (0xF1, "GSM 7 bit, class 1"),
            (0xF5, "8 bit data, class 1"),
        ] {
            assert_eq!(CbsDcs(dcs).to_string(), shown, "{dcs:#04x}");
        }
    }
}
