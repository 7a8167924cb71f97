//! A reader as pcscd describes it.

use pcsc::ffi::{self, DWORD};

use crate::iso7816::atr::{self, Atr};
use crate::resource_manager::Usage;
use crate::resource_manager::ifd_name::{self, IfdName};

/// The offsets of the fields in pcscd's structure, in bytes, and its length. Numbers have 32 bits, in the byte order of
/// the machine.
const EVENTS: usize = ifd_name::MAX_LENGTH + 1;
const STATE: usize = EVENTS + 4;
const USERS: usize = STATE + 4;
const ATR: usize = USERS + 4;
const ATR_LENGTH: usize = ATR + atr::MAX_LENGTH + 3;
const PROTOCOL: usize = ATR_LENGTH + 4;
pub(super) const LENGTH: usize = PROTOCOL + 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderEntry {
    pub name: IfdName,
    /// Incremented when a card is inserted or removed.
    pub events: u16,
    /// The bits of SCardStatus.
    pub state: DWORD,
    /// How many card handles lead to it; -1 for one with exclusive use.
    pub users: i32,
    /// The ATR of the last card.
    pub atr: Atr,
    pub protocol: DWORD,
}

impl ReaderEntry {
    /// None for an empty entry, or for a name that no program could use.
    pub fn read(bytes: &[u8; LENGTH]) -> Option<ReaderEntry> {
        let name = bytes.get(..EVENTS)?.split(|byte| *byte == 0).next()?;
        let length = number(bytes, ATR_LENGTH)? as usize;
        let atr = if length > atr::MAX_LENGTH { &[] } else { bytes.get(ATR..ATR + length)? };
        Some(ReaderEntry {
            name: IfdName::new(name).ok()?,
            events: number(bytes, EVENTS)? as u16,
            state: number(bytes, STATE)? as DWORD,
            users: number(bytes, USERS)? as i32,
            atr: Atr::new(atr),
            protocol: number(bytes, PROTOCOL)? as DWORD,
        })
    }

    /// Whether pcscd has communication with the reader.
    pub fn is_available(&self) -> bool {
        self.state & ffi::SCARD_UNKNOWN == 0
    }

    pub fn usage(&self) -> Usage {
        match self.users {
            0 => Usage::Free,
            1.. => Usage::Shared,
            _ => Usage::Exclusive,
        }
    }

    /// The ATR of the present card.
    pub fn card(&self) -> Option<Atr> {
        (self.state & ffi::SCARD_PRESENT != 0).then_some(self.atr)
    }
}

fn number(bytes: &[u8; LENGTH], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The structure that pcscd would send.
    pub fn encoded(name: &str, events: u32, state: u32, atr: &[u8], atr_length: u32, protocol: u32) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
        put(0, name.as_bytes());
        put(128, &events.to_ne_bytes());
        put(132, &state.to_ne_bytes());
        put(136, &7u32.to_ne_bytes());
        put(140, atr);
        put(176, &atr_length.to_ne_bytes());
        put(180, &protocol.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_reader_is_read() {
        assert_eq!(LENGTH, 184);
        let reader = ReaderEntry::read(&encoded("R 00 00", 0x1_0003, 0x34, &[0x3B, 0x80, 0x01], 3, 2)).unwrap();
        assert_eq!(reader.name, IfdName::new(b"R 00 00").unwrap());
        assert_eq!((reader.events, reader.state, reader.protocol), (3, 0x34, 2));
        assert_eq!(reader.card(), Some(Atr::new(&[0x3B, 0x80, 0x01])));
        assert!(reader.is_available());
    }

    #[test]
    fn the_number_of_users_tells_the_use() {
        let usage = |users: i32| {
            let mut bytes = encoded("R", 0, 2, &[], 0, 0);
            bytes[136..140].copy_from_slice(&users.to_ne_bytes());
            ReaderEntry::read(&bytes).unwrap().usage()
        };
        assert_eq!((usage(0), usage(1), usage(2)), (Usage::Free, Usage::Shared, Usage::Shared));
        assert_eq!(usage(-1), Usage::Exclusive);
    }

    #[test]
    fn an_empty_entry_is_no_reader() {
        assert_eq!(ReaderEntry::read(&encoded("", 0, 0, &[], 34, 0)), None);
        assert_eq!(ReaderEntry::read(&[0xFF; LENGTH]), None);
    }

    #[test]
    fn a_removed_or_mute_card_has_no_atr() {
        let card = |state, length| ReaderEntry::read(&encoded("R", 4, state, &[0x3B, 0], length, 1)).unwrap().card();
        assert_eq!(card(0x02, 2), None);
        assert_eq!(card(0x0C, 0), Some(Atr::default()));
        assert_eq!(card(0x04, 34), Some(Atr::default()), "not yet known");
        assert!(!ReaderEntry::read(&encoded("R", 0, 1, &[], 0, 0)).unwrap().is_available());
    }
}
