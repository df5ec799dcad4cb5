//! The command line against a running gateway: what it prints, and how it exits.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use support::{ECHO, Process, Rig, gsmgate, lines};

#[test]
fn send_and_look() {
    let rig = Rig::start();
    let (exit, events) = rig.json(&["send", ECHO, "Grüße 👋", "--id", "a-1", "--sim", "sim1", "--wait", "60"]);
    assert_eq!(exit, Some(0));
    let receipt = json!({ "id": "a-1", "state": "queued", "repeated": false, "parts": 1 });
    assert_eq!(events[0], receipt);
    let states: Vec<_> = events.iter().map(|event| event["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["queued", "queued", "sending", "sent", "delivered"]);

    let (exit, said) = rig.cli(&["send", ECHO, "--id", "a-2", "--no-report", "--wait", "60", "--", "-x"]);
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some("a-2  sent")));

    let (exit, message) = rig.json(&["status", "a-1"]);
    assert_eq!(exit, Some(0));
    assert_eq!((&message[0]["to"], &message[0]["state"]), (&ECHO.into(), &"delivered".into()));
    assert_eq!(message[0]["parts"][0]["attempts"][0]["sim"], "sim1");
    let (_, said) = rig.cli(&["status", "a-1"]);
    assert_eq!(said[0], format!("a-1 to {ECHO}: delivered"));
    assert!(
        said[3].starts_with("part  state") && said[4].contains("delivered") && said[4].contains("sim1"),
        "{said:#?}"
    );

    let (_, status) = rig.json(&["status"]);
    assert_eq!((&status[0]["name"], &status[0]["queue"]["queued"]), (&"rig".into(), &0.into()));
    let (_, modems) = rig.json(&["modems"]);
    assert_eq!(modems[0]["modems"], status[0]["modems"]);
    let modem = &modems[0]["modems"][1];
    assert_eq!(
        (&modem["label"], &modem["state"], &modem["sim"]["label"]),
        (&"modem1".into(), &"ready".into(), &"sim1".into())
    );
    assert!(modem["sim"]["storage"].as_array().is_some_and(|memories| !memories.is_empty()));
    let (_, said) = rig.cli(&["modems"]);
    assert!(said[0].starts_with("modem   state  sim") && said[2].starts_with("modem1  ready  sim1"), "{said:#?}");
}

