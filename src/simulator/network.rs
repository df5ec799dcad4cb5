//! Modems and their service centre as one sans-IO whole: octets and time in, octets, deadlines and records out.

pub use super::centre::NetworkError;
use super::centre::{Centre, Outcome};
use super::log::{Record, What, at_us};
use super::{Fault, FaultKind, LabConfig, Modem, ModemEvent, Moment, Stats};
use std::time::Duration;

const TOO_MANY: &str = "64 stand in this modem already, which is the most";
const _: () = assert!(super::FAULTS_MAX == 64, "TOO_MANY says so");

/// A lab without ports and clock. Time may stand still between two calls, but never goes back.
#[derive(Debug)]
pub struct Network {
    modems: Vec<Modem>,
    centre: Centre,
    epoch_us: i64,
    /// When an unplugged modem comes back by itself.
    back_at: Vec<Option<Moment>>,
    plug_events: Vec<PlugEvent>,
    records: Vec<Record>,
    last_seq: u64,
}

/// What is to be done with a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlugEvent {
    /// Hang up.
    Unplugged(usize),
    /// Make a new one.
    Plugged(usize),
}

impl Network {
    /// A network that begins at `epoch_us` microseconds of Unix time, with the configured modems switched on and the
    /// configured faults set.
    pub fn new(config: &LabConfig, epoch_us: i64) -> Result<Network, NetworkError> {
        let mut network = Network {
            modems: (0..config.modems).map(|n| Modem::new(n, config)).collect(),
            centre: Centre::new(config, epoch_us),
            epoch_us,
            back_at: vec![None; config.modems],
            plug_events: Vec::new(),
            records: Vec::new(),
            last_seq: 0,
        };
        for fault in &config.faults {
            network.add_fault(Moment::ZERO, fault.clone())?;
        }
        Ok(network)
    }

    /// Takes octets that the host of a modem began to send at `now`. Those for a modem that is not there are lost.
    pub fn handle_bytes(&mut self, now: Moment, modem: usize, octets: &[u8]) {
        if let Some(modem) = self.modems.get_mut(modem) {
            modem.handle_bytes(now, octets);
        }
        self.settle(now);
    }

    /// Octets that have reached the host of a modem by `now`.
    pub fn poll_transmit(&mut self, now: Moment, modem: usize) -> Option<Vec<u8>> {
        self.modems.get_mut(modem)?.poll_transmit(now)
    }

