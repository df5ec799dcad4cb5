//! The virtual modem: octets and time in, octets, deadlines and events out; no I/O, no clock.
//!
//! ```text
//!            AT+CMGS           0x1A                 the centre's answer
//!  Command ──────────► Prompt ──────► in the air ──────────────────────► Command
//!     ▲                   │ ESC
//!     └───────────────────┘
//! ```
//! One command is worked on at a time; what the host sends meanwhile waits. URCs go out at once, except while the
//! prompt stands. What it says is in `speak.rs`, sending in `send.rs`, receiving in
//! `receive.rs`, how it comes and goes in `power.rs`.

use super::command::{self, Answer, Memory, Settings};
use super::config::random;
use super::fault::{Fault, Faults, Point};
use super::kind::{FaultKind, Step};
use super::line::Line;
use super::log::What;
use super::odd::NoNetwork;
use super::personality::Personality;
use super::power::{Leave, SECOND_SIMS};
use super::receive::{Arrival, Unacked};
use super::send::{Entry, InAir};
use super::sim::{Lock, Sim};
use super::speak::Speech;
use super::storage::Storage;
use super::trouble::Trouble;
use super::{LabConfig, Moment, Submitted};
use std::collections::VecDeque;
use std::time::Duration;

/// Octets of a command line or a payload; a longer one is not obeyed. The longest PDU has 376 digits.
const LINE_MAX: usize = 1024;
/// A virtual modem with its SIM.
#[derive(Debug)]
pub struct Modem {
    pub(super) make: &'static Personality,
    pub(super) settings: Settings,
    pub(super) sim: Sim,
    /// The SIM of the slot that is not in use.
    pub(super) spare: Sim,
    pub(super) slot: usize,
    /// Before it `+CPIN?` is answered with an error.
    pub(super) sim_ready_at: Moment,
    pub(super) imei: String,
    /// The moment of what is being worked on.
    pub(super) clock: Moment,
    pub(super) line: Line,
    pub(super) mode: Mode,
    pub(super) in_air: Option<InAir>,
    pub(super) unacked: Option<Unacked>,
    pub(super) honours_mr: bool,
    /// No `+CMTI` until the memory for received messages has been empty (F-15).
    pub(super) silent: bool,
    pub(super) stats: Stats,
    pub(super) speech: Speech,
    /// Octets of the line or payload that is being read.
    pub(super) buffer: Vec<u8>,
    me: Storage,
    /// Status reports, where the make has a memory for them.
    sr: Storage,
    /// When it goes away by itself.
    pub(super) leaves: Option<(Moment, Leave)>,
    pub(super) powered: bool,
    faults: Faults,
    pub(super) trouble: Trouble,
    events: VecDeque<ModemEvent>,
    room: bool,
    pub(super) random: u64,
}

/// What a modem tells the world behind it.
#[derive(Debug, Clone, PartialEq)]
pub enum ModemEvent {
    /// A message is in the air: [`Modem::answer`] is to be called with the centre's verdict.
    Submitted(Box<Submitted>),
    /// The modem may be able to take what waits for it in the network.
    Room,
    /// This arrival is safe: stored, or acknowledged by the host.
    Taken(u64),
    /// This arrival could not be handed to the host.
    Returned(Arrival),
    /// Something for the log.
    Record(What),
    /// A fault pulls the plug; the modem is off already.
    Unplug {
        /// When it is to come back; never when `None`.
        back: Option<Duration>,
    },
}

/// Counters since the lab began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Command lines that began with AT.
    pub commands: u64,
    /// Messages given to the centre.
    pub submits: u64,
    /// Of them, refused.
    pub rejected: u64,
    /// Payloads that are no SMS-SUBMIT of the announced length.
    pub bad_pdus: u64,
    /// Arrivals put into a slot.
    pub stored: u64,
    /// Arrivals routed to the host.
    pub routed: u64,
    /// Messages deleted by the host.
    pub deleted: u64,
    /// Starts, the first included.
    pub starts: u64,
    /// Wrong PINs entered.
    pub wrong_pins: u64,
    /// Octets from the host.
    pub octets_in: u64,
    /// Octets to the host.
    pub octets_out: u64,
    /// Octets lost because a side did not keep up.
    pub overruns: u64,
}

/// What the octets from the host are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Command lines.
    Command,
    /// The payload of a command, after the prompt.
    Prompt(Entry),
}

