//! The binary as people and scripts meet it: arguments in; output, messages and exit code out.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod asking;
mod calling;
mod chatting;
mod codes;
mod definitions;
mod jobs;
mod lists;
mod params;
mod profiles;
mod running;
mod sessions;
mod stand_in;
mod terminal;
mod uploading;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use stand_in::StandIn;

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    /// The JSON on standard output.
    fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    #[track_caller]
    fn ends(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in said {
            assert!(self.err.contains(part), "{part:?} is not in {self:?}");
        }
    }

    #[track_caller]
    fn shows(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(0), "{self:?}");
        for part in parts {
            assert!(self.out.contains(part), "{part:?} is not in {self:?}");
        }
    }
}

/// The binary with nothing of this machine's environment, and no profiles.
fn aircli() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aircli"));
    command.env_clear().env("HOME", folder("nobody")).stdin(Stdio::null());
    command
}

/// A folder of one test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn file(name: &str, text: &str) -> String {
    let path = folder("files").join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn end(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs a command that needs no service.
fn run(args: &[&str]) -> Ran {
    end(aircli().args(args))
}

/// Runs a command against a stand-in.
fn on(server: &StandIn, args: &[&str]) -> Ran {
    end(aircli().args(args).args(["--url", &server.url]))
}

/// Runs a command against a stand-in, with something on standard input.
fn fed(server: &StandIn, args: &[&str], input: &str) -> Ran {
    let mut command = aircli();
    command.args(args).args(["--url", &server.url]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
