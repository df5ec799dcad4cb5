//! The scheduler with the real store, and lanes that the test plays.

use super::*;
use crate::model::{
    Event, EventKind, Label, MessageId, ModemStatus, OnUncertain, PublicState, RecoveryCounts, Registration, SimStatus,
    StatusChange,
};
use crate::slots::Outgoing;
use crate::store::{self, Closer, NewMessage};
use crate::tpdu::{Choice, segment};
use std::cell::Cell;

mod faults;

thread_local! {
    /// A test and its tasks share one thread. Far from the wall clock, so that a forgotten one shows.
    static CLOCK: Cell<i64> = const { Cell::new(1_000_000_000_000) };
}

fn clock() -> Timestamp {
    Timestamp(CLOCK.get())
}

fn pass(span: Duration) {
    CLOCK.set(clock().after(span).0);
}

struct Stage {
    store: Store,
    wake: Wake,
    slots: Slots,
    /// The driver's end of every lane.
    outgoing: Vec<mpsc::Receiver<Outgoing>>,
    events: mpsc::Sender<LaneEvent>,
    statuses: Vec<watch::Sender<ModemStatus>>,
    changed: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    scheduler: tokio::task::JoinHandle<Result<(), StoreError>>,
    seen: u64,
    closer: Closer,
    dir: tempfile::TempDir,
}

fn status(n: usize) -> ModemStatus {
    let sim = SimStatus {
        iccid: format!("894900000000000100{n}").parse().unwrap(),
        imsi: None,
        operator: None,
        registration: Registration::Home,
        signal_dbm: None,
        bit_errors: None,
        cell: crate::model::Cell::default(),
        number: None,
        storage: Vec::new(),
    };
    ModemStatus {
        label: format!("modem-{n}").parse().unwrap(),
        port: "none".into(),
        phase: ModemPhase::Ready,
        reason: None,
        imei: None,
        manufacturer: None,
        model: None,
        firmware: None,
        sim: Some(sim),
        opened: 1,
        recovery: RecoveryCounts::default(),
        temperature_tenths: None,
        supply_mv: None,
    }
}

fn message(id: &str, text: &str) -> NewMessage {
    NewMessage {
        id: id.parse().unwrap(),
        digest: [0; 32],
        to: "+491705550001".parse().unwrap(),
        parts: segment::text(text, Choice::Auto).unwrap(),
        port: None,
        class: None,
        priority: Priority::Normal,
        on_uncertain: OnUncertain::Resend,
        report: true,
        sim: None,
        not_before: clock(),
        send_at: None,
        expires_at: clock().after(Duration::from_secs(86_400)),
        tags: Vec::new(),
    }
}

impl Stage {
    fn new(lanes: usize, config: Config) -> Stage {
        let dir = tempfile::tempdir().unwrap();
        let (store, recovered, closer) = Store::open(&store::Config::new(dir.path()), clock()).unwrap();
        let (statuses, watches): (Vec<_>, Vec<_>) = (0..lanes).map(|n| watch::channel(status(n))).unzip();
        let (changed, changes) = watch::channel(0);
        let (give, outgoing): (Vec<_>, Vec<_>) = (0..lanes).map(|_| mpsc::channel(lane::DEPTH)).unzip();
        let (join, joining) = mpsc::channel(lanes.max(1));
        give.into_iter().for_each(|lane| join.try_send(lane).unwrap());
        let (events, receiver) = mpsc::channel(16);
        let (stop, stopped) = watch::channel(false);
        let wake = Wake::default();
        let slots = Slots::played(watches, changes);
        let wiring = Wiring {
            store: store.clone(),
            slots: slots.clone(),
            lanes: Lanes { joining, events: receiver },
            wake: wake.clone(),
            next_attempt: recovered.next_attempt,
            clock,
            seed: 1,
        };
        let scheduler = tokio::spawn(run(config, wiring, stopped));
        Stage { store, wake, slots, outgoing, events, statuses, changed, stop, scheduler, seen: 0, closer, dir }
    }

    async fn accept(&self, id: &str, text: &str, on_uncertain: OnUncertain) -> MessageId {
        self.accept_as(Priority::Normal, id, text, on_uncertain).await
    }

