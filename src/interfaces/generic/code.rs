//! The form of a code in a command: characters or digits, with or without padding to a block.

use zeroize::Zeroizing;

use crate::abi::cause::{OfArgument, refuse};
use crate::abi::hresult::{Hresult, Result};

/// The longest code, and the longest block. A short command has room for two.
pub(crate) const MAX_CODE: usize = 127;

/// The block of ISO 9564-1, format 2: the digit 2, the number of digits, 4 to 12 digits, padding with F.
const ISO9564_BLOCK: usize = 8;
const ISO9564_DIGITS: (usize, usize) = (4, 12);
const ISO9564_FORMAT_2: u8 = 0x20;

/// The block of a SIM.
const SIM_BLOCK: usize = 8;

/// The byte of the padding, unless the options name another one.
pub(crate) const FILLER: u8 = 0xFF;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// The bytes as they are.
    Characters,
    /// Two digits in a byte.
    Digits,
    /// ISO 9564-1, format 2.
    Iso9564,
}

/// The form of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeForm {
    pub encoding: Encoding,
    /// The length of the padded code in bytes. None: no padding.
    pub block: Option<usize>,
    pub filler: u8,
    /// In characters or digits.
    pub shortest: usize,
    pub longest: usize,
}

impl Default for CodeForm {
    /// Characters, without a block.
    fn default() -> CodeForm {
        CodeForm { encoding: Encoding::Characters, block: None, filler: FILLER, shortest: 1, longest: MAX_CODE }
    }
}

impl CodeForm {
    /// A form. A limit that is None is that of the block.
    pub fn new(
        encoding: Encoding,
        block: Option<usize>,
        filler: u8,
        shortest: Option<usize>,
        longest: Option<usize>,
    ) -> Result<CodeForm> {
        let (block, (least, most)) = match encoding {
            Encoding::Iso9564 if block.is_none_or(|block| block == ISO9564_BLOCK) && filler == FILLER => {
                (Some(ISO9564_BLOCK), ISO9564_DIGITS)
            }
            Encoding::Iso9564 => {
                return Err(refuse("is not 8, or a filler is given: ISO 9564-1 format 2 has neither"))
                    .of("block_length");
            }
            Encoding::Characters => (block, (1, block.unwrap_or(MAX_CODE))),
            Encoding::Digits => (block, (1, block.map_or(MAX_CODE, |block| MAX_CODE.min(2 * block)))),
        };
        let (shortest, longest) = (shortest.unwrap_or(least), longest.unwrap_or(most));
        if block.is_some_and(|block| block > MAX_CODE) {
            return Err(refuse("is greater than SCM_CODE_MAX")).of("block_length");
        }
        if shortest < least || shortest > longest {
            return Err(refuse("is too short for the encoding, or greater than the longest code"))
                .of("code_length_min");
        }
        if longest > most {
            return Err(refuse("is more than fits into the block")).of("code_length_max");
        }
        Ok(CodeForm { encoding, block, filler, shortest, longest })
    }

    /// The same for a SIM: without other options its codes are blocks of eight characters (3GPP TS 51.011, 9.3).
    pub fn for_sim(self) -> CodeForm {
        match (self.encoding, self.block) {
            (Encoding::Characters, None) => {
                CodeForm { block: Some(SIM_BLOCK), longest: self.longest.min(SIM_BLOCK), ..self }
            }
            _ => self,
        }
    }

