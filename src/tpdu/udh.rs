//! The user data header: what travels in front of the text. 3GPP TS 23.040 §9.2.3.24.

use super::address::Address;
use super::dcs::WaitingKind;
use super::error::EncodeError;
use super::gsm7::{Language, Shift};

/// User data header: information elements in the order they came; unknown ones are kept octet for octet.
///
/// ```text
/// +------+-----+------+--------------+-----+------+------+---
/// | UDHL | IEI | IEDL | IE data      | IEI | IEDL | data | ...
/// +------+-----+------+--------------+-----+------+------+---
/// ```
/// Empty: no header, TP-UDHI is 0. 3GPP TS 23.040 §9.2.3.24.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Udh(pub Vec<InformationElement>);

impl Udh {
    /// True when there is no header.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Octets on the air, UDHL included; 0 without a header.
    pub fn len_octets(&self) -> usize {
        if self.is_empty() { 0 } else { 1 + self.0.iter().map(|ie| 2 + ie.data.len()).sum::<usize>() }
    }

    /// Which part of which long message this is. The last valid element counts, of either width.
    pub fn concat(&self) -> Option<Concat> {
        self.0.iter().rev().find_map(Concat::of)
    }

    /// The application's ports. The last element counts, of either width; one to a reserved port only where there is
    /// no other.
    pub fn ports(&self) -> Option<Ports> {
        let all = || self.0.iter().rev().filter_map(Ports::of);
        all().find(|ports| !ports.is_reserved()).or_else(|| all().next())
    }

    /// The national tables of the text. The last element of each kind counts; a reserved language is the default.
    /// 3GPP TS 23.040 §9.2.3.24.15 and §9.2.3.24.16.
    pub fn shift(&self) -> Shift {
        let language = |iei| {
            let last = self.0.iter().rev().find(|ie| ie.iei == iei && ie.data.len() == 1);
            last.and_then(|ie| Language::from_identifier(ie.data[0]))
        };
        Shift {
            locking: language(InformationElement::LOCKING_SHIFT),
            single: language(InformationElement::SINGLE_SHIFT),
        }
    }

    /// Messages of other kinds that wait, each kind once: the last element of it counts. 3GPP TS 23.040 §9.2.3.24.2.
    pub fn waiting(&self) -> Vec<SpecialMessage> {
        let mut found: Vec<SpecialMessage> = Vec::new();
        for special in self.0.iter().filter_map(SpecialMessage::of) {
            found.retain(|other| {
                (other.kind, other.extended, other.profile) != (special.kind, special.extended, special.profile)
            });
            found.push(special);
        }
        found
    }

    /// Where an answer is to go instead of to the sender. 3GPP TS 23.040 §9.2.3.24.12.
    pub fn reply_address(&self) -> Option<Address> {
        let last = self.0.iter().rev().find(|ie| ie.iei == InformationElement::REPLY_ADDRESS)?;
        Address::decode(&last.data).ok().map(|(address, _)| address)
    }

    /// Stretches of the text that are links. 3GPP TS 23.040 §9.2.3.24.11.
    pub fn hyperlinks(&self) -> Vec<Hyperlink> {
        let of = |ie: &InformationElement| match (ie.iei, ie.data.as_slice()) {
            (InformationElement::HYPERLINK, &[high, low, title, url]) => {
                Some(Hyperlink { position: u16::from_be_bytes([high, low]), title, url })
            }
            _ => None,
        };
        self.0.iter().filter_map(of).collect()
    }

    /// Reads what UDHL counts. `None` when the last element does not fit: the whole header is to be ignored then.
    pub fn decode(mut octets: &[u8]) -> Option<Udh> {
        let mut elements = Vec::new();
        while let [iei, len_octets, rest @ ..] = octets {
            let (data, rest) = rest.split_at_checked(usize::from(*len_octets))?;
            elements.push(InformationElement { iei: *iei, data: data.to_vec() });
            octets = rest;
        }
        octets.is_empty().then_some(Udh(elements))
    }

