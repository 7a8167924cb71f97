//! READ BINARY. Where a card refuses, it is asked for less, until it is known whether it was the length, or that there is nothing
//! more. That is proven, and not taken from the word of a refusal, nor from the size that the card has told of the file.

use super::refusal::{Refusal, failure};
use super::{DATA, DATA_OBJECTS, MAX_OFFSET, MAX_SHORT_OFFSET, Place, max_offset, push_number, touch};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::interfaces::generic::file::GenericFile;
use crate::interfaces::generic::last_of;
use crate::interfaces::generic::search::{Found, Search};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Carrier;
use crate::iso7816::status_word::StatusWord;
use crate::iso7816::tlv;

/// Reads up to `length` bytes from `position` on. Less is read at the end of the file, and where the card stops in the middle: then
/// the next call tells why. Nothing at the end is `SCARD_W_EOF`.
pub fn read(
    card: &mut Transaction,
    file: &GenericFile,
    position: u64,
    length: usize,
    data: &mut Vec<u8>,
) -> Result<()> {
    let mut reader = Reader::new(card, file);
    let mut is_last = false;
    while data.len() < length {
        let begin = data.len();
        let offset = position + begin as u64;
        if begin > 0 && (is_last || file.end() == Some(offset)) {
            if file.is_end_proven() || !reader.goes_on(offset, data) {
                break;
            }
            is_last = false;
            continue;
        }
        match reader.part(offset, length - begin, begin > 0, data) {
            Ok(Part::More) => {}
            Ok(Part::Nothing) if begin == 0 => return Err(Hresult::SCARD_W_EOF),
            Ok(Part::Last) => is_last = true,
            Ok(Part::Nothing) => break,
            // The bytes that were read are there; the next call tells why they are no more.
            Err(_) if begin > 0 => break,
            Err(code) => return Err(code),
        }
    }
    Ok(())
}

/// Reads once what the card gives at `offset`, up to `length` bytes; nothing at the end. Tells whether more may follow.
pub fn read_part(
    card: &mut Transaction,
    file: &GenericFile,
    offset: u64,
    length: usize,
    data: &mut Vec<u8>,
) -> Result<bool> {
    Ok(Reader::new(card, file).part(offset, length, false, data)? == Part::More)
}

/// Whether the file has a byte at `offset`.
pub fn exists(card: &mut Transaction, file: &GenericFile, offset: u64) -> Result<bool> {
    Reader::new(card, file).exists(offset)
}

/// How many bytes there are in a file. What the card has told of it is looked at, and where that is wrong, or the card tells nothing,
/// the first offset is looked for at which there is none. Of a file that may not be read it is what the card has told.
pub fn size(card: &mut Transaction, file: &GenericFile) -> Result<u64> {
    let mut reader = Reader::new(card, file);
    let size = match file.end() {
        Some(told) => match reader.compare(told)? {
            Told::Unknown => return Ok(told),
            Told::Right => told,
            Told::TooSmall => reader.measure(told + 1)?,
            Told::TooGreat => reader.measure(0)?,
        },
        None => reader.measure(0)?,
    };
    file.note_end(size);
    Ok(size)
}

/// The outcome of a read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    More,
    /// The card says that nothing follows.
    Last,
    Nothing,
}

/// How the size that a card has told compares with the file.
enum Told {
    Right,
    TooSmall,
    TooGreat,
    Unknown,
}

/// The outcome of one command.
struct Answer {
    given: usize,
    status: StatusWord,
    place: Place,
}

struct Reader<'a, 'b> {
    card: &'a mut Transaction<'b>,
    file: &'a GenericFile,
    /// How much the card has given after it has refused more.
    found: Option<Found>,
    /// The longest response that the search has found to be given; all there is where nothing was searched for.
    longest: usize,
    /// How much the card has given in place of more (6CXX with T=0).
    corrected: Option<usize>,
    rest: Option<Rest>,
}

/// The card has given all that a command was to bring, and has more ready (61XX). Most cards give that to another READ BINARY as well,
/// and some by GET RESPONSE only (EstEID with T=0, OpenSC issue 1190).
#[derive(Clone, Copy)]
struct Rest {
    /// The READ BINARY.
    begin: u64,
    length: usize,
    /// Where the rest begins.
    at: u64,
    /// It is fetched already, and so it goes on.
    is_fetched: bool,
}

