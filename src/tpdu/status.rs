//! TP-ST, status: what became of a message.

use std::fmt;

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
    /// 0x60 to 0x7F: the centre gave up; what is over it too, as if it were 0x63. Reserved values below count with their
    /// range: a centre that says one means at least that it still tries, or not.
    GaveUp,
}

impl StatusCategory {
    /// The category in one word.
    pub fn word(self) -> &'static str {
        match self {
            StatusCategory::Delivered => "delivered",
            StatusCategory::Unconfirmed => "unconfirmed",
            StatusCategory::Pending => "pending",
            StatusCategory::Permanent => "permanent",
            StatusCategory::GaveUp => "gave_up",
        }
    }
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

/// What it says, in the standard's words. 3GPP TS 23.040 §9.2.3.15.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0x00 => "received by the SME",
            0x01 => "forwarded to the SME, delivery not confirmed",
            0x02 => "replaced by the service centre",
            0x20 | 0x60 => "congestion",
            0x21 | 0x61 => "SME busy",
            0x22 | 0x62 => "no response from SME",
            0x23 | 0x63 => "service rejected",
            0x24 | 0x44 | 0x64 => "quality of service not available",
            0x25 | 0x65 => "error in SME",
            0x40 => "remote procedure error",
            0x41 => "incompatible destination",
            0x42 => "connection rejected by SME",
            0x43 => "not obtainable",
            0x45 => "no interworking available",
            0x46 => "validity period expired",
            0x47 => "deleted by the originating SME",
            0x48 => "deleted by the service centre's administration",
            0x49 => "message does not exist",
            0x10..=0x1F | 0x30..=0x3F | 0x50..=0x5F | 0x70..=0x7F => "service centre's own value",
            _ => "reserved value",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::StatusCategory::{Delivered, GaveUp, Pending, Permanent, Unconfirmed};
    use super::*;

    /// The values that 3GPP TS 23.040 §9.2.3.15 gives a meaning. Errors are the same whether the centre goes on or not.
    #[test]
    fn every_status_of_the_standard_says_what_it_is() {
        let shown = |st| Status(st).to_string();
        let defined = (0x00..=0x02).chain(0x20..=0x25).chain(0x40..=0x49).chain(0x60..=0x65);
        for st in 0x00..=0x7F {
            let own = matches!(st, 0x10..=0x1F | 0x30..=0x3F | 0x50..=0x5F | 0x70..=0x7F);
            let says = !["service centre's own value", "reserved value"].contains(&shown(st).as_str());
            assert_eq!(says, defined.clone().any(|each| each == st), "{st:02X}");
            assert_eq!(shown(st) == "service centre's own value", own, "{st:02X}");
        }
        for still in 0x20..=0x25 {
            assert_eq!(shown(still), shown(still + 0x40), "{still:02X}");
        }
        let permanent: std::collections::BTreeSet<_> = (0x40..=0x49).map(shown).collect();
        assert_eq!(permanent.len(), 10);
    }

    /// First and last of each range of 3GPP TS 23.040 §9.2.3.15.
    #[test]
    fn table_of_statuses() {
        for (st, category, shown) in [
            (0x00, Delivered, "received by the SME"),
            (0x01, Unconfirmed, "forwarded to the SME, delivery not confirmed"),
            (0x02, Unconfirmed, "replaced by the service centre"),
            (0x03, Unconfirmed, "reserved value"),
            (0x1F, Unconfirmed, "service centre's own value"),
            (0x20, Pending, "congestion"),
            (0x3F, Pending, "service centre's own value"),
            (0x40, Permanent, "remote procedure error"),
            (0x46, Permanent, "validity period expired"),
            (0x5F, Permanent, "service centre's own value"),
            (0x60, GaveUp, "congestion"),
            (0x63, GaveUp, "service rejected"),
            (0x7F, GaveUp, "service centre's own value"),
            (0x80, GaveUp, "reserved value"),
            (0xFF, GaveUp, "reserved value"),
        ] {
            let ours = Status(st);
            assert_eq!((ours.category(), ours.to_string().as_str()), (category, shown), "{st:#04x}");
        }
    }
}