    async fn accept_as(&self, priority: Priority, id: &str, text: &str, on_uncertain: OnUncertain) -> MessageId {
        self.put(NewMessage { priority, on_uncertain, ..message(id, text) }).await
    }

    /// For the SIM of that lane only.
    async fn accept_pinned(&self, lane: usize, id: &str) -> MessageId {
        let iccid = status(lane).sim.unwrap().iccid;
        self.put(NewMessage { sim: Some(self.slots.sim_label(lane, &iccid)), ..message(id, "text") }).await
    }

    async fn put(&self, message: NewMessage) -> MessageId {
        let (id, priority) = (message.id.clone(), message.priority);
        self.store.accept(vec![message], clock()).await.unwrap();
        self.wake.wake(priority);
        id
    }

    async fn tell(&self, modem: usize, kind: LaneEventKind) {
        self.events.send(LaneEvent { modem, kind }).await.unwrap();
    }

    /// The modem of a lane is there, or is not; the scheduler has heard of it.
    async fn set_ready(&self, lane: usize, ready: bool) {
        let phase = if ready { ModemPhase::Ready } else { ModemPhase::Offline };
        self.statuses[lane].send_modify(|status| status.phase = phase);
        self.changed.send_modify(|n| *n += 1);
        self.tell(lane, LaneEventKind::Started(AttemptId(0))).await;
        self.heard().await;
    }

    /// The scheduler has taken every event, and all else that was there for it: it waits for nothing in between.
    async fn heard(&self) {
        while self.events.capacity() < self.events.max_capacity() && !self.events.is_closed() {
            tokio::task::yield_now().await;
        }
    }

    /// What the lane is given next.
    async fn given(&mut self, lane: usize) -> Outgoing {
        let outgoing = tokio::time::timeout(Duration::from_secs(10), self.outgoing[lane].recv()).await;
        outgoing.unwrap_or_else(|_| panic!("lane {lane} gets no part")).unwrap()
    }

    /// Begins the send that the lane holds, and says whether it was armed.
    async fn start(&mut self, lane: usize) -> (AttemptId, bool) {
        let outgoing = self.given(lane).await;
        self.tell(lane, LaneEventKind::Started(outgoing.attempt)).await;
        (outgoing.attempt, outgoing.armed.await.unwrap_or(false))
    }

    /// A part goes out by the lane.
    async fn send(&mut self, lane: usize, mr: u8) {
        let (attempt, armed) = self.start(lane).await;
        assert!(armed);
        self.end(lane, attempt, SendOutcome::Accepted { mr: Some(mr) }).await;
    }

    async fn end(&self, lane: usize, attempt: AttemptId, outcome: SendOutcome) {
        self.tell(lane, LaneEventKind::Ended(attempt, outcome)).await;
        self.heard().await;
    }

    /// The next status events, as `id state` words.
    async fn states(&mut self, n: usize) -> Vec<String> {
        let mut committed = self.store.committed();
        let mut found: Vec<String> = Vec::new();
        while found.len() < n {
            let events = self.store.events(self.seen, 64).await.unwrap();
            for Event { seq, kind, .. } in events {
                assert_eq!(seq, self.seen + 1, "the log has no gap");
                self.seen = seq;
                if let EventKind::Status(StatusChange { id, state, duplicate_possible, restarted, .. }) = kind {
                    let duplicate = if duplicate_possible { " duplicate" } else { "" };
                    let restarted = if restarted { " restarted" } else { "" };
                    found.push(format!("{id} {}{duplicate}{restarted}", state.word()));
                }
            }
            if found.len() < n {
                committed.changed().await.unwrap();
            }
        }
        found
    }

    async fn close(self) {
        self.stop.send_replace(true);
        self.scheduler.await.unwrap().unwrap();
        drop(self.store);
        self.closer.close();
    }
}

#[tokio::test]
async fn one_part_is_armed_before_it_goes_and_ends_as_sent() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", "hello", OnUncertain::Resend).await;
    let (attempt, armed) = stage.start(0).await;
    assert!(armed);
    let view = stage.store.message("a".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(view.state, PublicState::Sending, "the mark is durable when the driver may write the payload");
    stage.end(0, attempt, SendOutcome::Accepted { mr: Some(7) }).await;
    assert_eq!(stage.states(3).await, ["a queued", "a sending", "a sent"]);
    stage.close().await;
}

