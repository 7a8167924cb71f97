//! A command of ISO/IEC 7816-4, and its encoding as a command APDU (ISO/IEC 7816-3, 12.1.3).

use zeroize::Zeroizing;

use crate::abi::cause::{OfArgument, refuse_length};
use crate::abi::hresult::Result;

/// The greatest length of data in a short command or response.
pub(crate) const SHORT_DATA: usize = 255;
pub(crate) const SHORT_RESPONSE: usize = 256;
/// The greatest length of data in an extended command or response.
pub(crate) const EXTENDED_DATA: usize = 65_535;
pub(crate) const EXTENDED_RESPONSE: usize = 65_536;

/// The longest response: 65,536 bytes of data (ISO/IEC 7816-3, 12.1.3, an extended Le of zero) and two status bytes.
pub(crate) const MAX_RESPONSE: usize = 65_538;

/// The longest command: header, extended Lc, 65,535 bytes of data, extended Le (ISO/IEC 7816-3, 12.1.3).
pub(crate) const MAX_COMMAND: usize = 4 + 3 + 65_535 + 2;

/// The instructions of ISO/IEC 7816-4 that this library uses.
pub mod ins {
    pub(crate) const DEACTIVATE_FILE: u8 = 0x04;
    pub(crate) const ERASE_RECORD: u8 = 0x0C;
    pub(crate) const ERASE_BINARY: u8 = 0x0E;
    pub(crate) const ERASE_BINARY_ODD: u8 = 0x0F;
    pub(crate) const VERIFY: u8 = 0x20;
    pub(crate) const VERIFY_ODD: u8 = 0x21;
    pub(crate) const CHANGE_REFERENCE_DATA: u8 = 0x24;
    pub(crate) const CHANGE_REFERENCE_DATA_ODD: u8 = 0x25;
    pub(crate) const DISABLE_VERIFICATION: u8 = 0x26;
    pub(crate) const ENABLE_VERIFICATION: u8 = 0x28;
    pub(crate) const RESET_RETRY_COUNTER: u8 = 0x2C;
    pub(crate) const RESET_RETRY_COUNTER_ODD: u8 = 0x2D;
    pub(crate) const PERFORM_BIOMETRIC_OPERATION: u8 = 0x2E;
    pub(crate) const PERFORM_BIOMETRIC_OPERATION_ODD: u8 = 0x2F;
    pub(crate) const ACTIVATE_FILE: u8 = 0x44;
    pub(crate) const EXTERNAL_AUTHENTICATE: u8 = 0x82;
    pub(crate) const GET_CHALLENGE: u8 = 0x84;
    pub(crate) const GENERAL_AUTHENTICATE: u8 = 0x86;
    pub(crate) const GENERAL_AUTHENTICATE_ODD: u8 = 0x87;
    pub(crate) const INTERNAL_AUTHENTICATE: u8 = 0x88;
    pub(crate) const SELECT: u8 = 0xA4;
    pub(crate) const READ_BINARY: u8 = 0xB0;
    pub(crate) const READ_BINARY_ODD: u8 = 0xB1;
    pub(crate) const READ_RECORD: u8 = 0xB2;
    pub(crate) const GET_RESPONSE: u8 = 0xC0;
    pub(crate) const ENVELOPE: u8 = 0xC2;
    pub(crate) const GET_DATA: u8 = 0xCA;
    pub(crate) const WRITE_BINARY: u8 = 0xD0;
    pub(crate) const WRITE_BINARY_ODD: u8 = 0xD1;
    pub(crate) const WRITE_RECORD: u8 = 0xD2;
    pub(crate) const UPDATE_BINARY: u8 = 0xD6;
    pub(crate) const UPDATE_BINARY_ODD: u8 = 0xD7;
    pub(crate) const PUT_DATA: u8 = 0xDA;
    pub(crate) const UPDATE_RECORD: u8 = 0xDC;
    pub(crate) const CREATE_FILE: u8 = 0xE0;
    pub(crate) const APPEND_RECORD: u8 = 0xE2;
    pub(crate) const DELETE_FILE: u8 = 0xE4;
    pub(crate) const STATUS: u8 = 0xF2;

