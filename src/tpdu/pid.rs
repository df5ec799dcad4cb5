//! TP-PID, protocol identifier: what a message is besides a text to a person.

use std::fmt;

/// Protocol identifier. Every octet is kept. TP-PID, 3GPP TS 23.040 §9.2.3.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pid(pub u8);

impl Pid {
    /// 0x40: short message type 0, acknowledged and thrown away without a trace ("silent SMS").
    pub fn is_type_0(self) -> bool {
        self.0 == 0x40
    }

    /// 0x41 to 0x47: replaces an earlier message of the same number, 1 to 7, from the same sender.
    pub fn replace_type(self) -> Option<u8> {
        matches!(self.0, 0x41..=0x47).then_some(self.0 & 0x07)
    }
}

/// What it says, for a dump. 3GPP TS 23.040 §9.2.3.9.
impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(n) = self.replace_type() {
            return write!(f, "replaces the sender's earlier message of type {n}");
        }
        f.write_str(match self.0 {
            0x00 => "short message",
            0x01..=0x1F => "SME to SME protocol",
            0x21 => "telex",
            0x22 => "group 3 telefax",
            0x23 => "group 4 telefax",
            0x24 => "voice telephone",
            0x25 => "ERMES",
            0x26 => "national paging",
            0x31 => "message handling facility (X.400)",
            0x32 => "Internet e-mail",
            0x20..=0x3F => "telematic interworking",
            0x40 => "type 0: acknowledged, shown to nobody",
            0x48 => "device triggering",
            0x5E => "enhanced message service",
            0x5F => "return call message",
            0x7C => "ANSI-136 R-DATA",
            0x7D => "ME data download",
            0x7E => "ME de-personalisation",
            0x7F => "SIM data download",
            0x41..=0xBF => "reserved",
            0xC0..=0xFF => "service centre's own",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_identifiers() {
        for (pid, type_0, replace, shown) in [
            (0x00, false, None, "short message"),
            (0x0F, false, None, "SME to SME protocol"),
            (0x22, false, None, "group 3 telefax"),
            (0x39, false, None, "telematic interworking"),
            (0x40, true, None, "type 0: acknowledged, shown to nobody"),
            (0x41, false, Some(1), "replaces the sender's earlier message of type 1"),
            (0x47, false, Some(7), "replaces the sender's earlier message of type 7"),
            (0x48, false, None, "device triggering"),
            (0x7F, false, None, "SIM data download"),
            (0x80, false, None, "reserved"),
            (0xFF, false, None, "service centre's own"),
        ] {
            let ours = Pid(pid);
            let read = (ours.is_type_0(), ours.replace_type(), ours.to_string());
            assert_eq!(read, (type_0, replace, shown.to_owned()), "{pid:#04x}");
        }
    }
}
