//! READ BINARY. If a card refuses a read, it is asked for less, until it is clear whether it refuses the length, or the
//! file ends there. An end is proven: neither the status word of a refusal nor the size that the card reports proves
//! it.

mod command;
mod end;

use super::refusal::{Refusal, failure};
use super::{Place, make_addressable};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::file::GenericFile;
use crate::interfaces::generic::search::{Found, Search};
use crate::iso7816::command::SHORT_RESPONSE;
use crate::iso7816::delivery::Carrier;
use crate::iso7816::status_word::StatusWord;
use end::ReportedSize;

/// Reads up to `length` bytes from `position`. Fewer bytes are read at the end of the file, and if the card fails in
/// the middle: then the next call gets the failure. At the end the code is `SCARD_W_EOF`.
pub fn read(
    card: &mut Transaction,
    file: &GenericFile,
    position: u64,
    length: usize,
    data: &mut Vec<u8>,
) -> Result<()> {
    let mut reader = BinaryReader::new(card, file);
    let mut is_last = false;
    while data.len() < length {
        let begin = data.len();
        let offset = position + begin as u64;
        if begin > 0 && (is_last || file.end() == Some(offset)) {
            if file.is_end_proven() || !reader.continues(offset, data) {
                break;
            }
            is_last = false;
            continue;
        }
        match reader.part(offset, length - begin, begin > 0, data) {
            Ok(ReadPart::More) => {}
            Ok(ReadPart::Nothing) if begin == 0 => return Err(Hresult::SCARD_W_EOF),
            Ok(ReadPart::Last) => is_last = true,
            Ok(ReadPart::Nothing) => break,
            // The caller gets the bytes that were read, and the next call gets the failure.
            Err(_) if begin > 0 => break,
            Err(code) => return Err(code),
        }
    }
    Ok(())
}

/// Reads once at `offset`, up to `length` bytes, and nothing at the end. Returns whether more may follow.
pub fn read_part(
    card: &mut Transaction,
    file: &GenericFile,
    offset: u64,
    length: usize,
    data: &mut Vec<u8>,
) -> Result<bool> {
    Ok(BinaryReader::new(card, file).part(offset, length, false, data)? == ReadPart::More)
}

/// Whether the file has a byte at `offset`.
pub fn exists(card: &mut Transaction, file: &GenericFile, offset: u64) -> Result<bool> {
    BinaryReader::new(card, file).exists(offset)
}

/// The size of a file. The size that the card reports is checked. If it is wrong or missing, the first offset without a
/// byte is searched for. For a file that may not be read it is the size that the card reports.
pub fn size(card: &mut Transaction, file: &GenericFile) -> Result<u64> {
    let mut reader = BinaryReader::new(card, file);
    let size = match file.end() {
        Some(reported) => match reader.check(reported)? {
            ReportedSize::Unknown => return Ok(reported),
            ReportedSize::Right => reported,
            ReportedSize::TooSmall => reader.measure(reported + 1)?,
            ReportedSize::TooGreat => reader.measure(0)?,
        },
        None => reader.measure(0)?,
    };
    file.note_end(size);
    Ok(size)
}

/// The outcome of a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReadPart {
    More,
    /// The card says that nothing follows.
    Last,
    Nothing,
}

/// The outcome of one command.
struct ReadAnswer {
    /// The number of bytes.
    given: usize,
    status: StatusWord,
    place: Place,
}

struct BinaryReader<'a, 'b> {
    card: &'a mut Transaction<'b>,
    file: &'a GenericFile,
    /// The length that the card has given after it has refused a greater one.
    found: Option<Found>,
    /// The longest response that a search has found, or no limit.
    longest: usize,
    /// The length that the card has given for a greater one (6CXX with T=0).
    corrected: Option<usize>,
    rest: Option<Rest>,
}

