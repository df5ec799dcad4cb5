//! Sends what is due: which SIM, when, and again.

mod assign;
mod breaker;
mod encode;
mod lane;
pub mod limits;
mod queue;
pub mod retry;
pub mod router;

use crate::clock;
use crate::model::{AttemptId, Blame, Iccid, MessageKey, ModemPhase, Priority, SendOutcome, Timestamp};
use crate::slots::{LaneEvent, LaneEventKind, Lanes, Outgoing, SEND_DEADLINE, Slots};
use crate::store::{Due, Step, Store, StoreError, Verdict};
use lane::{InHand, Lane};
use queue::Queue;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};

/// Due messages asked of the store at a time.
const WINDOW: usize = 64;
/// The window is filled up when fewer messages wait in it.
const LOW_WATER: usize = 16;
/// Lane events taken in one go: their transitions share a commit.
const BATCH: usize = 64;
/// A store that cannot say now what is due is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// No timer is longer: the wall clock may be set while we wait for one of its instants.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A message in parts waits so long for the SIM that carried the first of them. RELIABILITY §2.2.
const SIM_AWAY: Duration = Duration::from_secs(600);
/// Messages whose SIMs to avoid are remembered up to this number; beyond it, those that have expired are forgotten.
const AVOIDED: usize = 10_000;

/// Settings of the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Config {
    /// Back-off and caps.
    pub retry: retry::Config,
    /// Limits of every SIM.
    pub limits: limits::Config,
}

/// Tells the scheduler that something may be due.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    notify: Notify,
    urgent: AtomicBool,
}

impl Wake {
    /// A message of this priority was accepted, or a message changed.
    pub fn wake(&self, priority: Priority) {
        if priority > Priority::Normal {
            self.0.urgent.store(true, Ordering::Relaxed);
        }
        self.0.notify.notify_one();
    }
}

/// What the scheduler is made of.
#[derive(Debug)]
pub struct Wiring {
    /// The queue.
    pub store: Store,
    /// The SIMs.
    pub slots: Slots,
    /// The lane ends.
    pub lanes: Lanes,
    /// Rings when something may be due.
    pub wake: Wake,
    /// The first attempt id that is free.
    pub next_attempt: AttemptId,
    /// The wall clock.
    pub clock: fn() -> Timestamp,
    /// Seed of the jitter.
    pub seed: u64,
}

/// Runs until `stop` turns true and every part in hand has ended, or the store fails.
pub async fn run(config: Config, wiring: Wiring, stop: watch::Receiver<bool>) -> Result<(), StoreError> {
    let mut scheduler = Scheduler::new(config, wiring);
    let done = scheduler.run(stop).await;
    if done.is_err() {
        scheduler.see_out().await;
    }
    done
}

type Asking = Pin<Box<dyn Future<Output = Result<Due, StoreError>> + Send>>;

#[derive(Debug)]
struct Avoid {
    sims: Vec<Iccid>,
    expires_at: Timestamp,
}

struct Scheduler {
    config: Config,
    store: Store,
    slots: Slots,
    lanes: Vec<Lane>,
    joining: mpsc::Receiver<mpsc::Sender<Outgoing>>,
    events: mpsc::Receiver<LaneEvent>,
    wake: Wake,
    queue: Queue,
    /// SIMs that refused a message, until it has ended.
    avoid: HashMap<MessageKey, Avoid>,
    /// When a SIM that was there was last seen; one that was never seen has been away since the start.
    seen: HashMap<Iccid, Timestamp>,
    started_at: Timestamp,
    /// When to look again at what was set aside: a SIM opens then, or has been away long enough.
    look_aside_at: Option<Timestamp>,
    /// The store may have more that is due.
    more: bool,
    /// What is due first has been set aside, a window of it or more: ask for what the SIMs that are open may carry.
    narrow: bool,
    /// When the store will have something new by itself.
    next_at: Option<Timestamp>,
    /// When to see what has expired: whether or not a modem is there that would make us ask for what is due.
    expire_at: Timestamp,
    next_attempt: i64,
    clock: fn() -> Timestamp,
    random: u64,
    /// The box has too little voltage for several modems that send at a time.
    weak: bool,
    /// The store takes nothing: what would go out could not be written down.
    held: bool,
    stopping: bool,
}

