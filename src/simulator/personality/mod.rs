//! What a make of modem says and does otherwise than the rest, from the modem's side: one file per make, each const
//! beginning from [`GENERIC`]. The driver's own side of these facts is in its profiles; neither reads the other.

mod cinterion;
mod ericsson;
mod fibocom;
mod generic;
mod huawei;
mod mediatek;
mod nokia;
mod option;
mod quectel;
mod sierra;
mod simcom;
mod telit;
mod ublox;
mod wavecom;
mod zte;

pub(super) use generic::GENERIC;

use super::command::Memory;

/// All personalities.
const PERSONALITIES: &[&Personality] = &[
    &GENERIC,
    &huawei::HUAWEI,
    &zte::ZTE,
    &simcom::SIMCOM_2G,
    &simcom::SIMCOM_LTE,
    &simcom::SIMCOM_A76XX,
    &quectel::QUECTEL,
    &quectel::QUECTEL_EC200,
    &cinterion::CINTERION,
    &telit::TELIT,
    &ublox::UBLOX,
    &wavecom::WAVECOM,
    &sierra::SIERRA,
    &nokia::NOKIA,
    &option::OPTION,
    &ericsson::ERICSSON,
    &fibocom::FIBOCOM,
    &mediatek::MEDIATEK,
];

/// What a virtual modem says and does that is particular to its make.
#[derive(Debug, PartialEq, Eq)]
pub struct Personality {
    /// Its name, which is that of the driver's profile for such a modem.
    pub name: &'static str,
    /// The answer to `+CGMI`.
    pub(super) maker: &'static str,
    /// The answer to `+CGMM`.
    pub(super) model: &'static str,
    /// The answer to `+CGMR`.
    pub(super) revision: &'static str,
    /// What it says once it has power, one line after the other; what follows `+CPIN: READY` comes when the SIM has its PIN.
    pub(super) boot: &'static [&'static str],
    /// What it says by itself at any time, in turn.
    pub(super) noise: &'static [&'static str],
    /// Its port is a UART, which a reset of the modem leaves in its place.
    pub(super) is_uart: bool,
    /// Commands of its own; they stand before those that all have.
    pub(super) own: &'static [&'static [Own]],
    /// Commands of the standard, or of most makes, that it does not know.
    pub(super) lacks: &'static [&'static str],
    /// What it says to a command that it does not know.
    pub(super) unknown: &'static str,
    /// The technology that `+CREG` and `+COPS` tell, where they do. 3GPP TS 27.007 §7.2.
    pub(super) access: Option<u8>,
    /// `+CME ERROR` while the SIM is not ready.
    pub(super) sim_busy: u16,
    /// `+CPIN: READY` is the end of the answer, without OK.
    pub(super) ends_with_cpin: bool,
    /// The services of `+CSMS`.
    pub(super) services: Services,
    /// What `+CNMI=?` answers.
    pub(super) cnmi_listed: &'static str,
    /// What `+CNMI` takes, each field.
    pub(super) cnmi: [&'static [u8]; 5],
    /// What `+CPMS=?` answers.
    pub(super) cpms_listed: &'static str,
    /// What `+CPMS` takes.
    pub(super) memories: &'static [Memory],
    /// How many memories `+CPMS` takes at most.
    pub(super) cpms_fields: usize,
    /// Where status reports are stored, if not with the messages.
    pub(super) reports: Option<Memory>,
    /// Index of the first slot, whatever the lab says.
    pub(super) first_slot: Option<u16>,
    /// `+CDS` has an empty field before the length.
    pub(super) cds_has_alpha: bool,
    /// `+CMGR` leaves out the status.
    pub(super) cmgr_lacks_stat: bool,
    /// `+CMTI` tells of an MMS notification.
    pub(super) tells_mms: bool,
    /// The prompt for a PDU.
    pub(super) prompt: &'static str,
    /// `+CMS ERROR` for a PDU that is none, or of another length.
    pub(super) invalid_pdu: u16,
    /// `+CMS ERROR` without a network.
    pub(super) no_network: u16,
    /// How USSD strings go over the line.
    pub(super) ussd: Ussd,
}

