//! An open file: where it is on the card, of which card, and the position in it. Each operation selects the file and works in
//! one go, because others may select another one in between without any signal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::binary::Refusal;
use super::control_parameters::{Coding, ControlParameters, Kind};
use super::selection::{Expected, enter, enter_directory};
use super::{binary, record};
use crate::abi::constants::{Origin, Reference};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::attachment::knowledge::Selection;
use crate::attachment::transaction::Transaction;
use crate::iso7816::path::Path;
use crate::iso7816::status_word::StatusWord;
use crate::runtime::wait::SCM_INFINITE;

pub struct File {
    /// From the MF, or from a name.
    pub path: Path,
    /// How it was found.
    pub reference: Reference,
    pub kind: Kind,
    pub parameters: ControlParameters,
    /// That of the card it was opened on.
    card: u64,
    /// Bytes, or records.
    position: AtomicU64,
    /// How many bytes there are, as the card has told it or as it was found; `NO_END` where nobody knows.
    end: AtomicU64,
    /// Whether it was found.
    is_end_proven: AtomicBool,
    /// How far the card has given it.
    given: AtomicU64,
    /// Where the card has refused something once.
    refused: AtomicU64,
    /// Whether a record has had the length that the card has told.
    is_record_size_proven: AtomicBool,
}

const NO_END: u64 = u64::MAX;

/// What is done to what is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    Replace(&'a [u8]),
    /// So many bytes, or one record.
    Erase(usize),
    Or(&'a [u8]),
    And(&'a [u8]),
}

impl<'a> Change<'a> {
    pub fn length(&self) -> usize {
        match self {
            Change::Replace(data) | Change::Or(data) | Change::And(data) => data.len(),
            Change::Erase(length) => *length,
        }
    }

    pub fn data(&self) -> &'a [u8] {
        match self {
            Change::Replace(data) | Change::Or(data) | Change::And(data) => data,
            Change::Erase(_) => &[],
        }
    }
}

impl File {
    pub fn new(path: Path, reference: Reference, kind: Kind, parameters: ControlParameters, card: u64) -> File {
        let end = AtomicU64::new(parameters.size.map_or(NO_END, u64::from));
        let (position, given) = (AtomicU64::new(0), AtomicU64::new(0));
        let (is_end_proven, is_record_size_proven) = (AtomicBool::new(false), AtomicBool::new(false));
        let refused = AtomicU64::new(NO_END);
        File {
            path,
            reference,
            kind,
            parameters,
            card,
            position,
            end,
            is_end_proven,
            given,
            refused,
            is_record_size_proven,
        }
    }

    /// A file of bytes that a standard puts there: it is read as soon as it is selected, and nothing is known of it.
    pub fn of_standard(path: Path) -> File {
        File::new(path, Reference::Id, Kind::Transparent, ControlParameters::default(), 0)
    }

    /// Up to `length` bytes, or one record. At the end `SCARD_W_EOF`; a record that does not fit is no record read.
    pub fn read<T>(
        &self,
        attachment: &Attachment,
        length: usize,
        deliver: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        attachment.converse(SCM_INFINITE, |card| {
            self.check_card(card)?;
            let mut data = Vec::new();
            let position = self.position();
            self.enter(card)?;
            let advance = if self.kind.has_records() {
                record::read(card, self, position, &mut data)?;
                1
            } else {
                binary::read(card, self, position, length, &mut data)?;
                data.len() as u64
            };
            let delivered = deliver(&data)?;
            self.set_position(position + advance);
            Ok(delivered)
        })
    }

    /// Changes what is at the position, or one record. `written` is what the card has acknowledged, also after a failure.
    pub fn write(&self, attachment: &Attachment, change: Change, written: &mut usize) -> Result<()> {
        self.check_coding(change)?;
        attachment.converse(SCM_INFINITE, |card| {
            self.check_card(card)?;
            self.change(card, change, written)
        })
    }

