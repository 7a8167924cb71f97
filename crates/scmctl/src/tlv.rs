//! BER-TLV data objects (ISO/IEC 7816-4:2013, 5.2.2), for a person.

use crate::{hex, text};

/// Deeper templates are shown as bytes.
const DEPTH_MAX: usize = 8;
/// One or two bytes are more often numbers that look like text.
const TEXT_MIN: usize = 3;

/// One line for each data object, indented; empty if the bytes are no data objects.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    match bytes {
        [_, _, _, ..] if append(bytes, 0, &mut lines).is_some() => lines,
        _ => Vec::new(),
    }
}

/// The value of the first object with this tag of one byte, at the outermost level.
pub fn find(mut bytes: &[u8], tag: u32) -> Option<&[u8]> {
    while !bytes.is_empty() {
        let object = Object::first(bytes)?;
        if object.tag == tag {
            return Some(object.value);
        }
        bytes = object.rest;
    }
    None
}

struct Object<'a> {
    tag: u32,
    is_constructed: bool,
    value: &'a [u8],
    rest: &'a [u8],
}

impl Object<'_> {
    fn first(bytes: &[u8]) -> Option<Object<'_>> {
        let (&first, mut rest) = bytes.split_first()?;
        if first == 0x00 || first == 0xFF {
            return None;
        }
        let mut tag = u32::from(first);
        if first & 0x1F == 0x1F {
            loop {
                let (&next, after) = rest.split_first()?;
                rest = after;
                tag = tag.checked_mul(0x100)? | u32::from(next);
                if next & 0x80 == 0 {
                    break;
                }
            }
        }
        let (&length, mut rest) = rest.split_first()?;
        let mut length = usize::from(length);
        if length >= 0x80 {
            let (digits, after) =
                rest.split_at_checked(length - 0x80).filter(|(digits, _)| (1..=3).contains(&digits.len()))?;
            length = digits.iter().fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            rest = after;
        }
        let (value, rest) = rest.split_at_checked(length)?;
        Some(Object { tag, is_constructed: first & 0x20 != 0, value, rest })
    }
}

/// None if the bytes are no sequence of data objects.
fn append(mut bytes: &[u8], depth: usize, lines: &mut Vec<String>) -> Option<()> {
    while !bytes.is_empty() {
        let object = Object::first(bytes)?;
        let indent = "  ".repeat(depth);
        let (mark, name) = (lines.len(), name(object.tag));
        lines.push(format!("{indent}{:02X} {name}", object.tag).trim_end().to_owned());
        let is_template = object.is_constructed
            && depth < DEPTH_MAX
            && !object.value.is_empty()
            && append(object.value, depth + 1, lines).is_some();
        if !is_template {
            lines.truncate(mark + 1);
            let text = text::text(object.value)
                .filter(|text| text.len() >= TEXT_MIN)
                .map_or(String::new(), |text| format!("  \"{text}\""));
            lines[mark] += &format!(": {}{text}", hex::spaced(object.value));
        }
        bytes = object.rest;
    }
    Some(())
}

/// The tags of ISO/IEC 7816-4:2013, 7.4, and those of applications.
fn name(tag: u32) -> &'static str {
    match tag {
        0x4F => "application identifier",
        0x50 => "application label",
        0x51 => "path",
        0x52 => "command to perform",
        0x53 => "discretionary data",
        0x61 => "application template",
        0x62 => "file control parameters",
        0x64 => "file management data",
        0x6F => "file control information",
        0x73 => "discretionary data",
        0x80 => "size of the data",
        0x81 => "size with structure",
        0x82 => "file descriptor",
        0x83 => "file identifier",
        0x84 => "DF name",
        0x85 => "proprietary information",
        0x86 => "security attribute",
        0x87 => "identifier of the control parameters",
        0x88 => "short identifier",
        0x8A => "life cycle",
        0x8B => "security attribute by reference",
        0x8C => "security attribute, compact",
        0xA0 => "security attribute of data objects",
        0xA5 => "proprietary information",
        0xAB => "security attribute, expanded",
        0x5F50 => "URL",
        0x7F66 => "extended lengths",
        0x9F65 => "longest data of a command",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_indented() {
        let lines = lines(&hex::parse("6F0C8408A0000000031010005000").unwrap());
        assert_eq!(
            lines,
            ["6F file control information", "  84 DF name: A0 00 00 00 03 10 10 00", "  50 application label: "]
        );
    }

    #[test]
    fn other_bytes_have_no_lines() {
        for bytes in ["", "00", "9000", "000102030405", "6F05AA", "FFFFFFFF", "84FF00", "8480AA", "1FFFFFFFFFFF01"] {
            assert!(lines(&hex::parse(bytes).unwrap()).is_empty(), "{bytes}");
        }
        let deep: Vec<u8> = (0..60u8).rev().flat_map(|level| [0x61, level * 2]).collect();
        assert!(!lines(&deep).is_empty());
    }

    #[test]
    fn a_tag_is_found() {
        let bytes = hex::parse("8001AA5F5002 4142 8301BB").unwrap();
        assert_eq!(find(&bytes, 0x83), Some(&[0xBB][..]));
        assert_eq!(find(&bytes, 0x5F50), Some(&b"AB"[..]));
        assert_eq!(find(&bytes, 0x84), None);
    }
}
