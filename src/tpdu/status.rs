//! TP-ST, status: what became of a message.

/// Status. Every octet is kept; [`Status::category`] reads it. TP-ST, 3GPP TS 23.040 §9.2.3.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Status(pub u8);

/// What a status means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusCategory {
    /// 0x00: in the recipient's phone.
    Delivered,
    /// 0x01 to 0x1F: the centre is done with it, but does not say that it arrived.
    Unconfirmed,
    /// 0x20 to 0x3F: the centre still tries; another report may come.
    Pending,
    /// 0x40 to 0x5F: it cannot be delivered.
    Permanent,
    /// 0x60 to 0x7F: the centre gave up; all reserved values too, which are to be taken as 0x63.
    GaveUp,
}

impl Status {
    /// What it means for the message.
    pub fn category(self) -> StatusCategory {
        match self.0 {
            0x00 => StatusCategory::Delivered,
            0x01..=0x1F => StatusCategory::Unconfirmed,
            0x20..=0x3F => StatusCategory::Pending,
            0x40..=0x5F => StatusCategory::Permanent,
            _ => StatusCategory::GaveUp,
        }
    }
}
