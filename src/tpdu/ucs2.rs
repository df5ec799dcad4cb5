//! UCS-2, big endian: UTF-16 in practice. 3GPP TS 23.038 §6.2.3.

use encoding_rs::UTF_16BE;

/// The text of UTF-16BE octets. A half unit at the end is dropped; a lone surrogate is U+FFFD.
pub fn decode(octets: &[u8]) -> String {
    let whole = &octets[..octets.len() & !1];
    UTF_16BE.decode_without_bom_handling(whole).0.into_owned()
}

/// The text as UTF-16BE octets; characters over U+FFFF are surrogate pairs.
pub fn encode(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(2 * text.len());
    octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    octets
}
