//! The engine fed by hand, and by chance.

use super::*;
use crate::at::command::{Domain, Memory};
use crate::at::net::{Registration, Stat};
use crate::at::sim::PinState;
use crate::at::urc::Meaning;
use proptest::prelude::*;

const WITHIN: Duration = Duration::from_secs(180);

/// One dialogue: what is started, what comes, what is told.
struct Row {
    name: &'static str,
    command: Option<Command>,
    octets: &'static str,
    events: Vec<Event>,
}

fn row(name: &'static str, command: impl Into<Option<Command>>, octets: &'static str, events: Vec<Event>) -> Row {
    Row { name, command: command.into(), octets, events }
}

fn done(lines: &[&str]) -> Event {
    Event::Done(answer(lines))
}

fn answer(lines: &[&str]) -> Answer {
    Answer { lines: lines.iter().map(|line| (*line).to_owned()).collect() }
}

fn failed(result: &str) -> Event {
    Event::Failed(FinalResult::parse(result).unwrap(), Answer::default())
}

fn urc(urc: Urc) -> Event {
    Event::Urc(urc)
}

fn other(line: &str) -> Event {
    urc(Urc::Other(line.to_owned()))
}

fn events(engine: &mut Engine) -> Vec<Event> {
    std::iter::from_fn(|| engine.poll_event()).collect()
}

fn play(row: &Row, chunks: impl Iterator<Item = Vec<u8>>) -> Vec<Event> {
    let now = Instant::now();
    let mut engine = Engine::new(&[&[("^RSSI", Meaning::Nothing)]]);
    if let Some(command) = &row.command {
        engine.start(now, command.clone(), WITHIN);
    }
    let mut told = Vec::new();
    // What follows a prompt is said after the payload was given.
    let chunks =
        chunks.flat_map(|chunk| chunk.split_inclusive(|octet| *octet == b'>').map(<[u8]>::to_vec).collect::<Vec<_>>());
    for chunk in chunks {
        engine.handle_bytes(now, &chunk);
        for event in events(&mut engine) {
            if event == Event::Prompt {
                assert!(engine.submit(now, payload(), WITHIN));
            }
            told.push(event);
        }
    }
    told
}

fn payload() -> Payload {
    Payload::try_from("0011000A91".to_owned()).unwrap()
}

/// Plays each row whole, octet by octet, and cut in two at every place.
fn check(rows: &[Row]) {
    for row in rows {
        let octets = row.octets.as_bytes();
        assert_eq!(play(row, std::iter::once(octets.to_vec())), row.events, "{}", row.name);
        assert_eq!(play(row, octets.iter().map(|octet| vec![*octet])), row.events, "{}, by octets", row.name);
        for cut in 1..octets.len() {
            let halves = [octets[..cut].to_vec(), octets[cut..].to_vec()];
            assert_eq!(play(row, halves.into_iter()), row.events, "{}, cut at {cut}", row.name);
        }
    }
}

#[test]
fn table_of_answers() {
    let home =
        || Urc::Registration(Domain::Circuit, Registration { stat: Stat::Home, area: None, cell: None, act: None });
    check(&[
        row("plain", Command::attention(), "\r\nOK\r\n", vec![done(&[])]),
        row("echo", Command::attention(), "AT\r\r\nOK\r\n", vec![done(&[])]),
        row(
            "echo of one before",
            Command::serial_number(),
            "AT+CMEE=1\r\r\n357868041000000\r\n\r\nOK\r\n",
            vec![done(&["357868041000000"])],
        ),
        row("error", Command::pdu_mode(), "\r\nERROR\r\n", vec![failed("ERROR")]),
        row("numbered", Command::pdu_mode(), "\r\n+CMS ERROR: 302\r\n", vec![failed("+CMS ERROR: 302")]),
        row("Huawei", Command::pdu_mode(), "\r\nCOMMAND NOT SUPPORT\r\n", vec![failed("COMMAND NOT SUPPORT")]),
        row("named", Command::pin_state(), "\r\n+CPIN: READY\r\n\r\nOK\r\n", vec![done(&["+CPIN: READY"])]),
        row(
            "not asked",
            None,
            "\r\n+CPIN: READY\r\n\r\nOK\r\n",
            vec![urc(Urc::Pin(PinState::Ready)), urc(Urc::Final(FinalResult::Ok))],
        ),
        row(
            "URC between command and answer",
            Command::pin_state(),
            "\r\n+CMTI: \"SM\",3\r\n\r\n+CPIN:READY\r\nOK\r\n",
            vec![urc(Urc::MessageStored(Memory::SM, 3)), done(&["+CPIN:READY"])],
        ),
        row(
            "registration, asked and told",
            Command::registration(Domain::Circuit),
            "\r\n+CREG: 1\r\n\r\n+CREG: 2,5\r\n\r\nOK\r\n",
            vec![urc(home()), done(&["+CREG: 2,5"])],
        ),
        row(
            "bare line, asked",
            Command::manufacturer(),
            "\r\nhuawei\r\n^RSSI:20\r\n\r\nOK\r\n",
            vec![other("^RSSI:20"), done(&["huawei"])],
        ),
        row(
            "bare OK of one before",
            Command::manufacturer(),
            "\r\nOK\r\n\r\nhuawei\r\n\r\nOK\r\n",
            vec![done(&["huawei"])],
        ),
        row(
            "end of a call",
            Command::attention(),
            "\r\nNO CARRIER\r\n\r\nOK\r\n",
            vec![urc(Urc::Final(FinalResult::NoCarrier)), done(&[])],
        ),
        row("two in one read", None, "+CREG: 1\r\n\r\n+CGREG: x", vec![urc(home())]),
    ]);
}

