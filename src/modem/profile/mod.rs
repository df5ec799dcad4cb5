//! What is particular about a make of modem: one file per make, each const beginning from [`GENERIC`].

mod cinterion;
mod ericsson;
mod fibocom;
mod generic;
mod huawei;
mod mediatek;
mod netprisma;
mod nokia;
mod option;
mod quectel;
mod sierra;
mod simcom;
mod telit;
mod ublox;
mod wavecom;
mod zte;

pub use generic::GENERIC;

use crate::at::Memory;
use crate::at::urc::Sign;
use std::sync::LazyLock;
use std::time::Duration;

/// All profiles. The first that fits is taken: where one make's modems differ, the narrower stands first.
const PROFILES: &[&Profile] = &[
    &huawei::HUAWEI,
    &zte::ZTE,
    &simcom::SIMCOM_2G,
    &simcom::SIMCOM_A76XX,
    &simcom::SIMCOM_LTE,
    &quectel::QUECTEL_EC200,
    &quectel::QUECTEL,
    // Before Telit, which owns the make and says so in some models.
    &cinterion::CINTERION,
    &telit::TELIT,
    &ublox::UBLOX,
    // Before Sierra, which owned the make.
    &wavecom::WAVECOM,
    &sierra::SIERRA,
    &netprisma::NETPRISMA,
    &nokia::NOKIA,
    &option::OPTION,
    &ericsson::ERICSSON,
    &fibocom::FIBOCOM,
    &mediatek::MEDIATEK,
    &GENERIC,
];

/// How long a final code is waited for after Ctrl-Z on GSM, UMTS and LTE: the network may take its time, and the modem
/// repeats by itself. Any shorter wait makes duplicates. RELIABILITY A-2, 3GPP TS 24.011 §10.
pub const SEND_DEADLINE: Duration = Duration::from_secs(180);

/// What several makes mean by 512 and 515: no way to the network was found, and the modem is still busy starting. Their 513
/// and 514 may come after the message has left.
const NETWORK_CODES: &[(u16, u16)] = &[(512, 331), (515, 314)];

/// What the driver must know about a make. A modem is asked first (`=?`); the profile says what to prefer among its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What tells a modem of this make; any that fits.
    pub is: &'static [Is],
    /// The USB devices that this make sells, and their AT ports.
    pub usb: &'static [Usb],
    /// Said once the modem is known, before its SIM is looked at. A refusal is no harm.
    pub init: &'static [Init],
    /// What it says by itself beside the standard's lines.
    pub signs: &'static [Sign],
    /// How many tries the SIM's PIN has left, where the make has a command of its own; the standard's is asked after it.
    pub pin_tries: Option<Asked>,
    /// When its message service can be used after the PIN.
    pub ready: Option<Ready>,
    /// Values of `+CNMI`, the best first.
    pub cnmi: &'static [[u8; 5]],
    /// Memories to receive into, the best first.
    pub memories: &'static [Memory],
    /// `+CSMS=1` is used where it is offered, so that routed messages wait for `+CNMA`.
    pub acknowledges: bool,
    /// It sends with the TP-MR we give it, so a repeat is recognised by the service centre (RELIABILITY A-3).
    pub honours_mr: bool,
    /// Codes of `+CMS ERROR` that it gives another meaning, and the standard's code of that meaning. Only codes that
    /// say for sure that nothing was sent: for what is not here, nobody knows (RELIABILITY §2.4).
    pub codes: &'static [(u16, u16)],
    /// Commands that begin it anew, one after the other.
    pub reset: &'static [&'static str],
    /// The command that switches it off.
    pub power_off: Option<&'static str>,
    /// The commands that choose between its SIM slots.
    pub sim_slots: &'static [&'static [&'static str]],
    /// What it can say of itself: temperature and supply.
    pub gauges: &'static [Gauge],
    /// How it takes and gives USSD strings.
    pub ussd: Ussd,
    /// How long its answers may take.
    pub deadlines: Deadlines,
}

/// What `+CGMI` and `+CGMM` answer, in lower case: both must hold the text given, which may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Is {
    /// In the maker's name.
    pub maker: &'static str,
    /// In the model's.
    pub model: &'static str,
}

/// USB devices with one layout of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usb {
    /// `idVendor`
    pub vendor: u16,
    /// `idProduct`, each.
    pub products: &'static [u16],
    /// Where the AT port is.
    pub ports: Ports,
}

