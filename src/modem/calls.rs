//! Calls that come in: told of, and ended where that is wanted, so that they never keep messages from the line.

use super::chat::{Lost, Reply};
use super::driver::{Desk, Session};
use crate::at::Command;
use crate::clock;
use crate::model::{Notice, NoticeKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// How long who calls may come behind that somebody calls.
const NUMBER: Duration = Duration::from_millis(1500);
/// A ring so long after the last is another call: networks ring every 3 to 6 s.
const OVER: Duration = Duration::from_secs(10);

/// What is done with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calls {
    /// It is ended at once. Some modems send nothing while it rings (MODEMS.md, pain 12).
    #[default]
    HangUp,
    /// It rings.
    Ignore,
}

/// A call that comes in.
#[derive(Debug)]
pub(super) struct Call {
    number: Option<String>,
    /// When to act on it; `None`: that is done.
    pub(super) due: Option<Instant>,
    last_ring: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// It rings, or who calls is told.
    pub(super) fn rings(&mut self, number: Option<String>) {
        let now = clock::now();
        let before = self.call.take().filter(|call| now.duration_since(call.last_ring) < OVER);
        let mut call = before.unwrap_or(Call { number: None, due: Some(now + NUMBER), last_ring: now });
        call.last_ring = now;
        if number.is_some() {
            call.number = number;
            call.due = call.due.map(|_| now);
        }
        self.call = Some(call);
    }

    /// Ends the call where that is wanted, and tells of it, once.
    pub(super) async fn call_if_due(&mut self, desk: &Desk) -> Result<(), Lost> {
        let now = clock::now();
        let Some(call) = self.call.as_mut().filter(|call| call.due.is_some_and(|due| due <= now)) else {
            return Ok(());
        };
        call.due = None;
        let number = call.number.clone();
        let action = match self.config.calls {
            Calls::Ignore => "ignored",
            Calls::HangUp => {
                let within = self.profile.deadlines.command;
                let ended = matches!(self.chat.ask(Command::hang_up(), within).await?, Reply::Done(_))
                    || matches!(self.chat.ask(Command::hook(), within).await?, Reply::Done(_));
                if ended { "hung_up" } else { "rings_on" }
            }
        };
        desk.board.notice(Notice { number, ..Notice::new(NoticeKind::Call, action, "a call came in") });
        Ok(())
    }
}
