//! What WAP push carries: notifications of multimedia messages, service indications and loadings.
//! WAP-235-PushOTA, WAP-230-WSP, OMA-MMS-ENC, WAP-167-ServiceInd, WAP-168-ServiceLoad.

mod mms;
mod push;
mod wbxml;
mod wsp;

pub use mms::{Expiry, MmsNotification};
pub use push::{Body, Push};
pub use wbxml::{Action, Indication, Loading};

/// Connectionless push. WAP-259-WDP, appendix B.
pub const PUSH_PORT: u16 = 2948;
