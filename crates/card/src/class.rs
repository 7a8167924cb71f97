//! The class byte (ISO/IEC 7816-4, 5.4.1).

use crate::status::{Result, Status};

/// The meaning of CLA.
#[derive(Debug, PartialEq, Eq)]
pub enum Class {
    Interindustry {
        channel: usize,
        /// True if more parts of the chain follow.
        chained: bool,
    },
    /// A proprietary class.
    Proprietary,
}

impl Class {
    /// Reads CLA. Secure messaging is refused here: it is useless without keys.
    pub fn read(cla: u8) -> Result<Class> {
        let (channel, secure) = match cla {
            0x00..=0x1F => (cla & 0x03, cla & 0x0C != 0),
            0x40..=0x7F => (4 + (cla & 0x0F), cla & 0x20 != 0),
            0x80..=0xFE => return Ok(Class::Proprietary),
            // Reserved; readers use FF for themselves.
            0x20..=0x3F | 0xFF => return Err(Status::CLA_NOT_SUPPORTED),
        };
        if secure {
            return Err(Status::SECURE_MESSAGING_NOT_SUPPORTED);
        }
        Ok(Class::Interindustry { channel: channel.into(), chained: cla & 0x10 != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nineteen_channels_beside_the_basic_one() {
        assert_eq!(Class::read(0x00), Ok(Class::Interindustry { channel: 0, chained: false }));
        assert_eq!(Class::read(0x13), Ok(Class::Interindustry { channel: 3, chained: true }));
        assert_eq!(Class::read(0x40), Ok(Class::Interindustry { channel: 4, chained: false }));
        assert_eq!(Class::read(0x5F), Ok(Class::Interindustry { channel: 19, chained: true }));
        assert_eq!(Class::read(0x80), Ok(Class::Proprietary));
    }

    #[test]
    fn secure_messaging_and_reserved_classes_are_refused() {
        for cla in [0x04, 0x08, 0x0C, 0x60, 0x7F] {
            assert_eq!(Class::read(cla), Err(Status::SECURE_MESSAGING_NOT_SUPPORTED));
        }
        for cla in [0x20, 0x3F, 0xFF] {
            assert_eq!(Class::read(cla), Err(Status::CLA_NOT_SUPPORTED));
        }
    }
}
