//! An open file of any card: its path, the card that it is on, and the position in it. Each operation selects the file
//! and works in one transaction, because another program can select another file in between, without any signal.

mod change;
mod current;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use change::FileChange;

use super::control_parameters::{Coding, ControlParameters, FileKind};
use super::{binary, check_flags, record};
use crate::abi::cause::OfArgument;
use crate::abi::constants::{Origin, Reference};
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::attachment::transaction::Transaction;
use crate::interfaces::file::{Content, File, FileInfo};
use crate::iso7816::path::Path;
use crate::runtime::wait::SCM_INFINITE;

pub struct GenericFile {
    /// From the MF, or from a name.
    pub path: Path,
    /// How the path that was opened was understood.
    pub reference: Reference,
    pub kind: FileKind,
    pub parameters: ControlParameters,
    /// The number of the card that it was opened on.
    card: u64,
    /// In bytes, or in records.
    position: AtomicU64,
    /// The size in bytes, as the card has told it or as reads have found it. `NO_END`: unknown.
    end: AtomicU64,
    /// Whether reads have found `end`.
    is_end_proven: AtomicBool,
    /// The card has given all bytes before this offset.
    given: AtomicU64,
    /// The offset at which the card has refused a read once.
    refused: AtomicU64,
    /// Whether a record had the length that the card has told.
    is_record_size_proven: AtomicBool,
}

const NO_END: u64 = u64::MAX;

impl File for GenericFile {
    fn info(&self) -> Result<FileInfo> {
        Ok(FileInfo {
            reference_type: self.reference.value(),
            file_type: self.kind.value(),
            id: self.parameters.id,
            short_id: self.parameters.short_id,
            size: self.parameters.size,
            record_size: self.parameters.record_size,
            life_cycle: self.parameters.life_cycle,
        })
    }

    /// Bytes up to the capacity, or one record. A record that does not fit leaves the position as it is.
    fn read(&self, attachment: &Attachment, data: OutputBytes, flags: u32) -> Result<Hresult> {
        check_flags(flags, 0)?;
        let capacity = data.capacity();
        if capacity == 0 && !self.kind.has_records() {
            return data.fill(&[]);
        }
        attachment.transact(SCM_INFINITE, |card| {
            self.check_card(card)?;
            let (position, mut read) = (self.position(), Vec::new());
            self.make_current(card)?;
            let advance = if self.kind.has_records() {
                record::read(card, self, position, &mut read)?;
                1
            } else {
                binary::read(card, self, position, capacity, &mut read)?;
                read.len() as u64
            };
            let filled = data.fill(&read)?;
            self.set_position(position + advance);
            Ok(filled)
        })
    }

    fn write(&self, attachment: &Attachment, content: Content, flags: u32, written: &mut usize) -> Result<Hresult> {
        let change = FileChange::new(content, flags)?;
        self.check_coding(change)?;
        attachment.transact(SCM_INFINITE, |card| {
            self.check_card(card)?;
            self.change(card, change, written)
        })?;
        Ok(Hresult::S_OK)
    }

    fn seek(&self, attachment: &Attachment, offset: i64, origin: u32) -> Result<Hresult> {
        let origin = Origin::from_value(origin).of("origin")?;
        let from = match origin {
            Origin::Beginning => 0,
            Origin::Relative => self.position(),
            Origin::End => self.count(attachment)?,
        };
        let position = from.checked_add_signed(offset).ok_or(Hresult::SCARD_E_BAD_SEEK)?;
        if position > from || origin == Origin::Beginning {
            self.check_position(attachment, position)?;
        }
        self.set_position(position);
        Ok(Hresult::S_OK)
    }

    fn tell(&self, position: &mut u64) -> Result<Hresult> {
        *position = self.position();
        Ok(Hresult::S_OK)
    }

    fn size(&self, attachment: &Attachment, size: &mut u64) -> Result<Hresult> {
        *size = self.count(attachment)?;
        Ok(Hresult::S_OK)
    }

