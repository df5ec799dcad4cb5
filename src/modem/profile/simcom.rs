//! SIMCom: SIM800 and SIM900 (2G), SIM7x00 and SIM70x0 (LTE), A76xx (LTE Cat 1).

use super::{Asked, GENERIC, Gauge, Is, NETWORK_CODES, Ports, Profile, Quantity, Usb};
use crate::at::urc::{Meaning, Sign};

/// ofono's and ModemManager's SIMCom plugins.
pub(super) const SIMCOM_LTE: Profile = Profile {
    name: "simcom-lte",
    is: &[Is { maker: "simcom", model: "" }, Is { maker: "", model: "simcom_sim7" }],
    usb: USB,
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+SPIC", name: "+SPIC", row: None, field: 0 }),
    cnmi: CNMI,
    codes: NETWORK_CODES,
    reset: &["+CRESET"],
    power_off: Some("+CPOF"),
    sim_slots: &[&["+SMSIMCFG=1,1"], &["+SMSIMCFG=1,2"]],
    gauges: &[Gauge {
        asked: Asked { command: "+CPMUTEMP", name: "+CPMUTEMP", row: None, field: 0 },
        quantity: Quantity::Celsius,
    }],
    ..GENERIC
};

/// A7600E, A7670, A7672 and kin.
pub(super) const SIMCOM_A76XX: Profile = Profile {
    name: "simcom-a76xx",
    is: &[Is { maker: "", model: "a76" }],
    usb: &[],
    signs: &[],
    sim_slots: &[&["+SWITCHSIM=0"], &["+SWITCHSIM=1"]],
    ..SIMCOM_LTE
};

/// SIM800, SIM900 and kin, on a UART.
pub(super) const SIMCOM_2G: Profile = Profile {
    name: "simcom-2g",
    is: &[
        Is { maker: "simcom", model: "sim8" },
        Is { maker: "simcom", model: "sim9" },
        Is { maker: "", model: "sim300" },
    ],
    usb: &[],
    signs: &[],
    // No +CRESET; +CPOWD=1 switches it off until PWRKEY is pressed.
    reset: &["+CFUN=1,1"],
    power_off: Some("+CPOWD=1"),
    sim_slots: &[],
    gauges: &[VOLTAGE],
    ..SIMCOM_LTE
};

/// `+CBC: charging, percent, millivolts`. 3GPP TS 27.007 §8.4 ends before the last field.
const VOLTAGE: Gauge =
    Gauge { asked: Asked { command: "+CBC", name: "+CBC", row: None, field: 2 }, quantity: Quantity::Millivolts };

/// ofono: those that list mode 2 refuse it.
const CNMI: &[[u8; 5]] = &[
    [2, 1, 0, 2, 0],
    [1, 1, 0, 2, 0],
    [1, 1, 0, 1, 0],
    [2, 1, 0, 1, 0],
    [2, 1, 0, 2, 1],
    [2, 1, 0, 1, 1],
    [1, 1, 0, 1, 1],
    [1, 1, 0, 0, 0],
    [2, 1, 0, 0, 0],
];

const USB: &[Usb] = &[
    Usb { vendor: 0x1e0e, products: &[0xcefe], ports: Ports::Numbers(&[2, 0, 1]) },
    Usb { vendor: 0x1e0e, products: &[0x9100, 0x9200], ports: Ports::Numbers(&[3, 1]) },
    Usb { vendor: 0x1e0e, products: &[0x9001, 0x9205], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x1e0e, products: &[0x9206], ports: Ports::Numbers(&[2, 5]) },
    Usb { vendor: 0x1e0e, products: &[0x9011], ports: Ports::Numbers(&[4, 5]) },
    Usb { vendor: 0x1e0e, products: &[0xf000], ports: Ports::Storage },
];

const SIGNS: &[Sign] = &[
    ("RDY", Meaning::Started),
    ("Call Ready", Meaning::Started),
    ("SMS Ready", Meaning::Started),
    ("SMS DONE", Meaning::Started),
    ("PB DONE", Meaning::Started),
    ("*ATREADY", Meaning::Started),
    ("+SMS FULL", Meaning::MemoryFull),
    ("SMS FULL", Meaning::MemoryFull),
    ("NORMAL POWER DOWN", Meaning::PoweringDown),
    ("UNDER-VOLTAGE POWER DOWN", Meaning::PoweringDown),
    ("OVER-VOLTAGE POWER DOWN", Meaning::PoweringDown),
    ("UNDER-VOLTAGE", Meaning::Strained),
    ("OVER-VOLTAGE", Meaning::Strained),
    ("+CMTE", Meaning::Strained),
    ("+SIMCARD", Meaning::SimMoved),
    ("+CNSMOD", Meaning::Nothing),
    ("VOICE CALL", Meaning::Nothing),
    ("MISSED_CALL", Meaning::Nothing),
    ("*PSUTTZ", Meaning::Nothing),
    ("DST", Meaning::Nothing),
];
