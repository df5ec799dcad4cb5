//! The lab in virtual time, its ports, and what hostile hosts may do to it.

mod dialogues;
mod faults;
mod hostile;
mod network;
mod personalities;
mod ports;

use super::*;
use crate::tpdu::{
    Address, Choice, Concat, Deliver, Incoming, MessageReference, Pdu, StatusReport, Submit, ValidityPeriod, hex, join,
    segment,
};
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// 2026-11-25 00:00:00 UTC.
const EPOCH: i64 = 1_795_564_800;

/// A configuration in which nothing takes time, except what a test wants to.
fn quick(modems: usize) -> LabConfig {
    LabConfig {
        modems,
        latency: Duration::ZERO,
        report_delay: Duration::ZERO,
        echo_delay: Duration::ZERO,
        epoch: Some(EPOCH),
        ..LabConfig::default()
    }
}

/// A network, a clock, and what each host has heard.
struct Bench {
    network: Network,
    now: Moment,
    /// How many octets the host gives the line at a time.
    chunk: usize,
    records: Vec<Record>,
    plugs: Vec<(Moment, PlugEvent)>,
}

impl Bench {
    fn new(config: LabConfig) -> Bench {
        let network = Network::new(&config, EPOCH * 1_000_000).unwrap();
        Bench { network, now: Moment::ZERO, chunk: usize::MAX, records: Vec::new(), plugs: Vec::new() }
    }

    /// With the echo off on all modems, CMEE 1, and what `setup` says.
    fn set_up(config: LabConfig, setup: &str) -> Bench {
        let mut bench = Bench::new(config);
        for modem in 0..bench.network.modems() {
            assert!(bench.say(modem, &format!("ATE0+CMEE=1;{setup}\r")).ends_with("\r\nOK\r\n"), "{setup}");
        }
        bench
    }

    /// Says something to a modem; answers what it says at once.
    fn say(&mut self, modem: usize, text: &str) -> String {
        for chunk in text.as_bytes().chunks(self.chunk.min(text.len().max(1))) {
            self.network.handle_bytes(self.now, modem, chunk);
        }
        self.heard(modem)
    }

    /// What a modem has said by now.
    fn heard(&mut self, modem: usize) -> String {
        let octets = self.network.poll_transmit(self.now, modem).unwrap_or_default();
        self.take();
        String::from_utf8(octets).unwrap()
    }

    /// Lets time pass, from deadline to deadline; answers what a modem says meanwhile.
    fn wait(&mut self, modem: usize, span: Duration) -> String {
        let end = self.now + span;
        let mut heard = self.heard(modem);
        while let Some(next) = self.network.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.network.handle_timeout(self.now);
            // Whoever does not listen leaves deadlines in the past.
            for other in 0..self.network.modems() {
                let octets = self.network.poll_transmit(self.now, other).unwrap_or_default();
                if other == modem {
                    heard += &String::from_utf8(octets).unwrap();
                }
            }
            self.take();
        }
        self.now = end;
        heard
    }

    fn take(&mut self) {
        self.records.extend(self.network.take_records());
        while let Some(event) = self.network.poll_plug() {
            self.plugs.push((self.now, event));
        }
    }

    /// Sends one SMS; answers what comes after the payload.
    fn send(&mut self, modem: usize, submit: &Submit) -> String {
        let (line, octets) = pdu(submit);
        assert_eq!(self.say(modem, &format!("AT+CMGS={octets}\r")), "\r\n> ");
        self.say(modem, &format!("{line}\x1a"))
    }

    fn fault(&mut self, fault: Fault) {
        self.network.add_fault(self.now, fault).unwrap();
        self.take();
    }

    /// The texts of the submits that were accepted.
    fn accepted(&self) -> Vec<&str> {
        let accepted = self.records.iter().filter_map(|record| match &record.what {
            What::Submit { ok: true, text, .. } => Some(text.as_str()),
            _ => None,
        });
        accepted.collect()
    }

    fn count(&self, wanted: impl Fn(&What) -> bool) -> usize {
        self.records.iter().filter(|record| wanted(&record.what)).count()
    }

    /// When each record of a kind was made.
    fn at(&self, wanted: impl Fn(&What) -> bool) -> Vec<Duration> {
        let chosen = self.records.iter().filter(|record| wanted(&record.what));
        chosen.map(|record| Duration::from_micros((record.at_us - EPOCH * 1_000_000) as u64)).collect()
    }
}

/// An SMS-SUBMIT of one part.
fn submit(to: &str, text: &str) -> Submit {
    parts(to, text, 7).remove(0)
}

/// The SMS-SUBMITs of a text.
fn parts(to: &str, text: &str, reference: u16) -> Vec<Submit> {
    let segments = segment::text(text, Choice::Auto).unwrap();
    let total = segments.len() as u8;
    let part = |(segment, seq): (segment::Segment, u8)| Submit {
        da: Address::from_number(to),
        dcs: segment.dcs(None),
        vp: Some(ValidityPeriod::Relative(167)),
        ud: segment.user_data((total > 1).then_some(Concat { reference, wide: false, total, seq }), None),
        ..Submit::default()
    };
    segments.into_iter().zip(1..).map(part).collect()
}

fn with_report(submit: Submit) -> Submit {
    Submit { srr: true, ..submit }
}

/// The line for `AT+CMGS` and its length.
fn pdu(submit: &Submit) -> (String, usize) {
    Pdu { smsc: None, tpdu: submit.clone() }.to_hex().unwrap()
}

/// TP-MR in `\r\n+CMGS: n\r\n\r\nOK\r\n`.
fn mr(answer: &str) -> u8 {
    let n = answer.strip_prefix("\r\n+CMGS: ").and_then(|rest| rest.strip_suffix("\r\n\r\nOK\r\n"));
    n.unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
}

/// The PDUs in what a modem has said: lines of hex.
fn incoming(heard: &str) -> Vec<Incoming> {
    let lines = heard.split("\r\n").filter(|line| line.len() > 20 && line.bytes().all(|b| b.is_ascii_hexdigit()));
    lines.map(|line| Incoming::decode(&hex::decode(line).unwrap()).unwrap()).collect()
}

fn delivers(heard: &str) -> Vec<Deliver> {
    let each = incoming(heard).into_iter().filter_map(|incoming| match incoming {
        Incoming::Deliver(pdu) => Some(pdu.tpdu),
        Incoming::StatusReport(_) | Incoming::SubmitReport(_) => None,
    });
    each.collect()
}

fn reports(heard: &str) -> Vec<StatusReport> {
    let each = incoming(heard).into_iter().filter_map(|incoming| match incoming {
        Incoming::StatusReport(pdu) => Some(pdu.tpdu),
        Incoming::Deliver(_) | Incoming::SubmitReport(_) => None,
    });
    each.collect()
}

fn text_of(delivers: &[Deliver]) -> String {
    let parts: Vec<_> = delivers.iter().map(|deliver| (&deliver.dcs, &deliver.ud)).collect();
    join::text(&parts)
}
