//! The only module that says SQL: the durable queue, the event log, and what was received.

mod types;

use crate::model::{Event, Iccid, MessageId, MessageView, PublicState, QueueCounts, Refusal, StatusChange, Timestamp};
pub use types::{Accepted, Claim, Due, NewMessage, PendingPart, Recovered, Step, Undecided, Verdict, Work};
/// Why the store could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store has failed or is closed; nothing was changed.
    #[error("the store does not accept changes any more")]
    Closed,
    /// There is no room for more messages.
    #[error("the queue is full")]
    Full,
}
/// The store: cheap to clone.
#[derive(Debug, Clone)]
pub struct Store;
/// Why a message could not be taken back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// No message has this id.
    #[error("no message has this id")]
    NotFound,
    /// It is being sent, or final.
    #[error("the message is {} already", .0.word())]
    TooLate(PublicState),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
impl Store {
    /// STUB
    pub async fn accept(&self, _m: Vec<NewMessage>, _now: Timestamp) -> Result<Vec<Accepted>, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn refuse(&self, _r: Refusal, _now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn cancel(&self, _id: MessageId, _now: Timestamp) -> Result<PublicState, CancelError> {
        Err(StoreError::Closed.into())
    }
    /// STUB
    pub async fn message(&self, _id: MessageId) -> Result<Option<MessageView>, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn events(&self, _after: u64, _limit: usize) -> Result<Vec<Event>, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub fn committed(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
    /// STUB
    pub fn log_id(&self) -> &str {
        ""
    }
    /// STUB
    pub async fn cursor(&self, _bridge: &'static str) -> Result<u64, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub fn acknowledge(
        &self,
        _bridge: &'static str,
        _upto: u64,
        _parked: Vec<(u64, String)>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn open_statuses(&self) -> Result<Vec<StatusChange>, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn counts(&self) -> Result<QueueCounts, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub fn step(&self, _steps: Vec<Step>) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn due(&self, _now: Timestamp, _limit: usize) -> Result<Due, StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn expire(&self, _now: Timestamp) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }
    /// STUB
    pub async fn armed_since(&self, _iccid: Iccid, _t: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
        Err(StoreError::Closed)
    }
}
