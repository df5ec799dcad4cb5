//! The Unix socket of the command line: one JSON object a line, both ways.

use super::wire;
use crate::gateway::Gateway;
use crate::model::{MessageId, Refusal, RefusalCode};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Clients at a time.
const CLIENTS: usize = 32;
/// A request is not longer than this.
const MAX_LINE: usize = 128 * 1024;
/// Events read at a time for a client that follows.
const PAGE: usize = 64;

/// The socket, bound and not yet served.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Makes the socket, mode 0660. One that is left from a process that is gone is replaced.
    pub fn bind(path: &Path) -> std::io::Result<Control> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        // The state directory's lock says that we are alone; a socket that still answers belongs to another one.
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(std::io::Error::other("another gateway answers on it")),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
        Ok(Control { listener, path: path.to_owned() })
    }

    /// Answers clients; runs until it is dropped.
    pub async fn serve(self, gateway: Gateway) {
        let places = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = JoinSet::new();
        loop {
            while clients.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let gateway = gateway.clone();
                    clients.spawn(async move {
                        // The client went away: there is nobody to tell.
                        let _ = talk(stream, &gateway).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket does not accept a client");
                    // Out of descriptors: a client that leaves frees one.
                    clients.join_next().await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn talk(stream: UnixStream, gateway: &Gateway) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = (&mut reader).take(MAX_LINE as u64).read_until(b'\n', &mut line).await?;
        if n == 0 {
            return Ok(());
        }
        if line.last() != Some(&b'\n') {
            let refusal = Refusal::new(RefusalCode::TooLong, "a request is one line of at most 128 KiB");
            return send(&mut writer, wire::error(&refusal)).await;
        }
        match request(&line) {
            Ok((verb, _)) if verb == "follow" => return follow(&mut reader, &mut writer, gateway).await,
            Ok((verb, body)) => {
                let reply = match answer(&verb, &body, gateway).await {
                    Ok(data) => wire::ok(data, None),
                    Err(refusal) => wire::error(&refusal),
                };
                send(&mut writer, reply).await?;
            }
            Err(refusal) => send(&mut writer, wire::error(&refusal)).await?,
        }
    }
}

async fn send(writer: &mut OwnedWriteHalf, mut line: Vec<u8>) -> std::io::Result<()> {
    line.push(b'\n');
    writer.write_all(&line).await
}

fn request(line: &[u8]) -> Result<(String, Value), Refusal> {
    let mut request: Value =
        serde_json::from_slice(line).map_err(|error| Refusal::new(RefusalCode::InvalidJson, error.to_string()))?;
    let verb = request.get("do").and_then(Value::as_str).map(str::to_owned);
    let verb = verb.ok_or_else(|| Refusal::new(RefusalCode::InvalidField, "a request names its verb").at("/do"))?;
    let body = request.get_mut("with").map(Value::take).unwrap_or(Value::Null);
    Ok((verb, body))
}

async fn answer(verb: &str, body: &Value, gateway: &Gateway) -> Result<Value, Refusal> {
    match verb {
        "send" => {
            let octets = serde_json::to_vec(body).unwrap_or_default();
            let command = wire::parse_send(&octets, gateway.now(), &wire::Defaults::default())?;
            gateway.submit(command.submissions, None).await.map(|receipts| wire::receipts(&receipts))
        }
        "get" => gateway.message(&id(body)?).await.map(|view| wire::message(&view)),
        "cancel" => gateway.cancel(&id(body)?).await.map(|state| json!({ "state": state.word() })),
        "modems" => Ok(modems(gateway)),
        "info" => info(gateway).await,
        _ => Err(Refusal::new(RefusalCode::Unsupported, "verbs are send, get, cancel, modems, info, follow").at("/do")),
    }
}

fn id(body: &Value) -> Result<MessageId, Refusal> {
    let text = body.get("id").and_then(Value::as_str).unwrap_or_default();
    text.parse()
        .map_err(|error: crate::model::IdError| Refusal::new(RefusalCode::InvalidField, error.to_string()).at("/id"))
}

fn modems(gateway: &Gateway) -> Value {
    let one = |(index, status): (usize, &tokio::sync::watch::Receiver<crate::model::ModemStatus>)| {
        let status = status.borrow();
        let label = status.sim.as_ref().map(|sim| gateway.sim_label(index, &sim.iccid));
        let mut value = wire::modem(&status, label.as_ref());
        if let (Some(sim), Some(label)) = (&status.sim, &label) {
            value["card"] = wire::sim(label, &status, sim);
        }
        value
    };
    json!({ "modems": gateway.modems().iter().enumerate().map(one).collect::<Vec<_>>() })
}

async fn info(gateway: &Gateway) -> Result<Value, Refusal> {
    let counts = gateway.counts().await.map_err(|error| Refusal::new(RefusalCode::Internal, error.to_string()))?;
    Ok(json!({
        "name": gateway.name().as_str(),
        "version": env!("CARGO_PKG_VERSION"),
        "log_id": gateway.log_id(),
        "seq": *gateway.committed().borrow(),
        "queue": wire::counts(&counts),
    }))
}

/// Streams events from now on until the client goes away. The first line says from which `seq`.
async fn follow(
    reader: &mut BufReader<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
    gateway: &Gateway,
) -> std::io::Result<()> {
    let mut committed = gateway.committed();
    let mut seen = *committed.borrow_and_update();
    send(writer, wire::ok(json!({ "after": seen }), None)).await?;
    let mut gone = Vec::new();
    loop {
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return Ok(()) },
            // Anything, or the end: a client that follows says nothing more.
            _ = reader.read_until(b'\n', &mut gone) => return Ok(()),
        }
        let last = *committed.borrow_and_update();
        while seen < last {
            let Ok(events) = gateway.events(seen, PAGE).await else { return Ok(()) };
            let Some(newest) = events.last().map(|event| event.seq) else { break };
            for event in &events {
                let mut line = Vec::new();
                wire::write(event, gateway.log_id(), &mut line);
                send(writer, line).await?;
            }
            seen = newest;
        }
    }
}
