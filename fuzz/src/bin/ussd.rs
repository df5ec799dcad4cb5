//! USSD strings in every form. The first octet is the scheme.
#![no_main]
use gsmgate_fuzz::MAX_OUT_OCTETS;
use gsmgate_fuzz::tpdu::ussd::{Form, decode, decode_as, encode, pack, unpack};
use gsmgate_fuzz::tpdu::{CbsDcs, hex};

libfuzzer_sys::fuzz_target!(|input: (u8, &str)| {
    let (dcs, string) = input;
    for dcs in [None, Some(CbsDcs(dcs))] {
        assert!(decode(string, dcs).len() <= MAX_OUT_OCTETS.max(string.len()));
    }
    for form in [Form::Raw, Form::Ucs2] {
        let line = encode(string, form).expect("every text has these forms");
        if !string.contains('\0') {
            assert_eq!(decode_as(&line, form, None), string);
        }
    }
    if let Ok(octets) = hex::decode(string) {
        let septets = unpack(&octets);
        let again = unpack(&pack(&septets));
        assert!(again == septets || again == [&septets[..], &[0x0D]].concat());
    }
});
