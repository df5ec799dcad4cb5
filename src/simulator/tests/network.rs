//! Messages between modems and centre, in virtual time.

use super::*;

#[test]
fn latency_holds_back_the_final_code_only() {
    let mut bench = Bench::set_up(LabConfig { latency: 800 * MS, ..quick(1) }, "");
    assert_eq!(bench.send(0, &submit("+491701234567", "x")), "");
    assert_eq!(bench.accepted(), [""; 0], "not accepted before it is");
    // What is said meanwhile waits.
    assert_eq!(bench.say(0, "AT\r"), "");
    assert_eq!(bench.wait(0, 799 * MS), "");
    let heard = bench.wait(0, MS);
    assert!(heard.starts_with("\r\n+CMGS: ") && heard.ends_with("\r\nOK\r\n\r\nOK\r\n"), "{heard:?}");
    assert_eq!(bench.at(|what| matches!(what, What::Submit { .. })), [800 * MS]);
}

#[test]
fn baud_paces_both_ways() {
    // 10 bits an octet: 1 ms at 10,000 baud. "AT\r" takes 3 ms, its echo ends 1 ms later, "\r\nOK\r\n" takes 6 ms.
    let mut bench = Bench::new(LabConfig { baud: 10_000, ..quick(1) });
    assert_eq!(bench.say(0, "AT\r"), "");
    assert_eq!(bench.wait(0, 3 * MS), "AT", "the echo goes on while the rest comes in");
    assert_eq!(bench.wait(0, MS), "\r");
    assert_eq!(bench.wait(0, 5 * MS), "");
    assert_eq!(bench.wait(0, MS), "\r\nOK\r\n");
}

#[test]
fn reports_come_as_cnmi_says() {
    let config = LabConfig { report_delay: 2 * SECOND, ..quick(1) };
    let message = with_report(submit("+491701234567", "x"));

    let mut bench = Bench::set_up(config.clone(), "+CNMI=2,1,0,1,0");
    let sent = mr(&bench.send(0, &message));
    assert_eq!(bench.wait(0, 1999 * MS), "");
    let heard = bench.wait(0, MS);
    assert!(heard.starts_with("\r\n+CDS: "), "{heard:?}");
    let [report] = &reports(&heard)[..] else { panic!("{heard:?}") };
    assert_eq!((report.mr, report.ra.to_string(), report.st.0), (MessageReference(sent), "+491701234567".into(), 0));
    assert_eq!(report.scts.unix_seconds(), Some(EPOCH));
    assert_eq!(report.dt.unix_seconds(), Some(EPOCH + 2));
    assert_eq!(report.scts.offset_quarters(), 4);
    assert_eq!(bench.say(0, "AT+CNMA\r"), "\r\n+CMS ERROR: 340\r\n", "not asked for with CSMS 0");

    let mut bench = Bench::set_up(config.clone(), "+CNMI=2,1,0,2,0");
    bench.send(0, &message);
    assert_eq!(bench.wait(0, 2 * SECOND), "\r\n+CDSI: \"SM\",1\r\n");
    assert_eq!(reports(&bench.say(0, "AT+CMGR=1\r")).len(), 1);

    // Without ds they wait in the network until there is one.
    let mut bench = Bench::set_up(config, "+CNMI=2,1,0,0,0");
    bench.send(0, &message);
    assert_eq!(bench.wait(0, 10 * SECOND), "");
    let heard = bench.say(0, "AT+CNMI=2,1,0,1,0\r");
    assert!(heard.starts_with("\r\nOK\r\n\r\n+CDS: "), "{heard:?}");
    assert_eq!(reports(&heard).len(), 1);
}

#[test]
fn no_report_unless_asked_for() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,1,0");
    mr(&bench.send(0, &submit("+491701234567", "x")));
    assert_eq!(bench.wait(0, 10 * SECOND), "");
}

