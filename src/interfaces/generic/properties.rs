//! The data objects that describe a file, and those that describe the card.

use super::control_parameters::FCP;
use super::file_access::succeed;
use super::information;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::hresult::Result;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::tlv::{self, DataObject};

/// Reads those of the current file (ISO/IEC 7816-4, 11.4.3: GET DATA of the template).
pub fn of_current(card: &mut Transaction, answer: &mut Vec<u8>) -> Result<()> {
    let command = Command::new(ins::GET_DATA, 0, FCP as u8).expecting(SHORT_RESPONSE);
    let status = card.send(&command, answer)?;
    if status.is_done() { Ok(()) } else { Err(status.failure()) }
}

/// Changes those of the current file (PUT DATA of the template).
pub fn set(card: &mut Transaction, objects: &[u8]) -> Result<()> {
    if objects.is_empty() || !is_objects(objects) {
        return Err(refuse("is empty, or not a list of BER-TLV data objects")).of("properties");
    }
    succeed(card.send(&Command::new(ins::PUT_DATA, 0, FCP as u8).with_data(objects), &mut Vec::new())?)
}

/// The data objects in the ATR and in EF.ATR/INFO. The COMPACT-TLV objects of the ATR get their full tags: 7 becomes
/// 47.
pub fn of_card(card: &mut Transaction, tags: &[u8]) -> Result<Vec<u8>> {
    let mut objects = Vec::new();
    for (tag, value) in card.atr().compact_objects() {
        tlv::push(&mut objects, 0x40 | u32::from(tag), value)?;
    }
    let mut content = Vec::new();
    let was_read = information::read_file(card, &mut content);
    card.unless_refused(was_read)?;
    for object in tlv::objects(&content) {
        if tlv::find(&objects, object.tag).is_none() {
            tlv::push(&mut objects, object.tag, object.value)?;
        }
    }
    choose(tlv::objects(&objects), tags)
}

/// The objects with the tags in the list `tags`, or all objects if that is empty.
pub fn choose<'a>(objects: impl Iterator<Item = DataObject<'a>>, tags: &[u8]) -> Result<Vec<u8>> {
    let mut chosen = Vec::new();
    for object in objects {
        if tags.is_empty() || tlv::tags(tags).any(|tag| tag == object.tag) {
            chosen.try_reserve(object.whole.len())?;
            chosen.extend_from_slice(object.whole);
        }
    }
    Ok(chosen)
}

/// Whether `bytes` consist of whole data objects.
pub fn is_objects(bytes: &[u8]) -> bool {
    let mut objects = tlv::objects(bytes);
    objects.by_ref().for_each(drop);
    objects.is_at_end()
}
