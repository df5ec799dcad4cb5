//! What is remembered of PINs.

/// What became of a PIN in a SIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinMark {
    /// It is about to be entered; nobody knows how that ended.
    Tried,
    /// The SIM took it.
    Accepted,
    /// The SIM did not take it.
    Refused,
}

/// What is remembered of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinRecord {
    /// In this SIM.
    pub here: Option<PinMark>,
    /// Other PINs that this SIM has not taken, or that were entered with an end that nobody knows.
    pub others_wrong: u8,
    /// Another SIM in the same modem has taken it.
    pub fits_another: bool,
}
