//! Transparent files: READ, UPDATE, WRITE and ERASE BINARY (ISO/IEC 7816-4, 11.3), in as many commands as it takes.

use super::file::{Change, File};
use crate::attachment::conversation::Conversation;
use crate::command::delivery::Carrier;
use crate::command::status_word::StatusWord;
use crate::command::{ins, Command, SHORT_DATA, SHORT_RESPONSE};
use crate::hresult::{Hresult, Result};
use crate::tlv;
use crate::type_library::Protocol;

/// What an offset can be in P1-P2, and beside a short identifier. Beyond it stands in a data object.
const MAX_SHORT_OFFSET: u64 = 0x7FFF;
const MAX_OFFSET_BESIDE_SHORT_ID: u64 = 0xFF;
/// What an offset can be at all, here.
pub(crate) const MAX_OFFSET: u64 = u32::MAX as u64;

const OFFSET: u32 = 0x54;
const DATA: u32 = 0x53;
/// Data that are data objects by themselves.
const DATA_OBJECTS: u32 = 0x73;

/// The bit of P1 that announces a short identifier.
const SHORT_ID: u8 = 0x80;

/// Reads up to `length` bytes from `position` on. Less is read at the end of the file, and where the card stops in the middle;
/// nothing at the end is `SCARD_W_EOF`.
pub fn read(card: &mut Conversation, file: &File, position: u64, length: usize, data: &mut Vec<u8>) -> Result<()> {
    let length = file.rest(position).map_or(length, |rest| length.min(usize::try_from(rest).unwrap_or(length)));
    let mut most = if length > SHORT_RESPONSE { response_limit(card) } else { SHORT_RESPONSE };
    while data.len() < length {
        let before = data.len();
        let wanted = length - before;
        let status = match read_once(card, file, position + before as u64, wanted, most, data) {
            // What was read is there; the next call tells why it is no more.
            Err(_) if before > 0 => break,
            status => status?,
        };
        match status {
            status if status.corrupts() => {
                data.truncate(before);
                return if before > 0 { Ok(()) } else { Err(status.failure()) };
            }
            StatusWord::WRONG_LENGTH if most > SHORT_RESPONSE => {
                // To ask for more than the card can give at once is not wrong, but some cards think so.
                most = SHORT_RESPONSE;
                card.habits().refuses_long_responses = true;
            }
            StatusWord::END_OF_FILE | StatusWord::WRONG_P1_P2 => break,
            status if !status.is_done() && before > 0 => break,
            status if !status.is_done() => return Err(status.failure()),
            _ if data.len() == before => break,
            _ => {}
        }
    }
    if data.is_empty() {
        return Err(Hresult::SCARD_W_EOF);
    }
    Ok(())
}

/// One command, for so many bytes as are wanted, or as a response of at most `most` bytes has.
fn read_once(
    card: &mut Conversation,
    file: &File,
    offset: u64,
    wanted: usize,
    most: usize,
    data: &mut Vec<u8>,
) -> Result<StatusWord> {
    touch(card, file, offset)?;
    let place = Place::of(card, file, offset)?;
    if let Place::Even(p1, p2) = place {
        let status = card.send(&Command::new(ins::READ_BINARY, p1, p2).expecting(wanted.min(most)), data)?;
        file.note_named(card, status);
        return Ok(status);
    }
    let (mut offset_object, mut answer) = (Vec::new(), Vec::new());
    push_number(&mut offset_object, offset)?;
    let (p1, p2) = place.parameters();
    // The answer is a data object, so that there is less room in it. With T=0 the card is not told how much is wanted, and all
    // that it has made ready has to be fetched.
    let wanted = wanted.min(room_in_object(most));
    let expected = if card.protocol() == Protocol::T0 { most } else { wanted + object_overhead(wanted) };
    let command = Command::new(ins::READ_BINARY_ODD, p1, p2).with_data(&offset_object).expecting(expected);
    let status = card.send(&command, &mut answer)?;
    file.note_named(card, status);
    if status.is_done() {
        let object = tlv::objects(&answer).next().filter(|object| matches!(object.tag, DATA | DATA_OBJECTS));
        let value = object.map(|object| object.value);
        let value = match value {
            Some(value) => value,
            None if answer.is_empty() => &[],
            None => return Err(Hresult::SCARD_E_COMM_DATA_LOST),
        };
        let value = value.get(..wanted).unwrap_or(value);
        data.try_reserve(value.len())?;
        data.extend_from_slice(value);
    }
    Ok(status)
}

