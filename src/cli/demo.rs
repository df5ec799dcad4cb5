//! `gsmgate demo`: the whole road without a modem, watched by an MQTT client as a user would have it.

use super::client::runtime;
use super::exit::{Exit, Failure};
use super::run::asked_to_stop;
use super::{Common, out};
use crate::model::Label;
use crate::simulator::{Lab, LabConfig};
use crate::telemetry::{self, LogFormat};
use crate::{app, bridge, intake, modem, scheduler, slots, store};
use clap::Args;
use mqtt5::broker::config::StorageBackend;
use mqtt5::broker::{BrokerConfig, MqttBroker, StorageConfig};
use mqtt5::{Message, MqttClient};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// The port that the demo's broker takes when it is free; else any.
const PORT: u16 = 18830;
/// The virtual SIMs; their modems carry the same letters.
const SIMS: [&str; 2] = ["sim-a", "sim-b"];
/// Messages seen by the watching client and not yet printed.
const SEEN: usize = 256;

/// Nothing of its own.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  gsmgate demo                     runs until Ctrl-C
  DEMO_SECONDS=20 gsmgate demo     ends by itself; exit 0 only when the whole round trip happened")]
pub(super) struct Options {}

pub(super) fn run(common: &Common, _options: &Options) -> Result<Exit, Failure> {
    // The warnings of the start are for operators.
    telemetry::start("warn,mqtt5=off,gsmgate::app=error", LogFormat::Plain);
    let seconds = match std::env::var("DEMO_SECONDS") {
        Ok(text) => Some(text.parse::<u64>().map_err(|_| {
            Failure::new(Exit::Usage, format!("DEMO_SECONDS must be a whole number of seconds, not {text:?}"))
        })?),
        Err(_) => None,
    };
    let dir = Scratch::new()?;
    runtime()?.block_on(demo(common, &dir.0, seconds))
}

/// A directory of our own that goes away with us.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        nix::unistd::mkdtemp(&std::env::temp_dir().join("gsmgate-demo-XXXXXX")).map(Scratch).map_err(failed)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn demo(common: &Common, dir: &Path, seconds: Option<u64>) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let deadline = seconds.map(|seconds| begun + Duration::from_secs(seconds));
    let broker = start_broker().await?;
    let config = LabConfig { modems: SIMS.len(), dir: Some(dir.to_owned()), ..LabConfig::default() };
    let echo = config.echo_number.clone();
    let (lab, _handle) = Lab::new(config).map_err(failed)?;
    let lab = tokio::spawn(lab.run());
    let settings = settings(dir, broker)?;
    let socket = settings.control_socket.clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut gateway = tokio::spawn(app::run(settings, async {
        // Dropping the sender asks for the end too.
        let _ = stopped.await;
    }));
    let (client, mut seen) = watch(broker).await?;
    let mut show = Show { common, begun, echo, road: Road::default(), client, broker, socket };
    show.intro()?;
    let done = tokio::select! {
        done = show.until(&mut seen, deadline) => done,
        // What has been shown is what was asked for.
        () = asked_to_stop() => if show.road.is_whole() { Ok(Exit::Ok) } else { Ok(Exit::Interrupted) },
        ended = &mut gateway => return Err(match ended {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => failed("the gateway ended by itself"),
        }),
    };
    // Whatever is in the air may end; nothing is kept of a demo.
    let _ = stop.send(());
    let ended = gateway.await.map_err(failed)?;
    lab.abort();
    ended?;
    done
}

async fn start_broker() -> Result<SocketAddr, Failure> {
    let config = |port| {
        let storage = StorageConfig::default().with_backend(StorageBackend::Memory);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        BrokerConfig::default().with_bind_address(address).with_storage(storage)
    };
    let broker = match MqttBroker::with_config(config(PORT)).await {
        Ok(broker) => Ok(broker),
        Err(_) => MqttBroker::with_config(config(0)).await,
    };
    let mut broker = broker.map_err(|error| Failure::new(Exit::Failed, format!("the demo's broker: {error}")))?;
    let address = broker.local_addr().ok_or_else(|| Failure::new(Exit::Failed, "the demo's broker has no address"))?;
    tokio::spawn(async move { broker.run().await });
    Ok(address)
}

fn settings(dir: &Path, broker: SocketAddr) -> Result<app::Settings, Failure> {
    let label = |text: &str| text.parse::<Label>().map_err(failed);
    let mut modems = Vec::new();
    for (n, sim) in SIMS.iter().enumerate() {
        let mut modem = modem::Config::new(n, dir.join(format!("modem{n}")).display().to_string());
        modem.label = Some(label(&sim.replace("sim", "modem"))?);
        modem.sim_label = Some(label(sim)?);
        modems.push(modem);
    }
    let name = label("demo")?;
    let mqtt = bridge::mqtt::Config::new(&format!("mqtt://{broker}"), &name).map_err(failed)?;
    Ok(app::Settings {
        name,
        store: store::Config::new(dir.join("state")),
        tidy_every: Duration::from_secs(86_400),
        slots: slots::Config { modems, ..slots::Config::default() },
        scheduler: scheduler::Config::default(),
        adopt: intake::Adopt::Keep,
        control_socket: dir.join("control.sock"),
        mqtt: Some(mqtt),
    })
}

