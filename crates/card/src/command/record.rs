//! READ, WRITE, UPDATE and APPEND RECORD (ISO/IEC 7816-4, 11.4).

use crate::access::Operation;
use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::command::ins;
use crate::file_tree::Node;
use crate::records::{Choice, Occurrence, Place, Records, Structure};
use crate::status::{Result, Status};

/// The meaning of P1 and of bits 3 to 1 of P2.
#[derive(Clone, Copy)]
enum Target {
    One(Choice),
    /// All from P1 up to the last.
    From(u8),
    /// All from the last down to P1.
    DownTo(u8),
}

impl Target {
    fn read(command: &Command) -> Result<Target> {
        let p1 = command.p1;
        if p1 == 0xFF {
            return Err(Status::WRONG_P1_P2);
        }
        Ok(match command.p2 & 0x07 {
            0 => Target::One(Choice::Identifier(p1, Occurrence::First)),
            1 => Target::One(Choice::Identifier(p1, Occurrence::Last)),
            2 => Target::One(Choice::Identifier(p1, Occurrence::Next)),
            3 => Target::One(Choice::Identifier(p1, Occurrence::Previous)),
            4 => Target::One(Choice::Number(p1)),
            5 => Target::From(p1),
            6 => Target::DownTo(p1),
            _ => return Err(Status::WRONG_P1_P2),
        })
    }
}

impl Card {
    pub(super) fn read_record(&mut self, command: &Command) -> Answer {
        let le = command.le.filter(|_| command.data.is_empty()).ok_or(Status::WRONG_LENGTH)?;
        let target = Target::read(command)?;
        let (ef, current) = self.records_of(command, Operation::Read)?;
        let records = self.records(ef)?;
        let mut data = Vec::new();
        let mut last = None;
        for place in places(records, target, current)? {
            data.extend(records.get(place)?);
            last = Some(place);
        }
        self.move_to(command, ef, target, last)?;
        let status = if data.len() < le.ne && !le.all { Status::END_OF_FILE } else { Status::OK };
        Ok(Response::new(data, status))
    }

    pub(super) fn change_record(&mut self, command: &Command) -> Answer {
        let Target::One(choice) = Target::read(command)? else { return Err(Status::WRONG_P1_P2) };
        let operation = if command.ins == ins::WRITE_RECORD { Operation::Write } else { Operation::Update };
        let (ef, current) = self.records_of(command, operation)?;
        let write = self.write;
        let records = self.records(ef)?;
        // The new record is before the first one of a cyclic file (11.4.4 and 11.4.5).
        let is_new = choice == Choice::Identifier(0, Occurrence::Previous);
        let place = if is_new && records.structure() == Structure::Cyclic {
            records.append(&command.data)?
        } else {
            let place = records.find(choice, current)?;
            match operation {
                Operation::Write => records.write(place, &command.data, write)?,
                _ => records.update(place, &command.data)?,
            }
            place
        };
        self.move_to(command, ef, Target::One(choice), Some(place))?;
        Response::ok()
    }

    pub(super) fn append_record(&mut self, command: &Command) -> Answer {
        if command.p1 != 0 || command.p2 & 0x07 != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        let (ef, _) = self.records_of(command, Operation::Append)?;
        let place = self.records(ef)?.append(&command.data)?;
        self.session.select_ef(ef, &self.tree)?;
        self.session.channel_mut()?.record = Some(place);
        Response::ok()
    }

    /// The EF of the command, if `operation` is allowed on it, and its current record.
    fn records_of(&mut self, command: &Command, operation: Operation) -> Result<(Node, Option<Place>)> {
        let short_id = command.p2 >> 3;
        let ef = self.short_ef(short_id)?;
        self.records(ef)?;
        self.expect_usable(ef)?;
        self.allow(operation, ef)?;
        // A short identifier selects the file anew.
        let current = if short_id == 0 { self.session.channel()?.record } else { None };
        Ok((ef, current))
    }

    fn records(&mut self, ef: Node) -> Result<&mut Records> {
        self.tree.get_mut(ef)?.records()
    }

    /// Makes `ef` the current EF. Only a choice by identifier moves the current record (7.3.3.3).
    fn move_to(&mut self, command: &Command, ef: Node, target: Target, place: Option<Place>) -> Result<()> {
        if command.p2 >> 3 != 0 {
            self.session.select_ef(ef, &self.tree)?;
        }
        if matches!(target, Target::One(Choice::Identifier(..))) {
            self.session.channel_mut()?.record = place;
        }
        Ok(())
    }
}

