//! Files of records (ISO/IEC 7816-4, 11.4). Positions count from 0, record numbers from 1.

mod reading;
mod writing;

pub use writing::{append, write};

use super::binary::Refusal;
use super::control_parameters::FileKind;
use super::file::GenericFile;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, SHORT_RESPONSE};
use crate::iso7816::status_word::StatusWord;
use reading::{read_numbered, read_whole};

/// The greatest record number (FF is for future use).
const MAX_RECORDS: u64 = 254;
/// P2: the record that P1 numbers, of the current file.
pub(crate) const NUMBERED: u8 = 0x04;

/// Reads the record at `position`. Behind the last record the code is `SCARD_W_EOF`.
pub fn read(card: &mut Transaction, file: &GenericFile, position: u64, data: &mut Vec<u8>) -> Result<()> {
    let number = number(position).ok_or(Hresult::SCARD_W_EOF)?;
    let mut status = read_or_ask_again(card, file, number, data)?;
    if status == StatusWord::RECORD_NOT_FOUND {
        status = read_whole(card, file, number, data)?;
    }
    match status {
        // A part of the record may be wrong, or was not given.
        status if status.corrupts() || status.more().is_some() => Err(status.explains(Hresult::SCARD_E_COMM_DATA_LOST)),
        status if status.is_done() && data.is_empty() => check_empty(card, file, number),
        status if status.is_done() => Ok(()),
        status if is_end(card, file, number, status)? => Err(status.explains(Hresult::SCARD_W_EOF)),
        StatusWord::RECORD_NOT_FOUND => Err(status.explains(Hresult::SCARD_E_COMM_DATA_LOST)),
        status => Err(status.failure()),
    }
}

