//! Cutting a text or data into what one SMS carries.

use super::dcs::{Alphabet, Dcs, MessageClass};
use super::gsm7::{self, Language, NotGsm7, Shift};
use super::transliterate::{self, Likeness};
use super::ucs2;
use super::udh::{Concat, InformationElement, Ports, Udh};
use super::user_data::{MAX_OCTETS, UserData};
use std::collections::HashMap;
use std::fmt;

/// The payload of one SMS, ready for [`UserData`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Segment {
    /// What the payload consists of.
    pub alphabet: Alphabet,
    /// National tables of GSM 7 bit.
    pub shift: Shift,
    /// GSM 7 bit: one septet an octet. UCS-2: UTF-16BE octets. Data: octets.
    pub payload: Vec<u8>,
}

impl Segment {
    /// TP-DCS for this payload.
    pub fn dcs(&self, class: Option<MessageClass>) -> Dcs {
        Dcs::new(self.alphabet, class)
    }

    /// TP-UD: the payload behind the header that a part of several, data for a port, or national tables need.
    pub fn user_data(self, concat: Option<Concat>, ports: Option<Ports>) -> UserData {
        UserData { udh: header(concat, ports, self.shift), payload: self.payload }
    }
}

/// What stands in front of a payload.
fn header(concat: Option<Concat>, ports: Option<Ports>, shift: Shift) -> Udh {
    let table = |iei, language: Option<Language>| {
        language.map(|language| InformationElement { iei, data: vec![language.identifier()] })
    };
    let elements = [
        ports.map(InformationElement::from),
        concat.map(InformationElement::from),
        table(InformationElement::LOCKING_SHIFT, shift.locking),
        table(InformationElement::SINGLE_SHIFT, shift.single),
    ];
    Udh(elements.into_iter().flatten().collect())
}

/// Says how much, never the content.
impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({:?}, {} octets)", self.alphabet, self.payload.len())
    }
}

/// How a text may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Choice {
    /// GSM 7 bit where every character fits, else UCS-2.
    #[default]
    Auto,
    /// As `Auto`; national tables where they make fewer parts.
    National,
    /// GSM 7 bit where every character fits or has a replacement, else UCS-2 with the text as it is.
    Transliterate(Likeness),
    /// GSM 7 bit, or refuse.
    Gsm7,
    /// UCS-2 always.
    Ucs2,
}

impl Choice {
    /// All, with their words in JSON and on the command line.
    pub const WORDS: [(&str, Choice); 6] = [
        ("auto", Choice::Auto),
        ("national", Choice::National),
        ("transliterate", Choice::Transliterate(Likeness::Lossless)),
        ("look_alike", Choice::Transliterate(Likeness::LookAlike)),
        ("gsm7", Choice::Gsm7),
        ("ucs2", Choice::Ucs2),
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        Choice::WORDS.into_iter().find(|(_, choice)| *choice == self).map_or("auto", |(word, _)| word)
    }
}

/// What stands in each part besides its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Layout {
    /// Parts of several have a reference of 16 bits, and one octet less room.
    pub wide: bool,
    /// Every part has a destination port of 16 bits.
    pub port: Option<u16>,
}

impl Layout {
    /// What a payload may have, alone or as one of several: septets of GSM 7 bit, octets of everything else.
    /// 3GPP TS 23.040 §9.2.3.24.1: 160 and 153 septets, 140 and 134 octets without anything else.
    pub fn room(self, alphabet: Alphabet, shift: Shift, is_part: bool) -> usize {
        let concat = is_part.then_some(Concat { reference: 0, wide: self.wide, total: 1, seq: 1 });
        let header = header(concat, self.port.map(Ports::to), shift).len_octets();
        match alphabet {
            Alphabet::Gsm7 => MAX_OCTETS * 8 / 7 - (header * 8).div_ceil(7),
            // A UCS-2 unit is not cut.
            Alphabet::Ucs2 => (MAX_OCTETS - header) & !1,
            Alphabet::Octets => MAX_OCTETS - header,
        }
    }
}

