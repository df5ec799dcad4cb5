//! The driver: one task per modem that opens its tty, sets it up, sends, receives, and opens it again when it is lost.

mod alarms;
mod board;
mod bringup;
mod broadcasts;
mod calls;
mod chat;
mod details;
mod device;
pub mod discover;
mod driver;
#[cfg(test)]
mod fake;
mod identify;
mod inbox;
mod ladder;
mod line;
mod mask;
mod mask_fields;
mod mask_pdu;
#[cfg(test)]
mod mask_tests;
mod orders;
#[cfg(test)]
mod orders_tests;
mod pin;
mod port;
pub mod profile;
mod pseudonym;
mod receive;
mod recorder;
mod recording;
mod recover;
#[cfg(test)]
mod recovery_tests;
pub mod replay;
mod send;
pub(crate) mod supply;
#[cfg(test)]
mod tests;
mod unlock;
mod ussd;

pub use crate::at::{BroadcastList, Pin, ServiceCentre, TypedLine};
use crate::model::{AttemptId, Iccid, Imei, Label, ModemStatus, Notice, SendOutcome};
pub use calls::Calls;
pub use device::PowerKey;
pub use line::{Dial, TCP};
pub use orders::{Answer, Carried, Entry, Order, Ordered, Outcome};
pub use pin::{PinMemory, PinQuestion};
pub use recorder::Recorder;

use board::Board;
use driver::Desk;
use orders::Orders;
use port::OpenError;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

/// One modem as the operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Number of the modem in this process, from 0; repeated in every event.
    pub index: usize,
    /// The operator's name for it. Default: made from the IMEI.
    pub label: Option<Label>,
    /// Path of the tty, symbolic links being followed anew at every opening, or `tcp://host:port`. Empty: somebody else
    /// finds it.
    pub port: String,
    /// Its IMEI, where it is found by that and has no port of its own. Default: none.
    pub imei: Option<Imei>,
    /// Line speed in bit/s. Default 115200.
    pub baud: u32,
    /// Name of the profile to use. Default: chosen from what the modem says it is.
    pub profile: Option<String>,
    /// The operator's name for the SIM in it. Default: made from the ICCID.
    pub sim_label: Option<Label>,
    /// The PIN of the SIM in it. Default: none is entered.
    pub pin: Option<Pin>,
    /// The PIN is entered with two tries left too, and into a SIM that is not the one it was for. Default false.
    pub pin_force: bool,
    /// The service centre that a SIM without one is given. Default: the one that it had.
    pub service_centre: Option<ServiceCentre>,
    /// What is done with calls that come in. Default: they are ended.
    pub calls: Calls,
    /// Cell broadcasts that are taken. Default: none.
    pub broadcasts: Option<BroadcastList>,
    /// Where its power key can be pressed. Default: nowhere.
    pub power_key: Option<PowerKey>,
}

impl Config {
    /// A modem on a port, everything else default.
    pub fn new(index: usize, port: impl Into<String>) -> Config {
        Config {
            index,
            label: None,
            port: port.into(),
            imei: None,
            baud: 115_200,
            profile: None,
            sim_label: None,
            pin: None,
            pin_force: false,
            service_centre: None,
            calls: Calls::default(),
            broadcasts: None,
            power_key: None,
        }
    }
}

/// Where a driver tells what happened.
#[derive(Debug, Clone)]
pub struct Links {
    /// The fate of what was given to send.
    pub lane: mpsc::Sender<LaneEvent>,
    /// What came in.
    pub received: mpsc::Sender<Received>,
    /// Who remembers what SIMs made of PINs.
    pub pins: PinMemory,
    /// Who keeps what modems tell that is no message.
    pub notices: mpsc::Sender<Noticed>,
    /// The folder where recordings are written when something goes wrong; `None`: they are not.
    pub recordings: Option<PathBuf>,
    /// How ports are opened.
    pub dial: Dial,
}

/// A notice of a modem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// [`Config::index`] of the modem.
    pub modem: usize,
    /// Its label now.
    pub label: Label,
    /// The SIM in it, once read.
    pub iccid: Option<Iccid>,
    /// What it told.
    pub notice: Notice,
}

/// One part to send.
#[derive(Debug)]
pub struct Outgoing {
    /// The try that this is.
    pub attempt: AttemptId,
    /// SMSC field and TPDU as upper-case hexadecimal.
    pub pdu: String,
    /// Length of the TPDU alone, in octets: the number in `AT+CMGS=`.
    pub tpdu_octets: usize,
    /// `true` once the armed mark is durable; `false`, or dropped: take it back.
    pub armed: oneshot::Receiver<bool>,
}

/// Something that happened to a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneEvent {
    /// [`Config::index`] of the modem.
    pub modem: usize,
    /// What it was.
    pub kind: LaneEventKind,
}

