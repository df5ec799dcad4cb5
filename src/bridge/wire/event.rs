//! Events as JSON, and the kind of topic each belongs to.

use super::time::Rfc3339;
use super::{base64, reply};
use crate::model::{
    Event, EventKind, Failure, InboundEvent, Label, MessageId, ModemNotice, Notice, NoticeKind, OrphanReport,
    RawInbound, Refusal, StatusChange, UncertainReason,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where an event belongs. Made of checked identities only: what came over the air stays in the payload (T-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// The state of one outbound message.
    Status(&'a MessageId),
    /// What one SIM received.
    Inbound(&'a Label),
    /// Everything else.
    Event,
}

/// Where an event belongs.
pub fn topic(event: &Event) -> Topic<'_> {
    match &event.kind {
        EventKind::Status(change) => Topic::Status(&change.id),
        EventKind::Inbound(inbound) => Topic::Inbound(&inbound.sim),
        EventKind::Raw(_) | EventKind::Orphan(_) | EventKind::Refused(_) | EventKind::Notice(_) => Topic::Event,
    }
}

/// Appends the event's JSON. `log_id` and `seq` together name the event for ever.
pub fn write(event: &Event, log_id: &str, out: &mut Vec<u8>) {
    let body = match &event.kind {
        EventKind::Status(change) => Body::Status(status(change)),
        EventKind::Inbound(inbound) => Body::Inbound(received(inbound)),
        EventKind::Raw(raw) => Body::Raw(raw_inbound(raw)),
        EventKind::Orphan(orphan) => Body::Orphan(orphan_report(orphan)),
        EventKind::Refused(refusal) => Body::Refused(refused(refusal)),
        EventKind::Notice(notice) => Body::Notice(noticed(notice)),
    };
    let event_id = EventId { log_id, seq: event.seq };
    let json = Json { seq: event.seq, event_id, at: Rfc3339(event.at), body };
    serde_json::to_writer(out, &json).expect("strings, numbers and lists go into a Vec");
}

#[derive(Serialize)]
struct Json<'a> {
    seq: u64,
    event_id: EventId<'a>,
    at: Rfc3339,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Clone, Copy)]
struct EventId<'a> {
    log_id: &'a str,
    seq: u64,
}

impl std::fmt::Display for EventId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.log_id, self.seq)
    }
}