#[test]
fn routed_with_csms_1_wants_an_acknowledgement() {
    let mut bench = Bench::set_up(quick(1), "+CSMS=1;+CNMI=2,2,0,1,0");
    bench.network.inject(bench.now, 0, "+491701", "one").unwrap();
    bench.network.inject(bench.now, 0, "+491701", "two").unwrap();
    assert_eq!(text_of(&delivers(&bench.heard(0))), "one", "the second waits for the first");
    let heard = bench.say(0, "AT+CNMA\r");
    assert!(heard.contains("\r\nOK\r\n") && text_of(&delivers(&heard)) == "two", "{heard:?}");
    assert_eq!(bench.count(|what| matches!(what, What::Acked { .. })), 1);

    // 15 s without: back to the network, and nothing is routed or reported any more.
    bench.wait(0, 15 * SECOND);
    assert_eq!(bench.count(|what| matches!(what, What::Returned { .. })), 1);
    assert_eq!(bench.say(0, "AT+CNMI?\r"), "\r\n+CNMI: 2,0,0,0,0\r\n\r\nOK\r\n");
    assert_eq!(bench.network.stats(0).unwrap().1, 1);
    let heard = bench.say(0, "AT+CNMI=2,2,0,1,0\r");
    assert_eq!(text_of(&delivers(&heard)), "two");
    // A negative one gives it back too.
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CNMA=2\r"))), "two");
    assert_eq!(bench.say(0, "AT+CNMA=0\r"), "\r\nOK\r\n");
}

#[test]
fn stored_messages_are_listed_read_and_deleted() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,0,0");
    bench.network.inject(bench.now, 0, "Bank", "Ünder 5 €").unwrap();
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",1\r\n");
    let listed = bench.say(0, "AT+CMGL=0\r");
    let [deliver] = &delivers(&listed)[..] else { panic!("{listed:?}") };
    assert_eq!((deliver.oa.to_string(), deliver.scts.unix_seconds()), ("Bank".to_owned(), Some(EPOCH)));
    assert_eq!(text_of(&delivers(&listed)), "Ünder 5 €");
    assert_eq!(bench.say(0, "AT+CMGL=0\r"), "\r\nOK\r\n", "it is read now");
    let read = bench.say(0, "AT+CMGR=1\r");
    assert!(read.starts_with("\r\n+CMGR: 1,,"), "{read:?}");
    assert_eq!(bench.say(0, "AT+CMGD=1\r"), "\r\nOK\r\n");
    assert_eq!(bench.say(0, "AT+CMGR=1\r"), "\r\n+CMS ERROR: 321\r\n");
    let words = |what: &What| match what {
        What::Arrive { .. } => "arrive",
        What::Stored { .. } => "stored",
        What::Read { .. } => "read",
        What::Deleted { .. } => "deleted",
        other => panic!("{other:?}"),
    };
    let story: Vec<&str> = bench.records.iter().map(|record| words(&record.what)).collect();
    assert_eq!(story, ["arrive", "stored", "read", "deleted"]);
}

#[test]
fn what_finds_no_slot_waits_in_the_network() {
    let mut bench = Bench::set_up(LabConfig { slots: 2, ..quick(1) }, "+CNMI=2,1,0,1,0");
    for n in 1..=4 {
        bench.network.inject(bench.now, 0, "+491701", &format!("text {n}")).unwrap();
    }
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"SM\",1\r\n\r\n+CMTI: \"SM\",2\r\n");
    assert_eq!(bench.network.stats(0).unwrap().1, 2);
    // A report is not held up by messages.
    bench.send(0, &with_report(submit("+491701234567", "x")));
    bench.wait(0, MS);
    assert_eq!(bench.count(|what| matches!(what, What::Routed { .. })), 1);
    let heard = bench.say(0, "AT+CMGD=2\r");
    assert!(heard.contains("\r\nOK\r\n") && heard.contains("+CMTI: \"SM\",2"), "{heard:?}");
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGR=2\r"))), "text 3");
    bench.say(0, "AT+CMGD=1,4\r");
    assert_eq!(bench.network.stats(0).unwrap().1, 0);
}

