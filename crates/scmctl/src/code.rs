//! `scmctl verify`, `change` and `unblock`: codes of the card holder. They come from the terminal without echo, or from
//! the standard input, and never from the command line.

use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::io;

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{Attachment, CodeFormat, Codes, Encoding, Files, Presented, Reference, Secret};
use crate::session::Session;
use crate::{hex, input, prompt};

/// How the card wants its codes, and where they come from.
#[derive(clap::Args)]
pub struct Format {
    /// How a code is encoded
    #[arg(long, global = true, value_enum, default_value = "ascii")]
    encoding: Encoding,

    /// Fills each code to this length, in bytes
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 0, hide_default_value = true,
          value_parser = clap::value_parser!(u8).range(0..=127))]
    block: u8,

    /// The byte that fills a code, in hexadecimal digits; FF without it
    #[arg(long, global = true, value_name = "HEX", value_parser = filler)]
    filler: Option<u8>,

    /// Reads the codes from the standard input, one on a line, instead of the terminal
    #[arg(long, global = true)]
    codes_from_stdin: bool,
}

/// The number of a code, or anything else. The parser of the command line would print that, and it may be a code.
#[derive(Clone, Copy)]
pub struct Number(Option<u8>);

impl Number {
    pub fn parse(text: &str) -> Result<Number, Infallible> {
        Ok(Number(text.parse().ok().filter(|number| *number <= 31)))
    }

    pub fn get(self) -> Result<u8, Failure> {
        self.0.ok_or_else(|| Failure::usage("the number of the code", "it is 0 to 31; the code itself is asked for"))
    }
}

/// Which code.
#[derive(clap::Args)]
pub struct Which {
    /// The number of the code, 0 to 31
    #[arg(default_value = "1", value_parser = Number::parse)]
    number: Number,

    // More than the number: a code, perhaps, which the parser of the command line would print.
    #[arg(hide = true)]
    surplus: Vec<std::ffi::OsString>,

    /// The code belongs to this directory, such as 3F00/5016, and not to the whole card
    #[arg(long, value_name = "PATH")]
    local: Option<String>,

    /// The user enters the codes at the PIN pad of the reader
    #[arg(long)]
    pin_pad: bool,
}

impl Which {
    pub fn number(&self) -> Result<u8, Failure> {
        if self.surplus.is_empty() {
            return self.number.get();
        }
        let text = "a code is no argument, because others can see it there; it is asked for, and --codes-from-stdin \
                    reads it from the standard input";
        Err(Failure::usage("too many arguments", text))
    }
}

#[derive(clap::Args)]
pub struct Verify {
    #[command(flatten)]
    pub which: Which,

    /// Presents nothing, and only asks for the state, which spends no try
    #[arg(long, conflicts_with = "pin_pad")]
    check: bool,
}

#[derive(clap::Args)]
pub struct Change {
    #[command(flatten)]
    pub which: Which,
}

#[derive(clap::Args)]
pub struct Unblock {
    #[command(flatten)]
    pub which: Which,

    /// Keeps the value of the code, and only resets its tries
    #[arg(long, conflicts_with = "pin_pad")]
    keep: bool,
}

#[derive(Serialize)]
struct Report {
    code: u8,
    outcome: &'static str,
    tries_left: Option<u32>,
}

impl Format {
    fn of_codes(&self) -> CodeFormat {
        CodeFormat { encoding: self.encoding, block: self.block, filler: self.filler }
    }
}

fn filler(text: &str) -> Result<u8, String> {
    match hex::parse(text)?.as_slice() {
        [byte] => Ok(*byte),
        _ => Err("it is one byte".into()),
    }
}

pub fn verify(session: &Session, card: &Attachment, verify: &Verify) -> Result<Exit, Failure> {
    with_codes(session, card, &verify.which, |codes, reference| {
        if verify.check {
            return check(session, codes, reference);
        }
        let number = reference.number;
        let code = (!verify.which.pin_pad).then(|| ask(session, &format!("Code {number}: "))).transpose()?;
        told(session, reference, "verified", codes.verify(reference, code.as_ref()))
    })
}

pub fn change(session: &Session, card: &Attachment, change: &Change) -> Result<Exit, Failure> {
    with_codes(session, card, &change.which, |codes, reference| {
        let number = reference.number;
        if change.which.pin_pad {
            return told(session, reference, "changed", codes.change(reference, None, None));
        }
        let old = ask(session, &format!("Present code {number}: "))?;
        let new = ask_new(session, reference)?;
        told(session, reference, "changed", codes.change(reference, Some(&old), Some(&new)))
    })
}

