//! What stands in a modem's way for a while: a busy or missing SIM, a network that is of no use, a line that does not take
//! octets, a port that is another, a plug that falls out.

use super::Moment;
use super::command::Refusal;
use super::fault::Point;
use super::kind::FaultKind;
use super::modem::{Mode, Modem};
use super::odd::{Foreign, NoNetwork};
use super::send::{Entry, EntryKind};
use crate::tpdu::{Address, Pdu, Submit, gsm7};
use std::time::Duration;

/// How often a port for navigation says where it is.
const NMEA_EVERY: Duration = Duration::from_secs(1);
/// NMEA 0183: position and time, of a receiver that sees no satellite.
const NMEA: [&str; 2] = ["$GPGGA,,,,,,0,,,,,,,,*66", "$GPRMC,,V,,,,,,,,,,N*53"];
/// 3GPP TS 27.007 §9.2.1: SIM not inserted.
const NOT_INSERTED: u16 = 10;
/// What needs the SIM.
const OF_THE_SIM: &[&str] = &[
    "+CPIN", "+CIMI", "+CCID", "+ICCID", "+CNUM", "+CSCA", "+CPMS", "+CNMI", "+CSMS", "+CMGF", "+CMGL", "+CMGR",
    "+CMGD", "+CMGS", "+CMGW",
];

/// All that stands in the way now.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// What is answered, and until when (F-05).
    busy: Option<(Moment, u16)>,
    /// No octet is taken before (F-14).
    stalled_until: Moment,
    /// There is no SIM before, and then maybe another one (F-19, F-24).
    sim: Option<(Moment, bool)>,
    /// Until when the network is like this (F-21).
    network: Option<(Moment, NoNetwork)>,
    /// The port is another one, and says something next then (F-27).
    other_port: Option<Option<Moment>>,
    /// From a start to the next drop, how long it is away, and when it drops (F-28).
    drops: Option<(Duration, Duration, Moment)>,
}

impl Modem {
    /// Begins what strikes at a command line.
    pub(super) fn meet_trouble(&mut self) {
        let now = self.clock;
        if let Some(FaultKind::Busy { code, lasts }) = self.strike(Point::Busy) {
            self.trouble.busy = Some((now.saturating_add(lasts), code));
        }
        if let Some(FaultKind::Stall { lasts }) = self.strike(Point::Stall) {
            self.trouble.stalled_until = lasts.map_or(Moment::MAX, |lasts| now.saturating_add(lasts));
        }
        if let Some(FaultKind::SimGone { back, swapped }) = self.strike(Point::Sim) {
            self.lose_sim(back, swapped);
        }
        if let Some(FaultKind::NoNetwork { network, lasts }) = self.strike(Point::Network) {
            self.trouble.network = Some((now.saturating_add(lasts), network));
            self.tell_registration();
        }
        let pieces = self.strike(Point::Pieces);
        self.speech.pieces = match pieces {
            Some(FaultKind::Pieces { most, gap }) => Some((most, gap)),
            _ => None,
        };
        if let Some(FaultKind::Noise { noise, octets }) = self.strike(Point::Noise) {
            let noise = noise.octets(octets, &mut self.random);
            self.say(now, &noise);
        }
        self.speech.stolen = false;
        match self.strike(Point::Foreigner) {
            Some(FaultKind::Foreigner { foreign: Foreign::Ok }) => {
                let octets = self.render(&[], Some(Ok(())));
                self.say(now, &octets);
            }
            Some(FaultKind::Foreigner { foreign: Foreign::Stolen }) => self.speech.stolen = true,
            _ => {}
        }
    }

    /// What a command is refused with because of a trouble.
    pub(super) fn troubled(&self, name: &str) -> Option<Refusal> {
        if !OF_THE_SIM.contains(&name) {
            return None;
        }
        let busy = self.trouble.busy.filter(|(until, _)| self.clock < *until);
        let code = if self.has_sim() { busy?.1 } else { NOT_INSERTED };
        Some(Refusal::Cme(code))
    }

    /// The SIM goes; its return is told when it is time.
    pub(super) fn lose_sim(&mut self, back: Option<Duration>, swapped: bool) {
        self.trouble.sim = Some((back.map_or(Moment::MAX, |back| self.clock.saturating_add(back)), swapped));
        let urc = self.render(&["+CPIN: NOT INSERTED".to_owned()], None);
        self.come_late(self.clock, urc);
    }

    pub(super) fn has_sim(&self) -> bool {
        self.trouble.sim.is_none()
    }

    /// What the network is like, where it is not as it should be.
    pub(super) fn network(&self) -> Option<NoNetwork> {
        self.trouble.network.map(|(_, network)| network)
    }

