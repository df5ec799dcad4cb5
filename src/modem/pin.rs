//! The PIN guard: a PIN is entered once into a SIM, and only when that cannot cost it (RELIABILITY A-12, fault F-20).

use crate::at::Pin;
use crate::model::{PinMark, PinRecord};
use tokio::sync::{mpsc, oneshot};

/// A question about PINs to who remembers them. The answer does not come when it cannot be remembered.
#[derive(Debug)]
pub struct PinQuestion {
    /// The SIM: its ICCID; `imei:` and the modem's while that cannot be read.
    pub sim: String,
    /// The modem's IMEI, where it has one.
    pub modem: String,
    /// The PIN.
    pub pin: Pin,
    /// What is to be remembered of it from now on; `None`: nothing new.
    pub mark: Option<PinMark>,
    /// What was remembered before; sent when the new mark is durable.
    pub answer: oneshot::Sender<PinRecord>,
}

/// Where PINs are remembered.
pub type PinMemory = mpsc::Sender<PinQuestion>;

/// Why a PIN is not entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PinRefusal {
    /// So few tries are left.
    Few(u8),
    /// This SIM has refused it.
    Refused,
    /// It was entered, and nobody knows what the SIM said.
    Unfinished,
    /// Another PIN was wrong, and nobody knows how many tries are left.
    Unknown,
    /// It is another SIM's.
    Another,
}

impl PinRefusal {
    /// For a person, with the next step.
    pub(super) fn words(self) -> String {
        match self {
            PinRefusal::Few(0 | 1) => {
                "the SIM asks for its PIN and has one try left at most; enter the PIN in a phone".to_owned()
            }
            PinRefusal::Few(tries) => format!(
                "the SIM asks for its PIN and has {tries} tries left; enter the PIN in a phone, or set pin_force = true"
            ),
            PinRefusal::Refused => {
                "the SIM has refused this PIN before; put the right one into the file of pin_file and restart"
                    .to_owned()
            }
            PinRefusal::Unfinished => {
                "this PIN was entered once, the end is not known, and the modem does not tell how many tries are left; \
                 enter the PIN in a phone"
                    .to_owned()
            }
            PinRefusal::Unknown => {
                "another PIN was wrong for this SIM, and the modem does not tell how many tries are left; \
                                    enter the PIN in a phone, or set pin_force = true"
                    .to_owned()
            }
            PinRefusal::Another => "the SIM is not the one that this PIN was for; if it has the same PIN, set \
                                    pin_force = true"
                .to_owned(),
        }
    }
}

/// Tries of a SIM that nobody has entered a wrong PIN into. 3GPP TS 31.101 §9.5.1.
const UNTOUCHED: u8 = 3;

/// Whether a PIN may be entered now: at most one wrong entry of each PIN ever, and never the last try.
pub(super) fn decide(record: PinRecord, tries: Option<u8>, force: bool) -> Result<(), PinRefusal> {
    let untouched = tries.is_some_and(|tries| tries >= UNTOUCHED);
    if let Some(tries) = tries.filter(|tries| *tries <= 1 || *tries < UNTOUCHED && !force) {
        return Err(PinRefusal::Few(tries));
    }
    match record.here {
        // All tries are back: somebody has entered the right one since, perhaps this.
        Some(PinMark::Refused) if untouched && force => Ok(()),
        Some(PinMark::Refused) => Err(PinRefusal::Refused),
        // With all tries left it was not wrong.
        Some(PinMark::Tried) if untouched => Ok(()),
        Some(PinMark::Tried) => Err(PinRefusal::Unfinished),
        Some(PinMark::Accepted) => Ok(()),
        // Unknown tries are one try; forced, the last is still left.
        None if tries.is_none() && record.others_wrong >= if force { 2 } else { 1 } => Err(PinRefusal::Unknown),
        None if record.fits_another && !force => Err(PinRefusal::Another),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_decisions() {
        use PinMark::{Accepted, Refused, Tried};
        let none = PinRecord::default();
        let here = |mark| PinRecord { here: Some(mark), ..none };
        let another = PinRecord { fits_another: true, ..none };
        let wrong = |n| PinRecord { others_wrong: n, ..none };
        for (name, record, tries, force, want) in [
            ("the first time", none, Some(3), false, Ok(())),
            ("the first time, tries unknown", none, None, false, Ok(())),
            ("two left", none, Some(2), false, Err(PinRefusal::Few(2))),
            ("two left, forced", none, Some(2), true, Ok(())),
            ("one left, forced", none, Some(1), true, Err(PinRefusal::Few(1))),
            ("none left, forced", here(Accepted), Some(0), true, Err(PinRefusal::Few(0))),
            ("power came back", here(Accepted), Some(3), false, Ok(())),
            ("power came back, tries unknown", here(Accepted), None, false, Ok(())),
            ("known to be wrong", here(Refused), Some(3), false, Err(PinRefusal::Refused)),
            ("known to be wrong, tries unknown, forced", here(Refused), None, true, Err(PinRefusal::Refused)),
            ("known to be wrong, two left, forced", here(Refused), Some(2), true, Err(PinRefusal::Refused)),
            ("wrong once, all tries back, forced", here(Refused), Some(3), true, Ok(())),
            ("killed on the way, and it was not wrong", here(Tried), Some(3), false, Ok(())),
            ("killed on the way, tries unknown", here(Tried), None, false, Err(PinRefusal::Unfinished)),
            ("killed on the way, two left, forced", here(Tried), Some(2), true, Err(PinRefusal::Unfinished)),
            ("the second PIN", wrong(1), Some(3), false, Ok(())),
            ("the second PIN, tries unknown", wrong(1), None, false, Err(PinRefusal::Unknown)),
            ("the second PIN, tries unknown, forced", wrong(1), None, true, Ok(())),
            ("the third PIN, tries unknown, forced", wrong(2), None, true, Err(PinRefusal::Unknown)),
            ("the third PIN, two left, forced", wrong(2), Some(2), true, Ok(())),
            ("the SIM was swapped", another, Some(3), false, Err(PinRefusal::Another)),
            ("the SIM was swapped, tries unknown", another, None, false, Err(PinRefusal::Another)),
            ("the SIM was swapped, forced", another, Some(3), true, Ok(())),
        ] {
            assert_eq!(decide(record, tries, force), want, "{name}");
        }
    }

    /// Whatever happens at each entry, a SIM that nobody else touches loses at most one try to one PIN without
    /// `pin_force`, and is never left without a try.
    #[test]
    fn a_wrong_pin_costs_one_try_at_most() {
        for counter_known in [true, false] {
            for force in [false, true] {
                for dies_after_entry in [false, true] {
                    let (mut tries, mut record) = (3, PinRecord::default());
                    for _ in 0..10 {
                        if decide(record, counter_known.then_some(tries), force).is_err() {
                            continue;
                        }
                        tries -= 1;
                        record.here = Some(if dies_after_entry { PinMark::Tried } else { PinMark::Refused });
                    }
                    assert_eq!(tries, 2, "{counter_known} {force} {dies_after_entry}");
                }
            }
        }
    }
}
