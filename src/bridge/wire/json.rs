//! Strict JSON: a tree that borrows from the payload, keeps duplicate keys for the reader to refuse, and is shallow.

use crate::model::{Refusal, RefusalCode};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may nest: the contract needs two.
const MAX_DEPTH: u8 = 8;

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    /// A number without fraction or exponent.
    Integer(i128),
    Fraction(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl Node<'_> {
    /// The kind in a client's words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a boolean",
            Node::Integer(_) | Node::Fraction(_) => "a number",
            Node::Text(_) => "a string",
            Node::List(_) => "a list",
            Node::Object(_) => "an object",
        }
    }
}

/// Reads exactly one JSON value.
pub(super) fn parse(payload: &[u8]) -> Result<Node<'_>, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|error| {
        let (line, column) = position(payload, error.valid_up_to());
        Refusal::new(RefusalCode::InvalidJson, "the payload is not UTF-8").at(format!("{line}:{column}"))
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    Seed { depth: 0 }.deserialize(&mut reader).and_then(|node| reader.end().map(|()| node)).map_err(|error| {
        let place = format!("{}:{}", error.line(), error.column());
        let words = error.to_string();
        let detail = words.split(" at line ").next().unwrap_or(&words);
        Refusal::new(RefusalCode::InvalidJson, format!("the payload is not JSON: {detail}")).at(place)
    })
}

/// Line and column, both from 1, of an octet.
fn position(payload: &[u8], octet: usize) -> (usize, usize) {
    let before = &payload[..octet];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    (line, column)
}

#[derive(Clone, Copy)]
struct Seed {
    depth: u8,
}

impl Seed {
    fn deeper<E: de::Error>(self) -> Result<Seed, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Seed { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Fraction(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(Key)? {
            entries.push((key, access.next_value_seed(seed)?));
        }
        Ok(Node::Object(entries))
    }
}

/// A key, borrowed when it holds no escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_values() {
        for (text, want) in [
            ("null", Node::Null),
            (" true ", Node::Bool(true)),
            ("-1", Node::Integer(-1)),
            ("18446744073709551615", Node::Integer(u64::MAX.into())),
            ("1.0", Node::Fraction(1.0)),
            ("[]", Node::List(vec![])),
            (r#""a\u00e9""#, Node::Text("aé".into())),
            (r#""\ud83d\ude00""#, Node::Text("😀".into())),
            (r#"{"a":1,"a":2}"#, Node::Object(vec![("a".into(), Node::Integer(1)), ("a".into(), Node::Integer(2))])),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(want), "{text}");
        }
    }

    #[test]
    fn table_of_what_is_not_json() {
        let deep = "[".repeat(9) + &"]".repeat(9);
        let abyss = "[".repeat(60_000);
        for (payload, place, words) in [
            (&b""[..], "1:0", "EOF"),
            (b"hello", "1:1", "expected value"),
            (b"{\n \"to\": }", "2:8", "expected value"),
            (b"{} {}", "1:4", "trailing characters"),
            (b"{\"to\":\"1\",}", "1:11", "trailing comma"),
            (b"{'to':1}", "1:2", "key must be a string"),
            (b"NaN", "1:1", "expected value"),
            (b"1e999", "1:5", "number out of range"),
            (br#""\ud800""#, "1:8", "hex escape"),
            (br#""\ud800\ud800""#, "1:13", "lone"),
            (br#""\udc00""#, "1:7", "lone"),
            (b"\"\n\"", "2:0", "control character"),
            (b"\xef\xbb\xbf{}", "1:1", "expected value"),
            (b"{\"text\":\n\"a\xff\"}", "2:3", "not UTF-8"),
            (b"\"\xed\xa0\x80\"", "1:2", "not UTF-8"),
            (deep.as_bytes(), "1:10", "nested deeper than 8 levels"),
            (abyss.as_bytes(), "1:9", "nested deeper than 8 levels"),
        ] {
            let refusal = parse(payload).unwrap_err();
            let shown = String::from_utf8_lossy(&payload[..payload.len().min(40)]);
            assert_eq!(refusal.code, RefusalCode::InvalidJson, "{shown}");
            assert_eq!(refusal.field.as_deref(), Some(place), "{shown}: {refusal}");
            assert!(refusal.detail.contains(words), "{shown}: {refusal}");
        }
    }
}
