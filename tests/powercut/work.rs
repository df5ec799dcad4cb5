//! What a gateway asks of its store, in an order that a seed decides, until the power is cut.

use super::disk::Disk;
use super::ledger::{End, Ledger, Outcome, Tried};
use super::random::Random;
use super::rig::{Rig, TO, failure};
use gsmgate::model::{
    AttemptId, Iccid, Label, MessageId, ModemNotice, Notice, NoticeKind, OnUncertain, PartKey, PinMark, Priority,
    Refusal, RefusalCode, UncertainReason,
};
use gsmgate::store::{
    Accepted, Claim, Closer, Config, InboundPart, InboundPdu, NewMessage, ReportIn, Step, Store, Verdict, Work,
};
use gsmgate::tpdu::ValidityPeriod;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;
use tokio::sync::oneshot;

/// The store does not go on, and what it said.
struct Stopped(String);

type Done = Result<(), Stopped>;

/// SIMs that send.
const LANES: usize = 2;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store that works on a disk.
pub(crate) struct Worker<'a> {
    dir: &'a Path,
    disk: &'a Disk,
    random: &'a mut Random,
    ledger: &'a mut Ledger,
    open: Option<(Store, Closer)>,
    next_attempt: AttemptId,
    flying: [Option<AttemptId>; LANES],
    /// Reference and next part of a message that comes in.
    coming: Option<(u8, u8)>,
    /// What it is at.
    pub(crate) step: &'static str,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(dir: &'a Path, disk: &'a Disk, random: &'a mut Random, ledger: &'a mut Ledger) -> Worker<'a> {
        let (next_attempt, flying) = (AttemptId(0), [None; LANES]);
        Worker { dir, disk, random, ledger, open: None, next_attempt, flying, coming: None, step: "open" }
    }

    /// Works until the power is cut, for so many steps at most. What is wrong: after a cut the store has to stop, without
    /// one it must not.
    pub(crate) async fn work(&mut self, steps: usize) -> Option<String> {
        match (self.steps(steps).await, self.disk.is_off()) {
            (Err(stopped), false) => Some(format!("{}: the store stopped by itself: {}", self.step, stopped.0)),
            (Ok(()), true) => Some(format!("{}: the store went on without its disk", self.step)),
            _ => None,
        }
    }

    async fn steps(&mut self, steps: usize) -> Done {
        self.open().await?;
        if self.disk.is_off() {
            return Ok(());
        }
        for _ in 0..steps {
            self.ledger.now = self.ledger.now.after(Duration::from_secs(1));
            if self.random.per_cent(20) {
                self.move_cursor()?;
            }
            let (step, done) = match self.random.below(100) {
                0..20 => ("accept", self.accept().await),
                20..60 => ("send", self.send().await),
                60..68 => ("report", self.report().await),
                68..80 => ("receive", self.receive().await),
                80..82 => ("notice", self.notice().await),
                82..84 => ("pin", self.pin().await),
                84..86 => ("leave alone", self.leave_alone().await),
                86..88 => ("cancel", self.cancel().await),
                88..90 => ("evidence", self.evidence().await),
                90..93 => ("expire", self.expire().await),
                93..97 => ("checkpoint", self.checkpoint()),
                _ if self.random.per_cent(98) => ("reopen", self.reopen().await),
                _ => ("cursors", self.cursors().await),
            };
            self.step = step;
            done?;
            if self.disk.is_off() {
                return Ok(());
            }
        }
        self.step = "idle";
        Ok(())
    }

    /// Ends the threads, however the store is.
    pub(crate) async fn end(&mut self) {
        if let Some((store, closer)) = self.open.take() {
            drop(store);
            closer.close();
        }
        self.wait_for_files(0).await;
    }

    async fn open(&mut self) -> Done {
        let opened = Store::open(&Config::new(self.dir), self.ledger.now);
        let (store, recovered, closer) = opened.map_err(|error| Stopped(error.to_string()))?;
        self.next_attempt = recovered.next_attempt;
        self.open = Some((store.clone(), closer));
        if self.disk.is_off() {
            return Ok(());
        }
        // What the file has of the cursor it keeps.
        let cursor = answer(store.cursor("mqtt")).await?;
        (self.ledger.cursor, self.ledger.moved) = (cursor, cursor);
        self.flying = [None; LANES];
        for tried in self.ledger.tries.values_mut() {
            if matches!(tried.end, End::Open | End::Told(_)) {
                tried.end = End::Cut;
            }
        }
        self.acknowledged().await
    }

    /// Ends in order, the reader first or last, and opens again.
    async fn reopen(&mut self) -> Done {
        if let Some((store, closer)) = self.open.take() {
            if self.random.per_cent(50) {
                drop(store);
                // The writer's: the database and its WAL.
                self.wait_for_files(2).await;
                closer.close();
            } else {
                closer.close();
                drop(store);
            }
        }
        self.wait_for_files(0).await;
        if !self.disk.is_off() {
            self.ledger.cursor = self.ledger.moved;
        }
        self.open().await
    }

    /// Threads that were told to end close their files soon; the order of calls depends on it.
    async fn wait_for_files(&self, n: usize) {
        for _ in 0..100_000 {
            if self.disk.open_files() <= n {
                return;
            }
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        panic!("{} files stay open", self.disk.open_files());
    }

    fn store(&self) -> Store {
        self.open.as_ref().expect("open while it works").0.clone()
    }

    /// Takes down what is committed now that something was acknowledged.
    async fn acknowledged(&mut self) -> Done {
        let store = self.store();
        let (known, upto) = (self.ledger.log.len() as u64, *store.committed().borrow());
        if upto > known {
            let events = answer(store.events(known, usize::MAX >> 1)).await?;
            self.ledger.log.extend(events.into_iter().filter(|event| event.seq <= upto));
            // Its commit took the cursor along.
            self.ledger.cursor = self.ledger.moved;
        }
        Ok(())
    }

    fn number(&mut self) -> u64 {
        self.ledger.next += 1;
        self.ledger.next
    }

    fn seconds(&mut self, end: usize) -> Duration {
        Duration::from_secs(self.random.below(end) as u64)
    }

    async fn accept(&mut self) -> Done {
        let n = 1 + self.random.below(4) / 2 * self.random.below(4);
        let mut messages: Vec<NewMessage> = (0..n).map(|_| self.message()).collect();
        let known = self.ledger.accepted.iter().next_back().filter(|_| n > 1).cloned();
        messages.extend(known.as_ref().map(|name| Rig::message(name, 1)));
        let names: Vec<String> = messages.iter().map(|message| message.id.as_str().to_owned()).collect();
        let accepted = answer(self.store().accept(messages, self.ledger.now)).await?;
        for (name, accepted) in names.into_iter().zip(accepted) {
            let is_new = matches!(accepted, Accepted::New(_));
            if is_new == (known.as_ref() == Some(&name)) {
                return Err(Stopped(format!("{name} is {accepted:?}")));
            }
            self.ledger.accepted.insert(name);
        }
        self.acknowledged().await
    }

    fn message(&mut self) -> NewMessage {
        let name = format!("m{}", self.number());
        let parts = if self.random.per_cent(30) { 3 } else { 1 };
        let now = self.ledger.now;
        NewMessage {
            on_uncertain: if self.random.per_cent(30) { OnUncertain::Hold } else { OnUncertain::Resend },
            priority: if self.random.per_cent(30) { Priority::High } else { Priority::Normal },
            not_before: now,
            send_at: None,
            expires_at: now.after(Duration::from_secs(60) + self.seconds(86_400)),
            ..Rig::message(&name, parts)
        }
    }

    /// Ends what a lane has in the air, and sends what is due there: together, or one of both.
    async fn send(&mut self) -> Done {
        let lane = self.random.below(LANES);
        let mut steps: Vec<Step> = self.ended(lane).into_iter().collect();
        let work = self.due(lane).await?.filter(|_| steps.is_empty() || self.random.per_cent(50));
        let Some(work) = work else { return self.settle(steps).await };
        if let Some(undecided) = work.undecided {
            let (part, at) = (PartKey { message: work.key, seq: undecided.seq }, self.ledger.now);
            steps.push(match work.on_uncertain {
                OnUncertain::Resend => Step::Resend { part, at },
                OnUncertain::Hold => Step::GiveUp { part, at },
            });
            return self.settle(steps).await;
        }
        let Some(claim) = self.claim(lane, &work) else { return self.settle(steps).await };
        let (attempt, seq, now) = (claim.attempt, claim.part.seq, self.ledger.now);
        steps.push(Step::Claim(claim));
        if self.random.per_cent(15) {
            // Something else is written between.
            self.settle(std::mem::take(&mut steps)).await?;
            self.accept().await?;
        }
        let (reply, armed) = oneshot::channel();
        steps.push(Step::Arm { attempt, at: now, deadline: now.after(Duration::from_secs(180)), reply });
        self.give(steps)?;
        if !answer(armed).await? {
            // Refused, or not committed: the next answer tells which.
            return self.settle(Vec::new()).await;
        }
        let message = work.id.as_str().to_owned();
        self.ledger.tries.insert(attempt, Tried { message, seq, sim: lane, armed_at: now, end: End::Open });
        self.flying[lane] = Some(attempt);
        self.ends_acknowledged().await
    }

    async fn due(&mut self, lane: usize) -> Result<Option<Work>, Stopped> {
        let due = answer(self.store().due_on(self.ledger.now, 8, vec![sim(lane).1])).await?;
        Ok(self.random.pick(&due.work).cloned())
    }

    fn claim(&mut self, lane: usize, work: &Work) -> Option<Claim> {
        let part = work.parts.first()?;
        let attempt = self.next_attempt;
        self.next_attempt.0 += 1;
        let (iccid, label) = sim(lane);
        Some(Claim {
            attempt,
            part: PartKey { message: work.key, seq: part.seq },
            iccid,
            sim: label,
            port: "/dev/ttyUSB0".into(),
            tpdu_sha256: [7; 32],
            validity: ValidityPeriod::Relative(167),
            routing: "chance",
            resend_of: part.resend_of.as_ref().map(|(attempt, _)| *attempt),
            at: self.ledger.now,
        })
    }

    /// The end of what is in the air on a lane.
    fn ended(&mut self, lane: usize) -> Option<Step> {
        let attempt = self.flying[lane].take()?;
        let at = self.ledger.now;
        let soon = at.after(self.seconds(120));
        let (outcome, verdict) = match self.random.below(10) {
            0 => (Outcome::Retry, Verdict::Retry { failure: failure(), not_before: soon }),
            1 => (Outcome::Fail, Verdict::Fail { failure: failure() }),
            2 | 3 => {
                let reason = UncertainReason::Timeout;
                (Outcome::Ambiguous, Verdict::Ambiguous { reason, code: None, resolve_at: soon })
            }
            _ => {
                let mr = u8::try_from(self.number() % 256).unwrap();
                let report_until = at.after(Duration::from_secs(4 * 86_400));
                (Outcome::Acked(mr), Verdict::Acked { mr: Some(mr), report_until, by_evidence: false })
            }
        };
        self.ledger.tries.get_mut(&attempt).expect("armed before").end = End::Told(outcome);
        Some(Step::Ended { attempt, verdict, at })
    }

    fn give(&self, steps: Vec<Step>) -> Done {
        self.store().step(steps).map_err(|error| Stopped(error.to_string()))
    }

    /// Gives steps and waits until they are committed: the answer to the next job comes after that.
    async fn settle(&mut self, steps: Vec<Step>) -> Done {
        self.give(steps)?;
        answer(self.store().expire(gsmgate::model::Timestamp(0))).await?;
        self.ends_acknowledged().await
    }

    async fn ends_acknowledged(&mut self) -> Done {
        for tried in self.ledger.tries.values_mut() {
            if let End::Told(outcome) = tried.end {
                tried.end = End::Acknowledged(outcome);
            }
        }
        self.acknowledged().await
    }

    /// A report on what was sent, or on what nobody sent.
    async fn report(&mut self) -> Done {
        let sent = |(_, tried): (_, &Tried)| match tried.end {
            End::Acknowledged(Outcome::Acked(mr)) => Some((tried.sim, mr, tried.armed_at)),
            _ => None,
        };
        let sent: Vec<_> = self.ledger.tries.iter().filter_map(sent).collect();
        let about = self.random.pick(&sent).copied().filter(|_| self.random.per_cent(75));
        let raw = format!("report {}", self.number()).into_bytes();
        let (lane, mr, armed_at) = about.unwrap_or((0, 1, self.ledger.now));
        let (iccid, sim) = sim(lane);
        let recipient = if about.is_some() { TO } else { "+491709999999" }.to_owned();
        let status = *self.random.pick(&[0, 0, 0x30, 0x46]).expect("some");
        let scts = Some(armed_at.0 / 1000);
        let report = ReportIn { iccid, sim, mr, recipient, scts, status, raw: raw.clone(), at: self.ledger.now };
        answer(self.store().report(report)).await?;
        if about.is_none() {
            self.ledger.orphans.insert(raw);
        }
        self.acknowledged().await
    }

    async fn receive(&mut self) -> Done {
        let n = self.number();
        let (raw, part) = match self.random.below(3) {
            0 => (format!("octets {n}").into_bytes(), Err("only octets".to_owned())),
            kind => {
                let alone = (u8::try_from(n % 256).unwrap(), 1);
                let (reference, seq) = if kind == 1 { alone } else { self.coming.take().unwrap_or(alone) };
                let total = if kind == 1 { 1 } else { 3 };
                if seq < total {
                    self.coming = Some((reference, seq + 1));
                }
                let (sender, scts) = ("91+491700000001".to_owned(), Some(self.ledger.now.0 / 1000));
                let reference_wide = u16::from(reference);
                let part = InboundPart { sender, reference: reference_wide, wide: false, total, seq, scts };
                (deliver(reference, total, seq, n), Ok(part))
            }
        };
        let place = Some(("ME".to_owned(), u16::try_from(n % 50).unwrap()));
        let pdu = InboundPdu { id: format!("in-{n}"), place, part, at: self.ledger.now, ..Rig::pdu(&raw, Err("")) };
        answer(self.store().receive(pdu)).await?;
        self.ledger.received.insert(raw);
        self.acknowledged().await
    }

    /// What a modem told, or a command that is refused.
    async fn notice(&mut self) -> Done {
        let (n, now) = (self.number(), self.ledger.now);
        if self.random.per_cent(50) {
            let refusal = Refusal::new(RefusalCode::InvalidNumber, format!("no number {n}"));
            answer(self.store().refuse(refusal, now)).await?;
        } else {
            let notice = Notice::new(NoticeKind::Alarm, "storage", format!("full {n}"));
            let notice = ModemNotice { modem: "modem".parse().unwrap(), sim: None, notice };
            answer(self.store().notice(notice, now)).await?;
        }
        self.acknowledged().await
    }

    async fn pin(&mut self) -> Done {
        let pin = [u8::try_from(self.random.below(4)).unwrap(); 32];
        let mark = *self.random.pick(&[PinMark::Tried, PinMark::Accepted, PinMark::Refused]).expect("some");
        // Until it is acknowledged either may be there.
        self.ledger.pins.remove(&pin);
        answer(self.store().pin_record("sim".to_owned(), "modem".to_owned(), pin, Some(mark))).await?;
        self.ledger.pins.insert(pin, mark);
        self.acknowledged().await
    }

    async fn leave_alone(&mut self) -> Done {
        let (iccid, label) = sim(0);
        let mut sha256 = [0; 32];
        sha256[..8].copy_from_slice(&self.number().to_be_bytes());
        answer(self.store().sim_seen(iccid.clone(), label, self.ledger.now)).await?;
        answer(self.store().leave_alone(iccid, sha256)).await?;
        self.ledger.left_alone.insert(sha256.to_vec());
        self.acknowledged().await
    }

    async fn cancel(&mut self) -> Done {
        let names: Vec<&String> = self.ledger.accepted.iter().collect();
        let Some(id) = self.random.pick(&names).map(|name| name.parse::<MessageId>().unwrap()) else { return Ok(()) };
        match tokio::time::timeout(PATIENCE, self.store().cancel(id, self.ledger.now)).await {
            Ok(Ok(_) | Err(gsmgate::store::CancelError::TooLate(_))) => self.acknowledged().await,
            other => Err(Stopped(format!("cancel: {other:?}"))),
        }
    }

    /// A late `+CMGS`.
    async fn evidence(&mut self) -> Done {
        let open = |(attempt, tried): (&AttemptId, &Tried)| {
            (tried.end == End::Acknowledged(Outcome::Ambiguous)).then_some(*attempt)
        };
        let open: Vec<AttemptId> = self.ledger.tries.iter().filter_map(open).collect();
        let Some(attempt) = self.random.pick(&open).copied() else { return Ok(()) };
        let at = self.ledger.now;
        let report_until = at.after(Duration::from_secs(4 * 86_400));
        self.settle(vec![Step::Evidence { attempt, mr: Some(1), report_until, at }]).await
    }

    async fn expire(&mut self) -> Done {
        let ahead = *self.random.pick(&[0, 60, 700, 20_000]).expect("some");
        self.ledger.now = self.ledger.now.after(Duration::from_secs(ahead));
        answer(self.store().expire(self.ledger.now)).await?;
        self.acknowledged().await
    }

    /// As the store does it when nothing comes for a while, or the WAL is long: sooner than a short run would see it.
    fn checkpoint(&mut self) -> Done {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(self.dir.join("gsmgate.db"), flags)
            .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())))
            .map_err(|error| Stopped(error.to_string()))
    }

    fn move_cursor(&mut self) -> Done {
        let upto = self.random.below(self.ledger.log.len() + 1) as u64;
        self.ledger.moved = self.ledger.moved.max(upto);
        self.store().acknowledge("mqtt", upto, Vec::new()).map_err(|error| Stopped(error.to_string()))
    }

    /// A cursor that no commit takes along is written by itself, and does not wait for the disk.
    async fn cursors(&mut self) -> Done {
        let (before, moved) = (self.disk.calls(), self.ledger.moved);
        self.move_cursor()?;
        if self.ledger.moved == moved {
            return Ok(());
        }
        let wait = async {
            while self.disk.calls() == before && !self.disk.is_off() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.map_err(|_| Stopped("a cursor was never written".to_owned()))?;
        // It is written to its end.
        self.settle(Vec::new()).await
    }
}

async fn answer<T, E: std::fmt::Display>(answer: impl Future<Output = Result<T, E>>) -> Result<T, Stopped> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| Stopped(error.to_string())),
        Err(_) => Err(Stopped("no answer".to_owned())),
    }
}

fn sim(lane: usize) -> (Iccid, Label) {
    (format!("894900000000000200{lane}").parse().unwrap(), format!("lane-{lane}").parse().unwrap())
}

/// An SMS-DELIVER with a concatenation header and a number as its text, in UCS-2.
fn deliver(reference: u8, total: u8, seq: u8, n: u64) -> Vec<u8> {
    let text: Vec<u8> = n.to_string().encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut octets = vec![0, 0x44, 12, 0x91, 0x94, 0x71, 0x00, 0x00, 0x00, 0x10, 0, 8, 0x62, 0x11, 0x62, 0x21, 0, 0, 0];
    octets.push(6 + u8::try_from(text.len()).unwrap());
    octets.extend([5, 0, 3, reference, total, seq]);
    octets.extend(text);
    octets
}
