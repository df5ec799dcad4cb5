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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_texts() {
        for (name, text, octets) in [
            ("nothing", "", &[][..]),
            ("Latin", "a", &[0x00, 0x61]),
            ("Cyrillic", "Я", &[0x04, 0x2F]),
            ("surrogate pair", "😀", &[0xD8, 0x3D, 0xDE, 0x00]),
            ("byte order mark is a character here", "\u{FEFF}a", &[0xFE, 0xFF, 0x00, 0x61]),
            ("NUL", "\0", &[0x00, 0x00]),
        ] {
            assert_eq!(encode(text), octets, "{name}");
            assert_eq!(decode(octets), text, "{name}");
        }
    }

    #[test]
    fn table_of_broken_octets() {
        for (name, octets, text) in [
            ("odd length: the last octet is dropped", &[0x00, 0x61, 0x00][..], "a"),
            ("one octet", &[0x61], ""),
            ("high surrogate at the end", &[0x00, 0x61, 0xD8, 0x3D], "a\u{FFFD}"),
            ("low surrogate first", &[0xDE, 0x00, 0x00, 0x61], "\u{FFFD}a"),
            ("high surrogate, then a letter", &[0xD8, 0x3D, 0x00, 0x61], "\u{FFFD}a"),
        ] {
            assert_eq!(decode(octets), text, "{name}");
        }
    }
}
