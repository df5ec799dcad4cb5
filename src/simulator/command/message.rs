//! The commands for short messages. 3GPP TS 27.005.

use super::{Answer, Cnmi, ERROR, Form, Memory, Refusal, info, string};
use crate::simulator::kind::OddDelete;
use crate::simulator::modem::Modem;
use crate::simulator::personality::Services;
use crate::simulator::send::{Entry, EntryKind};
use crate::simulator::storage::{Stat, Stored};
use crate::tpdu::{Address, hex, ucs2};

/// `+CSMS`: service 1 wants `+CNMA`. 3GPP TS 27.005 §3.2.1.
pub(super) fn csms(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Test if modem.make.services == Services::Plain => info("+CSMS: (0)"),
        Form::Test => info("+CSMS: (0,1)"),
        Form::Read => info(format!("+CSMS: {},1,1,1", modem.settings.csms)),
        Form::Set(values) => match values.number(0) {
            Some(service @ 0..=1) if service == 0 || modem.make.services != Services::Plain => {
                modem.settings.csms = service;
                info("+CSMS: 1,1,1")
            }
            _ => cms(NOT_ALLOWED),
        },
        Form::Execute => ERROR,
    }
}

/// `+CSCA`, kept on the SIM; an empty number clears it. 3GPP TS 27.005 §3.3.1.
pub(super) fn csca(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Test => Answer::Ok,
        Form::Read => match &modem.sim.smsc {
            Some(smsc) => info(format!("+CSCA: {},{}", string(modem, &smsc.to_string()), smsc.toa())),
            None => info("+CSCA: \"\",129"),
        },
        Form::Set(values) => match values.text(0).and_then(|text| smsc(modem, text, values.number(1))) {
            Some(smsc) => {
                modem.sim.smsc = Some(smsc).filter(|smsc| !smsc.text.is_empty());
                Answer::Ok
            }
            None => cms(NOT_ALLOWED),
        },
        Form::Execute => ERROR,
    }
}

/// The number the host gives, of at most 20 digits; type 145 makes it international without a `+`.
fn smsc(modem: &Modem, text: &str, toa: Option<u8>) -> Option<Address> {
    let text = if modem.settings.ucs2 { ucs2::decode(&hex::decode(text).ok()?) } else { text.to_owned() };
    let digits = text.trim_start_matches('+');
    let plain = digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
    let international = text.starts_with('+') || toa == Some(145);
    plain.then(|| Address::from_number(&format!("{}{digits}", if international { "+" } else { "" })))
}

/// `+CPMS`. 3GPP TS 27.005 §3.2.2.
pub(super) fn cpms(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Test => info(format!("+CPMS: {}", modem.make.cpms_listed)),
        Form::Read => info(format!("+CPMS: {}", levels(modem, true))),
        Form::Set(values) if (1..=modem.make.cpms_fields).contains(&values.len()) => {
            let mut memories = modem.settings.memories;
            for (memory, value) in memories.iter_mut().zip(&values.0) {
                match value.text().map(Memory::from_name) {
                    Some(Some(chosen)) if modem.make.memories.contains(&chosen) => *memory = chosen,
                    Some(_) => return cms(NOT_ALLOWED),
                    None => {}
                }
            }
            modem.settings.memories = memories;
            modem.room();
            info(format!("+CPMS: {}", levels(modem, false)))
        }
        _ => ERROR,
    }
}

fn levels(modem: &mut Modem, named: bool) -> String {
    let memories = modem.settings.memories;
    let level = |memory: Memory| {
        let name = if named { format!("\"{}\",", memory.name()) } else { String::new() };
        let storage = modem.storage(memory);
        format!("{name}{},{}", storage.used(), storage.total())
    };
    memories.map(level).join(",")
}

