//! The Unix socket of the command line: one JSON object a line, both ways.
//!
//! | request | data of the answer |
//! |---|---|
//! | `{"do":"send","with":{"to":…,"text":…}}` | as over MQTT: a receipt a recipient |
//! | `{"do":"get","with":{"id":…}}` | the message with its history |
//! | `{"do":"cancel","with":{"id":…}}` | its state after it |
//! | `{"do":"modems"}` | every modem, and the SIM in it |
//! | `{"do":"ussd","with":{"modem":…,"code":…}}` | what the network says; `modem_restart`, `sim_slot`, `phonebook` alike |
//! | `{"do":"at","with":{"modem":…,"command":…}}` | the lines of the answer, for those who may |
//! | `{"do":"recording","with":{"modem":…}}` | its label, and what was last said on its line, masked |
//! | `{"do":"info"}` | name, version, queue, the last `seq` |
//! | `{"do":"follow","with":{"after":…}}` | from which `seq`; then every event, a line each, until the client goes |
//!
//! The answer is `{"status":"ok","data":…}` or `{"status":"error","error":…}`, the same objects as over MQTT.

use super::wire;
use crate::clock;
use crate::gateway::{Gateway, Hindered};
use crate::model::{ModemStatus, Refusal, RefusalCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The group whose members may type commands to modems.
const ADMINS: &str = "gsmgate-admin";
/// Clients at a time. The next is told so.
const CLIENTS: usize = 32;
/// A request is not longer than this, in octets.
const MAX_LINE: usize = 128 * 1024;
/// Events read at a time for a client that follows.
const PAGE: usize = 64;
/// A client that asks nothing for so long gives its place to others.
const IDLE: Duration = Duration::from_secs(600);
/// A client that does not read for so long is gone.
const UNREAD: Duration = Duration::from_secs(10);
/// How soon a client is accepted again after there was no descriptor for one.
const NO_DESCRIPTOR: Duration = Duration::from_secs(1);

/// The socket, bound and not yet served.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Makes the socket, mode 0660. One that is left from a process that is gone is replaced.
    pub async fn bind(path: &Path) -> io::Result<Control> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        match std::fs::symlink_metadata(path) {
            Ok(found) if found.file_type().is_socket() => replace(path).await?,
            Ok(_) => return Err(io::Error::new(ErrorKind::AlreadyExists, "a file that is no socket is in its place")),
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
        Ok(Control { listener, path: path.to_owned() })
    }

    /// Answers every client with a refusal; runs until it is dropped.
    pub async fn refuse(&self, detail: &str) {
        let refusal = Refusal::new(RefusalCode::Internal, detail);
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => turn_away(stream, &refusal),
                // Out of descriptors.
                Err(_) => clock::sleep(NO_DESCRIPTOR).await,
            }
        }
    }

    /// Answers clients; runs until it is dropped.
    pub async fn serve(self, gateway: Gateway) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            while clients.try_join_next().is_some() {}
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket does not accept a client");
                    // Out of descriptors: a client that leaves frees one, or somebody else does.
                    tokio::select! {
                        Some(_) = clients.join_next() => {}
                        () = clock::sleep(NO_DESCRIPTOR) => {}
                    }
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                let detail = format!("{CLIENTS} clients are connected; try again later");
                turn_away(stream, &Refusal::new(RefusalCode::QueueFull, detail));
                continue;
            };
            let gateway = gateway.clone();
            clients.spawn(async move {
                // The client went away: there is nobody to tell.
                let _ = talk(stream, &gateway).await;
                drop(place);
            });
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes a socket that nobody answers on.
async fn replace(path: &Path) -> io::Result<()> {
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // Also when its queue of clients is full.
        Ok(_) | Err(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another gateway answers on it")),
    }
}

/// The socket's buffer is empty, so it takes the line at once.
fn turn_away(stream: UnixStream, refusal: &Refusal) {
    let mut line = wire::error(refusal);
    line.push(b'\n');
    // It may have gone already.
    let _ = stream.into_std().and_then(|mut stream| stream.write_all(&line));
}

async fn talk(stream: UnixStream, gateway: &Gateway) -> io::Result<()> {
    let peer = stream.peer_cred().ok().map(|peer| (peer.uid(), peer.gid()));
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reader).take(MAX_LINE as u64);
        let n = clock::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await??;
        if n == 0 {
            return Ok(());
        }
        if n == MAX_LINE && line.last() != Some(&b'\n') {
            let detail = format!("a request is one line of at most {MAX_LINE} octets");
            return send(&mut writer, wire::error(&Refusal::new(RefusalCode::TooLong, detail))).await;
        }
        let reply = match Request::parse(&line) {
            Ok(request) if request.verb == "follow" => return follow(&request, reader, writer, gateway).await,
            Ok(request) => answer(&request, gateway, peer).await,
            Err(refusal) => Err(refusal),
        };
        send(&mut writer, reply.unwrap_or_else(|refusal| wire::error(&refusal))).await?;
    }
}

