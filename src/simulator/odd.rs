//! What faults choose from: noise, networks, other programs, and messages that are no plain text.

use super::config::random;
use crate::tpdu::{Address, Alphabet, Dcs, Deliver, InformationElement, Pid, Ports, Udh, UserData, gsm7};
use serde::{Deserialize, Serialize};

/// What noise is like (F-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// NUL octets.
    Nuls,
    /// Octets with the eighth bit set.
    EightBit,
    /// What a line at another speed looks like.
    Framing,
    /// Printable characters without an end of line.
    Endless,
}

impl Noise {
    /// So many octets of it, by the seed.
    pub(super) fn octets(self, n: usize, state: &mut u64) -> Vec<u8> {
        const FRAMING: &[u8] = &[0x00, 0x80, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE, 0xFF, b'\r', b'\n'];
        let one = |_| {
            let r = random(state);
            match self {
                Noise::Nuls => 0,
                Noise::EightBit => r as u8 | 0x80,
                Noise::Framing => FRAMING[(r % FRAMING.len() as u64) as usize],
                Noise::Endless => b'a' + (r % 26) as u8,
            }
        };
        (0..n).map(one).collect()
    }
}

/// A network that is of no use, or not the own one (F-21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoNetwork {
    /// None is found.
    Searching,
    /// It turns the SIM away.
    Denied,
    /// Another one carries messages too.
    Roaming,
}

impl NoNetwork {
    /// `<stat>` of `+CREG`. 3GPP TS 27.007 §7.2.
    pub(super) fn stat(self) -> u8 {
        match self {
            NoNetwork::Searching => 2,
            NoNetwork::Denied => 3,
            NoNetwork::Roaming => 5,
        }
    }
}

/// What shows of another program on the line (F-31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Foreign {
    /// The OK to a command of its own comes before our answer.
    Ok,
    /// It reads a part of our answer.
    Stolen,
}

/// A message that is no plain text (F-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddMessage {
    /// The notification of an MMS.
    Mms,
    /// A service indication by WAP push.
    WapPush,
    /// Short message type 0.
    Type0,
    /// Of class 2, for the SIM.
    Class2,
    /// Of class 0, shown at once.
    Flash,
    /// A voice mail waits.
    Waiting,
    /// Data to a port.
    Port,
    /// TP-PID with a reserved value.
    ReservedPid,
    /// TP-DCS with a reserved value.
    ReservedDcs,
}

/// A message with its TP-PID, TP-DCS, destination port, and what is in it.
pub(super) type Odd = (OddMessage, u8, u8, Option<u16>, &'static [u8]);

/// One of each.
pub(super) const ODD: [Odd; 9] = [
    (OddMessage::Mms, 0, 0x04, Some(WAP_PUSH), MMS),
    (OddMessage::WapPush, 0, 0x04, Some(WAP_PUSH), SERVICE_INDICATION),
    (OddMessage::Type0, 0x40, 0x00, None, b"type 0"),
    (OddMessage::Class2, 0, 0xF2, None, b"class 2"),
    (OddMessage::Flash, 0, 0xF0, None, b"flash"),
    (OddMessage::Waiting, 0, 0xC8, None, b"waiting"),
    (OddMessage::Port, 0, 0x04, Some(16_000), &[0x00, 0x01, 0xFE, 0xFF]),
    (OddMessage::ReservedPid, 0xBF, 0x00, None, b"reserved pid"),
    (OddMessage::ReservedDcs, 0, 0x8F, None, b"reserved dcs"),
];

/// The port of WAP push. WAP-259.
pub(super) const WAP_PUSH: u16 = 2948;
/// `M-Notification.ind` of a message at `http://m/1`. OMA-TS-MMS_ENC §6.2.
const MMS: &[u8] = b"\x01\x06\x03\xBE\xAF\x84\x8C\x82\x98T1\0\x8D\x90\x8A\x80\x8E\x02\x10\0\x88\x05\x81\x03\x01\x51\x80\x83http://m/1\0";
/// "hi", at `http://m/1`. WAP-167.
const SERVICE_INDICATION: &[u8] = b"\x01\x06\x01\xAE\x02\x05\x6A\0\x45\xC6\x0C\x03m/1\0\x01\x03hi\0\x01\x01";

/// One of them, as it comes.
pub(super) fn deliver((_, pid, dcs, port, octets): &Odd) -> Deliver {
    let dcs = Dcs(*dcs);
    let text = || std::str::from_utf8(octets).ok().and_then(|text| gsm7::encode(text).ok());
    let payload = if dcs.alphabet() == Alphabet::Gsm7 { text() } else { None };
    let udh = Udh(port.iter().map(|port| InformationElement::from(Ports::to(*port))).collect());
    let ud = UserData { udh, payload: payload.unwrap_or_else(|| octets.to_vec()) };
    Deliver { oa: Address::from_name("odd"), pid: Pid(*pid), dcs, ud, ..Deliver::default() }
}
