//! The lab at work: one task that joins the network to ports, a clock and a log file.

use super::handle::{Command, Handle, LabError, ModemStats, Request};
use super::log::Journal;
use super::memory;
use super::network::{Network, PlugEvent};
use super::port::Port;
use super::pty::Pty;
use super::{LabConfig, Moment};
use crate::tpdu::hex;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Modems in one lab.
const MODEMS_MAX: usize = 64;
/// Requests of handles that wait for the task.
const REQUESTS: usize = 64;
/// Octets taken from a port at a time.
const CHUNK: usize = 4096;
/// A host that has left so much unread is not listened to before it reads, as with flow control.
const UNREAD_BEFORE_STOP: usize = 4096;
/// What a modem says by itself to a host that does not read is lost beyond this.
const UNREAD_MAX: usize = 512 * 1024;

/// Virtual modems on their ports. Dropping it hangs all of them up.
#[derive(Debug)]
pub struct Lab {
    network: Network,
    cables: Vec<Cable>,
    /// Where the links are made; `None` when the modems are in memory.
    dir: Option<PathBuf>,
    journal: Journal,
    began: Instant,
    requests: mpsc::Receiver<Request>,
    last_seq: watch::Sender<u64>,
    /// The port that is looked at first, so that a busy one does not starve the others.
    turn: usize,
}

/// One modem's way to its host.
#[derive(Debug)]
struct Cable {
    port: Port,
    unsent: Vec<u8>,
    /// The modem takes no octets.
    stalled: bool,
    /// The pty for the next plug, opened before the old one is closed, so that its name is another.
    next: Option<Pty>,
}

/// What the task of a lab was woken by.
enum Wake {
    Request(Option<Request>),
    Octets { modem: usize, n: usize },
    Time,
}

impl Lab {
    /// Makes the ports and opens the log. Needs a runtime; nothing is answered before [`Lab::run`].
    pub fn new(config: LabConfig) -> io::Result<(Lab, Handle)> {
        if !(1..=MODEMS_MAX).contains(&config.modems) {
            let reason = format!("a lab has 1 to {MODEMS_MAX} modems, not {}", config.modems);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let epoch_us = config.epoch.map_or_else(unix_now_us, |seconds| seconds.saturating_mul(1_000_000));
        let network = Network::new(&config, epoch_us).map_err(io::Error::other)?;
        let journal = Journal::open(config.log.as_deref())?;
        let (sender, requests) = mpsc::channel(REQUESTS);
        let (last_seq, last_seq_seen) = watch::channel(0);
        let mut lab = Lab {
            network,
            cables: (0..config.modems)
                .map(|_| Cable { port: Port::Away, unsent: Vec::new(), stalled: false, next: None })
                .collect(),
            dir: config.dir,
            journal,
            began: Instant::now(),
            requests,
            last_seq,
            turn: 0,
        };
        for modem in 0..lab.cables.len() {
            lab.plugged(modem)?;
        }
        Ok((lab, Handle { requests: sender, last_seq: last_seq_seen }))
    }

    /// Plays the modems until all handles are gone, or the log cannot be written.
    pub async fn run(mut self) -> io::Result<()> {
        self.play_from(self.began.elapsed()).await
    }

    /// The same from a moment on, of the clock that begins with the lab. May be dropped and called again, also in another
    /// runtime, as when everything but the modems was killed.
    pub async fn play_from(&mut self, now: Moment) -> io::Result<()> {
        let began = Instant::now().checked_sub(now);
        self.began = began.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "too late a moment"))?;
        let mut octets = vec![0; CHUNK];
        loop {
            self.flush()?;
            let wake = self.wake(&mut octets).await;
            let now = self.began.elapsed();
            match wake {
                Wake::Request(None) => return Ok(()),
                Wake::Request(Some(request)) => self.answer(now, request)?,
                Wake::Octets { modem, n } => self.network.handle_bytes(now, modem, &octets[..n]),
                Wake::Time => self.network.handle_timeout(now),
            }
        }
    }

    /// Waits for the next thing to do. Cancel safe: what was read is handled before the next wait.
    async fn wake(&mut self, octets: &mut [u8]) -> Wake {
        let deadline = self.network.poll_timeout().and_then(|at| self.began.checked_add(at));
        let Lab { cables, requests, turn, .. } = self;
        let time = async {
            match deadline {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            request = requests.recv() => Wake::Request(request),
            (modem, n) = poll_fn(|cx| poll_cables(cables, turn, cx, octets)) => Wake::Octets { modem, n },
            () = time => Wake::Time,
        }
    }

    /// Hands on what the network has for ports, log and watchers.
    fn flush(&mut self) -> io::Result<()> {
        let now = self.began.elapsed();
        for (modem, cable) in self.cables.iter_mut().enumerate() {
            cable.say(self.network.poll_transmit(now, modem).unwrap_or_default());
            cable.stalled = self.network.is_stalled(now, modem);
        }
        while let Some(event) = self.network.poll_plug() {
            match event {
                PlugEvent::Unplugged(modem) => self.unplugged(modem)?,
                PlugEvent::Plugged(modem) => self.plugged(modem)?,
            }
        }
        let records = self.network.take_records();
        if let Some(last) = records.last().map(|record| record.seq) {
            self.journal.append(records)?;
            self.last_seq.send_replace(last);
        }
        Ok(())
    }
}