/// the database fails, and the modem answers after that.
#[tokio::test]
async fn what_ends_without_a_database_is_sent_after_the_restart() {
    let mut stage = Stage::new(2, Config::default());
    for id in ["a", "b", "c"] {
        stage.accept(id, "hello", OnUncertain::Resend).await;
    }
    let sends = [stage.start(0).await, stage.start(1).await];
    assert!(sends.iter().all(|(_, armed)| *armed));
    let next = stage.given(0).await;
    stage.store.fail().await;
    // Whatever it asks of the store now fails.
    stage.wake.wake(Priority::High);
    stage.tell(0, LaneEventKind::Started(next.attempt)).await;
    assert!(!next.armed.await.unwrap_or(false), "nothing more goes out");
    stage.end(0, sends[0].0, SendOutcome::Accepted { mr: Some(1) }).await;
    stage.end(0, next.attempt, SendOutcome::Withdrawn).await;
    stage.end(1, sends[1].0, SendOutcome::Accepted { mr: Some(2) }).await;
    stage.scheduler.await.unwrap().unwrap_err();
    drop(stage.store);
    stage.closer.close();
    let (store, _, closer) = Store::open(&store::Config::new(stage.dir.path()), clock()).unwrap();
    let mut states = Vec::new();
    for id in ["a", "b", "c"] {
        states.push(store.message(id.parse().unwrap()).await.unwrap().unwrap().state);
    }
    assert_eq!(states, [PublicState::Sent, PublicState::Sent, PublicState::Queued]);
    drop(store);
    closer.close();
}

#[tokio::test]
async fn the_next_part_is_there_while_one_is_in_the_air() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", "one", OnUncertain::Resend).await;
    stage.accept("b", "two", OnUncertain::Resend).await;
    let (first, _) = stage.start(0).await;
    let second = stage.given(0).await;
    stage.end(0, first, SendOutcome::Accepted { mr: Some(1) }).await;
    stage.tell(0, LaneEventKind::Started(second.attempt)).await;
    assert!(second.armed.await.unwrap());
    stage.end(0, second.attempt, SendOutcome::Accepted { mr: Some(2) }).await;
    assert_eq!(stage.states(6).await[4..], ["b sending", "b sent"]);
    stage.close().await;
}

#[tokio::test]
async fn lanes_share_the_load() {
    let mut stage = Stage::new(2, Config::default());
    for id in ["a", "b", "c", "d"] {
        stage.accept(id, "text", OnUncertain::Resend).await;
    }
    for lane in [0, 1] {
        let (attempt, _) = stage.start(lane).await;
        stage.end(lane, attempt, SendOutcome::Accepted { mr: Some(1) }).await;
        let (attempt, _) = stage.start(lane).await;
        stage.end(lane, attempt, SendOutcome::Accepted { mr: Some(2) }).await;
    }
    stage.close().await;
}

#[tokio::test]
async fn a_part_that_fails_takes_the_rest_of_its_message_back() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", &"x".repeat(400), OnUncertain::Resend).await;
    let (first, _) = stage.start(0).await;
    let second = stage.given(0).await;
    stage.end(0, first, SendOutcome::Rejected { code: 1 }).await;
    stage.tell(0, LaneEventKind::Started(second.attempt)).await;
    assert!(!second.armed.await.unwrap_or(false), "the second part must not leave");
    stage.end(0, second.attempt, SendOutcome::Withdrawn).await;
    assert_eq!(stage.states(3).await, ["a queued", "a sending", "a failed"]);
    stage.close().await;
}

#[tokio::test]
async fn a_cancelled_message_is_not_armed() {
    let mut stage = Stage::new(1, Config::default());
    let id = stage.accept("a", "text", OnUncertain::Resend).await;
    let outgoing = stage.given(0).await;
    assert_eq!(stage.store.cancel(id, clock()).await, Ok(PublicState::Cancelled));
    stage.tell(0, LaneEventKind::Started(outgoing.attempt)).await;
    assert!(!outgoing.armed.await.unwrap_or(false));
    stage.end(0, outgoing.attempt, SendOutcome::Withdrawn).await;
    assert_eq!(stage.states(2).await, ["a queued", "a cancelled"]);
    stage.close().await;
}

