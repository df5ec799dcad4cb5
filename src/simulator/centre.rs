//! A tiny service centre: takes what the modems submit, routes it, reports on it, and holds what a SIM cannot take yet.
//!
//! All that is to happen later stands in one queue ordered by time.

use super::config::{SMSC, random};
use super::echo::EchoPhone;
use super::log::{What, at_us};
use super::odd::{self, ODD, OddMessage};
use super::receive::Arrival;
use super::{LabConfig, Moment, Submitted, Verdict};
use crate::tpdu::{
    Address, Choice, Concat, Dcs, Deliver, EncodeError, MessageReference, Pdu, Scts, SegmentError, Status,
    StatusReport, Submit, Tpdu, UserData, hex, join, segment,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Arrivals that wait for one SIM; the next ones are refused.
const WAITING_MAX: usize = 65_536;
/// Accepted messages that the duplicate filter knows.
const FILTERED_MAX: usize = 4096;

/// TP-FCS "SM Rejected – Duplicate SM". 3GPP TS 23.040 §9.2.3.22.
const DUPLICATE: u16 = 0xC5;
/// RP cause "Memory capacity exceeded". 3GPP TS 24.011 §8.2.5.4.
const CAPACITY: u16 = 22;

/// The service centre.
#[derive(Debug)]
pub(super) struct Centre {
    latency: Duration,
    report_delay: Duration,
    echo_delay: Duration,
    zone_quarters: i8,
    epoch_us: i64,
    /// Digits of the SIMs' numbers.
    numbers: Vec<String>,
    echo: EchoPhone,
    /// Ordered by time, then by order of entry.
    due: BTreeMap<(Moment, u64), Due>,
    entries: u64,
    waiting: Vec<Waiting>,
    /// Reports to be made when a virtual SIM has taken an arrival.
    on_delivery: BTreeMap<u64, Report>,
    filter: Option<Filter>,
    last_id: u64,
    /// Of the last long message from outside.
    reference: u8,
    random: u64,
}

/// What the centre does at its moment.
#[derive(Debug)]
enum Due {
    Decide(usize, Box<Submitted>),
    Hand(usize, Box<Deliver>, Option<Box<Report>>),
    Report(Box<Report>),
}

/// What came of a moment of the queue.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The centre has decided on a message of this modem.
    Decided(usize, MessageReference, Verdict, What),
    /// Something waits for this SIM.
    Waits(usize, What),
}

/// A report that is owed: to whom, and on what.
#[derive(Debug)]
struct Report {
    sim: usize,
    mr: MessageReference,
    ra: Address,
    scts: Scts,
    status: Status,
}

/// What a SIM has not taken yet. Reports and messages do not wait for each other.
#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Arrival>,
    reports: VecDeque<Arrival>,
}

