//! The class byte (ISO/IEC 7816-4, 5.4.1): logical channel, chaining, and what belongs to whom.

use crate::hresult::{Hresult, Result};

/// How many logical channels there can be, with the basic one.
const CHANNELS: u32 = 20;

/// The bit that says: more of this command follows.
const CHAINING: u8 = 0x10;
/// The classes with the channels 4 to 19.
const FURTHER: u8 = 0x40;
const PROPRIETARY: u8 = 0x80;
/// The class of the SIM (ETSI TS 151 011), which knows no channels, and nothing of other classes.
const SIM: u8 = 0xA0;

/// `cla` on a logical channel. Channel 0 leaves it as it is, whatever channel it has by itself.
pub fn on_channel(cla: u8, channel: u32) -> Result<u8> {
    match (cla, channel) {
        // Reserved for the PPS (ISO/IEC 7816-3, 9).
        (0xFF, _) => Err(Hresult::E_INVALIDARG),
        (_, 0) => Ok(cla),
        _ if cla & (FURTHER | 0x03) != 0 => Err(Hresult::E_INVALIDARG),
        (_, 1..4) => Ok(cla | channel as u8),
        (_, 4..CHANNELS) => {
            // Secure messaging is one bit there.
            let secured = if cla & 0x0C != 0 { 0x20 } else { 0 };
            Ok(cla & (PROPRIETARY | CHAINING) | FURTHER | secured | (channel - 4) as u8)
        }
        _ => Err(Hresult::E_INVALIDARG),
    }
}

/// `cla` with the bit that says that more follows; None where the class has no such bit, or uses it for something else.
pub fn chained(cla: u8) -> Option<u8> {
    (cla & CHAINING == 0 && cla != SIM).then_some(cla | CHAINING)
}

/// The class of GET RESPONSE and ENVELOPE for a command of `cla`: its channel, and nothing else. They are interindustry commands,
/// also where the command is proprietary (GlobalPlatform Card Specification 2.3.1, 11.1.4).
pub fn of_transport(cla: u8) -> u8 {
    match cla {
        SIM => SIM,
        // Whose they are is not said, and so not either that they have channels.
        0xF0.. => 0,
        _ if cla & FURTHER != 0 => FURTHER | cla & 0x0F,
        _ => cla & 0x03,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_channels() {
        assert_eq!(on_channel(0x00, 0), Ok(0x00));
        assert_eq!(on_channel(0x0C, 3), Ok(0x0F));
        assert_eq!(on_channel(0x00, 4), Ok(0x40));
        assert_eq!(on_channel(0x10, 19), Ok(0x5F));
        assert_eq!(on_channel(0x0C, 5), Ok(0x61));
        assert_eq!(on_channel(0x80, 2), Ok(0x82));
        assert_eq!(on_channel(0x80, 6), Ok(0xC2));
    }

    #[test]
    fn a_class_has_one_channel() {
        for (cla, channel) in [(0x00, 20), (0x01, 2), (0x40, 1), (0xFF, 0), (0x00, u32::MAX)] {
            assert_eq!(on_channel(cla, channel), Err(Hresult::E_INVALIDARG));
        }
    }

    #[test]
    fn not_every_class_has_a_bit_for_chaining() {
        assert_eq!([0x00, 0x4F, 0x82].map(chained), [Some(0x10), Some(0x5F), Some(0x92)]);
        assert_eq!([0x10, 0x90, 0xF0, SIM].map(chained), [None; 4]);
    }

    #[test]
    fn what_fetches_a_response_is_on_the_channel_of_its_command() {
        for (cla, expected) in
            [(0x00, 0), (0x1E, 2), (0x82, 2), (0x4F, 0x4F), (0x7F, 0x4F), (0xC1, 0x41), (SIM, SIM), (0xF3, 0)]
        {
            assert_eq!(of_transport(cla), expected, "{cla:02X}");
        }
    }
}
