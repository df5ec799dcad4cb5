//! One exchange at a time, without I/O or clock: octets and instants go in; octets, a deadline and events come out.
//!
//! ```text
//!  start ──► Answer ──────────────────────► Done | Failed | TimedOut
//!        └─► Prompt ──► Held ──► Submit ──► Done | Failed | TimedOut      (AT+CMGS)
//!               └─────────┴────► Cancel ──► Done | TimedOut               (ESC)
//! ```
//!
//! Lines that belong to no exchange come out as [`Event::Urc`], wherever they stand.

use super::command::{Command, Expect, Payload};
use super::line::{Lines, Piece, body};
use super::net;
use super::params::Params;
use super::result::FinalResult;
use super::sms;
use super::urc::{self, Class, Head, Sign, Urc};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Octets of an answer that are kept. 255 slots with the longest PDU make 100 KiB.
const ANSWER_OCTETS: usize = 512 * 1024;

/// Unsolicited lines kept until they are polled; what comes on top is dropped. A chunk of 4 KiB has no more.
const PENDING: usize = 2048;

/// Octets of a USSD text over several lines: 182 characters in the longest form, and its name.
const USSD_OCTETS: usize = 1024;

/// How long the final `OK` may stay away after `+CMGS: mr` was read: the submit itself is decided by then.
const OK_AFTER_REFERENCE: Duration = Duration::from_secs(5);

/// How long an answer may take once the modem says that it has begun: longer than a whole memory takes on the line at
/// 115,200 bit/s, since what began may be a part of the modem only.
const ANSWER_AFTER_START: Duration = Duration::from_secs(12);

/// Ends the payload. 3GPP TS 27.005 §4.3.
const CTRL_Z: u8 = 0x1a;
/// Leaves the prompt, sending nothing.
const ESC: u8 = 0x1b;

/// The lines of an answer, without the final result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// In order; a PDU follows its head.
    pub lines: Vec<String>,
}

impl Answer {
    /// The parameters of the first line with this name.
    pub fn params<'a>(&'a self, name: &'a str) -> Option<Params<'a>> {
        self.bodies(name).next().map(Params::parse)
    }

    /// What follows the name and the colon, of each line that has them.
    pub fn bodies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| body(line, name))
    }
}

/// What came of the octets and of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The exchange ended with `OK`, or was cancelled as asked.
    Done(Answer),
    /// The exchange ended with an error; lines that came before it are there too.
    Failed(FinalResult, Answer),
    /// No final result by the deadline.
    TimedOut(Answer),
    /// The modem waits for the payload.
    Prompt,
    /// The modem said something by itself.
    Urc(Urc),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Lines, then a final result.
    Answer,
    /// The prompt is awaited.
    Prompt,
    /// The prompt is there; the payload may be given.
    Held,
    /// The payload is given.
    Submit,
    /// ESC is given.
    Cancel,
}

#[derive(Debug)]
struct Exchange {
    command: Command,
    stage: Stage,
    deadline: Option<Instant>,
    answer: Answer,
    octets: usize,
    /// The last line of the answer was a head: its PDU is due.
    pdu_due: bool,
    payload: Option<Payload>,
}

/// The protocol state of one line to a modem.
#[derive(Debug, Default)]
pub struct Engine {
    lines: Lines,
    exchange: Option<Exchange>,
    transmit: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    /// An unsolicited head whose PDU is due.
    head: Option<Head>,
    /// A text of USSD whose closing quote has not come.
    ussd: Option<String>,
    /// A late `+CMGS` came; the `OK` that follows it is not the current exchange's.
    ok_is_late: bool,
    signs: &'static [&'static [Sign]],
}

