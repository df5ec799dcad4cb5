//! The control socket against clients that mean no good, or do not know better.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use support::{ECHO, Rig};

/// Clients that the socket serves at a time.
const CLIENTS: usize = 32;

fn ask(stream: &mut UnixStream, line: &[u8]) -> Value {
    stream.write_all(line).unwrap();
    read(&mut BufReader::new(stream))
}

fn read(reader: &mut impl BufRead) -> Value {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[test]
fn bad_lines_are_answered_and_the_connection_stays() {
    let rig = Rig::start();
    let mut stream = rig.connect();
    for (line, code, field) in [
        (&b"hello\n"[..], "invalid_json", "1:1"),
        (b"\n", "invalid_json", "2:0"),
        (b"\xff\xfe\n", "invalid_json", "1:1"),
        (b"{\"do\":\"send\",\"with\":{\"to\":\"\xff\"}}\n", "invalid_json", ""),
        (b"[]\n", "invalid_field", ""),
        (b"{}\n", "invalid_field", ""),
        (b"{\"do\":\"dance\"}\n", "unsupported", "/do"),
        (b"{\"do\":\"at\",\"with\":{\"modem\":\"m\"}}\n", "invalid_field", "/command"),
        (b"{\"do\":\"ussd\",\"with\":{\"modem\":\"nobody\",\"code\":\"*1#\"}}\n", "not_found", "/modem"),
        (b"{\"do\":\"send\"}\n", "invalid_field", "/to"),
        (b"{\"do\":\"send\",\"to\":\"+4917012345\"}\n", "invalid_field", ""),
        (b"{\"do\":\"send\",\"with\":[]}\n", "invalid_field", ""),
        (
            b"{\"do\":\"send\",\"with\":{\"to\":\"+4917012345\",\"to\":\"112\",\"text\":\"x\"}}\n",
            "invalid_field",
            "/to",
        ),
        (b"{\"do\":\"send\",\"with\":{\"to\":\"+4917012345\",\"text\":\"\\ud800\"}}\n", "invalid_json", ""),
        (b"{\"do\":\"send\",\"with\":{\"to\":\"+49\\u001a12345\",\"text\":\"x\"}}\n", "invalid_number", "/to"),
        (b"{\"do\":\"get\",\"with\":{\"id\":7}}\n", "invalid_field", "/id"),
        (b"{\"do\":\"get\",\"with\":{\"id\":\"x\",\"more\":1}}\n", "invalid_field", "/more"),
        (b"{\"do\":\"get\",\"with\":{\"id\":\"nobody\"}}\n", "not_found", ""),
    ] {
        let reply = ask(&mut stream, line);
        let shown = String::from_utf8_lossy(line);
        assert_eq!((&reply["status"], &reply["error"]["code"]), (&"error".into(), &code.into()), "{shown}: {reply}");
        assert!(field.is_empty() || reply["error"]["field"] == field, "{shown}: {reply}");
    }
    let deep = format!("{{\"do\":\"send\",\"with\":{}}}\n", "[".repeat(60_000));
    assert_eq!(ask(&mut stream, deep.as_bytes())["error"]["code"], "invalid_json");
    let long = json!({ "do": "send", "with": { "to": ECHO, "text": "x".repeat(100_000) } }).to_string() + "\n";
    assert_eq!(ask(&mut stream, long.as_bytes())["error"]["code"], "too_long");

    // None of it was sent, and the connection is as good as new.
    let reply = ask(&mut stream, b"{\"do\":\"info\"}\n");
    assert_eq!((&reply["data"]["seq"], &reply["data"]["queue"]["queued"]), (&0.into(), &0.into()));
    let good = json!({ "do": "send", "with": { "to": ECHO, "text": "x", "transaction": "t-1" } }).to_string() + "\n";
    let reply = ask(&mut stream, good.as_bytes());
    assert_eq!((&reply["status"], &reply["transaction"]), (&"ok".into(), &"t-1".into()));
}

#[test]
fn a_line_without_end_is_refused_and_hung_up_on() {
    let rig = Rig::start();
    let mut stream = rig.connect();
    // It may hang up before all is written.
    let _ = stream.write_all(&vec![b' '; 1024 * 1024]);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(String::from_utf8(said).unwrap().contains("\"code\":\"too_long\""));
    assert_eq!(rig.cli(&["status"]).0, Some(0));
}

#[test]
fn a_client_too_many_is_told_and_the_next_finds_a_place() {
    let rig = Rig::start();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| rig.connect()).collect();
    for client in &mut clients {
        assert_eq!(ask(client, b"{\"do\":\"info\"}\n")["status"], "ok");
    }
    let (exit, said) = rig.json(&["status"]);
    assert_eq!((exit, &said[0]["error"]["code"]), (Some(1), &"queue_full".into()));
    // Half a line, and gone.
    let mut last = clients.pop().unwrap();
    last.write_all(b"{\"do\":").unwrap();
    last.shutdown(std::net::Shutdown::Write).unwrap();
    let mut said = String::new();
    last.read_to_string(&mut said).unwrap();
    assert!(said.contains("invalid_json"), "{said}");
    // The place is free a moment after the end is seen.
    assert!((0..100).any(|_| rig.cli(&["status"]).0 == Some(0)));
}

#[test]
fn a_follower_that_does_not_read_holds_nobody_up() {
    let rig = Rig::start();
    let mut deaf = rig.connect();
    deaf.write_all(b"{\"do\":\"follow\"}\n").unwrap();
    let mut reader = BufReader::new(rig.connect());
    reader.get_mut().write_all(b"{\"do\":\"follow\",\"with\":{\"after\":0}}\n").unwrap();
    assert_eq!(read(&mut reader)["data"]["after"], 0);
    for n in 0..20 {
        let id = format!("m{n}");
        assert_eq!(rig.cli(&["send", ECHO, "x", "--id", &id, "--no-report", "--wait", "60"]).0, Some(0));
    }
    assert!((1..=60).all(|seq| read(&mut reader)["seq"] == seq));
}

#[test]
fn follow_refuses_what_it_does_not_know() {
    let rig = Rig::start();
    let reply = ask(&mut rig.connect(), b"{\"do\":\"follow\",\"with\":{\"after\":-1}}\n");
    assert_eq!((&reply["error"]["code"], &reply["error"]["field"]), (&"invalid_field".into(), &"/with".into()));
}
