//! What a client asks for: the submission, with the defaults of the contract.

use super::{Label, MessageId, Number};
use crate::tpdu::{Choice, MessageClass};
use std::time::Duration;

/// An instant of the wall clock: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This instant plus a span.
    pub fn after(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The span from this instant to a later one; zero when `later` is not later.
    pub fn until(self, later: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

/// What the recipient gets.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Text, of any characters.
    Text(String),
    /// Octets for an application, with the port they are for. 3GPP TS 23.040 §9.2.3.24.3.
    Data {
        /// Destination port, 0 to 65535.
        port: Option<u16>,
        /// User data as 8 bit octets.
        octets: Vec<u8>,
    },
}

/// Says the kind and the size, never the content.
impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Text(text) => write!(f, "Text({} characters)", text.chars().count()),
            Body::Data { port, octets } => write!(f, "Data(port {port:?}, {} octets)", octets.len()),
        }
    }
}

/// Who goes first. Higher is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Priority {
    /// After everything else.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Before normal traffic.
    High,
    /// Before everything.
    Alarm,
}

/// What to do with a part of which nobody knows whether it left. RELIABILITY G-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnUncertain {
    /// Send it once more, flagged `duplicate_possible`.
    #[default]
    Resend,
    /// Never give it to a modem again; it ends as `unknown`.
    Hold,
}

/// One message asked for, to one recipient; every field checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The client's id; `None`: the gateway makes one.
    pub id: Option<MessageId>,
    /// The recipient.
    pub to: Number,
    /// What to send.
    pub body: Body,
    /// Only this SIM may carry it.
    pub sim: Option<Label>,
    /// Default normal.
    pub priority: Priority,
    /// Not before this instant.
    pub send_at: Option<Timestamp>,
    /// Given up at this instant if still unsent. Default 24 h after acceptance.
    pub expires_at: Option<Timestamp>,
    /// Ask the network for a status report. Default true.
    pub report: bool,
    /// Message class, e.g. class 0 is shown at once.
    pub class: Option<MessageClass>,
    /// Default auto.
    pub encoding: Choice,
    /// Refuse what needs more parts, 1 to 255. Default 6.
    pub max_parts: u8,
    /// Default resend.
    pub on_uncertain: OnUncertain,
    /// Words of the client, repeated in every event of the message.
    pub tags: Vec<String>,
}

impl Submission {
    /// Parts a message may have when the client does not say.
    pub const MAX_PARTS: u8 = 6;
    /// How long a message is tried when the client does not say.
    pub const TTL: Duration = Duration::from_secs(24 * 3600);

    /// A text to a number, everything else default.
    pub fn text(to: Number, text: impl Into<String>) -> Submission {
        Submission {
            id: None,
            to,
            body: Body::Text(text.into()),
            sim: None,
            priority: Priority::Normal,
            send_at: None,
            expires_at: None,
            report: true,
            class: None,
            encoding: Choice::Auto,
            max_parts: Submission::MAX_PARTS,
            on_uncertain: OnUncertain::Resend,
            tags: Vec::new(),
        }
    }
}
