//! Septets with any tables, there and back. The first two octets choose the tables.
#![no_main]
use gsmgate_fuzz::tpdu::gsm7::{self, Language, Shift};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let [locking, single, rest @ ..] = octets else { return };
    let [locking, single] = [locking, single].map(|octet| Language::from_identifier(octet % 14));
    let shift = Shift { locking, single };
    let text = gsm7::decode_shifted(rest, shift);
    assert!(text.chars().count() <= rest.len());
    if !text.contains(char::REPLACEMENT_CHARACTER) {
        let septets = gsm7::encode_shifted(&text, shift).expect("what a table says is in it");
        assert_eq!(gsm7::decode_shifted(&septets, shift), text);
        assert_eq!(text.chars().map(|c| gsm7::septets_of(c, shift).unwrap_or(0)).sum::<usize>(), septets.len());
    }
    for fill in 0..7 {
        let septets = gsm7::unpack(rest, fill, rest.len());
        let mut packed = Vec::new();
        gsm7::pack(&septets, fill, &mut packed);
        assert_eq!(gsm7::unpack(&packed, fill, septets.len()), septets);
    }
});
