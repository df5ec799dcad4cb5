//! A place in octets, with errors that know it.

use super::error::{DecodeError, Detail};

/// Reads forward; every step names the field it reads.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
    /// Where the first of the octets is in what was given.
    base: usize,
}

impl<'a> Reader<'a> {
    /// Starts at octet `at`, so that places in errors are those of the whole PDU.
    pub(super) fn new(octets: &'a [u8], at: usize) -> Reader<'a> {
        Reader { octets, at: at.min(octets.len()), base: 0 }
    }

    /// A reader of the next `n` octets only, which this one goes past.
    pub(super) fn within(&mut self, field: &'static str, n: usize) -> Result<Reader<'a>, DecodeError> {
        let base = self.at();
        Ok(Reader { octets: self.take(field, n)?, at: 0, base })
    }

    /// Where the next octet is.
    pub(super) fn at(&self) -> usize {
        self.base + self.at
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.octets[self.at..]
    }

    /// The next octet.
    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let [octet] = self.array(field)?;
        Ok(octet)
    }

    /// The next `N` octets.
    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        match self.rest().first_chunk() {
            Some(octets) => {
                self.at += N;
                Ok(*octets)
            }
            None => Err(self.truncated(field, N)),
        }
    }

    /// The next `n` octets.
    pub(super) fn take(&mut self, field: &'static str, n: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest().get(..n) {
            Some(octets) => {
                self.at += n;
                Ok(octets)
            }
            None => Err(self.truncated(field, n)),
        }
    }

    fn truncated(&self, field: &'static str, need: usize) -> DecodeError {
        DecodeError { field, octet: self.at(), detail: Detail::Truncated { need, left: self.rest().len() } }
    }
}
