//! `gsmgate decode`: a PDU field by field.

use super::exit::{Exit, Failure};
use super::{Common, out, pdu_json};
use crate::telemetry::escape;
use crate::tpdu::{CbsDcs, DecodeError, Detail, Direction, FieldLine, dump, dump_broadcast, hex, ussd};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::{BufRead, Read};

/// Octets of a PDU shown beside its field; the value has them all.
const SHOWN_OCTETS: usize = 12;

/// PDUs as modems write them, service centre field included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate decode 07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07
  gsmgate decode --to-modem 0011000B916407281553F80000AA0AE8329BFD4697D9EC37 --json
  grep -o '[0-9A-F]*$' trace.txt | gsmgate decode
  gsmgate decode --cell-broadcast 402111120F11C8F71D
  gsmgate decode --ussd C2303BEC1E974139 --dcs 15

Exit code 1 when one of them cannot be read; each of the others is shown all the same.")]
pub(super) struct Options {
    /// Hexadecimal PDUs; none: one a line from standard input.
    #[arg(value_name = "HEX")]
    pdus: Vec<String>,
    /// The PDU is on its way to the modem: read SMS-SUBMIT.
    #[arg(long)]
    to_modem: bool,
    /// The PDU comes from the modem: read SMS-DELIVER or SMS-STATUS-REPORT (the default).
    #[arg(long, conflicts_with = "to_modem")]
    from_modem: bool,
    /// Pages of a cell broadcast, as +CBM hands them over.
    #[arg(long, conflicts_with_all = ["to_modem", "from_modem"])]
    cell_broadcast: bool,
    /// Strings of +CUSD: what is between the quotes, in any of the forms that modems write.
    #[arg(long, conflicts_with_all = ["to_modem", "from_modem", "cell_broadcast"])]
    ussd: bool,
    /// The data coding scheme that +CUSD had behind the string, such as 15 or 72.
    #[arg(long, value_name = "N", requires = "ussd")]
    dcs: Option<u8>,
}

/// What a line is.
#[derive(Clone, Copy)]
enum Kind {
    Pdu(Direction),
    CellBroadcast,
    Ussd(Option<CbsDcs>),
}

impl Options {
    fn kind(&self) -> Kind {
        match self {
            Options { ussd: true, dcs, .. } => Kind::Ussd(dcs.map(CbsDcs)),
            Options { cell_broadcast: true, .. } => Kind::CellBroadcast,
            Options { to_modem: true, .. } => Kind::Pdu(Direction::ToModem),
            _ => Kind::Pdu(Direction::FromModem),
        }
    }
}

pub(super) fn run(common: &Common, options: &Options) -> Result<Exit, Failure> {
    let kind = options.kind();
    let mut all_read = true;
    let mut show = |line: &[u8]| -> Result<(), Failure> {
        // What is not UTF-8 is no hex either.
        let line = String::from_utf8_lossy(line);
        all_read &= one(common, line.trim(), kind)?;
        Ok(())
    };
    if options.pdus.is_empty() {
        let mut input = std::io::stdin().lock();
        while let Some(line) =
            next_line(&mut input).map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?
        {
            show(&line)?;
        }
    } else {
        options.pdus.iter().try_for_each(|pdu| show(pdu.as_bytes()))?;
    }
    Ok(if all_read { Exit::Ok } else { Exit::Failed })
}

/// The next line without its end; of a longer one as much as tells that it is too long.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = hex::MAX_CHARACTERS as u64 + 2;
    if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else {
        input.skip_until(b'\n')?;
    }
    Ok(Some(line))
}

/// One answer for one line; false when it cannot be read.
fn one(common: &Common, line: &str, kind: Kind) -> Result<bool, Failure> {
    let answer = match kind {
        Kind::Ussd(dcs) => ussd_answer(common, line, dcs),
        Kind::Pdu(direction) => {
            answer(common, line, |octets| dump(octets, direction), |octets| pdu_json::values(octets, direction))
        }
        Kind::CellBroadcast => answer(common, line, dump_broadcast, pdu_json::broadcast),
    };
    match &answer {
        Ok(answer) => {
            out::raw(answer)?;
            if let (Kind::Pdu(Direction::FromModem), false) = (kind, common.json)
                && is_rather_a_submit(line)
            {
                eprintln!("gsmgate: on its way to the modem this is a whole SMS-SUBMIT; see --to-modem");
            }
        }
        Err(error) if common.json => out::object(json!({ "valid": false, "error": pdu_json::decode_error(error) }))?,
        Err(error) => eprintln!("gsmgate: {}", escape(&error.to_string())),
    }
    Ok(answer.is_ok())
}

/// True for what comes from no modem, its type being that of an SMS-SUBMIT-REPORT, and is an SMS-SUBMIT without a flaw.
fn is_rather_a_submit(line: &str) -> bool {
    let Ok(octets) = hex::decode(line) else { return false };
    let is_clean = |fields: Vec<FieldLine>| {
        let end = |field: &FieldLine| field.start + field.len;
        let is_fine = |field: &FieldLine| field.warning.is_none() && field.name != "after the TPDU";
        fields.iter().all(|field| is_fine(field) && end(field) <= octets.len())
    };
    let reads_well = |direction| dump(&octets, direction).is_ok_and(is_clean);
    !reads_well(Direction::FromModem) && reads_well(Direction::ToModem)
}

/// What a string of `+CUSD` says. Any text is one, but a longer one than is read was cut.
fn ussd_answer(common: &Common, line: &str, dcs: Option<CbsDcs>) -> Result<String, DecodeError> {
    if line.len() > hex::MAX_CHARACTERS {
        let detail = Detail::OverLimit { value: line.len(), limit: hex::MAX_CHARACTERS };
        return Err(DecodeError { field: "ussd", octet: hex::MAX_CHARACTERS, detail });
    }
    if common.json {
        return Ok(Value::Object(pdu_json::ussd(line, dcs)).to_string());
    }
    let form = ussd::guess(line, dcs);
    Ok(format!("{:<8}{}", pdu_json::ussd_form(form), escape(&ussd::decode_as(line, form, dcs))))
}

/// Field by field, or as an object with the values beside the fields.
fn answer(
    common: &Common,
    line: &str,
    dump: impl FnOnce(&[u8]) -> Result<Vec<FieldLine>, DecodeError>,
    values: impl FnOnce(&[u8]) -> Result<Map<String, Value>, DecodeError>,
) -> Result<String, DecodeError> {
    let octets = hex::decode(line)?;
    let fields = dump(&octets)?;
    Ok(if common.json { object(values(&octets)?, &fields, &octets).to_string() } else { lines(&fields, &octets) })
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

fn object(mut object: Map<String, Value>, fields: &[FieldLine], octets: &[u8]) -> Value {
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
