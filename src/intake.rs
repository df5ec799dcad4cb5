//! What drivers receive goes into the store; only then may it leave the SIM.

use crate::model::{Iccid, Label, Timestamp};
use crate::modem::{Disposal, Place, Received};
use crate::store::{InboundPart, InboundPdu, ReportIn, SimSeen, Store, StoreError};
use crate::tpdu::{Deliver, Incoming, StatusReport};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// PDUs that are on their way into the store at a time: as many may share a commit.
const IN_FLIGHT: usize = 64;
/// A message this much older than the first sight of its SIM belongs to whoever had the SIM before.
const STRANGE_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A process that ends so soon after it saw a SIM first may not have looked through it.
const NEW_FOR: Duration = Duration::from_secs(10 * 60);

/// What to do with old messages on a SIM that this gateway has never seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Adopt {
    /// They stay on the SIM and are not published.
    #[default]
    Keep,
    /// They are published and deleted like any other.
    Publish,
}

/// Gives the label of a SIM in a modem (by index).
pub type NameSim = Box<dyn Fn(usize, &Iccid) -> Label + Send>;

/// What the intake needs to know.
pub struct Settings {
    /// Old messages on a new SIM. Default keep.
    pub adopt: Adopt,
    /// The label of a SIM in a modem (by index).
    pub name_sim: NameSim,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("adopt", &self.adopt).finish_non_exhaustive()
    }
}

/// Runs until every driver is gone and what they gave is committed.
pub async fn run(received: mpsc::Receiver<Received>, store: Store, settings: Settings) {
    let started = (settings.clock)();
    Intake { store, settings, started, sims: HashMap::new(), in_flight: JoinSet::new() }.run(received).await;
}

struct Intake {
    store: Store,
    settings: Settings,
    started: Timestamp,
    sims: HashMap<Iccid, SimSeen>,
    in_flight: JoinSet<()>,
}

impl Intake {
    async fn run(mut self, mut received: mpsc::Receiver<Received>) {
        let mut batch = Vec::with_capacity(IN_FLIGHT);
        while received.recv_many(&mut batch, IN_FLIGHT).await > 0 {
            for one in batch.drain(..) {
                while self.in_flight.len() >= IN_FLIGHT {
                    self.in_flight.join_next().await;
                }
                self.handle(one).await;
            }
            while self.in_flight.try_join_next().is_some() {}
        }
        while self.in_flight.join_next().await.is_some() {}
    }

    /// Brings one PDU on its way. Whatever goes wrong drops `stored`: the PDU stays where it is and comes again.
    async fn handle(&mut self, received: Received) {
        let at = (self.settings.clock)();
        let sim = (self.settings.name_sim)(received.modem, &received.iccid);
        let decoded = Incoming::decode(&received.pdu).map_err(|error| error.to_string());
        if let Ok(Incoming::Deliver(pdu)) = &decoded
            && received.first_sweep
        {
            match self.is_strange(&received, &sim, &pdu.tpdu, at).await {
                Ok(false) => {}
                Ok(true) => return answer(received.stored, Disposal::Keep),
                Err(error) => return tracing::error!(%error, "a received PDU could not be kept; it stays where it is"),
            }
        }
        let store = self.store.clone();
        match decoded {
            Ok(Incoming::StatusReport(pdu)) if !pdu.tpdu.srq => {
                let report = report_in(received.iccid, sim, &pdu.tpdu, received.pdu, at);
                let stored = received.stored;
                self.in_flight.spawn(async move { settle(store.report(report).await, stored) });
            }
            decoded => {
                let (received, stored) = (inbound_pdu(&received, sim, decoded, at), received.stored);
                self.in_flight.spawn(async move { settle(store.receive(received).await, stored) });
            }
        }
    }

