//! Stands between the gateway and a broker and spoils the link as the test says: it ends it at any octet, falls silent, is slow,
//! keeps acknowledgements back, or makes the broker forget the session.

use super::frames::{self, Frames};
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToBroker = 0,
    ToGateway = 1,
}

/// How a link ends for the gateway: with a RST, or with a FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Reset,
    Fin,
}

/// What becomes of the PUBACKs of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Acks {
    #[default]
    Pass,
    /// They never arrive.
    Lost,
    /// So many at a time, the last first; fewer after [`GATHER`].
    Reversed(usize),
    /// One in such a time.
    Paced(Duration),
}

/// For so long after the last octet to the gateway its own still pass.
const LAST_WORDS: Duration = Duration::from_millis(5);
/// Fewer acknowledgements than were asked for go on after this time without another.
const GATHER: Duration = Duration::from_millis(50);

/// What is wrong with one link.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// It ends after so many octets in this direction.
    pub(crate) cut: Option<(Way, usize, End)>,
    /// It falls silent after so many octets in both: no octet passes, and nobody is told.
    pub(crate) silent_after: Option<usize>,
    /// So many octets at a time, with a pause after them.
    pub(crate) slow: Option<(usize, Duration)>,
    /// The broker is told to forget the session. MQTT 5 §3.1.2.4.
    pub(crate) clean_start: bool,
    /// The broker is told to keep the session for so many seconds instead. MQTT 5 §3.1.2.11.2.
    pub(crate) session_expiry: Option<u32>,
    /// PUBACKs to the broker, to the gateway.
    pub(crate) acks: [Acks; 2],
    /// These are no packets of MQTT (TLS, say): octets pass as they are.
    pub(crate) opaque: bool,
}

/// What was seen of one link.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) began: Instant,
    /// The first octet from the gateway.
    pub(crate) first: Option<u8>,
    /// Octets handed on, to the broker, to the gateway.
    pub(crate) passed: [usize; 2],
    /// The most publishes that were unacknowledged at a time, as the gateway saw it.
    pub(crate) most_in_flight: usize,
    /// The broker went on with a session.
    pub(crate) resumed: Option<bool>,
    /// The broker does not want this client.
    pub(crate) refused: bool,
    /// The broker has taken the subscription.
    pub(crate) subscribed: bool,
    /// Publishes to the gateway, and those of them with DUP.
    pub(crate) commands: usize,
    pub(crate) again: usize,
    pub(crate) is_over: bool,
}

/// A listener that hands links on.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listen: JoinHandle<()>,
}

struct Shared {
    broker: Mutex<SocketAddr>,
    /// For the next links, one each.
    next: Mutex<VecDeque<Faults>>,
    /// For all others.
    always: Mutex<Faults>,
    seen: Mutex<Vec<Seen>>,
    now: watch::Sender<Now>,
}

/// What befalls all links.
#[derive(Debug, Clone, Copy)]
struct Now {
    /// Cuts so far, and how the last one was made.
    cuts: (u64, End),
    is_silent: bool,
    /// No new link comes up.
    is_away: bool,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listen.abort();
        self.cut(End::Reset);
    }
}

impl Proxy {
    pub(crate) async fn start(broker: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            broker: Mutex::new(broker),
            next: Mutex::default(),
            always: Mutex::default(),
            seen: Mutex::default(),
            now: watch::Sender::new(Now { cuts: (0, End::Fin), is_silent: false, is_away: false }),
        });
        let listen = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Proxy { address, shared, listen }
    }

    /// Links from now on go here.
    pub(crate) fn lead_to(&self, broker: SocketAddr) {
        *lock(&self.shared.broker) = broker;
    }

    /// The link after those that were spoken for has these faults.
    pub(crate) fn spoil_next(&self, faults: Faults) {
        lock(&self.shared.next).push_back(faults);
    }

    /// Links that are not spoken for have these faults.
    pub(crate) fn spoil_all(&self, faults: Faults) {
        *lock(&self.shared.always) = faults;
    }

    /// Links from now on have no faults; those that are up keep theirs.
    pub(crate) fn mend(&self) {
        lock(&self.shared.next).clear();
        self.spoil_all(Faults::default());
    }

    /// Ends all links.
    pub(crate) fn cut(&self, end: End) {
        self.shared.now.send_modify(|now| now.cuts = (now.cuts.0 + 1, end));
    }

    /// From now on nothing passes on any link, or everything again on new ones.
    pub(crate) fn silence(&self, is_silent: bool) {
        self.shared.now.send_modify(|now| now.is_silent = is_silent);
    }

    /// Ends all links and lets none come up, or does again.
    pub(crate) fn away(&self, is_away: bool) {
        self.shared.now.send_modify(|now| now.is_away = is_away);
        self.cut(End::Reset);
    }

    /// All links so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((gateway, _)) = listener.accept().await {
        let now = *shared.now.borrow();
        if now.is_away {
            finish(gateway, End::Reset);
            continue;
        }
        let faults = lock(&shared.next).pop_front().unwrap_or_else(|| lock(&shared.always).clone());
        let seen = Seen {
            began: Instant::now(),
            first: None,
            passed: [0; 2],
            most_in_flight: 0,
            resumed: None,
            refused: false,
            subscribed: false,
            commands: 0,
            again: 0,
            is_over: false,
        };
        let index = {
            let mut all = lock(&shared.seen);
            all.push(seen);
            all.len() - 1
        };
        tokio::spawn(carry(gateway, faults, Arc::clone(&shared), (index, now.cuts.0)));
    }
}

