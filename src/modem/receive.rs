//! Receiving: read raw, hand over, and delete or acknowledge only what is committed (RELIABILITY A-4, §2.6).

use super::bringup::ROUTING_STOPPED;
use super::chat::{Lost, Reply};
use super::details::Detail;
use super::driver::Session;
use super::inbox::{Job, Selected};
use crate::at::sms::{self, Stored};
use crate::at::{Command, FinalResult, Memory};
use crate::clock;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::error::TrySendError;
use tracing::{debug, warn};

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Hands over what has been read, as far as there is room.
    pub(super) fn offer(&mut self) {
        if std::mem::take(&mut self.inbox.unacknowledged) && self.timers.reassert.is_none() {
            self.timers.reassert = Some(clock::now() + ROUTING_STOPPED);
        }
        while self.inbox.has_backlog() {
            match self.received.try_reserve() {
                Ok(permit) => self.inbox.hand_over(&self.config, permit),
                Err(TrySendError::Full(()) | TrySendError::Closed(())) => return,
            }
        }
    }

    /// Does one job.
    pub(super) async fn run_job(&mut self, job: Job) -> Result<(), Lost> {
        match job {
            Job::Acknowledge => {
                let reply = self.chat.ask(Command::acknowledge(), self.profile.deadlines.command).await?;
                if !matches!(reply, Reply::Done(_)) {
                    // 340: none was expected. Else the network sends it again, and it is known by then.
                    debug!(port = self.config.port, %reply, "a routed message could not be acknowledged");
                }
                Ok(())
            }
            Job::Delete { memory, index, serial } => self.delete(memory, index, serial).await,
            Job::Read { memory, index } => match self.read(memory, index).await? {
                Some(stored) => {
                    self.inbox.found(memory, index, stored, false);
                    Ok(())
                }
                None => Ok(()),
            },
            Job::Sweep(memory) => self.sweep(memory).await,
        }
    }

    /// Goes back to the memory where messages are received, and compares counts. False when neither is due.
    pub(super) async fn run_chore(&mut self) -> Result<bool, Lost> {
        let home = self.inbox.home;
        let is_away = !matches!(self.inbox.selected, Selected::Only) && self.inbox.selected != Selected::Is(home);
        // Where it cannot be selected now, it is tried again with the rest.
        if is_away && self.inbox.retry_at.is_none() {
            self.select(home).await?;
            return Ok(true);
        }
        if std::mem::take(&mut self.inbox.check) {
            self.compare_counts().await?;
            return Ok(true);
        }
        Ok(false)
    }

    /// One slot; `None` when it is empty or cannot be read now.
    async fn read(&mut self, memory: Memory, index: u16) -> Result<Option<Stored>, Lost> {
        if !self.select(memory).await? {
            return Ok(None);
        }
        let within = self.profile.deadlines.memory;
        let mut reply = self.chat.ask(Command::read(index), within).await?;
        if matches!(&reply, Reply::Done(answer) if answer.lines.is_empty()) {
            // The OK may be one for another program. Then the answer is on its way, and would be taken for that of the next slot,
            // and the message in there deleted unread (fault F-31).
            self.chat.resync().await?;
            reply = self.chat.ask(Command::read(index), within).await?;
        }
        match reply {
            Reply::Done(answer) if answer.lines.is_empty() => {}
            Reply::Refused(result) if is_empty_slot(&result) => {}
            Reply::Done(answer) => match sms::read_message(&answer.lines) {
                Some(stored) => return Ok(Some(stored)),
                None => {
                    warn!(port = self.config.port, %memory, index, "a stored message is unreadable; it is tried again");
                    self.inbox.retry();
                    return Ok(None);
                }
            },
            reply => {
                debug!(port = self.config.port, %memory, index, %reply, "a slot cannot be read now");
                self.inbox.retry();
                return Ok(None);
            }
        }
        self.inbox.empty(memory, index);
        Ok(None)
    }

    async fn sweep(&mut self, memory: Memory) -> Result<(), Lost> {
        if !self.select(memory).await? {
            self.inbox.refused(memory);
            return Ok(());
        }
        match self.chat.ask(Command::list_all(), self.profile.deadlines.list).await? {
            Reply::Done(answer) => {
                // The status of a listed message changes from unread to read, nothing else.
                self.inbox.swept(memory, sms::listed_messages(&answer.lines));
            }
            reply => {
                debug!(port = self.config.port, %memory, %reply, "a memory cannot be listed now");
                self.inbox.retry();
            }
        }
        Ok(())
    }

    /// Deletes what is committed. When that fails the slot is read first before it is tried again: the modem may have
    /// deleted it, or something else may be there (fault F-17).
    async fn delete(&mut self, memory: Memory, index: u16, serial: u64) -> Result<(), Lost> {
        let Some(pdu) = self.inbox.committed(memory, index, serial) else { return Ok(()) };
        if !self.select(memory).await? {
            self.inbox.deleted(memory, index, false);
            return Ok(());
        }
        let reply = self.chat.ask(Command::delete(index), self.profile.deadlines.memory).await?;
        if let Reply::Done(_) = reply {
            self.inbox.deleted(memory, index, true);
            self.inbox.check_soon();
            return Ok(());
        }
        warn!(port = self.config.port, %memory, index, %reply, "a committed message cannot be deleted; it is tried again");
        match self.read(memory, index).await? {
            Some(stored) if stored.pdu == pdu => {
                self.inbox.deleted(memory, index, false);
                self.inbox.retry();
            }
            Some(other) => self.inbox.found(memory, index, other, false),
            // Nothing is in it, or it cannot be read either.
            None => self.inbox.deleted(memory, index, false),
        }
        Ok(())
    }

    /// One `+CPMS?`: tells whether something came that nobody announced, whether what was deleted is gone, and whether the
    /// modem still receives where it was told to.
    async fn compare_counts(&mut self) -> Result<(), Lost> {
        let reply = self.chat.ask(Command::memory_levels(), self.profile.deadlines.memory).await?;
        let Some(answer) = reply.done() else { return Ok(()) };
        let Some(params) = answer.params("+CPMS") else { return Ok(()) };
        let levels = sms::levels(&params);
        self.publish_storage(&levels);
        if sms::selected(&params).get(2).is_some_and(|receives| *receives != self.inbox.home) {
            warn!(port = self.config.port, "the modem has forgotten where it was to receive");
            self.details.push_back(Detail::SetUp);
            return Ok(());
        }
        for level in levels {
            self.inbox.compare(&level);
        }
        Ok(())
    }

    /// Selects the memory that is read and deleted from. False when the modem refuses.
    async fn select(&mut self, memory: Memory) -> Result<bool, Lost> {
        if self.inbox.selected == Selected::Only || self.inbox.selected == Selected::Is(memory) {
            return Ok(true);
        }
        // Home is selected with all three, for modems that change the others along with the first.
        let choice = match self.inbox.beside {
            Some(beside) if memory == self.inbox.home => vec![memory, beside, memory],
            _ if memory == self.inbox.home => vec![memory; 3],
            _ => vec![memory],
        };
        let done = self.select_these(&choice).await? || (choice.len() > 1 && self.select_these(&[memory]).await?);
        if !done {
            self.inbox.retry();
        }
        Ok(done)
    }

    /// Selects memories for reading, writing and receiving. False when the modem refuses.
    pub(super) async fn select_these(&mut self, choice: &[Memory]) -> Result<bool, Lost> {
        let within = self.profile.deadlines.memory;
        let mut reply = self.ask_when_free(Command::select_memories(choice), within).await?;
        if matches!(&reply, Reply::Done(answer) if answer.params("+CPMS").is_none()) {
            // The OK may be one for another program: what is deleted from another memory than was read is lost (fault F-31). A modem
            // that always says OK alone is believed.
            self.chat.resync().await?;
            reply = self.ask_when_free(Command::select_memories(choice), within).await?;
        }
        match (&reply, choice) {
            (Reply::Done(_), [memory, ..]) => {
                self.inbox.selected = Selected::Is(*memory);
                return Ok(true);
            }
            // It may have been selected, or may be yet.
            (Reply::Silent(_), _) => self.inbox.selected = Selected::Unknown,
            _ => {}
        }
        debug!(port = self.config.port, ?choice, %reply, "these memories cannot be selected now");
        Ok(false)
    }
}

/// What modems answer to reading a slot with nothing in it: `+CMS ERROR: 321`, and CME errors for the same.
fn is_empty_slot(result: &FinalResult) -> bool {
    match result {
        FinalResult::Cms(error) => error.code == Some(321),
        // Samsung writes -1.
        FinalResult::Cme(error) => matches!(error.code, Some(21 | 22)) || error.text == "-1",
        _ => false,
    }
}
