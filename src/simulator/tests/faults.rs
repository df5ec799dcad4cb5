//! Every fault, shown.

use super::*;

const OK: &str = "\r\nOK\r\n";

fn bench(kind: FaultKind) -> Bench {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,1,0");
    bench.fault(Fault::once(kind));
    bench
}

fn message() -> Submit {
    submit("+491701234567", "x")
}

#[test]
fn f_02_a_urc_inside() {
    let urc = |place| bench(FaultKind::UrcInside { place, urc: "^RSSI: 18".into() });
    let mut bench = urc(UrcPlace::Response);
    assert_eq!(bench.say(0, "AT\r"), OK, "no place for it");
    assert_eq!(bench.say(0, "AT+CSQ\r"), "\r\n+CSQ: 22,99\r\n\r\n^RSSI: 18\r\n\r\nOK\r\n");
    assert_eq!(bench.say(0, "AT+CSQ\r"), "\r\n+CSQ: 22,99\r\n\r\nOK\r\n", "once");

    let mut bench = urc(UrcPlace::Cmgr);
    bench.network.inject(bench.now, 0, "+491701", "x").unwrap();
    bench.heard(0);
    let heard = bench.say(0, "AT+CMGR=1\r");
    assert!(heard.starts_with("\r\n+CMGR: 0,,"), "{heard:?}");
    assert!(heard.contains("\r\n\r\n^RSSI: 18\r\n07"), "{heard:?}");

    let mut bench = urc(UrcPlace::Prompt);
    assert_eq!(bench.say(0, "AT+CMGS=20\r"), "\r\n> \r\n^RSSI: 18\r\n");
}

#[test]
fn f_03_the_echo_stays_on_and_cr_is_doubled() {
    for (doubled_cr, heard) in
        [(false, "AT+CSQ\r\r\n+CSQ: 22,99\r\n\r\nOK\r\n"), (true, "AT+CSQ\r\r\r\n+CSQ: 22,99\r\r\n\r\r\nOK\r\r\n")]
    {
        let mut bench = Bench::new(quick(1));
        bench.fault(Fault::once(FaultKind::Echo { doubled_cr }).when(When::Always));
        bench.say(0, "ATE0\r");
        assert_eq!(bench.say(0, "AT+CSQ\r"), heard);
        let (line, octets) = pdu(&message());
        bench.say(0, &format!("AT+CMGS={octets}\r"));
        assert!(bench.say(0, &format!("{line}\x1a")).starts_with(&line), "the payload is echoed too");
        bench.network.clear_faults(None).unwrap();
        assert_eq!(bench.say(0, "AT\r"), OK);
    }
}

#[test]
fn f_06_mute_for_a_while_or_for_good() {
    let mut bench = bench(FaultKind::Mute { lasts: Some(5 * SECOND) });
    assert_eq!(bench.say(0, "AT\r"), "");
    bench.network.inject(bench.now, 0, "+491701", "x").unwrap();
    assert_eq!(bench.wait(0, 4999 * MS), "", "no URC either");
    assert_eq!(bench.say(0, "AT\r"), "");
    bench.wait(0, MS);
    assert_eq!(bench.say(0, "AT\r"), OK);

    bench.fault(Fault::once(FaultKind::Mute { lasts: None }).when(When::Nth(2)));
    assert_eq!(bench.say(0, "AT\r"), OK);
    assert_eq!(bench.say(0, "AT\r"), "");
    assert_eq!(bench.wait(0, 100_000 * SECOND), "");
    bench.network.clear_faults(Some(0)).unwrap();
    assert_eq!(bench.say(0, "AT\r"), OK);
}

#[test]
fn f_07_the_prompt_is_odd() {
    let prompt = |prompt| bench(FaultKind::Prompt { prompt });
    let mut missing = prompt(OddPrompt::Missing);
    assert_eq!(missing.say(0, "AT+CMGS=20\r"), "");
    assert_eq!(missing.say(0, "\x1bAT\r"), OK, "it hears commands");
    assert_eq!(prompt(OddPrompt::NoBlank).say(0, "AT+CMGS=20\r"), "\r\n>");
    let mut late = prompt(OddPrompt::LateMs(700));
    assert_eq!(late.say(0, "AT+CMGS=20\r"), "");
    assert_eq!(late.wait(0, 699 * MS), "");
    assert_eq!(late.wait(0, MS), "\r\n> ");
    assert_eq!(late.say(0, "\x1b"), OK);
    mr(&late.send(0, &message()));
}

