//! Huawei: a stick of the E17xx kind. ofono's and ModemManager's Huawei plugins, gammu, python-gsmmodem's fake E1752.

use super::Deed::{Reset, Say, Slot, SwappedIccid};
use super::{ALL_MEMORIES, CNMI_OF_MANY, CNMI_WITHOUT_MODE_2, GENERIC, Own, Personality, Ussd};
use crate::simulator::command::Memory;

pub(super) const HUAWEI: Personality = Personality {
    name: "huawei",
    maker: "huawei",
    model: "E1752",
    revision: "11.126.13.00.00",
    boot: &["^BOOT:27710117,0,0,0,75", "^SIMST:1", "^SRVST:2"],
    noise: &[
        "^RSSI:20",
        "^MODE:5,4",
        "^HCSQ:\"WCDMA\",30,30,58",
        "^DSFLOWRPT:0000240E,00000000,00000000,0000000000012C15,0000000000001F32,0003E800,0003E800",
    ],
    own: &[OWN],
    lacks: &["+CCID", "+ICCID"],
    unknown: "COMMAND NOT SUPPORT",
    access: Some(2),
    cnmi_listed: CNMI_OF_MANY,
    cnmi: CNMI_WITHOUT_MODE_2,
    cpms_listed: ALL_MEMORIES,
    memories: &[Memory::Sm, Memory::Me, Memory::Sr],
    // gammu's SMS_LOCATION_0.
    first_slot: Some(0),
    no_network: 512,
    ussd: Ussd::Packed,
    ..GENERIC
};

const OWN: &[Own] = &[
    ("^ICCID?", SwappedIccid("^ICCID: ")),
    // State, tries of what it waits for, then PUK, PIN, PUK2, PIN2.
    ("^CPIN?", Say(&["^CPIN: {state},{tries},10,{tries},10,3"])),
    ("^CHIPTEMP?", Say(&["^CHIPTEMP: 310,310,310,65535,33"])),
    ("^RESET", Reset),
    ("^SIMSWITCH=0", Slot(0)),
    ("^SIMSWITCH=1", Slot(1)),
    // Those with HiSilicon's chip.
    ("^SCICHG=0,1", Slot(0)),
    ("^SCICHG=1,0", Slot(1)),
];
