//! The commands we write: each is built from typed values, so nothing a user gave reaches the line unparsed.

use super::typed::TypedLine;
use at_commands::builder::CommandBuilder;
use std::fmt;
use std::str::FromStr;

/// Octets enough for the longest command.
const LONGEST: usize = 64;

/// What comes back before the final result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing: every other line is unsolicited.
    Nothing,
    /// Lines that begin with this name and a colon.
    Named(&'static str),
    /// At least one line, with the name or without, as makers like: a bare `OK` is somebody else's.
    Some(&'static str),
    /// Lines that begin with this name, each followed by a PDU.
    Pdus(&'static str),
    /// A prompt, and after the payload lines of this name.
    Prompt(&'static str),
    /// Whatever comes, but for what tells of messages: a command of a person.
    Anything,
}

/// One command line, ready for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    wire: Vec<u8>,
    expect: Expect,
}

/// The domains that have a registration of their own. 3GPP TS 27.007 §7.2, §10.1.20, §10.1.22.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Domain {
    /// `+CREG`: circuit switched.
    Circuit,
    /// `+CGREG`: GPRS.
    Packet,
    /// `+CEREG`: EPS.
    Eps,
}

impl Domain {
    /// All domains, the one that matters most for SMS first.
    pub const ALL: [Domain; 3] = [Domain::Circuit, Domain::Eps, Domain::Packet];

    /// The command and the line.
    pub fn name(self) -> &'static str {
        match self {
            Domain::Circuit => "+CREG",
            Domain::Packet => "+CGREG",
            Domain::Eps => "+CEREG",
        }
    }
}

/// The ways to ask for the ICCID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IccidSource {
    /// `AT+CCID`, most makers.
    Ccid,
    /// `AT^ICCID?`, Huawei.
    HuaweiIccid,
    /// `AT+ICCID`, SIMCom and others.
    Iccid,
    /// `AT+QCCID`, Quectel.
    QuectelCcid,
    /// The file itself: `AT+CRSM`, 3GPP TS 27.007 §8.18, EF ICCID 2FE2 (3GPP TS 31.102 §4.2.2).
    File,
}

impl IccidSource {
    /// All ways, the commonest first.
    pub const ALL: [IccidSource; 5] =
        [IccidSource::Ccid, IccidSource::HuaweiIccid, IccidSource::Iccid, IccidSource::QuectelCcid, IccidSource::File];
}

impl Command {
    /// `AT`
    pub fn attention() -> Command {
        execute("", Expect::Nothing)
    }

    /// `ATE0V1`: no echo, results as words. V.250 §6.2.
    pub fn plain_answers() -> Command {
        execute("E0V1", Expect::Nothing)
    }

    /// `ATQ0V1E0`: the same for a modem that was told to be silent.
    pub fn speak_up() -> Command {
        execute("Q0V1E0", Expect::Nothing)
    }

    /// `AT&D0`: a falling DTR, as when our process dies, disturbs nothing. V.250 §6.2.9.
    pub fn ignore_dtr() -> Command {
        execute("&D0", Expect::Nothing)
    }

    /// `AT+CMEE=1`: errors as numbers. 3GPP TS 27.007 §9.1.
    pub fn numeric_errors() -> Command {
        set("+CMEE", &[1], Expect::Nothing)
    }

    /// `AT+CGSN`: the IMEI. 3GPP TS 27.007 §5.4.
    pub fn serial_number() -> Command {
        execute("+CGSN", Expect::Some("+CGSN"))
    }

    /// `AT+CGMI`. 3GPP TS 27.007 §5.1.
    pub fn manufacturer() -> Command {
        execute("+CGMI", Expect::Some("+CGMI"))
    }

    /// `AT+CGMM`. 3GPP TS 27.007 §5.2.
    pub fn model() -> Command {
        execute("+CGMM", Expect::Some("+CGMM"))
    }

    /// `AT+CGMR`: the firmware. 3GPP TS 27.007 §5.3.
    pub fn revision() -> Command {
        execute("+CGMR", Expect::Some("+CGMR"))
    }

    /// `AT+CIMI`: the IMSI. 3GPP TS 27.007 §5.6.
    pub fn subscriber() -> Command {
        execute("+CIMI", Expect::Some("+CIMI"))
    }

