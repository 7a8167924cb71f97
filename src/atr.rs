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

impl Atr {
    /// Whether the card offers T=0 and T=1; None for what is no ATR (ISO/IEC 7816-3, 8.2).
    pub fn protocols(&self) -> Option<(bool, bool)> {
        let mut bytes = self.as_bytes().iter().copied();
        if !matches!(bytes.next()?, 0x3B | 0x3F) {
            return None;
        }
        let t0 = bytes.next()?;
        let (mut t_0, mut t_1, mut others) = (false, false, false);
        let mut indicator = t0;
        // TA, TB, TC and TD follow as the upper half of T0, and then of each TD, says; the lower half of a TD is a protocol.
        while indicator & 0xF0 != 0 {
            for _ in 0..(indicator & 0x70).count_ones() {
                bytes.next()?;
            }
            if indicator & 0x80 == 0 {
                break;
            }
            indicator = bytes.next()?;
            match indicator & 0x0F {
                0 => t_0 = true,
                1 => t_1 = true,
                _ => others = true,
            }
        }
        for _ in 0..t0 & 0x0F {
            bytes.next()?;
        }
        // Without a TD the card speaks T=0, and only then is there no check byte, which makes T0 to TCK come to 0.
        let only_t_0 = !(t_1 || others);
        let ends = if only_t_0 { bytes.next().is_none() } else { bytes.next().is_some() && bytes.next().is_none() };
        let checked = only_t_0 || self.as_bytes().iter().skip(1).fold(0, |sum, byte| sum ^ byte) == 0;
        (ends && checked).then_some((t_0 || only_t_0, t_1))
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

    #[test]
    fn the_protocols_are_those_of_the_interface_bytes() {
        let protocols = |bytes: &[u8]| Atr::new(bytes).protocols();
        assert_eq!(protocols(&[0x3B, 0x00]), Some((true, false)));
        assert_eq!(protocols(&[0x3F, 0x02, 0x14, 0x50]), Some((true, false)));
        assert_eq!(protocols(&[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFF]), Some((false, true)));
        // T=0 and T=1, with TA1, TC1 and T=15 behind.
        assert_eq!(protocols(&[0x3B, 0xD0, 0x18, 0x00, 0x80, 0x81, 0x1F, 0x03, 0xD5]), Some((true, true)));
        assert_eq!(protocols(&[0x3B, 0x80, 0x80, 0x01, 0x01]), Some((true, true)));
    }

    #[test]
    fn what_is_no_atr_has_no_protocols() {
        let no_atr: [&[u8]; 8] = [
            &[],
            &[0x3B],
            &[0x3C, 0x00],
            &[0x3B, 0x02, 0x14],
            &[0x3B, 0x00, 0x00],
            &[0x3B, 0x80],
            &[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D],
            &[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFE],
        ];
        for bytes in no_atr {
            assert_eq!(Atr::new(bytes).protocols(), None, "{bytes:02X?}");
        }
    }
}