impl Engine {
    /// An engine that knows these unsolicited lines beside the standard's; the default knows no others.
    pub fn new(signs: &'static [&'static [Sign]]) -> Engine {
        Engine { signs, ..Engine::default() }
    }

    /// Begins an exchange. The one before must have ended; were it not, it would be forgotten.
    pub fn start(&mut self, now: Instant, command: Command, within: Duration) {
        debug_assert!(self.exchange.is_none(), "{command} while another exchange is on");
        let stage = if matches!(command.expect(), Expect::Prompt(_)) { Stage::Prompt } else { Stage::Answer };
        self.transmit.push_back(command.wire().to_vec());
        self.exchange = Some(Exchange {
            command,
            stage,
            deadline: now.checked_add(within),
            answer: Answer::default(),
            octets: 0,
            pdu_due: false,
            payload: None,
        });
    }

    /// Gives the payload at the prompt: two pieces to transmit, the PDU and then Ctrl-Z alone, so that a failed write
    /// of the first is provably not sent (RELIABILITY W-2). False: the modem has left the prompt, and nothing is given.
    #[must_use]
    pub fn submit(&mut self, now: Instant, payload: Payload, within: Duration) -> bool {
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.stage == Stage::Held) else {
            return false;
        };
        exchange.stage = Stage::Submit;
        exchange.deadline = now.checked_add(within);
        self.transmit.push_back(payload.as_str().as_bytes().to_vec());
        self.transmit.push_back(vec![CTRL_Z]);
        exchange.payload = Some(payload);
        true
    }

    /// Leaves the prompt with ESC; any final result then ends the exchange as done.
    pub fn cancel(&mut self, now: Instant, within: Duration) {
        if let Some(exchange) = self.exchange.as_mut() {
            exchange.stage = Stage::Cancel;
            exchange.deadline = now.checked_add(within);
            self.transmit.clear();
            self.transmit.push_back(vec![ESC]);
        }
    }

    /// Ends the exchange because the line failed; gives the lines that had come.
    pub fn abandon(&mut self) -> Answer {
        self.transmit.clear();
        self.exchange.take().map(|exchange| exchange.answer).unwrap_or_default()
    }

    /// Takes octets from the modem.
    pub fn handle_bytes(&mut self, now: Instant, octets: &[u8]) {
        for octet in octets {
            match self.lines.push(*octet) {
                Some(Piece::Line(line)) => self.take(now, line),
                Some(Piece::Prompt) => self.take_prompt(),
                None => {}
            }
        }
    }

    /// Takes the time; ends the exchange when its deadline is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.finish(Event::TimedOut);
            self.ok_is_late = false;
        }
    }

    /// The next piece to write; each is to be written whole before the next is asked for.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmit.pop_front()
    }

    /// When [`Engine::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.exchange.as_ref()?.deadline
    }

    /// What has happened since.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// True when no exchange is on.
    pub fn is_idle(&self) -> bool {
        self.exchange.is_none()
    }

    fn take_prompt(&mut self) {
        // A prompt nobody waits for is one that comes after its deadline: ESC is on its way already.
        if let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.stage == Stage::Prompt) {
            exchange.stage = Stage::Held;
            // How long a prompt may be held is for the one who holds it to say.
            exchange.deadline = None;
            self.events.push_back(Event::Prompt);
        }
    }

    fn take(&mut self, now: Instant, line: String) {
        if self.is_echo(&line) {
            return;
        }
        if let Some(result) = FinalResult::parse(&line) {
            self.end_ussd(now);
            return self.take_final(result);
        }
        let Some(line) = self.whole_ussd(now, line) else { return };
        if let Some(pdu) = sms::octets(&line)
            && self.take_pdu(&line, pdu)
        {
            return;
        }
        if self.belongs_to_exchange(&line) {
            return self.keep(now, line);
        }
        self.take_unsolicited(now, line);
    }

    /// The line; or, of a USSD text that goes over several, nothing until its last.
    fn whole_ussd(&mut self, now: Instant, line: String) -> Option<String> {
        // What is known to be a line of its own is none of the text, whose quotes the network may have got wrong.
        if self.ussd.is_some() && (self.is_named_by_exchange(&line) || self.classify(&line) != Class::Unknown) {
            self.end_ussd(now);
        }
        let whole = match self.ussd.take() {
            Some(mut open) => {
                open.push('\n');
                open + &line
            }
            None if body(&line, "+CUSD").is_some() => line,
            None => return Some(line),
        };
        if !ends_ussd(&whole) && whole.len() < USSD_OCTETS {
            self.ussd = Some(whole);
            return None;
        }
        Some(whole)
    }

    /// What has come of a USSD text is told, though its end has not.
    fn end_ussd(&mut self, now: Instant) {
        if let Some(open) = self.ussd.take() {
            self.take_unsolicited(now, open);
        }
    }

    fn take_final(&mut self, result: FinalResult) {
        if result.is_of_call() {
            return self.tell(Urc::Final(result));
        }
        let Some(exchange) = &self.exchange else {
            let late = std::mem::take(&mut self.ok_is_late) && result == FinalResult::Ok;
            if !late {
                self.tell(Urc::Final(result));
            }
            return;
        };
        match (result, exchange.stage) {
            (FinalResult::Ok, _) if self.ok_is_late => self.ok_is_late = false,
            // AT+CMGS is answered by a prompt, never by OK: this one ends an exchange given up before.
            (FinalResult::Ok, Stage::Prompt) => {}
            (FinalResult::Ok, Stage::Answer) if self.awaits_a_line() => {}
            (FinalResult::Ok, _) | (_, Stage::Cancel) => self.finish(Event::Done),
            (result, _) => self.finish(|answer| Event::Failed(result, answer)),
        }
    }

    /// True while the exchange must have a line and has none: an `OK` now is left over from one given up before.
    fn awaits_a_line(&self) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| {
            matches!(exchange.command.expect(), Expect::Some(_)) && exchange.answer.lines.is_empty()
        })
    }

    /// Gives a PDU to the head that came last. False when none is open.
    fn take_pdu(&mut self, line: &str, pdu: Vec<u8>) -> bool {
        if let Some(head) = self.head.take() {
            self.tell(head.with(pdu));
            return true;
        }
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.pdu_due) else { return false };
        exchange.pdu_due = false;
        exchange.push(line.to_owned());
        true
    }

    /// True for a line that begins with the name that was asked for.
    fn is_named_by_exchange(&self, line: &str) -> bool {
        let name = self.exchange.as_ref().map(|exchange| exchange.command.name().to_ascii_uppercase());
        name.is_some_and(|name| !name.is_empty() && body(line, &name).is_some())
    }

    fn belongs_to_exchange(&self, line: &str) -> bool {
        let Some(exchange) = &self.exchange else { return false };
        match exchange.command.expect() {
            Expect::Nothing => false,
            Expect::Named(name) => body(line, name).is_some_and(|text| !is_registration_change(name, text)),
            Expect::Pdus(name) => body(line, name).is_some(),
            Expect::Some(name) => body(line, name).is_some() || self.classify(line) == Class::Unknown,
            Expect::Prompt(name) => exchange.stage == Stage::Submit && body(line, name).is_some(),
            Expect::Anything => {
                let class = self.classify(line);
                let is_asked = body(line, &exchange.command.name().to_ascii_uppercase()).is_some();
                !tells_of_messages(&class) || is_asked && !is_of_messages(&class)
            }
        }
    }

    fn keep(&mut self, now: Instant, line: String) {
        let Some(exchange) = self.exchange.as_mut() else { return };
        match exchange.command.expect() {
            Expect::Pdus(_) => {
                exchange.pdu_due = true;
                // The newest head gets the next PDU.
                self.head = None;
            }
            Expect::Prompt(_) => {
                let soon = now.checked_add(OK_AFTER_REFERENCE);
                exchange.deadline = exchange.deadline.min(soon).or(soon);
            }
            Expect::Nothing | Expect::Named(_) | Expect::Some(_) | Expect::Anything => {}
        }
        exchange.push(line);
    }

    fn take_unsolicited(&mut self, now: Instant, line: String) {
        match self.classify(&line) {
            Class::Head(head) => self.head = Some(head),
            Class::Urc(urc) => {
                self.ok_is_late |= matches!(urc, Urc::Submitted(_));
                if urc == Urc::Started {
                    self.hurry(now);
                }
                self.tell(urc);
            }
            Class::Unknown => {
                // In the place of a PDU: it was spoilt on the way.
                self.head = None;
                self.tell(Urc::Other(line));
            }
        }
    }

    /// The modem has begun anew, perhaps without having read the command. A payload that was given may still be answered by
    /// a modem of which only a service has started.
    fn hurry(&mut self, now: Instant) {
        let soon = now.checked_add(ANSWER_AFTER_START);
        if let Some(exchange) = &mut self.exchange
            && matches!(exchange.stage, Stage::Prompt | Stage::Answer)
        {
            exchange.deadline = exchange.deadline.min(soon).or(soon);
        }
    }

    fn classify(&self, line: &str) -> Class {
        urc::classify(line, self.signs.iter().copied().flatten())
    }

    fn tell(&mut self, urc: Urc) {
        if self.events.len() < PENDING {
            self.events.push_back(Event::Urc(urc));
        }
    }

    fn finish(&mut self, event: impl FnOnce(Answer) -> Event) {
        if let Some(exchange) = self.exchange.take() {
            // A PDU that has not come by now will not come.
            self.head = None;
            self.events.push_back(event(exchange.answer));
        }
    }

    /// True for what we wrote ourselves, sent back by a modem that echoes although it was told not to.
    fn is_echo(&self, line: &str) -> bool {
        let payload = self.exchange.as_ref().and_then(|exchange| exchange.payload.as_ref());
        if payload.is_some_and(|payload| payload.as_str().eq_ignore_ascii_case(line)) {
            return true;
        }
        // Not only of this command: the echo of one given up before may come in any exchange.
        line.strip_prefix("AT").is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with(['+', '^', '#', '*', '!', '%', '_', '$'])
                || ["E0", "Q0", "&D"].iter().any(|head| rest.starts_with(head))
        })
    }
}

