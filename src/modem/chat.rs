//! The engine and a port together: one exchange as one async call, each with a deadline.

use super::ladder::Step;
use super::profile;
use super::recorder::Recorder;
use crate::at::{Answer, Command, Engine, Event, FinalResult, Payload, Urc};
use crate::clock;
use crate::model::Imei;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// How long a write may stall. A modem that takes nothing for so long has stopped listening.
const WRITE: Duration = Duration::from_secs(5);
/// How long the line must be silent to count as drained.
pub(super) const QUIET: Duration = Duration::from_millis(300);
/// How long a line that never falls silent is drained: a second of it at any speed is no answer any more.
const DRAIN: Duration = Duration::from_secs(3);
/// How long a bare `AT` may take.
pub(super) const ATTENTION: Duration = Duration::from_secs(2);
/// How often the barrier is tried before the port is given up.
const BARRIERS: usize = 3;
/// How long the answer to ESC may take; some modems give none.
const ESCAPE: Duration = Duration::from_secs(2);
/// What the modem said by itself and nobody has looked at yet; what comes on top is dropped. Messages among it stay on
/// the SIM or with the network.
const UNHEARD: usize = 1024;
const ESC: &[u8] = b"\x1b";
/// How late the end of an exchange may come after its deadline, or after ESC (fault F-11).
pub(super) const LATE: Duration = Duration::from_secs(120);

/// Why the line is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// The tty is gone.
    #[error("the port hung up")]
    HangUp,
    /// The kernel says so.
    #[error("the port failed: {0}")]
    Io(#[from] io::Error),
    /// The modem takes nothing.
    #[error("the modem took nothing for {} s", WRITE.as_secs())]
    Stalled,
    /// The modem says nothing.
    #[error("the modem does not answer")]
    Mute,
    /// It does not do its work, and this is the step that is due.
    #[error("{1}")]
    Due(Step, &'static str),
    /// Somebody wants it to begin anew.
    #[error("a restart is asked for")]
    Asked,
    /// It is not the modem that this driver is for.
    #[error("another modem answers on its port (its IMEI ends in {})", .0.tail())]
    Another(Imei),
    /// The modem has another port now.
    #[error("the modem has moved to another port")]
    Moved,
    /// The modem has told of its end.
    #[error("the modem is switching itself off")]
    PoweringDown,
    /// The modem refused something that we cannot do without.
    #[error("{0}")]
    Unfit(String),
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) enum Reply {
    /// `OK`
    Done(Answer),
    /// An error.
    Refused(FinalResult),
    /// Nothing final by the deadline; the lines that did come.
    Silent(Answer),
}

impl Reply {
    /// The answer, where there was one.
    pub(super) fn done(self) -> Option<Answer> {
        match self {
            Reply::Done(answer) => Some(answer),
            Reply::Refused(_) | Reply::Silent(_) => None,
        }
    }
}

/// What went wrong, for a log.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Done(_) => f.write_str("OK"),
            Reply::Refused(result) => write!(f, "{result}"),
            Reply::Silent(_) => f.write_str("no answer"),
        }
    }
}

/// A line to a modem.
#[derive(Debug)]
pub(super) struct Chat<S> {
    port: S,
    name: String,
    recorder: Recorder,
    engine: Engine,
    unheard: VecDeque<Urc>,
    /// Signs that the line is disturbed, which nobody has looked at yet.
    signs: usize,
    /// Until when an end that nobody waits for may be one of ours.
    late_until: Instant,
    last_heard: Instant,
    buffer: [u8; 1024],
}

impl<S: AsyncRead + AsyncWrite + Unpin> Chat<S> {
    /// A line over an open port; the name is for the trace.
    pub(super) fn new(port: S, name: String, recorder: Recorder) -> Chat<S> {
        recorder.opened();
        let engine = Engine::new(profile::signs());
        Chat {
            port,
            name,
            recorder,
            engine,
            unheard: VecDeque::new(),
            signs: 0,
            late_until: clock::now(),
            last_heard: clock::now(),
            buffer: [0; 1024],
        }
    }