/// What can happen to a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaneEventKind {
    /// `AT+CMGS` is written: arm it now.
    Started(AttemptId),
    /// It ended.
    Ended(AttemptId, SendOutcome),
    /// A `+CMGS` came after the try had ended as uncertain (transition T7a).
    Evidence {
        /// The only try it can belong to.
        attempt: AttemptId,
        /// TP-MR, where it was readable.
        mr: Option<u8>,
    },
}

/// A message or a status report from the SIM or the network; not decoded.
#[derive(Debug)]
pub struct Received {
    /// [`Config::index`] of the modem.
    pub modem: usize,
    /// The SIM.
    pub iccid: Iccid,
    /// Where it lies.
    pub place: Place,
    /// SMSC field and TPDU, exactly as they came.
    pub pdu: Vec<u8>,
    /// Found by the first sweep after the process started, so it may be old.
    pub first_sweep: bool,
    /// Fires when it is committed; dropped: it is not, and it will come again.
    pub stored: oneshot::Sender<Disposal>,
}

/// Where a received PDU lies until it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// In a slot of a memory.
    Stored {
        /// `SM`, `ME`, `MT`, `SR`. 3GPP TS 27.005 §3.2.2.
        memory: String,
        /// The slot, as the modem counts.
        index: u16,
    },
    /// Nowhere: the network holds it until it is acknowledged.
    Routed,
}

/// What to do with a committed PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposal {
    /// Delete it from its slot, or acknowledge it.
    Delete,
    /// Leave it on the SIM.
    Keep,
}

/// A running driver.
#[derive(Debug)]
pub struct Handle {
    /// What the modem is doing.
    pub status: watch::Receiver<ModemStatus>,
    /// Parts to send: one in the air, one next.
    pub outgoing: mpsc::Sender<Outgoing>,
    /// What people ask.
    pub orders: mpsc::Sender<Ordered>,
    /// What was last said on its line.
    pub recorder: Recorder,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Handle {
    /// Lets an armed send end, refuses the rest as not sent, and leaves the port sane. RELIABILITY W-7.
    pub async fn stop(self) {
        // The task is gone when nobody listens: then there is nothing to stop.
        let _ = self.stop.send(true);
        drop(self.outgoing);
        let _ = self.task.await;
    }
}

/// Orders that wait for a driver.
const ORDERS: usize = 4;
/// Parts the channel to a driver holds; one more is in the air.
const NEXT: usize = 2;

/// Starts the driver of one modem. Needs a runtime.
///
/// `listen_first` is a try that was armed when the last process ended, with what is left of its deadline:
/// its final code may still come, and is listened for before anything is written.
pub fn spawn(config: Config, links: Links, listen_first: Option<(AttemptId, Duration)>) -> Handle {
    let (port, baud, dial) = (config.port.clone(), config.baud, links.dial.clone());
    start(config, links, listen_first, None, move || {
        let (port, dial) = (port.clone(), dial.clone());
        async move { dial.open(port.clone(), baud).await.map(|line| (port, line)) }
    })
}

/// The same, for a modem whose port somebody else finds; `None` while it is not plugged in.
pub fn spawn_found(
    config: Config,
    links: Links,
    listen_first: Option<(AttemptId, Duration)>,
    port: watch::Receiver<Option<String>>,
) -> Handle {
    let (baud, dial) = (config.baud, links.dial.clone());
    start(config, links, listen_first, Some(port.clone()), move || {
        let (mut port, dial) = (port.clone(), dial.clone());
        async move {
            let found = port.wait_for(Option::is_some).await.ok().and_then(|port| port.clone());
            let port = match found {
                Some(port) => port,
                // Nobody looks any more: the gateway stops.
                None => std::future::pending().await,
            };
            dial.open(port.clone(), baud).await.map(|line| (port, line))
        }
    })
}

/// The driver over anything that can be opened, which tells the port's name too, read and written.
fn start<S, F, Fut>(
    config: Config,
    links: Links,
    listen_first: Option<(AttemptId, Duration)>,
    found: Option<watch::Receiver<Option<String>>>,
    open: F,
) -> Handle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = Result<(String, S), OpenError>> + Send + 'static,
{
    let (outgoing, parts) = mpsc::channel(NEXT);
    let (orders, ordered) = mpsc::channel(ORDERS);
    let (stop, stopped) = watch::channel(false);
    let (board, status) = Board::new(&config, links.notices.clone());
    let recorder = Recorder::new(&config, status.clone(), links.recordings.clone());
    let mut desk = Desk::new(config, links, parts, Orders::new(ordered), stopped, board, recorder.clone());
    desk.found = found;
    if let Some((attempt, left)) = listen_first {
        desk.remember(attempt, left);
    }
    let task = tokio::spawn({
        let recorder = recorder.clone();
        async move {
            tokio::select! {
                biased;
                () = driver::run(desk, open) => {}
                () = recorder.keep() => {}
            }
            recorder.close().await;
        }
    });
    Handle { status, outgoing, orders, recorder, stop, task }
}
