//! MediaTek: MT62xx and kin, in sticks of many brands.

use super::{Asked, GENERIC, Is, Ports, Profile, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's MTK plugin.
pub(super) const MEDIATEK: Profile = Profile {
    name: "mediatek",
    is: &[Is { maker: "mtk", model: "" }, Is { maker: "mediatek", model: "" }],
    usb: USB,
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+EPINC", name: "+EPINC", row: None, field: 0 }),
    sim_slots: &[&["+ESUO=4"], &["+ESUO=5"]],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x0e8d, products: &[0x00a1, 0x00a2], ports: Ports::Numbers(&[0, 1]) },
    Usb { vendor: 0x0e8d, products: &[0x00a4], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x0e8d, products: &[0x00a5, 0x00a7, 0x0023], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x07d1, products: &[0x7e11], ports: Ports::Numbers(&[2, 3]) },
    Usb { vendor: 0x2001, products: &[0x7d00], ports: Ports::Numbers(&[0, 1]) },
];

const SIGNS: &[Sign] = &[
    ("+EIND: 128", Meaning::Started),
    ("+EIND", Meaning::Nothing),
    ("+EUSIM", Meaning::SimMoved),
    ("+EREG", Meaning::Nothing),
    ("+EGREG", Meaning::Nothing),
    ("+ECSQ", Meaning::Nothing),
];