impl Serialize for EventId<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Serialize)]
#[serde(tag = "event_type")]
enum Body<'a> {
    #[serde(rename = "status")]
    Status(Status<'a>),
    #[serde(rename = "received")]
    Inbound(Received<'a>),
    #[serde(rename = "raw")]
    Raw(Raw<'a>),
    #[serde(rename = "orphan_report")]
    Orphan(Orphan<'a>),
    #[serde(rename = "refused")]
    Refused(Refused<'a>),
    /// Its kind is the type.
    #[serde(untagged)]
    Notice(Map<String, Value>),
}

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    state: &'static str,
    previous: Option<&'static str>,
    sim: Option<&'a str>,
    attempt: u32,
    parts: u8,
    parts_sent: u8,
    reason: Option<Reason>,
    report_status: Option<u8>,
    duplicate_possible: bool,
    restarted: bool,
    tags: &'a [String],
}

/// Why the last try failed, or why nobody knows.
#[derive(Serialize)]
pub(super) struct Reason {
    blame: Option<&'static str>,
    cause: &'static str,
    code: Option<u16>,
}

impl Reason {
    pub(super) fn of(failure: Option<Failure>, uncertain: Option<UncertainReason>) -> Option<Reason> {
        let failed = failure.map(|failure| Reason {
            blame: Some(failure.blame.word()),
            cause: failure.cause.word(),
            code: failure.code,
        });
        failed.or(uncertain.map(|reason| Reason { blame: None, cause: reason.word(), code: None }))
    }
}

fn status(change: &StatusChange) -> Status<'_> {
    Status {
        id: change.id.as_str(),
        state: change.state.word(),
        previous: change.previous.map(|state| state.word()),
        sim: change.sim.as_ref().map(Label::as_str),
        attempt: change.attempt,
        parts: change.parts,
        parts_sent: change.parts_sent,
        reason: Reason::of(change.failure, change.uncertain),
        report_status: change.report_status,
        duplicate_possible: change.duplicate_possible,
        restarted: change.restarted,
        tags: &change.tags,
    }
}

#[derive(Serialize)]
struct Received<'a> {
    id: &'a str,
    revision: u8,
    from: &'a str,
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data>,
    sim: &'a str,
    sent_at: Option<String>,
    received_at: Rfc3339,
    parts: u8,
    complete: bool,
    missing: &'a [u8],
    class: Option<u8>,
    same_as: Option<&'a str>,
}

#[derive(Serialize)]
struct Data {
    port: Option<u16>,
    base64: String,
}

fn received(inbound: &InboundEvent) -> Received<'_> {
    let InboundEvent { data, port, .. } = inbound;
    Received {
        id: &inbound.id,
        revision: inbound.revision,
        from: &inbound.from,
        text: inbound.text.as_deref(),
        data: data.as_deref().map(|octets| Data { port: *port, base64: base64::encode(octets) }),
        sim: inbound.sim.as_str(),
        // A time stamp that is no time has no seconds, and no RFC 3339 form.
        sent_at: inbound.sent_at.filter(|scts| scts.unix_seconds().is_some()).map(|scts| scts.to_string()),
        received_at: Rfc3339(inbound.received_at),
        parts: inbound.parts,
        complete: inbound.missing.is_empty(),
        missing: &inbound.missing,
        class: inbound.class,
        same_as: inbound.same_as.as_deref(),
    }
}

#[derive(Serialize)]
struct Raw<'a> {
    id: &'a str,
    sim: &'a str,
    pdu: String,
    reason: &'a str,
    received_at: Rfc3339,
}

fn raw_inbound(raw: &RawInbound) -> Raw<'_> {
    let pdu = raw.pdu.iter().map(|octet| format!("{octet:02X}")).collect();
    Raw { id: &raw.id, sim: raw.sim.as_str(), pdu, reason: &raw.reason, received_at: Rfc3339(raw.received_at) }
}

#[derive(Serialize)]
struct Orphan<'a> {
    sim: &'a str,
    iccid: &'a str,
    mr: u8,
    recipient: &'a str,
    report_status: u8,
}

fn orphan_report(orphan: &OrphanReport) -> Orphan<'_> {
    Orphan {
        sim: orphan.sim.as_str(),
        iccid: orphan.iccid.as_str(),
        mr: orphan.mr,
        recipient: &orphan.recipient,
        report_status: orphan.status,
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    id: Option<&'a str>,
    transaction: Option<&'a str>,
    error: reply::ErrorJson<'a>,
}

fn refused(refusal: &Refusal) -> Refused<'_> {
    Refused {
        id: refusal.id.as_deref(),
        transaction: refusal.transaction.as_deref(),
        error: reply::ErrorJson::of(refusal),
    }
}

/// Only what applies to the kind is there: `from` of calls, `text` of what the network wrote.
fn noticed(from: &ModemNotice) -> Map<String, Value> {
    let ModemNotice { modem, sim, notice: Notice { kind, subject, number, text, detail } } = from;
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.to_owned(), value);
    put("event_type", kind.word().into());
    put("modem", modem.as_str().into());
    put("sim", sim.as_ref().map(Label::as_str).into());
    put(kind.subject_key(), subject.as_str().into());
    if *kind == NoticeKind::Call {
        put("from", number.as_deref().into());
    }
    if let Some(text) = text {
        put("text", text.as_str().into());
    }
    put("detail", detail.as_str().into());
    fields
}
