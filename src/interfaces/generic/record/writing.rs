//! UPDATE, WRITE, ERASE and APPEND RECORD.

use super::{NUMBERED, count, number, send};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::binary::Refusal;
use crate::interfaces::generic::control_parameters::FileKind;
use crate::interfaces::generic::file::{FileChange, GenericFile};
use crate::iso7816::command::{Command, ins};
use crate::iso7816::status_word::StatusWord;

/// P2: the record before the current one. In a cyclic file it is a new first record, in the place of the oldest.
const PREVIOUS: u8 = 0x03;

/// Changes the record at `position`, or appends one if that is behind the last record. Returns the position behind it.
pub fn write(card: &mut Transaction, file: &GenericFile, position: u64, change: FileChange) -> Result<u64> {
    let data = change.data();
    let number = number(position).ok_or(Hresult::SCARD_E_WRITE_TOO_MANY)?;
    let ins = match change {
        FileChange::Replace(_) => ins::UPDATE_RECORD,
        FileChange::Erase(_) => ins::ERASE_RECORD,
        FileChange::Or(_) | FileChange::And(_) => ins::WRITE_RECORD,
    };
    let command = Command::new(ins, number, NUMBERED).with_data(data);
    let mut status = send_change(card, file, &command)?;
    if status == StatusWord::RECORD_NOT_FOUND && position == 0 {
        // One refusal does not prove that the first record is missing, so that a new one may be appended.
        status = send_change(card, file, &command)?;
    }
    match (status, change) {
        (StatusWord::RECORD_NOT_FOUND, FileChange::Replace(_)) => append_at(card, file, position, data),
        // In a cyclic file some cards only write a new record (3GPP TS 51.011, 8.6; ETSI TS 102 221, 11.1.6).
        (status, FileChange::Replace(_)) if refuses_number(file, status) && position > 0 => {
            match count(card, file)? == position {
                true => append(card, file, data).map(|()| 1),
                false => Err(refusal(file, change.length(), status)),
            }
        }
        (status, _) if status.is_changed() => Ok(position + 1),
        (status, _) => Err(refusal(file, change.length(), status)),
    }
}

/// The code of a refused change. If the data are longer than the reported record, they are too long, unless the card
/// says something else. The card decides, because the reported length may be too small.
fn refusal(file: &GenericFile, length: usize, status: StatusWord) -> Hresult {
    let is_too_long = file.parameters.record_size.is_some_and(|size| length > size as usize);
    match status {
        status if is_too_long && Refusal::may_be_length_of_change(status) => {
            status.explains(Hresult::SCARD_E_WRITE_TOO_MANY)
        }
        status => status.failure(),
    }
}

/// Appends a record if `position` is the end. Returns the position behind it. In a cyclic file the new record is the
/// first.
fn append_at(card: &mut Transaction, file: &GenericFile, position: u64, data: &[u8]) -> Result<u64> {
    if position > 0 && count(card, file)? != position {
        return Err(Hresult::SCARD_E_BAD_SEEK);
    }
    append(card, file, data)?;
    Ok(if file.kind == FileKind::Cyclic { 1 } else { position + 1 })
}

/// Whether the card may refuse the record number in a cyclic file.
fn refuses_number(file: &GenericFile, status: StatusWord) -> bool {
    file.kind == FileKind::Cyclic && (status.is_unknown_command() || status == StatusWord::WRONG_STRUCTURE)
}

/// APPEND RECORD. In a cyclic file UPDATE RECORD of the previous record does the same (ISO/IEC 7816-4). Some cards know
/// only that.
pub fn append(card: &mut Transaction, file: &GenericFile, data: &[u8]) -> Result<()> {
    let append = Command::new(ins::APPEND_RECORD, 0, 0).with_data(data);
    let mut status = send_change(card, file, &append)?;
    if file.kind == FileKind::Cyclic && status.is_unknown_command() {
        let update = Command::new(ins::UPDATE_RECORD, 0, PREVIOUS).with_data(data);
        status = send_change(card, file, &update)?;
    }
    if status.is_changed() { Ok(()) } else { Err(refusal(file, data.len(), status)) }
}

/// Changes a record. If the card has lost the selection, it has changed nothing: the file is selected again, and the
/// command is sent once more.
fn send_change(card: &mut Transaction, file: &GenericFile, command: &Command) -> Result<StatusWord> {
    let status = send(card, file, command, &mut Vec::new())?;
    match file.recover(card, status)? {
        true => send(card, file, command, &mut Vec::new()),
        false => Ok(status),
    }
}
