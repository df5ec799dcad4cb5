//! `gsmgate encode`: a text or data as the PDUs that a modem takes.

use super::exit::{Exit, Failure};
use super::{Common, out, table};
use crate::tpdu::advice::{Advice, Occurrence, Saving};
use crate::tpdu::gsm7::Shift;
use crate::tpdu::{
    Address, Alphabet, Choice, Concat, Dcs, Layout, MessageClass, MessageReference, NumberingPlan, Pdu, Pid, Ports,
    Scts, Segment, Submit, TypeOfNumber, ValidityPeriod, advice, hex, segment,
};
use clap::Args;
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

/// What TP-VP can say as a span. 3GPP TS 23.040 §9.2.3.12.1.
const SHORTEST: Duration = Duration::from_secs(5 * 60);
const LONGEST: Duration = Duration::from_secs(63 * 7 * 86_400);

/// Longest text read from standard input, in octets: more than 255 parts can carry.
const MAX_INPUT: u64 = 256 * 1024;

/// Longest data, in characters of hex: 255 parts with blanks between the octets.
const MAX_DATA: usize = 255 * 134 * 3;

/// SMS-SUBMIT PDUs of a text or data.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate encode +491701234567 'The pump is running'
  gsmgate encode +491701234567 'Łódź – „naprawione”' --explain
  gsmgate encode +491701234567 -- '-5 °C'
  gsmgate encode 4711 --data C0FFEE --port 2948 --source-port 9200
  gsmgate encode +491701234567 Hi --validity 6h --report --json | jq -r .pdu
  gsmgate encode +491701234567 Hi | gsmgate decode --to-modem

Without --explain, one PDU a line: what follows AT+CMGS. With --json, one object a PDU, with the <length> that AT+CMGS
takes; with both, one object.
--encoding: auto (GSM 7 bit where every character fits, else UCS-2), national (national tables where they save parts),
transliterate (signs by the same in another dress), look_alike (letters without accents too), gsm7 (or refuse), ucs2.")]
pub(super) struct Options {
    /// The recipient: +49…, a short code, or digits with * and #.
    to: String,
    /// The text; `-` reads standard input. One that begins with a dash comes last, behind `--`.
    #[arg(required_unless_present = "data")]
    text: Option<String>,
    /// Octets in hex in place of a text.
    #[arg(long, value_name = "HEX", conflicts_with_all = ["text", "encoding", "explain"])]
    data: Option<String>,
    /// How to write the text.
    #[arg(long, default_value = "auto", value_parser = Choice::WORDS.map(|(word, _)| word))]
    encoding: String,
    /// Say what the text costs, why, and what would cost less.
    #[arg(long)]
    explain: bool,
    /// TP-DA's type of address as an octet, such as 161 for a national number; + means 145, else 129.
    #[arg(long, value_name = "128-255", value_parser = clap::value_parser!(u8).range(128..))]
    toa: Option<u8>,
    /// TP-VP: a span (45m, 6h, 3d, 2w), an instant (2026-12-24T18:00:00+01:00), an octet of the relative format
    /// (octet:167), or seven of the enhanced one (enhanced:01AA0000000000).
    #[arg(long, value_name = "PERIOD")]
    validity: Option<String>,
    /// TP-SRR: ask for a status report.
    #[arg(long)]
    report: bool,
    /// TP-RD: the centre refuses the same reference to the same number while it holds the first.
    #[arg(long)]
    reject_duplicates: bool,
    /// TP-RP: reply path.
    #[arg(long)]
    reply_path: bool,
    /// Message class; 0 is shown at once and not kept.
    #[arg(long, value_name = "0-3", value_parser = clap::value_parser!(u8).range(0..=3))]
    class: Option<u8>,
    /// TP-DCS as it is, in place of what text and class make; its alphabet must be the one that is written.
    #[arg(long, value_name = "0-255", conflicts_with = "class")]
    dcs: Option<u8>,
    /// TP-PID.
    #[arg(long, value_name = "0-255", default_value_t = 0)]
    pid: u8,
    /// TP-MR of the first part; most modems put their own.
    #[arg(long, value_name = "0-255", default_value_t = 0)]
    mr: u8,
    /// The service centre; else the one stored in the SIM.
    #[arg(long, value_name = "NUMBER")]
    smsc: Option<String>,
    /// Reference of a message in several parts.
    #[arg(long = "ref", value_name = "N", default_value_t = 0)]
    reference: u16,
    /// A reference of 16 bits in place of 8.
    #[arg(long)]
    wide: bool,
    /// Destination port, 16 bits.
    #[arg(long)]
    port: Option<u16>,
    /// Source port, 16 bits.
    #[arg(long, requires = "port", default_value_t = 0)]
    source_port: u16,
}

