//! Where a modem's line ends: on a pty, in memory, or nowhere.

use super::pty::Pty;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

#[derive(Debug)]
pub(super) enum Port {
    /// Unplugged, or no host has connected.
    Away,
    Pty(Pty),
    Memory(DuplexStream),
}

impl Port {
    /// 0 octets when the host is gone.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, octets: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Port::Away => Poll::Pending,
            Port::Pty(pty) => pty.poll_read(cx, octets),
            Port::Memory(stream) => {
                let mut buf = ReadBuf::new(octets);
                ready!(Pin::new(stream).poll_read(cx, &mut buf))?;
                Poll::Ready(Ok(buf.filled().len()))
            }
        }
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            // Nobody listens, as on a wire that is not plugged in.
            Port::Away => Poll::Ready(Ok(octets.len())),
            Port::Pty(pty) => pty.poll_write(cx, octets),
            Port::Memory(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }
}
