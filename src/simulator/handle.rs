//! The handle to a lab that runs: what may be asked of it, and how it answers.

use super::network::NetworkError;
use super::{Fault, Record, Stats};
use crate::tpdu::DecodeError;
use serde::Deserialize;
use std::time::Duration;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot, watch};

/// A handle to a lab that runs. The lab ends when all of them are gone.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) last_seq: watch::Receiver<u64>,
}

/// Why the lab did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The network has refused.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The raw PDU is no hex.
    #[error(transparent)]
    Hex(#[from] DecodeError),
    /// The modem is unplugged, or on a pty and not in memory.
    #[error("modem {0} cannot be connected to in memory now")]
    NotConnectable(usize),
    /// The task of the lab is over.
    #[error("the lab is closed")]
    Closed,
}

/// What a modem has done, as [`Handle::stats`] tells it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModemStats {
    /// True from plug to unplug.
    pub plugged: bool,
    /// Arrivals that wait in the network.
    pub waiting: usize,
    /// Counters since the lab began.
    #[serde(flatten)]
    pub counters: Stats,
}

/// What can be done to a lab while it runs. In JSON: `{"do": "inject", "modem": 0, "from": "+49…", "text": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Command {
    /// An SMS from outside.
    Inject { modem: usize, from: String, text: String },
    /// Octets from outside, in hex with the service centre field.
    InjectPdu { modem: usize, pdu: String },
    /// A scripted fault.
    Fault(Fault),
    /// A line of a modem's own.
    Say {
        modem: usize,
        #[serde(default)]
        line: Option<String>,
    },
    /// A modem begins anew by itself.
    Restart { modem: usize },
    /// No more faults.
    ClearFaults {
        #[serde(default)]
        modem: Option<usize>,
    },
    /// Pull the plug; put it in again after so long.
    Unplug {
        modem: usize,
        #[serde(default)]
        back_ms: Option<u32>,
    },
    /// Put it in.
    Plug { modem: usize },
}

/// What a handle asks for, and where the answer goes.
#[derive(Debug)]
pub(super) enum Request {
    Do(Command, oneshot::Sender<Result<(), LabError>>),
    Connect(usize, oneshot::Sender<Result<DuplexStream, LabError>>),
    Stats(oneshot::Sender<Vec<ModemStats>>),
    Records(u64, oneshot::Sender<Vec<Record>>),
}

impl Handle {
    /// An SMS from outside to a virtual SIM: `from` is a number or a name.
    pub async fn inject(&self, modem: usize, from: &str, text: &str) -> Result<(), LabError> {
        self.command(Command::Inject { modem, from: from.to_owned(), text: text.to_owned() }).await
    }

    /// Octets from outside to a virtual SIM, in hex, whatever they are; they begin with the service centre field.
    pub async fn inject_pdu(&self, modem: usize, pdu: &str) -> Result<(), LabError> {
        self.command(Command::InjectPdu { modem, pdu: pdu.to_owned() }).await
    }

    /// Sets a fault.
    pub async fn fault(&self, fault: Fault) -> Result<(), LabError> {
        self.command(Command::Fault(fault)).await
    }

    /// A modem says a line by itself, or without one all that its make says so.
    pub async fn say(&self, modem: usize, line: Option<&str>) -> Result<(), LabError> {
        self.command(Command::Say { modem, line: line.map(str::to_owned) }).await
    }

    /// A modem begins anew as if it had been told to.
    pub async fn restart(&self, modem: usize) -> Result<(), LabError> {
        self.command(Command::Restart { modem }).await
    }

    /// Removes the faults of one modem, or of all.
    pub async fn clear_faults(&self, modem: Option<usize>) -> Result<(), LabError> {
        self.command(Command::ClearFaults { modem }).await
    }

    /// Pulls the plug of a modem; it comes back after `back`, at most 49 days, or when it is plugged in.
    pub async fn unplug(&self, modem: usize, back: Option<Duration>) -> Result<(), LabError> {
        let back_ms = back.map(|back| u32::try_from(back.as_millis()).unwrap_or(u32::MAX));
        self.command(Command::Unplug { modem, back_ms }).await
    }

    /// Plugs a modem in.
    pub async fn plug(&self, modem: usize) -> Result<(), LabError> {
        self.command(Command::Plug { modem }).await
    }

    /// The host's end of a modem in memory. What was connected before reads end-of-file, and so does this one when the
    /// modem is unplugged.
    pub async fn connect(&self, modem: usize) -> Result<DuplexStream, LabError> {
        self.ask(|reply| Request::Connect(modem, reply)).await?
    }

    /// What the modems have done, in their order.
    pub async fn stats(&self) -> Result<Vec<ModemStats>, LabError> {
        self.ask(Request::Stats).await
    }

    /// The records of the log after the one numbered `after`, at most the latest 65,536.
    pub async fn records(&self, after: u64) -> Result<Vec<Record>, LabError> {
        self.ask(|reply| Request::Records(after, reply)).await
    }

    /// Waits for a record after the one numbered `after`. Cancel safe.
    pub async fn wait_for(&self, after: u64, wanted: impl Fn(&Record) -> bool) -> Result<Record, LabError> {
        let mut last_seq = self.last_seq.clone();
        let mut seen = after;
        loop {
            last_seq.borrow_and_update();
            let records = self.records(seen).await?;
            seen = records.last().map_or(seen, |record| record.seq);
            if let Some(record) = records.into_iter().find(|record| wanted(record)) {
                return Ok(record);
            }
            last_seq.changed().await.map_err(|_| LabError::Closed)?;
        }
    }

    pub(super) async fn command(&self, command: Command) -> Result<(), LabError> {
        self.ask(|reply| Request::Do(command, reply)).await?
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, LabError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| LabError::Closed)?;
        answer.await.map_err(|_| LabError::Closed)
    }
}