    /// When [`Network::handle_timeout`] or [`Network::poll_transmit`] has something to do.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let modems = self.modems.iter().filter_map(Modem::poll_timeout);
        let back = self.back_at.iter().copied().flatten();
        modems.chain(back).chain(self.centre.poll_timeout()).min()
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        for modem in 0..self.modems.len() {
            if self.back_at[modem].is_some_and(|at| at <= now) {
                self.switch_on(now, modem);
            }
            self.modems[modem].handle_timeout(now);
        }
        self.settle(now);
    }

    /// What is to be done with the ports, in order.
    pub fn poll_plug(&mut self) -> Option<PlugEvent> {
        if self.plug_events.is_empty() { None } else { Some(self.plug_events.remove(0)) }
    }

    /// What happened since the last call, in order.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    /// An SMS from outside to a virtual SIM: `from` is a number or a name. As many parts as the text needs.
    pub fn inject(&mut self, now: Moment, modem: usize, from: &str, text: &str) -> Result<(), NetworkError> {
        self.known(modem)?;
        self.centre.inject(now, modem, from, text)?;
        self.settle(now);
        Ok(())
    }

    /// Octets from outside to a virtual SIM, whatever they are; they begin with the service centre field.
    pub fn inject_pdu(&mut self, now: Moment, modem: usize, pdu: Vec<u8>) -> Result<(), NetworkError> {
        self.known(modem)?;
        let what = self.centre.inject_pdu(modem, pdu)?;
        self.record(now, modem, what);
        self.offer(now, modem);
        self.settle(now);
        Ok(())
    }

    /// Sets a fault in the modem it names, or in all.
    pub fn add_fault(&mut self, now: Moment, fault: Fault) -> Result<(), NetworkError> {
        if let Some(why) = fault.kind.senseless() {
            return Err(NetworkError::Fault(why));
        }
        let modems = match fault.modem {
            Some(modem) => {
                self.known(modem)?;
                modem..modem + 1
            }
            None => 0..self.modems.len(),
        };
        for modem in modems {
            if !self.at_once(now, modem, &fault.kind) && !self.modems[modem].add_fault(fault.clone()) {
                return Err(NetworkError::Fault(TOO_MANY));
            }
            self.record(now, modem, What::FaultSet { fault: fault.clone() });
        }
        self.settle(now);
        Ok(())
    }

    /// A modem says a line by itself, or without one all that its make says so; nothing happens to one that is away.
    pub fn say(&mut self, now: Moment, modem: usize, line: Option<&str>) -> Result<(), NetworkError> {
        self.known(modem)?;
        self.modems[modem].say_by_itself(now, line);
        Ok(())
    }

    /// A modem begins anew as if it had been told to; nothing happens to one that is away.
    pub fn restart(&mut self, now: Moment, modem: usize) -> Result<(), NetworkError> {
        self.known(modem)?;
        self.modems[modem].restart(now);
        self.settle(now);
        Ok(())
    }

    /// Removes the faults of one modem, or of all.
    pub fn clear_faults(&mut self, modem: Option<usize>) -> Result<(), NetworkError> {
        modem.map_or(Ok(()), |modem| self.known(modem))?;
        let chosen = |n: usize| modem.is_none_or(|modem| modem == n);
        self.modems.iter_mut().enumerate().filter(|(n, _)| chosen(*n)).for_each(|(_, modem)| modem.clear_faults());
        Ok(())
    }

    /// Pulls the plug of a modem; it comes back after `back`, or when it is plugged in. Nothing happens to one that is
    /// away already, except that its return is set anew.
    pub fn unplug(&mut self, now: Moment, modem: usize, back: Option<Duration>) -> Result<(), NetworkError> {
        self.known(modem)?;
        if self.modems[modem].is_powered() {
            self.modems[modem].power_off(now);
            self.unplugged(now, modem, back);
        } else {
            self.back_at[modem] = back.map(|back| now.saturating_add(back));
        }
        self.settle(now);
        Ok(())
    }

    /// Plugs a modem in. Nothing happens to one that is in.
    pub fn plug(&mut self, now: Moment, modem: usize) -> Result<(), NetworkError> {
        self.known(modem)?;
        if !self.modems[modem].is_powered() {
            self.switch_on(now, modem);
        }
        self.settle(now);
        Ok(())
    }

    /// How many modems there are.
    pub fn modems(&self) -> usize {
        self.modems.len()
    }

    /// Counters of a modem, and how much waits for it in the network.
    pub fn stats(&self, modem: usize) -> Result<(Stats, usize), NetworkError> {
        self.known(modem)?;
        Ok((self.modems[modem].stats(), self.centre.waiting(modem)))
    }

    /// True while a modem takes no octets: its host's wait on the line.
    pub fn is_stalled(&self, now: Moment, modem: usize) -> bool {
        self.modems.get(modem).is_some_and(|modem| modem.is_stalled(now))
    }

    /// True from plug to unplug.
    pub fn is_plugged(&self, modem: usize) -> bool {
        self.modems.get(modem).is_some_and(Modem::is_powered)
    }

    fn known(&self, modem: usize) -> Result<(), NetworkError> {
        if modem < self.modems.len() { Ok(()) } else { Err(NetworkError::NoModem(modem)) }
    }

    fn record(&mut self, at: Moment, modem: usize, what: What) {
        self.last_seq += 1;
        let sim = self.modems[modem].iccid().to_owned();
        self.records.push(Record { seq: self.last_seq, at_us: at_us(self.epoch_us, at), modem, sim, what });
    }

    /// Lets modems and centre talk until neither has more to say at `now`.
    fn settle(&mut self, now: Moment) {
        loop {
            let mut quiet = true;
            for modem in 0..self.modems.len() {
                while let Some(event) = self.modems[modem].poll_event() {
                    quiet = false;
                    self.heard(now, modem, event);
                }
            }
            while let Some((at, outcome)) = self.centre.poll(now) {
                quiet = false;
                match outcome {
                    Some(Outcome::Decided(modem, mr, verdict, what)) => {
                        self.record(at, modem, what);
                        self.modems[modem].answer(at, mr, verdict);
                        self.modems[modem].handle_timeout(now);
                    }
                    Some(Outcome::Waits(sim, what)) => {
                        self.record(at, sim, what);
                        self.offer(now, sim);
                    }
                    None => {}
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn heard(&mut self, now: Moment, modem: usize, event: ModemEvent) {
        match event {
            ModemEvent::Submitted(submitted) => self.centre.submitted(modem, submitted),
            ModemEvent::Room => self.offer(now, modem),
            ModemEvent::Taken(id) => self.centre.taken(now, id),
            ModemEvent::Returned(arrival) => self.centre.returned(modem, arrival),
            ModemEvent::Record(what) => self.record(now, modem, what),
            ModemEvent::Unplug { back } => self.unplugged(now, modem, back),
        }
    }

    fn offer(&mut self, now: Moment, sim: usize) {
        let modem = &mut self.modems[sim];
        self.centre.offer(sim, |arrival| modem.offer(now, arrival));
    }

    fn unplugged(&mut self, now: Moment, modem: usize, back: Option<Duration>) {
        self.back_at[modem] = back.map(|back| now.saturating_add(back));
        self.plug_events.push(PlugEvent::Unplugged(modem));
        self.record(now, modem, What::Unplugged);
    }

    fn switch_on(&mut self, now: Moment, modem: usize) {
        self.back_at[modem] = None;
        self.plug_events.push(PlugEvent::Plugged(modem));
        self.record(now, modem, What::Plugged);
        self.modems[modem].power_on(now);
    }

    /// What does not wait for an opportunity; false when the fault does.
    fn at_once(&mut self, now: Moment, modem: usize, kind: &FaultKind) -> bool {
        match *kind {
            FaultKind::MemoryFull => self.fill(now, modem),
            FaultKind::InPrompt => self.modems[modem].stand_in_prompt(now),
            FaultKind::OddMessage { message } => self.centre.odd(now, modem, message),
            FaultKind::Interleaved => self.centre.interleave(now, modem),
            FaultKind::OtherPort { nmea } => self.modems[modem].be_other_port(now, nmea),
            FaultKind::Drops { every, back } => self.modems[modem].drop_every(now, every, back),
            _ => return false,
        }
        true
    }

    fn fill(&mut self, now: Moment, sim: usize) {
        let mut lines = Vec::new();
        let centre = &mut self.centre;
        self.modems[sim].fill(|| {
            let (arrival, what) = centre.filler(now)?;
            lines.push(what);
            Some(arrival)
        });
        lines.into_iter().for_each(|what| self.record(now, sim, what));
    }
}
