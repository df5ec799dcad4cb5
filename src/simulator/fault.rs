//! Scripted faults: what goes wrong, in which modem, and when. The ids are those of the fault catalogue (RELIABILITY §3).

use super::kind::{FaultKind, Stage, Step, UrcPlace};
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
    Pieces,
    Noise,
    Busy,
    Stall,
    Stored,
    Sim,
    Network,
    Sent,
    Reset,
    Foreigner,
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
            | (FaultKind::Report { .. }, Point::Report)
            | (FaultKind::Pieces { .. }, Point::Pieces)
            | (FaultKind::Noise { .. }, Point::Noise)
            | (FaultKind::Busy { .. }, Point::Busy)
            | (FaultKind::Stall { .. }, Point::Stall)
            | (FaultKind::OtherMemory { .. }, Point::Stored)
            | (FaultKind::SimGone { .. }, Point::Sim)
            | (FaultKind::NoNetwork { .. }, Point::Network)
            | (FaultKind::SimLost { .. }, Point::Sent)
            | (FaultKind::SlowReset { .. }, Point::Reset)
            | (FaultKind::Foreigner { .. }, Point::Foreigner) => true,
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
            FaultKind::Pieces { .. } => "F-01",
            FaultKind::UrcInside { .. } => "F-02",
            FaultKind::Echo { .. } => "F-03",
            FaultKind::Noise { .. } => "F-04",
            FaultKind::Busy { .. } => "F-05",
            FaultKind::Mute { .. } => "F-06",
            FaultKind::Prompt { .. } => "F-07",
            FaultKind::InPrompt => "F-08",
            FaultKind::FinalLost => "F-09",
            FaultKind::NeverAccepted => "F-10",
            FaultKind::FinalLate { .. } => "F-11",
            FaultKind::OddFinal { .. } => "F-12",
            FaultKind::HangUp { .. } => "F-13",
            FaultKind::Stall { .. } => "F-14",
            FaultKind::MemoryFull => "F-15",
            FaultKind::OtherMemory { .. } => "F-16",
            FaultKind::DeleteFails { .. } => "F-17",
            FaultKind::OddMessage { .. } => "F-18",
            FaultKind::SimGone { .. } => "F-19",
            FaultKind::NoNetwork { .. } => "F-21",
            FaultKind::Interleaved => "F-22",
            FaultKind::SimLost { .. } => "F-24",
            FaultKind::CmsError { .. } => "F-25",
            FaultKind::Replug { .. } => "F-26",
            FaultKind::OtherPort { .. } => "F-27",
            FaultKind::Drops { .. } => "F-28",
            FaultKind::SlowReset { .. } => "F-29",
            FaultKind::Foreigner { .. } => "F-31",
            FaultKind::Report { .. } => "report",
        }
    }

    /// Why it cannot be played; `None`: it can.
    pub fn senseless(&self) -> Option<&'static str> {
        let never = Some(Duration::ZERO);
        match self {
            FaultKind::UrcInside { urc, .. } => (urc.len() > 256 || !urc.bytes().all(|b| (0x20..0x7F).contains(&b)))
                .then_some("a URC is one printable line of at most 256 characters"),
            FaultKind::Pieces { most, gap } => (!(1..=256).contains(most) || *gap > GAP_MOST)
                .then_some("pieces have 1 to 256 octets, and are at most 1000 ms apart"),
            FaultKind::Noise { octets, .. } => {
                (!(1..=NOISE_MOST).contains(octets)).then_some("noise has 1 to 262144 octets")
            }
            FaultKind::Busy { lasts, .. } | FaultKind::NoNetwork { lasts, .. } if lasts.is_zero() => {
                Some("for_ms is 0")
            }
            FaultKind::Mute { lasts } | FaultKind::Stall { lasts } if *lasts == never => Some("for_ms is 0"),
            FaultKind::SimGone { back: None, swapped: true } => Some("a SIM that is swapped needs back_ms"),
            FaultKind::Drops { every, back } => (every < back || every.is_zero())
                .then_some("it drops before it is back: every_ms must not be less than back_ms, nor 0"),
            _ => None,
        }
    }
}

/// The longest pause between two pieces: the whole answer has to come before the host gives up.
const GAP_MOST: Duration = Duration::from_secs(1);
/// As much noise at a time as a host may leave unread.
const NOISE_MOST: usize = 256 * 1024;

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

    /// True when one waits for this opportunity.
    pub(super) fn awaits(&self, point: Point) -> bool {
        self.0.iter().any(|(fault, _)| fault.kind.meets(point))
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

#[cfg(test)]
mod tests {
    use super::super::{Foreign, NoNetwork, Noise, OddFinal, OddMessage, OddPrompt};
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
            (r#"{"fault":"F-01"}"#, Fault::once(FaultKind::Pieces { most: 7, gap: Duration::from_millis(1) })),
            (
                r#"{"fault":"F-04","noise":"eight_bit","octets":9}"#,
                Fault::once(FaultKind::Noise { noise: Noise::EightBit, octets: 9 }),
            ),
            (
                r#"{"fault":"F-05","for_ms":30000}"#,
                Fault::once(FaultKind::Busy { code: 515, lasts: Duration::from_secs(30) }),
            ),
            (r#"{"fault":"F-16","told":true}"#, Fault::once(FaultKind::OtherMemory { told: true })),
            (
                r#"{"fault":"F-18","message":"type0"}"#,
                Fault::once(FaultKind::OddMessage { message: Some(OddMessage::Type0) }),
            ),
            (r#"{"fault":"F-19"}"#, Fault::once(FaultKind::SimGone { back: None, swapped: false })),
            (
                r#"{"fault":"F-21","network":"denied","for_ms":9}"#,
                Fault::once(FaultKind::NoNetwork { network: NoNetwork::Denied, lasts: Duration::from_millis(9) }),
            ),
            (r#"{"fault":"F-31","foreign":"ok"}"#, Fault::once(FaultKind::Foreigner { foreign: Foreign::Ok })),
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
