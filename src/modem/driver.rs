//! The task of one modem: open, set up, serve, and when the line is lost open again.

use super::alarms::{Disturbances, Memories};
use super::board::Board;
use super::broadcasts::Broadcasts;
use super::calls::Call;
use super::chat::{Chat, LATE, Lost};
use super::details::Detail;
use super::inbox::Inbox;
use super::ladder::{FLAPPING, Ladder};
use super::orders::{self, Ordered, Orders, Reading};
use super::port::{self, OpenError};
use super::recorder::Recorder;
use super::ussd::Waiting;
use super::{Config, LaneEvent, LaneEventKind, Links, Outgoing, PinMemory, Received};
use crate::at::command::Domain;
use crate::at::net::{self, Registration, Stat};
use crate::at::{Event, FinalResult, ServiceCentre, Urc};
use crate::clock;
use crate::model::{AttemptId, Cell, Iccid, Imei, ModemPhase, Radio, SendOutcome};
use crate::modem::profile::{GENERIC, Profile};
use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// First pause before a port is opened again; doubled each time, with full jitter.
const BACKOFF: Duration = Duration::from_millis(250);
/// Longest such pause.
const BACKOFF_MOST: Duration = Duration::from_secs(15);
/// Longest pause while there is no tty, or one that udev has not opened to us yet (fault F-32): looking costs one system
/// call, and a modem that was plugged in is to be used soon.
const BACKOFF_CHEAP: Duration = Duration::from_secs(2);
/// A session that lasted so long was a good one: the next pause is the first again.
const GOOD_SESSION: Duration = Duration::from_secs(15);
/// How long a fresh port is listened to for the final code of a submit from before (RELIABILITY W-4).
const LISTEN: Duration = Duration::from_secs(5);
/// Exchanges for what came in, or to look around, between two parts when both wait. Two messages are read and deleted.
const JOBS_PER_PART: u32 = 4;
/// How long a port at which another modem answers is left alone, unless it is known to have changed.
const ANOTHER: Duration = Duration::from_secs(600);
/// How long after the hush a submit without an end is remembered at all.
const FORGOTTEN: Duration = Duration::from_secs(600);
/// What is decided already is still deleted from the SIM when the gateway stops, for so long.
const FAREWELL: Duration = Duration::from_secs(3);
/// Why nothing is submitted after a submit without an end.
pub(super) const HUSHED: &str = "waiting for the late end of the submit before";

/// What the gateway and the driver have between them; it outlives the port.
pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) lane: mpsc::Sender<LaneEvent>,
    pub(super) received: mpsc::Sender<Received>,
    pub(super) pins: PinMemory,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    orders: Orders,
    broadcasts: Broadcasts,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) board: Board,
    pub(super) recorder: Recorder,
    /// Submits without a final code, that a late `+CMGS` may belong to.
    pub(super) unresolved: Vec<AttemptId>,
    /// Until when that is likely.
    pub(super) unresolved_until: Option<Instant>,
    /// All memories were swept once since the process started.
    pub(super) swept: bool,
    /// Of the modem that was last seen here.
    pub(super) profile: &'static Profile,
    pub(super) ladder: Ladder,
    /// Signs that something else is on the line.
    disturbances: Disturbances,
    /// What a person was told of the memories.
    memories: Memories,
    /// The port that it has now, where somebody else finds it.
    pub(super) found: Option<watch::Receiver<Option<String>>>,
    /// The service centre that the SIM was seen with.
    service_centre: Option<(Iccid, ServiceCentre)>,
}

impl Desk {
    pub(super) fn new(
        config: Config,
        links: Links,
        outgoing: mpsc::Receiver<Outgoing>,
        orders: Orders,
        stop: watch::Receiver<bool>,
        board: Board,
        recorder: Recorder,
    ) -> Desk {
        Desk {
            config,
            lane: links.lane,
            received: links.received,
            pins: links.pins,
            outgoing,
            orders,
            broadcasts: Broadcasts::default(),
            stop,
            board,
            recorder,
            unresolved: Vec::new(),
            unresolved_until: None,
            swept: false,
            profile: &GENERIC,
            ladder: Ladder::default(),
            disturbances: Disturbances::default(),
            memories: Memories::default(),
            found: None,
            service_centre: None,
        }
    }