    /// Appends UDHL and the elements; nothing without elements.
    pub(super) fn write(&self, out: &mut Vec<u8>, room: usize) -> Result<(), EncodeError> {
        let octets = self.len_octets();
        if octets > room {
            return Err(EncodeError::UserDataTooLong { octets, room });
        }
        if let Some(udhl) = octets.checked_sub(1) {
            out.push(udhl as u8);
        }
        for ie in &self.0 {
            out.extend([ie.iei, ie.data.len() as u8]);
            out.extend_from_slice(&ie.data);
        }
        Ok(())
    }
}

/// One information element. 3GPP TS 23.040 §9.2.3.24.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InformationElement {
    /// Information element identifier.
    pub iei: u8,
    /// The element's data, without IEI and length.
    pub data: Vec<u8>,
}

impl InformationElement {
    /// Concatenated short messages, 8 bit reference. 3GPP TS 23.040 §9.2.3.24.1.
    pub const CONCAT_8: u8 = 0x00;
    /// Special SMS message indication. 3GPP TS 23.040 §9.2.3.24.2.
    pub const SPECIAL_MESSAGE: u8 = 0x01;
    /// Application port addressing, 8 bit. 3GPP TS 23.040 §9.2.3.24.3.
    pub const PORTS_8: u8 = 0x04;
    /// Application port addressing, 16 bit. 3GPP TS 23.040 §9.2.3.24.4.
    pub const PORTS_16: u8 = 0x05;
    /// Concatenated short messages, 16 bit reference. 3GPP TS 23.040 §9.2.3.24.8.
    pub const CONCAT_16: u8 = 0x08;

    /// Hyperlink format. 3GPP TS 23.040 §9.2.3.24.11.
    pub const HYPERLINK: u8 = 0x21;
    /// Reply address. 3GPP TS 23.040 §9.2.3.24.12.
    pub const REPLY_ADDRESS: u8 = 0x22;
    /// National language single shift. 3GPP TS 23.040 §9.2.3.24.15.
    pub const SINGLE_SHIFT: u8 = 0x24;
    /// National language locking shift. 3GPP TS 23.040 §9.2.3.24.16.
    pub const LOCKING_SHIFT: u8 = 0x25;

    /// What the identifier stands for. 3GPP TS 23.040 §9.2.3.24.
    pub fn name(&self) -> &'static str {
        match self.iei {
            0x00 => "concatenated message, 8 bit reference",
            0x01 => "special message indication",
            0x04 => "application ports, 8 bit",
            0x05 => "application ports, 16 bit",
            0x06 => "service centre control parameters",
            0x07 => "source of the header",
            0x08 => "concatenated message, 16 bit reference",
            0x09 => "wireless control message protocol",
            0x0A => "text formatting",
            0x0B => "predefined sound",
            0x0C => "user defined sound",
            0x0D => "predefined animation",
            0x0E => "large animation",
            0x0F => "small animation",
            0x10 => "large picture",
            0x11 => "small picture",
            0x12 => "variable picture",
            0x13 => "user prompt indicator",
            0x14 => "extended object",
            0x15 => "reused extended object",
            0x16 => "compression control",
            0x17 => "object distribution indicator",
            0x18 => "standard WVG object",
            0x19 => "character size WVG object",
            0x1A => "extended object data request",
            0x20 => "RFC 822 e-mail header",
            0x21 => "hyperlink",
            0x22 => "reply address",
            0x23 => "enhanced voice mail information",
            0x24 => "national language single shift",
            0x25 => "national language locking shift",
            0x70..=0x7F => "SIM toolkit security header",
            0x80..=0x9F => "SME to SME, by agreement",
            0xC0..=0xDF => "service centre's own",
            _ => "unknown element",
        }
    }
}

