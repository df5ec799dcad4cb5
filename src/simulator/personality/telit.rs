//! Telit: LE910C1. ModemManager's and ofono's Telit plugins.

use super::Deed::{Iccid, Off, Reset, Say, Slot};
use super::{CNMI_OF_MANY, GENERIC, Own, Personality};

pub(super) const TELIT: Personality = Personality {
    name: "telit",
    maker: "Telit",
    model: "LE910C1-EU",
    revision: "25.20.152",
    noise: &["+CIEV: rssi,4"],
    own: &[OWN],
    lacks: &["+ICCID"],
    cnmi_listed: CNMI_OF_MANY,
    ..GENERIC
};

const OWN: &[Own] = &[
    ("#CCID", Iccid("#CCID: ")),
    ("#PCT", Say(&["#PCT: {tries}"])),
    // Told when it changes; 3: its messages can be read.
    ("#QSS=2", Say(&[])),
    ("#QSS?", Say(&["#QSS: 2,3"])),
    ("#TEMPMON=1", Say(&["#TEMPMEAS: 0,29"])),
    ("#REBOOT", Reset),
    ("#SHDN", Off(&[])),
    ("#SIMSELECT=1", Slot(0)),
    ("#SIMSELECT=2", Slot(1)),
];
