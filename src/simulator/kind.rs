//! The kinds of scripted faults, and their keys in JSON.

use super::odd::{Foreign, NoNetwork, Noise, OddMessage};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What goes wrong. Spans of time are milliseconds in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault")]
pub enum FaultKind {
    /// What the modem says comes in pieces, whose sizes the seed decides. Opportunity: each command line; lasts until the
    /// next.
    #[serde(rename = "F-01")]
    Pieces {
        /// Octets of the largest piece.
        #[serde(default = "default_most")]
        most: usize,
        /// From one piece to the next.
        #[serde(default = "default_gap", rename = "gap_ms", with = "millis")]
        gap: Duration,
    },
    /// A URC where it hurts. Opportunity: each such place.
    #[serde(rename = "F-02")]
    UrcInside {
        /// Where it comes.
        place: UrcPlace,
        /// The line without CR and LF.
        #[serde(default = "default_urc")]
        urc: String,
    },
    /// The echo is on whatever ATE says, and CR may be doubled. Opportunity: each command line; lasts until the next.
    #[serde(rename = "F-03")]
    Echo {
        /// Every line ends in `\r\r\n`.
        #[serde(default)]
        doubled_cr: bool,
    },
    /// Noise before the answer. Opportunity: each command line.
    #[serde(rename = "F-04")]
    Noise {
        /// What it is like.
        noise: Noise,
        /// How much of it.
        #[serde(default = "default_octets")]
        octets: usize,
    },
    /// Whatever needs the SIM is answered with `+CME ERROR`. Opportunity: each command line.
    #[serde(rename = "F-05")]
    Busy {
        /// 3GPP TS 27.007 §9.2; 14 is SIM busy, and many makes say 515 while they begin.
        #[serde(default = "default_busy")]
        code: u16,
        /// For how long.
        #[serde(rename = "for_ms", with = "millis")]
        lasts: Duration,
    },
    /// Mute: takes octets and answers nothing. Opportunity: each command line.
    #[serde(rename = "F-06")]
    Mute {
        /// For how long; for good when absent.
        #[serde(default, rename = "for_ms", with = "optional_millis")]
        lasts: Option<Duration>,
    },
    /// The prompt is not as it should be. Opportunity: each `AT+CMGS`.
    #[serde(rename = "F-07")]
    Prompt {
        /// What is wrong with it.
        prompt: OddPrompt,
    },
    /// It stands in the prompt, and holds a message of somebody else that Ctrl-Z would send. At once; `when` is not looked
    /// at.
    #[serde(rename = "F-08")]
    InPrompt,
    /// The centre accepts, the final code is lost. Opportunity: each payload.
    #[serde(rename = "F-09")]
    FinalLost,
    /// The centre never gets it, and the final code is lost too. Opportunity: each payload.
    #[serde(rename = "F-10")]
    NeverAccepted,
    /// The centre accepts, `+CMGS` comes late, as if by itself; the modem answers other commands meanwhile.
    /// Opportunity: each payload.
    #[serde(rename = "F-11")]
    FinalLate {
        /// How much later than the latency.
        #[serde(rename = "by_ms", with = "millis")]
        by: Duration,
    },
    /// The centre accepts, the answer is odd. Opportunity: each payload.
    #[serde(rename = "F-12")]
    OddFinal {
        /// What comes.
        answer: OddFinal,
    },
    /// The tty hangs up at a step of the protocol. Opportunity: each step of that kind.
    #[serde(rename = "F-13")]
    HangUp {
        /// The kind of step; any when absent, so that `nth` numbers all of them.
        #[serde(default)]
        step: Option<Step>,
        /// When it comes back; never when absent.
        #[serde(default, rename = "back_ms", with = "optional_millis")]
        back: Option<Duration>,
    },
    /// Flow control: it answers a command and takes no octet after it. Opportunity: each command line.
    #[serde(rename = "F-14")]
    Stall {
        /// For how long; for good when absent.
        #[serde(default, rename = "for_ms", with = "optional_millis")]
        lasts: Option<Duration>,
    },
    /// The memory for received messages is full of filler messages, and `+CMTI` is silent until it has been empty.
    /// At once; `when` is not looked at.
    #[serde(rename = "F-15")]
    MemoryFull,
    /// A message lands in the memory that is not the chosen one. Opportunity: each message that is stored.
    #[serde(rename = "F-16")]
    OtherMemory {
        /// `+CMTI` tells of it; else nothing does.
        #[serde(default)]
        told: bool,
    },
    /// `AT+CMGD` of one message does not do it. Opportunity: each such command.
    #[serde(rename = "F-17")]
    DeleteFails {
        /// What happens instead.
        delete: OddDelete,
    },
    /// A message that is no plain text comes. At once; `when` is not looked at.
    #[serde(rename = "F-18")]
    OddMessage {
        /// Which; one of each when absent.
        #[serde(default)]
        message: Option<OddMessage>,
    },
    /// The SIM is taken out. Opportunity: each command line.
    #[serde(rename = "F-19")]
    SimGone {
        /// When there is one again; never when absent.
        #[serde(default, rename = "back_ms", with = "optional_millis")]
        back: Option<Duration>,
        /// It is another one then.
        #[serde(default)]
        swapped: bool,
    },
    /// The network is lost, or is another one. Opportunity: each command line.
    #[serde(rename = "F-21")]
    NoNetwork {
        /// What it is like.
        network: NoNetwork,
        /// For how long.
        #[serde(rename = "for_ms", with = "millis")]
        lasts: Duration,
    },
    /// Two long messages of two senders come, with the same reference and in an order that the seed decides. At once; `when`
    /// is not looked at.
    #[serde(rename = "F-22")]
    Interleaved,
    /// The SIM is away right after a part. Opportunity: each accepted message, once `+CMGS` was given.
    #[serde(rename = "F-24")]
    SimLost {
        /// For how long.
        #[serde(rename = "back_ms", with = "millis")]
        back: Duration,
    },
    /// `+CMS ERROR`. Opportunity: each `AT+CMGS`, or each payload.
    #[serde(rename = "F-25")]
    CmsError {
        /// 3GPP TS 27.005 §3.2.5.
        code: u16,
        /// Where it is answered.
        #[serde(default)]
        stage: Stage,
    },
    /// Unplugged, and back under another pts name behind the same link. Opportunity: each command line.
    #[serde(rename = "F-26")]
    Replug {
        /// How long it is away.
        #[serde(rename = "back_ms", with = "millis")]
        back: Duration,
    },
    /// The port is for something else: it takes all and answers nothing. At once; `when` is not looked at.
    #[serde(rename = "F-27")]
    OtherPort {
        /// It says where it is each second, as NMEA 0183.
        #[serde(default)]
        nmea: bool,
    },
    /// The plug falls out again and again, as with a weak supply. At once; `when` is not looked at.
    #[serde(rename = "F-28")]
    Drops {
        /// From each start to the next drop.
        #[serde(rename = "every_ms", with = "millis")]
        every: Duration,
        /// How long it is away.
        #[serde(rename = "back_ms", with = "millis")]
        back: Duration,
    },
    /// A reset takes its time. Opportunity: each reset that a command asks for.
    #[serde(rename = "F-29")]
    SlowReset {
        /// How long it is away.
        #[serde(rename = "back_ms", with = "millis")]
        back: Duration,
    },
    /// Another program is on the line. Opportunity: each command line.
    #[serde(rename = "F-31")]
    Foreigner {
        /// What shows of it.
        foreign: Foreign,
    },
    /// The status report says something else than "delivered". Opportunity: each accepted message that asks for one.
    #[serde(rename = "report")]
    Report {
        /// TP-ST, 3GPP TS 23.040 §9.2.3.15.
        status: u8,
    },
}