/// One part of a long message. References of 8 and 16 bits are different numbers even when equal.
/// 3GPP TS 23.040 §9.2.3.24.1 and §9.2.3.24.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The same in all parts; 0 to 255 when not `wide`.
    pub reference: u16,
    /// The reference has 16 bits.
    pub wide: bool,
    /// Parts in all, 1 to 255.
    pub total: u8,
    /// This part, 1 to `total`.
    pub seq: u8,
}

impl Concat {
    /// The element's meaning; `None` for other elements, wrong lengths, total 0, and a part outside 1 to total.
    fn of(ie: &InformationElement) -> Option<Concat> {
        let concat = match (ie.iei, ie.data.as_slice()) {
            (InformationElement::CONCAT_8, &[reference, total, seq]) => {
                Concat { reference: u16::from(reference), wide: false, total, seq }
            }
            (InformationElement::CONCAT_16, &[high, low, total, seq]) => {
                Concat { reference: u16::from_be_bytes([high, low]), wide: true, total, seq }
            }
            _ => return None,
        };
        (1..=concat.total).contains(&concat.seq).then_some(concat)
    }
}

/// As on the air; a narrow reference loses what is over 8 bits.
impl From<Concat> for InformationElement {
    fn from(concat: Concat) -> InformationElement {
        let [high, low] = concat.reference.to_be_bytes();
        if concat.wide {
            InformationElement { iei: InformationElement::CONCAT_16, data: vec![high, low, concat.total, concat.seq] }
        } else {
            InformationElement { iei: InformationElement::CONCAT_8, data: vec![low, concat.total, concat.seq] }
        }
    }
}

/// Messages of another kind that wait at a service. 3GPP TS 23.040 §9.2.3.24.2.
///
/// ```text
///     7      6 5     4 3 2   1 0
/// +-------+---------+-------+------+-------+
/// | store | profile | ext   | kind | count |
/// +-------+---------+-------+------+-------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpecialMessage {
    /// The text is to be kept; else it may be thrown away once the indication is shown.
    pub store: bool,
    /// Profile, 1 to 4.
    pub profile: u8,
    /// Voice, fax, e-mail or other; video is another of the extended kinds.
    pub kind: WaitingKind,
    /// Bits 4 to 2: 001 with kind other is video.
    pub extended: u8,
    /// How many wait, 0 to 255.
    pub count: u8,
}

impl SpecialMessage {
    /// What waits, in one word.
    pub fn word(&self) -> &'static str {
        match (self.kind, self.extended) {
            (WaitingKind::Other, 1) => "video",
            (kind, _) => kind.word(),
        }
    }

    fn of(ie: &InformationElement) -> Option<SpecialMessage> {
        let (InformationElement::SPECIAL_MESSAGE, &[kind, count]) = (ie.iei, ie.data.as_slice()) else { return None };
        Some(SpecialMessage {
            store: kind & 0x80 != 0,
            profile: 1 + (kind >> 5 & 0x03),
            kind: WaitingKind::from_bits(kind),
            extended: kind >> 2 & 0x07,
            count,
        })
    }
}

/// A stretch of the text that is a link: a title of so many characters from a position, then the address.
/// 3GPP TS 23.040 §9.2.3.24.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hyperlink {
    /// Character of the message's text, from 0, where the title begins.
    pub position: u16,
    /// Characters of the title.
    pub title: u8,
    /// Characters of the address, which follows the title.
    pub url: u8,
}

/// Application ports. 3GPP TS 23.040 §9.2.3.24.3 and §9.2.3.24.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    /// Destination port.
    pub dst: u16,
    /// Source (originator) port.
    pub src: u16,
    /// 16 bit ports; false: 8 bit ones.
    pub wide: bool,
}

impl Ports {
    /// To an application's port of 16 bits, from none in particular.
    pub fn to(dst: u16) -> Ports {
        Ports { dst, src: 0, wide: true }
    }

