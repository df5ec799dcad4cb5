//! SMS-COMMAND and SMS-DELIVER-REPORT: what else goes to a modem.
#![no_main]
use gsmgate_fuzz::there_and_back;
use gsmgate_fuzz::tpdu::{Command, DeliverReport};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    there_and_back::<Command>(octets, |_| None);
    there_and_back::<DeliverReport>(octets, |report| {
        Some((report.parameters.scheme(), report.parameters.ud.as_ref()?))
    });
});
