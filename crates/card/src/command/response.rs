//! GET RESPONSE (ISO/IEC 7816-4, 11.7.1).

use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::manners::Pending;
use crate::status::Status;

impl Card {
    /// Returns the rest of the response before, on the same channel. Any other command drops it.
    pub(super) fn get_response(&self, command: &Command, pending: Option<Pending>) -> Answer {
        command.expect_p1_p2(0, 0)?;
        if !command.data.is_empty() || command.le.is_none() {
            return Err(Status::WRONG_LENGTH);
        }
        match pending {
            Some(Pending { channel, data, status }) if channel == self.session.number() => {
                Ok(Response::new(data, status))
            }
            _ => Err(Status::CONDITIONS_NOT_SATISFIED),
        }
    }
}
