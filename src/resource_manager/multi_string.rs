//! A multi-string: texts, each with a NUL, and another NUL at the end.

use crate::abi::hresult::Result;

/// Always complete: an empty one is a single NUL.
#[derive(Debug, PartialEq)]
pub struct MultiString {
    bytes: Vec<u8>,
}

impl MultiString {
    pub fn new() -> Result<MultiString> {
        let mut bytes = Vec::new();
        bytes.try_reserve(1)?;
        bytes.push(0);
        Ok(MultiString { bytes })
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.len() == 1
    }

    pub fn push(&mut self, text: &[u8]) -> Result<()> {
        self.bytes.try_reserve(text.len() + 1)?;
        self.bytes.pop();
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(&[0, 0]);
        Ok(())
    }

    pub fn contains(&self, text: &[u8]) -> bool {
        texts(&self.bytes).any(|known| known == text)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The texts of a multi-string, even if it does not end correctly.
pub fn texts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_complete_from_the_beginning() {
        let mut all = MultiString::new().unwrap();
        assert!(all.is_empty());
        assert_eq!(MultiString::new().unwrap().into_bytes(), b"\0");
        all.push(b"A").unwrap();
        all.push(b"BC").unwrap();
        assert!(!all.is_empty() && all.contains(b"BC") && !all.contains(b"B"));
        assert_eq!(all.into_bytes(), b"A\0BC\0\0");
    }

    #[test]
    fn texts_are_found_however_it_ends() {
        for bytes in [&b"A\0BC\0\0"[..], b"A\0BC\0", b"A\0BC", b"A\0BC\0\0\0"] {
            assert_eq!(texts(bytes).collect::<Vec<_>>(), [&b"A"[..], b"BC"]);
        }
        assert_eq!(texts(b"\0").count() + texts(b"").count(), 0);
    }
}
