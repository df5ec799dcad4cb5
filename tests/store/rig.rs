//! A store in a folder, and short words for what a gateway does with it.

use gsmgate::model::{
    AttemptId, Blame, Event, EventKind, Failure, FailureCause, Iccid, Label, MessageId, MessageKey, OnUncertain,
    PartKey, Priority, PublicState, StatusChange, Timestamp, UncertainReason,
};
use gsmgate::store::{
    Accepted, Claim, Closer, Config, InboundPart, InboundPdu, NewMessage, Receipt, Recovered, ReportIn, Step, Store,
    Verdict,
};
use gsmgate::tpdu::{Choice, ValidityPeriod, segment};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::oneshot;

pub(crate) const NOW: Timestamp = Timestamp(1_800_000_000_000);
pub(crate) const TTL: Duration = Duration::from_secs(86_400);
pub(crate) const TO: &str = "+491701234567";

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

pub(crate) fn sim() -> (Iccid, Label) {
    ("8949000000000001000".parse().unwrap(), "sim-1000".parse().unwrap())
}

pub(crate) fn id(text: &str) -> MessageId {
    text.parse().unwrap()
}

pub(crate) fn failure() -> Failure {
    Failure { blame: Blame::Network, cause: FailureCause::Temporary, code: Some(41) }
}

pub(crate) fn acked(mr: u8) -> Verdict {
    Verdict::Acked { mr: Some(mr), report_until: later(4 * 86_400), by_evidence: false }
}

pub(crate) fn ambiguous() -> Verdict {
    Verdict::Ambiguous { reason: UncertainReason::Timeout, code: None, resolve_at: later(120) }
}

/// A store that runs.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) recovered: Recovered,
    /// What the clock says.
    pub(crate) now: Timestamp,
    closer: Closer,
    next: i64,
}

impl Rig {
    pub(crate) fn open(dir: &Path) -> Rig {
        Rig::open_at(dir, NOW)
    }

    pub(crate) fn open_at(dir: &Path, now: Timestamp) -> Rig {
        Rig::with(&Config::new(dir), now)
    }

    pub(crate) fn with(config: &Config, now: Timestamp) -> Rig {
        let (store, recovered, closer) = Store::open(config, now).unwrap();
        let next = recovered.next_attempt.0;
        Rig { store, recovered, now, closer, next }
    }

    /// Ends in order.
    pub(crate) fn close(self) {
        drop(self.store);
        self.closer.close();
    }

    /// The folder as `kill -9` would leave it now.
    pub(crate) fn killed(dir: &Path) -> (tempfile::TempDir, PathBuf) {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            // What the kernel would forget with the process: the shared memory of the WAL, and the lock.
            if !["gsmgate.db-shm", "lock"].contains(&entry.file_name().to_str().unwrap()) {
                std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
        }
        let path = copy.path().to_owned();
        (copy, path)
    }

    pub(crate) fn message(name: &str, parts: usize) -> NewMessage {
        let text = "x".repeat(if parts == 1 { 5 } else { 153 * parts });
        NewMessage {
            id: id(name),
            digest: [1; 32],
            to: TO.parse().unwrap(),
            parts: segment::text(&text, Choice::Auto).unwrap(),
            port: None,
            class: None,
            priority: Priority::Normal,
            on_uncertain: OnUncertain::Resend,
            report: true,
            sim: None,
            not_before: NOW,
            send_at: None,
            expires_at: NOW.after(TTL),
            tags: vec!["tag".to_owned()],
        }
    }

    pub(crate) async fn accept(&self, name: &str, parts: usize) -> MessageKey {
        let (not_before, expires_at) = (self.now, self.now.after(TTL));
        let message = NewMessage { not_before, expires_at, ..Rig::message(name, parts) };
        let accepted = self.store.accept(vec![message], self.now).await.unwrap();
        let Accepted::New(key) = accepted[0] else { panic!("{name} is not new: {accepted:?}") };
        key
    }

    /// T2.
    pub(crate) fn claim(&mut self, message: MessageKey, seq: u8) -> AttemptId {
        self.claim_again(message, seq, None)
    }

