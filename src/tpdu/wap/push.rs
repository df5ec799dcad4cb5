//! The push PDU: content type, headers, body. WAP-230-WSP §8.2.4.1.

use super::super::error::{DecodeError, Detail};
use super::super::reader::Reader;
use super::super::user_data::UserData;
use super::mms::{self, MmsNotification};
use super::wbxml::{self, Indication, Loading};
use super::{PUSH_PORT, wsp};
use std::fmt;

/// A WAP push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Transaction identifier of the PDU.
    pub transaction: u8,
    /// Such as `application/vnd.wap.mms-message`; parameters are left out.
    pub content_type: String,
    /// X-Wap-Application-Id where it is a number: 2 wml.ua, 4 mms.ua, 5 push.syncml …
    pub application_id: Option<u64>,
    /// The content.
    pub body: Body,
}

/// What a push brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A multimedia message waits at the centre.
    MmsNotification(MmsNotification),
    /// "There is something at this address".
    Indication(Indication),
    /// "Load this address".
    Loading(Loading),
    /// Any other content, octet for octet.
    Other(Vec<u8>),
}

/// What it says, for a dump.
impl fmt::Display for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::MmsNotification(mms) => {
                let from = mms.from.as_deref().unwrap_or("a hidden sender");
                write!(f, "a multimedia message of {from} waits at {}", mms.content_location)
            }
            Body::Indication(indication) => write!(f, "{:?} at {}", indication.text, indication.href),
            Body::Loading(loading) => write!(f, "load {}", loading.href),
            Body::Other(octets) => write!(f, "{}, {} octets", self.content_type, octets.len()),
        }
    }
}

impl Push {
    /// The push that is in these user data, where they are one: by their port, and not a part of several.
    pub fn of(ud: &UserData) -> Option<Result<Push, DecodeError>> {
        Push::of_parts(&[ud])
    }

    /// The push that all parts of a message are, in their order. `None` where one is missing.
    pub fn of_parts(parts: &[&UserData]) -> Option<Result<Push, DecodeError>> {
        let is_push = |ud: &&UserData| ud.udh.ports().is_some_and(|ports| ports.wide && ports.dst == PUSH_PORT);
        let total = parts.first()?.udh.concat().map_or(1, |concat| usize::from(concat.total));
        (total == parts.len() && parts.iter().all(is_push)).then(|| {
            let payload: Vec<u8> = parts.iter().flat_map(|part| part.payload.iter().copied()).collect();
            Push::decode(&payload)
        })
    }

    /// Reads the user data of a message to the push port, its parts joined. Places count from the first of these octets.
    pub fn decode(octets: &[u8]) -> Result<Push, DecodeError> {
        let mut reader = Reader::new(octets, 0);
        let transaction = reader.octet("wsp.tid")?;
        let kind = reader.octet("wsp.type")?;
        if !matches!(kind, PUSH | CONFIRMED_PUSH) {
            let detail = Detail::Malformed { wanted: "a push PDU, 0x06 or 0x07" };
            return Err(DecodeError { field: "wsp.type", octet: 1, detail });
        }
        let n = wsp::uintvar(&mut reader, "wsp.headers-length")?;
        let mut headers = reader.within("wsp.headers", n)?;
        let content_type = content_type(&mut headers)?;
        let application_id = application_id(&mut headers).unwrap_or(None);
        let body = match content_type.as_str() {
            "application/vnd.wap.mms-message" => match mms::decode(&mut reader.clone())? {
                Some(notification) => Body::MmsNotification(notification),
                None => Body::Other(reader.rest().to_vec()),
            },
            "application/vnd.wap.sic" => Body::Indication(wbxml::indication(reader)?),
            "application/vnd.wap.slc" => Body::Loading(wbxml::loading(reader)?),
            _ => Body::Other(reader.rest().to_vec()),
        };
        Ok(Push { transaction, content_type, application_id, body })
    }
}

