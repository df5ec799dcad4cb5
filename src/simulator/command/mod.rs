//! The AT interpreter: cuts a command line into commands and looks each up in one table.
//! ITU-T V.250 §5.4, 3GPP TS 27.007, 3GPP TS 27.005.

mod make;
mod message;
mod ussd;

use super::fault::Point;
use super::modem::Modem;
use super::power::Leave;
use super::send::Entry;
use super::sim::Lock;
use crate::at::Params;
use crate::tpdu::hex;

/// One command of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    /// As it was given.
    text: &'a str,
    /// In upper case, with its prefix: `E`, `&F`, `+CMGS`.
    name: String,
    form: Form<'a>,
}

/// How a command is given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form<'a> {
    /// `AT+CMGL`
    Execute,
    /// `AT+CMGL=?`
    Test,
    /// `AT+CMGL?`
    Read,
    /// `AT+CMGL=4`, and `ATE0`.
    Set(Params<'a>),
}

/// What a command is answered with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing but OK.
    Ok,
    /// These lines, then OK.
    Info(Vec<String>),
    /// Anything but OK, which also ends the line.
    Refused(Refusal),
    /// These lines, and no final result.
    Bare(Vec<String>),
    /// The prompt for a PDU.
    Prompt(Entry),
    /// Never.
    Silent,
}

/// A final result code that is not OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `ERROR`
    Error,
    /// What the make says to a command that it does not know.
    Unknown,
    /// `+CME ERROR: <n>`, or ERROR after `AT+CMEE=0`. 3GPP TS 27.007 §9.2.
    Cme(u16),
    /// `+CMS ERROR: <n>`. 3GPP TS 27.005 §3.2.5.
    Cms(u16),
}

/// Settings that a reset or a power cut brings back to these.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) echo: bool,
    pub(super) verbose: bool,
    pub(super) quiet: bool,
    pub(super) cmee: u8,
    /// `+CREG`, `+CGREG`, `+CEREG`.
    pub(super) creg: [u8; 3],
    pub(super) cops_format: u8,
    pub(super) ucs2: bool,
    pub(super) csms: u8,
    /// `+CUSD`: 1: what the network says is told.
    pub(super) cusd: u8,
    pub(super) cnmi: Cnmi,
    /// `<mem1>` to read and delete, `<mem2>` to write, `<mem3>` for what is received. 3GPP TS 27.005 §3.2.2.
    pub(super) memories: [Memory; 3],
    /// 1: full functionality; 0 and 4: no radio. 3GPP TS 27.007 §8.2.
    pub(super) cfun: u8,
    /// Commands are allowed that the make keeps behind a password.
    pub(super) unlocked: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            echo: true,
            verbose: true,
            quiet: false,
            cmee: 0,
            creg: [0; 3],
            cops_format: 0,
            ucs2: false,
            csms: 0,
            cusd: 0,
            cnmi: Cnmi::default(),
            memories: [Memory::Sm; 3],
            cfun: 1,
            unlocked: false,
        }
    }
}

/// `+CNMI`, new message indications. 3GPP TS 27.005 §3.4.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cnmi {
    /// 0: URCs wait in the modem; 1, 2: they wait only while the prompt stands.
    pub(super) mode: u8,
    /// 0: messages are stored in silence; 1: with `+CMTI`; 2: they are routed by `+CMT`.
    pub(super) mt: u8,
    /// 0: reports wait in the network; 1: they are routed by `+CDS`; 2: stored with `+CDSI`.
    pub(super) ds: u8,
    pub(super) bfr: u8,
}

/// A message memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    Sm,
    Me,
    /// For status reports.
    Sr,
}

impl Memory {
    pub(super) fn name(self) -> &'static str {
        match self {
            Memory::Sm => "SM",
            Memory::Me => "ME",
            Memory::Sr => "SR",
        }
    }

    fn from_name(name: &str) -> Option<Memory> {
        [Memory::Sm, Memory::Me, Memory::Sr].into_iter().find(|memory| memory.name() == name)
    }
}

/// Takes the next command off the line behind `AT`.
pub(super) fn next<'a>(rest: &mut &'a str) -> Option<Call<'a>> {
    *rest = rest.trim_start_matches([' ', ';']);
    let first = rest.chars().next()?;
    if "+^*%$#!_".contains(first) { Some(extended(rest)) } else { Some(basic(rest)) }
}