/// Checks that a record without bytes exists: some cards answer the same for a record that does not exist.
fn check_empty(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<()> {
    if !is_empty_record(card, file, number)? {
        return Err(Hresult::SCARD_W_EOF);
    }
    match file.parameters.record_size {
        Some(1..) if file.kind != FileKind::Variable => Err(Hresult::SCARD_E_COMM_DATA_LOST),
        _ => Ok(()),
    }
}

/// Whether the record of which the card gives no bytes exists: the card gives the next record, or it refuses the record
/// with the greatest number, and so distinguishes a record without bytes from a missing one.
fn is_empty_record(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    let mut next = Vec::new();
    if u64::from(number) < MAX_RECORDS {
        read_numbered(card, file, number + 1, SHORT_RESPONSE, &mut next)?;
    }
    if !next.is_empty() {
        return Ok(true);
    }
    Ok(!is_read_without_bytes(card, file, MAX_RECORDS as u8)?)
}

/// Whether the card reports success for a record and gives no byte of it. Only two refusals count as one.
fn is_read_without_bytes(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    for _ in 0..2 {
        let mut data = Vec::new();
        if read_numbered(card, file, number, SHORT_RESPONSE, &mut data)?.is_done() {
            return Ok(data.is_empty());
        }
    }
    Ok(false)
}

/// Whether a refusal of a record means that the record does not exist. With another word than 6A83 the card must still
/// give the record before. It must not give the last record that it reports, nor, if its word has no meaning, a record
/// behind this one.
fn is_end(card: &mut Transaction, file: &GenericFile, number: u8, status: StatusWord) -> Result<bool> {
    let last = reported_last(file);
    let (is_reported, is_not_found) = (number <= last, status == StatusWord::RECORD_NOT_FOUND);
    // Right behind the last record that the card reports, any refusal is an end.
    let is_behind_reported = is_behind_reported(file, number);
    let may_be_missing = is_not_found || is_behind_reported || number > 1 && may_be_missing(Refusal::of(status));
    if !may_be_missing || is_reported && can_read(card, file, last)? {
        return Ok(false);
    }
    let needs_before = number > 1 && (is_reported || !is_not_found);
    if needs_before && !can_read_in_two_tries(card, file, number - 1)? {
        return Ok(false);
    }
    let is_unspecific = Refusal::of(status).is_unspecific();
    Ok(is_not_found || is_behind_reported || !is_unspecific || !can_read_behind(card, file, number)?)
}

/// The number of the last record that the card reports; 0 if it reports none.
fn reported_last(file: &GenericFile) -> u8 {
    file.parameters.records.and_then(|count| u8::try_from(count).ok()).unwrap_or(0)
}

fn is_behind_reported(file: &GenericFile, number: u8) -> bool {
    let last = reported_last(file);
    last > 0 && number == last + 1
}

/// Whether the card gives a record behind one that it refuses with a word without meaning. The distance doubles with
/// each try.
fn can_read_behind(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    for next in (0..7).filter_map(|doublings| number.checked_add(1 << doublings)) {
        if can_read(card, file, next)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn can_read(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    Ok(read_numbered(card, file, number, SHORT_RESPONSE, &mut Vec::new())?.is_done())
}

/// The same for a record that most likely exists. One refusal does not count.
fn can_read_in_two_tries(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    Ok(can_read(card, file, number)? || can_read(card, file, number)?)
}

/// Reads a record. One refusal does not count.
fn read_or_ask_again(card: &mut Transaction, file: &GenericFile, number: u8, data: &mut Vec<u8>) -> Result<StatusWord> {
    let status = read_whole(card, file, number, data)?;
    let may_be_end = may_be_missing(Refusal::of(status)) || is_behind_reported(file, number);
    if status.is_done() || status == StatusWord::RECORD_NOT_FOUND || !may_be_end {
        return Ok(status);
    }
    read_whole(card, file, number, data)
}

/// Whether a refusal other than 6A83 can mean that the record does not exist.
fn may_be_missing(refusal: Refusal) -> bool {
    refusal != Refusal::State
}

/// Whether the file has at least `count` records.
pub fn exists(card: &mut Transaction, file: &GenericFile, count: u64) -> Result<bool> {
    let Some(number) = count.checked_sub(1).and_then(number) else { return Ok(count == 0) };
    let mut data = Vec::new();
    match read_or_ask_again(card, file, number, &mut data) {
        Ok(StatusWord::RECORD_NOT_FOUND) => Ok(false),
        Ok(status) if status.is_done() && data.is_empty() => is_empty_record(card, file, number),
        // A record that is too long for the card exists as well.
        Ok(status) if status.is_done() => Ok(true),
        Err(Hresult::SCARD_E_COMM_DATA_LOST) => Ok(true),
        Ok(status) => match is_beyond(card, file, number, status)? {
            true => Ok(false),
            false => Err(status.failure()),
        },
        Err(code) => Err(code),
    }
}

/// The same as `is_end`, if the record before may not exist either: then the first record must exist.
fn is_beyond(card: &mut Transaction, file: &GenericFile, number: u8, status: StatusWord) -> Result<bool> {
    let may_be = number > 1 && may_be_missing(Refusal::of(status)) && can_read_in_two_tries(card, file, 1)?;
    Ok(may_be && (!Refusal::of(status).is_unspecific() || !can_read_behind(card, file, number)?))
}

/// The number of records, by a search.
pub fn count(card: &mut Transaction, file: &GenericFile) -> Result<u64> {
    let mut last = 0;
    loop {
        // The record behind the last one is asked for twice, because one refusal proves no end.
        match super::last_of(MAX_RECORDS - last, |count| exists(card, file, last + count))? {
            0 if last == 0 && exists(card, file, 1)? => last = 1,
            0 => return Ok(last),
            more => last += more,
        }
    }
}

fn number(position: u64) -> Option<u8> {
    u8::try_from(position + 1).ok().filter(|number| u64::from(*number) <= MAX_RECORDS)
}

/// Sends a command for records of `file`.
fn send(card: &mut Transaction, file: &GenericFile, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let status = card.send_in_any_form(&naming(card, file, command), answer)?;
    file.note_named(card, status);
    Ok(status)
}

/// The same command with the short identifier in P2, if the file is not the current one.
fn naming<'a>(card: &Transaction, file: &GenericFile, command: &Command<'a>) -> Command<'a> {
    let short_id = file.path.short_id().filter(|_| !file.is_current(card)).unwrap_or(0);
    Command { p2: short_id << 3 | command.p2, ..*command }
}
