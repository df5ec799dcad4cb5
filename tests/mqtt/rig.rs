//! A gateway without modems: what goes in by MQTT is accepted, stored, and its events come out.

use gsmgate::bridge::mqtt;
use gsmgate::gateway::Gateway;
use gsmgate::model::Timestamp;
use gsmgate::scheduler::Wake;
use gsmgate::slots::{self, Slots};
use gsmgate::store::{self, Closer, InboundPart, InboundPdu, Store};
use gsmgate::tpdu::{Address, Deliver, Pdu, UserData, gsm7};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The longest that anything in these tests may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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
        let mut config = to(broker);
        config.content = mqtt::Content::Minimal;
        Rig::linked(slots::Config::default(), dir, config)
    }

    /// The same, with these modems.
    pub(crate) fn start_with(modems: slots::Config, dir: &Path, broker: SocketAddr) -> Rig {
        Rig::linked(modems, dir, to(broker))
    }

    /// The same, with this link.
    pub(crate) fn linked(modems: slots::Config, dir: &Path, config: mqtt::Config) -> Rig {
        let (store, _, closer) = Store::open(&store::Config::new(dir), now()).unwrap();
        let (slots, lanes, drivers, received) = slots::start(modems, &[], Vec::new(), store.clone(), now);
        let gateway = Gateway::new("t".parse().unwrap(), store.clone(), slots.clone(), Wake::default(), now);
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

/// Keeps a message of one part that this SIM received, as intake does.
pub(crate) async fn receive(store: &Store, sim: usize, text: &str, at: Timestamp) {
    let payload = gsm7::encode(text).unwrap();
    let tpdu = Deliver {
        oa: Address::from_number("+491701234567"),
        ud: UserData { payload, ..Default::default() },
        ..Default::default()
    };
    let (raw, _) = Pdu { smsc: None, tpdu }.encode().unwrap();
    let part =
        InboundPart { sender: "91 +491701234567".to_owned(), reference: 0, wide: false, total: 1, seq: 1, scts: None };
    let pdu = InboundPdu {
        id: ulid::Ulid::generate().to_string().to_lowercase(),
        iccid: format!("894900000000000100{sim}").parse().unwrap(),
        sim: format!("sim-{sim}").parse().unwrap(),
        place: None,
        first_sweep: false,
        raw,
        part: Ok(part),
        at,
    };
    store.receive(pdu).await.unwrap();
}

/// A link to this broker, everything else default.
pub(crate) fn to(broker: SocketAddr) -> mqtt::Config {
    mqtt::Config::new(&format!("mqtt://{broker}"), &"t".parse().unwrap()).unwrap()
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}