    /// The ICCID, one of the ways.
    pub fn iccid(source: IccidSource) -> Command {
        match source {
            IccidSource::Ccid => execute("+CCID", Expect::Some("+CCID")),
            IccidSource::HuaweiIccid => query("^ICCID", Expect::Some("^ICCID")),
            IccidSource::Iccid => execute("+ICCID", Expect::Some("+ICCID")),
            IccidSource::QuectelCcid => execute("+QCCID", Expect::Some("+QCCID")),
            // READ BINARY, file 2FE2, offset 0, 10 octets.
            IccidSource::File => set("+CRSM", &[176, 0x2fe2, 0, 0, 10], Expect::Named("+CRSM")),
        }
    }

    /// `AT+CPIN?`. 3GPP TS 27.007 §8.3.
    pub fn pin_state() -> Command {
        query("+CPIN", Expect::Named("+CPIN"))
    }

    /// `AT+CPIN="…"`: enters the PIN. 3GPP TS 27.007 §8.3.
    pub fn enter_pin(pin: &Pin) -> Command {
        let mut buffer = [0; LONGEST];
        let start = CommandBuilder::create_set(&mut buffer, true).named("+CPIN").with_string_parameter(pin.as_str());
        finished(start.finish_with(b"\r"), Expect::Nothing)
    }

    /// `AT+CMGF=0`: PDU mode. 3GPP TS 27.005 §3.2.3.
    pub fn pdu_mode() -> Command {
        set("+CMGF", &[0], Expect::Nothing)
    }

    /// `AT+CPMS=?`: which memories there are. 3GPP TS 27.005 §3.2.2.
    pub fn memories() -> Command {
        test("+CPMS", Expect::Named("+CPMS"))
    }

    /// `AT+CPMS?`: which memories are selected, and how full they are.
    pub fn memory_levels() -> Command {
        query("+CPMS", Expect::Named("+CPMS"))
    }

    /// `AT+CPMS="…"[,"…"[,"…"]]`: to read and delete; to write and send; to receive.
    pub fn select_memories(memories: &[Memory]) -> Command {
        let mut buffer = [0; LONGEST];
        let start = CommandBuilder::create_set(&mut buffer, true).named("+CPMS");
        let built = memories.iter().take(3).fold(start, |built, memory| built.with_string_parameter(memory.as_str()));
        finished(built.finish_with(b"\r"), Expect::Named("+CPMS"))
    }

    /// `AT+CSMS=?`: which message services there are. 3GPP TS 27.005 §3.2.1.
    pub fn services() -> Command {
        test("+CSMS", Expect::Named("+CSMS"))
    }

    /// `AT+CSMS=1`: routed messages wait for our acknowledgement.
    pub fn acknowledged_service() -> Command {
        set("+CSMS", &[1], Expect::Named("+CSMS"))
    }

    /// `AT+CNMI=?`: which indications there are. 3GPP TS 27.005 §3.4.1.
    pub fn indications_known() -> Command {
        test("+CNMI", Expect::Named("+CNMI"))
    }

    /// `AT+CNMI?`
    pub fn indications_now() -> Command {
        query("+CNMI", Expect::Named("+CNMI"))
    }

    /// `AT+CNMI=mode,mt,bm,ds,bfr`
    pub fn select_indications(values: [u8; 5]) -> Command {
        set("+CNMI", &values.map(i32::from), Expect::Nothing)
    }

    /// `AT+CREG?` and its like.
    pub fn registration(domain: Domain) -> Command {
        query(domain.name(), Expect::Named(domain.name()))
    }

    /// `AT+CREG=2` (with cell) or `=1`, and its like: changes come unsolicited.
    pub fn report_registration(domain: Domain, with_cell: bool) -> Command {
        set(domain.name(), &[if with_cell { 2 } else { 1 }], Expect::Nothing)
    }

    /// `AT+COPS?`: the network's name. 3GPP TS 27.007 §7.3.
    pub fn operator() -> Command {
        query("+COPS", Expect::Named("+COPS"))
    }

    /// `AT+CSQ`: signal strength. 3GPP TS 27.007 §8.5.
    pub fn signal() -> Command {
        execute("+CSQ", Expect::Named("+CSQ"))
    }

    /// `AT+CSCA?`: the service centre. 3GPP TS 27.005 §3.3.1.
    pub fn service_centre() -> Command {
        query("+CSCA", Expect::Named("+CSCA"))
    }

    /// `AT+CMGS=n`, n the octets of the TPDU without the SMSC field. 3GPP TS 27.005 §4.3.
    pub fn submit(tpdu_octets: u8) -> Command {
        set("+CMGS", &[i32::from(tpdu_octets)], Expect::Prompt("+CMGS"))
    }