/// The card has given all bytes that a command asked for, and has more ready (61XX). Most cards give the rest to
/// another READ BINARY, and some to GET RESPONSE only (EstEID with T=0, OpenSC issue 1190).
#[derive(Clone, Copy)]
struct Rest {
    /// The offset and the length of the READ BINARY.
    begin: u64,
    length: usize,
    /// The offset of the rest.
    at: u64,
    /// GET RESPONSE has given a part of it.
    is_fetched: bool,
}

impl BinaryReader<'_, '_> {
    fn new<'a, 'b>(card: &'a mut Transaction<'b>, file: &'a GenericFile) -> BinaryReader<'a, 'b> {
        BinaryReader { card, file, found: None, longest: usize::MAX, corrected: None, rest: None }
    }

    /// Whether the card gives one byte more where the file seems to end: the reported size may be too small, or the
    /// card has only meant that it gives no more at once. If it refuses, the next call gets the failure.
    fn continues(&mut self, offset: u64, data: &mut Vec<u8>) -> bool {
        let most = self.most(1);
        match self.ask(offset, 1, most, data) {
            Ok(answer) if answer.given > 0 => true,
            Ok(answer) => {
                let is_odd = matches!(answer.place, Place::Odd(_));
                if Refusal::of(answer.status).may_be_end() && (!is_odd || self.card.habits().reads_odd) {
                    self.file.note_end_seen(offset);
                }
                false
            }
            Err(_) => false,
        }
    }

