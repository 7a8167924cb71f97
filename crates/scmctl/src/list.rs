//! `scmctl list`: readers and cards.

use std::fmt::{self, Display, Formatter};

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::atr::Atr;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, Usage};
use crate::present::{self, present};
use crate::session::Session;
use crate::text::printable;

#[derive(Serialize)]
struct Report {
    readers: Vec<Reader>,
}

#[derive(Serialize)]
struct Reader {
    name: String,
    /// None if there is none. A mute card has no ATR.
    card: Option<Atr>,
    /// None if the platform does not tell.
    used_by_others: Option<Usage>,
}

/// It attaches to no card, and so disturbs no other program.
pub fn run(session: &Session) -> Result<Exit, Failure> {
    let mut readers = present(session)?;
    let names = session.wanted(readers.iter().map(|reader| reader.name.clone()).collect())?;
    readers.retain(|reader| names.contains(&reader.name));
    let report = Report { readers: readers.into_iter().map(Reader::of).collect() };
    session.output.show(&report)?;
    if report.readers.is_empty() {
        return Err(Failure::library("readers", library::Error::named("SCM_SCARD_E_NO_READERS_AVAILABLE")));
    }
    Ok(Exit::Success)
}

impl Reader {
    fn of(reader: present::Reader) -> Reader {
        let card = reader.atr.as_deref().map(Atr::with_names);
        Reader { name: reader.name, card, used_by_others: reader.usage }
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
            Some(card) if card.atr.is_empty() => {
                write!(formatter, "\n    {}", "the card is mute: it does not answer to a reset".red())?;
            }
            Some(card) => write!(formatter, "\n{card}")?,
        }
        match self.used_by_others {
            // An empty reader is seldom used.
            Some(Usage::No) if self.card.is_none() => Ok(()),
            Some(Usage::No) => write!(formatter, "\n    other users  none"),
            Some(Usage::Shared) => write!(formatter, "\n    other users  {}", "a program uses it".yellow()),
            Some(Usage::Exclusively) => {
                write!(formatter, "\n    other users  {}", "a program uses it exclusively".red())
            }
            None => Ok(()),
        }
    }
}
