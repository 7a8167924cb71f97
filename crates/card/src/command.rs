//! The commands (ISO/IEC 7816-4, 11; CREATE to DEACTIVATE FILE: 7816-9), one file per noun.

mod binary;
mod challenge;
mod channel;
mod data_object;
mod envelope;
mod file_management;
mod record;
mod reference_data;
mod response;
mod select;
mod test;
#[cfg(test)]
pub mod tests;

use crate::apdu::{Answer, Command};
use crate::card::Card;
use crate::features::Feature;
use crate::manners::Pending;
use crate::status::Status;

/// The instruction bytes.
pub mod ins {
    pub const DEACTIVATE_FILE: u8 = 0x04;
    pub const ERASE_BINARY: u8 = 0x0E;
    pub const ERASE_BINARY_ODD: u8 = 0x0F;
    pub const VERIFY: u8 = 0x20;
    pub const CHANGE_REFERENCE_DATA: u8 = 0x24;
    pub const RESET_RETRY_COUNTER: u8 = 0x2C;
    pub const ACTIVATE_FILE: u8 = 0x44;
    pub const MANAGE_CHANNEL: u8 = 0x70;
    pub const EXTERNAL_AUTHENTICATE: u8 = 0x82;
    pub const GET_CHALLENGE: u8 = 0x84;
    pub const INTERNAL_AUTHENTICATE: u8 = 0x88;
    pub const SELECT: u8 = 0xA4;
    pub const READ_BINARY: u8 = 0xB0;
    pub const READ_BINARY_ODD: u8 = 0xB1;
    pub const READ_RECORD: u8 = 0xB2;
    pub const GET_RESPONSE: u8 = 0xC0;
    pub const ENVELOPE: u8 = 0xC2;
    pub const GET_DATA: u8 = 0xCA;
    pub const GET_DATA_ODD: u8 = 0xCB;
    pub const WRITE_BINARY: u8 = 0xD0;
    pub const WRITE_BINARY_ODD: u8 = 0xD1;
    pub const WRITE_RECORD: u8 = 0xD2;
    pub const UPDATE_BINARY: u8 = 0xD6;
    pub const UPDATE_BINARY_ODD: u8 = 0xD7;
    pub const PUT_DATA: u8 = 0xDA;
    pub const PUT_DATA_ODD: u8 = 0xDB;
    pub const UPDATE_RECORD: u8 = 0xDC;
    pub const CREATE_FILE: u8 = 0xE0;
    pub const APPEND_RECORD: u8 = 0xE2;
    pub const DELETE_FILE: u8 = 0xE4;
}

impl Card {
    /// Executes a command; `pending` is the rest of the response to the one before.
    pub(crate) fn dispatch(&mut self, command: &Command, pending: Option<Pending>) -> Answer {
        let odd = command.ins & 1 == 1;
        if odd && !self.features.has(Feature::Odd) || !self.features.has(Feature::Instruction(command.ins)) {
            return Err(Status::INS_NOT_SUPPORTED);
        }
        match command.ins {
            ins::SELECT => self.select(command),
            ins::READ_BINARY => self.read_binary(command),
            ins::READ_BINARY_ODD => self.read_binary_odd(command),
            ins::WRITE_BINARY | ins::UPDATE_BINARY | ins::ERASE_BINARY => self.change_binary(command),
            ins::WRITE_BINARY_ODD | ins::UPDATE_BINARY_ODD | ins::ERASE_BINARY_ODD => self.change_binary_odd(command),
            ins::READ_RECORD => self.read_record(command),
            ins::WRITE_RECORD | ins::UPDATE_RECORD => self.change_record(command),
            ins::APPEND_RECORD => self.append_record(command),
            ins::VERIFY => self.verify(command),
            ins::CHANGE_REFERENCE_DATA => self.change_reference_data(command),
            ins::RESET_RETRY_COUNTER => self.reset_retry_counter(command),
            ins::GET_CHALLENGE => self.get_challenge(command),
            ins::INTERNAL_AUTHENTICATE => self.internal_authenticate(command),
            ins::EXTERNAL_AUTHENTICATE => self.external_authenticate(command),
            ins::GET_DATA => self.get_data(command),
            ins::GET_DATA_ODD => self.get_data_odd(command),
            ins::PUT_DATA => self.put_data(command),
            ins::PUT_DATA_ODD => self.put_data_odd(command),
            ins::CREATE_FILE => self.create_file(command),
            ins::DELETE_FILE => self.delete_file(command),
            ins::ACTIVATE_FILE => self.activate_file(command),
            ins::DEACTIVATE_FILE => self.deactivate_file(command),
            ins::MANAGE_CHANNEL => self.manage_channel(command),
            ins::GET_RESPONSE => self.get_response(command, pending),
            ins::ENVELOPE => self.envelope(command),
            _ => Err(Status::INS_NOT_SUPPORTED),
        }
    }
}
