//! M-Notification.ind: a multimedia message waits to be fetched. OMA-TS-MMS-ENC §6.2.

use super::super::error::{DecodeError, Detail};
use super::super::reader::Reader;
use super::wsp;

/// What the notification says. OMA-TS-MMS-ENC table 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MmsNotification {
    /// X-Mms-Transaction-ID, to be given back with the answer.
    pub transaction_id: String,
    /// X-Mms-MMS-Version, major and minor.
    pub version: (u8, u8),
    /// From, without its `/TYPE=PLMN`; `None`: hidden by the sender.
    pub from: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// X-Mms-Message-Class: `personal`, `advertisement`, `informational`, `auto`, or a word of the sender's.
    pub class: Option<String>,
    /// X-Mms-Message-Size in octets.
    pub size: Option<u64>,
    /// X-Mms-Expiry.
    pub expiry: Option<Expiry>,
    /// X-Mms-Content-Location: where it is to be fetched.
    pub content_location: String,
}

/// How long the centre keeps the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Until then, in seconds since 1970.
    At(u64),
    /// So many seconds from now.
    After(u64),
}

/// Reads the headers to the end of the octets; those that are not of a notification are passed over.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Option<MmsNotification>, DecodeError> {
    let mut found = MmsNotification {
        transaction_id: String::new(),
        version: (1, 0),
        from: None,
        subject: None,
        class: None,
        size: None,
        expiry: None,
        content_location: String::new(),
    };
    let mut is_notification = false;
    while let Some(name) = reader.rest().first().copied() {
        if name < 0x80 {
            // A header by its name: nothing that we know.
            wsp::text_octets(reader, "mms.header")?;
            wsp::skip_value(reader, "mms.header")?;
            continue;
        }
        reader.octet("mms.header")?;
        match name & 0x7F {
            MESSAGE_TYPE if reader.octet("mms.message-type")? != NOTIFICATION_IND => return Ok(None),
            MESSAGE_TYPE => is_notification = true,
            TRANSACTION_ID => found.transaction_id = wsp::text(reader, "mms.transaction-id")?,
            VERSION => found.version = version(wsp::integer(reader, "mms.version")?),
            FROM => found.from = from(&mut wsp::sized(reader, "mms.from")?).unwrap_or(None),
            SUBJECT => found.subject = Some(wsp::encoded_string(reader, "mms.subject")?),
            MESSAGE_CLASS => found.class = Some(class(reader)?),
            MESSAGE_SIZE => found.size = Some(wsp::integer(reader, "mms.message-size")?),
            EXPIRY => found.expiry = expiry(&mut wsp::sized(reader, "mms.expiry")?).ok(),
            CONTENT_LOCATION => found.content_location = wsp::text(reader, "mms.content-location")?,
            _ => wsp::skip_value(reader, "mms.header")?,
        }
    }
    let missing = |field| Err(DecodeError { field, octet: reader.at(), detail: Detail::Missing });
    match &found {
        _ if !is_notification => missing("mms.message-type"),
        MmsNotification { content_location, .. } if content_location.is_empty() => missing("mms.content-location"),
        _ => Ok(Some(found)),
    }
}

/// Major in bits 6 to 4, minor in bits 3 to 0; 15: none. OMA-TS-MMS-ENC §7.3.34.
fn version(value: u64) -> (u8, u8) {
    let minor = (value & 0x0F) as u8;
    ((value >> 4 & 0x07) as u8, if minor == 0x0F { 0 } else { minor })
}

/// From-value: an address, or the wish that the centre puts it in. §7.3.12.
fn from(value: &mut Reader<'_>) -> Result<Option<String>, DecodeError> {
    const FIELD: &str = "mms.from";
    if value.octet(FIELD)? != ADDRESS_PRESENT {
        return Ok(None);
    }
    let address = wsp::encoded_string(value, FIELD)?;
    Ok(Some(address.strip_suffix("/TYPE=PLMN").unwrap_or(&address).to_owned()))
}