fn finish(stream: TcpStream, end: End) {
    if end == End::Reset {
        let _ = stream.set_zero_linger();
    }
}

/// Carries one link until it ends. `cuts`: those before it came.
async fn carry(mut gateway: TcpStream, faults: Faults, shared: Arc<Shared>, (index, cuts): (usize, u64)) {
    let address = *lock(&shared.broker);
    let end = match TcpStream::connect(address).await {
        Ok(mut broker) => {
            for stream in [&gateway, &broker] {
                let _ = stream.set_nodelay(true);
            }
            let mut link = Link::new(&shared, index, faults);
            let end = link.run(&mut gateway, &mut broker, cuts).await;
            // With a FIN, so that it takes what it was sent.
            drop(broker);
            end
        }
        Err(_) => End::Reset,
    };
    lock(&shared.seen)[index].is_over = true;
    finish(gateway, end);
}

/// A link that is up.
struct Link<'a> {
    shared: &'a Shared,
    index: usize,
    faults: Faults,
    frames: [Frames; 2],
    /// PUBACKs that are kept back, and when they go on.
    held: [(VecDeque<Vec<u8>>, Option<Instant>); 2],
    passed: [usize; 2],
    in_flight: BTreeSet<u16>,
}

impl Link<'_> {
    fn new(shared: &Shared, index: usize, faults: Faults) -> Link<'_> {
        Link {
            shared,
            index,
            faults,
            frames: Default::default(),
            held: Default::default(),
            passed: [0; 2],
            in_flight: BTreeSet::new(),
        }
    }

    async fn run(&mut self, gateway: &mut TcpStream, broker: &mut TcpStream, cuts: u64) -> End {
        let mut now = self.shared.now.subscribe();
        now.mark_changed();
        let ((mut from_gateway, mut to_gateway), (mut from_broker, mut to_broker)) = (gateway.split(), broker.split());
        let (mut there, mut back) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        // A broker that hangs up on a silent link is not heard; of one that hears no more the last words are.
        let (mut broker_is_there, mut broker_hears) = (true, true);
        loop {
            if let Some((way, _, end)) = self.faults.cut.filter(|_| self.is_at_cut()) {
                if way == Way::ToGateway {
                    // What is on its way to the broker arrives; only its answers do not.
                    let on = tokio::io::copy(&mut from_gateway, &mut to_broker);
                    let _ = timeout(LAST_WORDS, on).await;
                }
                return end;
            }
            let due = self.held.iter().filter_map(|(_, at)| *at).min();
            let (way, octets) = tokio::select! {
                biased;
                _ = now.changed() => {
                    let cut = now.borrow().cuts;
                    if cut.0 != cuts {
                        return cut.1;
                    }
                    continue;
                }
                n = from_gateway.read(&mut there) => match n {
                    Ok(n) if n > 0 => (Way::ToBroker, self.taken(Way::ToBroker, &there[..n])),
                    _ => return End::Fin,
                },
                n = from_broker.read(&mut back), if broker_is_there => match n {
                    Ok(n) if n > 0 => (Way::ToGateway, self.taken(Way::ToGateway, &back[..n])),
                    _ if self.is_silent() => { broker_is_there = false; continue }
                    Ok(_) => return End::Fin,
                    Err(_) => return End::Reset,
                },
                () = until(due) => self.released(),
            };
            if way == Way::ToBroker && !broker_hears {
                continue;
            }
            let to = if way == Way::ToBroker { &mut to_broker } else { &mut to_gateway };
            match (self.write(way, &octets, to).await, way) {
                (Err(_), Way::ToBroker) => broker_hears = false,
                (Err(_), Way::ToGateway) => return End::Reset,
                (Ok(()), _) => {}
            }
        }
    }

    fn is_silent(&self) -> bool {
        let total = self.passed.iter().sum::<usize>();
        self.shared.now.borrow().is_silent || self.faults.silent_after.is_some_and(|octets| total >= octets)
    }

    /// What goes on of what came.
    fn taken(&mut self, way: Way, octets: &[u8]) -> Vec<u8> {
        if way == Way::ToBroker {
            lock(&self.shared.seen)[self.index].first.get_or_insert(octets[0]);
        }
        if self.faults.opaque {
            return octets.to_vec();
        }
        let mut on = Vec::new();
        for mut frame in self.frames[way as usize].push(octets) {
            match (frame[0] >> 4, way) {
                (frames::CONNECT, Way::ToBroker) => self.connect(&mut frame),
                (frames::CONNACK, Way::ToGateway) => {
                    let seen = &mut lock(&self.shared.seen)[self.index];
                    (seen.resumed, seen.refused) = (Some(frame[2] & 1 != 0), frame[3] >= 0x80);
                }
                (frames::SUBACK, Way::ToGateway) => lock(&self.shared.seen)[self.index].subscribed = true,
                (frames::PUBLISH, Way::ToBroker) => self.published(&frame),
                (frames::PUBLISH, Way::ToGateway) => {
                    let seen = &mut lock(&self.shared.seen)[self.index];
                    seen.commands += 1;
                    seen.again += usize::from(frame[0] & 0x08 != 0);
                }
                (frames::PUBACK, _) => {
                    if let Some(frame) = self.acknowledged(way, frame) {
                        on.extend(frame);
                    }
                    continue;
                }
                _ => {}
            }
            on.extend(frame);
        }
        on
    }

    fn connect(&self, frame: &mut [u8]) {
        if self.faults.clean_start {
            frames::set_clean_start(frame);
        }
        if let Some(seconds) = self.faults.session_expiry {
            frames::set_session_expiry(frame, seconds);
        }
    }

    fn published(&mut self, frame: &[u8]) {
        self.in_flight.extend(frames::publish_id(frame));
        let seen = &mut lock(&self.shared.seen)[self.index];
        seen.most_in_flight = seen.most_in_flight.max(self.in_flight.len());
    }

    /// The PUBACK, where it goes on at once.
    fn acknowledged(&mut self, way: Way, frame: Vec<u8>) -> Option<Vec<u8>> {
        let (held, due) = &mut self.held[way as usize];
        match self.faults.acks[way as usize] {
            Acks::Lost => None,
            Acks::Pass => {
                self.out_of_flight(way, &frame);
                Some(frame)
            }
            Acks::Reversed(n) => {
                held.push_front(frame);
                *due = Some(Instant::now() + if held.len() >= n { Duration::ZERO } else { GATHER });
                None
            }
            Acks::Paced(pause) => {
                held.push_back(frame);
                due.get_or_insert_with(|| Instant::now() + pause);
                None
            }
        }
    }

    fn out_of_flight(&mut self, way: Way, frame: &[u8]) {
        if way == Way::ToGateway {
            self.in_flight.remove(&frames::ack_id(frame));
        }
    }

    /// The acknowledgements that are due.
    fn released(&mut self) -> (Way, Vec<u8>) {
        let now = Instant::now();
        let is_due = |way: &Way| self.held[*way as usize].1.is_some_and(|at| at <= now);
        let way = [Way::ToBroker, Way::ToGateway].into_iter().find(is_due).expect("somebody is due");
        let (held, due) = &mut self.held[way as usize];
        let frames: Vec<_> = match self.faults.acks[way as usize] {
            Acks::Paced(pause) => {
                let first = held.pop_front().into_iter().collect();
                *due = (!held.is_empty()).then(|| now + pause);
                first
            }
            _ => {
                *due = None;
                held.drain(..).collect()
            }
        };
        frames.iter().for_each(|frame| self.out_of_flight(way, frame));
        (way, frames.concat())
    }

    async fn write(&mut self, way: Way, octets: &[u8], to: &mut (impl AsyncWriteExt + Unpin)) -> std::io::Result<()> {
        let (at_once, pause) = self.faults.slow.unwrap_or((usize::MAX, Duration::ZERO));
        let mut rest = octets;
        while !rest.is_empty() && !self.is_silent() {
            let room = match self.faults.cut {
                Some((of, octets, _)) if of == way => octets.saturating_sub(self.passed[way as usize]),
                _ => usize::MAX,
            };
            let n = rest.len().min(at_once).min(room);
            if n == 0 {
                break;
            }
            to.write_all(&rest[..n]).await?;
            rest = &rest[n..];
            self.passed[way as usize] += n;
            lock(&self.shared.seen)[self.index].passed = self.passed;
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
        Ok(())
    }

    fn is_at_cut(&self) -> bool {
        self.faults.cut.is_some_and(|(way, octets, _)| self.passed[way as usize] >= octets)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
