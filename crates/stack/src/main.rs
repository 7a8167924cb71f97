//! Runs a command beside a private pcscd with virtual readers. The command, or another client of the control socket,
//! inserts and removes card programs.
//!
//! A *stack* is: private namespaces, one pcscd, up to 8 readers of vpcd, their cards, and the control socket. Any
//! number of stacks may run at the same time; none touches the readers of the machine, and none leaves anything behind.
//! [`order::Order`] lists the orders of the control socket.

mod answer;
mod card;
mod command;
mod configuration;
mod control;
mod daemon;
mod forwarder;
mod hold;
mod ifd;
mod launcher;
mod namespace;
mod order;
mod program;
mod reader_state;
mod resource_manager;
mod stack;

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use configuration::{Configuration, MAX_READERS};
use hold::HoldKind;
use launcher::Launcher;
use reader_state::Condition;
use stack::Stack;

#[derive(Parser)]
#[command(about = "Runs a command beside a private pcscd with virtual readers and cards")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Runs a command inside its own stack, and ends with its exit status
    Run(Run),
    /// Sends one order to the stack around this program, and prints the answer; fails if the answer is an error
    Tell {
        #[arg(required = true)]
        line: Vec<String>,
    },
    /// Holds a card in the stack around this program, until it is told otherwise; for the stack itself
    #[command(hide = true)]
    Hold { reader: String, kind: HoldKind },
    /// Waits until the resource manager reports this state of the readers; for the stack itself
    #[command(hide = true)]
    See { wanted: Condition, readers: Vec<String> },
}

#[derive(Args)]
struct Run {
    /// The number of readers
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=MAX_READERS.into()))]
    readers: u8,

    /// The directory of the card programs [default: that of this program]
    #[arg(long)]
    cards: Option<PathBuf>,

    /// The daemon
    #[arg(long, default_value = "/usr/sbin/pcscd")]
    pcscd: PathBuf,

    /// The driver of the virtual readers
    #[arg(long, default_value = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so")]
    driver: PathBuf,

    /// Puts a forwarder between the command and the daemon, as `ssh -L` does to the daemon of another machine
    #[arg(long)]
    forwarded: bool,

    /// The command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

fn main() {
    let outcome = match Arguments::parse().action {
        Action::Run(run) => run.run(),
        Action::Tell { line } => control::tell(&line.join(" ")),
        Action::Hold { reader, kind } => hold::keep(&reader, kind),
        Action::See { wanted, readers } => reader_state::see(wanted, &readers),
    };
    let status = outcome.unwrap_or_else(|error| {
        eprintln!("scm-stack: {error}");
        1
    });
    process::exit(status);
}

impl Run {
    fn run(self) -> Result<i32, Box<dyn Error>> {
        let cards = self.cards()?;
        // It would lead this process and the command to another daemon.
        // SAFETY: no other thread runs yet.
        unsafe { std::env::remove_var(forwarder::VARIABLE) };
        // Before the first thread: a process with threads may not enter a user namespace.
        let configuration = Configuration::of(self.readers, &self.driver)?;
        namespace::enter()?;
        configuration.write()?;
        let signals = command::signals()?;
        let launcher = Arc::new(Launcher::start());
        let stack = Arc::new(Stack::new(configuration, cards, self.pcscd, Arc::clone(&launcher)));
        let outcome = stack.start().map_err(Box::from).and_then(|()| {
            control::listen(Arc::clone(&stack))?;
            let mut environment = vec![(control::VARIABLE, control::path())];
            if self.forwarded {
                forwarder::listen()?;
                environment.push((forwarder::VARIABLE, forwarder::path()));
            }
            command::run(&self.command, environment, &launcher, signals).map_err(Box::from)
        });
        stack.take_down();
        outcome
    }

    fn cards(&self) -> Result<PathBuf, Box<dyn Error>> {
        if let Some(cards) = &self.cards {
            return Ok(cards.canonicalize()?);
        }
        let program = std::env::current_exe()?;
        Ok(program.parent().ok_or("this program is in no directory")?.into())
    }
}
