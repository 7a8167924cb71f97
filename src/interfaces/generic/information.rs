//! EF.ATR/INFO: what a card says of itself beyond its ATR (ISO/IEC 7816-4, 12.2.2).

use super::binary;
use super::file::GenericFile;
use super::selection::{Expected, make_current};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::capabilities::Capabilities;
use crate::iso7816::command::SHORT_RESPONSE;
use crate::iso7816::path::Path;

pub(crate) const ID: u16 = 0x2F01;

/// Reads it, once, and only where somebody asks for it: what was selected before, and perhaps what was
/// verified for it, is lost. Where it cannot be read nothing more is known than before.
pub fn read(card: &mut Transaction) -> Result<()> {
    let capabilities = card.capabilities();
    if capabilities.has_read_file {
        return Ok(());
    }
    let mut content = Vec::new();
    let was_read = read_file(card, &mut content);
    let is_missing = was_read == Err(Hresult::SCARD_E_FILE_NOT_FOUND);
    card.learn(match card.given(was_read)? {
        Some(()) => capabilities.with_file(&content),
        // There is no more than the ATR says.
        None if is_missing => capabilities.with_file(&[]),
        // What it would say is as unknown as before.
        None => Capabilities { has_read_file: true, ..capabilities },
    });
    Ok(())
}

/// What is in it, as far as one command brings it.
pub fn read_file(card: &mut Transaction, content: &mut Vec<u8>) -> Result<()> {
    let path = Path::MF.child(ID)?;
    make_current(card, &path, Expected::File)?;
    binary::read_part(card, &GenericFile::of_standard(path), 0, SHORT_RESPONSE, content).map(drop)
}
