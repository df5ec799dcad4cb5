//! Dialogues with modems, played against the engine whole, octet by octet, and cut in two at every place.
//!
//! A transcript is `tests/transcripts/<vendor>-<case>.txt`: `> ` what we send (`^Z` ends a payload), `< ` a line that comes, `<< ` octets
//! that come, with escapes and without an end of line of their own, `~ deadline` the deadline passes, `= ` an event, `# ` a remark.

#![allow(clippy::unwrap_used, reason = "a test")]

use gsmgate::at::command::{Domain, IccidSource};
use gsmgate::at::{Answer, Command, Engine, Event, Expect, Memory, Payload};
use gsmgate::modem::profile::{GENERIC, Profile};
use gsmgate::modem::replay::unescaped;
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(60);

/// A stretch of a dialogue: what we do, what comes then, what is told.
#[derive(Debug, Default)]
struct Stretch {
    deed: Option<Deed>,
    octets: Vec<u8>,
    events: Vec<String>,
}

#[derive(Debug, Clone)]
enum Deed {
    Start(Command),
    Submit(Payload),
    Deadline,
}

/// Commands of one make: what stands behind `AT`, and the name in front of the answer's colon where one comes.
const OF_MAKES: &[(&str, &str)] = &[
    ("+SPIC", "+SPIC"),
    ("+QPINC?", "+QPINC"),
    ("+QDSIM=1", ""),
    ("^SPIC=\"SC\"", "^SPIC"),
    ("#PCT", "#PCT"),
    ("#QSS?", "#QSS"),
    ("+UPINCNT", "+UPINCNT"),
    ("+CPINC?", "+CPINC"),
    ("_OERCN?", "_OERCN"),
    ("*EPIN?", "*EPIN"),
    ("+XPINCNT", "+XPINCNT"),
    ("+EPINC", "+EPINC"),
];

fn command(line: &str) -> Command {
    let known = [
        Command::attention(),
        Command::plain_answers(),
        Command::serial_number(),
        Command::manufacturer(),
        Command::model(),
        Command::revision(),
        Command::iccid(IccidSource::Ccid),
        Command::iccid(IccidSource::HuaweiIccid),
        Command::iccid(IccidSource::QuectelCcid),
        Command::pin_state(),
        Command::memories(),
        Command::select_memories(&[Memory::SR]),
        Command::indications_known(),
        Command::select_indications([2, 1, 0, 2, 0]),
        Command::select_indications([1, 1, 0, 2, 0]),
        Command::select_indications([3, 1, 0, 1, 0]),
        Command::acknowledge(),
        Command::registration(Domain::Circuit),
        Command::signal(),
        Command::list_all(),
        Command::read(8),
        Command::submit(4),
    ];
    let of_makes = OF_MAKES.iter().map(|(text, name)| {
        Command::of_make(text, if name.is_empty() { Expect::Nothing } else { Expect::Named(name) })
    });
    known
        .into_iter()
        .chain(of_makes)
        .find(|command| command.text() == line)
        .unwrap_or_else(|| panic!("no such command: {line}"))
}

fn parse(text: &str) -> Vec<Stretch> {
    let mut stretches = vec![Stretch::default()];
    for line in text.lines() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        let new = |stretches: &mut Vec<Stretch>, deed| stretches.push(Stretch { deed, ..Stretch::default() });
        match mark {
            "#" | "" => {}
            ">" => new(
                &mut stretches,
                Some(match rest.strip_suffix("^Z") {
                    Some(payload) => Deed::Submit(Payload::try_from(payload.to_owned()).unwrap()),
                    None => Deed::Start(command(rest)),
                }),
            ),
            "~" => new(&mut stretches, Some(Deed::Deadline)),
            "<" | "<<" => {
                // What was told so far belongs to what came so far.
                if stretches.last().is_some_and(|stretch| !stretch.events.is_empty()) {
                    new(&mut stretches, None);
                }
                let octets =
                    if mark == "<" { format!("\r\n{rest}\r\n").into_bytes() } else { unescaped(rest).unwrap() };
                stretches.last_mut().unwrap().octets.extend(octets);
            }
            "=" => stretches.last_mut().unwrap().events.push(rest.to_owned()),
            other => panic!("no such mark: {other}"),
        }
    }
    stretches
}

fn told(event: Event) -> String {
    let lines = |answer: &Answer| answer.lines.iter().map(|line| format!(" | {line}")).collect::<String>();
    match event {
        Event::Done(answer) => format!("done{}", lines(&answer)),
        Event::Failed(result, answer) => format!("failed {result}{}", lines(&answer)),
        Event::TimedOut(answer) => format!("timed out{}", lines(&answer)),
        Event::Prompt => "prompt".to_owned(),
        Event::Urc(urc) => format!("urc {urc:?}"),
    }
}

/// Plays a dialogue, the octets of each stretch in the pieces that `cut` makes of them.
fn play(name: &str, stretches: &[Stretch], cut: impl Fn(&[u8]) -> Vec<&[u8]>) {
    let mut now = Instant::now();
    let mut engine = Engine::new(gsmgate::modem::profile::signs());
    // Events may be told in the stretch before the one where the transcript has them, as when a deadline passes later.
    let mut events = VecDeque::new();
    for (n, stretch) in stretches.iter().enumerate() {
        match &stretch.deed {
            Some(Deed::Start(command)) => engine.start(now, command.clone(), WITHIN),
            Some(Deed::Submit(payload)) => assert!(engine.submit(now, payload.clone(), WITHIN)),
            Some(Deed::Deadline) => {
                now += WITHIN;
                engine.handle_timeout(now);
            }
            None => {}
        }
        for piece in cut(&stretch.octets) {
            engine.handle_bytes(now, piece);
        }
        events.extend(std::iter::from_fn(|| engine.poll_event()).map(told));
        for want in &stretch.events {
            assert_eq!(events.pop_front().as_deref(), Some(want.as_str()), "{name}, stretch {n}");
        }
    }
    assert_eq!(events.pop_front(), None, "{name}, at the end");
}

#[test]
fn every_transcript_is_understood_however_it_is_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut played = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let stretches = parse(&fs::read_to_string(&path).unwrap());
        play(&name, &stretches, |octets| vec![octets]);
        play(&name, &stretches, |octets| octets.chunks(1).collect());
        let longest = stretches.iter().map(|stretch| stretch.octets.len()).max().unwrap_or(0);
        for at in 1..longest {
            play(&name, &stretches, |octets| {
                let (head, tail) = octets.split_at(at.min(octets.len()));
                vec![head, tail]
            });
        }
        played += 1;
    }
    assert!(played >= 25);
}

#[test]
fn every_profile_has_a_transcript() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let files: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    for name in Profile::names().filter(|name| !is_plain(name)) {
        let beginning = format!("{name}-");
        assert!(files.iter().any(|file| file.starts_with(&beginning)), "{name}");
    }
}

/// True for a make that only has a name and USB ports of its own: nothing that it says is particular.
fn is_plain(name: &str) -> bool {
    let profile = Profile::named(name).unwrap();
    Profile { name: GENERIC.name, is: GENERIC.is, usb: GENERIC.usb, ..profile.clone() } == GENERIC
        && name != GENERIC.name
}
