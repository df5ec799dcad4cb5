//! A whole gateway on virtual modems, on one thread and in virtual time, through kills and restarts: the modems live on, and
//! what they know of time too.

use super::plan::{End, Out, Plan, text};
use gsmgate::gateway::Gateway;
use gsmgate::model::{Event, EventKind, Label, MessageView, OnUncertain, PublicState, Submission, Timestamp};
use gsmgate::modem::{self, Dial};
use gsmgate::simulator::{Handle, Lab, Record};
use gsmgate::store::{Config, Store};
use gsmgate::{intake, scheduler, slots};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// 2026-11-25 00:00:00 UTC.
const EPOCH: i64 = 1_795_564_800;
/// What is not at rest so long after the last trouble has stalled.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);
/// A report that has not come so long after everything else was at rest is not waited for.
const REPORTS: Duration = Duration::from_secs(900);
/// A client asks again so long after a refusal.
const AGAIN: Duration = Duration::from_secs(1);
/// Events that a bridge takes at a time.
const TAKEN: usize = 32;
/// Set: every event is told while it is played, to see what happened in one history.
pub(crate) const TELL: &str = "GSMGATE_HISTORIES_TELL";
/// The bridge that is played here.
const BRIDGE: &str = "mqtt";

thread_local! {
    /// When this thread's runtime began, and how much time had gone by then.
    static BEGAN: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
    /// How far our line is ahead of the world.
    static AHEAD: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Since the history began.
fn now() -> Duration {
    BEGAN.get().map_or(Duration::ZERO, |(began, before)| before + began.elapsed())
}

/// Our line of time in this thread's world.
fn clock() -> Timestamp {
    Timestamp(EPOCH * 1000).after(now() + AHEAD.get())
}

/// Seconds from the beginning to a record.
pub(crate) fn since(record: &Record) -> f64 {
    (record.at_us - EPOCH * 1_000_000) as f64 / 1e6
}

async fn until(at: Duration) {
    sleep(at.saturating_sub(now())).await;
}

/// What is known outside of the gateway.
#[derive(Default)]
pub(crate) struct Outside {
    /// How many messages were accepted, in the order of the plan.
    accepted: usize,
    injected: usize,
    broken: usize,
    /// Every event that a bridge was given, by its `seq`.
    pub(crate) events: BTreeMap<u64, Event>,
    /// The state of each message as the events tell it.
    pub(crate) states: BTreeMap<String, PublicState>,
    pub(crate) wrong: Vec<String>,
}

/// What is left when a history is over.
pub(crate) struct Over {
    pub(crate) outside: Outside,
    pub(crate) records: Vec<Record>,
    pub(crate) views: BTreeMap<String, MessageView>,
    pub(crate) took: Duration,
    pub(crate) lives: usize,
}

/// The outside, the modems, and the plan.
struct World<'a> {
    plan: &'a Plan,
    /// The messages of the plan, and then those that are to pass when everything is over.
    out: Vec<Out>,
    handle: Handle,
    dir: &'a Path,
    outside: Arc<Mutex<Outside>>,
    moved: watch::Sender<u64>,
}

