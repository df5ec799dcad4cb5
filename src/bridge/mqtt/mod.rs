//! The MQTT 5 bridge: commands in, events out.
//!
//! ```text
//!             ┌─ inbound ──► gateway.submit, refuse ──► PUBACK
//! broker ── session
//!             └─ outbound ◄── the event log, by a cursor that PUBACKs move
//!                states ◄──── what the drivers say, last value wins
//! ```
//!
//! The broker may be away for as long as it likes: nothing waits for it. The client's queue is a wire buffer; what is
//! not acknowledged is in the log (RELIABILITY A-6).

mod alarm;
mod client;
mod config;
mod inbound;
mod outbound;
mod session;
mod state;
mod tickets;
mod tls;
mod topics;

pub use config::{Config, ConfigError, Content, Identity};

use crate::clock;
use crate::gateway::{Gateway, StoreError};
use alarm::Alarm;
use client::Client;
use inbound::Inbound;
use outbound::{Outbound, OutboundError};
use session::{Link, Session};
use state::States;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use topics::Topics;

/// The name of our cursor in the store.
const BRIDGE: &str = "mqtt";
/// How long the end may take while there is a link: for what is in hand, and for the last events.
const GRACE: Duration = Duration::from_secs(2);
/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// The pause before the bridge begins anew after a failure of its own.
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// Runs the bridge until told to stop, then says goodbye to the broker. Takes at most four seconds more.
pub async fn run(config: Config, gateway: Gateway, mut stop: watch::Receiver<bool>) {
    if config.shows_password() {
        tracing::warn!("the password goes over the network in the clear; mqtts:// in mqtt.url would hide it");
    }
    while !*stop.borrow() {
        match Bridge::start(&config, &gateway, &stop).await {
            Ok(bridge) => bridge.run(stop.clone()).await,
            Err(StartError::Log(error)) => tracing::error!(%error, "the MQTT bridge cannot begin; trying again"),
            Err(StartError::Config(error)) => {
                tracing::error!(%error, "the MQTT bridge cannot run");
                told(&mut stop).await;
                return;
            }
        }
        // Only a fault of ours comes here while nobody said stop.
        let _ = clock::timeout(RESTART_PAUSE, told(&mut stop)).await;
    }
}

/// Why the bridge does not begin.
#[derive(Debug, thiserror::Error)]
enum StartError {
    /// What is configured cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The cursor cannot be read.
    #[error(transparent)]
    Log(#[from] OutboundError),
}

/// A running bridge: four tasks around one connection.
struct Bridge {
    client: Client,
    link: watch::Receiver<Link>,
    session: JoinSet<()>,
    tasks: JoinSet<Result<(), OutboundError>>,
}

impl Bridge {
    async fn start(config: &Config, gateway: &Gateway, stop: &watch::Receiver<bool>) -> Result<Bridge, StartError> {
        let topics = Topics::new(&config.base);
        let will = (topics.state(), state::offline());
        let (client, connection) = client::connect(config, will)?;
        let (announce, link) = watch::channel(Link::default());
        let outbound = Outbound::new(gateway.clone(), client.clone(), topics.clone(), config.content).await?;
        let (hand_on, commands) = mpsc::channel(session::WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let session = Session {
            connection,
            client: client.clone(),
            topics: topics.clone(),
            link: announce,
            commands: hand_on,
            waiting: Arc::clone(&waiting),
            taken_over: Alarm::new(gateway, "client_id_in_use"),
            stop: stop.clone(),
        };
        let inbound =
            Inbound { gateway: gateway.clone(), client: client.clone(), topics: topics.clone(), commands, waiting };
        let states = States { gateway: gateway.clone(), client: client.clone(), topics, link: link.clone() };
        let mut tasks = JoinSet::new();
        tasks.spawn(outbound.run(link.clone(), stop.clone()));
        let stopped = stop.clone();
        tasks.spawn(async move {
            inbound.run(stopped).await;
            Ok(())
        });
        let stopped = stop.clone();
        tasks.spawn(async move {
            states.run(stopped).await;
            Ok(())
        });
        let mut sessions = JoinSet::new();
        sessions.spawn(session.run());
        Ok(Bridge { client, link, session: sessions, tasks })
    }

    /// Runs until told to stop, or until a task fails; ends all of them.
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            // First: once told, the tasks end by themselves, and that is no failure.
            biased;
            () = told(&mut stop) => self.end().await,
            Some(ended) = self.tasks.join_next() => match ended {
                Ok(Err(error @ OutboundError::Store(StoreError::Closed))) => {
                    // The process is about to end; nothing can be published until then.
                    tracing::error!(%error, "the MQTT bridge cannot read the event log");
                    told(&mut stop).await;
                }
                ended => tracing::error!(?ended, "a task of the MQTT bridge failed; the bridge begins anew"),
            },
            Some(ended) = self.session.join_next() => {
                tracing::error!(?ended, "the link to the broker failed; the bridge begins anew");
            }
        }
    }

    async fn end(&mut self) {
        if self.link.borrow().up {
            let all = async { while self.tasks.join_next().await.is_some() {} };
            if clock::timeout(GRACE, all).await.is_err() {
                tracing::warn!("the broker was too slow for the last events; they are published at the next start");
            }
            self.client.disconnect();
        } else {
            self.client.close();
        }
        let _ = clock::timeout(GOODBYE, self.session.join_next()).await;
    }
}

/// Completes when it is said to stop. Cancel safe.
async fn told(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could say it.
        std::future::pending::<()>().await;
    }
}
