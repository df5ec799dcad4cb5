//! Plays the modem of a recording to the real driver, in memory and in virtual time, and tells where the driver says
//! something else now.
//!
//! What the driver writes is compared line by line, to the first that is not what the recording has: behind it, it is
//! another dialogue. What people ordered is ordered again, as far as the recording shows it.

pub use super::recording::{BadRecording, MAX_OCTETS, Recording, unescaped};

use super::mask_fields::{is_own, sentence};
use super::orders::{Order, Ordered};
use super::port::OpenError;
use super::profile::Profile;
use super::recorder::SPAN;
use super::recording::Item;
use super::{
    Config, Disposal, LaneEvent, LaneEventKind, Links, Outcome, Outgoing, Pin, PinQuestion, Place, Received, start,
};
use crate::at::{BroadcastList, ServiceCentre, TypedLine};
use crate::clock;
use crate::model::{AttemptId, ModemPhase, ModemStatus, PinMark, PinRecord, SendOutcome};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;

/// How much later than in the recording the driver may say something, in virtual time.
const PATIENCE: Duration = Duration::from_secs(5);
/// Within this the driver says what it says by itself.
const AT_ONCE: Duration = Duration::from_millis(1);
/// How long the driver may take to open a port again: its longest pause, and some.
const REOPENS: Duration = Duration::from_secs(20);
/// How long the driver may take nothing.
const TAKES: Duration = Duration::from_secs(60);
/// What the line holds. The longest answers, lists of messages, are read while they come.
const LINE_OCTETS: usize = 64 * 1024;
/// Lines that are told in front of a difference.
const AROUND: usize = 12;
/// How long a replay may take of real time.
const REAL_TIME: Duration = Duration::from_secs(30);
/// So many lines of ours behind a hole are looked at; the recorder keeps fewer.
const BEHIND_A_HOLE: usize = 2000;
/// What an idle driver says most rarely, and every minute.
const RARELY: &str = "AT+CNMI?";
const OFTEN: &str = "AT+CSQ";
/// How long an idle driver takes to say that again, and some.
const RARELY_EVERY: Duration = Duration::from_secs(660);
/// What a modem says to something it was never asked.
const UNKNOWN: &[u8] = b"\r\nERROR\r\n";

/// What came of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The dialogue, and where it is another one now.
    pub lines: Vec<Line>,
    /// How many lines are not as recorded, in the first place that is not; the state at the end counts as one.
    pub differences: usize,
    /// What the driver says of the modem at the end.
    pub status: ModemStatus,
    /// What it said when the recording was written, where the replay came to its end.
    pub recorded: Option<String>,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is told of it.
    pub mark: Mark,
    /// As in the recording.
    pub text: String,
}

/// What is told of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// As in the recording.
    Same,
    /// The driver does not say it now.
    Missing,
    /// The driver says it now, and did not then.
    Extra,
    /// About the replay itself.
    Note,
}

impl Mark {
    /// The word for scripts.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Same => "same",
            Mark::Missing => "missing",
            Mark::Extra => "extra",
            Mark::Note => "note",
        }
    }
}

/// Plays a recording. Blocks, for some seconds at most; not to be called from async code.
pub fn play(recording: &Recording) -> io::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(perform(recording)))
}

async fn perform(recording: &Recording) -> Report {
    let (openings, opened) = mpsc::channel(1);
    let (lane_in, lane) = mpsc::channel(64);
    let (received_in, received) = mpsc::channel(64);
    let (pins_in, pins) = mpsc::channel(1);
    // What it tells shows in its state too.
    let (notices, _told) = mpsc::channel(64);
    let links = Links {
        lane: lane_in,
        received: received_in,
        pins: pins_in,
        notices,
        recordings: None,
        dial: super::Dial::default(),
    };
    let opened = Arc::new(Mutex::new(opened));
    let config = config(recording);
    let port = config.port.clone();
    let open = move || {
        let (opened, port) = (Arc::clone(&opened), port.clone());
        async move {
            match opened.lock().await.recv().await {
                Some(line) => Ok::<(String, DuplexStream), OpenError>((port, line)),
                // The recording has ended.
                None => std::future::pending().await,
            }
        }
    };
    let handle = start(config, links, None, None, open);
    let mut player = Player {
        items: &recording.items,
        at: 0,
        openings,
        line: None,
        input: Vec::new(),
        early: VecDeque::new(),
        pending: Duration::ZERO,
        outgoing: handle.outgoing.clone(),
        orders: handle.orders.clone(),
        lane,
        received,
        pins,
        status: handle.status.clone(),
        mark: None,
        given: None,
        parts: 0,
        started: 0,
        ordered: None,
        arm: None,
        held: Vec::new(),
        report: Vec::new(),
        differences: 0,
        until: std::time::Instant::now() + REAL_TIME,
    };
    player.run().await;
    player.report(recording)
}

