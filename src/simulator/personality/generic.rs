//! A decent LTE stick of no make.

use super::{Own, Personality, Services, Ussd};
use crate::simulator::command::Memory;

/// What most modems do.
pub(in crate::simulator) const GENERIC: Personality = Personality {
    name: "generic",
    maker: "gsmgate",
    model: "virtual",
    revision: env!("CARGO_PKG_VERSION"),
    boot: &[],
    noise: &[],
    is_uart: false,
    own: &[PIN_TRIES],
    lacks: &[],
    unknown: "ERROR",
    access: Some(7),
    sim_busy: 14,
    ends_with_cpin: false,
    services: Services::Acknowledged,
    cnmi_listed: "(0-2),(0-2),(0),(0-2),(0,1)",
    cnmi: [&[0, 1, 2], &[0, 1, 2], &[0], &[0, 1, 2], &[0, 1]],
    cpms_listed: "(\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")",
    memories: &[Memory::Sm, Memory::Me],
    cpms_fields: 3,
    reports: None,
    first_slot: None,
    cds_has_alpha: false,
    cmgr_lacks_stat: false,
    tells_mms: false,
    prompt: "\r\n> ",
    invalid_pdu: 304,
    no_network: 331,
    ussd: Ussd::Plain,
};

/// The standard's own way to tell the tries that are left. 3GPP TS 27.007 §8.73.
pub(super) const PIN_TRIES: &[Own] =
    &[("+CPINR", super::Deed::Say(&["+CPINR: SIM PIN,{tries},3", "+CPINR: SIM PUK,10,10"]))];
