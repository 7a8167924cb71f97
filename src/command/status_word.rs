//! The status word, SW1-SW2, and the code that it becomes: the one table of them (ISO/IEC 7816-4, 5.6).

use crate::hresult::{Hresult, Result};

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    pub(crate) const OK: StatusWord = StatusWord(0x9000);
    pub(crate) const END_OF_FILE: StatusWord = StatusWord(0x6282);
    pub(crate) const WRONG_LENGTH: StatusWord = StatusWord(0x6700);
    pub(crate) const WRONG_STRUCTURE: StatusWord = StatusWord(0x6981);
    pub(crate) const FILE_NOT_FOUND: StatusWord = StatusWord(0x6A82);
    pub(crate) const RECORD_NOT_FOUND: StatusWord = StatusWord(0x6A83);
    pub(crate) const WRONG_P1_P2: StatusWord = StatusWord(0x6B00);

    pub fn new(sw1: u8, sw2: u8) -> StatusWord {
        StatusWord(u16::from_be_bytes([sw1, sw2]))
    }

    fn parts(self) -> (u8, u8) {
        let [sw1, sw2] = self.0.to_be_bytes();
        (sw1, sw2)
    }

    /// How much more can be fetched by GET RESPONSE: 61XX, of which 6100 is 256 or more.
    pub fn more(self) -> Option<usize> {
        self.length_in(0x61)
    }

    /// What Le has to be: 6CXX, of which 6C00 is 256.
    pub fn exact_le(self) -> Option<usize> {
        self.length_in(0x6C)
    }

    fn length_in(self, expected: u8) -> Option<usize> {
        match self.parts() {
            (sw1, 0) if sw1 == expected => Some(256),
            (sw1, sw2) if sw1 == expected => Some(sw2.into()),
            _ => None,
        }
    }

    /// How many tries are left: 63CX, and none where the code is blocked.
    pub fn tries(self) -> Option<u32> {
        match self.parts() {
            (0x63, sw2 @ 0xC0..=0xCF) => Some((sw2 & 0x0F).into()),
            (0x69, 0x83) => Some(0),
            _ => None,
        }
    }

    /// Whether the command has been carried out: 90XX, 61XX, and the warnings.
    pub fn is_done(self) -> bool {
        self == StatusWord::OK || matches!(self.parts().0, 0x61..=0x63)
    }

    /// Whether what was to be changed is changed: 90XX, 61XX, and 63XX but for 6300. 62XX says that the memory is as before.
    pub fn is_changed(self) -> bool {
        self == StatusWord::OK || self.more().is_some() || matches!(self.parts(), (0x63, 1..))
    }

    /// Whether the data that came with it may be wrong: 6281.
    pub fn corrupts(self) -> bool {
        self.code() == Hresult::SCARD_E_COMM_DATA_LOST
    }

    /// Whether the card does not know the command, or this way of asking for it, and so has done nothing.
    pub fn is_unknown_command(self) -> bool {
        matches!(self.0, 0x6A81 | 0x6A86 | 0x6B00 | 0x6D00 | 0x6E00 | 0x6700)
    }

    /// What it says of something that was to be proven: that it is, only where it says just that. A warning is no success here,
    /// and 63XX is `wrong`.
    pub fn proves(self, wrong: Hresult) -> Result<()> {
        match self.code() {
            _ if self == StatusWord::OK || self.more().is_some() => Ok(()),
            _ if self.0 >> 8 == 0x63 => Err(wrong),
            _ => Err(self.failure()),
        }
    }

    /// The code of a word that is no success to who asks, whatever it may be to others.
    pub fn failure(self) -> Hresult {
        match self.code() {
            code if code.0 < 0 => code,
            _ => Hresult::E_FAIL,
        }
    }

    pub fn code(self) -> Hresult {
        match self.parts() {
            (0x90, 0x00) | (0x61, _) => Hresult::S_OK,
            (0x62, 0x81) => Hresult::SCARD_E_COMM_DATA_LOST,
            (0x62, 0x82) => Hresult::SCARD_W_EOF,
            (0x63, 0x00) => Hresult::SCARD_W_SECURITY_VIOLATION,
            (0x63, 0xC0..=0xCF) => Hresult::SCARD_W_WRONG_CHV,
            // The other warnings: something is worth knowing, and the command was carried out.
            (0x62 | 0x63, _) => Hresult::S_OK,
            (0x67, 0x00) | (0x6B, 0x00) | (0x6C, _) => Hresult::SCARD_E_INVALID_PARAMETER,
            (0x68, _) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
            (0x69, 0x81) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
            (0x69, 0x82 | 0x87 | 0x88) => Hresult::SCARD_W_SECURITY_VIOLATION,
            (0x69, 0x83) => Hresult::SCARD_W_CHV_BLOCKED,
            (0x69, 0x84) => Hresult::SCARD_E_INVALID_CHV,
            (0x69, 0x85) => Hresult::SCARD_E_NO_ACCESS,
            (0x69, 0x86) => Hresult::SCARD_E_NO_FILE,
            (0x6A, 0x80 | 0x85 | 0x86 | 0x87) => Hresult::SCARD_E_INVALID_PARAMETER,
            (0x6A, 0x81) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
            (0x6A, 0x82 | 0x88) => Hresult::SCARD_E_FILE_NOT_FOUND,
            (0x6A, 0x83) => Hresult::SCARD_E_BAD_SEEK,
            (0x6A, 0x84) => Hresult::SCARD_E_WRITE_TOO_MANY,
            (0x6A, 0x89 | 0x8A) => Hresult::SCARD_E_NO_ACCESS,
            (0x6D | 0x6E, _) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
            _ => Hresult::E_FAIL,
        }
    }
}

