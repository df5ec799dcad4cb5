//! Orders of people, USSD, calls and cell broadcasts, against scripted modems in paused time.

use super::fake::{Bench, Script, Submit};
use super::{Calls, Carried, Config, Entry, LaneEventKind, Order, Outcome, TypedLine};
use crate::model::{AttemptId, ModemPhase, Notice, NoticeKind};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

fn config() -> Config {
    Config::new(0, "/dev/ttyFAKE0")
}

fn answers(answers: &[(&'static str, &'static str)]) -> Script {
    Script { answers: answers.iter().map(|(head, answer)| (*head, [*answer].into())).collect(), ..Script::default() }
}

fn typed(line: &str) -> Order {
    Order::Typed(TypedLine::try_from(line.to_owned()).unwrap())
}

fn lines(lines: &[&str], result: &str) -> Outcome {
    Ok(Carried::Lines(lines.iter().map(|line| (*line).to_owned()).collect(), result.to_owned()))
}

async fn soon(outcome: oneshot::Receiver<Outcome>) -> Outcome {
    outcome.await.unwrap()
}

fn told(bench: &mut Bench) -> Vec<Notice> {
    std::iter::from_fn(|| bench.notices.try_recv().ok()).map(|it| it.notice).collect()
}

#[tokio::test(start_paused = true)]
async fn a_typed_command_is_answered_and_what_it_may_have_changed_is_set_up_again() {
    let script = answers(&[("AT+CSQ", "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"), ("AT+CFOO", "\r\n+CME ERROR: 100\r\n")]);
    let bench = Bench::ready_as(config(), script).await;
    let before = bench.count("AT+CMGF=0");
    assert_eq!(soon(bench.order(typed("AT+CSQ")).await).await, lines(&["+CSQ: 20,99"], "OK"));
    assert_eq!(soon(bench.order(typed("AT+CREG?")).await).await, lines(&["+CREG: 2,1,\"00C3\",\"A1B2\""], "OK"));
    assert_eq!(bench.count("AT+CMGF=0"), before, "it only asked");
    assert_eq!(soon(bench.order(typed("AT+CFOO=1")).await).await, lines(&[], "+CME ERROR: 100"));
    bench.settle().await;
    assert!(bench.count("AT+CMGF=0") > before);
    assert_eq!(bench.handle.status.borrow().phase, ModemPhase::Ready);
}

