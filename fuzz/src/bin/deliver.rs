//! SMS-DELIVER, with its dump.
#![no_main]
use gsmgate_fuzz::tpdu::{Deliver, Direction};
use gsmgate_fuzz::{dumped, there_and_back};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    there_and_back::<Deliver>(octets, |deliver| Some((deliver.dcs, &deliver.ud)));
    dumped(octets, Direction::FromModem);
});
