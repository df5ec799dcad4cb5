//! u-blox: LISA, SARA, TOBY and LARA modules.

use super::{Asked, GENERIC, Gauge, Is, Ports, Profile, Quantity, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's u-blox plugins.
pub(super) const UBLOX: Profile = Profile {
    name: "u-blox",
    is: &[Is { maker: "u-blox", model: "" }, Is { maker: "ublox", model: "" }],
    usb: USB,
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+UPINCNT", name: "+UPINCNT", row: None, field: 0 }),
    reset: &["+CFUN=16"],
    power_off: Some("+CPWROFF"),
    gauges: &[Gauge {
        asked: Asked { command: "+UTEMP?", name: "+UTEMP", row: None, field: 0 },
        quantity: Quantity::TenthsCelsius,
    }],
    ..GENERIC
};

const USB: &[Usb] = &[
    // LISA-U2 and SARA-U2, TOBY-R2, LARA-R2: 6, 8 and 10 are for other things.
    Usb { vendor: 0x1546, products: &[0x1102, 0x1104, 0x1107, 0x110a], ports: Ports::Numbers(&[0, 2, 4]) },
    // TOBY-L2, which needs 20 s before it answers.
    Usb { vendor: 0x1546, products: &[0x1141, 0x1143, 0x1146], ports: Ports::Numbers(&[0, 2]) },
    // TOBY-L4.
    Usb { vendor: 0x1546, products: &[0x1010], ports: Ports::Numbers(&[6]) },
    // LARA-R6, with an id of Qualcomm's.
    Usb { vendor: 0x05c6, products: &[0x908b], ports: Ports::Numbers(&[1, 2]) },
];

const SIGNS: &[Sign] = &[
    ("+AT: READY", Meaning::Started),
    ("+UUSIMSTAT", Meaning::SimMoved),
    ("+UUPSDD", Meaning::Nothing),
    ("+UUPSDA", Meaning::Nothing),
    ("+UCALLSTAT", Meaning::Nothing),
    ("+UUCREG", Meaning::Nothing),
    ("+UMWI", Meaning::Nothing),
];
