//! A gateway, Mosquitto, the proxy between them, and a witness who looks at the broker.

use super::mosquitto::Mosquitto;
use super::proxy::{Faults, Proxy, Seen};
use super::rig::{self, Rig, now, receive, soon};
use super::user::{self, User};
use gsmgate::bridge::mqtt;
use gsmgate::clock;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use tempfile::TempDir;

/// How many times as fast our pauses are; the broker, the keep-alive and what waits for the broker keep the world's time.
pub(crate) const SPEED: u32 = 50;

/// All of it.
pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) witness: Witness,
    pub(crate) proxy: Proxy,
    pub(crate) broker: Mosquitto,
    pub(crate) dir: TempDir,
}

impl World {
    /// Everything is up and at rest; the broker has these settings too.
    pub(crate) async fn start(settings: &str) -> World {
        World::start_with(Mosquitto::start(settings).await, |_| ()).await
    }

    /// The same with this broker, and the link changed.
    pub(crate) async fn start_with(broker: Mosquitto, change: impl FnOnce(&mut mqtt::Config)) -> World {
        clock::run_faster(SPEED);
        let proxy = Proxy::start(broker.address).await;
        let witness = Witness::connect(broker.address).await;
        let dir = tempfile::tempdir().unwrap();
        let mut config = rig::to(proxy.address);
        change(&mut config);
        let rig = Rig::linked(Default::default(), dir.path(), config);
        let mut world = World { rig, witness, proxy, broker, dir };
        world.witness.online().await;
        world
    }

    /// A message comes in: an event with the next `seq`.
    pub(crate) async fn receive(&self, text: &str) {
        receive(&self.rig.store, 0, text, now()).await;
    }

    /// Several.
    pub(crate) async fn receive_many(&self, n: usize) {
        for k in 0..n {
            self.receive(&format!("message {k}")).await;
        }
    }

    /// A command with this id; it is an event with a `seq` once it is carried out.
    pub(crate) async fn command(&self, id: &str) {
        self.witness.user.send(format!(r#"{{"to":"+491701234567","text":"a","id":"{id}"}}"#)).await;
    }

    /// The `seq` of the last event.
    pub(crate) fn last(&self) -> u64 {
        *self.rig.gateway.committed().borrow()
    }

    /// All events are seen, and acknowledged to the gateway.
    pub(crate) async fn settle(&mut self) {
        self.witness.upto(self.last()).await;
        soon("the cursor moves", async {
            while self.rig.gateway.cursor("mqtt").await.unwrap() < self.last() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until the links are so.
    pub(crate) async fn links(&self, what: &str, are: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        soon(what, async {
            loop {
                let seen = self.proxy.seen();
                if are(&seen) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
    }

    /// Another link, with these faults, that has come up; it is the only one.
    pub(crate) async fn link_again(&self, faults: Faults) -> Seen {
        let before = self.proxy.seen().len();
        self.proxy.spoil_all(faults);
        self.proxy.away(false);
        let is_up = |seen: &[Seen]| seen.len() > before && seen.last().is_some_and(|link| link.resumed.is_some());
        self.links("another link", is_up).await.pop().unwrap()
    }

    /// Messages that the gateway has accepted.
    pub(crate) async fn accepted(&self) -> u64 {
        self.rig.gateway.counts().await.unwrap().queued
    }
}

/// Who sees all events that the broker got: each at least once, and for the first time in the order of `seq`.
pub(crate) struct Witness {
    pub(crate) user: User,
    /// The highest `seq`; there is none below it that was not seen.
    pub(crate) highest: u64,
    /// These are not missed where they do not come.
    pub(crate) parked: BTreeSet<u64>,
    /// The order of first sightings is not looked at.
    pub(crate) in_any_order: bool,
    /// Event and copies beyond the first, by `seq`.
    events: BTreeMap<u64, (Value, usize)>,
}

impl Witness {
    pub(crate) async fn connect(broker: SocketAddr) -> Witness {
        Witness {
            user: User::connect(broker).await,
            highest: 0,
            parked: BTreeSet::new(),
            in_any_order: false,
            events: BTreeMap::new(),
        }
    }

    /// The broker is another, or has forgotten us.
    pub(crate) async fn connect_again(&mut self, broker: SocketAddr) {
        self.user = User::connect(broker).await;
    }

    /// The next that the broker hands on, noted.
    pub(crate) async fn next(&mut self) -> user::Seen {
        let seen = self.user.next_that("an event", |_| true).await;
        self.note(&seen);
        seen
    }

    fn note(&mut self, seen: &user::Seen) {
        let Some(seq) = seen.json["seq"].as_u64() else { return };
        match self.events.get_mut(&seq) {
            Some((event, copies)) => {
                *copies += 1;
                assert_eq!(*event, seen.json, "a copy is the same event");
            }
            None => {
                let next = (self.highest + 1..).find(|seq| !self.parked.contains(seq)).unwrap();
                assert!(
                    self.in_any_order || seq == next,
                    "in order and without a gap: {next} is due, not {}",
                    seen.json
                );
                self.events.insert(seq, (seen.json.clone(), 0));
                while self.events.contains_key(&(self.highest + 1)) || self.parked.contains(&(self.highest + 1)) {
                    self.highest += 1;
                }
            }
        }
    }

    /// Waits until this event and all before it were seen.
    pub(crate) async fn upto(&mut self, seq: u64) {
        while self.highest < seq {
            self.next().await;
        }
    }

    /// Waits until the gateway says that it is there: it has subscribed before.
    pub(crate) async fn online(&mut self) {
        loop {
            let seen = self.next().await;
            if seen.topic == "gsmgate/t/state" && seen.json["state"] == "online" {
                return;
            }
        }
    }

    /// Whatever the broker got by now is seen.
    pub(crate) async fn catch_up(&mut self) {
        let mark = ulid::Ulid::generate().to_string();
        let options = rumqttc::PublishOptions::new(rumqttc::QoS::AtLeastOnce);
        self.user.publish("response/mark", format!(r#"{{"mark":"{mark}"}}"#), options).await;
        while self.next().await.json["mark"] != mark.as_str() {}
    }

    /// Copies beyond the first of events after this one: all, and the most of one.
    pub(crate) fn copies_after(&self, seq: u64) -> (usize, usize) {
        let copies = || self.events.range(seq + 1..).map(|(_, (_, copies))| *copies);
        (copies().sum(), copies().max().unwrap_or(0))
    }

    /// Events of which this is so.
    pub(crate) fn count(&self, is_so: impl Fn(&Value) -> bool) -> usize {
        self.events.values().filter(|(event, _)| is_so(event)).count()
    }
}
