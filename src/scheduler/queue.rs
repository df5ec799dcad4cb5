//! The due messages that are in memory: a small window on the store's queue, and what of it is under way.

use crate::model::MessageKey;
use crate::store::{Due, Work};
use std::collections::{HashMap, HashSet, VecDeque};

/// Messages whose SIM is not there now are set aside up to this number; more of them wait in the store.
const ASIDE: usize = 4096;

/// The window. A message is *held* from the moment it enters until the last of its parts in hand has ended.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Messages with parts to give, by priority and then by the order in which the store gave them.
    waiting: VecDeque<Work>,
    /// Messages that no SIM which is there and open now may carry.
    aside: Vec<Work>,
    /// Every message that is held.
    held: HashMap<MessageKey, Held>,
    /// A question to the store is under way; these were let go since, so its answer may be old news about them.
    let_go: Option<HashSet<MessageKey>>,
}

/// A message in the window.
#[derive(Debug, Default, Clone, Copy)]
struct Held {
    /// Its parts in hand.
    in_hand: usize,
    /// The store has parts of it that did not come along: it hands out some at a time.
    is_cut: bool,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Notes that the store was asked.
    pub(super) fn asked(&mut self) {
        self.let_go = Some(HashSet::new());
    }

    /// Takes the store's answer. Returns how many messages were new.
    pub(super) fn answered(&mut self, due: Due) -> usize {
        let let_go = self.let_go.take().unwrap_or_default();
        let before = self.waiting.len();
        for work in due.work {
            if !self.held.contains_key(&work.key) && !let_go.contains(&work.key) {
                let is_cut = usize::from(work.total) > work.parts.len();
                self.held.insert(work.key, Held { in_hand: 0, is_cut });
                self.insert(work);
            }
        }
        self.waiting.len() - before
    }

    fn insert(&mut self, work: Work) {
        let index = self.waiting.partition_point(|other| other.priority >= work.priority);
        self.waiting.insert(index, work);
    }

    pub(super) fn work(&mut self, index: usize) -> &mut Work {
        &mut self.waiting[index]
    }

    /// Parts of the message that are in hand.
    pub(super) fn in_hand(&self, key: MessageKey) -> usize {
        self.held.get(&key).map_or(0, |held| held.in_hand)
    }

    /// A part of the message at `index` is in hand now.
    pub(super) fn given(&mut self, index: usize) {
        self.held.entry(self.waiting[index].key).or_default().in_hand += 1;
    }

    /// Takes the message out of the window; it stays held while parts are in hand.
    pub(super) fn remove(&mut self, index: usize) {
        if let Some(work) = self.waiting.remove(index) {
            self.release_if_idle(work.key);
        }
    }

    /// Sets the message aside until [`Queue::bring_back`]. False: there is no room, and it stays where it is.
    pub(super) fn set_aside(&mut self, index: usize) -> bool {
        let work = (self.aside.len() < ASIDE).then(|| self.waiting.remove(index)).flatten();
        work.map(|work| self.aside.push(work)).is_some()
    }

    /// The SIMs changed, or one opened: everything set aside is looked at again.
    pub(super) fn bring_back(&mut self) {
        for work in std::mem::take(&mut self.aside) {
            self.insert(work);
        }
    }

    /// A part ended. When it did not get through, the rest of its message leaves the window: parts go in order.
    /// True: the message left, and the store may have more of it.
    pub(super) fn ended(&mut self, key: MessageKey, got_through: bool) -> bool {
        let is_cut = self.held.get_mut(&key).is_some_and(|held| {
            held.in_hand = held.in_hand.saturating_sub(1);
            held.is_cut
        });
        if !got_through {
            self.waiting.retain(|work| work.key != key);
            self.aside.retain(|work| work.key != key);
        }
        self.release_if_idle(key);
        is_cut && !self.held.contains_key(&key)
    }

    fn release_if_idle(&mut self, key: MessageKey) {
        let in_hand = self.held.get(&key).map(|held| held.in_hand);
        if in_hand == Some(0) && !self.waiting.iter().chain(&self.aside).any(|work| work.key == key) {
            self.held.remove(&key);
            if let Some(let_go) = &mut self.let_go {
                let_go.insert(key);
            }
        }
    }
}
