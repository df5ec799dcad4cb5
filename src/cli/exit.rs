//! How a subcommand ends: the exit code, and the line that says why.

use super::out;
use crate::app;
use crate::store::OpenError;
use crate::telemetry::escape;
use serde_json::{Value, json};
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
    /// The gateway's policy is against it.
    Refused = 4,
    /// It took longer than allowed.
    TimeOut = 5,
    /// An input cannot be read.
    NoInput = 66,
    /// The gateway does not answer.
    Unreachable = 69,
    /// Another gateway uses the state directory or the control socket.
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

impl Exit {
    /// The word used as `code` where the gateway itself has not given one.
    fn word(self) -> &'static str {
        match self {
            Exit::Ok => "ok",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::NotFound => "not_found",
            Exit::Refused => "refused",
            Exit::TimeOut => "time_out",
            Exit::NoInput => "no_input",
            Exit::Unreachable => "unreachable",
            Exit::SecondInstance => "second_instance",
            Exit::Io => "io",
            Exit::NoPermission => "no_permission",
            Exit::BadConfig => "bad_config",
            Exit::Interrupted => "interrupted",
        }
    }

    /// What a refusal's code means for the one who typed: policy is 4, what may pass another time is 1, the rest is
    /// the command's own fault.
    fn of_refusal(code: &str) -> Exit {
        match code {
            "not_found" => Exit::NotFound,
            "opted_out" | "blocked" | "quota_exceeded" | "not_authorized" => Exit::Refused,
            "queue_full" | "conflict" | "internal" | "failed" => Exit::Failed,
            _ => Exit::Usage,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a subcommand ended early.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// Empty: nothing needs to be said.
    text: String,
    /// What `--json` prints; `None`: made from the rest.
    reply: Option<Value>,
}

impl Failure {
    pub(super) fn new(exit: Exit, text: impl Into<String>) -> Failure {
        Failure { exit, text: text.into(), reply: None }
    }

    /// From an error reply of the gateway.
    pub(super) fn refused(reply: Value) -> Failure {
        let error = &reply["error"];
        let code = error["code"].as_str().unwrap_or("internal");
        let field = error["field"].as_str().map(|field| format!(" ({field})")).unwrap_or_default();
        let text = format!("{code}{field}: {}", error["detail"].as_str().unwrap_or("no detail"));
        Failure { exit: Exit::of_refusal(code), text, reply: Some(reply) }
    }

    /// The same, about this message.
    pub(super) fn about(mut self, id: &str) -> Failure {
        let mut reply = self.to_json();
        reply["id"] = id.into();
        self.reply = Some(reply);
        self
    }

    /// The shape of the gateway's own error replies.
    fn to_json(&self) -> Value {
        let error = || json!({ "code": self.exit.word(), "detail": self.text, "field": null, "retryable": false });
        self.reply.clone().unwrap_or_else(|| json!({ "status": "error", "error": error() }))
    }

    /// Says why: as a result for scripts, else on standard error.
    pub(super) fn tell(&self, as_json: bool) {
        if self.text.is_empty() {
            return;
        }
        if as_json {
            // Where standard output is closed the exit code has to do.
            let _ = out::object(self.to_json());
            return;
        }
        for (n, line) in self.text.lines().enumerate() {
            eprintln!("{}{}", if n == 0 { "gsmgate: " } else { "" }, escape(line));
        }
    }
}

impl From<app::Error> for Failure {
    fn from(error: app::Error) -> Failure {
        use std::io::ErrorKind::{AddrInUse, PermissionDenied};
        let of_io = |source: &std::io::Error| match source.kind() {
            PermissionDenied => Exit::NoPermission,
            AddrInUse => Exit::SecondInstance,
            _ => Exit::Io,
        };
        let exit = match &error {
            app::Error::Open(OpenError::InUse { .. }) => Exit::SecondInstance,
            app::Error::Open(OpenError::Io { source, .. }) | app::Error::Control { source, .. } => of_io(source),
            app::Error::Open(_) | app::Error::StoreFailed(_) | app::Error::Thread(_) => Exit::Io,
            app::Error::TaskEnded(_) => Exit::Failed,
        };
        Failure::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefusalCode;

    #[test]
    fn policy_is_told_from_mistakes() {
        for (code, exit) in [
            (RefusalCode::NotFound, Exit::NotFound),
            (RefusalCode::Blocked, Exit::Refused),
            (RefusalCode::QuotaExceeded, Exit::Refused),
            (RefusalCode::QueueFull, Exit::Failed),
            (RefusalCode::InvalidNumber, Exit::Usage),
            (RefusalCode::IdReused, Exit::Usage),
        ] {
            assert_eq!(Exit::of_refusal(code.word()), exit, "{}", code.word());
        }
    }
}
