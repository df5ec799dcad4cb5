//! What a text costs, which characters make it cost so much, and what would make it cheaper.

use super::dcs::Alphabet;
use super::gsm7::{self, Shift};
use super::segment::{self, Choice, Layout, Segment, SegmentError};
use super::transliterate::{self, Likeness};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

/// A text as it would be sent, and why so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What would be sent.
    pub segments: Vec<Segment>,
    /// Septets, or UCS-2 units, over all parts.
    pub units: usize,
    /// Septets or units that the last part has left.
    pub room_left: usize,
    /// Characters that the GSM 7 bit alphabet does not have, the most frequent first.
    pub outside: Vec<Occurrence>,
    /// Characters that take more than one septet or unit, the most frequent first.
    pub longer: Vec<Occurrence>,
    /// What would take fewer parts, the least change first.
    pub savings: Vec<Saving>,
}

/// A character of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The character.
    pub character: char,
    /// How often it is there.
    pub count: usize,
    /// Where it is first, from 0, in characters; a letter and its accent apart are one where they are written as one.
    pub first: usize,
    /// What could stand for it in the GSM 7 bit alphabet.
    pub replacement: Option<String>,
}

/// A way to fewer parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// Write it otherwise: so many parts.
    Choice(Choice, usize),
    /// Leave out so many septets or units at the end: one part less.
    Shorten(usize),
}

/// Characters told of each kind.
const TOLD: usize = 16;

/// Looks at a text under a choice.
pub fn on(layout: Layout, text: &str, choice: Choice) -> Result<Advice, SegmentError> {
    let segments = segment::text_in(layout, text, choice)?;
    let (alphabet, shift) = segments.first().map_or((Alphabet::Gsm7, Shift::NONE), |s| (s.alphabet, s.shift));
    let unit = if alphabet == Alphabet::Ucs2 { 2 } else { 1 };
    let n_parts = segments.len();
    let room = layout.room(alphabet, shift, n_parts > 1);
    let last = segments.last().map_or(0, |segment| segment.payload.len());
    let units = segments.iter().map(|segment| segment.payload.len()).sum::<usize>() / unit;
    let shown = match choice {
        Choice::Transliterate(_) if alphabet == Alphabet::Gsm7 => transliterate::composed(text),
        _ => Cow::Borrowed(text),
    };
    let is_longer = |c: char| match alphabet {
        Alphabet::Ucs2 => c.len_utf16() > 1,
        _ => septets(c, shift) > 1,
    };
    let mut savings: Vec<Saving> = OTHERS
        .into_iter()
        .filter(|other| *other != choice)
        .filter_map(|other| Some((other, segment::text_in(layout, text, other).ok()?.len())))
        .filter(|(_, parts)| *parts < n_parts)
        .map(|(other, parts)| Saving::Choice(other, parts))
        .collect();
    if n_parts > 1 {
        let over = over_one_less(layout, &segments, alphabet, shift);
        savings.push(Saving::Shorten(over.div_ceil(unit)));
    }
    Ok(Advice {
        units,
        room_left: room.saturating_sub(last) / unit,
        outside: occurrences(&shown, |c| !gsm7::has(c)),
        longer: occurrences(&shown, is_longer),
        savings,
        segments,
    })
}

/// What a character takes, or what is written in its place.
fn septets(c: char, shift: Shift) -> usize {
    let of = |c| gsm7::septets_of(c, shift);
    of(c).or_else(|| transliterate::replacement(c, Likeness::LookAlike)?.chars().map(of).sum()).unwrap_or(0)
}

/// The choices that may save something, the one that changes least first.
const OTHERS: [Choice; 5] = [
    Choice::Auto,
    Choice::Transliterate(Likeness::Lossless),
    Choice::National,
    Choice::Transliterate(Likeness::LookAlike),
    Choice::Gsm7,
];

/// Octets of payload over what one part less could carry; two parts become one, which has no header for them.
fn over_one_less(layout: Layout, segments: &[Segment], alphabet: Alphabet, shift: Shift) -> usize {
    let room = match segments.len() {
        2 => layout.room(alphabet, shift, false),
        // Cuts go round escape sequences and pairs, so the room before the last part may not all be of use.
        _ => return segments.last().map_or(0, |segment| segment.payload.len()),
    };
    let all: usize = segments.iter().map(|segment| segment.payload.len()).sum();
    all.saturating_sub(room)
}

