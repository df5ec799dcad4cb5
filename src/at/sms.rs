//! Answers of the message service: memories, indications, stored messages, the reference of a sent one.

use super::command::Memory;
use super::line::body;
use super::params::{Param, Params};

/// Status of a stored message. 3GPP TS 27.005 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// 0: received, not read.
    ReceivedUnread,
    /// 1: received, read.
    ReceivedRead,
    /// 2: to be sent.
    StoredUnsent,
    /// 3: sent.
    StoredSent,
    /// Anything else; it is better taken for a received one than overlooked.
    Other,
}

impl MessageStatus {
    fn from(number: Option<u8>) -> MessageStatus {
        match number {
            Some(0) => MessageStatus::ReceivedUnread,
            Some(1) => MessageStatus::ReceivedRead,
            Some(2) => MessageStatus::StoredUnsent,
            Some(3) => MessageStatus::StoredSent,
            _ => MessageStatus::Other,
        }
    }

    /// True for what somebody wrote on the SIM or with the modem: it was never received.
    pub fn is_outgoing(self) -> bool {
        matches!(self, MessageStatus::StoredUnsent | MessageStatus::StoredSent)
    }
}

/// A message in a memory, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Slot, as the modem counts; `None` in the answer to reading one.
    pub index: Option<u16>,
    /// Its status.
    pub status: MessageStatus,
    /// SMSC field and TPDU.
    pub pdu: Vec<u8>,
}

/// The message in an answer to `+CMGR`: `stat,[alpha],length` or shorter. `None` for an empty slot.
pub fn read_message(lines: &[String]) -> Option<Stored> {
    let at = lines.iter().position(|line| body(line, "+CMGR").is_some())?;
    let params = Params::parse(body(&lines[at], "+CMGR")?);
    let pdu = octets(lines.get(at + 1)?)?;
    // A lone number is the length: python-gsmmodem and gammu met `+CMGR: 24`.
    let status = if params.len() < 2 { None } else { params.number(0) };
    Some(Stored { index: None, status: MessageStatus::from(status), pdu })
}

/// The messages in an answer to `+CMGL`: `index,stat,[alpha],length`. What cannot be read is left out.
pub fn listed_messages(lines: &[String]) -> Vec<Stored> {
    lines
        .iter()
        .zip(lines.iter().skip(1))
        .filter_map(|(head, pdu)| {
            let params = Params::parse(body(head, "+CMGL")?);
            let index = Some(params.number(0)?);
            Some(Stored { index, status: MessageStatus::from(params.number(1)), pdu: octets(pdu)? })
        })
        .collect()
}

/// The octets of a line of hexadecimal digits. A quote that sticks to it is overlooked: gammu's at-cmgr/04 has one.
pub fn octets(line: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = line.trim_matches('"').as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// TP-MR in `+CMGS: mr[,…]`. `None` when it is not a number of one octet. 3GPP TS 27.005 §4.3.
pub fn reference(params: &Params<'_>) -> Option<u8> {
    params.number(0)
}

/// Memory and slot in `+CMTI` and `+CDSI`, whatever follows: MMS indications add fields. 3GPP TS 27.005 §3.4.1.
pub fn place(params: &Params<'_>) -> Option<(Memory, u16)> {
    Some((params.text(0)?.trim().parse().ok()?, params.number(1)?))
}

/// The memories that can be selected for reading, writing and receiving: `+CPMS=?` in all its shapes.
pub fn memories(params: &Params<'_>) -> [Vec<Memory>; 3] {
    // `(("SM","BM"),("SM"))`: another pair of brackets around the groups.
    let outer = match params.0.as_slice() {
        [Param::Group(inner)] if inner.iter().any(|param| matches!(param, Param::Group(_))) => inner,
        params => params,
    };
    let list = |param: &Param<'_>| -> Vec<Memory> {
        param.members().iter().filter_map(|member| member.text()?.trim().parse().ok()).collect()
    };
    if outer.iter().any(|param| matches!(param, Param::Group(_))) {
        return [0, 1, 2].map(|n| outer.get(n).map(list).unwrap_or_default());
    }
    // Without brackets there is one list for all three.
    let all: Vec<Memory> = outer.iter().flat_map(list).collect();
    [all.clone(), all.clone(), all]
}

/// How full a memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Level {
    /// Which.
    pub memory: Memory,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// The levels in `+CPMS?`: `"SM",used,total,…`, each memory once.
pub fn levels(params: &Params<'_>) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for n in (0..params.len()).step_by(3) {
        let memory = params.text(n).and_then(|text| text.trim().parse().ok());
        let Some(((memory, used), total)) = memory.zip(params.number(n + 1)).zip(params.number(n + 2)) else {
            continue;
        };
        if !levels.iter().any(|level| level.memory == memory) {
            levels.push(Level { memory, used, total });
        }
    }
    levels
}

