//! A card held by another program than the command: another client of the daemon, which can die. The program is this
//! one, run as `scm-stack hold`.

use std::error::Error;
use std::ffi::{CStr, CString};
use std::io;
use std::process::Command;
use std::str::FromStr;

use pcsc::{Disposition, ShareMode};

use crate::answer::{self, Answer, done};
use crate::launcher::Launcher;
use crate::program::{Program, THIS};
use crate::resource_manager::{connect, disconnect, text, wait_until_free};

/// The kind of the hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HoldKind {
    Shared,
    Exclusive,
    Transaction,
}

/// The way a hold ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Release {
    Leave,
    Reset,
    Unpower,
    /// The holder is killed, and the daemon takes care of the card.
    Die,
}

/// A held card, until it is released or this is dropped.
pub struct Hold {
    holder: Program,
    reader: CString,
}

impl Hold {
    /// Takes the card in `reader`; waits while others hold it in a transaction.
    pub fn take(reader: &CStr, kind: HoldKind, launcher: &Launcher) -> Result<Self, String> {
        let mut command = Command::new(THIS);
        command.arg("hold").arg(reader.to_string_lossy().as_ref()).arg(kind.word());
        let mut holder = Program::start(command, launcher)?;
        holder.hear()?;
        Ok(Hold { holder, reader: reader.into() })
    }

    pub fn release(mut self, release: Release) -> Answer {
        match release {
            Release::Die => {
                drop(self.holder);
                wait_until_free(&self.reader).map_err(text)?;
                done()
            }
            release => self.holder.tell(release.word()),
        }
    }
}

/// The holding program: reports when it has the card, and releases it as the next line of its standard input says.
pub fn keep(reader: &str, kind: HoldKind) -> Result<i32, Box<dyn Error>> {
    let outcome = hold(&CString::new(reader)?, kind);
    print!("{}", answer::line(outcome.map(|()| String::new())));
    Ok(0)
}

fn hold(reader: &CStr, kind: HoldKind) -> Result<(), String> {
    let (mut card, _context) = connect(reader, kind.mode()).map_err(text)?;
    if kind != HoldKind::Transaction {
        return disconnect(card, await_release()?).map_err(text);
    }
    let transaction = card.transaction().map_err(text)?;
    transaction.end(await_release()?).map_err(|(_, error)| text(error))?;
    disconnect(card, Disposition::LeaveCard).map_err(text)
}

fn await_release() -> Result<Disposition, String> {
    print!("{}", answer::line(done()));
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| error.to_string())?;
    match line.trim_end().parse()? {
        Release::Leave | Release::Die => Ok(Disposition::LeaveCard),
        Release::Reset => Ok(Disposition::ResetCard),
        Release::Unpower => Ok(Disposition::UnpowerCard),
    }
}

impl HoldKind {
    const ALL: [HoldKind; 3] = [HoldKind::Shared, HoldKind::Exclusive, HoldKind::Transaction];

    fn word(self) -> &'static str {
        match self {
            HoldKind::Shared => "shared",
            HoldKind::Exclusive => "exclusive",
            HoldKind::Transaction => "transaction",
        }
    }

    fn mode(self) -> ShareMode {
        match self {
            HoldKind::Exclusive => ShareMode::Exclusive,
            HoldKind::Shared | HoldKind::Transaction => ShareMode::Shared,
        }
    }
}

impl FromStr for HoldKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let kind = HoldKind::ALL.into_iter().find(|kind| kind.word() == word);
        kind.ok_or_else(|| format!("unknown kind of hold: {word}"))
    }
}

impl Release {
    const ALL: [Release; 4] = [Release::Leave, Release::Reset, Release::Unpower, Release::Die];

    fn word(self) -> &'static str {
        match self {
            Release::Leave => "leave",
            Release::Reset => "reset",
            Release::Unpower => "unpower",
            Release::Die => "die",
        }
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let release = Release::ALL.into_iter().find(|release| release.word() == word);
        release.ok_or_else(|| format!("no way to release a card: {word}"))
    }
}
