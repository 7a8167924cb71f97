//! EF.ATR/INFO: the capabilities of a card that its ATR does not show (ISO/IEC 7816-4, 12.2.2).

use super::binary;
use super::file::GenericFile;
use super::selection::{Expected, make_current};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::capabilities::Capabilities;
use crate::iso7816::command::SHORT_RESPONSE;
use crate::iso7816::path::Path;

pub(crate) const ID: u16 = 0x2F01;

/// Reads the file once, and only when its content is needed: the card loses the selection, and perhaps a verification
/// that belongs to it. If the file cannot be read, the capabilities stay as they are.
pub fn read(card: &mut Transaction) -> Result<()> {
    let capabilities = card.capabilities();
    if capabilities.has_read_file {
        return Ok(());
    }
    let mut content = Vec::new();
    let was_read = read_file(card, &mut content);
    let is_missing = was_read == Err(Hresult::SCARD_E_FILE_NOT_FOUND);
    card.set_capabilities(match card.unless_refused(was_read)? {
        Some(()) => capabilities.with_file(&content),
        // The ATR has all capabilities.
        None if is_missing => capabilities.with_file(&[]),
        // The content stays unknown.
        None => Capabilities { has_read_file: true, ..capabilities },
    });
    Ok(())
}

/// Reads as much of the file as one command gives.
pub fn read_file(card: &mut Transaction, content: &mut Vec<u8>) -> Result<()> {
    let path = Path::MF.child(ID)?;
    make_current(card, &path, Expected::File)?;
    binary::read_part(card, &GenericFile::of_standard(path), 0, SHORT_RESPONSE, content).map(drop)
}
