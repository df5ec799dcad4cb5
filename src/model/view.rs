//! What can be looked up: the state of messages, modems and SIMs as the outside sees it.

use super::words::words;
use super::{
    AttemptId, Failure, Iccid, Imei, Imsi, Label, MessageId, Number, PartState, PublicState, Timestamp, UncertainReason,
};
use std::time::Duration;

/// An outbound message with its history.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageView {
    /// The public id.
    pub id: MessageId,
    /// The recipient.
    pub to: Number,
    /// Only the SIM with this label may carry it: asked for by the client.
    pub only_sim: Option<Label>,
    /// The state now.
    pub state: PublicState,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it will be given up.
    pub expires_at: Timestamp,
    /// Each part, in order.
    pub parts: Vec<PartView>,
    /// A part may reach the recipient twice.
    pub duplicate_possible: bool,
    /// All parts went out anew, by another SIM.
    pub restarted: bool,
    /// The client's tags.
    pub tags: Vec<String>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct PartView {
    /// From 1.
    pub seq: u8,
    /// Where it stands.
    pub state: PartState,
    /// Every try, the first first.
    pub attempts: Vec<AttemptView>,
}

/// One try to send one part.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptView {
    /// The try's number in the whole gateway.
    pub attempt: AttemptId,
    /// Label of the SIM.
    pub sim: Label,
    /// The SIM.
    pub iccid: Iccid,
    /// When the mark before the payload became durable; `None`: provably not sent.
    pub armed_at: Option<Timestamp>,
    /// When the result was known.
    pub ended_at: Option<Timestamp>,
    /// TP-MR the modem answered.
    pub mr: Option<u8>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Why nobody knows.
    pub uncertain: Option<UncertainReason>,
    /// The try that this one repeats.
    pub resend_of: Option<AttemptId>,
    /// Why this SIM, and why not the others: the router's words.
    pub routing: String,
}

/// Messages that are not final, by what they wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Accepted, not sent.
    pub queued: u64,
    /// A part is on the wire or undecided.
    pub sending: u64,
    /// Sent, waiting for the report.
    pub awaiting_report: u64,
    /// Nobody knows whether they left.
    pub uncertain: u64,
}

words! {
    /// Whether the store can keep what comes.
    pub enum StoreState {
        /// There is room.
        Ok = 0 "ok",
        /// The disk fills: messages of priority `low` are refused.
        Low = 1 "low",
        /// The disk is full: nothing is accepted or sent, and what comes in stays on the SIM.
        Full = 2 "full",
        /// Another program holds the database; meanwhile as `full`.
        Locked = 3 "locked",
    }
}

impl StoreState {
    /// Nothing new can be kept now.
    pub fn is_held(self) -> bool {
        matches!(self, StoreState::Full | StoreState::Locked)
    }
}

words! {
    /// What a modem is doing.
    pub enum ModemPhase {
        /// The port cannot be opened, or was lost; tried again with back-off.
        Offline = 0 "offline",
        /// The port is open; the modem is being set up.
        BringUp = 1 "bringup",
        /// It can send and receive.
        Ready = 2 "ready",
        /// It answers, but the SIM or the network does not let it send.
        Blocked = 3 "blocked",
        /// The gateway is stopping.
        Stopped = 4 "stopped",
    }
}

words! {
    /// Network registration. 3GPP TS 27.007 §7.2.
    #[derive(Default)]
    pub enum Registration {
        /// Not known yet.
        #[default]
        Unknown = 0 "unknown",
        /// Not registered, not searching.
        NotRegistered = 1 "not_registered",
        /// Registered in the home network (also "SMS only", "CSFB not preferred").
        Home = 2 "home",
        /// Searching.
        Searching = 3 "searching",
        /// Denied by the network.
        Denied = 4 "denied",
        /// Registered while roaming.
        Roaming = 5 "roaming",
        /// Emergency calls only.
        EmergencyOnly = 6 "emergency_only",
    }
}

impl Registration {
    /// True when an SMS can leave.
    pub fn can_send(self) -> bool {
        matches!(self, Registration::Home | Registration::Roaming)
    }
}