/// Content-type-value. WAP-230-WSP §8.4.2.24.
fn content_type(headers: &mut Reader<'_>) -> Result<String, DecodeError> {
    const FIELD: &str = "wsp.content-type";
    match headers.rest().first() {
        Some(0..=31) => media_type(&mut wsp::sized(headers, FIELD)?),
        _ => media_type(headers),
    }
}

fn media_type(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    const FIELD: &str = "wsp.content-type";
    match reader.rest().first() {
        Some(0x20..=0x7F) => wsp::text(reader, FIELD),
        _ => {
            let number = wsp::integer(reader, FIELD)?;
            let known = MEDIA_TYPES.iter().find(|(known, _)| *known == number);
            Ok(known.map_or_else(|| format!("well-known media type {number:#04x}"), |(_, name)| (*name).to_owned()))
        }
    }
}

/// Looks through the headers for X-Wap-Application-Id. A header that is not understood ends the search, not the push.
fn application_id(headers: &mut Reader<'_>) -> Result<Option<u64>, DecodeError> {
    const FIELD: &str = "wsp.header";
    while let Some(name) = headers.rest().first().copied() {
        match name {
            0x80.. => {
                headers.octet(FIELD)?;
                let is_number = headers.rest().first().is_some_and(|value| !(0x20..0x80).contains(value));
                if name & 0x7F == APPLICATION_ID && is_number {
                    return wsp::integer(headers, FIELD).map(Some);
                }
            }
            // A shift of the header code page: what follows is of another page.
            0..=31 => return Ok(None),
            _ => {
                wsp::text_octets(headers, FIELD)?;
            }
        }
        wsp::skip_value(headers, FIELD)?;
    }
    Ok(None)
}

/// PDU types. WAP-230-WSP table 34.
const PUSH: u8 = 0x06;
const CONFIRMED_PUSH: u8 = 0x07;
/// Well-known field name of X-Wap-Application-Id. WAP-230-WSP table 39.
const APPLICATION_ID: u8 = 0x2F;

/// Those that come by push. WAP-230-WSP table 40, and the OMNA registry.
const MEDIA_TYPES: [(u64, &str); 14] = [
    (0x03, "text/plain"),
    (0x23, "application/vnd.wap.multipart.mixed"),
    (0x2D, "text/vnd.wap.si"),
    (0x2E, "application/vnd.wap.sic"),
    (0x2F, "text/vnd.wap.sl"),
    (0x30, "application/vnd.wap.slc"),
    (0x31, "text/vnd.wap.co"),
    (0x32, "application/vnd.wap.coc"),
    (0x33, "application/vnd.wap.multipart.related"),
    (0x34, "application/vnd.wap.sia"),
    (0x35, "text/vnd.wap.connectivity-xml"),
    (0x36, "application/vnd.wap.connectivity-wbxml"),
    (0x3E, "application/vnd.wap.mms-message"),
    (0x44, "application/vnd.syncml.notification"),
];

#[cfg(test)]
mod tests {
    use super::super::super::deliver::Deliver;
    use super::super::super::hex;
    use super::super::super::join;
    use super::super::super::udh::{Concat, InformationElement, Ports, Udh};
    use super::super::mms::Expiry;
    use super::super::wbxml::Action;
    use super::*;

    fn push(line: &str) -> Result<Push, String> {
        Push::decode(&hex::decode(line).unwrap()).map_err(|error| error.to_string())
    }

    /// Built by OMA-TS-MMS-ENC §6.2: every field of the notification once.
    #[test]
    fn a_notification_of_a_multimedia_message() {
        let line = "0106 03 BEAF84 8C82 9854313200 8D92 8907802B3439313200 96 05EAC3A4 2100 8A80 8E020400 8805 8103015180 83687474703A2F2F6D2F3100";
        let notification = MmsNotification {
            transaction_id: "T12".into(),
            version: (1, 2),
            from: Some("+4912".into()),
            subject: Some("ä!".into()),
            class: Some("personal".into()),
            size: Some(1024),
            expiry: Some(Expiry::After(86_400)),
            content_location: "http://m/1".into(),
        };
        let push = push(line).unwrap();
        assert_eq!(push.content_type, "application/vnd.wap.mms-message");
        assert_eq!((push.transaction, push.application_id), (1, Some(4)));
        assert_eq!(push.body, Body::MmsNotification(notification));
    }

