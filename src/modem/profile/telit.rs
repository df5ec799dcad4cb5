//! Telit: LE910, ME910, LM9x0, FN9x0, HE910, UC864 and kin.

use super::{Asked, GENERIC, Gauge, Init, Is, Ports, Profile, Quantity, Ready, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's Telit plugins.
pub(super) const TELIT: Profile = Profile {
    name: "telit",
    is: &[Is { maker: "telit", model: "" }],
    usb: USB,
    // The state of the SIM, told when it changes.
    init: &[Init::Always("#QSS=2")],
    signs: SIGNS,
    pin_tries: Some(Asked { command: "#PCT", name: "#PCT", row: None, field: 0 }),
    // 0 no SIM, 1 there, 2 unlocked, 3 its messages can be read.
    ready: Some(Ready { asked: Asked { command: "#QSS?", name: "#QSS", row: None, field: 1 }, from: 3 }),
    reset: &["#REBOOT"],
    power_off: Some("#SHDN"),
    sim_slots: &[&["+CFUN=4", "#SIMSELECT=1", "+CFUN=1"], &["+CFUN=4", "#SIMSELECT=2", "+CFUN=1"]],
    gauges: &[Gauge {
        asked: Asked { command: "#TEMPMON=1", name: "#TEMPMEAS", row: None, field: 1 },
        quantity: Quantity::Celsius,
    }],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x1bc7, products: &[0x1003, 0x1006], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x1bc7, products: &[0x1004, 0x1005], ports: Ports::Numbers(&[0, 3]) },
    Usb { vendor: 0x1bc7, products: &[0x1010], ports: Ports::Numbers(&[3, 2]) },
    Usb { vendor: 0x1bc7, products: &[0x1011, 0x10a9, 0x10c8, 0x3001], ports: Ports::Numbers(&[1]) },
    Usb { vendor: 0x1bc7, products: &[0x1031, 0x1033, 0x10a4, 0x10c4, 0x1101, 0x110a], ports: Ports::Numbers(&[1, 2]) },
    Usb { vendor: 0x1bc7, products: &[0x1040, 0x1050, 0x1060, 0x1070, 0x1201], ports: Ports::Numbers(&[4, 5]) },
    Usb { vendor: 0x1bc7, products: &[0x1041, 0x1051, 0x1061, 0x1071, 0x1204], ports: Ports::Numbers(&[5, 6]) },
    Usb { vendor: 0x1bc7, products: &[0x10a0, 0x10aa, 0x10c0, 0x10c9, 0x3000], ports: Ports::Numbers(&[2]) },
    Usb { vendor: 0x1bc7, products: &[0x10a2, 0x10c2], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x1bc7, products: &[0x10a7, 0x10b0, 0x10c6, 0x10d0], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x1bc7, products: &[0x10b1, 0x10d1], ports: Ports::Numbers(&[3, 4]) },
    Usb { vendor: 0x1bc7, products: &[0x7010, 0x7011], ports: Ports::Numbers(&[4, 3]) },
    Usb { vendor: 0x1bc7, products: &[0x7020, 0x7021], ports: Ports::Numbers(&[6, 2]) },
];

const SIGNS: &[Sign] = &[
    // A change, also the one that the SIM can be read now; looked at, and not believed: it may answer #QSS=2.
    ("#QSS", Meaning::SimMoved),
    ("#SIMDET", Meaning::Nothing),
    ("#TEMPMEAS", Meaning::Strained),
];