#[test]
fn table_of_pdus() {
    let routed = |octets: &[u8]| urc(Urc::ReportRouted(octets.to_vec()));
    check(&[
        row(
            "read",
            Command::read(3),
            "\r\n+CMGR: 0,,2\r\n000102\r\n\r\nOK\r\n",
            vec![done(&["+CMGR: 0,,2", "000102"])],
        ),
        row(
            "URC between head and PDU",
            Command::read(3),
            "\r\n+CMGR: 0,,2\r\n+CMTI: \"SM\",4\r\n000102\r\n\r\nOK\r\n",
            vec![urc(Urc::MessageStored(Memory::SM, 4)), done(&["+CMGR: 0,,2", "000102"])],
        ),
        row(
            "routed pair between head and PDU",
            Command::read(3),
            "\r\n+CMGR: 0,,2\r\n+CDS: 2\r\n00FF\r\n000102\r\n\r\nOK\r\n",
            vec![routed(&[0x00, 0xff]), done(&["+CMGR: 0,,2", "000102"])],
        ),
        row(
            "routed, PDU lost",
            Command::read(3),
            "\r\n+CDS: 2\r\n\r\n+CMGR: 0,,2\r\n000102\r\n\r\nOK\r\n",
            vec![done(&["+CMGR: 0,,2", "000102"])],
        ),
        row("empty slot", Command::read(3), "\r\n+CMS ERROR: 321\r\n", vec![failed("+CMS ERROR: 321")]),
        row(
            "list",
            Command::list_all(),
            "\r\n+CMGL: 1,1,,2\r\n000102\r\n+CMGL: 2,1,,2\r\n000103\r\n\r\nOK\r\n",
            vec![done(&["+CMGL: 1,1,,2", "000102", "+CMGL: 2,1,,2", "000103"])],
        ),
        row("report, no blank", None, "+CDS:25\r0791\r", vec![routed(&[0x07, 0x91])]),
        row("report, comma", None, "+CDS: ,25\r\n0791\r\n", vec![routed(&[0x07, 0x91])]),
        row("report, spoilt", None, "+CDS:25\rBAD\r0791\r", vec![other("BAD"), other("0791")]),
        row(
            "URC between head and PDU, idle",
            None,
            "+CDS: 25\r\n+CMTI: \"SM\",1\r\n0791\r\n",
            vec![urc(Urc::MessageStored(Memory::SM, 1)), routed(&[0x07, 0x91])],
        ),
        row("message", None, "+CMT: ,23\r\n0791\r\n", vec![urc(Urc::MessageRouted(vec![0x07, 0x91]))]),
        row("cell broadcast", None, "+CBM: 88\r\n0791\r\n", vec![urc(Urc::Broadcast(vec![7, 145]))]),
        row(
            "IMSI after a spoilt report",
            Command::subscriber(),
            "+CDS: 25\r\nx\r\n262019000000100\r\nOK\r\n",
            vec![done(&["x", "262019000000100"])],
        ),
    ]);
}