#[test]
fn what_may_not_be_typed_says_why() {
    for (line, want) in [
        ("CSQ", "one command"),
        ("", "one command"),
        ("é", "one command"),
        ("AT+CSQ\rAT+CMGD=1", "one command"),
        ("AT+CSQ; + CMGS=23", "one command"),
        ("AT+CS Q", "one command"),
        ("AT +CSQ", "one command"),
        ("ATD*99#", "one command"),
        ("ata", "one command"),
        ("ATZ", "one command"),
        ("AT&F", "one command"),
        ("ATE1", "one command"),
        ("ATI+CMGS=5", "one command"),
        ("ATE0+CMGS=23", "one command"),
        ("AT+CMGS=23", "CMGS is for messages"),
        ("AT+CMGS", "CMGS is for messages"),
        ("AT+CMGD=1,4", "MGD is for messages"),
        ("AT+QMGDA=6", "MGD is for messages"),
        ("AT+CMGD=1,4?", "MGD is for messages"),
        ("AT+CPIN=\"0000\"?", "PIN may lock the SIM"),
        ("AT+CFUN=1,1?", "CFUN takes the line away"),
        ("AT+CNMA", "CNMA is for messages"),
        ("AT+CPIN=\"1234\"", "PIN may lock the SIM"),
        ("AT^CPIN=\"1234\"", "PIN may lock the SIM"),
        ("AT#SIMPIN=1", "PIN may lock the SIM"),
        ("at+clck=\"SC\",0,\"1234\"", "CLCK may lock the SIM"),
        ("AT+CPWD=\"SC\",\"1\",\"2\"", "PWD may lock the SIM"),
        ("AT+EGMR=1,7,\"123\"", "EGMR may lock the SIM"),
        ("AT+CMUX=0", "CMUX takes the line away"),
        ("AT+IPR=300", "IPR takes the line away"),
        ("AT+CFUN=1,1", "CFUN takes the line away"),
        ("AT^RESET", "RESET takes the line away"),
    ] {
        let error = TypedLine::try_from(line.to_owned()).unwrap_err().to_string();
        assert!(error.starts_with(want), "{line}: {error}");
    }
    assert!(TypedLine::try_from(format!("AT+{}", "X".repeat(300))).is_err());
    for (line, only_asks) in [
        ("AT", true),
        ("ATI", true),
        ("ati7", true),
        ("AT&V", true),
        ("AT+CSQ", true),
        ("AT+CPIN?", true),
        ("AT+CMGS=?", true),
        ("AT+CFUN?", true),
        ("AT+COPS=?", true),
        ("AT^SYSINFOEX", false),
        ("AT+CSCS=\"GSM\"", false),
        ("AT+CSQ=1", false),
    ] {
        assert_eq!(TypedLine::try_from(line.to_owned()).map(|line| line.only_asks()), Ok(only_asks), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ussd_code_is_answered_when_the_network_does_and_the_line_is_free_meanwhile() {
    let mut bench = Bench::ready_as(config(), Script::default()).await;
    let outcome = bench.order(Order::Ussd("*100#".to_owned())).await;
    bench.settle().await;
    assert_eq!(bench.sent().last().map(String::as_str), Some("AT+CUSD=1,\"*100#\",15"));
    // A part goes out while the network thinks.
    let arm = bench.give().await;
    bench.event().await;
    arm.send(true).unwrap();
    bench.ended().await;
    bench.say("+CUSD: 1,\"Balance 9,50\r\n1 Top up\",15");
    let text = "Balance 9,50\n1 Top up".to_owned();
    assert_eq!(soon(outcome).await, Ok(Carried::Ussd { text, wants_answer: true }));
    let outcome = bench.order(Order::Ussd("1".to_owned())).await;
    bench.settle().await;
    bench.say("+CUSD: 2");
    assert_eq!(soon(outcome).await, Err("the network ended it without a word".to_owned()));
    assert_eq!(told(&mut bench), []);
    bench.say("+CUSD: 0,\"You have 1 new offer\",15");
    bench.settle().await;
    let notices = told(&mut bench);
    assert_eq!((notices[0].kind, notices[0].subject.as_str()), (NoticeKind::Ussd, "over"));
    assert_eq!(notices[0].text.as_deref(), Some("You have 1 new offer"));
}

#[tokio::test(start_paused = true)]
async fn ussd_of_a_make_that_wants_packed_septets() {
    let bench = Bench::ready_as(Config { profile: Some("huawei".to_owned()), ..config() }, Script::default()).await;
    let outcome = bench.order(Order::Ussd("*100#".to_owned())).await;
    bench.settle().await;
    assert_eq!(bench.sent().last().map(String::as_str), Some("AT+CUSD=1,\"AA180C3602\",15"));
    bench.say("+CUSD: 0,\"C2303BEC1E974139\",15");
    assert_eq!(soon(outcome).await, Ok(Carried::Ussd { text: "Balance 9".to_owned(), wants_answer: false }));
}

#[tokio::test(start_paused = true)]
async fn ussd_that_cannot_be_sent_or_is_not_answered() {
    let script = answers(&[("AT+CUSD=1,\"*9#\"", "\r\n+CME ERROR: 4\r\n")]);
    let bench = Bench::ready_as(config(), script).await;
    let refused = soon(bench.order(Order::Ussd("*9#".to_owned())).await).await;
    assert_eq!(refused, Err("the modem does not send it: +CME ERROR: 4".to_owned()));
    for text in ["", "a\"b", "привет", "a\rb"] {
        let refused = soon(bench.order(Order::Ussd(text.to_owned())).await).await;
        assert!(refused.unwrap_err().contains("a USSD string has 1 to 182 characters"), "{text}");
    }
    let outcome = bench.order(Order::Ussd("*100#".to_owned())).await;
    bench.settle().await;
    let second = soon(bench.order(Order::Ussd("*101#".to_owned())).await).await;
    assert!(second.unwrap_err().contains("waits for its answer"));
    assert_eq!(soon(outcome).await, Err("the network did not answer within 60 s".to_owned()));
    bench.settle().await;
    assert_eq!(bench.count("AT+CUSD=2"), 1);
    let outcome = bench.order(Order::Ussd("*100#".to_owned())).await;
    bench.settle().await;
    assert_eq!(soon(bench.order(Order::EndUssd).await).await, Ok(Carried::Out));
    assert_eq!(soon(outcome).await, Err("it was ended".to_owned()));
}

/// MODEMS.md, pain 12.
#[tokio::test(start_paused = true)]
async fn a_call_is_ended_and_told_of_once() {
    let mut bench = Bench::ready_as(config(), Script::default()).await;
    bench.say("RING");
    bench.say("+CLIP: \"+491701234567\",145");
    bench.settle().await;
    assert_eq!((bench.count("AT+CHUP"), bench.count("ATH")), (1, 0));
    bench.say("RING");
    sleep(Duration::from_secs(5)).await;
    let notices = told(&mut bench);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!((notices[0].kind, notices[0].subject.as_str()), (NoticeKind::Call, "hung_up"));
    assert_eq!(notices[0].number.as_deref(), Some("+491701234567"));
    sleep(Duration::from_secs(30)).await;
    bench.say("RING");
    sleep(Duration::from_secs(2)).await;
    let notices = told(&mut bench);
    assert_eq!((notices.len(), notices[0].number.as_deref()), (1, None), "another call, whose number is hidden");
}

#[tokio::test(start_paused = true)]
async fn a_call_may_ring_and_a_modem_may_know_only_the_old_hook() {
    let mut bench = Bench::ready_as(Config { calls: Calls::Ignore, ..config() }, Script::default()).await;
    bench.say("RING");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(bench.count("AT+CHUP"), 0);
    assert_eq!(told(&mut bench)[0].subject, "ignored");
    let mut bench = Bench::ready_as(config(), answers(&[("AT+CHUP", "\r\nERROR\r\n")])).await;
    bench.say("RING");
    sleep(Duration::from_secs(2)).await;
    assert_eq!((bench.count("ATH"), told(&mut bench)[0].subject.as_str()), (1, "hung_up"));
}

#[tokio::test(start_paused = true)]
async fn cell_broadcasts_are_taken_where_they_are_wanted() {
    let config = Config { broadcasts: "4352-6399".parse().ok(), ..config() };
    let mut bench = Bench::ready_as(config, Script::default()).await;
    assert_eq!((bench.count("AT+CNMI=2,1,2,2,0"), bench.count("AT+CSCB=0,\"4352-6399\",\"\"")), (1, 1));
    bench.say("+CBM: 10\r\n402111120F11F3F7DB0D");
    bench.settle().await;
    let notices = told(&mut bench);
    assert_eq!((notices[0].kind, notices[0].text.as_deref()), (NoticeKind::Broadcast, Some("soon")));
    assert_eq!(notices[0].subject, "presidential or national alert");
}

#[tokio::test(start_paused = true)]
async fn what_a_make_measures_is_asked_when_the_line_is_idle() {
    let script = answers(&[("AT+CPMUTEMP", "\r\n+CPMUTEMP: 31\r\n\r\nOK\r\n")]);
    let bench = Bench::ready_as(Config { profile: Some("simcom-lte".to_owned()), ..config() }, script).await;
    sleep(Duration::from_secs(61)).await;
    assert_eq!(bench.handle.status.borrow().temperature_tenths, Some(310));
    // A modem that does not know the command is asked once.
    let script = answers(&[("AT+CPMUTEMP", "\r\nERROR\r\n")]);
    let bench = Bench::ready_as(Config { profile: Some("simcom-lte".to_owned()), ..config() }, script).await;
    sleep(Duration::from_secs(200)).await;
    assert_eq!((bench.count("AT+CPMUTEMP"), bench.handle.status.borrow().temperature_tenths), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_modem_without_a_sim_can_be_restarted_and_given_the_other_slot() {
    let script = || answers(&[("AT+CPIN?", "\r\n+CME ERROR: 10\r\n"), ("AT+QUIMSLOT", "\r\nERROR\r\n")]);
    let config = Config { profile: Some("quectel".to_owned()), ..config() };
    let mut bench = Bench::start_found(config, [script()], tokio::sync::watch::channel(Some("tty".to_owned())).1);
    bench.phase(ModemPhase::Blocked).await;
    let began = Instant::now();
    let refused = soon(bench.order(Order::SimSlot(2)).await).await;
    assert_eq!(refused, Err("the modem refuses to change the slot: ERROR".to_owned()));
    assert_eq!(soon(bench.order(Order::Restart).await).await, Ok(Carried::Out));
    assert!(began.elapsed() < Duration::from_secs(10));
    bench.phase(ModemPhase::Ready).await;
    assert_eq!((bench.count("AT+CFUN=1,1"), bench.handle.status.borrow().recovery.reset), (1, 1));
    assert_eq!(told(&mut bench)[0].subject, "reset");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_modem_that_begins_anew_is_told() {
    let script = answers(&[("AT+CPBR=?", "\r\n+CPBR: (1-250),40,14\r\n\r\nOK\r\n"), ("AT+CPBR=21,40", "")]);
    let bench = Bench::ready_as(config(), script).await;
    let silent = soon(bench.order(Order::Phonebook).await).await;
    assert_eq!(silent, Err("the modem does not answer for places 21 to 40".to_owned()));
    assert_eq!(bench.count("AT+CPBR=41"), 0);
    let outcome = bench.order(Order::Ussd("*100#".to_owned())).await;
    bench.settle().await;
    bench.say("^SYSSTART");
    let told = soon(outcome).await;
    assert!(told.clone().is_err_and(|why| why.contains("began anew")), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_typed_command_does_not_end_the_wait_for_a_late_reference() {
    let mut bench = Bench::ready(Script { submits: [Submit::Answer(String::new())].into(), ..Script::default() }).await;
    bench.send().await;
    bench.settle().await;
    let set_up = bench.count("AT+CMGF=0");
    assert!(soon(bench.order(typed("AT+CSCS=\"GSM\"")).await).await.is_ok());
    sleep(Duration::from_secs(2)).await;
    assert!(bench.count("AT+CMGF=0") > set_up);
    bench.say("+CMGS: 7\r\n\r\nOK");
    assert_eq!(bench.event().await, LaneEventKind::Evidence { attempt: AttemptId(1), mr: Some(7) });
}

#[tokio::test(start_paused = true)]
async fn a_restart_and_another_slot_begin_anew() {
    let mut bench =
        Bench::ready_as(Config { profile: Some("quectel".to_owned()), ..config() }, Script::default()).await;
    let slot = |n| Order::SimSlot(n);
    let outcome = soon(bench.order(slot(3)).await).await;
    assert_eq!(outcome, Err("slots are 1 to 2".to_owned()));
    assert_eq!(soon(bench.order(slot(2)).await).await, Ok(Carried::Out));
    bench.settle().await;
    assert_eq!((bench.count("AT+QUIMSLOT=2"), bench.count("AT+CMGF=0")), (1, 2));
    assert_eq!(soon(bench.order(Order::Restart).await).await, Ok(Carried::Out));
    bench.phase(ModemPhase::Offline).await;
    bench.phase(ModemPhase::Ready).await;
    assert_eq!(bench.handle.status.borrow().recovery.reset, 1);
    assert_eq!(told(&mut bench)[0].subject, "reset");
    let bench = Bench::ready_as(config(), Script::default()).await;
    let outcome = soon(bench.order(slot(1)).await).await;
    assert!(outcome.unwrap_err().contains("no command to change the SIM slot is known for this make (generic)"));
}

#[tokio::test(start_paused = true)]
async fn the_phonebook_and_the_own_number_are_read() {
    let script = answers(&[
        ("AT+CPBR=?", "\r\n+CPBR: (1-30),40,14\r\n\r\nOK\r\n"),
        ("AT+CPBR=1,20", "\r\n+CPBR: 1,\"+491701\",145,\"Anna\"\r\n+CPBR: 7,\"112\",129,\"\"\r\n\r\nOK\r\n"),
        ("AT+CPBR=21,30", "\r\n+CME ERROR: 22\r\n"),
        ("AT+CNUM", "\r\n+CNUM: \"\",\"491701234567\",145\r\n\r\nOK\r\n"),
    ]);
    let bench = Bench::ready_as(config(), script).await;
    let number = bench.handle.status.borrow().sim.as_ref().and_then(|sim| sim.number.clone());
    assert_eq!(number.map(|number| number.as_str().to_owned()).as_deref(), Some("+491701234567"));
    let entry = |place, number: &str, name: &str| Entry { place, number: number.to_owned(), name: name.to_owned() };
    let entries = vec![entry(1, "+491701", "Anna"), entry(7, "112", "")];
    assert_eq!(soon(bench.order(Order::Phonebook).await).await, Ok(Carried::Phonebook(entries)));
}

#[tokio::test(start_paused = true)]
async fn without_a_sim_or_a_port_orders_are_turned_away_but_for_typed_ones() {
    let script = answers(&[("AT+CPIN?", "\r\n+CME ERROR: 10\r\n")]);
    let mut bench = Bench::start([script]);
    bench.phase(ModemPhase::Blocked).await;
    let refused = soon(bench.order(Order::Ussd("*100#".to_owned())).await).await;
    assert!(refused.unwrap_err().contains("no usable SIM"));
    let refused = soon(bench.order(Order::SimSlot(2)).await).await;
    assert!(refused.unwrap_err().contains("no command to change the SIM slot"));
    assert_eq!(soon(bench.order(typed("AT+CSQ")).await).await, lines(&["+CSQ: 20,99"], "OK"));
    let mute = || Script { mute: true, ..Script::default() };
    let mut bench = Bench::start([Script { hang_up_at: Some(2), ..Script::default() }, mute()]);
    bench.phase(ModemPhase::Offline).await;
    let refused = soon(bench.order(typed("AT+CSQ")).await).await;
    assert!(refused.unwrap_err().contains("not there now"));
}

#[tokio::test(start_paused = true)]
async fn a_sim_without_a_service_centre_is_given_one() {
    let none = || answers(&[("AT+CSCA?", "\r\n+CSCA: \"\",129\r\n\r\nOK\r\n")]);
    let configured = Config { service_centre: "+491710760000".parse().ok(), ..config() };
    let mut bench = Bench::ready_as(configured, none()).await;
    assert_eq!(bench.count("AT+CSCA=\"+491710760000\",145"), 1);
    assert_eq!(told(&mut bench)[0].subject, "service_centre_set");
    let mut bench = Bench::ready_as(config(), none()).await;
    assert_eq!((bench.count("AT+CSCA="), told(&mut bench)[0].subject.as_str()), (0, "no_service_centre"));
    // One that loses it in the middle is given what it had (home-assistant/core#67449).
    let mut script = answers(&[]);
    script
        .answers
        .insert("AT+CSCA?", ["\r\n+CSCA: \"+4917\",145\r\n\r\nOK\r\n", "\r\n+CSCA: \"\",129\r\n\r\nOK\r\n"].into());
    script.submits.push_back(super::fake::Submit::Refuse("\r\n+CMS ERROR: 330\r\n".to_owned()));
    let mut bench = Bench::ready_as(config(), script).await;
    let _arm = bench.give().await;
    bench.event().await;
    bench.ended().await;
    bench.settle().await;
    assert_eq!(bench.count("AT+CSCA=\"+4917\",145"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_service_that_starts_late_is_waited_for() {
    let mut script = Script::default();
    let qss = ["\r\n#QSS: 2,1\r\n\r\nOK\r\n", "\r\n#QSS: 2,2\r\n\r\nOK\r\n", "\r\n#QSS: 2,3\r\n\r\nOK\r\n"];
    script.answers.insert("AT#QSS?", qss.into());
    let memories = ["\r\n+CMS ERROR: 314\r\n", "\r\n+CPMS: (\"ME\"),(\"ME\"),(\"ME\")\r\n\r\nOK\r\n"];
    script.answers.insert("AT+CPMS=?", memories.into());
    let begun = Instant::now();
    let bench = Bench::ready_as(Config { profile: Some("telit".to_owned()), ..config() }, script).await;
    assert_eq!((bench.count("AT#QSS?"), bench.count("AT+CPMS=?"), bench.count("AT+CMGF=0")), (3, 2, 1));
    assert!((3..=4).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    // One that never says so is tried all the same.
    let script = answers(&[("AT#QSS?", "\r\n#QSS: 2,0\r\n\r\nOK\r\n")]);
    let begun = Instant::now();
    Bench::ready_as(Config { profile: Some("telit".to_owned()), ..config() }, script).await;
    assert!((40..=42).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