/// Why a text or data cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// GSM 7 bit was asked for, and a character is not in it.
    #[error(transparent)]
    NotGsm7(#[from] NotGsm7),
    /// More than 255 parts: the number of a part is one octet.
    #[error("more than {MAX_PARTS} parts")]
    TooManyParts,
}

/// Cuts a text into 1 to 255 segments, for a header with an 8 bit reference where they are several. No escape sequence
/// or surrogate pair is cut. 3GPP TS 23.040 §9.2.3.24.1.
pub fn text(text: &str, choice: Choice) -> Result<Vec<Segment>, SegmentError> {
    text_in(Layout::default(), text, choice)
}

/// The same, with room for what else is in each part.
pub fn text_in(layout: Layout, text: &str, choice: Choice) -> Result<Vec<Segment>, SegmentError> {
    match choice {
        Choice::Ucs2 => in_ucs2(layout, text),
        Choice::Gsm7 => in_gsm7(layout, gsm7::encode(text)?, Shift::NONE),
        Choice::Auto => automatic(layout, text),
        Choice::National => national(layout, text),
        Choice::Transliterate(likeness) => match transliterate::to_gsm7(text, likeness) {
            Some(text) => automatic(layout, &text),
            None => in_ucs2(layout, text),
        },
    }
}

fn automatic(layout: Layout, text: &str) -> Result<Vec<Segment>, SegmentError> {
    match gsm7::encode(text) {
        Ok(septets) => in_gsm7(layout, septets, Shift::NONE),
        Err(_) => in_ucs2(layout, text),
    }
}

fn in_gsm7(layout: Layout, septets: Vec<u8>, shift: Shift) -> Result<Vec<Segment>, SegmentError> {
    cut(layout, Alphabet::Gsm7, shift, septets, before_escape)
}

fn in_ucs2(layout: Layout, text: &str) -> Result<Vec<Segment>, SegmentError> {
    cut(layout, Alphabet::Ucs2, Shift::NONE, ucs2::encode(text), before_surrogate)
}

/// The fewest parts over all national tables; the default tables, or UCS-2, where nothing has fewer.
fn national(layout: Layout, text: &str) -> Result<Vec<Segment>, SegmentError> {
    let mut best = automatic(layout, text);
    let mut counts: HashMap<char, usize> = HashMap::new();
    text.chars().for_each(|c| *counts.entry(c).or_default() += 1);
    for shift in shifts() {
        let n_parts = best.as_ref().map_or(MAX_PARTS + 1, Vec::len);
        // How many septets it takes tells how many parts it takes at least.
        let Some(septets) = septets(&counts, shift) else { continue };
        let alone = layout.room(Alphabet::Gsm7, shift, false);
        let several = layout.room(Alphabet::Gsm7, shift, true);
        let at_least = if septets <= alone { 1 } else { septets.div_ceil(several) };
        if at_least >= n_parts {
            continue;
        }
        let written = in_gsm7(layout, gsm7::encode_shifted(text, shift)?, shift);
        if written.as_ref().is_ok_and(|segments| segments.len() < n_parts) {
            best = written;
        }
    }
    best
}

/// All pairs of tables but the default ones; those with the shorter header first.
fn shifts() -> impl Iterator<Item = Shift> {
    let all = || Language::ALL.into_iter();
    let lockings = move || all().filter(|language| language.has_locking_table());
    let locking = lockings().map(|language| Shift { locking: Some(language), single: None });
    let single = all().map(|language| Shift { locking: None, single: Some(language) });
    let both = lockings()
        .flat_map(move |locking| all().map(move |single| Shift { locking: Some(locking), single: Some(single) }));
    locking.chain(single).chain(both)
}

/// Septets that the characters take with these tables; `None` when they do not have them all.
fn septets(counts: &HashMap<char, usize>, shift: Shift) -> Option<usize> {
    counts.iter().try_fold(0, |sum, (c, n)| Some(sum + n * gsm7::septets_of(*c, shift)?))
}

