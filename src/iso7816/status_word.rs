//! The status word, SW1-SW2, and its code: the table of ISO/IEC 7816-4, 5.6. The status words of other families are in
//! `family`.

mod family;
mod sim;

use super::command::ins;
use crate::abi::cause::note_status_word;
use crate::abi::hresult::{Hresult, Result};
use family::Family;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    pub(crate) const OK: StatusWord = StatusWord(0x9000);
    pub(crate) const END_OF_FILE: StatusWord = StatusWord(0x6282);
    pub(crate) const WRONG_LENGTH: StatusWord = StatusWord(0x6700);
    pub(crate) const WRONG_STRUCTURE: StatusWord = StatusWord(0x6981);
    pub(crate) const WRONG_DATA: StatusWord = StatusWord(0x6A80);
    pub(crate) const FILE_NOT_FOUND: StatusWord = StatusWord(0x6A82);
    pub(crate) const RECORD_NOT_FOUND: StatusWord = StatusWord(0x6A83);
    pub(crate) const WRONG_P1_P2: StatusWord = StatusWord(0x6B00);
    pub(crate) const NO_DIAGNOSIS: StatusWord = StatusWord(0x6F00);

    pub fn new(sw1: u8, sw2: u8) -> StatusWord {
        StatusWord(u16::from_be_bytes([sw1, sw2]))
    }

    pub(super) fn parts(self) -> (u8, u8) {
        let [sw1, sw2] = self.0.to_be_bytes();
        (sw1, sw2)
    }

    /// How much more GET RESPONSE can fetch: 61XX; 6100 means 256 or more.
    pub fn more(self) -> Option<usize> {
        self.length_in(0x61)
    }

    /// The same after a command of this class: a SIM has 9FXX (3GPP TS 51.011, 9.4.1).
    pub fn more_in(self, cla: u8) -> Option<usize> {
        match Family::of(cla) {
            Family::Sim => self.more().or_else(|| self.length_in(0x9F)),
            Family::Reader => None,
            _ => self.more(),
        }
    }

    /// The right Le: 6CXX; 6C00 means 256.
    pub fn exact_le(self) -> Option<usize> {
        self.length_in(0x6C)
    }

    /// The length that a SIM wants (P3), if it reports one: 67XX (3GPP TS 51.011, 9.4.6).
    pub fn right_length(self) -> Option<usize> {
        self.length_in(0x67).filter(|_| self != StatusWord::WRONG_LENGTH)
    }

    fn length_in(self, expected: u8) -> Option<usize> {
        match self.parts() {
            (sw1, 0) if sw1 == expected => Some(256),
            (sw1, sw2) if sw1 == expected => Some(sw2.into()),
            _ => None,
        }
    }

    /// How many tries are left: 63CX, 630X except 6300 (YubiKey NEO, OpenSC pull request 797), and 0 if the code is
    /// blocked: 6983, and 9840 (3GPP TS 51.011, 9.4.5).
    pub fn tries(self) -> Option<u32> {
        match self.parts() {
            (0x63, sw2 @ (0x01..=0x0F | 0xC0..=0xCF)) => Some((sw2 & 0x0F).into()),
            (0x69, 0x83) | (0x98, 0x40) => Some(0),
            _ => None,
        }
    }

    /// Whether it is a normal end: 9000; 91XX if the card has a command for its phone (ETSI TS 102 221, 10.2.1.1); 920X
    /// after some tries of its memory (3GPP TS 51.011, 9.4.3).
    pub fn is_normal(self) -> bool {
        self == StatusWord::OK || matches!(self.parts(), (0x91, _) | (0x92, 0x00..=0x0F))
    }

    /// The same for an answer to a command of this class. Only the classes of ETSI and of the SIM have commands for a
    /// phone.
    pub fn is_normal_in(self, cla: u8) -> bool {
        self == StatusWord::OK || self.is_normal() && Family::of(cla).has_a_phone()
    }

    /// Whether the command was executed: a normal end, 61XX, and the warnings.
    pub fn is_done(self) -> bool {
        self.is_normal() || matches!(self.parts().0, 0x61..=0x63)
    }

    /// Whether the command has changed the memory: a normal end, 61XX, and 63XX except 6300. 62XX means that the memory
    /// is unchanged.
    pub fn is_changed(self) -> bool {
        self.is_normal() || self.more().is_some() || matches!(self.parts(), (0x63, 1..))
    }

    /// Whether the data may be wrong: 6281.
    pub fn corrupts(self) -> bool {
        self.code() == Hresult::SCARD_E_COMM_DATA_LOST
    }

    /// Whether the card does not know the command or its form, and so has done nothing.
    pub fn is_unknown_command(self) -> bool {
        matches!(self.0, 0x6A81 | 0x6A86 | 0x6A87 | 0x6B00 | 0x6D00 | 0x6E00 | 0x6700)
    }

    /// Whether the card may have refused the form of the command: its lengths, or its chaining. Not so if the command
    /// is not allowed, or its data are wrong.
    pub fn refuses_form(self) -> bool {
        matches!(self.parts(), (0x67 | 0x68 | 0x6D | 0x6E, _) | (0x6A, 0x81 | 0x86 | 0x87) | (0x6B | 0x6F, 0x00))
    }

    /// Whether it concerns only the form of the command: 67XX, and 68XX for chaining.
    pub fn is_about_form(self) -> bool {
        matches!(self.parts(), (0x67, _) | (0x68, 0x83 | 0x84))
    }

    /// The result of a proof, such as of a code: only a normal end is a success. A warning is not, 63XX and 9804 are
    /// `wrong`, and without a try left the code is blocked.
    pub fn proves(self, wrong: Hresult) -> Result<()> {
        match self.parts() {
            _ if self.is_normal() || self.more().is_some() => Ok(()),
            _ if self.tries() == Some(0) => Err(self.explains(Hresult::SCARD_W_CHV_BLOCKED)),
            (0x63, _) | (0x98, 0x04) => Err(self.explains(wrong)),
            _ => Err(self.failure()),
        }
    }

    /// The code of a status word that is not a success here, whatever it may be elsewhere.
    #[inline(never)]
    pub fn failure(self) -> Hresult {
        self.explains(self.code().as_failure())
    }

    /// The same code, which the last error explains by this status word. Every failure that a status word means goes
    /// through here.
    #[cold]
    #[inline(never)]
    pub fn explains(self, code: Hresult) -> Hresult {
        note_status_word(self.0, code);
        code
    }

    /// The code of an answer to an interindustry command.
    pub fn code(self) -> Hresult {
        match self.parts() {
            _ if self.is_normal() => Hresult::S_OK,
            (0x61, _) => Hresult::S_OK,
            (0x62, 0x81) => Hresult::SCARD_E_COMM_DATA_LOST,
            (0x62, 0x82) => Hresult::SCARD_W_EOF,
            (0x63, 0x00) => Hresult::SCARD_W_SECURITY_VIOLATION,
            (0x63, 0xC0) => Hresult::SCARD_W_CHV_BLOCKED,
            (0x63, 0xC1..=0xCF) => Hresult::SCARD_W_WRONG_CHV,
            // The other warnings: the command was executed.
            (0x62 | 0x63, _) => Hresult::S_OK,
            (0x67 | 0x6B | 0x6C, _) => Hresult::SCARD_E_INVALID_PARAMETER,
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
            // ETSI TS 102 221, 10.2.1.5: busy, and the words of authentication and INCREASE.
            (0x93, 0x00) => Hresult::SCARD_E_NOT_READY,
            (0x98, 0x40) => Hresult::SCARD_W_CHV_BLOCKED,
            (0x98, 0x04 | 0x62..=0x67) => Hresult::SCARD_W_SECURITY_VIOLATION,
            (0x98, 0x50) => Hresult::SCARD_E_WRITE_TOO_MANY,
            _ => Hresult::E_FAIL,
        }
    }

    /// The code of an answer to a command of this class and instruction.
    pub fn code_for(self, cla: u8, ins: u8) -> Hresult {
        match (Family::of(cla).code(self, ins), self.parts()) {
            (Some(code), _) => code,
            (None, _) if ins::shows_proof(ins) && self.tries() == Some(0) => Hresult::SCARD_W_CHV_BLOCKED,
            (None, (0x63, _) | (0x98, 0x04)) if ins::shows_proof(ins) => Hresult::SCARD_W_WRONG_CHV,
            // ISO/IEC 7816-4:1995, 6.3.5 and following: the card has written, after so many tries of its memory.
            (None, (0x63, 0xC0..=0xCF)) if ins::writes(ins) => Hresult::S_OK,
            _ => self.code(),
        }
    }
}