#[test]
fn table_of_submits() {
    check(&[
        row("usual", Command::submit(4), "\r\n> \r\n+CMGS: 7\r\n\r\nOK\r\n", vec![Event::Prompt, done(&["+CMGS: 7"])]),
        row(
            "no blank",
            Command::submit(4),
            "\r\n>\r\n+CMGS: 7\r\n\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 7"])],
        ),
        row(
            "echo of all",
            Command::submit(4),
            "AT+CMGS=4\r\r\n> 0011000A91\u{1a}\r\n+CMGS: 7\r\n\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 7"])],
        ),
        row(
            "refused before the prompt",
            Command::submit(4),
            "\r\n+CMS ERROR: 304\r\n",
            vec![failed("+CMS ERROR: 304")],
        ),
        row(
            "refused by the network",
            Command::submit(4),
            "\r\n> \r\n+CMS ERROR: 38\r\n",
            vec![Event::Prompt, failed("+CMS ERROR: 38")],
        ),
        row(
            "OK of one before",
            Command::submit(4),
            "\r\nOK\r\n\r\n> \r\n+CMGS: 7\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 7"])],
        ),
        // python-gsmmodem: at/cmgs-noise (ZTE).
        row(
            "URCs before the reference",
            Command::submit(4),
            "\r\n> \r\n+ZPASR: \"UMTS\"\r\n+CDS: 2\r\n00FF\r\n+CMGS: 10\r\n+CMTI: \"ME\",1\r\nOK\r\n",
            vec![
                Event::Prompt,
                other("+ZPASR: \"UMTS\""),
                urc(Urc::ReportRouted(vec![0x00, 0xff])),
                urc(Urc::MessageStored(Memory::ME, 1)),
                done(&["+CMGS: 10"]),
            ],
        ),
        row(
            "URC before the prompt",
            Command::submit(4),
            "\r\n+CMTI: \"ME\",1\r\n> \r\n+CMGS: 7\r\nOK\r\n",
            vec![urc(Urc::MessageStored(Memory::ME, 1)), Event::Prompt, done(&["+CMGS: 7"])],
        ),
    ]);
}

#[test]
fn table_of_submits_out_of_step() {
    check(&[
        row("no reference", Command::submit(4), "\r\n> \r\nOK\r\n", vec![Event::Prompt, done(&[])]),
        row(
            "two references",
            Command::submit(4),
            "\r\n> \r\n+CMGS: 1\r\n+CMGS: 2\r\nOK\r\n",
            vec![Event::Prompt, done(&["+CMGS: 1", "+CMGS: 2"])],
        ),
        row(
            "late reference before the prompt",
            Command::submit(4),
            "\r\n+CMGS: 6\r\n\r\nOK\r\n> \r\n+CMGS: 7\r\n\r\nOK\r\n",
            vec![urc(Urc::Submitted(Some(6))), Event::Prompt, done(&["+CMGS: 7"])],
        ),
        row(
            "late reference in another exchange",
            Command::attention(),
            "\r\n+CMGS: 6\r\n\r\nOK\r\n\r\nOK\r\n",
            vec![urc(Urc::Submitted(Some(6))), done(&[])],
        ),
        row("late reference, idle", None, "\r\n+CMGS: 6\r\n\r\nOK\r\n", vec![urc(Urc::Submitted(Some(6)))]),
        row("foreign prompt", Command::attention(), "\r\n> \r\nOK\r\n", vec![done(&[])]),
    ]);
}

#[test]
fn the_payload_is_two_pieces() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(now, Command::submit(4), WITHIN);
    assert_eq!(engine.poll_transmit(), Some(b"AT+CMGS=4\r".to_vec()));
    assert_eq!(engine.poll_timeout(), Some(now + WITHIN));
    engine.handle_bytes(now, b"> ");
    assert_eq!((engine.poll_event(), engine.poll_timeout()), (Some(Event::Prompt), None));
    assert!(engine.submit(now, payload(), WITHIN));
    assert_eq!(engine.poll_transmit(), Some(b"0011000A91".to_vec()));
    assert_eq!(engine.poll_transmit(), Some(vec![0x1a]));
    assert_eq!(engine.poll_transmit(), None);
}

#[test]
fn there_is_no_payload_for_a_prompt_that_was_left() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(now, Command::submit(4), WITHIN);
    engine.poll_transmit();
    engine.handle_bytes(now, b"> \r\nOK\r\n");
    assert!(!engine.submit(now, payload(), WITHIN));
    assert_eq!(engine.poll_transmit(), None);
    assert_eq!(events(&mut engine), [Event::Prompt, done(&[])]);
}

#[test]
fn a_cancelled_prompt_ends_with_whatever_comes() {
    for result in ["\r\nOK\r\n", "\r\nERROR\r\n", "\r\n+CMS ERROR: 500\r\n"] {
        let now = Instant::now();
        let mut engine = Engine::default();
        engine.start(now, Command::submit(4), WITHIN);
        engine.poll_transmit();
        engine.handle_bytes(now, b"> ");
        engine.cancel(now, WITHIN);
        assert_eq!(engine.poll_transmit(), Some(vec![0x1b]));
        engine.handle_bytes(now, result.as_bytes());
        assert_eq!(events(&mut engine), [Event::Prompt, done(&[])]);
    }
}

