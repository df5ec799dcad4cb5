//! The tower of ARCHITECTURE.md, checked from the sources: who may import whom, and who may touch what outside.
//!
//! A change of these tables is a commit of its own.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::{Path, PathBuf};

/// Each module and the modules it may use.
const TOWER: [(&str, &[&str]); 16] = [
    ("tpdu", &[]),
    ("at", &[]),
    ("model", &["tpdu"]),
    ("clock", &[]),
    ("modem", &["at", "tpdu", "model", "clock"]),
    ("store", &["model", "tpdu"]),
    ("slots", &["modem", "store", "model", "clock"]),
    ("scheduler", &["slots", "store", "model", "tpdu", "clock"]),
    ("intake", &["modem", "store", "model", "tpdu"]),
    ("gateway", &["store", "scheduler", "slots", "model", "tpdu", "clock"]),
    ("bridge", &["gateway", "model", "clock"]),
    ("simulator", &["at", "tpdu"]),
    ("telemetry", &["model"]),
    ("app", BELOW_APP),
    ("config", BELOW_CONFIG),
    ("cli", BELOW_CLI),
];

/// The shell may use anything below it. Each module owns its `Config`, so `config` stands above `app`.
const BELOW_APP: &[&str] = &[
    "tpdu",
    "at",
    "model",
    "clock",
    "modem",
    "store",
    "slots",
    "scheduler",
    "intake",
    "gateway",
    "bridge",
    "simulator",
    "telemetry",
];
const BELOW_CONFIG: &[&str] = &[
    "tpdu",
    "at",
    "model",
    "clock",
    "modem",
    "store",
    "slots",
    "scheduler",
    "intake",
    "gateway",
    "bridge",
    "simulator",
    "telemetry",
    "app",
];
const BELOW_CLI: &[&str] = &[
    "tpdu",
    "at",
    "model",
    "clock",
    "modem",
    "store",
    "slots",
    "scheduler",
    "intake",
    "gateway",
    "bridge",
    "simulator",
    "telemetry",
    "app",
    "config",
];

/// Values only: no I/O, no clock, no async.
const CODEC: &[&str] = &["tpdu", "at", "model"];

/// What is outside the package, and where it may stand.
const OUTSIDE: [(&str, Scope); 14] = [
    ("tokio", Scope::NotIn(CODEC)),
    ("std::fs", Scope::NotIn(CODEC)),
    ("std::net", Scope::NotIn(CODEC)),
    ("SystemTime", Scope::NotIn(CODEC)),
    // In `at` an instant is an argument; reading the clock is caught by `now`.
    ("Instant", Scope::NotIn(&["tpdu", "model"])),
    ("now", Scope::NotIn(CODEC)),
    ("serialport", Scope::OnlyIn(&["modem"])),
    ("tokio_serial", Scope::OnlyIn(&["modem"])),
    ("nix::pty", Scope::OnlyIn(&["simulator"])),
    ("rusqlite", Scope::OnlyIn(&["store"])),
    ("rusqlite_migration", Scope::OnlyIn(&["store"])),
    ("rumqttc", Scope::OnlyIn(&["bridge"])),
    ("mqtt5", Scope::OnlyIn(&["app", "cli"])),
    ("serde_json", Scope::OnlyIn(&["bridge", "cli", "telemetry", "simulator", "app"])),
];

/// Where something outside may stand.
#[derive(Clone, Copy)]
enum Scope {
    OnlyIn(&'static [&'static str]),
    NotIn(&'static [&'static str]),
}

impl Scope {
    fn allows(self, module: &str) -> bool {
        match self {
            Scope::OnlyIn(modules) => modules.contains(&module),
            Scope::NotIn(modules) => !modules.contains(&module),
        }
    }
}

#[test]
fn the_sources_keep_the_tower() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    assert!(files.len() > TOWER.len(), "only {} files found", files.len());
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(root).unwrap().to_str().unwrap();
            check(path, &std::fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// What a source breaks, as `path:line: what`. The roots of library and binary join everything and are not checked.
fn check(path: &str, text: &str) -> Vec<String> {
    let file = file_module(path);
    let Some(own) = file.first() else { return Vec::new() };
    let Some((_, below)) = TOWER.iter().find(|(module, _)| module == own) else {
        return vec![format!("{path}: module {own} has no row in the tower")];
    };
    let mut wrong = Vec::new();
    for found in paths(&tokens(text)) {
        let shown = found.segments.join("::");
        let mut report = |what: String| wrong.push(format!("{path}:{}: {what}: {shown}", found.line));
        if let Some(used) = resolve(&file, &found) {
            if used == "*" {
                report(format!("{own} must not import the whole crate"));
            } else if used != *own && TOWER.iter().any(|(module, _)| *module == used) && !below.contains(&used) {
                report(format!("{own} must not use {used}"));
            }
        }
        for (outside, scope) in OUTSIDE {
            // Tests may ask the clock for an instant to begin with.
            let exempt = outside == "now" && found.inside.contains(&"tests");
            if !scope.allows(own) && !exempt && mentions(&found.segments, outside) {
                report(format!("{own} must not use {outside}"));
            }
        }
    }
    wrong
}

/// `src/tpdu/gsm7/pack.rs` is `tpdu::gsm7::pack`; the roots are the empty path.
fn file_module(path: &str) -> Vec<&str> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut module: Vec<&str> = stem.split('/').collect();
    if matches!(module.last(), Some(&("mod" | "lib" | "main"))) {
        module.pop();
    }
    module
}