async fn send(writer: &mut OwnedWriteHalf, mut line: Vec<u8>) -> io::Result<()> {
    line.push(b'\n');
    clock::timeout(UNREAD, writer.write_all(&line)).await?
}

/// One line of a client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(rename = "do", borrow)]
    verb: Cow<'a, str>,
    /// What the verb is about, as the client wrote it.
    #[serde(rename = "with", borrow)]
    body: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    fn parse(line: &'a [u8]) -> Result<Request<'a>, Refusal> {
        serde_json::from_slice(line).map_err(|error| {
            let code = if error.is_data() { RefusalCode::InvalidField } else { RefusalCode::InvalidJson };
            Refusal::new(code, format!("not a request: {error}")).at(format!("{}:{}", error.line(), error.column()))
        })
    }

    /// The body's JSON; an empty object where there is none.
    fn body(&self) -> &[u8] {
        self.body.map_or("{}", RawValue::get).as_bytes()
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(self.body())
            .map_err(|error| Refusal::new(RefusalCode::InvalidField, error.to_string()).at("/with"))
    }
}

async fn answer(request: &Request<'_>, gateway: &Gateway, peer: Option<Peer>) -> Result<Vec<u8>, Refusal> {
    if let Some(verb) = wire::OrderVerb::named(&request.verb) {
        return order(verb, request.body(), gateway, peer).await;
    }
    match request.verb.as_ref() {
        "send" => {
            let command = wire::parse_send(request.body(), gateway.now(), &wire::Defaults::default())?;
            let transaction = command.transaction.as_deref();
            let receipts = gateway.submit(command.submissions, None).await;
            receipts.map(|receipts| wire::ok(wire::receipts(&receipts), transaction))
        }
        "get" => {
            let command = wire::parse_by_id(request.body())?;
            let view = gateway.message(&command.id).await?;
            Ok(wire::ok(wire::message(&view), command.transaction.as_deref()))
        }
        "cancel" => {
            let command = wire::parse_by_id(request.body())?;
            let state = gateway.cancel(&command.id).await?;
            let data = json!({ "id": command.id.as_str(), "state": state.word() });
            Ok(wire::ok(data, command.transaction.as_deref()))
        }
        "modems" => Ok(wire::ok(modems(gateway), None)),
        "recording" => Ok(wire::ok(recording(request, gateway)?, None)),
        "info" => Ok(wire::ok(info(gateway).await?, None)),
        _ => {
            let orders = wire::OrderVerb::ALL.map(wire::OrderVerb::word).join(", ");
            let detail = format!("verbs are send, get, cancel, modems, recording, info, follow, {orders}");
            Err(Refusal::new(RefusalCode::Unsupported, detail).at("/do"))
        }
    }
}

async fn order(verb: wire::OrderVerb, body: &[u8], gateway: &Gateway, peer: Option<Peer>) -> Result<Vec<u8>, Refusal> {
    let command = wire::parse_order(verb, body)?;
    if verb == wire::OrderVerb::At && !may_type(peer).await {
        let detail = format!("only root, the gateway's own user and members of the group {ADMINS} may");
        return Err(Refusal::new(RefusalCode::NotAuthorized, detail));
    }
    let carried = gateway.order(&command.modem, command.order).await?;
    Ok(wire::ok(wire::carried(&carried), command.transaction.as_deref()))
}

/// Who is at the other end: user and group.
type Peer = (u32, u32);

/// Beside the runtime: the system may ask a directory over the network who is in the group.
async fn may_type(peer: Option<Peer>) -> bool {
    let Some((uid, gid)) = peer else { return false };
    tokio::task::spawn_blocking(move || is_admin(uid, gid)).await.unwrap_or(false)
}

/// True for root, for the user that we run as, who can do everything anyhow, and for members of the group.
fn is_admin(uid: u32, gid: u32) -> bool {
    use nix::unistd::{Gid, Group, Uid, User};
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    if uid.is_root() || uid == Uid::effective() {
        return true;
    }
    let Ok(Some(group)) = Group::from_name(ADMINS) else { return false };
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
    gid == group.gid || name.is_some_and(|name| group.mem.contains(&name))
}

/// As in `modem/<label>/state`, with the SIM's own state in place of its label.
fn modems(gateway: &Gateway) -> Value {
    let one = |(index, status): (usize, tokio::sync::watch::Receiver<ModemStatus>)| {
        let status = status.borrow();
        let mut value = wire::modem(&status, None);
        if let Some(sim) = &status.sim {
            value["sim"] = wire::sim(&gateway.sim_label(index, &sim.iccid), &status, sim);
        }
        value
    };
    let hindered = |it: &Hindered| json!({ "socket": it.socket, "usb": it.usb, "reason": it.reason });
    let hindered: Vec<Value> = gateway.hindered().iter().map(hindered).collect();
    json!({ "hindered": hindered, "modems": gateway.modems().into_iter().enumerate().map(one).collect::<Vec<_>>() })
}

