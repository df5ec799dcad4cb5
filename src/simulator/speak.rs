//! What a modem says: answers at their moment, URCs between them, in the form the host has chosen. ITU-T V.250 §5.7.

use super::Moment;
use super::command::Refusal;
use super::fault::Point;
use super::kind::{FaultKind, Step, UrcPlace};
use super::modem::{Mode, Modem};
use super::send::Entry;
use std::collections::VecDeque;
use std::time::Duration;

/// URCs that wait; the oldest goes first.
const URCS_MAX: usize = 64;

/// So many answers from one line of the make's own noise to the next.
const MURMUR_EVERY: usize = 3;

/// What is to be said, and how.
#[derive(Debug, Default)]
pub(super) struct Speech {
    /// No input is looked at before it is said.
    pub(super) reply: Option<Reply>,
    /// What comes by itself at its moment (F-11), soonest first.
    pub(super) late: Vec<(Moment, Vec<u8>)>,
    urcs: VecDeque<Vec<u8>>,
    /// Nothing is said, and nothing heard, before (F-06).
    pub(super) muted_until: Moment,
    /// The echo is on whatever ATE says (F-03).
    pub(super) echo_stuck: bool,
    /// Lines end in CR CR LF (F-03).
    pub(super) doubled_cr: bool,
    /// What is said comes in pieces of at most so many octets, so far apart (F-01).
    pub(super) pieces: Option<(usize, Duration)>,
    /// Somebody else reads a part of the answer (F-31).
    pub(super) stolen: bool,
    /// Answers since the start: they say when the modem murmurs.
    answers: usize,
}

/// What is said at its moment, and what comes then.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) at: Moment,
    octets: Vec<u8>,
    then: Then,
}

/// What comes after a reply.
#[derive(Debug)]
pub(super) enum Then {
    /// A command line is done.
    Answer,
    /// A send is done.
    Final,
    /// The payload is awaited.
    Prompt(Entry),
}

impl Modem {
    /// Says `octets` at `at`, then goes on.
    pub(super) fn reply(&mut self, at: Moment, octets: Vec<u8>, then: Then) {
        self.speech.reply = Some(Reply { at, octets, then });
    }

    /// The answer to a command line, at once.
    pub(super) fn answer_line(&mut self, lines: &[String], result: Result<(), Refusal>) {
        let mut said = lines.to_vec();
        if let Some((line, in_front)) = self.murmur() {
            said.insert(if in_front { 0 } else { lines.len() }, line);
        }
        let mut octets = self.render(&said, None);
        if !lines.is_empty()
            && let Some(FaultKind::UrcInside { urc, .. }) = self.strike(Point::UrcIn(UrcPlace::Response))
        {
            octets.extend(self.render(&[urc], None));
        }
        octets.extend(self.render(&[], Some(result)));
        self.reply(self.clock, octets, Then::Answer);
    }

    /// The answer to a command line of which these lines are the end.
    pub(super) fn answer_bare(&mut self, lines: &[String]) {
        let octets = self.render(lines, None);
        self.reply(self.clock, octets, Then::Answer);
    }

    /// What the make says by itself with an answer, now and then; whether it comes before or after what was asked for.
    pub(super) fn murmur(&mut self) -> Option<(String, bool)> {
        let n = self.speech.answers;
        self.speech.answers = n.wrapping_add(1);
        let turn = n / MURMUR_EVERY;
        let line = self.make.noise.get(turn.checked_rem(self.make.noise.len())?)?;
        (n % MURMUR_EVERY == MURMUR_EVERY - 1).then(|| ((*line).to_owned(), turn.is_multiple_of(2)))
    }

    /// Says a line now, or all that the make says by itself.
    pub(super) fn say_by_itself(&mut self, now: Moment, line: Option<&str>) {
        let noise: Vec<String> = match line {
            Some(line) => vec![line.to_owned()],
            None => self.make.noise.iter().map(|line| (*line).to_owned()).collect(),
        };
        let octets = self.render(&noise, None);
        self.say(now, &octets);
    }

