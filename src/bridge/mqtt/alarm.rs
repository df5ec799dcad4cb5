//! Tells of what only a person can mend, not again and again.

use crate::clock;
use crate::gateway::Gateway;
use std::time::Duration;
use tokio::time::Instant;

/// One that was told of is not told of again so soon. An alarm may be what the broker refuses, and that is an alarm.
const QUIET: Duration = Duration::from_secs(3600);

/// One kind of alarm.
#[derive(Debug)]
pub(super) struct Alarm {
    gateway: Gateway,
    name: &'static str,
    told_at: Option<Instant>,
}

impl Alarm {
    /// One under this name, not told of yet.
    pub(super) fn new(gateway: &Gateway, name: &'static str) -> Alarm {
        Alarm { gateway: gateway.clone(), name, told_at: None }
    }

    /// Writes the event, unless there was one lately. A store that takes nothing is no fault of the bridge.
    pub(super) async fn tell(&mut self, detail: String) {
        if self.told_at.is_some_and(|at| clock::now() - at < QUIET) {
            return;
        }
        match self.gateway.alarm(self.name, detail).await {
            Ok(()) => self.told_at = Some(clock::now()),
            Err(error) => tracing::warn!(%error, alarm = self.name, "an alarm is not kept"),
        }
    }
}
