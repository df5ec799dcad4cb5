//! Receiving: what the network hands over is stored or routed as `AT+CNMI` says. 3GPP TS 27.005 §3.4.1.

use super::Moment;
use super::command::{Cnmi, Memory};
use super::fault::Point;
use super::kind::{FaultKind, OddDelete, UrcPlace};
use super::log::What;
use super::modem::{Modem, ModemEvent};
use super::odd::WAP_PUSH;
use super::personality::Services;
use super::storage::{Stat, Stored};
use crate::tpdu::{Incoming, hex};
use std::time::Duration;

/// How long the network waits for the acknowledgement of a routed message: within TR2M, 3GPP TS 24.011 §10.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(15);

/// Something the network has for a SIM: an SMS-DELIVER or an SMS-STATUS-REPORT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in this lab.
    pub id: u64,
    /// True for a status report.
    pub is_report: bool,
    /// The service centre field and the TPDU.
    pub pdu: Vec<u8>,
    /// Octets of the TPDU.
    pub tpdu_octets: usize,
}

/// An arrival that was routed to the host, who has to acknowledge it.
#[derive(Debug)]
pub(super) struct Unacked {
    arrival: Arrival,
    pub(super) until: Moment,
}

/// What becomes of an arrival.
enum Way {
    Store { indicate: bool },
    Route,
    Wait,
}

impl Modem {
    /// Takes an arrival, or gives it back because it has no room, no radio, or waits for an acknowledgement.
    pub fn offer(&mut self, now: Moment, arrival: Arrival) -> Result<(), Arrival> {
        if !self.is_registered() {
            return Err(arrival);
        }
        self.clock = self.clock.max(now);
        let Cnmi { mt, ds, .. } = self.settings.cnmi;
        let way = match (arrival.is_report, mt, ds) {
            (false, 2, _) | (true, _, 1) => Way::Route,
            (false, mt, _) => Way::Store { indicate: mt == 1 },
            (true, _, 2) => Way::Store { indicate: true },
            (true, _, _) => Way::Wait,
        };
        match way {
            Way::Store { indicate } => self.store(arrival, indicate),
            Way::Route => self.route(arrival),
            Way::Wait => Err(arrival),
        }
    }

    fn store(&mut self, arrival: Arrival, indicate: bool) -> Result<(), Arrival> {
        let chosen = self.make.reports.filter(|_| arrival.is_report).unwrap_or(self.settings.memories[2]);
        let strays = if arrival.is_report { None } else { self.strike(Point::Stored) };
        let (memory, indicate) = match strays {
            Some(FaultKind::OtherMemory { told }) => (self.other_memory(chosen), indicate && told),
            _ => (chosen, indicate),
        };
        let Arrival { id, is_report, ref pdu, tpdu_octets } = arrival;
        let message = Stored { id, stat: Stat::Unread, pdu: pdu.clone(), tpdu_octets };
        let Some(index) = self.storage(memory).put(message) else { return Err(arrival) };
        self.stats.stored += 1;
        self.record(What::Stored { id, memory: memory.name(), index });
        self.event(ModemEvent::Taken(id));
        if indicate && !self.silent {
            let name = if is_report { "+CDSI" } else { "+CMTI" };
            let mms = if self.make.tells_mms && is_mms(pdu) { ",\"MMS PUSH\",2,1" } else { "" };
            let urc = self.render(&[format!("{name}: \"{}\",{index}{mms}", memory.name())], None);
            self.urc(urc);
        }
        Ok(())
    }

    /// The memory that was not chosen, where the make has another.
    fn other_memory(&self, chosen: Memory) -> Memory {
        let mut others = [Memory::Sm, Memory::Me].into_iter().filter(|memory| self.make.memories.contains(memory));
        others.find(|memory| *memory != chosen).unwrap_or(chosen)
    }