impl Modem {
    /// The n-th modem of a lab, switched on. References of its SIM begin where the seed says.
    pub fn new(n: usize, config: &LabConfig) -> Modem {
        let mut state = config.seed.wrapping_add(n as u64);
        let first_mr = random(&mut state) as u8;
        let make = config.personality(n);
        let storage = || Storage::new(config.slots, make.first_slot.unwrap_or(config.first_slot));
        let mut modem = Modem {
            make,
            settings: Settings::default(),
            sim: Sim::new(n, first_mr, config.pin.clone(), storage()),
            spare: Sim::new(n + SECOND_SIMS, first_mr, config.pin.clone(), storage()),
            slot: 0,
            sim_ready_at: Moment::ZERO,
            imei: LabConfig::imei(n),
            clock: Moment::ZERO,
            line: Line::new(config.baud),
            mode: Mode::Command,
            in_air: None,
            unacked: None,
            honours_mr: config.honours_mr,
            silent: false,
            stats: Stats::default(),
            speech: Speech::default(),
            buffer: Vec::new(),
            me: storage(),
            sr: storage(),
            leaves: None,
            powered: true,
            faults: Faults::default(),
            trouble: Trouble::default(),
            events: VecDeque::new(),
            room: false,
            random: state,
        };
        modem.boot(Moment::ZERO);
        modem
    }

    /// Takes octets that the host began to send at `now`. A modem without power hears nothing.
    pub fn handle_bytes(&mut self, now: Moment, octets: &[u8]) {
        if self.powered {
            self.stats.octets_in += octets.len() as u64;
            self.line.received(now, octets);
            self.advance(now);
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        let due = self.speech.late.partition_point(|(at, _)| *at <= now);
        for (at, octets) in self.speech.late.drain(..due).collect::<Vec<_>>() {
            self.say(at, &octets);
        }
        self.acknowledgement_overdue(now);
        self.trouble_due(now);
        self.advance(now);
        self.leave_when_due(now);
    }

    /// When [`Modem::handle_timeout`] or [`Modem::poll_transmit`] has something to do.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let busy = self.speech.reply.is_some() || self.in_air.is_some() || !self.powered || self.takes_nothing();
        let input = if busy { None } else { self.line.next_input() };
        let trouble = self.next_trouble();
        let reply = self.speech.reply.as_ref().map(|reply| reply.at);
        let late = self.speech.late.first().map(|(at, _)| *at);
        let overdue = self.unacked.as_ref().map(|unacked| unacked.until);
        let leaves = self.leaves.map(|(at, _)| at);
        [input, reply, late, overdue, leaves, trouble, self.line.next_output()].into_iter().flatten().min()
    }

