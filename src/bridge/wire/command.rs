//! Commands: a payload becomes checked submissions, or a refusal that names field and reason.

use super::fields::{Fields, invalid, wrong_type};
use super::json::Node;
use super::{base64, time};
use crate::gateway::MAX_CHARACTERS;
use crate::model::{
    Body, Choice, Label, MessageClass, MessageId, Number, NumberError, OnUncertain, Priority, Refusal, RefusalCode,
    Submission, Timestamp,
};
use std::time::Duration;

/// Octets of JSON a command may have.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Recipients a command may have.
pub const MAX_RECIPIENTS: usize = 1_000;

/// How far ahead `send_at`, and an expiry after it, may lie: 63 weeks, the longest TP-VP. 3GPP TS 23.040 §9.2.3.12.1.
const MAX_AHEAD: Duration = Duration::from_secs(63 * 7 * 24 * 3600);
/// Octets of a data message: 255 parts of 134. 3GPP TS 23.040 §9.2.3.24.1.
const MAX_OCTETS: usize = 255 * 134;
const MAX_TAGS: usize = 16;
/// Characters of a tag or a transaction.
const MAX_WORD: usize = 64;

const PRIORITIES: [(&str, Priority); 4] =
    [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High), ("alarm", Priority::Alarm)];
const ON_UNCERTAIN: [(&str, OnUncertain); 2] = [("resend", OnUncertain::Resend), ("hold", OnUncertain::Hold)];

const SEND_KEYS: [&str; 18] = [
    "to",
    "text",
    "data",
    "id",
    "sim",
    "priority",
    "send_at",
    "expires_at",
    "expires_in",
    "report",
    "class",
    "encoding",
    "max_parts",
    "on_uncertain",
    "tags",
    "transaction",
    "template",
    "vars",
];

/// What holds where the client does not say.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Ask for a status report.
    pub report: bool,
    /// Parts a message may have, 1 to 255.
    pub max_parts: u8,
    /// What to do when nobody knows whether a part left.
    pub on_uncertain: OnUncertain,
    /// `expires_in`, e.g. from a packet's message expiry; `None`: the gateway's.
    pub expires_in: Option<Duration>,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults { report: true, max_parts: Submission::MAX_PARTS, on_uncertain: OnUncertain::Resend, expires_in: None }
    }
}

/// A checked `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendCommand {
    /// One a recipient, in the client's order.
    pub submissions: Vec<Submission>,
    /// The client's id for all of them; in a list each message's own is made of it.
    pub id: Option<MessageId>,
    /// The client's word for this request, repeated in the answer.
    pub transaction: Option<String>,
}

/// A checked command about one message: `cancel`, `get`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByIdCommand {
    /// The message.
    pub id: MessageId,
    /// The client's word for this request, repeated in the answer.
    pub transaction: Option<String>,
}

/// Reads a `send`.
pub fn parse_send(payload: &[u8], now: Timestamp, defaults: &Defaults) -> Result<SendCommand, Refusal> {
    command(payload, |fields| send(fields, now, defaults))
}

/// Reads a command about one message: `{"id": …, "transaction": …?}`.
pub fn parse_by_id(payload: &[u8]) -> Result<ByIdCommand, Refusal> {
    command(payload, |fields| {
        fields.only(&["id", "transaction"])?;
        let transaction = transaction(fields)?;
        let id = id(fields)?.ok_or_else(|| invalid("/id", "missing"))?;
        Ok(ByIdCommand { id, transaction })
    })
}

/// Reads a plain text for an international number that stands in a topic without its `+`.
pub fn plain_text(digits: &str, payload: &[u8], now: Timestamp, defaults: &Defaults) -> Result<SendCommand, Refusal> {
    if payload.len() > MAX_PAYLOAD {
        return Err(too_large(payload.len()));
    }
    if digits.starts_with('+') {
        return Err(Refusal::new(RefusalCode::InvalidNumber, "a topic carries the digits alone").at("/to"));
    }
    let to = number(&format!("+{digits}"), "/to")?;
    let text = std::str::from_utf8(payload).map_err(|_| invalid("/text", "the text is not UTF-8"))?;
    check_text(text)?;
    let submission = Submission {
        report: defaults.report,
        max_parts: defaults.max_parts,
        on_uncertain: defaults.on_uncertain,
        expires_at: defaults.expires_in.map(|span| now.after(span.min(MAX_AHEAD))),
        ..Submission::text(to, text)
    };
    Ok(SendCommand { submissions: vec![submission], id: None, transaction: None })
}

/// Opens the payload, and names the command in whatever is refused.
pub(super) fn command<'a, T>(
    payload: &'a [u8],
    read: impl FnOnce(&mut Fields<'a>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    if payload.len() > MAX_PAYLOAD {
        return Err(oversized(payload));
    }
    let mut fields = Fields::parse(payload)?;
    let (id, transaction) = (fields.name("id"), fields.name("transaction"));
    read(&mut fields).map_err(|refusal| Refusal { id, transaction, ..refusal })
}

