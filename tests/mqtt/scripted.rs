//! A broker that does as the test says: packets in and out by hand, MQTT 5 §2 and §3.

use super::rig::soon;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener that accepts one link after the other.
pub(crate) struct Broker {
    listener: TcpListener,
}

/// One link.
pub(crate) struct Link {
    stream: TcpStream,
    /// The CONNECT packet's variable header and payload.
    pub(crate) connect: Vec<u8>,
}

/// A PUBLISH from the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published {
    pub(crate) topic: String,
    pub(crate) id: u16,
    pub(crate) retained: bool,
    pub(crate) dup: bool,
    pub(crate) payload: Vec<u8>,
}

impl Published {
    /// The payload's `seq`.
    pub(crate) fn seq(&self) -> u64 {
        self.json()["seq"].as_u64().unwrap()
    }

    /// Which alarm it is.
    pub(crate) fn alarm(&self) -> String {
        self.json()["alarm"].as_str().unwrap_or_default().to_owned()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

/// What came from the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Packet {
    Publish(Published),
    PubAck(u16),
    Subscribe { id: u16, filters: Vec<(String, u8)> },
    PingReq,
    Disconnect,
}

impl Broker {
    pub(crate) async fn new() -> Broker {
        Broker { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Waits for a link and accepts it, with properties of CONNACK (§3.2.2.3) if any.
    pub(crate) async fn accept(&self, session_present: bool, properties: &[u8]) -> Link {
        let mut link = self.knock().await;
        link.welcome(session_present, properties).await;
        link
    }

    /// Waits for a link, which is not accepted yet.
    pub(crate) async fn knock(&self) -> Link {
        let (stream, (head, connect)) = loop {
            let (mut stream, _) = soon("a link", self.listener.accept()).await.unwrap();
            // One without a word only looks whether we are there.
            if let Some(packet) = read(&mut stream).await {
                break (stream, packet);
            }
        };
        assert_eq!(head, 0x10);
        Link { stream, connect }
    }
}

impl Link {
    /// Accepts it.
    pub(crate) async fn welcome(&mut self, session_present: bool, properties: &[u8]) {
        let mut body = vec![u8::from(session_present), 0, u8::try_from(properties.len()).unwrap()];
        body.extend(properties);
        self.write(0x20, &body).await;
    }

    /// The next packet; `None` when the link has ended.
    pub(crate) async fn next(&mut self) -> Option<Packet> {
        let (head, body) = soon("a packet", read(&mut self.stream)).await?;
        Some(match head >> 4 {
            3 => Packet::Publish(publish(head, &body)),
            4 => Packet::PubAck(u16::from_be_bytes([body[0], body[1]])),
            8 => subscribe(&body),
            12 => Packet::PingReq,
            14 => Packet::Disconnect,
            other => panic!("unexpected packet {other}"),
        })
    }

    /// The next event, skipping what else comes; answers subscriptions and acknowledges states.
    pub(crate) async fn event(&mut self) -> Published {
        loop {
            match self.next().await.expect("the link is up") {
                Packet::Subscribe { id, filters } => self.suback(id, filters.len()).await,
                Packet::Publish(publish) if publish.retained => self.puback(publish.id, 0).await,
                Packet::Publish(publish) => return publish,
                _ => {}
            }
        }
    }

    pub(crate) async fn suback(&mut self, id: u16, n: usize) {
        let [high, low] = id.to_be_bytes();
        let mut body = vec![high, low, 0];
        body.extend(vec![1; n]);
        self.write(0x90, &body).await;
    }

    pub(crate) async fn puback(&mut self, id: u16, reason: u8) {
        let [high, low] = id.to_be_bytes();
        self.write(0x40, &[high, low, reason]).await;
    }

    /// Publishes a command at QoS 1, without properties.
    pub(crate) async fn command(&mut self, topic: &str, id: u16, payload: &[u8]) {
        self.command_to(topic.as_bytes(), id, payload).await;
    }

    /// The same, under what need not be a topic.
    pub(crate) async fn command_to(&mut self, topic: &[u8], id: u16, payload: &[u8]) {
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend(topic);
        body.extend(id.to_be_bytes());
        body.push(0);
        body.extend(payload);
        self.write(0x32, &body).await;
    }

    async fn write(&mut self, head: u8, body: &[u8]) {
        let mut packet = vec![head];
        let mut rest = body.len();
        loop {
            let digit = u8::try_from(rest % 128).unwrap();
            rest /= 128;
            packet.push(if rest > 0 { digit | 0x80 } else { digit });
            if rest == 0 {
                break;
            }
        }
        packet.extend(body);
        // The gateway may have gone; then the test sees it when it reads.
        let _ = self.stream.write_all(&packet).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let head = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let digit = stream.read_u8().await.ok()?;
        length |= usize::from(digit & 0x7f) << shift;
        shift += 7;
        if digit & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, body))
}

fn publish(head: u8, body: &[u8]) -> Published {
    assert_eq!(head & 0x06, 0x02, "everything is QoS 1");
    let (topic, rest) = text(body);
    let id = u16::from_be_bytes([rest[0], rest[1]]);
    // Our properties are shorter than 128 octets, so their length is one.
    let properties = usize::from(rest[2]);
    assert!(properties < 128);
    let payload = rest[3 + properties..].to_vec();
    Published { topic, id, retained: head & 0x01 != 0, dup: head & 0x08 != 0, payload }
}

fn subscribe(body: &[u8]) -> Packet {
    let id = u16::from_be_bytes([body[0], body[1]]);
    let mut rest = &body[3 + usize::from(body[2])..];
    let mut filters = Vec::new();
    while !rest.is_empty() {
        let (filter, after) = text(rest);
        filters.push((filter, after[0]));
        rest = &after[1..];
    }
    Packet::Subscribe { id, filters }
}

fn text(body: &[u8]) -> (String, &[u8]) {
    let n = usize::from(u16::from_be_bytes([body[0], body[1]]));
    (String::from_utf8(body[2..2 + n].to_vec()).unwrap(), &body[2 + n..])
}
