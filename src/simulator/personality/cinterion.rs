//! Cinterion: PLS8. ModemManager's Cinterion plugin and its tests, Kannel's `modems.conf`.

use super::Deed::{Off, Reset, Say, Slot};
use super::{GENERIC, Own, Personality};

pub(super) const CINTERION: Personality = Personality {
    name: "cinterion",
    maker: "Cinterion",
    model: "PLS8-E",
    revision: "REVISION 03.017",
    boot: &["^SYSSTART", "+CIEV: simlocal,0,1"],
    noise: &["+CIEV: rssi,4"],
    own: &[OWN],
    lacks: &["+ICCID"],
    // ModemManager's tests; a PHS8 has (0) for ds. Kept in the buffer it wants to be (bfr 1), or not at all.
    cnmi_listed: "(0-3),(0,1),(0,2,3),(0,2),(1)",
    cnmi: [&[0, 1, 2, 3], &[0, 1], &[0], &[0, 2], &[1]],
    cpms_listed: "(\"SM\",\"ME\",\"MT\"),(\"SM\",\"ME\",\"MT\"),(\"SM\",\"ME\",\"MT\")",
    // Its 516: invalid length.
    invalid_pdu: 516,
    ..GENERIC
};

const OWN: &[Own] = &[
    ("^SCFG=\"URC/DstIfc\",\"app\"", Say(&["^SCFG: \"URC/DstIfc\",\"app\""])),
    ("^SPIC=\"SC\"", Say(&["^SPIC: {tries}"])),
    ("^SPIC=\"SC\",1", Say(&["^SPIC: 10"])),
    ("^SCTM?", Say(&["^SCTM: 0,0,32"])),
    ("+CFUN=1,1", Reset),
    ("^SMSO", Off(&["^SHUTDOWN"])),
    ("^SCFG=\"SIM/CS\",\"SIM_1\"", Slot(0)),
    ("^SCFG=\"SIM/CS\",\"SIM_2\"", Slot(1)),
];
