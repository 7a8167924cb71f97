//! UPDATE, WRITE and ERASE BINARY. If the card refuses a part, it gets a shorter one. Each command may be sent twice,
//! because the second one changes nothing.

use super::refusal::Refusal;
use super::{DATA, Place, make_addressable, push_number, reading};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::file::{FileChange, GenericFile};
use crate::interfaces::generic::search::{Found, Search};
use crate::iso7816::command::{Command, SHORT_DATA, ins};
use crate::iso7816::delivery::Carrier;
use crate::iso7816::status_word::StatusWord;
use crate::iso7816::tlv;

/// Changes the bytes from `position`. `written` counts the bytes that the card has acknowledged.
pub fn write(
    card: &mut Transaction,
    file: &GenericFile,
    position: u64,
    change: FileChange,
    written: &mut usize,
) -> Result<()> {
    let (data, even, odd) = match change {
        FileChange::Replace(data) => (data, ins::UPDATE_BINARY, ins::UPDATE_BINARY_ODD),
        FileChange::Or(data) | FileChange::And(data) => (data, ins::WRITE_BINARY, ins::WRITE_BINARY_ODD),
        FileChange::Erase(length) => {
            erase(card, file, position, position + length as u64)?;
            *written = length;
            return Ok(());
        }
    };
    let most = command_limit(card, data.len());
    let refused = (StatusWord::OK, 0);
    let mut writer = BinaryWriter { card, file, even, odd, begin: position, most, search: None, refused, found: None };
    while let Some(rest) = data.get(*written..).filter(|rest| !rest.is_empty()) {
        match writer.part(position + *written as u64, rest)? {
            WritePart::Written(length) => *written += length,
            WritePart::Refused => {}
            WritePart::Nothing(status) => return Err(writer.failure(position + *written as u64, status)?),
        }
    }
    writer.note_unfinished_search(position + data.len() as u64);
    Ok(())
}

/// The effect of one command.
enum WritePart {
    Written(usize),
    /// The card has refused the part, and gets a shorter one.
    Refused,
    /// The card would refuse a shorter part as well.
    Nothing(StatusWord),
}

struct BinaryWriter<'a, 'b> {
    card: &'a mut Transaction<'b>,
    file: &'a GenericFile,
    even: u8,
    odd: u8,
    begin: u64,
    /// The most data of one command, as far as it is known.
    most: usize,
    /// The search for a length that the card accepts, after it has refused one.
    search: Option<Search>,
    /// The last refusal, and the first offset behind all refused parts.
    refused: (StatusWord, u64),
    /// The length that the card has accepted after it has refused a greater one.
    found: Option<Found>,
}

