//! The one door for everything outside: submit, cancel, look up, and the events after N. Out there instants are the wall
//! clock's, in here they are of our own line.

use crate::clock;
use crate::model::{
    Body, Event, EventKind, Iccid, Label, MessageId, MessageView, ModemNotice, ModemStatus, Notice, NoticeKind,
    PublicState, QueueCounts, Refusal, RefusalCode, StatusChange, StoreState, Submission, Timestamp,
};
use crate::scheduler::Wake;
use crate::slots::Slots;
pub use crate::slots::{Carried, Entry, Hindered, Order, TypedLine};
pub use crate::store::StoreError;
use crate::store::{Accepted, CancelError, NewMessage, Store};
use crate::tpdu::{Segment, SegmentError, segment};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// A text of more characters is refused before it is cut into parts: 255 parts of 153 septets.
pub const MAX_CHARACTERS: usize = 39_015;

/// What names a command that has no id: its response topic and correlation data, or the like.
/// A command that comes again with an equal origin is the same command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub Vec<u8>);

/// The answer to an accepted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its id: the client's, or ours.
    pub id: MessageId,
    /// Its state now: `queued` for a new one.
    pub state: PublicState,
    /// It had been accepted before.
    pub repeated: bool,
    /// Parts it needs.
    pub parts: u8,
}

/// The door. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    name: Label,
    store: Store,
    slots: Slots,
    wake: Wake,
    clock: fn() -> Timestamp,
}

impl Gateway {
    /// A door to these parts.
    pub fn new(name: Label, store: Store, slots: Slots, wake: Wake, clock: fn() -> Timestamp) -> Gateway {
        Gateway { name, store, slots, wake, clock }
    }

    /// The gateway's label.
    pub fn name(&self) -> &Label {
        &self.name
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        on_the_wall((self.clock)())
    }

    /// Accepts all messages of one command, or none. What it returns is durable.
    pub async fn submit(&self, submissions: Vec<Submission>, origin: Option<Origin>) -> Result<Vec<Receipt>, Refusal> {
        let now = (self.clock)();
        let many = submissions.len() > 1;
        let base = base_id(&submissions, origin.as_ref());
        let priority = submissions.iter().map(|submission| submission.priority).max();
        let mut messages = Vec::with_capacity(submissions.len());
        for (n, submission) in submissions.into_iter().enumerate() {
            let pointer = if many { format!("/to/{n}") } else { "/to".to_owned() };
            let id = submission.id.clone().or_else(|| if many { base.nth(n + 1) } else { Some(base.clone()) });
            let id = id.ok_or_else(|| refuse(RefusalCode::InvalidField, "the id is too long for a list", "/id"))?;
            messages.push(self.prepare(submission, id, now).map_err(|refusal| named(refusal, &pointer))?);
        }
        let facts: Vec<_> = messages.iter().map(|message| (message.id.clone(), message.parts.len())).collect();
        let accepted = self.store.accept(messages, now).await.map_err(refused_by_store)?;
        if accepted.contains(&Accepted::IdReused) {
            let detail = "this id was used for another message in the last 7 days; choose a new one";
            return Err(Refusal { id: Some(base.to_string()), ..refuse(RefusalCode::IdReused, detail, "/id") });
        }
        self.wake.wake(priority.unwrap_or_default());
        Ok(facts.into_iter().zip(accepted).map(receipt).collect())
    }

    /// Writes the `refused` event for a command that a bridge turned away; durable when it returns.
    pub async fn refuse(&self, refusal: Refusal) -> Result<(), StoreError> {
        self.store.refuse(refusal, (self.clock)()).await
    }

    /// Writes the `alarm` event of something around the box that needs a person; durable when it returns.
    pub async fn alarm(&self, alarm: &'static str, detail: String) -> Result<(), StoreError> {
        let notice = Notice::new(NoticeKind::Alarm, alarm, detail);
        self.store.notice(ModemNotice { modem: Label::of_the_box(), sim: None, notice }, self.now()).await
    }

    /// Takes back what has not been armed. Returns the state after it.
    pub async fn cancel(&self, id: &MessageId) -> Result<PublicState, Refusal> {
        let answer = self.store.cancel(id.clone(), (self.clock)()).await;
        answer.map_err(|error| match error {
            CancelError::NotFound => not_found(id),
            CancelError::TooLate(state) => {
                let detail = format!("the message is {} already", state.word());
                Refusal { id: Some(id.to_string()), ..Refusal::new(RefusalCode::Conflict, detail) }
            }
            CancelError::Store(error) => refused_by_store(error),
        })
    }

