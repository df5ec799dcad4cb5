//! SMS-STATUS-REPORT and SMS-SUBMIT-REPORT: what else comes from a modem.
#![no_main]
use gsmgate_fuzz::there_and_back;
use gsmgate_fuzz::tpdu::{StatusReport, SubmitReport};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    there_and_back::<StatusReport>(octets, |report| Some((report.parameters.scheme(), report.parameters.ud.as_ref()?)));
    there_and_back::<SubmitReport>(octets, |report| Some((report.parameters.scheme(), report.parameters.ud.as_ref()?)));
});
