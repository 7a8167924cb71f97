//! EF.ATR/INFO: what a card says of itself beyond its ATR (ISO/IEC 7816-4, 12.2.2).

use super::selection::{enter, Expected};
use crate::attachment::conversation::Conversation;
use crate::command::{ins, Command, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::path::Path;

pub(crate) const ID: u16 = 0x2F01;

/// Reads it, once, and only where somebody asks for it: what was selected before, and perhaps what was
/// verified for it, is lost. A card that has no such file after all has said everything.
pub fn read(card: &mut Conversation) -> Result<()> {
    let capabilities = card.capabilities();
    if capabilities.has_read_file {
        return Ok(());
    }
    let (mut content, before) = (Vec::new(), card.generation());
    match enter(card, &Path::MF.child(ID)?, Expected::File) {
        Ok(()) => {
            card.send(&Command::new(ins::READ_BINARY, 0, 0).expecting(SHORT_RESPONSE), &mut content)?;
        }
        // It was not the card that said so.
        Err(code) if code == Hresult::E_OUTOFMEMORY || card.generation() != before => return Err(code),
        Err(_) => {}
    }
    card.learn(capabilities.with_file(&content));
    Ok(())
}
