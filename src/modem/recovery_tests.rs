//! Modems that fall silent, find no network, or come and go, in paused time.

use super::Config;
use super::fake::{Bench, Script};
use crate::model::{ModemPhase, NoticeKind, RecoveryCounts};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

fn mute() -> Script {
    Script { mute: true, ..Script::default() }
}

/// In every domain in this state. 3GPP TS 27.007 §7.2.
fn registered(stat: u8) -> Script {
    let answer = |name: &str| -> &'static str { format!("\r\n{name}: 2,{stat}\r\n\r\nOK\r\n").leak() };
    let heads = [("AT+CREG?", "+CREG"), ("AT+CGREG?", "+CGREG"), ("AT+CEREG?", "+CEREG")];
    let answers = heads.map(|(head, name)| (head, [answer(name)].into()));
    Script { answers: answers.into(), ..Script::default() }
}

/// Kinds and subjects of what was told so far.
fn told(bench: &mut Bench) -> Vec<(NoticeKind, String)> {
    std::iter::from_fn(|| bench.notices.try_recv().ok()).map(|it| (it.notice.kind, it.notice.subject)).collect()
}

/// RELIABILITY R-08: a mute modem is known within 30 s, and the first step is taken within 90 s.
#[tokio::test(start_paused = true)]
async fn a_modem_that_falls_silent_is_opened_again_and_then_restarted() {
    let mut bench = Bench::start([Script::default(), mute()]);
    bench.phase(ModemPhase::Ready).await;
    bench.settle().await;
    bench.fall_silent();
    let silent = Instant::now();
    let status = bench.phase(ModemPhase::Offline).await;
    assert_eq!(status.reason.as_deref(), Some("the modem does not answer"));
    assert!(silent.elapsed() <= Duration::from_secs(30), "{:?}", silent.elapsed());
    assert_eq!(told(&mut bench), [], "to open it again is no step");
    let noticed = bench.notices.recv().await.unwrap();
    assert!(silent.elapsed() <= Duration::from_secs(90), "{:?}", silent.elapsed());
    assert_eq!((noticed.notice.kind, noticed.notice.subject.as_str()), (NoticeKind::Recovery, "reset"));
    assert_eq!(noticed.iccid.as_ref().map(|iccid| iccid.as_str()), Some("8949000000000001000"));
    let status = bench.phase(ModemPhase::Ready).await;
    assert_eq!(bench.count("AT+CFUN=1,1"), 1);
    assert_eq!(status.recovery, RecoveryCounts { reset: 1, ..RecoveryCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_stays_mute_is_restarted_three_times_an_hour() {
    let scripts: Vec<Script> = std::iter::repeat_with(mute).take(2000).collect();
    let mut bench = Bench::start(scripts);
    sleep(Duration::from_secs(3500)).await;
    assert_eq!(told(&mut bench), vec![(NoticeKind::Recovery, "reset".to_owned()); 3]);
    assert_eq!(bench.count("AT+CFUN=1,1"), 3);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.handle.status.borrow().recovery.reset, 6);
}

#[tokio::test(start_paused = true)]
async fn without_a_network_the_radio_is_switched_off_and_on() {
    let mut bench = Bench::start([registered(2)]);
    bench.phase(ModemPhase::Blocked).await;
    sleep(Duration::from_secs(590)).await;
    assert_eq!(told(&mut bench), []);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(told(&mut bench), [(NoticeKind::Recovery, "radio".to_owned())]);
    assert_eq!((bench.count("AT+CFUN=4"), bench.count("AT+CFUN=1"), bench.count("AT+CFUN=0")), (1, 1, 0));
    assert_eq!(bench.count("AT+CMGF=0"), 2, "it is set up anew");
    // The restart comes twenty minutes later; the modem behind it has a network.
    let status = bench.phase(ModemPhase::Ready).await;
    assert_eq!(status.recovery, RecoveryCounts { radio: 1, reset: 1, ..RecoveryCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn what_the_network_denies_is_no_reason_for_a_restart() {
    let mut bench = Bench::start([registered(3)]);
    bench.phase(ModemPhase::Blocked).await;
    sleep(Duration::from_secs(7200)).await;
    assert_eq!(told(&mut bench), []);
}

/// Fault F-28: a weak supply.
#[tokio::test(start_paused = true)]
async fn a_modem_that_comes_and_goes_is_watched_before_it_is_used() {
    let mut bench = Bench::start([]);
    for n in 0..3 {
        assert_eq!(told(&mut bench), [], "{n}");
        bench.phase(ModemPhase::Ready).await;
        sleep(Duration::from_secs(90)).await;
        bench.hang_up();
        bench.phase(ModemPhase::Offline).await;
    }
    assert_eq!(told(&mut bench), [(NoticeKind::Alarm, "flapping".to_owned())]);
    let status = bench.phase(ModemPhase::Blocked).await;
    let back = Instant::now();
    assert!(status.reason.is_some_and(|reason| reason.contains("check its power supply")));
    bench.phase(ModemPhase::Ready).await;
    assert!((29..=31).contains(&back.elapsed().as_secs()), "{:?}", back.elapsed());
}

#[tokio::test(start_paused = true)]
async fn another_modem_on_the_port_is_left_to_who_looks_for_modems() {
    let config = Config { imei: "357868041000017".parse().ok(), ..Config::new(0, "") };
    let (port, found) = watch::channel(Some("/dev/ttyUSB2".to_owned()));
    let ours =
        Script { answers: [("AT+CGSN", ["\r\n357868041000017\r\n\r\nOK\r\n"].into())].into(), ..Script::default() };
    let mut bench = Bench::start_found(config, [Script::default(), ours], found);
    let status = bench.phase(ModemPhase::Offline).await;
    let status = if status.reason.as_deref() == Some("it is not plugged in") {
        bench.phase(ModemPhase::BringUp).await;
        bench.phase(ModemPhase::Offline).await
    } else {
        status
    };
    assert!(status.reason.is_some_and(|reason| reason.contains("another modem answers on its port")));
    assert_eq!((status.imei, status.label.as_str()), (None, "modem-0017"));
    sleep(Duration::from_secs(500)).await;
    assert_eq!(bench.count("AT+CGSN"), 1, "it is not asked again and again");
    port.send_replace(None);
    sleep(Duration::from_secs(60)).await;
    port.send_replace(Some("/dev/ttyUSB7".to_owned()));
    assert_eq!(bench.phase(ModemPhase::Ready).await.port, "/dev/ttyUSB7");
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_was_given_another_port_is_opened_there() {
    let (port, found) = watch::channel(Some("/dev/ttyUSB2".to_owned()));
    let locked = || Script { answers: [("AT+CPIN?", ["\r\n+CME ERROR: 10\r\n"].into())].into(), ..Script::default() };
    let other =
        Script { answers: [("AT+CGSN", ["\r\n357868041000017\r\n\r\nOK\r\n"].into())].into(), ..Script::default() };
    let mut bench = Bench::start_found(Config::new(0, ""), [Script::default(), locked(), other], found);
    assert_eq!(bench.phase(ModemPhase::Ready).await.port, "/dev/ttyUSB2");
    port.send_replace(Some("/dev/ttyUSB5".to_owned()));
    assert_eq!(bench.phase(ModemPhase::Offline).await.reason.as_deref(), Some("the modem has moved to another port"));
    // It lets go of one that is only being set up, too.
    assert_eq!(bench.phase(ModemPhase::Blocked).await.port, "/dev/ttyUSB5");
    port.send_replace(Some("/dev/ttyUSB6".to_owned()));
    bench.phase(ModemPhase::Offline).await;
    // The one that was found here first is the one that belongs here.
    bench.phase(ModemPhase::BringUp).await;
    let status = bench.phase(ModemPhase::Offline).await;
    assert!(status.reason.is_some_and(|reason| reason.contains("another modem")));
}

/// RELIABILITY T-28: a modem that answers what nobody asked, or whose answers drown in noise.
#[tokio::test(start_paused = true)]
async fn a_modem_that_talks_at_random_is_told_of() {
    let mut unasked = Bench::ready(Script::default()).await;
    unasked.settle().await;
    sleep(Duration::from_secs(121)).await;
    for _ in 0..10 {
        unasked.say("OK");
        unasked.say("+CME ERROR: 100");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(told(&mut unasked), [(NoticeKind::Alarm, "line_disturbed".to_owned())]);

    let mut calls = Bench::ready(Script::default()).await;
    calls.settle().await;
    sleep(Duration::from_secs(121)).await;
    for _ in 0..10 {
        calls.say("NO CARRIER");
        calls.say("^RSSI: 12");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(told(&mut calls), [], "these are told unasked");

    let noise: &str = "X".repeat(9000).leak();
    let drowned = [("AT+CSQ", [noise].into())];
    let mut drowned = Bench::ready(Script { answers: drowned.into(), ..Script::default() }).await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(told(&mut drowned), [(NoticeKind::Alarm, "line_disturbed".to_owned())]);
    assert_eq!(drowned.handle.status.borrow().phase, ModemPhase::Ready, "the rest goes on");
}