/// Class-identifier, or a token. §7.3.27.
fn class(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    const FIELD: &str = "mms.message-class";
    match reader.rest().first() {
        Some(octet @ 0x80..) => {
            let names = ["personal", "advertisement", "informational", "auto"];
            let name = names.get(usize::from(octet & 0x7F)).copied().unwrap_or("reserved");
            reader.octet(FIELD)?;
            Ok(name.to_owned())
        }
        _ => wsp::text(reader, FIELD),
    }
}

/// Expiry-value: absolute or relative. §7.3.20.
fn expiry(value: &mut Reader<'_>) -> Result<Expiry, DecodeError> {
    const FIELD: &str = "mms.expiry";
    let token = value.octet(FIELD)?;
    let seconds = wsp::integer(value, FIELD)?;
    Ok(if token == ABSOLUTE { Expiry::At(seconds) } else { Expiry::After(seconds) })
}

// Field names. OMA-TS-MMS-ENC table 25.
const CONTENT_LOCATION: u8 = 0x03;
const EXPIRY: u8 = 0x08;
const FROM: u8 = 0x09;
const MESSAGE_CLASS: u8 = 0x0A;
const MESSAGE_TYPE: u8 = 0x0C;
const VERSION: u8 = 0x0D;
const MESSAGE_SIZE: u8 = 0x0E;
const SUBJECT: u8 = 0x16;
const TRANSACTION_ID: u8 = 0x18;

const NOTIFICATION_IND: u8 = 0x82;
const ADDRESS_PRESENT: u8 = 0x80;
const ABSOLUTE: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::super::super::hex;
    use super::*;

    fn notification(line: &str) -> MmsNotification {
        let octets = hex::decode(&format!("8C82 836100 {line}")).unwrap();
        decode(&mut Reader::new(&octets, 0)).unwrap().unwrap()
    }

    #[test]
    fn table_of_fields() {
        let version = |line| notification(line).version;
        assert_eq!([version(""), version("8D90"), version("8D93"), version("8D9F")], [(1, 0), (1, 0), (1, 3), (1, 0)]);
        let from = |line| notification(line).from;
        assert_eq!(from("890181"), None, "the centre is to insert it");
        assert_eq!(from("89 05 80 2B343931").as_deref(), Some("+491"), "without its NUL");
        assert_eq!(from("890E802B342F545950453D504C4D4E00").as_deref(), Some("+4"));
        let class = |line| notification(line).class;
        assert_eq!(class("8A81").as_deref(), Some("advertisement"));
        assert_eq!(class("8A6D696E6500").as_deref(), Some("mine"));
        assert_eq!(class("8AFF").as_deref(), Some("reserved"));
        let expiry = |line| notification(line).expiry;
        assert_eq!(expiry("88068004 5F5E1000"), Some(Expiry::At(1_600_000_000)));
        assert_eq!(expiry("8802 81FF"), Some(Expiry::After(127)));
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let found = notification("8681 9580 4578747261006F6E6500 BF03616263 9658 00");
        assert_eq!(found.subject.as_deref(), Some("X"));
        assert_eq!(notification("8081 9658 00").subject.as_deref(), Some("X"), "the field with the number 0");
    }

    #[test]
    fn a_last_text_may_lack_its_nul_but_has_an_end() {
        assert_eq!(notification("96 4869").subject.as_deref(), Some("Hi"));
        assert_eq!(notification("96 486900 8A80").subject.as_deref(), Some("Hi"));
        let of = |n: usize| {
            let octets = [hex::decode("8C82 836100 96").unwrap(), vec![b'x'; n]].concat();
            decode(&mut Reader::new(&octets, 0)).map(|found| found.unwrap().subject.unwrap().len())
        };
        assert_eq!(of(wsp::MAX_TEXT - 1), Ok(wsp::MAX_TEXT - 1));
        let error = of(wsp::MAX_TEXT).unwrap_err().to_string();
        assert_eq!(error, "mms.subject at octet 6: not a text that ends with NUL");
    }

    #[test]
    fn what_is_no_notification_says_what_is_missing() {
        let decode = |line: &str| decode(&mut Reader::new(&hex::decode(line).unwrap(), 0)).unwrap_err().to_string();
        assert_eq!(decode("836100"), "mms.message-type at octet 3: missing");
        assert_eq!(decode("8C82"), "mms.content-location at octet 2: missing");
    }
}
