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