impl BinaryWriter<'_, '_> {
    /// Writes as much of `rest` at `offset` as fits into one command.
    fn part(&mut self, offset: u64, rest: &[u8]) -> Result<WritePart> {
        make_addressable(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        let Some(length) = self.next_length(place, offset) else { return Ok(WritePart::Nothing(self.refused.0)) };
        let part = rest.get(..length).unwrap_or(rest);
        let mut status = self.send(place, offset, part)?;
        if self.file.recover(self.card, status)? {
            make_addressable(self.card, self.file, offset)?;
            status = self.send(Place::of(self.card, self.file, offset)?, offset, part)?;
        }
        if status.is_changed() {
            self.note_taken(place, offset, part.len());
            return Ok(WritePart::Written(part.len()));
        }
        let taken = self.card.habits().command.taken;
        let is_long = place.command_of(part.len(), offset) > SHORT_DATA;
        let is_form = is_long && taken <= SHORT_DATA && Refusal::may_be_form(status);
        if !self.may_be_length(offset, status) && !is_form {
            return Ok(WritePart::Nothing(status));
        }
        self.refused = (status, self.refused.1.max(offset + part.len() as u64));
        let (taken, short) = (place.data_in_command(taken, offset), place.data_in_command(SHORT_DATA, offset));
        let search = self.search.get_or_insert_with(|| Search::below(part.len(), taken, short));
        search.refuse(if is_form { short + 1 } else { part.len() });
        Ok(WritePart::Refused)
    }

    /// The length that the card accepts, or the next one that a search tries. None if the card accepts none.
    fn next_length(&mut self, place: Place, offset: u64) -> Option<usize> {
        if let Some(search) = &mut self.search {
            if let Some(length) = search.next() {
                return Some(length);
            }
            let taken = Some(search.taken()).filter(|taken| *taken > 0)?;
            self.found = Some(Found { length: place.command_of(taken, offset), behind: self.refused.1 });
            self.search = None;
        }
        let most = self.found.map_or(self.most, |found| self.most.min(found.length));
        Some(place.data_in_command(most, offset).max(1))
    }

    fn note_taken(&mut self, place: Place, offset: u64, length: usize) {
        if let Some(search) = &mut self.search {
            search.take(length);
        }
        let habits = self.card.habits();
        habits.command.note_taken(place.command_of(length, offset));
        if let Some(limit) = self.found.and_then(|found| found.limit(offset + length as u64)) {
            habits.note_command_limit(limit);
            self.most = self.most.min(limit);
            self.found = None;
        }
    }

    /// Remembers the accepted length if all bytes are written before the search has ended. Otherwise the next write of
    /// this length would begin the search anew.
    fn note_unfinished_search(&mut self, end: u64) {
        let Some(taken) = self.search.as_ref().map(Search::taken).filter(|taken| *taken > 0) else { return };
        if end >= self.refused.1 {
            self.card.habits().command.note_at_least(taken);
        }
    }

    /// Whether the card may accept a shorter part. After it has accepted one, neither a wrong file nor a missing
    /// condition is the reason.
    fn may_be_length(&self, offset: u64, status: StatusWord) -> bool {
        let has_begun = offset > self.begin;
        let may_be = has_begun && matches!(Refusal::of(status), Refusal::File | Refusal::Condition);
        Refusal::may_be_length_of_change(status) || may_be
    }

    /// The code of a write that the card refuses at `offset`. That is the end of the file if the card has accepted
    /// bytes before, or has given the byte before. If the card reports a greater size, or its word has no meaning, a
    /// read shows whether a byte is there.
    fn failure(&mut self, offset: u64, status: StatusWord) -> Result<Hresult> {
        let (begun, is_inside) = (offset > self.begin, self.file.end().is_some_and(|end| offset < end));
        let is_at_end = begun && Refusal::of(status).may_be_end();
        let is_full = status == StatusWord::WRONG_P1_P2 && self.file.has_read(offset);
        let is_end = match is_inside {
            false if is_at_end || is_full => true,
            _ => self.may_be_length(offset, status) && (begun || is_inside) && self.ends_at(offset)?,
        };
        Ok(if is_end { Hresult::SCARD_E_WRITE_TOO_MANY } else { refusal(status) })
    }

    /// Whether the card gives the byte before `offset`, and none at `offset`. A file that may not be read shows
    /// nothing.
    fn ends_at(&mut self, offset: u64) -> Result<bool> {
        let mut gives = |offset| {
            let exists = reading::exists(self.card, self.file, offset);
            self.card.unless_refused(exists)
        };
        Ok(gives(offset)? == Some(false) && (offset == 0 || gives(offset - 1)? == Some(true)))
    }

    fn send(&mut self, place: Place, offset: u64, part: &[u8]) -> Result<StatusWord> {
        let (p1, p2) = place.parameters();
        let mut objects = Vec::new();
        let (ins, data) = match place {
            Place::Even(..) => (self.even, part),
            Place::Odd(_) => {
                push_number(&mut objects, offset)?;
                tlv::push(&mut objects, DATA, part)?;
                (self.odd, &objects[..])
            }
        };
        let status = self.card.send(&Command::new(ins, p1, p2).with_data(data), &mut Vec::new())?;
        self.file.note_named(self.card, status);
        Ok(status)
    }
}

/// Erases with one command. If the card has lost the selection, the file is selected again, and the command is sent
/// once more.
fn erase(card: &mut Transaction, file: &GenericFile, begin: u64, end: u64) -> Result<()> {
    let mut status = erase_once(card, file, begin, end)?;
    if file.recover(card, status)? {
        status = erase_once(card, file, begin, end)?;
    }
    if status.is_changed() { Ok(()) } else { Err(refusal(status)) }
}

/// The command always has the end: the file may be longer than the reported size.
fn erase_once(card: &mut Transaction, file: &GenericFile, begin: u64, end: u64) -> Result<StatusWord> {
    make_addressable(card, file, begin)?;
    let place = match Place::of(card, file, begin)? {
        place @ Place::Even(..) if end <= u16::MAX.into() => place,
        _ => Place::odd(card, file),
    };
    let (p1, p2) = place.parameters();
    let mut data = Vec::new();
    let ins = match place {
        Place::Even(..) => {
            data.try_reserve(2)?;
            data.extend_from_slice(&(end as u16).to_be_bytes());
            ins::ERASE_BINARY
        }
        Place::Odd(_) => {
            push_number(&mut data, begin)?;
            push_number(&mut data, end)?;
            ins::ERASE_BINARY_ODD
        }
    };
    let status = card.send(&Command::new(ins, p1, p2).with_data(&data), &mut Vec::new())?;
    file.note_named(card, status);
    Ok(status)
}

/// An offset behind the end is a wrong position, not a wrong parameter. A write does not reach the end of a read.
fn refusal(status: StatusWord) -> Hresult {
    match status {
        StatusWord::WRONG_P1_P2 => status.explains(Hresult::SCARD_E_BAD_SEEK),
        StatusWord::END_OF_FILE => status.explains(Hresult::SCARD_E_WRITE_TOO_MANY),
        status => status.failure(),
    }
}

/// The most data of one command, if `wanted` bytes are to be written. With T=0 a longer command is sent in parts, of
/// which the card acknowledges only the last. As long as the limits of the card are not read, short commands are used.
fn command_limit(card: &mut Transaction, wanted: usize) -> usize {
    let is_unknown = card.uses_card_capabilities() && card.capabilities().more_in_file;
    let is_short = wanted <= SHORT_DATA || card.protocol() == Protocol::T0 || is_unknown;
    let long = if is_short || card.habits().refuses_long_commands { None } else { card.extended_for_files() };
    let limit = long.map_or(card.short_limits().0, |extended| extended.data.max(SHORT_DATA));
    card.habits().command.within_for(wanted, limit)
}