#[test]
fn urcs_wait_at_the_prompt_and_with_mode_0() {
    let mut bench = Bench::set_up(LabConfig { latency: SECOND, ..quick(1) }, "+CNMI=2,1,0,0,0");
    let (line, octets) = pdu(&submit("+491701234567", "x"));
    assert_eq!(bench.say(0, &format!("AT+CMGS={octets}\r")), "\r\n> ");
    bench.network.inject(bench.now, 0, "+491701", "one").unwrap();
    assert_eq!(bench.say(0, &line), "");
    bench.say(0, "\x1a");
    bench.network.inject(bench.now, 0, "+491701", "two").unwrap();
    // Between the payload and +CMGS they come.
    let heard = bench.wait(0, SECOND);
    let (one, two) = (heard.find("\"SM\",1").unwrap(), heard.find("\"SM\",2").unwrap());
    assert!(one < two && two < heard.find("+CMGS").unwrap(), "{heard:?}");

    let mut bench = Bench::set_up(quick(1), "+CNMI=0,1,0,0,0");
    bench.network.inject(bench.now, 0, "+491701", "one").unwrap();
    assert_eq!(bench.heard(0), "");
    assert_eq!(bench.say(0, "AT+CNMI=2,1\r"), "\r\nOK\r\n\r\n+CMTI: \"SM\",1\r\n");
}

#[test]
fn sims_text_each_other_and_know_when_it_is_there() {
    let config = LabConfig { slots: 1, report_delay: 3 * SECOND, ..quick(2) };
    let mut bench = Bench::set_up(config, "+CNMI=2,1,0,1,0");
    for text in ["one", "two"] {
        bench.send(0, &with_report(submit(&LabConfig::number(1), text)));
    }
    assert_eq!(bench.heard(1), "\r\n+CMTI: \"SM\",1\r\n");
    let heard = bench.wait(0, 10 * SECOND);
    assert_eq!(reports(&heard).len(), 1, "the second has no slot yet: {heard:?}");
    let read = bench.say(1, "AT+CMGR=1\r");
    assert_eq!(delivers(&read)[0].oa.to_string(), LabConfig::number(0));
    assert!(delivers(&read)[0].sri);
    bench.say(1, "AT+CMGD=1\r");
    assert_eq!(bench.wait(0, 2 * SECOND), "");
    assert_eq!(reports(&bench.wait(0, SECOND)).len(), 1);
    // To itself, too.
    bench.send(1, &submit(&LabConfig::number(1), "me"));
    bench.say(1, "AT+CMGD=1\r");
    assert_eq!(text_of(&delivers(&bench.say(1, "AT+CMGR=1\r"))), "me");
}

#[test]
fn the_echo_phone_answers_every_text_with_the_same_text() {
    let config = LabConfig { echo_delay: 1500 * MS, ..quick(2) };
    let echo = config.echo_number.clone();
    let long = "Ein langer Text mit Ümlauten, [Klammern] und €. ".repeat(10);
    let emoji = "Grüße 🎉 ".repeat(20);
    for text in ["hello", "", "Привет 🎉", long.trim_end(), emoji.trim_end()] {
        let mut bench = Bench::set_up(config.clone(), "+CNMI=2,1,0,0,0");
        let parts = parts(&echo, text, 0x42);
        // In any order: the last part first.
        for part in parts.iter().rev() {
            mr(&bench.send(0, part));
        }
        assert_eq!(bench.wait(0, 1499 * MS), "");
        let urcs = bench.wait(0, MS).matches("+CMTI").count();
        assert_eq!(urcs, parts.len(), "{text}");
        let heard = bench.say(0, "AT+CMGL=4\r");
        let delivers = delivers(&heard);
        assert_eq!(text_of(&delivers), text);
        assert!(delivers.iter().all(|deliver| deliver.oa.to_string() == echo));
        let seqs: Vec<u8> = delivers.iter().filter_map(|d| d.ud.udh.concat()).map(|c| c.seq).collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as u8), "{seqs:?}");
        assert_eq!(bench.wait(1, 10 * SECOND), "", "nobody else hears it");
    }
}

#[test]
fn the_echo_phone_waits_for_all_parts() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,0,0");
    let echo = LabConfig::default().echo_number;
    let parts = parts(&echo, &"long ".repeat(80), 9);
    assert_eq!(parts.len(), 3);
    for part in &parts[..2] {
        bench.send(0, part);
    }
    // A part that comes twice is no other part.
    bench.send(0, &parts[1]);
    assert_eq!(bench.wait(0, 60 * SECOND), "");
    bench.send(0, &parts[2]);
    bench.wait(0, SECOND);
    assert_eq!(delivers(&bench.say(0, "AT+CMGL=4\r")).len(), 3);
}

