//! Cell broadcast pages of both kinds.
#![no_main]
use gsmgate_fuzz::MAX_OUT_OCTETS;
use gsmgate_fuzz::tpdu::broadcast::{Page, SerialNumber, decode, join};
use gsmgate_fuzz::tpdu::dump_broadcast;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let lines = dump_broadcast(octets);
    assert_eq!(decode(octets).as_ref().err(), lines.as_ref().err());
    for line in lines.unwrap_or_default() {
        assert!(line.start + line.len <= octets.len());
    }
    let pages = [Page::decode(octets).map(|page| vec![page]), Page::decode_umts(octets)];
    for pages in pages.into_iter().flatten() {
        for page in &pages {
            assert!(page.text().len() <= MAX_OUT_OCTETS);
            assert_eq!(SerialNumber::from_bits(page.serial.bits()), page.serial);
            let _ = (page.language(), page.dcs.to_string());
        }
        let _ = join(&pages);
    }
});
