//! Scripted faults: what goes wrong, in which modem, and when. The ids are those of the fault catalogue (RELIABILITY §3).

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Faults that may stand in one modem at a time.
pub const FAULTS_MAX: usize = 64;

/// One scripted fault. In JSON: `{"fault": "F-09", "when": {"nth": 3}, "modem": 0}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The modem it is for; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modem: Option<usize>,
    /// Which of its opportunities it takes: the first when absent.
    #[serde(default)]
    pub when: When,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    /// A fault for all modems that strikes at the first opportunity.
    pub fn once(kind: FaultKind) -> Fault {
        Fault { modem: None, when: When::default(), kind }
    }

    /// The same, at other opportunities.
    pub fn when(self, when: When) -> Fault {
        Fault { when, ..self }
    }

    /// The same, in one modem only.
    pub fn of_modem(self, modem: usize) -> Fault {
        Fault { modem: Some(modem), ..self }
    }
}

/// Which of its opportunities a fault takes, counted from when it was set. Every kind says what an opportunity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The n-th one only, from 1.
    Nth(u32),
    /// Every one after the n-th.
    After(u32),
    /// Every one.
    Always,
}

impl Default for When {
    fn default() -> When {
        When::Nth(1)
    }
}

/// What goes wrong. Spans of time are milliseconds in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault")]
pub enum FaultKind {
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
    /// The memory for received messages is full of filler messages, and `+CMTI` is silent until it has been empty.
    /// At once; `when` is not looked at.
    #[serde(rename = "F-15")]
    MemoryFull,
    /// `AT+CMGD` of one message does not do it. Opportunity: each such command.
    #[serde(rename = "F-17")]
    DeleteFails {
        /// What happens instead.
        delete: OddDelete,
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

/// Where in the modem's work a fault gets its opportunity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    UrcIn(UrcPlace),
    Echo,
    Mute,
    PromptForm,
    Refusal(Stage),
    Final,
    Step(Step),
    Delete,
    Replug,
    Report,
}

impl FaultKind {
    fn meets(&self, point: Point) -> bool {
        match (self, point) {
            (FaultKind::UrcInside { place, .. }, Point::UrcIn(here)) => *place == here,
            (FaultKind::CmsError { stage, .. }, Point::Refusal(here)) => *stage == here,
            (FaultKind::HangUp { step, .. }, Point::Step(here)) => step.is_none_or(|step| step == here),
            (FaultKind::Echo { .. }, Point::Echo)
            | (FaultKind::Mute { .. }, Point::Mute)
            | (FaultKind::Prompt { .. }, Point::PromptForm)
            | (FaultKind::DeleteFails { .. }, Point::Delete)
            | (FaultKind::Replug { .. }, Point::Replug)
            | (FaultKind::Report { .. }, Point::Report) => true,
            (
                FaultKind::FinalLost
                | FaultKind::NeverAccepted
                | FaultKind::FinalLate { .. }
                | FaultKind::OddFinal { .. },
                Point::Final,
            ) => true,
            _ => false,
        }
    }

    /// The id in the fault catalogue.
    pub fn id(&self) -> &'static str {
        match self {
            FaultKind::UrcInside { .. } => "F-02",
            FaultKind::Echo { .. } => "F-03",
            FaultKind::Mute { .. } => "F-06",
            FaultKind::Prompt { .. } => "F-07",
            FaultKind::FinalLost => "F-09",
            FaultKind::NeverAccepted => "F-10",
            FaultKind::FinalLate { .. } => "F-11",
            FaultKind::OddFinal { .. } => "F-12",
            FaultKind::HangUp { .. } => "F-13",
            FaultKind::MemoryFull => "F-15",
            FaultKind::DeleteFails { .. } => "F-17",
            FaultKind::CmsError { .. } => "F-25",
            FaultKind::Replug { .. } => "F-26",
            FaultKind::Report { .. } => "report",
        }
    }

    /// True when it can be played: a URC is one printable line.
    pub(super) fn is_sane(&self) -> bool {
        match self {
            FaultKind::UrcInside { urc, .. } => urc.len() <= 256 && urc.bytes().all(|b| (0x20..0x7F).contains(&b)),
            _ => true,
        }
    }
}

