//! What a terminal sees, and that nothing else sees it. `script` lends the terminal.

use std::io::{BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::json;

use crate::asking::clarify;
use crate::stand_in::{StandIn, ok, page};
use crate::{aircli, end, on};

const ESCAPE: char = '\u{1b}';

/// A command on a terminal; standard output and error are one there.
fn terminal(args: &str, no_color: bool) -> Child {
    let line = format!("{} {args}", env!("CARGO_BIN_EXE_aircli"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.env_remove("NO_COLOR").env("TERM", "xterm").env("HOME", crate::folder("nobody"));
    command.env_remove("XDG_CONFIG_HOME");
    if no_color {
        command.env("NO_COLOR", "1");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs a command on a terminal to its end.
fn at_terminal(args: &str, no_color: bool, typed: &str) -> (Option<i32>, String) {
    let mut child = terminal(args, no_color);
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(keyboard);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// What a terminal shows until `end` appears; too long without it is a failure.
fn until(shown: &Receiver<u8>, end: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if text.contains(end) {
            return text;
        }
        match shown.recv_timeout(Duration::from_secs(20)) {
            Ok(byte) => seen.push(byte),
            Err(error) => panic!("{error}: no {end:?} in {text:?}"),
        }
    }
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let (_, plain) = at_terminal("--help", true, "");
    assert!(plain.contains("Usage: aircli") && !plain.contains(ESCAPE), "{plain:?}");
    // The same command does colour a terminal otherwise, so the above says something.
    let (_, coloured) = at_terminal("--help", false, "");
    assert!(coloured.contains(ESCAPE), "{coloured:?}");
}

#[test]
fn a_pipe_gets_no_escape_codes() {
    let ran = end(aircli().env("TERM", "xterm").arg("--help"));
    assert!(!ran.out.contains(ESCAPE), "{ran:?}");
    let ran = end(aircli().env("TERM", "xterm").arg("--helpp"));
    assert!(ran.err.contains("--help") && !ran.err.contains(ESCAPE), "{ran:?}");
    let server = StandIn::new([page(json!([{"key": "k"}]))]);
    let ran = on(&server, &["reports", "list", "-o", "table"]);
    assert!(ran.out.contains("│ key") && !ran.out.contains(ESCAPE), "{ran:?}");
}

#[test]
fn a_terminal_gets_tables_and_obeys_no_data() {
    let server = StandIn::new([page(json!([{"key": "k"}]))]);
    let (code, seen) = at_terminal(&format!("reports list --url {}", server.url), true, "");
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("│ key") && seen.contains("│ k "), "{seen}");

    let server = StandIn::new([page(json!([{"md": "## a\u{1b}]0;title\u{7}"}]))]);
    let (_, seen) = at_terminal(&format!("schema flights --url {}", server.url), true, "");
    assert!(seen.contains(r"## a\u{1b}]0;title\u{7}"), "{seen:?}");
    assert!(!seen.contains(ESCAPE), "{seen:?}");
}

#[test]
fn a_terminal_is_not_garbled() {
    let (code, seen) = at_terminal("run k -o parquet", true, "");
    assert_eq!(code, Some(2), "{seen}");
    assert!(seen.contains("send it to a file"), "{seen}");
}

#[test]
fn a_person_is_asked_back() {
    for (typed, sent) in [
        ("2\n", "it's late"),
        ("\n", "you_decide"),
        ("by cancellations\n", "by cancellations"),
        // No such choice, so it is words.
        ("3\n", "3"),
    ] {
        let answer = json!({"state": "answer", "ir": {"entities": ["flights"]}});
        let server = StandIn::new([ok(clarify()), ok(answer)]);
        let args = format!("ask worst -s flights --quiet --idempotency-key k --url {}", server.url);
        let (code, seen) = at_terminal(&args, true, typed);
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.contains("1. average arrival delay (recommended)"), "{seen}");
        let heard = server.heard();
        assert_eq!(heard[1].json()["answers"], json!({"measure": sent}));
        // The second request is another one and cannot have the first one's key.
        assert!(heard[0].head.contains("idempotency-key: k\r\n"), "{heard:?}");
        assert!(!heard[1].head.contains("idempotency-key"), "{heard:?}");
    }
}

#[test]
fn a_person_who_is_asked_can_interrupt() {
    let server = StandIn::new([ok(clarify())]);
    let mut child = terminal(&format!("ask worst -s flights --url {}", server.url), true);
    let (mut keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (shows, shown) = channel();
    std::thread::spawn(move || {
        for byte in BufReader::with_capacity(1, screen).bytes().map_while(Result::ok) {
            let _ = shows.send(byte);
        }
    });
    until(&shown, "nothing for the recommended one:");
    keyboard.write_all(b"\x03").unwrap();
    until(&shown, "aircli: interrupted");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
