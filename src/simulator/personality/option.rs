//! Option: a GlobeTrotter with an Icera chip. ofono's and ModemManager's Option plugins, gammu.

use super::Deed::{Reset, Say};
use super::{GENERIC, ICCID_FILE, Own, Personality, Services};

pub(super) const OPTION: Personality = Personality {
    name: "option",
    maker: "Option N.V.",
    model: "GlobeTrotter HSUPA Modem",
    revision: "2.6.7Hd (Date: Oct 16 2007, Time: 09:51:43)",
    noise: &["_OSIGQ: 17,0", "_OSSYSI: 3", "_OCTI: 3"],
    own: &[OWN],
    lacks: &["+CCID", "+ICCID", "+CEREG"],
    access: Some(2),
    // ofono: "CNMA not expected", and no ack PDU.
    services: Services::Unexpected,
    cnmi_listed: "(0,1,2),(0,1,2),(0),(0,1),(0,1)",
    cnmi: [&[0, 1, 2], &[0, 1, 2], &[0], &[0, 1], &[0, 1]],
    first_slot: Some(0),
    ..GENERIC
};

const OWN: &[Own] = &[
    ICCID_FILE,
    ("_OSSYS=0", Say(&[])),
    ("_OSQI=0", Say(&[])),
    // Of the PIN, of the PUK.
    ("_OERCN?", Say(&["_OERCN: {tries}, 10"])),
    ("%IRESET", Reset),
];
