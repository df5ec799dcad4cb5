//! Reads one table of the file, and keeps every mistake with its line instead of stopping at the first.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A mistake in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// From 1; 0 when it is about the file as a whole.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// Dotted path of the key, e.g. `modem[1].port`.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if self.key.is_empty() {
            write!(f, ": {}", self.message)
        } else {
            write!(f, ": {}: {}", self.key, self.message)
        }
    }
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub(super) struct Mistakes<'a> {
    file: &'a Path,
    text: &'a str,
    found: Vec<ConfigError>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str) -> Mistakes<'a> {
        Mistakes { file, text, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: &Range<usize>, key: &str, message: impl Into<String>) {
        let before = &self.text.as_bytes()[..at.start.min(self.text.len())];
        let line = before.iter().filter(|octet| **octet == b'\n').count() + 1;
        let start = before.iter().rposition(|octet| *octet == b'\n').map_or(0, |n| n + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let file = self.file.to_owned();
        self.found.push(ConfigError { file, line, column, key: key.to_owned(), message: message.into() });
    }

    /// By line, as one reads.
    pub(super) fn into_found(mut self) -> Vec<ConfigError> {
        self.found.sort_by_key(|error| (error.line, error.column));
        self.found
    }
}

/// A value that was read, with its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// One table. Every key that is asked for is known; what is left at the end is not.
pub(super) struct Table<'t, 'i> {
    table: &'t DeTable<'i>,
    path: String,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    pub(super) fn new(table: &'t Spanned<DeTable<'i>>) -> Table<'t, 'i> {
        Table { table: table.get_ref(), path: String::new(), span: table.span(), known: Vec::new() }
    }

    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// The dotted path of a key of this table.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// True when the file has this key, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where a key's value stands; where the table begins when the file has no such key.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// A key that may be missing, read by `read`; a wrong type is a mistake that names what is wanted.
    fn read<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        mistakes: &mut Mistakes<'_>,
        read: impl FnOnce(&'t DeValue<'i>) -> Option<T>,
    ) -> Option<At<T>> {
        let found = self.value(key)?;
        let value = read(found.get_ref());
        if value.is_none() {
            let message = format!("must be {wanted}, not {}", found.get_ref().type_str());
            mistakes.add(&found.span(), &self.path(key), message);
        }
        Some(At { value: value?, span: found.span() })
    }

    pub(super) fn text(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<At<String>> {
        self.read(key, "a string", mistakes, |value| value.as_str().map(str::to_owned))
    }

    /// A path from the root: nobody can guess the working directory of a service.
    pub(super) fn absolute(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<At<String>> {
        let path = self.text(key, mistakes)?;
        if is_absolute(&path.value) {
            return Some(path);
        }
        mistakes.add(&path.span, &self.path(key), "must begin with /, and hold no NUL");
        None
    }

    /// An array of strings.
    pub(super) fn texts(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Vec<At<String>> {
        let wanted = "an array of strings";
        let Some(found) = self.read(key, wanted, mistakes, DeValue::as_array) else { return Vec::new() };
        let mut texts = Vec::new();
        for entry in found.value {
            match entry.get_ref().as_str() {
                Some(text) => texts.push(At { value: text.to_owned(), span: entry.span() }),
                None => mistakes.add(&entry.span(), &self.path(key), format!("must be {wanted}")),
            }
        }
        texts
    }

    /// A text that parses to something.
    pub(super) fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<At<T>> {
        let text = self.text(key, mistakes)?;
        match text.value.parse() {
            Ok(value) => Some(At { value, span: text.span }),
            Err(error) => {
                mistakes.add(&text.span, &self.path(key), error.to_string());
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        mistakes: &mut Mistakes<'_>,
    ) -> Option<T> {
        let text = self.text(key, mistakes)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let list: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            mistakes.add(&text.span, &self.path(key), format!("must be one of {}", list.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<bool> {
        self.read(key, "true or false", mistakes, DeValue::as_bool).map(|found| found.value)
    }

    /// A whole number in a range.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<u64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let found = self.read(key, &wanted, mistakes, |value| {
            let integer = value.as_integer()?;
            Some(i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX))
        })?;
        match u64::try_from(found.value) {
            Ok(n) if range.contains(&n) => Some(n),
            _ => {
                mistakes.add(&found.span, &self.path(key), format!("must be {wanted}"));
                None
            }
        }
    }

    /// A table in this one.
    pub(super) fn table(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<Table<'t, 'i>> {
        let path = self.path(key);
        let found = self.read(key, "a table", mistakes, DeValue::as_table)?;
        Some(Table { table: found.value, path, span: found.span, known: Vec::new() })
    }

    /// An array of tables.
    pub(super) fn tables(&mut self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Vec<Table<'t, 'i>> {
        let path = self.path(key);
        let wanted = format!("an array of tables ([[{path}]])");
        let Some(found) = self.read(key, &wanted, mistakes, DeValue::as_array) else { return Vec::new() };
        let mut tables = Vec::new();
        for (n, entry) in found.value.iter().enumerate() {
            match entry.get_ref().as_table() {
                Some(table) => {
                    let path = format!("{path}[{n}]");
                    tables.push(Table { table, path, span: entry.span(), known: Vec::new() });
                }
                None => mistakes.add(&entry.span(), &format!("{path}[{n}]"), format!("must be {wanted}")),
            }
        }
        tables
    }

    /// Every key that nobody asked for is a mistake.
    pub(super) fn end(&self, mistakes: &mut Mistakes<'_>) {
        for key in self.table.keys().filter(|key| !self.known.contains(&key.get_ref().as_ref())) {
            let message = format!("unknown key; known here: {}", self.known.join(", "));
            mistakes.add(&key.span(), &self.path(key.get_ref()), message);
        }
    }
}

/// True for a path from the root.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') && !path.contains('\0')
}