    fn route(&mut self, arrival: Arrival) -> Result<(), Arrival> {
        if self.unacked.is_some() {
            return Err(arrival);
        }
        self.stats.routed += 1;
        self.record(What::Routed { id: arrival.id });
        // <alpha> of +CMT is empty; +CDS has none by the standard.
        let name = match arrival.is_report {
            true if self.make.cds_has_alpha => "+CDS: ,",
            true => "+CDS: ",
            false => "+CMT: ,",
        };
        let line = format!("{name}{}\r\n{}", arrival.tpdu_octets, hex::encode(&arrival.pdu));
        let urc = self.render(&[line], None);
        self.urc(urc);
        if self.settings.csms == 1 && self.make.services == Services::Acknowledged {
            self.unacked = Some(Unacked { arrival, until: self.clock + ACKNOWLEDGED_WITHIN });
        } else {
            self.event(ModemEvent::Taken(arrival.id));
        }
        Ok(())
    }

    /// `AT+CNMA`; false when nothing waits for it.
    pub(super) fn acknowledge(&mut self, positive: bool) -> bool {
        let Some(Unacked { arrival, .. }) = self.unacked.take() else { return false };
        if positive {
            self.record(What::Acked { id: arrival.id });
            self.event(ModemEvent::Taken(arrival.id));
        } else {
            self.returned(arrival);
        }
        self.room();
        true
    }

    /// No acknowledgement in time: nothing is routed until the host sets `AT+CNMI` again.
    pub(super) fn acknowledgement_overdue(&mut self, now: Moment) {
        if self.unacked.as_ref().is_some_and(|unacked| unacked.until <= now) {
            self.settings.cnmi = Cnmi { mt: 0, ds: 0, ..self.settings.cnmi };
            self.give_back();
        }
    }

    /// What the host has not acknowledged is the network's again.
    pub(super) fn give_back(&mut self) {
        if let Some(Unacked { arrival, .. }) = self.unacked.take() {
            self.returned(arrival);
        }
    }

    fn returned(&mut self, arrival: Arrival) {
        self.record(What::Returned { id: arrival.id });
        self.event(ModemEvent::Returned(arrival));
    }

    /// The host has read a message for the first time.
    pub(super) fn was_read(&mut self, id: u64) {
        self.record(What::Read { id });
    }

    /// The URC that F-02 puts between the `+CMGR` line and its PDU; empty without.
    pub(super) fn urc_between(&mut self) -> String {
        match self.strike(Point::UrcIn(UrcPlace::Cmgr)) {
            Some(FaultKind::UrcInside { urc, .. }) => format!("\r\n{urc}\r\n"),
            _ => String::new(),
        }
    }

    /// How the deletion of one message goes wrong (F-17).
    pub(super) fn odd_delete(&mut self) -> Option<OddDelete> {
        match self.strike(Point::Delete)? {
            FaultKind::DeleteFails { delete } => Some(delete),
            _ => None,
        }
    }

    /// Frees a slot; an empty one stays so.
    pub(super) fn delete(&mut self, memory: Memory, index: u16) {
        let Some(message) = self.storage(memory).slot(index).and_then(Option::take) else { return };
        self.stats.deleted += 1;
        self.record(What::Deleted { id: message.id, memory: memory.name(), index });
        let receiving = self.settings.memories[2];
        if self.storage(receiving).used() == 0 {
            self.silent = false;
        }
        self.room();
    }

    /// F-15: fills the memory for received messages, in silence; `filler` makes them.
    pub(super) fn fill(&mut self, mut filler: impl FnMut() -> Option<Arrival>) {
        self.silent = true;
        let memory = self.settings.memories[2];
        while !self.storage(memory).is_full() {
            let Some(arrival) = filler() else { return };
            if self.store(arrival, false).is_err() {
                return;
            }
        }
    }
}

/// True for an MMS notification: to the port of WAP push.
fn is_mms(pdu: &[u8]) -> bool {
    let Ok(Incoming::Deliver(pdu)) = Incoming::decode(pdu) else { return false };
    pdu.tpdu.ud.udh.ports().is_some_and(|ports| ports.dst == WAP_PUSH)
}