    /// The card knows nothing of open files.
    fn close(&mut self) -> Result<Hresult> {
        Ok(Hresult::S_OK)
    }
}

impl GenericFile {
    pub fn new(
        path: Path,
        reference: Reference,
        kind: FileKind,
        parameters: ControlParameters,
        card: u64,
    ) -> GenericFile {
        let end = AtomicU64::new(parameters.size.map_or(NO_END, u64::from));
        let (position, given) = (AtomicU64::new(0), AtomicU64::new(0));
        let (is_end_proven, is_record_size_proven) = (AtomicBool::new(false), AtomicBool::new(false));
        let refused = AtomicU64::new(NO_END);
        GenericFile {
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

    /// A file of bytes whose place a standard defines. Nothing else is known of it, and it is read as soon as it is
    /// selected.
    pub fn of_standard(path: Path) -> GenericFile {
        GenericFile::new(path, Reference::Id, FileKind::Transparent, ControlParameters::default(), 0)
    }

    /// Changes the bytes, or the record, at the position, on the card of the file. `written` counts the bytes that the
    /// card has acknowledged, also after a failure.
    fn change(&self, card: &mut Transaction, change: FileChange, written: &mut usize) -> Result<()> {
        let position = self.position();
        if change.length() == 0 {
            return Ok(());
        }
        if self.kind.has_records() {
            self.make_current(card)?;
            let behind = record::write(card, self, position, change)?;
            *written = change.length();
            self.set_position(behind);
            return Ok(());
        }
        let behind = position.checked_add(change.length() as u64).filter(|behind| *behind <= binary::MAX_OFFSET);
        let behind = behind.ok_or(Hresult::SCARD_E_WRITE_TOO_MANY)?;
        self.make_current(card)?;
        // Nothing is written beyond the size that the card has told, unless that is too small. A file that may not be
        // read may still be written, so then the card decides.
        let is_full = match self.end().filter(|end| *end < behind) {
            // An erasure in part is no success.
            Some(end) => {
                let place = if let FileChange::Erase(_) = change { behind } else { end + 1 };
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

    /// Writes the first content of a new file: bytes, or the records that it fills.
    pub fn fill(&self, card: &mut Transaction, content: &[u8]) -> Result<()> {
        if !self.kind.has_records() {
            return self.change(card, FileChange::Replace(content), &mut 0);
        }
        self.make_current(card)?;
        let longest = self.parameters.record_size.filter(|_| self.kind != FileKind::Variable);
        let longest = longest.map_or(content.len(), |size| size as usize);
        content.chunks(longest.max(1)).try_for_each(|part| record::append(card, self, part))
    }

    /// WRITE sets or clears bits, which is a property of the file.
    fn check_coding(&self, change: FileChange) -> Result<()> {
        let wanted = match change {
            FileChange::Or(_) => Coding::Or,
            FileChange::And(_) => Coding::And,
            FileChange::Replace(_) | FileChange::Erase(_) => return Ok(()),
        };
        match self.parameters.coding {
            Some(coding) if coding != wanted => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            _ => Ok(()),
        }
    }

    fn check_position(&self, attachment: &Attachment, position: u64) -> Result<()> {
        let exists = match (self.kind.has_records(), self.end()) {
            (false, None) => position <= binary::MAX_OFFSET,
            (false, Some(end)) if position <= end || position > binary::MAX_OFFSET => position <= end,
            (true, _) if position == 0 => true,
            (has_records, _) => attachment.transact(SCM_INFINITE, |card| {
                self.check_card(card)?;
                self.make_current(card)?;
                if has_records {
                    record::exists(card, self, position)
                } else {
                    // A byte that may not be read counts as missing.
                    self.has_room(card, position).map(|has_room| has_room.unwrap_or(false))
                }
            })?,
        };
        exists.then_some(()).ok_or(Hresult::SCARD_E_BAD_SEEK)
    }

    /// Whether the file can have the bytes before `position`. The size that the card has told may be too small, so
    /// behind it the card is asked, twice if it refuses. None if the file may not be read.
    fn has_room(&self, card: &mut Transaction, position: u64) -> Result<Option<bool>> {
        if self.end().is_none_or(|end| position <= end) {
            return Ok(Some(true));
        }
        let mut exists = || {
            let exists = binary::exists(card, self, position - 1);
            card.unless_refused(exists)
        };
        match exists()? {
            Some(true) => Ok(Some(true)),
            _ => exists(),
        }
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    /// The number of bytes, or of records.
    fn count(&self, attachment: &Attachment) -> Result<u64> {
        if let (false, true, Some(end)) = (self.kind.has_records(), self.is_end_proven(), self.end()) {
            return Ok(end);
        }
        attachment.transact(SCM_INFINITE, |card| {
            self.check_card(card)?;
            self.make_current(card)?;
            if self.kind.has_records() { record::count(card, self) } else { binary::size(card, self) }
        })
    }

    /// The size in bytes, if it is known.
    pub fn end(&self) -> Option<u64> {
        Some(self.end.load(Ordering::Acquire)).filter(|end| *end != NO_END)
    }

    pub fn is_end_proven(&self) -> bool {
        self.is_end_proven.load(Ordering::Acquire)
    }

    pub fn is_record_size_proven(&self) -> bool {
        self.is_record_size_proven.load(Ordering::Acquire)
    }

    /// Notes that a record has the length that the card has told.
    pub fn note_record_size(&self) {
        self.is_record_size_proven.store(true, Ordering::Release);
    }

    /// Whether the card has told the end, or reads have found it. An end that was seen once does not count.
    pub fn is_end_known(&self) -> bool {
        self.is_end_proven() || self.parameters.size.is_some_and(|size| self.end() == Some(size.into()))
    }

    /// Whether the card has given the byte before `offset`, or a later one.
    pub fn has_read(&self, offset: u64) -> bool {
        self.given.load(Ordering::Acquire) >= offset
    }

    /// Notes that the card has given the bytes before `end`. If they are behind the known end, that was wrong, and the
    /// end is unknown.
    pub fn note_read(&self, end: u64) {
        self.given.fetch_max(end, Ordering::AcqRel);
        if self.end().is_some_and(|reported| end > reported) {
            self.is_end_proven.store(false, Ordering::Release);
            self.end.store(NO_END, Ordering::Release);
        }
    }

    /// Notes that the card has given the bytes before `offset` and no byte there, once. Like a size that the card
    /// tells, this end is still to be proven. It does not replace a known end.
    pub fn note_end_seen(&self, offset: u64) {
        self.refused.store(offset, Ordering::Release);
        let seen = self.end.compare_exchange(NO_END, offset, Ordering::AcqRel, Ordering::Acquire);
        if seen.is_ok() {
            self.is_end_proven.store(false, Ordering::Release);
        }
    }

    /// Whether this is the first refusal at `offset`, behind the size that the card has told.
    pub fn is_refusal_first(&self, offset: u64) -> bool {
        let is_told = self.is_end_known() && !self.is_end_proven();
        is_told && self.refused.load(Ordering::Acquire) != offset
    }

    /// Notes that no byte is at `offset`. That is the end if the card has given the byte before.
    pub fn note_nothing_at(&self, offset: u64) {
        if self.given.load(Ordering::Acquire) == offset {
            self.note_end(offset);
        }
    }

    /// Notes the size that reads have found, whatever the card has told.
    pub fn note_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
        self.is_end_proven.store(true, Ordering::Release);
    }

    /// A file of one card is not on another card, even if both look alike.
    fn check_card(&self, card: &mut Transaction) -> Result<()> {
        if card.card_number() == self.card { Ok(()) } else { Err(Hresult::SCARD_W_REMOVED_CARD) }
    }
}
