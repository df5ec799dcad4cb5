//! Whether the disk has room for what was promised: watermarks, and a ballast that is thrown out when it has none
//! (RELIABILITY §2.3).

use crate::model::StoreState;
use nix::sys::statvfs::statvfs;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Below so much free space nothing is accepted or armed: the results of what is in the air still find room.
const FULL: u64 = 64 << 20;
/// Below so much, what has time is refused.
const LOW: u64 = 256 << 20;
/// Room that is kept for results, should others fill the disk.
const BALLAST: u64 = 16 << 20;
/// On a small disk these are parts of it, in per cent.
const FULL_PER_CENT: u64 = 5;
const LOW_PER_CENT: u64 = 15;

/// The file system of the state directory.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    dir: PathBuf,
    ballast: PathBuf,
}

/// Octets that are free for us, and in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Space {
    free: u64,
    total: u64,
}

impl Space {
    fn state(self) -> StoreState {
        match self.free {
            free if free < self.share(FULL_PER_CENT).min(FULL) => StoreState::Full,
            free if free < self.share(LOW_PER_CENT).min(LOW) => StoreState::Low,
            _ => StoreState::Ok,
        }
    }

    fn share(self, per_cent: u64) -> u64 {
        self.total / 100 * per_cent
    }

    fn ballast(self) -> u64 {
        self.share(FULL_PER_CENT).min(BALLAST)
    }
}

impl Disk {
    pub(super) fn of(dir: &Path) -> Disk {
        Disk { dir: dir.to_owned(), ballast: dir.join("ballast") }
    }

    /// How much room there is. A file system that does not tell has enough until a write fails.
    pub(super) fn state(&self) -> StoreState {
        self.space().map_or(StoreState::Ok, Space::state)
    }

    /// Where it is noted that the database failed of a damage which a start does not find.
    pub(super) fn suspicion(&self) -> PathBuf {
        self.dir.join("suspect")
    }

    /// What it would be with so many octets more.
    pub(super) fn state_with(&self, octets: u64) -> StoreState {
        let after = |space: Space| Space { free: space.free.saturating_sub(octets), ..space };
        self.space().map_or(StoreState::Ok, |space| after(space).state())
    }

    fn space(&self) -> Option<Space> {
        let told = statvfs(&self.dir).ok()?;
        let block = told.fragment_size();
        // The types of the fields differ between platforms.
        #[allow(clippy::useless_conversion, reason = "u32 on 32 bit")]
        let octets = |blocks: nix::libc::fsblkcnt_t| u64::from(blocks).saturating_mul(u64::from(block));
        Some(Space { free: octets(told.blocks_available()), total: octets(told.blocks()) })
    }

    /// Lays the ballast where it is missing and there is room for it.
    pub(super) fn lay_ballast(&self) {
        let Some(space) = self.space() else { return };
        let octets = space.ballast();
        let is_laid = fs::metadata(&self.ballast).is_ok_and(|file| file.len() >= octets);
        let after = Space { free: space.free.saturating_sub(octets), ..space };
        if is_laid || after.state() == StoreState::Full {
            return;
        }
        if let Err(error) = fill(&self.ballast, octets) {
            tracing::warn!(%error, "no ballast: should the disk be filled by others, results go to the journal beside the database");
            self.throw_ballast();
        }
    }

    /// Makes room for results; true when there was a ballast.
    pub(super) fn throw_ballast(&self) -> bool {
        fs::remove_file(&self.ballast).is_ok()
    }
}

/// A file of so many octets that are really there, durable.
pub(super) fn fill(path: &Path, octets: u64) -> io::Result<()> {
    static PIECE: [u8; 1 << 16] = [0; 1 << 16];
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut left = octets;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE.len());
        file.write_all(&PIECE[..n])?;
        left -= n as u64;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_watermarks() {
        const MIB: u64 = 1 << 20;
        for (free, total, want) in [
            (300 * MIB, 32 << 30, StoreState::Ok),
            (255 * MIB, 32 << 30, StoreState::Low),
            (63 * MIB, 32 << 30, StoreState::Full),
            // A disk of a hundred MiB.
            (16 * MIB, 100 * MIB, StoreState::Ok),
            (14 * MIB, 100 * MIB, StoreState::Low),
            (4 * MIB, 100 * MIB, StoreState::Full),
            (0, 0, StoreState::Ok),
        ] {
            assert_eq!(Space { free, total }.state(), want, "{free} of {total}");
        }
    }

    #[test]
    fn a_ballast_is_laid_once_and_thrown_out() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path());
        disk.lay_ballast();
        let laid = fs::metadata(dir.path().join("ballast")).unwrap();
        disk.lay_ballast();
        assert_eq!(fs::metadata(dir.path().join("ballast")).unwrap().modified().unwrap(), laid.modified().unwrap());
        assert!(laid.len() > 0 && disk.throw_ballast() && !disk.throw_ballast());
    }
}
