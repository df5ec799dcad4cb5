//! The youngest committed events, in memory: a bridge that keeps up never has to read the file.

use crate::model::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Events kept at most.
const KEPT: usize = 512;

/// A run of events without a gap that ends with the last committed one. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Recent(Arc<Mutex<VecDeque<Event>>>);

impl Recent {
    /// Takes what a commit wrote, in order. `None`: an event that has to be read from the file.
    pub(super) fn add(&self, events: impl Iterator<Item = Option<Event>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            match event {
                Some(event) => kept.push_back(event),
                // The run begins anew behind it.
                None => kept.clear(),
            }
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
    }

    /// Events after `seq`, at most `limit`. `None`: the next one is not here.
    pub(super) fn after(&self, seq: u64, limit: usize) -> Option<Vec<Event>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = kept.front()?.seq;
        let skip = usize::try_from((seq + 1).checked_sub(first)?).ok()?;
        let found: Vec<Event> = kept.iter().skip(skip).take(limit).cloned().collect();
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EventKind, Refusal, RefusalCode, Timestamp};

    fn event(seq: u64) -> Option<Event> {
        let refusal = Refusal::new(RefusalCode::InvalidJson, seq.to_string());
        Some(Event { seq, at: Timestamp(0), kind: EventKind::Refused(refusal) })
    }

    fn seqs(recent: &Recent, after: u64, limit: usize) -> Option<Vec<u64>> {
        Some(recent.after(after, limit)?.iter().map(|event| event.seq).collect())
    }

    #[test]
    fn holds_a_run_without_a_gap() {
        let recent = Recent::default();
        assert_eq!(seqs(&recent, 0, 9), None);
        recent.add([event(4), event(5), event(6)].into_iter());
        for (after, limit, want) in
            [(2, 9, None), (3, 9, Some(vec![4, 5, 6])), (3, 2, Some(vec![4, 5])), (5, 9, Some(vec![6])), (6, 9, None)]
        {
            assert_eq!(seqs(&recent, after, limit), want, "{after} {limit}");
        }
        recent.add([None, event(8)].into_iter());
        assert_eq!((seqs(&recent, 5, 9), seqs(&recent, 7, 9)), (None, Some(vec![8])));
    }

    #[test]
    fn is_bounded() {
        let recent = Recent::default();
        recent.add((1..=1000).map(event));
        assert_eq!(seqs(&recent, 1000 - KEPT as u64, 1).unwrap(), [1001 - KEPT as u64]);
        assert_eq!(seqs(&recent, 1, 1), None);
    }
}
