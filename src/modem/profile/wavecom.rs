//! Wavecom: Fastrack, Q2, MultiTech; sold by Sierra Wireless as AirLink later.

use super::{GENERIC, Is, Profile};
use crate::at::Memory;
use crate::at::urc::{Meaning, Sign};

/// ModemManager's Wavecom plugin, Kannel's `modems.conf`.
pub(super) const WAVECOM: Profile = Profile {
    name: "wavecom",
    is: &[Is { maker: "wavecom", model: "" }, Is { maker: "sierra", model: "fastrack" }],
    signs: SIGNS,
    // Its answer to +CPMS=? is "broken according to 07.05", and only the SIM can be chosen.
    memories: &[Memory::SM],
    reset: &["+CFUN=1"],
    power_off: Some("+CPOF=1"),
    ..GENERIC
};

const SIGNS: &[Sign] = &[
    // Everything can be used.
    ("+WIND: 4", Meaning::Started),
    ("+WIND: 0", Meaning::SimMoved),
    ("+WIND: 1", Meaning::SimMoved),
    ("+WIND", Meaning::Nothing),
    ("+WVMI", Meaning::Nothing),
];
