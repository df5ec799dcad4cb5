//! Base64 with padding, as JSON carries octets. RFC 4648 §4.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The octets as text.
pub(super) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = group.iter().fold(0, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i)) & 0x3f;
            text.push(if i <= group.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    text
}

/// The octets of a text; `None` for anything that [`encode`] would not write.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let mut octets = Vec::with_capacity(body.len() * 3 / 4);
    for group in body.as_bytes().chunks(4) {
        let mut bits = 0;
        for sign in group {
            bits = bits << 6 | sextet(*sign)?;
        }
        bits <<= 6 * (4 - group.len());
        let n = group.len() * 6 / 8;
        if bits & (0xff_ffff >> (8 * n)) != 0 {
            return None;
        }
        octets.extend_from_slice(&bits.to_be_bytes()[1..=n]);
    }
    Some(octets)
}

fn sextet(sign: u8) -> Option<u32> {
    match sign {
        b'A'..=b'Z' => Some(u32::from(sign - b'A')),
        b'a'..=b'z' => Some(u32::from(sign - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(sign - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn vectors_of_rfc_4648_section_10() {
        for (octets, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(octets.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(octets.as_bytes()), "{text}");
        }
        for bad in ["Zg", "Zg=", "Z===", "Zh==", "Zm9=", "Zm 9", "====", "Zg==Zg==", "Zm9v\n", "Zm-_", "é==="] {
            assert_eq!(decode(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(octets: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&octets)), Some(octets));
        }

        #[test]
        fn only_the_canonical_text_is_read(text in "[A-Za-z0-9+/=]{0,24}") {
            if let Some(octets) = decode(&text) {
                prop_assert_eq!(encode(&octets), text);
            }
        }
    }
}