fn places(records: &Records, target: Target, current: Option<Place>) -> Result<Vec<Place>> {
    let all_from = |number| records.find(Choice::Number(number), current).map(|place| place..records.count());
    Ok(match target {
        Target::One(choice) => vec![records.find(choice, current)?],
        Target::From(number) => all_from(number)?.collect(),
        Target::DownTo(number) => all_from(number)?.rev().collect(),
    })
}

#[cfg(test)]
mod tests {
    use crate::Card;
    use crate::command::tests::{card, default_card};

    /// In the DF with a file of each structure, 3 of them with records.
    fn in_df() -> Card {
        let mut card = default_card();
        card.expect(&[("00A4000C025015", "9000")]);
        card
    }

    #[test]
    fn records_are_read_by_number() {
        in_df().expect(&[
            ("00B2010400", "6986"),
            ("00B2011C00", "A101020304050607 9000"),
            ("00B2020408", "A211121314151617 9000"),
            ("00B2020404", "6C08"),
            ("00B2020409", "A211121314151617 6282"),
            ("00B2040400", "6A83"),
            ("00B2000400", "6A83"),
            ("00B2020500", "A211121314151617 A121222324252627 9000"),
            ("00B2020600", "A121222324252627 A211121314151617 9000"),
            ("00B2020700", "6A86"),
            ("00B2FF0400", "6A86"),
            ("00B20104", "6700"),
            ("00B201FC00", "6A86"),
            ("00B2010C00", "6981"),
            ("00B2013400", "6A82"),
        ]);
    }

    #[test]
    fn records_are_read_by_identifier() {
        in_df().expect(&[
            ("00A4000C024403", "9000"),
            ("00B2A10200", "A101020304050607 9000"),
            // A wrong Le does not move on.
            ("00B2A10201", "6C08"),
            ("00B2A10208", "A121222324252627 9000"),
            ("00B2A10200", "6A83"),
            ("00B2000400", "A121222324252627 9000"),
            ("00B2000300", "A211121314151617 9000"),
            ("00B2A20000", "A211121314151617 9000"),
            ("00B2A10100", "A121222324252627 9000"),
            ("00B2A50000", "6A83"),
            // After a new selection it has no current record.
            ("00A4000C024403", "9000"),
            ("00B2000400", "6A83"),
            ("00B2000300", "A121222324252627 9000"),
        ]);
    }

    #[test]
    fn records_are_written_updated_and_appended() {
        in_df().expect(&[
            ("00DC011C08 B101020304050607", "6982"),
            ("00200001 08 31323334FFFFFFFF", "9000"),
            ("00DC011C08 B101020304050607", "9000"),
            ("00DC011C07 B1010203040506", "6700"),
            ("00D2010408 0EF0000000000000", "9000"),
            ("00B2010400", "BFF1020304050607 9000"),
            ("00E2000008 A431323334353637", "9000"),
            ("00B2040400", "A431323334353637 9000"),
            ("00B2000400", "A431323334353637 9000"),
            ("00E2010008 A431323334353637", "6A86"),
            ("00DC011D08 B101020304050607", "6A86"),
            ("00DC090408 B101020304050607", "6A83"),
        ]);
    }

    #[test]
    fn variable_records_have_their_own_lengths() {
        in_df().expect(&[
            ("00B2012500", "B1 B2010203 B30405060708090A 9000"),
            ("00DC012403 B1AABB", "9000"),
            ("00B2010400", "B1AABB 9000"),
            ("00E2002002 B4FF", "9000"),
            ("00B2040400", "B4FF 9000"),
            ("00D2040401 01", "6700"),
        ]);
    }

    #[test]
    fn the_newest_record_of_a_cyclic_file_is_the_first() {
        in_df().expect(&[
            ("00B2012C00", "C3000003 9000"),
            ("00E2002804 C4000004", "9000"),
            ("00B2010500", "C4000004 C3000003 C2000002 9000"),
            // The record before the first is the new one.
            ("00DC000304 C5000005", "9000"),
            ("00D2000304 C6000006", "9000"),
            ("00B2010500", "C6000006 C5000005 C4000004 9000"),
            ("00DC020404 C7000007", "9000"),
            ("00B2020400", "C7000007 9000"),
            ("00E2000003 C70000", "6700"),
        ]);
    }

    #[test]
    fn a_linear_file_gets_full() {
        let mut card = card("[[mf.ef]]\nid=1\nstructure='linear-fixed'\nsize=1\ncount=1\naccess={append='always'}\n");
        card.expect(&[
            ("00A4000C020001", "9000"),
            ("00B2010400", "6A83"),
            ("00E20000010A", "9000"),
            ("00E20000010B", "6A84"),
        ]);
    }
}