    /// The examples of WAP-167-ServiceInd §8.3 and WAP-168-ServiceLoad §9.3.
    #[test]
    fn the_examples_of_the_standards() {
        let line = "0106 01 AE 02056A0045C60D0378797A008503656D61696C2F3132332F6162632E776D6C00 0AC30719990625152315 \
                    10C30419990630 01 03596F7520686176652034206E657720656D61696C7300 01 01";
        let indication = Indication {
            href: "http://www.xyz.com/email/123/abc.wml".into(),
            text: "You have 4 new emails".into(),
            id: None,
            created: Some("1999-06-25T15:23:15Z".into()),
            expires: Some("1999-06-30T00:00:00Z".into()),
            action: Action::SignalMedium,
        };
        assert_eq!(push(line).unwrap().body, Body::Indication(indication));
        let line = "0106 01 B0 02066A00850A0378797A00850370706169642F3132332F6162632E776D6C0001";
        let loading = Loading { href: "http://www.xyz.com/ppaid/123/abc.wml".into(), action: Action::ExecuteLow };
        assert_eq!(push(line).unwrap().body, Body::Loading(loading));
    }

    #[test]
    fn a_push_is_known_by_its_port_and_whole() {
        let ports = |dst, wide| Ports { dst, src: 9200, wide };
        let ports_element = |ports: Ports| InformationElement::from(ports);
        let concat = |total| InformationElement::from(Concat { reference: 1, wide: false, total, seq: 1 });
        let payload = hex::decode("01060183FF").unwrap();
        for (name, elements, want) in [
            ("to the push port", vec![ports_element(ports(2948, true))], true),
            ("to another port", vec![ports_element(ports(2949, true))], false),
            ("to a port of 8 bits", vec![ports_element(ports(2948 & 0xFF, false))], false),
            ("to no port", vec![], false),
            ("the only part", vec![ports_element(ports(2948, true)), concat(1)], true),
            ("a part of two", vec![ports_element(ports(2948, true)), concat(2)], false),
        ] {
            let ud = UserData { udh: Udh(elements), payload: payload.clone() };
            assert_eq!(Push::of(&ud).is_some(), want, "{name}");
        }
    }

    #[test]
    fn a_push_in_parts_is_read_when_all_are_there() {
        let octets =
            hex::decode("010601AE 02056A0045C60D0378797A008503656D61696C2F3132332F6162632E776D6C0001").unwrap();
        let total = octets.len().div_ceil(10) as u8;
        let part = |(seq, payload): (u8, &[u8])| Deliver {
            ud: UserData {
                udh: Udh(vec![
                    InformationElement::from(Ports { dst: 2948, src: 9200, wide: true }),
                    InformationElement::from(Concat { reference: 1, wide: false, total, seq }),
                ]),
                payload: payload.to_vec(),
            },
            ..Deliver::default()
        };
        let parts: Vec<Deliver> = (1..=total).zip(octets.chunks(10)).map(part).rev().collect();
        let joined = join::messages(&parts);
        assert_eq!(joined[0].push(), Some(Push::decode(&octets)));
        assert!(joined[0].push().is_some_and(|push| push.is_ok()));
        assert_eq!(join::messages(&parts[1..])[0].push(), None, "a part is missing");
        assert!(parts.iter().all(|part| Push::of(&part.ud).is_none()), "no part is the whole");
        assert_eq!(Push::of_parts(&[]), None);
    }

    #[test]
    fn places_in_a_body_count_from_the_first_octet_of_the_push() {
        assert_eq!(push("0106 01 AE 02").unwrap_err(), "wbxml.public-id at octet 5: 1 octets needed, 0 left");
        assert_eq!(push("0106 01 B0 02").unwrap_err(), "wbxml.public-id at octet 5: 1 octets needed, 0 left");
    }