/// `+CNMI`. 3GPP TS 27.005 §3.4.1.
pub(super) fn cnmi(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let old = modem.settings.cnmi;
    let mut values = [old.mode, old.mt, 0, old.ds, old.bfr];
    match form {
        Form::Test => info(format!("+CNMI: {}", modem.make.cnmi_listed)),
        Form::Read => info(format!("+CNMI: {}", values.map(|n| n.to_string()).join(","))),
        Form::Set(given) if (1..=5).contains(&given.len()) => {
            for ((value, given), taken) in values.iter_mut().zip(&given.0).zip(modem.make.cnmi) {
                if given.text().is_none() {
                    continue;
                }
                match given.number::<u8>().filter(|n| taken.contains(n)) {
                    Some(n) => *value = n,
                    None => return cms(NOT_ALLOWED),
                }
            }
            let [mode, mt, _, ds, bfr] = values;
            modem.settings.cnmi = Cnmi { mode, mt, ds, bfr };
            modem.room();
            Answer::Ok
        }
        _ => ERROR,
    }
}

/// `+CNMA`: 0 and 1 acknowledge, 2 gives back. No PDU is taken with it. 3GPP TS 27.005 §3.4.4.
pub(super) fn cnma(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let n = match form {
        Form::Test => return info("+CNMA: (0-2)"),
        Form::Execute => 0,
        Form::Set(values) => match values.number::<u8>(0) {
            Some(n @ 0..=2) => n,
            _ => return cms(NOT_ALLOWED),
        },
        Form::Read => return ERROR,
    };
    if modem.acknowledge(n != 2) { Answer::Ok } else { cms(NO_ACK_EXPECTED) }
}

/// `+CMGL=<stat>`; 4 is all. 3GPP TS 27.005 §4.1.
pub(super) fn cmgl(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let wanted = match form {
        Form::Test => return info("+CMGL: (0-4)"),
        Form::Execute => 0,
        Form::Set(values) => match values.number::<u8>(0) {
            Some(stat @ 0..=4) => stat,
            _ => return cms(NOT_ALLOWED),
        },
        Form::Read => return ERROR,
    };
    let mut lines = Vec::new();
    let mut read = Vec::new();
    let memory = modem.settings.memories[0];
    for (index, message) in modem.storage(memory).iter_mut() {
        if wanted != 4 && wanted != message.stat as u8 {
            continue;
        }
        lines.push(format!("+CMGL: {index},{}\r\n{}", head(message), hex::encode(&message.pdu)));
        read.extend(mark_read(message));
    }
    read.into_iter().for_each(|id| modem.was_read(id));
    Answer::Info(lines)
}

/// `<stat>,[<alpha>],<length>`
fn head(message: &Stored) -> String {
    format!("{},,{}", message.stat as u8, message.tpdu_octets)
}

/// The message's number when this was the first time.
fn mark_read(message: &mut Stored) -> Option<u64> {
    let first = message.stat == Stat::Unread;
    if first {
        message.stat = Stat::Read;
    }
    first.then_some(message.id)
}

/// `+CMGR=<index>`. 3GPP TS 27.005 §4.2.
pub(super) fn cmgr(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let index = match form {
        Form::Test => return Answer::Ok,
        Form::Set(values) => values.number(0),
        _ => return ERROR,
    };
    let memory = modem.settings.memories[0];
    let lacks_stat = modem.make.cmgr_lacks_stat;
    let slot = index.and_then(|index| modem.storage(memory).slot(index)?.as_mut());
    let Some(message) = slot else { return cms(INVALID_INDEX) };
    let head = if lacks_stat { format!(",,{}", message.tpdu_octets) } else { head(message) };
    let (pdu, read) = (hex::encode(&message.pdu), mark_read(message));
    read.into_iter().for_each(|id| modem.was_read(id));
    let urc = modem.urc_between();
    info(format!("+CMGR: {head}\r\n{urc}{pdu}"))
}