    /// A message with its history.
    pub async fn message(&self, id: &MessageId) -> Result<MessageView, Refusal> {
        let found = self.store.message(id.clone()).await.map_err(refused_by_store)?;
        found.map(shown).ok_or_else(|| not_found(id))
    }

    /// Events after `seq`, in order, at most `limit`.
    pub async fn events(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let mut events = self.store.events(after, limit).await?;
        for event in &mut events {
            event.at = on_the_wall(event.at);
            match &mut event.kind {
                EventKind::Inbound(it) => it.received_at = on_the_wall(it.received_at),
                EventKind::Raw(it) => it.received_at = on_the_wall(it.received_at),
                _ => {}
            }
        }
        Ok(events)
    }

    /// Whether what comes can be kept.
    pub fn store_state(&self) -> watch::Receiver<StoreState> {
        self.store.state()
    }

    /// The `seq` of the last committed event; moves with every commit that writes one.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.store.committed()
    }

    /// The identity of this event log: random for every database, so that a new log's `seq` is not taken for the old one's.
    pub fn log_id(&self) -> &str {
        self.store.log_id()
    }

    /// The highest `seq` up to which a bridge has handed everything over.
    pub async fn cursor(&self, bridge: &'static str) -> Result<u64, StoreError> {
        self.store.cursor(bridge).await
    }

    /// Up to where events are kept elsewhere: no bridge took them for too long, and none is to publish them any more.
    pub fn given_up(&self) -> u64 {
        self.store.given_up()
    }

    /// Moves a bridge's cursor; rides with the next commit, or within a second. `parked` could not be handed over.
    pub fn acknowledge(&self, bridge: &'static str, upto: u64, parked: Vec<(u64, String)>) -> Result<(), StoreError> {
        self.store.acknowledge(bridge, upto, parked)
    }

    /// The state of every message that is not final, to be published when a process starts.
    pub async fn open_statuses(&self) -> Result<Vec<StatusChange>, StoreError> {
        self.store.open_statuses().await
    }

    /// Messages that are not final, by what they wait for.
    pub async fn counts(&self) -> Result<QueueCounts, StoreError> {
        self.store.counts().await
    }

    /// The state of every modem.
    pub fn modems(&self) -> Vec<watch::Receiver<ModemStatus>> {
        self.slots.statuses()
    }

    /// Has a modem carry out an order: the one with this label, or with a SIM of this label in it.
    pub async fn order(&self, label: &Label, order: Order) -> Result<Carried, Refusal> {
        let Some(outcome) = self.slots.order(label, order).await else {
            let detail = format!("no modem and no SIM that is in one is called {label}; see `gsmgate modems`");
            return Err(refuse(RefusalCode::NotFound, detail, "/modem"));
        };
        outcome.map_err(|detail| Refusal::new(RefusalCode::Failed, detail))
    }

    /// USB devices that should be modems and are not.
    pub fn hindered(&self) -> Vec<Hindered> {
        self.slots.hindered()
    }

    /// What was last said on the line of a modem, masked; `None` for one that does not exist.
    pub fn recording(&self, modem: usize) -> Option<String> {
        self.slots.recording(modem)
    }

    /// A counter that moves whenever any modem's state changes.
    pub fn modems_changed(&self) -> watch::Receiver<u64> {
        self.slots.changed()
    }

    /// The label of the SIM in a modem.
    pub fn sim_label(&self, modem: usize, iccid: &Iccid) -> Label {
        self.slots.sim_label(modem, iccid)
    }

    fn prepare(&self, submission: Submission, id: MessageId, now: Timestamp) -> Result<NewMessage, Refusal> {
        if let Some(sim) = &submission.sim
            && !self.slots.knows_sim(sim)
        {
            let detail = format!("no SIM is called {sim}; see `gsmgate modems`");
            return Err(refuse(RefusalCode::UnknownSim, detail, "/sim"));
        }
        let not_before = submission.send_at.map_or(now, |at| on_our_line(at).max(now));
        let expires_at = submission.expires_at.map_or_else(|| not_before.after(Submission::TTL), on_our_line);
        if expires_at <= now {
            return Err(refuse(RefusalCode::Expired, "the time is over before it began", "/expires_at"));
        }
        let digest = digest(&submission);
        let port = match &submission.body {
            Body::Data { port, .. } => *port,
            Body::Text(_) => None,
        };
        Ok(NewMessage {
            id,
            digest,
            parts: cut(&submission)?,
            port,
            to: submission.to,
            class: submission.class,
            priority: submission.priority,
            on_uncertain: submission.on_uncertain,
            report: submission.report,
            sim: submission.sim,
            not_before,
            send_at: submission.send_at,
            expires_at,
            tags: submission.tags,
        })
    }
}

