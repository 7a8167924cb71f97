//! How a file is opened: its kind and its control parameters are found out.

use super::binary::Refusal;
use super::control_parameters::{ControlParameters, FileKind};
use super::file::GenericFile;
use super::selection::{Expected, Requested, enter_directory, select};
use super::{properties, record};
use crate::abi::constants::Reference;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::path::Path;
use crate::iso7816::status_word::StatusWord;

/// Selects a file, and reads its control parameters.
pub fn select_and_read(card: &mut Transaction, path: &Path, expected: Expected) -> Result<ControlParameters> {
    let mut answer = Vec::new();
    select(card, path, expected, Requested::Parameters, &mut answer)?;
    Ok(ControlParameters::read(&answer))
}

/// Selects the file that a command changes as a whole, and reads its control parameters.
pub fn select_target(card: &mut Transaction, path: &Path) -> Result<ControlParameters> {
    match path.short_id() {
        Some(_) => select_by_short_id(card, path),
        None => select_and_read(card, path, Expected::Anything),
    }
}

/// Makes the file with a short identifier the current one, by a read. A file that cannot be read does not become the
/// current one, and the next command would be about the directory.
pub fn select_by_short_id(card: &mut Transaction, path: &Path) -> Result<ControlParameters> {
    let (_, parameters, was_read) = open_by_short_id(card, path)?;
    was_read.then_some(parameters).ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)
}

/// Opens a file.
pub fn open(card: &mut Transaction, reference: Reference, path: &Path) -> Result<GenericFile> {
    let number = card.card_number();
    if let Some(short_id) = path.short_id() {
        let (kind, reported, _) = open_by_short_id(card, path)?;
        let parameters = ControlParameters { short_id: reported.short_id.or(Some(short_id)), ..reported };
        // If the card tells its identifier, the file can be selected like any other.
        let path = match reported.id {
            Some(id) => path.without_short_id().child(id).unwrap_or(*path),
            None => *path,
        };
        return Ok(GenericFile::new(path, reference, kind, parameters, number));
    }
    // The MF is a directory, and so is a file with a name.
    if path.ids().is_empty() {
        select(card, path, Expected::Directory, Requested::Nothing, &mut Vec::new())?;
        return Err(Hresult::SCARD_E_NO_FILE);
    }
    let parameters = select_and_read(card, path, Expected::Anything)?;
    let kind = match parameters.kind {
        Some(FileKind::Directory) => return Err(Hresult::SCARD_E_NO_FILE),
        Some(kind) => kind,
        None => {
            let (kind, was_read) = probe(card, 0, record::NUMBERED)?;
            let directory = path.parent().ok().filter(|_| was_read);
            card.set_selection(Some(Selection { file: *path, directory }));
            kind
        }
    };
    let file = GenericFile::new(*path, reference, kind, parameters, number);
    if card.is_sim() {
        // A SIM gives a record in its whole length only (3GPP TS 51.011, 9.2.5), so no record is longer.
        file.note_record_size();
    }
    Ok(file)
}

/// SELECT knows no short identifier, but READ does. Then the file is the current one, and some cards tell its control
/// parameters. A file that could not be read is not the current one, so its parameters stay unknown. Returns whether it
/// was read.
fn open_by_short_id(card: &mut Transaction, path: &Path) -> Result<(FileKind, ControlParameters, bool)> {
    let directory = path.without_short_id();
    enter_directory(card, &directory)?;
    if card.is_sim() {
        // A SIM would take the short identifier for a part of the offset.
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    let short_id = path.short_id().unwrap_or(0);
    // The card can make it the current file, even if the read fails.
    card.set_selection(Some(Selection { file: directory, directory: Some(directory) }));
    let (kind, was_read) = probe(card, 0x80 | short_id, short_id << 3 | record::NUMBERED)?;
    if !was_read {
        return Ok((kind, ControlParameters::default(), false));
    }
    card.set_selection(Some(Selection { file: *path, directory: Some(directory) }));
    let mut answer = Vec::new();
    let reported = properties::of_current(card, &mut answer).map(|()| ControlParameters::read(&answer));
    let reported = card.unless_refused(reported)?.unwrap_or_default();
    match reported.kind {
        Some(reported_kind)
            if reported_kind.has_records() == kind.has_records() && reported_kind != FileKind::Directory =>
        {
            Ok((reported_kind, reported, true))
        }
        _ => Ok((kind, ControlParameters::default(), true)),
    }
}

/// Finds out by a read whether a file has bytes or records, and whether it could be read. A read does not show the kind
/// of records. A file that may not be read counts as a file of bytes. A card that does not know one of the two
/// instructions, as EMV cards do not know READ BINARY, has no file that needs it.
pub fn probe(card: &mut Transaction, binary: u8, record: u8) -> Result<(FileKind, bool)> {
    let refuses = |status: StatusWord| status.code() == Hresult::SCARD_W_SECURITY_VIOLATION;
    let read = Command::new(ins::READ_BINARY, binary, 0).expecting(1);
    let refused = match card.send(&read, &mut Vec::new())? {
        status if status.is_done() => return Ok((FileKind::Transparent, true)),
        // An empty file has no first byte.
        status if refuses(status) || status == StatusWord::WRONG_P1_P2 => return Ok((FileKind::Transparent, false)),
        status if !is_other_kind(status) && matches!(Refusal::of(status), Refusal::File | Refusal::State) => {
            return Err(status.failure());
        }
        status => status,
    };
    let read = Command::new(ins::READ_RECORD, 1, record).expecting(SHORT_RESPONSE);
    match card.send(&read, &mut Vec::new())? {
        status if status.is_done() => Ok((FileKind::Variable, true)),
        status if refuses(status) || status == StatusWord::RECORD_NOT_FOUND => Ok((FileKind::Variable, false)),
        // It has bytes, but not even the first one.
        status if is_other_kind(status) && !is_other_kind(refused) => Ok((FileKind::Transparent, false)),
        // The record has another length, or records cannot be read here.
        status
            if is_other_kind(refused)
                && !is_other_kind(status)
                && Refusal::of(status).may_be_length()
                && !Refusal::is_of_other_file(status) =>
        {
            Ok((FileKind::Variable, false))
        }
        status if refused == StatusWord::WRONG_STRUCTURE => Err(status.failure()),
        _ => Err(refused.failure()),
    }
}

/// Whether the card says that the instruction is for another kind of file, or that it has no such files.
fn is_other_kind(status: StatusWord) -> bool {
    status == StatusWord::WRONG_STRUCTURE || Refusal::of(status) == Refusal::Command
}
