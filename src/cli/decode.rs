//! `gsmgate decode`: a PDU field by field.

use super::Common;
use super::exit::{Exit, Failure};
use crate::tpdu::{DecodeError, Direction, FieldLine, dump, hex};
use clap::Args;
use serde_json::{Value, json};
use std::io::{BufRead, Write};

/// PDUs as modems write them, service centre field included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate decode 07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07
  gsmgate decode --to-modem 0011000B916407281553F80000AA0AE8329BFD4697D9EC37 --json
  grep -o '[0-9A-F]*$' trace.txt | gsmgate decode")]
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
    let mut exit = Exit::Ok;
    let mut show = |line: &str| {
        if !one(common, line.trim(), direction) {
            exit = Exit::Failed;
        }
    };
    if options.pdus.is_empty() {
        for line in std::io::stdin().lock().lines() {
            show(&line.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?);
        }
    } else {
        options.pdus.iter().for_each(|pdu| show(pdu));
    }
    Ok(exit)
}

fn one(common: &Common, line: &str, direction: Direction) -> bool {
    let fields = hex::decode(line).and_then(|octets| Ok((dump(&octets, direction)?, octets)));
    match &fields {
        Ok((fields, _)) if common.json => println!("{}", json!({ "valid": true, "fields": objects(fields) })),
        Ok((fields, octets)) => print(fields, octets),
        Err(error) if common.json => println!("{}", json!({ "valid": false, "error": object(error) })),
        Err(error) => eprintln!("gsmgate: {error}"),
    }
    // A script reads line by line: the answer to one is there before it writes the next.
    let _ = std::io::stdout().flush();
    fields.is_ok()
}

fn print(fields: &[FieldLine], octets: &[u8]) {
    for field in fields {
        let end = field.start + field.len;
        let raw = octets.get(field.start..end).map(hex::encode).unwrap_or_default();
        let raw = if raw.len() > 24 { format!("{}…", &raw[..23]) } else { raw };
        let place = if field.len > 1 { format!("{}–{}", field.start, end - 1) } else { field.start.to_string() };
        println!("{place:>7}  {raw:<24}  {:<34}  {}", field.name, safe(&field.value));
    }
    println!();
}

/// What came over the air must not drive the terminal (T-02).
fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn objects(fields: &[FieldLine]) -> Vec<Value> {
    let one = |field: &FieldLine| json!({ "name": field.name, "octet": field.start, "octets": field.len, "value": field.value });
    fields.iter().map(one).collect()
}

fn object(error: &DecodeError) -> Value {
    json!({ "field": error.field, "octet": error.octet, "detail": error.detail.to_string() })
}