    /// The same, where it is known that it is the card of the file.
    fn change(&self, card: &mut Transaction, change: Change, written: &mut usize) -> Result<()> {
        let position = self.position();
        if change.length() == 0 {
            return Ok(());
        }
        if self.kind.has_records() {
            self.enter(card)?;
            let behind = record::write(card, self, position, change)?;
            *written = change.length();
            self.set_position(behind);
            return Ok(());
        }
        let behind = position.checked_add(change.length() as u64).filter(|behind| *behind <= binary::MAX_OFFSET);
        let behind = behind.ok_or(Hresult::SCARD_E_WRITE_TOO_MANY)?;
        self.enter(card)?;
        // Of more than the card has told nothing is written, unless it has told too little. A file that may not be read may be written all
        // the same: the card knows.
        let is_full = match self.end().filter(|end| *end < behind) {
            // Nothing is erased in part.
            Some(end) => {
                let place = if let Change::Erase(_) = change { behind } else { end + 1 };
                self.has_room(card, place)? == Some(false)
            }
            None => false,
        };
        if is_full {
            return Err(Hresult::SCARD_E_WRITE_TOO_MANY);
        }
        let done = binary::write(card, self, position, change, written);
        self.set_position(position + *written as u64);
        done
    }

    /// Gives a file that was just created its content: bytes, or as many records as it fills.
    pub fn fill(&self, card: &mut Transaction, content: &[u8]) -> Result<()> {
        if !self.kind.has_records() {
            return self.change(card, Change::Replace(content), &mut 0);
        }
        self.enter(card)?;
        let longest = self.parameters.record_size.filter(|_| self.kind != Kind::Variable);
        let longest = longest.map_or(content.len(), |size| size as usize);
        content.chunks(longest.max(1)).try_for_each(|part| record::append(card, self, part))
    }

    /// What WRITE does is a property of the file.
    fn check_coding(&self, change: Change) -> Result<()> {
        let wanted = match change {
            Change::Or(_) => Coding::Or,
            Change::And(_) => Coding::And,
            Change::Replace(_) | Change::Erase(_) => return Ok(()),
        };
        match self.parameters.coding {
            Some(coding) if coding != wanted => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            _ => Ok(()),
        }
    }

    pub fn seek(&self, attachment: &Attachment, offset: i64, origin: Origin) -> Result<()> {
        let from = match origin {
            Origin::Beginning => 0,
            Origin::Relative => self.position(),
            Origin::End => self.size(attachment)?,
        };
        let position = from.checked_add_signed(offset).ok_or(Hresult::SCARD_E_BAD_SEEK)?;
        if position > from || origin == Origin::Beginning {
            self.check_position(attachment, position)?;
        }
        self.set_position(position);
        Ok(())
    }

    fn check_position(&self, attachment: &Attachment, position: u64) -> Result<()> {
        let exists = match (self.kind.has_records(), self.end()) {
            (false, None) => position <= binary::MAX_OFFSET,
            (false, Some(end)) if position <= end || position > binary::MAX_OFFSET => position <= end,
            (true, _) if position == 0 => true,
            (has_records, _) => attachment.converse(SCM_INFINITE, |card| {
                self.check_card(card)?;
                self.enter(card)?;
                if has_records {
                    record::exists(card, self, position)
                } else {
                    // A file that may not be read counts as absent.
                    self.has_room(card, position).map(|has_room| has_room.unwrap_or(false))
                }
            })?,
        };
        exists.then_some(()).ok_or(Hresult::SCARD_E_BAD_SEEK)
    }

    /// Whether the bytes before `position` can be there. Behind the end that the card has told, it is asked, twice if it refuses: it may have
    /// told too little. None where it may not be read.
    fn has_room(&self, card: &mut Transaction, position: u64) -> Result<Option<bool>> {
        if self.end().is_none_or(|end| position <= end) {
            return Ok(Some(true));
        }
        let mut exists = || {
            let exists = binary::exists(card, self, position - 1);
            card.given(exists)
        };
        match exists()? {
            Some(true) => Ok(Some(true)),
            _ => exists(),
        }
    }

    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    /// How many bytes, or records, there are.
    pub fn size(&self, attachment: &Attachment) -> Result<u64> {
        if let (false, true, Some(end)) = (self.kind.has_records(), self.is_end_proven(), self.end()) {
            return Ok(end);
        }
        attachment.converse(SCM_INFINITE, |card| {
            self.check_card(card)?;
            self.enter(card)?;
            if self.kind.has_records() { record::count(card, self) } else { binary::size(card, self) }
        })
    }

