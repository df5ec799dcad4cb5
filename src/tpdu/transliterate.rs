//! Characters that the GSM 7 bit alphabet does not have, by others that it has: on the sender's wish only.

use super::gsm7;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use std::borrow::Cow;

/// How far a replacement may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Likeness {
    /// The same sign in another dress: quotes, dashes, spaces, ligatures, full-width letters. Nothing is lost.
    Lossless,
    /// Also what looks alike to a reader: letters without their accents, Greek and Cyrillic letters that look Latin,
    /// signs in words.
    LookAlike,
}

/// The text with every character replaced that is not in the alphabet; `None` when one remains.
/// A text that is in the alphabet comes back as it is.
pub fn to_gsm7(text: &str, likeness: Likeness) -> Option<String> {
    if gsm7::fits(text) {
        return Some(text.to_owned());
    }
    let composed = composed(text);
    let mut out = String::with_capacity(composed.len());
    for c in composed.chars() {
        if gsm7::has(c) {
            out.push(c);
        } else {
            replace(c, likeness, &mut out)?;
        }
    }
    Some(out)
}

/// The text with a letter and its accents in one: they are one character of the alphabet, or none.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// What stands for one character; `None`: nothing does, or it needs nothing.
pub(super) fn replacement(c: char, likeness: Likeness) -> Option<String> {
    let mut out = String::new();
    replace(c, likeness, &mut out)?;
    Some(out)
}

fn replace(c: char, likeness: Likeness, out: &mut String) -> Option<()> {
    if let Some(same) = row(LOSSLESS, c) {
        out.push_str(same);
        return Some(());
    }
    // Full-width forms stand 0xFEE0 above ASCII.
    let full_width = ('\u{FF01}'..='\u{FF5E}').contains(&c).then(|| char::from_u32(u32::from(c) - 0xFEE0)).flatten();
    if let Some(c) = full_width.filter(|c| gsm7::has(*c)) {
        out.push(c);
        return Some(());
    }
    if likeness == Likeness::Lossless {
        return None;
    }
    if let Some(alike) = row(LOOK_ALIKE, c) {
        out.push_str(alike);
        return Some(());
    }
    let plain = without_accents(c)?;
    out.push(plain);
    Some(())
}

/// The letter under the accents, where the alphabet has it.
fn without_accents(c: char) -> Option<char> {
    let apart: String = DecomposingNormalizerBorrowed::new_nfd().normalize_iter(std::iter::once(c)).collect();
    let mut chars = apart.chars();
    // Only letters: a stroke through a sign turns its meaning round.
    let base = chars.next().filter(|base| *base != c && base.is_alphabetic())?;
    if gsm7::has(base) {
        return Some(base);
    }
    // Greek and Cyrillic letters under an accent.
    row(LOOK_ALIKE, base).and_then(|alike| alike.chars().next())
}

/// Characters, and what stands for any of them.
type Row = (&'static str, &'static str);