    /// True when the modem is not where it was opened any more.
    fn has_moved(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.borrow().as_deref() != Some(&self.config.port))
    }

    /// Waits until the modem is somewhere else, or nowhere. For ever where nobody looks for it.
    fn moved(&self) -> impl Future<Output = ()> + 'static {
        let (found, port) = (self.found.clone(), self.config.port.clone());
        async move {
            let Some(mut found) = found else { return std::future::pending().await };
            if found.wait_for(|found| found.as_deref() != Some(&port)).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Remembers a submit that has no final code yet, with what is left of its deadline.
    pub(super) fn remember(&mut self, attempt: AttemptId, left: Duration) {
        let is_over = |until: Instant| clock::now() > until + FORGOTTEN;
        if self.unresolved_until.is_some_and(is_over) {
            self.unresolved.clear();
        }
        self.unresolved.push(attempt);
        self.unresolved_until = clock::now().checked_add(left + LATE);
    }

    /// Until when nothing may be submitted: an end that comes now cannot be told from that of the submit before.
    pub(super) fn hushed_until(&self) -> Option<Instant> {
        self.unresolved_until.filter(|until| !self.unresolved.is_empty() && clock::now() < *until)
    }

    /// A `+CMGS` that nobody waits for: it is credited only when it can belong to a single submit (RELIABILITY W-5).
    async fn credit(&mut self, mr: Option<u8>) {
        match *self.unresolved.as_slice() {
            [attempt] => {
                info!(attempt = attempt.0, mr, "a late +CMGS resolves a submit that nobody was sure of");
                self.unresolved.clear();
                self.tell(LaneEventKind::Evidence { attempt, mr }).await;
            }
            ref several => warn!(mr, candidates = several.len(), "a late +CMGS that cannot be credited"),
        }
    }

    /// Tells the lane. Does not yield while the channel has room.
    pub(super) async fn tell(&self, kind: LaneEventKind) {
        let event = LaneEvent { modem: self.config.index, kind };
        if let Err(mpsc::error::TrySendError::Full(event)) = self.lane.try_send(event) {
            // When it is closed nobody wants to know.
            let _ = self.lane.send(event).await;
        }
    }

    /// Gives a part back untouched.
    pub(super) async fn refuse(&self, outgoing: &Outgoing, detail: &str) {
        let outcome = SendOutcome::NotSent { code: None, detail: detail.to_owned() };
        self.tell(LaneEventKind::Ended(outgoing.attempt, outcome)).await;
    }

    /// True when the driver is to end, or nobody holds it any more.
    pub(super) fn stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// The line was lost without our doing.
    fn went_away(&mut self) {
        let now = clock::now();
        self.ladder.lost(now, self.profile.deadlines.reset);
        if let Some((span, losses)) = self.ladder.watched(now)
            && losses == FLAPPING
        {
            let detail = format!("{}; it is watched for {} s before it is used", flapping(losses), span.as_secs());
            self.board.alarm("flapping", detail);
        }
    }

    /// Something on the line was not as it should be.
    async fn disturbed(&mut self) {
        if !self.disturbances.note(clock::now()) {
            return;
        }
        let port = self.config.port.clone();
        // Beside the runtime: every process is looked at.
        let other = tokio::task::spawn_blocking(move || port::other_user(&port)).await.ok().flatten();
        if let Some(detail) = self.disturbances.due(other.as_deref()) {
            self.board.alarm("line_disturbed", detail);
        }
    }

    /// Waits for the order to stop.
    pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
        // An error means that the handle is gone, which is an order too.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// The same while there is no session: orders are turned away too.
    async fn while_closed<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let orders = self.orders.clone();
        let turn_away = async {
            while let Some(ordered) = orders.next().await {
                orders::tell(ordered.answer, Err("the modem is not there now; see `gsmgate modems`".to_owned()));
            }
            std::future::pending().await
        };
        let work = async {
            tokio::select! {
                biased;
                done = work => done,
                never = turn_away => never,
            }
        };
        self.meanwhile(work).await
    }

    /// Does something that is not sending; parts that come meanwhile are given back. `None`: the driver is to end.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = Desk::stopped(&mut self.stop) => return None,
                done = &mut work => return Some(done),
                Some(outgoing) = self.outgoing.recv() => self.refuse(&outgoing, "the modem is not ready").await,
            }
        }
    }
}

