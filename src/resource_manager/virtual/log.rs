//! The calls of a virtual reader and their results as text, one line for each. It contains no secrets.

use std::collections::VecDeque;
use std::fmt::{self, Write};

use crate::abi::hresult::Result;

/// Lines of text in a buffer of fixed size: the oldest lines are removed first.
pub struct Log {
    text: VecDeque<u8>,
}

impl Log {
    /// A log of `limit` bytes. It reserves all memory here, so that no later line can fail.
    pub fn new(limit: usize) -> Result<Log> {
        let mut text = VecDeque::new();
        text.try_reserve_exact(limit)?;
        Ok(Log { text })
    }

    /// A copy of the text.
    pub fn text(&self) -> Result<Vec<u8>> {
        let mut copy = Vec::new();
        // Room for the NUL that C needs.
        copy.try_reserve_exact(self.text.len() + 1)?;
        let (older, newer) = self.text.as_slices();
        copy.extend_from_slice(older);
        copy.extend_from_slice(newer);
        Ok(copy)
    }

    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Adds one line. A line that is longer than the whole log is omitted.
    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        let mut length = Length(1);
        // These writers never fail.
        let _ = length.write_fmt(line);
        if length.0 > self.text.capacity() {
            return;
        }
        self.make_room(length.0);
        let _ = self.write_fmt(line);
        self.text.push_back(b'\n');
    }

    fn make_room(&mut self, length: usize) {
        let excess = (self.text.len() + length).saturating_sub(self.text.capacity());
        if excess == 0 {
            return;
        }
        let end_of_line = self.text.iter().skip(excess - 1).position(|byte| *byte == b'\n');
        self.text.drain(..end_of_line.map_or(self.text.len(), |index| excess + index));
    }
}

impl Write for Log {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.extend(text.as_bytes());
        Ok(())
    }
}

struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

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

/// A command for the log: the data of a command with a secret are withheld.
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

/// Whether the data after this header can be a code, a biometric or a key: VERIFY, PERFORM BIOMETRIC OPERATION, CHANGE
/// REFERENCE DATA, DISABLE and ENABLE VERIFICATION REQUIREMENT, RESET RETRY COUNTER (ISO/IEC 7816-4 and -11), PUT DATA,
/// which loads keys on some cards, PUT KEY (GlobalPlatform), ENVELOPE, which can contain any of these, and similar
/// instructions in every class.
fn carries_a_secret(header: &[u8]) -> bool {
    const SECRET: [u8; 15] = [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x2E, 0x2F, 0xC2, 0xC3, 0xD8, 0xDA, 0xDB];
    header.get(1).is_some_and(|instruction| SECRET.contains(instruction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(log: &Log) -> String {
        String::from_utf8(log.text().unwrap()).unwrap()
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let mut log = Log::new(16).unwrap();
        assert!(log.text.capacity() >= 16);
        let whole = log.text.capacity();
        for number in 0..9 {
            log.line(format_args!("line {number}"));
        }
        assert!(text(&log).ends_with("line 7\nline 8\n"));
        assert!(text(&log).len() <= whole && text(&log).starts_with("line "));
        log.line(format_args!("{}", "x".repeat(whole)));
        assert!(text(&log).ends_with("line 8\n"));
        log.clear();
        assert_eq!(text(&log), "");
    }

    #[test]
    fn codes_and_keys_are_withheld() {
        let shown = |command: &[u8]| CommandText(command).to_string();
        assert_eq!(shown(&[0, 0xA4, 0, 0, 2, 0x3F, 0]), "00A40000023F00");
        assert_eq!(shown(&[0, 0x20, 0, 0x81, 2, 0x31, 0x32]), "00200081 (3 bytes withheld)");
        assert_eq!(shown(&[0x0C, 0x24, 0, 1, 1, 0x31]), "0C240001 (2 bytes withheld)");
        assert_eq!(shown(&[0, 0x20, 0, 0x81]), "00200081");
        assert_eq!(shown(&[0, 0x20]), "0020");
        for instruction in 0..=u8::MAX {
            let codes = matches!(instruction, 0x20 | 0x21 | 0x24..=0x26 | 0x28 | 0x2C..=0x2F);
            let secret = codes || matches!(instruction, 0xC2 | 0xC3 | 0xD8 | 0xDA | 0xDB);
            assert_eq!(shown(&[0x80, instruction, 0, 0, 0xAB]).contains("withheld"), secret, "{instruction:02X}");
        }
    }
}