    /// True for what was on a SIM long before it was ours. That is found out when the SIM is seen for the first time
    /// or soon after, and remembered; later no time stamp makes a message strange.
    async fn is_strange(
        &mut self,
        received: &Received,
        sim: &Label,
        message: &Deliver,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.settings.adopt == Adopt::Publish {
            return Ok(false);
        }
        let seen = match self.sims.entry(received.iccid.clone()) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(new) => {
                let iccid = received.iccid.clone();
                new.insert(self.store.sim_seen(iccid, sim.clone(), at).await?)
            }
        };
        let sha256: [u8; 32] = Sha256::digest(&received.pdu).into();
        if seen.left_alone.contains(&sha256) {
            return Ok(true);
        }
        let sent_at = message.scts.unix_seconds().map(|seconds| Timestamp(seconds.saturating_mul(1000)));
        let old = sent_at.is_some_and(|sent_at| sent_at.after(STRANGE_AFTER) < seen.first);
        let is_new = seen.first >= self.started || at < seen.first.after(NEW_FOR);
        if !old || !is_new {
            return Ok(false);
        }
        tracing::info!(%sim, "an old message on a new SIM stays there; set adopt = \"publish\" to take such in");
        self.store.leave_alone(received.iccid.clone(), sha256).await?;
        seen.left_alone.insert(sha256);
        Ok(true)
    }
}

fn settle<T>(kept: Result<T, StoreError>, stored: oneshot::Sender<Disposal>) {
    match kept {
        Ok(_) => answer(stored, Disposal::Delete),
        Err(error) => tracing::error!(%error, "a received PDU could not be kept; it stays where it is"),
    }
}

fn answer(stored: oneshot::Sender<Disposal>, disposal: Disposal) {
    // A driver that lost its port finds the PDU again at the next sweep.
    let _ = stored.send(disposal);
}

fn report_in(iccid: Iccid, sim: Label, report: &StatusReport, raw: Vec<u8>, at: Timestamp) -> ReportIn {
    ReportIn {
        iccid,
        sim,
        mr: report.mr.0,
        recipient: report.ra.to_string(),
        scts: report.scts.unix_seconds(),
        status: report.st.0,
        raw,
        at,
    }
}

fn inbound_pdu(received: &Received, sim: Label, decoded: Result<Incoming, String>, at: Timestamp) -> InboundPdu {
    let part = match decoded {
        Ok(Incoming::Deliver(pdu)) => part(&pdu.tpdu),
        Ok(Incoming::StatusReport(_)) => Err("a report on an SMS-COMMAND, which this gateway never sends".to_owned()),
        Ok(Incoming::SubmitReport(_)) => Err("an SMS-SUBMIT-REPORT, which is an answer and not a message".to_owned()),
        Err(error) => Err(error),
    };
    let place = match &received.place {
        Place::Stored { memory, index } => Some((memory.clone(), *index)),
        Place::Routed => None,
    };
    InboundPdu {
        id: ulid::Ulid::generate().to_string().to_ascii_lowercase(),
        iccid: received.iccid.clone(),
        sim,
        place,
        first_sweep: received.first_sweep,
        raw: received.pdu.clone(),
        part,
        at,
    }
}

/// Where a message belongs; or why it is kept and published raw, never acted upon (threat T-05).
fn part(message: &Deliver) -> Result<InboundPart, String> {
    let odd = if message.pid.is_type_0() {
        Some("short message type 0, which no phone shows")
    } else if matches!(message.pid.0, ME_DOWNLOAD..=SIM_DOWNLOAD) {
        Some("a download for the SIM or the modem")
    } else if message.ud.udh.0.iter().any(|element| matches!(element.iei, FIRST_TOOLKIT..=LAST_TOOLKIT)) {
        Some("a SIM toolkit security header")
    } else if message.dcs.is_compressed() {
        Some("compressed text")
    } else if message.dcs.message_waiting().is_some() {
        Some("a message waiting indication")
    } else if message.dcs.class() == Some(crate::tpdu::MessageClass::Class2) {
        Some("a message of class 2, for the SIM")
    } else {
        None
    };
    if let Some(odd) = odd {
        return Err(odd.to_owned());
    }
    Ok(InboundPart::of(message))
}