    /// T2 after T7b.
    pub(crate) fn claim_again(&mut self, message: MessageKey, seq: u8, resend_of: Option<AttemptId>) -> AttemptId {
        let attempt = AttemptId(self.next);
        self.next += 1;
        let (iccid, label) = sim();
        let claim = Claim {
            attempt,
            part: PartKey { message, seq },
            iccid,
            sim: label,
            port: "/dev/ttyUSB0".into(),
            tpdu_sha256: [7; 32],
            validity: ValidityPeriod::Relative(167),
            routing: "the only SIM",
            resend_of,
            at: self.now,
        };
        self.store.step(vec![Step::Claim(claim)]).unwrap();
        attempt
    }

    /// T3; whether it was armed.
    pub(crate) async fn arm(&self, attempt: AttemptId) -> bool {
        self.arm_at(attempt, self.now).await
    }

    pub(crate) async fn arm_at(&self, attempt: AttemptId, at: Timestamp) -> bool {
        let (reply, armed) = oneshot::channel();
        let deadline = at.after(Duration::from_secs(180));
        self.store.step(vec![Step::Arm { attempt, at, deadline, reply }]).unwrap();
        armed.await.unwrap()
    }

    pub(crate) async fn send(&mut self, message: MessageKey, seq: u8) -> AttemptId {
        let attempt = self.claim(message, seq);
        assert!(self.arm(attempt).await);
        attempt
    }

    pub(crate) async fn end(&self, attempt: AttemptId, verdict: Verdict) {
        self.store.step(vec![Step::Ended { attempt, verdict, at: self.now }]).unwrap();
        self.settled().await;
    }

    /// Every step given so far is committed: nothing expires in 1970, but the answer comes after the commit.
    pub(crate) async fn settled(&self) {
        self.store.expire(Timestamp(0)).await.unwrap();
    }

    pub(crate) fn report(mr: u8, status: u8) -> ReportIn {
        let (iccid, sim) = sim();
        let scts = Some(NOW.0 / 1000);
        ReportIn { iccid, sim, mr, recipient: TO.to_owned(), scts, status, raw: vec![mr; 30], at: NOW }
    }

    /// A part of an incoming message; the octets decide which copy it is.
    pub(crate) fn pdu(raw: &[u8], part: Result<(u16, u8, u8), &str>) -> InboundPdu {
        let (iccid, sim) = sim();
        InboundPdu {
            id: format!("in-{:02x}", raw[0]),
            iccid,
            sim,
            place: Some(("ME".to_owned(), u16::from(raw[0]))),
            first_sweep: false,
            raw: raw.to_vec(),
            part: part.map_err(str::to_owned).map(|(reference, total, seq)| InboundPart {
                sender: "91+491700000001".to_owned(),
                reference,
                wide: false,
                total,
                seq,
                scts: Some(NOW.0 / 1000),
            }),
            at: NOW,
        }
    }

    pub(crate) async fn receive(&self, raw: &[u8], part: Result<(u16, u8, u8), &str>) -> Receipt {
        self.store.receive(Rig::pdu(raw, part)).await.unwrap()
    }

    /// T3, where it may be refused without an answer.
    pub(crate) async fn arms(&self, attempt: AttemptId) -> bool {
        let (reply, armed) = oneshot::channel();
        let deadline = NOW.after(Duration::from_secs(180));
        self.store.step(vec![Step::Arm { attempt, at: NOW, deadline, reply }]).unwrap();
        armed.await.unwrap_or(false)
    }

    pub(crate) async fn state(&self, name: &str) -> PublicState {
        self.store.message(id(name)).await.unwrap().unwrap().state
    }

    /// The whole log; it has no gap.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let events = self.store.events(0, 100_000).await.unwrap();
        let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "the log has no gap");
        events
    }

    /// The states of a message, as its events tell them.
    pub(crate) async fn story(&self, name: &str) -> Vec<&'static str> {
        Rig::of(self.events().await, name)
    }

    /// The same, of a log that has lost events.
    pub(crate) async fn story_after_damage(&self, name: &str) -> Vec<&'static str> {
        Rig::of(self.store.events(0, 100_000).await.unwrap(), name)
    }

    fn of(events: Vec<Event>, name: &str) -> Vec<&'static str> {
        let of = |event: Event| match event.kind {
            EventKind::Status(StatusChange { id, state, .. }) if id.as_str() == name => Some(state.word()),
            _ => None,
        };
        events.into_iter().filter_map(of).collect()
    }
}