/// The driver's configuration, as far as a recording shows it.
fn config(recording: &Recording) -> Config {
    let said = |start: &str| {
        let mut sent = recording.items.iter().filter_map(|item| match item {
            Item::Sent(text) => text.strip_prefix(start),
            _ => None,
        });
        sent.next().map(|values| values.split('"').next().unwrap_or_default())
    };
    let enters_pin = said("AT+CPIN=").is_some();
    Config {
        profile: recording.profile.clone().filter(|name| Profile::named(name).is_some()),
        pin: if enters_pin { Pin::try_from(super::mask::NO_PIN).ok() } else { None },
        pin_force: enters_pin,
        service_centre: said("AT+CSCA=\"").and_then(|number| number.parse::<ServiceCentre>().ok()),
        broadcasts: said("AT+CSCB=0,\"").and_then(|identifiers| identifiers.parse::<BroadcastList>().ok()),
        ..Config::new(0, if recording.is_usb { "/dev/ttyUSB-replay" } else { "/dev/replay" })
    }
}

/// The modem, the scheduler and the intake of a recording.
struct Player<'a> {
    items: &'a [Item],
    /// The item that is played.
    at: usize,
    openings: mpsc::Sender<DuplexStream>,
    line: Option<DuplexStream>,
    /// What the driver wrote and is not a whole line yet.
    input: Vec<u8>,
    /// What it said, as recorded, before its turn.
    early: VecDeque<String>,
    /// Time that is to go by before the next item.
    pending: Duration,
    outgoing: mpsc::Sender<Outgoing>,
    orders: mpsc::Sender<Ordered>,
    lane: mpsc::Receiver<LaneEvent>,
    received: mpsc::Receiver<Received>,
    pins: mpsc::Receiver<PinQuestion>,
    status: watch::Receiver<ModemStatus>,
    /// What is remembered of the PIN.
    mark: Option<PinMark>,
    /// The `AT+CMGS` of which the part was given.
    given: Option<usize>,
    parts: i64,
    /// The last part that the driver has begun.
    started: i64,
    /// Held, since what nobody waits for is not begun.
    ordered: Option<oneshot::Receiver<Outcome>>,
    /// Arms the last part that was given.
    arm: Option<oneshot::Sender<bool>>,
    /// Messages of which it is not decided yet what becomes of them.
    held: Vec<(Place, oneshot::Sender<Disposal>)>,
    report: Vec<Line>,
    differences: usize,
    until: std::time::Instant,
}

/// What happened on the driver's side.
enum Turn {
    Said(String),
    /// Its status is another, or it has a message for us.
    News,
    Time,
}

