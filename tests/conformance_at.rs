//! What other implementations' test suites assert of AT dialogues, checked against the engine and the readers of answers.
//!
//! The vectors are not part of this package: they are read from `$GSMGATE_SHARED/vectors` (default `../shared`), whose
//! README has the schema. Without them the test passes and says so.

#![allow(clippy::unwrap_used, reason = "a test")]

use gsmgate::at::command::Domain;
use gsmgate::at::{Answer, Command, Engine, Event, FinalResult, Memory, Params, Urc, net, sms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[test]
fn vectors() {
    let Some(rows) = rows() else { return println!("skipped: no vectors") };
    let (mut checked, mut not_yet, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for row in &rows {
        let want = &row["expected"];
        if row["disputed"] == true || row["optional"] == true {
            *not_yet.entry("disputed or optional".to_owned()).or_default() += 1;
            continue;
        }
        match got(row) {
            None => *not_yet.entry(want["cmd"].to_string()).or_default() += 1,
            Some(got) => {
                // Only what both sides say is compared.
                let differs =
                    |(key, value): &(&String, &Value)| want.get(key.as_str()).is_some_and(|want| want != *value);
                match got.as_object().unwrap().iter().find(differs) {
                    None => checked += 1,
                    Some((key, got)) => wrong.push(format!("{} {key}: {got}, want {}", row["id"], want[key])),
                }
            }
        }
    }
    println!("{checked} checked; not yet: {not_yet:?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn rows() -> Option<Vec<Value>> {
    let shared = std::env::var_os("GSMGATE_SHARED").unwrap_or_else(|| "../shared".into());
    let folder = std::fs::read_dir(PathBuf::from(shared).join("vectors")).ok()?;
    let texts =
        folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
    let texts: Vec<String> = texts.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let rows = texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str::<Value>(line).unwrap());
    Some(rows.filter(|row| row["kind"] == "at").collect())
}

/// What we read, in the words of the schema; `None` for what nothing of ours reads yet.
#[allow(clippy::too_many_lines, reason = "one row for each command of the vectors")]
fn got(row: &Value) -> Option<Value> {
    let input = row["input"].as_str().unwrap();
    let want = &row["expected"];
    let exchange = |command| play(Some(command), input).into_iter().rev().find(|event| !matches!(event, Event::Urc(_)));
    let answer = |command| match exchange(command) {
        Some(Event::Done(answer)) => answer,
        _ => Answer::default(),
    };
    Some(match want["cmd"].as_str().unwrap() {
        "CMGR" if want["mode"] == "pdu" => {
            let read = sms::read_message(&answer(Command::read(1)).lines);
            json!({ "pdus": read.iter().map(|stored| hex(&stored.pdu)).collect::<Vec<_>>() }).compare_pdus(want)
        }
        "CMGL" if want["mode"] == "pdu" => {
            let list = sms::listed_messages(&answer(Command::list_all()).lines);
            json!({ "pdus": list.iter().map(|stored| hex(&stored.pdu)).collect::<Vec<_>>() }).compare_pdus(want)
        }
        "CREG" => {
            let answer = answer(Command::registration(Domain::Circuit));
            let read = answer.params("+CREG").and_then(|params| net::registration(&params, true));
            let stat = read.map(|it| (0..=10u8).find(|n| net::Stat::from(*n) == it.stat));
            let mut got = json!({ "stat": stat });
            if let Some(it) = read.filter(|it| it.area.is_some()) {
                got["lac"] = json!(it.area);
                got["ci"] = json!(it.cell);
            }
            got
        }
        "CPMS=?" if want.get("error").is_none() => {
            let answer = answer(Command::memories());
            let [read, write, receive] = sms::memories(&answer.params("+CPMS")?);
            // Names that are no memories of the standard are left out.
            let kept = |key: &str, got: &[Memory]| {
                let names = want[key].as_array().into_iter().flatten().filter_map(|name| name.as_str()?.parse().ok());
                let (mut want, mut got): (Vec<Memory>, Vec<Memory>) = (names.collect(), got.to_vec());
                want.sort();
                got.sort();
                want == got
            };
            let same = kept("mem1", &read) && kept("mem2", &write) && kept("mem3", &receive);
            json!({ "cmd": if same { "CPMS=?" } else { "other memories" } })
        }
        "CPMS=" => {
            json!({ "used_total": sms::counts(&answer(Command::select_memories(&[Memory::SM])).params("+CPMS")?) })
        }
        "CNMI=?" => {
            let answer = answer(Command::indications_known());
            let known = answer.params("+CNMI")?;
            let list = |n: usize| (0..4u32).filter(|value| known.at(n).allows(*value)).collect::<Vec<_>>();
            json!({ "mode": list(0), "mt": list(1), "bm": list(2), "ds": list(3), "bfr": list(4) })
        }
        "COPS?" => json!({ "operator": answer(Command::operator()).params("+COPS").and_then(|it| net::operator(&it)) }),
        "CSQ" => {
            let dbm = answer(Command::signal()).params("+CSQ").and_then(|it| net::signal_dbm(&it));
            json!({ "rssi": dbm.map(|dbm| (dbm + 113) / 2) })
        }
        "CMGS" => json!({ "mr": reference(input) }),
        "CMTI" | "CDSI" | "CDS" | "CMT" => told(input),
        "response" => match exchange(Command::read(1))? {
            Event::Failed(FinalResult::NotSupported, _) => json!({ "result": "ERROR" }),
            Event::Failed(result @ FinalResult::Cme(_), _) => json!({ "result": "CME ERROR", "code": result.code() }),
            Event::Failed(result @ FinalResult::Cms(_), _) => json!({ "result": "CMS ERROR", "code": result.code() }),
            other => json!({ "result": format!("{other:?}") }),
        },
        _ => return None,
    })
}

/// Reads the dialogue as the answer to a command, or to none.
fn play(command: Option<Command>, input: &str) -> Vec<Event> {
    let now = Instant::now();
    let mut engine = Engine::new(gsmgate::modem::profile::signs());
    if let Some(command) = command {
        engine.start(now, command, Duration::from_secs(1));
    }
    engine.handle_bytes(now, input.as_bytes());
    engine.handle_bytes(now, b"\r\n");
    std::iter::from_fn(|| engine.poll_event()).collect()
}

fn reference(input: &str) -> Option<u8> {
    let now = Instant::now();
    let mut engine = Engine::new(gsmgate::modem::profile::signs());
    engine.start(now, Command::submit(10), Duration::from_secs(1));
    engine.handle_bytes(now, b"> ");
    assert!(engine.submit(now, "00".to_owned().try_into().unwrap(), Duration::from_secs(1)));
    engine.handle_bytes(now, input.as_bytes());
    let done = std::iter::from_fn(|| engine.poll_event()).find_map(|event| match event {
        Event::Done(answer) => Some(answer),
        _ => None,
    })?;
    sms::reference(&Params::parse(done.bodies("+CMGS").next()?))
}

/// What the first unsolicited line says.
fn told(input: &str) -> Value {
    let urcs = play(None, input).into_iter().filter_map(|event| match event {
        Event::Urc(urc) => Some(urc),
        _ => None,
    });
    match urcs.into_iter().next() {
        Some(Urc::MessageStored(memory, index)) => json!({ "cmd": "CMTI", "mem": memory.as_str(), "index": index }),
        Some(Urc::ReportStored(memory, index)) => json!({ "cmd": "CDSI", "mem": memory.as_str(), "index": index }),
        Some(Urc::MessageRouted(pdu)) => json!({ "cmd": "CMT", "pdu": hex(&pdu) }),
        Some(Urc::ReportRouted(pdu)) => json!({ "cmd": "CDS", "pdu": hex(&pdu) }),
        _ => json!({ "error": "not a PDU" }),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

trait ComparePdus {
    fn compare_pdus(self, want: &Value) -> Value;
}

impl ComparePdus for Value {
    /// The messages' PDUs, as the schema nests them; without regard to the case of digits.
    fn compare_pdus(self, want: &Value) -> Value {
        let wanted = want["messages"].as_array().into_iter().flatten();
        let wanted: Vec<String> = wanted.filter_map(|it| Some(it["pdu"].as_str()?.to_ascii_uppercase())).collect();
        if self["pdus"] == json!(wanted) { json!({}) } else { json!({ "messages": self["pdus"] }) }
    }
}
