//! The tty: opened so that nobody else uses it and our death disturbs nothing.

use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};
use tracing::debug;

/// Where programs that share ttys put their lock files. FHS 3.0 §5.9.
const LOCKS: &str = "/run/lock";

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// There is no such tty now.
    #[error("{0} does not exist")]
    Missing(String),
    /// We may not.
    #[error("no permission to open {0}")]
    Denied(String),
    /// Somebody else has it.
    #[error("{port} is used by {holder}")]
    Held {
        /// The tty.
        port: String,
        /// Who, as well as we could find out.
        holder: String,
    },
    /// The serial server does not answer.
    #[error("{port} cannot be reached: {source}")]
    Unreachable {
        /// `tcp://` and its address.
        port: String,
        /// Why not.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot open {port}: {source}")]
    Io {
        /// The tty.
        port: String,
        /// Why.
        source: io::Error,
    },
}

impl OpenError {
    /// True where another try costs one system call.
    pub(super) fn is_cheap(&self) -> bool {
        matches!(self, OpenError::Missing(_) | OpenError::Denied(_))
    }

    /// The next step for a person.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            OpenError::Missing(_) => "plug the modem in, or name its port in the configuration",
            OpenError::Denied(_) => "let the gateway's user be a member of the group of the tty, often dialout",
            OpenError::Held { .. } => "stop the other program, or tell ModemManager to leave this modem alone",
            OpenError::Unreachable { .. } => "look whether the serial server is on, and nobody else uses it",
            OpenError::Io { .. } => "unplug the modem and plug it in again",
        }
    }
}

/// An open tty. Reading nothing means that it is gone.
#[derive(Debug)]
pub(super) struct Port {
    stream: SerialStream,
    _lock: Option<LockFile>,
}

impl Port {
    /// Opens a tty at 8N1. Symbolic links are followed anew each time, so a by-id link finds its modem after it moved.
    /// Blocks for as long as the device takes: not for an async task. Needs the runtime's context.
    pub(super) fn open(path: &str, baud: u32) -> Result<Port, OpenError> {
        let failed = |source| OpenError::of(path, source);
        let tty = fs::canonicalize(path).map_err(failed)?;
        let lock = LockFile::take(Path::new(LOCKS), &tty).map_err(|holder| held(path, holder))?;
        keep_dtr_on_close(&tty).map_err(failed)?;
        let mut stream = tokio_serial::new(tty.to_string_lossy(), baud)
            .dtr_on_open(true)
            .open_native_async()
            .map_err(|error| OpenError::of_serial(path, &tty, error))?;
        // On a pty there are no modem lines (ENOTTY, EPIPE): then nothing needs RTS either.
        if let Err(error) = stream.write_request_to_send(true) {
            debug!(port = path, %error, "RTS is not supported here");
        }
        Ok(Port { stream, _lock: lock })
    }
}

impl OpenError {
    fn of(path: &str, source: io::Error) -> OpenError {
        let port = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing(port),
            io::ErrorKind::PermissionDenied => OpenError::Denied(port),
            io::ErrorKind::ResourceBusy => OpenError::Held { port, holder: "another program".to_owned() },
            _ => OpenError::Io { port, source },
        }
    }

    fn of_serial(path: &str, tty: &Path, error: tokio_serial::Error) -> OpenError {
        match error.kind() {
            // TIOCEXCL or flock of somebody else; a tty that vanished since we looked is told apart by looking again.
            tokio_serial::ErrorKind::NoDevice if tty.exists() => held(path, users_of(tty).next()),
            tokio_serial::ErrorKind::NoDevice => OpenError::Missing(path.to_owned()),
            tokio_serial::ErrorKind::Io(kind) => OpenError::of(path, io::Error::new(kind, error)),
            _ => OpenError::of(path, io::Error::other(error)),
        }
    }
}

fn held(path: &str, holder: Option<u32>) -> OpenError {
    let holder = match holder {
        Some(pid) if pid == std::process::id() => "this gateway, as another modem".to_owned(),
        Some(pid) => name_of(pid),
        None => "another program".to_owned(),
    };
    OpenError::Held { port: path.to_owned(), holder }
}

fn name_of(pid: u32) -> String {
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("{} (process {pid})", name.trim()),
        Err(_) => format!("process {pid}"),
    }
}

/// Who has a tty open beside us, where we may look; a server's port is nobody's. Blocks for as long as that takes.
pub(super) fn other_user(path: &str) -> Option<String> {
    let tty = fs::canonicalize(path).ok()?;
    users_of(&tty).find(|pid| *pid != std::process::id() && !is_other_end(*pid, &tty)).map(name_of)
}

/// True for the process at the other end of a pty, which keeps its near end open too: a virtual modem.
fn is_other_end(pid: u32, tty: &Path) -> bool {
    let Some(index) = tty.strip_prefix("/dev/pts").ok().and_then(Path::to_str) else { return false };
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return false };
    // proc(5): a file of /dev/ptmx has the number of its pty.
    let is_its = |line: &str| line.strip_prefix("tty-index:").is_some_and(|number| number.trim() == index);
    files.flatten().any(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.lines().any(is_its)))
}

