//! How a command ended, for people and for scripts.

use crate::plain::plain;
use air_client::types::ErrorCode;
use air_client::{Error, StatusCode};
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const QA_FAILED: u8 = 3;
pub(crate) const NOT_ALLOWED: u8 = 4;
pub(crate) const SERVER: u8 = 5;
pub(crate) const TIMED_OUT: u8 = 6;
pub(crate) const CLARIFY: u8 = 7;
pub(crate) const INTERRUPTED: u8 = 130;

/// The job that is being followed: it runs on where the command is interrupted.
static FOLLOWED: Mutex<Option<String>> = Mutex::new(None);

fn followed() -> std::sync::MutexGuard<'static, Option<String>> {
    FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on an interrupt names this job.
pub(crate) fn follow(job: &str) {
    *followed() = Some(job.to_owned());
}

pub(crate) fn unfollow() {
    *followed() = None;
}

/// Whether an interrupt ends the server's side too.
static BREAKS_OFF: AtomicBool = AtomicBool::new(false);

/// From now on an interrupt leaves nothing half done on the server.
pub(crate) fn breaks_off() {
    BREAKS_OFF.store(true, Ordering::Relaxed);
}

/// How a job is followed again.
pub(crate) fn resume(job: &str) -> String {
    format!("it goes on; to follow it again: aircli jobs get {job} --follow")
}

/// A command that did not succeed: the exit code, and what to say on standard error.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(FAILED, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    pub(crate) fn interrupted() -> Self {
        if let Some(job) = followed().as_deref() {
            return Self::new(INTERRUPTED, format!("interrupted; {job}: {}", resume(job)));
        }
        if BREAKS_OFF.load(Ordering::Relaxed) {
            return Self::new(INTERRUPTED, "interrupted; what did not come whole is not kept");
        }
        Self::new(
            INTERRUPTED,
            "interrupted; what the server had begun may go on: see `aircli reports runs KEY`",
        )
    }

    /// How to get at what may still be running, where time ran out.
    pub(crate) fn resume(mut self, how: &str) -> Self {
        if self.code == TIMED_OUT {
            self.message += &format!("\n  {how}");
        }
        self
    }

    /// Whether the same call may succeed later: the server is away, or busy.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.code, SERVER | TIMED_OUT)
    }

    /// Whether the server's answer was lost, so that nobody knows what it did.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.code, SERVER | TIMED_OUT)
    }

    pub(crate) fn code(&self) -> ExitCode {
        self.code.into()
    }

    /// Says what went wrong; a closed standard error is nobody's fault.
    pub(crate) fn tell(&self) {
        if !self.message.is_empty() {
            let _ = writeln!(std::io::stderr(), "aircli: {}", plain(&self.message));
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::BadUrl { .. }
            | Error::BadPath { .. }
            | Error::BadName { .. }
            | Error::BadHeader { .. }
            | Error::BadCertificates => USAGE,
            // The first call with this key goes on: what a repeat after running out of time meets.
            Error::Problem(problem) if problem.code == ErrorCode::IdempotencyInFlight => TIMED_OUT,
            Error::Problem(problem) => problem_code(problem.status),
            Error::Unexpected { status, .. } => problem_code(status.as_u16()),
            Error::TimedOut(_) => TIMED_OUT,
            Error::Unreachable(_) | Error::Decode(_) => SERVER,
            Error::Setup(_) | Error::Encode(_) => FAILED,
        };
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message += &format!(": {cause}");
            source = cause.source();
        }
        match &error {
            Error::TimedOut(_) => message += "\n  raise --timeout, or ask for less",
            Error::Unreachable(_) => {
                message += "\n  is the service up? `air serve` starts it; --url says where it is";
            }
            _ => {}
        }
        Self::new(code, message)
    }
}

/// The exit code of an HTTP status that is no success.
fn problem_code(status: u16) -> u8 {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => NOT_ALLOWED,
        Ok(StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT) => TIMED_OUT,
        Ok(status) if status.is_server_error() => SERVER,
        _ => FAILED,
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            // The reader had enough.
            return Self::new(0, "");
        }
        Self::failed(error.to_string())
    }
}
