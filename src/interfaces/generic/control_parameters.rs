//! The control parameters of a file, which the card gives when it selects the file (ISO/IEC 7816-4, 7.4).

pub mod sim;

use crate::abi::constants::{
    SCM_TYPE_CYCLIC_EF, SCM_TYPE_DIRECTORY_FILE, SCM_TYPE_FIXED_EF, SCM_TYPE_TRANSPARENT_EF, SCM_TYPE_VARIABLE_EF,
};
use crate::iso7816::tlv::{self, DataObject};

/// The templates: control parameters, management data, and both together.
pub(crate) const FCP: u32 = 0x62;
pub(crate) const FMD: u32 = 0x64;
pub(crate) const FCI: u32 = 0x6F;

/// The objects in them.
pub(crate) const SIZE: u32 = 0x80;
pub(crate) const WHOLE_SIZE: u32 = 0x81;
pub(crate) const DESCRIPTOR: u32 = 0x82;
pub(crate) const ID: u32 = 0x83;
pub(crate) const NAME: u32 = 0x84;
/// Proprietary information without data objects: the structure of a SIM.
pub(crate) const STRUCTURE: u32 = 0x85;
pub(crate) const SHORT_ID: u32 = 0x88;
pub(crate) const LIFE_CYCLE: u32 = 0x8A;

/// The kind of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    Directory,
    Transparent,
    Fixed,
    Variable,
    Cyclic,
}

impl FileKind {
    pub fn value(self) -> u32 {
        match self {
            FileKind::Directory => SCM_TYPE_DIRECTORY_FILE,
            FileKind::Transparent => SCM_TYPE_TRANSPARENT_EF,
            FileKind::Fixed => SCM_TYPE_FIXED_EF,
            FileKind::Variable => SCM_TYPE_VARIABLE_EF,
            FileKind::Cyclic => SCM_TYPE_CYCLIC_EF,
        }
    }

    pub fn has_records(self) -> bool {
        matches!(self, FileKind::Fixed | FileKind::Variable | FileKind::Cyclic)
    }

    /// The kind in a file descriptor byte (ISO/IEC 7816-4, 7.4.5).
    fn of_descriptor(byte: u8) -> Option<FileKind> {
        match byte & 0xBF {
            0x38 => Some(FileKind::Directory),
            other => match other & 0x87 {
                0x01 => Some(FileKind::Transparent),
                0x02 | 0x03 => Some(FileKind::Fixed),
                0x04 | 0x05 => Some(FileKind::Variable),
                0x06 | 0x07 => Some(FileKind::Cyclic),
                _ => None,
            },
        }
    }
}

/// The effect of WRITE on a file (the data coding byte, ISO/IEC 7816-4, 12.1.1.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    Once,
    Proprietary,
    Or,
    And,
}

/// The control parameters of a file, as far as the card gives them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ControlParameters {
    pub kind: Option<FileKind>,
    /// In bytes, without structural information.
    pub size: Option<u32>,
    /// The length of the longest record, in bytes.
    pub record_size: Option<u32>,
    /// The number of records.
    pub records: Option<u32>,
    pub coding: Option<Coding>,
    pub id: Option<u16>,
    pub short_id: Option<u8>,
    pub life_cycle: Option<u8>,
}

impl ControlParameters {
    /// Reads the answer to SELECT. Some cards give an answer of their own, so every object may be missing or invalid.
    pub fn read(answer: &[u8]) -> ControlParameters {
        let mut parameters = ControlParameters::default();
        for object in objects(answer) {
            parameters.take(&object);
        }
        if parameters.kind == Some(FileKind::Directory) {
            parameters.size = None;
        }
        parameters
    }

    fn take(&mut self, object: &DataObject) {
        let number = || {
            let bytes = Some(object.value).filter(|bytes| !bytes.is_empty())?;
            bytes.iter().try_fold(0u32, |number, byte| number.checked_mul(256)?.checked_add((*byte).into()))
        };
        match object.tag {
            SIZE => self.size = number(),
            // With structural information, so it is used only if the other one is missing.
            WHOLE_SIZE => self.size = self.size.or_else(number),
            DESCRIPTOR => self.take_descriptor(object.value),
            ID => self.id = object.value.try_into().ok().map(u16::from_be_bytes),
            SHORT_ID => self.short_id = object.value.first().map(|byte| byte >> 3),
            LIFE_CYCLE => self.life_cycle = object.value.first().copied(),
            _ => {}
        }
    }