/// Cuts data into 1 to 255 segments. 3GPP TS 23.040 §9.2.3.24.
pub fn octets(data: &[u8], port: Option<u16>) -> Result<Vec<Segment>, SegmentError> {
    octets_in(Layout { port, wide: false }, data)
}

/// The same, with room for what else is in each part.
pub fn octets_in(layout: Layout, data: &[u8]) -> Result<Vec<Segment>, SegmentError> {
    if data.len() > MAX_PARTS * layout.room(Alphabet::Octets, Shift::NONE, true) {
        return Err(SegmentError::TooManyParts);
    }
    cut(layout, Alphabet::Octets, Shift::NONE, data.to_vec(), |_, at| at)
}

/// The number of a part is one octet. 3GPP TS 23.040 §9.2.3.24.1.
const MAX_PARTS: usize = 255;

/// Cuts a payload that does not fit alone; `place` moves a cut back to where it does no harm.
fn cut(
    layout: Layout,
    alphabet: Alphabet,
    shift: Shift,
    payload: Vec<u8>,
    place: fn(&[u8], usize) -> usize,
) -> Result<Vec<Segment>, SegmentError> {
    if payload.len() <= layout.room(alphabet, shift, false) {
        return Ok(vec![Segment { alphabet, shift, payload }]);
    }
    let several = layout.room(alphabet, shift, true);
    let mut segments = Vec::with_capacity(payload.len().div_ceil(several));
    let mut rest = payload.as_slice();
    while !rest.is_empty() {
        if segments.len() == MAX_PARTS {
            return Err(SegmentError::TooManyParts);
        }
        let at = if rest.len() <= several { rest.len() } else { place(rest, several) };
        let (part, next) = rest.split_at(at);
        segments.push(Segment { alphabet, shift, payload: part.to_vec() });
        rest = next;
    }
    Ok(segments)
}

/// A cut never follows an ESC: its code would begin the next part.
fn before_escape(septets: &[u8], at: usize) -> usize {
    // ESC is no code, so an ESC before the cut stands alone.
    if septets[at - 1] == gsm7::ESCAPE { at - 1 } else { at }
}

