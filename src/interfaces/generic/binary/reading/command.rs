//! The commands of a read: READ BINARY in its two forms, and GET RESPONSE.

use super::{BinaryReader, ReadAnswer, Rest, behind};
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::generic::binary::refusal::Refusal;
use crate::interfaces::generic::binary::{DATA, DATA_OBJECTS, Place, make_addressable, push_number};
use crate::iso7816::command::{Command, SHORT_RESPONSE, ins};
use crate::iso7816::delivery::Carrier;
use crate::iso7816::status_word::StatusWord;
use crate::iso7816::tlv;

impl BinaryReader<'_, '_> {
    /// The same as `ask`. If the answer before has a rest, the card may give that by GET RESPONSE.
    pub fn ask_or_fetch(&mut self, offset: u64, length: usize, most: usize, data: &mut Vec<u8>) -> Result<ReadAnswer> {
        let rest = self.rest.take().filter(|rest| rest.at == offset);
        if let Some(rest) = rest.filter(|rest| rest.is_fetched) {
            let answer = self.fetch(rest, length, data)?;
            if answer.given > 0 {
                return Ok(answer);
            }
        }
        let answer = self.ask(offset, length, most, data)?;
        if answer.given > 0 {
            let at = behind(offset, answer.given);
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

    /// A refused command has removed the rest, so the bytes before it are read again. They must be those at the end of
    /// `data`.
    fn has_rest_again(&mut self, rest: Rest, most: usize, data: &[u8]) -> Result<bool> {
        let mut again = Vec::new();
        let answer = self.ask(rest.begin, rest.length, most, &mut again)?;
        Ok(answer.status.more().is_some() && !again.is_empty() && data.ends_with(&again))
    }

    /// GET RESPONSE of the rest of an answer.
    fn fetch(&mut self, rest: Rest, length: usize, data: &mut Vec<u8>) -> Result<ReadAnswer> {
        let begin = data.len();
        let most = self.card.habits().fetched.unwrap_or(SHORT_RESPONSE);
        let command = Command::new(ins::GET_RESPONSE, 0, 0).expecting(length.min(most));
        let status = self.card.send_short(&command, data)?;
        if !status.is_done() || status.corrupts() {
            data.truncate(begin);
        }
        let given = data.len() - begin;
        let at = behind(rest.at, given);
        self.file.note_read(at);
        self.rest = status.more().filter(|_| given > 0).map(|_| Rest { at, is_fetched: true, ..rest });
        Ok(ReadAnswer { given, status, place: Place::of(self.card, self.file, rest.at)? })
    }

    pub fn ask_one(&mut self, offset: u64) -> Result<ReadAnswer> {
        self.ask(offset, 1, SHORT_RESPONSE, &mut Vec::new())
    }

    /// One command for `length` bytes, in a response of at most `most`. If the card has lost the selection, the file is
    /// selected again, and the command is sent once more.
    pub fn ask(&mut self, offset: u64, length: usize, most: usize, data: &mut Vec<u8>) -> Result<ReadAnswer> {
        make_addressable(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        let answer = self.ask_at(place, offset, length, most, data)?;
        if !self.file.recover(self.card, answer.status)? {
            return Ok(answer);
        }
        make_addressable(self.card, self.file, offset)?;
        let place = Place::of(self.card, self.file, offset)?;
        self.ask_at(place, offset, length, most, data)
    }

    pub fn ask_at(
        &mut self,
        place: Place,
        offset: u64,
        length: usize,
        most: usize,
        data: &mut Vec<u8>,
    ) -> Result<ReadAnswer> {
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
            self.note_read(place, offset, length, given);
        }
        Ok(ReadAnswer { given, status, place })
    }

    fn send(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let status = self.card.send(command, answer)?;
        self.file.note_named(self.card, status);
        Ok(status)
    }

    /// The answer is a data object, so it has room for fewer bytes. With T=0 the command has no length for the
    /// response, and all bytes that the card has prepared are fetched.
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

    fn note_read(&mut self, place: Place, offset: u64, length: usize, given: usize) {
        let end = behind(offset, given);
        self.file.note_read(end);
        let limit = self.found.and_then(|found| found.limit(end));
        let habits = self.card.habits();
        habits.reads_odd |= matches!(place, Place::Odd(_));
        // Even if it has given fewer bytes, the card does not refuse the length.
        habits.response.note_taken(place.response_of(length));
        if let Some(limit) = limit {
            habits.note_response_limit(limit);
            (self.found, self.longest) = (None, usize::MAX);
        }
    }
}

/// The value of the data object in an answer, which may be cut.
fn value_of(answer: &[u8]) -> Option<&[u8]> {
    if let Some(object) = tlv::objects(answer).next() {
        return matches!(object.tag, DATA | DATA_OBJECTS).then_some(object.value);
    }
    let (tag, rest) = answer.split_first()?;
    let (length, rest) = rest.split_first()?;
    let more = if *length > 0x80 { usize::from(length & 0x7F) } else { 0 };
    rest.get(more..).filter(|_| matches!(u32::from(*tag), DATA | DATA_OBJECTS))
}
