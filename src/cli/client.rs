//! The way to the running gateway: its control socket.

use super::Common;
use super::exit::{Exit, Failure};
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

/// The gateway answers from memory or from one read of its database.
const ANSWER: Duration = Duration::from_secs(30);

/// Runs a client's work on this thread. Ctrl-C ends it.
pub(super) fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Exit::Io, error.to_string()))?;
    runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        }
    })
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
        let mut line = json!({ "do": verb, "with": with }).to_string();
        line.push('\n');
        self.writer.write_all(line.as_bytes()).await.map_err(|error| gone(&error.to_string()))?;
        let reply = tokio::time::timeout(ANSWER, self.next()).await;
        let mut reply = reply.map_err(|_| Failure::new(Exit::TimeOut, "the gateway did not answer within 30 s"))??;
        if reply["status"] == "ok" { Ok(reply["data"].take()) } else { Err(refused(&reply["error"])) }
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

fn refused(error: &Value) -> Failure {
    let code = error["code"].as_str().unwrap_or("internal");
    let exit = match code {
        "not_found" => Exit::NotFound,
        "internal" => Exit::Failed,
        "invalid_json" | "invalid_field" | "invalid_number" => Exit::Usage,
        _ => Exit::Refused,
    };
    let field = error["field"].as_str().map(|field| format!(" ({field})")).unwrap_or_default();
    Failure::new(exit, format!("{code}{field}: {}", error["detail"].as_str().unwrap_or("no detail")))
}
