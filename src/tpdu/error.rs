//! What is wrong with octets that cannot be read, and with values that cannot be written.

/// Octets that are not a TPDU, with the place where reading stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} at octet {octet}: {detail}")]
pub struct DecodeError {
    /// Path of the field in the standard's words: `smsc.length`, `tp-oa.value`, `tp-ud.udhl`.
    pub field: &'static str,
    /// Where the field begins, from 0, in the octets (or, for hex, the characters) that were given.
    pub octet: usize,
    /// What is wrong there.
    pub detail: Detail,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Detail {
    /// The octets end inside the field.
    #[error("{need} octets needed, {left} left")]
    Truncated {
        /// Octets the field takes.
        need: usize,
        /// Octets that were left.
        left: usize,
    },
    /// A length that the standard does not allow.
    #[error("{value} is over the limit of {limit}")]
    OverLimit {
        /// What the field says.
        value: usize,
        /// The most it may say.
        limit: usize,
    },
    /// Another kind of TPDU. TP-MTI, 3GPP TS 23.040 §9.2.3.1.
    #[error("message type {found} is not {wanted}")]
    MessageType {
        /// TP-MTI, bits 1 and 0 of the first octet.
        found: u8,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Not a hexadecimal digit.
    #[error("{found:?} is not a hexadecimal digit")]
    NotHex {
        /// The character.
        found: char,
    },
    /// Not what has to be there.
    #[error("not {wanted}")]
    Malformed {
        /// What has to be there.
        wanted: &'static str,
    },
    /// It has to be there and is not.
    #[error("missing")]
    Missing,
    /// Half an octet at the end.
    #[error("an odd number of hexadecimal digits")]
    OddDigits,
}

/// A value that no TPDU can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A character that is neither a digit nor one of `*#abc`. 3GPP TS 23.040 §9.1.2.5.
    #[error("{field}: {character:?} is not a digit of an address")]
    Digit {
        /// The address field.
        field: &'static str,
        /// The first that does not fit.
        character: char,
    },
    /// A sender's name with a character outside the GSM 7 bit alphabet.
    #[error("{field}: {character:?} is not in the GSM 7 bit alphabet")]
    Name {
        /// The address field.
        field: &'static str,
        /// The first that does not fit.
        character: char,
    },
    /// More than 20 digits or 11 characters.
    #[error("{field}: {semi_octets} semi-octets, at most 20 fit")]
    AddressTooLong {
        /// The address field.
        field: &'static str,
        /// What it would take.
        semi_octets: usize,
    },
    /// More user data than the TPDU has room for: 140 octets in a message. 3GPP TS 23.040 §9.2.3.24.
    #[error("tp-ud: {octets} octets, at most {room} fit")]
    UserDataTooLong {
        /// Header and text together.
        octets: usize,
        /// What fits.
        room: usize,
    },
    /// Command data over what is left of 164 octets. 3GPP TS 23.040 §9.2.2.4.
    #[error("tp-cd: {octets} octets, at most {room} fit")]
    CommandTooLong {
        /// The data.
        octets: usize,
        /// What fits behind this address.
        room: usize,
    },
    /// A failure cause below 0x80. 3GPP TS 23.040 §9.2.3.22.
    #[error("tp-fcs: {value:#04x} is reserved, 0x80 to 0xff are causes")]
    ReservedCause {
        /// The octet.
        value: u8,
    },
    /// A payload in the 7 bit alphabet has an octet over 0x7F.
    #[error("tp-ud: octet {at} of the payload, {value:#04x}, is not a septet")]
    NotASeptet {
        /// Where in the payload, from 0.
        at: usize,
        /// The octet.
        value: u8,
    },
}
