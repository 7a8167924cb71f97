//! The output of all commands: for a person, or as JSON.

use std::fmt::Display;
use std::io::{self, Write};

use owo_colors::OwoColorize;
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

pub struct Output {
    pub json: bool,
}

impl Output {
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// One report: its `Display` for a person, or one line of JSON.
    pub fn show(&self, report: &(impl Display + Serialize)) -> Result<(), Failure> {
        let text = if self.json {
            let mut text = serde_json::to_string(report).map_err(|error| Failure::output(error.into()))?;
            text.push('\n');
            text
        } else {
            report.to_string()
        };
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Failure::output)
    }

    /// A failure, on standard error.
    pub fn complain(&self, failure: &Failure) {
        let text = if self.json {
            format!("{}\n", json!({ "error": failure.to_json() }))
        } else {
            format!("{} {failure}\n", "scmctl:".red())
        };
        // Nothing can be told if standard error is closed.
        let _ = anstream::stderr().write_all(text.as_bytes());
    }

    /// A remark for a person, on standard error, so that it never is in the way of a program.
    pub fn remark(&self, text: impl Display) {
        if !self.json {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }
}

/// Bytes as they are.
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::output)
}