impl Scheduler {
    fn new(config: Config, wiring: Wiring) -> Scheduler {
        Scheduler {
            config,
            lanes: Vec::new(),
            joining: wiring.lanes.joining,
            store: wiring.store,
            slots: wiring.slots.clone(),
            events: wiring.lanes.events,
            wake: wiring.wake,
            queue: Queue::default(),
            avoid: HashMap::new(),
            seen: HashMap::new(),
            started_at: (wiring.clock)(),
            look_aside_at: None,
            more: true,
            narrow: false,
            next_at: None,
            expire_at: (wiring.clock)(),
            next_attempt: wiring.next_attempt.0,
            clock: wiring.clock,
            random: wiring.seed | 1,
            weak: false,
            held: false,
            stopping: false,
        }
    }

    async fn run(&mut self, mut stop: watch::Receiver<bool>) -> Result<(), StoreError> {
        let mut changed = self.slots.changed();
        let mut weak = self.slots.supply_is_weak();
        self.weak = *weak.borrow_and_update();
        let mut state = self.store.state();
        self.held = state.borrow_and_update().is_held();
        let wake = self.wake.clone();
        let mut asking: Option<Asking> = None;
        let mut batch = Vec::with_capacity(BATCH);
        self.refresh_lanes().await?;
        loop {
            if asking.is_none() && self.wants_more() {
                asking = Some(self.ask());
            }
            let mut steps = Vec::new();
            let wake_at = self.wake_at();
            // Every branch is cancel safe: receivers, notifications, a timer, and a future that is kept when it loses.
            tokio::select! {
                biased;
                // First: drivers that stop give back what they hold.
                Ok(()) = stop.changed(), if !self.stopping => self.stopping = *stop.borrow(),
                n = self.events.recv_many(&mut batch, BATCH) => {
                    if n == 0 {
                        return Ok(());
                    }
                    batch.drain(..).for_each(|event| self.handle_event(event, &mut steps));
                }
                answer = async { asking.as_mut().expect("checked").await }, if asking.is_some() => {
                    asking = None;
                    match answer {
                        Ok(due) => self.handle_answer(due),
                        Err(error) if error.is_passing() => {
                            self.handle_answer(Due::default());
                            self.next_at = Some((self.clock)().after(ASK_AGAIN));
                        }
                        Err(error) => return Err(error),
                    }
                }
                () = wake.0.notify.notified() => self.more = true,
                Ok(()) = changed.changed() => self.refresh_lanes().await?,
                Ok(()) = weak.changed() => self.weak = *weak.borrow(),
                Ok(()) = state.changed() => {
                    self.held = state.borrow().is_held();
                    // What was in hand when it was rolled back is found again.
                    self.more = true;
                }
                () = sleep_until(wake_at, self.clock) => self.handle_timer().await?,
            }
            if self.stopping && self.lanes.iter().all(|lane| lane.in_hand.is_empty()) {
                return self.store.step(steps);
            }
            if !self.stopping {
                self.assign(&mut steps);
            }
            if !steps.is_empty() {
                self.store.step(steps)?;
            }
        }
    }

    /// The store has failed. What is in the air still ends, and the store keeps how; what is not armed is given back.
    async fn see_out(&mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.lanes.iter().any(|lane| !lane.in_hand.is_empty()) {
            if self.events.recv_many(&mut batch, BATCH).await == 0 {
                return;
            }
            let mut steps = Vec::new();
            batch.drain(..).for_each(|event| self.handle_event(event, &mut steps));
            if self.store.step(steps).is_err() {
                return;
            }
        }
    }

    fn wants_more(&self) -> bool {
        if !self.more || self.stopping || self.held || !self.lanes.iter().any(|lane| lane.ready) {
            return false;
        }
        self.queue.len() < LOW_WATER || self.wake.0.urgent.load(Ordering::Relaxed)
    }

    fn ask(&mut self) -> Asking {
        self.more = false;
        self.wake.0.urgent.store(false, Ordering::Relaxed);
        self.queue.asked();
        let (store, now) = (self.store.clone(), (self.clock)());
        if self.narrow {
            let open = self.lanes.iter().filter(|lane| lane.is_open(&self.config.limits, now));
            let sims = open.filter_map(|lane| lane.sim.as_ref().map(|(_, label)| label.clone())).collect();
            return Box::pin(async move { store.due_on(now, WINDOW, sims).await });
        }
        Box::pin(async move { store.due(now, WINDOW).await })
    }

