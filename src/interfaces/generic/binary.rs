//! Transparent files: READ, UPDATE, WRITE and ERASE BINARY (ISO/IEC 7816-4, 11.3), in as many commands as necessary.

mod reading;
mod refusal;
mod writing;

pub use reading::{exists, read, read_part, size};
pub use refusal::Refusal;
pub use writing::write;

use super::file::GenericFile;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::transaction::Transaction;
use crate::iso7816::command::{Command, ins};
use crate::iso7816::tlv;

/// The greatest offset in P1-P2. A greater one is sent in a data object.
const MAX_SHORT_OFFSET: u64 = 0x7FFF;
/// The same for a SIM: its P1 never has a short identifier (3GPP TS 51.011, 9.2.3).
const MAX_OFFSET_OF_SIM: u64 = 0xFFFF;
/// The same if P1 has a short identifier.
const MAX_OFFSET_BESIDE_SHORT_ID: u64 = 0xFF;
/// The greatest offset that this library uses.
pub(crate) const MAX_OFFSET: u64 = u32::MAX as u64;

const OFFSET: u32 = 0x54;
const DATA: u32 = 0x53;
/// Data that consist of data objects.
const DATA_OBJECTS: u32 = 0x73;

/// The bit of P1 for a short identifier.
const SHORT_ID: u8 = 0x80;

/// Makes a file with a short identifier the current one, if `offset` is too great to be sent with that: by a read of
/// its first byte. A file that may not be read does not become the current one, and its offset is sent in a data
/// object.
fn make_addressable(card: &mut Transaction, file: &GenericFile, offset: u64) -> Result<()> {
    let Some(short_id) = file.path.short_id().filter(|_| !file.is_current(card)) else { return Ok(()) };
    if offset > MAX_OFFSET_BESIDE_SHORT_ID {
        let place = Place::Even(SHORT_ID | short_id, 0);
        let (p1, p2) = place.parameters();
        let status = card.send(&Command::new(ins::READ_BINARY, p1, p2).expecting(1), &mut Vec::new())?;
        file.note_named(card, status);
    }
    Ok(())
}

/// The greatest offset for this card: a SIM has no data object for it.
fn max_offset(card: &Transaction) -> u64 {
    if card.is_sim() { MAX_OFFSET_OF_SIM } else { MAX_OFFSET }
}

/// How a command names the file and the offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// P1 and P2.
    Even(u8, u8),
    /// The offset is in a data object. The file is the current one, or the one with this short identifier.
    Odd(Option<u8>),
}

impl Place {
    fn of(card: &Transaction, file: &GenericFile, offset: u64) -> Result<Place> {
        if offset > MAX_OFFSET {
            return Err(Hresult::SCARD_E_BAD_SEEK);
        }
        let [.., p1, p2] = offset.to_be_bytes();
        Ok(match file.path.short_id().filter(|_| !file.is_current(card)) {
            None if offset <= MAX_SHORT_OFFSET => Place::Even(p1, p2),
            None if card.is_sim() && offset <= MAX_OFFSET_OF_SIM => Place::Even(p1, p2),
            Some(short_id) if offset <= MAX_OFFSET_BESIDE_SHORT_ID => Place::Even(SHORT_ID | short_id, p2),
            _ => Place::odd(card, file),
        })
    }

    /// With a data object, however small the offset is.
    fn odd(card: &Transaction, file: &GenericFile) -> Place {
        Place::Odd(file.path.short_id().filter(|_| !file.is_current(card)))
    }

    fn parameters(self) -> (u8, u8) {
        match self {
            Place::Even(p1, p2) => (p1, p2),
            Place::Odd(short_id) => (0, short_id.unwrap_or(0)),
        }
    }

    /// The number of bytes of the file in a response of `room` bytes.
    fn data_in(self, room: usize) -> usize {
        match self {
            Place::Even(..) => room,
            Place::Odd(_) => room_in_object(room),
        }
    }

    /// The number of bytes of the file in a command with `room` bytes of data.
    fn data_in_command(self, room: usize, offset: u64) -> usize {
        match self {
            Place::Even(..) => room,
            Place::Odd(_) => room_in_object(room.saturating_sub(offset_object(offset))),
        }
    }

    /// The length of the data of a command with `length` bytes of the file.
    fn command_of(self, length: usize, offset: u64) -> usize {
        match self {
            Place::Even(..) => length,
            Place::Odd(_) => offset_object(offset) + length + object_overhead(length),
        }
    }

    /// The length of a response with `length` bytes of the file.
    fn response_of(self, length: usize) -> usize {
        match self {
            Place::Even(..) => length,
            Place::Odd(_) => length + object_overhead(length),
        }
    }
}

/// The length of the tag, which has one byte, and of the length field before a value of `length` bytes.
fn object_overhead(length: usize) -> usize {
    match length {
        0..=0x7F => 2,
        0x80..=0xFF => 3,
        _ => 4,
    }
}

/// The greatest length of a value in a data object of `room` bytes.
fn room_in_object(room: usize) -> usize {
    let value = room.saturating_sub(2);
    (value.saturating_sub(2)..=value).rev().find(|value| value + object_overhead(*value) <= room).unwrap_or(0)
}

/// Appends an offset as a data object, with two bytes if that is enough.
fn push_number(to: &mut Vec<u8>, offset: u64) -> Result<()> {
    let bytes = offset.to_be_bytes();
    tlv::push(to, OFFSET, bytes.get(bytes.len() - number_length(offset)..).unwrap_or_default())
}

fn number_length(offset: u64) -> usize {
    if offset <= u16::MAX.into() { 2 } else { 4 }
}

/// The length of the data object of an offset.
fn offset_object(offset: u64) -> usize {
    let length = number_length(offset);
    length + object_overhead(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_value_fits() {
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
