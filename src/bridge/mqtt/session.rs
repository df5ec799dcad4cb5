//! Keeps the link to the broker: polls the connection, subscribes, hands commands on, and backs off.

use super::alarm::Alarm;
use super::client::{Client, Command, Connection, Fault, Input};
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
/// The longest pause while nobody answers: with it a broker that is back has our events within 5 s.
const LAST_PAUSE: Duration = Duration::from_secs(4);
/// The longest where the broker refuses us, or shows a certificate that we do not trust: a person has to mend that.
const LAST_PAUSE_REFUSED: Duration = Duration::from_secs(60);
/// A connection that lasted as long was a good one: the pauses begin anew.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);
/// So many takeovers within [`TAKEOVER_SPAN`] mean that another client has our identifier (F-56).
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
    pub(super) taken_over: Alarm,
    pub(super) stop: watch::Receiver<bool>,
}

/// What is remembered between connections.
#[derive(Debug)]
struct Past {
    /// The pause before the next connection but for chance.
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
        let mut past = Past::new();
        loop {
            match self.connection.next().await {
                Input::Up { resumed } => self.up(resumed, &mut past),
                Input::Down { reason, fault } => {
                    let pause = self.down(&reason, fault, &mut past).await;
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
                        let reason = "the broker sends commands faster than they can be stored";
                        let pause = self.down(reason, Fault::Lost, &mut past).await;
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
    async fn down(&mut self, reason: &str, fault: Fault, past: &mut Past) -> Duration {
        self.link.send_modify(|link| link.up = false);
        let now = clock::now();
        let lasted = past.since.take().map(|since| now - since);
        if lasted.is_some_and(|lasted| lasted >= GOOD_CONNECTION) {
            past.pause = FIRST_PAUSE;
        }
        if past.logged.as_deref() != Some(reason) {
            tracing::warn!(reason, "no link to the broker; trying again");
            past.logged = Some(reason.to_owned());
        }
        let is_short = lasted.is_some_and(|lasted| lasted < GOOD_CONNECTION);
        let is_takeover = match fault {
            Fault::TakenOver => true,
            // One that ends is no longer there, and one that was restarted not yet.
            Fault::Ended => is_short && self.connection.broker_is_there().await,
            Fault::Lost | Fault::Refused => false,
        };
        if is_takeover && past.is_taken_over(now) {
            let detail = "the broker throws us out again and again and takes us back at once, as it does where another \
                          client has our identifier: do two gateways have one name, or does something else use \
                          mqtt.client_id?";
            tracing::error!("{detail}");
            self.taken_over.tell(detail.to_owned()).await;
            return LAST_PAUSE_REFUSED;
        }
        past.next_pause(fault).mul_f64(jitter())
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
    fn new() -> Past {
        Past { pause: FIRST_PAUSE, since: None, takeovers: VecDeque::new(), subscribed: false, logged: None }
    }

    /// The pause before the next connection; the one after that is twice as long.
    fn next_pause(&mut self, fault: Fault) -> Duration {
        let longest = if fault == Fault::Refused { LAST_PAUSE_REFUSED } else { LAST_PAUSE };
        let pause = self.pause.min(longest);
        self.pause = pause * 2;
        pause
    }

    /// Notes a takeover; true when there are too many.
    fn is_taken_over(&mut self, now: Instant) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(fault: Fault) -> Vec<u128> {
        let mut past = Past::new();
        (0..10).map(|_| past.next_pause(fault).as_millis()).collect()
    }

    #[test]
    fn a_broker_that_is_back_is_found_within_seconds() {
        assert_eq!(pauses(Fault::Lost), [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]);
    }

    #[test]
    fn one_that_refuses_us_is_asked_once_a_minute() {
        assert_eq!(pauses(Fault::Refused), [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]);
    }

    #[test]
    fn one_that_refused_us_and_went_away_is_asked_soon_again() {
        let mut past = Past::new();
        (0..10).for_each(|_| _ = past.next_pause(Fault::Refused));
        assert_eq!(past.next_pause(Fault::Lost), LAST_PAUSE);
    }

    #[test]
    fn three_takeovers_within_a_minute_are_too_many() {
        let begin = Instant::now();
        for (seconds, want) in
            [(&[0, 1, 2][..], true), (&[0, 30, 60], true), (&[0, 30, 61], false), (&[0, 31, 62, 91], true)]
        {
            let mut past = Past::new();
            let mut is_taken_over = |second: &u64| past.is_taken_over(begin + Duration::from_secs(*second));
            assert_eq!(seconds.iter().map(&mut is_taken_over).last(), Some(want), "{seconds:?}");
        }
    }
}
