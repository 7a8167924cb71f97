//! The log of the commands to a card, without codes and keys.

/// The instructions whose data are omitted, as in the log of a virtual reader: VERIFY, CHANGE REFERENCE DATA, DISABLE
/// and ENABLE VERIFICATION REQUIREMENT, RESET RETRY COUNTER, PERFORM BIOMETRIC OPERATION, PUT KEY, PUT DATA, which
/// loads keys on some cards, and ENVELOPE, which may hold any of them.
const WITHHELD: [u8; 15] = [0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2C, 0x2D, 0x2E, 0x2F, 0xC2, 0xC3, 0xD8, 0xDA, 0xDB];

/// The bytes before the data and their length.
const HEADER: usize = 4;

/// The number of commands that are taken at once.
const MAX_TAKEN: usize = 1000;

#[derive(Default)]
pub struct Log {
    lines: Vec<String>,
}

impl Log {
    pub fn note(&mut self, apdu: &[u8]) {
        self.lines.push(show(apdu));
    }

    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Returns and removes the oldest commands, as many as fit one answer.
    pub fn take(&mut self) -> String {
        let count = self.lines.len().min(MAX_TAKEN);
        self.lines.drain(..count).collect::<Vec<_>>().join(" ")
    }

    pub fn clear(&mut self) {
        self.lines.clear();
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.lines.join(" "))
    }
}

/// The command in hexadecimal, with `..` for omitted data.
fn show(apdu: &[u8]) -> String {
    match apdu.split_at_checked(HEADER) {
        Some((header @ [_, ins, ..], rest)) if WITHHELD.contains(ins) && !rest.is_empty() => {
            hex::encode_upper(header) + ".."
        }
        _ => hex::encode_upper(apdu),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_withheld() {
        assert_eq!(show(&[0, 0x20, 0, 0x81, 4, 1, 2, 3, 4]), "00200081..");
        assert_eq!(show(&[0x10, 0x24, 0, 1, 1, 9]), "10240001..");
        assert_eq!(show(&[0, 0x26, 0, 1, 1, 9]), "00260001..");
        assert_eq!(show(&[0, 0x28, 0, 1, 1, 9]), "00280001..");
        assert_eq!(show(&[0x84, 0xD8, 1, 0x81, 0]), "84D80181..");
        assert_eq!(show(&[0, 0x20, 0, 0x81]), "00200081");
    }

    #[test]
    fn everything_else_is_shown() {
        assert_eq!(show(&[0, 0xA4, 4, 0, 1, 9]), "00A404000109");
        assert_eq!(show(&[0, 0x20]), "0020");
        assert_eq!(show(&[]), "");
    }
}
