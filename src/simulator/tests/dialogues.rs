//! What a host says and hears, whole and byte by byte.

use super::*;

/// Plays `> said` and `< heard` on a fresh modem with the echo off, in pieces of 1, 3 and any number of octets.
fn play(name: &str, setup: &str, dialogue: &[(&str, &str)]) {
    for chunk in [1, 3, usize::MAX] {
        let mut bench = Bench::set_up(quick(1), setup);
        bench.chunk = chunk;
        for (said, heard) in dialogue {
            assert_eq!(bench.say(0, said), *heard, "{name}: {said:?} in pieces of {chunk}");
        }
    }
}

const OK: &str = "\r\nOK\r\n";
const ERROR: &str = "\r\nERROR\r\n";
const SM_EMPTY: &str = "\"SM\",0,30,\"SM\",0,30,\"SM\",0,30";

/// The answer of one line of information.
fn info(line: &str) -> String {
    format!("\r\n{line}\r\n\r\nOK\r\n")
}

fn play_each<const N: usize>(rows: [(&str, String); N]) {
    rows.iter().for_each(|(said, heard)| play(said, "", &[(*said, heard.as_str())]));
}

#[test]
fn answers_of_v250_and_27_007() {
    let iccid = LabConfig::iccid(0);
    play_each([
        ("AT\r", OK.to_owned()),
        ("at\r", OK.into()),
        ("\x1b\rAT\r", OK.into()),
        ("garbage AT\r", OK.into()),
        ("no prefix\r", String::new()),
        ("\r\r", String::new()),
        ("AX\x08T\r", OK.into()),
        ("ATE\r", OK.into()),
        ("ATE2\r", ERROR.into()),
        ("ATI\r", info("gsmgate virtual")),
        ("AT&D0&C1\r", OK.into()),
        ("AT+NOSUCH\r", ERROR.into()),
        ("ATD+491515550001;\r", ERROR.into()),
        ("AT+CGMI\r", info("gsmgate")),
        ("AT+CGMM\r", info("virtual")),
        ("AT+CGMR\r", info(env!("CARGO_PKG_VERSION"))),
        ("AT+CGMR=?\r", OK.into()),
        ("AT+CGSN\r", info(&LabConfig::imei(0))),
        ("AT+CIMI\r", info(&LabConfig::imsi(0))),
        ("AT+CCID\r", info(&format!("+CCID: {iccid}"))),
        ("AT+CCID?\r", info(&format!("+CCID: {iccid}"))),
        ("AT+ICCID\r", info(&format!("+ICCID: {iccid}"))),
        ("AT+CMEE?\r", info("+CMEE: 1")),
        ("AT+CMEE=?\r", info("+CMEE: (0-2)")),
        ("AT+CMEE=3\r", ERROR.into()),
        ("AT+CPIN?\r", info("+CPIN: READY")),
        ("AT+CPIN=\"1234\"\r", "\r\n+CME ERROR: 3\r\n".into()),
        ("AT+CREG?\r", info("+CREG: 0,1")),
        ("AT+CGREG?\r", info("+CGREG: 0,1")),
        ("AT+CEREG=?\r", info("+CEREG: (0-2)")),
        ("AT+CEREG=2;+CEREG?\r", info("+CEREG: 2,1,\"00C3\",\"01A2B301\",7")),
        ("AT+COPS?\r", info("+COPS: 0,0,\"gsmgate\",7")),
        ("AT+COPS=3,2;+COPS?\r", info("+COPS: 0,2,\"26299\",7")),
        ("AT+COPS=?\r", info("+COPS: (2,\"gsmgate\",\"gsmgate\",\"26299\",7),,(0,3),(0-2)")),
        ("AT+COPS=1,2,\"26201\"\r", ERROR.into()),
        ("AT+CSQ\r", info("+CSQ: 22,99")),
        ("AT+CFUN?\r", info("+CFUN: 1")),
        ("AT+CFUN=7\r", ERROR.into()),
        ("AT+CSCS?\r", info("+CSCS: \"IRA\"")),
        ("AT+CSCS=\"KLINGON\"\r", ERROR.into()),
    ]);
}

