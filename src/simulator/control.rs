//! The control socket: JSON lines that let another process inject messages, script faults and pull plugs.
//!
//! | line | what |
//! |---|---|
//! | `{"do":"inject","modem":0,"from":"+49…","text":"…"}` | an SMS from outside |
//! | `{"do":"inject_pdu","modem":0,"pdu":"07…"}` | octets from outside, whatever they are |
//! | `{"do":"fault","fault":"F-09","when":{"nth":3},"modem":0}` | a scripted fault, see [`Fault`](super::Fault) |
//! | `{"do":"say","modem":0,"line":"RING"}` | a line of the modem's own; without `line` all that its make says by itself |
//! | `{"do":"restart","modem":0}` | it begins anew as if it had been told to |
//! | `{"do":"clear_faults","modem":0}` | no more faults |
//! | `{"do":"unplug","modem":0,"back_ms":500}` | pull the plug; without `back_ms` it stays away |
//! | `{"do":"plug","modem":0}` | put it in |
//! | `{"do":"stats"}` | what the modems have done |
//!
//! Each is answered by one line: `{"ok":true}`, with `stats`, or `{"ok":false,"error":"…"}`.

use super::Lab;
use super::LabConfig;
use super::handle::{Command, Handle, LabError, ModemStats};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The longest line: an SMS of 255 parts, escaped.
const LINE_MAX: u64 = 512 * 1024;
/// Connections at a time; the next ones wait.
const CONNECTIONS: usize = 16;

/// Plays a lab and obeys its control socket, until the future is dropped or the log cannot be written. `ready` is called
/// once ports and socket are there.
///
/// With a link directory the socket by custom is `DIR/ctl`. One that is left over from a lab that died is replaced.
pub async fn serve(config: LabConfig, socket: &Path, ready: impl FnOnce()) -> io::Result<()> {
    let (lab, handle) = Lab::new(config)?;
    let listener = Listener::bind(socket)?;
    ready();
    tokio::select! {
        ended = lab.run() => ended,
        ended = listener.serve(handle) => ended,
    }
}

/// A listening socket that takes its file away with it.
#[derive(Debug)]
struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    fn bind(path: &Path) -> io::Result<Listener> {
        let bound = UnixListener::bind(path);
        let listener = match bound {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && !is_served(path) => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            other => other?,
        };
        Ok(Listener { listener, path: path.to_owned() })
    }

    async fn serve(self, handle: Handle) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut tasks = JoinSet::new();
        loop {
            let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, _) = self.listener.accept().await?;
            let handle = handle.clone();
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                // A peer that goes away in the middle of a line has said nothing.
                _ = converse(stream, &handle).await;
                drop(place);
            });
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.path);
    }
}

fn is_served(path: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(path).is_ok()
}

/// What is asked; all else is a [`Command`].
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Question {
    Stats,
}

/// The answer to one line.
#[derive(Debug, Serialize)]
struct Reply {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Vec<ModemStats>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

async fn converse(mut stream: UnixStream, handle: &Handle) -> io::Result<()> {
    let (from, mut to) = stream.split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        (&mut from).take(LINE_MAX).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let reply = match obey(&line, handle).await {
            Ok(stats) => Reply { ok: true, stats, error: None },
            Err(error) => Reply { ok: false, stats: None, error: Some(error) },
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        to.write_all(&text).await?;
    }
}

async fn obey(line: &[u8], handle: &Handle) -> Result<Option<Vec<ModemStats>>, String> {
    let words = |error: LabError| error.to_string();
    if let Ok(Question::Stats) = serde_json::from_slice(line) {
        return handle.stats().await.map(Some).map_err(words);
    }
    let command: Command = serde_json::from_slice(line).map_err(|error| format!("not understood: {error}"))?;
    handle.command(command).await.map(|()| None).map_err(words)
}
