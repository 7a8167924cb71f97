//! The name of an IFD (a reader), as the resource manager lists it.

use std::ffi::CStr;

use crate::abi::cause::refuse;
use crate::abi::hresult::Result;

/// The longest name, in bytes without the NUL, as in pcsc-lite.
pub(crate) const MAX_LENGTH: usize = 127;

/// A valid name: UTF-8, not empty, not too long. It needs no heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IfdName {
    /// The name, then NULs to the end.
    bytes: [u8; MAX_LENGTH + 1],
}

impl IfdName {
    /// Checks the name that a program gave. `text` may be longer than `MAX_LENGTH`; then it is not valid.
    pub fn new(text: &[u8]) -> Result<IfdName> {
        if text.is_empty() || text.len() > MAX_LENGTH || text.contains(&0) || std::str::from_utf8(text).is_err() {
            return Err(refuse("is empty, longer than SCM_IFD_NAME_MAX, or not UTF-8"));
        }
        let mut bytes = [0; MAX_LENGTH + 1];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Ok(IfdName { bytes })
    }

    /// The name with its NUL.
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for IfdName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_c_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    #[test]
    fn takes_what_can_be_a_name() {
        let name = IfdName::new("Lecteur à puce 00 00".as_bytes()).unwrap();
        assert_eq!(name.as_c_str().to_str(), Ok("Lecteur à puce 00 00"));
        assert!(IfdName::new(&[b'a'; MAX_LENGTH]).is_ok());
    }

    #[test]
    fn refuses_what_cannot() {
        for text in [&b""[..], &[b'a'; MAX_LENGTH + 1], b"caf\xE9", b"a\0b"] {
            assert_eq!(IfdName::new(text), Err(Hresult::E_INVALIDARG));
        }
    }
}
