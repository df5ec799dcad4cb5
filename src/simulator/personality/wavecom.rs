//! Wavecom: Fastrack M1306B and kin, on a UART. python-gsmmodem's fake modem, ModemManager's Wavecom plugin, Kannel.

use super::Deed::{Off, Reset, Say};
use super::{GENERIC, ICCID_FILE, Own, Personality};
use crate::simulator::command::Memory;

pub(super) const WAVECOM: Personality = Personality {
    name: "wavecom",
    maker: " WAVECOM MODEM",
    model: " MULTIBAND  900E  1800",
    // 3: it hears commands; 7: emergency calls are possible; 4: everything is.
    boot: &["+WIND: 3", "+WIND: 7", "+WIND: 4"],
    noise: &["+WIND: 7"],
    is_uart: true,
    own: &[OWN],
    lacks: &["+CGMR", "+CCID", "+ICCID", "+CEREG"],
    access: None,
    sim_busy: 515,
    ends_with_cpin: true,
    cnmi_listed: "(0,1,2),(0,1,2,3),(0,1,2,3),(0,1,2),(0,1)",
    // "Broken according to 07.05"; a third memory is an error.
    cpms_listed: "((\"SM\",\"BM\",\"SR\"),(\"SM\"))",
    memories: &[Memory::Sm],
    cpms_fields: 2,
    ..GENERIC
};

const OWN: &[Own] = &[
    ICCID_FILE,
    // No command of its own: the card is asked by VERIFY without a PIN. 3GPP TS 31.101 §11.1.9.
    ("+CSIM=10,\"0020000100\"", Say(&["+CSIM: 4,\"63C{tries}\""])),
    ("+CFUN=1", Reset),
    ("+CPOF=1", Off(&[])),
];
