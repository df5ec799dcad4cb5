//! Sending: from the prompt to the final code. 3GPP TS 27.005 §4.3.

use super::Moment;
use super::command::Refusal;
use super::fault::Point;
use super::kind::{FaultKind, OddFinal, OddPrompt, Stage, Step};
use super::modem::{CTRL_Z, ESC, Mode, Modem, ModemEvent};
use super::speak::Then;
use super::storage::{Stat, Stored};
use crate::tpdu::{MessageReference, Pdu, Submit, hex};
use std::time::Duration;

/// What a prompt was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: EntryKind,
    /// The announced length: octets of the TPDU.
    pub(super) tpdu_octets: usize,
    pub(super) asked_at: Moment,
}

/// What is done with the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// `AT+CMGS`
    Send,
    /// `AT+CMGW`
    Write(Stat),
}

/// A message on its way to the centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// When `AT+CMGS` was read.
    pub asked_at: Moment,
    /// When the payload was complete.
    pub at: Moment,
    /// TP-MR as the SIM counted it.
    pub mr: MessageReference,
    /// The message as the host wrote it; its own TP-MR is not looked at.
    pub submit: Submit,
    /// The same as octets, with the service centre field.
    pub pdu: Vec<u8>,
    /// A scripted refusal (F-25).
    pub refuse_with: Option<u16>,
    /// A scripted status for its report.
    pub report_status: Option<u8>,
}

/// What the centre says to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// RP-ACK.
    Accepted,
    /// RP-ERROR, or a failure on the way: the code for `+CMS ERROR`.
    Refused(u16),
}

/// A message in the air: no command is worked on.
#[derive(Debug)]
pub(super) struct InAir {
    mr: MessageReference,
    fault: Option<FaultKind>,
}

// Codes of 3GPP TS 27.005 §3.2.5.
const MEMORY_FULL: u16 = 322;
const SMSC_UNKNOWN: u16 = 330;

impl Modem {
    /// The centre's verdict on the message with this reference, at its moment. Does nothing when that is not in the air
    /// any more, because the modem was unplugged since.
    pub fn answer(&mut self, at: Moment, mr: MessageReference, verdict: Verdict) {
        let Some(air) = self.in_air.take_if(|air| air.mr == mr) else { return };
        self.clock = self.clock.max(at);
        let mr = mr.0;
        let accepted = |mr: &str| vec![format!("+CMGS: {mr}")];
        if verdict == Verdict::Accepted && self.step(Step::Accepted) {
            return;
        }
        let (lines, result) = match (verdict, air.fault) {
            (Verdict::Refused(code), _) => {
                self.stats.rejected += 1;
                (vec![], Err(Refusal::Cms(code)))
            }
            (_, Some(FaultKind::FinalLost)) => return self.advance(at),
            (_, Some(FaultKind::FinalLate { by })) => {
                let octets = self.render(&accepted(&mr.to_string()), Some(Ok(())));
                self.come_late(self.clock.saturating_add(by), octets);
                return self.advance(at);
            }
            (_, Some(FaultKind::OddFinal { answer })) => match answer {
                OddFinal::OkOnly => (vec![], Ok(())),
                OddFinal::Garbage => (accepted(&self.garbage()), Ok(())),
                OddFinal::Mr256 => (accepted("256"), Ok(())),
                OddFinal::Twice => ([accepted(&mr.to_string()), accepted(&mr.to_string())].concat(), Ok(())),
            },
            (_, _) => (accepted(&mr.to_string()), Ok(())),
        };
        let noise: Vec<String> = self.murmur().map(|(line, _)| line).into_iter().collect();
        let octets = self.render(&[noise, lines].concat(), Some(result));
        self.reply(self.clock, octets, Then::Final);
        self.advance(at);
    }

    /// Four characters that are no number and end no line.
    fn garbage(&mut self) -> String {
        (0..4).map(|_| char::from(b'a' + self.random(26) as u8)).collect()
    }

    /// The scripted refusal instead of the prompt (F-25).
    pub(super) fn refusal_of_prompt(&mut self) -> Option<u16> {
        self.refusal(Stage::Prompt)
    }

