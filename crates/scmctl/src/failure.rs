//! A failure, and the one place that turns it into text.

use std::fmt::{self, Display, Formatter};
use std::io;

use serde_json::{Value, json};

use crate::advice;
use crate::exit::Exit;
use crate::library::{Error, Told};
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
    Library(Error),
    /// The user has given something that cannot be used.
    Text(String, Exit),
    /// No reader has this in its name: the names that there are.
    UnknownReader(Vec<String>),
    /// A file or the output.
    File(io::Error, Exit),
}

impl Failure {
    /// A code of libscm; `subject` is the reader, the file or the action.
    pub fn library(subject: impl Into<String>, error: Error) -> Failure {
        Failure { subject: subject.into(), reason: Reason::Library(error) }
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

    /// A file cannot be read, or is not text.
    pub fn input(subject: impl Into<String>, error: io::Error) -> Failure {
        let exit = if error.kind() == io::ErrorKind::InvalidData { Exit::Data } else { Exit::NoInput };
        Failure { subject: subject.into(), reason: Reason::File(error, exit) }
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
            Reason::Library(error) => Some(error.name()),
            Reason::UnknownReader(_) => Some("SCM_SCARD_E_UNKNOWN_READER"),
            _ => None,
        }
    }

    pub fn exit(&self) -> Exit {
        match &self.reason {
            Reason::Library(error) => advice::exit(error.name()),
            Reason::UnknownReader(_) => Exit::Unavailable,
            Reason::Text(_, exit) | Reason::File(_, exit) => *exit,
        }
    }

    fn message(&self) -> String {
        match &self.reason {
            Reason::Library(error) => error.message().into(),
            Reason::UnknownReader(names) => format!("No reader has this in its name. There are: {}.", names.join(", ")),
            Reason::Text(text, _) => text.clone(),
            Reason::File(error, _) => error.to_string(),
        }
    }

    /// The advice to the user; empty if nothing is known to help.
    pub fn advice(&self) -> String {
        match &self.reason {
            Reason::Library(error) => advice::advice(error),
            _ => String::new(),
        }
    }

    /// The message, and why.
    pub fn finding(&self) -> String {
        joined([self.message(), self.told().map(Told::why).unwrap_or_default()])
    }

    /// The finding, the advice and the code.
    pub fn explanation(&self) -> String {
        let code = self.code_name().map(|name| format!("({name})")).unwrap_or_default();
        printable(&joined([self.finding(), self.advice(), code]))
    }

    /// The last error of the library, if it has failed.
    fn told(&self) -> Option<&Told> {
        match &self.reason {
            Reason::Library(error) => Some(error.told()),
            _ => None,
        }
    }

    /// Without a fact the field is null. Numbers are in hexadecimal digits, as everywhere in this program.
    pub fn to_json(&self) -> Value {
        let text = |field: fn(&Told) -> &String| self.told().map(field).filter(|text| !text.is_empty());
        let number = |field: fn(&Told) -> u32| self.told().map(field).filter(|&number| number != 0);
        json!({
            "subject": self.subject,
            "message": self.message(),
            "why": text(|told| &told.why),
            "advice": self.advice(),
            "code": self.code_name(),
            "exit": self.exit() as u8,
            "function": text(|told| &told.function),
            "argument": text(|told| &told.argument),
            "pcsc_function": text(|told| &told.pcsc_function),
            "pcsc_code": number(|told| told.pcsc_code).map(|code| format!("{code:08X}")),
            "status_word": number(|told| told.status_word).map(|word| format!("{word:04X}")),
        })
    }
}

/// With spaces between them, as far as they say something.
fn joined<const N: usize>(parts: [String; N]) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// One line: the subject, the reason, the advice, the code.
impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", printable(&self.subject), self.explanation())
    }
}
