//! Publishes the event log: in order, a window at a time, and moves the cursor on what the broker acknowledged.

use super::BRIDGE;
use super::alarm::Alarm;
use super::client::{Client, Delivery, IN_FLIGHT, Outcome};
use super::config::Content;
use super::session::Link;
use super::told;
use super::topics::Topics;
use crate::bridge::wire;
use crate::clock;
use crate::gateway::{Gateway, StoreError};
use crate::model::Event;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// Reasons that say: never this one. The event is parked and the next goes on. RELIABILITY §2.7, MQTT 5 §3.4.2.1.
const PARKED: [u8; 4] = [0x87, 0x90, 0x95, 0x97];
/// Tries after which an event is parked that the broker refuses for any other reason.
const TRIES: u32 = 5;
/// The pause before the second try; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(1);
/// Events read from the log at once.
const BATCH: usize = 2 * IN_FLIGHT as usize;

/// The pump from the log to the broker.
#[derive(Debug)]
pub(super) struct Outbound {
    gateway: Gateway,
    client: Client,
    topics: Topics,
    content: Content,
    /// Published and not acknowledged, in order of `seq`.
    window: VecDeque<InFlight>,
    /// Read and not published.
    read: VecDeque<Event>,
    /// The last `seq` that was read.
    read_to: u64,
    /// Everything up to this `seq` is acknowledged or parked.
    done: u64,
    /// What was parked since the cursor moved.
    parked: Vec<(u64, String)>,
    /// How often the broker refused the front of the window.
    refusals: u32,
    refused: Alarm,
}

struct InFlight {
    seq: u64,
    delivery: Delivery,
}

impl std::fmt::Debug for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InFlight({})", self.seq)
    }
}

/// Why the pump ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutboundError {
    /// The log cannot be read, or the cursor not moved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client is closed.
    #[error("the connection is closed")]
    Closed,
}

impl Outbound {
    /// A pump that begins after the cursor.
    pub(super) async fn new(
        gateway: Gateway,
        client: Client,
        topics: Topics,
        content: Content,
    ) -> Result<Outbound, OutboundError> {
        let done = gateway.cursor(BRIDGE).await?;
        let refused = Alarm::new(&gateway, "event_parked");
        Ok(Outbound {
            gateway,
            client,
            topics,
            content,
            window: VecDeque::with_capacity(IN_FLIGHT.into()),
            read: VecDeque::new(),
            read_to: done,
            done,
            parked: Vec::new(),
            refusals: 0,
            refused,
        })
    }

    /// Runs until the client closes; once told to stop, until everything is out.
    pub(super) async fn run(
        mut self,
        mut link: watch::Receiver<Link>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), OutboundError> {
        let mut committed = self.gateway.committed();
        loop {
            let last = *committed.borrow_and_update();
            // First: where the session was lost, what was under way goes before anything new.
            if let Some(outcome) = ready(&mut self.window).await {
                self.settle(outcome).await?;
                continue;
            }
            self.fill(last, &mut link).await?;
            if *stop.borrow() && self.done >= last {
                return Ok(());
            }
            let full = self.window.len() == usize::from(IN_FLIGHT);
            let outcome = tokio::select! {
                outcome = front(&mut self.window), if !self.window.is_empty() => outcome,
                changed = committed.changed(), if !full => {
                    changed.map_err(|_| OutboundError::Closed)?;
                    continue;
                }
                changed = link.changed() => {
                    changed.map_err(|_| OutboundError::Closed)?;
                    continue;
                }
                () = told(&mut stop), if !*stop.borrow() => continue,
            };
            self.settle(outcome).await?;
        }
    }

