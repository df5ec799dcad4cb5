//! The GSM 7 bit alphabet: characters to septets and back.

mod pack;
mod tables;

pub use pack::{fill_bits, pack, unpack};
pub use tables::ESCAPE;
use tables::{ASCII, EXTENSION, LATIN_1, MAIN, NONE, OTHERS};

/// A character that the alphabet does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{character:?}, character {at} of the text, is not in the GSM 7 bit alphabet")]
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
        if let Some(block) = rest.as_bytes().first_chunk() {
            let (mapped, plain) = map_block(block, &LATIN_1);
            if plain {
                septets.extend_from_slice(&mapped);
                // A block of plain septets was ASCII, so this is a character boundary.
                rest = &rest[BLOCK..];
                continue;
            }
        }
        rest = encode_chars(rest, &mut septets).map_err(|character| not_gsm7(text, character))?;
    }
    Ok(septets)
}

/// True when the whole text can be written in the alphabet.
pub fn fits(text: &str) -> bool {
    text.chars().all(|c| code(c) != NONE)
}

/// The text of septets, one an octet (bit 7 is ignored). A code that the extension table does not have is the
/// character of the main table; ESC ESC, and an ESC at the end, are a space. 3GPP TS 23.038 §6.2.1.1.
pub fn decode(septets: &[u8]) -> String {
    let mut text = Vec::with_capacity(septets.len() + septets.len() / 8);
    let mut rest = septets;
    while !rest.is_empty() {
        if let Some(block) = rest.first_chunk() {
            let (mapped, plain) = map_block(block, &ASCII);
            if plain {
                text.extend_from_slice(&mapped);
                rest = &rest[BLOCK..];
                continue;
            }
        }
        rest = decode_septets(rest, &mut text);
    }
    // Only whole characters were appended.
    String::from_utf8(text).unwrap_or_default()
}

/// Octets looked up at a time while nothing but plain ASCII comes.
const BLOCK: usize = 16;

/// Looks up a block; true when every result is plain (below 0x80).
fn map_block(block: &[u8; BLOCK], table: &[u8; 256]) -> ([u8; BLOCK], bool) {
    let mapped = block.map(|octet| table[usize::from(octet)]);
    (mapped, mapped.iter().fold(0, |all, code| all | code) < 0x80)
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
        Ok(byte) if byte < 0x80 => LATIN_1[usize::from(byte)],
        Ok(byte) => tables::UPPER_LATIN_1[usize::from(byte & 0x7F)],
        Err(_) => OTHERS.iter().find(|(other, _)| *other == c).map_or(NONE, |(_, code)| *code),
    }
}

/// Appends the characters of about a block of septets; answers the rest.
fn decode_septets<'a>(septets: &'a [u8], text: &mut Vec<u8>) -> &'a [u8] {
    let mut rest = septets.iter();
    let mut utf8 = [0; 4];
    for _ in 0..BLOCK {
        let Some(septet) = rest.next() else { break };
        let c = match septet & 0x7F {
            ESCAPE => rest.next().map_or(' ', |code| EXTENSION[usize::from(code & 0x7F)]),
            septet => MAIN[usize::from(septet)],
        };
        text.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }
    rest.as_slice()
}

fn not_gsm7(text: &str, character: char) -> NotGsm7 {
    NotGsm7 { character, at: text.chars().position(|c| c == character).unwrap_or(0) }
}