/// What a driver holds when the gateway stops is no try: it is due at once, and has no longer wait than before.
#[tokio::test]
async fn a_stop_costs_a_waiting_part_nothing() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", "one", OnUncertain::Resend).await;
    stage.accept("b", "two", OnUncertain::Resend).await;
    let (first, _) = stage.start(0).await;
    let second = stage.given(0).await;
    stage.stop.send_replace(true);
    let stopping = SendOutcome::NotSent { code: None, detail: "the gateway is stopping".to_owned() };
    stage.end(0, second.attempt, stopping).await;
    stage.end(0, first, SendOutcome::Accepted { mr: Some(1) }).await;
    stage.scheduler.await.unwrap().unwrap();
    let due = stage.store.due(clock(), 8).await.unwrap();
    assert_eq!(due.work.iter().map(|work| (work.parts.len(), work.parts[0].tries)).collect::<Vec<_>>(), [(1, 0)]);
    drop(stage.store);
    stage.closer.close();
}

/// The store hands out eight parts at a time, and nothing else happens that would make the scheduler ask for the rest.
#[tokio::test]
async fn all_of_a_long_message_goes_out() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", &"x".repeat(153 * 10), OnUncertain::Resend).await;
    for mr in 1..=10 {
        stage.send(0, mr).await;
    }
    stage.close().await;
}

/// Cancelling is nobody's fault: the SIM goes on at once.
#[tokio::test]
async fn cancelled_messages_close_no_lane() {
    let mut stage = Stage::new(1, Config::default());
    for n in 0..8 {
        let to = format!("+49170000000{n}").parse().unwrap();
        let id = stage.put(NewMessage { to, ..message(&format!("c{n}"), "text") }).await;
        let outgoing = stage.given(0).await;
        assert_eq!(stage.store.cancel(id, clock()).await, Ok(PublicState::Cancelled));
        stage.tell(0, LaneEventKind::Started(outgoing.attempt)).await;
        assert!(!outgoing.armed.await.unwrap_or(false));
        stage.end(0, outgoing.attempt, SendOutcome::Withdrawn).await;
    }
    stage.accept("a", "text", OnUncertain::Resend).await;
    stage.send(0, 1).await;
    stage.close().await;
}

/// Only who may go elsewhere is tried again at once.
#[tokio::test]
async fn what_only_one_sim_may_carry_waits_for_it() {
    let mut stage = Stage::new(2, Config::default());
    let refused = || SendOutcome::NotSent { code: Some(515), detail: String::new() };
    stage.accept_pinned(0, "a").await;
    let (attempt, _) = stage.start(0).await;
    stage.end(0, attempt, refused()).await;
    stage.states(3).await;
    let due = stage.store.due(clock(), 8).await.unwrap();
    assert!(due.work.is_empty() && due.next_at.is_some_and(|at| at > clock()), "{due:?}");
    // What either may carry is tried by the other at once, and not by the first again.
    stage.put(NewMessage { to: "+491705550002".parse().unwrap(), ..message("b", "text") }).await;
    for lane in [1, 0] {
        let (attempt, _) = stage.start(lane).await;
        stage.end(lane, attempt, refused()).await;
    }
    stage.states(5).await;
    assert!(stage.store.due(clock(), 8).await.unwrap().work.is_empty());
    stage.close().await;
}

/// A window full of messages for a SIM that is away, or closed, does not stop the other.
#[tokio::test]
async fn a_sim_that_is_away_stops_no_other() {
    let mut stage = Stage::new(2, Config::default());
    stage.set_ready(1, false).await;
    for n in 0..2 * WINDOW {
        stage.accept_pinned(1, &format!("away-{n}")).await;
    }
    stage.accept("a", "text", OnUncertain::Resend).await;
    stage.send(0, 1).await;
    stage.close().await;
}