    /// Appends the bytes at `offset` to `data`, up to `wanted` bytes. In the `middle` of a call an end need not be
    /// proven: the next call does that.
    fn part(&mut self, offset: u64, wanted: usize, middle: bool, data: &mut Vec<u8>) -> Result<ReadPart> {
        let most = self.most(wanted);
        make_addressable(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        let length = self.within_end(offset, wanted.min(place.data_in(most).max(1)));
        let answer = self.ask_or_fetch(offset, length, most, data)?;
        if answer.given > 0 {
            self.note_corrected(length, &answer);
            let is_last = answer.status == StatusWord::END_OF_FILE && !self.is_inside(behind(offset, answer.given));
            return Ok(if is_last { ReadPart::Last } else { ReadPart::More });
        }
        let refusal = Refusal::of(answer.status);
        let is_odd = matches!(answer.place, Place::Odd(_));
        let is_known_end = self.file.end().is_some_and(|end| offset >= end);
        if is_known_end {
            // One refusal proves no end: the reported size may be too small.
            if self.file.is_refusal_first(offset) && self.ask(offset, 1, most, data)?.given > 0 {
                return Ok(ReadPart::More);
            }
            if refusal == Refusal::Place || self.ends_as_known(offset, refusal)? {
                self.file.note_nothing_at(offset);
                return Ok(ReadPart::Nothing);
            }
        }
        let is_form = self.may_be_form(answer.place, length, answer.status);
        let status = match refusal {
            refusal if refusal.may_be_length() || is_form => {
                match self.ask_for_less(offset, length, answer.status, most, data)? {
                    None => return Ok(ReadPart::More),
                    Some(status) => status,
                }
            }
            Refusal::Command if is_odd => answer.status,
            _ => return Err(self.failure(offset, answer.status)),
        };
        if middle {
            // The next call finds out whether this is the end.
            if Refusal::of(status).may_be_end() && (!is_odd || self.card.habits().reads_odd) {
                self.file.note_end_seen(offset);
            }
            return Ok(ReadPart::Nothing);
        }
        // One refusal of one byte proves no end.
        if length > 1 && !is_known_end && self.ask(offset, 1, most, data)?.given > 0 {
            return Ok(ReadPart::More);
        }
        self.prove_end(offset, status, is_odd)?;
        Ok(ReadPart::Nothing)
    }

    /// With T=0 a card that gives less with 9000 has corrected the length, in a second exchange. The same correction
    /// twice shows its limit.
    fn note_corrected(&mut self, length: usize, answer: &ReadAnswer) {
        let is_corrected = answer.given < length && answer.status.is_normal();
        if self.card.protocol() != Protocol::T0 || !is_corrected || !matches!(answer.place, Place::Even(..)) {
            return;
        }
        if self.corrected.replace(answer.given) == Some(answer.given) {
            self.card.habits().note_response_limit(answer.given);
        }
    }

    /// Appends as many bytes at `offset` to `data` as the card gives, fewer than the `refused` ones, which it has
    /// refused with `status`. Returns the last refusal if it gives none.
    fn ask_for_less(
        &mut self,
        offset: u64,
        refused: usize,
        status: StatusWord,
        most: usize,
        data: &mut Vec<u8>,
    ) -> Result<Option<StatusWord>> {
        let place = Place::of(self.card, self.file, offset)?;
        let is_form = self.may_be_form(place, refused, status);
        let taken = match status.exact_le() {
            // The card names a length and refuses it.
            Some(_) => refused,
            // Most likely it does not refuse the length.
            None if !is_form && matches!(Refusal::of(status), Refusal::Condition | Refusal::File) => refused,
            None => place.data_in(self.card.habits().response.taken),
        };
        let short = place.data_in(SHORT_RESPONSE);
        let mut search = Search::below(refused, taken, short);
        if is_form {
            search.refuse(short + 1);
        }
        let (mut best, mut last) = (Vec::new(), StatusWord::OK);
        while let Some(length) = search.next() {
            let mut tried = Vec::new();
            let answer = self.ask(offset, length, most, &mut tried)?;
            if answer.given == 0 {
                match Refusal::of(answer.status) {
                    Refusal::Command if matches!(place, Place::Odd(_)) => return Ok(Some(answer.status)),
                    refusal if !refusal.may_be_length() => return Err(self.failure(offset, answer.status)),
                    _ => last = answer.status,
                }
                search.refuse(length);
                continue;
            }
            best = tried;
            search.take(length);
            // The card gives fewer bytes by itself: these are all.
            if answer.given < length {
                break;
            }
        }
        if best.is_empty() {
            return Ok(Some(last));
        }
        let first_behind = behind(offset, search.refused());
        self.longest = place.response_of(search.taken());
        self.found = Some(Found { length: self.longest, behind: first_behind });
        data.try_reserve(best.len())?;
        data.extend_from_slice(&best);
        Ok(None)
    }

    /// Whether the card refuses extended lengths. It has not answered any before.
    fn may_be_form(&mut self, place: Place, length: usize, status: StatusWord) -> bool {
        let is_long = place.response_of(length) > SHORT_RESPONSE;
        is_long && self.card.habits().response.taken <= SHORT_RESPONSE && Refusal::may_be_form(status)
    }

    fn failure(&self, offset: u64, status: StatusWord) -> Hresult {
        failure(status, self.is_inside(offset))
    }

    /// Whether `offset` is before the known end.
    fn is_inside(&self, offset: u64) -> bool {
        self.file.end().is_some_and(|end| offset < end)
    }

    /// The longest response to ask for, if `wanted` bytes are wanted.
    fn most(&mut self, wanted: usize) -> usize {
        let limit = if wanted > SHORT_RESPONSE { long_limit(self.card) } else { None };
        let limit = limit.unwrap_or(self.card.short_limits().1);
        let limit = self.card.habits().response.within(limit);
        limit.min(self.longest)
    }

    /// A read does not cross the known end, and behind it asks for at most one byte.
    fn within_end(&self, offset: u64, length: usize) -> usize {
        match self.file.end() {
            Some(end) if offset < end => length.min(usize::try_from(end - offset).unwrap_or(length)),
            Some(_) => length.min(1),
            None => length,
        }
    }
}

/// The longest response with an extended length, if card and reader have that.
fn long_limit(card: &mut Transaction) -> Option<usize> {
    let may_be_long = !card.habits().refuses_long_responses;
    card.extended_for_files().filter(|_| may_be_long).map(|extended| extended.response.max(SHORT_RESPONSE))
}

/// The offset behind the given bytes.
fn behind(offset: u64, given: usize) -> u64 {
    offset + given as u64
}
