//! The parameters of a line, and everything that is read from them.
#![no_main]
use gsmgate_fuzz::at::command::{BroadcastList, ServiceCentre};
use gsmgate_fuzz::at::{Command, FinalResult, Params, Payload, TypedLine, UssdString, net, sim, sms, urc};

libfuzzer_sys::fuzz_target!(|line: &str| {
    let params = Params::parse(line);
    for n in 0..params.len().min(8) {
        let _ = (params.text(n), params.number::<u16>(n), params.at(n).hex(), params.at(n).allows(2));
    }
    let _ = (net::registration(&params, true), net::registration(&params, false), net::operator(&params));
    let _ = (net::signal_dbm(&params), net::bit_errors(&params), sms::memories(&params), sms::levels(&params));
    let _ = (sms::place(&params), sms::reference(&params), sms::indications(&params), sms::service_centre(&params));
    let _ = (sms::indications_allowed(&params, [2, 1, 0, 2, 0]), sms::selected(&params), sms::octets(line));
    let _ = (sim::pin_state(line), sim::iccid(line), sim::iccid_file(&params), FinalResult::parse(line));
    let _ = urc::classify(line, std::iter::empty());
    // Nothing that is taken from outside ends a command early.
    let whole = |command: Command| assert!(command.wire().iter().filter(|octet| **octet < 0x20).count() == 1);
    TypedLine::try_from(line.to_owned()).map(|line| whole(Command::typed(&line))).ok();
    UssdString::try_from(line.to_owned()).map(|string| whole(Command::ussd(&string, 15))).ok();
    line.parse::<BroadcastList>().map(|list| whole(Command::broadcasts(&list))).ok();
    line.parse::<ServiceCentre>().map(|number| whole(Command::set_service_centre(&number))).ok();
    if let Ok(payload) = Payload::try_from(line.to_owned()) {
        assert!(payload.as_str().bytes().all(|digit| digit.is_ascii_hexdigit()));
    }
});