/// `+NAME`, `+NAME?`, `+NAME=?`, `+NAME=values`, up to a semicolon outside quotes. V.250 §5.4.2.
fn extended<'a>(rest: &mut &'a str) -> Call<'a> {
    let mut quoted = false;
    let end = rest.find(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let (command, after) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = after;
    let (name, form) = match command.split_once('=') {
        Some((name, "?")) => (name, Form::Test),
        Some((name, values)) => (name, Form::Set(Params::parse(values))),
        None => match command.strip_suffix('?') {
            Some(name) => (name, Form::Read),
            None => (command, Form::Execute),
        },
    };
    Call { text: command.trim_end(), name: name.trim_end().to_ascii_uppercase(), form }
}

/// A letter, or `&` and a letter, with a number that may be missing. V.250 §5.4.1.
fn basic<'a>(rest: &mut &'a str) -> Call<'a> {
    let letters = if rest.starts_with('&') { 2 } else { 1 };
    let end = rest.char_indices().nth(letters).map_or(rest.len(), |(at, _)| at);
    let whole = *rest;
    let (name, after) = rest.split_at(end);
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (number, after) = after.split_at(digits);
    *rest = after;
    let form = if number.is_empty() { Form::Execute } else { Form::Set(Params::parse(number)) };
    Call { text: &whole[..whole.len() - rest.len()], name: name.to_ascii_uppercase(), form }
}

/// Does what a command says.
pub(super) fn run(modem: &mut Modem, call: &Call<'_>) -> Answer {
    if let Some(deed) = modem.make.deed(call.text) {
        return make::run(modem, deed);
    }
    if modem.sim.lock() != Lock::Ready
        && let Some((_, refusal)) = LOCKED.iter().find(|(name, _)| *name == call.name)
    {
        return Answer::Refused(*refusal);
    }
    if let Some(refusal) = modem.troubled(&call.name) {
        return Answer::Refused(refusal);
    }
    let lacks = modem.make.lacks.contains(&call.name.as_str());
    match TABLE.iter().find(|(name, _)| !lacks && *name == call.name) {
        Some((_, run)) => run(modem, &call.form),
        None => Answer::Refused(Refusal::Unknown),
    }
}

/// What cannot be done before the SIM has its PIN: 311 and 11 say so.
const LOCKED: &[(&str, Refusal)] = &[
    ("+CIMI", Refusal::Cme(11)),
    ("+CSCA", Refusal::Cms(311)),
    ("+CPMS", Refusal::Cms(311)),
    ("+CNMI", Refusal::Cms(311)),
    ("+CMGL", Refusal::Cms(311)),
    ("+CMGR", Refusal::Cms(311)),
    ("+CMGD", Refusal::Cms(311)),
    ("+CMGS", Refusal::Cms(311)),
    ("+CMGW", Refusal::Cms(311)),
];