/// A cut never follows a high surrogate, U+D800 to U+DBFF.
fn before_surrogate(octets: &[u8], at: usize) -> usize {
    if octets[at - 2] & 0xFC == 0xD8 { at - 2 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_its_word() {
        for (word, choice) in Choice::WORDS {
            assert_eq!(choice.word(), word);
        }
    }

    fn lengths(text: &str, choice: Choice) -> Vec<usize> {
        super::text(text, choice).unwrap().iter().map(|segment| segment.payload.len()).collect()
    }

    /// Capacities of 3GPP TS 23.040 §9.2.3.24.1: octets of payload, a septet being one and a UCS-2 unit two.
    #[test]
    fn table_of_lengths() {
        for (name, text, lengths_octets) in [
            ("nothing is one empty part", String::new(), &[0][..]),
            ("160 septets", "x".repeat(160), &[160]),
            ("161 septets", "x".repeat(161), &[153, 8]),
            ("306 septets", "x".repeat(306), &[153, 153]),
            ("307 septets", "x".repeat(307), &[153, 153, 1]),
            ("159 characters and a euro: 161", "x".repeat(159) + "€", &[153, 8]),
            ("80 euros", "€".repeat(80), &[160]),
            ("81 euros: no ESC at the end of a part", "€".repeat(81), &[152, 10]),
            ("ESC would be the 153rd", "x".repeat(152) + &"€".repeat(5), &[152, 10]),
            ("ESC is the 152nd", "x".repeat(151) + &"€".repeat(5), &[153, 8]),
            ("70 units", "я".repeat(70), &[140]),
            ("71 units", "я".repeat(71), &[134, 8]),
            ("134 units", "я".repeat(134), &[134, 134]),
            ("35 pairs", "😀".repeat(35), &[140]),
            ("36 pairs: the 67th unit would be a high surrogate", "😀".repeat(36), &[132, 12]),
            ("a pair fits to the end", "я".to_owned() + &"😀".repeat(35), &[134, 8]),
        ] {
            assert_eq!(lengths(&text, Choice::Auto), lengths_octets, "{name}");
        }
    }

    /// 3GPP TS 23.040 §9.2.3.24.1: the room beside each header.
    #[test]
    fn table_of_rooms() {
        let one = Shift { locking: Some(Language::Turkish), single: None };
        let two = Shift { locking: Some(Language::Turkish), single: Some(Language::Spanish) };
        let wide = Layout { wide: true, port: None };
        let port = Layout { wide: false, port: Some(1) };
        let none = Layout::default();
        for (name, layout, shift, septets, octets, ucs2) in [
            ("nothing else", none, Shift::NONE, [160, 153], [140, 134], [140, 134]),
            ("16 bit reference", wide, Shift::NONE, [160, 152], [140, 133], [140, 132]),
            ("ports", port, Shift::NONE, [152, 146], [133, 128], [132, 128]),
            ("one table", none, one, [155, 149], [136, 131], [136, 130]),
            ("two tables", none, two, [152, 146], [133, 128], [132, 128]),
        ] {
            let rooms = |alphabet| [false, true].map(|is_part| layout.room(alphabet, shift, is_part));
            let ours = [rooms(Alphabet::Gsm7), rooms(Alphabet::Octets), rooms(Alphabet::Ucs2)];
            assert_eq!(ours, [septets, octets, ucs2], "{name}");
        }
    }

    #[test]
    fn national_tables_only_where_they_save_parts() {
        let turkish = Shift { locking: Some(Language::Turkish), single: None };
        let spanish = Shift { locking: None, single: Some(Language::Spanish) };
        let portuguese = Shift { locking: Some(Language::Portuguese), single: None };
        for (name, text, shift, n_parts) in [
            ("default alphabet", "x".repeat(160), Shift::NONE, 1),
            ("short: UCS-2 is one part too", "ığş".to_owned(), Shift::NONE, 1),
            ("Turkish", "ığş".repeat(51), turkish, 1),
            ("Turkish, two parts", "ığş".repeat(99), turkish, 2),
            ("Spanish has a single shift table only", "ñá".repeat(40), spanish, 1),
            ("Portuguese signs that the default alphabet has twice", "^|€".repeat(40), portuguese, 1),
            ("two languages: nothing fits", "ığşя".repeat(20), Shift::NONE, 2),
        ] {
            let segments = super::text(&text, Choice::National).unwrap();
            assert_eq!((segments.len(), segments[0].shift), (n_parts, shift), "{name}");
            let parts: Vec<_> =
                segments.into_iter().map(|segment| (segment.dcs(None), segment.user_data(None, None))).collect();
            let parts: Vec<_> = parts.iter().map(|(dcs, ud)| (dcs, ud)).collect();
            assert_eq!(super::super::join::text(&parts), text, "{name}");
        }
    }

    /// Characters that only the single shift table of Bengali has: two septets each. Its parts have 149.
    #[test]
    fn national_tables_by_what_they_take_and_not_by_guess() {
        let bengali = Shift { locking: None, single: Some(Language::Bengali) };
        let turkish = Shift { locking: Some(Language::Turkish), single: None };
        for (name, text, shift, n_parts) in [
            ("to the last septet of one part", "০".repeat(77) + "x", bengali, 1),
            ("one more", "০".repeat(78), Shift::NONE, 2),
            ("three parts by number is one more with whole escapes", "০".repeat(149), Shift::NONE, 3),
            ("fits in 255 parts only so", "ığş".repeat(255 * 149 / 3), turkish, 255),
        ] {
            let segments = super::text(&text, Choice::National).unwrap();
            assert_eq!((segments.len(), segments[0].shift), (n_parts, shift), "{name}");
        }
    }

    #[test]
    fn what_is_not_seen_costs_nothing() {
        let text = "\u{200B}".repeat(100_000) + "x";
        let segments = super::text(&text, Choice::Transliterate(Likeness::Lossless)).unwrap();
        assert_eq!((segments.len(), segments[0].payload.as_slice()), (1, &b"x"[..]));
    }

    #[test]
    fn what_is_shown_of_a_segment_is_no_content() {
        assert_eq!(format!("{:?}", text("secret", Choice::Auto).unwrap()), "[Segment(Gsm7, 6 octets)]");
    }

    #[test]
    fn replaced_where_everything_can_be() {
        for (text, likeness, alphabet) in [
            ("“quoted” – …", Likeness::Lossless, Alphabet::Gsm7),
            ("Zkouška", Likeness::Lossless, Alphabet::Ucs2),
            ("Zkouška", Likeness::LookAlike, Alphabet::Gsm7),
            ("“Я”", Likeness::LookAlike, Alphabet::Ucs2),
        ] {
            let segments = super::text(text, Choice::Transliterate(likeness)).unwrap();
            assert_eq!(segments[0].alphabet, alphabet, "{text}");
            if alphabet == Alphabet::Ucs2 {
                assert_eq!(segments[0].payload, ucs2::encode(text), "the text as it is");
            }
        }
    }

    #[test]
    fn choices() {
        assert_eq!(text("abc", Choice::Ucs2).unwrap()[0].payload, [0, b'a', 0, b'b', 0, b'c']);
        assert_eq!(text("abc", Choice::Gsm7).unwrap()[0].alphabet, Alphabet::Gsm7);
        assert_eq!(text("abя", Choice::Auto).unwrap()[0].alphabet, Alphabet::Ucs2);
        let error = text("abя", Choice::Gsm7).unwrap_err();
        assert_eq!(error.to_string(), "'я', character 3 of the text, is not in the GSM 7 bit alphabet");
    }

    #[test]
    fn never_more_than_255_parts() {
        for (name, text, parts) in [
            ("the most septets", "x".repeat(255 * 153), Some(255)),
            ("39,016 characters", "x".repeat(255 * 153 + 1), None),
            ("the most units", "я".repeat(255 * 67), Some(255)),
            ("one unit more", "я".repeat(255 * 67 + 1), None),
            ("fits by number, not with whole escapes", "€".repeat(255 * 76 + 1), None),
            ("whole escapes", "€".repeat(255 * 76), Some(255)),
            ("a million", "x".repeat(1_000_000), None),
        ] {
            let ours = super::text(&text, Choice::Auto);
            assert_eq!(ours.map(|segments| segments.len()), parts.ok_or(SegmentError::TooManyParts), "{name}");
        }
    }

    #[test]
    fn data_leaves_room_for_its_header() {
        for (n_octets, port, lengths_octets) in [
            (0, None, &[0][..]),
            (140, None, &[140]),
            (141, None, &[134, 7]),
            (133, Some(2948), &[133]),
            (134, Some(2948), &[128, 6]),
        ] {
            let segments = octets(&vec![7; n_octets], port).unwrap();
            let total = segments.len() as u8;
            let concat = (total > 1).then_some(Concat { reference: 1, wide: false, total, seq: 1 });
            let ours: Vec<usize> = segments.iter().map(|segment| segment.payload.len()).collect();
            assert_eq!(ours, lengths_octets, "{n_octets} {port:?}");
            let ud = segments[0].clone().user_data(concat, port.map(Ports::to));
            assert!(ud.udh.len_octets() + ud.payload.len() <= MAX_OCTETS);
            assert_eq!((ud.udh.ports().map(|ports| ports.dst), ud.udh.concat()), (port, concat));
        }
        assert_eq!(octets(&vec![7; 255 * 134], None).map(|segments| segments.len()), Ok(255));
        assert_eq!(octets(&vec![7; 255 * 134 + 1], None), Err(SegmentError::TooManyParts));
        assert_eq!(octets(&vec![7; 255 * 128 + 1], Some(1)), Err(SegmentError::TooManyParts));
    }
}
