//! The name of an interface: a program can ask for an interface by its name.

use crate::abi::cause::refuse;
use crate::abi::hresult::Result;

/// The longest name of an interface, in bytes without the NUL.
pub(crate) const MAX_LENGTH: usize = 63;

/// A valid name: UTF-8, not empty, not too long. It needs no heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterfaceName {
    /// The name, then NULs to the end.
    bytes: [u8; MAX_LENGTH],
}

impl InterfaceName {
    /// The name that a program gave. A `text` of more than `MAX_LENGTH` bytes is refused.
    pub fn new(text: &[u8]) -> Result<InterfaceName> {
        let mut bytes = [0; MAX_LENGTH];
        let room = bytes.get_mut(..text.len()).ok_or_else(|| refuse("is too long"))?;
        if text.is_empty() || text.contains(&0) || std::str::from_utf8(text).is_err() {
            return Err(refuse("is empty or not UTF-8"));
        }
        room.copy_from_slice(text);
        Ok(InterfaceName { bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    #[test]
    fn an_invalid_name_is_refused() {
        assert_eq!(InterfaceName::new(b"CryptoProvider"), InterfaceName::new(b"CryptoProvider"));
        assert_ne!(InterfaceName::new(b"CryptoProvider"), InterfaceName::new(b"Crypto"));
        assert!(InterfaceName::new(&[b'a'; MAX_LENGTH]).is_ok());
        for text in [&b""[..], &[b'a'; MAX_LENGTH + 1], b"caf\xE9", b"a\0b"] {
            assert_eq!(InterfaceName::new(text), Err(Hresult::E_INVALIDARG));
        }
    }
}