type Run = fn(&mut Modem, &Form<'_>) -> Answer;

const ERROR: Answer = Answer::Refused(Refusal::Error);

/// All that the modem understands. What is not here is answered with ERROR.
const TABLE: &[(&str, Run)] = &[
    // V.250
    ("E", |m, form| switch(form, &mut m.settings.echo)),
    ("V", |m, form| switch(form, &mut m.settings.verbose)),
    ("Q", |m, form| switch(form, &mut m.settings.quiet)),
    ("I", |m, _| info(format!("{} {}", m.make.maker, m.make.model))),
    ("Z", |m, _| m.reset()),
    ("&F", |m, _| m.reset()),
    ("&C", |_, _| Answer::Ok),
    ("&D", |_, _| Answer::Ok),
    // TS 27.007
    ("+CGMI", |m, form| identity(form, m.make.maker)),
    ("+CGMM", |m, form| identity(form, m.make.model)),
    ("+CGMR", |m, form| identity(form, m.make.revision)),
    ("+CGSN", |m, form| identity(form, &m.imei)),
    ("+CIMI", |m, form| identity(form, &m.sim.imsi)),
    ("+CCID", |m, form| identity(form, &format!("+CCID: {}", m.sim.iccid))),
    ("+ICCID", |m, form| identity(form, &format!("+ICCID: {}", m.sim.iccid))),
    ("+CMEE", |m, form| number(form, "+CMEE", 0..=2, &mut m.settings.cmee)),
    ("+CSCS", cscs),
    ("+CPIN", cpin),
    ("+CFUN", cfun),
    ("+CREG", |m, form| creg(m, form, "+CREG", 0)),
    ("+CGREG", |m, form| creg(m, form, "+CGREG", 1)),
    ("+CEREG", |m, form| creg(m, form, "+CEREG", 2)),
    ("+COPS", cops),
    ("+CSQ", csq),
    ("+CUSD", ussd::cusd),
    // TS 27.005
    ("+CSMS", message::csms),
    ("+CMGF", |_, form| number(form, "+CMGF", 0..=0, &mut 0)),
    ("+CSCA", message::csca),
    ("+CPMS", message::cpms),
    ("+CNMI", message::cnmi),
    ("+CNMA", message::cnma),
    ("+CMGL", message::cmgl),
    ("+CMGR", message::cmgr),
    ("+CMGD", message::cmgd),
    ("+CMGS", message::cmgs),
    ("+CMGW", message::cmgw),
];

fn info(line: impl Into<String>) -> Answer {
    Answer::Info(vec![line.into()])
}

/// A basic command that takes 0 or 1; without a number it is 0. V.250 §5.3.1.
fn switch(form: &Form<'_>, on: &mut bool) -> Answer {
    let value = match form {
        Form::Execute => Some(0),
        Form::Set(values) => values.number::<u8>(0),
        _ => None,
    };
    match value {
        Some(value @ 0..=1) => {
            *on = value == 1;
            Answer::Ok
        }
        _ => ERROR,
    }
}

fn identity(form: &Form<'_>, line: &str) -> Answer {
    match form {
        Form::Execute => info(line),
        Form::Test => Answer::Ok,
        // `AT+CCID?` is as common as `AT+CCID`.
        Form::Read if line.starts_with('+') => info(line),
        _ => ERROR,
    }
}

/// A setting that is one number in a range.
fn number(form: &Form<'_>, name: &str, range: std::ops::RangeInclusive<u8>, value: &mut u8) -> Answer {
    match form {
        Form::Test if range.start() == range.end() => info(format!("{name}: ({})", range.start())),
        Form::Test => info(format!("{name}: ({}-{})", range.start(), range.end())),
        Form::Read => info(format!("{name}: {value}")),
        Form::Set(values) => match values.number(0).filter(|n| range.contains(n)) {
            Some(n) => {
                *value = n;
                Answer::Ok
            }
            None => ERROR,
        },
        Form::Execute => ERROR,
    }
}

/// `+CSCS`, TE character set. 3GPP TS 27.007 §5.5.
fn cscs(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let name = if modem.settings.ucs2 { "UCS2" } else { "IRA" };
    match form {
        Form::Test => info("+CSCS: (\"IRA\",\"GSM\",\"UCS2\")"),
        Form::Read => info(format!("+CSCS: \"{name}\"")),
        Form::Set(values) => match values.text(0) {
            Some(name @ ("IRA" | "GSM" | "UCS2")) => {
                modem.settings.ucs2 = name == "UCS2";
                Answer::Ok
            }
            _ => ERROR,
        },
        Form::Execute => ERROR,
    }
}

/// A string parameter as the chosen character set has it.
fn string(modem: &Modem, text: &str) -> String {
    if modem.settings.ucs2 {
        let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        return format!("\"{}\"", hex::encode(&octets));
    }
    format!("\"{text}\"")
}

/// `+CPIN`: only the PIN itself can be entered. 3GPP TS 27.007 §8.3.
fn cpin(modem: &mut Modem, form: &Form<'_>) -> Answer {
    const NOT_NEEDED: u16 = 3;
    const PUK_REQUIRED: u16 = 12;
    const INCORRECT_PASSWORD: u16 = 16;
    match form {
        Form::Test => Answer::Ok,
        Form::Read if modem.clock < modem.sim_ready_at => Answer::Refused(Refusal::Cme(modem.make.sim_busy)),
        Form::Read => {
            let line = format!("+CPIN: {}", modem.sim.lock().name());
            if modem.make.ends_with_cpin { Answer::Bare(vec![line]) } else { info(line) }
        }
        Form::Set(values) => match (modem.sim.lock(), values.text(0)) {
            (Lock::Ready, _) => Answer::Refused(Refusal::Cme(NOT_NEEDED)),
            (Lock::Puk, _) => Answer::Refused(Refusal::Cme(PUK_REQUIRED)),
            (Lock::Pin, Some(pin)) if modem.sim.open(pin) => {
                modem.opened();
                Answer::Ok
            }
            (Lock::Pin, _) => {
                modem.stats.wrong_pins += 1;
                Answer::Refused(Refusal::Cme(INCORRECT_PASSWORD))
            }
        },
        Form::Execute => ERROR,
    }
}

/// `+CFUN=<fun>[,<rst>]`. 3GPP TS 27.007 §8.2.
fn cfun(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Test => info("+CFUN: (0,1,4),(0,1)"),
        Form::Read => info(format!("+CFUN: {}", modem.settings.cfun)),
        Form::Set(values) => {
            let Some(fun @ (0 | 1 | 4)) = values.number(0) else { return ERROR };
            if values.number(1) == Some(1) {
                modem.reset();
                if modem.awaits(Point::Reset) {
                    modem.leave(Leave::Reset, &[]);
                }
            }
            modem.settings.cfun = fun;
            modem.room();
            Answer::Ok
        }
        Form::Execute => ERROR,
    }
}

