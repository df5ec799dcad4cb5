//! Unsolicited lines: what each one says. Whether a line *is* unsolicited is for the engine to know, by context.

use super::command::{Domain, Memory};
use super::line::body;
use super::net::{self, Registration};
use super::params::Params;
use super::result::FinalResult;
use super::sim::{PinState, pin_state};
use super::sms;

/// Something the modem said by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Urc {
    /// `+CMTI`: a message was stored.
    MessageStored(Memory, u16),
    /// `+CDSI`: a status report was stored.
    ReportStored(Memory, u16),
    /// `+CMT` and the line after it: a message, routed to us; SMSC field and TPDU.
    MessageRouted(Vec<u8>),
    /// `+CDS` and the line after it: a status report, routed to us.
    ReportRouted(Vec<u8>),
    /// `+CREG`, `+CGREG`, `+CEREG`.
    Registration(Domain, Registration),
    /// `+CPIN`: the SIM's lock changed.
    Pin(PinState),
    /// The modem or its message service has just begun: what was set up is gone.
    Started,
    /// A memory is full: `+CMTI` will not come any more.
    MemoryFull,
    /// The modem is about to switch itself off.
    PoweringDown,
    /// Its supply is too weak or too strong, or it is too hot or too cold; the line as it came.
    Strained(String),
    /// The SIM was put in or taken out.
    SimMoved,
    /// `RING`, `+CRING`, `+CLIP`: a call comes in; who calls, where that is told.
    Ringing(Option<String>),
    /// `+CUSD`: what the network answers, or asks, by USSD.
    Ussd(Ussd),
    /// `+CBM` and the line after it: a page of a cell broadcast.
    Broadcast(Vec<u8>),
    /// `+CMGS` that nobody waits for: a submit of which the final code came late. TP-MR, where it was readable.
    Submitted(Option<u8>),
    /// A final result that nobody waits for.
    Final(FinalResult),
    /// Anything else, as it came.
    Other(String),
}

/// What the network says by USSD. 3GPP TS 27.007 §7.15.
#[derive(Clone, PartialEq, Eq)]
pub struct Ussd {
    /// `m`: 0 it is over, 1 an answer is wanted, 2 the network ended it, 3 another client answered, 4 not supported, 5 the
    /// network did not answer.
    pub state: u8,
    /// As the modem writes it: text, or octets in hexadecimal.
    pub string: Option<String>,
    /// Its data coding scheme. 3GPP TS 23.038 §5.
    pub dcs: Option<u8>,
}

/// Says how much, never the content.
impl std::fmt::Debug for Ussd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ussd({}, {} octets)", self.state, self.string.as_ref().map_or(0, String::len))
    }
}

/// The first line of an unsolicited pair; the PDU is in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// `+CMT`
    Message,
    /// `+CDS`
    Report,
    /// `+CBM`: cell broadcast.
    Broadcast,
}

impl Head {
    /// The pair, with the PDU of its second line.
    pub fn with(self, pdu: Vec<u8>) -> Urc {
        match self {
            Head::Message => Urc::MessageRouted(pdu),
            Head::Report => Urc::ReportRouted(pdu),
            Head::Broadcast => Urc::Broadcast(pdu),
        }
    }
}

/// What a line can be when it is not an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// Complete.
    Urc(Urc),
    /// The next line belongs to it.
    Head(Head),
    /// In no inventory: an answer without a name, or noise.
    Unknown,
}

/// What a line means that some modems say by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// [`Urc::Started`]
    Started,
    /// [`Urc::MemoryFull`]
    MemoryFull,
    /// [`Urc::PoweringDown`]
    PoweringDown,
    /// [`Urc::Strained`]
    Strained,
    /// [`Urc::SimMoved`]
    SimMoved,
    /// Nothing to us: [`Urc::Other`].
    Nothing,
}