/// The memories in `+CPMS?`, in the order reading, writing, receiving.
pub fn selected(params: &Params<'_>) -> Vec<Memory> {
    (0..params.len()).step_by(3).filter_map(|n| params.text(n)?.trim().parse().ok()).collect()
}

/// Used and total in the answer to selecting memories: `used,total[,used,total[,used,total]]`.
pub fn counts(params: &Params<'_>) -> Vec<(u16, u16)> {
    (0..params.len()).step_by(2).filter_map(|n| params.number(n).zip(params.number(n + 1))).collect()
}

/// True when the values of `+CNMI` are all among those of `+CNMI=?`; a list that is missing allows everything.
pub fn indications_allowed(known: &Params<'_>, values: [u8; 5]) -> bool {
    values.iter().enumerate().all(|(n, value)| match known.at(n) {
        Param::Empty => true,
        param => param.allows(u32::from(*value)),
    })
}

/// The five values in `+CNMI?`; missing ones are 0.
pub fn indications(params: &Params<'_>) -> Option<[u8; 5]> {
    params.number::<u8>(0)?;
    Some([0, 1, 2, 3, 4].map(|n| params.number(n).unwrap_or(0)))
}

/// The number in `+CSCA: "number",type`; `None` when the SIM has none.
pub fn service_centre(params: &Params<'_>) -> Option<String> {
    params.text(0).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn table_of_read_messages() {
        use MessageStatus::{Other, ReceivedRead, ReceivedUnread, StoredSent};
        // Heads as gammu, python-gsmmodem and modems wrote them.
        for (head, want) in [
            ("+CMGR: 0,,29", ReceivedUnread),
            ("+CMGR: 0,23", ReceivedUnread),
            ("+CMGR: 1,\"Bob, Jr\",23", ReceivedRead),
            ("+CMGR:1,,23", ReceivedRead),
            ("+CMGR: 3,,29", StoredSent),
            ("+CMGR: 24", Other),
            ("+CMGR: ,,92", Other),
            ("+CMGR: 4,1,,151", Other),
        ] {
            let got = read_message(&lines(&format!("{head}\n0011FF"))).unwrap();
            assert_eq!((got.status, got.pdu), (want, vec![0x00, 0x11, 0xff]), "{head}");
        }
        for empty in ["", "+CMGR: 0,,0", "+CMGR: 0,,29\nnot a PDU", "+CMGR: 0,,29\n001"] {
            assert_eq!(read_message(&lines(empty)), None, "{empty}");
        }
    }

    #[test]
    fn table_of_listed_messages() {
        let text = "+CMGL: 0,1,,35\n0791\n+CMGL: 2,3,,35\n+CMGL: 3,0,\"\",35\n00ff\n+CMGL: x,0,,1\n00";
        let got: Vec<_> = listed_messages(&lines(text)).into_iter().map(|m| (m.index, m.status, m.pdu)).collect();
        assert_eq!(
            got,
            [
                (Some(0), MessageStatus::ReceivedRead, vec![0x07, 0x91]),
                (Some(3), MessageStatus::ReceivedUnread, vec![0x00, 0xff]),
            ]
        );
    }

    #[test]
    fn table_of_octets() {
        for (line, want) in
            [("00fF", Some(2)), ("0", None), ("001", None), ("0G", None), ("", None), ("00FF\"", Some(2)), ("\"", None)]
        {
            assert_eq!(octets(line).map(|octets| octets.len()), want, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_lines_are_survived(lines in proptest::collection::vec("(\\+C(MGR|MGL): )?[\"(),0-9A-F -]{0,40}", 0..8)) {
            read_message(&lines);
            listed_messages(&lines);
            for line in &lines {
                let params = Params::parse(line);
                reference(&params);
                place(&params);
                memories(&params);
                levels(&params);
                selected(&params);
                counts(&params);
                indications(&params);
                indications_allowed(&params, [2, 1, 0, 2, 0]);
                service_centre(&params);
            }
        }
    }

    #[test]
    fn table_of_references() {
        for (text, want) in [
            ("0", Some(0)),
            ("255", Some(255)),
            (" 7 ", Some(7)),
            ("7,\"00\"", Some(7)),
            ("256", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(reference(&Params::parse(text)), want, "{text}");
        }
    }

    #[test]
    fn table_of_places() {
        for (text, want) in [
            ("\"SM\",3", Some((Memory::SM, 3))),
            ("\"SR\",0", Some((Memory::SR, 0))),
            ("SM,3", Some((Memory::SM, 3))),
            // SIM7000-LTE-Shield#128
            ("\"SM\",1,\"MMS PUSH\",2,1", Some((Memory::SM, 1))),
            ("\"ME\", 255", Some((Memory::ME, 255))),
            ("\"SM\"", None),
            ("\"SM\",99999", None),
            (",3", None),
        ] {
            assert_eq!(place(&Params::parse(text)), want, "{text}");
        }
    }

    #[test]
    fn table_of_memories() {
        const BM: Memory = Memory::BM;
        const ME: Memory = Memory::ME;
        const MT: Memory = Memory::MT;
        const SM: Memory = Memory::SM;
        const SR: Memory = Memory::SR;
        for (name, text, want) in [
            ("usual", "(\"SM\",\"ME\"),(\"SM\",\"ME\"),(\"SM\",\"ME\")", [vec![SM, ME], vec![SM, ME], vec![SM, ME]]),
            ("different groups", "(\"ME\",\"MT\"),(\"SM\"),()", [vec![ME, MT], vec![SM], vec![]]),
            (
                "no brackets, Huawei MU609",
                "\"ME\",\"MT\",\"SM\"",
                [vec![ME, MT, SM], vec![ME, MT, SM], vec![ME, MT, SM]],
            ),
            ("blanks, Thuraya", "\"ME\" \"SM\"", [vec![ME, SM], vec![ME, SM], vec![ME, SM]]),
            ("empty groups, Nokia S60", "(),(),()", [vec![], vec![], vec![]]),
            ("double brackets, Wavecom", "((\"SM\",\"BM\",\"SR\"),(\"SM\"))", [vec![SM, BM, SR], vec![SM], vec![]]),
            ("nothing, Samsung", "", [vec![], vec![], vec![]]),
            ("odd names, Alcatel", "(\"SM\", \"SM_P\"), (\"SM\"), (\"SM\")", [vec![SM], vec![SM], vec![SM]]),
        ] {
            assert_eq!(memories(&Params::parse(text)), want, "{name}");
        }
    }

    #[test]
    fn table_of_levels() {
        let level = |memory, used, total| Level { memory, used, total };
        for (text, want) in [
            ("\"ME\",3,50,\"SM\",1,20,\"ME\",3,50", vec![level(Memory::ME, 3, 50), level(Memory::SM, 1, 20)]),
            ("\"SM\",0,30", vec![level(Memory::SM, 0, 30)]),
            ("0,30,0,30", vec![]),
            ("\"SM\",x,30", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(levels(&Params::parse(text)), want, "{text}");
        }
        let twice = Params::parse("\"ME\",3,50,\"SM\",1,20,\"ME\",3,50");
        assert_eq!(selected(&twice), [Memory::ME, Memory::SM, Memory::ME]);
    }

    #[test]
    fn table_of_counts() {
        for (text, want) in [
            ("14,50,14,50", vec![(14, 50), (14, 50)]),
            ("1,5000", vec![(1, 5000)]),
            ("1,20,3,50,3,50", vec![(1, 20), (3, 50), (3, 50)]),
            ("", vec![]),
        ] {
            assert_eq!(counts(&Params::parse(text)), want, "{text}");
        }
    }

    #[test]
    fn table_of_indications() {
        for (known, values, want) in [
            ("(2),(0-1,3),(0,2),(0-1),(0)", [2, 1, 0, 1, 0], true),
            ("(2),(0-1,3),(0,2),(0-1),(0)", [2, 1, 0, 2, 0], false),
            ("(0-2),(0,1,3),(0),(0,1),(0,1)", [1, 1, 0, 1, 1], true),
            ("(0-3),(0-3),(0-3),(0,1),(0,1)", [3, 3, 0, 0, 0], true),
            ("(0-1),(0-3),(0,2,3),(0-2),(0,1)", [2, 1, 0, 2, 0], false),
            ("", [2, 1, 0, 2, 0], true),
            ("(0-2),(0-3)", [2, 1, 0, 2, 0], true),
        ] {
            assert_eq!(indications_allowed(&Params::parse(known), values), want, "{known} {values:?}");
        }
        assert_eq!(indications(&Params::parse("2,1,0,2,0")), Some([2, 1, 0, 2, 0]));
        assert_eq!(indications(&Params::parse("2,1")), Some([2, 1, 0, 0, 0]));
        assert_eq!(indications(&Params::parse("")), None);
    }

    #[test]
    fn table_of_service_centres() {
        for (text, want) in [("\"+79168999100\",145", Some("+79168999100")), ("\"\",129", None), ("", None)] {
            assert_eq!(service_centre(&Params::parse(text)).as_deref(), want, "{text}");
        }
    }
}