#[test]
fn f_09_the_final_code_is_lost() {
    let mut bench = bench(FaultKind::FinalLost);
    assert_eq!(bench.send(0, &message()), "");
    assert_eq!(bench.wait(0, 1000 * SECOND), "");
    assert_eq!(bench.accepted(), ["x"]);
    assert_eq!(bench.say(0, "\x1bAT\r"), OK);
    assert_eq!(bench.count(|what| *what == What::FaultStruck { fault: "F-09" }), 1);
}

#[test]
fn f_10_it_never_reached_the_centre() {
    let mut bench = bench(FaultKind::NeverAccepted);
    assert_eq!(bench.send(0, &message()), "");
    assert_eq!(bench.wait(0, 1000 * SECOND), "");
    assert_eq!(bench.accepted(), [""; 0]);
    mr(&bench.send(0, &message()));
}

#[test]
fn f_11_the_final_code_is_late() {
    let mut bench = bench(FaultKind::FinalLate { by: 190 * SECOND });
    assert_eq!(bench.send(0, &message()), "");
    assert_eq!(bench.accepted(), ["x"]);
    assert_eq!(bench.say(0, "\x1bAT\r"), OK, "other commands are answered meanwhile");
    assert_eq!(bench.wait(0, 189 * SECOND), "");
    let late = mr(&bench.wait(0, SECOND));
    assert_eq!(mr(&bench.send(0, &message())), late.wrapping_add(1));
}

#[test]
fn f_12_the_final_code_is_odd() {
    for (answer, fits) in [
        (OddFinal::OkOnly, (|heard| heard == OK) as fn(&str) -> bool),
        (OddFinal::Garbage, |heard| heard.starts_with("\r\n+CMGS: ") && !heard.contains(|c: char| c.is_ascii_digit())),
        (OddFinal::Mr256, |heard| heard == "\r\n+CMGS: 256\r\n\r\nOK\r\n"),
        (OddFinal::Twice, |heard| heard.matches("+CMGS: ").count() == 2 && heard.matches("OK").count() == 1),
    ] {
        let mut bench = bench(FaultKind::OddFinal { answer });
        let heard = bench.send(0, &message());
        assert!(fits(&heard) && heard.ends_with(OK), "{answer:?}: {heard:?}");
        assert_eq!(bench.accepted(), ["x"]);
    }
}

#[test]
fn f_13_a_hang_up_at_every_step_of_a_send() {
    let (line, octets) = pdu(&message());
    let script = ["AT\r".to_owned(), format!("AT+CMGS={octets}\r"), format!("{line}\x1a"), "AT+CSQ\r".into()];
    // Which steps come in this script, and whether the centre has the message then.
    let steps = [
        (Step::Command, false),
        (Step::Answer, false),
        (Step::Command, false),
        (Step::Prompt, false),
        (Step::Payload, false),
        (Step::End, false),
        (Step::Accepted, true),
        (Step::Final, true),
        (Step::Command, true),
        (Step::Answer, true),
    ];
    let hang_up = |step| FaultKind::HangUp { step, back: Some(SECOND) };
    for (k, (step, accepted)) in steps.into_iter().enumerate() {
        let before = steps[..k].iter().filter(|(other, _)| *other == step).count() as u32;
        for fault in [
            Fault::once(hang_up(None)).when(When::Nth(k as u32 + 1)),
            Fault::once(hang_up(Some(step))).when(When::Nth(before + 1)),
        ] {
            let mut bench = Bench::set_up(quick(1), "");
            bench.fault(fault);
            script.iter().for_each(|said| _ = bench.say(0, said));
            assert_eq!(bench.plugs, [(Moment::ZERO, PlugEvent::Unplugged(0))], "step {k}");
            assert_eq!(bench.accepted().len(), usize::from(accepted), "step {k}");
            bench.wait(0, SECOND);
            assert_eq!(bench.plugs[1..], [(SECOND, PlugEvent::Plugged(0))], "step {k}");
            assert_eq!(bench.say(0, "AT\r"), "AT\r\r\nOK\r\n", "step {k}");
        }
    }
    let mut bench = Bench::set_up(quick(1), "");
    bench.fault(Fault::once(hang_up(None)).when(When::Nth(steps.len() as u32 + 1)));
    script.iter().for_each(|said| _ = bench.say(0, said));
    assert_eq!(bench.plugs, [], "there are no more steps");
}

