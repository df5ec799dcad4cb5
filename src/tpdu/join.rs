//! Putting the parts of a long message together again.

use super::address::Address;
use super::dcs::{Alphabet, Dcs};
use super::deliver::Deliver;
use super::error::DecodeError;
use super::gsm7::{self, Shift};
use super::time::Scts;
use super::ucs2;
use super::udh::Concat;
use super::user_data::UserData;
use super::wap::Push;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// A message as far as its parts are here.
#[derive(Clone, PartialEq, Eq)]
pub struct Joined<'a> {
    /// One of each part that is here, in order; the whole message where it is one.
    pub parts: Vec<&'a Deliver>,
    /// Parts in all.
    pub total: u8,
    /// Sequence numbers of the parts that are not here.
    pub missing: Vec<u8>,
}

impl Joined<'_> {
    /// The text of the parts that are here.
    pub fn text(&self) -> String {
        text(&self.parts.iter().map(|part| (&part.dcs, &part.ud)).collect::<Vec<_>>())
    }

    /// The WAP push that it is, where all of it is here.
    pub fn push(&self) -> Option<Result<Push, DecodeError>> {
        Push::of_parts(&self.parts.iter().map(|part| &part.ud).collect::<Vec<_>>())
    }
}

/// Says how much, never the content.
impl fmt::Debug for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joined({} of {})", self.parts.len(), self.total)
    }
}

/// Puts parts in any order together. They belong together when sender, reference, its width and the total are equal.
/// One that came before with the same time stamp is dropped. Where a reference was used again, a part goes to the
/// message that lacks it and whose parts the centre stamped last before it. Messages are in the order of their first
/// part. RELIABILITY §2.6.6.
pub fn messages(parts: &[Deliver]) -> Vec<Joined<'_>> {
    let mut messages: Vec<Generation<'_>> = Vec::new();
    let mut by_key: HashMap<(&Address, Concat), Vec<usize>> = HashMap::new();
    let mut seen: HashSet<(&Address, &Scts, &UserData)> = HashSet::new();
    for (first, part) in in_order_of_stamps(parts) {
        let concat = part.ud.udh.concat().filter(|concat| concat.total > 1);
        let Some(concat) = concat else {
            messages.push(Generation { first, total: 1, last_stamp: None, parts: BTreeMap::from([(1, part)]) });
            continue;
        };
        if !seen.insert((&part.oa, &part.scts, &part.ud)) {
            continue;
        }
        let known = by_key.entry((&part.oa, Concat { seq: 1, ..concat })).or_default();
        let lacking = known.iter().copied().filter(|at| !messages[*at].parts.contains_key(&concat.seq));
        // Of two that are as near, the older one: its parts come first where no stamp tells.
        let at = lacking.rev().max_by_key(|at| messages[*at].last_stamp).unwrap_or_else(|| {
            known.push(messages.len());
            messages.push(Generation { first, total: concat.total, last_stamp: None, parts: BTreeMap::new() });
            messages.len() - 1
        });
        messages[at].first = messages[at].first.min(first);
        messages[at].last_stamp = part.scts.unix_seconds();
        messages[at].parts.insert(concat.seq, part);
    }
    messages.sort_by_key(|message| message.first);
    messages.into_iter().map(Generation::joined).collect()
}

/// Parts, each with its place. The centre stamps the parts of one message close to each other, however late each of
/// them comes.
fn in_order_of_stamps(parts: &[Deliver]) -> Vec<(usize, &Deliver)> {
    let mut parts: Vec<(usize, &Deliver)> = parts.iter().enumerate().collect();
    parts.sort_by_key(|(_, part)| part.scts.unix_seconds());
    parts
}

struct Generation<'a> {
    /// Place of the part that came first.
    first: usize,
    total: u8,
    /// Of the part that was put in last.
    last_stamp: Option<i64>,
    parts: BTreeMap<u8, &'a Deliver>,
}

impl<'a> Generation<'a> {
    fn joined(self) -> Joined<'a> {
        let missing = (1..=self.total).filter(|seq| !self.parts.contains_key(seq)).collect();
        Joined { total: self.total, missing, parts: self.parts.into_values().collect() }
    }
}

/// The text of parts in their order. Payloads are joined before they are decoded, because others cut escape sequences
/// and surrogate pairs; not over a part that is missing. Parts in different alphabets or national tables are decoded each for
/// itself; 8 bit data is read as ISO 8859-1.
pub fn text(parts: &[(&Dcs, &UserData)]) -> String {
    if let [(dcs, ud)] = parts {
        return decode(dcs.alphabet(), ud.udh.shift(), &ud.payload);
    }
    let mut text = String::new();
    for run in parts.chunk_by(|a, b| coding(a) == coding(b) && follows(a.1, b.1)) {
        let payload: Vec<u8> = run.iter().flat_map(|(_, ud)| ud.payload.iter().copied()).collect();
        let (alphabet, shift) = coding(&run[0]);
        text += &decode(alphabet, shift, &payload);
    }
    text
}