    /// One exchange, to its end. When it has none in time, the line is brought in step again before this returns, so that a
    /// late answer is never taken for the next one's.
    pub(super) async fn ask(&mut self, command: Command, within: Duration) -> Result<Reply, Lost> {
        let reply = self.exchange(command, within).await?;
        if let Reply::Silent(answer) = &reply {
            self.resync().await?;
            // Some makes end an answer without OK.
            self.signs += usize::from(answer.lines.is_empty());
        }
        Ok(reply)
    }

    /// One exchange, without bringing the line in step when it stays without an end.
    pub(super) async fn exchange(&mut self, command: Command, within: Duration) -> Result<Reply, Lost> {
        self.begin(command, within).await?;
        loop {
            match self.event().await? {
                Event::Done(answer) => return Ok(Reply::Done(answer)),
                Event::Failed(result, _) => return Ok(Reply::Refused(result)),
                Event::TimedOut(answer) => return Ok(Reply::Silent(answer)),
                Event::Prompt => {}
                Event::Urc(urc) => self.keep(urc),
            }
        }
    }

    /// Waits for the end of a command that a person typed: its lines, and the final result as it came. No result: there was
    /// none in time, and the line was brought in step.
    pub(super) async fn finish_typed(&mut self) -> Result<(Vec<String>, Option<String>), Lost> {
        loop {
            match self.event().await? {
                Event::Done(answer) => return Ok((answer.lines, Some("OK".to_owned()))),
                Event::Failed(result, answer) => return Ok((answer.lines, Some(result.to_string()))),
                Event::TimedOut(answer) => {
                    self.resync().await?;
                    return Ok((answer.lines, None));
                }
                Event::Prompt => {}
                Event::Urc(urc) => self.keep(urc),
            }
        }
    }

    /// Writes a command; [`Chat::event`] tells what comes of it.
    pub(super) async fn begin(&mut self, command: Command, within: Duration) -> Result<(), Lost> {
        self.engine.start(now(), command, within);
        self.write_next().await
    }

    /// Writes the payload at the prompt. `Err`: not all of it went out, and no Ctrl-Z. False: the modem has left the
    /// prompt, and nothing was written.
    pub(super) async fn submit(&mut self, payload: Payload, within: Duration) -> Result<bool, Lost> {
        if !self.engine.submit(now(), payload, within) {
            return Ok(false);
        }
        self.write_next().await?;
        self.write_next().await?;
        Ok(true)
    }

    /// Leaves the prompt, sending nothing.
    pub(super) async fn cancel(&mut self) -> Result<(), Lost> {
        self.engine.cancel(now(), ESCAPE);
        self.write_next().await?;
        loop {
            match self.event().await? {
                Event::TimedOut(_) => return self.resync().await,
                Event::Done(_) | Event::Failed(..) => return Ok(()),
                Event::Prompt => {}
                Event::Urc(urc) => self.keep(urc),
            }
        }
    }

    /// The next event. Cancel safe: octets that were read are in the engine.
    pub(super) async fn event(&mut self) -> Result<Event, Lost> {
        loop {
            if let Some(event) = self.engine.poll_event() {
                if let Event::TimedOut(_) = event {
                    self.recorder.deadline(&self.name);
                }
                return Ok(event);
            }
            let read = self.port.read(&mut self.buffer);
            let read = match self.engine.poll_timeout() {
                Some(deadline) => match clock::timeout_at(deadline.into(), read).await {
                    Ok(read) => read,
                    Err(_) => {
                        self.engine.handle_timeout(now());
                        continue;
                    }
                },
                None => read.await,
            };
            let octets = read?;
            if octets == 0 {
                return Err(Lost::HangUp);
            }
            self.last_heard = clock::now();
            self.recorder.came(&self.name, &self.buffer[..octets]);
            self.engine.handle_bytes(now(), &self.buffer[..octets]);
        }
    }

