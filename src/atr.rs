//! The ATR: what a card says of itself after a reset (ISO/IEC 7816-3, clause 8).

/// The longest ATR, in bytes: TS, T0 and 31 more.
pub(crate) const MAX_LENGTH: usize = 33;

/// An ATR; empty when there is no card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atr {
    /// Zero behind `length`, so that equality is equality of the ATR.
    bytes: [u8; MAX_LENGTH],
    length: u8,
}

impl Atr {
    /// The ATR in `bytes`, cut at the longest that the standard allows.
    pub fn new(bytes: &[u8]) -> Atr {
        let mut atr = Atr { bytes: [0; MAX_LENGTH], length: 0 };
        for (to, from) in atr.bytes.iter_mut().zip(bytes) {
            *to = *from;
            atr.length += 1;
        }
        atr
    }

    /// The bytes, TS first.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Default for Atr {
    fn default() -> Self {
        Atr::new(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_bytes_and_compares_by_them() {
        assert_eq!(Atr::new(&[0x3B, 0x00]).as_bytes(), [0x3B, 0x00]);
        assert_eq!(Atr::new(&[]), Atr::default());
        assert_ne!(Atr::new(&[0x3B, 0x00]), Atr::new(&[0x3B]));
        assert_eq!(Atr::new(&[1; 40]).as_bytes().len(), MAX_LENGTH);
    }
}
