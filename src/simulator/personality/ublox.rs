//! u-blox: TOBY-L4. ModemManager's and ofono's u-blox plugins.

use super::Deed::{Off, Reset, Say};
use super::{CNMI_OF_MANY, GENERIC, Own, Personality};

pub(super) const UBLOX: Personality = Personality {
    name: "u-blox",
    maker: "u-blox",
    model: "TOBY-L4006-50A-00",
    revision: "40.43",
    boot: &["+AT: READY"],
    noise: &["+UUPSDD: 0", "+UCALLSTAT: 1,6", "+UUCREG: 1"],
    own: &[OWN],
    lacks: &["+ICCID"],
    sim_busy: 256,
    cnmi_listed: CNMI_OF_MANY,
    ..GENERIC
};

const OWN: &[Own] = &[
    // Of the PIN, PIN2, the PUK, PUK2.
    ("+UPINCNT", Say(&["+UPINCNT: {tries},3,10,10"])),
    ("+UTEMP?", Say(&["+UTEMP: 345"])),
    ("+CFUN=16", Reset),
    ("+CPWROFF", Off(&[])),
];