#[tokio::test]
async fn a_sim_that_is_closed_stops_no_other() {
    let limits = limits::Config { per_day: Some(1), ..limits::Config::default() };
    let mut stage = Stage::new(2, Config { limits, ..Config::default() });
    for n in 0..2 * WINDOW {
        stage.accept_pinned(1, &format!("closed-{n}")).await;
    }
    stage.send(1, 1).await;
    stage.accept("a", "text", OnUncertain::Resend).await;
    stage.send(0, 1).await;
    stage.close().await;
}

#[tokio::test]
async fn what_waits_expires_without_a_modem() {
    let mut stage = Stage::new(1, Config::default());
    stage.set_ready(0, false).await;
    stage.accept("a", "text", OnUncertain::Resend).await;
    pass(Duration::from_secs(2 * 86_400));
    stage.wake.wake(Priority::Normal);
    let states = tokio::time::timeout(Duration::from_secs(10), stage.states(2)).await;
    assert_eq!(states.expect("the timer rings"), ["a queued", "a expired"]);
    stage.close().await;
}

#[tokio::test]
async fn a_claimed_part_yields_to_an_alarm() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", "one", OnUncertain::Resend).await;
    stage.accept("b", "two", OnUncertain::Resend).await;
    let (first, _) = stage.start(0).await;
    let second = stage.given(0).await;
    stage.accept_as(Priority::Alarm, "alarm", "fire", OnUncertain::Resend).await;
    assert!(second.armed.await.is_err(), "it is taken back before it begins");
    stage.end(0, second.attempt, SendOutcome::Withdrawn).await;
    stage.end(0, first, SendOutcome::Accepted { mr: Some(1) }).await;
    for mr in [2, 3] {
        stage.send(0, mr).await;
    }
    let order: Vec<String> = stage.states(9).await.into_iter().filter(|state| state.ends_with("sent")).collect();
    assert_eq!(order, ["a sent", "alarm sent", "b sent"]);
    stage.close().await;
}

#[tokio::test]
async fn an_uncertain_part_is_resent_once_and_flagged_or_held() {
    for (policy, states) in [
        (OnUncertain::Resend, vec!["uncertain", "queued duplicate", "sending duplicate", "uncertain duplicate"]),
        (OnUncertain::Hold, vec!["uncertain", "unknown duplicate"]),
    ] {
        let mut stage = Stage::new(1, Config::default());
        stage.accept("a", "text", policy).await;
        let uncertain = SendOutcome::Uncertain { reason: crate::model::UncertainReason::Timeout, code: None };
        let (attempt, _) = stage.start(0).await;
        stage.end(0, attempt, uncertain.clone()).await;
        assert_eq!(stage.states(3).await[2], format!("a {}", states[0]));
        // The wait for evidence passes.
        pass(Duration::from_secs(121));
        stage.wake.wake(Priority::Normal);
        if policy == OnUncertain::Resend {
            let outgoing = stage.given(0).await;
            assert!(outgoing.pdu.starts_with("00"), "the SIM's own service centre");
            let first_octet = u8::from_str_radix(&outgoing.pdu[2..4], 16).unwrap();
            assert_eq!(
                first_octet & 0x04,
                0,
                "TP-RD with a reference that is not the first one's would hit another message"
            );
            stage.tell(0, LaneEventKind::Started(outgoing.attempt)).await;
            assert!(outgoing.armed.await.unwrap());
            stage.end(0, outgoing.attempt, uncertain).await;
        }
        let seen = stage.states(states.len() - 1).await;
        let want: Vec<_> = states[1..].iter().map(|state| format!("a {state}")).collect();
        assert_eq!(seen, want);
        let view = stage.store.message("a".parse().unwrap()).await.unwrap().unwrap();
        let repeated: Vec<_> = view.parts[0].attempts.iter().filter_map(|tried| tried.resend_of).collect();
        let resent = if policy == OnUncertain::Resend { vec![attempt] } else { vec![] };
        assert_eq!(repeated, resent, "it is told which try is repeated");
        stage.close().await;
    }
}

