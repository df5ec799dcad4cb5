//! What the store has acknowledged, and what a start has to show of it.

use gsmgate::model::{AttemptId, Event, EventKind, MessageView, PartState, PinMark, PublicState, Timestamp};
use gsmgate::store::{Config, Store};
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What was acknowledged. It outlives the cuts.
pub(crate) struct Ledger {
    pub(crate) now: Timestamp,
    /// Counts everything that has to be told apart.
    pub(crate) next: u64,
    pub(crate) accepted: BTreeSet<String>,
    pub(crate) tries: BTreeMap<AttemptId, Tried>,
    /// Events that were committed when something was acknowledged.
    pub(crate) log: Vec<Event>,
    /// The cursor that went along with the last acknowledged commit, and the furthest that was asked for.
    pub(crate) cursor: u64,
    pub(crate) moved: u64,
    pub(crate) received: BTreeSet<Vec<u8>>,
    pub(crate) orphans: BTreeSet<Vec<u8>>,
    pub(crate) left_alone: BTreeSet<Vec<u8>>,
    pub(crate) pins: BTreeMap<[u8; 32], PinMark>,
}

/// A try whose arming was acknowledged.
#[derive(Clone)]
pub(crate) struct Tried {
    pub(crate) message: String,
    pub(crate) seq: u8,
    pub(crate) sim: usize,
    pub(crate) armed_at: Timestamp,
    pub(crate) end: End,
}

/// What the store was told of a try's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing: it is in the air.
    Open,
    /// Something that was not acknowledged.
    Told(Outcome),
    Acknowledged(Outcome),
    /// A cut came between; what the start made of it holds from now on, and the log tells it.
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acked(u8),
    Retry,
    Fail,
    Ambiguous,
}

/// What was found wrong after a cut.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The file is damaged or does not open.
    pub(crate) damage: Vec<String>,
    /// Something acknowledged is not there.
    pub(crate) lost: Vec<String>,
}

impl Findings {
    pub(crate) fn is_empty(&self) -> bool {
        self.damage.is_empty() && self.lost.is_empty()
    }

    fn expect(&mut self, is_there: bool, what: impl FnOnce() -> String) {
        if !is_there {
            self.lost.push(what());
        }
    }
}

impl Ledger {
    pub(crate) fn new(now: Timestamp) -> Ledger {
        Ledger {
            now,
            next: 0,
            accepted: BTreeSet::new(),
            tries: BTreeMap::new(),
            log: Vec::new(),
            cursor: 0,
            moved: 0,
            received: BTreeSet::new(),
            orphans: BTreeSet::new(),
            left_alone: BTreeSet::new(),
            pins: BTreeMap::new(),
        }
    }

    /// Looks at what a cut left, in this directory, with the ordinary VFS.
    pub(crate) async fn check(&self, dir: &Path) -> Findings {
        let mut findings = Findings::default();
        match self.check_file(&dir.join("gsmgate.db"), &mut findings) {
            Err(error) => findings.damage.push(format!("the file cannot be read: {error}")),
            Ok(()) if findings.damage.is_empty() => self.check_store(dir, &mut findings).await,
            Ok(()) => {}
        }
        findings
    }

