//! `scmctl list`: readers and cards.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::atr::Atr;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, Share};
use crate::present::{Present, present};
use crate::session::Session;
use crate::text::printable;

/// How long a lock of another program may last before it is told.
const LIMIT_MS: u32 = 1000;

#[derive(clap::Args)]
pub struct List {
    /// Only watches, and attaches to no card: does not tell whether others use it
    #[arg(long)]
    passive: bool,
}

#[derive(Serialize)]
struct Report {
    readers: Vec<Reader>,
}

#[derive(Serialize)]
struct Reader {
    name: String,
    #[serde(flatten)]
    card: Option<Card>,
    /// The failure of the reader or the card, with its advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct Card {
    card: Atr,
    /// Whether other programs use it; None if that was not asked.
    used_by_others: Option<Usage>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Usage {
    No,
    Shared,
    Exclusively,
    /// Another program holds a lock (transaction).
    Locked,
}

pub fn run(session: &Session, list: &List) -> Result<Exit, Failure> {
    let Present { readers, cards } = present(session)?;
    let mut report = Report { readers: Vec::new() };
    for name in session.wanted(readers)? {
        report.readers.push(reader(session, name, &cards, list.passive));
    }
    let is_empty = report.readers.is_empty();
    session.output.show(&report)?;
    if is_empty {
        return Err(Failure::attach("readers", library::Error::named("SCM_SCARD_E_NO_READERS_AVAILABLE")));
    }
    Ok(Exit::Success)
}

fn reader(session: &Session, name: String, cards: &HashMap<String, Vec<u8>>, is_passive: bool) -> Reader {
    let Some(atr) = cards.get(&name) else { return Reader { name, card: None, problem: None } };
    let card = |atr: &[u8], usage| Some(Card { card: Atr::with_names(atr), used_by_others: usage });
    if is_passive {
        return Reader { name, card: card(atr, None), problem: None };
    }
    match usage(session, &name) {
        Ok(usage) => Reader { name, card: card(atr, Some(usage)), problem: None },
        Err(error) if error.is(library::NO_SMARTCARD) => Reader { name, card: None, problem: None },
        Err(error) => {
            let problem = Some(Failure::attach(name.clone(), error).explanation());
            Reader { name, card: card(atr, None), problem }
        }
    }
}

/// Only an attempt to use the card alone tells whether others use it. It fails at once if they do.
fn usage(session: &Session, name: &str) -> library::Result<Usage> {
    let attempt = |share| match session.attach_soon(name, share, LIMIT_MS) {
        Ok(_) => Ok(Usage::No),
        Err(error) if error.is(library::SHARING_VIOLATION) => Ok(Usage::Exclusively),
        Err(error) if error.is(library::TIMEOUT) => Ok(Usage::Locked),
        Err(error) => Err(error),
    };
    match attempt(Share::Exclusive)? {
        Usage::Exclusively => {
            attempt(Share::Shared).map(|usage| if usage == Usage::No { Usage::Shared } else { usage })
        }
        usage => Ok(usage),
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.readers.iter().try_for_each(|reader| writeln!(formatter, "{reader}"))
    }
}

impl Display for Reader {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", printable(&self.name).bold())?;
        match &self.card {
            None => write!(formatter, "\n    no card")?,
            Some(Card { card, used_by_others }) => {
                if !card.atr.is_empty() {
                    write!(formatter, "\n{card}")?;
                }
                match used_by_others {
                    Some(Usage::No) => write!(formatter, "\n    other users  none")?,
                    Some(Usage::Shared) => {
                        write!(formatter, "\n    other users  {}", "another program uses it".yellow())?
                    }
                    Some(Usage::Exclusively) => {
                        write!(formatter, "\n    other users  {}", "another program uses it exclusively".red())?;
                    }
                    Some(Usage::Locked) => {
                        write!(formatter, "\n    other users  {}", "another program holds a lock on it".red())?;
                    }
                    None => {}
                }
            }
        }
        match &self.problem {
            Some(problem) => write!(formatter, "\n    problem      {}", problem.red()),
            None => Ok(()),
        }
    }
}
