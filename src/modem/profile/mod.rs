//! What is particular about a make of modem: one const per make, each beginning from [`GENERIC`].

mod generic;

pub use generic::GENERIC;

use crate::at::Memory;
use std::time::Duration;

/// How long a final code is waited for after Ctrl-Z on GSM, UMTS and LTE: the network may take its time, and the modem
/// repeats by itself. Any shorter wait makes duplicates. RELIABILITY A-2, 3GPP TS 24.011 §10.
pub const SEND_DEADLINE: Duration = Duration::from_secs(180);

/// What the driver must know about a make. A modem is asked first (`=?`); the profile says what to prefer among its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: &'static str,
    /// Values of `+CNMI`, the best first.
    pub cnmi: &'static [[u8; 5]],
    /// Memories to receive into, the best first.
    pub memories: &'static [Memory],
    /// `+CSMS=1` is used where it is offered, so that routed messages wait for `+CNMA`.
    pub acknowledges: bool,
    /// It sends with the TP-MR we give it, so a repeat is recognised by the service centre (RELIABILITY A-3).
    pub honours_mr: bool,
    /// How long its answers may take.
    pub deadlines: Deadlines,
}

/// How long answers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From `AT+CMGS` to the prompt.
    pub prompt: Duration,
    /// From Ctrl-Z to the final result.
    pub submit: Duration,
    /// A command that concerns the modem alone.
    pub command: Duration,
    /// A command that reads or writes one place in a memory, or the SIM.
    pub memory: Duration,
    /// `+CMGL`: a whole memory.
    pub list: Duration,
}

/// All profiles. The first whose name is asked for is taken.
const PROFILES: &[&Profile] = &[&GENERIC];

impl Profile {
    /// The profile with this name.
    pub fn named(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().copied().find(|profile| profile.name == name)
    }

    /// The names that [`Profile::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.iter().map(|profile| profile.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_found_by_name() {
        assert_eq!(Profile::named("generic"), Some(&GENERIC));
        assert_eq!(Profile::named("unheard-of"), None);
        assert_eq!(Profile::names().collect::<Vec<_>>(), ["generic"]);
    }

    #[test]
    fn inbound_is_always_stored_first() {
        for profile in PROFILES {
            assert!(profile.cnmi.iter().all(|values| values[1] == 1), "{}", profile.name);
        }
    }

    #[test]
    fn no_submit_is_given_up_before_the_network_has() {
        for profile in PROFILES {
            assert!(profile.deadlines.submit >= SEND_DEADLINE, "{}", profile.name);
        }
    }
}
