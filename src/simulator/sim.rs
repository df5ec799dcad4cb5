//! A virtual SIM: identities, the number of its subscriber, the service centre's number, the count of its messages, and
//! its memory. It keeps all of them while its modem is unplugged.

use super::LabConfig;
use super::config::SMSC;
use super::storage::Storage;
use crate::tpdu::{Address, MessageReference};

#[derive(Debug)]
pub(super) struct Sim {
    pub(super) iccid: String,
    pub(super) imsi: String,
    /// `None` after the host has cleared it with `AT+CSCA=""`: sending fails then.
    pub(super) smsc: Option<Address>,
    /// TP-MR of the latest SMS-SUBMIT: EF-SMSS, 3GPP TS 31.102 §4.2.9.
    pub(super) last_mr: MessageReference,
    pub(super) memory: Storage,
    /// What opens it; `None`: nothing has to.
    pin: Option<String>,
    is_open: bool,
    /// How often a wrong PIN may still be entered. 3GPP TS 31.101 §9.5.1.
    pub(super) tries: u8,
}

/// What a SIM waits for. 3GPP TS 27.007 §8.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Ready,
    Pin,
    Puk,
}

impl Lock {
    /// As `+CPIN` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Lock::Ready => "READY",
            Lock::Pin => "SIM PIN",
            Lock::Puk => "SIM PUK",
        }
    }
}

const TRIES: u8 = 3;

impl Sim {
    /// The n-th SIM of a lab, with this PIN and memory. Its first SMS-SUBMIT gets the reference `first_mr`.
    pub(super) fn new(n: usize, first_mr: u8, pin: Option<String>, memory: Storage) -> Sim {
        Sim {
            iccid: LabConfig::iccid(n),
            imsi: LabConfig::imsi(n),
            smsc: Some(Address::from_number(SMSC)),
            last_mr: MessageReference(first_mr.wrapping_sub(1)),
            memory,
            pin,
            is_open: false,
            tries: TRIES,
        }
    }

    /// What it waits for.
    pub(super) fn lock(&self) -> Lock {
        match &self.pin {
            Some(_) if self.tries == 0 => Lock::Puk,
            Some(_) if !self.is_open => Lock::Pin,
            _ => Lock::Ready,
        }
    }

    /// Asks for its PIN again, as after a power cut.
    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    /// Takes a PIN while it waits for one; false when it is wrong.
    pub(super) fn open(&mut self, pin: &str) -> bool {
        self.is_open = self.pin.as_deref() == Some(pin);
        self.tries = if self.is_open { TRIES } else { self.tries.saturating_sub(1) };
        self.is_open
    }

    /// Counts one more SMS-SUBMIT. 3GPP TS 23.040 §9.2.3.6.
    pub(super) fn next_mr(&mut self) -> MessageReference {
        self.last_mr = MessageReference(self.last_mr.0.wrapping_add(1));
        self.last_mr
    }
}