pub(super) fn run(common: &Common, options: &Options) -> Result<Exit, Failure> {
    let layout = Layout { wide: options.wide, port: options.port };
    if let Some(data) = &options.data {
        let octets = hex::decode_up_to(data, MAX_DATA).map_err(|error| usage(format!("--data: {error}")))?;
        let segments = segment::octets_in(layout, &octets).map_err(|error| usage(format!("--data: {error}")))?;
        return print(common, &pdus(options, segments)?).map(|()| Exit::Ok);
    }
    let text = text(options)?;
    let choice = Choice::WORDS.into_iter().find(|(word, _)| *word == options.encoding);
    let choice = choice.map(|(_, choice)| choice).unwrap_or_default();
    let advice = advice::on(layout, &text, choice).map_err(|error| usage(format!("text: {error}")))?;
    let pdus = pdus(options, advice.segments.clone())?;
    match (options.explain, common.json) {
        (false, _) => print(common, &pdus)?,
        (true, true) => {
            let mut explained = explained(&advice, choice);
            explained["pdus"] = pdus.iter().map(object).collect();
            out::object(explained)?;
        }
        (true, false) => explain(&advice, choice)?,
    }
    Ok(Exit::Ok)
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message)
}

fn text(options: &Options) -> Result<String, Failure> {
    match options.text.as_deref() {
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
            read.map_err(|error| Failure::new(Exit::NoInput, format!("standard input: {error}")))?;
            Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
        }
        text => Ok(text.unwrap_or_default().to_owned()),
    }
}

/// One PDU, as AT+CMGS takes it.
struct Line {
    pdu: String,
    tpdu_octets: usize,
    seq: u8,
    total: u8,
}

fn pdus(options: &Options, segments: Vec<Segment>) -> Result<Vec<Line>, Failure> {
    let total = u8::try_from(segments.len()).unwrap_or(u8::MAX);
    if !options.wide && options.reference > 255 {
        return Err(usage("--ref: over 255 needs --wide"));
    }
    let vp = options.validity.as_deref().map(validity).transpose()?;
    let class = options.class.map(MessageClass::from_bits);
    let mut lines = Vec::with_capacity(segments.len());
    for (seq, segment) in (1..=total).zip(segments) {
        let concat = Concat { reference: options.reference, wide: options.wide, total, seq };
        let dcs = scheme(options, &segment, class)?;
        let ports = options.port.map(|dst| Ports { src: options.source_port, ..Ports::to(dst) });
        let ud = segment.user_data((total > 1).then_some(concat), ports);
        let submit = Submit {
            rd: options.reject_duplicates,
            srr: options.report,
            rp: options.reply_path,
            // Each part has a reference of its own: a centre that refuses duplicates would take the second for the first.
            mr: MessageReference(options.mr.wrapping_add(seq - 1)),
            da: recipient(options)?,
            pid: Pid(options.pid),
            dcs,
            vp,
            ud,
        };
        let smsc = options.smsc.as_deref().map(|smsc| number("--smsc", smsc)).transpose()?;
        let encoded = Pdu { smsc, tpdu: submit }.to_hex();
        let (pdu, tpdu_octets) = encoded.map_err(|error| usage(error.to_string()))?;
        lines.push(Line { pdu, tpdu_octets, seq, total });
    }
    Ok(lines)
}

/// TP-DCS: given, or made of the alphabet and the class.
fn scheme(options: &Options, segment: &Segment, class: Option<MessageClass>) -> Result<Dcs, Failure> {
    let made = segment.dcs(class);
    let Some(dcs) = options.dcs.map(Dcs) else { return Ok(made) };
    if dcs.alphabet() != segment.alphabet {
        let message = format!("--dcs: {:#04x} is {dcs}, and what is written is {made}; --encoding changes that", dcs.0);
        return Err(usage(message));
    }
    Ok(dcs)
}

fn number(what: &str, text: &str) -> Result<Address, Failure> {
    if text.trim_start_matches('+').is_empty() {
        return Err(usage(format!("{what} has no digit")));
    }
    Ok(Address::from_number(text))
}

fn recipient(options: &Options) -> Result<Address, Failure> {
    let number = number("the recipient", &options.to)?;
    let Some(toa) = options.toa else { return Ok(number) };
    Ok(Address { ton: TypeOfNumber::from_bits(toa >> 4), npi: NumberingPlan::from_bits(toa), ..number })
}