impl Player<'_> {
    async fn run(&mut self) {
        let items = self.items;
        // The end of a session of which the beginning is gone.
        self.at = items.iter().position(|item| *item == Item::Opened).unwrap_or(0);
        while let Some(item) = items.get(self.at) {
            if self.is_enough() {
                return;
            }
            match item {
                Item::Opened => self.open().await,
                Item::Span(span) => {
                    self.pending += *span;
                    self.tell(Mark::Same, format!("~ {:.2}", span.as_secs_f64()));
                }
                Item::Came(octets, text) => {
                    self.wait().await;
                    self.tell(Mark::Same, text.clone());
                    self.write(octets).await;
                }
                Item::Sent(text) if is_order(text) => self.order(text).await,
                Item::Sent(text) => self.expect(text).await,
                Item::Lost(why) => self.lose(why).await,
                Item::Decided(place, disposal) => {
                    self.wait().await;
                    self.settle(place, *disposal).await;
                }
                Item::Missing => self.resume().await,
            }
            self.at += 1;
        }
        // What the driver does with the last line needs no time; shorter spans are not in a recording.
        self.pending += SPAN;
        self.wait().await;
    }

    /// A port for the driver; the one before is gone.
    async fn open(&mut self) {
        self.line = None;
        self.input.clear();
        self.early.clear();
        self.pending = Duration::ZERO;
        let (ours, theirs) = duplex(LINE_OCTETS);
        let n = self.status.borrow().opened;
        let end = clock::now() + REOPENS;
        if self.openings.try_send(theirs).is_err() {
            return self.differ(Mark::Missing, "= opened".to_owned());
        }
        while self.status.borrow().opened == n {
            if let Turn::Time = self.turn(end).await {
                return self.differ(Mark::Missing, "= opened".to_owned());
            }
        }
        self.line = Some(ours);
        self.tell(Mark::Same, "= opened".to_owned());
    }

    /// The driver is to say this now.
    async fn expect(&mut self, text: &str) {
        let end = clock::now() + self.pending + PATIENCE;
        if self.is_ours_to_begin(text) {
            self.wait().await;
        }
        self.pending = Duration::ZERO;
        self.begin(text);
        if !self.heard(text, end).await {
            self.differ(Mark::Missing, format!("> {text}"));
        }
    }

    /// Waits for what the driver says next. False: nothing.
    async fn heard(&mut self, text: &str, end: Instant) -> bool {
        loop {
            let turn = match self.early.pop_front() {
                Some(said) => Turn::Said(said),
                None => self.turn(end).await,
            };
            match turn {
                Turn::Said(said) if said == text => {
                    self.tell(Mark::Same, format!("> {text}"));
                    self.begin_early();
                    return true;
                }
                Turn::Said(said) => {
                    self.instead(Some(text), &said);
                    return true;
                }
                // The modem may be ready only now for a part that it has refused.
                Turn::News if self.given.is_none() && self.status.borrow().phase == ModemPhase::Ready => {
                    self.begin(text);
                }
                Turn::News => {}
                Turn::Time => return false,
            }
        }
    }

    /// What a person ordered: by its own command it is ordered again; else, what came of it is passed over.
    async fn order(&mut self, text: &str) {
        self.wait().await;
        if let Some(line) = typed(text) {
            // It may be the driver's own after all.
            if self.heard(text, clock::now() + AT_ONCE).await {
                return;
            }
            self.tell(Mark::Note, "a person ordered this".to_owned());
            let (answer, outcome) = oneshot::channel();
            // It shows in what is said.
            let _ = self.orders.try_send(Ordered { order: Order::Typed(line), answer });
            self.ordered = Some(outcome);
            return self.expect(text).await;
        }
        self.tell(Mark::Note, format!("> {text}"));
        while let Some(item) = self.items.get(self.at + 1) {
            match item {
                Item::Came(_, line) => self.tell(Mark::Note, line.clone()),
                Item::Span(span) => self.pending += *span,
                _ => return,
            }
            self.at += 1;
            if item.is_final() {
                return;
            }
        }
    }

    /// Goes on behind a hole. The driver idles until it says by itself what the recording has next of such, so that its
    /// clocks and the recording's agree.
    async fn resume(&mut self) {
        let rest: Vec<(usize, &str)> = self.sents(self.at + 1).take(BEHIND_A_HOLE).collect();
        // The texts are constants: what was found needs no copy of its own.
        let first_of = |text: &'static str, among: &[(usize, &str)]| {
            among.iter().find(|(_, sent)| *sent == text).map(|(at, _)| (*at, text))
        };
        let Some((at, target)) = first_of(RARELY, &rest[..rest.len() / 2]).or_else(|| first_of(OFTEN, &rest)) else {
            self.tell(Mark::Note, "lines are missing in the recording".to_owned());
            while self.items.get(self.at + 1).is_some_and(|item| matches!(item, Item::Came(..) | Item::Span(_))) {
                self.at += 1;
            }
            return;
        };
        self.tell(Mark::Note, format!("lines are missing in the recording; it goes on with the next {target}"));
        (self.at, self.pending) = (at, Duration::ZERO);
        let end = clock::now() + RARELY_EVERY;
        while !self.is_enough() {
            match self.turn(end).await {
                Turn::Said(said) if said == target => {
                    self.tell(Mark::Same, format!("> {target}"));
                    return self.begin_early();
                }
                Turn::Said(said) => self.answer_as_before(&said).await,
                Turn::News => {}
                Turn::Time => return self.differ(Mark::Missing, format!("> {target}")),
            }
        }
    }

    /// The session is to end now, for this reason.
    async fn lose(&mut self, why: &str) {
        let is_the_ports = |why: &str| why.starts_with("the port ");
        if is_the_ports(why) {
            self.wait().await;
            self.line = None;
        }
        let end = clock::now() + std::mem::take(&mut self.pending) + PATIENCE;
        while self.status.borrow().phase != ModemPhase::Offline && !self.is_enough() {
            match self.turn(end).await {
                Turn::Said(said) => return self.instead(None, &said),
                Turn::News => {}
                Turn::Time => break,
            }
        }
        let status = self.status.borrow().clone();
        let reason = sentence(&status.reason.unwrap_or_default());
        let same = reason == why || is_the_ports(why) && is_the_ports(&reason);
        if status.phase == ModemPhase::Offline && same {
            return self.tell(Mark::Same, format!("= lost: {why}"));
        }
        self.differ(Mark::Missing, format!("= lost: {why}"));
        if status.phase == ModemPhase::Offline {
            self.differ(Mark::Extra, format!("= lost: {reason}"));
        }
    }

    /// Lets the time go by that is to go by before the next item.
    async fn wait(&mut self) {
        if self.pending.is_zero() {
            return;
        }
        let end = clock::now() + std::mem::take(&mut self.pending);
        while !self.is_enough() {
            match self.turn(end).await {
                Turn::Said(said) => self.early(said),
                Turn::News => {}
                Turn::Time => return,
            }
        }
    }

    /// Takes what was said before its turn. Behind the end of the recording anything may be said.
    fn early(&mut self, said: String) {
        let next = self.sents(self.at).nth(self.early.len()).map(|(_, text)| text.to_owned());
        if next.as_ref().is_some_and(|next| *next == said) {
            self.early.push_back(said);
        } else if self.sents(self.at).next().is_some() {
            self.instead(next.as_deref(), &said);
        }
    }

    /// The driver says this, and not what it said then.
    fn instead(&mut self, then: Option<&str>, said: &str) {
        if let Some(then) = then {
            self.differ(Mark::Missing, format!("> {then}"));
        }
        self.differ(Mark::Extra, format!("> {said}"));
    }

    /// The next that happens on the driver's side. What the scheduler and the intake would answer is answered.
    async fn turn(&mut self, end: Instant) -> Turn {
        loop {
            if let Some(item) = self.next_said() {
                return Turn::Said(item);
            }
            let mut buffer = [0; 512];
            tokio::select! {
                biased;
                Some(event) = self.lane.recv() => {
                    // What becomes of a part shows in what is said after it.
                    match event.kind {
                        LaneEventKind::Started(AttemptId(part)) => {
                            self.started = part;
                            self.decide();
                        }
                        LaneEventKind::Ended(AttemptId(part), SendOutcome::NotSent { .. })
                            if part == self.parts && self.started < part =>
                        {
                            self.given = None;
                        }
                        LaneEventKind::Ended(..) | LaneEventKind::Evidence { .. } => {}
                    }
                }
                Some(Received { place, stored, .. }) = self.received.recv() => {
                    self.held.push((place, stored));
                    return Turn::News;
                }
                Some(question) = self.pins.recv() => {
                    let record = PinRecord { here: self.mark, ..PinRecord::default() };
                    self.mark = question.mark.or(self.mark);
                    // A driver that was stopped meanwhile needs no answer.
                    let _ = question.answer.send(record);
                }
                read = read(&mut self.line, &mut buffer) => match read {
                    Ok(n) if n > 0 => self.input.extend(&buffer[..n]),
                    // The driver has closed it.
                    _ => self.line = None,
                },
                Ok(()) = self.status.changed() => return Turn::News,
                () = clock::sleep_until(end) => return Turn::Time,
            }
        }
    }

    /// The next line, payload or ESC that is complete.
    fn next_said(&mut self) -> Option<String> {
        loop {
            let at = self.input.iter().position(|octet| matches!(octet, b'\r' | 0x1a | 0x1b))?;
            let end = self.input[at];
            // What was begun before an ESC is told first.
            let taken = if end == 0x1b && at > 0 { at } else { at + 1 };
            let rest = self.input.split_off(taken);
            let line = std::mem::replace(&mut self.input, rest);
            let text = String::from_utf8_lossy(&line[..at]).into_owned();
            match end {
                0x1a => return Some(format!("{text}^Z")),
                0x1b if at == 0 => return Some("^[".to_owned()),
                _ if text.is_empty() => {}
                _ => return Some(text),
            }
        }
    }

    async fn write(&mut self, octets: &[u8]) {
        if let Some(line) = &mut self.line {
            // A driver that has closed it, or takes nothing, shows in what it says next.
            let _ = clock::timeout(TAKES, line.write_all(octets)).await;
        }
    }

    /// Where the recording has nothing: the answer that the driver had to the same before.
    async fn answer_as_before(&mut self, said: &str) {
        if said == "^[" {
            return;
        }
        let is_it = |item: &Item| matches!(item, Item::Sent(text) if text == said);
        let before = self.items[..self.at.min(self.items.len())].iter().rposition(is_it);
        let answer: Vec<u8> = match before.or_else(|| self.items.iter().position(is_it)) {
            Some(at) => self.items[at + 1..]
                .iter()
                .take_while(|item| matches!(item, Item::Came(..) | Item::Span(_)))
                .filter_map(|item| if let Item::Came(octets, _) = item { Some(octets.as_slice()) } else { None })
                .collect::<Vec<_>>()
                .concat(),
            None => UNKNOWN.to_vec(),
        };
        self.write(&answer).await;
    }

    /// What the driver is to write from here on, to the end of the session.
    fn sents(&self, from: usize) -> impl Iterator<Item = (usize, &str)> {
        let items = self.items.iter().enumerate().skip(from);
        items.take_while(|(_, item)| !matches!(item, Item::Opened | Item::Lost(_))).filter_map(
            |(at, item)| match item {
                Item::Sent(text) if !is_order(text) || typed(text).is_some() => Some((at, text.as_str())),
                _ => None,
            },
        )
    }

    /// True for what the driver only says when the scheduler or the intake wants something.
    fn is_ours_to_begin(&self, text: &str) -> bool {
        let is_part = text.starts_with("AT+CMGS=") && self.given != Some(self.at);
        let ends_arming = self.arm.is_some() && (text.ends_with("^Z") || text == "^[");
        is_part || ends_arming
    }

    /// Does what makes the driver say this.
    fn begin(&mut self, text: &str) {
        if text.starts_with("AT+CMGS=") && self.given != Some(self.at) {
            self.give(self.at);
        }
        self.decide();
    }

    /// Arms the part in the air, or takes it back, where the recording goes on so.
    fn decide(&mut self) {
        let goes_on = match self.items.get(self.at) {
            Some(Item::Sent(text)) if text.ends_with("^Z") => true,
            Some(Item::Sent(text)) if text == "^[" => false,
            _ => return,
        };
        // A part that was not begun needs no verdict yet.
        if self.started == self.parts
            && let Some(arm) = self.arm.take()
        {
            // A try that has ended meanwhile needs none any more.
            let _ = arm.send(goes_on);
        }
    }

    /// Does what was done while the exchange before was still on: the driver then goes on without a pause.
    fn begin_early(&mut self) {
        let is_before = |item: &Item| matches!(item, Item::Came(..) | Item::Span(_) | Item::Decided(..));
        let Some(n) = self.items[self.at + 1..].iter().position(|item| !is_before(item)) else { return };
        let at = self.at + 1 + n;
        let Item::Sent(text) = &self.items[at] else { return };
        // Time that went by behind the end of the exchange was idle.
        let between = &self.items[self.at + 1..at];
        let end = between.iter().position(Item::is_final).unwrap_or(0);
        if between[end..].iter().any(|item| matches!(item, Item::Span(_))) {
            return;
        }
        // A modem that is not ready takes no parts.
        if text.starts_with("AT+CMGS=") && self.status.borrow().phase == ModemPhase::Ready {
            self.give(at);
        }
    }

    /// Gives the driver the part of an `AT+CMGS`.
    fn give(&mut self, at: usize) {
        let Some(Item::Sent(command)) = self.items.get(at) else { return };
        let tpdu_octets: usize = command.trim_start_matches("AT+CMGS=").parse().unwrap_or(0);
        let payload = self
            .sents(at + 1)
            .take_while(|(_, text)| !text.starts_with("AT+CMGS="))
            .find_map(|(_, text)| text.strip_suffix("^Z"));
        let pdu = payload.map_or_else(|| "00".repeat(tpdu_octets.clamp(1, 170)), str::to_owned);
        let (arm, armed) = oneshot::channel();
        self.parts += 1;
        let outgoing = Outgoing { attempt: AttemptId(self.parts), pdu, tpdu_octets, armed };
        // Where there is no room the driver has parts enough to say it.
        let _ = self.outgoing.try_send(outgoing);
        (self.given, self.arm) = (Some(at), Some(arm));
    }

    /// Decides what becomes of a message, as it was decided.
    async fn settle(&mut self, place: &Option<(String, u16)>, disposal: Option<Disposal>) {
        self.tell(Mark::Same, decision(place, disposal));
        let is_it = |held: &Place| match (held, place) {
            (Place::Stored { memory, index }, Some(place)) => (memory, index) == (&place.0, &place.1),
            (Place::Routed, None) => true,
            _ => false,
        };
        let end = clock::now() + PATIENCE;
        while !self.is_enough() {
            // Of a session that is over, the driver wants to know nothing.
            self.held.retain(|(_, stored)| !stored.is_closed());
            if let Some(n) = self.held.iter().position(|(held, _)| is_it(held)) {
                let (_, stored) = self.held.remove(n);
                if let Some(disposal) = disposal {
                    // The driver may be gone.
                    let _ = stored.send(disposal);
                }
                return;
            }
            // The driver has only just read it.
            match self.turn(end).await {
                Turn::Said(said) => self.early(said),
                Turn::News => {}
                Turn::Time => return,
            }
        }
    }

    /// True when it is of no use to go on.
    fn is_enough(&self) -> bool {
        self.differences > 0 || std::time::Instant::now() > self.until
    }

    fn tell(&mut self, mark: Mark, text: String) {
        self.report.push(Line { mark, text });
    }

    fn differ(&mut self, mark: Mark, text: String) {
        self.differences += 1;
        self.tell(mark, text);
    }

    fn report(mut self, recording: &Recording) -> Report {
        let status = self.status.borrow().clone();
        if self.differences == 0 && std::time::Instant::now() > self.until {
            self.differ(Mark::Note, format!("given up after {} s", REAL_TIME.as_secs()));
        }
        if self.differences > 0 {
            let before = self.report.len().saturating_sub(AROUND + self.differences);
            self.report.drain(..before);
            return Report { lines: self.report, differences: self.differences, status, recorded: None };
        }
        let recorded = recording.status.clone();
        let is_other = |then: &str| then.split(':').next() != Some(status.phase.word()) && !is_watched(then, &status);
        let differences = usize::from(recorded.as_deref().is_some_and(is_other));
        Report { lines: self.report, differences, status, recorded }
    }
}

