//! Octets of a modem into lines: none empty, none too long, none with a control character.
#![no_main]
use gsmgate_fuzz::at::line::{LINE_OCTETS, Lines, Piece};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let mut lines = Lines::default();
    for piece in octets.iter().filter_map(|octet| lines.push(*octet)) {
        if let Piece::Line(line) = piece {
            // Windows-1252 has signs that take three octets of UTF-8.
            assert!(!line.is_empty() && line.len() <= 3 * LINE_OCTETS);
            assert!(!line.bytes().any(|octet| octet < 0x20));
        }
    }
});
