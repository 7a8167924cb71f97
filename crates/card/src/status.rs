//! Status words (ISO/IEC 7816-4, 5.6).

use std::fmt;

/// SW1-SW2. An error ends a command; the warnings 62XX and 63XX may come with data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u16);

pub type Result<T> = std::result::Result<T, Status>;

impl Status {
    pub const OK: Status = Status(0x9000);
    pub const END_OF_FILE: Status = Status(0x6282);
    pub const FILE_DEACTIVATED: Status = Status(0x6283);
    pub const FILE_TERMINATED: Status = Status(0x6285);
    pub const NOT_AUTHENTICATED: Status = Status(0x6300);
    pub const WRONG_LENGTH: Status = Status(0x6700);
    pub const CHANNEL_NOT_SUPPORTED: Status = Status(0x6881);
    pub const SECURE_MESSAGING_NOT_SUPPORTED: Status = Status(0x6882);
    pub const LAST_OF_CHAIN_EXPECTED: Status = Status(0x6883);
    pub const CHAINING_NOT_SUPPORTED: Status = Status(0x6884);
    pub const WRONG_STRUCTURE: Status = Status(0x6981);
    pub const SECURITY_STATUS_NOT_SATISFIED: Status = Status(0x6982);
    pub const METHOD_BLOCKED: Status = Status(0x6983);
    pub const REFERENCE_DATA_NOT_USABLE: Status = Status(0x6984);
    pub const CONDITIONS_NOT_SATISFIED: Status = Status(0x6985);
    pub const NO_CURRENT_EF: Status = Status(0x6986);
    pub const WRONG_DATA: Status = Status(0x6A80);
    pub const FUNCTION_NOT_SUPPORTED: Status = Status(0x6A81);
    pub const FILE_NOT_FOUND: Status = Status(0x6A82);
    pub const RECORD_NOT_FOUND: Status = Status(0x6A83);
    pub const NOT_ENOUGH_MEMORY: Status = Status(0x6A84);
    pub const WRONG_P1_P2: Status = Status(0x6A86);
    pub const NC_INCONSISTENT: Status = Status(0x6A87);
    pub const REFERENCE_NOT_FOUND: Status = Status(0x6A88);
    pub const FILE_EXISTS: Status = Status(0x6A89);
    pub const NAME_EXISTS: Status = Status(0x6A8A);
    pub const WRONG_OFFSET: Status = Status(0x6B00);
    pub const INS_NOT_SUPPORTED: Status = Status(0x6D00);
    pub const CLA_NOT_SUPPORTED: Status = Status(0x6E00);
    pub const NO_DIAGNOSIS: Status = Status(0x6F00);

    /// 63CX: X tries are left.
    pub fn tries_left(left: u8) -> Status {
        Status(0x63C0 | u16::from(left.min(15)))
    }

    /// 61XX: the number of bytes for GET RESPONSE; 00 stands for 256 or more.
    pub fn more(available: usize) -> Status {
        Status(0x6100 | short(available))
    }

    /// 6CXX: the right Le.
    pub fn exact_le(available: usize) -> Status {
        Status(0x6C00 | short(available))
    }

    pub fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }
}

fn short(available: usize) -> u16 {
    u8::try_from(available).unwrap_or(0).into()
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_byte_counts() {
        assert_eq!(Status::tries_left(3), Status(0x63C3));
        assert_eq!(Status::tries_left(99), Status(0x63CF));
        assert_eq!(Status::more(255), Status(0x61FF));
        assert_eq!(Status::more(256), Status(0x6100));
        assert_eq!(Status::exact_le(16).to_bytes(), [0x6C, 0x10]);
    }
}
