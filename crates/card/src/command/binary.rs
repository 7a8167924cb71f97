//! READ, WRITE, UPDATE and ERASE BINARY (ISO/IEC 7816-4, 11.3).

use crate::access::Operation;
use crate::apdu::{Answer, Command, MAX_RESPONSE_DATA, Response};
use crate::card::Card;
use crate::command::ins;
use crate::features::Feature;
use crate::file_tree::Node;
use crate::status::{Result, Status};
use crate::tlv;

const OFFSET: u16 = 0x54;
const DATA: u16 = 0x53;

/// An operation on a transparent EF, from an offset on.
struct Change<'a> {
    operation: Operation,
    offset: usize,
    data: &'a [u8],
    /// The end of an erased range, unless it is that of the file.
    end: Option<usize>,
}

impl Card {
    pub(super) fn read_binary(&mut self, command: &Command) -> Answer {
        if !command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        let le = command.le.ok_or(Status::WRONG_LENGTH)?;
        let (ef, offset) = self.place(command)?;
        let data = self.bytes(ef, offset)?.to_vec();
        self.session.select_ef(ef, &self.tree)?;
        Ok(up_to(data, le.ne.min(MAX_RESPONSE_DATA), le.all))
    }

    /// Data objects carry the offset and the bytes; P1-P2 names the file.
    pub(super) fn read_binary_odd(&mut self, command: &Command) -> Answer {
        let le = self.manners.le(command).ok_or(Status::WRONG_LENGTH)?;
        let ef = self.named_ef(command)?;
        let offset = number(tlv::read_one(&command.data, OFFSET)?)?;
        let data = self.bytes(ef, offset)?.to_vec();
        self.session.select_ef(ef, &self.tree)?;
        let response = up_to(data, tlv::value_room(le.ne.min(MAX_RESPONSE_DATA)), le.all);
        Ok(Response::new(tlv::object(DATA, &response.data), response.status))
    }

    pub(super) fn change_binary(&mut self, command: &Command) -> Answer {
        let (ef, offset) = self.place(command)?;
        let operation = operation(command.ins);
        if operation == Operation::Erase {
            // The data field is the offset of the first byte that stays.
            let end = match command.data[..] {
                [] => None,
                _ => Some(number(&command.data)?),
            };
            return self.change(ef, Change { operation, offset, data: &[], end });
        }
        if command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        self.change(ef, Change { operation, offset, data: &command.data, end: None })
    }

    pub(super) fn change_binary_odd(&mut self, command: &Command) -> Answer {
        let ef = self.named_ef(command)?;
        let operation = operation(command.ins);
        let objects = tlv::read(&command.data)?;
        let change = match (operation, &objects[..]) {
            (Operation::Erase, []) => Change { operation, offset: 0, data: &[], end: None },
            (Operation::Erase, [(OFFSET, offset)]) => {
                Change { operation, offset: number(offset)?, data: &[], end: None }
            }
            (Operation::Erase, [(OFFSET, offset), (OFFSET, end)]) => {
                Change { operation, offset: number(offset)?, data: &[], end: Some(number(end)?) }
            }
            (Operation::Erase, _) => return Err(Status::WRONG_DATA),
            (_, [(OFFSET, offset), (DATA, data)]) => Change { operation, offset: number(offset)?, data, end: None },
            _ => return Err(Status::WRONG_DATA),
        };
        self.change(ef, change)
    }

    fn change(&mut self, ef: Node, change: Change) -> Answer {
        let write = self.write;
        self.tree.get_mut(ef)?.transparent()?;
        self.expect_usable(ef)?;
        self.allow(change.operation, ef)?;
        let file = self.tree.get_mut(ef)?.transparent()?;
        match change.operation {
            Operation::Erase => file.erase(change.offset, change.end, write)?,
            Operation::Write => file.write(change.offset, change.data, write)?,
            _ => file.update(change.offset, change.data)?,
        }
        self.session.select_ef(ef, &self.tree)?;
        Response::ok()
    }

    /// The bytes of `ef` from `offset` on, if reading is allowed.
    fn bytes(&mut self, ef: Node, offset: usize) -> Result<&[u8]> {
        self.tree.get_mut(ef)?.transparent()?;
        self.expect_usable(ef)?;
        self.allow(Operation::Read, ef)?;
        self.tree.get_mut(ef)?.transparent()?.read(offset)
    }

    /// With bit 8 of P1: a short identifier and an offset of 8 bits; otherwise the current EF and 15 bits.
    fn place(&self, command: &Command) -> Result<(Node, usize)> {
        if command.p1 & 0x80 == 0 {
            return Ok((self.current_ef()?, command.p1_p2().into()));
        }
        if command.p1 & 0x60 != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        Ok((self.short_ef(command.p1 & 0x1F)?, command.p2.into()))
    }

    /// P1-P2 of an odd instruction: 0000 is the current EF, eleven zero bits precede a short identifier, all else is an
    /// identifier.
    fn named_ef(&self, command: &Command) -> Result<Node> {
        match command.p1_p2() {
            0 => self.current_ef(),
            short @ 1..=30 => self.short_ef(short as u8),
            id => self.tree.child(self.current_df()?, id).ok_or(Status::FILE_NOT_FOUND),
        }
    }

