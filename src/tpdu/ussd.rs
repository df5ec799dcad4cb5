//! USSD strings: as the network packs them, and as modems write them into `+CUSD`. 3GPP TS 23.038 §5 and §6.1.2.3.

use super::cbs_dcs::{CbsDcs, CbsLanguage};
use super::dcs::Alphabet;
use super::gsm7::{self, NotGsm7};
use super::hex;
use super::ucs2;

/// How a modem writes a USSD string between the quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// The characters themselves.
    Raw,
    /// Packed septets in hex.
    Packed,
    /// UCS-2 in hex: after `AT+CSCS="UCS2"`, or where the scheme says so.
    Ucs2,
    /// Octets in hex, a character each: 8 bit data.
    Octets,
}

/// Packs septets as USSD and cell broadcast do: 7 spare bits at the end are a CR, and a text that ends with CR on an
/// octet boundary gets another, since one there is taken for filling. 3GPP TS 23.038 §6.1.2.3.1.
pub fn pack(septets: &[u8]) -> Vec<u8> {
    let ends_with_cr = septets.last() == Some(&CR);
    let fills = septets.len() % 8 == 7 || septets.len().is_multiple_of(8) && ends_with_cr;
    let mut octets = Vec::with_capacity(septets.len() + 1);
    if fills {
        gsm7::pack(&[septets, &[CR]].concat(), 0, &mut octets);
    } else {
        gsm7::pack(septets, 0, &mut octets);
    }
    octets
}

/// The septets of packed octets, without the CR that fills them up.
pub fn unpack(octets: &[u8]) -> Vec<u8> {
    let mut septets = gsm7::unpack(octets, 0, usize::MAX);
    if septets.len().is_multiple_of(8) && septets.last() == Some(&CR) {
        septets.pop();
    }
    septets
}

/// A string for `AT+CUSD` in one of the forms.
pub fn encode(text: &str, form: Form) -> Result<String, NotGsm7> {
    Ok(match form {
        Form::Raw => text.to_owned(),
        Form::Packed => hex::encode(&pack(&gsm7::encode(text)?)),
        Form::Ucs2 => hex::encode(&ucs2::encode(text)),
        Form::Octets => hex::encode(&latin1(text)?),
    })
}

/// A character an octet: ISO 8859-1, as 8 bit data is read.
fn latin1(text: &str) -> Result<Vec<u8>, NotGsm7> {
    let octet = |(at, character)| u8::try_from(character).map_err(|_| NotGsm7 { character, at });
    text.chars().enumerate().map(octet).collect()
}

/// The text of a string from `+CUSD`, in the form that [`guess`] finds.
pub fn decode(string: &str, dcs: Option<CbsDcs>) -> String {
    decode_as(string, guess(string, dcs), dcs)
}

/// The text of a string whose form is known; the string itself when it is not of that form.
pub fn decode_as(string: &str, form: Form, dcs: Option<CbsDcs>) -> String {
    let Some(octets) = octets(string).filter(|_| form != Form::Raw) else { return string.to_owned() };
    let in_text = dcs.is_some_and(|dcs| dcs.language() == CbsLanguage::InText);
    match form {
        Form::Raw => string.to_owned(),
        Form::Packed => {
            let septets = unpack(&octets);
            gsm7::decode(if in_text { septets.get(3..).unwrap_or_default() } else { &septets })
        }
        Form::Ucs2 => {
            // Memory that the modem did not mean to show: what is behind the first pair of NULs is no text.
            let units = octets.as_chunks::<2>().0;
            let language = usize::from(in_text && dcs.is_some_and(|dcs| dcs.alphabet() == Alphabet::Ucs2));
            let units = units.get(language..).unwrap_or_default();
            let n = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
            ucs2::decode(units[..n].as_flattened())
        }
        Form::Octets => octets.iter().copied().map(char::from).collect(),
    }
}