/// Where an F-02 URC comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UrcPlace {
    /// Between the lines of an answer and its OK.
    Response,
    /// Between the `+CMGR` line and its PDU.
    Cmgr,
    /// Right after the prompt.
    Prompt,
}

/// What is wrong with a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddPrompt {
    /// It never comes; what follows is read as command lines.
    Missing,
    /// `>` without the blank.
    NoBlank,
    /// It comes after so many milliseconds.
    LateMs(u32),
}

/// An odd answer to an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddFinal {
    /// OK without `+CMGS`.
    OkOnly,
    /// `+CMGS:` with garbage, then OK.
    Garbage,
    /// `+CMGS: 256`, then OK.
    Mr256,
    /// `+CMGS` twice, then OK.
    Twice,
}

/// How a deletion goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddDelete {
    /// `+CMS ERROR: 500`, and the message stays.
    Error,
    /// OK, and the message stays.
    Ignored,
    /// OK, and the next stored message is gone instead.
    WrongIndex,
    /// No answer, and the message stays.
    Silent,
}

/// Where a send is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Instead of the prompt.
    Prompt,
    /// After the payload.
    #[default]
    Payload,
}

/// A step of the protocol: where the plug may be pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A command line was read; nothing has been done about it.
    Command,
    /// The answer to a command line was given.
    Answer,
    /// The prompt was given.
    Prompt,
    /// The first octet of a payload was read.
    Payload,
    /// The payload is complete; the centre does not have it.
    End,
    /// The centre has accepted it; the host does not know.
    Accepted,
    /// `+CMGS` and OK were given.
    Final,
}

fn default_most() -> usize {
    7
}

fn default_gap() -> Duration {
    Duration::from_millis(1)
}

fn default_octets() -> usize {
    64
}

fn default_busy() -> u16 {
    515
}

fn default_urc() -> String {
    "^RSSI: 18".to_owned()
}

mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(span: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u32::deserialize(d).map(|ms| Duration::from_millis(u64::from(ms)))
    }
}

mod optional_millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(span: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::millis::serialize(span, s),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u32>::deserialize(d)?.map(|ms| Duration::from_millis(u64::from(ms))))
    }
}
