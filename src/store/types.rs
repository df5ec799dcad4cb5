//! What goes into the store and what comes out: values only.

use crate::model::{
    AttemptId, Failure, Iccid, Label, MessageId, MessageKey, Number, OnUncertain, PartKey, Priority, PublicState,
    QueueCounts, Timestamp, UncertainReason,
};
use crate::tpdu::{Deliver, MessageClass, Segment, ValidityPeriod};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A message to accept (T1).
#[derive(Debug)]
pub struct NewMessage {
    /// Its public id.
    pub id: MessageId,
    /// Digest of what was asked for: the same id with another digest is a misuse.
    pub digest: [u8; 32],
    /// The recipient.
    pub to: Number,
    /// One a part, in order; 1 to 255.
    pub parts: Vec<Segment>,
    /// Destination port of a data message.
    pub port: Option<u16>,
    /// Message class.
    pub class: Option<MessageClass>,
    /// Who goes first.
    pub priority: Priority,
    /// What to do when nobody knows.
    pub on_uncertain: OnUncertain,
    /// Ask for a status report.
    pub report: bool,
    /// Only the SIM with this label.
    pub sim: Option<Label>,
    /// Not before.
    pub not_before: Timestamp,
    /// The wall clock's instant that is meant, where the client named one.
    pub send_at: Option<Timestamp>,
    /// Given up then.
    pub expires_at: Timestamp,
    /// The client's tags.
    pub tags: Vec<String>,
}

/// The answer to one [`NewMessage`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is new, and durable.
    New(MessageKey),
    /// The same was accepted before; this is its state now.
    Repeated(MessageKey, PublicState),
    /// Its id was used in the last seven days for something else.
    IdReused,
}

/// One transition of a lane. Steps of one call are one transaction, in order.
#[derive(Debug)]
pub enum Step {
    /// T2, lazy: READY → CLAIMED, and the attempt's row.
    Claim(Claim),
    /// T2b: CLAIMED → READY; the attempt ends as provably not sent.
    Release(AttemptId),
    /// T3: CLAIMED → ARMED. `reply` gets `true` after the commit, `false` when the claim was taken back.
    Arm {
        /// The try.
        attempt: AttemptId,
        /// Now.
        at: Timestamp,
        /// The driver waits for the final code until then.
        deadline: Timestamp,
        /// Answered after the commit.
        reply: oneshot::Sender<bool>,
    },
    /// T4, T5, T6: what the try came to. Also ends a CLAIMED try that never got armed.
    Ended {
        /// The try.
        attempt: AttemptId,
        /// What follows, as the scheduler decided.
        verdict: Verdict,
        /// Now.
        at: Timestamp,
    },
    /// T7a: AMBIG → ACKED by evidence (a late `+CMGS`).
    Evidence {
        /// The try.
        attempt: AttemptId,
        /// TP-MR.
        mr: Option<u8>,
        /// End of the wait for a status report.
        report_until: Timestamp,
        /// Now.
        at: Timestamp,
    },
    /// T7b: AMBIG → READY; `duplicate_possible` from now on.
    Resend {
        /// The part.
        part: PartKey,
        /// Now.
        at: Timestamp,
    },
    /// All parts READY again, for any SIM: the one that carried the first stays away.
    Restart {
        /// The message.
        message: MessageKey,
        /// Now.
        at: Timestamp,
    },
    /// T7c: AMBIG → UNKNOWN.
    GiveUp {
        /// The part.
        part: PartKey,
        /// Now.
        at: Timestamp,
    },
}

/// A part given to a SIM.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The try; ascending from [`Recovered::next_attempt`].
    pub attempt: AttemptId,
    /// The part.
    pub part: PartKey,
    /// The SIM.
    pub iccid: Iccid,
    /// The SIM's label.
    pub sim: Label,
    /// The modem's port as configured: where a late answer is listened for after a crash.
    pub port: Arc<str>,
    /// SHA-256 of the TPDU.
    pub tpdu_sha256: [u8; 32],
    /// TP-VP as sent.
    pub validity: ValidityPeriod,
    /// Why this SIM.
    pub routing: &'static str,
    /// The uncertain try that this one repeats.
    pub resend_of: Option<AttemptId>,
    /// Now.
    pub at: Timestamp,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The service centre has it; a report is waited for until then.
    Acked {
        /// TP-MR.
        mr: Option<u8>,
        /// End of the wait for a status report.
        report_until: Timestamp,
        /// The network's answer was evidence for the earlier, uncertain try (`+CMS ERROR: 197`).
        by_evidence: bool,
    },
    /// Provably not with the centre: READY again then.
    Retry {
        /// What went wrong.
        failure: Failure,
        /// Not earlier.
        not_before: Timestamp,
    },
    /// Failed for good; parts of the message that still wait are cancelled.
    Fail {
        /// What went wrong.
        failure: Failure,
    },
    /// Nobody knows; to be decided then.
    Ambiguous {
        /// Why.
        reason: UncertainReason,
        /// The modem's code, where there was one.
        code: Option<u16>,
        /// When to resend or give up.
        resolve_at: Timestamp,
    },
}