pub fn unblock(session: &Session, card: &Attachment, unblock: &Unblock) -> Result<Exit, Failure> {
    with_codes(session, card, &unblock.which, |codes, reference| {
        let presented = if unblock.which.pin_pad {
            codes.unblock(reference, None, None, true)
        } else {
            let unblocking = ask(session, "Unblocking code (PUK): ")?;
            let new = if unblock.keep { None } else { Some(ask_new(session, reference)?) };
            codes.unblock(reference, Some(&unblocking), new.as_ref(), false)
        };
        // The card refuses the unblocking code, and tells its tries.
        outcome(&format!("unblocking code of code {}", reference.number), presented)?;
        done(session, reference, "unblocked", None)
    })
}

/// Presents a code of the card, for `--verify`.
pub fn present(session: &Session, card: &Attachment, number: u8) -> Result<(), Failure> {
    let failed = |error| Failure::library(subject(number), error);
    let codes = Codes::of(card, session.codes.of_codes()).map_err(failed)?;
    let code = ask(session, &format!("Code {number}: "))?;
    let presented = codes.verify(Reference { number: number.into(), is_local: false }, Some(&code));
    outcome(&subject(number), presented).map(|_| ())
}

/// A local code belongs to the directory that is selected: the lock keeps it selected.
fn with_codes(
    session: &Session,
    card: &Attachment,
    which: &Which,
    work: impl FnOnce(&Codes<'_>, Reference) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let number = which.number()?;
    let failed = |error| Failure::library(subject(number), error);
    let codes = Codes::of(card, session.codes.of_codes()).map_err(failed)?;
    let reference = Reference { number: number.into(), is_local: which.local.is_some() };
    let Some(directory) = &which.local else { return work(&codes, reference) };
    let _lock = card.lock().map_err(failed)?;
    let files = Files::of(card).map_err(failed)?;
    files.change_dir(directory).map_err(|error| Failure::library(directory, error))?;
    work(&codes, reference)
}

fn subject(number: u8) -> String {
    format!("code {number}")
}

fn check(session: &Session, codes: &Codes<'_>, reference: Reference) -> Result<Exit, Failure> {
    let number = reference.number as u8;
    let Presented { result, tries_left } = codes.check(reference);
    let (state, exit) = match result {
        Ok(()) => ("verified", Exit::Success),
        Err(error) => match error.name() {
            "SCM_SCARD_W_CARD_NOT_AUTHENTICATED" => ("not verified", Exit::Refused),
            "SCM_SCARD_W_CHV_BLOCKED" => ("blocked", Exit::Permission),
            _ => return Err(Failure::library(subject(number), error)),
        },
    };
    session.output.show(&Report { code: number, outcome: state, tries_left })?;
    Ok(exit)
}

fn told(session: &Session, reference: Reference, outcome: &'static str, presented: Presented) -> Result<Exit, Failure> {
    let tries_left = self::outcome(&subject(reference.number as u8), presented)?;
    done(session, reference, outcome, tries_left)
}

fn done(
    session: &Session,
    reference: Reference,
    outcome: &'static str,
    tries_left: Option<u32>,
) -> Result<Exit, Failure> {
    session.output.show(&Report { code: reference.number as u8, outcome, tries_left })?;
    Ok(Exit::Success)
}

/// A failure tells how many tries are left of the code that was presented.
fn outcome(subject: &str, presented: Presented) -> Result<Option<u32>, Failure> {
    let subject = match presented.tries_left {
        Some(tries) => format!("{subject}, tries left: {tries}"),
        None => subject.into(),
    };
    presented.result.map_err(|error| Failure::library(subject, error))?;
    Ok(presented.tries_left)
}

/// A new code; on a terminal it is asked for twice.
fn ask_new(session: &Session, reference: Reference) -> Result<Secret, Failure> {
    let number = reference.number as u8;
    let new = ask(session, &format!("New code {number}: "))?;
    if !session.codes.codes_from_stdin && *new != *ask(session, &format!("New code {number} again: "))? {
        return Err(Failure::data(subject(number), "the two entries differ; nothing was sent"));
    }
    Ok(new)
}

fn ask(session: &Session, question: &str) -> Result<Secret, Failure> {
    let code = if session.codes.codes_from_stdin {
        let line = input::line(prompt::LONGEST).map_err(|error| Failure::input("standard input", error))?;
        line.ok_or_else(|| Failure::data("code", "the standard input has ended; nothing was sent"))?
    } else {
        prompt::ask(question).map_err(no_terminal)?
    };
    if code.is_empty() {
        return Err(Failure::data("code", "it is empty; nothing was sent"));
    }
    Ok(code)
}

fn no_terminal(error: io::Error) -> Failure {
    if prompt::is_cancelled(&error) {
        return Failure::cancelled("the code");
    }
    let advice = "; without a terminal, --codes-from-stdin reads it from the standard input";
    Failure::input("the code", io::Error::new(error.kind(), format!("{error}{advice}")))
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "code {}: {}", self.code, self.outcome)?;
        match self.tries_left {
            Some(tries) => writeln!(formatter, ", tries left: {tries}"),
            None => writeln!(formatter),
        }
    }
}
