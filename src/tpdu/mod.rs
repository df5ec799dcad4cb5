//! The SMS codec: transfer protocol data units as 3GPP TS 23.040 lays them out and TS 23.038 writes their text.
//!
//! Octets in, values out, and back. Nothing here reads a clock, a file or a line; nothing panics on any octets.
//!
//! ```text
//! text ─ segment ─► Segment ─ user_data ─► Submit in a Pdu ─ to_hex ─► AT+CMGS
//! text ◄── join ─── UserData ◄── Deliver ◄── decode ── Incoming ◄── hex ◄── +CMT, +CMGL
//! ```

mod address;
pub mod advice;
pub mod broadcast;
mod cbs_dcs;
mod command;
mod dcs;
mod deliver;
mod deliver_report;
mod dump;
mod error;
mod etws;
mod failure_cause;
pub mod gsm7;
pub mod hex;
pub mod join;
mod parameters;
mod pdu;
mod pid;
mod reader;
pub mod segment;
mod status;
mod status_report;
mod submit;
mod submit_report;
mod time;
pub mod transliterate;
pub mod ucs2;
mod udh;
mod user_data;
pub mod ussd;
pub mod wap;

pub use address::{Address, NumberingPlan, TypeOfNumber};
pub use cbs_dcs::{CbsDcs, CbsLanguage};
pub use command::{Command, CommandType};
pub use dcs::{Alphabet, CodingGroup, Dcs, MessageClass, MessageWaiting, WaitingKind};
pub use deliver::Deliver;
pub use deliver_report::DeliverReport;
pub use dump::{Direction, FieldLine, dump, dump_broadcast};
pub use error::{DecodeError, Detail, EncodeError};
pub use etws::PrimaryNotification;
pub use failure_cause::{FailureCategory, FailureCause};
pub use parameters::Parameters;
pub use pdu::{Incoming, Outgoing, Pdu, Tpdu};
pub use pid::Pid;
pub use segment::{Choice, Layout, Segment, SegmentError};
pub use status::{Status, StatusCategory};
pub use status_report::StatusReport;
pub use submit::{MessageReference, Submit};
pub use submit_report::SubmitReport;
pub use time::{Scts, ValidityPeriod};
pub use udh::{Concat, Hyperlink, InformationElement, Ports, SpecialMessage, Udh};
pub use user_data::UserData;
