//! Quectel: M95 (2G), EC20 to EG95, BG9x, EP06, EM12, RM5xx; EC200 and other ASR modules beside them.

use super::{Asked, GENERIC, Gauge, Init, Is, NETWORK_CODES, Ports, Profile, Quantity, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's Quectel plugins, Quectel's AT command manuals.
pub(super) const QUECTEL: Profile = Profile {
    name: "quectel",
    is: &[Is { maker: "quectel", model: "" }],
    usb: USB,
    // Where unsolicited lines go: to a port nobody reads, from the factory.
    init: &[Init::Usb("+QURCCFG=\"urcport\",\"usbat\""), Init::Uart("+QURCCFG=\"urcport\",\"uart1\"")],
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+QPINC?", name: "+QPINC", row: Some("SC"), field: 1 }),
    codes: NETWORK_CODES,
    reset: &["+CFUN=1,1"],
    power_off: Some("+QPOWD=1"),
    sim_slots: &[&["+QUIMSLOT=1"], &["+QUIMSLOT=2"]],
    gauges: &[
        Gauge { asked: Asked { command: "+QTEMP", name: "+QTEMP", row: None, field: 0 }, quantity: Quantity::Celsius },
        Gauge { asked: Asked { command: "+CBC", name: "+CBC", row: None, field: 2 }, quantity: Quantity::Millivolts },
    ],
    ..GENERIC
};

/// EC200, EG91, M66-DS and others that number their SIM slots from 0.
pub(super) const QUECTEL_EC200: Profile = Profile {
    name: "quectel-ec200",
    is: &[
        Is { maker: "quectel", model: "ec200" },
        Is { maker: "quectel", model: "eg91" },
        Is { maker: "quectel", model: "m66" },
    ],
    usb: &[],
    signs: &[],
    sim_slots: &[&["+QDSIM=0"], &["+QDSIM=1"]],
    ..QUECTEL
};

const USB: &[Usb] = &[
    Usb {
        vendor: 0x2c7c,
        products: &[0x0306, 0x0191, 0x0195, 0x0296, 0x0125, 0x0512, 0x0121, 0x0800, 0x0801],
        ports: Ports::Numbers(&[2, 3]),
    },
    Usb { vendor: 0x2c7c, products: &[0x0128], ports: Ports::Numbers(&[5]) },
];

const SIGNS: &[Sign] = &[
    ("RDY", Meaning::Started),
    ("+QIND: SMS DONE", Meaning::Started),
    ("+QIND: PB DONE", Meaning::Started),
    ("+QIND: SMS FULL", Meaning::MemoryFull),
    ("+QIND: \"smsfull\"", Meaning::MemoryFull),
    ("+QSIMSTAT", Meaning::SimMoved),
    ("NORMAL POWER DOWN", Meaning::PoweringDown),
    ("POWERED DOWN", Meaning::PoweringDown),
    ("+QIND", Meaning::Nothing),
    ("+QUSIM", Meaning::Nothing),
    ("+QGPSURC", Meaning::Nothing),
    ("+QLWURC", Meaning::Nothing),
    ("+QTONEDET", Meaning::Nothing),
    ("+QUSD", Meaning::Nothing),
];
