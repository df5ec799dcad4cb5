//! Sierra Wireless: MC7455. ModemManager's and ofono's Sierra plugins, ofono on Gobi.

use super::Deed::{ResetUnlocked, Say, Slot, Unlock};
use super::{CNMI_OF_MANY, GENERIC, Own, Personality};

pub(super) const SIERRA: Personality = Personality {
    name: "sierra",
    maker: "Sierra Wireless, Incorporated",
    model: "MC7455",
    revision: "SWI9X30C_02.24.05.06 r7040 CARMD-EV-FRMWR2 2017/05/19 06:23:09",
    boot: &["+PACSP0"],
    noise: &["+PACSP1"],
    own: &[OWN],
    lacks: &["+CCID"],
    cnmi_listed: CNMI_OF_MANY,
    // ModemManager: many Qualcomm parts list ds 1 and refuse it; ofono: and mode 2.
    cnmi: [&[0, 1], &[0, 1, 2], &[0], &[0, 2], &[0, 1]],
    ..GENERIC
};

const OWN: &[Own] = &[
    // Of the PIN, PIN2, the PUK, PUK2.
    ("+CPINC?", Say(&["+CPINC: {tries},3,10,10"])),
    ("!ENTERCND=\"A710\"", Unlock),
    ("!RESET", ResetUnlocked),
    ("!UIMS=0", Slot(0)),
    ("!UIMS=1", Slot(1)),
];
