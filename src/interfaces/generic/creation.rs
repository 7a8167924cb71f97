//! CREATE FILE (ISO/IEC 7816-9): the place and the control parameters of a new file.

use super::control_parameters::{ControlParameters, DESCRIPTOR, FCI, FCP, FileKind, ID, NAME, SIZE, WHOLE_SIZE};
use super::file_access::succeed;
use super::properties::is_objects;
use super::selection::enter_directory;
use crate::abi::cause::{OfArgument, refuse, refuse_length};
use crate::abi::constants::Reference;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::path::{Path, Root};
use crate::iso7816::tlv;

/// File descriptor bytes of a DF, and of a transparent EF with its data coding byte: one byte is one data unit.
const DIRECTORY: [u8; 1] = [0x38];
const TRANSPARENT: [u8; 2] = [0x01, 0x01];

/// The place of the new file: with an identifier anywhere, with a name in the current DF.
pub fn place(reference: Reference, text: &[u8], current: &Path) -> Result<(Reference, Path)> {
    let meanings = Path::interpret(reference, text, current)?;
    let meaning = meanings.iter().find(|(reference, path)| match reference {
        Reference::Name => path.is_named(),
        Reference::Id => !path.ids().is_empty() && path.short_id().is_none(),
        _ => false,
    });
    meaning.ok_or_else(|| refuse("has to be an identifier, or the name of a new directory")).of("path")
}

/// The FCP template of the new file: the data objects of the caller, and those that are missing. An object that
/// contradicts the path is an error.
pub fn describe(
    reference: Reference,
    path: &Path,
    objects: &[u8],
    content: &[u8],
    preallocate: bool,
) -> Result<Vec<u8>> {
    let given = unwrapped(objects)?;
    if reference == Reference::Name && !content.is_empty() {
        return Err(refuse("is given for a directory, which has no content")).of("data");
    }
    check_content(given, content)?;
    let has = |tag| tlv::find(given, tag).is_some();
    let mut inner = Vec::new();
    if !has(SIZE) && !has(WHOLE_SIZE) && !content.is_empty() {
        let size = u16::try_from(content.len()).map_err(|_| Hresult::SCARD_E_WRITE_TOO_MANY)?;
        tlv::push(&mut inner, SIZE, &size.to_be_bytes())?;
    } else if preallocate && !has(SIZE) && !has(WHOLE_SIZE) {
        return Err(refuse("has no size to reserve, and there are no data")).of("properties");
    }
    if !has(DESCRIPTOR) {
        let descriptor = if reference == Reference::Name { &DIRECTORY[..] } else { &TRANSPARENT };
        tlv::push(&mut inner, DESCRIPTOR, descriptor)?;
    }
    match path.root() {
        Root::Name(name) if reference == Reference::Name => add(&mut inner, given, NAME, name.as_bytes())?,
        _ => {
            let id = path.ids().last().ok_or_else(|| refuse("names no file")).of("path")?;
            add(&mut inner, given, ID, &id.to_be_bytes())?;
        }
    }
    inner.try_reserve(given.len())?;
    inner.extend_from_slice(given);
    let mut template = Vec::new();
    tlv::push(&mut template, FCP, &inner)?;
    Ok(template)
}

/// Checks that the first content can be written: otherwise the file is not created.
fn check_content(given: &[u8], content: &[u8]) -> Result<()> {
    let parameters = ControlParameters::read(given);
    let record_size = parameters.record_size.map_or(usize::MAX, |size| size as usize).max(1);
    match parameters.kind {
        Some(FileKind::Directory) if !content.is_empty() => {
            Err(refuse("is given for a directory, which has no content")).of("data")
        }
        Some(FileKind::Fixed | FileKind::Cyclic) if record_size < usize::MAX && content.len() % record_size != 0 => {
            Err(refuse_length("is not a whole number of records")).of("data")
        }
        Some(FileKind::Variable) if content.len() > record_size => Err(Hresult::SCARD_E_WRITE_TOO_MANY),
        Some(FileKind::Transparent) | None if parameters.size.is_some_and(|size| content.len() > size as usize) => {
            Err(Hresult::SCARD_E_WRITE_TOO_MANY)
        }
        _ => Ok(()),
    }
}

/// The data objects in the template of the caller, or the data objects that the caller gives without a template.
fn unwrapped(objects: &[u8]) -> Result<&[u8]> {
    if !is_objects(objects) {
        return Err(refuse("is not a list of BER-TLV data objects")).of("properties");
    }
    let mut all = tlv::objects(objects);
    let inner = match (all.next(), all.next()) {
        (Some(template), None) if matches!(template.tag, FCP | FCI) => template.value,
        _ => objects,
    };
    is_objects(inner).then_some(inner).ok_or_else(|| refuse("is not a list of BER-TLV data objects")).of("properties")
}

fn add(to: &mut Vec<u8>, given: &[u8], tag: u32, value: &[u8]) -> Result<()> {
    match tlv::find(given, tag) {
        None => tlv::push(to, tag, value),
        Some(same) if same == value => Ok(()),
        Some(_) => Err(refuse("has another identifier or name than the path")).of("properties"),
    }
}

/// Creates the file that `template` describes. Cards differ in what is selected afterwards.
pub fn create(card: &mut Transaction, directory: &Path, template: &[u8]) -> Result<()> {
    enter_directory(card, directory)?;
    card.set_selection(None);
    succeed(card.send(&Command::new(ins::CREATE_FILE, 0, 0).with_data(template), &mut Vec::new())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe_at(text: &str, objects: &[u8], content: &[u8]) -> Result<Vec<u8>> {
        let (reference, path) = place(Reference::Any, text.as_bytes(), &Path::MF)?;
        describe(reference, &path, objects, content, false)
    }

    #[test]
    fn missing_objects_are_added() {
        let expected = [0x62, 12, 0x80, 2, 0, 3, 0x82, 2, 1, 1, 0x83, 2, 0x44, 0x01];
        assert_eq!(describe_at("4401", &[], b"abc"), Ok(expected.to_vec()));
        let expected = [0x62, 10, 0x82, 1, 0x38, 0x84, 5, 0xA0, 0, 0, 3, 0x97];
        assert_eq!(describe_at("A000000397", &[], &[]), Ok(expected.to_vec()));
    }

    #[test]
    fn given_objects_are_kept() {
        let given = [0x62, 8, 0x82, 1, 0x38, 0x83, 2, 0x44, 0x01, 0x00];
        let expected = [0x62, 8, 0x82, 1, 0x38, 0x83, 2, 0x44, 0x01, 0x00];
        assert_eq!(describe_at("4401", &given, &[]), Ok(expected.to_vec()));
    }

    #[test]
    fn contradictions_and_invalid_objects_are_refused() {
        for (text, objects) in
            [("4401", &[0x83, 2, 0x44, 0x02][..]), ("4401", &[0x83, 2, 0x44]), ("3F00", &[]), ("7", &[])]
        {
            assert_eq!(describe_at(text, objects, &[]), Err(Hresult::E_INVALIDARG), "{text}");
        }
    }
}
