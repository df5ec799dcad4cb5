//! How a subcommand ends: the exit code, and the line that says why.

use crate::app;
use crate::store::OpenError;
use std::fmt;
use std::process::ExitCode;

/// Exit codes. 64 and up are those of sysexits.h where they fit exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// It did not work.
    Failed = 1,
    /// The arguments are wrong.
    Usage = 2,
    /// No message has this id.
    NotFound = 3,
    /// The gateway refused it.
    Refused = 4,
    /// It took longer than allowed.
    TimeOut = 5,
    /// An input file cannot be read.
    NoInput = 66,
    /// The gateway does not answer.
    Unreachable = 69,
    /// Another gateway uses the state directory.
    SecondInstance = 73,
    /// The disk or the database failed.
    Io = 74,
    /// Not allowed to use a file or socket.
    NoPermission = 77,
    /// The configuration is wrong.
    BadConfig = 78,
    /// Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a subcommand ended early: for standard error.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(exit: Exit, text: impl Into<String>) -> Failure {
        Failure { exit, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Failure {
        let denied = |source: &std::io::Error| source.kind() == std::io::ErrorKind::PermissionDenied;
        let exit = match &error {
            app::Error::Open(OpenError::InUse { .. }) => Exit::SecondInstance,
            app::Error::Open(OpenError::Io { source, .. }) | app::Error::Control { source, .. } if denied(source) => {
                Exit::NoPermission
            }
            app::Error::Open(_) | app::Error::StoreFailed(_) | app::Error::Control { .. } => Exit::Io,
            app::Error::TaskEnded(_) => Exit::Failed,
        };
        Failure::new(exit, error.to_string())
    }
}