/// Why something cannot be handed to a virtual SIM.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The lab has fewer modems.
    #[error("there is no modem {0}")]
    NoModem(usize),
    /// The text cannot be sent.
    #[error(transparent)]
    Text(#[from] SegmentError),
    /// The sender or the text cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Too many faults, or one that cannot be played.
    #[error("the fault is refused: {0}")]
    Fault(&'static str),
    /// Too much waits for the SIM already.
    #[error("{WAITING_MAX} messages wait for modem {0} already")]
    Full(usize),
}

impl Centre {
    pub(super) fn new(config: &LabConfig, epoch_us: i64) -> Centre {
        let mut state = !config.seed;
        Centre {
            latency: config.latency,
            report_delay: config.report_delay,
            echo_delay: config.echo_delay,
            zone_quarters: config.zone_quarters,
            epoch_us,
            numbers: (0..config.modems).map(|n| Address::from_number(&LabConfig::number(n)).text).collect(),
            echo: EchoPhone::new(&config.echo_number, random(&mut state) as u8),
            due: BTreeMap::new(),
            entries: 0,
            waiting: (0..config.modems).map(|_| Waiting::default()).collect(),
            on_delivery: BTreeMap::new(),
            filter: config.duplicate_filter.then(Filter::default),
            last_id: 0,
            reference: random(&mut state) as u8,
            random: state,
        }
    }

    /// A modem has put a message on the air.
    pub(super) fn submitted(&mut self, modem: usize, submitted: Box<Submitted>) {
        let at = submitted.at + self.latency;
        self.enter(at, Due::Decide(modem, submitted));
    }

    /// An SMS to a virtual SIM from outside, in as many parts as it needs; digits make the sender a number, anything
    /// else a name.
    pub(super) fn inject(&mut self, now: Moment, sim: usize, from: &str, text: &str) -> Result<(), NetworkError> {
        let segments = segment::text(text, Choice::Auto)?;
        if self.waiting[sim].messages.len() + segments.len() > WAITING_MAX {
            return Err(NetworkError::Full(sim));
        }
        let oa = sender(from);
        let total = segments.len() as u8;
        // Counted as phones do it, from where the seed says.
        self.reference = self.reference.wrapping_add(u8::from(total > 1));
        let reference = u16::from(self.reference);
        let delivers = segments.into_iter().zip(1..).map(|(segment, seq)| {
            let concat = (total > 1).then_some(Concat { reference, wide: false, total, seq });
            let dcs = segment.dcs(None);
            Deliver { oa: oa.clone(), dcs, ud: segment.user_data(concat, None), ..Deliver::default() }
        });
        let delivers: Vec<Deliver> = delivers.collect();
        delivers.iter().try_for_each(|deliver| deliver.encode().map(drop))?;
        for deliver in delivers {
            self.enter(now, Due::Hand(sim, Box::new(deliver), None));
        }
        Ok(())
    }

    /// Messages that are no plain text (F-18): this one, or one of each.
    pub(super) fn odd(&mut self, now: Moment, sim: usize, which: Option<OddMessage>) {
        for row in ODD.iter().filter(|(message, ..)| which.is_none_or(|which| which == *message)) {
            self.enter(now, Due::Hand(sim, Box::new(odd::deliver(row)), None));
        }
    }

    /// Two messages of three parts with one reference, in an order that the seed decides (F-22).
    pub(super) fn interleave(&mut self, now: Moment, sim: usize) {
        let reference = u16::from(random(&mut self.random) as u8);
        let mut parts = Vec::new();
        for from in INTERLEAVED {
            let Ok(segments) = segment::text(&from.repeat(30), Choice::Auto) else { return };
            let total = segments.len() as u8;
            for (segment, seq) in segments.into_iter().zip(1..) {
                let concat = Some(Concat { reference, wide: false, total, seq });
                let (oa, dcs) = (sender(from), segment.dcs(None));
                parts.push(Deliver { oa, dcs, ud: segment.user_data(concat, None), ..Deliver::default() });
            }
        }
        while !parts.is_empty() {
            let next = random(&mut self.random) as usize % parts.len();
            self.enter(now, Due::Hand(sim, Box::new(parts.swap_remove(next)), None));
        }
    }

    /// Octets to a virtual SIM, whatever they are; they begin with the service centre field.
    pub(super) fn inject_pdu(&mut self, sim: usize, pdu: Vec<u8>) -> Result<What, NetworkError> {
        let smsc_octets = 1 + pdu.first().map_or(0, |n| usize::from(*n));
        let tpdu_octets = pdu.len().saturating_sub(smsc_octets);
        let line = hex::encode(&pdu);
        self.last_id += 1;
        let id = self.last_id;
        let arrival = Arrival { id, is_report: false, pdu, tpdu_octets };
        let messages = &mut self.waiting[sim].messages;
        if messages.len() >= WAITING_MAX {
            return Err(NetworkError::Full(sim));
        }
        messages.push_back(arrival);
        Ok(What::Arrive { id, from: String::new(), text: String::new(), pdu: line })
    }

    /// An arrival that fills a slot (F-15), with its line for the log.
    pub(super) fn filler(&mut self, now: Moment) -> Option<(Arrival, What)> {
        let text = format!("filler {}", self.last_id + 1);
        let segment = segment::text(&text, Choice::Auto).ok()?.pop()?;
        let (oa, dcs) = (Address::from_name("filler"), segment.dcs(None));
        let deliver = Deliver { oa, dcs, ud: segment.user_data(None, None), ..Deliver::default() };
        self.arrival(now, deliver)
    }

    /// When the centre has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Moment> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next thing that is due by `now`, with its moment.
    pub(super) fn poll(&mut self, now: Moment) -> Option<(Moment, Option<Outcome>)> {
        if self.poll_timeout()? > now {
            return None;
        }
        let ((at, _), due) = self.due.pop_first()?;
        let outcome = match due {
            Due::Decide(modem, submitted) => Some(self.decide(at, modem, *submitted)),
            Due::Hand(sim, deliver, report) => self.hand(at, sim, *deliver, report),
            Due::Report(report) => self.report(at, *report),
        };
        Some((at, outcome))
    }

    /// Offers what waits for a SIM until it takes no more.
    pub(super) fn offer(&mut self, sim: usize, mut take: impl FnMut(Arrival) -> Result<(), Arrival>) {
        let Waiting { messages, reports } = &mut self.waiting[sim];
        for queue in [reports, messages] {
            while let Some(arrival) = queue.pop_front() {
                if let Err(arrival) = take(arrival) {
                    queue.push_front(arrival);
                    break;
                }
            }
        }
    }

    /// A SIM has this arrival: its sender may want to know.
    pub(super) fn taken(&mut self, now: Moment, id: u64) {
        if let Some(report) = self.on_delivery.remove(&id) {
            self.enter(now + self.report_delay, Due::Report(Box::new(report)));
        }
    }

    /// A modem could not hand this arrival on.
    pub(super) fn returned(&mut self, sim: usize, arrival: Arrival) {
        let Waiting { messages, reports } = &mut self.waiting[sim];
        let queue = if arrival.is_report { reports } else { messages };
        queue.push_front(arrival);
    }

    /// Messages and reports that wait for a SIM.
    pub(super) fn waiting(&self, sim: usize) -> usize {
        self.waiting[sim].messages.len() + self.waiting[sim].reports.len()
    }

    fn enter(&mut self, at: Moment, due: Due) {
        self.entries += 1;
        self.due.insert((at, self.entries), due);
    }

    /// RP-ACK or RP-ERROR, and what follows from an RP-ACK.
    fn decide(&mut self, at: Moment, modem: usize, submitted: Submitted) -> Outcome {
        let verdict = self.verdict(modem, &submitted);
        let what = self.submit_record(&submitted, verdict);
        let mr = submitted.mr;
        if verdict == Verdict::Accepted {
            self.accept(at, modem, submitted);
        }
        Outcome::Decided(modem, mr, verdict, what)
    }

    fn verdict(&mut self, modem: usize, submitted: &Submitted) -> Verdict {
        let Submitted { submit, mr, refuse_with, .. } = submitted;
        if let Some(code) = refuse_with {
            return Verdict::Refused(*code);
        }
        let to = self.sim_of(&submit.da);
        if to.is_some_and(|sim| self.waiting[sim].messages.len() >= WAITING_MAX) {
            return Verdict::Refused(CAPACITY);
        }
        let fresh = self.filter.as_mut().is_none_or(|filter| filter.enter(modem, *mr, &submit.da, submit.rd));
        if fresh { Verdict::Accepted } else { Verdict::Refused(DUPLICATE) }
    }

    fn accept(&mut self, at: Moment, modem: usize, submitted: Submitted) {
        let Submitted { submit, mr, report_status, .. } = submitted;
        for deliver in self.echo.hear(modem, &submit) {
            self.enter(at + self.echo_delay, Due::Hand(modem, Box::new(deliver), None));
        }
        let ra = submit.da.clone();
        let status = Status(report_status.unwrap_or(0));
        let mut report = submit.srr.then(|| Box::new(Report { sim: modem, mr, ra, scts: self.stamp(at), status }));
        if let Some(sim) = self.sim_of(&submit.da) {
            let oa = Address::from_number(&LabConfig::number(modem));
            let Submit { pid, dcs, ud, srr, rp, .. } = submit;
            let deliver = Deliver { oa, pid, dcs, ud, sri: srr, rp, ..Deliver::default() };
            // "Delivered" has to wait until it is; a scripted status has not.
            let on_delivery = report.take_if(|report| report.status == DELIVERED);
            self.enter(at, Due::Hand(sim, Box::new(deliver), on_delivery));
        }
        if let Some(report) = report {
            self.enter(at + self.report_delay, Due::Report(report));
        }
    }

    fn submit_record(&self, submitted: &Submitted, verdict: Verdict) -> What {
        let Submitted { submit, mr, asked_at, at, pdu, .. } = submitted;
        let concat = submit.ud.udh.concat();
        What::Submit {
            ok: verdict == Verdict::Accepted,
            code: match verdict {
                Verdict::Accepted => None,
                Verdict::Refused(code) => Some(code),
            },
            cmgs_at_us: at_us(self.epoch_us, *asked_at),
            payload_at_us: at_us(self.epoch_us, *at),
            to: submit.da.to_string(),
            mr: mr.0,
            text: text(submit.dcs, &submit.ud),
            reference: concat.map(|concat| concat.reference),
            parts: concat.map_or(1, |concat| concat.total),
            part: concat.map_or(1, |concat| concat.seq),
            srr: submit.srr,
            rd: submit.rd,
            dcs: submit.dcs.0,
            pdu: hex::encode(pdu),
        }
    }

    fn hand(&mut self, at: Moment, sim: usize, deliver: Deliver, report: Option<Box<Report>>) -> Option<Outcome> {
        if self.waiting[sim].messages.len() >= WAITING_MAX {
            return None;
        }
        let (arrival, what) = self.arrival(at, deliver)?;
        let id = arrival.id;
        self.waiting[sim].messages.push_back(arrival);
        if let Some(report) = report {
            self.on_delivery.insert(id, *report);
        }
        Some(Outcome::Waits(sim, what))
    }

    fn arrival(&mut self, at: Moment, deliver: Deliver) -> Option<(Arrival, What)> {
        let deliver = Deliver { scts: self.stamp(at), ..deliver };
        let (from, text) = (deliver.oa.to_string(), text(deliver.dcs, &deliver.ud));
        let arrival = self.numbered(deliver, false)?;
        let what = What::Arrive { id: arrival.id, from, text, pdu: hex::encode(&arrival.pdu) };
        Some((arrival, what))
    }

    fn report(&mut self, at: Moment, report: Report) -> Option<Outcome> {
        let Report { sim, mr, ra, scts, status } = report;
        let to = ra.to_string();
        let report = StatusReport { mr, ra, scts, dt: self.stamp(at), st: status, ..StatusReport::default() };
        let arrival = self.numbered(report, true)?;
        let what = What::Report { id: arrival.id, mr: mr.0, to, status: status.0, pdu: hex::encode(&arrival.pdu) };
        let reports = &mut self.waiting[sim].reports;
        if reports.len() >= WAITING_MAX {
            return None;
        }
        reports.push_back(arrival);
        Some(Outcome::Waits(sim, what))
    }

    /// `None` for what cannot be encoded: a text that a SIM submitted in a form of its own making.
    fn numbered<T: Tpdu>(&mut self, tpdu: T, is_report: bool) -> Option<Arrival> {
        let smsc = Some(Address::from_number(SMSC));
        let (pdu, tpdu_octets) = Pdu { smsc, tpdu }.encode().ok()?;
        self.last_id += 1;
        Some(Arrival { id: self.last_id, is_report, pdu, tpdu_octets })
    }

    /// The centre's clock; all digits 0 outside the years and zones that TP-SCTS can show.
    fn stamp(&self, at: Moment) -> Scts {
        let seconds = at_us(self.epoch_us, at).div_euclid(1_000_000);
        Scts::from_unix(seconds, self.zone_quarters).unwrap_or_default()
    }

    fn sim_of(&self, to: &Address) -> Option<usize> {
        let digits = if to.is_alphanumeric() { return None } else { &to.text };
        self.numbers.iter().position(|number| number == digits)
    }
}

/// Who sends the messages of F-22; each repeats its own number.
const INTERLEAVED: [&str; 2] = ["+491700000001", "+491700000002"];

const DELIVERED: Status = Status(0);

/// The accepted messages that TP-RD is checked against. 3GPP TS 23.040 §9.2.3.25.
#[derive(Debug, Default)]
struct Filter(VecDeque<(usize, MessageReference, String)>);

impl Filter {
    /// False for a message with TP-RD that was entered before.
    fn enter(&mut self, modem: usize, mr: MessageReference, to: &Address, rd: bool) -> bool {
        let key = (modem, mr, to.text.clone());
        if rd && self.0.contains(&key) {
            return false;
        }
        if self.0.len() == FILTERED_MAX {
            self.0.pop_front();
        }
        self.0.push_back(key);
        true
    }
}

/// A number when it looks like one, else a name.
fn sender(from: &str) -> Address {
    let digits = from.trim_start_matches('+');
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Address::from_number(from);
    }
    Address::from_name(from)
}

/// The text of one part, decoded alone.
fn text(dcs: Dcs, ud: &UserData) -> String {
    join::text(&[(&dcs, ud)])
}