#[test]
fn exit_codes_of_a_client() {
    let rig = Rig::start();
    rig.cli(&["send", ECHO, "once", "--id", "once", "--wait", "60"]);
    for (name, arguments, exit, code) in [
        ("the same again", &["send", ECHO, "once", "--id", "once"][..], 0, None),
        ("the same, waited for", &["send", ECHO, "once", "--id", "once", "--wait", "60"], 0, None),
        ("another with its id", &["send", ECHO, "twice", "--id", "once"], 2, Some("id_reused")),
        ("no number", &["send", "0170 1", "x"], 2, Some("invalid_number")),
        ("an injection", &["send", "+491\r\nAT", "x"], 2, Some("invalid_number")),
        ("no text", &["send", ECHO, ""], 2, Some("invalid_field")),
        ("no such SIM", &["send", ECHO, "x", "--sim", "nobody"], 2, Some("unknown_sim")),
        ("no such class", &["send", ECHO, "x", "--class", "4"], 2, Some("invalid_field")),
        ("too long", &["send", ECHO, &"x".repeat(161), "--max-parts", "1"], 2, Some("too_long")),
        ("over already", &["send", ECHO, "x", "--expires-in", "0"], 2, Some("invalid_field")),
        ("an emergency", &["send", "112", "x"], 4, Some("blocked")),
        ("no such message", &["status", "nobody"], 3, Some("not_found")),
        ("no id", &["status", "a/b"], 2, Some("invalid_field")),
        ("too late", &["status", "once", "--cancel"], 1, Some("conflict")),
        (
            "not yet",
            &["send", ECHO, "x", "--id", "later", "--send-at", "2099-01-01T00:00:00Z"],
            2,
            Some("invalid_field"),
        ),
        ("no time to wait", &["send", ECHO, "x", "--id", "hasty", "--wait", "0"], 5, Some("time_out")),
    ] {
        let (got, objects) = rig.json(arguments);
        assert_eq!(got, Some(exit), "{name}: {objects:?}");
        let last = objects.last().unwrap();
        assert_eq!(last["error"]["code"].as_str(), code, "{name}: {last}");
        let output = rig.command(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{name}, without --json");
        assert!(code.is_none() || said.starts_with("gsmgate: ") && said.lines().count() == 1, "{name}: {said}");
    }
    // The gateway went on with what nobody waited for, and says so by its id.
    assert_eq!(rig.json(&["send", ECHO, "x", "--id", "hasty", "--wait", "0"]).1.last().unwrap()["id"], "hasty");
}

#[test]
fn cancel_before_it_is_sent() {
    let rig = Rig::start();
    let in_a_week = (std::time::SystemTime::now() + std::time::Duration::from_secs(7 * 24 * 3600))
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = jiff::Timestamp::from_second(in_a_week.as_secs().try_into().unwrap()).unwrap().to_string();
    assert_eq!(
        rig.cli(&["send", ECHO, "x", "--id", "later", "--send-at", &at]),
        (Some(0), vec!["later  queued".to_owned()])
    );
    assert_eq!(rig.json(&["status"]).1[0]["queue"]["queued"], 1);
    assert_eq!(rig.cli(&["status", "later", "--cancel"]), (Some(0), vec!["later  cancelled".to_owned()]));
}

#[test]
fn text_from_standard_input() {
    let rig = Rig::start();
    let mut child = rig
        .command(&["send", ECHO, "-", "--id", "in", "--wait", "60"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let (exit, said) = lines(child.wait_with_output().unwrap());
    assert_eq!((exit, said.last().map(String::as_str)), (Some(0), Some("in  delivered")));
    // The echo phone gives it back, as it was.
    let (mut follow, mut events) = events(&rig, &["--after", "0"]);
    let text = events.find_map(|event| (event["event_type"] == "received").then(|| event["text"].clone()));
    assert_eq!(text, Some("one\ntwo".into()));
    assert_eq!(follow.end(Signal::SIGINT), Some(130), "Ctrl-C");
}

/// `gsmgate events --json`, and what it prints.
fn events(rig: &Rig, arguments: &[&str]) -> (Process, impl Iterator<Item = Value>) {
    let child = rig.command(&[&["events", "--json"], arguments].concat()).stdout(Stdio::piped()).spawn();
    let mut process = Process(child.unwrap());
    let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    (process, lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
}

#[test]
fn events_are_numbered_without_gaps() {
    let rig = Rig::start();
    let (_follow, mut seen) = events(&rig, &["--after", "0"]);
    rig.cli(&["send", ECHO, "a", "--id", "a", "--wait", "60"]);
    let first: Vec<_> = seen.by_ref().take(4).map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(first, [1, 2, 3, 4]);
    let (_again, mut from_two) = events(&rig, &["--after", "2"]);
    assert_eq!(from_two.next().unwrap()["seq"], 3);
    let (_ahead, mut next) = events(&rig, &["--after", "18446744073709551615"]);
    // A number of another log does not hold back what comes; the message is sent until the follower sees one.
    let sent = std::thread::scope(|scope| {
        let reader = scope.spawn(move || next.next().unwrap());
        while !reader.is_finished() {
            rig.cli(&["send", ECHO, "b", "--wait", "60"]);
        }
        reader.join().unwrap()
    });
    assert!(sent["seq"].as_u64() > Some(4));
}

#[test]
fn a_second_gateway_is_refused_and_the_first_named() {
    let mut rig = Rig::start();
    let first = rig.gateway.0.id();
    let config = std::fs::read_to_string(rig.path("gsmgate.toml")).unwrap();
    let elsewhere = config.replace("/state\"", "/state2\"");
    assert_ne!(config, elsewhere);
    std::fs::write(rig.path("elsewhere.toml"), elsewhere).unwrap();
    for (file, words) in [("gsmgate.toml", format!("pid {first}")), ("elsewhere.toml", "control.sock".to_owned())] {
        let output = gsmgate().arg("run").arg("--config").arg(rig.path(file)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(73), "{file}: {said}");
        assert!(said.lines().last().unwrap().contains(&words), "{file}: {said}");
    }
    assert_eq!(rig.cli(&["status"]).0, Some(0), "the first goes on");
    assert_eq!(rig.gateway.end(Signal::SIGTERM), Some(0));
    assert!(!rig.path("control.sock").exists());
    let (exit, said) = rig.json(&["modems"]);
    assert_eq!((exit, &said[0]["error"]["code"]), (Some(69), &"unreachable".into()));
}

#[test]
fn a_directory_that_may_not_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("g.toml");
    std::fs::write(&config, "[gateway]\nstate_dir = \"/dev/null/state\"\ncontrol_socket = \"/dev/null/x\"\n").unwrap();
    let output = gsmgate().arg("run").arg("--config").arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(74), "{output:?}");
}

#[test]
fn usage() {
    for (arguments, exit) in [
        (&[][..], 2),
        (&["fly"], 2),
        (&["send", ECHO], 2),
        (&["send", ECHO, "x", "--priority", "urgent"], 2),
        (&["simulate", "--fault", "F-99"], 2),
        (&["simulate", "--personality", "acme"], 2),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["send", "--help"], 0),
    ] {
        assert_eq!(gsmgate().args(arguments).output().unwrap().status.code(), Some(exit), "{arguments:?}");
    }
    let (_, help) = lines(gsmgate().arg("--help").output().unwrap());
    let codes = help.join(" ");
    for code in ["0 ok", "2 usage", "73 second instance", "78 bad configuration", "130 interrupted"] {
        assert!(codes.contains(code), "{code}");
    }
}

#[test]
fn decode_answers_line_by_line() {
    let good = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";
    let (exit, said) = lines(gsmgate().args(["decode", good]).output().unwrap());
    assert_eq!(exit, Some(0));
    assert!(said.iter().any(|line| line.contains("TP-OA") && line.ends_with("+31641600986")), "{said:#?}");
    assert!(
        said.iter().any(|line| line.trim_start().starts_with("27–37") && line.ends_with("\"How are you?\"")),
        "{said:#?}"
    );

    let input = format!("{good}\n\nxyz\n{}\n\u{fffd}\n{good}\r\n", &good[..20]);
    let input = [input.as_bytes(), b"\xff\xfe\n"].concat();
    let mut child = gsmgate().args(["decode", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let (exit, said) = lines(child.wait_with_output().unwrap());
    assert_eq!(exit, Some(1), "one of them cannot be read");
    let answers: Vec<Value> = said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let valid: Vec<_> = answers.iter().map(|answer| answer["valid"].as_bool().unwrap()).collect();
    assert_eq!(valid, [true, false, false, false, false, true, false]);
    assert_eq!(answers[0], answers[5]);
    for answer in answers.iter().filter(|answer| answer["valid"] == false) {
        let error = &answer["error"];
        assert!(error["field"].is_string() && error["octet"].is_u64() && error["detail"].is_string(), "{answer}");
    }
}

#[test]
fn decode_reads_cell_broadcasts_and_ussd() {
    let page = "402111120F12F3F7DB0D";
    let (exit, said) = lines(gsmgate().args(["decode", "--cell-broadcast", page]).output().unwrap());
    assert_eq!(exit, Some(0));
    assert!(said.iter().any(|line| line.contains("2–3  1112") && line.ends_with("national alert")), "{said:#?}");
    for (args, want) in [
        (
            &["--cell-broadcast", page][..],
            json!({ "kind": "cell_broadcast", "message_id": 4370, "page": 1, "pages": 2, "text": "soon", "dcs": 15 }),
        ),
        (
            &["--cell-broadcast", "4021"],
            json!({ "valid": false, "error": { "field": "cbs.message-identifier",
            "octet": 2, "detail": "2 octets needed, 0 left" } }),
        ),
        (&["--ussd", "C2303BEC1E974139"], json!({ "kind": "ussd", "form": "packed", "text": "Balance 9" })),
        (&["--ussd", "0411043B", "--dcs", "72"], json!({ "form": "ucs2", "alphabet": "ucs2", "text": "Бл" })),
        (&["--ussd", "1234"], json!({ "valid": true, "form": "raw", "text": "1234" })),
    ] {
        let (_, said) = lines(gsmgate().args(["decode", "--json"]).args(args).output().unwrap());
        let ours: Value = serde_json::from_str(&said[0]).unwrap();
        for (key, value) in want.as_object().unwrap() {
            assert_eq!(&ours[key], value, "{args:?} {key}");
        }
    }
    let (exit, _) = lines(gsmgate().args(["decode", "--ussd", "--cell-broadcast", page]).output().unwrap());
    assert_eq!(exit, Some(2), "one or the other");
}

/// A line of 10 MB is answered as one, and not kept; the next is read.
#[test]
fn decode_answers_a_line_that_is_too_long() {
    let long = "0".repeat(10_000_000);
    let good = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";
    let mut child = gsmgate().args(["decode", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{long}\n{good}\n{long}").as_bytes()).unwrap();
    let (_, said) = lines(child.wait_with_output().unwrap());
    let answers: Vec<Value> = said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let detail = |n: usize| answers[n]["error"]["detail"].as_str().unwrap_or("none");
    assert_eq!((answers.len(), answers[1]["text"].as_str()), (3, Some("How are you?")));
    assert!(detail(0).ends_with("over the limit of 8192") && detail(2).ends_with("over the limit of 8192"));

    let mut child =
        gsmgate().args(["decode", "--ussd", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{long}\n1234\n").as_bytes()).unwrap();
    let (exit, said) = lines(child.wait_with_output().unwrap());
    let answers: Vec<Value> = said.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((exit, &answers[0]["error"]["field"], &answers[1]["text"]), (Some(1), &"ussd".into(), &"1234".into()));
}

#[test]
fn a_submit_that_is_read_as_if_it_came_from_a_modem_says_so() {
    let hint = |pdu: &str| {
        let told = gsmgate().args(["decode", pdu]).output().unwrap();
        String::from_utf8(told.stderr).unwrap().contains("see --to-modem")
    };
    assert!(hint("0011000B916407281553F80000AA0AE8329BFD4697D9EC37"));
    assert!(!hint("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"));
    assert!(!hint("0011000B916407281553F80000AA0AE8329BFD4697D9EC"), "cut");
}

#[test]
fn encode_writes_what_decode_reads() {
    let encode = |args: &[&str]| lines(gsmgate().arg("encode").args(args).output().unwrap());
    let decode = |pdu: &str| -> Value {
        let (_, said) = lines(gsmgate().args(["decode", "--to-modem", "--json", pdu]).output().unwrap());
        serde_json::from_str(&said[0]).unwrap()
    };
    let all = ["+491701234567", "Hi €", "--validity", "6h", "--report", "--class", "1", "--mr", "7", "--smsc", "+4917"];
    let (exit, said) = encode(&all);
    assert_eq!((exit, said.len()), (Some(0), 1));
    let pdu = decode(&said[0]);
    let want = [
        ("number", "\"+491701234567\""),
        ("text", "\"Hi €\""),
        ("class", "1"),
        ("mr", "7"),
        ("smsc", "\"+4917\""),
        ("status_report", "true"),
    ];
    for (key, value) in want {
        assert_eq!(pdu[key].to_string(), value, "{key}");
    }
    assert_eq!(pdu["validity"]["seconds"], 6 * 3600);

    let (_, said) = encode(&["1701234567", "Hi", "--toa", "161", "--validity", "enhanced:01AA0000000000"]);
    let pdu = decode(&said[0]);
    assert_eq!((&pdu["toa"], &pdu["number_type"]), (&161.into(), &"national".into()));
    assert_eq!((&pdu["validity"]["format"], &pdu["validity"]["efi"]), (&"enhanced".into(), &1.into()));

    let long = "ığş".repeat(60);
    let (_, said) = encode(&["4711", &long, "--encoding", "national", "--wide", "--ref", "300"]);
    let parts: Vec<Value> = said.iter().map(|line| decode(line)).collect();
    let text: String = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
    assert_eq!((parts.len(), text.as_str()), (2, long.as_str()));
    assert_eq!((&parts[1]["concat"]["ref"], &parts[1]["locking"]), (&300.into(), &1.into()));

    let (_, said) = encode(&["4711", &"x".repeat(170), "--mr", "255", "--reject-duplicates"]);
    let references: Vec<Value> = said.iter().map(|line| decode(line)["mr"].clone()).collect();
    assert_eq!(references, [255, 0]);

    let (_, said) = encode(&["4711", "a – b", "--explain", "--json"]);
    let advice: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!((&advice["alphabet"], &advice["outside_gsm7"][0]["replacement"]), (&"UCS-2".into(), &"-".into()));

    for (args, want) in [
        (&["47x11", "a"][..], "tp-da: 'x' is not a digit of an address"),
        (&["4711", "a", "--validity", "5"], "--validity: a span like 45m"),
        (&["4711", "a", "--validity", "enhanced:01"], "enhanced: and 14 hexadecimal digits"),
        (&["4711", "я", "--encoding", "gsm7"], "is not in the GSM 7 bit alphabet"),
        (&["4711", "--data", "ABC"], "--data: hex at octet 3: an odd number"),
        (&["4711", "a", "--ref", "300"], "--ref: over 255 needs --wide"),
        (&["4711", "--data", "AB", "--encoding", "ucs2"], "'--data <HEX>' cannot be used with '--encoding"),
        (&["4711", "hi", "--dcs", "8"], "--dcs: 0x08 is UCS-2, and what is written is GSM 7 bit"),
        (&["4711", "Привет", "--dcs", "0"], "--dcs: 0x00 is GSM 7 bit, and what is written is UCS-2"),
        (&["4711", "--data", "41", "--dcs", "0"], "and what is written is 8 bit data"),
        (&["+", "hi"], "the recipient has no digit"),
        (&["4711", "hi", "--smsc", ""], "--smsc has no digit"),
        (&["4711", "hi", "--validity", "1m"], "5 minutes to 63 weeks"),
        (&["4711", "hi", "--validity", "9999w"], "5 minutes to 63 weeks"),
        (&["4711", "--data", "AB", "--explain"], "'--data <HEX>' cannot be used with '--explain'"),
    ] {
        let output = gsmgate().arg("encode").args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(want), "{said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let mut child =
        gsmgate().arg("decode").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all("00040481214300002080629173140803ABCDEF\n".repeat(1000).as_bytes());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(74), ""));
}

/// The first of the two commands of the README: until the whole road has been shown, then Ctrl-C.
#[cfg(feature = "embedded-broker")]
#[test]
fn demo_shows_the_whole_road() {
    let dir = tempfile::tempdir().unwrap();
    let child = gsmgate()
        .arg("demo")
        .current_dir(dir.path())
        .env("TMPDIR", dir.path())
        .env_remove("DEMO_SECONDS")
        .stdout(Stdio::piped())
        .spawn();
    let mut demo = Process(child.unwrap());
    let mut shown = Vec::new();
    for line in BufReader::new(demo.0.stdout.take().unwrap()).lines() {
        shown.push(line.unwrap());
        if shown.last().unwrap().contains("Ctrl-C ends the demo") {
            assert_eq!(demo.end(Signal::SIGINT), Some(0));
        }
    }
    let shown = shown.join("\n");
    for step in [
        "status/sim-a  queued",
        "status/sim-a  sent",
        "status/sim-b  delivered",
        "inbound/sim-a  from +49170555000: Hello from sim-a",
        "mosquitto_sub -p ",
        "mosquitto_pub -p ",
        " send --socket ",
    ] {
        assert!(shown.contains(step), "{step} is missing in\n{shown}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
}

/// It is an error to end before the road has been shown.
#[cfg(feature = "embedded-broker")]
#[test]
fn demo_without_time_fails_and_says_what_is_missing() {
    let output = gsmgate().arg("demo").env("DEMO_SECONDS", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("sim-b not delivered"));
}

#[test]
fn what_one_modem_is_asked() {
    let rig = Rig::start();
    let (exit, said) = rig.cli(&["at", "modem0", "AT+CSQ", "AT+CGMI"]);
    assert_eq!(exit, Some(0), "{said:?}");
    assert!(said[0].starts_with("+CSQ: ") && said[1] == "OK" && said.len() == 4, "{said:?}");
    let (exit, said) = rig.json(&["at", "sim1", "AT+NOSUCH"]);
    assert_eq!((exit, &said[0]["result"]), (Some(1), &"ERROR".into()));
    for (arguments, exit) in [
        (&["at", "nobody", "AT"][..], 3),
        (&["at", "modem0", "AT+CMGS=1"], 2),
        (&["ussd", "nobody", "*100#"], 3),
        (&["modem", "modem0", "slot", "2"], 1),
    ] {
        assert_eq!(rig.cli(arguments).0, Some(exit), "{arguments:?}");
    }
    let (exit, _) = rig.cli(&["modem", "modem0", "restart"]);
    assert_eq!(exit, Some(0));
    let (_, events) = rig.json(&["status"]);
    assert!(events[0]["modems"].is_array());
}

#[test]
fn a_recording_of_a_modem_is_replayed_the_same() {
    let rig = Rig::start();
    let text = "Geheim 12345";
    rig.cli(&["send", ECHO, text, "--id", "r-1", "--sim", "sim1", "--wait", "60"]);
    let (exit, said) = rig.cli(&["recording", "--modem", "modem1"]);
    assert_eq!(exit, Some(0));
    let head = format!("# gsmgate {} recording of modem1", env!("CARGO_PKG_VERSION"));
    assert_eq!((said[0].as_str(), said[1].as_str()), (head.as_str(), "# why: asked for"));
    assert!(said.contains(&"= opened".to_owned()) && said.iter().any(|line| line.ends_with("^Z")), "{said:#?}");
    let (_, modems) = rig.json(&["modems"]);
    let modem = &modems[0]["modems"][1];
    let hidden = [&modem["imei"], &modem["sim"]["iccid"]].map(|id| id.as_str().unwrap());
    for secret in hidden.into_iter().chain([&ECHO[1..]]) {
        assert!(secret.len() > 8 && !said.iter().any(|line| line.contains(&secret[4..])), "{secret} in {said:#?}");
    }

    let file = rig.path("modem1.txt");
    let out = file.to_str().unwrap();
    std::fs::write(&file, "x".repeat(100_000)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(rig.cli(&["recording", "--modem", "modem1", "--out", out]), (Some(0), vec![]));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let (exit, told) = rig.cli(&["replay", out]);
    assert_eq!((exit, told.last().map(String::as_str)), (Some(0), Some("the driver does the same")), "{told:#?}");
    let (exit, report) = rig.json(&["replay", out]);
    assert_eq!((exit, &report[0]["same"], &report[0]["state"]), (Some(0), &true.into(), &"ready".into()));

    // A driver that said something else then.
    let other = std::fs::read_to_string(&file).unwrap().replace("> AT+CMEE=1\n", "> AT+CMEE=2\n");
    std::fs::write(&file, other).unwrap();
    let (exit, told) = rig.cli(&["replay", out]);
    assert_eq!((exit, told.last().map(String::as_str)), (Some(1), Some("2 differences")));
    assert!(told.contains(&"- > AT+CMEE=2".to_owned()) && told.contains(&"+ > AT+CMEE=1".to_owned()), "{told:#?}");
}

#[test]
fn a_modem_that_does_not_exist_has_no_recording() {
    let rig = Rig::start();
    for (arguments, exit, code, detail) in [
        (
            &["recording", "--modem", "modem7"][..],
            3,
            "not_found",
            "no modem is called modem7; there are: modem0, modem1",
        ),
        (&["recording"], 2, "invalid_field", "which modem? there are: modem0, modem1"),
    ] {
        let (got, said) = rig.json(arguments);
        assert_eq!((got, &said[0]["error"]["code"]), (Some(exit), &code.into()), "{said:#?}");
        assert_eq!(said[0]["error"]["detail"], detail);
    }
    let (exit, said) = rig.json(&["recording", "--modem", "modem0", "--out", "/nowhere/x"]);
    assert_eq!((exit, &said[0]["error"]["code"]), (Some(74), &"io".into()));
}

#[test]
fn a_modem_that_hangs_up_leaves_a_recording() {
    let rig = Rig::start();
    let fault =
        json!({ "do": "fault", "modem": 0, "fault": "F-13", "step": "payload", "back_ms": 10, "when": "always" });
    rig.lab(&fault.to_string());
    assert_eq!(rig.cli(&["send", ECHO, "x", "--sim", "sim0"]).0, Some(0));
    let folder = rig.path("state/recordings");
    // It is written under another name first.
    let is_written =
        |path: &PathBuf| path.extension().is_some() && !path.file_name().unwrap().to_string_lossy().starts_with('.');
    let file = (0..600).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        std::fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path()).find(is_written)
    });
    let file = file.unwrap_or_else(|| panic!("nothing was written"));
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("modem0-2"), "{file:?}");
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("= lost: ") || text.contains("= uncertain: "), "{text}");
    let (exit, told) = rig.cli(&["replay", file.to_str().unwrap()]);
    assert_eq!(exit, Some(0), "{told:#?}\n{text}");
}

#[test]
fn a_file_that_is_no_recording_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.txt");
    for (name, octets, detail) in [
        ("nothing in it", &b""[..], "line 1: it ends, and nothing was said to a modem (no line begins with >)"),
        ("another file", b"# x\n\nhello\n", "line 3: no such mark: hello; known are # > < << ~ ="),
        ("not UTF-8", b"> AT\n< \xff\n", "line 2: it is not UTF-8"),
        ("too large", &vec![b'#'; 1024 * 1024 + 1], "line 1: a recording has at most 1 MiB"),
    ] {
        std::fs::write(&file, octets).unwrap();
        let output = gsmgate().args(["--json", "replay"]).arg(&file).output().unwrap();
        let (exit, said) = lines(output);
        let said: Value = serde_json::from_str(&said[0]).unwrap();
        assert_eq!((exit, &said["error"]["code"]), (Some(66), &"no_input".into()), "{name}");
        assert_eq!(said["error"]["detail"], format!("{}: {detail}", file.display()), "{name}");
    }
    let (exit, _) = lines(gsmgate().args(["replay", "/nowhere/x.txt"]).output().unwrap());
    assert_eq!(exit, Some(66));
}
