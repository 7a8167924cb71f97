//! The class byte (ISO/IEC 7816-4, 5.4.1): logical channel, chaining, and the owner of a class.

use super::command::ins;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::hresult::Result;

/// The greatest number of logical channels, with the basic one.
const CHANNELS: u32 = 20;

/// The bit for: more of this command follows.
const CHAINING: u8 = 0x10;
/// The classes with channels 4 to 19.
const FURTHER: u8 = 0x40;
const PROPRIETARY: u8 = 0x80;
/// The class of the SIM (3GPP TS 51.011). A SIM has no channels, and knows no other class.
pub(crate) const SIM: u8 = 0xA0;
/// The class of the commands that a reader executes itself (PC/SC part 3, 3.2.2).
pub(super) const READER: u8 = 0xFF;
/// INS of the messages of FIDO2 in class 80, and of the request for a delayed answer (CTAP, NFC).
const FIDO_MESSAGES: [u8; 2] = [0x10, 0x11];

/// `cla` on a logical channel. Channel 0 does not change it, even if it has a channel.
pub fn on_channel(cla: u8, channel: u32) -> Result<u8> {
    match (cla, channel) {
        (_, 0) => Ok(cla),
        // No card has this class (ISO/IEC 7816-3, 9), and a reader has no channels.
        (READER, _) => Err(refuse("is FF, which no channel can have")).of("cla"),
        _ if cla & (FURTHER | 0x03) != 0 => {
            Err(refuse("has a channel already, which is given in channel, too")).of("cla")
        }
        (_, 1..4) => Ok(cla | channel as u8),
        (_, 4..CHANNELS) => {
            // Secure messaging has one bit there.
            let secured = if cla & 0x0C != 0 { 0x20 } else { 0 };
            Ok(cla & (PROPRIETARY | CHAINING) | FURTHER | secured | (channel - 4) as u8)
        }
        _ => Err(refuse("is greater than 19")).of("channel"),
    }
}

/// `cla` with the bit for chaining; None if the class has no such bit, or uses it otherwise.
pub fn chained(cla: u8) -> Option<u8> {
    (cla & CHAINING == 0 && cla != SIM).then_some(cla | CHAINING)
}

/// Whether two classes differ at most in the bit for chaining.
pub fn is_same(cla: u8, other: u8) -> bool {
    unchained(cla) == unchained(other)
}

/// The class without the bit for chaining.
pub fn unchained(cla: u8) -> u8 {
    cla & !CHAINING
}

/// Whether the effect of a command is known: those of ISO/IEC 7816-4; in the classes 80 to 8F also those of
/// GlobalPlatform and FIDO2, and those with an instruction of ISO/IEC 7816-4. The effect of other commands there, and
/// of all in the classes from 90 on, is known only to the card.
pub fn is_known(cla: u8, ins: u8) -> bool {
    match cla {
        0x00..0x80 => true,
        0x80..0x90 => ins::is_known(ins) || FIDO_MESSAGES.contains(&ins),
        _ => false,
    }
}

/// The interindustry class with the channel of `cla`: that of ENVELOPE. GlobalPlatform has channels in the classes 80
/// to 8F, and ETSI in 80 to 83. In other proprietary classes only the card knows the meaning of the bits, so they are
/// no channel.
pub fn interindustry(cla: u8) -> u8 {
    match cla {
        SIM => SIM,
        0x40..0x80 => FURTHER | cla & 0x0F,
        0x00..0x40 | 0x80..0x90 => cla & 0x03,
        _ => 0,
    }
}

/// The same for a class that `on_channel` has made.
fn interindustry_on_channel(cla: u8) -> u8 {
    if cla & FURTHER != 0 { FURTHER | cla & 0x0F } else { cla & 0x03 }
}

