//! The handle table: the objects that tokens stand for.
//!
//! A token is a slot and the generation of that slot, never an address. So a stale, foreign or invented handle is
//! distinguished from a live one, and no foreign memory is read.

#[cfg(all(test, loom))]
mod interleavings;

use super::token::{HandleKind, MAX_GENERATION, MAX_SLOTS, Token};
use crate::abi::hresult::{Hresult, Result};

/// Slots with generations. A lookup is an index and a comparison.
pub struct HandleTable<T> {
    kind: HandleKind,
    slots: Vec<TableSlot<T>>,
    /// The slots that a new object may take. Its capacity is never less than `slots.len()`, so that a removal needs no
    /// memory.
    free: Vec<usize>,
}

struct TableSlot<T> {
    /// The whole token of this object, or of the next one, so that a lookup is one comparison.
    token: Token,
    object: Option<T>,
}

impl<T: Clone> HandleTable<T> {
    pub const fn new(kind: HandleKind) -> Self {
        HandleTable { kind, slots: Vec::new(), free: Vec::new() }
    }

    /// Gives `object` a token.
    pub fn insert(&mut self, object: T) -> Result<Token> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow()?,
        };
        let slot = self.slots.get_mut(index).ok_or(Hresult::E_UNEXPECTED)?;
        slot.object = Some(object);
        Ok(slot.token)
    }

    fn grow(&mut self) -> Result<usize> {
        let index = self.slots.len();
        if index == MAX_SLOTS {
            return Err(Hresult::E_OUTOFMEMORY);
        }
        self.slots.try_reserve(1)?;
        self.free.try_reserve(index + 1)?;
        self.slots.push(TableSlot { token: Token::new(self.kind, index, 0), object: None });
        Ok(index)
    }

    /// The object of a live token.
    pub fn get(&self, token: Token) -> Result<T> {
        let slot = self.slots.get(token.slot()).ok_or(Hresult::E_HANDLE)?;
        match &slot.object {
            Some(object) if slot.token == token => Ok(object.clone()),
            _ => Err(Hresult::E_HANDLE),
        }
    }

    /// Takes the object out. From now on the token is dead.
    pub fn remove(&mut self, token: Token) -> Result<T> {
        let object = self.take(token)?;
        self.recycle(token.slot());
        Ok(object)
    }

    /// Takes the object out. The token is dead, but no new object gets the slot before `release_slot`.
    pub fn take(&mut self, token: Token) -> Result<T> {
        let slot = self.slots.get_mut(token.slot()).filter(|slot| slot.token == token);
        slot.and_then(|slot| slot.object.take()).ok_or(Hresult::E_HANDLE)
    }

    /// Lets a new object take the slot that `take` has emptied.
    pub fn release_slot(&mut self, token: Token) {
        let slot = self.slots.get(token.slot());
        if slot.is_some_and(|slot| slot.token == token && slot.object.is_none()) {
            self.recycle(token.slot());
        }
    }

    /// How many slots there are, with or without an object.
    pub fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The token of the object in a slot.
    pub fn token_in(&self, slot: usize) -> Option<Token> {
        self.slots.get(slot).filter(|slot| slot.object.is_some()).map(|slot| slot.token)
    }

    /// Makes every token dead and drops no object: in the child of a fork the objects belong to the parent.
    #[cfg(any(unix, test))]
    pub fn forget_all(&mut self) {
        for index in 0..self.slots.len() {
            let object = self.slots.get_mut(index).and_then(|slot| slot.object.take());
            if let Some(object) = object {
                std::mem::forget(object);
                self.recycle(index);
            }
        }
    }

    /// An empty slot becomes free, unless its generations are used up: no token is ever given twice.
    fn recycle(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index) {
            let generation = slot.token.generation();
            if generation < MAX_GENERATION {
                slot.token = Token::new(self.kind, index, generation + 1);
                self.free.push(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_its_object_until_it_is_removed() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        let first = table.insert("first").unwrap();
        let second = table.insert("second").unwrap();
        assert_eq!(table.get(first), Ok("first"));
        assert_eq!(table.remove(first), Ok("first"));
        assert_eq!(table.get(first), Err(Hresult::E_HANDLE));
        assert_eq!(table.remove(first), Err(Hresult::E_HANDLE));
        assert_eq!(table.get(second), Ok("second"));
    }

    #[test]
    fn a_slot_is_used_again_but_never_a_token() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        let old = table.insert(1).unwrap();
        table.remove(old).unwrap();
        let new = table.insert(2).unwrap();
        assert_eq!(old.slot(), new.slot());
        assert_ne!(old, new);
        assert_eq!(table.get(old), Err(Hresult::E_HANDLE));
        assert_eq!(table.remove(old), Err(Hresult::E_HANDLE));
        assert_eq!(table.get(new), Ok(2));
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        let token = table.insert(1).unwrap();
        let last = Token::new(HandleKind::Attachment, token.slot(), MAX_GENERATION);
        table.slots[token.slot()].token = last;
        assert_eq!(table.remove(last), Ok(1));
        assert_ne!(table.insert(2).unwrap().slot(), last.slot());
    }

    #[test]
    fn an_invented_token_is_refused() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        table.insert(1).unwrap();
        let invented = Token::from_pointer(std::ptr::without_provenance_mut::<u8>(usize::MAX)).unwrap();
        assert_eq!(table.get(invented), Err(Hresult::E_HANDLE));
    }

    #[test]
    fn a_token_of_another_kind_is_refused() {
        let mut attachments = HandleTable::new(HandleKind::Attachment);
        let mut readers = HandleTable::new(HandleKind::VirtualIfd);
        let (attachment, reader) = (attachments.insert(1).unwrap(), readers.insert(2).unwrap());
        assert_eq!(
            (attachments.get(reader), readers.get(attachment)),
            (Err(Hresult::E_HANDLE), Err(Hresult::E_HANDLE))
        );
        assert_eq!(attachments.remove(reader), Err(Hresult::E_HANDLE));
        assert_eq!((attachments.get(attachment), readers.get(reader)), (Ok(1), Ok(2)));
    }

    #[test]
    fn a_slot_that_was_taken_is_not_used_before_it_is_released() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        let old = table.insert(1).unwrap();
        assert_eq!(table.take(old), Ok(1));
        assert_eq!((table.get(old), table.take(old)), (Err(Hresult::E_HANDLE), Err(Hresult::E_HANDLE)));
        assert_ne!(table.insert(2).unwrap().slot(), old.slot());
        table.release_slot(old);
        table.release_slot(old);
        let (new, other) = (table.insert(3).unwrap(), table.insert(4).unwrap());
        assert_eq!(new.slot(), old.slot());
        assert_ne!(new, old);
        assert_ne!(other.slot(), old.slot(), "a slot is released once");
        assert_eq!(table.get(new), Ok(3));
    }

    #[test]
    fn a_slot_with_an_object_is_not_released() {
        let mut table = HandleTable::new(HandleKind::Attachment);
        let token = table.insert(1).unwrap();
        table.release_slot(token);
        assert_ne!(table.insert(2).unwrap().slot(), token.slot());
        assert_eq!(table.get(token), Ok(1));
    }

    /// Notes that it was dropped.
    #[derive(Clone)]
    struct Witness<'a>(&'a std::cell::Cell<bool>);

    impl Drop for Witness<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn forgetting_drops_nothing_and_leaves_every_slot_usable() {
        let is_dropped = std::cell::Cell::new(false);
        let mut table = HandleTable::new(HandleKind::Attachment);
        let token = table.insert(Witness(&is_dropped)).unwrap();
        table.forget_all();
        assert!(table.get(token).is_err());
        assert_eq!(table.insert(Witness(&is_dropped)).unwrap().slot(), token.slot());
        assert!(!is_dropped.get());
    }
}