    /// The descriptor byte, the data coding byte, the longest record (one or two bytes), and the number of records.
    fn take_descriptor(&mut self, value: &[u8]) {
        self.kind = value.first().and_then(|byte| FileKind::of_descriptor(*byte));
        self.coding = value.get(1).map(|byte| match byte >> 5 & 0x03 {
            0 => Coding::Once,
            1 => Coding::Proprietary,
            2 => Coding::Or,
            _ => Coding::And,
        });
        let record_size = match value {
            [_, _, size] => u32::from(*size),
            [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]).into(),
            _ => 0,
        };
        self.records = match value {
            [_, _, _, _, count] => Some((*count).into()),
            [_, _, _, _, high, low] => Some(u16::from_be_bytes([*high, *low]).into()),
            _ => None,
        };
        // A file with records of 0 bytes has no records.
        self.record_size = (record_size > 0).then_some(record_size);
    }
}

/// The data objects in the templates of an answer, or in the answer itself if it has no template. Some cards put the
/// templates of control parameters and of management data into the common one.
pub fn objects(answer: &[u8]) -> impl Iterator<Item = DataObject<'_>> {
    tlv::objects(answer).flat_map(opened).flat_map(opened)
}

/// The objects in a template, or the object itself if it is no template.
fn opened(object: DataObject<'_>) -> tlv::Objects<'_> {
    match object.tag {
        FCP | FMD | FCI => tlv::objects(object.value),
        _ => tlv::objects(object.whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transparent_file() {
        let answer =
            [0x62, 17, 0x80, 2, 0x01, 0x00, 0x82, 2, 0x01, 0x41, 0x83, 2, 0x44, 0x01, 0x88, 1, 0x08, 0x8A, 1, 5];
        let answer = [&answer[..1], &[18], &answer[2..]].concat();
        let parameters = ControlParameters::read(&answer);
        assert_eq!((parameters.kind, parameters.size), (Some(FileKind::Transparent), Some(256)));
        assert_eq!((parameters.id, parameters.short_id, parameters.life_cycle), (Some(0x4401), Some(1), Some(5)));
        assert_eq!(parameters.coding, Some(Coding::Or));
    }

    #[test]
    fn records_and_directories() {
        let kind = |descriptor: &[u8]| {
            let mut inner = Vec::new();
            tlv::push(&mut inner, DESCRIPTOR, descriptor).unwrap();
            let mut answer = Vec::new();
            tlv::push(&mut answer, FCI, &inner).unwrap();
            let parameters = ControlParameters::read(&answer);
            (parameters.kind, parameters.record_size)
        };
        assert_eq!(kind(&[0x42, 0x41, 0x00, 0x08, 0x0A]), (Some(FileKind::Fixed), Some(8)));
        assert_eq!(kind(&[0x04, 0x41, 0x01, 0x20, 0x00, 0x0A]), (Some(FileKind::Variable), Some(288)));
        assert_eq!(kind(&[0x06, 0x41, 0x20]), (Some(FileKind::Cyclic), Some(32)));
        assert_eq!(kind(&[0x02, 0x41, 0x00, 0x00, 0x0A]), (Some(FileKind::Fixed), None));
        for (descriptor, records) in [
            (&[0x82, 5, 2, 0x41, 0, 8, 0x0A][..], Some(10)),
            (&[0x82, 6, 2, 0x41, 0, 8, 1, 0x0A], Some(266)),
            (&[0x82, 4, 2, 0x41, 0, 8], None),
        ] {
            assert_eq!(ControlParameters::read(descriptor).records, records);
        }
        assert_eq!(kind(&[0x78]), (Some(FileKind::Directory), None));
        assert_eq!(kind(&[0x38]), (Some(FileKind::Directory), None));
        assert_eq!(kind(&[0x80]), (None, None));
        assert_eq!(kind(&[]), (None, None));
    }

    #[test]
    fn an_invalid_answer_is_no_error() {
        for answer in [
            &[][..],
            &[0x62],
            &[0x62, 0x05, 0x80],
            &[0x85, 0x01, 0x02],
            &[0xFF; 9],
            &[0x80, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        ] {
            assert_eq!(ControlParameters::read(answer).kind, None);
        }
        assert_eq!(ControlParameters::read(&[0x80, 5, 1, 1, 1, 1, 1]).size, None);
        assert_eq!(ControlParameters::read(&[0x80, 0]).size, None, "a size without a number is not 0");
        assert_eq!(ControlParameters::read(&[0x80, 1, 0]).size, Some(0));
    }

    #[test]
    fn templates_in_a_template_are_opened() {
        let parameters = ControlParameters::read(&[0x6F, 11, 0x62, 7, 0x82, 1, 1, 0x80, 2, 1, 0, 0x64, 0]);
        assert_eq!((parameters.kind, parameters.size), (Some(FileKind::Transparent), Some(256)));
        let tags: Vec<_> = objects(&[0x6F, 6, 0x64, 4, 0x50, 2, 0x62, 0]).map(|object| object.tag).collect();
        assert_eq!(tags, [0x50]);
    }
}