    /// To a port that no application has: 0 to 239 of 8 bits, 49152 up of 16. 3GPP TS 23.040 §9.2.3.24.3 and §9.2.3.24.4.
    pub fn is_reserved(&self) -> bool {
        self.dst < 240 && !self.wide || self.dst >= 49_152
    }

    fn of(ie: &InformationElement) -> Option<Ports> {
        match (ie.iei, ie.data.as_slice()) {
            (InformationElement::PORTS_8, &[dst, src]) => {
                Some(Ports { dst: u16::from(dst), src: u16::from(src), wide: false })
            }
            (InformationElement::PORTS_16, &[d1, d0, s1, s0]) => {
                Some(Ports { dst: u16::from_be_bytes([d1, d0]), src: u16::from_be_bytes([s1, s0]), wide: true })
            }
            _ => None,
        }
    }
}

/// As on the air; narrow ports lose what is over 8 bits.
impl From<Ports> for InformationElement {
    fn from(ports: Ports) -> InformationElement {
        let ([d1, d0], [s1, s0]) = (ports.dst.to_be_bytes(), ports.src.to_be_bytes());
        if ports.wide {
            InformationElement { iei: InformationElement::PORTS_16, data: vec![d1, d0, s1, s0] }
        } else {
            InformationElement { iei: InformationElement::PORTS_8, data: vec![d0, s0] }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The identifiers of the table in 3GPP TS 23.040 §9.2.3.24: 02, 03, 1B to 1F, 26 to 6F, A0 to BF and E0 up are none.
    #[test]
    fn every_identifier_of_the_standard_has_a_name_of_its_own() {
        let name = |iei| InformationElement { iei, data: vec![] }.name();
        let named = (0x00..=0x01).chain(0x04..=0x1A).chain(0x20..=0x25);
        let names: std::collections::BTreeSet<_> = named.clone().map(name).collect();
        assert_eq!(names.len(), named.count());
        assert!(!names.contains("unknown element"));
        for (range, want) in [
            (0x02..=0x03, "unknown element"),
            (0x1B..=0x1F, "unknown element"),
            (0x26..=0x6F, "unknown element"),
            (0x70..=0x7F, "SIM toolkit security header"),
            (0x80..=0x9F, "SME to SME, by agreement"),
            (0xA0..=0xBF, "unknown element"),
            (0xC0..=0xDF, "service centre's own"),
            (0xE0..=0xFF, "unknown element"),
        ] {
            for iei in range {
                assert_eq!(name(iei), want, "{iei:02X}");
            }
        }
    }

    fn narrow(reference: u16, total: u8, seq: u8) -> Option<Concat> {
        Some(Concat { reference, wide: false, total, seq })
    }

    /// Elements without UDHL. The rules are those of 3GPP TS 23.040 §9.2.3.24 and its subclauses.
    #[test]
    fn table_of_concatenations() {
        for (name, octets, concat) in [
            ("8 bit, §9.2.3.24.1", &[0x00, 3, 0xC3, 2, 1][..], narrow(0xC3, 2, 1)),
            (
                "16 bit, §9.2.3.24.8",
                &[0x08, 4, 0x01, 0x80, 4, 2],
                Some(Concat { reference: 0x0180, wide: true, total: 4, seq: 2 }),
            ),
            ("behind an unknown element", &[0x7E, 1, 9, 0x00, 3, 1, 2, 2], narrow(1, 2, 2)),
            ("255 of 255", &[0x00, 3, 0, 255, 255], narrow(0, 255, 255)),
            ("twice: the last counts", &[0x00, 3, 1, 2, 1, 0x00, 3, 9, 2, 2], narrow(9, 2, 2)),
            ("both widths: the last counts", &[0x08, 4, 0, 1, 2, 1, 0x00, 3, 9, 2, 2], narrow(9, 2, 2)),
            ("the last is void: the one before", &[0x00, 3, 1, 2, 1, 0x00, 3, 9, 2, 3], narrow(1, 2, 1)),
            ("total 0", &[0x00, 3, 1, 0, 0], None),
            ("part 0", &[0x00, 3, 1, 2, 0], None),
            ("part over the total", &[0x00, 3, 1, 2, 3], None),
            ("one octet short", &[0x00, 2, 1, 2], None),
            ("one octet long", &[0x00, 4, 1, 2, 1, 0], None),
            ("no octets", &[0x00, 0], None),
        ] {
            assert_eq!(Udh::decode(octets).unwrap().concat(), concat, "{name}");
        }
    }

    #[test]
    fn table_of_ports() {
        for (name, octets, ports) in [
            ("8 bit, §9.2.3.24.3", &[0x04, 2, 240, 241][..], Some(Ports { dst: 240, src: 241, wide: false })),
            (
                "16 bit, §9.2.3.24.4",
                &[0x05, 4, 0x0B, 0x84, 0x23, 0xF0],
                Some(Ports { dst: 2948, src: 9200, wide: true }),
            ),
            ("wrong length", &[0x05, 2, 0x0B, 0x84], None),
            (
                "the last counts",
                &[0x04, 2, 240, 241, 0x05, 4, 0x0B, 0x84, 0x23, 0xF0],
                Some(Ports { dst: 2948, src: 9200, wide: true }),
            ),
            (
                "but for a reserved one",
                &[0x05, 4, 0x0B, 0x84, 0x23, 0xF0, 0x04, 2, 239, 241, 0x05, 4, 0xC0, 0, 0, 0],
                Some(Ports { dst: 2948, src: 9200, wide: true }),
            ),
            (
                "the first that is not reserved",
                &[0x04, 2, 240, 241, 0x04, 2, 239, 241],
                Some(Ports { dst: 240, src: 241, wide: false }),
            ),
            (
                "a low port of 16 bits is none",
                &[0x05, 4, 0, 80, 0, 0, 0x05, 4, 0xC0, 0, 0, 0],
                Some(Ports { dst: 80, src: 0, wide: true }),
            ),
            ("reserved ones only", &[0x04, 2, 0, 11], Some(Ports { dst: 0, src: 11, wide: false })),
            ("the last of 16 bits", &[0x05, 4, 0xBF, 0xFF, 0, 0], Some(Ports { dst: 49_151, src: 0, wide: true })),
            ("none", &[0x00, 3, 1, 2, 1], None),
        ] {
            assert_eq!(Udh::decode(octets).unwrap().ports(), ports, "{name}");
        }
    }

    #[test]
    fn table_of_shifts() {
        let shift = |locking, single| Shift { locking, single };
        for (name, octets, want) in [
            ("none", &[0x00, 3, 1, 2, 1][..], Shift::NONE),
            ("single, §9.2.3.24.15", &[0x24, 1, 2], shift(None, Some(Language::Spanish))),
            ("locking, §9.2.3.24.16", &[0x25, 1, 1], shift(Some(Language::Turkish), None)),
            ("both", &[0x24, 1, 3, 0x25, 1, 1], shift(Some(Language::Turkish), Some(Language::Portuguese))),
            ("twice: the last counts", &[0x24, 1, 3, 0x24, 1, 2], shift(None, Some(Language::Spanish))),
            ("reserved languages", &[0x24, 1, 0, 0x25, 1, 14], Shift::NONE),
            ("wrong length", &[0x24, 0, 0x25, 2, 1, 1], Shift::NONE),
        ] {
            assert_eq!(Udh::decode(octets).unwrap().shift(), want, "{name}");
        }
    }

    #[test]
    fn table_of_special_messages() {
        let special = |store, profile, kind, extended, count| SpecialMessage { store, profile, kind, extended, count };
        for (name, octets, want) in [
            ("voice, discard", &[0x01, 2, 0x00, 3][..], &[special(false, 1, WaitingKind::Voicemail, 0, 3)][..]),
            ("e-mail, store, profile 3", &[0x01, 2, 0xC2, 1], &[special(true, 3, WaitingKind::Email, 0, 1)]),
            ("video", &[0x01, 2, 0x07, 0], &[special(false, 1, WaitingKind::Other, 1, 0)]),
            (
                "other and video",
                &[0x01, 2, 0x03, 2, 0x01, 2, 0x07, 1],
                &[special(false, 1, WaitingKind::Other, 0, 2), special(false, 1, WaitingKind::Other, 1, 1)],
            ),
            (
                "two kinds, one of them twice",
                &[0x01, 2, 0, 3, 0x01, 2, 1, 5, 0x01, 2, 0, 4],
                &[special(false, 1, WaitingKind::Fax, 0, 5), special(false, 1, WaitingKind::Voicemail, 0, 4)],
            ),
            ("wrong length", &[0x01, 1, 0], &[]),
        ] {
            assert_eq!(Udh::decode(octets).unwrap().waiting(), want, "{name}");
        }
    }

    #[test]
    fn reply_addresses_and_links() {
        let reply = |octets: &[u8]| Udh::decode(octets).unwrap().reply_address().map(|address| address.to_string());
        assert_eq!(reply(&[0x22, 4, 4, 0x91, 0x21, 0x43]).as_deref(), Some("+1234"));
        assert_eq!(
            reply(&[0x22, 4, 4, 0x91, 0x21, 0x43, 0x22, 3, 2, 0x81, 0x65]).as_deref(),
            Some("56"),
            "the last counts"
        );
        assert_eq!(reply(&[0x22, 1, 9]), None);
        let links = Udh::decode(&[0x21, 4, 0x01, 0x02, 3, 4, 0x21, 1, 0]).unwrap().hyperlinks();
        assert_eq!(links, [Hyperlink { position: 0x0102, title: 3, url: 4 }]);
    }

    #[test]
    fn elements_are_kept_octet_for_octet() {
        let octets = [0xA1, 0, 0x7E, 3, 1, 2, 3, 0x00, 3, 1, 2, 1, 0x24, 1, 1];
        let udh = Udh::decode(&octets).unwrap();
        let mut out = Vec::new();
        udh.write(&mut out, 140).unwrap();
        assert_eq!((out[0], &out[1..], udh.len_octets()), (15, &octets[..], 16));
    }

    #[test]
    fn a_last_element_that_does_not_fit_voids_the_header() {
        for octets in [&[0x00][..], &[0x00, 3, 1, 2], &[0x24, 1, 1, 0x00, 3], &[0x24, 1, 1, 0x25]] {
            assert_eq!(Udh::decode(octets), None, "{octets:x?}");
        }
        assert_eq!(Udh::decode(&[]), Some(Udh::default()));
    }

    #[test]
    fn elements_are_written_as_they_are_read() {
        for concat in [
            Concat { reference: 0xC3, wide: false, total: 2, seq: 1 },
            Concat { reference: 0x01C3, wide: true, total: 255, seq: 255 },
        ] {
            assert_eq!(Udh(vec![concat.into()]).concat(), Some(concat));
        }
        for ports in [Ports { dst: 240, src: 0, wide: false }, Ports { dst: 2948, src: 9200, wide: true }] {
            assert_eq!(Udh(vec![ports.into()]).ports(), Some(ports));
        }
    }

    #[test]
    fn a_header_over_140_octets_is_refused() {
        let ie = |n: usize| InformationElement { iei: 0x7E, data: vec![0; n] };
        assert_eq!(Udh(vec![ie(137)]).write(&mut Vec::new(), 140), Ok(()));
        let error = Udh(vec![ie(138)]).write(&mut Vec::new(), 140).unwrap_err();
        assert_eq!(error.to_string(), "tp-ud: 141 octets, at most 140 fit");
        assert!(Udh(vec![ie(300)]).write(&mut Vec::new(), 140).is_err());
    }
}