/// `+CMGD=<index>[,<delflag>]`. 3GPP TS 27.005 §3.5.4.
pub(super) fn cmgd(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let memory = modem.settings.memories[0];
    let values = match form {
        Form::Test => {
            let used: Vec<String> = modem.storage(memory).iter_mut().map(|(index, _)| index.to_string()).collect();
            return info(format!("+CMGD: ({}),(0-4)", used.join(",")));
        }
        Form::Set(values) => values,
        _ => return ERROR,
    };
    let flag = if values.at(1).text().is_none() { Some(0) } else { values.number::<u8>(1) };
    match (values.number(0), flag) {
        (Some(index), Some(0)) => delete_one(modem, memory, index),
        (_, Some(flag @ 1..=4)) => {
            delete_all(modem, memory, flag);
            Answer::Ok
        }
        (None, Some(0)) => cms(INVALID_INDEX),
        _ => cms(NOT_ALLOWED),
    }
}

fn delete_one(modem: &mut Modem, memory: Memory, index: u16) -> Answer {
    if modem.storage(memory).slot(index).is_none() {
        return cms(INVALID_INDEX);
    }
    let index = match modem.odd_delete() {
        None => index,
        Some(OddDelete::Error) => return cms(UNKNOWN),
        Some(OddDelete::Ignored) => return Answer::Ok,
        Some(OddDelete::Silent) => return Answer::Silent,
        Some(OddDelete::WrongIndex) => {
            let mut used = modem.storage(memory).iter_mut().map(|(used, _)| used);
            match used.find(|used| *used > index) {
                Some(next) => next,
                None => return Answer::Ok,
            }
        }
    };
    modem.delete(memory, index);
    Answer::Ok
}

/// 1: read ones; 2: and sent ones; 3: and unsent ones; 4: all.
fn delete_all(modem: &mut Modem, memory: Memory, flag: u8) {
    let goes = |stat: Stat| match stat {
        Stat::Read => true,
        Stat::Sent => flag >= 2,
        Stat::Unsent => flag >= 3,
        Stat::Unread => flag == 4,
    };
    let all = modem.storage(memory).iter_mut();
    let indices: Vec<u16> = all.filter(|(_, message)| goes(message.stat)).map(|(index, _)| index).collect();
    indices.into_iter().for_each(|index| modem.delete(memory, index));
}

/// `+CMGS=<length>`. 3GPP TS 27.005 §4.3.
pub(super) fn cmgs(modem: &mut Modem, form: &Form<'_>) -> Answer {
    match form {
        Form::Test => Answer::Ok,
        Form::Set(values) => {
            if let Some(code) = modem.refusal_of_prompt() {
                return cms(code);
            }
            prompt(modem, EntryKind::Send, values.number(0))
        }
        _ => ERROR,
    }
}

/// `+CMGW=<length>[,<stat>]`; 2, stored and not sent, when absent. 3GPP TS 27.005 §4.4.
pub(super) fn cmgw(modem: &mut Modem, form: &Form<'_>) -> Answer {
    let Form::Set(values) = form else {
        return if *form == Form::Test { Answer::Ok } else { ERROR };
    };
    let stat = match values.number::<u8>(1) {
        Some(0) => Stat::Unread,
        Some(1) => Stat::Read,
        Some(3) => Stat::Sent,
        Some(2) | None => Stat::Unsent,
        Some(4..) => return cms(NOT_SUPPORTED),
    };
    prompt(modem, EntryKind::Write(stat), values.number(0))
}

fn prompt(modem: &Modem, kind: EntryKind, tpdu_octets: Option<usize>) -> Answer {
    match tpdu_octets.filter(|n| TPDU_OCTETS.contains(n)) {
        Some(tpdu_octets) => Answer::Prompt(Entry { kind, tpdu_octets, asked_at: modem.clock }),
        None => cms(modem.make.invalid_pdu),
    }
}

/// From an SMS-SUBMIT with a short number and no text to the longest TPDU. 3GPP TS 23.040 §9.2.2.2.
const TPDU_OCTETS: std::ops::RangeInclusive<usize> = 7..=176;

fn cms(code: u16) -> Answer {
    Answer::Refused(Refusal::Cms(code))
}

/// Codes of 3GPP TS 27.005 §3.2.5 that the modem itself gives.
const NOT_ALLOWED: u16 = 302;
const NOT_SUPPORTED: u16 = 303;
const INVALID_INDEX: u16 = 321;
const NO_ACK_EXPECTED: u16 = 340;
const UNKNOWN: u16 = 500;
