//! Files of records: READ, UPDATE, WRITE, ERASE and APPEND RECORD (ISO/IEC 7816-4, 11.4). Positions count from 0, record
//! numbers from 1.

use super::binary::Refusal;
use super::control_parameters::FileKind;
use super::file::{Change, GenericFile};
use super::search::Search;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, EXTENDED_RESPONSE, SHORT_RESPONSE, ins};
use crate::iso7816::status_word::StatusWord;

/// There are no more records than that (FF is for future use).
const MAX_RECORDS: u64 = 254;
/// P2: the record that P1 numbers, of the current file.
pub(crate) const NUMBERED: u8 = 0x04;
/// P2: the record before the current one; in a ring, in place of the oldest, a new first one.
const PREVIOUS: u8 = 0x03;

/// Reads the record at `position`. There is none behind the last one: `SCARD_W_EOF`.
pub fn read(card: &mut Transaction, file: &GenericFile, position: u64, data: &mut Vec<u8>) -> Result<()> {
    let number = number(position).ok_or(Hresult::SCARD_W_EOF)?;
    let mut status = read_or_ask_again(card, file, number, data)?;
    if status == StatusWord::RECORD_NOT_FOUND {
        status = read_whole(card, file, number, data)?;
    }
    match status {
        // Part of it may be wrong, or is still there.
        status if status.corrupts() || status.more().is_some() => Err(Hresult::SCARD_E_COMM_DATA_LOST),
        status if status.is_done() && data.is_empty() => check_empty(card, file, number),
        status if status.is_done() => Ok(()),
        status if is_end(card, file, number, status)? => Err(Hresult::SCARD_W_EOF),
        StatusWord::RECORD_NOT_FOUND => Err(Hresult::SCARD_E_COMM_DATA_LOST),
        status => Err(status.failure()),
    }
}

/// Reads a record in the length that the card has told, once a record has had it, and else as long as it is: the card may have told too
/// little.
fn read_whole(card: &mut Transaction, file: &GenericFile, number: u8, data: &mut Vec<u8>) -> Result<StatusWord> {
    let begin = data.len();
    let told = file.parameters.record_size.map(|size| size as usize);
    let longest = match told {
        Some(..=SHORT_RESPONSE) => SHORT_RESPONSE,
        _ => EXTENDED_RESPONSE,
    };
    let told = told.filter(|_| file.kind != FileKind::Variable);
    if let Some(length) = told.filter(|_| file.is_record_size_proven()) {
        let status = read_numbered(card, file, number, length, data)?;
        if card.given_length() <= length {
            return Ok(status);
        }
        // This one is longer.
        data.truncate(begin);
    }
    let status = read_numbered(card, file, number, longest, data)?;
    if status.is_done() && told == Some(data.len() - begin) {
        file.note_record_size();
    }
    Ok(status)
}

