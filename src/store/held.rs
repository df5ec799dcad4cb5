//! While the database takes nothing: what is begun is taken back, and what became of tries goes where there is room
//! (RELIABILITY §2.3.3, F-42, F-47).

use super::mailbox::Mailbox;
use super::outbox::rows::Rows;
use super::sims::Sims;
use super::spill::Outcome;
use super::writer::{Writer, count_orphans};
use crate::model::StoreState;
use rusqlite::ErrorCode;

/// `SQLITE_IOERR_SHMSIZE`: no room for the index of the WAL. <https://sqlite.org/rescode.html>
const NO_ROOM_FOR_INDEX: i32 = 4874;

impl Writer {
    /// The transaction came to nothing: everything is as it was before, and what became of tries goes where there is room.
    /// Claims are forgotten too; their arming will be refused.
    pub(super) fn hold(&mut self, held: StoreState, mailbox: &Mailbox) -> rusqlite::Result<()> {
        self.roll_back(mailbox)?;
        if self.held.replace(held) != Some(held) {
            tracing::error!(
                state = held.word(),
                "the database takes nothing; nothing is accepted or sent until it does"
            );
        }
        let outcomes = self.outcomes.clone();
        if outcomes.is_empty() {
            return Ok(());
        }
        if held == StoreState::Full && self.spill.is_empty() && self.disk.throw_ballast() {
            match self.write_outcomes(&outcomes, mailbox) {
                Err(error) if passing(&error).is_some() => self.roll_back(mailbox)?,
                done => return done,
            }
        }
        self.put_aside(&outcomes)?;
        self.outcomes.clear();
        Ok(())
    }

    /// The database is gone: what became of tries must not be lost with it, nor what still becomes of those in the air.
    pub(super) fn spill_what_came(&mut self, mailbox: &Mailbox) {
        self.outcomes.extend(mailbox.take_outcomes());
        if let Err(error) = self.spill.add(&self.outcomes) {
            tracing::error!(%error, outcomes = self.outcomes.len(), "what became of some parts will be uncertain");
        }
        self.outcomes.clear();
    }

    pub(super) fn put_aside(&mut self, outcomes: &[Outcome]) -> rusqlite::Result<()> {
        self.spill.add(outcomes).map_err(|error| {
            tracing::error!(%error, "the journal beside the database takes nothing either");
            io_error()
        })
    }

    fn write_outcomes(&mut self, outcomes: &[Outcome], mailbox: &Mailbox) -> rusqlite::Result<()> {
        self.steps(outcomes.iter().cloned().map(Outcome::into_step).collect())?;
        self.commit(mailbox)
    }

    /// Back to the last commit.
    pub(super) fn roll_back(&mut self, mailbox: &Mailbox) -> rusqlite::Result<()> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        self.open = false;
        self.new_events.clear();
        self.next_seq = self.committed.next_seq;
        self.rows = Rows::open(&self.connection)?;
        self.rows.counts = self.committed.counts;
        self.sims = Sims::open(&self.connection)?;
        self.orphans = count_orphans(&self.connection)?;
        self.reopen_tries()?;
        self.tidy.forget();
        mailbox.cursors_again();
        Ok(())
    }

    /// Goes on, where what held it is over. False: it is not.
    pub(super) fn try_again(&mut self, mailbox: &Mailbox) -> rusqlite::Result<bool> {
        if self.held == Some(StoreState::Full) && self.disk.state() == StoreState::Full {
            return Ok(false);
        }
        mailbox.cursors_again();
        let tried = self.try_to_write().and_then(|()| self.take_spilt()).and_then(|()| self.commit(mailbox));
        match tried {
            Err(error) if passing(&error).is_some() => self.roll_back(mailbox).map(|()| false),
            Err(error) => Err(error),
            Ok(()) => {
                self.forget_spilt();
                self.held = None;
                self.disk.lay_ballast();
                tracing::info!("the database takes changes again");
                Ok(true)
            }
        }
    }

    /// Begins with something that needs room.
    fn try_to_write(&mut self) -> rusqlite::Result<()> {
        self.begin()?;
        let trial =
            "INSERT INTO meta (key, value) VALUES ('trial', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1";
        self.connection.execute(trial, []).map(drop)
    }

    /// Carries out what was spilt. What is in the database already changes nothing.
    pub(super) fn take_spilt(&mut self) -> rusqlite::Result<()> {
        if self.spill.is_empty() {
            return Ok(());
        }
        match self.spill.read() {
            Ok(outcomes) => self.steps(outcomes.into_iter().map(Outcome::into_step).collect()),
            Err(error) => {
                tracing::error!(%error, "the journal beside the database cannot be read");
                Err(io_error())
            }
        }
    }

    /// After the commit of [`Writer::take_spilt`].
    pub(super) fn forget_spilt(&mut self) {
        if let Err(error) = self.spill.clear() {
            tracing::warn!(%error, "the journal beside the database could not be emptied");
        }
    }
}

/// As of a database that cannot be written.
fn io_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), None)
}

/// What holds the database up for a while, where that is what the error tells of. Any other ends the process.
pub(super) fn passing(error: &rusqlite::Error) -> Option<StoreState> {
    match error.sqlite_error()? {
        rusqlite::ffi::Error { code: ErrorCode::DiskFull, .. }
        | rusqlite::ffi::Error { extended_code: NO_ROOM_FOR_INDEX, .. } => Some(StoreState::Full),
        rusqlite::ffi::Error { code: ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, .. } => {
            Some(StoreState::Locked)
        }
        _ => None,
    }
}
