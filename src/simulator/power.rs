//! How a modem comes and goes: power, start, reset, and the change of SIM slots.

use super::Moment;
use super::command::Settings;
use super::fault::Point;
use super::kind::FaultKind;
use super::modem::{Mode, Modem, ModemEvent};
use super::sim::Lock;
use super::speak::Speech;
use std::time::Duration;

/// From one line of the start to the next. Real modems take 5 to 15 s for all.
const BOOT_LINE: Duration = Duration::from_millis(20);
/// What begins the part of a start that a SIM with a PIN puts off.
const READY: &str = "+CPIN: READY";
/// From a command that sends the modem away to its last words, and to its end.
const LAST_WORDS: Duration = Duration::from_millis(20);
const LEAVES: Duration = Duration::from_millis(100);
/// How long a reset takes. Real ones: 15 s and more.
const AWAY: Duration = Duration::from_millis(500);
/// How long a SIM is busy after a change of slots. Real ones: 5 to 40 s.
const SIM_TAKES: Duration = Duration::from_millis(300);
/// The SIMs in second slots are counted from here: a lab has fewer modems.
pub(super) const SECOND_SIMS: usize = 1000;

/// How a modem goes away that was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It comes back after a while.
    Reset,
    /// It stays away until it is plugged in.
    Off,
}

impl Modem {
    /// Pulls the plug. What the host has not heard by `now` it never will; the SIM and the memories keep what they have.
    pub fn power_off(&mut self, now: Moment) {
        self.line.cut(now);
        self.powered = false;
        self.forget();
    }

    /// What does not outlive the power.
    fn forget(&mut self) {
        self.leaves = None;
        self.mode = Mode::Command;
        self.buffer.clear();
        self.speech = Speech::default();
        self.in_air = None;
        self.settings = Settings::default();
        self.give_back();
    }

    /// Puts it back in, with all settings as from the factory.
    pub fn power_on(&mut self, now: Moment) {
        self.line.clear();
        self.powered = true;
        self.starts_anew(now);
        self.boot(now);
        self.room();
    }

    /// Says, one after the other, what the make says once it has power, as far as the SIM's lock.
    pub(super) fn boot(&mut self, from: Moment) {
        self.stats.starts += 1;
        self.sim.close();
        self.spare.close();
        let lines = self.make.boot;
        let unlocks = lines.iter().position(|line| *line == READY).filter(|_| self.sim.lock() != Lock::Ready);
        self.sim_ready_at = match unlocks {
            None => self.say_in_turn(from, lines),
            Some(at) => {
                let until = self.say_in_turn(from, &lines[..at]);
                self.say_in_turn(until, &[&format!("+CPIN: {}", self.sim.lock().name())])
            }
        };
    }

    /// The SIM has its PIN: the rest of the start.
    pub(super) fn opened(&mut self) {
        let lines = self.make.boot;
        if let Some(at) = lines.iter().position(|line| *line == READY) {
            self.say_in_turn(self.clock, &lines[at..]);
        }
        self.room();
    }

    fn say_in_turn(&mut self, from: Moment, lines: &[&str]) -> Moment {
        let mut at = from;
        for line in lines {
            at += BOOT_LINE;
            let octets = self.render(&[(*line).to_owned()], None);
            self.come_late(at, octets);
        }
        at
    }

    /// Begins anew by itself, as after a dip of its supply.
    pub(super) fn restart(&mut self, now: Moment) {
        if self.powered {
            self.clock = self.clock.max(now);
            self.leave(Leave::Reset, &[]);
        }
    }

    /// Goes away once the answer has been said, with these words.
    pub(super) fn leave(&mut self, leave: Leave, last_words: &[&str]) {
        let words: Vec<String> = last_words.iter().map(|words| (*words).to_owned()).collect();
        if !words.is_empty() {
            let octets = self.render(&words, None);
            self.come_late(self.clock + LAST_WORDS, octets);
        }
        self.leaves = Some((self.clock + LEAVES, leave));
    }

    /// Does what a command has begun that sent it away.
    pub(super) fn leave_when_due(&mut self, now: Moment) {
        let Some((at, leave)) = self.leaves.take_if(|(at, _)| *at <= now) else { return };
        self.clock = self.clock.max(at);
        let away = match leave {
            Leave::Off => return self.pull(None),
            Leave::Reset => self.away_after_reset(),
        };
        match self.make.is_uart {
            true => {
                self.forget();
                self.speech.muted_until = self.clock + away;
                self.boot(self.speech.muted_until);
                self.room();
            }
            false => self.pull(Some(away)),
        }
    }

    fn away_after_reset(&mut self) -> Duration {
        match self.strike(Point::Reset) {
            Some(FaultKind::SlowReset { back }) => back,
            _ => AWAY,
        }
    }

    /// Uses the SIM of a slot; what was set for messages is as from the factory again, and the SIM is busy for a while.
    pub(super) fn use_slot(&mut self, slot: usize) {
        if slot != self.slot {
            std::mem::swap(&mut self.sim, &mut self.spare);
            self.slot = slot;
        }
        let Settings { csms, cnmi, memories, .. } = Settings::default();
        self.settings = Settings { csms, cnmi, memories, ..std::mem::take(&mut self.settings) };
        self.sim.close();
        self.sim_ready_at = self.clock + SIM_TAKES;
        let octets = self.render(&[format!("+CPIN: {}", self.sim.lock().name())], None);
        self.come_late(self.sim_ready_at, octets);
    }

    /// Pulls the plug by itself.
    pub(super) fn pull(&mut self, back: Option<Duration>) {
        self.power_off(self.clock);
        self.event(ModemEvent::Unplug { back });
    }
}
