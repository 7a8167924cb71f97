//! The test commands of a steerable card, in the class 80. They take no notice of Le, and none of the card's manners.
//!
//! | command           | answer                                                               |
//! |-------------------|----------------------------------------------------------------------|
//! | `80 EC 00 00 ...` | the command's data, 9000                                             |
//! | `80 CA P1 P2 ...` | P1P2 bytes 00 01 02 ... FF 00 ..., 9000 (65,533 bytes at most)        |
//! | `80 5E 00 00 Lc`  | remembers the command's data until reset or power loss, 9000         |
//! | `80 5F 00 00 00`  | what it remembers, 9000; 6A88 when it remembers nothing              |

use crate::apdu::{Answer, Command, MAX_RESPONSE_DATA, Response};
use crate::card::Card;
use crate::status::Status;

impl Card {
    pub(crate) fn test(&mut self, command: &Command) -> Answer {
        if !self.steerable || command.cla != 0x80 {
            return Err(Status::CLA_NOT_SUPPORTED);
        }
        match (command.ins, command.p1, command.p2) {
            (0xEC, 0, 0) => success(command.data.to_vec()),
            (0xCA, ..) => success(pattern(command.p1_p2().into())),
            (0x5E, 0, 0) => {
                self.session.remembered = Some(command.data.to_vec());
                Response::ok()
            }
            (0x5F, 0, 0) => self.session.remembered.clone().ok_or(Status::REFERENCE_NOT_FOUND).and_then(success),
            _ => Err(Status::INS_NOT_SUPPORTED),
        }
    }
}

fn success(mut data: Vec<u8>) -> Answer {
    data.truncate(MAX_RESPONSE_DATA);
    Response::data(data)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    const OK: [u8; 2] = [0x90, 0x00];
    const DATA_NOT_FOUND: [u8; 2] = [0x6A, 0x88];

    fn card() -> Card {
        Card::new(&Profile::from_toml(Profile::built_in("steerable").unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn echo_takes_short_and_extended_data() {
        let mut card = card();
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 0]), OK);
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 0, 0]), OK);
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 0, 2, 7, 8]), [7, 8, 0x90, 0]);
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 0, 2, 7, 8, 0]), [7, 8, 0x90, 0]);
        let data = pattern(MAX_RESPONSE_DATA - 7);
        let length = (data.len() as u16).to_be_bytes();
        let apdu = [&[0x80, 0xEC, 0, 0, 0], &length[..], &data, &[0, 0]].concat();
        assert_eq!(card.transmit(&apdu), [&data[..], &OK].concat());
    }

    #[test]
    fn a_pattern_fills_one_message_at_most() {
        let mut card = card();
        assert_eq!(card.transmit(&[0x80, 0xCA, 0, 3, 0]), [0, 1, 2, 0x90, 0]);
        let answer = card.transmit(&[0x80, 0xCA, 0xFF, 0xFF, 0, 0, 0]);
        assert_eq!(answer.len(), usize::from(u16::MAX));
        assert_eq!(answer[256..258], [0, 1]);
        assert!(answer.ends_with(&OK));
    }

    #[test]
    fn memory_ends_with_a_reset() {
        let mut card = card();
        assert_eq!(card.transmit(&[0x80, 0x5F, 0, 0, 0]), DATA_NOT_FOUND);
        assert_eq!(card.transmit(&[0x80, 0x5E, 0, 0, 1, 9]), OK);
        assert_eq!(card.transmit(&[0x80, 0x5F, 0, 0, 0]), [9, 0x90, 0]);
        card.reset();
        assert_eq!(card.transmit(&[0x80, 0x5F, 0, 0, 0]), DATA_NOT_FOUND);
    }

    #[test]
    fn unknown_commands_are_refused() {
        let mut card = card();
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 1]), [0x6D, 0x00]);
        assert_eq!(card.transmit(&[0x80, 0xEC]), [0x67, 0x00]);
        assert_eq!(card.transmit(&[0x80, 0xEC, 0, 0, 5, 1]), [0x67, 0x00]);
        assert_eq!(card.transmit(&[0x90, 0xEC, 0, 0]), [0x6E, 0x00]);
    }
}
