//! The MQTT library behind a narrow door: the only file that names its types, but for `tls`.
//!
//! What was measured of rumqttc-next 0.34, and is answered here:
//! - A process that knows nothing of a session that the broker still has is refused publishing and subscribing for as
//!   long as that connection lasts, even under its lenient policy. [`EmptySession`] says that the session is known.
//! - An acknowledgement that the connection does not expect ends the connection. [`Ticket`]s end with theirs.
//! - Each packet that it sends puts its next ping off, so that a link on which nothing comes back is not noticed while
//!   something goes out. [`Waiting`] ends such a link.
//! - Its default packet limit is 10 KiB, and it waits with small packets (Nagle) unless told otherwise.

use super::config::{Config, ConfigError};
use super::tickets::{Taken, Ticket, Tickets};
use super::tls;
use rumqttc::{
    AckMode, AsyncClient, ConnectionError, DisconnectReasonCode, Event, EventLoop, Incoming, LastWill,
    LastWillProperties, ManualAck, MqttOptions, NetworkOptions, Outgoing, PersistedAckMode, PersistedSession, PubAck,
    PublishNotice, PublishNoticeError, PublishOptions, PublishProperties, PublishResult, QoS, RetainForwardRule,
    SessionStore, SessionStoreError, SessionStoreKey, StateError, SubscribeFilterInput, SubscribeReasonCode,
    TlsConfiguration, Transport,
};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// QoS 1 publishes under way; also the most that a crash publishes again.
pub(super) const IN_FLIGHT: u16 = 64;
/// Commands that the broker may have under way to us. MQTT 5 §3.1.2.11.3.
pub(super) const RECEIVE_MAXIMUM: u16 = 64;
/// Octets of a packet that we announce to accept. MQTT 5 §3.1.2.11.4.
const MAX_PACKET: u32 = 128 * 1024;
/// How long the broker keeps our session, in seconds: 7 days, as long as an id is remembered.
const SESSION_EXPIRY: u32 = 7 * 24 * 3600;
/// How long the broker waits before it says that we are gone, in seconds: a restart is no outage.
const WILL_DELAY: u32 = 10;
/// How long a connection may take to come up, from the look-up of the name to CONNACK.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long the broker may take to answer anything, at most.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// How long a DISCONNECT may wait for what is under way.
const DISCONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// Octets that a packet has beside topic, payload, correlation data and user properties, at most.
const PACKET_OVERHEAD: usize = 48;
/// The longest that the user properties and correlation data of an answer may be, in octets.
pub(super) const MAX_ECHO: usize = 4 * 1024;

/// Reason of a PUBACK for a packet that was not sent because the broker does not take one as large. MQTT 5 §2.4.
pub(super) const PACKET_TOO_LARGE: u8 = 0x95;

/// Publishes, subscribes and acknowledges. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    inner: AsyncClient,
    link: Arc<Link>,
    properties: PublishProperties,
}

/// What the connection tells the client.
#[derive(Debug)]
struct Link {
    tickets: Mutex<Tickets>,
    /// Octets of a packet that the broker accepts.
    max_packet: AtomicU32,
}