    /// How many bytes there are, as far as that is known.
    pub fn end(&self) -> Option<u64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end != NO_END)
    }

    pub fn is_end_proven(&self) -> bool {
        self.is_end_proven.load(Ordering::Acquire)
    }

    pub fn is_record_size_proven(&self) -> bool {
        self.is_record_size_proven.load(Ordering::Acquire)
    }

    /// A record has the length that the card has told.
    pub fn note_record_size(&self) {
        self.is_record_size_proven.store(true, Ordering::Release);
    }

    /// Whether the end is what the card has told, or was found, and not what was seen once.
    pub fn is_end_known(&self) -> bool {
        self.is_end_proven() || self.parameters.size.is_some_and(|size| self.end() == Some(size.into()))
    }

    /// Whether the card has given the byte before `offset`, or one behind.
    pub fn has_given(&self, offset: u64) -> bool {
        self.given.load(Ordering::Acquire) >= offset
    }

    /// The card has given what is before `end`. If it was not to be there, nobody knows the end any more.
    pub fn note_given(&self, end: u64) {
        self.given.fetch_max(end, Ordering::AcqRel);
        if self.end().is_some_and(|told| end > told) {
            self.is_end_proven.store(false, Ordering::Release);
            self.end.store(NO_END, Ordering::Release);
        }
    }

    /// The card has given what is before `offset`, and nothing there, once. As the size that a card tells, it is still to be looked at;
    /// and what the card has told of more is not forgotten for it.
    pub fn note_end_seen(&self, offset: u64) {
        self.refused.store(offset, Ordering::Release);
        let seen = self.end.compare_exchange(NO_END, offset, Ordering::AcqRel, Ordering::Acquire);
        if seen.is_ok() {
            self.is_end_proven.store(false, Ordering::Release);
        }
    }

    /// Whether the card refuses what is behind the size that it has told for the first time.
    pub fn is_refusal_first(&self, offset: u64) -> bool {
        let is_told = self.is_end_known() && !self.is_end_proven();
        is_told && self.refused.load(Ordering::Acquire) != offset
    }

    /// The card says that there is nothing at `offset`. That is the end, if the card has given the byte before.
    pub fn note_nothing_at(&self, offset: u64) {
        if self.given.load(Ordering::Acquire) == offset {
            self.note_end(offset);
        }
    }

    /// It was seen that there are so many bytes, whatever the card has told.
    pub fn note_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
        self.is_end_proven.store(true, Ordering::Release);
    }

    /// What was opened on one card is not on another, however alike they are.
    fn check_card(&self, card: &mut Transaction) -> Result<()> {
        if card.card_number() == self.card { Ok(()) } else { Err(Hresult::SCARD_W_REMOVED_CARD) }
    }

    /// Makes the file the current one, or its DF where a short identifier goes with the first command.
    pub fn enter(&self, card: &mut Transaction) -> Result<()> {
        match self.path.short_id() {
            None => enter(card, &self.path, Expected::File),
            Some(_) if self.is_current(card) => Ok(()),
            Some(_) => enter_directory(card, &self.path.without_short_id()),
        }
    }

    /// Makes it the current one again, where the card has refused a command with a word about another file. Tells whether it has.
    pub fn enter_again(&self, card: &mut Transaction, status: StatusWord) -> Result<bool> {
        let is_lost = Refusal::is_of_other_file(status);
        if is_lost {
            card.set_selection(None);
            self.enter(card)?;
        }
        Ok(is_lost)
    }

    /// What a command has done to the selection that named the file by its short identifier: the file is the current one. After one
    /// that failed it may be so or not, as the card likes, and so no file is known to be.
    pub fn note_named(&self, card: &mut Transaction, status: StatusWord) {
        if self.path.short_id().is_none() || self.is_current(card) {
            return;
        }
        let directory = self.path.without_short_id();
        let file = if status.is_done() { self.path } else { directory };
        card.set_selection(Some(Selection { file, directory: Some(directory) }));
    }

    /// Whether commands may say: the current file.
    pub fn is_current(&self, card: &Transaction) -> bool {
        card.selection().is_some_and(|selection| selection.file == self.path)
    }
}