    #[test]
    fn table_of_applications() {
        for (name, headers, want) in [
            ("by number", "AF84", Some(4)),
            ("by name", "AF 782D6100", None),
            ("after a header by name", "5800 7900 AF84", Some(4)),
            ("after another field", "9081 AF84", Some(4)),
            ("after a shift of the code page", "01 AF84", None),
            ("after one that would be a name", "01 00 83 AF84", None),
            ("a long number", "AF 0201F4", Some(500)),
            ("by a name that begins with a blank", "AF 206100", None),
            ("a name may begin with 0x7F", "AF 7F6100 AF85", Some(5)),
            ("none", "9081", None),
        ] {
            let headers = hex::decode(headers).unwrap();
            let line = [&[0x01, 0x06, u8::try_from(headers.len() + 1).unwrap(), 0x83][..], &headers, &[0xFF]].concat();
            assert_eq!(Push::decode(&line).unwrap().application_id, want, "{name}");
        }
    }

    #[test]
    fn what_a_dump_says_of_each() {
        let push = |body| Push { transaction: 1, content_type: "a/b".into(), application_id: None, body };
        let mms = |from: Option<&str>| MmsNotification {
            transaction_id: "T".into(),
            version: (1, 0),
            from: from.map(str::to_owned),
            subject: None,
            class: None,
            size: None,
            expiry: None,
            content_location: "http://m".into(),
        };
        let indication = Indication { href: "http://i".into(), text: "news".into(), ..Indication::default() };
        let loading = Loading { href: "http://l".into(), action: Action::Cache };
        for (body, want) in [
            (Body::MmsNotification(mms(None)), "a multimedia message of a hidden sender waits at http://m"),
            (Body::MmsNotification(mms(Some("+491"))), "a multimedia message of +491 waits at http://m"),
            (Body::Indication(indication), "\"news\" at http://i"),
            (Body::Loading(loading), "load http://l"),
            (Body::Other(vec![1, 2]), "a/b, 2 octets"),
        ] {
            assert_eq!(push(body).to_string(), want);
        }
    }

    #[test]
    fn table_of_content_types() {
        for (name, line, want) in [
            ("short", "01060183FF", "text/plain"),
            ("text", "0106 0C 746578742F782D6E6577 00 00 FF", "text/x-new"),
            ("general form with a parameter", "0106 04 03 83 81EA FF", "text/plain"),
            ("a header without a value", "0106 02 83AF FF", "text/plain"),
            ("not known", "0106 01 FF FF", "well-known media type 0x7f"),
        ] {
            let push = push(line).unwrap();
            assert_eq!(push.content_type, want, "{name}");
            assert_eq!(push.body, Body::Other(vec![0xFF]), "{name}");
        }
    }

    #[test]
    fn other_multimedia_messages_are_kept_as_they_are() {
        // M-Delivery.ind.
        let octets = hex::decode("010601BE 8C86 8D90 8B6D696400").unwrap();
        assert_eq!(Push::decode(&octets).unwrap().body, Body::Other(octets[4..].to_vec()));
    }

    #[test]
    fn errors_name_field_and_octet() {
        for (line, want) in [
            ("", "wsp.tid at octet 0: 1 octets needed, 0 left"),
            ("0104", "wsp.type at octet 1: not a push PDU, 0x06 or 0x07"),
            ("010605BE", "wsp.headers at octet 3: 5 octets needed, 1 left"),
            ("010600", "wsp.content-type at octet 3: 1 octets needed, 0 left"),
            ("010601BE8C82", "mms.content-location at octet 6: missing"),
            ("010601BE8C", "mms.message-type at octet 5: 1 octets needed, 0 left"),
            ("010601BE83610001", "mms.header at octet 7: not a text that ends with NUL"),
            ("010601BE8C8283", "mms.content-location at octet 7: not a text that ends with NUL"),
        ] {
            assert_eq!(push(line).unwrap_err(), want, "{line}");
        }
    }
}