    fn check_file(&self, path: &Path, findings: &mut Findings) -> rusqlite::Result<()> {
        // Closed without a checkpoint, so that the store finds the file as the cut left it.
        let connection = Connection::open_with_flags(path, OpenFlags::default() | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if integrity != "ok" {
            findings.damage.push(integrity);
        }
        if connection.prepare("PRAGMA foreign_key_check")?.exists([])? {
            findings.damage.push("a row refers to one that is not there".to_owned());
        }
        for (table, column, acknowledged) in [
            ("inbound_pdus", "raw", &self.received),
            ("orphan_reports", "raw", &self.orphans),
            ("left_alone", "sha256", &self.left_alone),
        ] {
            let mut found = BTreeSet::new();
            // The first start may have been cut before it made a table.
            if connection.table_exists(None, table)? {
                let mut statement = connection.prepare(&format!("SELECT {column} FROM {table}"))?;
                found = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<Vec<u8>>>>()?;
            }
            for octets in acknowledged.difference(&found) {
                findings.lost.push(format!("{octets:02x?} is not in {table}"));
            }
        }
        Ok(())
    }

    async fn check_store(&self, dir: &Path, findings: &mut Findings) {
        let (store, _, closer) = match Store::open(&Config::new(dir), self.now) {
            Ok(opened) => opened,
            Err(error) => return findings.damage.push(format!("the store does not open: {error}")),
        };
        let log = store.events(0, usize::MAX >> 1).await.unwrap_or_default();
        self.check_log(&log, findings);
        let mut views = BTreeMap::new();
        let states = last_states(&log);
        for name in self.accepted.iter().chain(self.tries.values().map(|tried| &tried.message)) {
            if views.contains_key(name) {
                continue;
            }
            match store.message(name.parse().unwrap()).await {
                Ok(Some(view)) => {
                    findings.expect(states.get(name.as_str()) == Some(&view.state), || {
                        format!("{name} is {:?}; its last event says {:?}", view.state, states.get(name.as_str()))
                    });
                    views.insert(name.clone(), view);
                }
                other => findings.lost.push(format!("{name} was accepted, and now: {other:?}")),
            }
        }
        for (attempt, tried) in &self.tries {
            if let Some(view) = views.get(&tried.message) {
                check_try(*attempt, tried, view, findings);
            }
        }
        let cursor = store.cursor("mqtt").await.unwrap_or(u64::MAX);
        findings.expect((self.cursor..=self.moved).contains(&cursor), || {
            format!("the cursor is {cursor}, was {}, and {} was asked for", self.cursor, self.moved)
        });
        for (pin, mark) in &self.pins {
            let found = store.pin_record("sim".to_owned(), "modem".to_owned(), *pin, None).await.unwrap_or_default();
            findings.expect(found.here == Some(*mark), || format!("a PIN was {mark:?} and is {:?}", found.here));
        }
        drop(store);
        closer.close();
    }

    fn check_log(&self, log: &[Event], findings: &mut Findings) {
        for (event, seq) in log.iter().zip(1..) {
            findings.expect(event.seq == seq, || format!("event {seq} is missing; the next one is {}", event.seq));
        }
        findings.expect(log.len() >= self.log.len(), || {
            format!("{} events were committed, {} are there", self.log.len(), log.len())
        });
        for (before, after) in self.log.iter().zip(log) {
            findings.expect(before == after, || format!("an event has changed: {before:?} is {after:?}"));
        }
    }
}

/// The state of each message as its last event tells it.
fn last_states(log: &[Event]) -> BTreeMap<&str, PublicState> {
    log.iter()
        .filter_map(|event| match &event.kind {
            EventKind::Status(change) => Some((change.id.as_str(), change.state)),
            _ => None,
        })
        .collect()
}

/// A try whose arming was acknowledged is there, and its part is not READY as if nothing had happened.
fn check_try(attempt: AttemptId, tried: &Tried, view: &MessageView, findings: &mut Findings) {
    let name = &tried.message;
    let part = &view.parts[usize::from(tried.seq) - 1];
    let Some(row) = part.attempts.iter().find(|row| row.attempt == attempt) else {
        return findings.lost.push(format!("{attempt:?} of {name} was armed and is not there"));
    };
    findings.expect(row.armed_at == Some(tried.armed_at), || format!("{attempt:?} of {name} is not armed: {row:?}"));
    let (state, may_have_left) = (part.state, part.state == PartState::Ambiguous || part.state.was_sent());
    let fits = match tried.end {
        End::Open => may_have_left,
        End::Told(Outcome::Acked(_) | Outcome::Ambiguous) => may_have_left,
        End::Told(Outcome::Retry) => may_have_left || state == PartState::Ready,
        End::Told(Outcome::Fail) => may_have_left || state == PartState::Failed,
        // What became of the part later the log tells.
        End::Acknowledged(Outcome::Acked(mr)) => row.mr == Some(mr) && row.ended_at.is_some(),
        End::Acknowledged(Outcome::Retry | Outcome::Fail) => row.failure.is_some(),
        End::Acknowledged(Outcome::Ambiguous) => row.ended_at.is_some(),
        End::Cut => true,
    };
    findings.expect(fits, || format!("{attempt:?} of {name} was {:?}; the part is {state:?}: {row:?}", tried.end));
}