    /// Publishes as much as the window has room for, while this link is up. What the library is given without one would
    /// overtake what is lost with the session: a subscriber would see a `seq` before a lower one.
    async fn fill(&mut self, last: u64, link: &mut watch::Receiver<Link>) -> Result<(), OutboundError> {
        let this = *link.borrow_and_update();
        while this.up && self.window.len() < usize::from(IN_FLIGHT) {
            if self.read.is_empty() && self.read_to < last {
                self.read_to = self.read_to.max(self.gateway.given_up());
                self.read.extend(self.gateway.events(self.read_to, BATCH).await?);
                self.read_to = self.read.back().map_or(last, |event| event.seq);
            }
            if *link.borrow() != this {
                return Ok(());
            }
            let Some(event) = self.read.pop_front() else {
                if self.window.is_empty() {
                    // What has no content any more, or is kept elsewhere.
                    self.done = self.done.max(self.read_to);
                }
                return Ok(());
            };
            let event = match self.content {
                Content::Full => event,
                Content::Minimal => Event { kind: event.kind.without_content(), ..event },
            };
            let mut payload = Vec::with_capacity(384);
            wire::write(&event, self.gateway.log_id(), &mut payload);
            let topic = self.topics.event(wire::topic(&event));
            let delivery = self.client.publish(topic, payload, false).await;
            self.window.push_back(InFlight { seq: event.seq, delivery });
        }
        Ok(())
    }

    /// Takes the first outcome and all that are there already, then moves the cursor once.
    async fn settle(&mut self, first: Outcome) -> Result<(), OutboundError> {
        let mut next = Some(first);
        let mut again = None;
        while let Some(outcome) = next {
            match outcome {
                Outcome::Acknowledged => self.advance(None),
                Outcome::Refused(reason) if PARKED.contains(&reason) || self.refusals + 1 >= TRIES => {
                    self.advance(Some(reason));
                }
                Outcome::Refused(reason) => {
                    self.refusals += 1;
                    again = Some(PAUSE * 2_u32.pow(self.refusals - 1));
                    tracing::warn!(reason, seq = self.done + 1, "the broker refuses an event; trying again");
                    break;
                }
                Outcome::Lost => {
                    again = Some(Duration::ZERO);
                    break;
                }
                Outcome::Closed => {
                    self.acknowledge()?;
                    return Err(OutboundError::Closed);
                }
            }
            next = ready(&mut self.window).await;
        }
        let parked = self.parked.last().map(|(seq, why)| format!("event {seq} is parked: {why}; mend its access list"));
        self.acknowledge()?;
        if let Some(detail) = parked {
            self.refused.tell(detail).await;
        }
        if let Some(pause) = again {
            self.begin_again();
            clock::sleep(pause).await;
        }
        Ok(())
    }

    /// The front of the window is done with: acknowledged, or parked for a reason.
    fn advance(&mut self, refused: Option<u8>) {
        let Some(InFlight { seq, .. }) = self.window.pop_front() else { return };
        if let Some(reason) = refused {
            let detail = format!("the broker refuses it with reason 0x{reason:02x}");
            tracing::error!(seq, detail, "an event is parked: it is in the log, but will not be published");
            self.parked.push((seq, detail));
        }
        self.done = seq;
        self.refusals = 0;
    }

    fn acknowledge(&mut self) -> Result<(), OutboundError> {
        self.gateway.acknowledge(BRIDGE, self.done, std::mem::take(&mut self.parked))?;
        Ok(())
    }

    /// Everything that is not done goes out once more, with the same `seq` and id.
    fn begin_again(&mut self) {
        self.window.clear();
        self.read.clear();
        self.read_to = self.done;
    }
}

/// Waits for the outcome of the front. Cancel safe. Pending for ever when the window is empty.
async fn front(window: &mut VecDeque<InFlight>) -> Outcome {
    match window.front_mut() {
        Some(first) => (&mut first.delivery).await,
        None => std::future::pending().await,
    }
}

/// The outcome of the front, if it is there now.
async fn ready(window: &mut VecDeque<InFlight>) -> Option<Outcome> {
    let first = window.front_mut()?;
    poll_fn(|context| match first.delivery.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