/// The same sign in another dress.
const LOSSLESS: &[Row] = &[
    ("“”„‟″«»", "\""),
    ("‘’‚‛′´`ʼ", "'"),
    ("‹", "<"),
    ("›", ">"),
    ("‐‑‒–—―−", "-"),
    ("…", "..."),
    ("‥", ".."),
    ("\t\u{A0}\u{1680}\u{202F}\u{205F}\u{3000}", " "),
    ("\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200A}", " "),
    ("\u{0B}\u{85}\u{2028}\u{2029}", "\n"),
    // They say how to break and to order lines, and are not seen.
    ("\u{AD}\u{200B}\u{200C}\u{200D}\u{200E}\u{200F}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\u{FEFF}", ""),
    ("\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}", ""),
    ("ﬀ", "ff"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("ﬃ", "ffi"),
    ("ﬄ", "ffl"),
    ("ﬅﬆ", "st"),
    ("⁄∕", "/"),
    ("∶", ":"),
    ("∗", "*"),
];

/// What a reader takes for the same: signs, Latin letters, then Greek and Cyrillic ones.
const LOOK_ALIKE: &[Row] = &[
    ("•·∙", "*"),
    ("×", "x"),
    ("÷", ":"),
    ("±", "+-"),
    ("≈", "~"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "<>"),
    ("→", "->"),
    ("←", "<-"),
    ("⇒", "=>"),
    ("©", "(c)"),
    ("®", "(r)"),
    ("™", "(tm)"),
    ("№", "No"),
    ("°º", "o"),
    ("ª", "a"),
    // Not without a sign between: 1½ is not 11/2, and 10² not 102.
    ("¹", "^1"),
    ("²", "^2"),
    ("³", "^3"),
    ("¼", " 1/4"),
    ("½", " 1/2"),
    ("¾", " 3/4"),
    ("¢ç", "c"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("ĐÐ", "D"),
    ("đð", "d"),
    ("Ħ", "H"),
    ("ħ", "h"),
    ("ı", "i"),
    ("ĸ", "k"),
    ("Ł", "L"),
    ("ł", "l"),
    ("Ŋ", "N"),
    ("ŋ", "n"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("Ŧ", "T"),
    ("ŧ", "t"),
    ("ẞ", "ß"),
    ("ſ", "s"),
    ("ƏΑА", "A"),
    ("əа", "a"),
    ("ΒВ", "B"),
    ("ΕЕ", "E"),
    ("Ζ", "Z"),
    ("ΗН", "H"),
    ("ΙІӀ", "I"),
    ("ΚК", "K"),
    ("ΜМ", "M"),
    ("Ν", "N"),
    ("ΟО", "O"),
    ("ΡР", "P"),
    ("ΤТ", "T"),
    ("ΥУ", "Y"),
    ("ΧХ", "X"),
    ("С", "C"),
    ("Ѕ", "S"),
    ("Ј", "J"),
    ("е", "e"),
    ("оο", "o"),
    ("р", "p"),
    ("с", "c"),
    ("у", "y"),
    ("х", "x"),
    ("і", "i"),
    ("ј", "j"),
    ("ѕ", "s"),
];

fn row(rows: &[Row], c: char) -> Option<&'static str> {
    rows.iter().find(|(chars, _)| chars.contains(c)).map(|(_, other)| *other)
}

#[cfg(test)]
mod tests {
    use super::Likeness::{LookAlike, Lossless};
    use super::*;

    #[test]
    fn table_of_texts() {
        for (name, text, lossless, alike) in [
            ("in the alphabet already", "Größe {€}", Some("Größe {€}"), Some("Größe {€}")),
            ("typographic signs", "„So“ – it’s…", Some("\"So\" - it's..."), Some("\"So\" - it's...")),
            ("spaces", "a\u{A0}b\u{202F}c\td", Some("a b c d"), Some("a b c d")),
            ("not seen", "a\u{200B}b\u{FEFF}\u{AD}c", Some("abc"), Some("abc")),
            ("ligatures, full width", "ﬁn ＡＢ１", Some("fin AB1"), Some("fin AB1")),
            ("accent apart: one character", "Mu\u{308}ll", Some("Müll"), Some("Müll")),
            ("accents, as gammu writes them", "Zkouška sirén", None, Some("Zkouska sirén")),
            ("c cedilla", "ça", None, Some("ca")),
            ("Greek capitals, as python-messaging writes them", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ", None, Some("ABEHIKMNOPTXYZ")),
            ("Cyrillic that looks Latin", "МОСТ", None, Some("MOCT")),
            ("Cyrillic that does not", "Мир", None, None),
            ("Greek under an accent", "Ά", None, Some("A")),
            ("signs", "20 °C ≥ x²", None, Some("20 oC >= x^2")),
            ("fractions", "1½ h", None, Some("1 1/2 h")),
            ("letters", "Łódź đak œuf", None, Some("Lodz dak oeuf")),
            ("a sign without its stroke is another", "x ≮ 5", None, None),
            ("an emoji", "ok 🙂", None, None),
            ("one that stays", "“я”", None, None),
        ] {
            assert_eq!(to_gsm7(text, Lossless).as_deref(), lossless, "{name}");
            assert_eq!(to_gsm7(text, LookAlike).as_deref(), alike, "{name}");
        }
    }

    #[test]
    fn what_stands_in_is_in_the_alphabet() {
        for c in '\0'..='\u{FFFF}' {
            for likeness in [Lossless, LookAlike] {
                if let Some(other) = replacement(c, likeness) {
                    assert!(gsm7::fits(&other), "{c:?} {other:?}");
                }
            }
        }
    }
}
