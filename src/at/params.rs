//! The tokenizer for the parameters of a line: what stands after the colon of an answer, or after the `=` of a command.
//!
//! It takes every shape seen in the field and refuses none: quoted, bare, empty, bracketed, ranges, blanks anywhere,
//! a quote that is never closed. V.250 §5.4.2, 3GPP TS 27.007 §4.

/// Brackets deeper than this are read as text. `+CPMS=?` has two levels in its worst shape.
const DEPTH: usize = 4;

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param<'a> {
    /// Nothing between two commas.
    Empty,
    /// In quotes, without them.
    Quoted(&'a str),
    /// Without quotes, blanks around it removed.
    Bare(&'a str),
    /// In brackets.
    Group(Vec<Param<'a>>),
}

impl<'a> Param<'a> {
    /// The text, quoted or bare; `None` for an empty one and for a group.
    pub fn text(&self) -> Option<&'a str> {
        match self {
            Param::Quoted(text) | Param::Bare(text) => Some(text),
            Param::Empty | Param::Group(_) => None,
        }
    }

    /// A decimal number, quoted or not. `None` where it does not fit.
    pub fn number<T: std::str::FromStr>(&self) -> Option<T> {
        let text = self.text()?.trim();
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
    }

    /// A hexadecimal number, quoted or not, as in the location of `+CREG`.
    pub fn hex(&self) -> Option<u32> {
        let text = self.text()?.trim();
        text.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())?
    }

    /// The members of a group; anything else is its own only member, and an empty one has none.
    pub fn members(&self) -> &[Param<'a>] {
        match self {
            Param::Group(members) => members,
            Param::Empty => &[],
            one => std::slice::from_ref(one),
        }
    }

    /// True when `n` is among the values: `(0,1,3)`, `(0-2)`, `0-2`, `2`.
    pub fn allows(&self, n: u32) -> bool {
        self.members().iter().any(|member| match member {
            Param::Group(_) => member.allows(n),
            _ => member.text().is_some_and(|text| range_holds(text, n)),
        })
    }
}

/// True when `n` is the number or in the range that the text names.
fn range_holds(text: &str, n: u32) -> bool {
    let number = |text: &str| text.trim().parse::<u32>().ok();
    match text.split_once('-') {
        Some((low, high)) => number(low).zip(number(high)).is_some_and(|(low, high)| (low..=high).contains(&n)),
        None => number(text) == Some(n),
    }
}

/// The parameters of one line, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params<'a>(pub Vec<Param<'a>>);

impl<'a> Params<'a> {
    /// Cuts a text into its parameters. A text of blanks has none.
    pub fn parse(text: &'a str) -> Params<'a> {
        if text.trim().is_empty() {
            return Params(Vec::new());
        }
        let mut rest = text;
        Params(list(&mut rest, 0))
    }

    /// The n-th parameter, from 0; a missing one is empty.
    pub fn at(&self, n: usize) -> &Param<'a> {
        self.0.get(n).unwrap_or(&Param::Empty)
    }

    /// The text of the n-th parameter.
    pub fn text(&self, n: usize) -> Option<&'a str> {
        self.at(n).text()
    }

    /// The number in the n-th parameter.
    pub fn number<T: std::str::FromStr>(&self, n: usize) -> Option<T> {
        self.at(n).number()
    }

    /// How many parameters there are, empty ones included.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads parameters up to the end of the text or, inside brackets, up to the closing one, which is taken too.
fn list<'a>(rest: &mut &'a str, depth: usize) -> Vec<Param<'a>> {
    let mut params = Vec::new();
    loop {
        *rest = rest.trim_start();
        let empty_group = params.is_empty() && depth > 0 && rest.starts_with(')');
        if !empty_group {
            params.push(one(rest, depth));
        }
        *rest = rest.trim_start();
        match rest.as_bytes().first() {
            None => return params,
            Some(b',') => *rest = &rest[1..],
            Some(b')') if depth > 0 => {
                *rest = &rest[1..];
                return params;
            }
            // `"ME" "MT"` and `("SM")("ME")`: the comma is missing.
            Some(_) => {}
        }
    }
}

/// Reads one parameter; always takes at least one character unless the parameter is empty.
fn one<'a>(rest: &mut &'a str, depth: usize) -> Param<'a> {
    match rest.as_bytes().first() {
        None | Some(b',') => Param::Empty,
        Some(b'"') => quoted(rest),
        Some(b'(') if depth < DEPTH => {
            *rest = &rest[1..];
            Param::Group(list(rest, depth + 1))
        }
        Some(b')') if depth > 0 => Param::Empty,
        Some(_) => bare(rest, depth),
    }
}