    fn handle_answer(&mut self, due: Due) {
        self.next_at = due.next_at;
        let is_cut = due.more;
        let is_new = self.queue.answered(due) > 0;
        // An answer that was cut but brought nothing new would be asked for again and again.
        let narrows = is_cut && !is_new && !self.narrow;
        self.more |= narrows || is_cut && is_new;
        self.narrow = narrows || self.narrow && is_cut && is_new;
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let reopening = |lane: &Lane| {
            let at = lane.opens_at(&self.config.limits, Timestamp(0));
            (lane.has_room() && at > Timestamp(0) && at > (self.clock)()).then_some(at)
        };
        let lanes = self.lanes.iter().filter_map(reopening).min();
        let lanes = lanes.filter(|_| self.queue.len() > 0);
        [self.next_at, lanes, self.look_aside_at, Some(self.expire_at)].into_iter().flatten().min()
    }

    async fn handle_timer(&mut self) -> Result<(), StoreError> {
        let now = (self.clock)();
        if self.look_aside_at.is_some_and(|at| at <= now) {
            self.look_aside_at = None;
            self.queue.bring_back();
        }
        let is_due = self.next_at.is_some_and(|at| at <= now);
        if is_due {
            self.next_at = None;
            self.more = true;
        }
        if is_due || self.expire_at <= now {
            let next = match self.store.expire(now).await {
                Ok(next) => next.unwrap_or(Timestamp(i64::MAX)),
                Err(error) if error.is_passing() => now,
                Err(error) => return Err(error),
            };
            self.expire_at = next.clamp(now.after(Duration::from_secs(1)), now.after(LONGEST_WAIT));
        }
        Ok(())
    }

    /// Takes over what the drivers say of their modems. Cold: only when a modem's state changes.
    async fn refresh_lanes(&mut self) -> Result<(), StoreError> {
        let statuses = self.slots.statuses();
        self.lanes.extend(std::iter::from_fn(|| self.joining.try_recv().ok()).map(Lane::new));
        // A modem that joined after we looked is told of again.
        for (index, status) in statuses.into_iter().enumerate() {
            let status = status.borrow().clone();
            let radio = status.sim.as_ref().and_then(|sim| sim.cell.radio);
            let sim = status.sim.map(|sim| (sim.iccid.clone(), self.slots.sim_label(index, &sim.iccid)));
            let lane = &mut self.lanes[index];
            lane.deadline = radio.map_or(SEND_DEADLINE, |radio| SEND_DEADLINE.max(radio.submit_deadline()));
            if *lane.port != *status.port {
                lane.port = status.port.as_str().into();
            }
            if let (true, Some((iccid, _))) = (lane.ready, &lane.sim) {
                self.seen.insert(iccid.clone(), (self.clock)());
            }
            lane.ready = status.phase == ModemPhase::Ready && sim.is_some();
            if let Some((iccid, label)) = sim.filter(|sim| lane.sim.as_ref() != Some(sim)) {
                lane.sim = Some((iccid.clone(), label.clone()));
                // Its row is made now, not with a sync of its own in the middle of its first send. Where the store has no
                // room for that, it is made then.
                let _ = self.store.sim_seen(iccid, label, (self.clock)()).await;
                self.load_past(index).await?;
            }
        }
        self.queue.bring_back();
        self.more = true;
        Ok(())
    }

    /// What this SIM sent in the last day, so that its limits survive a restart.
    async fn load_past(&mut self, index: usize) -> Result<(), StoreError> {
        let Some((iccid, _)) = self.lanes[index].sim.clone() else { return Ok(()) };
        if !self.config.limits.is_off() {
            let since = Timestamp((self.clock)().0 - limits::DAY);
            let past = self.store.armed_since(iccid, since).await?;
            self.lanes[index].limits = limits::Window::new(past);
        }
        Ok(())
    }

    fn handle_event(&mut self, event: LaneEvent, steps: &mut Vec<Step>) {
        let at = (self.clock)();
        match event.kind {
            LaneEventKind::Started(attempt) => self.handle_started(event.modem, attempt, at, steps),
            LaneEventKind::Ended(attempt, outcome) => self.handle_ended(event.modem, attempt, &outcome, at, steps),
            LaneEventKind::Evidence { attempt, mr } => {
                // The message's own end is not at hand here; the longest usual one is, and is on the safe side.
                let report_until = at.after(crate::model::Submission::TTL).after(retry::REPORT_GRACE);
                steps.push(Step::Evidence { attempt, mr, report_until, at });
            }
        }
    }

    fn handle_started(&mut self, modem: usize, attempt: AttemptId, at: Timestamp, steps: &mut Vec<Step>) {
        let deadline = self.lanes.get(modem).map_or(SEND_DEADLINE, |lane| lane.deadline);
        let Some(held) = self.lanes.get_mut(modem).and_then(|lane| lane.find(attempt)) else {
            tracing::warn!(modem, attempt = attempt.0, "a driver began a send that nobody gave it");
            return;
        };
        // One that was taken back meanwhile has no reply, which says so to the driver.
        if let Some(reply) = held.armed.take() {
            steps.push(Step::Arm { attempt, at, deadline: at.after(deadline), reply });
        }
    }

