//! Sierra Wireless: MC73xx, MC74xx, EM74xx, EM75xx.

use super::{Asked, GENERIC, Is, Ports, Profile, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's Sierra plugins.
pub(super) const SIERRA: Profile = Profile {
    name: "sierra",
    is: &[Is { maker: "sierra", model: "" }],
    usb: USB,
    signs: SIGNS,
    pin_tries: Some(Asked { command: "+CPINC?", name: "+CPINC", row: None, field: 0 }),
    // The password that opens the maker's commands is printed in its manuals.
    reset: &["!ENTERCND=\"A710\"", "!RESET"],
    sim_slots: &[&["!UIMS=0"], &["!UIMS=1"]],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x1199, products: &[0x9071, 0x9091, 0x9079, 0x68c0], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x1199, products: &[0xc001], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x1199, products: &[0x0fff], ports: Ports::Storage },
];

const SIGNS: &[Sign] = &[("+PACSP0", Meaning::Started), ("+PACSP1", Meaning::Nothing)];
