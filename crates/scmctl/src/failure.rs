//! A failure, and the one place that turns it into text.

use std::fmt::{self, Display, Formatter};
use std::io;

use serde_json::{Value, json};

use crate::advice;
use crate::exit::Exit;
use crate::library::Error;
use crate::text::printable;

/// The thing that was tried, and the reason why it failed.
#[derive(Debug)]
pub struct Failure {
    subject: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    /// A failed call of libscm.
    Library(Error, Stage),
    /// The user has given something that cannot be used.
    Text(String, Exit),
    /// No reader has this in its name: the names that there are.
    UnknownReader(Vec<String>),
    /// A file or the output.
    File(io::Error, Exit),
}

/// Some codes mean something else before the card is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// The service, the reader or the card was not reached.
    Attach,
    /// The card has answered.
    Card,
}

impl Failure {
    /// A code of libscm; `subject` is the file or the action.
    pub fn library(subject: impl Into<String>, error: Error) -> Failure {
        Failure { subject: subject.into(), reason: Reason::Library(error, Stage::Card) }
    }

    /// A code of libscm before the card was reached; `subject` is the reader.
    pub fn attach(subject: impl Into<String>, error: Error) -> Failure {
        Failure { subject: subject.into(), reason: Reason::Library(error, Stage::Attach) }
    }

    /// No reader has `part` in its name.
    pub fn unknown_reader(part: &str, names: &[String]) -> Failure {
        Failure { subject: part.into(), reason: Reason::UnknownReader(names.to_vec()) }
    }

    pub fn usage(subject: impl Into<String>, text: impl Into<String>) -> Failure {
        Failure { subject: subject.into(), reason: Reason::Text(text.into(), Exit::Usage) }
    }

    /// The parser of the command line refuses it. The first paragraph of its text says why.
    pub fn command_line(error: &clap::Error) -> Failure {
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        Failure::usage("command line", lines.join(" ").trim_start_matches("error: "))
    }

    pub fn data(subject: impl Into<String>, text: impl Into<String>) -> Failure {
        Failure { subject: subject.into(), reason: Reason::Text(text.into(), Exit::Data) }
    }

    /// The service has not answered in time.
    pub fn silent_service() -> Failure {
        let text =
            "pcscd does not answer. Restart it: sudo systemctl restart pcscd (without systemd: end it and start it).";
        Failure { subject: "readers".into(), reason: Reason::Text(text.into(), Exit::TryAgain) }
    }

    /// The user has ended a question.
    pub fn cancelled(subject: impl Into<String>) -> Failure {
        let text = "cancelled; nothing was sent".into();
        Failure { subject: subject.into(), reason: Reason::Text(text, Exit::Cancelled) }
    }

    /// The same failure, with the place where it happened.
    pub fn at(mut self, place: String) -> Failure {
        self.subject = format!("{place}: {}", self.subject);
        self
    }

    pub fn input(subject: impl Into<String>, error: io::Error) -> Failure {
        Failure { subject: subject.into(), reason: Reason::File(error, Exit::NoInput) }
    }

    pub fn creation(subject: impl Into<String>, error: io::Error) -> Failure {
        Failure { subject: subject.into(), reason: Reason::File(error, Exit::CannotCreate) }
    }

    pub fn output(error: io::Error) -> Failure {
        Failure { subject: "standard output".into(), reason: Reason::File(error, Exit::Communication) }
    }

    /// The reader of the output has ended, as `head` does. That is no fault.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(&self.reason, Reason::File(error, Exit::Communication) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The name of the code of libscm.
    pub fn code_name(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Library(error, _) => Some(error.name()),
            Reason::UnknownReader(_) => Some("SCM_SCARD_E_UNKNOWN_READER"),
            _ => None,
        }
    }

    pub fn exit(&self) -> Exit {
        match &self.reason {
            Reason::Library(error, _) => advice::exit(error.name()),
            Reason::UnknownReader(_) => Exit::Unavailable,
            Reason::Text(_, exit) | Reason::File(_, exit) => *exit,
        }
    }

    pub fn message(&self) -> String {
        match &self.reason {
            Reason::Library(error, _) => error.message().into(),
            Reason::UnknownReader(names) => format!("No reader has this in its name. There are: {}.", names.join(", ")),
            Reason::Text(text, _) => text.clone(),
            Reason::File(error, _) => error.to_string(),
        }
    }

    /// The advice to the user; empty if nothing is known to help.
    pub fn advice(&self) -> &'static str {
        let stage = if let Reason::Library(_, stage) = self.reason { stage } else { Stage::Attach };
        self.code_name().map_or("", |name| advice::advice(name, stage))
    }

    /// The reason, the advice and the code.
    pub fn explanation(&self) -> String {
        let code = self.code_name().map(|name| format!("({name})")).unwrap_or_default();
        let parts = [self.message(), self.advice().into(), code];
        printable(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }

    pub fn to_json(&self) -> Value {
        json!({
            "subject": self.subject,
            "message": self.message(),
            "advice": self.advice(),
            "code": self.code_name(),
            "exit": self.exit() as u8,
        })
    }
}

/// One line: the subject, the reason, the advice, the code.
impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", printable(&self.subject), self.explanation())
    }
}