fn on_the_wall(at: Timestamp) -> Timestamp {
    Timestamp(at.0.saturating_add(clock::offset_ms()))
}

fn on_our_line(at: Timestamp) -> Timestamp {
    Timestamp(at.0.saturating_sub(clock::offset_ms()))
}

fn shown(mut view: MessageView) -> MessageView {
    view.accepted_at = on_the_wall(view.accepted_at);
    view.expires_at = on_the_wall(view.expires_at);
    for tried in view.parts.iter_mut().flat_map(|part| &mut part.attempts) {
        tried.armed_at = tried.armed_at.map(on_the_wall);
        tried.ended_at = tried.ended_at.map(on_the_wall);
    }
    view
}

/// The command's id: the client's; else one that its origin decides; else a new one.
fn base_id(submissions: &[Submission], origin: Option<&Origin>) -> MessageId {
    if let Some(id) = submissions.first().and_then(|submission| submission.id.clone()) {
        return id;
    }
    let made = match origin {
        // The ULID alphabet is kept, the time is not: an equal origin has to make an equal id.
        Some(Origin(octets)) => {
            let digest = Sha256::digest([b"gsmgate origin ".as_slice(), octets].concat());
            let mut first = [0_u8; 16];
            first.copy_from_slice(&digest[..16]);
            ulid::Ulid::from_bytes(first)
        }
        None => ulid::Ulid::generate(),
    };
    made.to_string().to_ascii_lowercase().parse().expect("a ULID is an id")
}

fn cut(submission: &Submission) -> Result<Vec<Segment>, Refusal> {
    let parts = match &submission.body {
        Body::Text(text) if text.chars().count() > MAX_CHARACTERS => Err(SegmentError::TooManyParts),
        Body::Text(text) => segment::text(text, submission.encoding),
        Body::Data { port, octets } => segment::octets(octets, *port),
    };
    let field = if matches!(submission.body, Body::Text(_)) { "/text" } else { "/data" };
    let parts = parts.map_err(|error| match error {
        SegmentError::TooManyParts => refuse(RefusalCode::TooLong, "more than 255 parts", field),
        other => refuse(RefusalCode::InvalidField, other.to_string(), field),
    })?;
    if parts.len() > usize::from(submission.max_parts) {
        let detail = format!(
            "it needs {} parts and max_parts is {}; shorten it, or raise max_parts",
            parts.len(),
            submission.max_parts
        );
        return Err(refuse(RefusalCode::TooLong, detail, field));
    }
    Ok(parts)
}

/// What makes two submissions the same: everything that the client chose, but not the id and not the clock.
fn digest(submission: &Submission) -> [u8; 32] {
    let Submission { id: _, to, body, sim, priority, send_at, expires_at: _, report, .. } = submission;
    let Submission { class, encoding, max_parts, on_uncertain, tags, .. } = submission;
    let mut hash = Sha256::new();
    let mut field = |octets: &[u8]| {
        hash.update((octets.len() as u64).to_be_bytes());
        hash.update(octets);
    };
    field(to.as_str().as_bytes());
    match body {
        Body::Text(text) => field(text.as_bytes()),
        Body::Data { port, octets } => {
            field(format!("data {port:?}").as_bytes());
            field(octets);
        }
    }
    field(sim.as_ref().map_or("", Label::as_str).as_bytes());
    let rest =
        format!("{priority:?} {send_at:?} {report} {class:?} {encoding:?} {max_parts} {on_uncertain:?} {tags:?}");
    field(rest.as_bytes());
    hash.finalize().into()
}

fn receipt(((id, parts), accepted): ((MessageId, usize), Accepted)) -> Receipt {
    let (state, repeated) = match accepted {
        Accepted::Repeated(_, state) => (state, true),
        Accepted::New(_) | Accepted::IdReused => (PublicState::Queued, false),
    };
    Receipt { id, state, repeated, parts: u8::try_from(parts).unwrap_or(u8::MAX) }
}

fn refuse(code: RefusalCode, detail: impl Into<String>, field: &str) -> Refusal {
    Refusal::new(code, detail).at(field)
}

fn named(mut refusal: Refusal, pointer: &str) -> Refusal {
    if refusal.field.as_deref() == Some("/to") {
        refusal.field = Some(pointer.to_owned());
    }
    refusal
}

fn not_found(id: &MessageId) -> Refusal {
    Refusal { id: Some(id.to_string()), ..Refusal::new(RefusalCode::NotFound, "no message has this id") }
}

fn refused_by_store(error: StoreError) -> Refusal {
    let code = if error.is_passing() { RefusalCode::QueueFull } else { RefusalCode::Internal };
    Refusal::new(code, error.to_string())
}