impl std::fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_codes() {
        for (word, code) in [
            (0x9000, Hresult::S_OK),
            (0x6105, Hresult::S_OK),
            (0x6282, Hresult::SCARD_W_EOF),
            (0x6283, Hresult::S_OK),
            (0x63C2, Hresult::SCARD_W_WRONG_CHV),
            (0x6982, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x6983, Hresult::SCARD_W_CHV_BLOCKED),
            (0x6A82, Hresult::SCARD_E_FILE_NOT_FOUND),
            (0x6F00, Hresult::E_FAIL),
            (0x0000, Hresult::E_FAIL),
            (0x9110, Hresult::E_FAIL),
        ] {
            assert_eq!(StatusWord(word).code(), code, "{word:04X}");
        }
    }

    #[test]
    fn words_that_carry_a_number() {
        assert_eq!((StatusWord(0x6100).more(), StatusWord(0x6110).more()), (Some(256), Some(16)));
        assert_eq!((StatusWord(0x6C00).exact_le(), StatusWord(0x6C01).exact_le()), (Some(256), Some(1)));
        assert_eq!((StatusWord(0x63C7).tries(), StatusWord(0x6983).tries()), (Some(7), Some(0)));
        assert_eq!((StatusWord(0x6300).tries(), StatusWord(0x9000).more()), (None, None));
    }

    #[test]
    fn nothing_but_success_proves_something() {
        for word in 0..=u16::MAX {
            let proven = StatusWord(word).proves(Hresult::SCARD_W_WRONG_CHV);
            assert_eq!(proven.is_ok(), word == 0x9000 || word >> 8 == 0x61, "{word:04X}");
            assert!(proven.is_ok() || proven.unwrap_err().0 < 0);
            assert_eq!(proven == Err(Hresult::SCARD_W_WRONG_CHV), word >> 8 == 0x63, "{word:04X}");
        }
    }

    #[test]
    fn whatever_is_not_done_is_a_failure() {
        for word in 0..=u16::MAX {
            let word = StatusWord(word);
            if !word.is_done() {
                assert!(word.code().0 < 0, "{word:?}");
            }
        }
    }
}
