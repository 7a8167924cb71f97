//! The capabilities of a card, from the historical bytes of its ATR, and from EF.ATR/INFO (ISO/IEC 7816-4, 12.1 and
//! 12.2).

use crate::iso7816::atr::Atr;
use crate::iso7816::command::{SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{EVERYTHING, Extended, Limits};
use crate::iso7816::tlv;

/// Card capabilities, and the limits of extended lengths. `None` for what the card does not report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    pub chaining: Option<bool>,
    pub extended: Option<bool>,
    /// The longest command APDU and the longest response APDU, in bytes.
    pub max_command: Option<usize>,
    pub max_response: Option<usize>,
    /// The number of logical channels, with the basic one.
    pub channels: Option<u32>,
    /// EF.ATR/INFO has more information.
    pub more_in_file: bool,
    /// The information in EF.ATR/INFO has been read.
    pub has_read_file: bool,
}

/// Card capabilities, as a BER-TLV and as a COMPACT-TLV tag.
const CARD_CAPABILITIES: u32 = 0x47;
const COMPACT_CARD_CAPABILITIES: u8 = 0x7;
/// The value of the table for eight or more logical channels.
const EIGHT_OR_MORE: u32 = 8;
/// Extended length information: two data objects 02, for commands and for responses.
const EXTENDED_LENGTH_INFORMATION: u32 = 0x7F66;
const INTEGER: u32 = 0x02;

impl Capabilities {
    pub fn of_atr(atr: &Atr) -> Capabilities {
        let mut capabilities = Capabilities::default();
        if let Some((_, value)) = atr.compact_objects().find(|(tag, _)| *tag == COMPACT_CARD_CAPABILITIES) {
            capabilities.read_table(value);
        }
        capabilities
    }

    /// EF.ATR/INFO adds to the information of the ATR.
    pub fn with_file(mut self, content: &[u8]) -> Capabilities {
        if let Some(value) = tlv::find(content, CARD_CAPABILITIES) {
            self.read_table(value);
        }
        if let Some(value) = tlv::find(content, EXTENDED_LENGTH_INFORMATION) {
            let mut lengths =
                tlv::objects(value).filter(|object| object.tag == INTEGER).map(|object| number(object.value));
            self.max_command = lengths.next().or(self.max_command);
            self.max_response = lengths.next().or(self.max_response);
        }
        self.more_in_file = false;
        self.has_read_file = true;
        self
    }

    /// Corrects the capabilities after the card has refused command chaining. If it claims chaining, its claim of
    /// extended lengths is doubtful, too.
    pub fn without_chaining(self) -> Capabilities {
        let extended = if self.chaining == Some(true) { Some(true) } else { self.extended };
        Capabilities { chaining: Some(false), extended, ..self }
    }

    /// The third software function table.
    fn read_table(&mut self, value: &[u8]) {
        let Some(table) = value.get(2) else { return };
        self.chaining = Some(table & 0x80 != 0);
        self.extended = Some(table & 0x40 != 0);
        self.more_in_file = table & 0x20 != 0;
        self.channels = Some(match table & 0x07 {
            // Eight, or more.
            0x07 => EIGHT_OR_MORE,
            more => u32::from(more) + 1,
        });
    }

    /// The permitted forms of a command. A card without capabilities may know chaining, and refuses it otherwise. But
    /// it could misunderstand an extended length. `reader` is the greatest length of data that the reader carries, if
    /// it reports one; up to 256 means short lengths only (PC/SC part 10, 2.6.14).
    pub fn limits(&self, reader: Option<usize>) -> Limits {
        let carried = |most: usize, overhead: usize, of_card: Option<usize>| {
            let of_card = of_card.map_or(most, |length| length.saturating_sub(overhead));
            most.min(of_card).min(reader.unwrap_or(most))
        };
        // The limits of extended lengths are not known yet. While chaining works, no guess is needed.
        let is_unknown = self.more_in_file && self.max_command.is_none() && self.chaining == Some(true);
        let extended = Extended {
            data: if is_unknown { SHORT_DATA } else { carried(EVERYTHING.data, 9, self.max_command) },
            response: carried(EVERYTHING.response, 2, self.max_response),
        };
        Limits {
            chaining: self.chaining.unwrap_or(true),
            extended: (self.extended == Some(true)
                && reader.is_none_or(|most| most > SHORT_RESPONSE)
                && extended.is_longer_than_short())
            .then_some(extended),
        }
    }
}

