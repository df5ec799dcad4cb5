//! Fibocom: L850, Intel's XMM inside. ModemManager's Fibocom and XMM plugins.

use super::Deed::{Off, Reset, Say, Slot};
use super::{CNMI_OF_MANY, GENERIC, Own, Personality};

pub(super) const FIBOCOM: Personality = Personality {
    name: "fibocom",
    maker: "Fibocom Wireless Inc.",
    model: "L850-GL",
    revision: "18500.5001.00.05.27.12",
    boot: &["+SIM READY"],
    noise: &["+XCIEV: 0,4", "+XCESQI: 0,99,99,255,255,24,51,18"],
    own: &[OWN],
    lacks: &["+ICCID"],
    cnmi_listed: CNMI_OF_MANY,
    ..GENERIC
};

const OWN: &[Own] = &[
    // Of the PIN, PIN2, the PUK, PUK2.
    ("+XPINCNT", Say(&["+XPINCNT: {tries},3,10,10"])),
    ("+CFUN=15", Reset),
    ("+CPWROFF", Off(&[])),
    ("+GTDUALSIM=0", Slot(0)),
    ("+GTDUALSIM=1", Slot(1)),
];