/// `45m`, `6h`, `3d`, `2w`; an instant; `octet:167`; `enhanced:` and seven octets.
fn validity(text: &str) -> Result<ValidityPeriod, Failure> {
    let wrong = || {
        usage(
            "--validity: a span like 45m, 6h, 3d, 2w, an instant with its offset, octet:0 to octet:255, or enhanced: and 14 hexadecimal digits",
        )
    };
    if let Some(octet) = text.strip_prefix("octet:") {
        return octet.parse().map(ValidityPeriod::Relative).map_err(|_| wrong());
    }
    if let Some(octets) = text.strip_prefix("enhanced:") {
        let octets = hex::decode(octets).ok().and_then(|octets| octets.try_into().ok());
        return octets.map(ValidityPeriod::Enhanced).ok_or_else(wrong);
    }
    if text.contains('T') {
        return instant(text).map(ValidityPeriod::Absolute).ok_or_else(wrong);
    }
    let (n, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let unit = match unit {
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let span = Duration::from_secs(u64::from(n.parse::<u32>().map_err(|_| wrong())?) * unit);
    if !(SHORTEST..=LONGEST).contains(&span) {
        return Err(usage("--validity: a span is 5 minutes to 63 weeks"));
    }
    Ok(ValidityPeriod::relative_at_most(span))
}

/// An instant in the zone it is written with.
fn instant(text: &str) -> Option<Scts> {
    let seconds = text.parse::<jiff::Timestamp>().ok()?.as_second();
    let parsed = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok()?;
    let offset = match parsed.offset()? {
        jiff::fmt::temporal::PiecesOffset::Numeric(offset) => offset.offset().seconds(),
        _ => 0,
    };
    Scts::from_unix(seconds, i8::try_from(offset / 900).ok()?)
}

fn print(common: &Common, lines: &[Line]) -> Result<(), Failure> {
    lines.iter().try_for_each(|line| if common.json { out::object(object(line)) } else { out::line(&line.pdu) })
}

fn object(line: &Line) -> Value {
    json!({ "pdu": line.pdu, "tpdu_octets": line.tpdu_octets, "seq": line.seq, "total": line.total })
}

fn alphabet(advice: &Advice) -> (&'static str, &'static str) {
    match advice.segments.first().map(|segment| segment.alphabet) {
        Some(Alphabet::Ucs2) => ("UCS-2", "unit"),
        Some(Alphabet::Octets) => ("8 bit data", "octet"),
        _ => ("GSM 7 bit", "septet"),
    }
}

fn explained(advice: &Advice, choice: Choice) -> Value {
    let occurrences = |list: &[Occurrence]| -> Vec<Value> {
        let one = |o: &Occurrence| json!({ "character": o.character, "count": o.count, "first": o.first, "replacement": o.replacement });
        list.iter().map(one).collect()
    };
    let shift = advice.segments.first().map_or(Shift::NONE, |segment| segment.shift);
    let saving = |saving: &Saving| match saving {
        Saving::Choice(choice, parts) => json!({ "encoding": choice.word(), "parts": parts }),
        Saving::Shorten(units) => json!({ "shorten_by": units, "parts": advice.segments.len() - 1 }),
    };
    json!({
        "encoding": choice.word(),
        "alphabet": alphabet(advice).0,
        "locking": shift.locking.map(|language| language.name()),
        "single": shift.single.map(|language| language.name()),
        "parts": advice.segments.len(),
        "units": advice.units,
        "room_left": advice.room_left,
        "outside_gsm7": occurrences(&advice.outside),
        "longer": occurrences(&advice.longer),
        "savings": advice.savings.iter().map(saving).collect::<Vec<_>>(),
    })
}

fn explain(advice: &Advice, choice: Choice) -> Result<(), Failure> {
    let (alphabet, unit) = alphabet(advice);
    let n = advice.segments.len();
    let parts = counted(n, "part");
    out::line(format!(
        "{parts} in {alphabet}: {}, room for {} more in the last",
        counted(advice.units, unit),
        advice.room_left
    ))?;
    let shift = advice.segments.first().map_or(Shift::NONE, |segment| segment.shift);
    for (table, language) in [("locking", shift.locking), ("single", shift.single)] {
        if let Some(language) = language {
            out::line(format!("{table} shift table: {}", language.name()))?;
        }
    }
    characters("Not in GSM 7 bit", &advice.outside)?;
    characters(&format!("More than one {unit} each"), &advice.longer)?;
    if !advice.savings.is_empty() {
        out::line("")?;
        out::line("Cheaper:")?;
    }
    for saving in &advice.savings {
        match saving {
            Saving::Choice(other, n) => {
                out::line(format!("  --encoding {:<16} {}", other.word(), counted(*n, "part")))?
            }
            Saving::Shorten(units) => {
                let left_out = format!("{} less at the end", counted(*units, unit));
                out::line(format!("  {left_out:<27} one part less"))?;
            }
        }
    }
    if n > 1 && advice.savings.is_empty() {
        out::line("")?;
        out::line(format!("Nothing is cheaper than --encoding {}.", choice.word()))?;
    }
    Ok(())
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn characters(title: &str, list: &[Occurrence]) -> Result<(), Failure> {
    if list.is_empty() {
        return Ok(());
    }
    out::line("")?;
    out::line(format!("{title}:"))?;
    let row = |o: &Occurrence| {
        let replacement = match o.replacement.as_deref() {
            None => String::new(),
            Some("") => "nothing".to_owned(),
            Some(other) => format!("{other:?}"),
        };
        vec![
            format!("{:?}", o.character),
            format!("U+{:04X}", u32::from(o.character)),
            o.count.to_string(),
            format!("from {}", o.first + 1),
            replacement,
        ]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    table::lines(&["character", "code", "count", "where", "could be"], &rows).iter().try_for_each(out::line)
}