#[test]
fn an_exchange_times_out_once_and_keeps_its_lines() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(now, Command::pin_state(), WITHIN);
    engine.handle_bytes(now, b"+CPIN: READY\r\n");
    engine.handle_timeout(now + WITHIN - Duration::from_millis(1));
    assert_eq!(engine.poll_event(), None);
    engine.handle_timeout(now + WITHIN);
    assert_eq!(engine.poll_event(), Some(Event::TimedOut(answer(&["+CPIN: READY"]))));
    engine.handle_timeout(now + WITHIN);
    assert_eq!((engine.poll_event(), engine.poll_timeout(), engine.is_idle()), (None, None, true));
}

#[test]
fn the_reference_shortens_the_wait_for_ok() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(now, Command::submit(4), WITHIN);
    engine.handle_bytes(now, b"> ");
    assert!(engine.submit(now, payload(), WITHIN));
    engine.handle_bytes(now, b"+CMGS: 7\r\n");
    assert_eq!(engine.poll_timeout(), Some(now + OK_AFTER_REFERENCE));
}

#[test]
fn a_start_shortens_the_wait_for_an_answer_and_not_for_a_reference() {
    let now = Instant::now();
    let within = Duration::from_secs(180);
    let mut engine = Engine::new(&[&[("RDY", urc::Meaning::Started)]]);
    engine.start(now, Command::list_all(), within);
    engine.handle_bytes(now, b"\r\nRDY\r\n");
    assert_eq!(engine.poll_timeout(), Some(now + ANSWER_AFTER_START));
    engine.handle_timeout(now + ANSWER_AFTER_START);
    assert_eq!(events(&mut engine), [urc(Urc::Started), Event::TimedOut(answer(&[]))]);
    engine.start(now, Command::attention(), Duration::from_secs(2));
    engine.handle_bytes(now, b"\r\nRDY\r\n");
    assert_eq!(engine.poll_timeout(), Some(now + Duration::from_secs(2)), "never longer than it was");
    engine.handle_bytes(now, b"\r\nOK\r\n");
    engine.start(now, Command::submit(4), within);
    engine.handle_bytes(now, b"\r\n> ");
    assert!(engine.submit(now, payload(), within));
    engine.handle_bytes(now, b"\r\nRDY\r\n");
    assert_eq!(engine.poll_timeout(), Some(now + within));
}

#[test]
fn a_flood_is_bounded() {
    let now = Instant::now();
    let mut engine = Engine::default();
    engine.start(now, Command::list_all(), WITHIN);
    for _ in 0..20_000 {
        engine.handle_bytes(now, b"+CMGL: 1,1,,160\r\n");
        engine.handle_bytes(now, b"RING\r\n");
    }
    engine.handle_bytes(now, b"OK\r\n");
    let events = events(&mut engine);
    assert_eq!(events.len(), PENDING + 1);
    let Some(Event::Done(answer)) = events.last() else { panic!("not done") };
    assert!(answer.lines.iter().map(String::len).sum::<usize>() <= ANSWER_OCTETS);
}

fn any_command() -> impl Strategy<Value = Option<Command>> {
    prop_oneof![
        Just(None),
        Just(Some(Command::attention())),
        Just(Some(Command::manufacturer())),
        Just(Some(Command::registration(Domain::Circuit))),
        Just(Some(Command::list_all())),
        Just(Some(Command::submit(4))),
    ]
}

proptest! {
    #[test]
    fn any_octets_any_chunks_no_panic(command in any_command(), octets in proptest::collection::vec(any::<u8>(), 0..512), cut in 0usize..512) {
        let row = Row { name: "any", command, octets: "", events: Vec::new() };
        let cut = cut.min(octets.len());
        let whole = play(&row, std::iter::once(octets.clone()));
        let halves = play(&row, [octets[..cut].to_vec(), octets[cut..].to_vec()].into_iter());
        prop_assert_eq!(whole, halves);
    }

    #[test]
    fn any_likely_lines_no_panic(command in any_command(), pieces in proptest::collection::vec(
        prop_oneof!["\\+C(MGS|MGL|MGR|DS|MT|REG|PIN|MTI): [0-9,\"A-F]{0,12}", "OK|ERROR|> |RING|\\+CMS ERROR: [0-9]{0,3}", "[0-9A-F]{0,8}"], 0..32)) {
        let row = Row { name: "any", command, octets: "", events: Vec::new() };
        let octets = pieces.join("\r\n").into_bytes();
        let whole = play(&row, std::iter::once(octets.clone()));
        let split = play(&row, octets.iter().map(|octet| vec![*octet]));
        prop_assert_eq!(whole, split);
    }
}