/// False when a part is missing between the two.
fn follows(a: &UserData, b: &UserData) -> bool {
    let pair = a.udh.concat().zip(b.udh.concat());
    pair.is_none_or(|(a, b)| u16::from(a.seq) + 1 == u16::from(b.seq))
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

    fn deliver(from: &str, reference: u16, total: u8, seq: u8, text: &str) -> Deliver {
        let concat = Concat { reference, wide: false, total, seq };
        let ud = UserData { udh: Udh(vec![concat.into()]), payload: gsm7::encode(text).unwrap() };
        Deliver { oa: Address::from_number(from), ud, ..Deliver::default() }
    }

    #[test]
    fn table_of_joins() {
        let part = |reference, seq, text| deliver("+491", reference, 2, seq, text);
        let wide = |mut deliver: Deliver| {
            let concat = Concat { wide: true, ..deliver.ud.udh.concat().unwrap() };
            deliver.ud.udh = Udh(vec![concat.into()]);
            deliver
        };
        let at = |minute: u8, deliver: Deliver| {
            let raw = [0x62, 0x11, 0x03, 0x21, (minute / 10) | ((minute % 10) << 4), 0, 0];
            Deliver { scts: Scts { raw }, ..deliver }
        };
        let whole = Deliver { ud: self::part(b"whole"), ..Deliver::default() };
        for (name, parts, want) in [
            ("in order", vec![part(1, 1, "a"), part(1, 2, "b")], &[("ab", &[][..])][..]),
            ("the last first", vec![part(1, 2, "b"), part(1, 1, "a")], &[("ab", &[])]),
            ("one comes again", vec![part(1, 1, "a"), part(1, 1, "a"), part(1, 2, "b")], &[("ab", &[])]),
            ("one is missing", vec![part(1, 2, "b")], &[("b", &[1])]),
            ("two messages", vec![part(1, 1, "a"), part(2, 1, "c"), part(1, 2, "b")], &[("ab", &[]), ("c", &[2])]),
            (
                "the reference comes again",
                vec![part(1, 1, "a"), part(1, 2, "b"), part(1, 1, "c"), part(1, 2, "d")],
                &[("ab", &[]), ("cd", &[])],
            ),
            (
                "the reference comes again in the same words: another stamp, another message",
                vec![at(1, part(1, 1, "a")), at(1, part(1, 2, "b")), at(30, part(1, 1, "a")), at(30, part(1, 2, "d"))],
                &[("ab", &[]), ("ad", &[])],
            ),
            (
                "a part of the first was lost",
                vec![at(1, part(1, 1, "a")), at(30, part(1, 1, "c")), at(31, part(1, 2, "d"))],
                &[("a", &[2]), ("cd", &[])],
            ),
            (
                "two messages, mixed",
                vec![at(31, part(1, 2, "d")), at(1, part(1, 1, "a")), at(30, part(1, 1, "c")), at(2, part(1, 2, "b"))],
                &[("cd", &[]), ("ab", &[])],
            ),
            (
                "mixed, and no stamp tells",
                vec![part(1, 1, "a"), part(1, 1, "c"), part(1, 2, "b"), part(1, 2, "d")],
                &[("ab", &[]), ("cd", &[])],
            ),
            ("two senders", vec![part(1, 1, "a"), deliver("+492", 1, 2, 2, "b")], &[("a", &[2]), ("b", &[1])]),
            ("two widths", vec![part(1, 1, "a"), wide(part(1, 2, "b"))], &[("a", &[2]), ("b", &[1])]),
            ("two totals", vec![part(1, 1, "a"), deliver("+491", 1, 3, 2, "b")], &[("a", &[2]), ("b", &[1, 3])]),
            ("one of one", vec![deliver("+491", 1, 1, 1, "a"), whole], &[("a", &[]), ("whole", &[])]),
            (
                "one of one, twice: no parts, so nothing comes again",
                vec![deliver("+491", 1, 1, 1, "a"), deliver("+491", 1, 1, 1, "a")],
                &[("a", &[]), ("a", &[])],
            ),
            ("nothing", vec![], &[]),
        ] {
            let ours: Vec<(String, Vec<u8>)> = messages(&parts).into_iter().map(|m| (m.text(), m.missing)).collect();
            let ours: Vec<(&str, &[u8])> =
                ours.iter().map(|(text, missing)| (text.as_str(), missing.as_slice())).collect();
            assert_eq!(ours, want, "{name}");
        }
    }

    #[test]
    fn what_is_shown_is_how_much() {
        let parts = [deliver("+491", 1, 3, 1, "secret"), deliver("+491", 1, 3, 3, "secret")];
        assert_eq!(format!("{:?}", messages(&parts)), "[Joined(2 of 3)]");
    }

    #[test]
    fn nothing_is_put_together_over_a_gap() {
        for (total, want) in [(2, "a€"), (3, "a e")] {
            let mut parts = [1, total].map(|seq| deliver("+491", 1, total, seq, ""));
            (parts[0].ud.payload, parts[1].ud.payload) = (vec![0x61, 0x1B], vec![0x65]);
            assert_eq!(messages(&parts)[0].text(), want, "{total} parts");
        }
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
