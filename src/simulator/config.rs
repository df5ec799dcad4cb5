//! What a lab is made of.

use super::Fault;
use super::personality::{GENERIC, Personality};
use std::path::PathBuf;
use std::time::Duration;

/// The service centre's number: on a fresh SIM, and in front of every TPDU that it sends.
pub(super) const SMSC: &str = "+491760000443";

/// What a lab is made of. The default is one modem in memory that looks like a decent LTE stick.
#[derive(Debug, Clone)]
pub struct LabConfig {
    /// How many modems. Default 1.
    pub modems: usize,
    /// What the modems are like, in turn. Default: all are generic.
    pub personalities: Vec<&'static Personality>,
    /// What every SIM asks for before it can be used. Default: nothing.
    pub pin: Option<String>,
    /// Where the links `modem0`, `modem1` … to the ptys are made; `None`, the default: no ptys, the modems are reached
    /// in memory by [`Handle::connect`](super::Handle::connect).
    pub dir: Option<PathBuf>,
    /// From the end of a payload to `+CMGS`. Everything else is answered at once. Default 800 ms.
    pub latency: Duration,
    /// Speed of the lines, both ways, 8N1; 0, the default: not paced.
    pub baud: u32,
    /// Slots of each memory, SM and ME. Default 30.
    pub slots: u16,
    /// Index of the first slot, unless the personality says otherwise. Default 1.
    pub first_slot: u16,
    /// Where the log is appended to; `None`, the default: only the latest records are kept, in memory.
    pub log: Option<PathBuf>,
    /// From the acceptance, or from the delivery to a virtual SIM, to the status report. Default 1 s.
    pub report_delay: Duration,
    /// The number that answers every text with the same text.
    pub echo_number: String,
    /// How long the echo phone thinks. Default 1.5 s.
    pub echo_delay: Duration,
    /// The centre refuses with 197 a message with TP-RD that it has accepted already. Default false.
    pub duplicate_filter: bool,
    /// A modem keeps the TP-MR of a message with TP-RD, so that the filter can know it. Default false: the SIM counts,
    /// as with most modems.
    pub honours_mr: bool,
    /// Zone of the centre's clock, in quarter hours east, -79 to 79. Default 4.
    pub zone_quarters: i8,
    /// Unix time in seconds at which the lab begins; `None`, the default: now.
    pub epoch: Option<i64>,
    /// Faults that stand from the beginning.
    pub faults: Vec<Fault>,
    /// Decides all that is random: where references begin, what garbage looks like. Default 0.
    pub seed: u64,
}

impl Default for LabConfig {
    fn default() -> LabConfig {
        LabConfig {
            modems: 1,
            personalities: Vec::new(),
            pin: None,
            dir: None,
            latency: Duration::from_millis(800),
            baud: 0,
            slots: 30,
            first_slot: 1,
            log: None,
            report_delay: Duration::from_secs(1),
            echo_number: "+49170555000".to_owned(),
            echo_delay: Duration::from_millis(1500),
            duplicate_filter: false,
            honours_mr: false,
            zone_quarters: 4,
            epoch: None,
            faults: Vec::new(),
            seed: 0,
        }
    }
}

impl LabConfig {
    /// What the n-th modem is like, from 0.
    pub fn personality(&self, n: usize) -> &'static Personality {
        let at = n.checked_rem(self.personalities.len());
        at.and_then(|at| self.personalities.get(at)).copied().unwrap_or(&GENERIC)
    }

    /// The number of the n-th virtual SIM, from 0.
    pub fn number(n: usize) -> String {
        format!("+49151555{n:04}")
    }

    /// The ICCID of the n-th virtual SIM: 19 digits, the last of them the check digit of ITU-T E.118.
    pub fn iccid(n: usize) -> String {
        with_check_digit(format!("89490000000000{n:04}"))
    }

    /// The IMSI of the n-th virtual SIM: 15 digits, a test network of Germany.
    pub fn imsi(n: usize) -> String {
        format!("26299{n:010}")
    }

    /// The IMEI of the n-th virtual modem: 15 digits, the last of them the check digit of 3GPP TS 23.003 §6.2.1.
    pub fn imei(n: usize) -> String {
        with_check_digit(format!("8600000000{n:04}"))
    }
}

/// Appends the check digit of ISO/IEC 7812-1, which E.118 and TS 23.003 use.
fn with_check_digit(digits: String) -> String {
    let weigh = |(at, digit): (usize, u8)| {
        let n = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
        n / 10 + n % 10
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(weigh).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// The next number of a sequence that a seed decides (SplitMix64).
pub(super) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        assert_eq!(LabConfig::number(0), "+491515550000");
        assert_eq!(LabConfig::number(12), "+491515550012");
        // Check digit by the example of 3GPP TS 23.003: 490154203237518.
        assert_eq!(with_check_digit("49015420323751".into()), "490154203237518");
        for n in [0, 1, 31] {
            assert_eq!(LabConfig::iccid(n).len(), 19);
            assert_eq!(LabConfig::imei(n).len(), 15);
            assert_eq!(LabConfig::imsi(n).len(), 15);
        }
        assert_ne!(LabConfig::iccid(0), LabConfig::iccid(1));
    }
}