#[test]
fn answers_of_27_005() {
    play_each([
        ("AT+CSCA?\r", info("+CSCA: \"+491760000443\",145")),
        ("AT+CSCA=\"+49123\";+CSCA?\r", info("+CSCA: \"+49123\",145")),
        ("AT+CSCA=\"49123\",145;+CSCA?\r", info("+CSCA: \"+49123\",145")),
        ("AT+CSCA=\"\";+CSCA?\r", info("+CSCA: \"\",129")),
        ("AT+CSCA=\"abc\"\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CSCS=\"UCS2\";+CSCA?\r", info("+CSCA: \"002B003400390031003700360030003000300030003400340033\",145")),
        ("AT+CSMS=?\r", info("+CSMS: (0,1)")),
        ("AT+CSMS=1\r", info("+CSMS: 1,1,1")),
        ("AT+CSMS?\r", info("+CSMS: 0,1,1,1")),
        ("AT+CSMS=128\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CMGF=?\r", info("+CMGF: (0)")),
        ("AT+CMGF=0\r", OK.into()),
        ("AT+CMGF=1\r", ERROR.into()),
        ("AT+CPMS=?\r", info("+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")")),
        ("AT+CPMS?\r", info(&format!("+CPMS: {SM_EMPTY}"))),
        ("AT+CPMS=\"ME\",\"SM\",\"ME\"\r", info("+CPMS: 0,30,0,30,0,30")),
        ("AT+CPMS=\"SR\"\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CNMI=?\r", info("+CNMI: (0-2),(0-2),(0),(0-2),(0,1)")),
        ("AT+CNMI=2,1,0,1,0;+CNMI?\r", info("+CNMI: 2,1,0,1,0")),
        ("AT+CNMI=2,1;+CNMI=,,,2;+CNMI?\r", info("+CNMI: 2,1,0,2,0")),
        ("AT+CNMI=3,1\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CNMA\r", "\r\n+CMS ERROR: 340\r\n".into()),
        ("AT+CNMA=?\r", info("+CNMA: (0-2)")),
        ("AT+CMGL=?\r", info("+CMGL: (0-4)")),
        ("AT+CMGL=4\r", OK.into()),
        ("AT+CMGL=5\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CMGR=1\r", "\r\n+CMS ERROR: 321\r\n".into()),
        ("AT+CMGR=31\r", "\r\n+CMS ERROR: 321\r\n".into()),
        ("AT+CMGR=99999999999\r", "\r\n+CMS ERROR: 321\r\n".into()),
        ("AT+CMGD=?\r", info("+CMGD: (),(0-4)")),
        ("AT+CMGD=1\r", OK.into()),
        ("AT+CMGD=0\r", "\r\n+CMS ERROR: 321\r\n".into()),
        ("AT+CMGD=1,5\r", "\r\n+CMS ERROR: 302\r\n".into()),
        ("AT+CMGS=?\r", OK.into()),
        ("AT+CMGS=6\r", "\r\n+CMS ERROR: 304\r\n".into()),
        ("AT+CMGS=177\r", "\r\n+CMS ERROR: 304\r\n".into()),
        ("AT+CMGS=\"+491515550001\"\r", "\r\n+CMS ERROR: 304\r\n".into()),
    ]);
}

#[test]
fn many_commands_on_a_line_end_with_one_code() {
    play("all good", "", &[("AT+CSQ;+CPIN?\r", "\r\n+CSQ: 22,99\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n")]);
    play("the second fails", "", &[("AT+CSQ;+NO;+CPIN?\r", "\r\n+CSQ: 22,99\r\n\r\nERROR\r\n")]);
    play("two lines at once", "", &[("AT\rAT+CSQ\r", "\r\nOK\r\n\r\n+CSQ: 22,99\r\n\r\nOK\r\n")]);
}

#[test]
fn echo_verbose_quiet_and_reset() {
    let mut bench = Bench::new(quick(1));
    for (said, heard) in [
        ("AT\r", "AT\r\r\nOK\r\n"),
        ("ATE0\r", "ATE0\r\r\nOK\r\n"),
        ("AT\r", "\r\nOK\r\n"),
        ("ATV0\r", "0\r"),
        ("AT+CSQ\r", "+CSQ: 22,99\r\n0\r"),
        ("AT+NO\r", "4\r"),
        ("ATV1Q1\r", ""),
        ("AT+NO\r", ""),
        ("ATQ0\r", "\r\nOK\r\n"),
        ("ATZ\r", "\r\nOK\r\n"),
        ("AT\r", "AT\r\r\nOK\r\n"),
        ("AT+CMEE?\r", "AT+CMEE?\r\r\n+CMEE: 0\r\n\r\nOK\r\n"),
        ("AT+CPIN=\"1\"\r", "AT+CPIN=\"1\"\r\r\nERROR\r\n"),
    ] {
        assert_eq!(bench.say(0, said), heard, "{said:?}");
    }
}

#[test]
fn a_line_too_long_is_not_obeyed() {
    let mut bench = Bench::set_up(quick(1), "");
    let long = format!("AT{}\r", "+CSQ;".repeat(300));
    assert_eq!(bench.say(0, &long), "");
    assert_eq!(bench.say(0, "AT\r"), OK);
}

#[test]
fn prompt_payload_and_escape() {
    let (line, octets) = pdu(&submit("+491701234567", "hello"));
    let ask = format!("AT+CMGS={octets}\r");
    let wrong = format!("AT+CMGS={}\r", octets + 1);
    let deliver = "0791947106004034040C919461151555150000622152000000405C8329BFD065";
    let bad = "\r\n+CMS ERROR: 304\r\n";
    play("escape", "", &[(&ask, "\r\n> "), ("0011\x1b", OK), ("AT\r", OK)]);
    play("length wrong", "", &[(&wrong, "\r\n> "), (&format!("{line}\x1a"), bad)]);
    play("no hex", "", &[(&ask, "\r\n> "), ("hello\x1a", bad), ("AT\r", OK)]);
    play("nothing", "", &[(&ask, "\r\n> "), ("\x1a", bad)]);
    play("no submit", "", &[("AT+CMGS=24\r", "\r\n> "), (&format!("{deliver}\x1a"), bad)]);
    play("commands are payload", "", &[(&ask, "\r\n> "), ("AT\r", ""), ("\x1a", bad)]);
    play("too long", "", &[(&ask, "\r\n> "), (&format!("{}\x1a", "00".repeat(2000)), bad)]);
    play("no radio", "+CFUN=4", &[(&ask, "\r\n> "), (&format!("{line}\x1a"), "\r\n+CMS ERROR: 331\r\n")]);
    play("no centre", "+CSCA=\"\"", &[(&ask, "\r\n> "), (&format!("{line}\x1a"), "\r\n+CMS ERROR: 330\r\n")]);
    for chunk in [1, usize::MAX] {
        let mut bench = Bench::set_up(quick(1), "");
        bench.chunk = chunk;
        let first = mr(&bench.send(0, &submit("+491701234567", "one")));
        // Blanks and line ends in the payload do not matter.
        bench.say(0, &ask);
        let second = mr(&bench.say(0, &format!("\r\n{} {}\r\n\x1a", &line[..10], &line[10..].to_lowercase())));
        assert_eq!(second, first.wrapping_add(1));
        assert_eq!(bench.accepted(), ["one", "hello"]);
    }
}

#[test]
fn the_payload_is_echoed_like_a_line() {
    let mut bench = Bench::new(quick(1));
    let (line, octets) = pdu(&submit("+491701234567", "hello"));
    assert_eq!(bench.say(0, &format!("AT+CMGS={octets}\r")), format!("AT+CMGS={octets}\r\r\n> "));
    assert!(bench.say(0, &format!("{line}\x1a")).starts_with(&format!("{line}\r\n+CMGS: ")));
}

#[test]
fn written_messages_are_stored_as_they_are() {
    let (line, octets) = pdu(&submit("+491701234567", "draft"));
    let ask = format!("AT+CMGW={octets}\r");
    let body = format!("{line}\x1a");
    let listed = format!("\r\n+CMGL: 1,2,,{octets}\r\n{line}\r\n\r\nOK\r\n");
    play(
        "written, listed, deleted as unsent",
        "",
        &[
            (&ask, "\r\n> "),
            (&body, "\r\n+CMGW: 1\r\n\r\nOK\r\n"),
            ("AT+CMGL=0\r", OK),
            ("AT+CMGL=2\r", &listed),
            ("AT+CMGD=1,2\r", OK),
            ("AT+CMGL=4\r", &listed),
            ("AT+CMGD=1,3\r", OK),
            ("AT+CMGL=4\r", OK),
        ],
    );
    let ask = format!("AT+CMGW={octets},1\r");
    play(
        "as if received, into ME",
        "+CPMS=\"ME\",\"ME\"",
        &[
            (&ask, "\r\n> "),
            (&body, "\r\n+CMGW: 1\r\n\r\nOK\r\n"),
            ("AT+CPMS?\r", "\r\n+CPMS: \"ME\",1,30,\"ME\",1,30,\"SM\",0,30\r\n\r\nOK\r\n"),
        ],
    );
}
