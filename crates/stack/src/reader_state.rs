//! The states of readers according to the resource manager, asked by a separate program, `scm-stack see`.
//!
//! libpcsclite 2.5 fails forever in a process that has seen more readers than the daemon has now, and a stack can lose
//! readers. It also fails sometimes during a change, so it is asked again, and never with a wait.

use std::error::Error as AnyError;
use std::ffi::{CStr, CString};
use std::fmt;
use std::process::Command;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Context, Error, ReaderState, Scope, State};

use crate::answer::{self, Answer, done};
use crate::launcher::Launcher;
use crate::program::{Program, THIS};
use crate::resource_manager::text;

/// The time limit of an event. The daemon polls its readers every 400 ms.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The interval of the questions.
const POLL: Duration = Duration::from_millis(5);

/// A state of the readers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    Listed,
    /// A card is inserted.
    Present,
    Empty,
}

/// Waits until the resource manager reports this state of the readers.
pub fn wait_until(wanted: Condition, readers: &[&CStr], launcher: &Launcher) -> Answer {
    let mut command = Command::new(THIS);
    command.arg("see").arg(wanted.word()).args(readers.iter().map(|reader| reader.to_string_lossy().into_owned()));
    Program::start(command, launcher)?.hear()
}

/// The program: reports when the state is reached.
pub fn see(wanted: Condition, readers: &[String]) -> Result<i32, Box<dyn AnyError>> {
    let readers = readers.iter().map(|reader| CString::new(reader.as_str())).collect::<Result<Vec<_>, _>>()?;
    print!("{}", answer::line(watch(wanted, &readers)));
    Ok(0)
}

fn watch(wanted: Condition, readers: &[CString]) -> Answer {
    let deadline = Instant::now() + TIME_LIMIT;
    loop {
        let answer = wanted.is_seen(readers);
        match answer {
            Ok(true) => return done(),
            Err(error) if !wanted.may_come_after(error) => return Err(text(error)),
            _ if Instant::now() < deadline => thread::sleep(POLL),
            _ => return Err(format!("{readers:?} not {wanted} after {TIME_LIMIT:?}: {answer:?}")),
        }
    }
}

impl Condition {
    const ALL: [Condition; 3] = [Condition::Listed, Condition::Present, Condition::Empty];

    /// A new context for each question: one that failed may fail forever.
    fn is_seen(self, readers: &[CString]) -> Result<bool, Error> {
        let context = Context::establish(Scope::User)?;
        let flag = match self {
            Condition::Listed => {
                let listed = context.list_readers_owned()?;
                return Ok(readers.iter().all(|reader| listed.contains(reader)));
            }
            Condition::Present => State::PRESENT,
            Condition::Empty => State::EMPTY,
        };
        let mut states: Vec<_> = readers.iter().map(|reader| ReaderState::new(&**reader, State::UNAWARE)).collect();
        context.get_status_change(Duration::ZERO, &mut states)?;
        Ok(states.iter().all(|state| state.event_state().contains(flag)))
    }

    /// A starting daemon lists nothing yet. Of a running one, only libpcsclite's own errors are ignored.
    fn may_come_after(self, error: Error) -> bool {
        self == Condition::Listed
            || matches!(error, Error::UnsupportedFeature | Error::UnknownReader | Error::InsufficientBuffer)
    }

    fn word(self) -> &'static str {
        match self {
            Condition::Listed => "listed",
            Condition::Present => "present",
            Condition::Empty => "empty",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let wanted = Condition::ALL.into_iter().find(|wanted| wanted.word() == word);
        wanted.ok_or_else(|| format!("unknown condition of a reader: {word}"))
    }
}