impl Exchange {
    fn push(&mut self, line: String) {
        self.octets += line.len();
        if self.octets <= ANSWER_OCTETS {
            self.answer.lines.push(line);
        }
    }
}

/// True when the text's closing quote has come: at the end, or in front of the scheme. Quotes inside the text may be odd.
fn ends_ussd(line: &str) -> bool {
    let has_text = line.contains('"');
    let before_scheme = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').trim_end_matches(',');
    let quotes = |text: &str| text.bytes().filter(|octet| *octet == b'"').count();
    let closes = |text: &str| text.ends_with('"') && quotes(text) > 1;
    let closes_alone = closes(line) && quotes(line).is_multiple_of(2);
    !has_text || closes_alone || before_scheme.len() < line.len() && closes(before_scheme)
}

/// True for word of messages, which is never the answer to a command of a person.
fn is_of_messages(class: &Class) -> bool {
    use Urc::{MessageStored, ReportStored, Submitted};
    matches!(class, Class::Head(_) | Class::Urc(MessageStored(..) | ReportStored(..) | Submitted(_)))
}

/// True for what the driver must hear whoever has asked for something.
fn tells_of_messages(class: &Class) -> bool {
    match class {
        Class::Head(_) => true,
        Class::Urc(urc) => !matches!(urc, Urc::Other(_) | Urc::Registration(..) | Urc::Pin(_)),
        Class::Unknown => false,
    }
}

/// True when a line with the name of a registration command has the shape of a change told unasked.
fn is_registration_change(name: &str, text: &str) -> bool {
    matches!(name, "+CREG" | "+CGREG" | "+CEREG") && net::is_unsolicited(&Params::parse(text))
}

#[cfg(test)]
mod tests {
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
        let chunks = chunks
            .flat_map(|chunk| chunk.split_inclusive(|octet| *octet == b'>').map(<[u8]>::to_vec).collect::<Vec<_>>());
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
            row(
                "usual",
                Command::submit(4),
                "\r\n> \r\n+CMGS: 7\r\n\r\nOK\r\n",
                vec![Event::Prompt, done(&["+CMGS: 7"])],
            ),
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
}