    /// `AT+CMGR=index`. 3GPP TS 27.005 §4.2.
    pub fn read(index: u16) -> Command {
        set("+CMGR", &[i32::from(index)], Expect::Pdus("+CMGR"))
    }

    /// `AT+CMGL=4`: all messages of the first selected memory. 3GPP TS 27.005 §4.1.
    pub fn list_all() -> Command {
        set("+CMGL", &[4], Expect::Pdus("+CMGL"))
    }

    /// `AT+CMGD=index`. 3GPP TS 27.005 §3.5.4.
    pub fn delete(index: u16) -> Command {
        set("+CMGD", &[i32::from(index)], Expect::Nothing)
    }

    /// `AT+CNMA`: the routed message is safe. 3GPP TS 27.005 §4.7.
    pub fn acknowledge() -> Command {
        execute("+CNMA", Expect::Nothing)
    }

    /// `AT+CLIP=1`: calls come with their number. 3GPP TS 27.007 §7.6.
    pub fn calling_line() -> Command {
        set("+CLIP", &[1], Expect::Nothing)
    }

    /// `AT+CHUP`: no call. 3GPP TS 27.007 §6.5.
    pub fn hang_up() -> Command {
        execute("+CHUP", Expect::Nothing)
    }

    /// `ATH`: the same for modems that do not know `+CHUP`. V.250 §6.3.6.
    pub fn hook() -> Command {
        execute("H", Expect::Nothing)
    }

    /// `AT+CUSD=1,"…",dcs`: a code, or the answer to a menu. 3GPP TS 27.007 §7.15.
    pub fn ussd(string: &UssdString, dcs: u8) -> Command {
        Command { wire: format!("AT+CUSD=1,\"{}\",{dcs}\r", string.0).into_bytes(), expect: Expect::Nothing }
    }

    /// `AT+CUSD=2`: no more.
    pub fn end_ussd() -> Command {
        set("+CUSD", &[2], Expect::Nothing)
    }

    /// `AT+CSCB=0,"…"`: these cell broadcasts are taken. 3GPP TS 27.005 §3.3.4.
    pub fn broadcasts(identifiers: &BroadcastList) -> Command {
        Command { wire: format!("AT+CSCB=0,\"{}\",\"\"\r", identifiers.0).into_bytes(), expect: Expect::Nothing }
    }

    /// `AT+CNUM`: the SIM's own number, where it knows it. 3GPP TS 27.007 §7.1.
    pub fn own_number() -> Command {
        execute("+CNUM", Expect::Named("+CNUM"))
    }

    /// `AT+CPBS="SM"`: the phonebook of the SIM. 3GPP TS 27.007 §8.11.
    pub fn select_phonebook() -> Command {
        Command::of_make("+CPBS=\"SM\"", Expect::Nothing)
    }

    /// `AT+CPBR=?`: its places. 3GPP TS 27.007 §8.12.
    pub fn phonebook_places() -> Command {
        test("+CPBR", Expect::Named("+CPBR"))
    }

    /// `AT+CPBR=first,last`
    pub fn phonebook(first: u16, last: u16) -> Command {
        set("+CPBR", &[i32::from(first), i32::from(last)], Expect::Named("+CPBR"))
    }

    /// `AT+CSCA="…",type`: the service centre. 3GPP TS 27.005 §3.3.1.
    pub fn set_service_centre(number: &ServiceCentre) -> Command {
        let kind = if number.0.starts_with('+') { 145 } else { 129 };
        Command { wire: format!("AT+CSCA=\"{}\",{kind}\r", number.0).into_bytes(), expect: Expect::Nothing }
    }

    /// What a person typed.
    pub fn typed(line: &TypedLine) -> Command {
        Command { wire: format!("{}\r", line.as_str()).into_bytes(), expect: Expect::Anything }
    }

    /// A command of one make, from its profile: what stands behind `AT`.
    pub fn of_make(text: &'static str, expect: Expect) -> Command {
        Command { wire: format!("AT{text}\r").into_bytes(), expect }
    }

    /// The name of what was asked: what answers begin with.
    pub(super) fn name(&self) -> &str {
        name_of(self.text())
    }