#[test]
fn f_13_what_was_said_before_it_is_heard() {
    let mut bench = bench(FaultKind::HangUp { step: Some(Step::Final), back: None });
    mr(&bench.send(0, &message()));
    assert!(!bench.network.is_plugged(0));
    assert_eq!(bench.wait(0, 1000 * SECOND), "", "it never comes back");
}

#[test]
fn f_15_the_memory_is_full_and_silent() {
    let mut bench = Bench::set_up(LabConfig { slots: 3, ..quick(1) }, "+CNMI=2,1,0,1,0");
    bench.network.inject(bench.now, 0, "+491701", "first").unwrap();
    bench.heard(0);
    bench.fault(Fault::once(FaultKind::MemoryFull));
    assert_eq!(bench.say(0, "AT+CPMS?\r").matches(",3,3").count(), 3);
    bench.network.inject(bench.now, 0, "+491701", "waits").unwrap();
    assert_eq!(bench.heard(0), "");
    assert_eq!(bench.say(0, "AT+CMGD=1\r"), OK, "the freed slot is taken in silence");
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGR=1\r"))), "waits");
    assert_eq!(bench.say(0, "AT+CMGD=1,4\r"), OK);
    bench.network.inject(bench.now, 0, "+491701", "heard again").unwrap();
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",1\r\n");
    assert_eq!(bench.count(|what| matches!(what, What::Arrive { from, .. } if from == "filler")), 2);
}

#[test]
fn f_17_a_deletion_goes_wrong() {
    for (delete, answer, left) in [
        (OddDelete::Error, "\r\n+CMS ERROR: 500\r\n", "123"),
        (OddDelete::Ignored, OK, "123"),
        (OddDelete::Silent, "", "123"),
        (OddDelete::WrongIndex, OK, "13"),
    ] {
        let mut bench = bench(FaultKind::DeleteFails { delete });
        for text in ["1", "2", "3"] {
            bench.network.inject(bench.now, 0, "+491701", text).unwrap();
        }
        bench.heard(0);
        assert_eq!(bench.say(0, "AT+CMGD=1\r"), answer, "{delete:?}");
        assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGL=4\r"))), left, "{delete:?}");
        assert_eq!(bench.say(0, "AT+CMGD=1\r"), OK, "once only");
    }
    // There is no next one.
    let mut bench = bench(FaultKind::DeleteFails { delete: OddDelete::WrongIndex });
    bench.network.inject(bench.now, 0, "+491701", "1").unwrap();
    bench.say(0, "AT+CMGD=1\r");
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGL=4\r"))), "1");
}

#[test]
fn f_25_each_code_at_each_stage() {
    for code in 0..=600 {
        let mut bench = bench(FaultKind::CmsError { code, stage: Stage::Prompt });
        let refused = format!("\r\n+CMS ERROR: {code}\r\n");
        assert_eq!(bench.say(0, "AT+CMGS=20\r"), refused);
        bench.fault(Fault::once(FaultKind::CmsError { code, stage: Stage::Payload }));
        assert_eq!(bench.send(0, &message()), refused);
        assert_eq!(bench.accepted(), [""; 0]);
        assert_eq!(bench.count(|what| matches!(what, What::Submit { ok: false, code: Some(c), .. } if *c == code)), 1);
        mr(&bench.send(0, &message()));
    }
}

#[test]
fn f_25_a_refusal_takes_as_long_as_an_acceptance() {
    let mut bench = Bench::set_up(LabConfig { latency: SECOND, ..quick(1) }, "");
    bench.fault(Fault::once(FaultKind::CmsError { code: 38, stage: Stage::Payload }).when(When::After(1)));
    bench.send(0, &message());
    mr(&bench.wait(0, SECOND));
    bench.send(0, &message());
    assert_eq!(bench.wait(0, 999 * MS), "");
    assert_eq!(bench.wait(0, MS), "\r\n+CMS ERROR: 38\r\n");
}

#[test]
fn f_26_unplugged_and_back() {
    let mut bench = bench(FaultKind::Replug { back: 3 * SECOND });
    assert_eq!(bench.say(0, "AT\r"), "");
    bench.wait(0, 3 * SECOND);
    assert_eq!(bench.plugs, [(Moment::ZERO, PlugEvent::Unplugged(0)), (3 * SECOND, PlugEvent::Plugged(0))]);
}

