//! Nokia: internet sticks CS-xx, and phones.

use super::{GENERIC, Is, Ports, Profile, Usb};

/// ModemManager's Nokia plugin, gammu.
pub(super) const NOKIA: Profile = Profile {
    name: "nokia",
    is: &[Is { maker: "nokia", model: "" }],
    usb: USB,
    // S60 phones list mode 2 with a buffer only.
    cnmi: &[
        [2, 1, 0, 2, 0],
        [2, 1, 0, 1, 0],
        [1, 1, 0, 2, 0],
        [1, 1, 0, 1, 0],
        [2, 1, 0, 1, 1],
        [1, 1, 0, 1, 1],
        [2, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
    ],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb {
        vendor: 0x0421,
        products: &[0x060d, 0x0611, 0x061a, 0x061b, 0x061f, 0x0620, 0x0623, 0x0624, 0x0625, 0x062a, 0x062e, 0x062f],
        ports: Ports::Numbers(&[1]),
    },
    Usb { vendor: 0x0421, products: &[0x0619], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x0421, products: &[0x0622], ports: Ports::Storage },
];