/// One opening of the port.
pub(super) struct Session<S> {
    pub(super) chat: Chat<S>,
    pub(super) config: Config,
    pub(super) board: Board,
    pub(super) received: mpsc::Sender<Received>,
    pub(super) pins: PinMemory,
    pub(super) profile: &'static Profile,
    pub(super) inbox: Inbox,
    pub(super) memories: Memories,
    pub(super) imei: Option<Imei>,
    pub(super) iccid: Option<Iccid>,
    /// By [`Domain::ALL`].
    pub(super) registration: [Option<Stat>; 3],
    /// What is still to be found out or set, that sending need not wait for.
    pub(super) details: VecDeque<Detail>,
    /// `+CSMS=1` is on: routed messages wait for our `+CNMA`.
    pub(super) acknowledges: bool,
    /// `+CNMI` as it was set.
    pub(super) indications: [u8; 5],
    /// The modem has begun anew, or its SIM has changed.
    pub(super) anew: bool,
    /// It has said so by itself.
    pub(super) restarted: bool,
    /// It has said that it switches itself off.
    pub(super) powering_down: bool,
    /// It is set up; what it says of its registration tells whether it can send.
    pub(super) up: bool,
    /// Until when nothing may be submitted.
    pub(super) hushed_until: Option<Instant>,
    /// Until when a SIM that is busy holds the set-up of messages up.
    pub(super) busy_until: Instant,
    pub(super) orders: Orders,
    /// An order that came while it waited.
    pub(super) ordered: Option<Ordered>,
    /// A USSD code waits for the network.
    pub(super) ussd: Option<Waiting>,
    pub(super) phonebook: Option<Reading>,
    pub(super) call: Option<Call>,
    /// The service centre that the SIM was seen with.
    pub(super) service_centre: Option<(Iccid, ServiceCentre)>,
    /// Measurements that this modem does not have.
    pub(super) blind_gauges: Vec<usize>,
    /// Since when it is set up and finds no network.
    pub(super) without_network: Option<Instant>,
    /// When that is to be looked at.
    pub(super) network_due: Option<Instant>,
    /// Until when it is only watched, and how often it has gone.
    pub(super) watched: Option<(Instant, usize)>,
    pub(super) timers: Timers,
}

/// When something is to be done though nothing happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timers {
    /// Look whether messages came that nobody announced.
    pub(super) check: Instant,
    /// How often that was done.
    pub(super) checks: u32,
    /// Ask whether the modem is registered, while it is not.
    pub(super) registration: Option<Instant>,
    /// Set `+CNMI` again: an unacknowledged report made the modem stop routing.
    pub(super) reassert: Option<Instant>,
}

/// Why serving ended, the line being fine.
#[derive(Debug, PartialEq, Eq)]
enum Served {
    Anew,
    Stopped,
}

/// What is wrong with a modem that comes and goes, and the next step.
pub(super) fn flapping(losses: usize) -> String {
    format!("the modem has gone {losses} times within ten minutes; check its power supply, cable and hub")
}

/// Waits until something can be handed over; false when nobody takes anything any more.
async fn has_room(received: &mpsc::Sender<Received>) -> bool {
    received.reserve().await.is_ok()
}