/// Where a USB device has its AT ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Interfaces by number, the best first: the first says unsolicited lines, the others answer only.
    Numbers(&'static [u8]),
    /// The interfaces of vendor class with one of these protocols, the best first.
    Protocols(&'static [u8]),
    /// None: it plays a disk with drivers for Windows until it is told to change.
    Storage,
    /// None: it plays a network card with a web page (HiLink).
    Network,
}

/// Something said to every modem of a make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Init {
    /// What stands behind `AT`.
    Always(&'static str),
    /// The same, where the port is one of USB.
    Usb(&'static str),
    /// The same, where the port is a UART.
    Uart(&'static str),
}

/// A number among the answers to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What stands behind `AT`.
    pub command: &'static str,
    /// The name in front of the answer's colon.
    pub name: &'static str,
    /// What the first field of the line says, where there are several lines.
    pub row: Option<&'static str>,
    /// The field, from 0.
    pub field: usize,
}

/// When a message service can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Where it says so.
    pub asked: Asked,
    /// The least number that says yes.
    pub from: u32,
}

/// Something a modem measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// Where it says so.
    pub asked: Asked,
    /// What it is, and in what unit.
    pub quantity: Quantity,
}

/// What is measured, and the unit of the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Whole degrees Celsius.
    Celsius,
    /// Tenths of a degree Celsius.
    TenthsCelsius,
    /// Supply in millivolts.
    Millivolts,
}

/// How USSD strings go over the line. 3GPP TS 27.007 §7.15 leaves it to `+CSCS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ussd {
    /// As text.
    Plain,
    /// As the hexadecimal digits of packed septets.
    Packed,
}

/// How long answers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From `AT+CMGS` to the prompt.
    pub prompt: Duration,
    /// From Ctrl-Z to the final result.
    pub submit: Duration,
    /// A command that concerns the modem alone.
    pub command: Duration,
    /// A command that reads or writes one place in a memory, or the SIM.
    pub memory: Duration,
    /// `+CMGL`: a whole memory.
    pub list: Duration,
    /// From a reset to the port being there again, and answering.
    pub reset: Duration,
}

impl Profile {
    /// The profile with this name.
    pub fn named(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().copied().find(|profile| profile.name == name)
    }

    /// The names that [`Profile::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.iter().map(|profile| profile.name)
    }

    /// The profile of a modem that says this to `+CGMI` and `+CGMM`.
    pub fn of(maker: &str, model: &str) -> &'static Profile {
        let (maker, model) = (maker.to_lowercase(), model.to_lowercase());
        let fits = |is: &Is| maker.contains(is.maker) && model.contains(is.model);
        PROFILES.iter().copied().find(|profile| profile.is.iter().any(fits)).unwrap_or(&GENERIC)
    }

    /// The standard's code for what a code of `+CMS ERROR` means to this make.
    pub fn standard_code(&self, code: u16) -> u16 {
        self.codes.iter().find(|(own, _)| *own == code).map_or(code, |(_, standard)| *standard)
    }
}

/// What all makes say by themselves: which one it is, nobody knows before it is asked.
pub fn signs() -> &'static [&'static [Sign]] {
    static SIGNS: LazyLock<Vec<&'static [Sign]>> =
        LazyLock::new(|| PROFILES.iter().map(|profile| profile.signs).collect());
    &SIGNS
}

/// The commands of all makes: what stands behind `AT`.
pub fn commands() -> impl Iterator<Item = &'static str> {
    let of_one = |profile: &'static Profile| {
        let init = profile.init.iter().map(|init| match *init {
            Init::Always(text) | Init::Usb(text) | Init::Uart(text) => text,
        });
        let slots = profile.sim_slots.iter().copied().flatten();
        init.chain(profile.reset.iter().chain(&profile.power_off).chain(slots).copied())
    };
    PROFILES.iter().copied().flat_map(of_one).chain(asked().map(|asked| asked.command))
}

/// The numbers that makes are asked for.
pub fn asked() -> impl Iterator<Item = Asked> {
    PROFILES.iter().flat_map(|profile| {
        let gauges = profile.gauges.iter().map(|gauge| gauge.asked);
        gauges.chain(profile.pin_tries).chain(profile.ready.map(|ready| ready.asked))
    })
}

/// All USB devices that are known.
pub fn usb() -> impl Iterator<Item = &'static Usb> {
    PROFILES.iter().flat_map(|profile| profile.usb).chain(generic::USB)
}

