//! The user data field by field: the header, its elements, the text.

use super::super::dcs::{Alphabet, Dcs};
use super::super::error::DecodeError;
use super::super::gsm7::{self, Shift};
use super::super::hex;
use super::super::join;
use super::super::udh::{Concat, Hyperlink, InformationElement, Ports, SpecialMessage, Udh};
use super::super::user_data::{self, UserData};
use super::super::wap::Push;
use super::Dump;

impl Dump<'_> {
    pub(super) fn user_data(&mut self, dcs: Dcs, first: u8) -> Result<(), DecodeError> {
        let start = self.reader.at();
        let udhi = first & 0x40 != 0;
        let ud = UserData::read(&mut self.reader, dcs, udhi)?;
        let octets = &self.octets[start + 1..self.reader.at()];
        let alphabet = dcs.alphabet();
        let unit = if alphabet == Alphabet::Gsm7 { "septets" } else { "octets" };
        let value = format!("{} {unit}{}", self.octets[start], if udhi { ", header included" } else { "" });
        self.line("TP-UDL user data length", start, 1, value);
        if octets.len() > user_data::MAX_OCTETS {
            self.warn("more than the 140 octets that a message has");
        }
        let header = if udhi { octets.first().map_or(0, |udhl| 1 + usize::from(*udhl)) } else { 0 };
        if header > 0 {
            self.header(start + 1, &octets[1..header], alphabet);
        }
        let text = join::text(&[(&dcs, &ud)]);
        let value = match alphabet {
            Alphabet::Octets => hex::encode(&ud.payload),
            _ => format!("{text:?}"),
        };
        let name = if alphabet == Alphabet::Octets { "TP-UD data" } else { "TP-UD text" };
        self.line(name, start + 1 + header, octets.len() - header, value);
        if let Some(warning) = replaced(alphabet, &ud.payload, &text) {
            self.warn(warning);
        }
        // Beside the data, not in their place: they are kept whatever is in them.
        if let Some(push) = Push::of(&ud) {
            let place = |error: DecodeError| DecodeError { octet: error.octet + start + 1 + header, ..error };
            let value = push.map_err(place);
            let value = value.map_or_else(|error| format!("cannot be read: {error}"), |push| push.to_string());
            self.line("WAP push", start + 1 + header, octets.len() - header, value);
        }
        Ok(())
    }

    /// The header's length at octet `start`, and its elements.
    fn header(&mut self, start: usize, elements: &[u8], alphabet: Alphabet) {
        let fill = match (alphabet, gsm7::fill_bits(1 + elements.len())) {
            (Alphabet::Gsm7, 1) => ", 1 fill bit before the text".to_owned(),
            (Alphabet::Gsm7, bits) => format!(", {bits} fill bits before the text"),
            _ => String::new(),
        };
        self.line("TP-UDHL header length", start, 1, format!("{} octets{fill}", elements.len()));
        let mut start = start + 1;
        let Some(udh) = Udh::decode(elements) else {
            self.line("malformed header", start, elements.len(), hex::encode(elements));
            return self.warn("an element does not fit, so the whole header is ignored");
        };
        for ie in udh.0 {
            let (len, name) = (2 + ie.data.len(), ie.name());
            let mut value = format!("IEI {:#04x}, data {}", ie.iei, hex::encode(&ie.data));
            let alone = Udh(vec![ie]);
            if let Some(meaning) = meaning(&alone) {
                value += ": ";
                value += &meaning;
            }
            self.line(name, start, len, value);
            if let Some(warning) = oddity(&alone) {
                self.warn(warning);
            }
            start += len;
        }
    }
}

/// What an element that we know says; it is the only one of its header.
fn meaning(alone: &Udh) -> Option<String> {
    if let Some(Concat { reference, total, seq, .. }) = alone.concat() {
        return Some(format!("part {seq} of {total}, reference {reference}"));
    }
    if let Some(Ports { dst, src, .. }) = alone.ports() {
        return Some(format!("to port {dst}, from port {src}"));
    }
    if let Some(special) = alone.waiting().first() {
        let SpecialMessage { store, profile, count, .. } = special;
        let keep = if *store { "keep the text" } else { "the text may be thrown away" };
        return Some(format!("{count} of {} wait, profile {profile}, {keep}", special.word()));
    }
    if let Some(address) = alone.reply_address() {
        return Some(format!("answer to {address}"));
    }
    if let Some(Hyperlink { position, title, url }) = alone.hyperlinks().first() {
        return Some(format!("title of {title} characters at {position}, then an address of {url}"));
    }
    let shift = alone.shift();
    shift.locking.or(shift.single).map(|language| language.name().to_owned())
}

/// What makes an element that we know one to be ignored.
fn oddity(alone: &Udh) -> Option<&'static str> {
    match alone.0.first()?.iei {
        InformationElement::CONCAT_8 | InformationElement::CONCAT_16 if alone.concat().is_none() => {
            Some("no valid part of a message, so this element is ignored")
        }
        InformationElement::PORTS_8 | InformationElement::PORTS_16 if alone.ports().is_none() => {
            Some("no valid ports, so this element is ignored")
        }
        InformationElement::SINGLE_SHIFT | InformationElement::LOCKING_SHIFT if alone.shift() == Shift::NONE => {
            Some("no language that is known, so the default tables are used")
        }
        InformationElement::LOCKING_SHIFT if alone.shift().locking.is_some_and(|it| !it.has_locking_table()) => {
            Some("no locking table has this language, so the default one is used")
        }
        _ => None,
    }
}

