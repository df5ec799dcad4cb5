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
mod tests;
