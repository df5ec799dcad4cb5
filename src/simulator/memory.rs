//! A modem's line in memory: what a pty is to another process, for a host in this one.

use tokio::io::{DuplexStream, duplex};

/// Octets that may be under way in each direction.
const CAPACITY: usize = 64 * 1024;

/// A new line: the modem's end, and the host's, which reads end-of-file once the modem is unplugged.
pub(super) fn pair() -> (DuplexStream, DuplexStream) {
    duplex(CAPACITY)
}
