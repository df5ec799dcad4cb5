//! The text of a recording: the dialogue with a modem, line by line.
//!
//! | line | is |
//! |---|---|
//! | `# …` | a remark; of those in front `profile`, `line` and `status` count |
//! | `> …` | what we wrote; `^Z` ends a payload, `^[` is ESC |
//! | `< …` | a line that came |
//! | `<< …` | octets that came, with `\r`, `\n`, `\\` and `\xNN`, and no end of line of their own |
//! | `~ 1.5` | so many seconds went by |
//! | `~ deadline` | an exchange had no end in time |
//! | `= …` | `opened`, `lost: why`, `decided: place: what`, `N lines are missing here`; anything else is a remark |

use super::Disposal;
use crate::at::FinalResult;
use std::time::Duration;

/// Octets that a recording has at most; what is written here has a tenth of it.
pub const MAX_OCTETS: usize = 1024 * 1024;
/// A longer span is played as this: a driver looks at its modem once a minute, and between two sessions nothing is played.
const LONGEST: Duration = Duration::from_secs(3600);

/// A recording that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// Name of the profile that was used, if it says so.
    pub(super) profile: Option<String>,
    /// The port was one of USB.
    pub(super) is_usb: bool,
    /// What the modem was doing at the end, and why.
    pub(super) status: Option<String>,
    pub(super) items: Vec<Item>,
}

/// A line of it that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Opened,
    Sent(String),
    /// Octets, and the line of the file.
    Came(Vec<u8>, String),
    Span(Duration),
    Lost(String),
    /// What becomes of a message; of a routed one where no place is said. `None`: it was not committed.
    Decided(Option<(String, u16)>, Option<Disposal>),
    Missing,
}

impl Item {
    /// True for the end of an exchange.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Item::Came(_, line) if line.strip_prefix("< ").is_some_and(|line| FinalResult::parse(line).is_some()))
    }
}

/// Why a text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadRecording {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Recording {
    /// Reads the text of a file.
    pub fn parse(octets: &[u8]) -> Result<Recording, BadRecording> {
        let bad = |line, what: &str| BadRecording { line, what: what.to_owned() };
        if octets.len() > MAX_OCTETS {
            return Err(bad(1, "a recording has at most 1 MiB"));
        }
        let text = std::str::from_utf8(octets).map_err(|error| {
            let before = octets.iter().take(error.valid_up_to()).filter(|octet| **octet == b'\n').count();
            bad(before + 1, "it is not UTF-8")
        })?;
        let mut recording = Recording::default();
        for (n, line) in text.lines().enumerate() {
            recording.take(line).map_err(|what| bad(n + 1, &what))?;
        }
        if !recording.items.iter().any(|item| matches!(item, Item::Sent(_))) {
            return Err(bad(
                text.lines().count().max(1),
                "it ends, and nothing was said to a modem (no line begins with >)",
            ));
        }
        if !recording.items.contains(&Item::Opened) {
            recording.items.insert(0, Item::Opened);
        }
        Ok(recording)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        // The prompt ends with a blank that editors take away.
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "" if rest.is_empty() => {}
            "#" => self.remark(rest),
            ">" if rest.is_empty() => return Err("> and nothing that was written".to_owned()),
            ">" => self.items.push(Item::Sent(rest.to_owned())),
            "<" => self.items.push(Item::Came(format!("\r\n{rest}\r\n").into_bytes(), line.to_owned())),
            "<<" => self.items.push(Item::Came(unescaped(rest)?, line.to_owned())),
            "~" if rest == "deadline" => {}
            "~" => self.items.push(Item::Span(span(rest)?)),
            "=" => self.event(rest)?,
            _ => {
                return Err(format!(
                    "no such mark: {}; known are # > < << ~ =",
                    mark.chars().take(8).collect::<String>()
                ));
            }
        }
        Ok(())
    }

    fn remark(&mut self, text: &str) {
        // What stands in front of the dialogue.
        let Some((name, value)) = text.split_once(": ").filter(|_| self.items.is_empty()) else { return };
        match name {
            "profile" => self.profile = Some(value.to_owned()),
            "line" => self.is_usb = value == "usb",
            "status" => self.status = Some(value.to_owned()),
            _ => {}
        }
    }

    fn event(&mut self, text: &str) -> Result<(), String> {
        match text {
            "opened" => self.items.push(Item::Opened),
            _ if text.ends_with("lines are missing here") => self.items.push(Item::Missing),
            _ => match text.split_once(": ") {
                Some(("lost", why)) => self.items.push(Item::Lost(why.to_owned())),
                Some(("decided", what)) => {
                    self.items.push(decision(what).ok_or_else(|| format!("no decision: {what}"))?)
                }
                _ => {}
            },
        }
        Ok(())
    }
}

