//! Small numbers that stand for what must not be shown.

use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// Values of a kind that have a pseudonym at a time; the one that has waited longest loses it.
const KNOWN: usize = 256;
/// Pseudonyms count to here and begin again: with zeros around, nothing of a number can stand in them by chance.
const MOST: u16 = 999;

/// Small numbers for values that must not be shown. Digests are kept, not the values.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    known: VecDeque<([u8; 32], u16)>,
    last: u16,
}

impl Pseudonyms {
    /// The number of a value: the same for the same.
    pub(super) fn of(&mut self, value: &[u8]) -> u16 {
        let digest: [u8; 32] = Sha256::digest(value).into();
        if let Some((_, n)) = self.known.iter().find(|(known, _)| *known == digest) {
            return *n;
        }
        self.last = self.last % MOST + 1;
        if self.known.len() == KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((digest, self.last));
        self.last
    }
}

/// The last digits of a number, with zeros in front.
pub(super) fn padded(n: u16, len: usize) -> String {
    let digits = format!("{n:0>len$}");
    digits[digits.len() - len..].to_owned()
}