/// Changes what is from `position` on; `written` is what the card has acknowledged.
pub fn write(card: &mut Conversation, file: &File, position: u64, change: Change, written: &mut usize) -> Result<()> {
    let (data, even, odd) = match change {
        Change::Replace(data) => (data, ins::UPDATE_BINARY, ins::UPDATE_BINARY_ODD),
        Change::Or(data) | Change::And(data) => (data, ins::WRITE_BINARY, ins::WRITE_BINARY_ODD),
        Change::Erase(length) => {
            let end = position.checked_add(length as u64).filter(|end| *end <= MAX_OFFSET);
            erase(card, file, position, end.ok_or(Hresult::SCARD_E_WRITE_TOO_MANY)?)?;
            *written = length;
            return Ok(());
        }
    };
    let mut most = if data.len() > SHORT_DATA { command_limit(card) } else { SHORT_DATA };
    while let Some(rest) = data.get(*written..).filter(|rest| !rest.is_empty()) {
        let offset = position + *written as u64;
        touch(card, file, offset)?;
        let place = Place::of(card, file, offset)?;
        let (p1, p2) = place.parameters();
        let mut objects = Vec::new();
        let (part, status) = match place {
            Place::Even(..) => {
                let part = rest.get(..most).unwrap_or(rest);
                (part, card.send(&Command::new(even, p1, p2).with_data(part), &mut Vec::new())?)
            }
            Place::Odd(_) => {
                push_number(&mut objects, offset)?;
                let part = rest.get(..room_in_object(most - objects.len())).unwrap_or(rest);
                tlv::push(&mut objects, DATA, part)?;
                (part, card.send(&Command::new(odd, p1, p2).with_data(&objects), &mut Vec::new())?)
            }
        };
        file.note_named(card, status);
        match status {
            StatusWord::WRONG_LENGTH if most > SHORT_DATA => {
                most = SHORT_DATA;
                card.habits().refuses_long_commands = true;
            }
            status if status.is_changed() => *written += part.len(),
            status => return Err(refusal(status)),
        }
    }
    Ok(())
}

/// The end is always said: the file may have become longer since its size was told.
fn erase(card: &mut Conversation, file: &File, begin: u64, end: u64) -> Result<()> {
    touch(card, file, begin)?;
    let place = match Place::of(card, file, begin)? {
        place @ Place::Even(..) if end <= u16::MAX.into() => place,
        _ => Place::Odd(file.path.short_id().filter(|_| !file.is_current(card))),
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
    if status.is_changed() {
        Ok(())
    } else {
        Err(refusal(status))
    }
}

/// An offset behind the end is a bad place, and not a bad parameter.
fn refusal(status: StatusWord) -> Hresult {
    match status {
        StatusWord::WRONG_P1_P2 => Hresult::SCARD_E_BAD_SEEK,
        status => status.failure(),
    }
}

/// How many bytes there are in a file of which the card does not say it: the first offset at which there is none.
pub fn measure(card: &mut Conversation, file: &File) -> Result<u64> {
    super::last_of(MAX_OFFSET, |count| {
        let mut byte = Vec::new();
        let status = read_once(card, file, count - 1, 1, SHORT_RESPONSE, &mut byte)?;
        match status {
            StatusWord::WRONG_P1_P2 | StatusWord::END_OF_FILE => Ok(!byte.is_empty()),
            status if status.is_done() => Ok(!byte.is_empty()),
            status => Err(status.failure()),
        }
    })
}

/// Beside a short identifier there is room for a small offset only. A file that is read from its beginning is the current one
/// afterwards, and then there is room for a greater one. Where it may not be read the offset goes into a data object.
fn touch(card: &mut Conversation, file: &File, offset: u64) -> Result<()> {
    let Some(short_id) = file.path.short_id().filter(|_| !file.is_current(card)) else { return Ok(()) };
    if offset > MAX_OFFSET_BESIDE_SHORT_ID {
        let place = Place::Even(SHORT_ID | short_id, 0);
        let (p1, p2) = place.parameters();
        let status = card.send(&Command::new(ins::READ_BINARY, p1, p2).expecting(1), &mut Vec::new())?;
        file.note_named(card, status);
    }
    Ok(())
}

/// How a command says where in which file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// P1 and P2.
    Even(u8, u8),
    /// In a data object: of the current file, or of that with a short identifier.
    Odd(Option<u8>),
}

