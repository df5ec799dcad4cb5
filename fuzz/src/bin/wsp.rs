//! WAP push: WSP, WBXML, and the notification of a multimedia message.
#![no_main]
use gsmgate_fuzz::MAX_OUT_OCTETS;
use gsmgate_fuzz::tpdu::wap::Push;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(push) = Push::decode(octets) {
        assert!(push.to_string().len() <= MAX_OUT_OCTETS);
        assert!(format!("{push:?}").len() <= 8 * MAX_OUT_OCTETS);
    }
});