impl Link {
    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        // A panic while the lock is held cannot leave an entry half changed.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection, to be polled by one task.
pub(super) struct Connection {
    eventloop: EventLoop,
    link: Arc<Link>,
    waiting: Waiting,
    broker: (String, u16),
    /// The broker refused a publish on this connection. Mosquitto 2.0.11 ends the connection then.
    has_refused: bool,
}

/// For how long nothing has come back. The broker's time is the world's, so this is not the time of [`crate::clock`].
#[derive(Debug)]
struct Waiting {
    /// When something went out that is to be answered, with nothing coming in since.
    since: Option<Instant>,
    patience: Duration,
}

impl Waiting {
    /// A ping goes out when nothing did for a keep-alive; so half of one more makes 1½ (F-51).
    fn new(keep_alive: Duration) -> Waiting {
        Waiting { since: None, patience: (keep_alive / 2).min(ANSWER_DEADLINE) }
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Incoming(_) => self.since = None,
            Event::Outgoing(Outgoing::Publish(_) | Outgoing::Subscribe(_) | Outgoing::PingReq) => {
                self.since.get_or_insert_with(Instant::now);
            }
            _ => {}
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// What comes from the connection.
#[derive(Debug)]
pub(super) enum Input {
    /// The broker accepted us; `resumed`: with the session it kept.
    Up { resumed: bool },
    /// The connection ended, or did not come up.
    Down { reason: String, fault: Fault },
    /// The broker's answer to our subscription: what it refused, in its words.
    Subscribed { refused: Vec<String> },
    /// A publish for us.
    Command(Command),
    /// A publish that came again and is carried out: to be acknowledged.
    Done(Ticket),
    /// We have said goodbye.
    Closed,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It was lost, or nobody answers.
    Lost,
    /// The broker does not want us, or we do not trust it.
    Refused,
    /// Another client has our identifier.
    TakenOver,
    /// The broker ended it and did not say why, as Mosquitto 2.0 does after a takeover.
    Ended,
}

/// A publish for us.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) retained: bool,
    /// What is left of the message's life, in seconds. MQTT 5 §3.3.2.3.3.
    pub(super) expiry: Option<u32>,
    pub(super) response_topic: Option<String>,
    pub(super) correlation: Option<Vec<u8>>,
    pub(super) user_properties: Vec<(String, String)>,
    /// To be acknowledged; `None` at QoS 0.
    pub(super) ticket: Option<Ticket>,
}

impl Command {
    /// What it takes in memory, about.
    pub(super) fn octets(&self) -> usize {
        self.topic.len() + self.payload.len()
    }
}

/// What became of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The broker has it.
    Acknowledged,
    /// The broker refused it with this reason. MQTT 5 §3.4.2.1.
    Refused(u8),
    /// The session is gone, and nobody knows.
    Lost,
    /// The connection is closed for good.
    Closed,
}

/// Resolves to what became of a publish.
pub(super) type Delivery = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What an answer carries over from its command.
#[derive(Debug, Default)]
pub(super) struct Echo {
    pub(super) correlation: Option<Vec<u8>>,
    pub(super) user_properties: Vec<(String, String)>,
}

/// A client and its connection. `will` is what the broker says for us, on a topic, when we are gone.
pub(super) fn connect(config: &Config, will: (String, Vec<u8>)) -> Result<(Client, Connection), ConfigError> {
    let options = options(config, will)?;
    let (inner, eventloop) = AsyncClient::builder(options).capacity(REQUESTS).build();
    let link = Arc::new(Link { tickets: Mutex::default(), max_packet: AtomicU32::new(u32::MAX) });
    let properties = PublishProperties {
        payload_format_indicator: Some(1),
        content_type: Some(CONTENT_TYPE.to_owned()),
        user_properties: vec![schema()],
        ..PublishProperties::default()
    };
    let waiting = Waiting::new(config.keep_alive);
    let host = config.host.trim_matches(['[', ']']).to_owned();
    let broker = (host, config.port);
    Ok((
        Client { inner, link: Arc::clone(&link), properties },
        Connection { eventloop, link, waiting, broker, has_refused: false },
    ))
}

/// Requests between our tasks and the connection: acknowledgements of all commands in hand, and events.
const REQUESTS: usize = 1024;

const CONTENT_TYPE: &str = "application/json";

fn schema() -> (String, String) {
    ("schema".to_owned(), "1".to_owned())
}

fn options(config: &Config, (topic, payload): (String, Vec<u8>)) -> Result<MqttOptions, ConfigError> {
    let broker = rumqttc::Broker::tcp(config.host.clone(), config.port);
    let mut options = MqttOptions::new(config.client_id.clone(), broker);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let will = LastWillProperties {
        delay_interval: Some(WILL_DELAY),
        payload_format_indicator: Some(1),
        message_expiry_interval: None,
        content_type: Some(CONTENT_TYPE.to_owned()),
        response_topic: None,
        correlation_data: None,
        user_properties: vec![schema()],
    };
    options
        .set_network_options(network)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY))
        .set_receive_maximum(Some(RECEIVE_MAXIMUM))
        .set_max_packet_size(Some(MAX_PACKET))
        .set_outgoing_inflight_upper_limit(IN_FLIGHT)
        .set_max_request_batch(usize::from(IN_FLIGHT))
        .set_keep_alive(u16::try_from(config.keep_alive.as_secs()).unwrap_or(u16::MAX))
        .set_connect_timeout(CONNECT_DEADLINE)
        .set_ack_mode(AckMode::Manual)
        .set_session_store(EmptySession)
        .set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true, Some(will)));
    match (&config.user, &config.password) {
        (Some(user), Some(password)) => _ = options.set_credentials(user.clone(), password.clone().into_bytes()),
        (Some(user), None) => _ = options.set_username(user.clone()),
        (None, _) => {}
    }
    if config.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls::client(config)?)));
    }
    Ok(options)
}

impl Client {
    /// Publishes an event. The future ends once the library has it; the answer, once the broker has.
    /// Cancel safe: either it was taken, or nothing happened.
    pub(super) async fn publish(&self, topic: String, payload: Vec<u8>, retained: bool) -> Delivery {
        self.send(topic, payload, self.properties.clone(), retained).await
    }

