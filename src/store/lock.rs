//! One gateway a state directory: a locked file that names who holds it.

use nix::fcntl::{Flock, FlockArg};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held for as long as the process lives; the kernel frees it however the process ends.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code, reason = "held, not read")] Flock<File>);

/// Why the lock was not got.
#[derive(Debug)]
pub(super) enum LockError {
    /// Another process has it: what it wrote about itself.
    Held(String),
    Io(std::io::Error),
}

/// Takes the lock and writes this process into it.
pub(super) fn take(path: &Path) -> Result<Lock, LockError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(LockError::Io)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            let written = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| {
                let me = std::env::current_exe().unwrap_or_default();
                writeln!(lock, "pid {} ({})", std::process::id(), me.display())
            });
            written.map_err(LockError::Io)?;
            Ok(Lock(lock))
        }
        Err((mut file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut holder = String::new();
            // Only for the message: an unreadable name is no reason to go on.
            let _ = Read::by_ref(&mut file).take(200).read_to_string(&mut holder);
            Err(LockError::Held(holder.trim().to_owned()))
        }
        Err((_, errno)) => Err(LockError::Io(errno.into())),
    }
}