impl Extended {
    /// Whether EF.ATR/INFO can help.
    pub fn is_longer_than_short(&self) -> bool {
        let is_as_long = self.data >= SHORT_DATA && self.response >= SHORT_RESPONSE;
        is_as_long && (self.data > SHORT_DATA || self.response > SHORT_RESPONSE)
    }
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number: usize, byte| number.saturating_mul(256).saturating_add(usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test card: chaining, extended lengths with limits in EF.ATR, eight channels or more.
    const ATR: [u8; 16] = *b"\x3B\x8B\x01\x80\x31\xF8\x73\xF7\x41\xFF\x53\x73\x63\x6D\xD7\x00";
    const FILE: [u8; 18] = *b"\x43\x01\xF8\x7F\x66\x0A\x02\x03\x00\xFF\xFF\x02\x03\x00\x04\x00\x00\xFF";

    #[test]
    fn the_historical_bytes_say_what_the_card_can_do() {
        let capabilities = Capabilities::of_atr(&Atr::new(&ATR[..15]));
        assert_eq!(
            (capabilities.chaining, capabilities.extended, capabilities.more_in_file, capabilities.channels),
            (Some(true), Some(true), true, Some(EIGHT_OR_MORE))
        );
        // The limits of extended lengths are in the file; until it is read, commands are chained.
        let extended = Extended { data: SHORT_DATA, ..EVERYTHING };
        assert_eq!(capabilities.limits(None), Limits { chaining: true, extended: Some(extended) });
        let without_parts = Capabilities { chaining: Some(false), ..capabilities };
        assert_eq!(without_parts.limits(None), Limits { chaining: false, extended: Some(EVERYTHING) });
    }

    #[test]
    fn the_file_gives_the_limits_of_lengths() {
        let capabilities = Capabilities::of_atr(&Atr::new(&ATR[..15])).with_file(&FILE);
        assert!(!capabilities.more_in_file);
        let extended = |reader| capabilities.limits(reader).extended;
        assert_eq!(extended(None), Some(Extended { data: 65_526, response: 1022 }));
        assert_eq!(extended(Some(1000)), Some(Extended { data: 1000, response: 1000 }));
        assert_eq!(extended(Some(256)), None);
        assert_eq!(extended(Some(0)), None);
    }

    #[test]
    fn a_card_without_capabilities_may_know_chaining() {
        for atr in [&[0x3B, 0x00][..], &[], &[0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFF]] {
            let limits = Capabilities::of_atr(&Atr::new(atr)).limits(None);
            assert_eq!(limits, Limits { chaining: true, extended: None });
        }
    }

    #[test]
    fn a_status_indicator_is_no_data_object() {
        // With category 00 these are the last three bytes, which look like card capabilities here.
        let atr = |last: u8| Atr::new(&[0x3B, 0x08, 0x00, 0x31, 0xC0, 0x41, 0x00, 0x73, 0xF6, last]);
        assert_eq!(Capabilities::of_atr(&atr(0xF6)), Capabilities::default());
        let atr = Atr::new(&[0x3B, 0x08, 0x00, 0x73, 0, 0, 0xC0, 0x07, 0x90, 0x00]);
        assert_eq!(Capabilities::of_atr(&atr).extended, Some(true));
        for short in [&[0x3B, 0x01, 0x00][..], &[0x3B, 0x03, 0x00, 0x73, 0xF6]] {
            assert_eq!(Capabilities::of_atr(&Atr::new(short)), Capabilities::default());
        }
    }

    #[test]
    fn capabilities_of_real_cards() {
        // An OpenPGP card 2 and 3, the German identity card, a YubiKey, a USIM.
        for (historical, chaining, extended, more_in_file, channels) in [
            (&b"\x00\x31\xC5\x73\xC0\x01\x40\x05\x90\x00"[..], false, true, false, 1),
            (b"\x00\x31\xF5\x73\xC0\x01\x60\x05\x90\x00", false, true, true, 1),
            (b"\x80\x31\xF8\x73\xF7\x41\xE0\x82\x90\x00", true, true, true, 1),
            (b"\x80\x73\xC0\x21\xC0\x57YubiKey", true, true, false, 1),
            (b"\x80\x31\xA0\x73\xBE\x21\x13\x67\x43\x20\x07\x18\x00\x00\x01", false, false, false, 4),
        ] {
            let atr = [&[0x3B, historical.len() as u8][..], historical].concat();
            let capabilities = Capabilities::of_atr(&Atr::new(&atr));
            let expected = Capabilities {
                chaining: Some(chaining),
                extended: Some(extended),
                channels: Some(channels),
                more_in_file,
                ..Capabilities::default()
            };
            assert_eq!(capabilities, expected, "{historical:02X?}");
        }
    }

    #[test]
    fn one_of_the_lengths_may_be_short() {
        let extended = |command: usize, response: usize| {
            let capabilities = Capabilities {
                extended: Some(true),
                max_command: Some(command),
                max_response: Some(response),
                ..Capabilities::default()
            };
            capabilities.limits(None).extended
        };
        assert_eq!(extended(264, 1002), Some(Extended { data: 255, response: 1000 }));
        assert_eq!(extended(1009, 258), Some(Extended { data: 1000, response: 256 }));
        assert_eq!((extended(264, 258), extended(263, 1002), extended(1009, 257)), (None, None, None));
    }

    #[test]
    fn a_card_that_denies_a_capability_lacks_it() {
        let atr = Atr::new(&[0x3B, 0x05, 0x80, 0x73, 0, 0, 0]);
        assert_eq!(Capabilities::of_atr(&atr).limits(None), Limits { chaining: false, extended: None });
        assert_eq!(Capabilities::of_atr(&atr).channels, Some(1));
    }
}
