//! The commands of a make's own.

use super::{Answer, Refusal, info};
use crate::simulator::modem::Modem;
use crate::simulator::personality::Deed;
use crate::simulator::power::Leave;

/// Does what a command of the make's own does.
pub(super) fn run(modem: &mut Modem, deed: Deed) -> Answer {
    // A SIM that is gone, or busy, tells its number in no make's way.
    if matches!(deed, Deed::Iccid(_) | Deed::SwappedIccid(_))
        && let Some(refusal) = modem.troubled("+CCID")
    {
        return Answer::Refused(refusal);
    }
    match deed {
        Deed::Say(lines) => {
            let (state, tries) = (modem.sim.lock().name(), modem.sim.tries.to_string());
            let filled = |line: &&str| line.replace("{state}", state).replace("{tries}", &tries);
            Answer::Info(lines.iter().map(filled).collect())
        }
        Deed::Iccid(name) => info(format!("{name}{}", modem.sim.iccid)),
        Deed::SwappedIccid(name) => info(format!("{name}{}", swapped(&modem.sim.iccid))),
        Deed::Unlock => {
            modem.settings.unlocked = true;
            Answer::Ok
        }
        Deed::ResetUnlocked if !modem.settings.unlocked => Answer::Refused(Refusal::Error),
        Deed::Reset | Deed::ResetUnlocked => {
            modem.leave(Leave::Reset, &[]);
            Answer::Ok
        }
        Deed::Off(last_words) => {
            modem.leave(Leave::Off, last_words);
            Answer::Ok
        }
        Deed::Slot(slot) => {
            modem.use_slot(slot);
            Answer::Ok
        }
    }
}

/// The digits of each pair exchanged, filled with F to 20. 3GPP TS 31.102 §4.2.2.
fn swapped(iccid: &str) -> String {
    let digits = format!("{iccid:F<20}");
    digits.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_exchanged() {
        assert_eq!(swapped("8949000000000000018"), "989400000000000010F8");
    }
}
