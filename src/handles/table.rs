//! The handle table: tokens that C holds, and the shared objects they stand for.
//!
//! A token is a slot and the generation of that slot, never an address, so a stale, foreign or invented handle is
//! told from a live one without touching memory that is not ours. The table of a process, and its mutex, are in
//! `process_table`.

#[cfg(all(test, loom))]
mod interleavings;

use std::num::NonZeroUsize;

use crate::abi::hresult::{Hresult, Result};

/// What a handle is a handle of. It is part of the token, so that one of another kind is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Attachment = 0,
    VirtualIfd = 1,
    Monitor = 2,
    FileAccess = 3,
    File = 4,
    ChVerification = 5,
    CardAuth = 6,
    Interface = 7,
}

/// The value of a handle: bit 0 set (no aligned pointer has it), then the kind, the slot, and the slot's generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(NonZeroUsize);

const KIND_BITS: u32 = 3;
const SLOT_BITS: u32 = if usize::BITS == 64 { 20 } else { 12 };
const SLOT_SHIFT: u32 = 1 + KIND_BITS;
const GENERATION_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;
const MAX_SLOTS: usize = 1 << SLOT_BITS;
const MAX_GENERATION: usize = usize::MAX >> GENERATION_SHIFT;

impl Token {
    fn new(kind: Kind, slot: usize, generation: usize) -> Token {
        Token(NonZeroUsize::MIN | generation << GENERATION_SHIFT | slot << SLOT_SHIFT | (kind as usize) << 1)
    }

    /// The token in a pointer that came from C, if it can be one.
    pub fn from_pointer<T>(pointer: *mut T) -> Option<Token> {
        let value = NonZeroUsize::new(pointer as usize)?;
        (value.get() & 1 == 1).then_some(Token(value))
    }

    /// The token as C holds it.
    pub fn to_pointer<T>(self) -> *mut T {
        std::ptr::without_provenance_mut(self.0.get())
    }

    fn slot(self) -> usize {
        (self.0.get() >> SLOT_SHIFT) & (MAX_SLOTS - 1)
    }

    fn generation(self) -> usize {
        self.0.get() >> GENERATION_SHIFT
    }
}

/// Slots with generations. Lookup is an index and a comparison.
pub struct HandleTable<T> {
    kind: Kind,
    slots: Vec<Slot<T>>,
    /// The slots without an object; its capacity is never less than `slots.len()`.
    free: Vec<usize>,
}

struct Slot<T> {
    /// That of the object, or of the next one: whole, so that a lookup is one comparison.
    token: Token,
    object: Option<T>,
}

impl<T: Clone> HandleTable<T> {
    pub const fn new(kind: Kind) -> Self {
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
        self.slots.push(Slot { token: Token::new(self.kind, index, 0), object: None });
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

    /// Takes the object out; from now on the token is dead.
    pub fn remove(&mut self, token: Token) -> Result<T> {
        let index = token.slot();
        let slot = self.slots.get_mut(index).ok_or(Hresult::E_HANDLE)?;
        if slot.token != token {
            return Err(Hresult::E_HANDLE);
        }
        let object = slot.object.take().ok_or(Hresult::E_HANDLE)?;
        self.recycle(index);
        Ok(object)
    }

    /// Takes out any object that `is_meant`.
    pub fn remove_any(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.slots.iter().position(|slot| slot.object.as_ref().is_some_and(&is_meant))?;
        let object = self.slots.get_mut(index).and_then(|slot| slot.object.take());
        self.recycle(index);
        object
    }

    /// Makes every token dead without dropping the objects: in the child of a fork they belong to the parent.
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

    /// An empty slot goes back to the free ones, unless its generations are used up: no token ever comes twice.
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
        let mut table = HandleTable::new(Kind::Attachment);
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
        let mut table = HandleTable::new(Kind::Attachment);
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
        let mut table = HandleTable::new(Kind::Attachment);
        let token = table.insert(1).unwrap();
        let last = Token::new(Kind::Attachment, token.slot(), MAX_GENERATION);
        table.slots[token.slot()].token = last;
        assert_eq!(table.remove(last), Ok(1));
        assert_ne!(table.insert(2).unwrap().slot(), last.slot());
    }

    #[test]
    fn pointers_that_are_no_tokens_are_told() {
        let on_the_stack = 0u64;
        let mut table = HandleTable::new(Kind::Attachment);
        table.insert(1).unwrap();
        assert_eq!(Token::from_pointer(std::ptr::null_mut::<u8>()), None);
        assert_eq!(Token::from_pointer((&on_the_stack as *const u64).cast_mut()), None);
        let invented = Token::from_pointer(std::ptr::without_provenance_mut::<u8>(usize::MAX)).unwrap();
        assert_eq!(table.get(invented), Err(Hresult::E_HANDLE));
    }

    #[test]
    fn a_token_of_another_kind_is_told() {
        let mut attachments = HandleTable::new(Kind::Attachment);
        let mut readers = HandleTable::new(Kind::VirtualIfd);
        let (attachment, reader) = (attachments.insert(1).unwrap(), readers.insert(2).unwrap());
        assert_eq!(
            (attachments.get(reader), readers.get(attachment)),
            (Err(Hresult::E_HANDLE), Err(Hresult::E_HANDLE))
        );
        assert_eq!(attachments.remove(reader), Err(Hresult::E_HANDLE));
        assert_eq!((attachments.get(attachment), readers.get(reader)), (Ok(1), Ok(2)));
    }

    #[test]
    fn any_of_several_is_taken_out() {
        let mut table = HandleTable::new(Kind::File);
        let tokens = [1, 2, 3, 2].map(|number| table.insert(number).unwrap());
        let mut taken = 0;
        while table.remove_any(|number| *number == 2) == Some(2) {
            taken += 1;
        }
        assert_eq!((taken, table.get(tokens[0]), table.get(tokens[1])), (2, Ok(1), Err(Hresult::E_HANDLE)));
    }

    #[test]
    fn a_token_survives_the_way_through_c() {
        let token = Token::new(Kind::VirtualIfd, 5, 7);
        assert_eq!(Token::from_pointer(token.to_pointer::<u8>()), Some(token));
        assert_eq!((token.slot(), token.generation()), (5, 7));
    }

    /// Tells when it is dropped.
    #[derive(Clone)]
    struct Waker<'a>(&'a std::cell::Cell<bool>);

    impl Drop for Waker<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn forgetting_drops_nothing_and_leaves_every_slot_usable() {
        let woken = std::cell::Cell::new(false);
        let mut table = HandleTable::new(Kind::Attachment);
        let token = table.insert(Waker(&woken)).unwrap();
        table.forget_all();
        assert!(table.get(token).is_err());
        assert_eq!(table.insert(Waker(&woken)).unwrap().slot(), token.slot());
        assert!(!woken.get());
    }
}
