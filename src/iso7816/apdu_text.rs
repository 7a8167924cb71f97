//! APDUs as text, without secrets: for the log of the library and for that of a virtual reader.

use std::fmt;

/// Bytes in hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PIECE: usize = 64;
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' - 10 + value };
        self.0.chunks(PIECE).try_for_each(|piece| {
            let mut digits = [0; 2 * PIECE];
            for (pair, byte) in digits.chunks_exact_mut(2).zip(piece) {
                pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0F)]);
            }
            let digits = digits.get(..2 * piece.len()).unwrap_or_default();
            f.write_str(std::str::from_utf8(digits).unwrap_or_default())
        })
    }
}

/// A command: the data of a command with a secret are withheld.
pub struct CommandText<'a>(pub &'a [u8]);

impl fmt::Display for CommandText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(4) {
            Some((header, rest)) if carries_a_secret(header) && !rest.is_empty() => {
                write!(f, "{} ({} bytes withheld)", Hex(header), rest.len())
            }
            _ => Hex(self.0).fmt(f),
        }
    }
}

/// A response: if its command carries a secret, only the status word is shown.
pub struct ResponseText<'a> {
    pub response: &'a [u8],
    pub is_withheld: bool,
}

impl fmt::Display for ResponseText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.response.len().checked_sub(2).and_then(|data| self.response.split_at_checked(data)) {
            Some((data, status)) if self.is_withheld && !data.is_empty() => {
                write!(f, "({} bytes withheld) {}", data.len(), Hex(status))
            }
            _ if self.is_withheld && self.response.len() < 2 => f.write_str("(withheld)"),
            _ => Hex(self.response).fmt(f),
        }
    }
}

/// Whether the data after this header, or the answer to it, can be a code, a biometric, a key or a cryptogram.
///
/// In every class: VERIFY, PERFORM BIOMETRIC OPERATION, CHANGE REFERENCE DATA, DISABLE and ENABLE VERIFICATION
/// REQUIREMENT, RESET RETRY COUNTER, EXTERNAL, GENERAL and INTERNAL AUTHENTICATE (a SIM answers the last one with
/// keys), PERFORM SECURITY OPERATION (ISO/IEC 7816-4, -8 and -11), PUT DATA, which loads keys on some cards, PUT KEY
/// (GlobalPlatform), ENVELOPE, which can contain any of these, and similar instructions. In proprietary classes: STORE
/// DATA (GlobalPlatform), which has keys and codes of new cards. And every command with secure messaging, and one whose
/// class says nothing about it.
pub fn carries_a_secret(header: &[u8]) -> bool {
    const SECRET: [u8; 21] = [
        0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0x82, 0x86, 0x87, 0x88, 0x89, 0xC2, 0xC3,
        0xD8, 0xDA, 0xDB,
    ];
    let (class, instruction) = match *header {
        [class, instruction, ..] => (class, instruction),
        _ => return false,
    };
    // ISO/IEC 7816-4:2013, 5.4.1: bits 4 and 3 on channels 0 to 3, bit 6 on channels 4 to 19. GlobalPlatform and others
    // use them alike from 80 on.
    let is_secured = if class & 0x40 == 0 { class & 0x0C != 0 } else { class & 0x20 != 0 };
    let stores_data = class & 0x80 != 0 && instruction == 0xE2;
    is_secured || stores_data || SECRET.contains(&instruction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_keys_are_withheld() {
        let shown = |command: &[u8]| CommandText(command).to_string();
        assert_eq!(shown(&[0, 0xA4, 0, 0, 2, 0x3F, 0]), "00A40000023F00");
        assert_eq!(shown(&[0, 0x20, 0, 0x81, 2, 0x31, 0x32]), "00200081 (3 bytes withheld)");
        assert_eq!(shown(&[0x0C, 0x24, 0, 1, 1, 0x31]), "0C240001 (2 bytes withheld)");
        assert_eq!(shown(&[0x0C, 0xB0, 0, 1, 1, 0x31]), "0CB00001 (2 bytes withheld)");
        assert_eq!(shown(&[0x60, 0xB0, 0, 1, 1, 0x31]), "60B00001 (2 bytes withheld)");
        assert_eq!(shown(&[0, 0x20, 0, 0x81]), "00200081");
        assert_eq!(shown(&[0, 0x20]), "0020");
        for instruction in 0..=u8::MAX {
            let codes = matches!(instruction, 0x20 | 0x21 | 0x24..=0x26 | 0x28 | 0x2A | 0x2C..=0x2F);
            let proofs = matches!(instruction, 0x82 | 0x86..=0x89);
            let secret = codes || proofs || matches!(instruction, 0xC2 | 0xC3 | 0xD8 | 0xDA | 0xDB);
            for class in [0x00, 0x80, 0x03, 0x43, 0x90] {
                let secret = secret || (class >= 0x80 && instruction == 0xE2);
                let text = shown(&[class, instruction, 0, 0, 0xAB]);
                assert_eq!(text.contains("withheld"), secret, "{class:02X} {instruction:02X}");
                assert_eq!(text.contains("AB"), !secret || instruction == 0xAB);
            }
        }
    }

    #[test]
    fn a_withheld_response_is_its_status_word() {
        let shown = |response, is_withheld| ResponseText { response, is_withheld }.to_string();
        assert_eq!(shown(&[1, 2, 0x90, 0], false), "01029000");
        assert_eq!(shown(&[1, 2, 0x90, 0], true), "(2 bytes withheld) 9000");
        assert_eq!(shown(&[0x63, 0xC2], true), "63C2");
        assert_eq!(shown(&[0x63], true), "(withheld)");
    }
}
