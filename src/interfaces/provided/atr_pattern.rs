//! The cards that a provider is for, by their ATR.

use crate::abi::cause::{OfArgument, refuse, refuse_length};
use crate::abi::hresult::Result;
use crate::iso7816::atr::{self, Atr};

/// An ATR, of which some bits count. An empty one is that of every card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AtrPattern {
    /// Zero where the mask is, so that equality is equality of what matches.
    atr: Atr,
    mask: Atr,
}

impl AtrPattern {
    /// Without a mask every bit counts.
    pub fn new(atr: &[u8], mask: Option<&[u8]>) -> Result<AtrPattern> {
        let every = [0xFF; atr::MAX_LENGTH];
        let every = every.get(..atr.len()).ok_or_else(|| refuse_length("is longer than an ATR")).of("atr")?;
        let mask = mask.unwrap_or(every);
        if mask.len() != atr.len() {
            return Err(refuse("has another length than the ATR")).of("atr_mask");
        }
        let mask = Atr::new(mask);
        Ok(AtrPattern { atr: masked(&Atr::new(atr), &mask), mask })
    }

    pub fn matches(&self, card: &Atr) -> bool {
        let (every_card, length) = (self.atr.as_bytes().is_empty(), self.atr.as_bytes().len());
        every_card || length == card.as_bytes().len() && masked(card, &self.mask) == self.atr
    }
}

/// Two of one length.
fn masked(atr: &Atr, mask: &Atr) -> Atr {
    let mut bytes = [0; atr::MAX_LENGTH];
    for ((to, from), mask) in bytes.iter_mut().zip(atr.as_bytes()).zip(mask.as_bytes()) {
        *to = from & mask;
    }
    Atr::new(bytes.get(..mask.as_bytes().len()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    const CARD: [u8; 4] = [0x3B, 0x02, 0x14, 0x50];

    fn matches(atr: &[u8], mask: Option<&[u8]>) -> bool {
        AtrPattern::new(atr, mask).unwrap().matches(&Atr::new(&CARD))
    }

    #[test]
    fn without_a_mask_the_whole_atr_counts() {
        assert!(matches(&CARD, None));
        assert!(!matches(&[0x3B, 0x02, 0x14, 0x51], None));
        assert!(!matches(&CARD[..3], None));
        assert!(!matches(&[0x3B, 0x02, 0x14, 0x50, 0x00], None));
    }

    #[test]
    fn bits_outside_of_the_mask_do_not_count() {
        assert!(matches(&[0x3B, 0x02, 0x14, 0x5F], Some(&[0xFF, 0xFF, 0xFF, 0xF0])));
        assert!(!matches(&[0x3B, 0x02, 0x14, 0x6F], Some(&[0xFF, 0xFF, 0xFF, 0xF0])));
        assert!(matches(&[1, 2, 3, 4], Some(&[0; 4])));
        assert!(!matches(&[1, 2, 3], Some(&[0; 3])), "another length");
    }

    #[test]
    fn an_empty_pattern_is_that_of_every_card_and_of_none() {
        assert!(matches(&[], None) && matches(&[], Some(&[])));
        assert!(AtrPattern::new(&[], None).unwrap().matches(&Atr::default()));
        assert!(!AtrPattern::new(&CARD, None).unwrap().matches(&Atr::default()));
    }

    #[test]
    fn patterns_are_equal_when_the_same_cards_match() {
        let pattern = |last| AtrPattern::new(&[0x3B, 0x02, 0x14, last], Some(&[0xFF, 0xFF, 0xFF, 0xF0])).unwrap();
        assert_eq!(pattern(0x50), pattern(0x5F));
        assert_ne!(pattern(0x50), pattern(0x60));
        assert_ne!(pattern(0x50), AtrPattern::new(&CARD, None).unwrap());
    }

    #[test]
    fn an_invalid_pattern_is_refused() {
        let refused = Some(Hresult::E_INVALIDARG);
        assert_eq!(AtrPattern::new(&[0x3B; atr::MAX_LENGTH + 1], None).err(), refused);
        assert_eq!(AtrPattern::new(&CARD, Some(&[0xFF; 3])).err(), refused);
        assert!(AtrPattern::new(&[0x3B; atr::MAX_LENGTH], None).is_ok());
    }
}
