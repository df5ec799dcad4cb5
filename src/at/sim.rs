//! Answers about the SIM: its lock, its serial number, its subscriber.

use super::line::body;
use super::params::Params;

/// What the SIM waits for. 3GPP TS 27.007 §8.3.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PinState {
    /// Nothing: it can be used.
    Ready,
    /// Its PIN.
    Pin,
    /// Its PUK, because the PIN was wrong too often.
    Puk,
    /// Anything else, as the modem wrote it.
    Other(String),
}

/// Reads what follows `+CPIN:`; quotes occur.
pub fn pin_state(text: &str) -> PinState {
    match text.trim().trim_matches('"').trim() {
        "READY" => PinState::Ready,
        "SIM PIN" => PinState::Pin,
        "SIM PUK" => PinState::Puk,
        other => PinState::Other(other.to_owned()),
    }
}

/// The serial number in a line: `+CCID: "89…"`, `+ICCID: 89…`, `^ICCID: 98…F`, bare. The filler of the file is cut
/// off, and the digits are put in order where the modem shows the file's swapped ones. ITU-T E.118: it begins with 89.
pub fn iccid(line: &str) -> Option<String> {
    let text = line.split_once(':').map_or(line, |(_, text)| text).trim().trim_matches('"').trim();
    let hexadecimal = text.bytes().all(|b| b.is_ascii_hexdigit());
    if !hexadecimal || !(10..=22).contains(&text.len()) {
        return None;
    }
    let text = text.to_ascii_uppercase();
    let ordered = if !text.starts_with("89") && text.starts_with("98") { swapped(&text) } else { text };
    Some(ordered.trim_end_matches('F').to_owned()).filter(|text| text.len() >= 10)
}

/// The serial number in the answer to reading its file: `+CRSM: 144,0,"98…"`. 3GPP TS 31.102 §4.2.2.
pub fn iccid_file(params: &Params<'_>) -> Option<String> {
    let done = matches!(params.number::<u8>(0)?, 144 | 145);
    let text = params.text(2).filter(|_| done)?;
    let digits = swapped(&text.to_ascii_uppercase());
    let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    Some(digits.trim_end_matches('F').to_owned()).filter(|text| hexadecimal && (10..=20).contains(&text.len()))
}

/// Each pair of digits the other way round.
pub(crate) fn swapped(text: &str) -> String {
    text.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect()
}

/// An identity of digits in a line with or without its name in front: IMEI or IMSI, of `least` to `most` digits.
/// An IMEI may be quoted, and followed by more fields or by the software version.
pub fn digits(line: &str, name: &str, least: usize, most: usize) -> Option<String> {
    let text = body(line, name).unwrap_or(line).trim().trim_start_matches('"');
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (least..=most).contains(&end).then(|| text[..end].to_owned())
}

/// A name a maker gave, with or without the command's name in front, in quotes or not.
pub fn name(line: &str, command: &str) -> Option<String> {
    let text = body(line, command).unwrap_or(line).trim().trim_matches('"').trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_pin_states() {
        for (text, want) in [
            ("READY", PinState::Ready),
            ("\"READY\"", PinState::Ready),
            (" READY ", PinState::Ready),
            ("SIM PIN", PinState::Pin),
            ("SIM PUK", PinState::Puk),
            ("SIM PIN2", PinState::Other("SIM PIN2".to_owned())),
            ("", PinState::Other(String::new())),
        ] {
            assert_eq!(pin_state(text), want, "{text}");
        }
    }

    #[test]
    fn table_of_serial_numbers() {
        for (line, want) in [
            ("+CCID: 8949000000000001000", Some("8949000000000001000")),
            ("+CCID: \"89490000000000010005\"", Some("89490000000000010005")),
            ("+ICCID:89860318760238610932", Some("89860318760238610932")),
            ("^ICCID: 989400000000001000F0", Some("8949000000000001000")),
            ("+QCCID: 8949000000000001000F", Some("8949000000000001000")),
            ("8949000000000001000F", Some("8949000000000001000")),
            ("89314404000A27610932", Some("89314404000A27610932")),
            ("ERROR", None),
            ("+CCID:", None),
            ("+CCID: 123", None),
        ] {
            assert_eq!(iccid(line).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn table_of_serial_number_files() {
        for (text, want) in [
            ("144,0,\"989400000000000001F0\"", Some("8949000000000000100")),
            ("144,0,\"98940000000000000150\"", Some("89490000000000001005")),
            ("144,0,989400000000000001F0", Some("8949000000000000100")),
            ("106,130", None),
            ("105,0,\"\"", None),
            ("144,0", None),
        ] {
            assert_eq!(iccid_file(&Params::parse(text)).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn table_of_identities() {
        for (line, want) in [
            ("357868041000000", Some("357868041000000")),
            ("+CGSN: 357868041000000", Some("357868041000000")),
            ("+CGSN: \"357868041000000\"", Some("357868041000000")),
            ("357868041000000,01", Some("357868041000000")),
            ("12345", None),
            ("no digits", None),
        ] {
            assert_eq!(digits(line, "+CGSN", 14, 17).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn table_of_names() {
        // gammu: model/02, /06; Huawei, Telit and u-blox write the others.
        for (line, want) in [
            ("Nokia 5210", Some("Nokia 5210")),
            (" MULTIBAND  900E  1800 ", Some("MULTIBAND  900E  1800")),
            ("+CGMM: E3372", Some("E3372")),
            ("\"SARA-U201\"", Some("SARA-U201")),
            ("+CGMM:", None),
        ] {
            assert_eq!(name(line, "+CGMM").as_deref(), want, "{line}");
        }
    }
}
