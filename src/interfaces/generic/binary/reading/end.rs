//! The end of a file: how it is proven, searched for, and compared with the size that the card reports.

use super::{BinaryReader, ReadAnswer};
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::generic::binary::refusal::Refusal;
use crate::interfaces::generic::binary::{MAX_OFFSET, MAX_SHORT_OFFSET, Place, max_offset};
use crate::interfaces::generic::last_of;
use crate::iso7816::command::SHORT_RESPONSE;
use crate::iso7816::status_word::StatusWord;

/// The size that a card reports, compared with the file.
pub enum ReportedSize {
    Right,
    TooSmall,
    TooGreat,
    Unknown,
}

impl BinaryReader<'_, '_> {
    /// Whether the file ends at the reported or found end, if the card refuses the bytes behind with a word about
    /// something else. It must have given all bytes before, and have refused twice.
    pub fn ends_as_known(&mut self, offset: u64, refusal: Refusal) -> Result<bool> {
        if !self.file.is_end_known() {
            return Ok(false);
        }
        // A file that is reported as empty has no byte before the end.
        if offset == 0 {
            return Ok(refusal == Refusal::Other);
        }
        Ok(self.file.has_read(offset) || self.has_byte_before(offset)?)
    }

    /// The card has refused a single byte at `offset`. That proves the end if the card still gives the byte before, by
    /// the same instruction, and does not give the last byte of the reported size.
    pub fn prove_end(&mut self, offset: u64, status: StatusWord, is_odd: bool) -> Result<()> {
        let refusal = Refusal::of(status);
        let known = self.file.end();
        let is_end = if is_odd && !self.knows_odd(offset)? {
            // Only the known end shows whether a byte is there.
            known.is_some_and(|end| offset >= end)
        } else if let Some(end) = known.filter(|end| offset < *end) {
            let is_refused = self.has_byte_before(offset)? && self.ask_one(end - 1)?.given == 0;
            is_refused && (refusal.may_be_end() || offset > 0 && !self.has_byte_behind(offset)?)
        } else if offset == 0 {
            refusal.may_be_end()
        } else {
            refusal == Refusal::Place
                || self.has_byte_before(offset)? && (refusal.may_be_end() || !self.has_byte_behind(offset)?)
        };
        if !is_end {
            return Err(self.failure(offset, status));
        }
        self.file.note_nothing_at(offset);
        Ok(())
    }

    fn has_byte_before(&mut self, offset: u64) -> Result<bool> {
        Ok(offset == 0 || self.ask_one(offset - 1)?.given > 0)
    }

    /// Whether the card gives a byte behind `offset`: then its refusal, with a word without meaning, shows a hole and
    /// no end. The distance doubles with each try.
    fn has_byte_behind(&mut self, offset: u64) -> Result<bool> {
        for distance in (0..15).map(|doublings| 1 << doublings) {
            if offset + distance <= MAX_OFFSET && self.ask_one(offset + distance)?.given > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the card knows the odd instruction: it gives a byte before `offset` with it.
    fn knows_odd(&mut self, offset: u64) -> Result<bool> {
        if !self.card.habits().reads_odd && offset > 0 {
            let place = Place::odd(self.card, self.file);
            self.ask_at(place, offset - 1, 1, SHORT_RESPONSE, &mut Vec::new())?;
        }
        Ok(self.card.habits().reads_odd)
    }

    pub fn exists(&mut self, offset: u64) -> Result<bool> {
        if offset > max_offset(self.card) {
            return Ok(false);
        }
        let answer = self.ask_one(offset)?;
        let refusal = Refusal::of(answer.status);
        let is_odd = matches!(answer.place, Place::Odd(_));
        match () {
            _ if answer.given > 0 => Ok(true),
            _ if is_odd && !self.knows_odd(MAX_SHORT_OFFSET + 1)? => match self.ask_one(MAX_SHORT_OFFSET)?.given {
                0 => Ok(false),
                _ => Err(self.failure(offset, answer.status)),
            },
            _ if refusal.may_be_end() => Ok(false),
            _ if refusal.may_be_length() && offset > 0 && self.ask_one(0)?.given > 0 => Ok(false),
            _ => Err(self.failure(offset, answer.status)),
        }
    }

    /// The first offset from `begin` without a byte. It is asked for twice, because one refusal proves no end.
    pub fn measure(&mut self, begin: u64) -> Result<u64> {
        let mut end = begin;
        loop {
            let more = last_of(MAX_OFFSET - end, |count| self.exists(end + count - 1))?;
            end += more;
            if more > 0 {
                continue;
            }
            let again = self.ask_one(end)?;
            match Refusal::of(again.status) {
                _ if again.given > 0 => end += 1,
                refusal if self.is_hole(end, refusal)? => return Err(Hresult::SCARD_E_COMM_DATA_LOST),
                _ => return Ok(end),
            }
        }
    }

    /// Whether the card gives the bytes around `offset`, but not that one.
    fn is_hole(&mut self, offset: u64, refusal: Refusal) -> Result<bool> {
        Ok(offset > 0 && refusal.may_be_length() && !refusal.may_be_end() && self.has_byte_behind(offset)?)
    }

    /// Compares the reported size with the file.
    pub fn check(&mut self, reported: u64) -> Result<ReportedSize> {
        if self.file.is_end_proven() || reported > MAX_OFFSET {
            return Ok(ReportedSize::Right);
        }
        let Some(last) = reported.checked_sub(1) else {
            let is_longer = self.ask_one(reported)?.given > 0 || self.ask_one(reported)?.given > 0;
            return Ok(if is_longer { ReportedSize::TooSmall } else { ReportedSize::Right });
        };
        // Most cards show both with one read: the last byte, and whether another one follows.
        let ask_both = |reader: &mut Self| reader.ask(last, 2, SHORT_RESPONSE, &mut Vec::new());
        let may_not = |answer: &ReadAnswer| answer.given == 0 && !Refusal::of(answer.status).may_be_length();
        let mut both = ask_both(self)?;
        if may_not(&both) {
            both = ask_both(self)?;
        }
        if may_not(&both) {
            return Ok(ReportedSize::Unknown);
        }
        let refusal = Refusal::of(both.status);
        if both.given == 0 && self.ask_one(last)?.given == 0 {
            // If the card does not know the odd instruction, the file may end before it is needed.
            let is_known = matches!(both.place, Place::Even(..))
                || self.knows_odd(MAX_SHORT_OFFSET + 1)?
                || self.ask_one(MAX_SHORT_OFFSET)?.given == 0;
            let is_less = refusal.may_be_end() || is_known && last > 0 && self.ask_one(0)?.given > 0;
            return Ok(if is_less { ReportedSize::TooGreat } else { ReportedSize::Unknown });
        }
        let is_longer = match both.given {
            1 if both.status == StatusWord::END_OF_FILE => false,
            0 | 1 => self.ask_one(reported)?.given > 0,
            _ => true,
        };
        Ok(if is_longer { ReportedSize::TooSmall } else { ReportedSize::Right })
    }
}
