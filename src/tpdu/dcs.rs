//! TP-DCS, data coding scheme: which alphabet the user data is in, and how it is to be shown.

use std::fmt;

/// Data coding scheme. Every octet is kept; the accessors read it as the standard says, reserved values included.
/// TP-DCS, 3GPP TS 23.040 §9.2.3.10, 3GPP TS 23.038 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dcs(pub u8);

impl Dcs {
    /// The octet of the general data coding group: 0x00, 0x04, 0x08 without a class, 0x10 to 0x1B with one.
    pub fn new(alphabet: Alphabet, class: Option<MessageClass>) -> Dcs {
        let alphabet = match alphabet {
            Alphabet::Gsm7 => 0x00,
            Alphabet::Octets => 0x04,
            Alphabet::Ucs2 => 0x08,
        };
        Dcs(alphabet | class.map_or(0, |class| 0x10 | class.bits()))
    }

    /// The coding group: bits 7 to 4.
    pub fn group(self) -> CodingGroup {
        match self.0 >> 4 {
            0x0..=0x3 => CodingGroup::General,
            0x4..=0x7 => CodingGroup::AutomaticDeletion,
            0x8..=0xB => CodingGroup::Reserved,
            0xC => CodingGroup::WaitingDiscard,
            0xD => CodingGroup::WaitingStore,
            0xE => CodingGroup::WaitingStoreUcs2,
            _ => CodingGroup::DataCoding,
        }
    }

    /// How the user data is to be read. Compressed text is [`Alphabet::Octets`]: it has to be expanded first.
    pub fn alphabet(self) -> Alphabet {
        if self.is_compressed() { Alphabet::Octets } else { self.text_alphabet() }
    }

    /// The alphabet of the text, expanded if it was compressed. Reserved values are the 7 bit default alphabet.
    pub fn text_alphabet(self) -> Alphabet {
        match (self.group(), self.0 & 0x0C) {
            (CodingGroup::General | CodingGroup::AutomaticDeletion, 0x04) => Alphabet::Octets,
            (CodingGroup::General | CodingGroup::AutomaticDeletion, 0x08) => Alphabet::Ucs2,
            (CodingGroup::WaitingStoreUcs2, _) => Alphabet::Ucs2,
            // Bit 3 is reserved here and ignored.
            (CodingGroup::DataCoding, 0x04 | 0x0C) => Alphabet::Octets,
            _ => Alphabet::Gsm7,
        }
    }

    /// Compressed as 3GPP TS 23.042 says.
    pub fn is_compressed(self) -> bool {
        matches!(self.group(), CodingGroup::General | CodingGroup::AutomaticDeletion) && self.0 & 0x20 != 0
    }

    /// The message class, where the octet has one: in the general groups only with bit 4 set.
    pub fn class(self) -> Option<MessageClass> {
        match self.group() {
            CodingGroup::General | CodingGroup::AutomaticDeletion if self.0 & 0x10 != 0 => {
                Some(MessageClass::from_bits(self.0))
            }
            CodingGroup::DataCoding => Some(MessageClass::from_bits(self.0)),
            _ => None,
        }
    }

    /// To be deleted once read, whatever the class.
    pub fn is_deleted_after_reading(self) -> bool {
        self.group() == CodingGroup::AutomaticDeletion
    }

    /// The message waiting indication, in its three groups.
    pub fn message_waiting(self) -> Option<MessageWaiting> {
        let store = match self.group() {
            CodingGroup::WaitingDiscard => false,
            CodingGroup::WaitingStore | CodingGroup::WaitingStoreUcs2 => true,
            _ => return None,
        };
        Some(MessageWaiting { kind: WaitingKind::from_bits(self.0), active: self.0 & 0x08 != 0, store })
    }
}

/// What it says, for a dump.
impl fmt::Display for Dcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.text_alphabet() {
            Alphabet::Gsm7 => "GSM 7 bit",
            Alphabet::Octets => "8 bit data",
            Alphabet::Ucs2 => "UCS-2",
        })?;
        if self.is_compressed() {
            f.write_str(", compressed")?;
        }
        match self.class() {
            Some(MessageClass::Class0) => f.write_str(", class 0 (shown at once)")?,
            Some(MessageClass::Class1) => f.write_str(", class 1 (phone)")?,
            Some(MessageClass::Class2) => f.write_str(", class 2 (SIM)")?,
            Some(MessageClass::Class3) => f.write_str(", class 3 (terminal equipment)")?,
            None => {}
        }
        if let Some(waiting) = self.message_waiting() {
            let kind = waiting.kind.word();
            let active = if waiting.active { "waiting" } else { "no longer waiting" };
            let store = if waiting.store { "store" } else { "discard" };
            write!(f, ", {kind} message {active}, {store} the text")?;
        }
        match self.group() {
            CodingGroup::AutomaticDeletion => f.write_str(", delete after reading"),
            CodingGroup::Reserved => f.write_str(" (reserved coding group)"),
            _ => Ok(()),
        }
    }
}

/// What user data consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet and its extension. 3GPP TS 23.038 §6.2.1.
    #[default]
    Gsm7,
    /// 8 bit data, or compressed text.
    Octets,
    /// UCS-2; UTF-16 in practice.
    Ucs2,
}

/// Message class: where the recipient's side puts the message. 3GPP TS 23.038 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MessageClass {
    /// Shown at once, not stored ("flash").
    Class0,
    /// For the phone's memory.
    Class1,
    /// For the SIM.
    Class2,
    /// For the terminal equipment behind the phone.
    Class3,
}

