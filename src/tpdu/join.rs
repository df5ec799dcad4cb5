//! Putting the parts of a long message together again.

use super::dcs::{Alphabet, Dcs};
use super::gsm7::{self, Shift};
use super::ucs2;
use super::user_data::UserData;

/// The text of parts in their order. Payloads are joined before they are decoded, because others cut escape sequences
/// and surrogate pairs. Parts in different alphabets or national tables are decoded each for itself; 8 bit data is read as ISO 8859-1.
pub fn text(parts: &[(&Dcs, &UserData)]) -> String {
    if let [(dcs, ud)] = parts {
        return decode(dcs.alphabet(), ud.udh.shift(), &ud.payload);
    }
    let mut text = String::new();
    for run in parts.chunk_by(|a, b| coding(a) == coding(b)) {
        let payload: Vec<u8> = run.iter().flat_map(|(_, ud)| ud.payload.iter().copied()).collect();
        let (alphabet, shift) = coding(&run[0]);
        text += &decode(alphabet, shift, &payload);
    }
    text
}

fn coding((dcs, ud): &(&Dcs, &UserData)) -> (Alphabet, Shift) {
    (dcs.alphabet(), ud.udh.shift())
}

fn decode(alphabet: Alphabet, shift: Shift, payload: &[u8]) -> String {
    match alphabet {
        Alphabet::Gsm7 => gsm7::decode_shifted(payload, shift),
        Alphabet::Ucs2 => ucs2::decode(payload),
        Alphabet::Octets => payload.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::udh::Udh;
    use super::*;

    fn part(payload: &[u8]) -> UserData {
        UserData { udh: Udh::default(), payload: payload.to_vec() }
    }

    /// Others cut anywhere: 3GPP TS 23.040 §9.2.3.24.1 only asks senders not to.
    #[test]
    fn table_of_cuts() {
        const GSM7: Dcs = Dcs(0x00);
        const DATA: Dcs = Dcs(0x04);
        const UCS2: Dcs = Dcs(0x08);
        for (name, parts, want) in [
            ("no parts", &[][..], ""),
            ("one part", &[(GSM7, &b"abc"[..])], "abc"),
            ("two parts", &[(GSM7, b"abc"), (GSM7, b"def")], "abcdef"),
            ("cut after ESC", &[(GSM7, &[0x61, 0x1B]), (GSM7, &[0x65, 0x62])], "a€b"),
            ("cut in a pair", &[(UCS2, &[0xD8, 0x3D]), (UCS2, &[0xDE, 0x00])], "😀"),
            ("cut in a unit", &[(UCS2, &[0x04]), (UCS2, &[0x2F])], "Я"),
            ("class in one part only", &[(GSM7, &[0x1B]), (Dcs(0x11), &[0x65])], "€"),
            ("other alphabet in the middle", &[(GSM7, b"a"), (UCS2, &[0x04, 0x2F]), (GSM7, b"b")], "aЯb"),
            ("8 bit is Latin-1", &[(DATA, &[0x41, 0xE4])], "Aä"),
        ] {
            let parts: Vec<(Dcs, UserData)> = parts.iter().map(|(dcs, payload)| (*dcs, part(payload))).collect();
            let parts: Vec<(&Dcs, &UserData)> = parts.iter().map(|(dcs, ud)| (dcs, ud)).collect();
            assert_eq!(text(&parts), want, "{name}");
        }
    }
}
