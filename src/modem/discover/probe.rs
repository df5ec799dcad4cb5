//! Whether a modem is behind a tty, and which.

use super::super::chat::{Chat, Lost, Reply};
use super::super::identify::imei_in;
use super::super::line::Line;
use super::super::port::OpenError;
use super::super::recorder::Recorder;
use crate::at::Command;
use crate::model::Imei;
use std::time::Duration;

/// How long a command may take that concerns the modem alone.
const COMMAND: Duration = Duration::from_secs(5);

/// What was found behind the ttys of a device.
#[derive(Debug)]
pub(super) enum Found {
    /// A modem that answers on this tty.
    Modem {
        /// The interface of the tty.
        interface: u8,
        /// Its path.
        port: String,
        /// Who it is, where it says so.
        imei: Option<Imei>,
    },
    /// None of them could be opened; the reason of the first.
    Closed(OpenError),
    /// Nobody answers.
    Mute,
}

/// Tries the ttys in order, by their interfaces and paths. The first that answers is it; where it `settles`, not before those
/// in front of it could be opened, which the system may only be about to allow.
pub(super) async fn identify(ttys: Vec<(u8, String)>, baud: u32, tries: usize, settles: bool) -> Found {
    let mut closed = None;
    let mut is_mute = false;
    for (interface, port) in ttys {
        match Line::open(port.clone(), baud).await {
            Ok(line) => match ask(Chat::new(line, port.clone(), Recorder::of_nobody(&port)), tries).await {
                Ok(imei) => return Found::Modem { interface, port, imei },
                Err(_) => is_mute = true,
            },
            Err(error) if settles && error.is_cheap() => return Found::Closed(error),
            Err(error) => closed = closed.or(Some(error)),
        }
    }
    match closed {
        // The right one may be among those that are closed.
        Some(error) if !is_mute || matches!(error, OpenError::Held { .. } | OpenError::Denied(_)) => {
            Found::Closed(error)
        }
        _ => Found::Mute,
    }
}

async fn ask(mut chat: Chat<Line>, tries: usize) -> Result<Option<Imei>, Lost> {
    chat.wake(tries).await?;
    chat.ask(Command::plain_answers(), COMMAND).await?;
    let answer = match chat.ask(Command::serial_number(), COMMAND).await? {
        Reply::Done(answer) | Reply::Silent(answer) => answer,
        Reply::Refused(_) => return Ok(None),
    };
    Ok(imei_in(&answer.lines))
}