    /// The octets, with the CR at the end.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The line without its end.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.wire).unwrap_or_default().trim_end()
    }

    /// What comes back.
    pub fn expect(&self) -> Expect {
        self.expect
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A message memory: two letters. 3GPP TS 27.005 §3.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Memory([u8; 2]);

impl Memory {
    /// The SIM.
    pub const SM: Memory = Memory(*b"SM");
    /// The equipment.
    pub const ME: Memory = Memory(*b"ME");
    /// The SIM and the equipment as one.
    pub const MT: Memory = Memory(*b"MT");
    /// Status reports.
    pub const SR: Memory = Memory(*b"SR");
    /// Cell broadcast.
    pub const BM: Memory = Memory(*b"BM");

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The text is not a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message memory is two capital letters")]
pub struct NotAMemory;

impl FromStr for Memory {
    type Err = NotAMemory;

    fn from_str(text: &str) -> Result<Self, NotAMemory> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Memory([a, b])),
            _ => Err(NotAMemory),
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A PDU as it is typed at the prompt: hexadecimal digits and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(String);

/// The text is not a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PDU is an even number of hexadecimal digits, at most {}", 2 * Payload::OCTETS)]
pub struct NotAPayload;

impl Payload {
    /// Largest: an SMSC field of 12 octets and a TPDU of 164. 3GPP TS 23.040 §9.2.2.2.
    pub const OCTETS: usize = 176;

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Payload {
    type Error = NotAPayload;

    fn try_from(text: String) -> Result<Self, NotAPayload> {
        let octets = text.len() / 2;
        let fits = text.len().is_multiple_of(2) && (1..=Payload::OCTETS).contains(&octets);
        if fits && text.bytes().all(|b| b.is_ascii_hexdigit()) { Ok(Payload(text)) } else { Err(NotAPayload) }
    }
}

/// Says the size, never the content.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} octets)", self.0.len() / 2)
    }
}

/// A string of USSD as it goes over the line: printable ASCII without quotes, or hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct UssdString(String);

/// The text cannot go over the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a USSD string has 1 to 182 characters of ASCII, without quotes, or four times as many hexadecimal digits")]
pub struct NotAUssdString;

impl TryFrom<String> for UssdString {
    type Error = NotAUssdString;

    /// 182 characters are the longest; in hexadecimal four times as many digits.
    fn try_from(text: String) -> Result<UssdString, NotAUssdString> {
        // One character of the wrong kind would end the quotes that it goes between.
        let fits = (1..=4 * 182).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"');
        if fits { Ok(UssdString(text)) } else { Err(NotAUssdString) }
    }
}

/// Says how much, never the content.
impl fmt::Debug for UssdString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UssdString({} octets)", self.0.len())
    }
}

/// Message identifiers of cell broadcast: `0-999,4352-6399`. 3GPP TS 27.005 §3.3.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroadcastList(String);

/// The text is no such list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("identifiers are numbers up to 65535 and ranges of them, such as \"0-999,4352-6399\"")]
pub struct NotABroadcastList;

impl FromStr for BroadcastList {
    type Err = NotABroadcastList;

    fn from_str(text: &str) -> Result<BroadcastList, NotABroadcastList> {
        let number = |text: &str| {
            let is_plain = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if is_plain { text.parse::<u16>().ok() } else { None }
        };
        let is_range = |range: &str| match range.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
            None => number(range).is_some(),
        };
        if text.len() <= 200 && text.split(',').all(is_range) {
            Ok(BroadcastList(text.to_owned()))
        } else {
            Err(NotABroadcastList)
        }
    }
}

/// The number of a service centre: `+` and digits, or digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCentre(String);

/// The text is no such number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service centre is a number of 3 to 20 digits, with + in front of an international one")]
pub struct NotAServiceCentre;

impl FromStr for ServiceCentre {
    type Err = NotAServiceCentre;

    fn from_str(text: &str) -> Result<ServiceCentre, NotAServiceCentre> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let fits = (3..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(ServiceCentre(text.to_owned())) } else { Err(NotAServiceCentre) }
    }
}

/// A SIM's PIN: 4 to 8 digits, never shown. 3GPP TS 31.101 §9.5.1.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// The text is not a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 4 to 8 digits")]
pub struct NotAPin;

impl Pin {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Pin {
    type Error = NotAPin;

