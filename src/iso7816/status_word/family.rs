//! The families of cards that have status words of their own. The class of the command determines the family. ISO/IEC
//! 7816-4:2005, 5.1.3 leaves 9001 to 9FFF to them.

use super::StatusWord;
use crate::abi::hresult::Hresult;
use crate::iso7816::class;
use crate::iso7816::command::ins;

/// INS of LOAD KEYS to a reader. To a card it is another command.
const LOAD_KEYS: u8 = 0x82;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// The SIM (3GPP TS 51.011, 9.4).
    Sim,
    /// MIFARE DESFire, with its native commands in class 90. 90 is also class 80 with the bit for chaining.
    DesFire,
    /// The reader itself (PC/SC part 3, 3.2.2).
    Reader,
    /// The proprietary classes of ETSI TS 102 221, 10.1.1, which GlobalPlatform uses, too.
    Etsi,
    /// Any other proprietary class.
    Proprietary,
    Interindustry,
}

impl Family {
    pub fn of(cla: u8) -> Family {
        match cla {
            class::SIM => Family::Sim,
            class::READER => Family::Reader,
            0x90 => Family::DesFire,
            0x80..0x90 | 0xC0..0xD0 | 0xE0..0xF0 => Family::Etsi,
            0x80.. => Family::Proprietary,
            _ => Family::Interindustry,
        }
    }

    /// Whether the status word may contain a command for the phone: 91XX, 920X.
    pub fn has_a_phone(self) -> bool {
        matches!(self, Family::Sim | Family::Etsi | Family::Interindustry)
    }

    /// The code of a status word that has another meaning here than in ISO/IEC 7816-4, or exists only here.
    pub fn code(self, status: StatusWord, ins: u8) -> Option<Hresult> {
        let (sw1, sw2) = status.parts();
        match (self, sw1) {
            (Family::Sim, _) => sim(sw1, sw2, ins),
            (Family::DesFire, 0x91) => Some(des_fire(sw2)),
            // The operation has failed (ACR122U API, 5.1; PC/SC part 3, 3.2.2).
            (Family::Reader, 0x63) => Some(Hresult::E_FAIL),
            (Family::Reader, 0x69) => reader(sw2, ins),
            // Some cards use 9004 for a wrong code.
            (Family::Etsi | Family::Proprietary, 0x90) if !ins::shows_proof(ins) => Some(Hresult::S_OK),
            (_, 0x91 | 0x92) if !self.has_a_phone() => Some(Hresult::E_FAIL),
            _ => None,
        }
    }
}

fn sim(sw1: u8, sw2: u8, ins: u8) -> Option<Hresult> {
    Some(match (sw1, sw2) {
        // Data are ready; 9E after a download that has failed.
        (0x9E | 0x9F, _) => Hresult::S_OK,
        (0x94, 0x00) => Hresult::SCARD_E_NO_FILE,
        (0x94, 0x02) => Hresult::SCARD_E_BAD_SEEK,
        (0x94, 0x04) => Hresult::SCARD_E_FILE_NOT_FOUND,
        (0x94, 0x08) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        (0x98, 0x02) => Hresult::SCARD_E_INVALID_CHV,
        (0x98, 0x04) if ins::shows_proof(ins) => Hresult::SCARD_W_WRONG_CHV,
        (0x98, 0x08 | 0x10) => Hresult::SCARD_E_NO_ACCESS,
        _ => return None,
    })
}

/// The status words of LOAD KEYS and GENERAL AUTHENTICATE to a reader, which concern its keys (PC/SC part 3, 3.2.2.1.4
/// and 3.2.2.1.6).
fn reader(sw2: u8, ins: u8) -> Option<Hresult> {
    Some(match (ins, sw2) {
        // The type of the key, its transport, and its memory.
        (LOAD_KEYS, 0x82..=0x87) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        (LOAD_KEYS, 0x88 | 0x89) => Hresult::SCARD_E_INVALID_PARAMETER,
        (ins::GENERAL_AUTHENTICATE, 0x83) => Hresult::SCARD_W_SECURITY_VIOLATION,
        // The key number and type.
        (ins::GENERAL_AUTHENTICATE, 0x84 | 0x86 | 0x88) => Hresult::SCARD_E_INVALID_PARAMETER,
        _ => return None,
    })
}

