//! A gateway without modems: what goes in by MQTT is accepted, stored, and its events come out.

use gsmgate::bridge::mqtt;
use gsmgate::gateway::Gateway;
use gsmgate::model::Timestamp;
use gsmgate::scheduler::Wake;
use gsmgate::slots::{self, Slots};
use gsmgate::store::{self, Closer, Store};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The longest that anything in these tests may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running gateway.
pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    stop: watch::Sender<bool>,
    bridge: JoinHandle<()>,
    closer: Closer,
    // Kept so that the gateway's watches stay open.
    _slots: (Slots, Box<dyn std::any::Any + Send>),
}

/// Fails when it takes too long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

impl Rig {
    /// Opens the state directory and links to the broker. The gateway is called `t`.
    pub(crate) fn start(dir: &Path, broker: SocketAddr) -> Rig {
        Rig::start_with(slots::Config::default(), dir, broker)
    }

    /// The same, and no event says what was written.
    pub(crate) fn start_discreet(dir: &Path, broker: SocketAddr) -> Rig {
        Rig::made(slots::Config::default(), dir, broker, mqtt::Content::Minimal)
    }

    /// The same, with these modems.
    pub(crate) fn start_with(modems: slots::Config, dir: &Path, broker: SocketAddr) -> Rig {
        Rig::made(modems, dir, broker, mqtt::Content::Full)
    }

    fn made(modems: slots::Config, dir: &Path, broker: SocketAddr, content: mqtt::Content) -> Rig {
        let (store, _, closer) = Store::open(&store::Config::new(dir), now()).unwrap();
        let (slots, lanes, drivers, received) = slots::start(modems, &[], Vec::new(), store.clone(), now);
        let gateway = Gateway::new("t".parse().unwrap(), store.clone(), slots.clone(), Wake::default(), now);
        let mut config = mqtt::Config::new(&format!("mqtt://{broker}"), &"t".parse().unwrap()).unwrap();
        config.content = content;
        let (stop, stopped) = watch::channel(false);
        let bridge = tokio::spawn(mqtt::run(config, gateway.clone(), stopped));
        Rig { gateway, store, stop, bridge, closer, _slots: (slots, Box::new((lanes, drivers, received))) }
    }

    /// Ends in order: what is in hand is done, the broker is told.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        soon("the bridge ends", &mut self.bridge).await.unwrap();
        self.close().await;
    }

    /// Ends like `kill -9` as far as the broker can see.
    pub(crate) async fn kill(mut self) {
        self.bridge.abort();
        let _ = (&mut self.bridge).await;
        self.close().await;
    }

    async fn close(self) {
        drop((self.gateway, self.store, self._slots));
        tokio::task::spawn_blocking(move || self.closer.close()).await.unwrap();
    }
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}