/// `+CREG`, `+CGREG`, `+CEREG`: at home, or off. 3GPP TS 27.007 §7.2.
fn creg(modem: &mut Modem, form: &Form<'_>, name: &str, which: usize) -> Answer {
    let stat = modem.registration();
    let access = access(modem);
    let n = &mut modem.settings.creg[which];
    match form {
        Form::Read if *n == 2 && matches!(stat, 1 | 5) => {
            info(format!("{name}: 2,{stat},\"00C3\",\"01A2B301\"{access}"))
        }
        Form::Read => info(format!("{name}: {n},{stat}")),
        _ => number(form, name, 0..=2, n),
    }
}

/// The technology as the last field of an answer, where the make tells it.
fn access(modem: &Modem) -> String {
    modem.make.access.map_or_else(String::new, |access| format!(",{access}"))
}

/// `+COPS`. 3GPP TS 27.007 §7.3.
fn cops(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let names = [string(modem, "gsmgate"), string(modem, "gsmgate"), string(modem, "26299")];
    let [long, short, numeric] = &names;
    let access = access(modem);
    match form {
        Form::Test => info(format!("+COPS: (2,{long},{short},{numeric}{access}),,(0,3),(0-2)")),
        Form::Read if !modem.is_registered() => info("+COPS: 0"),
        Form::Read => {
            let format = modem.settings.cops_format;
            info(format!("+COPS: 0,{format},{}{access}", names[usize::from(format)]))
        }
        Form::Set(values) => match (values.number(0), values.number(1)) {
            (Some(0), _) => Answer::Ok,
            (Some(3), Some(format @ 0..=2)) => {
                modem.settings.cops_format = format;
                Answer::Ok
            }
            _ => ERROR,
        },
        Form::Execute => ERROR,
    }
}

/// `+CSQ`: good, or not known. 3GPP TS 27.007 §8.5.
fn csq(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Execute => info(if modem.is_registered() { "+CSQ: 22,99" } else { "+CSQ: 99,99" }),
        Form::Test => info("+CSQ: (0-31,99),(99)"),
        _ => ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::Param;

    #[test]
    fn lines_are_cut_into_commands() {
        let set = |value| Form::Set(Params(vec![Param::Bare(value)]));
        for (line, want) in [
            ("", vec![]),
            ("E0", vec![("E", set("0"))]),
            ("e0v1&f", vec![("E", set("0")), ("V", set("1")), ("&F", Form::Execute)]),
            ("E0+CMEE=1;+CPIN?", vec![("E", set("0")), ("+CMEE", set("1")), ("+CPIN", Form::Read)]),
            ("+cmgl=?", vec![("+CMGL", Form::Test)]),
            ("+CSCA=\"a;b\"", vec![("+CSCA", Form::Set(Params(vec![Param::Quoted("a;b")])))]),
            (" ; +CSQ ;", vec![("+CSQ", Form::Execute)]),
            ("&", vec![("&", Form::Execute)]),
            ("é1", vec![("é", set("1"))]),
        ] {
            let mut rest = line;
            let calls: Vec<Call<'_>> = std::iter::from_fn(|| next(&mut rest)).collect();
            let calls: Vec<_> = calls.iter().map(|call| (call.name.as_str(), &call.form)).collect();
            assert_eq!(calls, want.iter().map(|(name, form)| (*name, form)).collect::<Vec<_>>(), "{line:?}");
        }
    }

    #[test]
    fn commands_keep_their_text() {
        let mut rest = "E0 ^SPIC=\"SC\",1;&D0!UIMS=0";
        let calls = std::iter::from_fn(|| next(&mut rest));
        assert_eq!(calls.map(|call| call.text).collect::<Vec<_>>(), ["E0", "^SPIC=\"SC\",1", "&D0", "!UIMS=0"]);
    }

    #[test]
    fn no_name_stands_twice() {
        for (at, (name, _)) in TABLE.iter().enumerate() {
            assert!(TABLE[at + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