    fn handle_ended(
        &mut self,
        modem: usize,
        attempt: AttemptId,
        outcome: &SendOutcome,
        at: Timestamp,
        steps: &mut Vec<Step>,
    ) {
        let Some(mut held) = self.lanes.get_mut(modem).and_then(|lane| lane.take(attempt)) else { return };
        let key = held.part.message;
        if self.stopping && held.is_claimed() && matches!(outcome, SendOutcome::NotSent { .. }) {
            // Nobody's fault, and no try: restarts one after the other must not keep a message waiting.
            steps.push(held.take_back());
        }
        if held.withdrawn {
            self.lanes[modem].limits.give_back();
            self.queue.ended(key, false);
            self.more = true;
            return;
        }
        let other_sim = held.facts.other_sim && self.has_other_sim(modem, key, at);
        let facts = retry::Facts { other_sim, ..held.facts };
        let random = self.random();
        let verdict = retry::decide(&self.config.retry, outcome, &facts, at, random);
        let got_through = matches!(verdict, Verdict::Acked { .. });
        if matches!(outcome, SendOutcome::Withdrawn) {
            // Nobody's fault: its message was cancelled or had expired.
            self.lanes[modem].limits.give_back();
        } else {
            self.note_health(modem, &held, &verdict, at);
        }
        if let Verdict::Ambiguous { reason, .. } = verdict {
            tracing::warn!(attempt = attempt.0, %reason, "nobody knows whether a part left");
        }
        steps.push(Step::Ended { attempt, verdict, at });
        if !got_through {
            self.withdraw_rest(modem, key, steps);
            self.more = true;
        }
        self.more |= self.queue.ended(key, got_through);
    }

    /// Another modem could take this message now, and its SIM has not refused it.
    fn has_other_sim(&self, modem: usize, key: MessageKey, now: Timestamp) -> bool {
        let refused = self.avoid.get(&key).map_or(&[][..], |avoid| &avoid.sims);
        self.lanes.iter().enumerate().any(|(index, lane)| {
            let is_fresh = lane.sim.as_ref().is_some_and(|(iccid, _)| !refused.contains(iccid));
            index != modem && is_fresh && lane.is_open(&self.config.limits, now)
        })
    }

    /// Later parts of a message whose earlier part did not get through are taken back while they can be.
    fn withdraw_rest(&mut self, modem: usize, key: MessageKey, steps: &mut Vec<Step>) {
        for held in &mut self.lanes[modem].in_hand {
            if held.part.message == key && held.is_claimed() {
                steps.push(held.take_back());
            }
        }
    }

    fn note_health(&mut self, modem: usize, held: &InHand, verdict: &Verdict, at: Timestamp) {
        let random = self.random();
        let lane = &mut self.lanes[modem];
        let failure = match verdict {
            Verdict::Acked { .. } => {
                lane.breaker.success();
                self.avoid.remove(&held.part.message);
                return;
            }
            Verdict::Retry { failure, .. } => *failure,
            Verdict::Fail { .. } => {
                self.avoid.remove(&held.part.message);
                return;
            }
            Verdict::Ambiguous { .. } => return,
        };
        lane.limits.give_back();
        if let Some(until) = lane.breaker.failure(&self.config.retry, &held.to, at, random) {
            tracing::warn!(port = %lane.port, "several recipients failed in a row; this SIM pauses");
            lane.closed_until = until;
        }
        if let Some((iccid, _)) = &lane.sim
            && matches!(failure.blame, Blame::Sim | Blame::Modem)
        {
            if self.avoid.len() >= AVOIDED {
                self.avoid.retain(|_, avoid| avoid.expires_at > at);
            }
            if self.avoid.len() < AVOIDED {
                let new = || Avoid { sims: Vec::new(), expires_at: held.facts.expires_at };
                let avoid = self.avoid.entry(held.part.message).or_insert_with(new);
                if !avoid.sims.contains(iccid) {
                    avoid.sims.push(iccid.clone());
                }
            }
        }
    }

    /// Uniform in 0..1: xorshift64*, for jitter only.
    fn random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let bits = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

async fn sleep_until(at: Option<Timestamp>, clock: fn() -> Timestamp) {
    match at {
        Some(at) => clock::sleep(clock().until(at).min(LONGEST_WAIT)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