    fn try_from(text: &str) -> Result<Pin, NotAPin> {
        let fits = (4..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(Pin(text.to_owned())) } else { Err(NotAPin) }
    }
}

/// Shows nothing.
impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// What stands between `AT` and `=` or `?`.
pub(super) fn name_of(line: &str) -> &str {
    line.get(2..).unwrap_or_default().split(['=', '?']).next().unwrap_or_default().trim_end()
}

fn execute(name: &'static str, expect: Expect) -> Command {
    let mut buffer = [0; LONGEST];
    finished(CommandBuilder::create_execute(&mut buffer, true).named(name).finish_with(b"\r"), expect)
}

fn query(name: &'static str, expect: Expect) -> Command {
    let mut buffer = [0; LONGEST];
    finished(CommandBuilder::create_query(&mut buffer, true).named(name).finish_with(b"\r"), expect)
}

fn test(name: &'static str, expect: Expect) -> Command {
    let mut buffer = [0; LONGEST];
    finished(CommandBuilder::create_test(&mut buffer, true).named(name).finish_with(b"\r"), expect)
}

fn set(name: &'static str, numbers: &[i32], expect: Expect) -> Command {
    let mut buffer = [0; LONGEST];
    let start = CommandBuilder::create_set(&mut buffer, true).named(name);
    let built = numbers.iter().fold(start, |built, number| built.with_int_parameter(*number));
    finished(built.finish_with(b"\r"), expect)
}

/// The longest command is `AT+CPMS` with three memories, 24 octets: the buffer always suffices.
fn finished(built: Result<&[u8], usize>, expect: Expect) -> Command {
    Command { wire: built.expect("a command fits its buffer").to_vec(), expect }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_commands() {
        use IccidSource::{File, HuaweiIccid};
        for (command, wire) in [
            (Command::attention(), "AT\r"),
            (Command::plain_answers(), "ATE0V1\r"),
            (Command::speak_up(), "ATQ0V1E0\r"),
            (Command::ignore_dtr(), "AT&D0\r"),
            (Command::numeric_errors(), "AT+CMEE=1\r"),
            (Command::serial_number(), "AT+CGSN\r"),
            (Command::pin_state(), "AT+CPIN?\r"),
            (Command::iccid(HuaweiIccid), "AT^ICCID?\r"),
            (Command::iccid(File), "AT+CRSM=176,12258,0,0,10\r"),
            (Command::pdu_mode(), "AT+CMGF=0\r"),
            (Command::memories(), "AT+CPMS=?\r"),
            (Command::select_memories(&[Memory::SR]), "AT+CPMS=\"SR\"\r"),
            (Command::select_memories(&[Memory::ME, Memory::SM, Memory::ME]), "AT+CPMS=\"ME\",\"SM\",\"ME\"\r"),
            (Command::acknowledged_service(), "AT+CSMS=1\r"),
            (Command::select_indications([2, 1, 0, 2, 0]), "AT+CNMI=2,1,0,2,0\r"),
            (Command::registration(Domain::Eps), "AT+CEREG?\r"),
            (Command::report_registration(Domain::Circuit, true), "AT+CREG=2\r"),
            (Command::submit(164), "AT+CMGS=164\r"),
            (Command::read(65535), "AT+CMGR=65535\r"),
            (Command::list_all(), "AT+CMGL=4\r"),
            (Command::delete(0), "AT+CMGD=0\r"),
            (Command::acknowledge(), "AT+CNMA\r"),
            (Command::of_make("#QSS=2", Expect::Nothing), "AT#QSS=2\r"),
        ] {
            assert_eq!(command.wire(), wire.as_bytes());
            assert_eq!(command.to_string(), wire.trim_end());
        }
    }

    #[test]
    fn a_memory_is_two_capital_letters() {
        for (text, fits) in [("SM", true), ("ZZ", true), ("sm", false), ("S\"", false), ("SMS", false), ("", false)] {
            assert_eq!(text.parse::<Memory>().is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_pin_is_digits() {
        for (text, fits) in [
            ("1234", true),
            ("00000000", true),
            ("123", false),
            ("123456789", false),
            ("12a4", false),
            ("12\"4", false),
            ("", false),
        ] {
            assert_eq!(Pin::try_from(text).is_ok(), fits, "{text}");
        }
        let pin = Pin::try_from("1234").unwrap();
        assert_eq!(Command::enter_pin(&pin).wire(), b"AT+CPIN=\"1234\"\r");
        assert_eq!(format!("{pin:?}"), "Pin(…)");
    }

    #[test]
    fn a_payload_is_hexadecimal() {
        for (text, fits) in [
            ("00", true),
            ("0011aaFF", true),
            ("", false),
            ("001", false),
            ("00\r", false),
            ("0\u{1a}", false),
            (&"00".repeat(176), true),
            (&"00".repeat(177), false),
        ] {
            assert_eq!(Payload::try_from(text.to_owned()).is_ok(), fits, "{text:?}");
        }
        assert_eq!(format!("{:?}", Payload::try_from("00FF".to_owned())), "Ok(Payload(2 octets))");
    }
}