    /// Puts a late answer where it belongs.
    pub(super) fn come_late(&mut self, at: Moment, octets: Vec<u8>) {
        let place = self.speech.late.partition_point(|(other, _)| *other <= at);
        self.speech.late.insert(place, (at, octets));
        self.speech.late.truncate(URCS_MAX);
    }

    /// A URC; it waits while the prompt stands.
    pub(super) fn urc(&mut self, octets: Vec<u8>) {
        if self.speech.urcs.len() == URCS_MAX {
            self.speech.urcs.pop_front();
        }
        self.speech.urcs.push_back(octets);
        self.flush_urcs();
    }

    /// Says the URCs, unless they have to wait.
    pub(super) fn flush_urcs(&mut self) {
        if self.mode != Mode::Command || self.settings.cnmi.mode == 0 {
            return;
        }
        while let Some(octets) = self.speech.urcs.pop_front() {
            self.say(self.clock, &octets);
        }
    }

    /// Says a reply, and does what comes then.
    pub(super) fn give(&mut self, reply: Reply) {
        self.clock = self.clock.max(reply.at);
        self.say(self.clock, &reply.octets);
        match reply.then {
            Then::Answer => _ = self.step(Step::Answer),
            Then::Final => {
                if !self.step(Step::Final)
                    && let Some(FaultKind::SimLost { back }) = self.strike(Point::Sent)
                {
                    self.lose_sim(Some(back), false);
                }
            }
            Then::Prompt(entry) => {
                if let Some(FaultKind::UrcInside { urc, .. }) = self.strike(Point::UrcIn(UrcPlace::Prompt)) {
                    let urc = self.render(&[urc], None);
                    self.say(self.clock, &urc);
                }
                self.mode = Mode::Prompt(entry);
                self.step(Step::Prompt);
            }
        }
        self.flush_urcs();
    }

    /// Lines and a result code as the host is to see them. V.250 §5.7.1.
    pub(super) fn render(&self, lines: &[String], result: Option<Result<(), Refusal>>) -> Vec<u8> {
        let mut text = String::new();
        let front = if self.settings.verbose { "\r\n" } else { "" };
        for line in lines {
            text += &format!("{front}{line}\r\n");
        }
        if let Some(result) = result
            && !self.settings.quiet
        {
            text += &self.result_code(result);
        }
        if self.speech.doubled_cr {
            text = text.replace("\r\n", "\r\r\n");
        }
        text.into_bytes()
    }

    fn result_code(&self, result: Result<(), Refusal>) -> String {
        let words = match result {
            Err(Refusal::Cms(code)) => format!("+CMS ERROR: {code}"),
            Err(Refusal::Cme(code)) if self.settings.cmee > 0 => format!("+CME ERROR: {code}"),
            // V.250 table 1.
            Ok(()) if !self.settings.verbose => return "0\r".to_owned(),
            Err(_) if !self.settings.verbose => return "4\r".to_owned(),
            Ok(()) => "OK".to_owned(),
            Err(Refusal::Unknown) => self.make.unknown.to_owned(),
            Err(_) => "ERROR".to_owned(),
        };
        format!("\r\n{words}\r\n")
    }

    /// Says an octet back.
    pub(super) fn echo(&mut self, octet: u8) {
        if self.settings.echo || self.speech.echo_stuck {
            self.say(self.clock, &[octet]);
        }
    }

    /// Octets to the host, unless the modem is mute.
    pub(super) fn say(&mut self, at: Moment, octets: &[u8]) {
        if !self.is_powered() || at < self.speech.muted_until {
            return;
        }
        let mut left = octets;
        let stolen: Vec<u8>;
        if self.speech.stolen {
            // One octet in four, by the seed.
            stolen = octets.iter().copied().filter(|_| self.random(4) > 0).collect();
            left = &stolen;
        }
        let Some((most, gap)) = self.speech.pieces else { return self.line.send(at, left) };
        let mut at = self.line.next_free(at);
        while !left.is_empty() {
            let n = 1 + self.random(most as u64) as usize;
            let (piece, rest) = left.split_at(n.min(left.len()));
            at = at.saturating_add(gap);
            self.line.send(at, piece);
            left = rest;
        }
    }
}