/// TP-PID of ME data download, ME de-personalisation and SIM data download. 3GPP TS 23.040 §9.2.3.9.
const ME_DOWNLOAD: u8 = 0x7D;
const SIM_DOWNLOAD: u8 = 0x7F;
/// Information elements of SIM toolkit security headers. 3GPP TS 23.040 §9.2.3.24.7.
const FIRST_TOOLKIT: u8 = 0x70;
const LAST_TOOLKIT: u8 = 0x7F;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, EventKind};
    use crate::store::Config;
    use crate::tpdu::{Address, Alphabet, Dcs, InformationElement, Pdu, Pid, Scts, Udh, UserData};

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn deliver(text: &str) -> Deliver {
        let payload = crate::tpdu::gsm7::encode(text).unwrap();
        Deliver {
            oa: Address::from_number("+491701234567"),
            scts: Scts::from_unix(NOW.0 / 1000, 4).unwrap(),
            ud: UserData { udh: Udh::default(), payload },
            ..Deliver::default()
        }
    }

    fn pdu(tpdu: Deliver) -> Vec<u8> {
        Pdu { smsc: None, tpdu }.encode().unwrap().0
    }

    fn name_sim() -> NameSim {
        Box::new(|_, _| "sim-1".parse().unwrap())
    }

    struct Rig {
        dir: tempfile::TempDir,
        store: Store,
        closer: crate::store::Closer,
        sender: mpsc::Sender<Received>,
        task: tokio::task::JoinHandle<()>,
        next_index: u16,
    }

    impl Rig {
        fn new(adopt: Adopt) -> Rig {
            Rig::start(tempfile::tempdir().unwrap(), Settings { adopt, name_sim: name_sim(), clock: || NOW })
        }

        fn start(dir: tempfile::TempDir, settings: Settings) -> Rig {
            let (store, _, closer) = Store::open(&Config::new(dir.path()), NOW).unwrap();
            let (sender, received) = mpsc::channel(64);
            let task = tokio::spawn(run(received, store.clone(), settings));
            Rig { dir, store, closer, sender, task, next_index: 0 }
        }

        /// Another process, later.
        async fn restart(self, clock: fn() -> Timestamp) -> Rig {
            drop(self.sender);
            self.task.await.unwrap();
            self.closer.close();
            drop(self.store);
            Rig::start(self.dir, Settings { adopt: Adopt::Keep, name_sim: name_sim(), clock })
        }

        async fn give(&mut self, pdu: Vec<u8>, first_sweep: bool) -> Result<Disposal, oneshot::error::RecvError> {
            let (stored, answer) = oneshot::channel();
            self.next_index += 1;
            let place = Place::Stored { memory: "SM".into(), index: self.next_index };
            let iccid = "8949000000000001000".parse().unwrap();
            self.sender.send(Received { modem: 0, iccid, place, pdu, first_sweep, stored }).await.unwrap();
            answer.await
        }

        async fn end(self) -> Vec<Event> {
            drop(self.sender);
            self.task.await.unwrap();
            self.store.events(0, 100).await.unwrap()
        }
    }

    #[tokio::test]
    async fn everything_becomes_an_event_and_frees_its_slot() {
        let octets = InformationElement { iei: InformationElement::PORTS_16, data: vec![0x0B, 0x84, 0x23, 0xF0] };
        let toolkit = InformationElement { iei: 0x70, data: vec![] };
        let data = |element| UserData { udh: Udh(vec![element]), payload: vec![1, 2, 3] };
        let eight_bit = Dcs::new(Alphabet::Octets, None);
        let cases = [
            ("a text", "text", pdu(deliver("hello"))),
            ("data for a port", "data", pdu(Deliver { dcs: eight_bit, ud: data(octets), ..deliver("") })),
            ("data without a port", "data", pdu(Deliver { dcs: eight_bit, ..deliver("") })),
            ("a flash text", "text", pdu(Deliver { dcs: Dcs(0x10), ..deliver("flash") })),
            ("type 0", "raw", pdu(Deliver { pid: Pid(0x40), ..deliver("") })),
            ("class 2", "raw", pdu(Deliver { dcs: Dcs(0x12), ..deliver("x") })),
            ("message waiting", "raw", pdu(Deliver { dcs: Dcs(0xC8), ..deliver("") })),
            ("compressed", "raw", pdu(Deliver { dcs: Dcs(0x20), ..deliver("x") })),
            ("SIM download", "raw", pdu(Deliver { pid: Pid(0x7F), ..deliver("x") })),
            ("toolkit header", "raw", pdu(Deliver { dcs: eight_bit, ud: data(toolkit), ..deliver("") })),
            ("an empty record", "raw", vec![]),
            ("cut off", "raw", pdu(deliver("hello"))[..9].to_vec()),
            ("a message of our own", "raw", vec![0x00, 0x11, 0x00, 0x03, 0x81, 0x21, 0xF3, 0x00, 0x00, 0x00, 0x00]),
        ];
        let mut rig = Rig::new(Adopt::Keep);
        for (name, _, pdu) in &cases {
            assert_eq!(rig.give(pdu.clone(), false).await, Ok(Disposal::Delete), "{name}");
        }
        let kinds = rig.end().await.into_iter().map(|event| match event.kind {
            EventKind::Inbound(event) if event.data.is_some() => "data",
            EventKind::Inbound(event) if event.text.is_some() => "text",
            EventKind::Raw(raw) if !raw.reason.is_empty() => "raw",
            other => panic!("{other:?}"),
        });
        assert_eq!(kinds.collect::<Vec<_>>(), cases.map(|(_, kind, _)| kind));
    }

    #[tokio::test]
    async fn a_new_sim_keeps_what_is_old() {
        let day = 24 * 3600;
        let at = |seconds_ago: i64| Scts::from_unix(NOW.0 / 1000 - seconds_ago, 0).unwrap();
        for (name, adopt, age, first_sweep, disposal) in [
            ("old", Adopt::Keep, day + 10, true, Disposal::Keep),
            ("young", Adopt::Keep, day - 10, true, Disposal::Delete),
            ("old, but it came just now", Adopt::Keep, day + 10, false, Disposal::Delete),
            ("old, and wanted", Adopt::Publish, day + 10, true, Disposal::Delete),
        ] {
            let mut rig = Rig::new(adopt);
            let message = Deliver { scts: at(age), ..deliver("x") };
            assert_eq!(rig.give(pdu(message), first_sweep).await, Ok(disposal), "{name}");
            assert_eq!(rig.end().await.len(), usize::from(disposal == Disposal::Delete), "{name}");
        }
    }

    #[tokio::test]
    async fn what_was_left_on_a_sim_stays_over_a_restart() {
        let old = |text: &str| Deliver { scts: Scts::from_unix(NOW.0 / 1000 - 100_000, 0).unwrap(), ..deliver(text) };
        let mut rig = Rig::new(Adopt::Keep);
        assert_eq!(rig.give(pdu(old("theirs")), true).await, Ok(Disposal::Keep));
        let mut rig = rig.restart(|| NOW.after(NEW_FOR)).await;
        assert_eq!(rig.give(pdu(old("theirs")), true).await, Ok(Disposal::Keep));
        // It came while nobody looked, with a time stamp that lies: it is ours.
        assert_eq!(rig.give(pdu(old("ours")), true).await, Ok(Disposal::Delete));
        assert_eq!(rig.end().await.len(), 1);
    }

    /// The SIM's row is there as soon as the SIM is seen, and the process may end before it has looked through it.
    #[tokio::test]
    async fn a_sim_is_new_for_a_while() {
        let old = |text: &str| Deliver { scts: Scts::from_unix(NOW.0 / 1000 - 100_000, 0).unwrap(), ..deliver(text) };
        let rig = Rig::new(Adopt::Keep);
        rig.store.sim_seen("8949000000000001000".parse().unwrap(), "sim-1".parse().unwrap(), NOW).await.unwrap();
        let mut rig = rig.restart(|| NOW.after(NEW_FOR - Duration::from_secs(1))).await;
        assert_eq!(rig.give(pdu(old("theirs")), true).await, Ok(Disposal::Keep));
        assert_eq!(rig.end().await, []);
    }

    #[tokio::test]
    async fn a_store_that_fails_leaves_it_on_the_sim() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _, closer) = Store::open(&Config::new(dir.path()), NOW).unwrap();
        closer.close();
        let (sender, received) = mpsc::channel(1);
        let settings = Settings { adopt: Adopt::Keep, name_sim: name_sim(), clock: || NOW };
        let task = tokio::spawn(run(received, store, settings));
        let (stored, answer) = oneshot::channel();
        let iccid = "8949000000000001000".parse().unwrap();
        let pdu = pdu(deliver("x"));
        let one = Received { modem: 0, iccid, place: Place::Routed, pdu, first_sweep: false, stored };
        sender.send(one).await.unwrap();
        assert!(answer.await.is_err());
        drop(sender);
        task.await.unwrap();
    }
}
