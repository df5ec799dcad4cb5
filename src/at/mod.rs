//! What modems say and hear: V.250, 3GPP TS 27.007 and 27.005 as values, and one exchange as a sans-IO engine.

pub mod command;
pub mod engine;
pub mod line;
pub mod net;
pub mod params;
pub mod result;
pub mod sim;
pub mod sms;
mod typed;
pub mod urc;

pub use command::{BroadcastList, Command, Expect, Memory, Payload, Pin, ServiceCentre, UssdString};
pub use engine::{Answer, Engine, Event};
pub use params::{Param, Params};
pub use result::{CmeError, CmsError, FinalResult};
pub use typed::{NotATypedLine, TypedLine};
pub use urc::Urc;