fn occurrences(text: &str, is_one: impl Fn(char) -> bool) -> Vec<Occurrence> {
    let mut found: HashMap<char, (usize, usize)> = HashMap::new();
    for (first, c) in text.chars().enumerate().filter(|(_, c)| is_one(*c)) {
        found.entry(c).or_insert((0, first)).0 += 1;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, (count, first))| (Reverse(*count), *first));
    found.truncate(TOLD);
    let told = |(character, (count, first))| {
        let replacement = transliterate::replacement(character, Likeness::LookAlike);
        Occurrence { character, count, first, replacement }
    };
    found.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(text: &str, choice: Choice) -> Advice {
        on(Layout::default(), text, choice).unwrap()
    }

    fn seen(occurrences: &[Occurrence]) -> Vec<(char, usize, usize, Option<&str>)> {
        occurrences.iter().map(|o| (o.character, o.count, o.first, o.replacement.as_deref())).collect()
    }

    #[test]
    fn one_dash_that_costs_a_part() {
        let text = format!("{} – {}", "x".repeat(40), "y".repeat(40));
        let advice = advice(&text, Choice::Auto);
        assert_eq!((advice.segments.len(), advice.units, advice.room_left), (2, 83, 51));
        assert_eq!(seen(&advice.outside), [('–', 1, 41, Some("-"))]);
        let lossless = Choice::Transliterate(Likeness::Lossless);
        let alike = Choice::Transliterate(Likeness::LookAlike);
        assert_eq!(
            advice.savings,
            [Saving::Choice(lossless, 1), Saving::Choice(alike, 1), Saving::Shorten(13)],
            "13 units less are the 70 that fit alone"
        );
    }

    #[test]
    fn what_counts_twice_and_what_saves_a_part() {
        let advice = advice(&("€".repeat(3) + &"x".repeat(155)), Choice::Auto);
        assert_eq!((advice.segments.len(), advice.units), (2, 161));
        assert_eq!(seen(&advice.longer), [('€', 3, 0, None)]);
        assert_eq!(advice.savings.last(), Some(&Saving::Shorten(1)));
        let emoji = super::on(Layout::default(), "🙂🙂", Choice::Auto).unwrap();
        assert_eq!(seen(&emoji.longer), [('🙂', 2, 0, None)]);
        assert!(emoji.savings.is_empty(), "one part is the least there is");
        assert_eq!(seen(&self::advice("я🙂", Choice::Auto).longer), [('🙂', 1, 1, None)]);
    }

    #[test]
    fn how_much_shorter_is_one_part_less() {
        for (name, text, n_parts, units, room_left, shorten) in [
            ("one part", "x".repeat(100), 1, 100, 60, None),
            ("two parts", "x".repeat(161), 2, 161, 145, Some(1)),
            ("three parts", "x".repeat(310), 3, 310, 149, Some(4)),
            ("four parts of units", "я".repeat(205), 4, 205, 63, Some(4)),
            ("and more of them", "€".repeat(154), 3, 308, 149, Some(4)),
            ("escapes leave room that is of no use", "€".repeat(153), 3, 306, 151, Some(2)),
        ] {
            let advice = advice(&text, Choice::Auto);
            assert_eq!((advice.segments.len(), advice.units, advice.room_left), (n_parts, units, room_left), "{name}");
            let last = advice.savings.last().copied();
            assert_eq!(last, shorten.map(Saving::Shorten), "{name}");
        }
    }

    /// The first character would move into an ESC, so it has to be the last that goes.
    #[test]
    fn shorter_is_shorter_at_the_end() {
        let text = format!("€{0}€{0}x", "x".repeat(151));
        assert_eq!(advice(&text, Choice::Auto).savings, [Saving::Shorten(1)]);
        assert_eq!(advice(&text[..text.len() - 1], Choice::Auto).segments.len(), 2);
    }

    #[test]
    fn what_is_replaced_counts_as_it_is_written() {
        let look_alike = Choice::Transliterate(Likeness::LookAlike);
        let advice = advice("u\u{308}œ… é", look_alike);
        assert_eq!(advice.units, 8);
        assert_eq!(seen(&advice.outside), [('œ', 1, 1, Some("oe")), ('…', 1, 2, Some("..."))]);
        assert_eq!(advice.longer, advice.outside);
        let apart = self::advice("u\u{308}я", look_alike);
        assert_eq!(seen(&apart.outside), [('\u{308}', 1, 1, None), ('я', 1, 2, None)], "written as it is");
    }

    #[test]
    fn national_tables_are_proposed() {
        let advice = advice(&"ığş".repeat(40), Choice::Auto);
        assert!(advice.savings.contains(&Saving::Choice(Choice::National, 1)));
        assert_eq!(advice.outside.len(), 3);
    }
}
