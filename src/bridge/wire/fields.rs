//! Reads the keys of one JSON object, each once, and says what is wrong with which.

use super::json::{self, Node};
use crate::model::{Refusal, RefusalCode};
use std::borrow::Cow;

/// Characters of a client's words that are repeated in an answer.
const ECHO_CHARACTERS: usize = 64;

/// The keys of an object that have not been read yet.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// JSON pointer of the object; empty for the whole payload. RFC 6901.
    pointer: &'static str,
    entries: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a> Fields<'a> {
    /// Parses a payload that has to be an object. Keys are checked later, by [`Fields::only`].
    pub(super) fn parse(payload: &'a [u8]) -> Result<Fields<'a>, Refusal> {
        Fields::of("", json::parse(payload)?)
    }

    /// Opens a nested object.
    pub(super) fn of(pointer: &'static str, node: Node<'a>) -> Result<Fields<'a>, Refusal> {
        match node {
            Node::Object(entries) => Ok(Fields { pointer, entries }),
            other => Err(wrong_type(pointer, "an object", &other)),
        }
    }

    /// Refuses unknown keys and keys given twice.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        for (n, (key, _)) in self.entries.iter().enumerate() {
            // Known keys are few, so nobody can make the search below long.
            let problem = if !known.contains(&key.as_ref()) {
                "unknown key"
            } else if self.entries[..n].iter().any(|(earlier, _)| earlier == key) {
                "key given twice"
            } else {
                continue;
            };
            let field = format!("{}/{}", self.pointer, escaped(key));
            return Err(invalid(field, problem));
        }
        Ok(())
    }

    /// The first value of a key, if it is a short string: for naming the command in a refusal.
    pub(super) fn name(&self, key: &str) -> Option<String> {
        let (_, node) = self.entries.iter().find(|(name, _)| name == key)?;
        match node {
            Node::Text(text) if text.chars().count() <= ECHO_CHARACTERS => Some(text.clone().into_owned()),
            _ => None,
        }
    }

    /// Takes the value of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<Node<'a>> {
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// Takes a string.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<Cow<'a, str>>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(self.field(key), "a string", &other)),
        }
    }

    /// Takes `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(self.field(key), "true or false", &other)),
        }
    }

    /// Takes a whole number in a range.
    pub(super) fn integer(&mut self, key: &str, least: i64, most: i64) -> Result<Option<i64>, Refusal> {
        let out_of_range = |field| invalid(field, format!("must be a whole number from {least} to {most}"));
        match self.take(key) {
            None => Ok(None),
            Some(Node::Integer(value)) => match i64::try_from(value) {
                Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
                _ => Err(out_of_range(self.field(key))),
            },
            Some(Node::Fraction(_)) => Err(out_of_range(self.field(key))),
            Some(other) => Err(wrong_type(self.field(key), "a whole number", &other)),
        }
    }

    /// Takes one of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Refusal> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let list: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(invalid(self.field(key), format!("must be one of: {}", list.join(", "))))
            }
        }
    }

    /// JSON pointer of a key that needs no escape.
    fn field(&self, key: &str) -> String {
        format!("{}/{key}", self.pointer)
    }
}

/// The refusal of a field's value.
pub(super) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::InvalidField, detail).at(field)
}

/// The refusal of a value of another type.
pub(super) fn wrong_type(field: impl Into<String>, wanted: &str, got: &Node<'_>) -> Refusal {
    invalid(field, format!("must be {wanted}, not {}", got.kind()))
}

/// A client's key as a pointer writes it, cut so that an answer stays short. RFC 6901 §3.
fn escaped(key: &str) -> String {
    key.chars().take(ECHO_CHARACTERS).collect::<String>().replace('~', "~0").replace('/', "~1")
}
