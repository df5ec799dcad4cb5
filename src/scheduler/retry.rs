//! What follows from the end of a try: a verdict from facts and time, nothing else.

use crate::model::{
    Action, Blame, Failure, FailureCause, OnUncertain, SendOutcome, Timestamp, UncertainReason, classify, is_busy,
};
use crate::store::{Verdict, resolve_wait};
use std::time::Duration;

/// How often and how long a part is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// The first back-off; it doubles with each try. Default 5 s.
    pub base: Duration,
    /// No back-off is longer. Default 15 min.
    pub cap: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { base: Duration::from_secs(5), cap: Duration::from_secs(15 * 60) }
    }
}

/// No back-off is longer after a refusal by a SIM or a modem that is busy. It costs nothing to ask, and they are soon free.
/// RELIABILITY F-05.
const BUSY_CAP: Duration = Duration::from_secs(4);
/// Resends of one part after an uncertain end. RELIABILITY G-2.
pub const MAX_RESENDS: u32 = 1;
/// A report may come this long after the validity period. RELIABILITY T9.
pub const REPORT_GRACE: Duration = Duration::from_secs(72 * 3600);

/// What the decision needs to know of the part.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Tries before this one.
    pub tries: u32,
    /// A status report was asked for.
    pub report: bool,
    /// It asked the centre to refuse what it has already (TP-RD).
    pub rd: bool,
    /// The message is given up then.
    pub expires_at: Timestamp,
    /// Another SIM could take it now.
    pub other_sim: bool,
}

/// Decides what follows. `random` is uniform in 0..1 and gives the full jitter.
pub fn decide(config: &Config, outcome: &SendOutcome, facts: &Facts, now: Timestamp, random: f64) -> Verdict {
    match *outcome {
        SendOutcome::Accepted { mr } => acked(mr, facts, false),
        SendOutcome::NotSent { code, .. } => not_sent(config, code, facts, now, random),
        // Mostly its message is decided already, and the store passes this over.
        SendOutcome::Withdrawn => not_sent(config, None, facts, now, random),
        SendOutcome::Uncertain { reason, code } => ambiguous(reason, code, facts, now),
        SendOutcome::Rejected { code } => match classify(code) {
            Action::Fail(cause) => {
                Verdict::Fail { failure: Failure { blame: Blame::Message, cause, code: Some(code) } }
            }
            Action::Retry(blame, cause) => {
                again(config, Failure { blame, cause, code: Some(code) }, facts, now, random)
            }
            // On a resend the centre tells us that the first one got through (TP-FCS 0xC5, RELIABILITY A-3).
            Action::Duplicate if facts.rd => acked(None, facts, true),
            Action::Duplicate => Verdict::Fail {
                failure: Failure { blame: Blame::Message, cause: FailureCause::Duplicate, code: Some(code) },
            },
            Action::Ambiguous => ambiguous(UncertainReason::Code, Some(code), facts, now),
        },
    }
}

/// True when an uncertain part may be given to a modem once more.
pub fn may_resend(policy: OnUncertain, resends: u32) -> bool {
    policy == OnUncertain::Resend && resends < MAX_RESENDS
}

/// The back-off before try `k` (from 0): full jitter over `base · 2^k`, at most `cap`.
pub fn backoff(config: &Config, k: u32, random: f64) -> Duration {
    let ceiling = config.base.saturating_mul(1_u32.checked_shl(k).unwrap_or(u32::MAX)).min(config.cap);
    ceiling.mul_f64(random.clamp(0.0, 1.0))
}

fn acked(mr: Option<u8>, facts: &Facts, by_evidence: bool) -> Verdict {
    Verdict::Acked { mr, report_until: facts.expires_at.after(REPORT_GRACE), by_evidence }
}

fn ambiguous(reason: UncertainReason, code: Option<u16>, facts: &Facts, now: Timestamp) -> Verdict {
    Verdict::Ambiguous { reason, code, resolve_at: now.after(resolve_wait(facts.report)) }
}

fn not_sent(config: &Config, code: Option<u16>, facts: &Facts, now: Timestamp, random: f64) -> Verdict {
    let cap = if code.is_some_and(is_busy) { config.cap.min(BUSY_CAP) } else { config.cap };
    let failure = Failure { blame: Blame::Modem, cause: FailureCause::NotSent, code };
    again(&Config { cap, ..*config }, failure, facts, now, random)
}