    /// Puts something the modem said by itself with the rest.
    pub(super) fn keep(&mut self, urc: Urc) {
        // That of a submit is credited, and that of a call comes by itself.
        if let Urc::Final(result) = &urc
            && !matches!(result, FinalResult::Cms(_))
            && !result.is_of_call()
            && self.late_until <= clock::now()
        {
            self.signs += 1;
        }
        let matters = match &urc {
            // Of a submit that nobody waits for any more.
            Urc::Final(result) => matches!(result, FinalResult::Cms(_)),
            Urc::Other(_) => false,
            _ => true,
        };
        if matters && self.unheard.len() < UNHEARD {
            self.unheard.push_back(urc);
        }
    }

    /// When the modem last said anything; when it was opened, before it has.
    pub(super) fn last_heard(&self) -> Instant {
        self.last_heard
    }

    /// What the modem said by itself, the oldest first.
    pub(super) fn unheard(&mut self) -> Option<Urc> {
        self.unheard.pop_front()
    }

    /// How many signs of a disturbed line there were since this was asked.
    pub(super) fn signs(&mut self) -> usize {
        std::mem::take(&mut self.signs)
    }

    /// Forgets starts that were heard before anything was set up: there is nothing that they could have made void.
    fn forget_starts(&mut self) {
        self.unheard.retain(|urc| !matches!(urc, Urc::Started | Urc::Pin(_)));
    }

    /// The lines that had come for the exchange that the line's failure cut off.
    pub(super) fn abandon(&mut self) -> Answer {
        self.engine.abandon()
    }

    /// Brings the line in step: out of any prompt, past any late answer (RELIABILITY W-5).
    pub(super) async fn resync(&mut self) -> Result<(), Lost> {
        self.recorder.recovering("an exchange had no end, and the line is brought in step");
        for _ in 0..BARRIERS {
            self.late_until = clock::now() + LATE;
            self.write(ESC).await?;
            self.drain(QUIET).await?;
            if !matches!(self.exchange(Command::attention(), ATTENTION).await?, Reply::Silent(_)) {
                // The OK may have been that of ESC or of a command before; then the other one comes now.
                return self.drain(QUIET).await;
            }
        }
        Err(Lost::Mute)
    }

    /// The first thing on a port: `ESC CR AT CR`, and on at the first clean OK.
    pub(super) async fn wake(&mut self, tries: usize) -> Result<(), Lost> {
        for n in 0..tries {
            self.escape().await?;
            // A modem that was told to answer in digits, or not at all, says OK to the second.
            let command = if n % 2 == 0 { Command::attention() } else { Command::speak_up() };
            if let Reply::Done(_) = self.exchange(command, ATTENTION).await? {
                self.forget_starts();
                return Ok(());
            }
            self.drain(QUIET).await?;
        }
        Err(Lost::Mute)
    }

    /// Leaves any prompt, as the first thing on a port. The ESC has a CR behind it for a modem that was in the middle of a line.
    async fn escape(&mut self) -> Result<(), Lost> {
        self.late_until = clock::now() + LATE;
        self.write(b"\x1b\r").await
    }

    /// Reads until the line is silent. What comes is looked at like everything else.
    pub(super) async fn drain(&mut self, quiet: Duration) -> Result<(), Lost> {
        let end = clock::now() + DRAIN;
        while clock::now() < end {
            match clock::timeout(quiet, self.event()).await {
                Ok(Ok(Event::Urc(urc))) => self.keep(urc),
                Ok(Ok(_)) => {}
                Ok(Err(lost)) => return Err(lost),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    async fn write_next(&mut self) -> Result<(), Lost> {
        match self.engine.poll_transmit() {
            Some(octets) => self.write(&octets).await,
            None => Ok(()),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Lost> {
        self.recorder.sent(&self.name, octets);
        match clock::timeout(WRITE, self.port.write_all(octets)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Lost::Stalled),
        }
    }
}

fn now() -> std::time::Instant {
    clock::now().into_std()
}