/// True for a command that the driver does not say by itself.
fn is_order(text: &str) -> bool {
    text.starts_with("AT") && !is_own(text)
}

/// The order that a command comes from, where a person can have typed it; USSD and the phonebook have orders of their own.
fn typed(text: &str) -> Option<TypedLine> {
    let has_own = ["AT+CUSD", "AT+CPBS", "AT+CPBR"].iter().any(|name| text.starts_with(name));
    if has_own { None } else { TypedLine::try_from(text.to_owned()).ok() }
}

/// True when then or now the modem was one that comes and goes: that depends on losses of ten minutes, of which the recording
/// may lack some, and plays others sooner.
fn is_watched(then: &str, now: &ModemStatus) -> bool {
    let says = |text: &str| text.contains("within ten minutes");
    says(then) || now.reason.as_deref().is_some_and(says)
}

fn decision(place: &Option<(String, u16)>, disposal: Option<Disposal>) -> String {
    let place = place.as_ref().map_or_else(|| "routed".to_owned(), |(memory, index)| format!("{memory} {index}"));
    format!("= decided: {place}: {}", super::recorder::word(disposal))
}

/// Reads from a line, for ever where there is none. Cancel safe.
async fn read(line: &mut Option<DuplexStream>, buffer: &mut [u8]) -> io::Result<usize> {
    match line {
        Some(line) => line.read(buffer).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
