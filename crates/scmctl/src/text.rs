//! Text from readers and cards, which may be anything.

/// The text without control characters, which a terminal would obey. Line breaks stay.
pub fn printable(text: &str) -> String {
    let is_bad = |character: char| character.is_control() && character != '\n';
    text.chars().map(|character| if is_bad(character) { '\u{FFFD}' } else { character }).collect()
}

/// Bytes as ASCII, with a dot for each other byte.
pub fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| if (0x20..0x7F).contains(&byte) { char::from(byte) } else { '.' }).collect()
}

/// The bytes as text, if all of them are printable characters.
pub fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        assert_eq!(printable("a\x1b[31mb\u{9b}c\n"), "a\u{FFFD}[31mb\u{FFFD}c\n");
        assert_eq!(ascii(b"a\x1b\xFFb"), "a..b");
        assert_eq!((text(b"label"), text(b"a\x1b"), text(b"\xFF"), text(b"")), (Some("label"), None, None, None));
    }
}