/// The faults of one modem, with how many opportunities each has seen.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    /// False when there are too many already.
    pub(super) fn add(&mut self, fault: Fault) -> bool {
        let room = self.0.len() < FAULTS_MAX;
        if room {
            self.0.push((fault, 0));
        }
        room
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault that takes this opportunity; all that could have taken it have seen it.
    pub(super) fn strike(&mut self, point: Point) -> Option<FaultKind> {
        let mut struck = None;
        self.0.retain_mut(|(fault, seen)| {
            if !fault.kind.meets(point) {
                return true;
            }
            *seen = seen.saturating_add(1);
            let (strikes, spent) = match fault.when {
                When::Nth(n) => (*seen == n, *seen >= n),
                When::After(n) => (*seen > n, false),
                When::Always => (true, false),
            };
            if strikes && struck.is_none() {
                struck = Some(fault.kind.clone());
            }
            !spent
        });
        struck
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_forms() {
        for (json, want) in [
            (
                r#"{"fault":"F-09","when":{"nth":3},"modem":1}"#,
                Fault::once(FaultKind::FinalLost).when(When::Nth(3)).of_modem(1),
            ),
            (r#"{"fault":"F-09"}"#, Fault::once(FaultKind::FinalLost)),
            (
                r#"{"fault":"F-02","place":"cmgr","when":"always"}"#,
                Fault::once(FaultKind::UrcInside { place: UrcPlace::Cmgr, urc: "^RSSI: 18".into() }).when(When::Always),
            ),
            (r#"{"fault":"F-06"}"#, Fault::once(FaultKind::Mute { lasts: None })),
            (
                r#"{"fault":"F-06","for_ms":1500}"#,
                Fault::once(FaultKind::Mute { lasts: Some(Duration::from_millis(1500)) }),
            ),
            (
                r#"{"fault":"F-07","prompt":{"late_ms":9}}"#,
                Fault::once(FaultKind::Prompt { prompt: OddPrompt::LateMs(9) }),
            ),
            (
                r#"{"fault":"F-11","by_ms":190000,"when":{"after":2}}"#,
                Fault::once(FaultKind::FinalLate { by: Duration::from_secs(190) }).when(When::After(2)),
            ),
            (r#"{"fault":"F-12","answer":"mr256"}"#, Fault::once(FaultKind::OddFinal { answer: OddFinal::Mr256 })),
            (
                r#"{"fault":"F-13","step":"accepted","back_ms":100}"#,
                Fault::once(FaultKind::HangUp { step: Some(Step::Accepted), back: Some(Duration::from_millis(100)) }),
            ),
            (r#"{"fault":"F-25","code":38}"#, Fault::once(FaultKind::CmsError { code: 38, stage: Stage::Payload })),
            (r#"{"fault":"report","status":70}"#, Fault::once(FaultKind::Report { status: 70 })),
        ] {
            let fault: Fault = serde_json::from_str(json).unwrap();
            assert_eq!(fault, want, "{json}");
            let again: Fault = serde_json::from_str(&serde_json::to_string(&fault).unwrap()).unwrap();
            assert_eq!(again, want);
        }
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"F-99"}"#).is_err());
    }

    #[test]
    fn opportunities() {
        for (when, want) in [
            (When::Nth(1), [true, false, false, false]),
            (When::Nth(3), [false, false, true, false]),
            (When::After(2), [false, false, true, true]),
            (When::Always, [true; 4]),
            (When::Nth(0), [false; 4]),
        ] {
            let mut faults = Faults::default();
            faults.add(Fault::once(FaultKind::FinalLost).when(when));
            assert_eq!(faults.strike(Point::Delete), None, "not its place");
            let struck = [(); 4].map(|()| faults.strike(Point::Final).is_some());
            assert_eq!(struck, want, "{when:?}");
        }
    }

    #[test]
    fn any_step_or_one_kind_of_step() {
        let mut faults = Faults::default();
        faults.add(Fault::once(FaultKind::HangUp { step: None, back: None }).when(When::Nth(3)));
        faults.add(Fault::once(FaultKind::HangUp { step: Some(Step::Final), back: None }));
        assert_eq!(faults.strike(Point::Step(Step::Command)), None);
        assert_eq!(faults.strike(Point::Step(Step::Answer)), None);
        assert_eq!(faults.strike(Point::Step(Step::Prompt)), Some(FaultKind::HangUp { step: None, back: None }));
        assert!(faults.strike(Point::Step(Step::Final)).is_some());
    }

    #[test]
    fn bounded() {
        let mut faults = Faults::default();
        assert!((0..FAULTS_MAX).all(|_| faults.add(Fault::once(FaultKind::FinalLost))));
        assert!(!faults.add(Fault::once(FaultKind::FinalLost)));
    }
}
