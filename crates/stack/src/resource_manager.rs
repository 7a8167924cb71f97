//! The stack as a client of the resource manager.
//!
//! A context does not survive a restart of the daemon, so each action has its own context.

use std::ffi::CStr;
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode};

/// The time limit of the daemon, and the interval of the questions.
const TIME_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);

/// Resets the card as another program would: connects, and disconnects with `disposition`.
pub fn reset(reader: &CStr, disposition: Disposition) -> Result<(), Error> {
    let (card, _context) = connect(reader, ShareMode::Shared)?;
    disconnect(card, disposition)
}

/// Waits until the daemon has seen that the exclusive holder of the reader is dead, which may take a while.
pub fn wait_until_free(reader: &CStr) -> Result<(), Error> {
    let deadline = Instant::now() + TIME_LIMIT;
    loop {
        // Without a daemon nobody has it.
        let Ok(context) = Context::establish(Scope::User) else { return Ok(()) };
        match context.connect(reader, ShareMode::Direct, Protocols::UNDEFINED) {
            Ok(card) => return disconnect(card, Disposition::LeaveCard),
            Err(Error::SharingViolation) if Instant::now() < deadline => thread::sleep(POLL),
            Err(Error::SharingViolation) => return Err(Error::SharingViolation),
            // Nor without a reader.
            Err(_) => return Ok(()),
        }
    }
}

/// A connection to the card in `reader`, with its context.
pub fn connect(reader: &CStr, mode: ShareMode) -> Result<(Card, Context), Error> {
    let context = Context::establish(Scope::User)?;
    let card = context.connect(reader, mode, Protocols::ANY)?;
    Ok((card, context))
}

pub fn disconnect(card: Card, disposition: Disposition) -> Result<(), Error> {
    card.disconnect(disposition).map_err(|(_, error)| error)
}

/// The name and meaning of `error` in one line.
pub fn text(error: Error) -> String {
    format!("{error:?}: {error}")
}
