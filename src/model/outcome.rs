//! How one try to send one part ended, as the driver saw it.

use super::words::words;
use std::fmt;

words! {
    /// Why nobody knows whether a part left.
    pub enum UncertainReason {
        /// No final code by the deadline.
        Timeout = 0 "timeout",
        /// The port went away after Ctrl-Z.
        HangUp = 1 "hang_up",
        /// The gateway ended between the armed mark and the result.
        Crash = 2 "crash",
        /// A final code that does not say whether the network took it: bare `ERROR`, or a local code.
        Code = 3 "code",
        /// `OK` came without a readable `+CMGS`, or something else that fits nothing.
        Garbled = 4 "garbled",
        /// The database was damaged: what it said of the part may be old.
        Salvaged = 5 "salvaged",
    }
}

impl fmt::Display for UncertainReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a try ended. Before Ctrl-Z everything is `NotSent`; after it only a final code gives certainty (RELIABILITY §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// `+CMGS: mr` and `OK`: the service centre has it. `None` when `OK` was certain and the reference unreadable.
    Accepted {
        /// TP-MR that status reports will carry.
        mr: Option<u8>,
    },
    /// Nothing reached the network: refused before the prompt, or port lost before Ctrl-Z.
    NotSent {
        /// `+CMS ERROR` or `+CME ERROR` code, when the modem gave one.
        code: Option<u16>,
        /// What happened, for the operator.
        detail: String,
    },
    /// Nothing reached the network, and nobody is to blame: the part was taken back, or its arming was refused.
    Withdrawn,
    /// The modem answered `+CMS ERROR: code` after the payload. The code's class decides ([`super::classify`]).
    Rejected {
        /// 0 to 127 RP cause, 128 to 255 TP-FCS, 300 to 511 ME, from 512 on the vendor's. 3GPP TS 27.005 §3.2.5.
        code: u16,
    },
    /// Nobody knows.
    Uncertain {
        /// Why.
        reason: UncertainReason,
        /// The code, where there was one.
        code: Option<u16>,
    },
}
