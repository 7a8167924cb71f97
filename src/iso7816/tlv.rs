//! BER-TLV data objects (ISO/IEC 7816-4, 6.3), parsed in place.

use crate::abi::hresult::Result;

/// One data object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataObject<'a> {
    /// All bytes of the tag as a number: 0x82, 0x7F66.
    pub tag: u32,
    pub value: &'a [u8],
    /// Tag, length and value.
    pub whole: &'a [u8],
}

/// The data objects in `bytes`, up to the first invalid one.
pub fn objects(bytes: &[u8]) -> Objects<'_> {
    Objects { rest: bytes }
}

/// The value of the first data object in `bytes` with this tag.
pub fn find(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    objects(bytes).find(|object| object.tag == tag).map(|object| object.value)
}

pub struct Objects<'a> {
    rest: &'a [u8],
}

impl Objects<'_> {
    /// Whether everything was valid.
    pub fn is_at_end(&self) -> bool {
        skip_filling(self.rest).is_empty()
    }
}

impl<'a> Iterator for Objects<'a> {
    type Item = DataObject<'a>;

    fn next(&mut self) -> Option<DataObject<'a>> {
        let bytes = skip_filling(self.rest);
        let (tag, rest) = read_tag(bytes)?;
        let (length, rest) = read_length(rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        let whole = bytes.get(..bytes.len() - rest.len())?;
        self.rest = rest;
        Some(DataObject { tag, value, whole })
    }
}

/// A tag of up to four bytes, and the bytes after it.
fn read_tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let has_more = |at: usize, byte: u8| if at == 0 { byte & 0x1F == 0x1F } else { byte & 0x80 != 0 };
    let last = bytes.iter().enumerate().position(|(at, byte)| !has_more(at, *byte))?;
    let (tag, rest) = bytes.split_at_checked(last + 1)?;
    Some((read_number(tag)?, rest))
}

/// A length of up to five bytes, and the bytes after it. The indefinite length, 80, is invalid (ISO/IEC 7816-4, 6.3).
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=0x7F => Some((usize::from(*first), rest)),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            Some((usize::try_from(read_number(length)?).ok()?, rest))
        }
        _ => None,
    }
}

fn read_number(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0u32, |number, byte| (number <= u32::MAX >> 8).then_some(number << 8 | u32::from(*byte)))
}

/// 00 and FF between data objects have no meaning (ISO/IEC 7816-4, 6.3).
fn skip_filling(bytes: &[u8]) -> &[u8] {
    let filling = bytes.iter().take_while(|byte| matches!(byte, 0x00 | 0xFF)).count();
    bytes.get(filling..).unwrap_or_default()
}

/// The tags in a list without lengths, such as the value of a data object 5C, up to the first invalid one.
pub fn tags(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (tag, behind) = read_tag(rest)?;
        rest = behind;
        Some(tag)
    })
}

/// Appends a data object to `to`.
pub fn push(to: &mut Vec<u8>, tag: u32, value: &[u8]) -> Result<()> {
    to.try_reserve(4 + 5 + value.len())?;
    push_number(to, tag);
    match value.len() {
        0..=0x7F => to.push(value.len() as u8),
        length => {
            let bytes = (usize::BITS - length.leading_zeros()).div_ceil(8);
            to.push(0x80 | bytes as u8);
            push_number(to, u32::try_from(length).unwrap_or(u32::MAX));
        }
    }
    to.extend_from_slice(value);
    Ok(())
}

/// Without leading zeros.
fn push_number(to: &mut Vec<u8>, number: u32) {
    let bytes = number.to_be_bytes();
    let zeros = (number | 1).leading_zeros() / 8;
    to.extend_from_slice(bytes.get(zeros as usize..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u32, &[u8])> {
        objects(bytes).map(|object| (object.tag, object.value)).collect()
    }

    #[test]
    fn tags_and_lengths_of_several_bytes() {
        assert_eq!(read(&[0x80, 2, 1, 2, 0x5F, 0x24, 1, 3]), [(0x80, &[1, 2][..]), (0x5F24, &[3])]);
        assert_eq!(read(&[0x7F, 0x66, 0x81, 1, 9]), [(0x7F66, &[9][..])]);
        assert_eq!(read(&[0x62, 0x82, 0, 1, 9]), [(0x62, &[9][..])]);
        let long = [&[0x53, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(read(&long), [(0x53, &[7; 256][..])]);
    }

    #[test]
    fn padding_is_skipped() {
        assert_eq!(read(&[0, 0xFF, 0x80, 1, 5, 0, 0, 0x81, 0, 0xFF]), [(0x80, &[5][..]), (0x81, &[])]);
    }

    #[test]
    fn an_invalid_object_ends_the_list() {
        for bytes in [
            &[0x80, 1, 5, 0x81][..],
            &[0x80, 1, 5, 0x81, 3, 1],
            &[0x80, 1, 5, 0x62, 0x80, 0, 0],
            &[0x80, 1, 5, 0x5F],
            &[0x80, 1, 5, 0x5F, 0x81, 0x81, 0x81, 0x01, 1, 5],
            &[0x80, 1, 5, 0x81, 0x85, 0, 0, 0, 0, 1, 5],
            &[0x80, 1, 5, 0x81, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 5],
        ] {
            let mut all = objects(bytes);
            assert_eq!(all.by_ref().count(), 1, "{bytes:02X?}");
            assert!(!all.is_at_end());
        }
    }

    #[test]
    fn an_appended_object_can_be_parsed() {
        for length in [0, 1, 127, 128, 255, 256, 65_536] {
            for tag in [0x53, 0x7F66] {
                let (value, mut bytes) = (vec![5; length], Vec::new());
                push(&mut bytes, tag, &value).unwrap();
                assert_eq!(read(&bytes), [(tag, &value[..])]);
            }
        }
    }

    #[test]
    fn tags_without_lengths() {
        assert_eq!(tags(&[0x80, 0x5F, 0x24, 0x62]).collect::<Vec<_>>(), [0x80, 0x5F24, 0x62]);
        assert_eq!(tags(&[0x80, 0x5F]).collect::<Vec<_>>(), [0x80]);
    }
}