    fn refusal(&mut self, stage: Stage) -> Option<u16> {
        match self.strike(Point::Refusal(stage))? {
            FaultKind::CmsError { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Gives the prompt for a payload.
    pub(super) fn ask_for_payload(&mut self, entry: Entry) {
        let odd = if entry.kind == EntryKind::Send { self.strike(Point::PromptForm) } else { None };
        let (prompt, wait) = match odd {
            Some(FaultKind::Prompt { prompt: OddPrompt::Missing }) => return,
            Some(FaultKind::Prompt { prompt: OddPrompt::NoBlank }) => ("\r\n>", Duration::ZERO),
            Some(FaultKind::Prompt { prompt: OddPrompt::LateMs(ms) }) => {
                (self.make.prompt, Duration::from_millis(u64::from(ms)))
            }
            _ => (self.make.prompt, Duration::ZERO),
        };
        self.reply(self.clock + wait, prompt.into(), Then::Prompt(entry));
    }

    pub(super) fn octet_of_payload(&mut self, octet: u8) {
        match octet {
            ESC => {
                self.buffer.clear();
                self.mode = Mode::Command;
                self.answer_line(&[], Ok(()));
            }
            CTRL_Z => {
                if let Mode::Prompt(entry) = std::mem::replace(&mut self.mode, Mode::Command) {
                    self.payload(entry);
                }
            }
            _ => {
                self.echo(octet);
                let first = self.buffer.is_empty();
                self.keep(octet);
                if first {
                    self.step(Step::Payload);
                }
            }
        }
    }

    fn payload(&mut self, entry: Entry) {
        let text = self.take_buffer();
        if entry.kind == EntryKind::Send && self.step(Step::End) {
            return;
        }
        let Some((pdu, message)) = text.and_then(|text| read(&text, entry.tpdu_octets)) else {
            self.stats.bad_pdus += 1;
            return self.refuse(self.make.invalid_pdu);
        };
        match entry.kind {
            EntryKind::Send => self.submit(entry, pdu, message),
            EntryKind::Write(stat) => self.write(stat, pdu, entry.tpdu_octets),
        }
    }

    fn refuse(&mut self, code: u16) {
        self.answer_line(&[], Err(Refusal::Cms(code)));
    }

    /// Gives the message to the centre, unless a fault has it otherwise.
    fn submit(&mut self, entry: Entry, pdu: Vec<u8>, message: Pdu<Submit>) {
        if !self.is_registered() {
            return self.refuse(self.make.no_network);
        }
        if message.smsc.is_none() && self.sim.smsc.is_none() {
            return self.refuse(SMSC_UNKNOWN);
        }
        let submit = message.tpdu;
        let mr = if self.honours_mr && submit.rd { submit.mr } else { self.sim.next_mr() };
        let fault = self.strike(Point::Final);
        if fault == Some(FaultKind::NeverAccepted) {
            return;
        }
        let refuse_with = self.refusal(Stage::Payload);
        let report = if submit.srr && refuse_with.is_none() { self.strike(Point::Report) } else { None };
        let report_status = match report {
            Some(FaultKind::Report { status }) => Some(status),
            _ => None,
        };
        self.stats.submits += 1;
        self.in_air = Some(InAir { mr, fault });
        let (asked_at, at) = (entry.asked_at, self.clock);
        let submitted = Submitted { asked_at, at, mr, submit, pdu, refuse_with, report_status };
        self.event(ModemEvent::Submitted(Box::new(submitted)));
    }

    /// `AT+CMGW`: into the memory for what is written.
    fn write(&mut self, stat: Stat, pdu: Vec<u8>, tpdu_octets: usize) {
        let memory = self.settings.memories[1];
        match self.storage(memory).put(Stored { id: 0, stat, pdu, tpdu_octets }) {
            Some(index) => self.answer_line(&[format!("+CMGW: {index}")], Ok(())),
            None => self.refuse(MEMORY_FULL),
        }
    }
}

/// The message of a payload, when it is an SMS-SUBMIT of the announced length and nothing more.
fn read(text: &str, tpdu_octets: usize) -> Option<(Vec<u8>, Pdu<Submit>)> {
    let octets = hex::decode(text).ok()?;
    let smsc_octets = 1 + usize::from(*octets.first()?);
    if octets.len() != smsc_octets + tpdu_octets {
        return None;
    }
    let pdu = Pdu::from_octets(&octets).ok()?;
    Some((octets, pdu))
}
