//! Packets in a stream of octets, as far as a bystander has to know them. MQTT 5 §2.1.

pub(crate) const CONNECT: u8 = 1;
pub(crate) const CONNACK: u8 = 2;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const PUBACK: u8 = 4;
pub(crate) const SUBACK: u8 = 9;

/// The longest remaining length that is believed; more is not ours.
const LONGEST: usize = 4 * 1024 * 1024;

/// Cuts a stream into packets.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    rest: Vec<u8>,
}

impl Frames {
    /// The packets that are whole with these octets, each with its fixed header.
    pub(crate) fn push(&mut self, octets: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend(octets);
        let mut whole = Vec::new();
        while let Some(end) = end(&self.rest).filter(|end| *end <= self.rest.len()) {
            let rest = self.rest.split_off(end);
            whole.push(std::mem::replace(&mut self.rest, rest));
        }
        whole
    }
}

/// Where the first packet ends, once its length is there.
fn end(octets: &[u8]) -> Option<usize> {
    let (length, n) = number(octets.get(1..)?)?;
    assert!(length <= LONGEST, "no packet is as long: {length}");
    Some(1 + n + length)
}

/// A variable byte integer, and how many octets it takes. MQTT 5 §1.5.5.
fn number(octets: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (n, octet) in octets.iter().enumerate().take(4) {
        value |= usize::from(octet & 0x7f) << (7 * n);
        if octet & 0x80 == 0 {
            return Some((value, n + 1));
        }
    }
    assert!(octets.len() < 4, "no length: {:?}", &octets[..4]);
    None
}

/// What follows the fixed header.
fn body(frame: &[u8]) -> usize {
    1 + number(&frame[1..]).unwrap().1
}

fn word(octets: &[u8]) -> u16 {
    u16::from_be_bytes([octets[0], octets[1]])
}

/// Sets the flag Clean Start of a CONNECT. MQTT 5 §3.1.2.4.
pub(crate) fn set_clean_start(connect: &mut [u8]) {
    let flags = body(connect) + 7;
    connect[flags] |= 0x02;
}

/// Changes the session expiry interval of a CONNECT of ours, where it is the first property. MQTT 5 §3.1.2.11.2.
pub(crate) fn set_session_expiry(connect: &mut [u8], seconds: u32) {
    let properties = body(connect) + 10;
    let first = properties + number(&connect[properties..]).unwrap().1;
    assert_eq!(connect[first], 0x11, "the session expiry interval comes first");
    connect[first + 1..first + 5].copy_from_slice(&seconds.to_be_bytes());
}

/// The packet identifier of a PUBLISH; `None` at QoS 0. MQTT 5 §3.3.2.2.
pub(crate) fn publish_id(publish: &[u8]) -> Option<u16> {
    let topic = body(publish);
    let id = topic + 2 + usize::from(word(&publish[topic..]));
    (publish[0] & 0x06 != 0).then(|| word(&publish[id..]))
}

/// The packet identifier of a PUBACK. MQTT 5 §3.4.2.
pub(crate) fn ack_id(puback: &[u8]) -> u16 {
    word(&puback[body(puback)..])
}