/// Where a USB device has its AT ports; `None` where it is not known to be a modem.
pub fn ports_of(vendor: u16, product: u16) -> Option<Ports> {
    usb().filter(|row| row.vendor == vendor).find(|row| row.products.contains(&product)).map(|row| row.ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn profiles_are_found_by_name() {
        assert_eq!(Profile::named("generic"), Some(&GENERIC));
        assert_eq!(Profile::named("unheard-of"), None);
        assert_eq!(Profile::names().collect::<HashSet<_>>().len(), PROFILES.len(), "no two share a name");
    }

    /// Answers to `+CGMI` and `+CGMM` of real modems: ModemManager, ofono, gammu and chan_quectel have them in their tests and issues.
    #[test]
    fn table_of_makes() {
        for (maker, model, name) in [
            ("huawei", "E173", "huawei"),
            ("Huawei Technologies Co., Ltd.", "ME909s-120", "huawei"),
            ("ZTE INCORPORATED", "MF190", "zte"),
            ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom-2g"),
            ("SIMCOM_Ltd", "SIMCOM_SIM900", "simcom-2g"),
            ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "simcom-lte"),
            ("INCORPORATED", "A7670E-FASE", "simcom-a76xx"),
            ("Quectel", "EC25", "quectel"),
            ("Quectel_Ltd", "Quectel_M95", "quectel"),
            ("Quectel", "EC200T", "quectel-ec200"),
            ("Telit", "LE910C1-EU", "telit"),
            ("u-blox", "SARA-U201", "u-blox"),
            ("Sierra Wireless, Incorporated", "MC7455", "sierra"),
            ("Cinterion", "PLS8-E", "cinterion"),
            ("SIEMENS", "TC35i", "cinterion"),
            (" WAVECOM MODEM", " MULTIBAND  900E  1800 ", "wavecom"),
            ("Sierra Wireless", "Fastrack Xtend", "wavecom"),
            ("Nokia", "Nokia CS-17", "nokia"),
            ("Option N.V.", "GlobeTrotter HSUPA Modem", "option"),
            ("Ericsson", "F5521gw", "ericsson"),
            ("Fibocom Wireless Inc.", "L850-GL", "fibocom"),
            ("MTK", "MT6252", "mediatek"),
            ("Acme", "One", "generic"),
            ("", "", "generic"),
        ] {
            assert_eq!(Profile::of(maker, model).name, name, "{maker} {model}");
        }
    }

    #[test]
    fn inbound_is_always_stored_first() {
        for profile in PROFILES {
            assert!(profile.cnmi.iter().all(|values| values[1] == 1), "{}", profile.name);
        }
    }

    #[test]
    fn no_submit_is_given_up_before_the_network_has() {
        for profile in PROFILES {
            assert!(profile.deadlines.submit >= SEND_DEADLINE, "{}", profile.name);
        }
    }

    #[test]
    fn a_code_is_given_a_meaning_of_the_standard() {
        for profile in PROFILES {
            for (own, standard) in profile.codes {
                assert!(*own >= 512 && *standard < 512, "{}: {own}", profile.name);
            }
        }
        assert_eq!(GENERIC.standard_code(512), 512);
        assert_eq!(huawei::HUAWEI.standard_code(515), 314);
    }

    #[test]
    fn a_usb_device_stands_in_one_row_and_has_a_port_or_a_reason() {
        let mut seen = HashSet::new();
        for row in usb() {
            for product in row.products {
                assert!(seen.insert((row.vendor, *product)), "{:04x}:{product:04x} twice", row.vendor);
            }
            if let Ports::Numbers(ports) | Ports::Protocols(ports) = row.ports {
                assert!(!ports.is_empty(), "{row:04x?}");
            }
        }
        assert_eq!(ports_of(0x2c7c, 0x0125), Some(Ports::Numbers(&[2, 3])));
        assert_eq!(ports_of(0x12d1, 0x14dc), Some(Ports::Network));
        assert_eq!(ports_of(0x1d6b, 0x0002), None);
    }

    /// Every make's own commands and lines are in the form that `AT` wants, and no sign hides behind an earlier one.
    #[test]
    fn commands_are_printable_and_signs_are_reachable() {
        let signs: Vec<_> = signs().iter().copied().flatten().collect();
        for (at, (sign, meaning)) in signs.iter().enumerate() {
            let behind = sign.split_at(sign.find([':', ' ']).unwrap_or(sign.len())).0;
            let hidden = signs[..at].iter().find(|(earlier, other)| *earlier == behind && other != meaning);
            assert_eq!(hidden, None, "{sign}");
        }
        for profile in PROFILES {
            let slots = profile.sim_slots.iter().copied().flatten();
            for command in profile.reset.iter().chain(&profile.power_off).chain(slots) {
                assert!(!command.is_empty() && command.bytes().all(|b| b.is_ascii_graphic()), "{command:?}");
            }
        }
    }
}
