//! NetPrisma: LCUK54 (LTE Cat 12, with a Qualcomm chip).

use super::{GENERIC, Is, Ports, Profile, Usb};

/// ModemManager's NetPrisma plugin has its ports; of its habits nothing is known yet.
pub(super) const NETPRISMA: Profile = Profile {
    name: "netprisma",
    is: &[Is { maker: "netprisma", model: "" }],
    usb: &[Usb {
        vendor: 0x3731,
        products: &[0x0100, 0x0101, 0x0106, 0x010a, 0x010b, 0x010c, 0x010d, 0x0111, 0x0112, 0x0113, 0x0115, 0x0116],
        ports: Ports::Numbers(&[5]),
    }],
    ..GENERIC
};
