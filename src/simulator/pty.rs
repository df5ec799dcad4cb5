//! A modem's line on a pty: the master end as a byte stream, the slave under a stable link.

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{BaudRate, SetArg, cfmakeraw, cfsetspeed, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;

/// One pty. Dropping it hangs up: the host reads end-of-file, and its writes fail with EIO.
#[derive(Debug)]
pub(super) struct Pty {
    master: AsyncFd<PtyMaster>,
    /// Held open, so that a host's close is no hang-up and the master never reads EIO, as on a UART.
    _slave: File,
    path: PathBuf,
    link: Option<PathBuf>,
}

impl Pty {
    /// A new pty without a link.
    pub(super) fn open() -> io::Result<Pty> {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = PathBuf::from(ptsname_r(&master)?);
        let noctty = OFlag::O_NOCTTY.bits();
        let slave = OpenOptions::new().read(true).write(true).custom_flags(noctty).open(&path)?;
        // Raw before the first octet: a cooked line would echo the modem's URCs back to the modem.
        let mut termios = tcgetattr(&slave)?;
        cfmakeraw(&mut termios);
        cfsetspeed(&mut termios, BaudRate::B115200)?;
        tcsetattr(&slave, SetArg::TCSANOW, &termios)?;
        Ok(Pty { master: watched(master)?, _slave: slave, path, link: None })
    }

    /// Makes `link` point here, whatever it pointed to.
    pub(super) fn link(&mut self, link: &Path) -> io::Result<()> {
        let fresh = link.with_extension("new");
        remove(&fresh)?;
        symlink(&self.path, &fresh)?;
        std::fs::rename(&fresh, link)?;
        self.link = Some(link.to_owned());
        Ok(())
    }

    /// `Pending` when the host has written nothing.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.master.poll_read_ready(cx))?;
            if let Ok(result) = guard.try_io(|master| master.get_ref().read(octets)) {
                return Poll::Ready(result);
            }
        }
    }

    /// `Pending` when the host has not read for so long that the pty is full.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.master.poll_write_ready(cx))?;
            if let Ok(result) = guard.try_io(|master| master.get_ref().write(octets)) {
                return Poll::Ready(result);
            }
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // The link goes with the device, unless it already points to another one.
        let Some(link) = self.link.take() else { return };
        if std::fs::read_link(&link).is_ok_and(|target| target == self.path)
            && let Err(error) = remove(&link)
        {
            tracing::warn!(%error, link = %link.display(), "link of a virtual modem not removed");
        }
    }
}

/// The safe constructor is deprecated because a type could change its descriptor under it; `PtyMaster` owns one for good.
#[allow(deprecated, reason = "its replacement is unsafe")]
fn watched(master: PtyMaster) -> io::Result<AsyncFd<PtyMaster>> {
    AsyncFd::new(master)
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
