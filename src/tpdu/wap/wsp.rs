//! The basic rules of WSP: integers, texts and lengths. WAP-230-WSP §8.4.2.

use super::super::error::{DecodeError, Detail};
use super::super::reader::Reader;
use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// No text, and no value that we look into, is longer.
pub(super) const MAX_TEXT: usize = 8192;

/// An integer in 7 bit groups, the highest first, at most 32 bits. §8.1.2.
pub(super) fn uintvar(reader: &mut Reader<'_>, field: &'static str) -> Result<usize, DecodeError> {
    let at = reader.at();
    let mut value: usize = 0;
    for _ in 0..5 {
        let octet = reader.octet(field)?;
        value = value << 7 | usize::from(octet & 0x7F);
        if octet & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DecodeError { field, octet: at, detail: Detail::OverLimit { value, limit: u32::MAX as usize } })
}

/// Value-length: 0 to 30, or 31 and an uintvar. §8.4.2.2.
pub(super) fn value_length(reader: &mut Reader<'_>, field: &'static str) -> Result<usize, DecodeError> {
    match reader.octet(field)? {
        n @ ..=30 => Ok(usize::from(n)),
        31 => uintvar(reader, field),
        _ => Err(DecodeError { field, octet: reader.at() - 1, detail: Detail::Malformed { wanted: "a length" } }),
    }
}

/// The octets of a value that a length stands in front of.
pub(super) fn sized<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<Reader<'a>, DecodeError> {
    let n = value_length(reader, field)?;
    reader.within(field, n)
}

/// Integer-value: a short one in one octet, or a length and as many octets, at most 8. §8.4.2.3.
pub(super) fn integer(reader: &mut Reader<'_>, field: &'static str) -> Result<u64, DecodeError> {
    match reader.rest().first() {
        Some(octet @ 0x80..) => {
            let value = u64::from(octet & 0x7F);
            reader.octet(field)?;
            Ok(value)
        }
        _ => long_integer(reader, field),
    }
}

/// Long-integer. §8.4.2.1.
pub(super) fn long_integer(reader: &mut Reader<'_>, field: &'static str) -> Result<u64, DecodeError> {
    let at = reader.at();
    let n = usize::from(reader.octet(field)?);
    if n > 8 {
        return Err(DecodeError { field, octet: at, detail: Detail::OverLimit { value: n, limit: 8 } });
    }
    Ok(reader.take(field, n)?.iter().fold(0, |value, octet| value << 8 | u64::from(*octet)))
}

/// The octets of a text up to its NUL, without the quote in front of one that begins over 0x7F. §8.4.2.1.
pub(super) fn text_octets<'a>(reader: &mut Reader<'a>, field: &'static str) -> Result<&'a [u8], DecodeError> {
    nul_ended(reader, UTF8, field).map(unquoted)
}

fn unquoted(text: &[u8]) -> &[u8] {
    text.strip_prefix(&[0x7F]).unwrap_or(text)
}

/// Text-string. §8.4.2.1.
pub(super) fn text(reader: &mut Reader<'_>, field: &'static str) -> Result<String, DecodeError> {
    text_octets(reader, field).map(|octets| String::from_utf8_lossy(octets).into_owned())
}

/// Encoded-string-value: a text, or its length, character set and text. OMA-MMS-ENC §7.3.19.
pub(super) fn encoded_string(reader: &mut Reader<'_>, field: &'static str) -> Result<String, DecodeError> {
    match reader.rest().first() {
        // 0 is the end of an empty text.
        Some(1..=31) => {
            let mut value = sized(reader, field)?;
            let charset = integer(&mut value, field)?;
            // UTF-16 has NULs inside, so its end is that of the value; other texts may lack theirs.
            let octets = value.rest();
            Ok(if is_utf16(charset) { decode(charset, octets) } else { of_table(charset, unquoted(octets)) })
        }
        // The last text of a value may lack its NUL.
        _ => match end(UTF8, reader.rest()) {
            None if reader.rest().len() < MAX_TEXT => {
                let octets = reader.take(field, reader.rest().len())?;
                Ok(decode(UTF8, unquoted(octets)))
            }
            _ => text(reader, field),
        },
    }
}

/// MIBenum of UTF-8, as of every text that names no character set.
const UTF8: u64 = 106;

/// MIBenum of ISO-10646-UCS-2, UTF-16BE, UTF-16LE and UTF-16.
fn is_utf16(charset: u64) -> bool {
    matches!(charset, 1000 | 1013..=1015)
}

/// Where a text ends: before its NUL, which has two octets in UTF-16. `None`: it does not.
fn end(charset: u64, octets: &[u8]) -> Option<usize> {
    let octets = &octets[..octets.len().min(MAX_TEXT)];
    if is_utf16(charset) {
        octets.as_chunks::<2>().0.iter().position(|unit| *unit == [0, 0]).map(|units| 2 * units)
    } else {
        octets.iter().position(|octet| *octet == 0)
    }
}

/// A text of a document in that character set, up to its NUL.
pub(super) fn inline(reader: &mut Reader<'_>, charset: u64, field: &'static str) -> Result<String, DecodeError> {
    nul_ended(reader, charset, field).map(|octets| decode(charset, octets))
}

/// The octets up to a NUL, which is taken too.
fn nul_ended<'a>(reader: &mut Reader<'a>, charset: u64, field: &'static str) -> Result<&'a [u8], DecodeError> {
    let Some(n) = end(charset, reader.rest()) else {
        let detail = Detail::Malformed { wanted: "a text that ends with NUL" };
        return Err(DecodeError { field, octet: reader.at(), detail });
    };
    let octets = reader.take(field, n)?;
    reader.take(field, if is_utf16(charset) { 2 } else { 1 })?;
    Ok(octets)
}

