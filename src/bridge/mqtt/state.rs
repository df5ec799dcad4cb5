//! Publishes what is so now, retained: the gateway, its modems, their SIMs. The last value wins.

use super::client::{Client, Delivery};
use super::session::Link;
use super::told;
use super::topics::Topics;
use crate::bridge::wire;
use crate::clock;
use crate::gateway::Gateway;
use crate::model::Label;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Some brokers forget retained messages when they restart, after clients are back: so everything once more.
const ONCE_MORE: Duration = Duration::from_secs(2);

/// The publisher of retained states.
#[derive(Debug)]
pub(super) struct States {
    pub(super) gateway: Gateway,
    pub(super) client: Client,
    pub(super) topics: Topics,
    pub(super) link: watch::Receiver<Link>,
}

/// What the broker says for us when we are gone, and what we say when we go.
pub(super) fn offline() -> Vec<u8> {
    br#"{"state":"offline"}"#.to_vec()
}

/// Topics and what they hold; `Null` for a topic that is to be cleared.
type Values = BTreeMap<String, Value>;

impl States {
    /// Runs until told to stop; says goodbye then.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut changed = self.gateway.modems_changed();
        let mut store = self.gateway.store_state();
        let mut published = Values::new();
        let mut connection = 0;
        let mut once_more = None;
        // Without drivers nothing changes any more.
        let mut drivers = true;
        while !*stop.borrow() {
            let link = *self.link.borrow_and_update();
            changed.mark_unchanged();
            if link.up {
                let is_new = link.connections != connection;
                let is_due = once_more.is_some_and(|at| at <= clock::now());
                if is_new {
                    (connection, once_more) = (link.connections, Some(clock::now() + ONCE_MORE));
                } else if is_due {
                    once_more = None;
                }
                self.publish(&mut published, is_new || is_due).await;
            }
            tokio::select! {
                () = told(&mut stop) => {}
                moved = self.link.changed() => if moved.is_err() { return },
                () = until(once_more), if link.up => {}
                Ok(()) = store.changed() => {}
                moved = changed.changed(), if drivers => drivers = moved.is_ok(),
            }
        }
        if self.link.borrow().up {
            self.put(self.topics.state(), offline()).await.await;
        }
    }

    /// Publishes everything, or what differs from what was published.
    async fn publish(&self, published: &mut Values, everything: bool) {
        let mut now = self.values();
        for (topic, value) in published.iter().filter(|(_, value)| !value.is_null()) {
            now.entry(topic.clone()).or_insert_with(|| gone(value));
        }
        for (topic, value) in &now {
            if everything || published.get(topic) != Some(value) {
                let payload = if value.is_null() { Vec::new() } else { value.to_string().into_bytes() };
                // A loss shows as a new connection, and there everything is published anew.
                drop(self.put(topic.clone(), payload).await);
            }
        }
        *published = now;
    }

    async fn put(&self, topic: String, payload: Vec<u8>) -> Delivery {
        self.client.publish(topic, payload, true).await
    }

    fn values(&self) -> Values {
        let mut values = Values::new();
        values.insert(
            self.topics.state(),
            json!({ "state": "online", "store": self.gateway.store_state().borrow().word() }),
        );
        values.insert(self.topics.info(), self.info());
        for (index, status) in self.gateway.modems().iter().enumerate() {
            let status = status.borrow().clone();
            let sim = status.sim.as_ref().map(|sim| (self.gateway.sim_label(index, &sim.iccid), sim));
            let label: Option<&Label> = sim.as_ref().map(|(label, _)| label);
            values.insert(self.topics.modem(&status.label), wire::modem(&status, label));
            if let Some((label, sim)) = sim {
                values.insert(self.topics.sim(&label), wire::sim(&label, &status, sim));
            }
        }
        values
    }

    fn info(&self) -> Value {
        json!({
            "name": self.gateway.name().as_str(),
            "version": env!("CARGO_PKG_VERSION"),
            "schema": 1,
            "log_id": self.gateway.log_id(),
            "features": ["send", "status", "inbound", "cancel", "get", "orders", "notices"],
        })
    }
}

/// A SIM that is in no modem is absent; a modem that has another name now leaves nothing behind.
fn gone(last: &Value) -> Value {
    match last.get("iccid") {
        Some(iccid) => json!({ "label": last.get("label"), "state": "absent", "iccid": iccid }),
        None => Value::Null,
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => clock::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
