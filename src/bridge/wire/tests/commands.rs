//! Every bad input of the contract with its code and field, and what the good ones become.

use super::super::*;
use crate::model::RefusalCode::{Blocked, Expired, InvalidField, InvalidJson, InvalidNumber, TooLong, Unsupported};
use crate::model::{Body, Choice, MessageClass, OnUncertain, Priority, RefusalCode, Submission, Timestamp};
use proptest::prelude::*;
use std::time::Duration;

/// 2026-11-25T02:00:00Z
const NOW: Timestamp = Timestamp(1_795_572_000_000);

fn parse(payload: &[u8]) -> Result<SendCommand, crate::model::Refusal> {
    parse_send(payload, NOW, &Defaults::default())
}

/// Fails with this code and this field.
fn refused(payload: &[u8], code: RefusalCode, field: Option<&str>) {
    let shown = String::from_utf8_lossy(&payload[..payload.len().min(120)]);
    let refusal = parse(payload).expect_err(&shown);
    assert_eq!((refusal.code, refusal.field.as_deref()), (code, field), "{shown}: {refusal}");
    assert!(refusal.detail.len() < 300, "{shown}: {refusal}");
}

#[test]
fn what_is_not_json() {
    for (payload, place) in [
        (&b""[..], "1:0"),
        (b"hello", "1:1"),
        (b"+491701234567 hello", "1:1"),
        (b"{\"to\":\"+491701234567\",\"text\":\"a\"", "1:32"),
        (b"{\"to\":\"+491701234567\",\n\"text\":\"\xe9\"}", "2:9"),
        (b"\xff\xfe", "1:1"),
        (br#"{"to":"+491701234567","text":"\ud800"}"#, "1:37"),
        (br#"{"to":"+491701234567","text":"\ud83dx"}"#, "1:37"),
        (br#"{"to":"+491701234567","text":"\udc00!"}"#, "1:36"),
        (b"{\"to\":\"+491701234567\",\"text\":\"a\nb\"}", "2:0"),
    ] {
        refused(payload, InvalidJson, Some(place));
    }
    for payload in ["[]", "\"send\"", "null", "5"] {
        refused(payload.as_bytes(), InvalidField, Some(""));
    }
}

#[test]
fn what_is_wrong_with_one_field() {
    // What is added to a good command, and what becomes of it.
    let long_word = "x".repeat(65);
    let tags_17 = vec!["\"t\""; 17].join(",");
    for (extra, code, field) in [
        (r#""colour":"red""#, InvalidField, "/colour"),
        (r#""a/b~c":1"#, InvalidField, "/a~1b~0c"),
        (r#""To":"+4917""#, InvalidField, "/To"),
        (r#""text":"again""#, InvalidField, "/text"),
        (r#""te\u0078t":"again""#, InvalidField, "/text"),
        (r#""data":{"base64":"AA=="}"#, InvalidField, "/data"),
        (r#""template":"hello""#, Unsupported, "/template"),
        (r#""vars":{"name":"Anna"}"#, Unsupported, "/vars"),
        (r#""id":"""#, InvalidField, "/id"),
        (r#""id":"a/b""#, InvalidField, "/id"),
        (r#""id":"ä""#, InvalidField, "/id"),
        (r#""id":7"#, InvalidField, "/id"),
        (r#""id":null"#, InvalidField, "/id"),
        (&format!(r#""id":"{long_word}""#), InvalidField, "/id"),
        (r#""sim":"SIM 1""#, InvalidField, "/sim"),
        (r##""sim":"#""##, InvalidField, "/sim"),
        (r#""sim":1"#, InvalidField, "/sim"),
        (r#""priority":"urgent""#, InvalidField, "/priority"),
        (r#""priority":1"#, InvalidField, "/priority"),
        (r#""send_at":"tomorrow""#, InvalidField, "/send_at"),
        (r#""send_at":1795572000"#, InvalidField, "/send_at"),
        (r#""send_at":"2026-11-25T03:00:00""#, InvalidField, "/send_at"),
        (r#""send_at":"9999-12-31T00:00:00Z""#, InvalidField, "/send_at"),
        (r#""expires_at":"2026-11-25T01:59:59Z""#, Expired, "/expires_at"),
        (r#""expires_at":"2026-11-25T02:00:00Z""#, Expired, "/expires_at"),
        (r#""expires_at":"9999-12-31T00:00:00Z""#, InvalidField, "/expires_at"),
        (r#""expires_at":"2026-11-25T03:00:00Z","send_at":"2026-11-25T04:00:00Z""#, InvalidField, "/expires_at"),
        (r#""expires_at":"2026-11-25T03:00:00Z","expires_in":60"#, InvalidField, "/expires_in"),
        (r#""expires_in":-1"#, InvalidField, "/expires_in"),
        (r#""expires_in":0"#, InvalidField, "/expires_in"),
        (r#""expires_in":1.5"#, InvalidField, "/expires_in"),
        (r#""expires_in":1000000000000000000"#, InvalidField, "/expires_in"),
        (r#""expires_in":1e300"#, InvalidField, "/expires_in"),
        (r#""expires_in":38102401"#, InvalidField, "/expires_in"),
        (r#""expires_in":"10m""#, InvalidField, "/expires_in"),
        (r#""report":"yes""#, InvalidField, "/report"),
        (r#""report":1"#, InvalidField, "/report"),
        (r#""class":4"#, InvalidField, "/class"),
        (r#""class":-1"#, InvalidField, "/class"),
        (r#""class":"0""#, InvalidField, "/class"),
        (r#""encoding":"utf-8""#, InvalidField, "/encoding"),
        (r#""max_parts":0"#, InvalidField, "/max_parts"),
        (r#""max_parts":256"#, InvalidField, "/max_parts"),
        (r#""max_parts":18446744073709551616"#, InvalidField, "/max_parts"),
        (r#""on_uncertain":"drop""#, InvalidField, "/on_uncertain"),
        (r#""tags":"a""#, InvalidField, "/tags"),
        (r#""tags":["a",1]"#, InvalidField, "/tags/1"),
        (r#""tags":["a",""]"#, InvalidField, "/tags/1"),
        (r#""tags":["\u0000"]"#, InvalidField, "/tags/0"),
        (&format!(r#""tags":["{long_word}"]"#), InvalidField, "/tags/0"),
        (&format!(r#""tags":[{tags_17}]"#), InvalidField, "/tags"),
        (r#""transaction":{}"#, InvalidField, "/transaction"),
        (r#""transaction":"""#, InvalidField, "/transaction"),
    ] {
        let payload = format!(r#"{{"to":"+491701234567","text":"hello",{extra}}}"#);
        refused(payload.as_bytes(), code, Some(field));
    }
}

#[test]
fn what_is_wrong_with_the_recipient() {
    let many = vec!["\"+491701234567\""; 1_001].join(",");
    for (to, code, field) in [
        (r#""abc""#, InvalidNumber, "/to"),
        (r#""+49170 1234""#, InvalidNumber, "/to"),
        (r#""+49\"170""#, InvalidNumber, "/to"),
        (r#""+49170\r""#, InvalidNumber, "/to"),
        (r#""+49170\nAT""#, InvalidNumber, "/to"),
        (r#""+49170\u001a""#, InvalidNumber, "/to"),
        (r#""+49170\u0000""#, InvalidNumber, "/to"),
        (r#""１２３４５""#, InvalidNumber, "/to"),
        (r#""+1234567890123456""#, InvalidNumber, "/to"),
        (r#""*100#""#, InvalidNumber, "/to"),
        (r#""""#, InvalidNumber, "/to"),
        (r#""7""#, InvalidNumber, "/to"),
        (r#""112""#, Blocked, "/to"),
        (r#""+911""#, Blocked, "/to"),
        (r#""08""#, Blocked, "/to"),
        ("491701234567", InvalidField, "/to"),
        ("null", InvalidField, "/to"),
        ("{}", InvalidField, "/to"),
        ("[]", InvalidField, "/to"),
        (r#"["+491701234567",5]"#, InvalidField, "/to/1"),
        (r#"["+491701234567","x"]"#, InvalidNumber, "/to/1"),
        (r#"["+491701234567","999"]"#, Blocked, "/to/1"),
        (&format!("[{many}]"), InvalidField, "/to"),
    ] {
        refused(format!(r#"{{"to":{to},"text":"hello"}}"#).as_bytes(), code, Some(field));
    }
    refused(br#"{"text":"hello"}"#, InvalidField, Some("/to"));
    let long_id = format!(r#"{{"id":"{}","to":["+491701234567"],"text":"a"}}"#, "x".repeat(63));
    refused(long_id.as_bytes(), InvalidField, Some("/id"));
}

#[test]
fn what_is_wrong_with_the_body() {
    let octets = "AAAA".repeat(255 * 134 / 3 + 1);
    let long = "x".repeat(39_016);
    for (body, code, field) in [
        ("", InvalidField, Some("/text")),
        (r#","text":"""#, InvalidField, Some("/text")),
        (r#","text":5"#, InvalidField, Some("/text")),
        (r#","text":null"#, InvalidField, Some("/text")),
        (r#","text":["a"]"#, InvalidField, Some("/text")),
        (r#","text":"a\u0000b""#, InvalidField, Some("/text")),
        (&format!(r#","text":"{long}""#), TooLong, Some("/text")),
        (&format!(r#","text":"{}""#, "x".repeat(100_000)), TooLong, Some("/text")),
        (&format!(r#","text":"{}""#, "ü".repeat(40_000)), TooLong, Some("/text")),
        (&format!(r#","tags":["{}"]"#, "x".repeat(100_000)), TooLong, None),
        (&format!(r#","text":"{}"#, "x".repeat(100_000)), TooLong, None),
        (&format!(r#","text":"{}""#, "x".repeat(1_000_000)), TooLong, None),
        (r#","data":"AAAA""#, InvalidField, Some("/data")),
        (r#","data":{}"#, InvalidField, Some("/data/base64")),
        (r#","data":{"base64":""}"#, InvalidField, Some("/data/base64")),
        (r#","data":{"base64":"A"}"#, InvalidField, Some("/data/base64")),
        (r#","data":{"base64":"AA==","port":65536}"#, InvalidField, Some("/data/port")),
        (r#","data":{"base64":"AA==","port":"80"}"#, InvalidField, Some("/data/port")),
        (r#","data":{"base64":"AA==","hex":"00"}"#, InvalidField, Some("/data/hex")),
        (r#","data":{"base64":"AA==","base64":"AA=="}"#, InvalidField, Some("/data/base64")),
        (r#","data":{"base64":"AA=="},"encoding":"ucs2""#, InvalidField, Some("/encoding")),
        (&format!(r#","data":{{"base64":"{octets}"}}"#), TooLong, Some("/data/base64")),
    ] {
        refused(format!(r#"{{"to":"+491701234567"{body}}}"#).as_bytes(), code, field);
    }
}

#[test]
fn a_refusal_names_the_command() {
    let refusal = parse(br#"{"id":"a1","transaction":"t","to":"x","text":"a"}"#).unwrap_err();
    assert_eq!((refusal.id.as_deref(), refusal.transaction.as_deref()), (Some("a1"), Some("t")));
    let text = "x".repeat(70_000);
    let refusal = parse(format!(r#"{{"text":"{text}","id":"a1","to":"x"}}"#).as_bytes()).unwrap_err();
    assert_eq!(refusal.id.as_deref(), Some("a1"));
    let huge = "x".repeat(30_000);
    let refusal = parse(format!(r#"{{"id":"{huge}","{huge}":1}}"#).as_bytes()).unwrap_err();
    assert_eq!((refusal.id, refusal.field.map(|field| field.len())), (None, Some(65)));
}

#[test]
fn every_key_arrives() {
    let command = parse(
        br#"{"id":"a.1_B-2","to":"+491701234567","text":"hi \ud83d\ude00","sim":"sim-1","priority":"alarm",
            "send_at":"2026-11-25T04:00:00+01:00","expires_in":60,"report":false,"class":0,"encoding":"ucs2",
            "max_parts":255,"on_uncertain":"hold","tags":["a","b"],"transaction":"t-1"}"#,
    )
    .unwrap();
    let want = Submission {
        id: Some("a.1_B-2".parse().unwrap()),
        sim: Some("sim-1".parse().unwrap()),
        priority: Priority::Alarm,
        send_at: Some(NOW.after(Duration::from_secs(3600))),
        expires_at: Some(NOW.after(Duration::from_secs(3660))),
        report: false,
        class: Some(MessageClass::Class0),
        encoding: Choice::Ucs2,
        max_parts: 255,
        on_uncertain: OnUncertain::Hold,
        tags: vec!["a".into(), "b".into()],
        ..Submission::text("+491701234567".parse().unwrap(), "hi 😀")
    };
    let id = want.id.clone();
    assert_eq!(command, SendCommand { submissions: vec![want], id, transaction: Some("t-1".into()) });
}

#[test]
fn what_is_left_out_is_the_default() {
    let want = Submission::text("12345".parse().unwrap(), "a");
    assert_eq!(parse(br#"{"to":"12345","text":"a"}"#).unwrap().submissions, std::slice::from_ref(&want));
    let defaults = Defaults {
        report: false,
        max_parts: 2,
        on_uncertain: OnUncertain::Hold,
        expires_in: Some(Duration::from_secs(90)),
    };
    let with = Submission {
        report: false,
        max_parts: 2,
        on_uncertain: OnUncertain::Hold,
        expires_at: Some(NOW.after(Duration::from_secs(90))),
        ..want
    };
    assert_eq!(parse_send(br#"{"to":"12345","text":"a"}"#, NOW, &defaults).unwrap().submissions, [with]);
}

#[test]
fn a_list_is_numbered() {
    let ids = |payload: &str| {
        let command = parse(payload.as_bytes()).unwrap();
        command.submissions.into_iter().map(|one| (one.id.map(|id| id.to_string()), one.to.to_string())).collect()
    };
    let named: Vec<_> = ids(r#"{"id":"x","to":["+4911","222"],"text":"a"}"#);
    assert_eq!(named, [(Some("x.1".into()), "+4911".into()), (Some("x.2".into()), "222".to_owned())]);
    let nameless: Vec<_> = ids(r#"{"to":["+4911","222"],"text":"a"}"#);
    assert_eq!(nameless, [(None, "+4911".into()), (None, "222".to_owned())]);
}

#[test]
fn octets_for_a_port() {
    for (data, port, octets) in
        [(r#"{"port":2948,"base64":"AQID"}"#, Some(2948), vec![1, 2, 3]), (r#"{"base64":"/w=="}"#, None, vec![255])]
    {
        let command = parse(format!(r#"{{"to":"12345","data":{data}}}"#).as_bytes()).unwrap();
        assert_eq!(command.submissions[0].body, Body::Data { port, octets });
    }
}

#[test]
fn plain_texts() {
    let defaults = Defaults::default();
    let command = plain_text("491701234567", "hé\n".as_bytes(), NOW, &defaults).unwrap();
    assert_eq!(command.submissions, [Submission::text("+491701234567".parse().unwrap(), "hé\n")]);
    let text = "x".repeat(39_016);
    for (digits, payload, code, field) in [
        ("491701234567", &b""[..], InvalidField, Some("/text")),
        ("491701234567", b"\xff", InvalidField, Some("/text")),
        ("491701234567", b"\0", InvalidField, Some("/text")),
        ("491701234567", text.as_bytes(), TooLong, Some("/text")),
        ("491701234567", &[b'x'; 65_537], TooLong, None),
        ("+491701234567", b"a", InvalidNumber, Some("/to")),
        ("anna", b"a", InvalidNumber, Some("/to")),
        ("", b"a", InvalidNumber, Some("/to")),
        ("112", b"a", Blocked, Some("/to")),
    ] {
        let refusal = plain_text(digits, payload, NOW, &defaults).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (code, field), "{digits}");
    }
}

#[test]
fn commands_by_id() {
    let command = parse_by_id(br#"{"id":"x","transaction":"t"}"#).unwrap();
    assert_eq!(command, ByIdCommand { id: "x".parse().unwrap(), transaction: Some("t".into()) });
    for (payload, code, field) in [
        ("{}", InvalidField, "/id"),
        (r#"{"id":"a b"}"#, InvalidField, "/id"),
        (r#"{"id":"a","to":"1"}"#, InvalidField, "/to"),
        ("x", InvalidJson, "1:1"),
    ] {
        let refusal = parse_by_id(payload.as_bytes()).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_deref()), (code, Some(field)), "{payload}");
    }
}

/// Whatever is accepted holds to the patterns of the contract.
fn sound(command: &SendCommand) {
    assert!((1..=MAX_RECIPIENTS).contains(&command.submissions.len()));
    for one in &command.submissions {
        let digits = one.to.as_str().strip_prefix('+').unwrap_or(one.to.as_str());
        assert!((2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
        let id = one.id.as_ref().map_or("x", |id| id.as_str());
        assert!((1..=64).contains(&id.len()) && !id.contains(['/', '+', '#', '$', '\0']), "{id}");
        assert!(one.expires_at.is_none_or(|at| at > NOW));
        assert!(one.max_parts >= 1 && one.tags.len() <= 16);
        match &one.body {
            Body::Text(text) => assert!(!text.is_empty() && !text.contains('\0')),
            Body::Data { octets, .. } => assert!(!octets.is_empty()),
        }
    }
}

proptest! {
    #[test]
    fn any_octets_are_answered(payload: Vec<u8>) {
        if let Ok(command) = parse(&payload) {
            sound(&command);
        }
        let _ = parse_by_id(&payload);
    }

    #[test]
    fn any_values_are_answered(
        id in "\"[A-Za-z0-9./+#$ ]{0,70}\"|[0-9]{1,20}",
        to in "\"[+0-9a-z\\\\u01]{0,17}\"|\\[(\"[0-9]{1,16}\",){0,3}\"[+]?[0-9]{1,16}\"\\]",
        text in "\"[ -~é\u{fffd}😀]{0,20}\"",
        number in "-?[0-9]{1,25}(\\.[0-9]{1,3})?",
        key in "id|class|max_parts|expires_in|send_at|tags|report|x",
    ) {
        let payload = format!(r#"{{"id":{id},"to":{to},"text":{text},"{key}":{number}}}"#);
        if let Ok(command) = parse(payload.as_bytes()) {
            sound(&command);
        }
        let payload = format!(r#"{{"id":{id},"to":{to},"text":{text}}}"#);
        if let Ok(command) = parse(payload.as_bytes()) {
            sound(&command);
        }
    }

    #[test]
    fn a_good_command_cut_short_is_refused(cut in 0_usize..90) {
        let whole = br#"{"id":"abc","to":["+491701234567","12345"],"text":"hello","expires_in":60,"tags":["a"]}"#;
        prop_assert!(parse(whole).is_ok());
        if cut < whole.len() {
            prop_assert_eq!(parse(&whole[..cut]).unwrap_err().code, InvalidJson);
        }
    }
}