/// Runs the driver until it is told to stop.
pub(super) async fn run<S, F, Fut>(mut desk: Desk, mut open: F)
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<(String, S), OpenError>>,
{
    let mut failures = 0;
    while let Some(opened) = desk.while_closed(open()).await {
        let most = match opened {
            Ok((port, line)) => {
                desk.board.opened(&port);
                desk.config.port = port;
                let began = clock::now();
                let Err(lost) = session(&mut desk, line).await else { break };
                if matches!(lost, Lost::HangUp | Lost::Io(_) | Lost::PoweringDown) {
                    desk.went_away();
                }
                offline(&desk, lost.to_string());
                desk.recorder.lost(&lost.to_string());
                if clock::now() - began >= GOOD_SESSION {
                    failures = 0;
                }
                // Who looks for modems shall find it.
                if matches!(lost, Lost::Another(_))
                    && desk.while_closed(clock::timeout(ANOTHER, desk.moved())).await.is_none()
                {
                    break;
                }
                BACKOFF_MOST
            }
            Err(error) => {
                offline(&desk, format!("{error}; {}", error.hint()));
                if error.is_cheap() { BACKOFF_CHEAP } else { BACKOFF_MOST }
            }
        };
        if desk.while_closed(clock::sleep(backoff(desk.config.index, failures, most))).await.is_none() {
            break;
        }
        failures += 1;
    }
    desk.outgoing.close();
    while let Some(outgoing) = desk.outgoing.recv().await {
        desk.refuse(&outgoing, "the gateway is stopping").await;
    }
    desk.board.phase(ModemPhase::Stopped, None);
}

fn offline(desk: &Desk, reason: String) {
    desk.board.phase(ModemPhase::Offline, Some(reason));
}

/// A pause of at most 250 ms times two to the number of failures, another one for each modem of a hub that lost power.
fn backoff(modem: usize, failures: u32, most: Duration) -> Duration {
    let most = BACKOFF.saturating_mul(1 << failures.min(16)).min(most);
    // Multiples of the golden ratio: no two of their fractions are close.
    let share = (modem as f64 + f64::from(failures) * 0.5 + 1.0) * 0.618_033_988_749_895;
    most.mul_f64(share.fract())
}