    /// True while the modem takes no octets.
    pub(super) fn is_stalled(&self, now: Moment) -> bool {
        now < self.trouble.stalled_until
    }

    /// True from the beginning of a stall to the end that was seen.
    pub(super) fn takes_nothing(&self) -> bool {
        self.trouble.stalled_until > Moment::ZERO
    }

    /// True when the port is no AT port.
    pub(super) fn is_other_port(&self) -> bool {
        self.trouble.other_port.is_some()
    }

    /// The port is for something else from now on.
    pub(super) fn be_other_port(&mut self, now: Moment, nmea: bool) {
        self.trouble.other_port = Some(nmea.then_some(now));
    }

    /// From now on the plug falls out again and again.
    pub(super) fn drop_every(&mut self, now: Moment, every: Duration, back: Duration) {
        self.trouble.drops = Some((every, back, now.saturating_add(every)));
    }

    /// It has power again: the next drop is a while away.
    pub(super) fn starts_anew(&mut self, now: Moment) {
        if let Some((every, _, at)) = &mut self.trouble.drops {
            *at = now.saturating_add(*every);
        }
    }

    /// It stands in the prompt with somebody else's message.
    pub(super) fn stand_in_prompt(&mut self, now: Moment) {
        let payload = gsm7::encode("of somebody else").unwrap_or_default();
        let mut submit = Submit { da: Address::from_number("+491700000000"), ..Submit::default() };
        submit.ud.payload = payload;
        let Ok((line, tpdu_octets)) = (Pdu { smsc: None, tpdu: submit }).to_hex() else { return };
        self.buffer = line.into_bytes();
        self.mode = Mode::Prompt(Entry { kind: EntryKind::Send, tpdu_octets, asked_at: now });
    }

    /// Ends all troubles at the next opportunity.
    pub(super) fn end_trouble(&mut self) {
        let Trouble { sim, network, .. } = std::mem::take(&mut self.trouble);
        self.trouble.sim = sim.map(|(_, swapped)| (self.clock, swapped));
        self.trouble.network = network.map(|(_, network)| (self.clock, network));
    }

    /// When [`Modem::trouble_due`] has something to do.
    pub(super) fn next_trouble(&self) -> Option<Moment> {
        let Trouble { stalled_until, sim, network, other_port, drops, .. } = &self.trouble;
        let stalled = Some(*stalled_until).filter(|at| *at > Moment::ZERO && *at < Moment::MAX);
        let drops = drops.map(|(_, _, at)| at).filter(|_| self.powered);
        let nmea = other_port.flatten().filter(|_| self.powered);
        let ends = [sim.map(|(at, _)| at), network.map(|(at, _)| at)].into_iter().flatten();
        ends.filter(|at| *at < Moment::MAX).chain([stalled, drops, nmea].into_iter().flatten()).min()
    }

    /// Ends what is over at `now`, and drops and says what is due.
    pub(super) fn trouble_due(&mut self, now: Moment) {
        if self.trouble.stalled_until <= now {
            self.trouble.stalled_until = Moment::ZERO;
        }
        if let Some((at, swapped)) = self.trouble.sim.take_if(|(at, _)| *at <= now) {
            self.clock = self.clock.max(at);
            self.sim_returns(swapped);
        }
        if let Some((at, _)) = self.trouble.network.take_if(|(at, _)| *at <= now) {
            self.clock = self.clock.max(at);
            self.tell_registration();
            self.room();
        }
        if let Some(Some(at)) = &mut self.trouble.other_port
            && *at <= now
            && self.powered
        {
            *at = now.saturating_add(NMEA_EVERY);
            let octets = NMEA.map(|sentence| format!("{sentence}\r\n")).concat();
            self.say(now, octets.as_bytes());
        }
        if self.powered
            && let Some((_, back, at)) = self.trouble.drops
            && at <= now
        {
            self.clock = self.clock.max(at);
            self.strikes(FaultKind::Drops { every: Duration::ZERO, back }.id());
            self.pull(Some(back));
        }
    }

    fn sim_returns(&mut self, swapped: bool) {
        if swapped {
            std::mem::swap(&mut self.sim, &mut self.spare);
        }
        self.sim.close();
        let urc = self.render(&[format!("+CPIN: {}", self.sim.lock().name())], None);
        self.come_late(self.clock, urc);
        self.room();
    }

    /// Says the state of registration in each domain where that is wanted.
    fn tell_registration(&mut self) {
        let stat = self.registration();
        for (name, n) in ["+CREG", "+CGREG", "+CEREG"].into_iter().zip(self.settings.creg) {
            if n > 0 {
                let urc = self.render(&[format!("{name}: {stat}")], None);
                self.come_late(self.clock, urc);
            }
        }
    }
}