/// The module of this crate that a path leads into; `*` for all of them; `None` for a path to elsewhere.
fn resolve<'a>(file: &[&'a str], found: &Found<'a>) -> Option<&'a str> {
    let mut at: Vec<&str> = match *found.segments.first()? {
        "crate" => Vec::new(),
        "self" | "super" => file.iter().chain(&found.inside).copied().collect(),
        _ => return None,
    };
    for segment in &found.segments {
        match *segment {
            "crate" | "self" => {}
            "super" => {
                at.pop();
            }
            name => at.push(name),
        }
    }
    Some(at.first().copied().unwrap_or("*"))
}

fn mentions(segments: &[&str], outside: &str) -> bool {
    let wanted: Vec<&str> = outside.split("::").collect();
    segments.windows(wanted.len()).any(|window| window == wanted)
}

/// A path in a source.
struct Found<'a> {
    segments: Vec<&'a str>,
    /// The `mod name { … }` around it.
    inside: Vec<&'a str>,
    line: usize,
}

/// Every path of two or more segments, and every name that `use` and `extern crate` bring in.
fn paths<'a>(tokens: &[Token<'a>]) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let mut modules: Vec<(&str, usize)> = Vec::new();
    let (mut depth, mut at) = (0, 0);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    while let Some(token) = tokens.get(at) {
        let inside: Vec<&str> = modules.iter().map(|(name, _)| *name).collect();
        let mut add = |segments| found.push(Found { segments, inside: inside.clone(), line: token.line });
        match token.text {
            "{" => depth += 1,
            "}" => {
                modules.retain(|(_, opened)| *opened < depth);
                depth -= 1;
            }
            "mod" if text(at + 2) == "{" => modules.push((text(at + 1), depth + 1)),
            "extern" if text(at + 1) == "crate" => add(vec![text(at + 2)]),
            // `use<'a>` in a type is something else.
            "use" if text(at + 1) != "<" => {
                let (trees, end) = use_tree(tokens, at + 1, &[]);
                trees.into_iter().for_each(&mut add);
                at = end;
                continue;
            }
            name if is_name(name) => {
                let (segments, end) = plain_path(tokens, at);
                if segments.len() > 1 {
                    add(segments);
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Names joined by `::` from `at` on, and where they end.
fn plain_path<'a>(tokens: &[Token<'a>], mut at: usize) -> (Vec<&'a str>, usize) {
    let mut segments = vec![tokens[at].text];
    while let [separator, name, ..] = &tokens[at + 1..]
        && separator.text == "::"
        && is_name(name.text)
    {
        segments.push(name.text);
        at += 2;
    }
    (segments, at + 1)
}

/// The paths of one tree of a `use`, and where it ends. `a::{self, b::*}` is `a::self` and `a::b::*`.
fn use_tree<'a>(tokens: &[Token<'a>], mut at: usize, prefix: &[&'a str]) -> (Vec<Vec<&'a str>>, usize) {
    let mut path = prefix.to_vec();
    let mut trees = Vec::new();
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    let (inner, end) = use_tree(tokens, at, &path);
                    trees.extend(inner);
                    at = if tokens.get(end).is_some_and(|token| token.text == ",") { end + 1 } else { end };
                }
                return (trees, at + 1);
            }
            // A new name does not matter.
            "as" => at += 1,
            "," | "}" | ";" => break,
            "::" => {}
            name => path.push(name),
        }
        at += 1;
    }
    trees.push(path);
    (trees, at)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// A name, `::`, or one other character; no comments, no literals.
