//! MediaTek: MT6252. ModemManager's MTK plugin.

use super::Deed::{Reset, Say, Slot};
use super::{GENERIC, Own, Personality};

pub(super) const MEDIATEK: Personality = Personality {
    name: "mediatek",
    maker: "MTK",
    model: "MT6252",
    revision: "MAUI.11AMD.W11.50.SP.V15",
    boot: &["+EIND: 128"],
    noise: &["+ECSQ: 25,99", "+EREG: 1", "+EIND: 2"],
    own: &[OWN],
    lacks: &["+CCID"],
    access: None,
    // Which makes leave out the blank nobody says: one has to, so that it is played.
    prompt: "\r\n>",
    ..GENERIC
};

const OWN: &[Own] = &[
    // Of the PIN, PIN2, the PUK, PUK2.
    ("+EPINC", Say(&["+EPINC: {tries},3,10,10"])),
    ("+CFUN=1,1", Reset),
    ("+ESUO=4", Slot(0)),
    ("+ESUO=5", Slot(1)),
];
