//! Fibocom: L850, NL668, FM150, FM101, L610, MA510; Foxconn's T99W175, sold by Dell too, behaves alike.

use super::{Asked, GENERIC, Is, Ports, Profile, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's Fibocom and XMM plugins.
pub(super) const FIBOCOM: Profile = Profile {
    name: "fibocom",
    is: &[Is { maker: "fibocom", model: "" }],
    usb: USB,
    signs: SIGNS,
    // L850 and its kin are Intel's XMM inside.
    pin_tries: Some(Asked { command: "+XPINCNT", name: "+XPINCNT", row: None, field: 0 }),
    reset: &["+CFUN=15"],
    power_off: Some("+CPWROFF"),
    sim_slots: &[&["+GTDUALSIM=0"], &["+GTDUALSIM=1"]],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x2cb7, products: &[0x0007], ports: Ports::Numbers(&[2, 6]) },
    Usb { vendor: 0x2cb7, products: &[0x01a0], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x2cb7, products: &[0x0104, 0x0106], ports: Ports::Numbers(&[1, 2]) },
    Usb { vendor: 0x2cb7, products: &[0x01a2], ports: Ports::Numbers(&[2]) },
    Usb { vendor: 0x2cb7, products: &[0x01a4, 0x0115], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x2cb7, products: &[0x010a], ports: Ports::Numbers(&[0, 1]) },
    Usb { vendor: 0x1508, products: &[0x1001], ports: Ports::Numbers(&[1, 2, 3]) },
    Usb { vendor: 0x1782, products: &[0x4d10], ports: Ports::Numbers(&[0, 5, 6]) },
    Usb { vendor: 0x1782, products: &[0x4d11], ports: Ports::Numbers(&[2, 7, 8]) },
    Usb { vendor: 0x8087, products: &[0x095a], ports: Ports::Numbers(&[0, 4]) },
    Usb { vendor: 0x0489, products: &[0xe0b4, 0xe0b5], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x413c, products: &[0x81d7, 0x81e0], ports: Ports::Numbers(&[2, 3]) },
];

const SIGNS: &[Sign] = &[("+XCIEV", Meaning::Nothing), ("+XCESQI", Meaning::Nothing), ("+SIM READY", Meaning::Started)];
