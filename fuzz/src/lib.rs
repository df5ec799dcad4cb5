//! The codec and the AT language alone, from their sources: the targets need nothing else of the gateway, and build in
//! seconds.

#![allow(dead_code)]

#[path = "../../src/at/mod.rs"]
pub mod at;
#[path = "../../src/tpdu/mod.rs"]
pub mod tpdu;

use tpdu::{Dcs, Direction, Pdu, Tpdu, UserData, dump, join};

/// Nothing that is read becomes longer. RELIABILITY T-04.
pub const MAX_OUT_OCTETS: usize = 64 * 1024;

/// What can be read can be written, and is then read as the same; its text is not longer than it may be.
pub fn there_and_back<T: Tpdu + PartialEq + std::fmt::Debug>(octets: &[u8], text: fn(&T) -> Option<(Dcs, &UserData)>) {
    let Ok(pdu) = Pdu::<T>::from_octets(octets) else { return };
    if let Some((dcs, ud)) = text(&pdu.tpdu) {
        assert!(join::text(&[(&dcs, ud), (&dcs, ud)]).len() <= MAX_OUT_OCTETS);
        let _ = tpdu::wap::Push::of(ud);
    }
    // A name as the service centre has no length of its own: one septet may come or go.
    if pdu.smsc.as_ref().is_some_and(tpdu::Address::is_alphanumeric) {
        return;
    }
    // What is longer than the standard allows is read, and not written.
    if let Ok((again, _)) = pdu.encode() {
        assert_eq!(Pdu::<T>::from_octets(&again).as_ref(), Ok(&pdu));
    }
}

/// Fields follow each other without gaps and end where the octets end.
pub fn dumped(octets: &[u8], direction: Direction) {
    let Ok(lines) = dump(octets, direction) else { return };
    let mut end = 0;
    for line in &lines {
        assert!(line.start == end || line.start + line.len == end, "{line:?} after {end}");
        end = line.start + line.len;
    }
    assert_eq!(end, octets.len());
    assert!(lines.iter().map(|line| line.value.len()).sum::<usize>() <= MAX_OUT_OCTETS);
}