fn again(config: &Config, failure: Failure, facts: &Facts, now: Timestamp, random: f64) -> Verdict {
    // Who is to blame can be avoided at once when another SIM is there; the network cannot.
    let at_once = facts.other_sim && matches!(failure.blame, Blame::Sim | Blame::Modem);
    let wait = if at_once { Duration::ZERO } else { backoff(config, facts.tries, random) };
    Verdict::Retry { failure, not_before: now.after(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn facts() -> Facts {
        Facts { tries: 0, report: true, rd: false, expires_at: NOW.after(Duration::from_secs(3600)), other_sim: false }
    }

    fn verdict(outcome: SendOutcome, facts: Facts) -> Verdict {
        decide(&Config::default(), &outcome, &facts, NOW, 1.0)
    }

    #[test]
    fn certain_ends() {
        let until = facts().expires_at.after(REPORT_GRACE);
        assert_eq!(
            verdict(SendOutcome::Accepted { mr: Some(7) }, facts()),
            Verdict::Acked { mr: Some(7), report_until: until, by_evidence: false }
        );
        assert!(matches!(verdict(SendOutcome::Rejected { code: 1 }, facts()), Verdict::Fail { .. }));
        assert!(matches!(verdict(SendOutcome::Rejected { code: 197 }, facts()), Verdict::Fail { .. }));
        let resend = Facts { rd: true, ..facts() };
        assert_eq!(
            verdict(SendOutcome::Rejected { code: 197 }, resend),
            Verdict::Acked { mr: None, report_until: until, by_evidence: true }
        );
    }

    #[test]
    fn blame_decides_how_soon() {
        let wait = |code, facts| match verdict(SendOutcome::Rejected { code }, facts) {
            Verdict::Retry { not_before, .. } => NOW.until(not_before).as_secs(),
            other => panic!("{other:?}"),
        };
        let two_sims = Facts { other_sim: true, ..facts() };
        for (name, code, facts, seconds) in [
            ("network, one sim", 38, facts(), 5),
            ("network, two sims", 38, two_sims, 5),
            ("sim, one sim", 21, facts(), 5),
            ("sim, two sims", 21, two_sims, 0),
            ("storage, two sims", 322, two_sims, 0),
            ("third try", 38, Facts { tries: 2, ..facts() }, 20),
            ("capped", 38, Facts { tries: 40, ..facts() }, 900),
        ] {
            assert_eq!(wait(code, facts), seconds, "{name}");
        }
    }

    #[test]
    fn a_busy_sim_is_asked_again_soon() {
        let wait =
            |code| match verdict(SendOutcome::NotSent { code, detail: String::new() }, Facts { tries: 6, ..facts() }) {
                Verdict::Retry { not_before, .. } => NOW.until(not_before).as_secs(),
                other => panic!("{other:?}"),
            };
        assert_eq!([Some(515), Some(14), Some(30), None].map(wait), [4, 4, 320, 320]);
    }

    #[test]
    fn what_is_not_known_is_never_failed() {
        for code in [300, 332, 500, 512, 999] {
            assert!(matches!(verdict(SendOutcome::Rejected { code }, facts()), Verdict::Ambiguous { .. }), "{code}");
        }
        let timeout = SendOutcome::Uncertain { reason: UncertainReason::Timeout, code: None };
        let resolve = |report| match verdict(timeout.clone(), Facts { report, ..facts() }) {
            Verdict::Ambiguous { resolve_at, .. } => NOW.until(resolve_at).as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!((resolve(true), resolve(false)), (120, 5));
    }

    #[test]
    fn resends_are_bounded_by_policy() {
        assert!(may_resend(OnUncertain::Resend, 0));
        assert!(!may_resend(OnUncertain::Resend, 1));
        assert!(!may_resend(OnUncertain::Hold, 0));
    }

    #[test]
    fn jitter_is_full_and_capped() {
        let config = Config::default();
        assert_eq!(backoff(&config, 0, 0.0), Duration::ZERO);
        assert_eq!(backoff(&config, 3, 0.5), Duration::from_secs(20));
        assert_eq!(backoff(&config, u32::MAX, 1.0), config.cap);
    }
}