words! {
    /// Access technology. 3GPP TS 27.007 §7.2.
    pub enum Radio {
        /// GSM, GSM compact.
        Gsm = 0 "gsm",
        /// GSM with EGPRS.
        Edge = 1 "edge",
        /// UTRAN, also with HSDPA and HSUPA.
        Umts = 2 "umts",
        /// E-UTRAN, also by satellite.
        Lte = 3 "lte",
        /// EC-GSM-IoT.
        EcGsm = 4 "ec_gsm",
        /// E-UTRAN, NB-S1, also by satellite.
        NbIot = 5 "nb_iot",
        /// NR, also by satellite, and E-UTRA at a 5G core.
        Nr = 6 "nr",
    }
}

impl Radio {
    /// By AcT. `None` for a value that is not known here.
    pub fn from_act(act: u8) -> Option<Radio> {
        Some(match act {
            0 | 1 => Radio::Gsm,
            2 | 4..=6 => Radio::Umts,
            3 => Radio::Edge,
            7 | 13 | 15 => Radio::Lte,
            8 => Radio::EcGsm,
            9 | 14 => Radio::NbIot,
            10..=12 | 16 => Radio::Nr,
            _ => return None,
        })
    }

    /// How long a submit may take on it: a shorter wait makes duplicates. RELIABILITY A-2, 3GPP TS 24.011 §10.
    pub fn submit_deadline(self) -> Duration {
        Duration::from_secs(match self {
            Radio::NbIot | Radio::EcGsm => 450,
            Radio::Gsm | Radio::Edge | Radio::Umts | Radio::Lte | Radio::Nr => 180,
        })
    }
}

/// A cell. 3GPP TS 27.007 §7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// LAC or TAC.
    pub area: Option<u32>,
    /// Cell identity.
    pub id: Option<u32>,
    /// Access technology.
    pub radio: Option<Radio>,
}

/// How full one memory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageLevel {
    /// `SM`, `ME`, `MT`, `SR`. 3GPP TS 27.005 §3.2.2.
    pub memory: String,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// A modem and the SIM in it, as last seen by its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModemStatus {
    /// The configured label, else `modem-` and the last four digits of the IMEI, else of the port.
    pub label: Label,
    /// The port as configured.
    pub port: String,
    /// What it is doing.
    pub phase: ModemPhase,
    /// Why it is not ready, and the next step, for a person.
    pub reason: Option<String>,
    /// Once read.
    pub imei: Option<Imei>,
    /// `+CGMI`.
    pub manufacturer: Option<String>,
    /// `+CGMM`.
    pub model: Option<String>,
    /// `+CGMR`.
    pub firmware: Option<String>,
    /// The SIM, once read.
    pub sim: Option<SimStatus>,
    /// How often the port was opened since the start.
    pub opened: u32,
    /// What was done to get it to work again, since the start.
    pub recovery: RecoveryCounts,
    /// Its temperature in tenths of a degree Celsius, where it measures that.
    pub temperature_tenths: Option<i32>,
    /// Its supply in millivolts, where it measures that.
    pub supply_mv: Option<u32>,
}

/// How often each step was taken to get a modem to work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryCounts {
    /// The radio switched off and on.
    pub radio: u32,
    /// The make's own restart.
    pub reset: u32,
    /// The USB device taken away and given back.
    pub usb: u32,
    /// The power of its USB port off and on.
    pub port_power: u32,
    /// The power key pressed.
    pub power_key: u32,
}

/// A SIM as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimStatus {
    /// Its identity.
    pub iccid: Iccid,
    /// Once read.
    pub imsi: Option<Imsi>,
    /// Network name, as the modem writes it.
    pub operator: Option<String>,
    /// Registration.
    pub registration: Registration,
    /// Received signal strength in dBm, from `+CSQ`. 3GPP TS 27.007 §8.5.
    pub signal_dbm: Option<i16>,
    /// Bit error rate, 0 (best) to 7, from `+CSQ`. 3GPP TS 27.007 §8.5.
    pub bit_errors: Option<u8>,
    /// Where it is registered.
    pub cell: Cell,
    /// Its own number, where the SIM knows it.
    pub number: Option<Number>,
    /// Its memories.
    pub storage: Vec<StorageLevel>,
}