impl MessageClass {
    /// From two bits; higher bits are ignored.
    pub fn from_bits(bits: u8) -> MessageClass {
        match bits & 0x03 {
            0 => MessageClass::Class0,
            1 => MessageClass::Class1,
            2 => MessageClass::Class2,
            _ => MessageClass::Class3,
        }
    }

    /// The two bits: 0 to 3.
    pub fn bits(self) -> u8 {
        self as u8
    }
}

/// The groups of coding, by bits 7 to 4 of TP-DCS. 3GPP TS 23.038 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodingGroup {
    /// 00xx: general data coding.
    General,
    /// 01xx: the same, marked for automatic deletion.
    AutomaticDeletion,
    /// 1000 to 1011: reserved, read as the 7 bit default alphabet.
    Reserved,
    /// 1100: message waiting indication, the text may be discarded.
    WaitingDiscard,
    /// 1101: message waiting indication, the text is to be stored.
    WaitingStore,
    /// 1110: the same with text in UCS-2.
    WaitingStoreUcs2,
    /// 1111: data coding and message class.
    DataCoding,
}

/// What waits for the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageWaiting {
    /// The kind of message.
    pub kind: WaitingKind,
    /// True: set the indication; false: clear it.
    pub active: bool,
    /// The text is to be stored as well.
    pub store: bool,
}

/// Kinds of waiting messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitingKind {
    /// Voicemail.
    Voicemail,
    /// Fax.
    Fax,
    /// Electronic mail.
    Email,
    /// Something else.
    Other,
}

impl WaitingKind {
    /// The kind in one word.
    pub fn word(self) -> &'static str {
        match self {
            WaitingKind::Voicemail => "voicemail",
            WaitingKind::Fax => "fax",
            WaitingKind::Email => "email",
            WaitingKind::Other => "other",
        }
    }

    /// From bits 1 and 0; higher bits are ignored.
    pub fn from_bits(bits: u8) -> WaitingKind {
        match bits & 0x03 {
            0 => WaitingKind::Voicemail,
            1 => WaitingKind::Fax,
            2 => WaitingKind::Email,
            _ => WaitingKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order of 3GPP TS 23.038 §4; what is shown has group, alphabet, class and indication in it.
    #[test]
    fn table_of_schemes() {
        for (dcs, alphabet, class, shown) in [
            (0x00, Alphabet::Gsm7, None, "GSM 7 bit"),
            (0x01, Alphabet::Gsm7, None, "GSM 7 bit"),
            (0x04, Alphabet::Octets, None, "8 bit data"),
            (0x08, Alphabet::Ucs2, None, "UCS-2"),
            (0x0C, Alphabet::Gsm7, None, "GSM 7 bit"),
            (0x10, Alphabet::Gsm7, Some(0), "GSM 7 bit, class 0 (shown at once)"),
            (0x11, Alphabet::Gsm7, Some(1), "GSM 7 bit, class 1 (phone)"),
            (0x16, Alphabet::Octets, Some(2), "8 bit data, class 2 (SIM)"),
            (0x18, Alphabet::Ucs2, Some(0), "UCS-2, class 0 (shown at once)"),
            (0x20, Alphabet::Octets, None, "GSM 7 bit, compressed"),
            (0x38, Alphabet::Octets, Some(0), "UCS-2, compressed, class 0 (shown at once)"),
            (0x40, Alphabet::Gsm7, None, "GSM 7 bit, delete after reading"),
            (0x5B, Alphabet::Ucs2, Some(3), "UCS-2, class 3 (terminal equipment), delete after reading"),
            (0x60, Alphabet::Octets, None, "GSM 7 bit, compressed, delete after reading"),
            (0x84, Alphabet::Gsm7, None, "GSM 7 bit (reserved coding group)"),
            (0xB8, Alphabet::Gsm7, None, "GSM 7 bit (reserved coding group)"),
            (0xC0, Alphabet::Gsm7, None, "GSM 7 bit, voicemail message no longer waiting, discard the text"),
            (0xC8, Alphabet::Gsm7, None, "GSM 7 bit, voicemail message waiting, discard the text"),
            (0xD9, Alphabet::Gsm7, None, "GSM 7 bit, fax message waiting, store the text"),
            (0xEA, Alphabet::Ucs2, None, "UCS-2, email message waiting, store the text"),
            (0xEB, Alphabet::Ucs2, None, "UCS-2, other message waiting, store the text"),
            (0xF0, Alphabet::Gsm7, Some(0), "GSM 7 bit, class 0 (shown at once)"),
            (0xF5, Alphabet::Octets, Some(1), "8 bit data, class 1 (phone)"),
            (0xFB, Alphabet::Gsm7, Some(3), "GSM 7 bit, class 3 (terminal equipment)"),
            (0xFE, Alphabet::Octets, Some(2), "8 bit data, class 2 (SIM)"),
        ] {
            let ours = Dcs(dcs);
            let bits = ours.class().map(MessageClass::bits);
            assert_eq!((ours.alphabet(), bits, ours.to_string().as_str()), (alphabet, class, shown), "{dcs:#04x}");
            assert_eq!(ours.is_deleted_after_reading(), shown.ends_with("delete after reading"), "{dcs:#04x}");
        }
    }

    #[test]
    fn what_is_made_is_read_back() {
        for alphabet in [Alphabet::Gsm7, Alphabet::Octets, Alphabet::Ucs2] {
            for class in [None, Some(MessageClass::Class0), Some(MessageClass::Class1), Some(MessageClass::Class3)] {
                let dcs = Dcs::new(alphabet, class);
                assert_eq!((dcs.alphabet(), dcs.class()), (alphabet, class), "{dcs:?}");
            }
        }
    }
}