/// Plays the plan in this folder, which is empty but for what a store would take long to lay.
pub(crate) fn play(plan: &Plan, dir: &Path) -> Over {
    AHEAD.set(Duration::ZERO);
    let mut before = Duration::ZERO;
    let mut ends = plan.ends.iter().copied();
    let mut lives = 0;
    let mut made: Option<(Lab, World<'_>)> = None;
    loop {
        lives += 1;
        let end = ends.next();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            // Where a kill may come between any two turns.
            .event_interval(if end.is_some_and(|end| end.turns > 0) { 1 } else { 61 })
            .build()
            .unwrap();
        let over = runtime.block_on(async {
            BEGAN.set(Some((Instant::now(), before)));
            let (lab, world) = made.get_or_insert_with(|| World::new(plan, dir));
            tokio::select! {
                biased;
                ended = lab.play_from(now()) => panic!("the lab ended: {ended:?}"),
                over = world.live(end) => over,
            }
        });
        before = runtime.block_on(async { now() });
        AHEAD.set(AHEAD.get() + end.map_or(Duration::ZERO, |end| end.jump));
        if let Some((records, views)) = over {
            let (_, world) = made.unwrap();
            // Whoever else holds it ends with the runtime.
            drop(runtime);
            let outside = std::mem::take(&mut *world.outside());
            return Over { outside, records, views, took: before, lives };
        }
    }
}

type Looked = (Vec<Record>, BTreeMap<String, MessageView>);

impl<'a> World<'a> {
    fn new(plan: &'a Plan, dir: &'a Path) -> (Lab, World<'a>) {
        let config = gsmgate::simulator::LabConfig { epoch: Some(EPOCH), ..plan.lab.clone() };
        let (lab, handle) = Lab::new(config).unwrap();
        let (moved, _) = watch::channel(0);
        let world = World { plan, out: plan.out.clone(), handle, dir, outside: Arc::default(), moved };
        (lab, world)
    }

    fn outside(&self) -> MutexGuard<'_, Outside> {
        self.outside.lock().unwrap()
    }

    /// One life of the gateway; the last one tells what there is at the end.
    async fn live(&mut self, end: Option<End>) -> Option<Looked> {
        let life = Life::begin(self);
        let gateway = life.gateway.clone();
        let over = {
            let world = &*self;
            let outside = async {
                tokio::join!(world.send(&gateway), world.inject(), world.break_things());
                if end.is_some() {
                    // It ends as planned, whatever there is left to do.
                    std::future::pending().await
                }
            };
            let end = async {
                match end {
                    Some(end) => {
                        until(end.at).await;
                        for _ in 0..end.turns {
                            tokio::task::yield_now().await;
                        }
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = end => false,
                () = outside => true,
            }
        };
        if !over && !end.is_some_and(|end| end.orderly) {
            return None;
        }
        let looked = if over { Some(self.rest(&gateway).await) } else { None };
        drop(gateway);
        life.stop().await;
        looked
    }

    /// Hands the messages over, in their order; one that is refused is handed over again.
    async fn send(&self, gateway: &Gateway) {
        loop {
            let n = self.outside().accepted;
            let Some(out) = self.out.get(n) else { return };
            until(out.at).await;
            match gateway.submit(vec![submission(n, out)], None).await {
                Ok(_) => self.outside().accepted += 1,
                Err(refusal) if refusal.code.is_retryable() => sleep(AGAIN).await,
                Err(refusal) => panic!("message {n} was refused: {refusal}"),
            }
        }
    }

    async fn inject(&self) {
        loop {
            let n = self.outside().injected;
            let Some(it) = self.plan.inbound.get(n) else { return };
            until(it.at).await;
            self.outside().injected += 1;
            // The lab outlives a kill, and so does what it was asked.
            let _ = self.handle.inject(it.modem, it.from, &it.text).await;
        }
    }

    async fn break_things(&self) {
        loop {
            let n = self.outside().broken;
            let Some((at, fault)) = self.plan.faults.get(n) else { return };
            until(*at).await;
            self.outside().broken += 1;
            let _ = self.handle.fault(fault.clone()).await;
        }
    }

    /// Nothing goes wrong any more: what is open comes to its end, and then a fresh message passes by every SIM.
    async fn rest(&mut self, gateway: &Gateway) -> Looked {
        self.handle.clear_faults(None).await.unwrap();
        self.come_to_rest(gateway).await;
        let sims = self.plan.lab.modems;
        for sim in 0..sims {
            let name = format!("o{}", self.out.len());
            let fresh = Out {
                at: now(),
                to: "+4915100",
                text: text(&name, 1, 0),
                parts: 1,
                sim: Some(sim),
                on_uncertain: OnUncertain::Resend,
                report: true,
            };
            self.out.push(fresh);
        }
        self.send(gateway).await;
        self.come_to_rest(gateway).await;
        let ids: Vec<_> = (0..self.out.len()).map(id).collect();
        let mut views = BTreeMap::new();
        for id in ids {
            match gateway.message(&id.parse().unwrap()).await {
                Ok(view) => _ = views.insert(id, view),
                Err(refusal) => self.outside().wrong.push(format!("{id} is not there: {refusal}")),
            }
        }
        if std::env::var_os(TELL).is_some() {
            (0..sims).for_each(|n| eprintln!("{}", gateway.recording(n).unwrap_or_default()));
        }
        (self.handle.records(0).await.unwrap(), views)
    }

    async fn come_to_rest(&self, gateway: &Gateway) {
        let begun = now();
        let mut calm_since = now();
        let mut moved = self.moved.subscribe();
        loop {
            moved.borrow_and_update();
            let open = self.open();
            let only_reports = open.iter().all(|(_, state)| *state == Some(PublicState::Sent));
            let came = self.all_came();
            if came && (open.is_empty() || only_reports && now() - calm_since > REPORTS) {
                return;
            }
            if now() - begun > PATIENCE {
                let counts = gateway.counts().await;
                let modems: Vec<_> =
                    gateway.modems().iter().map(|status| status.borrow().phase.word().to_owned()).collect();
                let what = format!("stalled: all came: {came}, open: {open:?}, {counts:?}, modems {modems:?}");
                self.outside().wrong.push(what);
                return;
            }
            if let Ok(Ok(())) = timeout(Duration::from_secs(30), moved.changed()).await
                && !only_reports
            {
                calm_since = now();
            }
        }
    }

    /// Messages that have not come to their end.
    fn open(&self) -> Vec<(usize, Option<PublicState>)> {
        let outside = self.outside();
        let state = |n: usize| outside.states.get(&id(n)).copied();
        let is_open = |n: usize, state: Option<PublicState>| match state {
            None => true,
            Some(PublicState::Sent) => self.out[n].report,
            Some(state) => !state.is_final(),
        };
        (0..self.out.len()).map(|n| (n, state(n))).filter(|(n, state)| is_open(*n, *state)).collect()
    }

    /// Whether all messages from outside were published, whole.
    fn all_came(&self) -> bool {
        let outside = self.outside();
        let whole = |event: &Event| match &event.kind {
            EventKind::Inbound(it) if it.missing.is_empty() => it.text.clone(),
            _ => None,
        };
        let came: std::collections::BTreeSet<_> = outside.events.values().filter_map(whole).collect();
        self.plan.inbound.iter().all(|it| came.contains(&it.text))
    }
}

/// The client's id of the n-th message.
pub(crate) fn id(n: usize) -> String {
    format!("m{n}")
}

fn submission(n: usize, out: &Out) -> Submission {
    Submission {
        id: Some(id(n).parse().unwrap()),
        sim: out.sim.map(label),
        on_uncertain: out.on_uncertain,
        report: out.report,
        ..Submission::text(out.to.parse().unwrap(), out.text.clone())
    }
}

fn label(sim: usize) -> Label {
    format!("sim{sim}").parse().unwrap()
}

/// A gateway that lives.
struct Life {
    gateway: Gateway,
    stop: watch::Sender<bool>,
    drivers: slots::Drivers,
    scheduler: JoinHandle<()>,
    closer: gsmgate::store::Closer,
    working: JoinHandle<()>,
}

impl Life {
    fn begin(world: &World<'_>) -> Life {
        let config = Config { backups: None, ..Config::new(world.dir) };
        let (store, recovered, closer, work) = Store::open_as_task(&config, clock()).unwrap();
        let working = tokio::spawn(work);
        let config = slots_of(world);
        let (slots, lanes, drivers, received) =
            slots::start(config, &recovered.armed, recovered.sims, store.clone(), clock);
        let wake = scheduler::Wake::default();
        let gateway = Gateway::new("rig".parse().unwrap(), store.clone(), slots.clone(), wake.clone(), clock);
        let wiring = scheduler::Wiring {
            store: store.clone(),
            slots: slots.clone(),
            lanes,
            wake,
            next_attempt: recovered.next_attempt,
            clock,
            seed: world.plan.seed,
        };
        let (stop, stopped) = watch::channel(false);
        let outside = Arc::clone(&world.outside);
        let scheduler = tokio::spawn(async move {
            if let Err(error) = scheduler::run(scheduler::Config::default(), wiring, stopped).await {
                outside.lock().unwrap().wrong.push(format!("the scheduler ended: {error}"));
            }
        });
        let name_sim = Box::new(move |modem: usize, iccid: &_| slots.sim_label(modem, iccid));
        let settings = intake::Settings { adopt: intake::Adopt::Publish, name_sim, clock };
        tokio::spawn(intake::run(received, store, settings));
        tokio::spawn(bridge(gateway.clone(), Arc::clone(&world.outside), world.moved.clone()));
        Life { gateway, stop, drivers, scheduler, closer, working }
    }

    /// As an orderly stop does it: what is armed comes to its end first.
    async fn stop(self) {
        self.stop.send_replace(true);
        self.drivers.stop().await;
        self.scheduler.await.unwrap();
        self.closer.close();
        self.working.await.unwrap();
    }
}

fn slots_of(world: &World<'_>) -> slots::Config {
    let modem = |n: usize| modem::Config { sim_label: Some(label(n)), ..modem::Config::new(n, n.to_string()) };
    let handle = world.handle.clone();
    let dial = Dial::in_memory(move |port| {
        let handle = handle.clone();
        async move {
            let modem = port.parse().map_err(io::Error::other)?;
            handle.connect(modem).await.map_err(io::Error::other)
        }
    });
    slots::Config { modems: (0..world.plan.lab.modems).map(modem).collect(), dial, ..slots::Config::default() }
}

/// Takes every event once a life, in order, and says now and then how far it has come.
async fn bridge(gateway: Gateway, outside: Arc<Mutex<Outside>>, moved: watch::Sender<u64>) {
    let Ok(mut cursor) = gateway.cursor(BRIDGE).await else { return };
    let mut committed = gateway.committed();
    loop {
        committed.borrow_and_update();
        let Ok(events) = gateway.events(cursor, TAKEN).await else { return };
        if events.is_empty() {
            if committed.changed().await.is_err() {
                return;
            }
            continue;
        }
        for event in events {
            let mut outside = outside.lock().unwrap();
            if event.seq != cursor + 1 {
                outside.wrong.push(format!("event {} came after {cursor}", event.seq));
            }
            cursor = event.seq;
            outside.take(event);
        }
        // The second half of them is on its way when a kill comes.
        let _ = gateway.acknowledge(BRIDGE, cursor - cursor % 5, Vec::new());
        moved.send_modify(|n| *n += 1);
    }
}

impl Outside {
    fn take(&mut self, event: Event) {
        if std::env::var_os(TELL).is_some() {
            eprintln!("{:?} {event:?}", now());
            if let EventKind::Inbound(it) = &event.kind {
                let text = it.text.as_deref().unwrap_or("no text");
                eprintln!("  {text:.12}, missing {:?}, same as {:?}", it.missing, it.same_as);
            }
        }
        if let EventKind::Status(change) = &event.kind {
            self.states.insert(change.id.to_string(), change.state);
        }
        if let Some(before) = self.events.insert(event.seq, event.clone())
            && before != event
        {
            self.wrong.push(format!("event {} was another before: {before:?}, {event:?}", event.seq));
        }
    }
}
