//! How a modem is reached: a tty, a serial server over TCP, or a line in memory.

use super::port::{OpenError, Port};
use crate::clock;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// What a port begins with that is a serial server's: `tcp://host:port`, the octets as they are (ser2net's `raw`).
pub const TCP: &str = "tcp://";
/// How long a serial server may take to answer.
const CONNECT: Duration = Duration::from_secs(10);

/// An open line. Reading nothing means that it is gone.
#[derive(Debug)]
pub(super) enum Line {
    Tty(Port),
    Tcp(TcpStream),
    Memory(DuplexStream),
}

/// How ports are opened: as what their names say, or in memory.
#[derive(Clone, Default)]
pub struct Dial(Option<Arc<Dialer>>);

type Dialer = dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<DuplexStream>> + Send>> + Send + Sync;

impl Dial {
    /// Every port is a line in memory, which this answers.
    pub fn in_memory<F>(answer: impl Fn(String) -> F + Send + Sync + 'static) -> Dial
    where
        F: Future<Output = io::Result<DuplexStream>> + Send + 'static,
    {
        Dial(Some(Arc::new(move |port| Box::pin(answer(port)))))
    }

    pub(super) async fn open(&self, port: String, baud: u32) -> Result<Line, OpenError> {
        match &self.0 {
            None => Line::open(port, baud).await,
            Some(answer) => {
                answer(port.clone()).await.map(Line::Memory).map_err(|source| OpenError::Unreachable { port, source })
            }
        }
    }
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Dial(in memory)" } else { "Dial" })
    }
}

/// Equal where they are one.
impl PartialEq for Dial {
    fn eq(&self, other: &Dial) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Dial {}

impl Line {
    /// Opens a port: the path of a tty, or the address of a serial server.
    pub(super) async fn open(port: String, baud: u32) -> Result<Line, OpenError> {
        match port.strip_prefix(TCP) {
            Some(address) => connect(&port, address).await.map(Line::Tcp),
            None => open_tty(port, baud).await.map(Line::Tty),
        }
    }
}

async fn connect(port: &str, address: &str) -> Result<TcpStream, OpenError> {
    let unreachable = |source| OpenError::Unreachable { port: port.to_owned(), source };
    let connecting = clock::timeout(CONNECT, TcpStream::connect(address)).await;
    let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
    // A command is one small packet that nothing follows before its answer.
    stream.set_nodelay(true).map_err(unreachable)?;
    Ok(stream)
}

/// Opening may take as long as the device likes, so it happens beside the runtime.
async fn open_tty(path: String, baud: u32) -> Result<Port, OpenError> {
    let opening = tokio::task::spawn_blocking({
        let path = path.clone();
        move || Port::open(&path, baud)
    });
    opening.await.unwrap_or_else(|error| Err(OpenError::Io { port: path, source: io::Error::other(error) }))
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Tty(port) => Pin::new(port).poll_read(cx, buf),
            Line::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Line::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Line::Tty(port) => Pin::new(port).poll_write(cx, octets),
            Line::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            Line::Memory(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Tty(port) => Pin::new(port).poll_flush(cx),
            Line::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Line::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Line::Tty(port) => Pin::new(port).poll_shutdown(cx),
            Line::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Line::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_serial_server_is_a_line() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = format!("{TCP}{}", server.local_addr().unwrap());
        let mut line = Line::open(port.clone(), 0).await.unwrap();
        let (mut peer, _) = server.accept().await.unwrap();
        line.write_all(b"AT\r").await.unwrap();
        let mut heard = [0; 3];
        peer.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"AT\r");
        drop(peer);
        assert_eq!(line.read(&mut heard).await.unwrap(), 0, "it is gone");
        drop(server);
        let error = Line::open(port, 0).await.unwrap_err();
        assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    }
}
