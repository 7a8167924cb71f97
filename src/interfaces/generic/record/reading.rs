//! READ RECORD, in the length that the card gives.

use super::{NUMBERED, naming, send};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::binary::Refusal;
use crate::interfaces::generic::control_parameters::FileKind;
use crate::interfaces::generic::file::GenericFile;
use crate::interfaces::generic::search::Search;
use crate::iso7816::command::{Command, EXTENDED_RESPONSE, SHORT_RESPONSE, ins};
use crate::iso7816::status_word::StatusWord;

/// Reads a record in the length that the card reports if a record has had that length, and else in its whole length:
/// the reported length may be too small.
pub fn read_whole(card: &mut Transaction, file: &GenericFile, number: u8, data: &mut Vec<u8>) -> Result<StatusWord> {
    let begin = data.len();
    let reported = file.parameters.record_size.map(|size| size as usize);
    let longest = match reported {
        Some(..=SHORT_RESPONSE) => SHORT_RESPONSE,
        _ => EXTENDED_RESPONSE,
    };
    let reported = reported.filter(|_| file.kind != FileKind::Variable);
    if let Some(length) = reported.filter(|_| file.is_record_size_proven()) {
        let status = read_numbered(card, file, number, length, data)?;
        if card.response_length() <= length {
            return Ok(status);
        }
        // This record is longer.
        data.truncate(begin);
    }
    let status = read_numbered(card, file, number, longest, data)?;
    if status.is_done() && reported == Some(data.len() - begin) {
        file.note_record_size();
    }
    Ok(status)
}

/// Reads the record with this number. If the card refuses extended lengths that it reports, it gets short ones from
/// then on. If it refuses those, it gets shorter ones.
pub fn read_numbered(
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
            // No bytes: some cards answer so to a length that is not that of the record.
            status if status.is_done() && data.len() == begin => {}
            status if Refusal::may_be_form(status) => {}
            status => return Ok(status),
        }
    }
    let limit = card.short_limits().1;
    let most = card.habits().record.unwrap_or(SHORT_RESPONSE).min(card.habits().response.within(limit));
    // A short length of 256 asks for all bytes, even if there are more.
    let asked = match length.min(most) {
        SHORT_RESPONSE => EXTENDED_RESPONSE,
        asked => asked,
    };
    let command = command.expecting(asked);
    let status = send_short(card, file, &command, data)?;
    let is_short = status.is_done() && data.len() - begin == asked && asked < length;
    match () {
        // The record may be longer than the length that was asked for.
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

/// Reads a record in the greatest length below `refused` that the card accepts.
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
    let reported = file.parameters.record_size.map(|size| size as usize);
    let reported = reported.filter(|reported| *reported < search.refused());
    // Most likely the reported length is right.
    let mut likely = reported;
    while let Some(length) =
        likely.take().or_else(|| search.next()).or_else(|| confirmation(&search, &mut is_confirmed))
    {
        let mut tried = Vec::new();
        let status = send_short(card, file, &command.expecting(length), &mut tried)?;
        if !tried.is_empty() {
            if is_confirmed {
                search = Search::below(SHORT_RESPONSE, taken, SHORT_RESPONSE);
            }
            (best, last) = (tried, status);
            search.take(length);
            if reported == Some(length) {
                // The record may be longer. With T=0 the card has given its length; else one byte more is asked for.
                likely = Some(card.response_length().max(length + 1)).filter(|more| *more < search.refused());
            }
            // The record has fewer bytes: these are all.
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
    if lacks_bytes(taken, search.taken(), best.len(), last) || is_cut(file, taken, search.taken(), best.len()) {
        return Err(Hresult::SCARD_E_COMM_DATA_LOST);
    }
    data.try_reserve(best.len())?;
    data.extend_from_slice(&best);
    Ok(last)
}

/// One length more than the greatest that was taken, once: the card may accept a length that it has refused once, and
/// the record may be longer.
fn confirmation(search: &Search, is_confirmed: &mut bool) -> Option<usize> {
    let is_useful = !*is_confirmed && search.taken() > 0 && search.taken() < SHORT_RESPONSE;
    *is_confirmed |= is_useful;
    is_useful.then(|| search.taken() + 1)
}

/// Whether the card says that the record is shorter, but has given as many bytes as it was asked for.
fn lacks_bytes(taken: usize, asked: usize, given: usize, last: StatusWord) -> bool {
    last == StatusWord::END_OF_FILE && given == asked && taken <= given
}

/// Whether the record is longer than the `given` bytes. The card refuses more than the `asked` length, so no command
/// gives the rest. If the card has `taken` greater lengths before, the record has no more bytes.
fn is_cut(file: &GenericFile, taken: usize, asked: usize, given: usize) -> bool {
    let reported = file.parameters.record_size.filter(|_| file.kind != FileKind::Variable);
    given == asked && taken <= asked && reported.is_some_and(|reported| given < reported as usize)
}

/// If the card has lost the selection, the file is selected again, and the command is sent once more.
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

/// Whether the card may refuse the length.
fn may_be_length(status: StatusWord) -> bool {
    let refusal = Refusal::of(status);
    !is_missing(status) && (refusal.may_be_end() || matches!(refusal, Refusal::Other | Refusal::Condition))
}