/// What had to be made up to show a text.
fn replaced(alphabet: Alphabet, payload: &[u8], text: &str) -> Option<&'static str> {
    match alphabet {
        Alphabet::Ucs2 if payload.len() % 2 == 1 => Some("half a character at the end is left out"),
        // Two of them are a blank of their own.
        Alphabet::Gsm7 if payload.iter().rev().take_while(|septet| **septet == gsm7::ESCAPE).count() % 2 == 1 => {
            Some("ends with an escape: its character is missing, or in the next part")
        }
        Alphabet::Gsm7 | Alphabet::Ucs2 if text.contains(char::REPLACEMENT_CHARACTER) => {
            Some("what is no character is shown as U+FFFD")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;
    use super::super::{Direction, dump};
    use super::*;

    #[test]
    fn elements_have_places_of_their_own() {
        let line = "00 44 029121 00 04 99309251619580 0A 08 0A0141 0003C30201 41";
        let lines = dump(&hex::decode(line).unwrap(), Direction::FromModem).unwrap();
        let places: Vec<_> =
            lines.iter().filter(|line| line.value.starts_with("IEI")).map(|line| (line.start, line.len)).collect();
        assert_eq!(places, [(16, 3), (19, 5)]);
    }

    /// The lines from the user data on, of an SMS-DELIVER with a header and this scheme.
    fn user_data(dcs: &str, ud: &str) -> Vec<String> {
        let lines = shown(&format!("00 44 029121 00 {dcs} 99309251619580 {ud}"), Direction::FromModem);
        let at = lines.iter().position(|line| line.contains("TP-UDHL")).unwrap();
        lines[at..].iter().map(|line| line[7..].to_owned()).collect()
    }

    #[test]
    fn elements_and_what_is_odd_about_them() {
        let concat = "concatenated message, 8 bit reference: IEI 0x00";
        for (name, dcs, ud, want) in [
            (
                "two elements, none of them odd",
                "04",
                "0D 0B 0003C30201 05040B8423F0 FF",
                &[
                    "TP-UDHL header length: 11 octets",
                    &format!("{concat}, data C30201: part 1 of 2, reference 195"),
                    "application ports, 16 bit: IEI 0x05, data 0B8423F0: to port 2948, from port 9200",
                    "TP-UD data: FF",
                ][..],
            ),
            (
                "part over the total, ports of a wrong length",
                "04",
                "0B 09 0003C30203 05020B84 FF",
                &[
                    "TP-UDHL header length: 9 octets",
                    &format!("{concat}, data C30203 (no valid part of a message, so this element is ignored)"),
                    "application ports, 16 bit: IEI 0x05, data 0B84 (no valid ports, so this element is ignored)",
                    "TP-UD data: FF",
                ],
            ),
            (
                "a language, and one that is not known",
                "00",
                "0A 06 250101 24010E E905",
                &[
                    "TP-UDHL header length: 6 octets, 0 fill bits before the text",
                    "national language locking shift: IEI 0x25, data 01: Turkish",
                    "national language single shift: IEI 0x24, data 0E (no language that is known, so the default tables are used)",
                    "TP-UD text: \"iĞ\"",
                ],
            ),
            (
                "a language without a locking table",
                "00",
                "06 03 250102 E905",
                &[
                    "TP-UDHL header length: 3 octets, 3 fill bits before the text",
                    "national language locking shift: IEI 0x25, data 02: Spanish (no locking table has this language, so the default one is used)",
                    "TP-UD text: \"=\"",
                ],
            ),
            (
                "others",
                "04",
                "12 10 01028003 22040491 2143 210400010203 FF",
                &[
                    "TP-UDHL header length: 16 octets",
                    "special message indication: IEI 0x01, data 8003: 3 of voicemail wait, profile 1, keep the text",
                    "reply address: IEI 0x22, data 04912143: answer to +1234",
                    "hyperlink: IEI 0x21, data 00010203: title of 2 characters at 1, then an address of 3",
                    "TP-UD data: FF",
                ],
            ),
        ] {
            assert_eq!(user_data(dcs, ud), want, "{name}");
        }
    }

    #[test]
    fn texts_that_are_not_whole() {
        for (name, dcs, ud, want) in [
            ("half a character", "08", "03 0031 00", "\"1\" (half a character at the end is left out)"),
            ("lone surrogate", "08", "02 D83D", "\"\u{FFFD}\" (what is no character is shown as U+FFFD)"),
            (
                "escape at the end",
                "00",
                "02 B10D",
                "\"1 \" (ends with an escape: its character is missing, or in the next part)",
            ),
            ("two escapes at the end", "00", "03 B1CD06", "\"1 \""),
            ("nothing wrong", "00", "02 B118", "\"11\""),
            ("nothing wrong, UCS-2", "08", "02 0031", "\"1\""),
        ] {
            let lines = shown(&format!("00 04 029121 00 {dcs} 99309251619580 {ud}"), Direction::FromModem);
            let last = lines.last().unwrap();
            assert_eq!(last.split_once(": ").unwrap().1, want, "{name}");
        }
    }

    #[test]
    fn a_malformed_header_is_shown_as_such() {
        let line = "00 44 029121 00 00 99309251619580 09 050004C30201 D069";
        let lines = shown(line, Direction::FromModem);
        let header = " 16  5 malformed header: 0004C30201 (an element does not fit, so the whole header is ignored)";
        assert_eq!(lines[lines.len() - 2..], [header, " 21  2 TP-UD text: \"hi\""]);
    }
}
