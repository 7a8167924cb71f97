//! The effect of WRITE and ERASE on bytes: the data coding byte (ISO/IEC 7816-4, table 118 of 2013).

use serde::Deserialize;

use crate::status::{Result, Status};

/// The behaviour of the write functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteBehaviour {
    /// It can only set bits; the erased state is 00.
    #[default]
    Or,
    /// It can only clear bits; the erased state is FF.
    And,
    /// A byte is written once; the erased state is 00.
    Once,
}

impl WriteBehaviour {
    /// The data coding byte, with data units of one byte.
    pub fn data_coding(self) -> u8 {
        let behaviour = match self {
            WriteBehaviour::Once => 0x00,
            WriteBehaviour::Or => 0x40,
            WriteBehaviour::And => 0x60,
        };
        let two_quartets = 0x01;
        behaviour | two_quartets
    }

    /// The logical erased state: WRITE can still make any value of it.
    pub fn erased(self) -> u8 {
        match self {
            WriteBehaviour::Or | WriteBehaviour::Once => 0x00,
            WriteBehaviour::And => 0xFF,
        }
    }

    /// Writes `data` over `old` of the same length; all of it, or nothing.
    pub fn write(self, old: &mut [u8], data: &[u8]) -> Result<()> {
        let erased = self.erased();
        if self == WriteBehaviour::Once && old.iter().zip(data).any(|(old, new)| *old != erased && old != new) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        for (old, new) in old.iter_mut().zip(data) {
            match self {
                WriteBehaviour::Or => *old |= new,
                WriteBehaviour::And => *old &= new,
                WriteBehaviour::Once => *old = *new,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_behaviour_writes_into_its_erased_state() {
        for behaviour in [WriteBehaviour::Or, WriteBehaviour::And, WriteBehaviour::Once] {
            let mut bytes = [behaviour.erased(); 2];
            behaviour.write(&mut bytes, &[0x5A, 0xA5]).unwrap();
            assert_eq!(bytes, [0x5A, 0xA5]);
        }
    }

    #[test]
    fn a_byte_is_written_twice() {
        let written = |behaviour: WriteBehaviour| {
            let mut byte = [0x0F];
            behaviour.write(&mut byte, &[0x3C]).map(|()| byte)
        };
        assert_eq!(written(WriteBehaviour::Or), Ok([0x3F]));
        assert_eq!(written(WriteBehaviour::And), Ok([0x0C]));
        assert_eq!(written(WriteBehaviour::Once), Err(Status::CONDITIONS_NOT_SATISFIED));
    }
}