/// Says which field makes a payload too large, where that can be seen.
fn oversized(payload: &[u8]) -> Refusal {
    let refusal = too_large(payload.len());
    // What is twice as large is not worth parsing.
    if payload.len() > 2 * MAX_PAYLOAD {
        return refusal;
    }
    let Ok(mut fields) = Fields::parse(payload) else { return refusal };
    let (id, transaction) = (fields.name("id"), fields.name("transaction"));
    let refusal = match fields.take("text") {
        Some(Node::Text(text)) => check_text(&text).err().unwrap_or(refusal),
        _ => refusal,
    };
    Refusal { id, transaction, ..refusal }
}

fn too_large(octets: usize) -> Refusal {
    Refusal::new(RefusalCode::TooLong, format!("the payload is {octets} octets; at most {MAX_PAYLOAD}"))
}

fn send(fields: &mut Fields<'_>, now: Timestamp, defaults: &Defaults) -> Result<SendCommand, Refusal> {
    fields.only(&SEND_KEYS)?;
    for key in ["template", "vars"] {
        if fields.take(key).is_some() {
            let detail = "templates are not supported by this version; send the text";
            return Err(Refusal::new(RefusalCode::Unsupported, detail).at(format!("/{key}")));
        }
    }
    let transaction = transaction(fields)?;
    let id = id(fields)?;
    let Recipients { numbers, is_list } = recipients(fields)?;
    let body = body(fields)?;
    let (send_at, expires_at) = times(fields, now, defaults)?;
    let class = fields.integer("class", 0, 3)?.and_then(|class| u8::try_from(class).ok());
    let max_parts = fields.integer("max_parts", 1, 255)?.and_then(|parts| u8::try_from(parts).ok());
    let encoding = fields.word("encoding", &Choice::WORDS)?;
    if encoding.is_some() && !matches!(body, Body::Text(_)) {
        return Err(invalid("/encoding", "only a text has one"));
    }
    let model = Submission {
        id: None,
        to: numbers[0].clone(),
        body,
        sim: sim(fields)?,
        priority: fields.word("priority", &PRIORITIES)?.unwrap_or_default(),
        send_at,
        expires_at,
        report: fields.boolean("report")?.unwrap_or(defaults.report),
        class: class.map(MessageClass::from_bits),
        encoding: encoding.unwrap_or_default(),
        max_parts: max_parts.unwrap_or(defaults.max_parts),
        on_uncertain: fields.word("on_uncertain", &ON_UNCERTAIN)?.unwrap_or(defaults.on_uncertain),
        tags: tags(fields)?,
    };
    Ok(SendCommand { submissions: addressed(model, id.as_ref(), numbers, is_list)?, id, transaction })
}

/// The same message to each recipient; in a list the n-th has the id `<id>.n`.
fn addressed(
    model: Submission,
    id: Option<&MessageId>,
    numbers: Vec<Number>,
    is_list: bool,
) -> Result<Vec<Submission>, Refusal> {
    if !is_list {
        return Ok(vec![Submission { id: id.cloned(), ..model }]);
    }
    let mut submissions = Vec::with_capacity(numbers.len());
    for (n, to) in numbers.into_iter().enumerate() {
        let id = match id {
            Some(id) => Some(id.nth(n + 1).ok_or_else(|| invalid("/id", "too long for a list of recipients"))?),
            None => None,
        };
        submissions.push(Submission { id, to, ..model.clone() });
    }
    Ok(submissions)
}

fn id(fields: &mut Fields<'_>) -> Result<Option<MessageId>, Refusal> {
    let Some(text) = fields.text("id")? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: crate::model::IdError| invalid("/id", error.to_string()))
}

fn sim(fields: &mut Fields<'_>) -> Result<Option<Label>, Refusal> {
    let Some(text) = fields.text("sim")? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: crate::model::IdError| invalid("/sim", error.to_string()))
}

pub(super) fn transaction(fields: &mut Fields<'_>) -> Result<Option<String>, Refusal> {
    let Some(text) = fields.text("transaction")? else { return Ok(None) };
    check_word(&text, "/transaction")?;
    Ok(Some(text.into_owned()))
}

/// Checked numbers, at least one.
struct Recipients {
    numbers: Vec<Number>,
    is_list: bool,
}

fn recipients(fields: &mut Fields<'_>) -> Result<Recipients, Refusal> {
    let items = match fields.take("to") {
        None => return Err(invalid("/to", "missing")),
        Some(Node::Text(text)) => {
            return Ok(Recipients { numbers: vec![number(&text, "/to")?], is_list: false });
        }
        Some(Node::List(items)) if (1..=MAX_RECIPIENTS).contains(&items.len()) => items,
        Some(Node::List(items)) => {
            return Err(invalid("/to", format!("a list has 1 to {MAX_RECIPIENTS} numbers, not {}", items.len())));
        }
        Some(other) => return Err(wrong_type("/to", "a string or a list of strings", &other)),
    };
    let mut numbers = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let field = format!("/to/{n}");
        match item {
            Node::Text(text) => numbers.push(number(&text, &field)?),
            other => return Err(wrong_type(field, "a string", &other)),
        }
    }
    Ok(Recipients { numbers, is_list: true })
}

