//! Cinterion, Thales and Siemens: PLS8, PLS62, PHS8, MV3x; TC35, MC35, MC39, MC55 before them.

use super::{Asked, GENERIC, Gauge, Init, Is, Ports, Profile, Quantity, Usb};
use crate::at::urc::{Meaning, Sign};

/// ModemManager's Cinterion plugin, Kannel's `modems.conf`, smstools3's `modeminit.c`.
pub(super) const CINTERION: Profile = Profile {
    name: "cinterion",
    is: &[
        Is { maker: "cinterion", model: "" },
        Is { maker: "siemens", model: "" },
        Is { maker: "thales", model: "" },
        Is { maker: "gemalto", model: "" },
    ],
    usb: USB,
    // Where unsolicited lines go: to the application's port, which is the first.
    init: &[Init::Usb("^SCFG=\"URC/DstIfc\",\"app\"")],
    signs: SIGNS,
    pin_tries: Some(Asked { command: "^SPIC=\"SC\"", name: "^SPIC", row: None, field: 0 }),
    // The old ones know mode 3 or 1 best, and refuse a buffer that is flushed.
    cnmi: &[
        [2, 1, 0, 2, 1],
        [2, 1, 0, 1, 1],
        [2, 1, 0, 2, 0],
        [2, 1, 0, 1, 0],
        [3, 1, 0, 2, 1],
        [3, 1, 0, 1, 1],
        [1, 1, 0, 2, 1],
        [1, 1, 0, 1, 1],
        [1, 1, 0, 2, 0],
        [2, 1, 0, 0, 1],
        [3, 1, 0, 0, 1],
        [1, 1, 0, 0, 0],
    ],
    // A wrong character of the address, a wrong length, a wrong character of the PDU: invalid PDU mode parameter.
    codes: &[(515, 304), (516, 304), (517, 304)],
    reset: &["+CFUN=1,1"],
    power_off: Some("^SMSO"),
    sim_slots: &[&["^SCFG=\"SIM/CS\",\"SIM_1\""], &["^SCFG=\"SIM/CS\",\"SIM_2\""]],
    gauges: &[Gauge {
        asked: Asked { command: "^SCTM?", name: "^SCTM", row: None, field: 2 },
        quantity: Quantity::Celsius,
    }],
    ..GENERIC
};

const USB: &[Usb] = &[
    Usb { vendor: 0x1e2d, products: &[0x0061], ports: Ports::Numbers(&[2, 0]) },
    Usb { vendor: 0x1e2d, products: &[0x005b, 0x005d, 0x0069, 0x006f], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x1e2d, products: &[0x00f1, 0x00b3], ports: Ports::Numbers(&[2]) },
];

const SIGNS: &[Sign] = &[
    ("^SYSSTART", Meaning::Started),
    ("^SHUTDOWN", Meaning::PoweringDown),
    ("^SBC: Undervoltage", Meaning::Strained),
    ("^SBC: Overvoltage", Meaning::Strained),
    ("^SBC", Meaning::Nothing),
    ("^SCTM_B", Meaning::Strained),
    ("^SMGO: 1", Meaning::MemoryFull),
    ("^SMGO: 2", Meaning::MemoryFull),
    ("^SMGO", Meaning::Nothing),
    ("^SCKS", Meaning::SimMoved),
];