impl Place {
    fn of(card: &Conversation, file: &File, offset: u64) -> Result<Place> {
        if offset > MAX_OFFSET {
            return Err(Hresult::SCARD_E_BAD_SEEK);
        }
        let [.., p1, p2] = offset.to_be_bytes();
        Ok(match file.path.short_id().filter(|_| !file.is_current(card)) {
            None if offset <= MAX_SHORT_OFFSET => Place::Even(p1, p2),
            Some(short_id) if offset <= MAX_OFFSET_BESIDE_SHORT_ID => Place::Even(SHORT_ID | short_id, p2),
            short_id => Place::Odd(short_id),
        })
    }

    fn parameters(self) -> (u8, u8) {
        match self {
            Place::Even(p1, p2) => (p1, p2),
            Place::Odd(short_id) => (0, short_id.unwrap_or(0)),
        }
    }
}

/// How much one response may carry.
fn response_limit(card: &mut Conversation) -> usize {
    if card.habits().refuses_long_responses {
        return SHORT_RESPONSE;
    }
    card.limits().extended.map_or(SHORT_RESPONSE, |extended| extended.response.max(SHORT_RESPONSE))
}

/// How much one command may carry. With T=0 what is longer would go in parts, of which the card acknowledges none before the last;
/// and as long as nobody has read how long a command may be, short ones do as well.
fn command_limit(card: &mut Conversation) -> usize {
    let is_unknown = card.believes_card() && card.capabilities().more_in_file;
    if card.protocol() == Protocol::T0 || is_unknown || card.habits().refuses_long_commands {
        return SHORT_DATA;
    }
    card.limits().extended.map_or(SHORT_DATA, |extended| extended.data.max(SHORT_DATA))
}

/// Tag and length of a data object of `length` bytes, whose tag has one byte.
fn object_overhead(length: usize) -> usize {
    match length {
        0..=0x7F => 2,
        0x80..=0xFF => 3,
        _ => 4,
    }
}

/// The longest value of a data object that has `room`.
fn room_in_object(room: usize) -> usize {
    let value = room.saturating_sub(2);
    (value.saturating_sub(2)..=value).rev().find(|value| value + object_overhead(*value) <= room).unwrap_or(0)
}

/// An offset as a data object, of two bytes where that is enough.
fn push_number(to: &mut Vec<u8>, offset: u64) -> Result<()> {
    let bytes = offset.to_be_bytes();
    let length = if offset <= u16::MAX.into() { 2 } else { 4 };
    tlv::push(to, OFFSET, bytes.get(bytes.len() - length..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_as_fits() {
        for (room, expected) in
            [(256, 253), (255, 252), (129, 127), (130, 127), (131, 128), (65_533, 65_529), (2, 0), (0, 0)]
        {
            assert_eq!(room_in_object(room), expected, "{room}");
        }
        for room in 2..1000 {
            let value = room_in_object(room);
            assert!(value + object_overhead(value) <= room);
            assert!(value + 1 + object_overhead(value + 1) > room);
        }
    }
}