#[test]
fn a_report_of_another_kind() {
    for status in [0x01, 0x20, 0x46, 0x60] {
        let mut bench = Bench::set_up(LabConfig { report_delay: SECOND, ..quick(1) }, "+CNMI=2,1,0,1,0");
        bench.fault(Fault::once(FaultKind::Report { status }));
        mr(&bench.send(0, &message()));
        mr(&bench.send(0, &with_report(message())));
        let heard = bench.wait(0, SECOND);
        assert_eq!(reports(&heard).iter().map(|report| report.st.0).collect::<Vec<_>>(), [status]);
    }
}

#[test]
fn a_fault_of_one_modem_leaves_the_others_alone() {
    let mut bench = Bench::set_up(quick(2), "");
    bench.fault(Fault::once(FaultKind::FinalLost).of_modem(1));
    mr(&bench.send(0, &message()));
    assert_eq!(bench.send(1, &message()), "");
}

#[test]
fn f_01_what_it_says_comes_in_pieces() {
    let pieces = |seed| {
        let mut bench = Bench::set_up(LabConfig { seed, ..quick(1) }, "");
        bench.fault(Fault::once(FaultKind::Pieces { most: 3, gap: MS }));
        let mut heard = vec![bench.say(0, "AT+CGMM\r")];
        while !heard.concat().ends_with(OK) {
            let next = bench.network.poll_timeout().unwrap();
            bench.now = next;
            bench.network.handle_timeout(next);
            heard.push(bench.heard(0));
        }
        heard
    };
    let heard = pieces(1);
    assert!(heard.iter().all(|piece| piece.len() <= 3) && heard.len() > 5, "{heard:?}");
    assert_ne!(heard, pieces(2), "the seed decides");
    assert_eq!(heard.concat(), pieces(2).concat());
}

#[test]
fn f_04_noise_before_an_answer() {
    for noise in [Noise::Nuls, Noise::EightBit, Noise::Framing, Noise::Endless] {
        let mut bench = bench(FaultKind::Noise { noise, octets: 100_000 });
        bench.network.handle_bytes(bench.now, 0, b"AT\r");
        let octets = bench.network.poll_transmit(bench.now, 0).unwrap();
        assert_eq!(octets.len(), 100_000 + OK.len(), "{noise:?}");
        assert!(octets.ends_with(OK.as_bytes()));
        assert_eq!(bench.say(0, "AT\r"), OK);
    }
}

#[test]
fn f_05_the_sim_is_busy_for_a_while() {
    let mut bench = bench(FaultKind::Busy { code: 14, lasts: 30 * SECOND });
    assert_eq!(bench.say(0, "AT\r"), OK, "the modem itself is not");
    for command in ["AT+CPIN?\r", "AT+CMGS=20\r", "AT+CCID\r"] {
        assert_eq!(bench.say(0, command), "\r\n+CME ERROR: 14\r\n");
    }
    bench.wait(0, 30 * SECOND);
    assert_eq!(bench.say(0, "AT+CPIN?\r"), "\r\n+CPIN: READY\r\n\r\nOK\r\n");
}

#[test]
fn f_08_it_stands_in_the_prompt_with_a_message_of_somebody_else() {
    let mut sent = bench(FaultKind::InPrompt);
    mr(&sent.say(0, "\x1a"));
    assert_eq!(sent.accepted(), ["of somebody else"]);
    let mut left = bench(FaultKind::InPrompt);
    assert_eq!(left.say(0, "AT\r"), "", "a command is text there");
    assert_eq!(left.say(0, "\x1bAT\r"), format!("{OK}{OK}"));
    assert_eq!(left.accepted(), [""; 0]);
}

#[test]
fn f_14_it_takes_no_octet_for_a_while() {
    let mut bench = bench(FaultKind::Stall { lasts: Some(5 * SECOND) });
    assert_eq!(bench.say(0, "AT\r"), OK, "the command itself is answered");
    assert!(bench.network.is_stalled(bench.now, 0));
    assert_eq!(bench.say(0, "AT+CSQ\r"), "");
    assert_eq!(bench.wait(0, 4999 * MS), "");
    assert_eq!(bench.wait(0, MS), "\r\n+CSQ: 22,99\r\n\r\nOK\r\n", "it waited on the line");
    assert!(!bench.network.is_stalled(bench.now, 0));
}