fn des_fire(status: u8) -> Hresult {
    match status {
        // 0C: nothing was to be changed; AF: more follows, or is expected.
        0x00 | 0x0C | 0xAF => Hresult::S_OK,
        0x0E | 0xCE => Hresult::SCARD_E_WRITE_TOO_MANY,
        0x1C => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        // CRC or MAC.
        0x1E => Hresult::SCARD_E_COMM_DATA_LOST,
        0x40 | 0xA0 | 0xF0 => Hresult::SCARD_E_FILE_NOT_FOUND,
        0x7E | 0x9E => Hresult::SCARD_E_INVALID_PARAMETER,
        0x9D | 0xDE => Hresult::SCARD_E_NO_ACCESS,
        0xAD => Hresult::SCARD_E_NOT_READY,
        0xAE => Hresult::SCARD_W_SECURITY_VIOLATION,
        0xBE => Hresult::SCARD_E_BAD_SEEK,
        _ => Hresult::E_FAIL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: the class of the command, the status word, the code.
    fn check(rows: &[(u8, u16, Hresult)]) {
        for (cla, word, code) in rows {
            assert_eq!(StatusWord(*word).code_for(*cla, 0xA4), *code, "{cla:02X} {word:04X}");
        }
    }

    #[test]
    fn a_sim_has_words_of_its_own() {
        check(&[
            (0xA0, 0x9000, Hresult::S_OK),
            (0xA0, 0x9F17, Hresult::S_OK),
            (0xA0, 0x9E0C, Hresult::S_OK),
            (0xA0, 0x6710, Hresult::SCARD_E_INVALID_PARAMETER),
            (0xA0, 0x6B08, Hresult::SCARD_E_INVALID_PARAMETER),
            (0xA0, 0x9110, Hresult::S_OK),
            (0xA0, 0x9203, Hresult::S_OK),
            (0xA0, 0x9240, Hresult::E_FAIL),
            (0xA0, 0x9300, Hresult::SCARD_E_NOT_READY),
            (0xA0, 0x9400, Hresult::SCARD_E_NO_FILE),
            (0xA0, 0x9402, Hresult::SCARD_E_BAD_SEEK),
            (0xA0, 0x9404, Hresult::SCARD_E_FILE_NOT_FOUND),
            (0xA0, 0x9408, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            (0xA0, 0x9802, Hresult::SCARD_E_INVALID_CHV),
            (0xA0, 0x9804, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0xA0, 0x9808, Hresult::SCARD_E_NO_ACCESS),
            (0xA0, 0x9810, Hresult::SCARD_E_NO_ACCESS),
            (0xA0, 0x9840, Hresult::SCARD_W_CHV_BLOCKED),
            (0xA0, 0x9850, Hresult::SCARD_E_WRITE_TOO_MANY),
            (0xA0, 0x6E00, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        ]);
        assert_eq!(StatusWord(0x9804).code_for(0xA0, 0x20), Hresult::SCARD_W_WRONG_CHV);
        assert_eq!(StatusWord(0x9840).code_for(0xA0, 0x20), Hresult::SCARD_W_CHV_BLOCKED);
    }

    #[test]
    fn a_desfire_card_has_words_of_its_own() {
        check(&[
            (0x90, 0x9000, Hresult::S_OK),
            (0x90, 0x9100, Hresult::S_OK),
            (0x90, 0x91AF, Hresult::S_OK),
            (0x90, 0x910C, Hresult::S_OK),
            (0x90, 0x91AE, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x90, 0x919D, Hresult::SCARD_E_NO_ACCESS),
            (0x90, 0x91A0, Hresult::SCARD_E_FILE_NOT_FOUND),
            (0x90, 0x91F0, Hresult::SCARD_E_FILE_NOT_FOUND),
            (0x90, 0x91BE, Hresult::SCARD_E_BAD_SEEK),
            (0x90, 0x917E, Hresult::SCARD_E_INVALID_PARAMETER),
            (0x90, 0x911C, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            (0x90, 0x910E, Hresult::SCARD_E_WRITE_TOO_MANY),
            (0x90, 0x91EE, Hresult::E_FAIL),
            (0x90, 0x6A82, Hresult::SCARD_E_FILE_NOT_FOUND),
            (0x90, 0x9203, Hresult::E_FAIL),
        ]);
    }

    #[test]
    fn other_classes_have_no_words_of_these_families() {
        check(&[
            (0x00, 0x9110, Hresult::S_OK),
            (0x00, 0x9001, Hresult::E_FAIL),
            (0x00, 0x9404, Hresult::E_FAIL),
            (0x00, 0x9862, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x80, 0x9110, Hresult::S_OK),
            (0x80, 0x9001, Hresult::S_OK),
            (0xB0, 0x90FF, Hresult::S_OK),
            (0xB0, 0x9C02, Hresult::E_FAIL),
            (0x80, 0x9F10, Hresult::E_FAIL),
            (0x80, 0x9E10, Hresult::E_FAIL),
            (0x4F, 0x9110, Hresult::S_OK),
            (0xC0, 0x9110, Hresult::S_OK),
            (0xE1, 0x9110, Hresult::S_OK),
            (0xB0, 0x9110, Hresult::E_FAIL),
            (0xB0, 0x91AE, Hresult::E_FAIL),
            (0xB0, 0x9203, Hresult::E_FAIL),
            (0xD0, 0x9100, Hresult::E_FAIL),
            (0xF0, 0x9100, Hresult::E_FAIL),
            (0x80, 0x6310, Hresult::S_OK),
        ]);
    }

    #[test]
    fn a_reader_answers_for_a_card_without_a_chip() {
        check(&[
            (0xFF, 0x9110, Hresult::E_FAIL),
            (0xFF, 0x9000, Hresult::S_OK),
            (0xFF, 0x6300, Hresult::E_FAIL),
            (0xFF, 0x6301, Hresult::E_FAIL),
            (0xFF, 0x6982, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0xFF, 0x6282, Hresult::SCARD_W_EOF),
            (0xFF, 0x6A81, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        ]);
        for (ins, word, code) in [
            (0x82, 0x6982, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            (0x82, 0x6983, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
            (0x82, 0x6988, Hresult::SCARD_E_INVALID_PARAMETER),
            (0x86, 0x6982, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x86, 0x6983, Hresult::SCARD_W_SECURITY_VIOLATION),
            (0x86, 0x6984, Hresult::SCARD_E_INVALID_PARAMETER),
        ] {
            assert_eq!(StatusWord(word).code_for(0xFF, ins), code, "{ins:02X} {word:04X}");
        }
    }
}
