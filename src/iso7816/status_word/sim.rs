//! Translates the status words of a SIM (3GPP TS 51.011, 9.4) into those of ISO/IEC 7816-4, so that the code for files
//! and codes need not distinguish classes.

use super::StatusWord;
use crate::iso7816::command::ins;

impl StatusWord {
    /// The interindustry word with the same meaning as this one of a SIM, after the instruction `ins`.
    pub fn of_sim(self, ins: u8) -> StatusWord {
        match self.parts() {
            _ if self.is_normal() => StatusWord::OK,
            // Data are ready.
            (0x9E | 0x9F, length) => StatusWord::new(0x61, length),
            (0x92, _) => StatusWord(0x6581),
            // No EF is selected.
            (0x94, 0x00) => StatusWord(0x6986),
            // Out of range.
            (0x94, 0x02) if ins::is_about_record(ins) => StatusWord::RECORD_NOT_FOUND,
            (0x94, 0x02) => StatusWord::WRONG_P1_P2,
            (0x94, 0x04) => StatusWord::FILE_NOT_FOUND,
            // The file is inconsistent with the command.
            (0x94, 0x08) => StatusWord::WRONG_STRUCTURE,
            // No CHV is initialised.
            (0x98, 0x02) => StatusWord(0x6984),
            // An access condition is not fulfilled. After a code it means a wrong one, as the standard says.
            (0x98, 0x04) if !ins::shows_proof(ins) => StatusWord(0x6982),
            // In contradiction with the status of the CHV, or of the file.
            (0x98, 0x08 | 0x10) => StatusWord(0x6985),
            (0x98, 0x40) => StatusWord(0x6983),
            (0x98, 0x50) => StatusWord(0x6A84),
            // P3, P1 or P2, the instruction or the class is wrong, or the card has no diagnosis. SW2 has no further
            // meaning.
            (sw1 @ (0x67 | 0x6B | 0x6D..=0x6F), _) => StatusWord::new(sw1, 0),
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_sim_are_translated() {
        for (word, ins, expected) in [
            (0x9000, ins::READ_BINARY, 0x9000),
            (0x9110, ins::READ_BINARY, 0x9000),
            (0x9203, ins::UPDATE_BINARY, 0x9000),
            (0x9240, ins::UPDATE_BINARY, 0x6581),
            (0x9F0F, ins::SELECT, 0x610F),
            (0x9400, ins::READ_BINARY, 0x6986),
            (0x9402, ins::READ_BINARY, 0x6B00),
            (0x9402, ins::READ_RECORD, 0x6A83),
            (0x9402, ins::UPDATE_RECORD, 0x6A83),
            (0x9404, ins::SELECT, 0x6A82),
            (0x9408, ins::READ_RECORD, 0x6981),
            (0x9802, ins::VERIFY, 0x6984),
            (0x9804, ins::READ_BINARY, 0x6982),
            (0x9804, ins::VERIFY, 0x9804),
            (0x9808, ins::VERIFY, 0x6985),
            (0x9810, ins::READ_BINARY, 0x6985),
            (0x9840, ins::VERIFY, 0x6983),
            (0x9850, 0x32, 0x6A84),
            (0x671A, ins::READ_RECORD, 0x6700),
            (0x6B08, ins::READ_BINARY, 0x6B00),
            (0x6D01, ins::READ_BINARY, 0x6D00),
            (0x6E01, ins::READ_BINARY, 0x6E00),
            (0x6F01, ins::READ_BINARY, 0x6F00),
            (0x6A82, ins::SELECT, 0x6A82),
            (0x6282, ins::READ_BINARY, 0x6282),
            (0x0000, ins::SELECT, 0x0000),
        ] {
            assert_eq!(StatusWord(word).of_sim(ins), StatusWord(expected), "{word:04X} {ins:02X}");
        }
    }

    #[test]
    fn only_a_success_is_translated_into_a_success() {
        for word in (0..=u16::MAX).map(StatusWord) {
            for ins in [ins::SELECT, ins::READ_RECORD, ins::VERIFY] {
                let is_success = match word.0 >> 12 {
                    9 => word.code_for(0xA0, ins).0 >= 0,
                    _ => word.is_done(),
                };
                assert_eq!(word.of_sim(ins).is_done(), is_success, "{word:?} {ins:02X}");
            }
        }
    }
}