impl Lab {
    fn answer(&mut self, now: Moment, request: Request) -> io::Result<()> {
        // A caller who has gone away misses nothing but the answer.
        match request {
            Request::Do(command, reply) => {
                let done = self.obey(now, command);
                // Ports and log show it before the caller hears of it.
                self.flush()?;
                _ = reply.send(done);
            }
            Request::Connect(modem, reply) => _ = reply.send(self.connect(modem)),
            Request::Stats(reply) => _ = reply.send(self.stats()),
            Request::Records(after, reply) => _ = reply.send(self.journal.after(after)),
        }
        Ok(())
    }

    fn obey(&mut self, now: Moment, command: Command) -> Result<(), LabError> {
        let network = &mut self.network;
        match command {
            Command::Inject { modem, from, text } => network.inject(now, modem, &from, &text)?,
            Command::InjectPdu { modem, pdu } => network.inject_pdu(now, modem, hex::decode(&pdu)?)?,
            Command::Fault(fault) => network.add_fault(now, fault)?,
            Command::Say { modem, line } => network.say(now, modem, line.as_deref())?,
            Command::Restart { modem } => network.restart(now, modem)?,
            Command::ClearFaults { modem } => network.clear_faults(modem)?,
            Command::Unplug { modem, back_ms } => {
                let back = back_ms.map(|ms| Duration::from_millis(u64::from(ms)));
                network.unplug(now, modem, back)?;
            }
            Command::Plug { modem } => network.plug(now, modem)?,
        }
        Ok(())
    }

    /// A new line in memory; whoever held the old one reads end-of-file.
    fn connect(&mut self, modem: usize) -> Result<DuplexStream, LabError> {
        let in_memory = self.dir.is_none() && self.network.is_plugged(modem);
        let cable = self.cables.get_mut(modem).filter(|_| in_memory).ok_or(LabError::NotConnectable(modem))?;
        let (ours, theirs) = memory::pair();
        cable.port = Port::Memory(ours);
        cable.unsent.clear();
        Ok(theirs)
    }

    fn stats(&self) -> Vec<ModemStats> {
        let of = |modem| {
            let (counters, waiting) = self.network.stats(modem).ok()?;
            Some(ModemStats { plugged: self.network.is_plugged(modem), waiting, counters })
        };
        (0..self.cables.len()).filter_map(of).collect()
    }

    fn unplugged(&mut self, modem: usize) -> io::Result<()> {
        let Some(cable) = self.cables.get_mut(modem) else { return Ok(()) };
        // What was said before the plug was pulled has left the modem.
        cable.send(&mut Context::from_waker(Waker::noop()));
        cable.unsent.clear();
        if self.dir.is_some() {
            cable.next = Some(Pty::open()?);
        }
        cable.port = Port::Away;
        Ok(())
    }

    fn plugged(&mut self, modem: usize) -> io::Result<()> {
        let (Some(dir), Some(cable)) = (&self.dir, self.cables.get_mut(modem)) else { return Ok(()) };
        let mut pty = cable.next.take().map_or_else(Pty::open, Ok)?;
        pty.link(&dir.join(format!("modem{modem}")))?;
        cable.port = Port::Pty(pty);
        Ok(())
    }
}

impl Cable {
    fn say(&mut self, octets: Vec<u8>) {
        let room = UNREAD_MAX.saturating_sub(self.unsent.len());
        self.unsent.extend(octets.into_iter().take(room));
    }

    /// Writes what the port takes now.
    fn send(&mut self, cx: &mut Context<'_>) {
        while !self.unsent.is_empty() {
            match self.port.poll_write(cx, &self.unsent) {
                Poll::Ready(Ok(n @ 1..)) => _ = self.unsent.drain(..n),
                Poll::Ready(_) => self.unsent.clear(),
                Poll::Pending => return,
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<usize> {
        if self.stalled || self.unsent.len() > UNREAD_BEFORE_STOP {
            return Poll::Pending;
        }
        match self.port.poll_read(cx, octets) {
            Poll::Ready(Ok(n @ 1..)) => Poll::Ready(n),
            Poll::Ready(_) => {
                // The host in memory has dropped its end; a pty's slave is held open and never ends.
                self.port = Port::Away;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The first modem that has octets from its host, and how many were put into `octets`.
fn poll_cables(
    cables: &mut [Cable],
    turn: &mut usize,
    cx: &mut Context<'_>,
    octets: &mut [u8],
) -> Poll<(usize, usize)> {
    for step in 0..cables.len() {
        let modem = (*turn + step) % cables.len();
        cables[modem].send(cx);
        if let Poll::Ready(n) = cables[modem].poll_read(cx, octets) {
            *turn = modem + 1;
            return Poll::Ready((modem, n));
        }
    }
    Poll::Pending
}

fn unix_now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
