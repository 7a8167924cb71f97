//! Hexadecimal text.

use zeroize::Zeroizing;

/// Bytes from hexadecimal digits, with spaces, colons or nothing between the bytes.
pub fn parse(text: &str) -> Result<Vec<u8>, String> {
    // They may be a code, so that they are wiped; the memory does not grow, which would leave a copy.
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(text.chars().filter(|character| !character.is_whitespace() && *character != ':'));
    let digits = match digits.as_slice() {
        ['0', 'x' | 'X', rest @ ..] => rest,
        digits => digits,
    };
    if let Some(wrong) = digits.iter().find(|digit| !digit.is_ascii_hexdigit()) {
        return Err(format!("{:?} is not a hexadecimal digit", wrong));
    }
    if digits.len() % 2 != 0 {
        return Err("the number of hexadecimal digits is odd".into());
    }
    let value = |digit: char| digit.to_digit(16).unwrap_or(0) as u8;
    Ok(digits.chunks(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect())
}

/// `00A40400`
pub fn plain(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// `00 A4 04 00`
pub fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// Sixteen bytes in a line, with their offset and their text.
pub fn dump(bytes: &[u8], first_offset: usize) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(index, line)| {
        format!("{:04X}  {:<47}  {}\n", first_offset + index * 16, spaced(line), crate::text::ascii(line))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes() {
        for text in ["00A4", "00 a4", "00:A4", "0x00A4", " 0 0 A 4 "] {
            assert_eq!(parse(text).unwrap(), [0x00, 0xA4], "{text}");
        }
        assert!(parse("").unwrap().is_empty());
        assert!(parse("00A").unwrap_err().contains("odd"));
        assert!(parse("0G").unwrap_err().contains("'G'"));
        assert!(parse("\u{ff10}0").is_err());
    }

    #[test]
    fn bytes_become_digits() {
        assert_eq!(plain(&[0, 0xA4]), "00A4");
        assert_eq!(spaced(&[0, 0xA4]), "00 A4");
        let dumped = dump(b"0123456789abcdef\x00", 0x20);
        assert!(dumped.starts_with("0020  30 31 "), "{dumped}");
        assert!(dumped.ends_with("0030  00                                               .\n"), "{dumped}");
    }
}