#[test]
fn the_duplicate_filter_knows_what_it_accepted() {
    let config = LabConfig { duplicate_filter: true, honours_mr: true, ..quick(1) };
    let mut bench = Bench::set_up(config, "");
    let first = mr(&bench.send(0, &submit("+491701234567", "x")));
    let again = Submit { rd: true, mr: MessageReference(first), ..submit("+491701234567", "x") };
    assert_eq!(bench.send(0, &again), "\r\n+CMS ERROR: 197\r\n");
    let other = Submit { da: Address::from_number("+491709999999"), ..again.clone() };
    assert_eq!(mr(&bench.send(0, &other)), first, "the modem keeps the reference");
    let fresh = Submit { mr: MessageReference(first.wrapping_add(100)), ..again };
    mr(&bench.send(0, &fresh));
    assert_eq!(bench.count(|what| matches!(what, What::Submit { ok: false, code: Some(197), .. })), 1);
    // Without the filter all is accepted.
    let mut bench = Bench::set_up(LabConfig { honours_mr: true, ..quick(1) }, "");
    mr(&bench.send(0, &other));
    mr(&bench.send(0, &other));
}

#[test]
fn references_are_counted_on_the_sim_and_wrap() {
    let mut bench = Bench::set_up(quick(1), "");
    let first = mr(&bench.send(0, &submit("+491701234567", "0")));
    for n in 1..300_u16 {
        let got = mr(&bench.send(0, &submit("+491701234567", &n.to_string())));
        assert_eq!(got, first.wrapping_add(n as u8));
    }
    // A power cut does not matter to the SIM.
    bench.network.unplug(bench.now, 0, None).unwrap();
    bench.network.plug(bench.now, 0).unwrap();
    bench.say(0, "ATE0\r");
    assert_eq!(mr(&bench.send(0, &submit("+491701234567", "x"))), first.wrapping_add(300_u16 as u8));
    assert_eq!(bench.accepted().len(), 301);
}

#[test]
fn the_log_has_what_a_judge_needs() {
    let mut bench = Bench::set_up(LabConfig { latency: 5 * MS, ..quick(1) }, "");
    bench.now = 3 * MS;
    let part = with_report(parts("+491701234567", &"Ä".repeat(200), 0x21).remove(1));
    let (line, octets) = pdu(&part);
    bench.say(0, &format!("AT+CMGS={octets}\r"));
    bench.now = 4 * MS;
    bench.say(0, &format!("{line}\x1a"));
    let counted = mr(&bench.wait(0, 5 * MS));
    let json = serde_json::to_value(&bench.records[0]).unwrap();
    let us = EPOCH * 1_000_000;
    let want = serde_json::json!({
        "seq": 1, "at_us": us + 9_000, "modem": 0, "sim": LabConfig::iccid(0), "event": "submit", "ok": true,
        "code": null, "cmgs_at_us": us + 3_000, "payload_at_us": us + 4_000, "to": "+491701234567", "mr": counted,
        "text": "Ä".repeat(47), "reference": 0x21, "parts": 2, "part": 2, "srr": true, "rd": false, "dcs": 0,
        "pdu": line,
    });
    assert_eq!(json, want);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut bench = Bench::set_up(LabConfig { seed, ..quick(2) }, "+CNMI=2,1,0,1,0");
        bench.network.inject(bench.now, 1, "+491701", &"long ".repeat(60)).unwrap();
        bench.fault(Fault::once(FaultKind::OddFinal { answer: OddFinal::Garbage }));
        let said = bench.send(0, &with_report(submit(&LabConfig::number(1), "x")));
        (said, bench.wait(0, SECOND), bench.records)
    };
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}

