//! Cuts the octets that a modem sends into lines and prompts.

/// Longest line that is kept; a longer one is skipped to its end. The longest real ones, `+CMGL` PDUs and `+COPS=?`
/// lists, stay below 1 KiB.
pub const LINE_OCTETS: usize = 4096;

/// What the octets amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A line with something in it; blanks around it and control characters are gone.
    Line(String),
    /// `>` at the start of a line. It comes without an end of line, and with or without a blank. 3GPP TS 27.005 §4.3.
    Prompt,
}

/// Collects octets into lines.
#[derive(Debug, Default)]
pub struct Lines {
    octets: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Takes one octet. CR and LF each end a line; empty lines are not reported.
    pub fn push(&mut self, octet: u8) -> Option<Piece> {
        match octet {
            b'\r' | b'\n' => return self.end(),
            // NUL from line noise, and the echo of Ctrl-Z and ESC.
            0..=0x1f | 0x7f => {}
            _ if self.skipping => {}
            b' ' if self.octets.is_empty() => {}
            b'>' if self.octets.is_empty() => return Some(Piece::Prompt),
            _ if self.octets.len() == LINE_OCTETS => {
                self.octets.clear();
                self.skipping = true;
            }
            _ => self.octets.push(octet),
        }
        None
    }

    /// What has come of a line that has not ended.
    pub fn unfinished(&self) -> &[u8] {
        &self.octets
    }

    fn end(&mut self) -> Option<Piece> {
        let skipped = std::mem::take(&mut self.skipping);
        let octets = std::mem::take(&mut self.octets);
        let text = text(octets);
        (!skipped && !text.is_empty()).then_some(Piece::Line(text))
    }
}

/// UTF-8, or else windows-1252, so that no name an operator or a maker chose is lost.
fn text(octets: Vec<u8>) -> String {
    let mut text = String::from_utf8(octets)
        .unwrap_or_else(|error| encoding_rs::WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned());
    text.truncate(text.trim_end().len());
    text
}

/// What follows `name:` in a line, blanks in front removed; `None` for another line.
pub fn body<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(name)?.trim_start();
    rest.strip_prefix(':').map(str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(octets: &[u8]) -> Vec<String> {
        let mut lines = Lines::default();
        octets
            .iter()
            .filter_map(|octet| lines.push(*octet))
            .map(|piece| match piece {
                Piece::Line(line) => line,
                Piece::Prompt => ">".to_owned(),
            })
            .collect()
    }

    #[test]
    fn table_of_line_ends() {
        for (name, octets, want) in [
            ("usual", &b"\r\nOK\r\n"[..], vec!["OK"]),
            ("a blank of another alphabet is nothing", b"\xa0\r\n\xc2\xa0\r\n", vec![]),
            ("doubled CR", b"AT\r\r\nOK\r\r\n", vec!["AT", "OK"]),
            ("bare CR", b"+CMTI: \"SM\",3\r+CMTI: \"SM\",4\r", vec!["+CMTI: \"SM\",3", "+CMTI: \"SM\",4"]),
            ("bare LF", b"RDY\n\nOK\n", vec!["RDY", "OK"]),
            ("not ended", b"\r\nOK", vec![]),
            ("blanks around", b"  OK  \r\n", vec!["OK"]),
            ("prompt with a blank", b"\r\n> ", vec![">"]),
            ("prompt without", b"\r\n>", vec![">"]),
            ("prompt, echo of the PDU", b"\r\n> 0011\x1a\r\n+CMGS: 1\r\n", vec![">", "0011", "+CMGS: 1"]),
            ("sign in a line", b"a > b\r\n", vec!["a > b"]),
            ("noise", b"\x00\x00OK\x00\r\n", vec!["OK"]),
            ("UTF-8", "Телеком\r\n".as_bytes(), vec!["Телеком"]),
            ("windows-1252", b"T\xe9l\xe9\r\n", vec!["Télé"]),
            ("not a byte order mark", b"\xff\xfeab\r\n", vec!["ÿþab"]),
        ] {
            assert_eq!(pieces(octets), want, "{name}");
        }
    }

    #[test]
    fn a_line_over_the_cap_is_skipped_and_the_next_one_read() {
        let mut octets = vec![b'x'; 10_000_000];
        octets.extend(b"\r\nOK\r\n");
        assert_eq!(pieces(&octets), ["OK"]);
        let mut exact = vec![b'y'; LINE_OCTETS];
        exact.extend(b"\r\n");
        assert_eq!(pieces(&exact)[0].len(), LINE_OCTETS);
    }

    #[test]
    fn table_of_bodies() {
        for (line, name, want) in [
            ("+CREG: 1", "+CREG", Some("1")),
            ("+CREG:1", "+CREG", Some("1")),
            ("+CREG : 1", "+CREG", Some("1")),
            ("+CREG", "+CREG", None),
            ("+CREGX: 1", "+CREG", None),
            ("+CGREG: 1", "+CREG", None),
        ] {
            assert_eq!(body(line, name), want, "{line}");
        }
    }
}
