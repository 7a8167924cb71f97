//! What the stack itself asks of the resource manager, as one more client of it.
//!
//! A context outlives no restart of the daemon, so each question has a context of its own.

use std::ffi::CStr;
use std::fmt;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};

/// How long an event may take. The daemon looks at its readers every 400 ms.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a card is in a reader.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Presence {
    Present,
    Empty,
}

/// The names of all readers.
pub fn readers() -> Result<Vec<String>, Error> {
    let names = match Context::establish(Scope::User)?.list_readers_owned() {
        Err(Error::NoReadersAvailable) => vec![],
        names => names?,
    };
    Ok(names.iter().map(|name| name.to_string_lossy().into_owned()).collect())
}

/// Waits until the daemon reports that a card is in `reader`, or that none is.
pub fn wait_until(reader: &CStr, presence: Presence) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    match watch(reader, presence, deadline) {
        Ok(()) => Ok(()),
        Err(Error::Timeout) => Err(format!("{} is not {presence} after {PATIENCE:?}", reader.to_string_lossy())),
        Err(error) => Err(text(error)),
    }
}

fn watch(reader: &CStr, presence: Presence, deadline: Instant) -> Result<(), Error> {
    let context = Context::establish(Scope::User)?;
    let mut states = [ReaderState::new(reader, State::UNAWARE)];
    while !states[0].event_state().contains(presence.flag()) {
        states[0].sync_current_state();
        context.get_status_change(deadline.saturating_duration_since(Instant::now()), &mut states)?;
    }
    Ok(())
}

/// Resets the card as another program would: connects to it and parts from it with `disposition`.
pub fn reset(reader: &CStr, disposition: Disposition) -> Result<(), Error> {
    let (card, _context) = connect(reader, ShareMode::Shared)?;
    disconnect(card, disposition)
}

/// A connection to the card in `reader`, with the context that it belongs to.
pub fn connect(reader: &CStr, mode: ShareMode) -> Result<(Card, Context), Error> {
    let context = Context::establish(Scope::User)?;
    let card = context.connect(reader, mode, Protocols::ANY)?;
    Ok((card, context))
}

pub fn disconnect(card: Card, disposition: Disposition) -> Result<(), Error> {
    card.disconnect(disposition).map_err(|(_, error)| error)
}

/// What `error` is called and means, in one line.
pub fn text(error: Error) -> String {
    format!("{error:?}: {error}")
}

impl Presence {
    fn flag(self) -> State {
        match self {
            Presence::Present => State::PRESENT,
            Presence::Empty => State::EMPTY,
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Presence::Present => "present",
            Presence::Empty => "empty",
        })
    }
}
