//! The append-only log: JSON lines, one for everything that a judge of the gateway needs to know.

use super::{Fault, Moment};
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Records kept in memory; the file has them all.
const KEPT: usize = 65_536;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// When, in microseconds of Unix time.
    pub at_us: i64,
    /// The modem it happened to, from 0.
    pub modem: usize,
    /// ICCID of its SIM.
    pub sim: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. `id` numbers everything that the centre has sent to a SIM, in this lab.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The centre has decided on an SMS-SUBMIT; each part of a long message is one.
    Submit {
        /// True when it was accepted.
        ok: bool,
        /// The code it was refused with: 3GPP TS 27.005 §3.2.5.
        code: Option<u16>,
        /// When `AT+CMGS` was read, in microseconds of Unix time.
        cmgs_at_us: i64,
        /// When the payload was complete.
        payload_at_us: i64,
        /// TP-DA: `+` and digits when international.
        to: String,
        /// TP-MR as the SIM counted it.
        mr: u8,
        /// The text of this part, decoded alone.
        text: String,
        /// Concatenation reference, of a part of a long message.
        reference: Option<u16>,
        /// Parts in all; 1 when it stands alone.
        parts: u8,
        /// This part, from 1.
        part: u8,
        /// TP-SRR: a status report was asked for.
        srr: bool,
        /// TP-RD: the sender wants duplicates refused.
        rd: bool,
        /// TP-DCS.
        dcs: u8,
        /// As the host wrote it: hex with the service centre field.
        pdu: String,
    },
    /// The network has a message for this SIM.
    Arrive {
        /// Its number.
        id: u64,
        /// TP-OA.
        from: String,
        /// The text of this part, decoded alone; empty for a raw PDU.
        text: String,
        /// Hex with the service centre field.
        pdu: String,
    },
    /// The network has a status report for this SIM.
    Report {
        /// Its number.
        id: u64,
        /// TP-MR of the message it reports on.
        mr: u8,
        /// TP-RA.
        to: String,
        /// TP-ST.
        status: u8,
        /// Hex with the service centre field.
        pdu: String,
    },
    /// It lies in a slot.
    Stored {
        /// Its number.
        id: u64,
        /// `SM` or `ME`.
        memory: &'static str,
        /// The slot.
        index: u16,
    },
    /// It went to the host by `+CMT` or `+CDS`.
    Routed {
        /// Its number.
        id: u64,
    },
    /// The host acknowledged it by `AT+CNMA`.
    Acked {
        /// Its number.
        id: u64,
    },
    /// The host did not acknowledge it in time, or was unplugged: it is in the network again.
    Returned {
        /// Its number.
        id: u64,
    },
    /// The host read it from its slot for the first time.
    Read {
        /// Its number.
        id: u64,
    },
    /// The host deleted it.
    Deleted {
        /// Its number.
        id: u64,
        /// `SM` or `ME`.
        memory: &'static str,
        /// The slot.
        index: u16,
    },
    /// A scripted fault was set.
    FaultSet {
        /// The fault.
        #[serde(rename = "set")]
        fault: Fault,
    },
    /// A scripted fault struck.
    FaultStruck {
        /// The fault's id.
        fault: &'static str,
    },
    /// The modem was unplugged.
    Unplugged,
    /// The modem was plugged in.
    Plugged,
}

/// Keeps the latest records, and appends all of them to a file where there is one.
#[derive(Debug)]
pub(super) struct Journal {
    file: Option<File>,
    kept: VecDeque<Record>,
}

impl Journal {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Journal> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Journal { file: path.map(open).transpose()?, kept: VecDeque::new() })
    }

    /// Takes records, in the order they happened. They are in the file when this is over.
    pub(super) fn append(&mut self, records: Vec<Record>) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            self.keep(records);
            return Ok(());
        };
        let mut lines = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        file.write_all(&lines)?;
        self.keep(records);
        Ok(())
    }

    fn keep(&mut self, records: Vec<Record>) {
        self.kept.extend(records);
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
    }

    /// The kept records after the one numbered `after`.
    pub(super) fn after(&self, after: u64) -> Vec<Record> {
        let start = self.kept.partition_point(|record| record.seq <= after);
        self.kept.range(start..).cloned().collect()
    }
}

/// Unix time in microseconds of a moment, for a lab that began at `epoch_us`.
pub(super) fn at_us(epoch_us: i64, at: Moment) -> i64 {
    epoch_us.saturating_add(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))
}