struct Token<'a> {
    text: &'a str,
    line: usize,
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(c) = rest.chars().next() {
        let len = skipped(rest).unwrap_or_else(|| {
            let len = if is_name(rest) {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            tokens.push(Token { text: &rest[..len], line });
            len
        });
        line += rest[..len].matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

/// How much is a blank, a comment or a literal; `None` for anything else.
fn skipped(rest: &str) -> Option<usize> {
    let c = rest.chars().next()?;
    let end_of = |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if c.is_whitespace() {
        return Some(c.len_utf8());
    }
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    // Raw literals, with or without `b` or `c` in front.
    let raw = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    if let Some(hashes) = raw.strip_prefix('r').map(|raw| raw.len() - raw.trim_start_matches('#').len())
        && raw[1 + hashes..].starts_with('"')
    {
        let begin = rest.len() - raw.len() + hashes + 2;
        return Some(end_of(begin, &format!("\"{}", "#".repeat(hashes))));
    }
    let literal = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let prefix = rest.len() - literal.len();
    if literal.starts_with('"') {
        return Some(prefix + quoted(literal));
    }
    // A character, not a lifetime: 'x' or '\…'.
    let mut inner = literal.strip_prefix('\'')?.chars();
    match (inner.next()?, inner.next()) {
        ('\\', _) => Some(prefix + quoted(literal)),
        (c, Some('\'')) => Some(prefix + 2 + c.len_utf8()),
        _ => None,
    }
}

/// The length of a literal that ends with the quote it begins with.
fn quoted(rest: &str) -> usize {
    let quote = rest.chars().next();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if Some(c) == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a comment, others inside it included.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Every way to spell an arrow, for each pair: what is forbidden is reported, what is allowed is not.
#[test]
fn every_arrow_is_seen_in_every_spelling() {
    let spellings: [(&str, &str); 13] = [
        ("src/A.rs", "use crate::B::Thing;"),
        ("src/A.rs", "pub use crate::B as other;"),
        ("src/A.rs", "use crate::{A::Mine, B::{self, Thing as T}};"),
        ("src/A.rs", "use crate::{B::*, A::{self}};"),
        ("src/A.rs", "use super::B::Thing;"),
        ("src/A.rs", "use super::{A, B};"),
        ("src/A/mod.rs", "fn f(x: &crate::B::Thing) {}"),
        ("src/A/mod.rs", "fn f() -> Vec<super::B::Thing> { super::B::make() }"),
        ("src/A/deep.rs", "use super::super::B::Thing;"),
        ("src/A/deep/more.rs", "const X: u8 = super::super::super::B::X;"),
        ("src/A/deep.rs", "mod tests { use super::super::super::B::Thing; }"),
        ("src/A/deep.rs", "fn f() { let s = \"a \\\" b\"; let c = '\"'; crate::B::g(s, c) }"),
        ("src/A/deep.rs", "/* /* */ \" */ fn f<'a>(x: &'a str) { r#\"\"\"#; self::super::super::B::g(x) }"),
    ];
    for (from, below) in TOWER {
        for (to, _) in TOWER {
            for (path, text) in spellings {
                let (path, text) = (path.replace('A', from), text.replace('A', from).replace('B', to));
                let reported = check(&path, &text);
                let want = from != to && !below.contains(&to);
                assert_eq!(!reported.is_empty(), want, "{from} to {to} in {path}: {text}: {reported:?}");
            }
        }
    }
}

#[test]
fn what_is_outside_is_seen_where_it_must_not_be() {
    for (outside, scope) in OUTSIDE {
        for (module, _) in TOWER {
            for text in ["use O::thing;", "use {O, std::io};", "fn f() { O::thing() }", "fn f() -> ::O::Thing {}"] {
                let reported = check(&format!("src/{module}.rs"), &text.replace('O', outside));
                assert_eq!(reported.is_empty(), scope.allows(module), "{module}: {text} with {outside}");
            }
        }
    }
    let clock = "fn f() { jiff::Timestamp::now(); }";
    assert_eq!(check("src/tpdu/time.rs", clock), ["src/tpdu/time.rs:1: tpdu must not use now: jiff::Timestamp::now"]);
    assert!(check("src/at/engine.rs", "mod tests { fn f() { Instant::now() } }").is_empty());
    assert!(!check("src/at/engine.rs", "use std::time::Instant; fn f() { Instant::now() }").is_empty());
}

#[test]
fn what_is_no_arrow_is_not_reported() {
    for (name, path, text) in [
        ("comment", "src/tpdu/mod.rs", "// use crate::store;\n/// [`crate::store`]\n/* crate::store::x */"),
        ("text", "src/tpdu/mod.rs", "const X: &str = \"crate::store::x\"; const Y: &str = r#\"crate::store::x\"#;"),
        ("a module of the same name inside", "src/bridge/wire.rs", "use super::store::x; mod store {}"),
        ("inside a test module", "src/tpdu/join.rs", "mod tests { use super::super::udh::Udh; }"),
        ("a name alone", "src/tpdu/mod.rs", "fn store(store: u8) -> u8 { self.store() + store }"),
        ("visibility", "src/tpdu/mod.rs", "pub(crate) fn f() {} pub(in crate::tpdu) fn g() {}"),
        ("captured lifetimes", "src/tpdu/mod.rs", "fn f() -> impl Sized + use<'static> { 0 }"),
        ("the roots", "src/main.rs", "use gsmgate::cli; use crate::store;"),
    ] {
        assert_eq!(check(path, text), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_would_hide_an_arrow_is_reported() {
    for (name, path, text, want) in [
        (
            "the whole crate",
            "src/slots.rs",
            "\nuse crate::*;",
            "src/slots.rs:2: slots must not import the whole crate: crate::*",
        ),
        (
            "the same by another name",
            "src/slots.rs",
            "use crate::{self as all};",
            "src/slots.rs:1: slots must not import the whole crate: crate::self",
        ),
        (
            "the same by super",
            "src/slots.rs",
            "use super::*;",
            "src/slots.rs:1: slots must not import the whole crate: super::*",
        ),
        ("a module without a row", "src/helpers.rs", "", "src/helpers.rs: module helpers has no row in the tower"),
    ] {
        assert_eq!(check(path, text), [want], "{name}");
    }
}