/// A message with something to send or to decide.
#[derive(Debug, Clone)]
pub struct Work {
    /// The message.
    pub key: MessageKey,
    /// Its public id.
    pub id: MessageId,
    /// The recipient.
    pub to: Number,
    /// Who goes first.
    pub priority: Priority,
    /// Only the SIM with this label.
    pub pinned: Option<Label>,
    /// Earlier parts went out by this SIM.
    pub bound: Option<Iccid>,
    /// Destination port of a data message.
    pub port: Option<u16>,
    /// Message class.
    pub class: Option<MessageClass>,
    /// Ask for a status report.
    pub report: bool,
    /// What to do when nobody knows.
    pub on_uncertain: OnUncertain,
    /// Given up then.
    pub expires_at: Timestamp,
    /// Reference of the concatenation header; unused with one part.
    pub reference: u8,
    /// Parts of the message.
    pub total: u8,
    /// READY parts, in order, at most eight.
    pub parts: Vec<PendingPart>,
    /// A part nobody knows about, which has to be decided first; then `parts` waits.
    pub undecided: Option<Undecided>,
    /// The whole message may go out anew by another SIM when its own stays away.
    pub may_restart: bool,
}

/// A part that is ready to be sent.
#[derive(Debug, Clone)]
pub struct PendingPart {
    /// From 1.
    pub seq: u8,
    /// Its user data.
    pub segment: Segment,
    /// Tries so far.
    pub tries: u32,
    /// The uncertain try that the next one repeats.
    pub resend_of: Option<FirstTry>,
}

/// A try that is repeated, with its SIM and TP-MR where the TP-MR is known.
pub type FirstTry = (AttemptId, Option<(Iccid, u8)>);

/// An ambiguous part whose wait for evidence is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecided {
    /// From 1.
    pub seq: u8,
    /// Resends of it so far.
    pub resends: u32,
}

/// What is due now, and when to look again.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// By priority, due time and order of acceptance.
    pub work: Vec<Work>,
    /// True when the limit cut the list.
    pub more: bool,
    /// The earliest later instant at which something is due, expires, or stops waiting for its report.
    pub next_at: Option<Timestamp>,
}

/// What was found and mended at start (R).
#[derive(Debug, Clone)]
pub struct Recovered {
    /// Number of this process among those that opened the store, from 1.
    pub epoch: i64,
    /// The first attempt id that is free.
    pub next_attempt: AttemptId,
    /// Tries that were armed when the last process ended: port, try, what is left of its deadline.
    pub armed: Vec<(String, AttemptId, Duration)>,
    /// Messages that are not final.
    pub counts: QueueCounts,
    /// Every SIM that was ever used, with its label.
    pub sims: Vec<(Iccid, Label)>,
}

/// A received PDU to keep.
#[derive(Debug)]
pub struct InboundPdu {
    /// The id that its message gets when this is its first part: a lower-case ULID.
    pub id: String,
    /// The SIM.
    pub iccid: Iccid,
    /// The SIM's label.
    pub sim: Label,
    /// Memory and slot; `None`: routed, not stored.
    pub place: Option<(String, u16)>,
    /// Found by the first sweep of this process: the process before may have kept it already.
    pub first_sweep: bool,
    /// The PDU as it came.
    pub raw: Vec<u8>,
    /// What it is, or why it is not a readable message.
    pub part: Result<InboundPart, String>,
    /// Now.
    pub at: Timestamp,
}

/// Where a readable message belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundPart {
    /// The sender with its type: another type is another sender.
    pub sender: String,
    /// Concatenation reference; 0 with one part.
    pub reference: u16,
    /// The reference has 16 bits. 8 and 16 bit references are different numbers even when equal.
    pub wide: bool,
    /// Parts of the message, from 1.
    pub total: u8,
    /// This part, from 1.
    pub seq: u8,
    /// TP-SCTS in seconds since 1970, where it is a time.
    pub scts: Option<i64>,
}

impl InboundPart {
    /// Where a message belongs by what it says of itself.
    pub fn of(message: &Deliver) -> InboundPart {
        let concat = message.ud.udh.concat().filter(|concat| concat.total > 1);
        InboundPart {
            sender: format!("{:02x} {}", message.oa.toa(), message.oa.text),
            reference: concat.map_or(0, |concat| concat.reference),
            wide: concat.is_some_and(|concat| concat.wide),
            total: concat.map_or(1, |concat| concat.total),
            seq: concat.map_or(1, |concat| concat.seq),
            scts: message.scts.unix_seconds(),
        }
    }
}

/// The answer to an [`InboundPdu`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept.
    New,
    /// It was kept before: only its deletion is still to be done.
    Known,
}

/// A status report.
#[derive(Debug)]
pub struct ReportIn {
    /// The SIM that sent the message.
    pub iccid: Iccid,
    /// The SIM's label.
    pub sim: Label,
    /// TP-MR.
    pub mr: u8,
    /// TP-RA as text.
    pub recipient: String,
    /// TP-SCTS in seconds since 1970, where it is a time.
    pub scts: Option<i64>,
    /// TP-ST.
    pub status: u8,
    /// The PDU as it came.
    pub raw: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}