    /// Instructions of GlobalPlatform (Card Specification 2.3.1, 11.1), under class 80 or 84: DELETE, GET STATUS,
    /// INSTALL, LOAD, PUT KEY, SET STATUS, STORE DATA.
    const GLOBAL_PLATFORM: [u8; 7] = [0xE4, 0xF2, 0xE6, 0xE8, 0xD8, 0xF0, 0xE2];

    /// Whether a command presents a code, a key or a finger, so that the card counts wrong tries.
    pub(crate) fn shows_proof(ins: u8) -> bool {
        matches!(
            ins,
            VERIFY
                | VERIFY_ODD
                | CHANGE_REFERENCE_DATA
                | CHANGE_REFERENCE_DATA_ODD
                | DISABLE_VERIFICATION
                | ENABLE_VERIFICATION
                | RESET_RETRY_COUNTER
                | RESET_RETRY_COUNTER_ODD
                | PERFORM_BIOMETRIC_OPERATION
                | PERFORM_BIOMETRIC_OPERATION_ODD
                | EXTERNAL_AUTHENTICATE
                | GENERAL_AUTHENTICATE
                | GENERAL_AUTHENTICATE_ODD
        )
    }

    /// Whether a command writes.
    pub(crate) fn writes(ins: u8) -> bool {
        matches!(
            ins,
            ERASE_BINARY
                | ERASE_BINARY_ODD
                | ERASE_RECORD
                | WRITE_BINARY
                | WRITE_BINARY_ODD
                | WRITE_RECORD
                | UPDATE_BINARY
                | UPDATE_BINARY_ODD
                | UPDATE_RECORD
                | APPEND_RECORD
                | PUT_DATA
        )
    }

    /// Whether a command concerns a record of a file.
    pub(crate) fn is_about_record(ins: u8) -> bool {
        matches!(ins, READ_RECORD | UPDATE_RECORD | WRITE_RECORD | ERASE_RECORD | APPEND_RECORD)
    }

    /// Whether the second of two equal commands changes nothing: SELECT, MANAGE SECURITY ENVIRONMENT, PERFORM SECURITY
    /// OPERATION, commands that read, search or erase, and those that write the same bytes to the same place.
    pub(crate) fn may_be_done_twice(ins: u8) -> bool {
        matches!(
            ins,
            ERASE_RECORD | ERASE_BINARY | ERASE_BINARY_ODD | 0x22 | 0x2A | 0xA0..=0xA2 | SELECT | READ_BINARY..=0xB3
                | GET_DATA | 0xCB | UPDATE_BINARY | UPDATE_BINARY_ODD | PUT_DATA..=0xDD | STATUS
        )
    }

    /// Whether the effect of the instruction in the classes 80 to 8F is known: one of ISO/IEC 7816-4, or of
    /// GlobalPlatform.
    pub(crate) fn is_known(ins: u8) -> bool {
        let is_standard = matches!(
            ins,
            DEACTIVATE_FILE
                | ACTIVATE_FILE
                | 0x46
                | 0x47
                | 0x70
                | GET_CHALLENGE
                | INTERNAL_AUTHENTICATE
                | ENVELOPE
                | 0xC3
                | WRITE_BINARY..=WRITE_RECORD | CREATE_FILE | 0xEE | 0xFE
        );
        is_standard || may_be_done_twice(ins) || GLOBAL_PLATFORM.contains(&ins)
    }
}

/// A command, which may need several APDUs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    pub cla: u8,
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: &'a [u8],
    /// The greatest length of the wanted response data (Ne), up to 65,536; 0 for none.
    pub ne: usize,
}