impl std::fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl Hresult {
    /// The same if it is a failure, and else `E_FAIL`.
    pub fn as_failure(self) -> Hresult {
        if self.0 < 0 { self } else { Hresult::E_FAIL }
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
            (0x6701, Hresult::SCARD_E_INVALID_PARAMETER),
            (0x6B08, Hresult::SCARD_E_INVALID_PARAMETER),
            (0x9110, Hresult::S_OK),
        ] {
            assert_eq!(StatusWord(word).code(), code, "{word:04X}");
        }
    }

    #[test]
    fn tries_of_the_memory_are_no_tries_of_a_code() {
        for ins in [ins::UPDATE_BINARY, ins::UPDATE_BINARY_ODD, ins::APPEND_RECORD, ins::PUT_DATA, ins::ERASE_BINARY] {
            assert_eq!(StatusWord(0x63C2).code_for(0, ins), Hresult::S_OK, "{ins:02X}");
            assert_eq!(StatusWord(0x6300).code_for(0, ins), Hresult::SCARD_W_SECURITY_VIOLATION, "{ins:02X}");
        }
        for ins in [ins::VERIFY, ins::READ_BINARY, ins::EXTERNAL_AUTHENTICATE, 0x42] {
            assert_eq!(StatusWord(0x63C2).code_for(0, ins), Hresult::SCARD_W_WRONG_CHV, "{ins:02X}");
        }
    }

    #[test]
    fn words_that_carry_a_number() {
        assert_eq!((StatusWord(0x6100).more(), StatusWord(0x6110).more()), (Some(256), Some(16)));
        assert_eq!((StatusWord(0x6C00).exact_le(), StatusWord(0x6C01).exact_le()), (Some(256), Some(1)));
        assert_eq!((StatusWord(0x6300).tries(), StatusWord(0x9000).more()), (None, None));
        for (cla, word, more) in [
            (0x00, 0x9F10, None),
            (0x80, 0x9F10, None),
            (0xA0, 0x9F10, Some(16)),
            (0xA0, 0x9F00, Some(256)),
            (0xA0, 0x6110, Some(16)),
            (0xC0, 0x6110, Some(16)),
            (0xFF, 0x6110, None),
        ] {
            assert_eq!(StatusWord(word).more_in(cla), more, "{cla:02X} {word:04X}");
        }
    }

    #[test]
    fn several_words_report_the_tries_left() {
        for (word, tries) in [
            (0x63C0, Some(0)),
            (0x63C7, Some(7)),
            (0x63CF, Some(15)),
            (0x6301, Some(1)),
            (0x630F, Some(15)),
            (0x6983, Some(0)),
            (0x9840, Some(0)),
            (0x6300, None),
            (0x6310, None),
            (0x6381, None),
            (0x6982, None),
            (0x6984, None),
            (0x9804, None),
            (0x9000, None),
        ] {
            assert_eq!(StatusWord(word).tries(), tries, "{word:04X}");
        }
    }

    #[test]
    fn only_a_success_is_a_proof() {
        for word in 0..=u16::MAX {
            let (status, proven) = (StatusWord(word), StatusWord(word).proves(Hresult::SCARD_W_WRONG_CHV));
            assert_eq!(proven.is_ok(), status.is_normal() || word >> 8 == 0x61, "{word:04X}");
            assert!(proven.is_ok() || proven.unwrap_err().0 < 0);
            let is_blocked = status.tries() == Some(0);
            assert_eq!(proven == Err(Hresult::SCARD_W_CHV_BLOCKED), is_blocked, "{word:04X}");
            let is_wrong = (word >> 8 == 0x63 || word == 0x9804) && !is_blocked;
            assert_eq!(proven == Err(Hresult::SCARD_W_WRONG_CHV), is_wrong, "{word:04X}");
        }
    }

    #[test]
    fn a_command_about_a_code_has_words_of_its_own() {
        for (ins, word, code) in [
            (0x20, 0x63C0, Hresult::SCARD_W_CHV_BLOCKED),
            (0x24, 0x6983, Hresult::SCARD_W_CHV_BLOCKED),
            (0x2C, 0x9840, Hresult::SCARD_W_CHV_BLOCKED),
            (0x20, 0x63C2, Hresult::SCARD_W_WRONG_CHV),
            (0x20, 0x6302, Hresult::SCARD_W_WRONG_CHV),
            (0x20, 0x6300, Hresult::SCARD_W_WRONG_CHV),
            (0x20, 0x9804, Hresult::SCARD_W_WRONG_CHV),
            (0x20, 0x6982, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x20, 0x6282, Hresult::SCARD_W_EOF),
            (0x20, 0x9000, Hresult::S_OK),
            // So has a command with a key, or a finger.
            (0x82, 0x63C0, Hresult::SCARD_W_CHV_BLOCKED),
            (0x86, 0x63C0, Hresult::SCARD_W_CHV_BLOCKED),
            (0x2E, 0x6983, Hresult::SCARD_W_CHV_BLOCKED),
            (0x82, 0x63C2, Hresult::SCARD_W_WRONG_CHV),
            (0x87, 0x6302, Hresult::SCARD_W_WRONG_CHV),
            (0x82, 0x6300, Hresult::SCARD_W_WRONG_CHV),
            (0x2F, 0x6381, Hresult::SCARD_W_WRONG_CHV),
            // Elsewhere the same words have another meaning.
            (0xB0, 0x63C2, Hresult::SCARD_W_WRONG_CHV),
            (0xD6, 0x63C0, Hresult::S_OK),
            // A word for "no try left" does not depend on the instruction: the UNBLOCK PIN of Keycard.
            (0x22, 0x63C0, Hresult::SCARD_W_CHV_BLOCKED),
            (0x43, 0x63C0, Hresult::SCARD_W_CHV_BLOCKED),
            (0xF2, 0x6302, Hresult::S_OK),
            (0xF2, 0x6310, Hresult::S_OK),
            (0x88, 0x9804, Hresult::SCARD_W_SECURITY_VIOLATION),
        ] {
            for cla in [0x00, 0x80, 0xB0] {
                assert_eq!(StatusWord(word).code_for(cla, ins), code, "{cla:02X} {ins:02X} {word:04X}");
            }
        }
    }

    #[test]
    fn a_missing_proof_is_not_a_success() {
        for ins in (0..=u8::MAX).filter(|ins| ins::shows_proof(*ins)) {
            for cla in 0..=u8::MAX {
                for sw2 in 0..=u8::MAX {
                    let status = StatusWord::new(0x63, sw2);
                    let code = status.code_for(cla, ins);
                    assert!(code.0 < 0, "{cla:02X} {ins:02X} {status:?}");
                    let is_blocked = sw2 == 0xC0 && cla != 0xFF;
                    assert_eq!(code == Hresult::SCARD_W_CHV_BLOCKED, is_blocked, "{cla:02X} {ins:02X} {status:?}");
                }
                // Some cards use words 90XX for a wrong code: 9004.
                assert!(StatusWord(0x9004).code_for(cla, ins).0 < 0, "{cla:02X} {ins:02X}");
                assert_eq!(StatusWord::OK.code_for(cla, ins), Hresult::S_OK);
            }
        }
    }

    #[test]
    fn the_form_is_refused_before_anything_is_done() {
        for word in [0x6700, 0x6701, 0x6883, 0x6884, 0x6A81, 0x6A86, 0x6A87, 0x6B00, 0x6D00, 0x6E00, 0x6F00] {
            assert!(StatusWord(word).refuses_form(), "{word:04X}");
            let is_about_form = matches!(word, 0x6700 | 0x6701 | 0x6883 | 0x6884);
            assert_eq!(StatusWord(word).is_about_form(), is_about_form, "{word:04X}");
        }
        for word in [0x9000, 0x6105, 0x6282, 0x63C2, 0x6581, 0x6982, 0x6983, 0x6985, 0x6A80, 0x6A82, 0x6A84, 0x6C05] {
            assert!(!StatusWord(word).refuses_form(), "{word:04X}");
        }
    }

    #[test]
    fn a_command_that_was_not_executed_is_a_failure() {
        for word in 0..=u16::MAX {
            let word = StatusWord(word);
            if !word.is_done() {
                assert!(word.code().0 < 0, "{word:?}");
            }
        }
    }
}
