//! `gsmgate decode`: a PDU field by field.

use super::exit::{Exit, Failure};
use super::{Common, out, pdu_json};
use crate::telemetry::escape;
use crate::tpdu::{Direction, FieldLine, dump, hex};
use clap::Args;
use serde_json::{Value, json};
use std::io::BufRead;

/// Octets of a PDU shown beside its field; the value has them all.
const SHOWN_OCTETS: usize = 12;

/// PDUs as modems write them, service centre field included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate decode 07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07
  gsmgate decode --to-modem 0011000B916407281553F80000AA0AE8329BFD4697D9EC37 --json
  grep -o '[0-9A-F]*$' trace.txt | gsmgate decode

Exit code 1 when one of them cannot be read; each of the others is shown all the same.")]
pub(super) struct Options {
    /// Hexadecimal PDUs; none: one a line from standard input.
    pdus: Vec<String>,
    /// The PDU is on its way to the modem: read SMS-SUBMIT.
    #[arg(long)]
    to_modem: bool,
    /// The PDU comes from the modem: read SMS-DELIVER or SMS-STATUS-REPORT (the default).
    #[arg(long, conflicts_with = "to_modem")]
    from_modem: bool,
}

pub(super) fn run(common: &Common, options: &Options) -> Result<Exit, Failure> {
    let direction = if options.to_modem { Direction::ToModem } else { Direction::FromModem };
    let mut all_read = true;
    let mut show = |line: &[u8]| -> Result<(), Failure> {
        // What is not UTF-8 is no hex either.
        let line = String::from_utf8_lossy(line);
        all_read &= one(common, line.trim(), direction)?;
        Ok(())
    };
    if options.pdus.is_empty() {
        for line in std::io::stdin().lock().split(b'\n') {
            show(&line.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?)?;
        }
    } else {
        options.pdus.iter().try_for_each(|pdu| show(pdu.as_bytes()))?;
    }
    Ok(if all_read { Exit::Ok } else { Exit::Failed })
}

/// One answer for one PDU; false when it cannot be read.
fn one(common: &Common, line: &str, direction: Direction) -> Result<bool, Failure> {
    let fields = hex::decode(line).and_then(|octets| Ok((dump(&octets, direction)?, octets)));
    match &fields {
        Ok((fields, octets)) if common.json => out::object(object(fields, octets, direction))?,
        Ok((fields, octets)) => out::raw(lines(fields, octets))?,
        Err(error) if common.json => out::object(json!({ "valid": false, "error": pdu_json::decode_error(error) }))?,
        Err(error) => eprintln!("gsmgate: {}", escape(&error.to_string())),
    }
    Ok(fields.is_ok())
}

/// A line a field: where, the octets, the name, what it says.
fn lines(fields: &[FieldLine], octets: &[u8]) -> String {
    let line = |field: &FieldLine| {
        let end = field.start + field.len;
        let place = if field.len > 1 { format!("{}–{}", field.start, end - 1) } else { field.start.to_string() };
        let raw = octets.get(field.start..end).unwrap_or_default();
        let raw = match raw.get(..SHOWN_OCTETS) {
            Some(head) if raw.len() > SHOWN_OCTETS => format!("{}…", hex::encode(head)),
            _ => hex::encode(raw),
        };
        let warning = field.warning.map_or(String::new(), |warning| format!("\n{:>37}! {warning}", ""));
        format!("{place:>7}  {raw:<25}  {:<38}  {}{warning}\n", field.name, escape(&field.value))
    };
    fields.iter().map(line).collect()
}

fn object(fields: &[FieldLine], octets: &[u8], direction: Direction) -> Value {
    // What can be dumped can be read: the same readers did it.
    let mut object = pdu_json::values(octets, direction).unwrap_or_default();
    let one = |field: &FieldLine| {
        let FieldLine { name, start, len, value, warning } = field;
        json!({ "name": name, "octet": start, "octets": len, "value": value, "warning": warning })
    };
    let warning = |field: &FieldLine| {
        field.warning.map(|warning| json!({ "field": field.name, "octet": field.start, "detail": warning }))
    };
    // As it was written: a header that is ignored counts too.
    if let Some(udl) = fields.iter().find(|field| field.name.starts_with("TP-UDL")) {
        object.insert("udl".to_owned(), octets.get(udl.start).copied().into());
    }
    object.insert("warnings".to_owned(), fields.iter().filter_map(warning).collect());
    object.insert("fields".to_owned(), fields.iter().map(one).collect());
    Value::Object(object)
}
