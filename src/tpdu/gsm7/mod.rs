//! The GSM 7 bit alphabet: characters to septets and back.

mod national;
mod pack;
mod tables;

pub use national::{Language, Shift};
pub use pack::{fill_bits, pack, unpack};
pub use tables::ESCAPE;
use tables::{EXTENSION_UTF8, LATIN_1, MAIN_UTF8, NONE, OTHERS, Utf8};

/// A character that the alphabet does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{character:?}, character {} of the text, is not in the GSM 7 bit alphabet", .at + 1)]
pub struct NotGsm7 {
    /// The first such character.
    pub character: char,
    /// Which one it is, from 0, counting characters.
    pub at: usize,
}

/// The septets of a text, one an octet. A character of the extension table is two: 0x1B and its code.
/// 3GPP TS 23.038 §6.2.1.
pub fn encode(text: &str) -> Result<Vec<u8>, NotGsm7> {
    let mut septets = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        match rest.as_bytes().first_chunk::<BLOCK>() {
            Some(block) if all_shared(block) => {
                septets.extend_from_slice(block);
                // The block was ASCII, so this is a character boundary.
                rest = &rest[BLOCK..];
            }
            _ => rest = encode_chars(rest, &mut septets).map_err(|character| not_gsm7(text, character))?,
        }
    }
    Ok(septets)
}

/// The septets of a text with national tables. Where both tables have a character, the main one is used.
/// 3GPP TS 23.038 §6.2.1.2.
pub fn encode_shifted(text: &str, shift: Shift) -> Result<Vec<u8>, NotGsm7> {
    if shift == Shift::NONE {
        return encode(text);
    }
    let mut septets = Vec::with_capacity(text.len());
    for c in text.chars() {
        match (shift.main_code(c), shift.escaped_code(c)) {
            (Some(code), _) => septets.push(code),
            (None, Some(code)) => septets.extend([ESCAPE, code]),
            (None, None) => return Err(not_gsm7(text, c)),
        }
    }
    Ok(septets)
}

/// Septets that a character takes with these tables: 1, 2, or `None` when they do not have it.
pub fn septets_of(c: char, shift: Shift) -> Option<usize> {
    match (shift.main_code(c), shift.escaped_code(c)) {
        (Some(_), _) => Some(1),
        (None, Some(_)) => Some(2),
        (None, None) => None,
    }
}

/// The text of septets, one an octet, with national tables. A code that no table has is U+FFFD.
/// 3GPP TS 23.038 §6.2.1.2.
pub fn decode_shifted(septets: &[u8], shift: Shift) -> String {
    if shift == Shift::NONE {
        return decode(septets);
    }
    let mut text = String::with_capacity(2 * septets.len());
    let mut rest = septets.iter();
    while let Some(septet) = rest.next() {
        text.push(match septet & 0x7F {
            // ESC is a space in every table, so ESC ESC is one too.
            ESCAPE => rest.next().map_or(' ', |code| shift.escaped(*code)),
            septet => shift.character(septet),
        });
    }
    text
}

/// True for a character of the alphabet or its extension table.
pub fn has(c: char) -> bool {
    code(c) != NONE
}

/// True when the whole text can be written in the alphabet.
pub fn fits(text: &str) -> bool {
    text.chars().all(has)
}

/// The text of septets, one an octet (bit 7 is ignored). A code that the extension table does not have is the
/// character of the main table; ESC ESC, and an ESC at the end, are a space. 3GPP TS 23.038 §6.2.1.1.
pub fn decode(septets: &[u8]) -> String {
    let mut text = Vec::with_capacity(septets.len() + septets.len() / 8);
    let mut rest = septets;
    while !rest.is_empty() {
        match rest.first_chunk::<BLOCK>() {
            Some(block) if all_shared(block) => {
                text.extend_from_slice(block);
                rest = &rest[BLOCK..];
            }
            _ => rest = decode_septets(rest, &mut text),
        }
    }
    // Only whole characters were appended.
    String::from_utf8(text).unwrap_or_default()
}

/// Octets copied at a time while nothing comes but what is the same in both alphabets.
const BLOCK: usize = 16;

/// Sixteen comparisons in one register, where a table would take sixteen loads.
fn all_shared(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0, |others, octet| others | u8::from(!tables::is_shared(*octet))) == 0
}

/// Appends the septets of about a block of characters; answers the rest, or the character that does not fit.
fn encode_chars<'a>(text: &'a str, septets: &mut Vec<u8>) -> Result<&'a str, char> {
    let mut chars = text.chars();
    for c in chars.by_ref().take(BLOCK) {
        match code(c) {
            NONE => return Err(c),
            code if code < 0x80 => septets.push(code),
            code => septets.extend([ESCAPE, code & 0x7F]),
        }
    }
    Ok(chars.as_str())
}

/// The septet of a character: with bit 7 set it follows an ESC; [`NONE`] for a character outside the alphabet.
fn code(c: char) -> u8 {
    match u8::try_from(c) {
        Ok(c) => LATIN_1[usize::from(c)],
        Err(_) => OTHERS.iter().find(|(other, _)| *other == c).map_or(NONE, |(_, code)| *code),
    }
}

