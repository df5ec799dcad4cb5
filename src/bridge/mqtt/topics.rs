//! The names of our topics: made of the base and checked identities only (T-13).

use crate::bridge::wire::{self, OrderVerb};
use crate::model::Label;

/// All topics under one base.
#[derive(Debug, Clone)]
pub(super) struct Topics {
    /// The base topic and a `/`.
    prefix: String,
}

/// What a command topic asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb<'a> {
    /// `send`
    Send,
    /// `send/<digits>`
    SendTo(&'a str),
    /// `request/cancel`
    Cancel,
    /// `request/get`
    Get,
    /// `request/ussd` and others for one modem.
    Order(OrderVerb),
    /// A request or a contact that this version does not know.
    Unknown,
}

impl Verb<'_> {
    /// The last level of the topic for answers.
    pub(super) fn word(self) -> &'static str {
        match self {
            Verb::Send | Verb::SendTo(_) => "send",
            Verb::Cancel => "cancel",
            Verb::Get => "get",
            Verb::Order(verb) => verb.word(),
            Verb::Unknown => "request",
        }
    }
}

impl Topics {
    pub(super) fn new(base: &str) -> Topics {
        Topics { prefix: format!("{base}/") }
    }

    /// Filters for all commands.
    pub(super) fn commands(&self) -> [String; 4] {
        ["send", "send/+", "notify/+", "request/+"].map(|end| self.under(end))
    }

    /// What a topic asks for; `None` for a topic that is not a command's.
    pub(super) fn verb<'a>(&self, topic: &'a str) -> Option<Verb<'a>> {
        let rest = topic.strip_prefix(self.prefix.as_str())?;
        match rest.split_once('/') {
            None if rest == "send" => Some(Verb::Send),
            Some(("send", digits)) => Some(Verb::SendTo(digits)),
            Some(("request", "cancel")) => Some(Verb::Cancel),
            Some(("request", "get")) => Some(Verb::Get),
            // Typed commands are for who is on the box.
            Some(("request", word)) => match OrderVerb::named(word).filter(|verb| *verb != OrderVerb::At) {
                Some(verb) => Some(Verb::Order(verb)),
                None => Some(Verb::Unknown),
            },
            Some(("notify", _)) => Some(Verb::Unknown),
            _ => None,
        }
    }

    /// Where an event goes.
    pub(super) fn event(&self, topic: wire::Topic<'_>) -> String {
        match topic {
            wire::Topic::Status(id) => self.join("status/", id.as_str(), ""),
            wire::Topic::Inbound(sim) => self.join("inbound/", sim.as_str(), ""),
            wire::Topic::Event => self.under("event"),
        }
    }

    pub(super) fn response(&self, verb: Verb<'_>) -> String {
        self.join("response/", verb.word(), "")
    }

    pub(super) fn state(&self) -> String {
        self.under("state")
    }

    pub(super) fn info(&self) -> String {
        self.under("info")
    }

    pub(super) fn modem(&self, label: &Label) -> String {
        self.join("modem/", label.as_str(), "/state")
    }

    pub(super) fn sim(&self, label: &Label) -> String {
        self.join("sim/", label.as_str(), "/state")
    }

    /// True when an answer may go to this topic: a plain name, and under our base nothing but `response/`, so that
    /// no client can make us command ourselves or speak with our voice.
    pub(super) fn may_answer_to(&self, topic: &str) -> bool {
        let plain = !topic.is_empty()
            && topic.len() <= MAX_RESPONSE_TOPIC
            && !topic.starts_with('$')
            && !topic.contains(|c: char| c.is_control() || matches!(c, '+' | '#'));
        let inside = topic.strip_prefix(self.prefix.as_str());
        plain && inside.is_none_or(|rest| rest.starts_with("response/"))
    }

    fn under(&self, end: &str) -> String {
        self.join("", end, "")
    }

    fn join(&self, kind: &str, name: &str, end: &str) -> String {
        let mut topic = String::with_capacity(self.prefix.len() + kind.len() + name.len() + end.len());
        for piece in [&self.prefix, kind, name, end] {
            topic.push_str(piece);
        }
        topic
    }
}

/// Octets of a response topic.
const MAX_RESPONSE_TOPIC: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table_of_commands() {
        let topics = Topics::new("gsmgate/pi1");
        for (topic, want) in [
            ("gsmgate/pi1/send", Some(Verb::Send)),
            ("gsmgate/pi1/send/4917", Some(Verb::SendTo("4917"))),
            ("gsmgate/pi1/send/a/b", Some(Verb::SendTo("a/b"))),
            ("gsmgate/pi1/request/cancel", Some(Verb::Cancel)),
            ("gsmgate/pi1/request/get", Some(Verb::Get)),
            ("gsmgate/pi1/request/ussd", Some(Verb::Order(OrderVerb::Ussd))),
            ("gsmgate/pi1/request/at", Some(Verb::Unknown)),
            ("gsmgate/pi1/notify/anna", Some(Verb::Unknown)),
            ("gsmgate/pi1/status/x", None),
            ("gsmgate/pi2/send", None),
            ("send", None),
            ("", None),
        ] {
            assert_eq!(topics.verb(topic), want, "{topic}");
        }
    }

    #[test]
    fn table_of_response_topics() {
        let topics = Topics::new("gsmgate/pi1");
        let long = "x".repeat(257);
        for (topic, want) in [
            ("app/answers/1", true),
            ("gsmgate/pi1/response/app", true),
            ("gsmgate/pi10/send", true),
            ("/", true),
            ("gsmgate/pi1/send", false),
            ("gsmgate/pi1/send/4917", false),
            ("gsmgate/pi1/request/cancel", false),
            ("gsmgate/pi1/notify/anna", false),
            ("gsmgate/pi1/state", false),
            ("gsmgate/pi1/", false),
            ("app/+/x", false),
            ("app/#", false),
            ("$SYS/x", false),
            ("$share/g/app", false),
            ("a\0b", false),
            ("", false),
            (&long, false),
        ] {
            assert_eq!(topics.may_answer_to(topic), want, "{topic:?}");
        }
    }

    proptest! {
        /// T-13: no identity that passed its check can leave its level or make a wildcard.
        #[test]
        fn topics_keep_their_levels(id in "[A-Za-z0-9._-]{1,64}", label in "[a-z0-9][a-z0-9_-]{0,31}") {
            let topics = Topics::new("gsmgate/pi1");
            let (id, label) = (id.parse().unwrap(), label.parse().unwrap());
            for (topic, levels) in [
                (topics.event(wire::Topic::Status(&id)), 4),
                (topics.event(wire::Topic::Inbound(&label)), 4),
                (topics.modem(&label), 5),
                (topics.sim(&label), 5),
            ] {
                prop_assert_eq!(topic.split('/').count(), levels);
                prop_assert!(!topic.contains(['+', '#', '\0']) && !topic.starts_with('$'));
                prop_assert_eq!(topics.verb(&topic), None);
            }
        }
    }
}
