//! Runs scmctl with its output and input in pipes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

pub fn scmctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scmctl"));
    // A machine of a developer may have a daemon; these tests must not see it.
    command.env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm").env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

#[derive(Debug)]
pub struct Ended {
    pub exit: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ended {
    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    pub fn json(&self) -> serde_json::Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?} {:?}", self.stderr))
    }
}

/// Runs with `input` as the standard input.
pub fn run_with(input: &str, arguments: &[&str]) -> Ended {
    let mut child =
        scmctl().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    Ended { exit: status.code().unwrap_or_else(|| panic!("a signal ended it: {status}")), stdout, stderr }
}

pub fn run(arguments: &[&str]) -> Ended {
    run_with("", arguments)
}

/// With the default card.
pub fn on_card(arguments: &[&str]) -> Ended {
    run(&[&["--card", "default"], arguments].concat())
}

pub fn on_card_with(input: &str, arguments: &[&str]) -> Ended {
    run_with(input, &[&["--card", "default", "--codes-from-stdin", "--block", "8"], arguments].concat())
}