    /// The blocks of these codes, one after the other. A code of another form gives `SCARD_E_INVALID_CHV`.
    pub fn blocks(&self, codes: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>> {
        let mut blocks = Zeroizing::new(Vec::new());
        // All memory at once: a vector that grows leaves a copy of the codes behind.
        blocks.try_reserve_exact(codes.len().saturating_mul(MAX_CODE))?;
        codes.iter().try_for_each(|code| self.push(code, &mut blocks))?;
        Ok(blocks)
    }

    fn push(&self, code: &[u8], blocks: &mut Vec<u8>) -> Result<()> {
        let is_long_enough = (self.shortest..=self.longest).contains(&code.len());
        let is_right = self.encoding == Encoding::Characters || code.iter().all(u8::is_ascii_digit);
        if !is_long_enough || !is_right {
            return Err(Hresult::SCARD_E_INVALID_CHV);
        }
        let begin = blocks.len();
        match self.encoding {
            Encoding::Characters => blocks.extend_from_slice(code),
            Encoding::Digits => self.push_digits(code, blocks),
            Encoding::Iso9564 => {
                // At most 12.
                blocks.push(ISO9564_FORMAT_2 | code.len() as u8);
                self.push_digits(code, blocks);
            }
        }
        self.fill(begin, blocks);
        Ok(())
    }

    /// Two digits in a byte, the first one in its upper half. The lower half of the last byte may be padding.
    fn push_digits(&self, digits: &[u8], blocks: &mut Vec<u8>) {
        blocks.extend(digits.chunks(2).map(|pair| {
            let half = |index: usize| pair.get(index).unwrap_or(&self.filler) & 0x0F;
            half(0) << 4 | half(1)
        }));
    }

    fn fill(&self, begin: usize, blocks: &mut Vec<u8>) {
        let end = self.block.map_or(blocks.len(), |block| begin + block);
        // The reserved memory is enough: a block is no longer than the longest code.
        blocks.resize(end, self.filler);
    }

    /// A block without a code, into which a PIN pad writes one. Without padding it is empty.
    pub fn push_blank(&self, blocks: &mut Vec<u8>) -> Result<()> {
        let begin = blocks.len();
        blocks.try_reserve_exact(self.block.unwrap_or_default())?;
        if self.encoding == Encoding::Iso9564 {
            blocks.push(ISO9564_FORMAT_2);
        }
        self.fill(begin, blocks);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(encoding: Encoding, block: Option<usize>) -> CodeForm {
        CodeForm::new(encoding, block, FILLER, None, None).unwrap()
    }

    fn block(form: &CodeForm, code: &str) -> Result<Vec<u8>> {
        form.blocks(&[code.as_bytes()]).map(|blocks| blocks.to_vec())
    }

    #[test]
    fn characters() {
        let (bare, filled) = (form(Encoding::Characters, None), form(Encoding::Characters, Some(8)));
        assert_eq!(block(&bare, "1234"), Ok(b"1234".to_vec()));
        assert_eq!(block(&filled, "1234"), Ok(b"1234\xFF\xFF\xFF\xFF".to_vec()));
        assert_eq!(block(&filled, "12345678"), Ok(b"12345678".to_vec()));
        assert_eq!(block(&filled, "123456789"), Err(Hresult::SCARD_E_INVALID_CHV));
        assert_eq!(block(&bare, ""), Err(Hresult::SCARD_E_INVALID_CHV));
        assert_eq!(block(&bare, &"x".repeat(127)).unwrap().len(), 127);
        assert_eq!(block(&bare, &"x".repeat(128)), Err(Hresult::SCARD_E_INVALID_CHV));
        let zeroes = CodeForm { filler: 0, ..filled };
        assert_eq!(block(&zeroes, "abc"), Ok(b"abc\0\0\0\0\0".to_vec()));
    }

    #[test]
    fn digits() {
        let (bare, filled) = (form(Encoding::Digits, None), form(Encoding::Digits, Some(4)));
        assert_eq!(block(&bare, "1234"), Ok(vec![0x12, 0x34]));
        assert_eq!(block(&bare, "12345"), Ok(vec![0x12, 0x34, 0x5F]));
        assert_eq!(block(&filled, "12345"), Ok(vec![0x12, 0x34, 0x5F, 0xFF]));
        assert_eq!(block(&CodeForm { filler: 0, ..filled }, "123"), Ok(vec![0x12, 0x30, 0, 0]));
        assert_eq!(block(&filled, "12345678"), Ok(vec![0x12, 0x34, 0x56, 0x78]));
        assert_eq!(block(&filled, "123456789"), Err(Hresult::SCARD_E_INVALID_CHV));
        assert_eq!(block(&filled, "12a4"), Err(Hresult::SCARD_E_INVALID_CHV));
    }

    #[test]
    fn iso_9564_format_2() {
        let form = form(Encoding::Iso9564, None);
        assert_eq!(block(&form, "1234"), Ok(vec![0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]));
        assert_eq!(block(&form, "12345"), Ok(vec![0x25, 0x12, 0x34, 0x5F, 0xFF, 0xFF, 0xFF, 0xFF]));
        assert_eq!(block(&form, "123456789012"), Ok(vec![0x2C, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0xFF]));
        for wrong in ["123", "1234567890123", "12 4", "123\u{661}"] {
            assert_eq!(block(&form, wrong), Err(Hresult::SCARD_E_INVALID_CHV), "{wrong}");
        }
    }

    #[test]
    fn two_codes_and_none() {
        let filled = form(Encoding::Characters, Some(6));
        assert_eq!(filled.blocks(&[b"1234", b"abcdef"]).unwrap().as_slice(), b"1234\xFF\xFFabcdef");
        assert_eq!(filled.blocks(&[]).unwrap().as_slice(), b"");
        let blank = |form: CodeForm| {
            let mut blank = vec![9];
            form.push_blank(&mut blank).unwrap();
            blank
        };
        assert_eq!(blank(filled), [9, 255, 255, 255, 255, 255, 255]);
        assert_eq!(blank(form(Encoding::Iso9564, None)), [9, 0x20, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(blank(form(Encoding::Digits, None)), [9]);
    }

    #[test]
    fn a_sim_has_blocks_of_eight() {
        let usual = form(Encoding::Characters, None).for_sim();
        assert_eq!(usual.blocks(&[b"1234", b"12345678"]).unwrap().as_slice(), b"1234\xFF\xFF\xFF\xFF12345678");
        assert_eq!(block(&usual, "123456789"), Err(Hresult::SCARD_E_INVALID_CHV));
        for given in [form(Encoding::Characters, Some(6)), form(Encoding::Digits, None), form(Encoding::Iso9564, None)]
        {
            assert_eq!(given.for_sim(), given);
        }
    }

    #[test]
    fn the_longest_blocks_need_no_other_memory() {
        let longest = form(Encoding::Characters, Some(MAX_CODE));
        let blocks = longest.blocks(&[b"1", b"2"]).unwrap();
        assert_eq!((blocks.len(), blocks.capacity()), (2 * MAX_CODE, 2 * MAX_CODE));
    }

    #[test]
    fn the_default_is_the_form_without_options() {
        assert_eq!(CodeForm::default(), form(Encoding::Characters, None));
    }

    #[test]
    fn forms_have_limits() {
        let new =
            |encoding, block, filler, shortest, longest| CodeForm::new(encoding, block, filler, shortest, longest).ok();
        assert!(new(Encoding::Characters, Some(128), FILLER, None, None).is_none());
        assert!(new(Encoding::Characters, Some(8), FILLER, None, Some(9)).is_none());
        assert!(new(Encoding::Characters, Some(8), FILLER, Some(6), Some(5)).is_none());
        assert!(new(Encoding::Characters, Some(8), FILLER, Some(6), Some(8)).is_some());
        assert!(new(Encoding::Characters, None, FILLER, None, Some(128)).is_none());
        assert!(new(Encoding::Digits, Some(4), FILLER, None, Some(8)).is_some());
        assert!(new(Encoding::Digits, Some(4), FILLER, None, Some(9)).is_none());
        assert!(new(Encoding::Iso9564, Some(8), FILLER, Some(4), Some(12)).is_some());
        assert!(new(Encoding::Iso9564, Some(7), FILLER, None, None).is_none());
        assert!(new(Encoding::Iso9564, None, 0, None, None).is_none());
        assert!(new(Encoding::Iso9564, None, FILLER, Some(3), None).is_none());
        assert!(new(Encoding::Iso9564, None, FILLER, None, Some(13)).is_none());
    }
}
