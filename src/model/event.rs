//! The event log's entries: what bridges publish, in the order it happened.

use super::words::words;
use super::{Failure, Iccid, Label, MessageId, ModemNotice, Notice, PublicState, Timestamp, UncertainReason};
use crate::tpdu::Scts;

/// One entry of the log. `seq` has no gaps; together with the store's log id it is the identity of the event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// From 1, without gaps.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// An outbound message changed its public state.
    Status(StatusChange),
    /// A message came in, whole or in part.
    Inbound(InboundEvent),
    /// Something came in that is not a readable message.
    Raw(RawInbound),
    /// A status report that fits no message of ours.
    Orphan(OrphanReport),
    /// A command was refused.
    Refused(Refusal),
    /// A modem told something that is no message.
    Notice(ModemNotice),
}

impl EventKind {
    /// The same without what people and the network wrote: text, data, PDU.
    pub fn without_content(self) -> EventKind {
        match self {
            EventKind::Inbound(inbound) => EventKind::Inbound(InboundEvent { text: None, data: None, ..inbound }),
            EventKind::Raw(raw) => EventKind::Raw(RawInbound { pdu: Vec::new(), ..raw }),
            EventKind::Notice(it) => {
                let notice = Notice { text: None, ..it.notice };
                EventKind::Notice(ModemNotice { notice, ..it })
            }
            kept @ (EventKind::Status(_) | EventKind::Orphan(_) | EventKind::Refused(_)) => kept,
        }
    }
}

/// A change of a message's public state.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusChange {
    /// The message's public id.
    pub id: MessageId,
    /// The state now.
    pub state: PublicState,
    /// The state before; `None` for the first.
    pub previous: Option<PublicState>,
    /// Label of the SIM, once one is chosen.
    pub sim: Option<Label>,
    /// Tries so far, over all parts.
    pub attempt: u32,
    /// Parts of the message.
    pub parts: u8,
    /// Parts that the service centre has.
    pub parts_sent: u8,
    /// Why the last try failed.
    pub failure: Option<Failure>,
    /// Why it is uncertain.
    pub uncertain: Option<UncertainReason>,
    /// TP-ST of the report that caused the change. 3GPP TS 23.040 §9.2.3.15.
    pub report_status: Option<u8>,
    /// A part may reach the recipient twice.
    pub duplicate_possible: bool,
    /// All parts go out anew, by another SIM: the first stayed away in the middle of the message.
    pub restarted: bool,
    /// The client's tags.
    pub tags: Vec<String>,
}

/// A message from the network.
#[derive(Clone, PartialEq)]
pub struct InboundEvent {
    /// Its identity: a lower-case ULID; the same for every revision.
    pub id: String,
    /// 1, then 2 when late parts complete it.
    pub revision: u8,
    /// Label of the SIM that received it.
    pub sim: Label,
    /// The sender: `+digits`, digits, or an alphanumeric name.
    pub from: String,
    /// The text; `None` for a data message.
    pub text: Option<String>,
    /// User data of a data message.
    pub data: Option<Vec<u8>>,
    /// Destination port of a data message.
    pub port: Option<u16>,
    /// The service centre's time stamp of the first part.
    pub sent_at: Option<Scts>,
    /// When the first part was committed here.
    pub received_at: Timestamp,
    /// Parts of the whole message.
    pub parts: u8,
    /// Which parts are not here; empty when complete.
    pub missing: Vec<u8>,
    /// Message class, when there is one.
    pub class: Option<u8>,
    /// An equal TPDU came before; the id of that message.
    pub same_as: Option<String>,
}

/// Says who and how much, never the content.
impl std::fmt::Debug for InboundEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboundEvent")
            .field("id", &self.id)
            .field("revision", &self.revision)
            .field("sim", &self.sim)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

/// A PDU that is kept and published as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct RawInbound {
    /// Its identity: `raw-` and a number.
    pub id: String,
    /// Label of the SIM.
    pub sim: Label,
    /// The PDU's octets, service centre field included.
    pub pdu: Vec<u8>,
    /// Why it could not be read, with field and octet.
    pub reason: String,
    /// When it was committed here.
    pub received_at: Timestamp,
}

/// Says how much, never the content.
impl std::fmt::Debug for RawInbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RawInbound({}, {} octets, {})", self.id, self.pdu.len(), self.reason)
    }
}

/// A status report that fits no message of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct OrphanReport {
    /// The SIM that received it.
    pub sim: Label,
    /// Its ICCID.
    pub iccid: Iccid,
    /// TP-MR.
    pub mr: u8,
    /// TP-RA as text.
    pub recipient: String,
    /// TP-ST.
    pub status: u8,
}

/// A command that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .code.word())]
pub struct Refusal {
    /// What kind of refusal.
    pub code: RefusalCode,
    /// For a person: what is wrong and what to do.
    pub detail: String,
    /// JSON pointer to the field, or `line:column` where it is not JSON.
    pub field: Option<String>,
    /// The command's id, where it could be read.
    pub id: Option<String>,
    /// The command's transaction, where it could be read.
    pub transaction: Option<String>,
}

impl Refusal {
    /// A refusal that names no field yet.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Refusal {
        Refusal { code, detail: detail.into(), field: None, id: None, transaction: None }
    }

    /// The same, naming the field.
    pub fn at(mut self, field: impl Into<String>) -> Refusal {
        self.field = Some(field.into());
        self
    }
}

words! {
    /// Kinds of refusal: the error codes of the contract.
    pub enum RefusalCode {
        /// Not UTF-8, or not JSON.
        InvalidJson = 0 "invalid_json",
        /// A field is missing, unknown, or out of its range.
        InvalidField = 1 "invalid_field",
        /// The recipient is not a number.
        InvalidNumber = 2 "invalid_number",
        /// The id was used for another body.
        IdReused = 3 "id_reused",
        /// No SIM has this label.
        UnknownSim = 4 "unknown_sim",
        /// The recipient has opted out.
        OptedOut = 5 "opted_out",
        /// Policy says no (an emergency number, say).
        Blocked = 6 "blocked",
        /// A limit is used up.
        QuotaExceeded = 7 "quota_exceeded",
        /// More parts than `max_parts`, or the payload is too large.
        TooLong = 8 "too_long",
        /// The time is already over.
        Expired = 9 "expired",
        /// No room; try again later.
        QueueFull = 10 "queue_full",
        /// The client may not do this.
        NotAuthorized = 11 "not_authorized",
        /// Commands must not be retained.
        RetainedCommand = 12 "retained_command",
        /// This version cannot do it.
        Unsupported = 13 "unsupported",
        /// Our fault.
        Internal = 14 "internal",
        /// No message has this id.
        NotFound = 15 "not_found",
        /// It is too late for that.
        Conflict = 16 "conflict",
        /// The modem or the network did not do it.
        Failed = 17 "failed",
    }
}

impl RefusalCode {
    /// True when the same command may pass later.
    pub fn is_retryable(self) -> bool {
        matches!(self, RefusalCode::QueueFull | RefusalCode::QuotaExceeded | RefusalCode::Internal)
    }
}