impl Reader<'_, '_> {
    fn new<'a, 'b>(card: &'a mut Transaction<'b>, file: &'a GenericFile) -> Reader<'a, 'b> {
        Reader { card, file, found: None, longest: usize::MAX, corrected: None, rest: None }
    }

    /// Whether the card gives one byte more where it seems to have ended: it may have told too little, or have said no more than that it
    /// gives no more at once. Where it refuses, the next call tells why.
    fn goes_on(&mut self, offset: u64, data: &mut Vec<u8>) -> bool {
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

    /// Puts what there is at `offset` behind `data`, up to `wanted` bytes. In the `middle` of a call nobody has to prove that nothing is
    /// there: the next call does.
    fn part(&mut self, offset: u64, wanted: usize, middle: bool, data: &mut Vec<u8>) -> Result<Part> {
        let most = self.most(wanted);
        touch(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        let length = self.within_end(offset, wanted.min(place.data_in(most).max(1)));
        let answer = self.ask_or_fetch(offset, length, most, data)?;
        if answer.given > 0 {
            self.note_corrected(length, &answer);
            let is_last = answer.status == StatusWord::END_OF_FILE && !self.is_inside(begin_of(offset, answer.given));
            return Ok(if is_last { Part::Last } else { Part::More });
        }
        let refusal = Refusal::of(answer.status);
        let is_odd = matches!(answer.place, Place::Odd(_));
        let is_told_end = self.file.end().is_some_and(|end| offset >= end);
        if is_told_end {
            // A card that has told too little, and refuses once, does not mean it.
            if self.file.is_refusal_first(offset) && self.ask(offset, 1, most, data)?.given > 0 {
                return Ok(Part::More);
            }
            if refusal == Refusal::Place || self.ends_as_known(offset, refusal)? {
                self.file.note_nothing_at(offset);
                return Ok(Part::Nothing);
            }
        }
        let is_form = self.may_be_form(answer.place, length, answer.status);
        let status = match refusal {
            refusal if refusal.may_be_length() || is_form => {
                match self.ask_for_less(offset, length, answer.status, most, data)? {
                    None => return Ok(Part::More),
                    Some(status) => status,
                }
            }
            Refusal::Command if is_odd => answer.status,
            _ => return Err(self.failure(offset, answer.status)),
        };
        if middle {
            // The next call looks whether this is the end.
            if Refusal::of(status).may_be_end() && (!is_odd || self.card.habits().reads_odd) {
                self.file.note_end_seen(offset);
            }
            return Ok(Part::Nothing);
        }
        // A card that has refused one byte once does not always mean it.
        if length > 1 && !is_told_end && self.ask(offset, 1, most, data)?.given > 0 {
            return Ok(Part::More);
        }
        self.prove_end(offset, status, is_odd)?;
        Ok(Part::Nothing)
    }

    /// With T=0 a card that gives less with 9000 has had the length corrected, in a second exchange. If it wants the same one twice, that is its
    /// limit.
    fn note_corrected(&mut self, length: usize, answer: &Answer) {
        let is_corrected = answer.given < length && answer.status.is_normal();
        if self.card.protocol() != Protocol::T0 || !is_corrected || !matches!(answer.place, Place::Even(..)) {
            return;
        }
        if self.corrected.replace(answer.given) == Some(answer.given) {
            self.card.habits().note_response_limit(answer.given);
        }
    }

    /// Puts as much behind `data` as the card gives at `offset` of less than `refused` bytes, which it has refused with `status`. If that is
    /// nothing, gives the last refusal.
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
            // It says how much there is, and does not give that: nothing.
            Some(_) => refused,
            // Most likely it is no length.
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
            // It gives less by itself: that is all.
            if answer.given < length {
                break;
            }
        }
        if best.is_empty() {
            return Ok(Some(last));
        }
        let behind = begin_of(offset, search.refused());
        self.longest = place.response_of(search.taken());
        self.found = Some(Found { length: self.longest, behind });
        data.try_reserve(best.len())?;
        data.extend_from_slice(&best);
        Ok(None)
    }

    /// Whether a read was refused for its extended lengths, of which the card has answered none before.
    fn may_be_form(&mut self, place: Place, length: usize, status: StatusWord) -> bool {
        let is_long = place.response_of(length) > SHORT_RESPONSE;
        is_long && self.card.habits().response.taken <= SHORT_RESPONSE && Refusal::may_be_form(status)
    }