/// The form of a string, by its shape and what the scheme says. Modems do not agree, and some of them lie: a number of
/// digits is left as it is, unless the scheme says UCS-2 or 8 bit data: a balance is likelier than four packed septets.
pub fn guess(string: &str, dcs: Option<CbsDcs>) -> Form {
    let Some(octets) = octets(string) else { return Form::Raw };
    // Half a unit at the end: cut by the modem where the rest is of one script, else something else.
    let whole = &octets[..octets.len() & !1];
    let says_ucs2 = dcs.is_some_and(|dcs| dcs.alphabet() == Alphabet::Ucs2);
    if says_ucs2 && (whole.len() == octets.len() || looks_like_ucs2(whole)) {
        return Form::Ucs2;
    }
    let has_letters = string.bytes().any(|c| c.is_ascii_alphabetic());
    // Digits alone are likelier a number, such as a voucher's: 1212 1212 1212.
    if looks_like_ucs2(&octets) && (has_letters || is_of_few_pages(&octets)) {
        return Form::Ucs2;
    }
    if dcs.is_some_and(|dcs| dcs.alphabet() == Alphabet::Octets) {
        return Form::Octets;
    }
    if has_letters && octets.len() >= 4 { Form::Packed } else { Form::Raw }
}

/// Printable ASCII, or Greek to Arabic: the pages 3 to 6.
fn is_of_few_pages(octets: &[u8]) -> bool {
    octets.as_chunks::<2>().0.iter().all(|unit| matches!(unit, [0, 0x20..=0x7E] | [3..=6, _]))
}

/// Half of the units or more are of the page that text in one script has: 0x00 for Latin, 0x04, 0x06 …
fn looks_like_ucs2(octets: &[u8]) -> bool {
    let (units, rest) = octets.as_chunks::<2>();
    if units.len() < 2 || !rest.is_empty() {
        return false;
    }
    let latin = units.iter().filter(|[high, low]| *high == 0 && *low >= 0x0A).count();
    let script = |page: u8| units.iter().filter(|[high, _]| *high == page || *high == 0).count();
    2 * latin > units.len() || (1..0x20).any(|page| script(page) == units.len())
}

/// The octets of a string that is nothing but pairs of hexadecimal digits.
fn octets(string: &str) -> Option<Vec<u8>> {
    let is_hex = !string.is_empty() && string.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| hex::decode(string).ok()).flatten()
}

const CR: u8 = 0x0D;

#[cfg(test)]
mod tests {
    use super::*;

    /// 3GPP TS 23.038 §6.1.2.3.1: a text, what it is packed to, and what is read again.
    #[test]
    fn table_of_fillings() {
        for (name, text, packed, again) in [
            ("spare bits are none", "12345678", "31D98C56B3DD70", "12345678"),
            ("seven spare bits", "1234567", "31D98C56B3DD1A", "1234567"),
            ("six characters", "123456", "31D98C56B301", "123456"),
            ("CR on the boundary: another", "1234567\r", "31D98C56B3DD1A0D", "1234567\r\r"),
            ("CR before the filling", "123456\r", "31D98C56B3351A", "123456\r"),
            ("sixteen characters", "1234567812345678", "31D98C56B3DD7031D98C56B3DD70", "1234567812345678"),
            ("nothing", "", "", ""),
        ] {
            let septets = gsm7::encode(text).unwrap();
            assert_eq!(hex::encode(&pack(&septets)), packed, "{name}");
            assert_eq!(gsm7::decode(&unpack(&hex::decode(packed).unwrap())), again, "{name}");
        }
    }