/// Reads to the closing quote, or to the end where there is none.
fn quoted<'a>(rest: &mut &'a str) -> Param<'a> {
    let body = &rest[1..];
    let (text, after) = body.split_once('"').unwrap_or((body, ""));
    *rest = after.trim_start();
    // What sticks to a closing quote is the debris of a quote that was left out; it is no parameter.
    if !rest.starts_with([',', ')', '"', '(']) {
        let end = rest.find(',').unwrap_or(rest.len());
        *rest = &rest[end..];
    }
    Param::Quoted(text)
}

/// Reads to the next comma, or inside brackets to the closing one.
fn bare<'a>(rest: &mut &'a str, depth: usize) -> Param<'a> {
    let end = rest.find(|c| c == ',' || (c == ')' && depth > 0)).unwrap_or(rest.len());
    let text = rest[..end].trim_end();
    *rest = &rest[end..];
    Param::Bare(text)
}

#[cfg(test)]
mod tests {
    use super::Param::{Bare, Empty, Group, Quoted};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table_of_shapes() {
        let sm_me = || Group(vec![Quoted("SM"), Quoted("ME")]);
        for (name, text, want) in [
            ("nothing", "", vec![]),
            ("blanks", "  ", vec![]),
            ("one bare", "23", vec![Bare("23")]),
            ("blanks around", " 1 , 2 ", vec![Bare("1"), Bare("2")]),
            ("quoted", "\"SM\",3", vec![Quoted("SM"), Bare("3")]),
            ("comma in quotes", "\"Bob, Jr\",1", vec![Quoted("Bob, Jr"), Bare("1")]),
            ("bracket in quotes", "\"a)b\"", vec![Quoted("a)b")]),
            ("empty in between", "0,,23", vec![Bare("0"), Empty, Bare("23")]),
            ("empty first", ",25", vec![Empty, Bare("25")]),
            ("empty last", "1,", vec![Bare("1"), Empty]),
            ("empty quotes", "2,1,\"\",\"605F\"", vec![Bare("2"), Bare("1"), Quoted(""), Quoted("605F")]),
            ("quote left open", "2,1,\"5E25", vec![Bare("2"), Bare("1"), Quoted("5E25")]),
            ("quote left out", "2,1,\"0B,\"0100701\",7", vec![Bare("2"), Bare("1"), Quoted("0B,"), Bare("7")]),
            ("ranges", "(0-2),(0,1,3)", vec![Group(vec![Bare("0-2")]), Group(vec![Bare("0"), Bare("1"), Bare("3")])]),
            ("groups of memories", "(\"SM\",\"ME\"),(\"SM\",\"ME\")", vec![sm_me(), sm_me()]),
            ("double brackets", "((\"SM\",\"ME\"),(\"SM\"))", vec![Group(vec![sm_me(), Group(vec![Quoted("SM")])])]),
            ("empty groups", "(),(),()", vec![Group(vec![]), Group(vec![]), Group(vec![])]),
            ("blanks for commas", "\"ME\" \"MT\"", vec![Quoted("ME"), Quoted("MT")]),
            ("group left open", "(0,1", vec![Group(vec![Bare("0"), Bare("1")])]),
            ("bracket in a bare text", "RSSI(dBm)", vec![Bare("RSSI(dBm)")]),
            ("multi-byte", "é,ü", vec![Bare("é"), Bare("ü")]),
        ] {
            assert_eq!(Params::parse(text).0, want, "{name}");
        }
    }

    #[test]
    fn table_of_numbers() {
        let params = Params::parse("7,\"8\",007,x,-1,99999999999,FF,\"00a1\"");
        let numbers: Vec<Option<u32>> = (0..9).map(|n| params.number(n)).collect();
        assert_eq!(numbers, [Some(7), Some(8), Some(7), None, None, None, None, None, None]);
        assert_eq!(params.number::<u8>(5), None);
        assert_eq!((params.at(6).hex(), params.at(7).hex(), params.at(3).hex()), (Some(0xff), Some(0xa1), None));
    }

    #[test]
    fn table_of_allowed_values() {
        for (text, allowed) in [
            ("(0-2)", vec![0, 1, 2]),
            ("(0,2,3)", vec![0, 2, 3]),
            ("(0, 2 - 3)", vec![0, 2, 3]),
            ("0-1", vec![0, 1]),
            ("1", vec![1]),
            ("((0,1),3)", vec![0, 1, 3]),
            ("()", vec![]),
            ("", vec![]),
            ("(0-4294967295)", vec![0, 1, 2, 3, 4]),
        ] {
            let params = Params::parse(text);
            let got: Vec<u32> = (0..5).filter(|n| params.at(0).allows(*n)).collect();
            assert_eq!(got, allowed, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_no_more_parameters_than_characters(text in "\\PC{0,64}") {
            prop_assert!(Params::parse(&text).len() <= text.chars().count() + 1);
        }

        #[test]
        fn any_syntax_is_survived(text in "[\"(),a0 -]{0,64}") {
            let params = Params::parse(&text);
            for param in &params.0 {
                param.allows(1);
            }
        }
    }
}