/// A record without a byte, if there is one: a card may say the same of a record that is not there.
fn check_empty(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<()> {
    if !is_empty_record(card, file, number)? {
        return Err(Hresult::SCARD_W_EOF);
    }
    match file.parameters.record_size {
        Some(1..) if file.kind != FileKind::Variable => Err(Hresult::SCARD_E_COMM_DATA_LOST),
        _ => Ok(()),
    }
}

/// Whether the record is there of which the card gives nothing: the card gives the next one, or refuses the last one that there can be,
/// and so tells a record without bytes from none.
fn is_empty_record(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    let mut next = Vec::new();
    if u64::from(number) < MAX_RECORDS {
        read_numbered(card, file, number + 1, SHORT_RESPONSE, &mut next)?;
    }
    if !next.is_empty() {
        return Ok(true);
    }
    Ok(!is_given_without_bytes(card, file, MAX_RECORDS as u8)?)
}

/// Whether the card succeeds for a record and gives no byte of it. A refusal counts if it comes twice.
fn is_given_without_bytes(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    for _ in 0..2 {
        let mut data = Vec::new();
        if read_numbered(card, file, number, SHORT_RESPONSE, &mut data)?.is_done() {
            return Ok(data.is_empty());
        }
    }
    Ok(false)
}

/// Whether a card that refuses a record means that there is none. With another word than 6A83 it still gives the one before; and it does
/// not give the last one of those that it has told of, nor, where its word says nothing, one behind.
fn is_end(card: &mut Transaction, file: &GenericFile, number: u8, status: StatusWord) -> Result<bool> {
    let last = told_last(file);
    let (is_told, has_said_so) = (number <= last, status == StatusWord::RECORD_NOT_FOUND);
    // Behind the last one that it has told of any word is an end.
    let is_behind_told = is_behind_told(file, number);
    let may_be_missing = has_said_so || is_behind_told || number > 1 && may_be_missing(Refusal::of(status));
    if !may_be_missing || is_told && gives(card, file, last)? {
        return Ok(false);
    }
    let needs_before = number > 1 && (is_told || !has_said_so);
    if needs_before && !gives_after_all(card, file, number - 1)? {
        return Ok(false);
    }
    let says_nothing = Refusal::of(status).says_nothing();
    Ok(has_said_so || is_behind_told || !says_nothing || !gives_behind(card, file, number)?)
}

/// The last record that the card has told of; 0 if it has told of none.
fn told_last(file: &GenericFile) -> u8 {
    file.parameters.records.and_then(|count| u8::try_from(count).ok()).unwrap_or(0)
}

fn is_behind_told(file: &GenericFile, number: u8) -> bool {
    let last = told_last(file);
    last > 0 && number == last + 1
}

/// Whether the card gives a record behind one that it refuses in words that say nothing. It is looked for in steps that double.
fn gives_behind(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    for next in (0..7).filter_map(|doublings| number.checked_add(1 << doublings)) {
        if gives(card, file, next)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn gives(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    Ok(read_numbered(card, file, number, SHORT_RESPONSE, &mut Vec::new())?.is_done())
}

/// The same of a record that is most likely there, and may be refused once.
fn gives_after_all(card: &mut Transaction, file: &GenericFile, number: u8) -> Result<bool> {
    Ok(gives(card, file, number)? || gives(card, file, number)?)
}

/// A card that refuses a record once does not always mean it.
fn read_or_ask_again(card: &mut Transaction, file: &GenericFile, number: u8, data: &mut Vec<u8>) -> Result<StatusWord> {
    let status = read_whole(card, file, number, data)?;
    let may_be_end = may_be_missing(Refusal::of(status)) || is_behind_told(file, number);
    if status.is_done() || status == StatusWord::RECORD_NOT_FOUND || !may_be_end {
        return Ok(status);
    }
    read_whole(card, file, number, data)
}

/// Whether a refusal other than 6A83 may say that there is no such record.
fn may_be_missing(refusal: Refusal) -> bool {
    refusal != Refusal::State
}

/// Whether it may be the length that is refused.
fn may_be_length(status: StatusWord) -> bool {
    let refusal = Refusal::of(status);
    !is_missing(status) && (refusal.may_be_end() || matches!(refusal, Refusal::Other | Refusal::Condition))
}

/// A card that says it has extended lengths and refuses them is asked in short ones from then on, and one that refuses those in
/// shorter ones.
fn read_numbered(
    card: &mut Transaction,
    file: &GenericFile,
    number: u8,
    length: usize,
    data: &mut Vec<u8>,
) -> Result<StatusWord> {
    let command = Command::new(ins::READ_RECORD, number, NUMBERED).expecting(length);
    let begin = data.len();
    if length > SHORT_RESPONSE && may_be_long(card, length) {
        match send(card, file, &command, data)? {
            StatusWord::WRONG_LENGTH => card.habits().refuses_long_responses = true,
            status if !status.is_done() && Refusal::of(status).may_be_length() && !is_missing(status) => {}
            // Nothing: some cards give it for another length.
            status if status.is_done() && data.len() == begin => {}
            status if Refusal::may_be_form(status) => {}
            status => return Ok(status),
        }
    }
    let limit = card.short_limits().1;
    let most = card.habits().record.unwrap_or(SHORT_RESPONSE).min(card.habits().response.within(limit));
    // 256 stands for as much as there is, also where that is more.
    let asked = match length.min(most) {
        SHORT_RESPONSE => EXTENDED_RESPONSE,
        asked => asked,
    };
    let command = command.expecting(asked);
    let status = send_short(card, file, &command, data)?;
    let is_short = status.is_done() && data.len() - begin == asked && asked < length;
    match () {
        // There may be more of it than was asked for.
        _ if is_short => {
            data.truncate(begin);
            read_less(card, file, &command, SHORT_RESPONSE, data)
        }
        _ if data.len() == begin && may_be_length(status) => read_less(card, file, &command, asked, data),
        _ => Ok(status),
    }
}

fn is_missing(status: StatusWord) -> bool {
    matches!(status, StatusWord::RECORD_NOT_FOUND | StatusWord::WRONG_STRUCTURE)
}

fn may_be_long(card: &mut Transaction, length: usize) -> bool {
    let habits = card.habits();
    let is_refused = habits.refuses_long_responses || habits.response.within(length) <= SHORT_RESPONSE;
    !is_refused && card.extended_for_files().is_some()
}

/// Reads a record in the greatest length below `refused` that the card takes for it.
fn read_less(
    card: &mut Transaction,
    file: &GenericFile,
    command: &Command,
    refused: usize,
    data: &mut Vec<u8>,
) -> Result<StatusWord> {
    let taken = card.habits().response.taken;
    let mut search = Search::below(refused.min(SHORT_RESPONSE), taken, SHORT_RESPONSE);
    let (mut best, mut last) = (Vec::new(), StatusWord::WRONG_LENGTH);
    let mut is_confirmed = false;
    // Most likely it is that.
    let told = file.parameters.record_size.map(|size| size as usize).filter(|told| *told < search.refused());
    let mut likely = told;
    loop {
        let length = match likely.take().or_else(|| search.next()) {
            Some(length) => length,
            // A length that was refused once may be taken all the same, and the record be longer.
            None if !is_confirmed && search.taken() > 0 && search.taken() < SHORT_RESPONSE => {
                is_confirmed = true;
                search.taken() + 1
            }
            None => break,
        };
        let mut tried = Vec::new();
        let status = send_short(card, file, &command.expecting(length), &mut tried)?;
        if !tried.is_empty() {
            if is_confirmed {
                search = Search::below(SHORT_RESPONSE, taken, SHORT_RESPONSE);
            }
            (best, last) = (tried, status);
            search.take(length);
            if told == Some(length) {
                // The record may be longer. With T=0 the card has said how long, or else one byte more is asked for.
                likely = Some(card.given_length().max(length + 1)).filter(|more| *more < search.refused());
            }
            // It has fewer bytes than that: these are all.
            if best.len() < length {
                break;
            }
        } else if !may_be_length(status) {
            return Ok(status);
        } else {
            if search.taken() == 0 {
                last = status;
            }
            search.refuse(length);
        }
    }
    if search.taken() == 0 {
        return Ok(last);
    }
    card.habits().record = Some(search.taken());
    // It says that there are fewer than it was asked for, and has given as many.
    let says_fewer = last == StatusWord::END_OF_FILE && best.len() == search.taken();
    if says_fewer && taken <= best.len() || is_cut(file, taken, search.taken(), best.len()) {
        return Err(Hresult::SCARD_E_COMM_DATA_LOST);
    }
    data.try_reserve(best.len())?;
    data.extend_from_slice(&best);
    Ok(last)
}

/// Whether a record has more than the `given` bytes that came when the card was `asked` for no more, because it had refused that: no command
/// gives the rest. Where the card has `taken` longer lengths before, it was the record that had no more.
fn is_cut(file: &GenericFile, taken: usize, asked: usize, given: usize) -> bool {
    let told = file.parameters.record_size.filter(|_| file.kind != FileKind::Variable);
    given == asked && taken <= asked && told.is_some_and(|told| given < told as usize)
}

/// A card that speaks of another file has lost the selection, and is asked once more with the file selected again.
fn send_short(
    card: &mut Transaction,
    file: &GenericFile,
    command: &Command,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let status = send_short_once(card, file, command, answer)?;
    match file.recover(card, status)? {
        true => send_short_once(card, file, command, answer),
        false => Ok(status),
    }
}

fn send_short_once(
    card: &mut Transaction,
    file: &GenericFile,
    command: &Command,
    answer: &mut Vec<u8>,
) -> Result<StatusWord> {
    let begin = answer.len();
    let status = card.send_short(&naming(card, file, command), answer)?;
    if !status.is_done() {
        answer.truncate(begin);
    }
    file.note_named(card, status);
    Ok(status)
}

/// Changes the record at `position`, or appends one where that is behind the last; gives the position behind it.
pub fn write(card: &mut Transaction, file: &GenericFile, position: u64, change: Change) -> Result<u64> {
    let data = change.data();
    let number = number(position).ok_or(Hresult::SCARD_E_WRITE_TOO_MANY)?;
    let ins = match change {
        Change::Replace(_) => ins::UPDATE_RECORD,
        Change::Erase(_) => ins::ERASE_RECORD,
        Change::Or(_) | Change::And(_) => ins::WRITE_RECORD,
    };
    let command = Command::new(ins, number, NUMBERED).with_data(data);
    let mut status = send_change(card, file, &command)?;
    if status == StatusWord::RECORD_NOT_FOUND && position == 0 {
        // If a first record that is there is refused once, another one must not be appended.
        status = send_change(card, file, &command)?;
    }
    match (status, change) {
        (StatusWord::RECORD_NOT_FOUND, Change::Replace(_)) => append_at(card, file, position, data),
        // In a ring some cards write nothing but a new record (3GPP TS 51.011, 8.6; ETSI TS 102 221, 11.1.6).
        (status, Change::Replace(_)) if refuses_number(file, status) && position > 0 => {
            match count(card, file)? == position {
                true => append(card, file, data).map(|()| 1),
                false => Err(refusal(file, change.length(), status)),
            }
        }
        (status, _) if status.is_changed() => Ok(position + 1),
        (status, _) => Err(refusal(file, change.length(), status)),
    }
}

/// The code of a refused change. One for which a record has no room, as the card has told, is too long, if the card does not say anything
/// else. It is left to the card, because it may have told too little.
fn refusal(file: &GenericFile, length: usize, status: StatusWord) -> Hresult {
    let is_too_long = file.parameters.record_size.is_some_and(|size| length > size as usize);
    match status {
        status if is_too_long && Refusal::may_be_length_of_change(status) => Hresult::SCARD_E_WRITE_TOO_MANY,
        status => status.failure(),
    }
}

/// Appends a record where `position` is the end; gives the position behind it. In a ring the new one is the first.
fn append_at(card: &mut Transaction, file: &GenericFile, position: u64, data: &[u8]) -> Result<u64> {
    if position > 0 && count(card, file)? != position {
        return Err(Hresult::SCARD_E_BAD_SEEK);
    }
    append(card, file, data)?;
    Ok(if file.kind == FileKind::Cyclic { 1 } else { position + 1 })
}

/// Whether a card may have refused to write into a ring by the number of the record.
fn refuses_number(file: &GenericFile, status: StatusWord) -> bool {
    file.kind == FileKind::Cyclic && (status.is_unknown_command() || status == StatusWord::WRONG_STRUCTURE)
}

/// APPEND RECORD. In a ring UPDATE RECORD of the previous one does the same (ISO/IEC 7816-4), and some cards know only that.
pub fn append(card: &mut Transaction, file: &GenericFile, data: &[u8]) -> Result<()> {
    let append = Command::new(ins::APPEND_RECORD, 0, 0).with_data(data);
    let mut status = send_change(card, file, &append)?;
    if file.kind == FileKind::Cyclic && status.is_unknown_command() {
        let update = Command::new(ins::UPDATE_RECORD, 0, PREVIOUS).with_data(data);
        status = send_change(card, file, &update)?;
    }
    if status.is_changed() { Ok(()) } else { Err(refusal(file, data.len(), status)) }
}

/// Whether there are at least so many records.
pub fn exists(card: &mut Transaction, file: &GenericFile, count: u64) -> Result<bool> {
    let Some(number) = count.checked_sub(1).and_then(number) else { return Ok(count == 0) };
    let mut data = Vec::new();
    match read_or_ask_again(card, file, number, &mut data) {
        Ok(StatusWord::RECORD_NOT_FOUND) => Ok(false),
        Ok(status) if status.is_done() && data.is_empty() => is_empty_record(card, file, number),
        // One that is too long for the card is there as well.
        Ok(status) if status.is_done() => Ok(true),
        Err(Hresult::SCARD_E_COMM_DATA_LOST) => Ok(true),
        Ok(status) => match is_beyond(card, file, number, status)? {
            true => Ok(false),
            false => Err(status.failure()),
        },
        Err(code) => Err(code),
    }
}

/// The same as `is_end`, where nobody knows of the record before: the first one is there.
fn is_beyond(card: &mut Transaction, file: &GenericFile, number: u8, status: StatusWord) -> Result<bool> {
    let may_be = number > 1 && may_be_missing(Refusal::of(status)) && gives_after_all(card, file, 1)?;
    Ok(may_be && (!Refusal::of(status).says_nothing() || !gives_behind(card, file, number)?))
}

/// How many records there are; the card is asked for one after the other, in ever smaller steps.
pub fn count(card: &mut Transaction, file: &GenericFile) -> Result<u64> {
    let mut last = 0;
    loop {
        // The one behind is asked for twice, lest a single refusal makes the file shorter.
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

/// Changes a record, with the file selected again where the card has lost the selection, and so has changed nothing.
fn send_change(card: &mut Transaction, file: &GenericFile, command: &Command) -> Result<StatusWord> {
    let status = send(card, file, command, &mut Vec::new())?;
    match file.recover(card, status)? {
        true => send(card, file, command, &mut Vec::new()),
        false => Ok(status),
    }
}

/// Sends a command about records of `file`.
fn send(card: &mut Transaction, file: &GenericFile, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let status = card.send_in_any_form(&naming(card, file, command), answer)?;
    file.note_named(card, status);
    Ok(status)
}

/// The same command with the short identifier in P2, as long as the file is not the current one.
fn naming<'a>(card: &Transaction, file: &GenericFile, command: &Command<'a>) -> Command<'a> {
    let short_id = file.path.short_id().filter(|_| !file.is_current(card)).unwrap_or(0);
    Command { p2: short_id << 3 | command.p2, ..*command }
}
