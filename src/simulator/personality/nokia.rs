//! Nokia: the internet stick CS-17. ModemManager's Nokia plugin, gammu.

use super::generic::PIN_TRIES;
use super::{GENERIC, ICCID_FILE, Personality, Services};

pub(super) const NOKIA: Personality = Personality {
    name: "nokia",
    maker: "Nokia",
    model: "Nokia CS-17",
    revision: "V 12.0.008",
    own: &[PIN_TRIES, &[ICCID_FILE]],
    lacks: &["+CCID", "+ICCID", "+CEREG"],
    access: Some(2),
    services: Services::Plain,
    cnmi_listed: "(0-2),(0,1),(0),(0,1),(0,1)",
    cnmi: [&[0, 1, 2], &[0, 1], &[0], &[0, 1], &[0, 1]],
    ..GENERIC
};
