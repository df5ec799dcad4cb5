//! The profile of a modem that nothing particular is known about.

use super::{Deadlines, Ports, Profile, SEND_DEADLINE, Usb, Ussd};
use crate::at::Memory;
use std::time::Duration;

/// What most modems do.
pub const GENERIC: Profile = Profile {
    name: "generic",
    is: &[],
    usb: &[],
    init: &[],
    signs: &[],
    pin_tries: None,
    ready: None,
    cnmi: CNMI,
    memories: &[Memory::ME, Memory::SM, Memory::MT],
    acknowledges: true,
    honours_mr: false,
    codes: &[],
    reset: &["+CFUN=1,1"],
    power_off: None,
    sim_slots: &[],
    gauges: &[],
    ussd: Ussd::Plain,
    deadlines: Deadlines {
        prompt: Duration::from_secs(10),
        submit: SEND_DEADLINE,
        command: Duration::from_secs(5),
        // SIM access; +CMGD may take more than 7 s.
        memory: Duration::from_secs(25),
        // 255 long messages at 115200 bit/s take 10 s on the line.
        list: Duration::from_secs(60),
        // Some take 60 s to be there again (fault F-29).
        reset: Duration::from_secs(120),
    },
};

/// Inbound messages are always stored first (`mt` 1), so that nothing is lost between the modem and our commit.
///
/// For status reports, `ds` 2 (stored, announced by `+CDSI`) comes before `ds` 1 (routed by `+CDS`), for the same reason: a
/// report in a memory is read, committed and only then deleted, so our death at any point loses nothing, and many may wait.
/// A routed one must be acknowledged within 12 to 20 s, one at a time; when we die before that, the modem stops routing
/// (`mt` and `ds` fall to 0, 3GPP TS 27.005 §3.4.1) and reports that come until `+CNMI` is set again may be dropped.
/// python-gsmmodem and chan_quectel ask for `ds` 2 first too. Modems that do not store reports do not list 2.
///
/// Mode 1 for those that list 2 and refuse it: Gobi, Qualcomm MSM, Novatel, ZTE (ofono's drivers/atmodem/sms.c).
const CNMI: &[[u8; 5]] = &[
    [2, 1, 0, 2, 0],
    [1, 1, 0, 2, 0],
    [2, 1, 0, 1, 0],
    [1, 1, 0, 1, 0],
    [2, 1, 0, 2, 1],
    [2, 1, 0, 1, 1],
    [1, 1, 0, 1, 1],
    [3, 1, 0, 1, 0],
    // No reports at all is better than no inbound.
    [2, 1, 0, 0, 0],
    [1, 1, 0, 0, 0],
    [2, 1, 0, 0, 1],
    [3, 1, 0, 0, 0],
];

/// USB devices of makes that nothing else is known about: BroadMobi, D-Link, GosunCn, Haier, Linktop, TP-Link, Alcatel,
/// Olicard and Longcheer.
pub(super) const USB: &[Usb] = &[
    Usb { vendor: 0x2020, products: &[0x2060], ports: Ports::Numbers(&[1, 2, 3]) },
    Usb { vendor: 0x2001, products: &[0x7e35], ports: Ports::Numbers(&[1, 2]) },
    Usb { vendor: 0x305a, products: &[0x1405], ports: Ports::Numbers(&[1, 2]) },
    Usb { vendor: 0x201e, products: &[0x10f8], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x230d, products: &[0x0001], ports: Ports::Numbers(&[3, 1]) },
    Usb { vendor: 0x2357, products: &[0x9000], ports: Ports::Numbers(&[3]) },
    Usb { vendor: 0x1bbb, products: &[0x0017], ports: Ports::Numbers(&[5, 0, 1, 2, 3]) },
    Usb { vendor: 0x1bbb, products: &[0x00b7], ports: Ports::Numbers(&[4, 0, 3]) },
    Usb { vendor: 0x1bbb, products: &[0x022c], ports: Ports::Numbers(&[1, 2]) },
    Usb { vendor: 0x0b3c, products: &[0xc005], ports: Ports::Numbers(&[5, 0, 1, 2, 3, 6]) },
    Usb { vendor: 0x1c9e, products: &[0x3197], ports: Ports::Numbers(&[0, 1]) },
    Usb { vendor: 0x1c9e, products: &[0x6000, 0x6060, 0x6061], ports: Ports::Numbers(&[0, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x7001], ports: Ports::Numbers(&[2, 0, 3]) },
    Usb { vendor: 0x1c9e, products: &[0x7002], ports: Ports::Numbers(&[2, 0, 3, 4]) },
    Usb { vendor: 0x1c9e, products: &[0x7101], ports: Ports::Numbers(&[4, 0, 5]) },
    Usb { vendor: 0x1c9e, products: &[0x7102], ports: Ports::Numbers(&[4, 0, 5, 6]) },
    Usb { vendor: 0x1c9e, products: &[0x8000], ports: Ports::Numbers(&[5, 0, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x8001, 0x8002], ports: Ports::Numbers(&[4, 0, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x9000], ports: Ports::Numbers(&[3, 1]) },
    Usb { vendor: 0x1c9e, products: &[0x9001, 0x9002, 0x9012, 0x9022, 0x9603], ports: Ports::Numbers(&[2, 0, 1]) },
    Usb { vendor: 0x1c9e, products: &[0x9003, 0x9605], ports: Ports::Numbers(&[3, 0, 1, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x9004, 0x9005], ports: Ports::Numbers(&[1, 0]) },
    Usb { vendor: 0x1c9e, products: &[0x9010, 0x9020, 0x9604], ports: Ports::Numbers(&[3, 0, 1]) },
    Usb { vendor: 0x1c9e, products: &[0x9602], ports: Ports::Numbers(&[0, 1, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x9606], ports: Ports::Numbers(&[4, 0, 1, 2]) },
    Usb { vendor: 0x1c9e, products: &[0x9607], ports: Ports::Numbers(&[4, 0, 1, 2, 3]) },
    Usb { vendor: 0x1bbb, products: &[0x0000], ports: Ports::Numbers(&[3, 1, 0, 2]) },
];
