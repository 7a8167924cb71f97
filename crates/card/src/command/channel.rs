//! MANAGE CHANNEL (ISO/IEC 7816-4, 11.1.2).

use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::features::Feature;
use crate::file_tree::Node;
use crate::session::Channel;
use crate::status::Status;

const OPEN: u8 = 0x00;
const CLOSE: u8 = 0x80;

impl Card {
    pub(super) fn manage_channel(&mut self, command: &Command) -> Answer {
        if !self.features.has(Feature::Channels) {
            return Err(Status::CHANNEL_NOT_SUPPORTED);
        }
        let number = usize::from(command.p2);
        if number >= self.channels {
            return Err(Status::WRONG_P1_P2);
        }
        match (command.p1, number) {
            (OPEN, 0) => self.open_any(command),
            (OPEN, number) => self.open(number),
            (CLOSE, number) => self.close(number),
            _ => Err(Status::WRONG_P1_P2),
        }
    }

    /// Opens a channel that the card chooses, and returns its number.
    fn open_any(&mut self, command: &Command) -> Answer {
        if command.le.is_none() {
            return Err(Status::WRONG_LENGTH);
        }
        let number = self.session.first_closed(self.channels).ok_or(Status::FUNCTION_NOT_SUPPORTED)?;
        self.open(number)?;
        Response::data(vec![number as u8])
    }

    /// A channel opened from the basic one begins at the MF, from another one at its DF.
    fn open(&mut self, number: usize) -> Answer {
        if self.session.is_open(number) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let df = if self.session.number() == 0 { Node::MF } else { self.current_df()? };
        self.session.set(number, Some(Channel::at(df)));
        Response::ok()
    }

    /// Closes a channel: 0 is that of the command. The basic one stays open.
    fn close(&mut self, number: usize) -> Answer {
        let number = if number == 0 { self.session.number() } else { number };
        if number == 0 {
            return Err(Status::WRONG_P1_P2);
        }
        if !self.session.is_open(number) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        self.session.set(number, None);
        Response::ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, default_card};

    #[test]
    fn channels_are_opened_and_closed() {
        default_card().expect(&[
            ("01A4000C", "6881"),
            ("0070000001", "01 9000"),
            ("0070000000", "02 9000"),
            ("00700000", "6700"),
            ("00700001", "6985"),
            ("00700013", "9000"),
            ("4FA4000C", "9000"),
            ("01A4000C", "9000"),
            ("01708000", "9000"),
            ("01A4000C", "6881"),
            ("00708013", "9000"),
            ("00708013", "6985"),
            ("00708000", "6A86"),
            ("00700014", "6A86"),
            ("00704001", "6A86"),
        ]);
    }

    #[test]
    fn a_wrong_le_opens_nothing() {
        card("manners = 'T0'").expect(&[("0070000000", "6C01"), ("0070000001", "01 9000")]);
    }

    #[test]
    fn each_channel_has_its_own_selection_and_local_status() {
        default_card().expect(&[
            ("00A4000C025016", "9000"),
            ("00200081 06 736563726574", "9000"),
            ("0070000001", "01 9000"),
            // Opened from the basic channel it begins at the MF.
            ("01A4020C022F00", "9000"),
            ("01A4000C025016", "9000"),
            ("01200081", "63C5"),
            ("00200081", "9000"),
            ("01A4020C024501", "9000"),
            ("01B0000001", "6982"),
            ("00B0810001", "62 9000"),
            // Opened from another one it begins at that one's DF.
            ("0170000001", "02 9000"),
            ("02A4020C024501", "9000"),
            // A verification of the MF counts everywhere.
            ("00200001 08 31323334FFFFFFFF", "9000"),
            ("02200001", "9000"),
        ]);
    }

    #[test]
    fn there_are_as_many_as_the_profile_says() {
        card("channels = 2").expect(&[("0070000001", "01 9000"), ("0070000001", "6A81"), ("00700002", "6A86")]);
        card("unsupported = ['channels']").expect(&[("0070000001", "6881"), ("01A4000C", "6881")]);
    }
}
