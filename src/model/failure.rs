//! Who is to blame for a failed try, and what follows: the one table of error codes.

use super::words::words;

words! {
    /// Who is to blame decides what follows.
    pub enum Blame {
        /// The number or the content: it fails on every SIM.
        Message = 0 "message",
        /// This SIM: barred, blocked, without credit.
        Sim = 1 "sim",
        /// The network, for now.
        Network = 2 "network",
        /// The modem or its line.
        Modem = 3 "modem",
    }
}

words! {
    /// What kind of failure it was: a row of RELIABILITY §2.4.
    pub enum FailureCause {
        /// The number does not exist or cannot be reached.
        Recipient = 0 "recipient",
        /// The PDU was refused.
        Content = 1 "content",
        /// The SIM may not send.
        SimBlocked = 2 "sim_blocked",
        /// The service centre's address is unknown.
        Config = 3 "config",
        /// Congestion, no network, no answer from the centre.
        Temporary = 4 "temporary",
        /// A memory is full.
        Storage = 5 "storage",
        /// The centre says it has this one already.
        Duplicate = 6 "duplicate",
        /// Refused before the prompt, or the line failed before Ctrl-Z.
        NotSent = 7 "not_sent",
    }
}

/// A definite failure of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failure {
    /// Who is to blame.
    pub blame: Blame,
    /// What kind it was.
    pub cause: FailureCause,
    /// The `+CMS ERROR` or `+CME ERROR` code.
    pub code: Option<u16>,
}

/// What a code after the payload means for the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Failed for good.
    Fail(FailureCause),
    /// Not sent; try again, avoiding who is to blame.
    Retry(Blame, FailureCause),
    /// The service centre says it has this one already.
    Duplicate,
    /// Nobody knows whether it left.
    Ambiguous,
}

/// True for a SIM that is busy, and what many makes say while they begin; 256 is of u-blox. 3GPP TS 27.007 §9.2,
/// 3GPP TS 27.005 §3.2.5.
pub fn is_busy(code: u16) -> bool {
    matches!(code, 14 | 256 | 314 | 515)
}

/// The class of a `+CMS ERROR` that came after the payload: RELIABILITY §2.4.
/// A code that is not in the table is ambiguous, never a definite answer.
pub fn classify(code: u16) -> Action {
    use FailureCause::{Config, Content, Recipient, SimBlocked, Storage, Temporary};
    match code {
        1 | 30 | 195 | 196 => Action::Fail(Recipient),
        197 => Action::Duplicate,
        8 | 10 | 21 | 28 | 29 | 50 | 69 | 193 | 310..=313 | 315..=318 => Action::Retry(Blame::Sim, SimBlocked),
        330 => Action::Retry(Blame::Sim, Config),
        17 | 22 | 27 | 38 | 41 | 42 | 47 | 127 | 192 | 194 | 210 | 212 | 255 | 301 | 302 | 314 | 331 => {
            Action::Retry(Blame::Network, Temporary)
        }
        208 | 211 | 320 | 321 | 322 => Action::Retry(Blame::Modem, Storage),
        95..=99 | 111 | 128..=159 | 176 | 198 | 199 | 304 | 305 => Action::Fail(Content),
        _ => Action::Ambiguous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_class_and_the_unknown_is_ambiguous() {
        for code in 0..=600 {
            classify(code);
        }
        for code in [0, 2, 300, 332, 500, 512, 600, u16::MAX] {
            assert_eq!(classify(code), Action::Ambiguous, "{code}");
        }
        assert_eq!(classify(1), Action::Fail(FailureCause::Recipient));
        assert_eq!(classify(21), Action::Retry(Blame::Sim, FailureCause::SimBlocked));
        assert_eq!(classify(38), Action::Retry(Blame::Network, FailureCause::Temporary));
        assert_eq!(classify(322), Action::Retry(Blame::Modem, FailureCause::Storage));
        assert_eq!(classify(197), Action::Duplicate);
    }
}
