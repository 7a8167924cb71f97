//! A token: what C holds in the place of a pointer.

use std::num::NonZeroUsize;

/// The kind of object that a handle stands for. It is part of the token, so that a handle of another kind is detected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandleKind {
    Attachment = 0,
    VirtualIfd = 1,
    Monitor = 2,
    FileAccess = 3,
    File = 4,
    ChVerification = 5,
    CardAuth = 6,
    Interface = 7,
}

/// The value of a handle: bit 0 set (no aligned pointer has it), then the kind, the slot, and the generation of the
/// slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(NonZeroUsize);

const KIND_BITS: u32 = 3;
const SLOT_BITS: u32 = if usize::BITS == 64 { 20 } else { 12 };
const SLOT_SHIFT: u32 = 1 + KIND_BITS;
const GENERATION_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;
pub(super) const MAX_SLOTS: usize = 1 << SLOT_BITS;
pub(super) const MAX_GENERATION: usize = usize::MAX >> GENERATION_SHIFT;

impl Token {
    pub fn new(kind: HandleKind, slot: usize, generation: usize) -> Token {
        Token(NonZeroUsize::MIN | generation << GENERATION_SHIFT | slot << SLOT_SHIFT | (kind as usize) << 1)
    }

    /// The token in a pointer that came from C, if the value can be one.
    pub fn from_pointer<T>(pointer: *mut T) -> Option<Token> {
        let value = NonZeroUsize::new(pointer as usize)?;
        (value.get() & 1 == 1).then_some(Token(value))
    }

    /// The token as C holds it.
    pub fn to_pointer<T>(self) -> *mut T {
        std::ptr::without_provenance_mut(self.0.get())
    }

    pub fn slot(self) -> usize {
        (self.0.get() >> SLOT_SHIFT) & (MAX_SLOTS - 1)
    }

    pub fn generation(self) -> usize {
        self.0.get() >> GENERATION_SHIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_that_is_no_token_is_refused() {
        let on_the_stack = 0u64;
        assert_eq!(Token::from_pointer(std::ptr::null_mut::<u8>()), None);
        assert_eq!(Token::from_pointer((&on_the_stack as *const u64).cast_mut()), None);
    }

    #[test]
    fn c_gives_a_token_back_unchanged() {
        let token = Token::new(HandleKind::VirtualIfd, 5, 7);
        assert_eq!(Token::from_pointer(token.to_pointer::<u8>()), Some(token));
        assert_eq!((token.slot(), token.generation()), (5, 7));
    }
}