    /// Publishes the answer to a command.
    pub(super) async fn answer(&self, topic: String, payload: Vec<u8>, echo: Echo) {
        let mut properties = self.properties.clone();
        properties.user_properties.extend(echo.user_properties);
        properties.correlation_data = echo.correlation.map(Into::into);
        // An answer that is lost with the session was for a client that asks again.
        drop(self.send(topic, payload, properties, false).await);
    }

    async fn send(&self, topic: String, payload: Vec<u8>, properties: PublishProperties, retained: bool) -> Delivery {
        let properties_octets = properties.correlation_data.as_ref().map_or(0, |data| data.len())
            + properties.user_properties.iter().map(|(key, value)| key.len() + value.len() + 5).sum::<usize>();
        let octets = PACKET_OVERHEAD + topic.len() + payload.len() + properties_octets;
        if octets > self.link.max_packet.load(Ordering::Relaxed) as usize {
            // The library would end the connection, and try the same packet again in the next one.
            return Box::pin(std::future::ready(Outcome::Refused(PACKET_TOO_LARGE)));
        }
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retained).properties(properties);
        match self.inner.publish_tracked(topic, payload, options).await {
            Ok(notice) => Box::pin(outcome(notice)),
            Err(_) => Box::pin(std::future::ready(Outcome::Closed)),
        }
    }

    /// Subscribes to command topics: nothing of our own, and stored retained messages each time, marked as such, so
    /// that a retained command is seen and refused. MQTT 5 §3.8.3.1. False when the client is closed or jammed.
    pub(super) fn subscribe(&self, filters: impl IntoIterator<Item = String>) -> bool {
        let filters = filters.into_iter().map(|filter| {
            SubscribeFilterInput::new(filter, QoS::AtLeastOnce)
                .no_local(true)
                .preserve_retain(true)
                .retain_forward_rule(RetainForwardRule::OnEverySubscribe)
        });
        self.inner.try_subscribe_many(filters).is_ok()
    }

    /// Acknowledges a publish that is carried out; where its connection has ended, as soon as it comes again.
    pub(super) fn acknowledge(&self, ticket: Ticket) {
        let mut tickets = self.link.tickets();
        if let Some(packet) = tickets.done(ticket) {
            let ack = ManualAck::PubAck(PubAck::new(packet, None));
            // There is room: at most as many commands are in hand, even where the broker sends more than it may.
            match self.inner.try_manual_ack(ack) {
                Ok(()) => tickets.acknowledged(packet),
                Err(_) => {
                    tracing::warn!("an acknowledgement found no room; the broker will send the command again");
                }
            }
        }
    }

    /// Leaves a publish to the broker: it comes again with the next connection, and is carried out then.
    pub(super) fn leave(&self, ticket: Ticket) {
        self.link.tickets().leave(ticket);
    }

    /// Says goodbye after what is under way; the last will is not published then.
    pub(super) fn disconnect(&self) {
        let drained = self.inner.try_disconnect_with_timeout(DISCONNECT_DEADLINE);
        if drained.is_err() {
            let _ = self.inner.try_disconnect_now();
        }
    }

    /// Closes the client while there is no connection.
    pub(super) fn close(&self) {
        let _ = self.inner.try_disconnect_now();
    }
}

async fn outcome(notice: PublishNotice) -> Outcome {
    match notice.wait_async().await {
        Ok(PublishResult::Qos1(ack)) if (ack.reason as u8) < 0x80 => Outcome::Acknowledged,
        Ok(PublishResult::Qos1(ack)) => Outcome::Refused(ack.reason as u8),
        Ok(_) => Outcome::Acknowledged,
        Err(PublishNoticeError::V5PubAck(reason)) => Outcome::Refused(reason as u8),
        Err(PublishNoticeError::Recv) => Outcome::Closed,
        Err(_) => Outcome::Lost,
    }
}

