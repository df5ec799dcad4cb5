//! Word from the kernel that a device came or went.

use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram as StdDatagram;
use tokio::net::UnixDatagram;

/// What udev tells when its rules have run, and what the kernel tells before: where udev runs the second is too early by
/// a moment, where it does not (in a container) the first never comes.
const GROUPS: u32 = 2 | 1;
/// No message of theirs is longer.
const LONGEST: usize = 16 * 1024;

/// A socket on which such word comes. To be read, a datagram is a datagram, whatever family it is of.
#[derive(Debug)]
pub(super) struct Uevents(UnixDatagram);

impl Uevents {
    /// Listens. Needs a runtime. Errors: no netlink here, as in some sandboxes.
    pub(super) fn listen() -> io::Result<Uevents> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let kind = SockProtocol::NetlinkKObjectUEvent;
        let fd = socket(AddressFamily::Netlink, SockType::Datagram, flags, kind)?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        UnixDatagram::from_std(StdDatagram::from(fd)).map(Uevents)
    }

    /// Forgets what waits: who looks now sees all of it.
    pub(super) fn drain(&self) {
        while self.0.try_recv(&mut [0]).is_ok() {}
    }

    /// Waits until a tty or a USB device came or went. Cancel safe: what is missed meanwhile waits in the socket.
    pub(super) async fn next(&self) {
        let mut octets = vec![0; LONGEST];
        loop {
            match self.0.recv(&mut octets).await {
                Ok(n) if concerns_us(&octets[..n]) => return,
                Ok(_) => {}
                // Too many at once: some were dropped (ENOBUFS), so look.
                Err(_) => return,
            }
        }
    }
}

/// Both kinds of message hold `KEY=value` texts, each ended by a NUL.
fn concerns_us(message: &[u8]) -> bool {
    let fields = || message.split(|octet| *octet == 0);
    fields().any(|field| matches!(field, b"SUBSYSTEM=tty" | b"SUBSYSTEM=usb" | b"SUBSYSTEM=usb-serial"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks the kernel to tell of a tty again, which root may where sysfs can be written; elsewhere nothing is shown.
    #[tokio::test]
    async fn word_of_the_kernel_is_heard() {
        let uevents = Uevents::listen().unwrap();
        if let Err(error) = std::fs::write("/sys/class/tty/ptmx/uevent", "add") {
            return eprintln!("skipped: {error}");
        }
        tokio::time::timeout(std::time::Duration::from_secs(30), uevents.next()).await.unwrap();
    }

    #[test]
    fn only_ttys_and_usb_devices_concern_us() {
        assert!(concerns_us(b"add@/devices/x/ttyUSB0\0ACTION=add\0SUBSYSTEM=tty\0SEQNUM=9\0"));
        assert!(concerns_us(b"libudev\0\xfe\xed\xca\xfe....ACTION=remove\0SUBSYSTEM=usb\0"));
        assert!(!concerns_us(b"change@/devices/x\0ACTION=change\0SUBSYSTEM=block\0DEVNAME=tty\0"));
        assert!(!concerns_us(b""));
    }
}
