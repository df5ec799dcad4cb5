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
}

impl Sim {
    /// The n-th SIM of a lab, with this memory. Its first SMS-SUBMIT gets the reference `first_mr`.
    pub(super) fn new(n: usize, first_mr: u8, memory: Storage) -> Sim {
        Sim {
            iccid: LabConfig::iccid(n),
            imsi: LabConfig::imsi(n),
            smsc: Some(Address::from_number(SMSC)),
            last_mr: MessageReference(first_mr.wrapping_sub(1)),
            memory,
        }
    }

    /// Counts one more SMS-SUBMIT. 3GPP TS 23.040 §9.2.3.6.
    pub(super) fn next_mr(&mut self) -> MessageReference {
        self.last_mr = MessageReference(self.last_mr.0.wrapping_add(1));
        self.last_mr
    }
}