/// How a line begins that some modems say by themselves, and what it means. What goes on in front of the colon is
/// another line: `+CUSD` is not `+CUSDX`.
pub type Sign = (&'static str, Meaning);

/// Says what a line is when it is unsolicited. Of the signs the first that fits counts; the standard's own are known.
pub fn classify<'a>(line: &str, mut signs: impl Iterator<Item = &'a Sign>) -> Class {
    for (name, head) in [("+CMT", Head::Message), ("+CDS", Head::Report), ("+CBM", Head::Broadcast)] {
        if body(line, name).is_some() {
            return Class::Head(head);
        }
    }
    if let Some(urc) = known(line) {
        return Class::Urc(urc);
    }
    let Some((_, meaning)) = signs.find(|(name, _)| begins_with(line, name)) else {
        let standard = INVENTORY.iter().any(|name| begins_with(line, name));
        return if standard { Class::Urc(Urc::Other(line.to_owned())) } else { Class::Unknown };
    };
    Class::Urc(match meaning {
        Meaning::Started => Urc::Started,
        Meaning::MemoryFull => Urc::MemoryFull,
        Meaning::PoweringDown => Urc::PoweringDown,
        Meaning::Strained => Urc::Strained(line.to_owned()),
        Meaning::SimMoved => Urc::SimMoved,
        Meaning::Nothing => Urc::Other(line.to_owned()),
    })
}

fn known(line: &str) -> Option<Urc> {
    if let Some(text) = body(line, "+CMTI") {
        return sms::place(&Params::parse(text)).map(|(memory, index)| Urc::MessageStored(memory, index));
    }
    if let Some(text) = body(line, "+CDSI") {
        return sms::place(&Params::parse(text)).map(|(memory, index)| Urc::ReportStored(memory, index));
    }
    for domain in Domain::ALL {
        if let Some(text) = body(line, domain.name()) {
            return net::registration(&Params::parse(text), false).map(|it| Urc::Registration(domain, it));
        }
    }
    if let Some(text) = body(line, "+CPIN") {
        return Some(Urc::Pin(pin_state(text)));
    }
    if let Some(text) = body(line, "+CMGS") {
        return Some(Urc::Submitted(sms::reference(&Params::parse(text))));
    }
    if line == "RING" || body(line, "+CRING").is_some() {
        return Some(Urc::Ringing(None));
    }
    if let Some(text) = body(line, "+CLIP") {
        return Some(Urc::Ringing(Params::parse(text).text(0).filter(|number| !number.is_empty()).map(str::to_owned)));
    }
    if let Some(text) = body(line, "+CUSD") {
        let params = Params::parse(text);
        let string = params.text(1).map(str::to_owned);
        return Some(Urc::Ussd(Ussd { state: params.number(0)?, string, dcs: params.number(2) }));
    }
    // The radio has come up: said at the beginning, and after it was switched off.
    begins_with(line, "+CFUN: 1").then_some(Urc::Started)
}

