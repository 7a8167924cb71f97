//! BER-TLV data objects (ISO/IEC 7816-4, 5.2.2), with tags of one or two bytes and lengths up to FFFF.

use crate::status::{Result, Status};

/// A tag of two bytes, or of one with a leading zero, as in P1-P2 of GET DATA.
pub type Tag = u16;

/// The data objects in `bytes`; other bytes are wrong data.
pub fn read(bytes: &[u8]) -> Result<Vec<(Tag, &[u8])>> {
    let mut objects = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (tag, after_tag) = read_tag(rest)?;
        let (length, after_length) = read_length(after_tag)?;
        let (value, after_value) = after_length.split_at_checked(length).ok_or(Status::WRONG_DATA)?;
        objects.push((tag, value));
        rest = after_value;
    }
    Ok(objects)
}

/// The value of the single data object with `tag` that `bytes` consist of.
pub fn read_one(bytes: &[u8], tag: Tag) -> Result<&[u8]> {
    match read(bytes)?[..] {
        [(found, value)] if found == tag => Ok(value),
        _ => Err(Status::WRONG_DATA),
    }
}

/// The tags in a tag list (data object 5C).
pub fn read_tags(bytes: &[u8]) -> Result<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (tag, after) = read_tag(rest)?;
        tags.push(tag);
        rest = after;
    }
    Ok(tags)
}

fn read_tag(bytes: &[u8]) -> Result<(Tag, &[u8])> {
    match *bytes {
        [first, second, ref rest @ ..] if has_more(first) && second < 0x80 => {
            Ok((u16::from_be_bytes([first, second]), rest))
        }
        [first, ref rest @ ..] if !has_more(first) => Ok((first.into(), rest)),
        _ => Err(Status::WRONG_DATA),
    }
}

/// True if another byte of the tag follows its first one.
fn has_more(first: u8) -> bool {
    first & 0x1F == 0x1F
}

/// True if a number is a tag; others may still name data objects in P1-P2.
pub fn is_tag(number: u16) -> bool {
    match number.to_be_bytes() {
        [0, low] => !has_more(low),
        [high, low] => has_more(high) && low < 0x80,
    }
}

fn read_length(bytes: &[u8]) -> Result<(usize, &[u8])> {
    match *bytes {
        [length @ 0..=0x7F, ref rest @ ..] => Ok((length.into(), rest)),
        [0x81, length, ref rest @ ..] => Ok((length.into(), rest)),
        [0x82, high, low, ref rest @ ..] => Ok((u16::from_be_bytes([high, low]).into(), rest)),
        _ => Err(Status::WRONG_DATA),
    }
}

/// Appends the data object `tag` with `value`, whose length is at most FFFF.
pub fn write(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    let [high, low] = tag.to_be_bytes();
    if high != 0 {
        out.push(high);
    }
    out.push(low);
    match value.len() {
        length @ 0..=0x7F => out.push(length as u8),
        length @ 0x80..=0xFF => out.extend([0x81, length as u8]),
        length => {
            let [.., high, low] = length.to_be_bytes();
            out.extend([0x82, high, low]);
        }
    }
    out.extend(value);
}

/// The data object `tag` with `value`.
pub fn object(tag: Tag, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, tag, value);
    out
}

/// The maximum length of a value whose data object, with a tag of one byte, fits into `room` bytes.
pub fn value_room(room: usize) -> usize {
    match room {
        0..=1 => 0,
        2..=0x81 => room - 2,
        0x82 => 0x7F,
        0x83..=0x102 => room - 3,
        0x103 => 0xFF,
        _ => room - 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_object_is_read() {
        for length in [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF] {
            let value = vec![7; length];
            let mut bytes = object(0x53, &value);
            write(&mut bytes, 0x5F2E, &value);
            assert_eq!(read(&bytes), Ok(vec![(0x53, &value[..]), (0x5F2E, &value[..])]));
        }
    }

    #[test]
    fn a_cut_object_is_wrong_data() {
        for bytes in [
            &[0x53][..],
            &[0x53, 1],
            &[0x5F],
            &[0x5F, 0x81, 0],
            &[0x53, 0x80],
            &[0x53, 0x82, 0],
            &[0x53, 0x83, 0, 0, 0],
        ] {
            assert_eq!(read(bytes), Err(Status::WRONG_DATA), "{bytes:02X?}");
        }
        assert_eq!(read_one(&[0x53, 0, 0x53, 0], 0x53), Err(Status::WRONG_DATA));
        assert_eq!(read_tags(&[0x50, 0x5F, 0x2E]), Ok(vec![0x50, 0x5F2E]));
    }

    #[test]
    fn tags_are_told_from_other_numbers() {
        assert!(is_tag(0x53) && is_tag(0x5F2E) && is_tag(0x7F66));
        assert!(!is_tag(0x5F) && !is_tag(0x0101) && !is_tag(0x5F81));
    }

    #[test]
    fn a_value_fills_its_room() {
        for room in 2..1000 {
            let length = object(0x53, &vec![0; value_room(room)]).len();
            assert!(length == room || matches!(room, 0x82 | 0x103) && length == room - 1, "{room}");
        }
    }
}
