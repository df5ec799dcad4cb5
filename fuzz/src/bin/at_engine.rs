//! The engine against a hostile modem: whatever is said, and whenever, an exchange ends once, and by its deadline.
#![no_main]
use gsmgate_fuzz::at::command::Domain;
use gsmgate_fuzz::at::urc::{Meaning, Sign};
use gsmgate_fuzz::at::{Command, Engine, Event, Payload};
use std::time::{Duration, Instant};

const SIGNS: &[&[Sign]] =
    &[&[("^RSSI", Meaning::Nothing), ("RDY", Meaning::Started), ("SMS FULL", Meaning::MemoryFull)]];
const WITHIN: Duration = Duration::from_secs(10);

/// The commands that differ in what they wait for.
fn command(n: u8) -> Command {
    match n % 7 {
        0 => Command::attention(),
        1 => Command::serial_number(),
        2 => Command::list_all(),
        3 => Command::registration(Domain::Circuit),
        4 => Command::pin_state(),
        _ => Command::submit(4),
    }
}

/// What is on, from outside.
#[derive(Default)]
struct Seen {
    is_on: bool,
    has_prompt: bool,
    has_payload: bool,
}

impl Seen {
    fn take(&mut self, engine: &mut Engine) {
        let mut n = 0;
        while let Some(event) = engine.poll_event() {
            n += 1;
            match event {
                Event::Done(_) | Event::Failed(..) | Event::TimedOut(_) => {
                    assert!(self.is_on, "an end of nothing");
                    *self = Seen::default();
                }
                Event::Prompt => {
                    assert!(self.is_on && !self.has_prompt && !self.has_payload, "a prompt of nothing");
                    self.has_prompt = true;
                }
                Event::Urc(_) => {}
            }
        }
        assert!(n <= 4096, "events pile up");
        while engine.poll_transmit().is_some() {}
        assert_eq!(engine.is_idle(), !self.is_on);
    }
}

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    let mut now = Instant::now();
    let (mut engine, mut seen) = (Engine::new(SIGNS), Seen::default());
    // Octets from 0xF0 up are deeds of ours, all others are the modem's.
    for octet in octets {
        match octet {
            0xF0..=0xF6 if !seen.is_on => {
                engine.start(now, command(*octet), WITHIN);
                seen = Seen { is_on: true, ..Seen::default() };
            }
            0xF8 if seen.has_prompt && !seen.has_payload => {
                let payload = Payload::try_from("0001".to_owned()).expect("hexadecimal digits");
                seen.has_payload = engine.submit(now, payload, WITHIN);
            }
            0xF9 if seen.is_on => engine.cancel(now, WITHIN),
            0xFA => {
                now += WITHIN;
                engine.handle_timeout(now);
            }
            other => engine.handle_bytes(now, &[*other]),
        }
        seen.take(&mut engine);
    }
    // What is on ends by its deadline, unless it is ours to go on: then the ESC has one.
    if seen.is_on && engine.poll_timeout().is_none() {
        engine.cancel(now, WITHIN);
    }
    engine.handle_timeout(now + 2 * WITHIN);
    seen.take(&mut engine);
    assert!(!seen.is_on, "an exchange without an end");
});
