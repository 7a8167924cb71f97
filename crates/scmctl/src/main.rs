//! scmctl: readers, cards and their files on the command line. Each command is one file; `library` is the only part
//! that calls libscm, through the functions of scm.h.
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]

mod advice;
mod apdu;
mod arguments;
mod atr;
mod attribute;
mod cat;
mod code;
mod doctor;
mod exit;
mod failure;
mod generate;
mod hex;
mod input;
mod library;
mod list;
mod output;
mod present;
mod progress;
mod prompt;
mod replay;
mod reset;
mod script;
mod send;
mod session;
mod shell;
mod status;
mod status_word;
mod system;
mod text;
mod tlv;
mod tree;
mod watch;
mod write;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use exit::Exit;
use failure::Failure;
use library::Attachment;
use output::Output;
use session::Session;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    arguments.color.write_global();
    let output = Output::new(arguments.json);
    match run(&arguments, &output) {
        Ok(exit) => exit.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::Success.into(),
        Err(failure) => {
            output.complain(&failure);
            failure.exit().into()
        }
    }
}

/// Help and version are no faults.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        Output::new(true).complain(&Failure::command_line(error));
        return Exit::Usage.into();
    }
    // Nothing can be told if standard error is closed.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() }
}

fn run(arguments: &Arguments, output: &Output) -> Result<Exit, Failure> {
    let session = || Session::begin(arguments, output);
    match &arguments.command {
        Command::List => list::run(&session()?),
        Command::Watch(watch) => watch::run(&session()?, watch),
        Command::Doctor => doctor::run(&session()?),
        Command::Status => status::run(&session()?),
        Command::Send(send) => send::run(&session()?, send),
        Command::Shell => shell::run(&session()?),
        Command::Tree(tree) => tree::run(&session()?, tree),
        Command::Cat(cat) => cat::run(&session()?, cat),
        Command::Write(write) => write::run(&session()?, write),
        Command::Verify(verify) => {
            with_code(&session()?, &verify.which, |session, card| code::verify(session, card, verify))
        }
        Command::Change(change) => {
            with_code(&session()?, &change.which, |session, card| code::change(session, card, change))
        }
        Command::Unblock(unblock) => {
            with_code(&session()?, &unblock.which, |session, card| code::unblock(session, card, unblock))
        }
        Command::Reset(reset) => with_card(&session()?, |session, card| reset::run(session, card, reset)),
        Command::Replay(replay) => replay::run(&session()?, replay),
        Command::Generate(what) => generate::run(what),
    }
}

/// As `with_card`. Wrong arguments are refused before the search for the card.
fn with_code(
    session: &Session,
    which: &code::Which,
    command: impl FnOnce(&Session, &Attachment) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    which.number()?;
    with_card(session, command)
}

/// For commands that the shell has, too.
fn with_card(
    session: &Session,
    command: impl FnOnce(&Session, &Attachment) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    command(session, &session.attach()?)
}
