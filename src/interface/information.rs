//! EF.ATR/INFO: what a card says of itself beyond its ATR (ISO/IEC 7816-4, 12.2.2).

use super::selection::{enter, Expected};
use crate::attachment::conversation::Conversation;
use crate::capabilities::Capabilities;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::Path;

pub(crate) const ID: u16 = 0x2F01;

/// Reads it, once, and only where somebody asks for it: what was selected before, and perhaps what was
/// verified for it, is lost. Where it cannot be read nothing more is known than before.
pub fn read(card: &mut Conversation) -> Result<()> {
    let capabilities = card.capabilities();
    if capabilities.has_read_file {
        return Ok(());
    }
    let mut content = Vec::new();
    let is_there = enter(card, &Path::MF.child(ID)?, Expected::File).and_then(|()| {
        let read = Command::new(ins::READ_BINARY, 0, 0).expecting(SHORT_RESPONSE);
        Ok(card.send(&read, &mut content)?.is_done())
    });
    let is_missing = is_there == Err(Hresult::SCARD_E_FILE_NOT_FOUND);
    card.learn(match card.given(is_there)? {
        Some(true) => capabilities.with_file(&content),
        // There is no more than the ATR says.
        None if is_missing => capabilities.with_file(&[]),
        // What it would say is as unknown as before.
        Some(false) | None => Capabilities { has_read_file: true, ..capabilities },
    });
    Ok(())
}
