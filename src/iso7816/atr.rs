//! The ATR: the answer of a card to its reset (ISO/IEC 7816-3, clause 8).

/// The longest ATR, in bytes: TS, T0 and 31 more.
pub(crate) const MAX_LENGTH: usize = 33;

/// An ATR; empty when there is no card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Atr {
    /// Zero after `length`, so that equal ATRs have equal fields.
    bytes: [u8; MAX_LENGTH],
    length: u8,
}

impl Atr {
    /// The ATR in `bytes`, cut at the greatest length of the standard.
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

/// The interface bytes of an ATR (ISO/IEC 7816-3, 8.2 and 8.3).
struct InterfaceBytes {
    t_0: bool,
    t_1: bool,
    others: bool,
    /// The protocol of the specific mode, from TA2.
    specific: Option<u8>,
    /// The offset of the historical bytes.
    historical: std::ops::Range<usize>,
}

impl Atr {
    /// None for an invalid ATR. The check byte is not verified: some cards have a wrong one, and pcscd does not verify
    /// it either.
    fn interface(&self) -> Option<InterfaceBytes> {
        let mut bytes = self.as_bytes().iter().copied();
        if !matches!(bytes.next()?, 0x3B | 0x3F) {
            return None;
        }
        let (mut t_0, mut t_1, mut others, mut specific) = (false, false, false, None);
        let mut indicator = bytes.next()?;
        let historical_bytes = usize::from(indicator & 0x0F);
        // The upper half of T0, and then of each TD, says which of TA, TB, TC and TD follow; the lower half of a TD is
        // a protocol.
        for index in 1.. {
            if indicator & 0x10 != 0 {
                let ta = bytes.next()?;
                specific = specific.or(Some(ta & 0x0F).filter(|_| index == 2));
            }
            for _ in 0..(indicator & 0x60).count_ones() {
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
        let begin = self.as_bytes().len() - bytes.len();
        Some(InterfaceBytes { t_0, t_1, others, specific, historical: begin..begin + historical_bytes })
    }

    /// Whether the card offers T=0 and T=1; None for an invalid ATR. In the specific mode it offers one protocol.
    pub fn protocols(&self) -> Option<(bool, bool)> {
        let InterfaceBytes { t_0, t_1, others, specific, .. } = self.interface()?;
        Some(match specific {
            Some(protocol) => (protocol == 0, protocol == 1),
            // Without a TD the card has T=0.
            None => (t_0 || !(t_1 || others), t_1),
        })
    }

    /// The historical bytes (ISO/IEC 7816-4, 12.1.1); empty if there are none, or fewer than the ATR says.
    pub fn historical_bytes(&self) -> &[u8] {
        let bytes = self.interface().and_then(|interface| self.as_bytes().get(interface.historical));
        bytes.unwrap_or_default()
    }
}

impl Atr {
    /// The COMPACT-TLV objects in the historical bytes (ISO/IEC 7816-4, 12.1.1): the upper half of a byte is the tag,
    /// the lower half the length.
    pub fn compact_objects(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let mut rest = match self.historical_bytes() {
            // The last three bytes are a status indicator, and no data object.
            [0x00, objects @ .., _, _, _] => objects,
            [0x80, objects @ ..] => objects,
            _ => &[],
        };
        std::iter::from_fn(move || {
            let (head, after) = rest.split_first()?;
            let (value, after) = after.split_at_checked(usize::from(head & 0x0F))?;
            rest = after;
            Some((head >> 4, value))
        })
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
    fn the_interface_bytes_give_the_protocols() {
        let protocols = |bytes: &[u8]| Atr::new(bytes).protocols();
        assert_eq!(protocols(&[0x3B, 0x00]), Some((true, false)));
        assert_eq!(protocols(&[0x3F, 0x02, 0x14, 0x50]), Some((true, false)));
        assert_eq!(protocols(&[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFF]), Some((false, true)));
        // T=0 and T=1, followed by TA1, TC1 and T=15.
        assert_eq!(protocols(&[0x3B, 0xD0, 0x18, 0x00, 0x80, 0x81, 0x1F, 0x03, 0xD5]), Some((true, true)));
        assert_eq!(protocols(&[0x3B, 0x80, 0x80, 0x01, 0x01]), Some((true, true)));
        // The specific mode.
        assert_eq!(protocols(&[0x3B, 0x80, 0x90, 0x01, 0x01, 0x10]), Some((false, true)));
        assert_eq!(protocols(&[0x3B, 0x80, 0x90, 0x00, 0x01, 0x11]), Some((true, false)));
        // With a wrong check byte.
        assert_eq!(protocols(&[0x3B, 0x81, 0x80, 0x01, 0x02, 0x03]), Some((true, true)));
    }

    #[test]
    fn the_historical_bytes_are_between_the_interface_bytes_and_the_check_byte() {
        let historical = |bytes: &[u8]| Atr::new(bytes).historical_bytes().to_vec();
        assert_eq!(historical(&[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFF]), b"scm");
        assert_eq!(historical(&[0x3B, 0x02, 0x14, 0x50]), [0x14, 0x50]);
        assert_eq!(historical(&[0x3B, 0x03, 0x14, 0x50]), []);
        assert_eq!(historical(&[0x3B, 0x00]), []);
    }

    #[test]
    fn an_invalid_atr_has_no_protocols() {
        let no_atr: [&[u8]; 5] = [&[], &[0x3B], &[0x3C, 0x00], &[0x3B, 0x80], &[0x3B, 0xC0, 0x81]];
        for bytes in no_atr {
            assert_eq!(Atr::new(bytes).protocols(), None, "{bytes:02X?}");
        }
    }
}