/// A client that sees everything under the demo's base topic.
async fn watch(broker: SocketAddr) -> Result<(MqttClient, mpsc::Receiver<(String, Value)>), Failure> {
    let client = MqttClient::new("demo-user");
    let mqtt = |error| Failure::new(Exit::Failed, format!("the demo's client: {error}"));
    client.connect(&format!("mqtt://{broker}")).await.map_err(mqtt)?;
    let (sender, receiver) = mpsc::channel(SEEN);
    let deliver = move |message: Message| {
        if let Ok(value) = serde_json::from_slice(&message.payload) {
            // A terminal that is too slow misses a line; the gateway does not wait for it.
            let _ = sender.try_send((message.topic.to_string(), value));
        }
    };
    client.subscribe("gsmgate/demo/#", deliver).await.map_err(mqtt)?;
    Ok((client, receiver))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, error.to_string())
}

/// What has happened, for each SIM.
#[derive(Debug, Default)]
struct Road {
    ready: [bool; SIMS.len()],
    asked: bool,
    delivered: [bool; SIMS.len()],
    answered: [bool; SIMS.len()],
    told: bool,
}

impl Road {
    fn is_whole(&self) -> bool {
        [self.delivered, self.answered].iter().flatten().all(|done| *done)
    }

    fn missing(&self) -> String {
        let mut words = Vec::new();
        for (n, sim) in SIMS.iter().enumerate() {
            let steps = [(self.ready[n], "ready"), (self.delivered[n], "delivered"), (self.answered[n], "answered")];
            words.extend(steps.iter().filter(|(done, _)| !done).map(|(_, word)| format!("{sim} not {word}")));
        }
        words.join(", ")
    }
}

struct Show<'a> {
    common: &'a Common,
    begun: Instant,
    echo: String,
    road: Road,
    client: MqttClient,
    broker: SocketAddr,
    socket: PathBuf,
}

impl Show<'_> {
    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.common.json {
            return Ok(());
        }
        out::line(format!("{:>6.2} s  {text}", self.begun.elapsed().as_secs_f64()))
    }

    fn intro(&self) -> Result<(), Failure> {
        let Show { broker, echo, .. } = self;
        self.say(&format!("broker on {broker}, two virtual modems, one gateway; {echo} answers every text"))
    }

    /// Shows what the client sees, until the deadline.
    async fn until(
        &mut self,
        seen: &mut mpsc::Receiver<(String, Value)>,
        deadline: Option<Instant>,
    ) -> Result<Exit, Failure> {
        loop {
            let message = tokio::select! {
                message = seen.recv() => message,
                () = sleep_until(deadline) => None,
            };
            let Some((topic, value)) = message else { return self.verdict() };
            self.handle(topic.trim_start_matches("gsmgate/demo/"), &value).await?;
        }
    }

    fn verdict(&self) -> Result<Exit, Failure> {
        if self.road.is_whole() {
            self.say("the round trip is complete")?;
            return Ok(Exit::Ok);
        }
        Err(Failure::new(Exit::Failed, format!("the round trip did not happen: {}", self.road.missing())))
    }

    async fn handle(&mut self, topic: &str, value: &Value) -> Result<(), Failure> {
        if self.common.json {
            out::object(json!({ "topic": topic, "payload": value }))?;
        }
        let word = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        match topic.split('/').collect::<Vec<_>>()[..] {
            ["modem", _, "state"] if word("state") == "ready" => self.modem_ready(&word("sim")).await?,
            ["status", id] => {
                self.say(&format!("status/{id}  {}", word("state")))?;
                if let Some(n) = SIMS.iter().position(|sim| word("id") == *sim && word("state") == "delivered") {
                    self.road.delivered[n] = true;
                }
            }
            ["inbound", sim] => {
                self.say(&format!("inbound/{sim}  from {}: {}", word("from"), word("text")))?;
                if let Some(n) = SIMS.iter().position(|each| *each == sim && word("from") == self.echo) {
                    self.road.answered[n] = true;
                }
            }
            _ => {}
        }
        if self.road.is_whole() && !self.road.told {
            self.road.told = true;
            self.what_next()?;
        }
        Ok(())
    }

    async fn modem_ready(&mut self, sim: &str) -> Result<(), Failure> {
        let Some(n) = SIMS.iter().position(|each| *each == sim) else { return Ok(()) };
        if !self.road.ready[n] {
            self.road.ready[n] = true;
            self.say(&format!("{sim} is ready"))?;
        }
        if self.road.asked || !self.road.ready.iter().all(|ready| *ready) {
            return Ok(());
        }
        self.road.asked = true;
        for sim in SIMS {
            let command = json!({ "id": sim, "to": self.echo, "text": format!("Hello from {sim}"), "sim": sim });
            self.say(&format!("publish gsmgate/demo/send {command}"))?;
            let sent = self.client.publish_qos1("gsmgate/demo/send", command.to_string()).await;
            sent.map_err(failed)?;
        }
        Ok(())
    }

    fn what_next(&self) -> Result<(), Failure> {
        if self.common.json {
            return Ok(());
        }
        let (port, echo, socket) = (self.broker.port(), &self.echo, self.socket.display());
        let program = std::env::current_exe().map_or_else(|_| "gsmgate".into(), |path| path.display().to_string());
        out::raw(format_args!(
            "
It works. Now type, in another terminal:

  mosquitto_sub -p {port} -v -t 'gsmgate/demo/#'
  mosquitto_pub -p {port} -q 1 -t gsmgate/demo/send -m '{{\"to\":\"{echo}\",\"text\":\"Grüße 👋\"}}'
  {program} send --socket {socket} {echo} 'Hello' --wait 10
  {program} status --socket {socket}

With a modem: put its port into a file (see gsmgate.example.toml) and start `gsmgate run --config FILE`.
Ctrl-C ends the demo.
"
        ))
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
