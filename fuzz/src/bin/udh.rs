//! The user data header and all that is read from it.
#![no_main]
use gsmgate_fuzz::tpdu::{Alphabet, Dcs, Deliver, InformationElement, Tpdu, Udh, UserData};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let Some(udh) = Udh::decode(octets) else { return };
    let _ = (udh.waiting(), udh.reply_address(), udh.hyperlinks());
    let _ = (udh.concat(), udh.ports(), udh.shift(), udh.0.iter().map(InformationElement::name).last());
    let dcs = Dcs::new(Alphabet::Octets, None);
    let deliver = Deliver { dcs, ud: UserData { udh, payload: vec![1] }, ..Deliver::default() };
    if let Ok(octets) = deliver.encode() {
        assert_eq!(Deliver::decode(&octets), Ok(deliver));
    }
});
