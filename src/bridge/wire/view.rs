//! What can be looked up, as JSON: messages, modems, SIMs, the queue.

use super::event::Reason;
use super::time::Rfc3339;
use crate::model::{
    AttemptView, Label, MessageView, ModemStatus, PartState, PartView, QueueCounts, SimStatus, StorageLevel,
};
use serde_json::{Value, json};

/// A message with its history.
pub fn message(view: &MessageView) -> Value {
    json!({
        "id": view.id.as_str(),
        "to": view.to.as_str(),
        "only_sim": view.only_sim.as_ref().map(Label::as_str),
        "state": view.state.word(),
        "accepted_at": Rfc3339(view.accepted_at),
        "expires_at": Rfc3339(view.expires_at),
        "parts_sent": view.parts.iter().filter(|part| part.state.was_sent()).count(),
        "duplicate_possible": view.duplicate_possible,
        "restarted": view.restarted,
        "tags": view.tags,
        "parts": view.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn part(view: &PartView) -> Value {
    json!({
        "seq": view.seq,
        "state": part_word(view.state),
        "attempts": view.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(view: &AttemptView) -> Value {
    json!({
        "attempt": view.attempt.0,
        "sim": view.sim.as_str(),
        "armed_at": view.armed_at.map(Rfc3339),
        "ended_at": view.ended_at.map(Rfc3339),
        "mr": view.mr,
        "reason": Reason::of(view.failure, view.uncertain),
        "resend_of": view.resend_of.map(|attempt| attempt.0),
        "routing": view.routing,
    })
}

/// The word of RELIABILITY §2.2, in lower case.
fn part_word(state: PartState) -> &'static str {
    match state {
        PartState::Ready => "ready",
        PartState::Claimed => "claimed",
        PartState::Armed => "armed",
        PartState::Acked => "acked",
        PartState::Ambiguous => "ambiguous",
        PartState::Unknown => "unknown",
        PartState::Failed => "failed",
        PartState::FailedNet => "failed_net",
        PartState::Pending => "pending",
        PartState::Delivered => "delivered",
        PartState::SentUnconfirmed => "sent_unconfirmed",
        PartState::Expired => "expired",
        PartState::NoReport => "no_report",
        PartState::Cancelled => "cancelled",
    }
}

/// A modem: the payload of `modem/<label>/state`. `sim` is the label of the SIM in it.
pub fn modem(status: &ModemStatus, sim: Option<&Label>) -> Value {
    let card = status.sim.as_ref();
    json!({
        "label": status.label.as_str(),
        "state": status.phase.word(),
        "reason": status.reason,
        "port": status.port,
        "imei": status.imei.as_ref().map(|imei| imei.as_str()),
        "manufacturer": status.manufacturer,
        "model": status.model,
        "firmware": status.firmware,
        "sim": sim.map(Label::as_str),
        "operator": card.and_then(|card| card.operator.as_deref()),
        "registration": card.map(|card| card.registration.word()),
        "signal_dbm": card.and_then(|card| card.signal_dbm),
        "temperature_c": status.temperature_tenths.map(|tenths| f64::from(tenths) / 10.0),
        "supply_mv": status.supply_mv,
        "opened": status.opened,
        "recovery": {
            "radio": status.recovery.radio,
            "reset": status.recovery.reset,
            "usb": status.recovery.usb,
            "port_power": status.recovery.port_power,
            "power_key": status.recovery.power_key,
        },
    })
}

/// A SIM: the payload of `sim/<label>/state`. `modem` is the modem it sits in; the IMSI stays inside.
pub fn sim(label: &Label, modem: &ModemStatus, status: &SimStatus) -> Value {
    let cell = status.cell;
    json!({
        "label": label.as_str(),
        "state": modem.phase.word(),
        "modem": modem.label.as_str(),
        "iccid": status.iccid.as_str(),
        "operator": status.operator,
        "registration": status.registration.word(),
        "signal_dbm": status.signal_dbm,
        "bit_errors": status.bit_errors,
        "radio": cell.radio.map(|radio| radio.word()),
        "area": cell.area,
        "cell": cell.id,
        "number": status.number.as_ref().map(|number| number.as_str()),
        "storage": status.storage.iter().map(storage).collect::<Vec<_>>(),
    })
}

fn storage(level: &StorageLevel) -> Value {
    json!({ "memory": level.memory, "used": level.used, "total": level.total })
}

/// Messages that are not final, by what they wait for.
pub fn counts(counts: &QueueCounts) -> Value {
    json!({
        "queued": counts.queued,
        "sending": counts.sending,
        "awaiting_report": counts.awaiting_report,
        "uncertain": counts.uncertain,
    })
}
