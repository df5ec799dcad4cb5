//! Keeps the link to the broker: polls the connection, subscribes, hands commands on, and backs off.

use super::client::{Client, Command, Connection, Input};
use super::told;
use super::topics::Topics;
use crate::clock;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Whether there is a link, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Link {
    /// Connected now.
    pub(super) up: bool,
    /// Connections so far: a change means that there is a new one.
    pub(super) connections: u64,
}

/// Commands that wait to be carried out, where a broker does not keep to our receive maximum.
pub(super) const WAITING: usize = 4096;
/// Their octets.
const WAITING_OCTETS: usize = 8 * 1024 * 1024;

/// The first pause before connecting again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// A connection that lasted as long was a good one: the pauses begin anew.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);
/// Takeovers within [`TAKEOVER_SPAN`] that mean that another client has our identifier (F-56).
const TAKEOVERS: usize = 3;
const TAKEOVER_SPAN: Duration = Duration::from_secs(60);

/// The owner of the connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) client: Client,
    pub(super) topics: Topics,
    pub(super) link: watch::Sender<Link>,
    pub(super) commands: mpsc::Sender<Command>,
    /// Octets of the commands that wait.
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) stop: watch::Receiver<bool>,
}

/// What is remembered between connections.
#[derive(Debug)]
struct Past {
    pause: Duration,
    since: Option<Instant>,
    takeovers: VecDeque<Instant>,
    subscribed: bool,
    /// The last failure that was logged, so that an outage is one line.
    logged: Option<String>,
}

impl Session {
    /// Runs until goodbye is said.
    pub(super) async fn run(mut self) {
        let mut past =
            Past { pause: FIRST_PAUSE, since: None, takeovers: VecDeque::new(), subscribed: false, logged: None };
        loop {
            match self.connection.next().await {
                Input::Up { resumed } => self.up(resumed, &mut past),
                Input::Down { reason, taken_over } => {
                    let pause = self.down(&reason, taken_over, &mut past);
                    self.pause(pause).await;
                }
                Input::Subscribed { refused } => {
                    past.subscribed = refused.is_empty();
                    if !past.subscribed {
                        tracing::error!(
                            ?refused,
                            "the broker refuses our subscription: no command will come in; check its access list"
                        );
                    }
                }
                Input::Command(command) => {
                    if !self.hand_on(command) {
                        self.connection.cut();
                        let pause =
                            self.down("the broker sends commands faster than they can be stored", false, &mut past);
                        self.pause(pause).await;
                    }
                }
                Input::Done(ticket) => self.client.acknowledge(ticket),
                Input::Closed => return,
            }
        }
    }

    /// Waits before the next connection.
    async fn pause(&mut self, pause: Duration) {
        tokio::select! {
            () = clock::sleep(pause) => {}
            () = told(&mut self.stop) => self.client.close(),
        }
    }

    fn up(&self, resumed: bool, past: &mut Past) {
        past.since = Some(clock::now());
        past.subscribed &= resumed;
        tracing::info!(resumed, "connected to the broker");
        past.logged = None;
        // Without a need it would only bring stored retained commands, to be refused once more.
        if !past.subscribed && !self.client.subscribe(self.topics.commands()) {
            tracing::error!("no room to subscribe; no command will come in until the next connection");
        }
        self.link.send_modify(|link| *link = Link { up: true, connections: link.connections + 1 });
    }

    /// Notes that the link is down, and says how long to wait.
    fn down(&self, reason: &str, taken_over: bool, past: &mut Past) -> Duration {
        self.link.send_modify(|link| link.up = false);
        let now = clock::now();
        if past.since.take().is_some_and(|since| now - since >= GOOD_CONNECTION) {
            past.pause = FIRST_PAUSE;
        }
        if past.logged.as_deref() != Some(reason) {
            tracing::warn!(reason, "no link to the broker; trying again");
            past.logged = Some(reason.to_owned());
        }
        if taken_over && past.takes_over(now) {
            tracing::error!("another client takes our session over again and again: two gateways have one client id");
            return LAST_PAUSE;
        }
        let pause = past.pause;
        past.pause = (pause * 2).min(LAST_PAUSE);
        pause.mul_f64(jitter())
    }

    /// Never waits: the connection has to be polled. Some brokers do not keep to our receive maximum, so there is more
    /// room than that. False where even this is used up: a new connection makes the broker send again what is not
    /// acknowledged.
    fn hand_on(&mut self, command: Command) -> bool {
        let (octets, ticket) = (command.octets(), command.ticket);
        let fits = self.waiting.load(Ordering::Relaxed) + octets <= WAITING_OCTETS;
        if fits && self.commands.try_send(command).is_ok() {
            self.waiting.fetch_add(octets, Ordering::Relaxed);
            return true;
        }
        let Some(ticket) = ticket else {
            tracing::warn!("a command at QoS 0 came when there was no room; it is lost");
            return true;
        };
        self.client.leave(ticket);
        // Nothing is handed on while we stop, and the broker keeps it.
        *self.stop.borrow()
    }
}

impl Past {
    /// Notes a takeover; true when there are too many.
    fn takes_over(&mut self, now: Instant) -> bool {
        self.takeovers.push_back(now);
        while self.takeovers.front().is_some_and(|first| now - *first > TAKEOVER_SPAN) {
            self.takeovers.pop_front();
        }
        self.takeovers.len() >= TAKEOVERS
    }
}

/// A share from one half to one, so that many gateways do not come back at once.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0
}