    /// As modems of many makers write them.
    #[test]
    fn table_of_strings() {
        const GSM7: Option<CbsDcs> = Some(CbsDcs(0x0F));
        const UCS2: Option<CbsDcs> = Some(CbsDcs(0x48));
        for (name, string, dcs, form, text) in [
            ("text", "Balance: 3.00 EUR", GSM7, Form::Raw, "Balance: 3.00 EUR"),
            ("packed", "C2303BEC1E974139", GSM7, Form::Packed, "Balance 9"),
            ("UCS-2 by the scheme", "0411043B", UCS2, Form::Ucs2, "Бл"),
            ("UCS-2 behind a language", "653700480069", Some(CbsDcs(0x11)), Form::Ucs2, "Hi"),
            ("UCS-2 by its shape", "00420061006C", GSM7, Form::Ucs2, "Bal"),
            ("UCS-2 in one script", "041104300440", None, Form::Ucs2, "Бар"),
            ("UCS-2 with memory behind it", "004100420000FFFF60B1", UCS2, Form::Ucs2, "AB"),
            ("digits are digits", "1234", GSM7, Form::Raw, "1234"),
            ("a long number", "10001005", GSM7, Form::Raw, "10001005"),
            ("a voucher's number", "121212121212", GSM7, Form::Raw, "121212121212"),
            ("a number with many zeros", "001000200030", GSM7, Form::Raw, "001000200030"),
            (
                "a very long number",
                "12345678901234567890123456789012",
                None,
                Form::Raw,
                "12345678901234567890123456789012",
            ),
            ("digits in UCS-2", "00310032", GSM7, Form::Ucs2, "12"),
            ("digits that are data", "40014002", Some(CbsDcs(0x44)), Form::Octets, "@\u{1}@\u{2}"),
            ("a word that is hex", "DEADBE", GSM7, Form::Raw, "DEADBE"),
            ("cut in a unit", "0411043004", UCS2, Form::Ucs2, "Ба"),
            ("octets that are no units", "C2303BEC1E9741", UCS2, Form::Packed, "Balance "),
            ("one unit is too few for a shape", "042F", GSM7, Form::Raw, "042F"),
            ("three of Cyrillic and none of Latin", "042F042F042F", GSM7, Form::Ucs2, "ЯЯЯ"),
            ("half of it Latin", "0041004112345678", None, Form::Raw, "0041004112345678"),
            ("more than half", "00410041004112345A78", None, Form::Ucs2, "AAAሴ婸"),
            ("a line feed is Latin", "000A000A000A12345678", None, Form::Ucs2, "\n\n\nሴ噸"),
            ("a tab is not", "00090009000912345678", None, Form::Raw, "00090009000912345678"),
            ("the last page of a script", "1FFF1FFF1FFF", None, Form::Ucs2, "\u{1FFF}\u{1FFF}\u{1FFF}"),
            ("the first behind them", "202020202020", None, Form::Raw, "202020202020"),
            ("the edges of what digits can be in ASCII", "00200079", None, Form::Ucs2, " y"),
            ("before them", "00190030", None, Form::Raw, "00190030"),
            ("behind them", "00200080", None, Form::Raw, "00200080"),
            ("three octets are a word", "ABCDEF", GSM7, Form::Raw, "ABCDEF"),
            ("four are packed", "C2303BEC", GSM7, Form::Packed, "Bala"),
            ("odd digits", "123ABCDEF", GSM7, Form::Raw, "123ABCDEF"),
            ("words of hexadecimal letters", "FACE FADE", GSM7, Form::Raw, "FACE FADE"),
            ("nothing", "", None, Form::Raw, ""),
            ("data", "4142438485868788", Some(CbsDcs(0x44)), Form::Octets, "ABC\u{84}\u{85}\u{86}\u{87}\u{88}"),
        ] {
            assert_eq!((guess(string, dcs), decode(string, dcs).as_str()), (form, text), "{name}");
        }
    }

    #[test]
    fn half_of_the_units_are_not_enough() {
        assert_eq!(guess("00410041A234B678", None), Form::Packed);
        assert_eq!(guess("004100410041B678", None), Form::Ucs2);
    }

    #[test]
    fn every_form_comes_back() {
        for form in [Form::Raw, Form::Packed, Form::Ucs2, Form::Octets] {
            let string = encode("*100#", form).unwrap();
            assert_eq!(decode_as(&string, form, None), "*100#", "{form:?}");
        }
        assert_eq!(decode_as(&encode("Ä@", Form::Octets).unwrap(), Form::Octets, None), "Ä@");
        for form in [Form::Packed, Form::Octets] {
            assert_eq!(encode("aя", form), Err(NotGsm7 { character: 'я', at: 1 }), "{form:?}");
        }
        assert_eq!(decode_as("not hex", Form::Packed, None), "not hex");
    }
}
