//! Ericsson: the module F5521gw. ModemManager's and ofono's MBM plugins.

use super::Deed::{Reset, Say};
use super::{GENERIC, ICCID_FILE, Own, Personality};

pub(super) const ERICSSON: Personality = Personality {
    name: "ericsson",
    maker: "Ericsson",
    model: "F5521gw",
    revision: "R2A07",
    boot: &["*EMRDY: 1"],
    noise: &["*E2NAP: 1", "+CIEV: 2,3"],
    own: &[OWN],
    lacks: &["+CCID", "+ICCID", "+CEREG"],
    access: Some(2),
    cnmi_listed: "(0-3),(0-2),(0,2),(0,1),(0)",
    cnmi: [&[0, 1, 2, 3], &[0, 1, 2], &[0], &[0, 1], &[0]],
    ..GENERIC
};

const OWN: &[Own] = &[
    ICCID_FILE,
    // Of the PIN, the PUK, PIN2, PUK2.
    ("*EPIN?", Say(&["*EPIN: {tries},10,3,10"])),
    ("*E2RESET", Reset),
];