/// Appends the characters of about a block of septets; answers the rest.
fn decode_septets<'a>(septets: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = septets.iter();
    let mut block = [0; BLOCK * Utf8::MAX_OCTETS];
    let mut n_octets = 0;
    for _ in 0..BLOCK {
        let Some(septet) = rest.next() else { break };
        let c = match septet & 0x7F {
            ESCAPE => rest.next().map_or(&tables::SPACE, |code| &EXTENSION_UTF8[usize::from(code & 0x7F)]),
            septet => &MAIN_UTF8[usize::from(septet)],
        };
        // Always copied whole, so that the length decides nothing but where the next one goes.
        block[n_octets..n_octets + Utf8::MAX_OCTETS].copy_from_slice(&c.octets);
        n_octets += c.n_octets;
    }
    text.extend_from_slice(&block[..n_octets]);
    rest.as_slice()
}

fn not_gsm7(text: &str, character: char) -> NotGsm7 {
    NotGsm7 { character, at: text.chars().position(|c| c == character).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_septet_but_esc_is_a_character_of_its_own() {
        for septet in (0..128).filter(|septet| *septet != ESCAPE) {
            let text = decode(&[septet]);
            assert_eq!(encode(&text), Ok(vec![septet]), "{septet:#04x} {text:?}");
            assert_eq!(decode(&[septet | 0x80]), text, "bit 7 is ignored");
        }
    }

    #[test]
    fn octets_copied_as_they_are_mean_the_same() {
        for octet in (0..=u8::MAX).filter(|octet| tables::is_shared(*octet)) {
            assert_eq!(octet, LATIN_1[usize::from(octet)]);
            assert_eq!(char::from(octet), tables::MAIN[usize::from(octet)]);
        }
    }

    #[test]
    fn all_that_can_be_copied_is() {
        let shared: String = (0..=u8::MAX).filter(|octet| tables::is_shared(*octet)).map(char::from).collect();
        assert_eq!(shared, " !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
        for at in 0..BLOCK {
            let mut block = [b'x'; BLOCK];
            assert!(all_shared(&block));
            block[at] = b'$';
            assert!(!all_shared(&block), "{at}");
        }
    }

    /// Codes of 3GPP TS 23.038 §6.2.1 and §6.2.1.1, of which many implementations have a wrong one.
    #[test]
    fn table_of_codes() {
        for (name, text, septets) in [
            ("at sign is zero", "@", &[0x00][..]),
            ("dollar", "$", &[0x02]),
            ("capital C cedilla", "Ç", &[0x09]),
            ("line feed, carriage return", "\n\r", &[0x0A, 0x0D]),
            ("Greek capitals", "ΔΦΓΛΩΠΨΣΘΞ", &[0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A]),
            ("currency sign, not the dollar", "¤", &[0x24]),
            ("inverted exclamation mark", "¡", &[0x40]),
            ("section sign", "§", &[0x5F]),
            ("inverted question mark", "¿", &[0x60]),
            ("a grave", "à", &[0x7F]),
            ("form feed", "\u{0C}", &[0x1B, 0x0A]),
            ("extension signs", "^{}", &[0x1B, 0x14, 0x1B, 0x28, 0x1B, 0x29]),
            ("more extension signs", "\\[~]|", &[0x1B, 0x2F, 0x1B, 0x3C, 0x1B, 0x3D, 0x1B, 0x3E, 0x1B, 0x40]),
            ("euro", "€", &[0x1B, 0x65]),
        ] {
            assert_eq!(encode(text).as_deref(), Ok(septets), "{name}");
            assert_eq!(decode(septets), text, "{name}");
        }
    }

    #[test]
    fn table_of_escapes_without_a_character() {
        for (name, septets, text) in [
            ("unknown code: the main table, §6.2.1.1", &[0x1B, 0x41][..], "A"),
            ("unknown code of a Greek letter", &[0x1B, 0x15], "Ω"),
            ("ESC ESC: a space", &[0x1B, 0x1B], " "),
            ("ESC ESC, then text", &[0x41, 0x1B, 0x1B, 0x65], "A e"),
            ("ESC at the end", &[0x41, 0x1B], "A "),
            ("nothing", &[], ""),
        ] {
            assert_eq!(decode(septets), text, "{name}");
        }
    }

    #[test]
    fn what_is_not_in_the_alphabet_is_named() {
        for (text, character, at) in
            [("ç", 'ç', 0), ("abc`", '`', 3), ("ÄÖÜ\u{a0}x\u{a0}", '\u{a0}', 3), ("€😀", '😀', 1), ("a\tb", '\t', 1)]
        {
            assert_eq!(encode(text), Err(NotGsm7 { character, at }), "{text:?}");
            assert!(!fits(text));
        }
    }

    #[test]
    fn a_character_out_of_the_ordinary_at_every_place() {
        for n in 1..40 {
            for at in 0..n {
                for c in ['$', 'Ä', 'Ω', '€', '['] {
                    let text: String = (0..n).map(|i| if i == at { c } else { 'x' }).collect();
                    assert_eq!(decode(&encode(&text).unwrap()), text);
                }
            }
        }
    }
}
