//! ZTE: a stick of the MF1xx kind. ofono's and ModemManager's ZTE plugins, gammu's `F_ZTE_INIT`.

use super::Deed::Say;
use super::{GENERIC, ICCID_FILE, Own, Personality};

pub(super) const ZTE: Personality = Personality {
    name: "zte",
    maker: "ZTE INCORPORATED",
    model: "MF190",
    revision: "BD_MF190V1.0.0B01",
    // ModemManager: it goes on until somebody asks for +CPMS?.
    boot: &["+ZUSIMR:2"],
    // python-gsmmodem's tests, at/cmgs-noise.
    noise: &["+ZPASR: \"UMTS\"", "+ZDONR: \"METEOR\",272,3,\"CS_PS\",\"ROAM_OFF\"", "+ZUSIMR:2"],
    own: &[OWN],
    lacks: &["+CCID", "+ICCID", "+CEREG"],
    access: Some(2),
    // Without ds 2, so that its +CDS is heard.
    cnmi_listed: "(0,1,2),(0,1,2,3),(0,2),(0,1),(0,1)",
    cnmi: [&[0, 1], &[0, 1, 2], &[0], &[0, 1], &[0, 1]],
    cds_has_alpha: true,
    cmgr_lacks_stat: true,
    ..GENERIC
};

const OWN: &[Own] = &[
    ICCID_FILE,
    ("+ZOPRT=5", Say(&[])),
    ("+ZCDRUN=8", Say(&["Close autorun state result(0:FAIL 1:SUCCESS):1"])),
    // Tries of the PIN, of the PUK.
    ("+ZPINPUK=?", Say(&["+ZPINPUK: {tries},10"])),
];