/// The classes for GET RESPONSE, in the order in which they are tried: first that of the standards. A class may occur
/// twice.
///
/// ISO/IEC 7816-4:2005, 7.6.1 has an interindustry class. GlobalPlatform (Card Specification 2.3.1, 11.1.4) and ETSI
/// (TS 102 221, 10.1.2) have one also after a command of class 80, and cards refuse 80 (GlobalPlatformPro issue 15).
/// FIDO2 stays in class 80 (libfido2 issue 816), the SIM in A0 (3GPP TS 51.011, 9.2), and cards of other proprietary
/// classes in theirs (pcsc-sharp issue 97). The low bits of 81 to 8F are a channel only to cards with channels, so the
/// last try is 00 there. `has_channel` means that the caller has chosen the channel; then each try stays on it.
pub fn fetching(cla: u8, ins: u8, has_channel: bool) -> [u8; 3] {
    let own = unchained(cla);
    match cla {
        _ if has_channel => [interindustry_on_channel(cla), own, own],
        SIM => [SIM, 0, 0],
        0x80 | 0x90 if FIDO_MESSAGES.contains(&ins) => [PROPRIETARY, 0, 0],
        0x00..0x80 => [interindustry(cla), own, own],
        0x80..0x90 => [interindustry(cla), own, 0],
        _ => [cla, 0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    #[test]
    fn there_are_twenty_channels() {
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
        for (cla, channel) in [(0x00, 20), (0x01, 2), (0x40, 1), (0xFF, 1), (0x00, u32::MAX)] {
            assert_eq!(on_channel(cla, channel), Err(Hresult::E_INVALIDARG));
        }
    }

    #[test]
    fn not_every_class_has_a_bit_for_chaining() {
        assert_eq!([0x00, 0x4F, 0x82].map(chained), [Some(0x10), Some(0x5F), Some(0x92)]);
        assert_eq!([0x10, 0x90, 0xF0, SIM].map(chained), [None; 4]);
    }

    #[test]
    fn envelopes_are_on_the_channel_of_their_command() {
        for (cla, expected) in [(0x00, 0), (0x1E, 2), (0x82, 2), (0x4F, 0x4F), (0x7F, 0x4F), (SIM, SIM)] {
            assert_eq!(interindustry(cla), expected, "{cla:02X}");
        }
    }

    #[test]
    fn no_proprietary_class_becomes_one_of_a_channel() {
        for cla in 0x90..=0xFE {
            assert_eq!(interindustry(cla), if cla == SIM { SIM } else { 0 }, "{cla:02X}");
            let is_right = |class: &u8| *class == 0 || *class == cla;
            assert!(fetching(cla, 0xA4, false).iter().all(is_right), "{cla:02X}");
        }
        for cla in [0xA4, 0xB0, 0xC0, 0xC3, 0xD4, 0xE0, 0xF8] {
            assert_eq!(fetching(cla, 0xA4, false), [cla, 0, 0], "{cla:02X}");
        }
    }

    #[test]
    fn the_class_of_the_standards_is_tried_first() {
        for (cla, ins, expected) in [
            (0x00, 0xA4, [0x00, 0x00, 0x00]),
            (0x1E, 0xA4, [0x02, 0x0E, 0x0E]),
            (0x4F, 0xA4, [0x4F, 0x4F, 0x4F]),
            (0x7F, 0xA4, [0x4F, 0x6F, 0x6F]),
            (0x80, 0x50, [0x00, 0x80, 0x00]),
            (0x84, 0xF2, [0x00, 0x84, 0x00]),
            (0x82, 0xF2, [0x02, 0x82, 0x00]),
            (0x85, 0xA4, [0x01, 0x85, 0x00]),
            (0x8F, 0xA4, [0x03, 0x8F, 0x00]),
            (0x80, 0x10, [0x80, 0x00, 0x00]),
            (0x90, 0x10, [0x80, 0x00, 0x00]),
            (0x90, 0x5A, [0x90, 0x00, 0x00]),
            (SIM, 0xA4, [SIM, 0x00, 0x00]),
        ] {
            assert_eq!(fetching(cla, ins, false), expected, "{cla:02X} {ins:02X}");
        }
        // The caller has chosen it as a channel.
        for (cla, channel, expected) in [(0x80, 2, [0x02, 0x82]), (0x80, 6, [0x42, 0xC2]), (0x8C, 4, [0x40, 0xE0])] {
            let [first, other, last] = fetching(on_channel(cla, channel).unwrap(), 0xF2, true);
            assert_eq!(([first, other], last), (expected, other), "{cla:02X} {channel}");
        }
    }
}