impl<'a> Command<'a> {
    /// A command of class 00, without data and without a response.
    pub fn new(ins: u8, p1: u8, p2: u8) -> Command<'static> {
        Command { cla: 0, ins, p1, p2, data: &[], ne: 0 }
    }

    pub fn with_data(self, data: &'a [u8]) -> Command<'a> {
        Command { data, ..self }
    }

    pub fn expecting(self, ne: usize) -> Command<'a> {
        Command { ne, ..self }
    }

    /// The command APDU.
    pub fn apdu(&self, form: CommandForm) -> Result<Zeroizing<Vec<u8>>> {
        let mut apdu = Zeroizing::new(Vec::new());
        apdu.try_reserve_exact(4 + 3 + self.data.len() + 2)?;
        apdu.extend_from_slice(&[self.cla, self.ins, self.p1, self.p2]);
        match form {
            CommandForm::Short => self.push_short(&mut apdu)?,
            CommandForm::Extended => self.push_extended(&mut apdu)?,
        }
        Ok(apdu)
    }

    fn push_short(&self, apdu: &mut Vec<u8>) -> Result<()> {
        if !self.data.is_empty() {
            apdu.push(
                u8::try_from(self.data.len())
                    .map_err(|_| refuse_length("is too long for a command APDU"))
                    .of("data")?,
            );
            apdu.extend_from_slice(self.data);
        }
        if self.ne > 0 {
            // 256 and more is encoded as 00: everything that there is.
            apdu.push(self.ne.min(SHORT_RESPONSE) as u8);
        }
        Ok(())
    }

    fn push_extended(&self, apdu: &mut Vec<u8>) -> Result<()> {
        // One zero before the first length.
        apdu.push(0);
        if !self.data.is_empty() {
            let length = u16::try_from(self.data.len())
                .map_err(|_| refuse_length("is too long for a command APDU"))
                .of("data")?;
            apdu.extend_from_slice(&length.to_be_bytes());
            apdu.extend_from_slice(self.data);
        }
        if self.ne > 0 {
            // 65,536 is encoded as 0000.
            apdu.extend_from_slice(&(self.ne.min(EXTENDED_RESPONSE) as u16).to_be_bytes());
        }
        Ok(())
    }
}

/// The encoding of the lengths of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandForm {
    Short,
    /// Only for a command with data or Le.
    Extended,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apdu(data: &[u8], ne: usize, form: CommandForm) -> Vec<u8> {
        Command::new(0xA4, 1, 2).with_data(data).expecting(ne).apdu(form).unwrap().to_vec()
    }

    #[test]
    fn the_four_cases_short() {
        assert_eq!(apdu(&[], 0, CommandForm::Short), [0, 0xA4, 1, 2]);
        assert_eq!(apdu(&[], 5, CommandForm::Short), [0, 0xA4, 1, 2, 5]);
        assert_eq!(apdu(&[], 256, CommandForm::Short), [0, 0xA4, 1, 2, 0]);
        assert_eq!(apdu(&[], 5000, CommandForm::Short), [0, 0xA4, 1, 2, 0]);
        assert_eq!(apdu(&[9], 0, CommandForm::Short), [0, 0xA4, 1, 2, 1, 9]);
        assert_eq!(apdu(&[9], 255, CommandForm::Short), [0, 0xA4, 1, 2, 1, 9, 255]);
    }

    #[test]
    fn the_three_cases_extended() {
        assert_eq!(apdu(&[], 257, CommandForm::Extended), [0, 0xA4, 1, 2, 0, 1, 1]);
        assert_eq!(apdu(&[], 65_536, CommandForm::Extended), [0, 0xA4, 1, 2, 0, 0, 0]);
        assert_eq!(apdu(&[9], 0, CommandForm::Extended), [0, 0xA4, 1, 2, 0, 0, 1, 9]);
        assert_eq!(apdu(&[9], 5, CommandForm::Extended), [0, 0xA4, 1, 2, 0, 0, 1, 9, 0, 5]);
        let long = apdu(&[7; 65_535], 65_536, CommandForm::Extended);
        assert_eq!((long.len(), &long[4..8]), (MAX_COMMAND, &[0, 0xFF, 0xFF, 7][..]));
    }

    #[test]
    fn a_command_that_is_too_long_has_no_apdu() {
        assert!(Command::new(0, 0, 0).with_data(&[0; 256]).apdu(CommandForm::Short).is_err());
        assert!(Command::new(0, 0, 0).with_data(&[0; 65_536]).apdu(CommandForm::Extended).is_err());
    }
}
