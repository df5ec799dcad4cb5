//! One SIM as the scheduler sees it: what it holds, what it may take, how it fared.

use super::breaker::Breaker;
use super::limits::{self, Window};
use super::retry::Facts;
use crate::model::{AttemptId, Iccid, Label, Number, PartKey, Priority, Timestamp};
use crate::slots::{Outgoing, SEND_DEADLINE};
use crate::store::Step;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Parts a lane holds at most: one in the air, one claimed next, so that the line never waits for us.
pub(super) const DEPTH: usize = 2;

/// A part given to a driver.
#[derive(Debug)]
pub(super) struct InHand {
    pub(super) attempt: AttemptId,
    pub(super) part: PartKey,
    pub(super) to: Number,
    pub(super) priority: Priority,
    pub(super) facts: Facts,
    /// Answers the driver's wait for the armed mark; taken when the arming begins. Dropped: the driver gives it back.
    pub(super) armed: Option<oneshot::Sender<bool>>,
    /// It was taken back, and the driver has not said yet that it knows.
    pub(super) withdrawn: bool,
}

impl InHand {
    /// CLAIMED, and can be taken back.
    pub(super) fn is_claimed(&self) -> bool {
        self.armed.is_some()
    }

    /// T2b.
    pub(super) fn take_back(&mut self) -> Step {
        self.withdrawn = true;
        self.armed = None;
        Step::Release(self.attempt)
    }
}

/// One modem's lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    pub(super) port: Arc<str>,
    /// The SIM in it with its label, once read.
    pub(super) sim: Option<(Iccid, Label)>,
    pub(super) ready: bool,
    /// How long a submit may take on the radio that the SIM is registered on.
    pub(super) deadline: Duration,
    pub(super) in_hand: Vec<InHand>,
    /// Parts given since the start.
    pub(super) given: u64,
    pub(super) limits: Window,
    pub(super) breaker: Breaker,
    /// The breaker is open until then.
    pub(super) closed_until: Timestamp,
}

impl Lane {
    pub(super) fn new(outgoing: mpsc::Sender<Outgoing>) -> Lane {
        Lane {
            outgoing,
            port: "".into(),
            sim: None,
            ready: false,
            deadline: SEND_DEADLINE,
            in_hand: Vec::with_capacity(DEPTH),
            given: 0,
            limits: Window::default(),
            breaker: Breaker::default(),
            closed_until: Timestamp(0),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.ready && self.in_hand.len() < DEPTH
    }

    /// When it may send: the breaker is closed and no limit is used up. In the past where it may now.
    pub(super) fn opens_at(&self, limits: &limits::Config, now: Timestamp) -> Timestamp {
        self.closed_until.max(self.limits.free_at(limits, now))
    }

    /// Has a SIM that may send now.
    pub(super) fn is_open(&self, limits: &limits::Config, now: Timestamp) -> bool {
        self.ready && self.opens_at(limits, now) <= now
    }

    /// There is room, or will be, for something that goes before all others.
    pub(super) fn has_room_for_alarm(&self) -> bool {
        let yields = |held: &InHand| held.withdrawn || held.is_claimed() && held.priority < Priority::Alarm;
        self.has_room() || self.ready && self.in_hand.iter().any(yields)
    }

    pub(super) fn find(&mut self, attempt: AttemptId) -> Option<&mut InHand> {
        self.in_hand.iter_mut().find(|held| held.attempt == attempt)
    }

    pub(super) fn take(&mut self, attempt: AttemptId) -> Option<InHand> {
        let index = self.in_hand.iter().position(|held| held.attempt == attempt)?;
        Some(self.in_hand.remove(index))
    }
}
