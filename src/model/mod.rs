//! The words that all parts of the gateway share: values only, no I/O, no clock.

mod event;
mod failure;
mod ids;
mod message;
mod notice;
mod number;
mod outcome;
mod part;
mod pin;
mod view;
mod words;

pub use crate::tpdu::{Choice, MessageClass, Scts};
pub use event::{Event, EventKind, InboundEvent, OrphanReport, RawInbound, Refusal, RefusalCode, StatusChange};
pub use failure::{Action, Blame, Failure, FailureCause, classify, is_busy};
pub use ids::{AttemptId, Iccid, IdError, Imei, Imsi, Label, MessageId, MessageKey, PartKey};
pub use message::{Body, OnUncertain, Priority, Submission, Timestamp};
pub use notice::{ModemNotice, Notice, NoticeKind};
pub use number::{Number, NumberError};
pub use outcome::{SendOutcome, UncertainReason};
pub use part::{PartState, PublicState, roll_up};
pub use pin::{PinMark, PinRecord};
pub use view::{
    AttemptView, Cell, MessageView, ModemPhase, ModemStatus, PartView, QueueCounts, Radio, RecoveryCounts,
    Registration, SimStatus, StorageLevel, StoreState,
};
