//! Huawei: sticks E1xx to E3372 and E8372, modules ME909, MU709, EM770 and the K series for Vodafone.

use super::{Asked, GENERIC, Gauge, Is, NETWORK_CODES, Ports, Profile, Quantity, Usb, Ussd};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's Huawei plugins, gammu's `F_HUAWEI_INIT`, chan_quectel's `pdiscovery.c`.
pub(super) const HUAWEI: Profile = Profile {
    name: "huawei",
    is: &[Is { maker: "huawei", model: "" }],
    usb: USB,
    // Not ^CURC=0 against the flood of ^RSSI and ^MODE: it silences ^SMMEMFULL with them, on some all that comes by itself.
    signs: SIGNS,
    // ^CPIN: state, tries of what it waits for, then PUK, PIN, PUK2, PIN2.
    pin_tries: Some(Asked { command: "^CPIN?", name: "^CPIN", row: None, field: 3 }),
    codes: NETWORK_CODES,
    reset: &["^RESET"],
    sim_slots: &[&["^SIMSWITCH=0"], &["^SIMSWITCH=1"]],
    gauges: &[Gauge {
        asked: Asked { command: "^CHIPTEMP?", name: "^CHIPTEMP", row: None, field: 0 },
        quantity: Quantity::TenthsCelsius,
    }],
    ussd: Ussd::Packed,
    ..GENERIC
};

/// By class: protocol 0x02 and 0x32 are "PCUI", the port for commands and unsolicited lines; 0x01 and 0x31 the modem.
/// By number: the older ones, whose ports all look alike.
const USB: &[Usb] = &[
    Usb { vendor: 0x12d1, products: &[0x1003], ports: Ports::Numbers(&[1, 0]) },
    Usb { vendor: 0x12d1, products: &[0x1001], ports: Ports::Numbers(&[2, 1, 0]) },
    Usb { vendor: 0x12d1, products: &[0x140c], ports: Ports::Numbers(&[3, 2]) },
    Usb { vendor: 0x12d1, products: &[0x14ac, 0x1436], ports: Ports::Numbers(&[4, 3]) },
    Usb {
        vendor: 0x12d1,
        products: &[
            0x1404, 0x1406, 0x140b, 0x1412, 0x1417, 0x141b, 0x1429, 0x1432, 0x1433, 0x1442, 0x1465, 0x14c9, 0x14f8,
            0x1506, 0x150a, 0x150c, 0x150f, 0x1511, 0x151d, 0x1573, 0x1575, 0x157f, 0x1588, 0x1592, 0x1c05, 0x1c1e,
        ],
        ports: Ports::Protocols(&[0x02, 0x32, 0x01, 0x31]),
    },
    Usb {
        vendor: 0x12d1,
        products: &[
            0x1446, 0x14d1, 0x14fe, 0x1505, 0x1520, 0x157c, 0x15ca, 0x15cd, 0x15cf, 0x15e7, 0x1f01, 0x1f16, 0x1f1e,
        ],
        ports: Ports::Storage,
    },
    Usb { vendor: 0x12d1, products: &[0x14db, 0x14dc], ports: Ports::Network },
];

const SIGNS: &[Sign] = &[
    ("^SMMEMFULL", Meaning::MemoryFull),
    ("^SIMST", Meaning::SimMoved),
    ("^BOOT", Meaning::Nothing),
    ("^RSSI", Meaning::Nothing),
    ("^RSSILVL", Meaning::Nothing),
    ("^HRSSILVL", Meaning::Nothing),
    ("^HCSQ", Meaning::Nothing),
    ("^MODE", Meaning::Nothing),
    ("^SRVST", Meaning::Nothing),
    ("^STIN", Meaning::Nothing),
    ("^DSFLOWRPT", Meaning::Nothing),
    ("^DSDORMANT", Meaning::Nothing),
    ("^NDISSTAT", Meaning::Nothing),
    ("^NDISEND", Meaning::Nothing),
    ("^CEND", Meaning::Nothing),
    ("^CONN", Meaning::Nothing),
    ("^CONF", Meaning::Nothing),
    ("^ORIG", Meaning::Nothing),
    ("^EONS", Meaning::Nothing),
    ("^LWURC", Meaning::Nothing),
    ("^POSITION", Meaning::Nothing),
    // Clones: the state of a call, on the Quectel UC15 too.
    ("^DSCI", Meaning::Nothing),
];
