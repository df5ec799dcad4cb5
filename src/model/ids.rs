//! Identities: of messages, parts and attempts, of modems and SIMs, and the labels an operator gives them.

use std::fmt;
use std::str::FromStr;

/// Why a text is not the identity it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text does not match the pattern of its kind.
    #[error("{what} must match {pattern}")]
    Pattern {
        /// What the text was meant to be, in the user's words.
        what: &'static str,
        /// The pattern, as a regular expression.
        pattern: &'static str,
    },
}

/// The public identity of an outbound message: `[A-Za-z0-9._-]{1,64}`, given by the client or made by us.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

impl MessageId {
    /// The id as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the n-th message (from 1) of a command with a list of recipients; `None` when it grows over 64 characters.
    pub fn nth(&self, n: usize) -> Option<MessageId> {
        format!("{}.{n}", self.0).parse().ok()
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            Ok(MessageId(text.to_owned()))
        } else {
            Err(IdError::Pattern { what: "id", pattern: "[A-Za-z0-9._-]{1,64}" })
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A short name for a gateway, SIM, modem or contact: `^[a-z0-9][a-z0-9_-]{0,31}$`, safe as one level of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// The label's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Maps any text (a host name, say) to a label: lower case, what does not fit becomes `-`, cut at 32 characters.
    /// `None` when nothing is left.
    pub fn from_text(text: &str) -> Option<Label> {
        let mapped: String = text
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' })
            .skip_while(|c| matches!(c, '-' | '_'))
            .take(32)
            .collect();
        mapped.parse().ok()
    }

    /// Stands in an event for the modem where it is about the box itself: `box`.
    pub fn of_the_box() -> Label {
        Label("box".to_owned())
    }
}

impl FromStr for Label {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let head = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let fits = head
            && text.len() <= 32
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if fits {
            Ok(Label(text.to_owned()))
        } else {
            Err(IdError::Pattern { what: "label", pattern: "^[a-z0-9][a-z0-9_-]{0,31}$" })
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes the first and last characters of an identity and stars between, so that a log can be shared.
pub(super) fn masked(text: &str, head: usize, tail: usize) -> String {
    let n = text.chars().count();
    if n <= head + tail {
        return "*".repeat(n);
    }
    text.chars().enumerate().map(|(i, c)| if i < head || i >= n - tail { c } else { '*' }).collect()
}

macro_rules! digits_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $len:expr, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// All digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The last four digits: what labels are made of.
            pub fn tail(&self) -> &str {
                &self.0[self.0.len() - 4..]
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if $len.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    Ok($name(text.to_ascii_uppercase()))
                } else {
                    Err(IdError::Pattern { what: $what, pattern: $pattern })
                }
            }
        }

        /// Shows the middle as stars.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&masked(&self.0, 4, 4))
            }
        }
    };
}

digits_id!(
    /// ICCID: the serial number of a SIM, 10 to 22 digits. Some operators print hex digits; they are kept.
    /// ITU-T E.118, 3GPP TS 31.102 §4.2.2.
    Iccid, "ICCID", (10..=22), "^[0-9A-F]{10,22}$"
);
digits_id!(
    /// IMSI: the subscriber's number in the network, 5 to 15 digits. 3GPP TS 23.003 §2.2.
    Imsi, "IMSI", (5..=15), "^[0-9]{5,15}$"
);
digits_id!(
    /// IMEI: the serial number of a modem, 14 to 17 digits. 3GPP TS 23.003 §6.2.1.
    Imei, "IMEI", (14..=17), "^[0-9]{14,17}$"
);

/// The row of a message in the store: ascending in the order of acceptance, never shown outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageKey(pub i64);

/// One part of a message: `seq` counts from 1, as in the concatenation header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartKey {
    /// The message.
    pub message: MessageKey,
    /// 1 to 255. 3GPP TS 23.040 §9.2.3.24.1.
    pub seq: u8,
}

/// One try to hand one part to one SIM; ascending, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_a_topic_can_carry() {
        for good in ["a", "A.b_c-9", &"x".repeat(64)] {
            assert!(good.parse::<MessageId>().is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a+b", "#", "a b", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<MessageId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_from_host_names() {
        for (text, label) in [("Pi-4.local", Some("pi-4-local")), ("--a", Some("a")), ("é", None), ("", None)] {
            assert_eq!(Label::from_text(text).as_ref().map(Label::as_str), label, "{text}");
        }
    }

    #[test]
    fn debug_hides_the_middle() {
        let iccid: Iccid = "8949000000000001000".parse().unwrap();
        assert_eq!(format!("{iccid:?}"), "8949***********1000");
        assert_eq!(iccid.tail(), "1000");
    }
}