/// True when the line is the name, or goes on with something that cannot be part of it.
fn begins_with(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Names that begin unsolicited lines of 3GPP TS 27.005 and 27.007, and V.250; `+CMTI`, `+CDSI` and registrations are here
/// for those that we cannot read. What else makers say is in their profiles.
const INVENTORY: &[&str] = &[
    "+CMTI", "+CDSI", "+CBMI", "+CCWA", "+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CUSD", "+CSSI", "+CSSU", "+CFUN",
    "+CMTE", "+CGEV", "+CIEV", "+CTZV", "+CTZE",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::net::Stat;

    const SIGNS: &[Sign] = &[
        ("RDY", Meaning::Started),
        ("+QIND: SMS DONE", Meaning::Started),
        ("+QIND", Meaning::Nothing),
        ("^SMMEMFULL", Meaning::MemoryFull),
        ("NORMAL POWER DOWN", Meaning::PoweringDown),
        ("UNDER-VOLTAGE", Meaning::Strained),
        ("+QSIMSTAT", Meaning::SimMoved),
        ("^RSSI", Meaning::Nothing),
    ];

    fn classified(line: &str) -> Class {
        classify(line, SIGNS.iter())
    }

    #[test]
    fn table_of_unsolicited_lines() {
        let home = Registration { stat: Stat::Home, area: None, cell: None, act: None };
        for (line, want) in [
            ("+CMTI: \"SM\",3", Urc::MessageStored(Memory::SM, 3)),
            ("+CMTI:\"ME\",0", Urc::MessageStored(Memory::ME, 0)),
            ("+CMTI: \"SM\",1,\"MMS PUSH\",2,1", Urc::MessageStored(Memory::SM, 1)),
            ("+CMTI: \"SM\"", Urc::Other("+CMTI: \"SM\"".to_owned())),
            ("+CDSI: \"SR\",8", Urc::ReportStored(Memory::SR, 8)),
            ("+CREG: 1", Urc::Registration(Domain::Circuit, home)),
            ("+CGREG: 1", Urc::Registration(Domain::Packet, home)),
            ("+CEREG: 1", Urc::Registration(Domain::Eps, home)),
            ("+CREG: x", Urc::Other("+CREG: x".to_owned())),
            ("+CPIN: READY", Urc::Pin(PinState::Ready)),
            ("+CPIN: NOT READY", Urc::Pin(PinState::Other("NOT READY".to_owned()))),
            ("+CMGS: 17", Urc::Submitted(Some(17))),
            ("+CMGS: 256", Urc::Submitted(None)),
            ("+CFUN: 1", Urc::Started),
            ("+CFUN: 0", Urc::Other("+CFUN: 0".to_owned())),
            ("RDY", Urc::Started),
            ("+QIND: SMS DONE", Urc::Started),
            ("+QIND: \"csq\",20,99", Urc::Other("+QIND: \"csq\",20,99".to_owned())),
            ("^SMMEMFULL: \"SM\"", Urc::MemoryFull),
            ("NORMAL POWER DOWN", Urc::PoweringDown),
            ("UNDER-VOLTAGE WARNNING", Urc::Strained("UNDER-VOLTAGE WARNNING".to_owned())),
            ("+QSIMSTAT: 1,0", Urc::SimMoved),
            ("RING", Urc::Ringing(None)),
            ("+CRING: VOICE", Urc::Ringing(None)),
            ("+CLIP: \"+491701234567\",145,,,,0", Urc::Ringing(Some("+491701234567".to_owned()))),
            ("+CLIP: \"\",128", Urc::Ringing(None)),
            (
                "+CUSD: 0,\"Balance: 9,50\",15",
                Urc::Ussd(Ussd { state: 0, string: Some("Balance: 9,50".to_owned()), dcs: Some(15) }),
            ),
            ("+CUSD: 4", Urc::Ussd(Ussd { state: 4, string: None, dcs: None })),
            ("+CUSD: x", Urc::Other("+CUSD: x".to_owned())),
            ("^RSSI:20", Urc::Other("^RSSI:20".to_owned())),
        ] {
            assert_eq!(classified(line), Class::Urc(want), "{line}");
        }
    }

    #[test]
    fn table_of_heads() {
        for (line, want) in [
            ("+CMT: ,23", Head::Message),
            ("+CMT: \"Bob\",23", Head::Message),
            ("+CDS: 25", Head::Report),
            ("+CDS:25", Head::Report),
            ("+CDS: ,25", Head::Report),
            ("+CBM: 88", Head::Broadcast),
        ] {
            assert_eq!(classified(line), Class::Head(want), "{line}");
        }
    }

    #[test]
    fn what_is_in_no_inventory_is_unknown() {
        for line in ["huawei", "8949000000000001000", "RINGING", "+CGMM: E3372", "07911614786007F0"] {
            assert_eq!(classified(line), Class::Unknown, "{line}");
        }
    }
}
