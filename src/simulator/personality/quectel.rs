//! Quectel: EC25, and EC200 with a chip of another maker. ModemManager's and ofono's Quectel plugins, Quectel's manuals.

use super::Deed::{Iccid, Off, Reset, Say, Slot};
use super::{CNMI_OF_MANY, CNMI_WITHOUT_MODE_2, GENERIC, Own, Personality};

pub(super) const QUECTEL: Personality = Personality {
    name: "quectel",
    maker: "Quectel",
    model: "EC25",
    revision: "EC25EFAR06A01M4G",
    boot: &["RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"],
    noise: &["+QIND: \"csq\",22,99"],
    own: &[OWN, &[("+QUIMSLOT=1", Slot(0)), ("+QUIMSLOT=2", Slot(1))]],
    lacks: &["+CCID", "+ICCID"],
    // ofono: a Qualcomm chip.
    cnmi_listed: CNMI_OF_MANY,
    cnmi: CNMI_WITHOUT_MODE_2,
    no_network: 512,
    ..GENERIC
};

pub(super) const QUECTEL_EC200: Personality = Personality {
    name: "quectel-ec200",
    model: "EC200T",
    revision: "EC200TEUHAR05A01M16",
    own: &[OWN, &[("+QDSIM=0", Slot(0)), ("+QDSIM=1", Slot(1))]],
    cnmi: GENERIC.cnmi,
    ..QUECTEL
};

const OWN: &[Own] = &[
    ("+QCCID", Iccid("+QCCID: ")),
    ("+QURCCFG=\"urcport\",\"usbat\"", Say(&[])),
    ("+QURCCFG=\"urcport\",\"uart1\"", Say(&[])),
    ("+QPINC?", Say(&["+QPINC: \"SC\",{tries},10", "+QPINC: \"P2\",3,10"])),
    ("+QTEMP", Say(&["+QTEMP: 31,30,29"])),
    ("+CBC", Say(&["+CBC: 0,92,3800"])),
    ("+CFUN=1,1", Reset),
    ("+QPOWD=1", Off(&["POWERED DOWN"])),
];
