//! A message memory of a SIM or a modem: numbered slots. 3GPP TS 27.005 §3.2.2.

/// `<stat>` of a stored message. 3GPP TS 27.005 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stat {
    /// Received, not read yet.
    Unread = 0,
    /// Received and read.
    Read = 1,
    /// Written, not sent.
    Unsent = 2,
    /// Written and sent.
    Sent = 3,
}

/// One stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    /// The number of the message in this lab; 0 for one that the host wrote.
    pub(super) id: u64,
    pub(super) stat: Stat,
    /// SMSC field and TPDU.
    pub(super) pdu: Vec<u8>,
    pub(super) tpdu_octets: usize,
}

/// A memory of fixed size. Indices are the host's, from `first` on.
#[derive(Debug)]
pub(super) struct Storage {
    first: u16,
    slots: Vec<Option<Stored>>,
}

impl Storage {
    /// A memory whose indices all fit in 16 bits.
    pub(super) fn new(slots: u16, first: u16) -> Storage {
        let slots = slots.min(u16::MAX - first);
        Storage { first, slots: vec![None; usize::from(slots)] }
    }

    /// Puts a message into the lowest free slot; `None` when there is none.
    pub(super) fn put(&mut self, message: Stored) -> Option<u16> {
        let at = self.slots.iter().position(Option::is_none)?;
        self.slots[at] = Some(message);
        Some(self.index(at))
    }

    pub(super) fn slot(&mut self, index: u16) -> Option<&mut Option<Stored>> {
        self.slots.get_mut(usize::from(index.checked_sub(self.first)?))
    }

    /// The stored messages with their indices, lowest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut Stored)> {
        let first = self.first;
        self.slots.iter_mut().enumerate().filter_map(move |(at, slot)| Some((first + at as u16, slot.as_mut()?)))
    }

    pub(super) fn used(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    pub(super) fn total(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.used() == self.total()
    }

    fn index(&self, at: usize) -> u16 {
        self.first + at as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u64) -> Stored {
        Stored { id, stat: Stat::Unread, pdu: vec![0], tpdu_octets: 0 }
    }

    #[test]
    fn lowest_free_slot_first() {
        let mut memory = Storage::new(3, 1);
        assert_eq!((1..=4).map(|id| memory.put(message(id))).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), None]);
        assert!(memory.is_full());
        assert_eq!(memory.slot(2).unwrap().take().unwrap().id, 2);
        assert_eq!(memory.put(message(5)), Some(2));
        assert_eq!(memory.iter_mut().map(|(index, m)| (index, m.id)).collect::<Vec<_>>(), [(1, 1), (2, 5), (3, 3)]);
    }

    #[test]
    fn indices_outside_are_none() {
        let mut memory = Storage::new(2, 0);
        assert!(memory.slot(0).is_some());
        assert!(memory.slot(1).is_some());
        assert!(memory.slot(2).is_none());
        assert!(Storage::new(2, 1).slot(0).is_none());
        assert!(Storage::new(2, 1).slot(u16::MAX).is_none());
        assert_eq!(Storage::new(0, 1).put(message(1)), None);
        assert_eq!(Storage::new(9, u16::MAX - 1).total(), 1);
    }
}