    /// Whether the file ends where the card has told, or where the end was found, when the card refuses what is behind in words that are
    /// about something else. It has given all that is before, and has refused twice.
    fn ends_as_known(&mut self, offset: u64, refusal: Refusal) -> Result<bool> {
        if !self.file.is_end_known() {
            return Ok(false);
        }
        // Before a file that is told to be empty there is nothing to be given.
        if offset == 0 {
            return Ok(refusal == Refusal::Other);
        }
        Ok(self.file.has_given(offset) || self.gives_before(offset)?)
    }

    /// Nothing is at `offset`, for the card has refused a single byte of it. That this is the end needs more: the card still gives the
    /// byte before, by the same instruction, and it does not give the last one of the size that it has told.
    fn prove_end(&mut self, offset: u64, status: StatusWord, is_odd: bool) -> Result<()> {
        let refusal = Refusal::of(status);
        let told = self.file.end();
        let is_end = if is_odd && !self.knows_odd(offset)? {
            // Nobody knows what is there, but for what the card has told.
            told.is_some_and(|end| offset >= end)
        } else if let Some(end) = told.filter(|end| offset < *end) {
            let is_refused = self.gives_before(offset)? && self.ask_one(end - 1)?.given == 0;
            is_refused && (refusal.may_be_end() || offset > 0 && !self.gives_behind(offset)?)
        } else if offset == 0 {
            refusal.may_be_end()
        } else {
            refusal == Refusal::Place
                || self.gives_before(offset)? && (refusal.may_be_end() || !self.gives_behind(offset)?)
        };
        if !is_end {
            return Err(self.failure(offset, status));
        }
        self.file.note_nothing_at(offset);
        Ok(())
    }

    fn failure(&self, offset: u64, status: StatusWord) -> Hresult {
        failure(status, self.is_inside(offset))
    }

    /// Whether there is something at `offset` by what is known of the size.
    fn is_inside(&self, offset: u64) -> bool {
        self.file.end().is_some_and(|end| offset < end)
    }

    fn gives_before(&mut self, offset: u64) -> Result<bool> {
        Ok(offset == 0 || self.ask_one(offset - 1)?.given > 0)
    }

