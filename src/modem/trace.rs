//! The trace of the wire: every line, without what people wrote or who they are.

use crate::at::{Event, Urc};
use std::fmt::Write;
use tracing::{Level, enabled, trace};

/// Traces what is written.
pub(super) fn sent(port: &str, octets: &[u8]) {
    if enabled!(Level::TRACE) {
        let text = match octets {
            [0x1b, ..] => "ESC".to_owned(),
            [0x1a] => "Ctrl-Z".to_owned(),
            _ => masked(String::from_utf8_lossy(octets).trim()),
        };
        trace!(port, "> {text}");
    }
}

/// Traces what came of what was read.
pub(super) fn heard(port: &str, event: &Event) {
    if !enabled!(Level::TRACE) {
        return;
    }
    match event {
        Event::Done(answer) => lines(port, &answer.lines, "OK"),
        Event::Failed(result, answer) => lines(port, &answer.lines, &result.to_string()),
        Event::TimedOut(answer) => lines(port, &answer.lines, "(no final result in time)"),
        Event::Prompt => trace!(port, "< >"),
        Event::Urc(urc) => trace!(port, "< {}", unsolicited(urc)),
    }
}

fn lines(port: &str, lines: &[String], end: &str) {
    for line in lines {
        trace!(port, "< {}", masked(line));
    }
    trace!(port, "< {end}");
}

fn unsolicited(urc: &Urc) -> String {
    match urc {
        Urc::MessageRouted(pdu) => format!("+CMT: (PDU of {} octets)", pdu.len()),
        Urc::ReportRouted(pdu) => format!("+CDS: (PDU of {} octets)", pdu.len()),
        Urc::Final(result) => format!("{result} (of no exchange)"),
        Urc::Other(line) => masked(line),
        other => format!("{other:?}"),
    }
}

/// Digits of identities and numbers that are shown, in front and behind.
const SHOWN: usize = 2;

/// Puts stars over runs of hexadecimal digits: PDUs, numbers, identities. Runs of up to six are indexes, codes, cells.
fn masked(line: &str) -> String {
    // A PIN is as short as an index, also where it is echoed.
    if let Some(at) = line.to_ascii_uppercase().find("CPIN=") {
        return format!("{}CPIN=(PIN)", &line[..at]);
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let run = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(run);
        match run {
            0..=6 => out.push_str(digits),
            7..=22 => {
                let _ = write!(out, "{}{}{}", &digits[..SHOWN], "*".repeat(run - 2 * SHOWN), &digits[run - SHOWN..]);
            }
            _ => {
                let _ = write!(out, "({run} digits)");
            }
        }
        let plain = after.find(|c: char| c.is_ascii_hexdigit()).unwrap_or(after.len());
        out.push_str(&after[..plain]);
        rest = &after[plain..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_masks() {
        for (line, want) in [
            ("AT+CMGS=23", "AT+CMGS=23"),
            ("+CMTI: \"SM\",3", "+CMTI: \"SM\",3"),
            ("+CREG: 2,1,\"00C3\",\"A1B2\",7", "+CREG: 2,1,\"00C3\",\"A1B2\",7"),
            ("357868041000000", "35***********00"),
            ("+CCID: 8949000000000001000", "+CCID: 89***************00"),
            ("+CSCA: \"+491710760000\",145", "+CSCA: \"+49********00\",145"),
            ("0011000A9194710123456700", "(24 digits)"),
            ("Télé", "Télé"),
            ("AT+CPIN=\"1234\"", "AT+CPIN=(PIN)"),
            ("", ""),
        ] {
            assert_eq!(masked(line), want, "{line}");
        }
    }
}
