//! TP-PID, protocol identifier: what a message is besides a text to a person.

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