/// `ME 1: delete`, `routed: keep`, `SM 3: not committed`.
fn decision(text: &str) -> Option<Item> {
    let (place, word) = text.split_once(": ")?;
    let disposal = match word {
        "delete" => Some(Disposal::Delete),
        "keep" => Some(Disposal::Keep),
        "not committed" => None,
        _ => return None,
    };
    let place = match place.split_once(' ') {
        Some((memory, index)) => Some((memory.to_owned(), index.parse().ok()?)),
        None if place == "routed" => None,
        None => return None,
    };
    Some(Item::Decided(place, disposal))
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("not a number of seconds, nor the word deadline: {text}"))?;
    let span = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    Ok(span.min(LONGEST))
}

/// Octets as a `<<` line has them: `\r`, `\n`, `\\` and `\xNN` stand for what cannot be printed. Errors: another escape.
pub fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b'\\') => b'\\',
                Some(b'x') => hex(rest.next(), rest.next()).ok_or("\\x and not two hexadecimal digits")?,
                _ => return Err("no such escape; known are \\r \\n \\\\ \\xNN".to_owned()),
            },
            octet => octet,
        });
    }
    Ok(octets)
}

fn hex(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_recording_is_read() {
        let text = "# gsmgate\n# profile: huawei\n# line: usb\n# status: offline: gone\n\n= opened\r\n> AT\n<< \\r\\n> \n\
                    < OK\n~ 1.5\n~ deadline\n= 7 lines are missing here\n= uncertain: timeout\n= decided: ME 1: delete\n= lost: gone\n# profile: x\n";
        let recording = Recording::parse(text.as_bytes()).unwrap();
        assert_eq!((recording.profile.as_deref(), recording.is_usb), (Some("huawei"), true));
        assert_eq!(recording.status.as_deref(), Some("offline: gone"));
        let want = [
            Item::Opened,
            Item::Sent("AT".to_owned()),
            Item::Came(b"\r\n> ".to_vec(), "<< \\r\\n> ".to_owned()),
            Item::Came(b"\r\nOK\r\n".to_vec(), "< OK".to_owned()),
            Item::Span(Duration::from_millis(1500)),
            Item::Missing,
            Item::Decided(Some(("ME".to_owned(), 1)), Some(Disposal::Delete)),
            Item::Lost("gone".to_owned()),
        ];
        assert_eq!(recording.items, want);
    }

    #[test]
    fn a_transcript_of_the_tests_is_one_too() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
        let text = std::fs::read(folder.join("generic-bring-up.txt")).unwrap();
        assert_eq!(Recording::parse(&text).unwrap().items.first(), Some(&Item::Opened));
    }

    #[test]
    fn table_of_mistakes() {
        for (text, want) in [
            ("", "line 1: it ends, and nothing was said to a modem (no line begins with >)"),
            ("< OK\n", "line 1: it ends, and nothing was said to a modem (no line begins with >)"),
            ("> AT\nhello you\n", "line 2: no such mark: hello; known are # > < << ~ ="),
            ("> AT\n<< \\q\n", "line 2: no such escape; known are \\r \\n \\\\ \\xNN"),
            ("<< \\x1\n", "line 1: \\x and not two hexadecimal digits"),
            ("= decided: ME x: keep\n", "line 1: no decision: ME x: keep"),
            (">\n", "line 1: > and nothing that was written"),
            ("~ soon\n", "line 1: not a number of seconds, nor the word deadline: soon"),
            ("~ -1\n", "line 1: cannot convert float seconds to Duration: value is negative"),
            ("~ 1e99\n", "line 1: cannot convert float seconds to Duration: value is either too big or NaN"),
        ] {
            assert_eq!(Recording::parse(text.as_bytes()).unwrap_err().to_string(), want, "{text}");
        }
        assert_eq!(Recording::parse(b"> AT\n\xff").unwrap_err().to_string(), "line 2: it is not UTF-8");
        assert!(Recording::parse(&vec![b'#'; MAX_OCTETS + 1]).is_err());
    }

    proptest! {
        #[test]
        fn any_octets_no_panic(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Recording::parse(&octets);
        }

        #[test]
        fn any_lines_no_panic(text in "([#><~=]{1,2} [ -~]{0,20}\n){0,20}") {
            let _ = Recording::parse(text.as_bytes());
        }
    }
}