#[tokio::test]
async fn a_late_answer_settles_an_uncertain_part() {
    let mut stage = Stage::new(1, Config::default());
    stage.accept("a", "text", OnUncertain::Hold).await;
    let (attempt, _) = stage.start(0).await;
    let reason = crate::model::UncertainReason::Timeout;
    stage.end(0, attempt, SendOutcome::Uncertain { reason, code: None }).await;
    stage.tell(0, LaneEventKind::Evidence { attempt, mr: Some(3) }).await;
    assert_eq!(stage.states(4).await[2..], ["a uncertain", "a sent"]);
    stage.close().await;
}

#[tokio::test]
async fn a_sim_that_is_away_is_waited_for() {
    let mut stage = Stage::new(1, Config::default());
    stage.set_ready(0, false).await;
    stage.accept("a", "text", OnUncertain::Resend).await;
    stage.set_ready(0, true).await;
    let (attempt, armed) = stage.start(0).await;
    assert!(armed);
    stage.end(0, attempt, SendOutcome::Accepted { mr: None }).await;
    assert_eq!(stage.states(3).await[2], "a sent");
    stage.close().await;
}

/// The reference of the concatenation header, and which part it is.
fn concat(pdu: &str) -> (String, String) {
    let at = pdu.find("050003").expect("a header");
    (pdu[at + 6..at + 8].to_owned(), pdu[at + 10..at + 12].to_owned())
}

#[tokio::test]
async fn a_message_whose_sim_stays_away_begins_anew_by_another() {
    for (policy, restarts) in [(OnUncertain::Resend, true), (OnUncertain::Hold, false)] {
        let mut stage = Stage::new(2, Config::default());
        stage.set_ready(1, false).await;
        stage.accept("a", &"x".repeat(300), policy).await;
        let first = stage.given(0).await;
        stage.tell(0, LaneEventKind::Started(first.attempt)).await;
        assert!(first.armed.await.unwrap());
        stage.end(0, first.attempt, SendOutcome::Accepted { mr: Some(1) }).await;
        let second = stage.given(0).await;
        stage.set_ready(1, true).await;
        stage.set_ready(0, false).await;
        stage.end(0, second.attempt, SendOutcome::NotSent { code: None, detail: "the port is gone".into() }).await;
        assert_eq!(stage.states(2).await[1], "a sending");
        pass(Duration::from_secs(601));
        stage.changed.send_modify(|n| *n += 1);
        if restarts {
            for part in ["01", "02"] {
                let outgoing = stage.given(1).await;
                let (reference, seq) = concat(&outgoing.pdu);
                assert_eq!(seq, part);
                assert_ne!(reference, concat(&first.pdu).0, "phones must not join parts of two SIMs");
                stage.tell(1, LaneEventKind::Started(outgoing.attempt)).await;
                assert!(outgoing.armed.await.unwrap());
                stage.end(1, outgoing.attempt, SendOutcome::Accepted { mr: Some(2) }).await;
            }
            let tail = ["a queued", "a sending", "a sent"].map(|state| format!("{state} duplicate restarted"));
            assert_eq!(stage.states(3).await, tail);
        } else {
            stage.set_ready(0, true).await;
            let (attempt, armed) = stage.start(0).await;
            assert!(armed && stage.outgoing[1].try_recv().is_err(), "held: nothing goes out twice");
            stage.end(0, attempt, SendOutcome::Accepted { mr: Some(2) }).await;
            assert_eq!(stage.states(1).await, ["a sent"]);
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn limits_close_a_lane() {
    let limits = limits::Config { per_minute: Some(1), ..limits::Config::default() };
    let mut stage = Stage::new(1, Config { limits, ..Config::default() });
    stage.accept("a", "one", OnUncertain::Resend).await;
    stage.accept("b", "two", OnUncertain::Resend).await;
    stage.send(0, 1).await;
    assert_eq!(stage.states(4).await[3], "a sent");
    assert!(stage.outgoing[0].try_recv().is_err(), "the limit is used up");
    let label: Label = "sim-1000".parse().unwrap();
    assert!(stage.store.message("a".parse().unwrap()).await.unwrap().unwrap().parts[0].attempts[0].sim == label);
    pass(Duration::from_secs(61));
    stage.wake.wake(Priority::Normal);
    stage.start(0).await;
    stage.scheduler.abort();
}
