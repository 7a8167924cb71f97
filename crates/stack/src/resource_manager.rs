//! What the stack itself does with cards, as one more client of the resource manager.
//!
//! A context outlives no restart of the daemon, so each deed has a context of its own.

use std::ffi::CStr;
use std::thread;
use std::time::{Duration, Instant};

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode};

/// How long the daemon may take, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(2);

/// Resets the card as another program would: connects to it and parts from it with `disposition`.
pub fn reset(reader: &CStr, disposition: Disposition) -> Result<(), Error> {
    let (card, _context) = connect(reader, ShareMode::Shared)?;
    disconnect(card, disposition)
}

/// Waits until the daemon has seen that who had the reader for himself is dead, which he may be for a while before it has.
pub fn wait_until_free(reader: &CStr) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Without a daemon there is nobody to have it.
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
