//! Option: GlobeTrotter and iCON, with Vodafone's and others' brands; Icera modems of other makers behave alike.

use super::{Asked, GENERIC, Init, Is, Profile};
use crate::at::urc::{Meaning, Sign};

/// ofono's and ModemManager's Option plugins.
pub(super) const OPTION: Profile = Profile {
    name: "option",
    is: &[Is { maker: "option", model: "" }],
    // Its ports are told apart by an attribute of its driver, hsotype, not by number: they are probed.
    usb: &[],
    // Silences reports of signal and system.
    init: &[Init::Always("_OSSYS=0"), Init::Always("_OSQI=0")],
    signs: SIGNS,
    pin_tries: Some(Asked { command: "_OERCN?", name: "_OERCN", row: None, field: 0 }),
    reset: &["%IRESET"],
    ..GENERIC
};

const SIGNS: &[Sign] = &[
    ("_OSSYSI", Meaning::Nothing),
    ("_OSIGQ", Meaning::Nothing),
    ("_OCTI", Meaning::Nothing),
    ("_OBLS", Meaning::Nothing),
    ("_OSIM", Meaning::Nothing),
    ("%CSQN", Meaning::Nothing),
];
