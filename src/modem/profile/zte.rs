//! ZTE: sticks MF1xx, MF6xx, MF8xx and their rebrands.

use super::{Asked, GENERIC, Init, Is, Ports, Profile, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's ZTE plugins, gammu's `F_ZTE_INIT`.
pub(super) const ZTE: Profile = Profile {
    name: "zte",
    is: &[Is { maker: "zte", model: "" }],
    usb: USB,
    // On line: some wait in a mode without radio.
    init: &[Init::Always("+ZOPRT=5")],
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+ZPINPUK=?", name: "+ZPINPUK", row: None, field: 0 }),
    // They list mode 2 and refuse it (ofono).
    cnmi: &[[1, 1, 0, 2, 0], [1, 1, 0, 1, 0], [2, 1, 0, 2, 0], [2, 1, 0, 1, 0], [1, 1, 0, 0, 0], [2, 1, 0, 0, 0]],
    reset: &["+CFUN=4", "+CFUN=1"],
    power_off: Some("+CFUN=4"),
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x19d2, products: &[0x0001, 0x1515], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x19d2, products: &[0x0002, 0x0012, 0x0024, 0x0025, 0x0055], ports: Ports::Numbers(&[2, 4]) },
    Usb {
        vendor: 0x19d2,
        products: &[0x0003, 0x0004, 0x0005, 0x0006, 0x0007, 0x0008, 0x0009, 0x000a],
        ports: Ports::Numbers(&[0, 1]),
    },
    Usb { vendor: 0x19d2, products: &[0x0015, 0x0030, 0x0054], ports: Ports::Numbers(&[1, 3]) },
    Usb { vendor: 0x19d2, products: &[0x0016, 0x0017, 0x0018, 0x0019, 0x0117, 0x0156], ports: Ports::Numbers(&[2, 1]) },
    Usb {
        vendor: 0x19d2,
        products: &[
            0x0021, 0x0031, 0x0037, 0x0039, 0x0042, 0x0052, 0x0057, 0x0058, 0x0061, 0x0063, 0x0066, 0x0078, 0x0082,
            0x0104, 0x0106, 0x0108, 0x0122, 0x0123, 0x1007, 0x1008, 0x1010, 0x1254, 0x1268, 0x2002, 0x2003,
        ],
        ports: Ports::Numbers(&[3, 1]),
    },
    Usb {
        vendor: 0x19d2,
        products: &[0x0033, 0x0091, 0x0113, 0x0118, 0x0121, 0x0124, 0x0126, 0x0128],
        ports: Ports::Numbers(&[4, 1]),
    },
    Usb { vendor: 0x19d2, products: &[0x0043], ports: Ports::Numbers(&[3, 2]) },
    Usb { vendor: 0x19d2, products: &[0x0048, 0x0049], ports: Ports::Numbers(&[4, 2]) },
    Usb { vendor: 0x19d2, products: &[0x0064], ports: Ports::Numbers(&[2, 0]) },
    Usb { vendor: 0x19d2, products: &[0x0125], ports: Ports::Numbers(&[5, 1]) },
    Usb { vendor: 0x19d2, products: &[0x0154, 0x1420, 0x2000, 0xfff5], ports: Ports::Storage },
];

const SIGNS: &[Sign] = &[
    ("+ZUSIMR", Meaning::Nothing),
    ("+ZDONR", Meaning::Nothing),
    ("+ZPASR", Meaning::Nothing),
    ("+ZPSTM", Meaning::Nothing),
    ("+ZEND", Meaning::Nothing),
    ("+ZSIMR", Meaning::Nothing),
];