/// A text of a string table, up to its NUL or the end of the table.
pub(super) fn of_table(charset: u64, octets: &[u8]) -> String {
    let end = end(charset, octets).unwrap_or(octets.len());
    decode(charset, &octets[..end])
}

/// By the IANA's MIBenum. What is not known is read as UTF-8.
fn decode(charset: u64, octets: &[u8]) -> String {
    let encoding: &Encoding = match charset {
        4 => WINDOWS_1252,
        17 => SHIFT_JIS,
        38 => EUC_KR,
        113 | 2025 => GBK,
        1014 => UTF_16LE,
        1000 | 1013 | 1015 => UTF_16BE,
        2026 => BIG5,
        _ => UTF_8,
    };
    // Half a unit at the end is a NUL that was cut.
    let octets = if is_utf16(charset) { &octets[..octets.len() & !1] } else { octets };
    // Of these only UTF-16 leaves the order of octets to a mark in front.
    let text = if charset == 1015 { encoding.decode(octets).0 } else { encoding.decode_without_bom_handling(octets).0 };
    text.trim_end_matches('\0').to_owned()
}

/// Passes over a value of any kind. §8.4.1.2.
pub(super) fn skip_value(reader: &mut Reader<'_>, field: &'static str) -> Result<(), DecodeError> {
    match reader.rest().first() {
        Some(0x80..) => reader.octet(field).map(|_| ()),
        Some(0..=31) => sized(reader, field).map(|_| ()),
        _ => text_octets(reader, field).map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(octets: &[u8]) -> Reader<'_> {
        Reader::new(octets, 0)
    }

    #[test]
    fn table_of_integers() {
        for (name, octets, want) in [
            ("short", &[0x92][..], Ok(0x12)),
            ("long", &[0x02, 0x01, 0x00], Ok(256)),
            ("long of no octets", &[0x00], Ok(0)),
            ("eight octets", &[0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], Ok(u64::MAX)),
            ("nine octets", &[0x09], Err("f at octet 0: 9 is over the limit of 8")),
            ("cut", &[0x02, 0x01], Err("f at octet 1: 2 octets needed, 1 left")),
        ] {
            let ours = integer(&mut reader(octets), "f").map_err(|error| error.to_string());
            assert_eq!(ours.as_ref().map_err(String::as_str), want.as_ref().map_err(|e| *e), "{name}");
        }
        for (octets, want) in [(&[0x7F][..], 127), (&[0x81, 0x00], 128), (&[0x8F, 0xFF, 0xFF, 0xFF, 0x7F], 0xFFFF_FFFF)]
        {
            assert_eq!(uintvar(&mut reader(octets), "f"), Ok(want));
        }
        assert!(uintvar(&mut reader(&[0xFF; 6]), "f").is_err());
    }

    #[test]
    fn table_of_lengths() {
        for (octets, want) in [
            (&[0x00][..], Ok(0)),
            (&[0x1E], Ok(30)),
            (&[0x1F, 0x81, 0x00], Ok(128)),
            (&[0x20], Err("f at octet 0: not a length".to_owned())),
        ] {
            assert_eq!(value_length(&mut reader(octets), "f").map_err(|error| error.to_string()), want);
        }
    }

    #[test]
    fn table_of_encoded_strings() {
        for (name, octets, want) in [
            ("plain", &b"hi\0"[..], "hi"),
            ("quoted", b"\x7F\xC3\xA4\0", "ä"),
            ("UTF-8", &[0x05, 0xEA, 0x7F, 0xC3, 0xA4, 0x00], "ä"),
            ("ISO 8859-1", &[0x03, 0x84, 0xE4, 0x00], "ä"),
            ("UCS-2", &[0x07, 0x02, 0x03, 0xE8, 0x04, 0x2F, 0x00, 0x00], "Я"),
            ("UTF-16BE", &[0x08, 0x02, 0x03, 0xF5, 0x00, 0x61, 0x00, 0x62, 0x00], "ab"),
            ("UTF-16", &[0x07, 0x02, 0x03, 0xF7, 0x00, 0x61, 0x00, 0x62], "ab"),
            ("UTF-16LE", &[0x07, 0x02, 0x03, 0xF6, 0x61, 0x00, 0x62, 0x00], "ab"),
            ("UTF-16 with a mark", &[0x09, 0x02, 0x03, 0xF7, 0xFF, 0xFE, 0x61, 0x00, 0x62, 0x00], "ab"),
            ("UTF-16 with the other mark", &[0x09, 0x02, 0x03, 0xF7, 0xFE, 0xFF, 0x00, 0x61, 0x00, 0x62], "ab"),
            ("Shift_JIS", &[0x06, 0x91, 0x83, 0x41, 0x83, 0x43, 0x00], "アイ"),
            ("GBK", &[0x04, 0xF1, 0xD6, 0xD0, 0x00], "中"),
            ("GB2312", &[0x06, 0x02, 0x07, 0xE9, 0xD6, 0xD0, 0x00], "中"),
            ("EUC-KR", &[0x04, 0xA6, 0xC7, 0xD1, 0x00], "한"),
            ("Big5", &[0x06, 0x02, 0x07, 0xEA, 0xA4, 0xA4, 0x00], "中"),
            ("without its NUL", &[0x04, 0xEA, b'a', b'b', b'c'], "abc"),
            ("not UTF-8", b"\xC3\0", "\u{FFFD}"),
            ("empty", b"\0", ""),
        ] {
            assert_eq!(encoded_string(&mut reader(octets), "f").as_deref(), Ok(want), "{name}");
        }
        assert!(text(&mut reader(b"no end"), "f").is_err());
    }
}