/// One opening, to its end. `Ok`: the driver is to stop.
async fn session<S: AsyncRead + AsyncWrite + Unpin>(desk: &mut Desk, port: S) -> Result<(), Lost> {
    let mut session = Session::new(desk, port);
    let result = session.run(desk).await;
    desk.swept |= session.inbox.swept;
    desk.service_centre = session.service_centre.take();
    desk.memories = std::mem::take(&mut session.memories);
    if desk.found.is_some() {
        desk.config.imei = session.config.imei.take();
    }
    if let Err(lost) = &result {
        session.recover(desk, lost).await;
    }
    result
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(desk: &mut Desk, port: S) -> Session<S> {
        let now = clock::now();
        Session {
            chat: Chat::new(port, desk.config.port.clone(), desk.recorder.clone()),
            config: desk.config.clone(),
            board: desk.board.clone(),
            received: desk.received.clone(),
            pins: desk.pins.clone(),
            profile: desk.profile,
            inbox: Inbox::new(desk.swept, Some(desk.recorder.clone())),
            memories: std::mem::take(&mut desk.memories),
            imei: None,
            iccid: None,
            registration: [None; 3],
            details: VecDeque::new(),
            acknowledges: false,
            indications: [0; 5],
            anew: false,
            restarted: false,
            powering_down: false,
            up: false,
            hushed_until: None,
            busy_until: now,
            orders: desk.orders.clone(),
            ordered: None,
            ussd: None,
            phonebook: None,
            call: None,
            service_centre: desk.service_centre.clone(),
            blind_gauges: Vec::new(),
            without_network: None,
            network_due: None,
            watched: desk.ladder.watched(now).map(|(span, losses)| (now + span, losses)),
            timers: Timers { check: now, checks: 0, registration: None, reassert: None },
        }
    }

    async fn run(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        if self.listen(desk).await?.is_none() {
            return Ok(());
        }
        // What has not come by the time that a fresh port is in step belongs to no submit of before.
        let mut is_in_step = true;
        loop {
            let moved = desk.moved();
            let set_up = async {
                tokio::select! {
                    biased;
                    set_up = self.bring_up() => set_up,
                    () = moved => Err(Lost::Moved),
                }
            };
            match desk.meanwhile(set_up).await {
                None => return Ok(()),
                Some(result) => result?,
            }
            self.sort(desk).await;
            if std::mem::take(&mut is_in_step) || desk.hushed_until().is_none() {
                desk.unresolved.clear();
            }
            if self.serve(desk).await? == Served::Stopped {
                return self.farewell(desk).await;
            }
        }
    }

    /// Before anything is written, listens for the final code of a submit that is not resolved yet (RELIABILITY W-4).
    async fn listen(&mut self, desk: &mut Desk) -> Result<Option<()>, Lost> {
        let Some(until) = desk.hushed_until() else { return Ok(Some(())) };
        let left = until.saturating_duration_since(clock::now());
        desk.board.phase(ModemPhase::BringUp, Some("listening for the end of a submit from before".to_owned()));
        let heard = desk.meanwhile(clock::timeout(left.min(LISTEN), self.final_code())).await;
        self.sort(desk).await;
        match heard {
            None => Ok(None),
            Some(Ok(Err(lost))) => Err(lost),
            Some(Ok(Ok(())) | Err(_)) => Ok(Some(())),
        }
    }

    /// Listens until a submit's final code comes.
    async fn final_code(&mut self) -> Result<(), Lost> {
        loop {
            if let Event::Urc(urc) = self.chat.event().await? {
                let found = matches!(urc, Urc::Submitted(_) | Urc::Final(FinalResult::Cms(_)));
                self.chat.keep(urc);
                if found {
                    return Ok(());
                }
            }
        }
    }

    /// Sends, receives and looks around until the modem begins anew or the driver is to stop.
    async fn serve(&mut self, desk: &mut Desk) -> Result<Served, Lost> {
        let mut allowance = JOBS_PER_PART;
        loop {
            self.sort(desk).await;
            if self.powering_down {
                return Err(Lost::PoweringDown);
            }
            if desk.has_moved() {
                return Err(Lost::Moved);
            }
            if self.anew {
                return Ok(Served::Anew);
            }
            if desk.stopping() {
                return Ok(Served::Stopped);
            }
            self.set_hushed(desk);
            self.look_after(desk).await?;
            if self.anew {
                return Ok(Served::Anew);
            }
            self.tick();
            self.inbox.settle_now();
            if (allowance > 0 || desk.outgoing.is_empty()) && (self.work().await? || self.obey().await?) {
                allowance = allowance.saturating_sub(1);
                continue;
            }
            let next = match desk.outgoing.try_recv() {
                Ok(outgoing) => Some(outgoing),
                Err(_) => self.idle(desk).await?,
            };
            match next {
                Some(outgoing) if self.hushed_until.is_some() => desk.refuse(&outgoing, HUSHED).await,
                Some(outgoing) => {
                    self.send(desk, outgoing).await?;
                    allowance = JOBS_PER_PART;
                }
                None => {}
            }
        }
    }

    /// Publishes that nothing can be submitted for now, or again.
    fn set_hushed(&mut self, desk: &Desk) {
        let before = std::mem::replace(&mut self.hushed_until, desk.hushed_until());
        if before.is_some() != self.hushed_until.is_some() {
            self.publish_registration();
        }
    }

    /// Waits until something happens. Every branch is cancel safe: what is not taken stays where it is.
    async fn idle(&mut self, desk: &mut Desk) -> Result<Option<Outgoing>, Lost> {
        let due = self.due();
        let moved = desk.moved();
        tokio::select! {
            biased;
            outgoing = desk.outgoing.recv() => match outgoing {
                Some(outgoing) => return Ok(Some(outgoing)),
                // Nobody can send any more; the order to stop is on its way.
                None => Desk::stopped(&mut desk.stop).await,
            },
            event = self.chat.event() => if let Event::Urc(urc) = event? {
                self.chat.keep(urc);
            },
            Some(ordered) = self.orders.next() => self.ordered = Some(ordered),
            () = self.inbox.settled() => {}
            true = has_room(&self.received), if self.inbox.has_backlog() => {}
            () = clock::sleep_until(due) => {}
            () = moved => {}
            () = Desk::stopped(&mut desk.stop) => {}
        }
        Ok(None)
    }

    /// One exchange of what is not sending, the most urgent. False when there is nothing to do.
    async fn work(&mut self) -> Result<bool, Lost> {
        self.offer();
        if let Some(job) = self.inbox.next() {
            self.run_job(job).await?;
        } else if let Some(detail) = self.details.pop_front() {
            self.run_detail(detail).await?;
        } else if !self.run_chore().await? {
            return Ok(false);
        }
        Ok(true)
    }

    /// True when something else than sending waits for the line, or for the time.
    pub(super) fn has_work(&mut self) -> bool {
        self.inbox.settle_now();
        let can_hand_over = self.inbox.has_backlog() && self.received.capacity() > 0;
        let has_jobs = self.inbox.has_jobs() || !self.details.is_empty() || self.has_orders();
        self.anew || can_hand_over || has_jobs || self.due() <= clock::now()
    }

    /// Looks at what the modem said by itself.
    pub(super) async fn sort(&mut self, desk: &mut Desk) {
        for _ in 0..self.chat.signs() {
            desk.disturbed().await;
        }
        while let Some(urc) = self.chat.unheard() {
            match urc {
                Urc::MessageStored(memory, index) | Urc::ReportStored(memory, index) => {
                    self.inbox.announced(memory, index);
                }
                Urc::MessageRouted(pdu) | Urc::ReportRouted(pdu) => self.inbox.routed(pdu),
                Urc::Registration(domain, registration) => self.registered(domain, registration),
                Urc::Pin(_) => self.anew = true,
                Urc::Started => (self.anew, self.restarted) = (true, true),
                Urc::MemoryFull => {
                    warn!(port = self.config.port, "a message memory is full");
                    self.inbox.sweep_all();
                }
                Urc::PoweringDown => self.powering_down = true,
                Urc::Strained(line) => {
                    warn!(port = self.config.port, line, "the modem complains of its supply or its temperature");
                }
                Urc::Ringing(number) => self.rings(number),
                Urc::Ussd(said) => self.heard_ussd(desk, &said),
                Urc::Broadcast(page) => {
                    if let Some(notice) = desk.broadcasts.take(&page) {
                        desk.board.notice(notice);
                    }
                }
                Urc::SimMoved if self.details.contains(&Detail::Sim) => {}
                Urc::SimMoved => self.details.push_back(Detail::Sim),
                Urc::Submitted(mr) => desk.credit(mr).await,
                Urc::Final(result) => {
                    info!(port = self.config.port, %result, "a submit from before was refused");
                    desk.unresolved.clear();
                }
                Urc::Other(_) => {}
            }
        }
    }

    /// Takes a state of registration.
    pub(super) fn registered(&mut self, domain: Domain, registration: net::Registration) {
        for (slot, each) in self.registration.iter_mut().zip(Domain::ALL) {
            if each == domain {
                *slot = Some(registration.stat);
            }
        }
        let Registration { area, cell: id, act, .. } = registration;
        // A change told without its cell leaves the one that is known.
        if area.is_some() || id.is_some() || act.is_some() {
            self.update_sim(|sim| {
                // A radio that is not told may still be the slow one, whose deadline is longer.
                let radio = act.and_then(Radio::from_act).or(sim.cell.radio);
                sim.cell = Cell { area, id, radio };
            });
        }
        self.publish_registration();
    }

    /// How long a submit may take: as long as the radio needs, and the make.
    pub(super) fn submit_deadline(&self) -> Duration {
        let least = self.profile.deadlines.submit;
        self.board.radio().map_or(least, |radio| least.max(radio.submit_deadline()))
    }

    /// Carries out what is decided already, so that as little as possible is found again at the next start.
    async fn farewell(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        self.inbox.settle_now();
        let tidy = async {
            while let Some(job) = self.inbox.next_decided() {
                self.run_job(job).await?;
            }
            Ok::<(), Lost>(())
        };
        if clock::timeout(FAREWELL, tidy).await.is_err() {
            debug!(port = desk.config.port, "not everything was deleted before the stop");
        }
        Ok(())
    }
}