fn number(text: &str, field: &str) -> Result<Number, Refusal> {
    text.parse().map_err(|error: NumberError| {
        let code = match error {
            NumberError::Pattern => RefusalCode::InvalidNumber,
            NumberError::Emergency => RefusalCode::Blocked,
        };
        Refusal::new(code, error.to_string()).at(field)
    })
}

fn body(fields: &mut Fields<'_>) -> Result<Body, Refusal> {
    let text = fields.text("text")?;
    match (text, fields.take("data")) {
        (Some(_), Some(_)) => Err(invalid("/data", "give either text or data")),
        (None, None) => Err(invalid("/text", "missing")),
        (Some(text), None) => {
            check_text(&text)?;
            Ok(Body::Text(text.into_owned()))
        }
        (None, Some(node)) => data(Fields::of("/data", node)?),
    }
}

fn data(mut fields: Fields<'_>) -> Result<Body, Refusal> {
    fields.only(&["port", "base64"])?;
    let port = fields.integer("port", 0, i64::from(u16::MAX))?.and_then(|port| u16::try_from(port).ok());
    let text = fields.text("base64")?.ok_or_else(|| invalid("/data/base64", "missing"))?;
    let octets = base64::decode(&text).ok_or_else(|| invalid("/data/base64", "not base64 with padding"))?;
    match octets.len() {
        0 => Err(invalid("/data/base64", "empty")),
        1..=MAX_OCTETS => Ok(Body::Data { port, octets }),
        n => {
            let detail = format!("{n} octets; at most {MAX_OCTETS}");
            Err(Refusal::new(RefusalCode::TooLong, detail).at("/data/base64"))
        }
    }
}

/// Checks what no alphabet can carry, before anything is cut into parts.
fn check_text(text: &str) -> Result<(), Refusal> {
    let characters = text.chars().count();
    if characters == 0 {
        Err(invalid("/text", "empty"))
    } else if characters > MAX_CHARACTERS {
        let detail = format!("the text is {characters} characters; at most {MAX_CHARACTERS}");
        Err(Refusal::new(RefusalCode::TooLong, detail).at("/text"))
    } else if text.contains('\0') {
        Err(invalid("/text", "holds a NUL character"))
    } else {
        Ok(())
    }
}

/// `send_at`, and the expiry that follows from either key or the default.
fn times(
    fields: &mut Fields<'_>,
    now: Timestamp,
    defaults: &Defaults,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    let send_at = instant(fields, "send_at")?;
    if send_at.is_some_and(|at| at > now.after(MAX_AHEAD)) {
        return Err(invalid("/send_at", "more than 63 weeks ahead"));
    }
    let start = send_at.map_or(now, |at| at.max(now));
    let longest = i64::try_from(MAX_AHEAD.as_secs()).unwrap_or(i64::MAX);
    let span = fields.integer("expires_in", 1, longest)?.and_then(|seconds| u64::try_from(seconds).ok());
    let at = instant(fields, "expires_at")?;
    let expires_at = match (at, span.map(Duration::from_secs)) {
        (Some(_), Some(_)) => return Err(invalid("/expires_in", "give either expires_at or expires_in")),
        (Some(at), None) if at <= now => {
            return Err(Refusal::new(RefusalCode::Expired, "this time is over").at("/expires_at"));
        }
        (Some(at), None) if at <= start => return Err(invalid("/expires_at", "not after send_at")),
        (Some(at), None) if at > start.after(MAX_AHEAD) => {
            return Err(invalid("/expires_at", "more than 63 weeks ahead"));
        }
        (Some(at), None) => Some(at),
        (None, Some(span)) => Some(start.after(span)),
        (None, None) => defaults.expires_in.map(|span| start.after(span.min(MAX_AHEAD))),
    };
    Ok((send_at, expires_at))
}

fn instant(fields: &mut Fields<'_>, key: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    let detail = "must be a date and time with an offset (RFC 3339), like 2026-11-25T09:00:00Z";
    time::parse(&text).map(Some).ok_or_else(|| invalid(format!("/{key}"), detail))
}

fn tags(fields: &mut Fields<'_>) -> Result<Vec<String>, Refusal> {
    let items = match fields.take("tags") {
        None => return Ok(Vec::new()),
        Some(Node::List(items)) if items.len() <= MAX_TAGS => items,
        Some(Node::List(items)) => {
            return Err(invalid("/tags", format!("at most {MAX_TAGS} tags, not {}", items.len())));
        }
        Some(other) => return Err(wrong_type("/tags", "a list of strings", &other)),
    };
    let mut tags = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let field = format!("/tags/{n}");
        match item {
            Node::Text(text) => {
                check_word(&text, &field)?;
                tags.push(text.into_owned());
            }
            other => return Err(wrong_type(field, "a string", &other)),
        }
    }
    Ok(tags)
}

/// Checks a short word of the client that is repeated in what we publish.
fn check_word(text: &str, field: &str) -> Result<(), Refusal> {
    if !(1..=MAX_WORD).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        return Err(invalid(field, format!("must be 1 to {MAX_WORD} characters without control characters")));
    }
    Ok(())
}
