//! What modems tell that is no message: events for people and automations.

use super::Label;
use super::words::words;
use std::fmt;

words! {
    /// Kinds of notices: the `event_type` of their events.
    pub enum NoticeKind {
        /// A step was taken to get a modem to work again. Subject: the step.
        Recovery = 0 "recovery",
        /// Something needs a person. Subject: what.
        Alarm = 1 "alarm",
        /// A call came in. Subject: what was done with it.
        Call = 2 "call",
        /// A cell broadcast. Subject: what it is about.
        Broadcast = 3 "broadcast",
        /// The network sent USSD by itself. Subject: whether it waits for an answer.
        Ussd = 4 "ussd",
    }
}

impl NoticeKind {
    /// The key that the subject has in JSON.
    pub fn subject_key(self) -> &'static str {
        match self {
            NoticeKind::Recovery => "step",
            NoticeKind::Alarm => "alarm",
            NoticeKind::Call => "action",
            NoticeKind::Broadcast => "subject",
            NoticeKind::Ussd => "session",
        }
    }
}

/// One thing that a modem told.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// What kind of thing.
    pub kind: NoticeKind,
    /// One word within the kind.
    pub subject: String,
    /// Who called; `None` where that is hidden or does not apply.
    pub number: Option<String>,
    /// What the network wrote.
    pub text: Option<String>,
    /// For a person: what happened, and the next step.
    pub detail: String,
}

impl Notice {
    /// A notice without a number and a text.
    pub fn new(kind: NoticeKind, subject: impl Into<String>, detail: impl Into<String>) -> Notice {
        Notice { kind, subject: subject.into(), number: None, text: None, detail: detail.into() }
    }
}

/// Says what, never who wrote what.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notice({}, {}, {})", self.kind.word(), self.subject, self.detail)
    }
}

/// A notice, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModemNotice {
    /// Label of the modem.
    pub modem: Label,
    /// Label of the SIM in it, once read.
    pub sim: Option<Label>,
    /// What it told.
    pub notice: Notice,
}