#[test]
fn unplugged_modems_lose_settings_and_keep_messages() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,1,0;+CPMS=\"ME\",\"ME\",\"ME\"");
    bench.network.inject(bench.now, 0, "+491701", "kept").unwrap();
    assert_eq!(bench.heard(0), "\r\n+CMTI: \"ME\",1\r\n");
    bench.network.unplug(bench.now, 0, Some(2 * SECOND)).unwrap();
    assert!(!bench.network.is_plugged(0));
    bench.network.inject(bench.now, 0, "+491701", "meanwhile").unwrap();
    assert_eq!(bench.say(0, "AT\r"), "", "nobody hears it");
    bench.wait(0, 2 * SECOND);
    assert_eq!(bench.plugs, [(Moment::ZERO, PlugEvent::Unplugged(0)), (2 * SECOND, PlugEvent::Plugged(0))]);
    assert_eq!(bench.say(0, "AT\r"), "AT\r\r\nOK\r\n", "the echo is on again");
    let heard = bench.say(0, "ATE0+CNMI?;+CPMS?\r");
    assert!(heard.contains("+CNMI: 0,0,0,0,0") && heard.contains("+CPMS: \"SM\",1,30"), "{heard:?}");
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGR=1\r"))), "meanwhile");
    bench.say(0, "AT+CPMS=\"ME\"\r");
    assert_eq!(text_of(&delivers(&bench.say(0, "AT+CMGR=1\r"))), "kept");
}

#[test]
fn a_verdict_that_finds_the_modem_replugged_is_not_taken_for_another() {
    let mut bench = Bench::set_up(LabConfig { latency: SECOND, ..quick(1) }, "");
    bench.send(0, &submit("+491701", "one"));
    bench.network.unplug(bench.now, 0, None).unwrap();
    bench.network.plug(bench.now, 0).unwrap();
    bench.wait(0, SECOND / 2);
    bench.say(0, "ATE0\r");
    bench.send(0, &submit("+491701", "two"));
    assert_eq!(bench.wait(0, SECOND / 2), "");
    assert_eq!(bench.accepted(), ["one"], "what was on the air stays there");
    mr(&bench.wait(0, SECOND / 2));
    assert_eq!(bench.accepted(), ["one", "two"]);
}

#[test]
fn without_radio_nothing_comes() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,1,0;+CFUN=4");
    bench.network.inject(bench.now, 0, "+491701", "x").unwrap();
    assert_eq!(bench.heard(0), "");
    assert_eq!(bench.say(0, "AT+CREG?\r"), "\r\n+CREG: 0,0\r\n\r\nOK\r\n");
    assert_eq!(bench.say(0, "AT+CFUN=1\r"), "\r\nOK\r\n\r\n+CMTI: \"SM\",1\r\n");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut network = Network::new(&quick(1), 0).unwrap();
    let now = Moment::ZERO;
    assert!(matches!(network.inject(now, 1, "+1", "x"), Err(NetworkError::NoModem(1))));
    assert!(matches!(network.inject(now, 0, "+1", &"x".repeat(50_000)), Err(NetworkError::Text(_))));
    assert!(matches!(network.inject(now, 0, "a name that is too long", "x"), Err(NetworkError::Encode(_))));
    assert!(matches!(network.inject(now, 0, "+123456789012345678901", "x"), Err(NetworkError::Encode(_))));
    assert!(matches!(network.plug(now, 9), Err(NetworkError::NoModem(9))));
    let urc = FaultKind::UrcInside { place: UrcPlace::Prompt, urc: "a\r\nb".into() };
    assert!(matches!(network.add_fault(now, Fault::once(urc)), Err(NetworkError::Fault(_))));
    let lost = Fault::once(FaultKind::FinalLost);
    (0..FAULTS_MAX).for_each(|_| network.add_fault(now, lost.clone()).unwrap());
    assert!(matches!(network.add_fault(now, lost), Err(NetworkError::Fault(_))));
    assert!(matches!(network.stats(3), Err(NetworkError::NoModem(3))));
}

#[test]
fn raw_octets_arrive_as_they_are() {
    let mut bench = Bench::set_up(quick(1), "+CNMI=2,1,0,0,0");
    for (at, raw) in [vec![], vec![0], vec![0xFF, 0xFF], vec![0x00, 0x04, 0x99], vec![7; 200]].into_iter().enumerate() {
        bench.network.inject_pdu(bench.now, 0, raw.clone()).unwrap();
        let heard = bench.say(0, &format!("AT+CMGR={}\r", at + 1));
        assert!(heard.contains(&format!("\r\n{}\r\n\r\nOK\r\n", hex::encode(&raw))), "{heard:?}");
    }
}
