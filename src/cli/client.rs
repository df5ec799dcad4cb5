//! The way to the running gateway: its control socket.

use super::Common;
use super::exit::{Exit, Failure};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::signal::unix::SignalKind;

/// The gateway answers from memory, from one read of its database, or after one commit.
const ANSWER: Duration = Duration::from_secs(30);

/// Runs a subcommand's work on this thread. Ctrl-C and SIGTERM end it, so that what it made is tidied away.
pub(super) fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    runtime()?.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
            () = terminated() => Ok(Exit::Interrupted),
        }
    })
}

async fn terminated() {
    match tokio::signal::unix::signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        // Then SIGTERM ends the process as it does by default.
        Err(_) => std::future::pending().await,
    }
}

/// A runtime on this thread.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Exit::Io, error.to_string()))
}

/// A connection to the gateway.
pub(super) struct Client {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Client {
    pub(super) async fn connect(common: &Common) -> Result<Client, Failure> {
        let stream = UnixStream::connect(&common.socket).await.map_err(|error| {
            let path = common.socket.display();
            match error.kind() {
                std::io::ErrorKind::PermissionDenied => Failure::new(
                    Exit::NoPermission,
                    format!("{path}: permission denied; be root or a member of the group gsmgate"),
                ),
                _ => Failure::new(
                    Exit::Unreachable,
                    format!("no gateway answers on {path} ({error}); start it, or name its socket with --socket"),
                ),
            }
        })?;
        let (reader, writer) = stream.into_split();
        Ok(Client { lines: BufReader::new(reader).lines(), writer })
    }

    /// One request, and the data of its answer; an error of the gateway becomes a failure.
    pub(super) async fn ask(&mut self, verb: &str, with: Value) -> Result<Value, Failure> {
        self.ask_within(verb, with, ANSWER).await
    }

    /// The same for what a modem or the network has to do first.
    pub(super) async fn ask_within(&mut self, verb: &str, with: Value, within: Duration) -> Result<Value, Failure> {
        let mut line = json!({ "do": verb, "with": with }).to_string();
        line.push('\n');
        let exchange = async {
            // A gateway that is full says so and hangs up before it has read anything: its answer counts, not this.
            let _ = self.writer.write_all(line.as_bytes()).await;
            self.next().await
        };
        let reply = tokio::time::timeout(within, exchange).await;
        let mut reply = reply.map_err(|_| {
            Failure::new(Exit::TimeOut, format!("the gateway did not answer within {} s", within.as_secs()))
        })??;
        if reply["status"] == "ok" { Ok(reply["data"].take()) } else { Err(Failure::refused(reply)) }
    }

    /// The next line the gateway sends.
    pub(super) async fn next(&mut self) -> Result<Value, Failure> {
        let line = self.lines.next_line().await.map_err(|error| gone(&error.to_string()))?;
        let line = line.ok_or_else(|| gone("it closed the connection"))?;
        serde_json::from_str(&line).map_err(|error| gone(&format!("its answer is no JSON: {error}")))
    }
}

fn gone(why: &str) -> Failure {
    Failure::new(Exit::Unreachable, format!("the gateway went away: {why}"))
}
