//! The driver against scripted modems, in paused time.

use super::fake::{Bench, DELIVER, PDU, Script, Submit};
use super::{Disposal, LaneEventKind, Place};
use crate::model::{AttemptId, ModemPhase, SendOutcome, UncertainReason};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

fn submits(submits: impl IntoIterator<Item = Submit>) -> Script {
    Script { submits: submits.into_iter().collect(), ..Script::default() }
}

fn answers(answers: &[(&'static str, &[&'static str])]) -> Script {
    let answers = answers.iter().map(|(head, texts)| (*head, texts.iter().copied().collect()));
    Script { answers: answers.collect::<HashMap<_, _>>(), ..Script::default() }
}

fn not_sent(outcome: &SendOutcome) -> (Option<u16>, &str) {
    match outcome {
        SendOutcome::NotSent { code, detail } => (*code, detail),
        other => panic!("{other:?}"),
    }
}

fn uncertain(reason: UncertainReason) -> SendOutcome {
    SendOutcome::Uncertain { reason, code: None }
}

/// What is said before the first part may go out.
const ESSENTIAL: &[&str] = &[
    "ESC",
    "AT",
    "ATE0V1",
    "AT+CMEE=1",
    "AT+CGSN",
    "AT+CGMI",
    "AT+CGMM",
    "AT+CPIN?",
    "AT+CCID",
    "AT+CMGF=0",
    "AT+CPMS=?",
    "AT+CPMS=\"ME\",\"SM\",\"ME\"",
    "AT+CSMS=?",
    "AT+CSMS=1",
    "AT+CNMI=?",
    "AT+CNMI=2,1,0,2,0",
    "AT+CNMI?",
    "AT+CREG=2",
    "AT+CREG?",
];

/// What is said when the line is free.
const AFTERWARDS: &[&str] = &[
    "AT+CMGL=4",
    "AT+CPMS=\"SM\"",
    "AT+CMGL=4",
    "AT&D0",
    "AT+CLIP=1",
    "AT+CEREG=2",
    "AT+CEREG?",
    "AT+CGREG=2",
    "AT+CGREG?",
    "AT+COPS?",
    "AT+CSQ",
    "AT+CIMI",
    "AT+CGMR",
    "AT+CSCA?",
    "AT+CNUM",
    "AT+CPMS=\"ME\",\"SM\",\"ME\"",
];

#[tokio::test(start_paused = true)]
async fn bring_up_asks_first_and_lets_sending_begin_before_the_rest() {
    let mut bench = Bench::start([]);
    let status = bench.phase(ModemPhase::Ready).await;
    let before = ESSENTIAL.iter().chain(&["AT+CMGL=4"]).copied().collect::<Vec<_>>();
    assert_eq!(bench.sent(), before[..bench.sent().len()]);
    assert_eq!(status.label.as_str(), "modem-0000");
    assert_eq!(status.sim.map(|sim| sim.iccid.as_str().to_owned()).as_deref(), Some("8949000000000001000"));
    bench.settle().await;
    assert_eq!(bench.sent()[..ESSENTIAL.len()], *ESSENTIAL);
    assert_eq!(bench.sent()[ESSENTIAL.len()..], *AFTERWARDS);
    let sim = bench.handle.status.borrow().sim.clone().unwrap();
    assert_eq!((sim.operator.as_deref(), sim.signal_dbm, sim.imsi.is_some()), (Some("SimNet"), Some(-73), true));
}

#[tokio::test(start_paused = true)]
async fn an_idle_modem_is_asked_whether_it_is_there_and_every_minute_what_it_has() {
    let bench = Bench::ready(Script::default()).await;
    bench.settle().await;
    let before = bench.sent().len();
    sleep(Duration::from_secs(19)).await;
    assert_eq!(bench.sent().len(), before);
    sleep(Duration::from_secs(42)).await;
    assert_eq!(bench.sent()[before..], ["AT", "AT", "AT+CSQ", "AT+CPMS?"]);
}

