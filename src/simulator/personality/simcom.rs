//! SIMCom: SIM800 (2G), SIM7600 (LTE), A7670 (LTE Cat 1). ofono's and ModemManager's SIMCom plugins, SIMCom's manuals.

use super::Deed::{Iccid, Off, Reset, Say, Slot};
use super::{ALL_MEMORIES, CNMI_OF_MANY, CNMI_WITHOUT_MODE_2, GENERIC, Own, Personality};
use crate::simulator::command::Memory;

pub(super) const SIMCOM_LTE: Personality = Personality {
    name: "simcom-lte",
    maker: "SIMCOM INCORPORATED",
    model: "SIMCOM_SIM7600E-H",
    revision: "+CGMR: LE20B03SIM7600M22",
    boot: &["RDY", "+CPIN: READY", "SMS DONE", "PB DONE"],
    noise: &["+CNSMOD: 8", NETWORK_TIME],
    own: &[TRIES, LTE, &[("+SMSIMCFG=1,1", Slot(0)), ("+SMSIMCFG=1,2", Slot(1))]],
    lacks: &["+CCID"],
    cnmi_listed: CNMI_OF_MANY,
    cnmi: CNMI_WITHOUT_MODE_2,
    cpms_listed: ALL_MEMORIES,
    memories: &[Memory::Sm, Memory::Me, Memory::Sr],
    // python-gsmmodem#106: +CDSI: "SR",8.
    reports: Some(Memory::Sr),
    tells_mms: true,
    no_network: 512,
    ..GENERIC
};

pub(super) const SIMCOM_A76XX: Personality = Personality {
    name: "simcom-a76xx",
    maker: "INCORPORATED",
    model: "A7670E-FASE",
    revision: "+CGMR: A7670M7_V1.11.1",
    boot: &["*ATREADY: 1", "+CPIN: READY", "+CGEV: EPS PDN ACT 1", "SMS DONE", "PB DONE"],
    noise: &["+CGEV: ME PDN ACT 8,0", NETWORK_TIME],
    own: &[TRIES, LTE, SLOTS],
    ..SIMCOM_LTE
};

pub(super) const SIMCOM_2G: Personality = Personality {
    name: "simcom-2g",
    maker: "SIMCOM_Ltd",
    model: "SIMCOM_SIM800L",
    revision: "Revision:1418B05SIM800L24",
    boot: &["RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"],
    noise: &[NETWORK_TIME, "DST: 0"],
    is_uart: true,
    own: &[TRIES, OLD],
    lacks: &["+ICCID", "+CEREG"],
    access: None,
    cnmi_listed: "(0-3),(0-3),(0,2),(0,1),(0,1)",
    cnmi: [&[0, 1], &[0, 1, 2], &[0], &[0, 1], &[0, 1]],
    cpms_listed: GENERIC.cpms_listed,
    memories: GENERIC.memories,
    reports: None,
    ..SIMCOM_LTE
};

const NETWORK_TIME: &str = "*PSUTTZ: 2026,11,25,0,0,0,\"+4\",0";

/// Of the PIN, the PUK, PIN2, PUK2.
const TRIES: &[Own] = &[("+SPIC", Say(&["+SPIC: {tries},10,3,10"]))];

const SLOTS: &[Own] =
    &[("+SWITCHSIM=0", Slot(0)), ("+SWITCHSIM=1", Slot(1)), ("+BINDSIM=0", Slot(0)), ("+BINDSIM=1", Slot(1))];

const LTE: &[Own] = &[("+CPMUTEMP", Say(&["+CPMUTEMP: 31"])), ("+CRESET", Reset), ("+CPOF", Off(&[]))];

const OLD: &[Own] = &[
    ("+CCID", Iccid("")),
    // Charging, percent, millivolts.
    ("+CBC", Say(&["+CBC: 0,77,3898"])),
    ("+CFUN=1,1", Reset),
    ("+CPOWD=1", Off(&["NORMAL POWER DOWN"])),
];