impl Connection {
    /// Waits for the next input, connecting first where there is no connection.
    /// Not cancel safe while it connects: the attempt begins anew.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            let polled = match self.waiting.since {
                None => Ok(self.eventloop.poll().await),
                Some(since) => timeout_at(since + self.waiting.patience, self.eventloop.poll()).await,
            };
            let Ok(polled) = polled else {
                self.cut();
                return Input::Down { reason: "the broker answers nothing".to_owned(), fault: Fault::Lost };
            };
            if let Ok(event) = &polled {
                self.waiting.note(event);
            }
            let input = match polled {
                Ok(Event::Incoming(packet)) => self.incoming(packet),
                Ok(Event::Outgoing(_) | Event::Auth(_)) => None,
                Err(error) => Some(self.down(error)),
            };
            if let Some(input) = input {
                return input;
            }
        }
    }

    /// Cuts the link, so that the broker sends again what was not acknowledged. The next call connects anew.
    pub(super) fn cut(&mut self) {
        self.link.tickets().end();
        self.waiting.since = None;
        self.eventloop.clean();
    }

    /// Whether the broker lets anybody connect now.
    pub(super) async fn broker_is_there(&self) -> bool {
        let (host, port) = &self.broker;
        matches!(timeout(CONNECT_DEADLINE, TcpStream::connect((host.as_str(), *port))).await, Ok(Ok(_)))
    }

    fn incoming(&mut self, packet: Incoming) -> Option<Input> {
        match packet {
            Incoming::ConnAck(ack) => {
                // Its work is done; from now on every packet would be copied for it.
                self.eventloop.options.clear_session_store();
                let max = ack.properties.and_then(|properties| properties.max_packet_size).unwrap_or(u32::MAX);
                self.link.max_packet.store(max, Ordering::Relaxed);
                self.link.tickets().begin(ack.session_present);
                self.has_refused = false;
                Some(Input::Up { resumed: ack.session_present })
            }
            Incoming::SubAck(ack) => {
                let codes = ack.return_codes.into_iter();
                let refused = codes.filter(|code| !matches!(code, SubscribeReasonCode::Success(_)));
                Some(Input::Subscribed { refused: refused.map(|code| format!("{code:?}")).collect() })
            }
            Incoming::Publish(publish) => {
                let ticket = match publish.qos {
                    QoS::AtLeastOnce => match self.link.tickets().take(publish.pkid) {
                        Taken::New(ticket) => Some(ticket),
                        Taken::InHand => return None,
                        Taken::Done(ticket) => return Some(Input::Done(ticket)),
                    },
                    _ => None,
                };
                let properties = publish.properties.unwrap_or_default();
                Some(Input::Command(Command {
                    topic: String::from_utf8_lossy(&publish.topic).into_owned(),
                    payload: publish.payload.into(),
                    retained: publish.retain,
                    expiry: properties.message_expiry_interval,
                    response_topic: properties.response_topic,
                    correlation: properties.correlation_data.map(Into::into),
                    user_properties: properties.user_properties,
                    ticket,
                }))
            }
            Incoming::PubAck(ack) => {
                self.has_refused |= ack.reason as u8 >= 0x80;
                None
            }
            _ => None,
        }
    }

    fn down(&mut self, error: ConnectionError) -> Input {
        // Nothing can run between the library's forgetting of the old connection and this line: it holds no await.
        self.link.tickets().end();
        self.waiting.since = None;
        let fault = match fault(&error) {
            Fault::Ended if self.has_refused => Fault::Lost,
            fault => fault,
        };
        match error {
            ConnectionError::RequestsDone | ConnectionError::DisconnectTimeout => Input::Closed,
            ConnectionError::MqttState(StateError::OutgoingPacketTooLarge { .. }) => {
                // The broker lowered its limit: forget what is under way, so that it is measured again.
                self.eventloop.reset_session_state();
                Input::Down { reason: error.to_string(), fault }
            }
            error => Input::Down { reason: error.to_string(), fault },
        }
    }
}

fn fault(error: &ConnectionError) -> Fault {
    match error {
        ConnectionError::MqttState(StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        }) => Fault::TakenOver,
        ConnectionError::MqttState(StateError::ConnectionAborted) => Fault::Ended,
        ConnectionError::ConnectionRefused(_) | ConnectionError::Tls(_) => Fault::Refused,
        _ => Fault::Lost,
    }
}

/// A session of which nothing is under way, for the first connection of a process.
///
/// All that the broker may remember of us is QoS 1: a packet id that it has acknowledged is free, and what it has not
/// acknowledged is published again from the event log.
#[derive(Debug)]
struct EmptySession;

type StoreAnswer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionStoreError>> + Send + 'a>>;

impl SessionStore for EmptySession {
    fn load<'a>(&'a self, key: &'a SessionStoreKey) -> StoreAnswer<'a, Option<PersistedSession>> {
        let session = PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: Some(SESSION_EXPIRY),
            outgoing_inflight_upper_limit: Some(IN_FLIGHT),
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(std::future::ready(Ok(Some(session))))
    }

    fn save<'a>(&'a self, _: &'a SessionStoreKey, _: &'a PersistedSession) -> StoreAnswer<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> StoreAnswer<'a, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}