    /// Octets that have reached the host by `now`.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Vec<u8>> {
        let octets = self.line.poll_transmit(now)?;
        self.stats.octets_out += octets.len() as u64;
        Some(octets)
    }

    /// What the modem tells the world behind it.
    pub fn poll_event(&mut self) -> Option<ModemEvent> {
        let event = self.events.pop_front();
        event.or_else(|| std::mem::take(&mut self.room).then_some(ModemEvent::Room))
    }

    /// True from `power_on` to `power_off`.
    pub fn is_powered(&self) -> bool {
        self.powered
    }

    /// Sets a fault; false when there are too many already.
    pub fn add_fault(&mut self, fault: Fault) -> bool {
        self.faults.add(fault)
    }

    /// Removes all faults that have not struck, and makes a mute modem speak.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
        self.silent = false;
        self.speech.muted_until = Moment::ZERO;
        (self.speech.echo_stuck, self.speech.doubled_cr) = (false, false);
        (self.speech.pieces, self.speech.stolen) = (None, false);
        self.end_trouble();
    }

    /// Counters since the lab began.
    pub fn stats(&self) -> Stats {
        Stats { overruns: self.line.overruns, ..self.stats }
    }

    /// ICCID of its SIM.
    pub fn iccid(&self) -> &str {
        &self.sim.iccid
    }

    pub(super) fn is_registered(&self) -> bool {
        let refused = matches!(self.network(), Some(NoNetwork::Searching | NoNetwork::Denied));
        self.powered && self.settings.cfun == 1 && self.has_sim() && self.sim.lock() == Lock::Ready && !refused
    }

    /// `<stat>` of `+CREG`. 3GPP TS 27.007 §7.2.
    pub(super) fn registration(&self) -> u8 {
        match self.network() {
            Some(network) if self.powered && self.settings.cfun == 1 && self.has_sim() => network.stat(),
            _ => u8::from(self.is_registered()),
        }
    }

    pub(super) fn storage(&mut self, memory: Memory) -> &mut Storage {
        match memory {
            Memory::Sm => &mut self.sim.memory,
            Memory::Me => &mut self.me,
            Memory::Sr => &mut self.sr,
        }
    }

    /// Back to the settings from the factory.
    pub(super) fn reset(&mut self) -> Answer {
        self.settings = Settings { cfun: self.settings.cfun, ..Settings::default() };
        Answer::Ok
    }

    /// The network may try again what it holds for this modem.
    pub(super) fn room(&mut self) {
        self.room = true;
    }

    pub(super) fn event(&mut self, event: ModemEvent) {
        self.events.push_back(event);
    }

    pub(super) fn record(&mut self, what: What) {
        self.event(ModemEvent::Record(what));
    }

    /// The fault that takes this opportunity.
    pub(super) fn strike(&mut self, point: Point) -> Option<FaultKind> {
        let kind = self.faults.strike(point)?;
        self.strikes(kind.id());
        Some(kind)
    }

    /// True when a fault waits for this opportunity.
    pub(super) fn awaits(&self, point: Point) -> bool {
        self.faults.awaits(point)
    }

    pub(super) fn strikes(&mut self, fault: &'static str) {
        self.record(What::FaultStruck { fault });
    }

    /// A step of the protocol is reached; true when the plug is pulled there.
    pub(super) fn step(&mut self, step: Step) -> bool {
        let Some(FaultKind::HangUp { back, .. }) = self.strike(Point::Step(step)) else { return false };
        self.pull(back);
        true
    }

    /// A number below `n`, by the seed.
    pub(super) fn random(&mut self, n: u64) -> u64 {
        random(&mut self.random) % n
    }

    /// Says and reads all that has its turn by `now`.
    pub(super) fn advance(&mut self, now: Moment) {
        while self.powered {
            if let Some(reply) = self.speech.reply.take_if(|reply| reply.at <= now) {
                self.give(reply);
                continue;
            }
            if self.speech.reply.is_some() || self.in_air.is_some() || self.is_stalled(now) {
                return;
            }
            let Some((at, octet)) = self.line.take(now) else { return };
            self.clock = self.clock.max(at);
            self.octet(octet);
        }
    }

    fn octet(&mut self, octet: u8) {
        if self.clock < self.speech.muted_until || self.is_other_port() {
            return;
        }
        match self.mode {
            Mode::Command => self.octet_of_line(octet),
            Mode::Prompt(_) => self.octet_of_payload(octet),
        }
    }

    /// Keeps an octet; the buffer of a line that is too long stays over the limit, which is how it is known.
    pub(super) fn keep(&mut self, octet: u8) {
        if self.buffer.len() <= LINE_MAX {
            self.buffer.push(octet);
        }
    }

    /// The line or payload that was read; `None` when it was too long or is not ASCII.
    pub(super) fn take_buffer(&mut self) -> Option<String> {
        let octets = std::mem::take(&mut self.buffer);
        let fits = octets.len() <= LINE_MAX && octets.is_ascii();
        fits.then(|| String::from_utf8(octets).ok())?
    }

    /// V.250 §5.2: what stands before AT is not looked at, and a line without it is no command.
    fn octet_of_line(&mut self, octet: u8) {
        self.echo(octet);
        match octet {
            b'\r' => {
                let line = self.take_buffer();
                if let Some(commands) = line.as_deref().and_then(behind_prefix) {
                    self.command_line(commands);
                }
            }
            b'\n' => {}
            ESC | CTRL_Z => self.buffer.clear(),
            BACKSPACE | DELETE => _ = self.buffer.pop(),
            _ => self.keep(octet),
        }
    }

    fn command_line(&mut self, mut rest: &str) {
        self.stats.commands += 1;
        if let Some(FaultKind::Replug { back }) = self.strike(Point::Replug) {
            return self.pull(Some(back));
        }
        if let Some(FaultKind::Mute { lasts }) = self.strike(Point::Mute) {
            self.speech.muted_until = lasts.map_or(Moment::MAX, |lasts| self.clock.saturating_add(lasts));
            return;
        }
        if self.step(Step::Command) {
            return;
        }
        let echo = self.strike(Point::Echo);
        self.speech.echo_stuck = echo.is_some();
        self.speech.doubled_cr = matches!(echo, Some(FaultKind::Echo { doubled_cr: true }));
        self.meet_trouble();
        let mut lines = Vec::new();
        while let Some(call) = command::next(&mut rest) {
            match command::run(self, &call) {
                Answer::Ok => {}
                Answer::Info(more) => lines.extend(more),
                Answer::Refused(refusal) => return self.answer_line(&lines, Err(refusal)),
                Answer::Bare(more) => {
                    lines.extend(more);
                    return self.answer_bare(&lines);
                }
                Answer::Prompt(entry) => return self.ask_for_payload(entry),
                Answer::Silent => return,
            }
        }
        self.answer_line(&lines, Ok(()));
    }
}

/// What stands behind the first AT of a line.
fn behind_prefix(line: &str) -> Option<&str> {
    let at = line.as_bytes().windows(2).position(|pair| pair.eq_ignore_ascii_case(b"AT"))?;
    Some(&line[at + 2..])
}

pub(super) const ESC: u8 = 0x1B;
pub(super) const CTRL_Z: u8 = 0x1A;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;