/// Clears HUPCL: when the last user closes the tty, as our death does, DTR stays up and the modem goes on with what it is
/// doing (RELIABILITY W-3). The setting stays with the tty when the file is closed here.
fn keep_dtr_on_close(tty: &Path) -> io::Result<()> {
    let flags = nix::libc::O_NOCTTY | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(tty)?;
    let mut settings = tcgetattr(&file)?;
    settings.control_flags.remove(ControlFlags::HUPCL);
    tcsetattr(&file, SetArg::TCSANOW, &settings)?;
    Ok(())
}

/// True for a tty that a USB device has made, by its name in the kernel.
pub(super) fn is_usb(path: &str) -> bool {
    let tty = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let name = tty.file_name().unwrap_or_default().to_string_lossy();
    ["ttyUSB", "ttyACM", "ttyHS"].iter().any(|driver| name.starts_with(driver))
}

/// The processes that have a tty open, where we may look.
fn users_of(tty: &Path) -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(move |process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(process.path().join("fd")).ok()?.flatten();
        files.any(|file| fs::read_link(file.path()).is_ok_and(|target| target == tty)).then_some(pid)
    })
}

/// A UUCP lock file: `LCK..ttyUSB0` with the process id in ten columns. Root is not stopped by TIOCEXCL, but by this.
#[derive(Debug)]
struct LockFile(PathBuf);

impl LockFile {
    /// Takes the lock; `Ok(None)` where lock files cannot be written, `Err` with the living holder.
    fn take(folder: &Path, tty: &Path) -> Result<Option<LockFile>, Option<u32>> {
        let name = tty.strip_prefix("/dev").unwrap_or(tty).to_string_lossy().replace('/', "_");
        let path = folder.join(format!("LCK..{}", name.trim_start_matches('_')));
        // Written under a name of our own and then linked, so that nobody reads it half written.
        let draft = folder.join(format!("LTMP..{}.{}", std::process::id(), name.trim_start_matches('_')));
        if let Err(error) = fs::write(&draft, format!("{:10}\n", std::process::id())) {
            debug!(folder = %folder.display(), %error, "no lock files here");
            return Ok(None);
        }
        let mut taken = fs::hard_link(&draft, &path);
        if taken.is_err() {
            match holder(&path) {
                // Left by a process that is gone. Our own number is one that was given again, as in a container: what
                // we hold ourselves, the exclusive open refuses.
                Some(pid) if pid != std::process::id() && Path::new(&format!("/proc/{pid}")).exists() => {
                    let _ = fs::remove_file(&draft);
                    return Err(Some(pid));
                }
                _ => {
                    let _ = fs::remove_file(&path);
                    taken = fs::hard_link(&draft, &path);
                }
            }
        }
        let _ = fs::remove_file(&draft);
        Ok(taken.is_ok().then_some(LockFile(path)))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A lock that cannot be removed is stale as soon as we are gone.
        let _ = fs::remove_file(&self.0);
    }
}

fn holder(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

impl AsyncRead for Port {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Port {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    /// Nothing: the tty has no buffer of ours, and `tcdrain` would block the whole runtime (RELIABILITY W-2).
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_taken_refused_while_its_holder_lives_and_inherited_from_the_dead() {
        let folder = tempfile::tempdir().unwrap();
        let tty = Path::new("/dev/ttyUSB7");
        let file = folder.path().join("LCK..ttyUSB7");
        // The first process lives as long as we do.
        fs::write(&file, "         1\n").unwrap();
        assert_eq!(LockFile::take(folder.path(), tty).err(), Some(Some(1)));
        // No process has this number.
        fs::write(&file, " 999999999\n").unwrap();
        let lock = LockFile::take(folder.path(), tty).unwrap().unwrap();
        assert_eq!(holder(&file), Some(std::process::id()));
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn without_a_folder_for_locks_the_port_is_used_all_the_same() {
        assert!(matches!(LockFile::take(Path::new("/nonexistent"), Path::new("/dev/ttyUSB7")), Ok(None)));
    }

    #[test]
    fn errors_name_the_port_and_the_next_step() {
        let missing = Port::open("/dev/no-such-tty", 115_200).unwrap_err();
        assert_eq!(missing.to_string(), "/dev/no-such-tty does not exist");
        let file = tempfile::NamedTempFile::new().unwrap();
        let not_a_tty = Port::open(file.path().to_str().unwrap(), 115_200).unwrap_err();
        assert!(matches!(not_a_tty, OpenError::Io { .. }), "{not_a_tty}");
        assert!(!not_a_tty.hint().is_empty());
        assert!(missing.is_cheap() && OpenError::Denied(String::new()).is_cheap() && !not_a_tty.is_cheap());
        let held = held("/dev/ttyUSB7", Some(std::process::id()));
        assert_eq!(held.to_string(), "/dev/ttyUSB7 is used by this gateway, as another modem");
    }
}