/// Which modem; `None`: the only one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    modem: Option<String>,
}

fn recording(request: &Request<'_>, gateway: &Gateway) -> Result<Value, Refusal> {
    let Which { modem } = request.read()?;
    let one = |status: tokio::sync::watch::Receiver<ModemStatus>| {
        let status = status.borrow();
        (status.label.to_string(), status.port.clone())
    };
    let modems: Vec<(String, String)> = gateway.modems().into_iter().map(one).collect();
    let known = || {
        let labels: Vec<&str> = modems.iter().map(|(label, _)| label.as_str()).collect();
        if labels.is_empty() { "there is no modem".to_owned() } else { format!("there are: {}", labels.join(", ")) }
    };
    let refuse = |code, detail: String| Refusal::new(code, detail).at("/with/modem");
    let index = match &modem {
        Some(name) => modems
            .iter()
            .position(|(label, port)| label == name || port == name)
            .ok_or_else(|| refuse(RefusalCode::NotFound, format!("no modem is called {name}; {}", known())))?,
        None if modems.len() == 1 => 0,
        None => return Err(refuse(RefusalCode::InvalidField, format!("which modem? {}", known()))),
    };
    // Modems become more, never fewer.
    Ok(json!({ "modem": modems[index].0, "text": gateway.recording(index).unwrap_or_default() }))
}

async fn info(gateway: &Gateway) -> Result<Value, Refusal> {
    let counts = gateway.counts().await.map_err(|error| Refusal::new(RefusalCode::Internal, error.to_string()))?;
    Ok(json!({
        "name": gateway.name().as_str(),
        "version": env!("CARGO_PKG_VERSION"),
        "log_id": gateway.log_id(),
        "seq": *gateway.committed().borrow(),
        "queue": wire::counts(&counts),
        "store": gateway.store_state().borrow().word(),
    }))
}

/// Where to begin; `None`: with the next event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    after: Option<u64>,
}

/// Streams events until the client goes away. The first line says from which `seq`.
async fn follow(
    request: &Request<'_>,
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    gateway: &Gateway,
) -> io::Result<()> {
    let Follow { after } = match request.read() {
        Ok(follow) => follow,
        Err(refusal) => return send(&mut writer, wire::error(&refusal)).await,
    };
    let mut committed = gateway.committed();
    let last = *committed.borrow_and_update();
    // A number from another log must not hold back what is to come.
    let mut seen = after.map_or(last, |after| after.min(last));
    send(&mut writer, wire::ok(json!({ "after": seen, "log_id": gateway.log_id() }), None)).await?;
    loop {
        let last = *committed.borrow_and_update();
        while seen < last {
            let Ok(events) = gateway.events(seen, PAGE).await else { return Ok(()) };
            let Some(newest) = events.last().map(|event| event.seq) else { break };
            for event in &events {
                let mut line = Vec::new();
                wire::write(event, gateway.log_id(), &mut line);
                send(&mut writer, line).await?;
            }
            seen = newest;
        }
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return Ok(()) },
            // Anything, or the end: a client that follows says nothing more.
            _ = reader.read_u8() => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_requests() {
        for (line, want) in [
            (r#"{"do":"info"}"#, Ok("{}")),
            (r#"{"do":"info","with":null}"#, Ok("{}")),
            (r#"{"do":"\u0069nfo","with":{"a":1,"a":2}}"#, Ok(r#"{"a":1,"a":2}"#)),
            ("", Err(RefusalCode::InvalidJson)),
            ("hello", Err(RefusalCode::InvalidJson)),
            ("{}", Err(RefusalCode::InvalidField)),
            (r#"{"do":1}"#, Err(RefusalCode::InvalidField)),
            (r#"{"do":"info","to":"x"}"#, Err(RefusalCode::InvalidField)),
            (r#"{"do":"info","do":"get"}"#, Err(RefusalCode::InvalidField)),
            (r#"{"do":"info"} {}"#, Err(RefusalCode::InvalidJson)),
        ] {
            let got = Request::parse(line.as_bytes());
            match &got {
                Ok(request) => assert_eq!(request.verb, "info", "{line}"),
                Err(refusal) => assert!(refusal.field.is_some(), "{line}"),
            }
            let got = got.as_ref().map(|request| std::str::from_utf8(request.body()).unwrap());
            assert_eq!(got.map_err(|refusal| refusal.code), want, "{line}");
        }
        assert!(Request::parse(b"{\"do\":\"\xff\"}").is_err());
    }

    #[tokio::test]
    async fn only_a_dead_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deeper/control.sock");
        let first = Control::bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(Control::bind(&path).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(first);
        assert!(!path.exists());

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "left behind by a process that is gone");
        drop(Control::bind(&path).await.unwrap());

        std::fs::write(&path, "precious").unwrap();
        assert_eq!(Control::bind(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
