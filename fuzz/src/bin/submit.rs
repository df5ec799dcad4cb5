//! SMS-SUBMIT, with its dump.
#![no_main]
use gsmgate_fuzz::tpdu::{Direction, Submit};
use gsmgate_fuzz::{dumped, there_and_back};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    there_and_back::<Submit>(octets, |submit| Some((submit.dcs, &submit.ud)));
    dumped(octets, Direction::ToModem);
});
