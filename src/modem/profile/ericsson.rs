//! Ericsson: mobile broadband modules F3507g to F5521gw and H5321, as built into laptops; GM22, GR47 before them.

use super::{Asked, GENERIC, Is, Ports, Profile, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's and ofono's MBM plugins.
pub(super) const ERICSSON: Profile = Profile {
    name: "ericsson",
    is: &[Is { maker: "ericsson", model: "" }],
    usb: USB,
    signs: SIGNS,
    pin_tries: Some(Asked { command: "*EPIN?", name: "*EPIN", row: None, field: 0 }),
    cnmi: &[
        [2, 1, 0, 2, 0],
        [2, 1, 0, 1, 0],
        [1, 1, 0, 2, 0],
        [1, 1, 0, 1, 0],
        // GR47.
        [3, 1, 0, 1, 0],
        [3, 1, 0, 0, 0],
        [2, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
    ],
    reset: &["*E2RESET"],
    ..GENERIC
};

/// CDC-ACM: 1 is the first AT port, 3 the second; 9 speaks NMEA.
const USB: &[Usb] = &[
    Usb {
        vendor: 0x0bdb,
        products: &[
            0x1900, 0x1902, 0x1904, 0x1905, 0x1906, 0x1909, 0x190a, 0x190b, 0x190d, 0x1911, 0x1914, 0x1917, 0x1919,
            0x191b, 0x191d, 0x191f, 0x1921, 0x1926, 0x1927, 0x1928, 0x1936, 0x193e, 0x1049,
        ],
        ports: Ports::Numbers(&[1, 3]),
    },
    Usb { vendor: 0x0fce, products: &[0xd0cf, 0xd0e1, 0xd103], ports: Ports::Numbers(&[1, 3]) },
    // As sold by Dell, HP and Toshiba.
    Usb {
        vendor: 0x413c,
        products: &[0x8147, 0x8183, 0x8184, 0x818b, 0x818c, 0x818d, 0x818e],
        ports: Ports::Numbers(&[1, 3]),
    },
    Usb { vendor: 0x03f0, products: &[0x261d, 0x271d, 0x2f1d, 0x301d, 0x3a1d, 0x3d1d], ports: Ports::Numbers(&[1, 3]) },
    Usb {
        vendor: 0x0930,
        products: &[0x130b, 0x130c, 0x1311, 0x1313, 0x1314, 0x1315, 0x1316, 0x1317, 0x1319],
        ports: Ports::Numbers(&[1, 3]),
    },
];

const SIGNS: &[Sign] = &[("*EMRDY: 1", Meaning::Started), ("*EMRDY", Meaning::Nothing), ("*E2NAP", Meaning::Nothing)];
