//! A real broker, and a client of it as an application would be.

use super::rig::soon;
use mqtt5::broker::config::StorageBackend;
use mqtt5::broker::{BrokerConfig, MqttBroker, StorageConfig};
use rumqttc::{
    AsyncClient, Event, Incoming, MqttOptions, PublishOptions, PublishProperties, QoS, SubscribeFilterInput,
};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// An in-process broker.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    run: JoinHandle<()>,
}

impl Broker {
    /// Starts one, on a port or on any; it forgets everything when it ends.
    pub(crate) async fn start(port: u16) -> Broker {
        let storage = StorageConfig::default().with_backend(StorageBackend::Memory);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let config = BrokerConfig::default().with_bind_address(address).with_storage(storage);
        let mut broker = soon("the port is free", async {
            loop {
                match MqttBroker::with_config(config.clone()).await {
                    Ok(broker) => return broker,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        })
        .await;
        let address = broker.local_addr().unwrap();
        let run = tokio::spawn(async move {
            let _ = broker.run().await;
        });
        Broker { address, run }
    }

    /// Ends without a word.
    pub(crate) async fn kill(self) -> u16 {
        self.run.abort();
        let _ = self.run.await;
        self.address.port()
    }
}

/// What the client got.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) json: Value,
    pub(crate) properties: PublishProperties,
}

/// A client that sees everything under `gsmgate/t` and `app`.
pub(crate) struct User {
    client: AsyncClient,
    seen: mpsc::Receiver<Seen>,
    poll: JoinHandle<()>,
}

impl Drop for User {
    fn drop(&mut self) {
        self.poll.abort();
    }
}

impl User {
    pub(crate) async fn connect(broker: SocketAddr) -> User {
        // A name of its own, so that none throws another out.
        let name = format!("user-{}", ulid::Ulid::generate());
        let mut options = MqttOptions::new(name, rumqttc::Broker::tcp("127.0.0.1", broker.port()));
        options.set_max_packet_size(Some(4 * 1024 * 1024)).set_clean_start(true);
        let (client, mut eventloop) = AsyncClient::builder(options).capacity(64).build();
        let (sender, seen) = mpsc::channel(10_000);
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let mut ready = Some(ready);
        let filters = ["gsmgate/t/#", "app/#"].map(|filter| SubscribeFilterInput::new(filter, QoS::AtLeastOnce));
        client.subscribe_many(filters).await.unwrap();
        let poll = tokio::spawn(async move {
            loop {
                match eventloop.poll().await {
                    Ok(Event::Incoming(Incoming::Publish(publish))) => {
                        let topic = String::from_utf8(publish.topic.to_vec()).unwrap();
                        // Our own commands come back too, and they need not be JSON.
                        let json = serde_json::from_slice(&publish.payload).unwrap_or(Value::Null);
                        let properties = publish.properties.unwrap_or_default();
                        let _ = sender.try_send(Seen { topic, json, properties });
                    }
                    Ok(Event::Incoming(Incoming::SubAck(_))) => drop(ready.take().map(|ready| ready.send(()))),
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        soon("the client is subscribed", is_ready).await.unwrap();
        User { client, seen, poll }
    }

    /// A client that waits until the gateway hears commands: it says `online` after it has subscribed.
    pub(crate) async fn of_gateway(broker: SocketAddr) -> User {
        let mut user = User::connect(broker).await;
        assert_eq!(user.next("state").await.json["state"], "online");
        user
    }

    /// Publishes a command at QoS 1 and waits until the broker has it.
    pub(crate) async fn publish(&self, end: &str, payload: impl Into<Vec<u8>>, options: PublishOptions) {
        let notice = self.client.publish_tracked(format!("gsmgate/t/{end}"), payload.into(), options).await.unwrap();
        soon("the broker has it", notice.wait_async()).await.unwrap();
    }

    pub(crate) async fn send(&self, payload: impl Into<Vec<u8>>) {
        self.publish("send", payload, PublishOptions::new(QoS::AtLeastOnce)).await;
    }

    /// The next message on a topic; `end` is what follows the base, or a whole topic under `app/`.
    pub(crate) async fn next(&mut self, end: &str) -> Seen {
        self.next_of(&[end]).await
    }

    /// The next message on any of these topics.
    pub(crate) async fn next_of(&mut self, ends: &[&str]) -> Seen {
        let whole = |end: &&str| if end.starts_with("app/") { (*end).to_owned() } else { format!("gsmgate/t/{end}") };
        let topics: Vec<_> = ends.iter().map(whole).collect();
        self.next_that(&format!("{topics:?}"), |seen| topics.contains(&seen.topic)).await
    }

    /// The next message of which the first level under the base is this.
    pub(crate) async fn next_of_kind(&mut self, kind: &str) -> Seen {
        let prefix = format!("gsmgate/t/{kind}/");
        self.next_that(kind, |seen| seen.topic.starts_with(&prefix)).await
    }

    pub(crate) async fn next_that(&mut self, what: &str, is_it: impl Fn(&Seen) -> bool) -> Seen {
        soon(what, async {
            loop {
                let seen = self.seen.recv().await.expect("the client runs");
                if is_it(&seen) {
                    return seen;
                }
            }
        })
        .await
    }
}