#[tokio::test(start_paused = true)]
async fn the_payload_waits_for_prompt_and_armed_mark() {
    let mut bench = Bench::ready(submits([Submit::accept(7)])).await;
    let arm = bench.give().await;
    assert_eq!(bench.event().await, LaneEventKind::Started(AttemptId(1)));
    sleep(Duration::from_secs(15)).await;
    assert_eq!((bench.count("AT+CMGS=14"), bench.count(PDU)), (1, 0));
    arm.send(true).unwrap();
    assert_eq!(bench.ended().await, SendOutcome::Accepted { mr: Some(7) });
    assert_eq!(bench.count(&format!("{PDU}^Z")), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_command_is_written_before_the_last_end_is_told() {
    let mut bench = Bench::ready(submits([Submit::accept(1), Submit::accept(2)])).await;
    bench.settle().await;
    let first = bench.give().await;
    let second = bench.give().await;
    assert_eq!(bench.event().await, LaneEventKind::Started(AttemptId(1)));
    first.send(true).unwrap();
    assert_eq!(bench.ended().await, SendOutcome::Accepted { mr: Some(1) });
    // Together with the end, without waiting.
    assert_eq!(bench.lane.try_recv().unwrap().kind, LaneEventKind::Started(AttemptId(2)));
    second.send(true).unwrap();
    assert_eq!(bench.ended().await, SendOutcome::Accepted { mr: Some(2) });
}

#[tokio::test(start_paused = true)]
async fn what_came_in_gets_its_turn_while_parts_wait() {
    let script = Script {
        submits: (0..20).map(Submit::accept).collect(),
        slots: (1..=5).map(|index| (index, DELIVER.to_owned())).collect(),
        ..Script::default()
    };
    let mut bench = Bench::ready(script).await;
    for sent in 0..20 {
        bench.send().await;
        while let Ok(received) = bench.received.try_recv() {
            received.stored.send(Disposal::Delete).unwrap();
        }
        if bench.count("AT+CMGD=") == 5 {
            assert!(sent < 10);
            return;
        }
    }
    panic!("nothing was deleted while sending: {:?}", bench.sent());
}

#[tokio::test(start_paused = true)]
async fn a_part_is_taken_back_with_esc() {
    let mut bench = Bench::ready(submits([Submit::accept(1), Submit::accept(2)])).await;
    for withdraw in [true, false] {
        let arm = bench.give().await;
        bench.event().await;
        if withdraw {
            arm.send(false).unwrap()
        } else {
            drop(arm)
        }
        assert_eq!(bench.ended().await, SendOutcome::Withdrawn);
    }
    assert_eq!((bench.count(PDU), bench.count("ESC")), (0, 3));
    assert!(matches!(bench.send().await, SendOutcome::Accepted { .. }));
}

#[tokio::test(start_paused = true)]
async fn table_of_ends_before_ctrl_z() {
    for (name, submit, want) in [
        ("refused", Submit::Refuse("\r\n+CMS ERROR: 331\r\n".to_owned()), (Some(331), "+CMS ERROR: 331")),
        ("busy", Submit::Refuse("\r\n+CME ERROR: 515\r\n".to_owned()), (Some(515), "+CME ERROR: 515")),
        ("error", Submit::Refuse("\r\nERROR\r\n".to_owned()), (None, "ERROR")),
        ("no prompt", Submit::NoPrompt, (None, "no prompt within 10 s")),
        ("left with OK", Submit::Leave("\r\nOK\r\n"), (None, "the modem left the prompt")),
        ("left with an error", Submit::Leave("\r\n+CMS ERROR: 500\r\n"), (Some(500), "+CMS ERROR: 500")),
    ] {
        let mut bench = Bench::ready(submits([submit, Submit::accept(3)])).await;
        assert_eq!(not_sent(&bench.send().await), want, "{name}");
        assert_eq!(bench.send().await, SendOutcome::Accepted { mr: Some(3) }, "after {name}");
        assert_eq!(bench.count(PDU), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn table_of_ends_after_ctrl_z() {
    for (name, octets, want) in [
        ("no reference", "\r\nOK\r\n", SendOutcome::Accepted { mr: None }),
        ("garbage", "\r\n+CMGS: 256\r\n\r\nOK\r\n", SendOutcome::Accepted { mr: None }),
        ("two", "\r\n+CMGS: 1\r\n+CMGS: 2\r\n\r\nOK\r\n", SendOutcome::Accepted { mr: None }),
        ("no OK", "\r\n+CMGS: 5\r\n", SendOutcome::Accepted { mr: Some(5) }),
        ("URC inside", "\r\n+CMTI: \"ME\",9\r\n+CMGS: 5\r\nRING\r\nOK\r\n", SendOutcome::Accepted { mr: Some(5) }),
        ("network", "\r\n+CMS ERROR: 38\r\n", SendOutcome::Rejected { code: 38 }),
        ("bare error", "\r\nERROR\r\n", uncertain(UncertainReason::Code)),
        ("nothing", "", uncertain(UncertainReason::Timeout)),
    ] {
        let mut bench = Bench::ready(submits([Submit::Answer(octets.to_owned()), Submit::accept(3)])).await;
        assert_eq!(bench.send().await, want, "{name}");
        if want == uncertain(UncertainReason::Timeout) {
            sleep(Duration::from_secs(121)).await;
        }
        assert_eq!(bench.send().await, SendOutcome::Accepted { mr: Some(3) }, "after {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_submitted_while_the_end_of_the_submit_before_may_come() {
    let hushed = (None, "waiting for the late end of the submit before");
    for (said, seconds) in [("+CMGS: 7\r\n\r\nOK", 0), ("+CMS ERROR: 38", 0), ("RING", 119)] {
        let mut bench = Bench::ready(submits([Submit::Answer(String::new()), Submit::accept(8)])).await;
        assert_eq!(bench.send().await, uncertain(UncertainReason::Timeout));
        assert_eq!(bench.phase(ModemPhase::BringUp).await.reason.as_deref(), Some(hushed.1));
        assert_eq!(not_sent(&bench.send().await), hushed);
        assert_eq!(bench.count("AT+CMGS"), 1);
        // What comes in is read meanwhile.
        bench.store(3, DELIVER);
        bench.say("+CMTI: \"ME\",3");
        assert_eq!(bench.received.recv().await.unwrap().pdu.len(), DELIVER.len() / 2);
        // An error while an exchange is under way would be the answer to that.
        bench.settle().await;
        let began = Instant::now();
        bench.say(said);
        bench.phase(ModemPhase::Ready).await;
        assert_eq!(began.elapsed().as_secs(), seconds, "{said}");
        while bench.lane.try_recv().is_ok() {}
        assert_eq!(bench.send().await, SendOutcome::Accepted { mr: Some(8) }, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_reference_is_credited_to_the_submit_it_belongs_to() {
    let mut bench = Bench::ready(submits([Submit::Answer(String::new()), Submit::accept(8)])).await;
    let began = Instant::now();
    assert_eq!(bench.send().await, uncertain(UncertainReason::Timeout));
    assert!(began.elapsed() >= Duration::from_secs(180));
    bench.say("+CMGS: 7\r\n\r\nOK");
    assert_eq!(bench.event().await, LaneEventKind::Evidence { attempt: AttemptId(1), mr: Some(7) });
    assert_eq!(bench.send().await, SendOutcome::Accepted { mr: Some(8) });
    bench.say("+CMGS: 9\r\n\r\nOK");
    bench.settle().await;
    assert!(bench.lane.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_late_reference_of_one_of_two_is_credited_to_none() {
    let silent = || Submit::Answer(String::new());
    let mut bench = Bench::ready(submits([silent(), silent()])).await;
    assert_eq!(bench.send().await, uncertain(UncertainReason::Timeout));
    sleep(Duration::from_secs(121)).await;
    assert_eq!(bench.send().await, uncertain(UncertainReason::Timeout));
    bench.say("+CMGS: 7\r\n\r\nOK");
    // The line is brought in step first.
    sleep(Duration::from_secs(5)).await;
    assert!(bench.lane.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn no_command_goes_out_between_a_timeout_and_the_barrier() {
    // The modem is busy with the network for 184 s and answers everything after that, in order.
    let late = Submit::Late(Duration::from_secs(184), "\r\n+CMGS: 7\r\n\r\nOK\r\n".to_owned());
    let mut bench = Bench::ready(submits([late, Submit::accept(8)])).await;
    assert_eq!(bench.send().await, uncertain(UncertainReason::Timeout));
    let arm = bench.give().await;
    assert_eq!(bench.event().await, LaneEventKind::Evidence { attempt: AttemptId(1), mr: Some(7) });
    assert_eq!(bench.event().await, LaneEventKind::Started(AttemptId(2)));
    arm.send(true).unwrap();
    assert_eq!(bench.ended().await, SendOutcome::Accepted { mr: Some(8) });
}

#[tokio::test(start_paused = true)]
async fn a_hang_up_at_any_step_is_uncertain_only_after_ctrl_z() {
    let mut steps = 0;
    for step in 0.. {
        let mut bench = Bench::start([Script { hang_up_at: Some(step), ..Script::default() }]);
        let status = bench.handle.status.wait_for(|status| status.opened == 2 || status.phase == ModemPhase::Ready);
        if status.await.unwrap().opened == 2 {
            bench.phase(ModemPhase::Ready).await;
            continue;
        }
        steps += 1;
        let outcome = bench.send().await;
        let given = bench.sent().iter().any(|line| line.ends_with("^Z"));
        match outcome {
            SendOutcome::NotSent { .. } => assert!(!given, "step {step}"),
            SendOutcome::Uncertain { reason, .. } => assert!(reason == UncertainReason::HangUp, "step {step}"),
            SendOutcome::Accepted { .. } => break,
            other => panic!("step {step}: {other:?}"),
        }
        bench.phase(ModemPhase::Ready).await;
    }
    assert!(steps >= 3);
}

#[tokio::test(start_paused = true)]
async fn after_a_hang_up_the_new_line_is_listened_to_before_anything_is_written() {
    let second = Script { banner: "\r\n+CMGS: 9\r\n\r\nOK\r\n", ..Script::default() };
    let mut bench = Bench::start([submits([Submit::HangUpAfterCtrlZ]), second]);
    bench.phase(ModemPhase::Ready).await;
    assert_eq!(bench.send().await, uncertain(UncertainReason::HangUp));
    let sent = bench.sent().len();
    assert_eq!(bench.event().await, LaneEventKind::Evidence { attempt: AttemptId(1), mr: Some(9) });
    assert_eq!(bench.sent().len(), sent);
    bench.phase(ModemPhase::Ready).await;
}

#[tokio::test(start_paused = true)]
async fn a_submit_of_the_last_process_is_listened_for_at_most_five_seconds() {
    let listen = Some((AttemptId(42), Duration::from_secs(100)));
    let heard = Script { banner: "\r\n+CMGS: 9\r\n\r\nOK\r\n", ..Script::default() };
    let mut bench = Bench::start_listening([heard], listen);
    assert_eq!(bench.event().await, LaneEventKind::Evidence { attempt: AttemptId(42), mr: Some(9) });

    let mut bench = Bench::start_listening([], listen);
    let began = Instant::now();
    sleep(Duration::from_millis(4900)).await;
    assert!(bench.sent().is_empty());
    bench.phase(ModemPhase::Ready).await;
    assert!(began.elapsed() < Duration::from_secs(6));
    // What comes after the modem has answered in step cannot be that one's.
    bench.say("+CMGS: 9\r\n\r\nOK");
    bench.settle().await;
    assert!(bench.lane.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_stalls_is_not_sent() {
    let script = Script { line: Some(16), ..submits([Submit::Deaf]) };
    let mut bench = Bench::ready(script).await;
    bench.settle().await;
    let arm = bench.give().await;
    bench.event().await;
    bench.settle().await;
    let began = Instant::now();
    arm.send(true).unwrap();
    assert_eq!(not_sent(&bench.ended().await), (None, "the modem took nothing for 5 s"));
    assert_eq!(began.elapsed().as_secs(), 5);
    bench.phase(ModemPhase::Ready).await;
}

#[tokio::test(start_paused = true)]
async fn an_unarmed_prompt_is_not_held_for_ever() {
    let mut bench = Bench::ready(Script::default()).await;
    let _arm = bench.give().await;
    bench.event().await;
    assert_eq!(not_sent(&bench.ended().await), (None, "not armed within 20 s"));
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_pdu_reaches_the_prompt() {
    for (pdu, octets) in [("0011\r", 14), ("0011000B\u{1a}", 14), (PDU, 256)] {
        let mut bench = Bench::ready(Script::default()).await;
        let (_arm, armed) = tokio::sync::oneshot::channel();
        let outgoing = super::Outgoing { attempt: AttemptId(1), pdu: pdu.to_owned(), tpdu_octets: octets, armed };
        bench.handle.outgoing.send(outgoing).await.unwrap();
        not_sent(&bench.ended().await);
        assert_eq!(bench.count("AT+CMGS"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_message_is_deleted_only_when_it_is_committed() {
    let mut bench = Bench::ready(Script::default()).await;
    bench.settle().await;
    bench.store(3, DELIVER);
    bench.say("+CMTI: \"ME\",3");
    let received = bench.received.recv().await.unwrap();
    assert_eq!(received.place, Place::Stored { memory: "ME".to_owned(), index: 3 });
    assert_eq!((received.pdu.len(), received.first_sweep), (DELIVER.len() / 2, false));
    // The line is not held up meanwhile.
    assert!(matches!(bench.send().await, SendOutcome::Accepted { .. }));
    sleep(Duration::from_secs(50)).await;
    assert_eq!(bench.count("AT+CMGD"), 0);
    received.stored.send(Disposal::Delete).unwrap();
    bench.settle().await;
    assert_eq!(bench.count("AT+CMGD=3"), 1);
    assert_eq!(bench.sent().last().map(String::as_str), Some("AT+CPMS?"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_committed_stays_and_comes_again() {
    let mut bench = Bench::ready(Script { slots: [(3, DELIVER.to_owned())].into(), ..Script::default() }).await;
    let began = Instant::now();
    for want in [0, 2, 6, 14, 30] {
        let received = bench.received.recv().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), want);
        drop(received.stored);
    }
    let received = bench.received.recv().await.unwrap();
    received.stored.send(Disposal::Delete).unwrap();
    bench.settle().await;
    assert_eq!(bench.count("AT+CMGD"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_kept_is_left_alone() {
    let mut bench = Bench::ready(Script { slots: [(3, DELIVER.to_owned())].into(), ..Script::default() }).await;
    let received = bench.received.recv().await.unwrap();
    assert!(received.first_sweep);
    received.stored.send(Disposal::Keep).unwrap();
    sleep(Duration::from_secs(200)).await;
    assert_eq!((bench.count("AT+CMGD"), bench.count("AT+CMGL")), (0, 2));
    assert!(bench.received.try_recv().is_err());
}

/// What it refuses meanwhile would be missing for as long as the port is open.
#[tokio::test(start_paused = true)]
async fn a_sim_that_is_busy_is_set_up_when_it_is_free() {
    let (busy, done) = ("\r\n+CME ERROR: 515\r\n", "\r\nOK\r\n");
    for command in ["AT+CPMS=\"ME\",\"SM\",\"ME\"", "AT+CNMI=2,1,0,2,0"] {
        let bench = Bench::ready(answers(&[(command, &[busy, busy, busy, done])])).await;
        bench.settle().await;
        assert!(bench.count(command) >= 4, "{command}");
    }
}

/// What is in the other memory would never be read.
#[tokio::test(start_paused = true)]
async fn a_lost_list_of_memories_is_asked_for_again() {
    let known = "\r\n+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")\r\n\r\nOK\r\n";
    let bench = Bench::ready(answers(&[("AT+CPMS=?", &["", "\r\nOK\r\n", known])])).await;
    bench.settle().await;
    assert_eq!(bench.count("AT+CPMS=?"), 3);
    assert!(bench.count("AT+CPMS=\"ME\",\"SM\",\"ME\"") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_is_listed_and_always_refused_is_left_out() {
    let bench = Bench::ready(answers(&[("AT+CPMS=\"SM\"", &["\r\n+CMS ERROR: 302\r\n"])])).await;
    sleep(Duration::from_secs(300)).await;
    let listed = bench.count("AT+CMGL");
    sleep(Duration::from_secs(3600)).await;
    assert_eq!((bench.count("AT+CPMS=\"SM\""), bench.count("AT+CMGL")), (8, listed));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_heard_before_anything_was_set_up_sets_nothing_up_again() {
    let banner = "\r\nRDY\r\n\r\n+CPIN: READY\r\n\r\nSMS DONE\r\n";
    let bench = Bench::ready(Script { banner, ..Script::default() }).await;
    bench.settle().await;
    assert_eq!(bench.sent(), [ESSENTIAL, AFTERWARDS].concat());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_announced_is_found_within_a_minute() {
    let mut bench = Bench::ready(Script::default()).await;
    bench.settle().await;
    bench.store(5, DELIVER);
    let began = Instant::now();
    let received = bench.received.recv().await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(60) && !received.first_sweep);
}

#[tokio::test(start_paused = true)]
async fn a_full_memory_is_swept_at_once() {
    let mut bench = Bench::ready(Script::default()).await;
    bench.settle().await;
    bench.store(5, DELIVER);
    bench.say("^SMMEMFULL: \"ME\"");
    let began = Instant::now();
    bench.received.recv().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_failed_delete_is_looked_at_and_tried_again() {
    let script = Script {
        slots: [(3, DELIVER.to_owned())].into(),
        ..answers(&[("AT+CMGD=3", &["\r\n+CMS ERROR: 320\r\n", "\r\n+CMS ERROR: 320\r\n", "\r\nOK\r\n"])])
    };
    let mut bench = Bench::ready(script).await;
    bench.received.recv().await.unwrap().stored.send(Disposal::Delete).unwrap();
    sleep(Duration::from_secs(30)).await;
    // The third was answered with OK, but the message is still there: it is tried once more, not handed over again.
    assert_eq!((bench.count("AT+CMGD=3"), bench.count("AT+CMGR=3")), (4, 2));
    assert!(bench.received.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_failed_delete_whose_slot_cannot_be_read_is_tried_again() {
    let script = Script {
        slots: [(3, DELIVER.to_owned())].into(),
        ..answers(&[("AT+CMGD=3", &["\r\n+CMS ERROR: 320\r\n"]), ("AT+CMGR=3", &["\r\n+CMS ERROR: 500\r\n"])])
    };
    let mut bench = Bench::ready(script).await;
    bench.received.recv().await.unwrap().stored.send(Disposal::Delete).unwrap();
    sleep(Duration::from_secs(30)).await;
    assert!(bench.count("AT+CMGD=3") > 2);
    assert!(bench.received.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_from_a_memory_that_cannot_be_selected() {
    let (done, refused) = ("\r\n+CPMS: 0,50,0,50,0,50\r\n\r\nOK\r\n", "\r\n+CMS ERROR: 500\r\n");
    // Bring-up; going home with three and with one; then it can be selected again.
    for home in [&[done, refused, refused, done][..], &[done, "", done]] {
        let mut bench = Bench::ready(answers(&[("AT+CPMS=\"ME\"", home)])).await;
        bench.settle().await;
        bench.store(3, DELIVER);
        bench.say("+CMTI: \"ME\",3");
        let began = Instant::now();
        bench.received.recv().await.unwrap().stored.send(Disposal::Delete).unwrap();
        // A modem that said nothing has 20 s.
        assert!(began.elapsed().as_secs() < 40, "{:?}", began.elapsed());
        bench.settle().await;
        let sent = bench.sent();
        for at in (0..sent.len()).filter(|at| sent[*at].ends_with("=3") && sent[*at].starts_with("AT+CMG")) {
            let selected = sent[..at].iter().rfind(|line| line.starts_with("AT+CPMS=")).unwrap();
            assert!(selected.starts_with("AT+CPMS=\"ME\""), "{sent:?}");
        }
        assert_eq!(bench.count("AT+CMGD=3"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_choice_of_memories_only_a_known_one_is_read() {
    let refused = &["\r\n+CMS ERROR: 500\r\n"][..];
    let cannot = ("AT+CPMS=\"", refused);
    for (rules, lists) in [
        // It tells which one is selected.
        (&[cannot][..], true),
        // Two, and nobody knows which.
        (&[cannot, ("AT+CPMS?", refused)], false),
        // It knows no memories, so it has one.
        (&[cannot, ("AT+CPMS?", refused), ("AT+CPMS=?", refused)], true),
    ] {
        let script = Script { slots: [(3, DELIVER.to_owned())].into(), ..answers(rules) };
        let mut bench = Bench::ready(script).await;
        bench.settle().await;
        assert_eq!(bench.count("AT+CMGL"), usize::from(lists));
        if lists {
            bench.received.try_recv().unwrap().stored.send(Disposal::Delete).unwrap();
            bench.settle().await;
        }
        assert_eq!(bench.count("AT+CMGD=3"), usize::from(lists));
        assert!(bench.received.try_recv().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_and_what_is_routed_get_their_turn_while_parts_wait() {
    let known = "\r\n+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)\r\n\r\nOK\r\n";
    let late = |mr| Submit::Late(Duration::from_secs(1), format!("\r\n+CMGS: {mr}\r\n\r\nOK\r\n"));
    let script = Script { submits: (0..90).map(late).collect(), ..answers(&[("AT+CNMI=?", &[known])]) };
    let mut bench = Bench::ready(script).await;
    bench.settle().await;
    let mut sent = 0;
    bench
        .stream(70, |bench| {
            sent += 1;
            if sent == 10 {
                bench.say(&format!("+CDS: 25\r\n{DELIVER}"));
            }
            if let Ok(received) = bench.received.try_recv() {
                received.stored.send(Disposal::Delete).unwrap();
            }
            assert!(sent < 20 || bench.count("AT+CNMA") == 1, "not acknowledged after {sent} parts");
        })
        .await;
    assert_eq!(bench.count("AT+CPMS?"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_slot_is_no_fault() {
    let script = answers(&[("AT+CMGR=9", &["\r\n+CMS ERROR: 321\r\n"])]);
    let mut bench = Bench::ready(script).await;
    bench.settle().await;
    bench.say("+CMTI: \"ME\",9");
    sleep(Duration::from_secs(50)).await;
    assert!(bench.received.try_recv().is_err());
    assert_eq!((bench.count("AT+CMGR=9"), bench.count("AT+CMGL")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_routed_report_is_acknowledged_when_committed() {
    // A modem that stores no reports.
    let known = "\r\n+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)\r\n\r\nOK\r\n";
    let mut bench = Bench::ready(answers(&[("AT+CNMI=?", &[known])])).await;
    assert_eq!(bench.count("AT+CNMI=2,1,0,1,0"), 1);
    bench.settle().await;
    bench.say(&format!("+CDS: 25\r\n{DELIVER}"));
    let received = bench.received.recv().await.unwrap();
    assert_eq!(received.place, Place::Routed);
    bench.settle().await;
    assert_eq!(bench.count("AT+CNMA"), 0);
    received.stored.send(Disposal::Delete).unwrap();
    bench.settle().await;
    assert_eq!(bench.count("AT+CNMA"), 1);
    // One that was never acknowledged, before us or because its commit failed, stops the routing: it is set up again.
    sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.count("AT+CNMI=2,1,0,1,0"), 2);
    bench.say(&format!("+CDS: 25\r\n{DELIVER}"));
    drop(bench.received.recv().await.unwrap().stored);
    sleep(Duration::from_secs(30)).await;
    assert_eq!((bench.count("AT+CNMI=2,1,0,1,0"), bench.count("AT+CNMA")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn the_ladder_of_indications_goes_down_until_one_holds() {
    for (refused, want) in [
        (&["AT+CNMI=2,1,0,2,0"][..], "AT+CNMI=1,1,0,2,0"),
        (&["AT+CNMI=2,1,0,2,0", "AT+CNMI=1,1,0,2,0"], "AT+CNMI=2,1,0,1,0"),
        (&["AT+CNMI=2,1,0,2", "AT+CNMI=1,1", "AT+CNMI=2,1,0,1"], "AT+CNMI=2,1,0,0,0"),
    ] {
        let rules: Vec<_> = refused.iter().map(|head| (*head, &["\r\n+CMS ERROR: 303\r\n"][..])).collect();
        let bench = Bench::ready(answers(&rules)).await;
        let last = bench.sent().into_iter().rfind(|line| line.starts_with("AT+CNMI=")).unwrap();
        assert_eq!(last, want);
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_sim_blocks_and_its_pin_is_never_tried() {
    let script = answers(&[(
        "AT+CPIN?",
        &["\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n", "\r\n+CPIN: READY\r\n\r\nOK\r\n"],
    )]);
    let mut bench = Bench::start([script]);
    let status = bench.phase(ModemPhase::Blocked).await;
    assert!(status.reason.unwrap().contains("pin_file"));
    assert_eq!(not_sent(&bench.send().await), (None, "the modem is not ready"));
    bench.phase(ModemPhase::Ready).await;
    assert_eq!((bench.count("AT+CPIN="), bench.count("AT+CPIN?")), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_busy_sim_is_waited_for() {
    let busy = "\r\n+CME ERROR: 14\r\n";
    let mut bench = Bench::start([answers(&[(
        "AT+CPIN?",
        &[busy, "\r\n+CME ERROR: 515\r\n", "\r\nOK\r\n", "\r\n+CPIN:READY\r\n\r\nOK\r\n"],
    )])]);
    let began = Instant::now();
    bench.phase(ModemPhase::Ready).await;
    assert_eq!((began.elapsed().as_secs(), bench.handle.status.borrow().opened), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_begins_anew_while_its_sim_is_waited_for_is_set_up_from_the_start() {
    let busy = "\r\n+CME ERROR: 14\r\n";
    let mut bench = Bench::start([answers(&[("AT+CPIN?", &[busy, busy, "\r\n+CPIN: READY\r\n\r\nOK\r\n"])])]);
    sleep(Duration::from_millis(500)).await;
    bench.say("RDY");
    bench.phase(ModemPhase::Ready).await;
    bench.settle().await;
    assert_eq!((bench.count("ATE0V1"), bench.count("AT+CMEE=1")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn without_a_network_it_is_blocked_until_the_modem_says_otherwise() {
    let script = answers(&[
        ("AT+CREG?", &["\r\n+CREG: 2,2\r\n\r\nOK\r\n"]),
        ("AT+CEREG?", &["\r\n+CEREG: 2,0\r\n\r\nOK\r\n"]),
        ("AT+CGREG?", &["\r\n+CGREG: 2,0\r\n\r\nOK\r\n"]),
    ]);
    let mut bench = Bench::start([script]);
    let status = bench.phase(ModemPhase::Blocked).await;
    assert!(status.reason.unwrap().contains("searching"));
    bench.settle().await;
    bench.say("+CREG: 5,\"00C3\",\"A1B2\"");
    bench.phase(ModemPhase::Ready).await;
    bench.say("+CREG: 3");
    assert!(bench.phase(ModemPhase::Blocked).await.reason.unwrap().contains("denied"));
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_begins_anew_is_set_up_again() {
    let mut bench = Bench::ready(Script::default()).await;
    bench.settle().await;
    bench.say("RDY");
    bench.settle().await;
    assert_eq!((bench.count("AT+CNMI=2"), bench.count("AT+CMGL=4")), (2, 4));
    assert_eq!(bench.phase(ModemPhase::Ready).await.opened, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_port_is_opened_again_and_a_mute_one_given_up() {
    let mute = || Script { mute: true, ..Script::default() };
    let mut bench = Bench::start([Script::default(), mute(), Script::default()]);
    bench.phase(ModemPhase::Ready).await;
    bench.hang_up();
    let status = bench.phase(ModemPhase::Offline).await;
    assert_eq!(status.reason.as_deref(), Some("the port hung up"));
    let status = bench.handle.status.wait_for(|status| status.opened == 2 && status.phase == ModemPhase::Offline);
    assert_eq!(status.await.unwrap().reason.as_deref(), Some("the modem does not answer"));
    bench.phase(ModemPhase::Ready).await;
    assert_eq!(bench.handle.status.borrow().opened, 3);
}

#[tokio::test(start_paused = true)]
async fn dribbled_octets_and_chatter_change_nothing() {
    let script = Script {
        dribbles: true,
        chatter: "\r\n^RSSI:20\r\n\r\n+CREG: 1\r\n",
        banner: "\0\0\r\n^SYSSTART\r\n\u{1}\u{2}garbage",
        slots: [(3, DELIVER.to_owned())].into(),
        ..submits([Submit::accept(7)])
    };
    let mut bench = Bench::ready(script).await;
    assert_eq!(bench.send().await, SendOutcome::Accepted { mr: Some(7) });
    assert_eq!(bench.received.recv().await.unwrap().pdu.len(), DELIVER.len() / 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_an_armed_part_end_and_gives_the_rest_back() {
    let late = Submit::Late(Duration::from_secs(60), "\r\n+CMGS: 7\r\n\r\nOK\r\n".to_owned());
    let mut bench = Bench::ready(submits([late])).await;
    bench.settle().await;
    let first = bench.give().await;
    let _second = bench.give().await;
    bench.event().await;
    first.send(true).unwrap();
    bench.settle().await;
    bench.handle.stop().await;
    let mut ends = Vec::new();
    while let Ok(event) = bench.lane.try_recv() {
        ends.push(event.kind);
    }
    let refused = SendOutcome::NotSent { code: None, detail: "the gateway is stopping".to_owned() };
    assert_eq!(
        ends,
        [
            LaneEventKind::Ended(AttemptId(1), SendOutcome::Accepted { mr: Some(7) }),
            LaneEventKind::Ended(AttemptId(2), refused),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_an_unarmed_part_back_and_deletes_what_is_decided() {
    let mut bench = Bench::ready(Script { slots: [(3, DELIVER.to_owned())].into(), ..Script::default() }).await;
    let received = bench.received.recv().await.unwrap();
    let _arm = bench.give().await;
    bench.event().await;
    received.stored.send(Disposal::Delete).unwrap();
    let world = bench.world.clone();
    bench.handle.stop().await;
    let refused = SendOutcome::NotSent { code: None, detail: "the gateway is stopping".to_owned() };
    assert_eq!(bench.lane.try_recv().unwrap().kind, LaneEventKind::Ended(AttemptId(1), refused));
    assert_eq!(world.lock().unwrap().sent.last().map(String::as_str), Some("AT+CMGD=3"));
}

const LOCKED: &str = "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n";
const OPEN: &str = "\r\n+CPIN: READY\r\n\r\nOK\r\n";
const THREE: &str = "\r\n+CPINR: SIM PIN,3,3\r\n\r\nOK\r\n";

#[tokio::test(start_paused = true)]
async fn a_pin_is_written_down_before_it_is_entered() {
    let mut bench = Bench::start_with_pin([answers(&[("AT+CPIN?", &[LOCKED, LOCKED, OPEN]), ("AT+CPINR", &[THREE])])]);
    bench.phase(ModemPhase::Ready).await;
    let sent = bench.sent();
    let at = sent.iter().position(|line| line == "AT+CPIN=\"4711\"").unwrap();
    assert_eq!(sent[at - 1], "remember Tried");
    // It is believed when the SIM asks no longer.
    assert_eq!(sent[at + 1..at + 4], ["AT+CPIN?", "AT+CPIN?", "remember Accepted"]);
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_was_refused_is_not_entered_again() {
    let wrong =
        || answers(&[("AT+CPIN?", &[LOCKED]), ("AT+CPINR", &[THREE]), ("AT+CPIN=", &["\r\n+CME ERROR: 16\r\n"])]);
    let mut bench = Bench::start_with_pin([wrong(), wrong()]);
    let status = bench.phase(ModemPhase::Blocked).await;
    assert!(status.reason.unwrap().contains("has refused this PIN"));
    sleep(Duration::from_secs(60)).await;
    bench.hang_up();
    sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.count("AT+CPIN="), bench.count("remember Refused")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_is_taken_and_asked_for_again_counts_as_refused() {
    let mut bench = Bench::start_with_pin([answers(&[("AT+CPIN?", &[LOCKED]), ("AT+CPINR", &[THREE])])]);
    bench.phase(ModemPhase::Blocked).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.count("AT+CPIN="), bench.count("remember Refused")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_sim_that_is_busy_with_a_wrong_pin_is_not_given_it_again() {
    const BUSY: &str = "\r\n+CME ERROR: 14\r\n";
    const REFUSED: &str = "\r\nERROR\r\n";
    for after in [&[LOCKED, BUSY, LOCKED][..], &[LOCKED, BUSY], &[LOCKED, BUSY, BUSY, LOCKED]] {
        let script = || answers(&[("AT+CPIN?", after), ("AT+CPINR", &[REFUSED]), ("AT+CSIM", &[REFUSED])]);
        let bench = Bench::start_with_pin([script(), script()]);
        sleep(Duration::from_secs(120)).await;
        bench.hang_up();
        sleep(Duration::from_secs(120)).await;
        assert_eq!((bench.count("AT+CPIN="), bench.count("remember Accepted")), (1, 0), "{after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_two_tries_left_the_pin_is_not_entered() {
    let two = "\r\n+CPINR: SIM PIN,2,3\r\n\r\nOK\r\n";
    let mut bench = Bench::start_with_pin([answers(&[("AT+CPIN?", &[LOCKED]), ("AT+CPINR", &[two])])]);
    let status = bench.phase(ModemPhase::Blocked).await;
    assert!(status.reason.unwrap().contains("2 tries left"));
    assert_eq!((bench.count("AT+CPIN="), bench.count("remember")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn where_tries_are_not_told_the_card_is_asked() {
    let one = "\r\n+CSIM: 4,\"63C1\"\r\n\r\nOK\r\n";
    let script = answers(&[("AT+CPIN?", &[LOCKED]), ("AT+CPINR", &["\r\nERROR\r\n"]), ("AT+CSIM", &[one])]);
    let mut bench = Bench::start_with_pin([script]);
    let status = bench.phase(ModemPhase::Blocked).await;
    assert!(status.reason.unwrap().contains("one try left"));
    assert_eq!(bench.count("AT+CPIN="), 0);
}