#[test]
fn f_16_a_message_lands_in_the_other_memory() {
    for (told, heard) in [(false, ""), (true, "\r\n+CMTI: \"ME\",1\r\n")] {
        let mut bench = bench(FaultKind::OtherMemory { told });
        bench.network.inject(bench.now, 0, "+491701", "stray").unwrap();
        assert_eq!(bench.heard(0), heard);
        assert_eq!(bench.say(0, "AT+CMGR=1\r"), "\r\n+CMS ERROR: 321\r\n");
        bench.say(0, "AT+CPMS=\"ME\"\r");
        assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGR=1\r"))), "stray");
    }
}

#[test]
fn f_18_messages_that_are_no_plain_text() {
    let mut all = bench(FaultKind::OddMessage { message: None });
    assert_eq!(delivers(&all.say(0, "AT+CMGL=4\r")).len(), 9);
    for (message, is_so) in [
        (OddMessage::Mms, (|it| it.ud.udh.ports().is_some_and(|ports| ports.dst == 2948)) as fn(&Deliver) -> bool),
        (OddMessage::WapPush, |it| it.ud.payload.starts_with(b"\x01\x06\x01\xAE")),
        (OddMessage::Type0, |it| it.pid.is_type_0()),
        (OddMessage::Class2, |it| it.dcs.class() == Some(crate::tpdu::MessageClass::Class2)),
        (OddMessage::Flash, |it| it.dcs.class() == Some(crate::tpdu::MessageClass::Class0)),
        (OddMessage::Waiting, |it| it.dcs.message_waiting().is_some()),
        (OddMessage::Port, |it| it.ud.udh.ports().is_some_and(|ports| ports.dst == 16_000)),
        (OddMessage::ReservedPid, |it| it.pid.0 == 0xBF),
        (OddMessage::ReservedDcs, |it| it.dcs.0 == 0x8F),
    ] {
        let mut bench = bench(FaultKind::OddMessage { message: Some(message) });
        let came = delivers(&bench.say(0, "AT+CMGL=4\r"));
        assert!(came.len() == 1 && is_so(&came[0]), "{message:?}: {came:?}");
    }
}

#[test]
fn f_19_the_sim_is_taken_out_and_another_put_in() {
    for (swapped, after) in [(false, LabConfig::iccid(0)), (true, LabConfig::iccid(1000))] {
        let mut bench = bench(FaultKind::SimGone { back: Some(SECOND), swapped });
        assert_eq!(bench.say(0, "AT+CPIN?\r"), "\r\n+CME ERROR: 10\r\n");
        assert_eq!(bench.wait(0, Duration::ZERO), "\r\n+CPIN: NOT INSERTED\r\n");
        assert_eq!(bench.say(0, "AT+CREG?\r"), "\r\n+CREG: 0,0\r\n\r\nOK\r\n");
        assert_eq!(bench.wait(0, SECOND), "\r\n+CPIN: READY\r\n");
        assert_eq!(bench.say(0, "AT+CCID\r"), format!("\r\n+CCID: {after}\r\n\r\nOK\r\n"));
    }
}

#[test]
fn f_21_the_network_is_lost_or_another_one() {
    for (network, stat, csq) in
        [(NoNetwork::Searching, 2, "99,99"), (NoNetwork::Denied, 3, "99,99"), (NoNetwork::Roaming, 5, "22,99")]
    {
        let mut bench = Bench::set_up(quick(1), "+CREG=1");
        bench.fault(Fault::once(FaultKind::NoNetwork { network, lasts: SECOND }));
        assert_eq!(bench.say(0, "AT+CSQ\r"), format!("\r\n+CSQ: {csq}\r\n\r\nOK\r\n"));
        assert_eq!(bench.wait(0, Duration::ZERO), format!("\r\n+CREG: {stat}\r\n"));
        assert_eq!(bench.wait(0, SECOND), "\r\n+CREG: 1\r\n");
        mr(&bench.send(0, &message()));
    }
}