    /// The EF with a short identifier in the current DF; 0 is the current EF.
    pub(super) fn short_ef(&self, short_id: u8) -> Result<Node> {
        if short_id == 0 {
            return self.current_ef();
        }
        if short_id > crate::personalisation::MAX_SHORT_ID || !self.features.has(Feature::ShortIds) {
            return Err(Status::WRONG_P1_P2);
        }
        self.tree.short_child(self.current_df()?, short_id).ok_or(Status::FILE_NOT_FOUND)
    }
}

/// The first `limit` bytes. Fewer bytes are a warning, unless everything was requested.
fn up_to(mut data: Vec<u8>, limit: usize, all: bool) -> Response {
    let status = if data.len() < limit && !all { Status::END_OF_FILE } else { Status::OK };
    data.truncate(limit);
    Response::new(data, status)
}

/// An offset, of any sensible length.
fn number(bytes: &[u8]) -> Result<usize> {
    if bytes.is_empty() {
        return Err(Status::WRONG_DATA);
    }
    let number = bytes.iter().try_fold(0u32, |number, byte| number.checked_mul(256)?.checked_add((*byte).into()));
    number.map(|number| number as usize).ok_or(Status::WRONG_OFFSET)
}

fn operation(ins: u8) -> Operation {
    match ins {
        ins::WRITE_BINARY | ins::WRITE_BINARY_ODD => Operation::Write,
        ins::ERASE_BINARY | ins::ERASE_BINARY_ODD => Operation::Erase,
        _ => Operation::Update,
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, default_card};

    const FILE: &str = "[[mf.ef]]\nid = 0x4401\nshort_id = 1\ncontent = '0102030405060708'\n";

    #[test]
    fn bytes_are_read_up_to_the_end() {
        card(FILE).expect(&[
            ("00B0000004", "6986"),
            ("00A4000C024401", "9000"),
            ("00B0000004", "01020304 9000"),
            ("00B0000400", "05060708 9000"),
            ("00B0000405", "05060708 6282"),
            ("00B00004000000", "05060708 9000"),
            ("00B0000801", "6B00"),
            ("00B07FFF01", "6B00"),
            ("00B00000", "6700"),
            ("00B0000001FF01", "6700"),
        ]);
    }

    #[test]
    fn a_short_identifier_selects() {
        card(FILE).expect(&[
            ("00B0810602", "0708 9000"),
            ("00B0000001", "01 9000"),
            ("00B0820001", "6A82"),
            ("00B0C10001", "6A86"),
            ("00B09F0001", "6A86"),
        ]);
        card(&format!("unsupported = ['short-ids']\n{FILE}")).expect(&[("00B0810001", "6A86")]);
    }

    #[test]
    fn odd_instructions_carry_data_objects() {
        card(FILE).expect(&[
            ("00B10001 04 5402 0006", "6700"),
            ("00B10001 04 5402 0006 00", "53020708 9000"),
            ("00B10000 03 5401 00 06", "530401020304 9000"),
            ("00B14401 03 5401 07 20", "530108 6282"),
            ("00B14402 03 5401 07 00", "6A82"),
            ("00B14401 03 5301 07 00", "6A80"),
            ("00B14401 03 5401 08 00", "6B00"),
            ("00D74401 06 5401 00 5301 AA", "9000"),
            ("00D10001 06 5401 01 5301 F0", "9000"),
            ("00B0000002", "AAF2 9000"),
            ("00D74401 03 5301 AA", "6A80"),
            ("000F4401 06 5401 06 5401 07", "9000"),
            ("00B0000400", "05060008 9000"),
            ("000F4401 03 5401 04", "9000"),
            ("00B0000400", "00000000 9000"),
            ("000F4401", "9000"),
            ("00B0000001", "00 9000"),
        ]);
        card(&format!("unsupported = ['odd']\n{FILE}")).expect(&[("00B10001045402000600", "6D00")]);
    }

    #[test]
    fn writing_combines_updating_replaces_erasing_empties() {
        card(FILE).expect(&[
            ("00D6810002 AABB", "9000"),
            ("00D0000201 F0", "9000"),
            ("000E0004 02 0006", "9000"),
            ("00B0000000", "AABBF30400000708 9000"),
            ("000E0006", "9000"),
            ("00B0000600", "0000 9000"),
            ("00D60000", "6700"),
            ("00D6000702 0102", "6A84"),
            ("00D6000801 01", "6B00"),
            ("000E0006 02 0005", "6A80"),
        ]);
        let once = format!("write = 'once'\n{FILE}size = 9\n");
        card(&once).expect(&[("00D0810001 FF", "6985"), ("00D0810801 FF", "9000"), ("00D0810801 FE", "6985")]);
    }

    #[test]
    fn each_operation_has_its_rule() {
        let rules = "access = { read = 'never', write = 'never' }\n";
        card(&format!("{FILE}{rules}")).expect(&[
            ("00B0810001", "6982"),
            ("00D0810001 01", "6982"),
            // A failed command selects nothing.
            ("00D6000001 01", "6986"),
            ("00D6810001 01", "9000"),
            ("000E8100", "9000"),
        ]);
    }

    #[test]
    fn records_are_no_bytes() {
        default_card().expect(&[("00A4080C0450154403", "9000"), ("00B0000001", "6981"), ("00D6000001AA", "6981")]);
    }
}
