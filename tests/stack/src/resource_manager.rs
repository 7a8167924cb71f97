//! What the stack itself does with cards, as one more client of the resource manager.
//!
//! A context outlives no restart of the daemon, so each deed has a context of its own.

use std::ffi::CStr;

use pcsc::{Card, Context, Disposition, Error, Protocols, Scope, ShareMode};

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