#[test]
fn f_22_two_long_messages_with_one_reference() {
    let order = |seed| {
        let mut bench = Bench::set_up(LabConfig { seed, ..quick(1) }, "+CNMI=2,1,0,1,0");
        bench.fault(Fault::once(FaultKind::Interleaved));
        let parts = delivers(&bench.say(0, "AT+CMGL=4\r"));
        let keys = parts.iter().map(|part| (part.ud.udh.concat().unwrap(), part.oa.to_string()));
        keys.map(|(concat, from)| (concat.reference, from, concat.seq)).collect::<Vec<_>>()
    };
    let parts = order(1);
    assert_eq!(parts.len(), 6);
    assert!(parts.iter().all(|(reference, ..)| *reference == parts[0].0));
    let sequence =
        |parts: Vec<(u16, String, u8)>| parts.into_iter().map(|(_, from, seq)| (from, seq)).collect::<Vec<_>>();
    assert_ne!(sequence(parts), sequence(order(2)), "the seed decides");
}

#[test]
fn f_24_the_sim_is_away_right_after_a_part() {
    let mut bench = bench(FaultKind::SimLost { back: SECOND });
    let heard = bench.send(0, &message());
    mr(heard.strip_suffix("\r\n+CPIN: NOT INSERTED\r\n").unwrap());
    assert_eq!(bench.say(0, "AT+CMGS=20\r"), "\r\n+CME ERROR: 10\r\n");
    bench.wait(0, SECOND);
    mr(&bench.send(0, &message()));
}

#[test]
fn f_27_the_port_is_another_one() {
    let mut mute = bench(FaultKind::OtherPort { nmea: false });
    assert_eq!(mute.say(0, "AT\r"), "");
    assert_eq!(mute.wait(0, 100 * SECOND), "");
    let mut nmea = bench(FaultKind::OtherPort { nmea: true });
    assert_eq!(nmea.wait(0, 9500 * MS).matches("$GPRMC").count(), 10);
    assert_eq!(nmea.say(0, "AT\r"), "");
    nmea.network.clear_faults(None).unwrap();
    assert_eq!(nmea.say(0, "AT\r"), OK);
}

#[test]
fn f_28_the_plug_falls_out_again_and_again() {
    let mut bench = bench(FaultKind::Drops { every: 90 * SECOND, back: 2 * SECOND });
    bench.wait(0, 185 * SECOND);
    let seconds: Vec<u64> = bench.plugs.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [90, 92, 182, 184]);
    bench.network.clear_faults(None).unwrap();
    bench.wait(0, 1000 * SECOND);
    assert_eq!(bench.plugs.len(), 4);
}

#[test]
fn f_29_a_reset_takes_its_time() {
    let mut bench = bench(FaultKind::SlowReset { back: 60 * SECOND });
    assert_eq!(bench.say(0, "AT+CFUN=1,1\r"), OK);
    bench.wait(0, 61 * SECOND);
    let seconds: Vec<u64> = bench.plugs.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [0, 60]);
    bench.say(0, "ATE0+CFUN=1,1\r");
    bench.wait(0, 100 * SECOND);
    assert_eq!(bench.plugs.len(), 2, "once");
}

#[test]
fn f_31_another_program_is_on_the_line() {
    let mut ok = bench(FaultKind::Foreigner { foreign: Foreign::Ok });
    assert_eq!(ok.say(0, "AT+CSQ\r"), format!("{OK}\r\n+CSQ: 22,99\r\n\r\nOK\r\n"));
    let mut stolen = bench(FaultKind::Foreigner { foreign: Foreign::Stolen });
    let heard = stolen.say(0, "AT+CMGL=?;+CNMI=?\r");
    let whole = stolen.say(0, "AT+CMGL=?;+CNMI=?\r");
    assert!(heard.len() < whole.len() && whole.ends_with(OK), "{heard:?}");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (json, reason) in [
        (r#"{"fault":"F-01","most":0}"#, "pieces have"),
        (r#"{"fault":"F-04","noise":"nuls","octets":300000}"#, "noise has"),
        (r#"{"fault":"F-05","for_ms":0}"#, "for_ms is 0"),
        (r#"{"fault":"F-06","for_ms":0}"#, "for_ms is 0"),
        (r#"{"fault":"F-14","for_ms":0}"#, "for_ms is 0"),
        (r#"{"fault":"F-19","swapped":true}"#, "needs back_ms"),
        (r#"{"fault":"F-21","network":"denied","for_ms":0}"#, "for_ms is 0"),
        (r#"{"fault":"F-28","every_ms":1,"back_ms":2}"#, "before it is back"),
    ] {
        let fault = serde_json::from_str(json).unwrap();
        let error = Network::new(&quick(1), 0).unwrap().add_fault(Moment::ZERO, fault).unwrap_err().to_string();
        assert!(error.contains(reason), "{json}: {error}");
    }
}