/// A command of a make's own, as it stands behind `AT`, and what it does.
pub(super) type Own = (&'static str, Deed);

/// What a command of a make's own does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// These lines, then OK; `{state}` stands for that of `+CPIN`, `{tries}` for those that the PIN has left.
    Say(&'static [&'static str]),
    /// The SIM's serial number behind this, then OK.
    Iccid(&'static str),
    /// The same with the digits of each pair exchanged, as the SIM has them. 3GPP TS 31.102 §4.2.2.
    SwappedIccid(&'static str),
    /// OK, and the modem begins anew.
    Reset,
    /// OK, and [`Deed::ResetUnlocked`] is allowed until the modem begins anew.
    Unlock,
    /// The same as [`Deed::Reset`] after [`Deed::Unlock`], else an error.
    ResetUnlocked,
    /// OK, these last words, and the modem is off until it is plugged in.
    Off(&'static [&'static str]),
    /// OK, and the SIM of this slot is in use.
    Slot(usize),
}

/// What `+CSMS` offers, and what becomes of it. 3GPP TS 27.005 §3.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Services {
    /// Service 0 alone.
    Plain,
    /// Service 1 too: what is routed waits for `+CNMA`.
    Acknowledged,
    /// Service 1 is taken, and every `+CNMA` refused: none is expected (340).
    Unexpected,
}

/// How USSD strings go over the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ussd {
    /// In the character set of `+CSCS`. 3GPP TS 27.007 §7.15.
    Plain,
    /// As the digits of packed septets.
    Packed,
}

impl Personality {
    /// The personality with this name.
    pub fn named(name: &str) -> Option<&'static Personality> {
        PERSONALITIES.iter().copied().find(|personality| personality.name == name)
    }

    /// The names that [`Personality::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PERSONALITIES.iter().map(|personality| personality.name)
    }

    /// What a command of its own does, as it stands behind `AT`.
    pub(super) fn deed(&self, command: &str) -> Option<Deed> {
        let mut rows = self.own.iter().copied().flatten();
        rows.find(|(own, _)| own.eq_ignore_ascii_case(command)).map(|(_, deed)| *deed)
    }
}

/// Reads the SIM's serial number: READ BINARY of EF ICCID. 3GPP TS 27.007 §8.18, 3GPP TS 31.102 §4.2.2.
const ICCID_FILE: Own = ("+CRSM=176,12258,0,0,10", Deed::SwappedIccid("+CRSM: 144,0,"));

/// What `+CPMS=?` answers where SIM and equipment, their union, and a memory for reports can be had.
const ALL_MEMORIES: &str = "(\"ME\",\"MT\",\"SM\",\"SR\"),(\"ME\",\"MT\",\"SM\",\"SR\"),(\"ME\",\"MT\",\"SM\",\"SR\")";

/// What Qualcomm's and many others' answer to `+CNMI=?` is; python-gsmmodem's and ModemManager's tests have it.
const CNMI_OF_MANY: &str = "(0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)";

/// What those take that list mode 2 and refuse it: "MSM devices advertise support for mode 2, but return an error if we
/// attempt to actually use it" (ofono's drivers/atmodem/sms.c).
const CNMI_WITHOUT_MODE_2: [&[u8]; 5] = [&[0, 1], &[0, 1, 2], &[0], &[0, 1, 2], &[0, 1]];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn personalities_are_found_by_name() {
        assert_eq!(Personality::named("generic"), Some(&GENERIC));
        assert_eq!(Personality::named("unheard-of"), None);
        assert_eq!(Personality::names().collect::<HashSet<_>>().len(), PERSONALITIES.len(), "no two share a name");
    }

    #[test]
    fn no_command_of_a_make_stands_twice() {
        for personality in PERSONALITIES {
            let own: Vec<_> = personality.own.iter().copied().flatten().map(|(own, _)| own).collect();
            assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len(), "{}: {own:?}", personality.name);
        }
    }
}