    /// Whether the card gives a byte behind `offset`, which it refuses in words that say nothing: then this is a hole, and no end. It is
    /// looked for in steps that double.
    fn gives_behind(&mut self, offset: u64) -> Result<bool> {
        for distance in (0..15).map(|doublings| 1 << doublings) {
            if offset + distance <= MAX_OFFSET && self.ask_one(offset + distance)?.given > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the card knows the odd instruction: it gives a byte before `offset` by it.
    fn knows_odd(&mut self, offset: u64) -> Result<bool> {
        if !self.card.habits().reads_odd && offset > 0 {
            let place = Place::odd(self.card, self.file);
            self.ask_at(place, offset - 1, 1, SHORT_RESPONSE, &mut Vec::new())?;
        }
        Ok(self.card.habits().reads_odd)
    }

    fn exists(&mut self, offset: u64) -> Result<bool> {
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

    /// The first offset from `begin` on at which there is nothing. It is asked for a second time, lest a card that has refused once
    /// makes the file shorter.
    fn measure(&mut self, begin: u64) -> Result<u64> {
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

    /// Whether the card gives the bytes around `offset`, and not that one.
    fn is_hole(&mut self, offset: u64, refusal: Refusal) -> Result<bool> {
        Ok(offset > 0 && refusal.may_be_length() && !refusal.may_be_end() && self.gives_behind(offset)?)
    }

    /// Whether the file has as many bytes as the card has told.
    fn compare(&mut self, told: u64) -> Result<Told> {
        if self.file.is_end_proven() || told > MAX_OFFSET {
            return Ok(Told::Right);
        }
        let Some(last) = told.checked_sub(1) else {
            let is_longer = self.ask_one(told)?.given > 0 || self.ask_one(told)?.given > 0;
            return Ok(if is_longer { Told::TooSmall } else { Told::Right });
        };
        // Most cards tell both at once.
        let ask_both = |reader: &mut Self| reader.ask(last, 2, SHORT_RESPONSE, &mut Vec::new());
        let may_not = |answer: &Answer| answer.given == 0 && !Refusal::of(answer.status).may_be_length();
        let mut both = ask_both(self)?;
        if may_not(&both) {
            both = ask_both(self)?;
        }
        if may_not(&both) {
            return Ok(Told::Unknown);
        }
        let refusal = Refusal::of(both.status);
        if both.given == 0 && self.ask_one(last)?.given == 0 {
            // Where the card does not know the instruction, the file may end before that is needed.
            let is_known = matches!(both.place, Place::Even(..))
                || self.knows_odd(MAX_SHORT_OFFSET + 1)?
                || self.ask_one(MAX_SHORT_OFFSET)?.given == 0;
            let is_less = refusal.may_be_end() || is_known && last > 0 && self.ask_one(0)?.given > 0;
            return Ok(if is_less { Told::TooGreat } else { Told::Unknown });
        }
        let is_longer = match both.given {
            1 if both.status == StatusWord::END_OF_FILE => false,
            0 | 1 => self.ask_one(told)?.given > 0,
            _ => true,
        };
        Ok(if is_longer { Told::TooSmall } else { Told::Right })
    }

    /// The longest response that is asked for, where `wanted` bytes are.
    fn most(&mut self, wanted: usize) -> usize {
        let limit = if wanted > SHORT_RESPONSE { long_limit(self.card) } else { None };
        let limit = limit.unwrap_or(self.card.short_limits().1);
        let limit = self.card.habits().response.within(limit);
        limit.min(self.longest)
    }

    /// Nothing is asked for across the end that the card has told, and behind it a byte at most.
    fn within_end(&self, offset: u64, length: usize) -> usize {
        match self.file.end() {
            Some(end) if offset < end => length.min(usize::try_from(end - offset).unwrap_or(length)),
            Some(_) => length.min(1),
            None => length,
        }
    }

    /// The same as `ask`, where the answer before may have a rest that the card gives by GET RESPONSE.
    fn ask_or_fetch(&mut self, offset: u64, length: usize, most: usize, data: &mut Vec<u8>) -> Result<Answer> {
        let rest = self.rest.take().filter(|rest| rest.at == offset);
        if let Some(rest) = rest.filter(|rest| rest.is_fetched) {
            let answer = self.fetch(rest, length, data)?;
            if answer.given > 0 {
                return Ok(answer);
            }
        }
        let answer = self.ask(offset, length, most, data)?;
        if answer.given > 0 {
            let at = begin_of(offset, answer.given);
            let has_rest = answer.status.more().is_some() && matches!(answer.place, Place::Even(..));
            self.rest = has_rest.then_some(Rest { begin: offset, length, at, is_fetched: false });
            return Ok(answer);
        }
        match rest.filter(|rest| !rest.is_fetched && !Refusal::of(answer.status).may_be_end()) {
            Some(rest) if self.has_rest_again(rest, most, data)? => {
                let fetched = self.fetch(rest, length, data)?;
                Ok(if fetched.given > 0 { fetched } else { answer })
            }
            _ => Ok(answer),
        }
    }

    /// What was refused in between has taken the rest away: the bytes before it are read again, and have to be those at the end of `data`.
    fn has_rest_again(&mut self, rest: Rest, most: usize, data: &[u8]) -> Result<bool> {
        let mut again = Vec::new();
        let answer = self.ask(rest.begin, rest.length, most, &mut again)?;
        Ok(answer.status.more().is_some() && !again.is_empty() && data.ends_with(&again))
    }

    /// GET RESPONSE of what goes on behind an answer.
    fn fetch(&mut self, rest: Rest, length: usize, data: &mut Vec<u8>) -> Result<Answer> {
        let begin = data.len();
        let most = self.card.habits().fetched.unwrap_or(SHORT_RESPONSE);
        let command = Command::new(ins::GET_RESPONSE, 0, 0).expecting(length.min(most));
        let status = self.card.send_short(&command, data)?;
        if !status.is_done() || status.corrupts() {
            data.truncate(begin);
        }
        let given = data.len() - begin;
        let at = begin_of(rest.at, given);
        self.file.note_given(at);
        self.rest = status.more().filter(|_| given > 0).map(|_| Rest { at, is_fetched: true, ..rest });
        Ok(Answer { given, status, place: Place::of(self.card, self.file, rest.at)? })
    }

    fn ask_one(&mut self, offset: u64) -> Result<Answer> {
        self.ask(offset, 1, SHORT_RESPONSE, &mut Vec::new())
    }

    /// One command, for `length` bytes, in a response of at most `most`. A card that speaks of another file has lost the selection, and is
    /// asked once more with the file selected again.
    fn ask(&mut self, offset: u64, length: usize, most: usize, data: &mut Vec<u8>) -> Result<Answer> {
        touch(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        let answer = self.ask_at(place, offset, length, most, data)?;
        if !self.file.recover(self.card, answer.status)? {
            return Ok(answer);
        }
        touch(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        self.ask_at(place, offset, length, most, data)
    }

    fn ask_at(&mut self, place: Place, offset: u64, length: usize, most: usize, data: &mut Vec<u8>) -> Result<Answer> {
        let begin = data.len();
        let status = match place {
            Place::Even(p1, p2) => self.send(&Command::new(ins::READ_BINARY, p1, p2).expecting(length), data)?,
            Place::Odd(_) => self.send_odd(place, offset, length, most, data)?,
        };
        if status.corrupts() {
            data.truncate(begin);
            return Err(status.failure());
        }
        if !status.is_done() {
            data.truncate(begin);
        }
        let given = data.len() - begin;
        if given > 0 {
            self.note_given(place, offset, length, given);
        }
        Ok(Answer { given, status, place })
    }

    fn send(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let status = self.card.send(command, answer)?;
        self.file.note_named(self.card, status);
        Ok(status)
    }

    /// The answer is a data object, so that there is less room in it. With T=0 the card is not told how much is wanted, and all that
    /// it has made ready has to be fetched.
    fn send_odd(
        &mut self,
        place: Place,
        offset: u64,
        length: usize,
        most: usize,
        data: &mut Vec<u8>,
    ) -> Result<StatusWord> {
        let (mut offset_object, mut answer) = (Vec::new(), Vec::new());
        push_number(&mut offset_object, offset)?;
        let (p1, p2) = place.parameters();
        let expected = place.response_of(length);
        let expected = if self.card.protocol() == Protocol::T0 { most.max(expected) } else { expected };
        let command = Command::new(ins::READ_BINARY_ODD, p1, p2).with_data(&offset_object).expecting(expected);
        let status = self.send(&command, &mut answer)?;
        if status.is_done() && !answer.is_empty() {
            let value = value_of(&answer).ok_or(Hresult::SCARD_E_COMM_DATA_LOST)?;
            let value = value.get(..length).unwrap_or(value);
            data.try_reserve(value.len())?;
            data.extend_from_slice(value);
        }
        Ok(status)
    }

    fn note_given(&mut self, place: Place, offset: u64, length: usize, given: usize) {
        let end = begin_of(offset, given);
        self.file.note_given(end);
        let limit = self.found.and_then(|found| found.limit(end));
        let habits = self.card.habits();
        habits.reads_odd |= matches!(place, Place::Odd(_));
        // Also if it has given less: it does not refuse the length.
        habits.response.note_taken(place.response_of(length));
        if let Some(limit) = limit {
            habits.note_response_limit(limit);
            (self.found, self.longest) = (None, usize::MAX);
        }
    }
}

/// The longest response with an extended length, where card and reader have that.
fn long_limit(card: &mut Transaction) -> Option<usize> {
    let may_be_long = !card.habits().refuses_long_responses;
    card.extended_for_files().filter(|_| may_be_long).map(|extended| extended.response.max(SHORT_RESPONSE))
}

/// Where what follows begins.
fn begin_of(offset: u64, given: usize) -> u64 {
    offset + given as u64
}

/// The value of the data object that an answer is, or as much of it as the answer has.
fn value_of(answer: &[u8]) -> Option<&[u8]> {
    if let Some(object) = tlv::objects(answer).next() {
        return matches!(object.tag, DATA | DATA_OBJECTS).then_some(object.value);
    }
    let (tag, rest) = answer.split_first()?;
    let (length, rest) = rest.split_first()?;
    let more = if *length > 0x80 { usize::from(length & 0x7F) } else { 0 };
    rest.get(more..).filter(|_| matches!(u32::from(*tag), DATA | DATA_OBJECTS))
}
