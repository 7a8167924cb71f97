//! An EF with records (ISO/IEC 7816-4, 7.3).

use crate::data_coding::WriteBehaviour;
use crate::status::{Result, Status};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    structure: Structure,
    /// The length of each record, or the maximum if lengths vary.
    size: usize,
    /// The maximum number of records.
    capacity: usize,
    /// In the order of their numbers, from 1.
    records: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Structure {
    LinearFixed,
    LinearVariable,
    /// Number 1 is the newest record; a new one replaces the oldest.
    Cyclic,
}

/// The record of a command (ISO/IEC 7816-4, 7.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// By number; 0 is the current record.
    Number(u8),
    /// By identifier, the first byte of the record; 0 is any.
    Identifier(u8, Occurrence),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurrence {
    First,
    Last,
    Next,
    Previous,
}

/// The highest number (ISO/IEC 7816-4, 7.3.3.3).
pub const MAX_RECORDS: usize = 254;

/// A record by its index; its number is one higher.
pub type Place = usize;

impl Records {
    /// There are at most `capacity` records, each at most `size` long; the profile checks that.
    pub fn new(structure: Structure, size: usize, capacity: usize, records: Vec<Vec<u8>>) -> Records {
        Records { structure, size, capacity, records }
    }

    pub fn structure(&self) -> Structure {
        self.structure
    }

    pub fn record_size(&self) -> usize {
        self.size
    }

    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// The room of the file, in bytes.
    pub fn room(&self) -> usize {
        self.size.saturating_mul(self.capacity)
    }

    /// The index of the record that is meant, if `current` is the current one.
    pub fn find(&self, choice: Choice, current: Option<Place>) -> Result<Place> {
        let found = match choice {
            Choice::Number(0) => current,
            Choice::Number(number) => Some(usize::from(number) - 1),
            Choice::Identifier(identifier, occurrence) => self.search(identifier, occurrence, current),
        };
        found.filter(|place| *place < self.count()).ok_or(Status::RECORD_NOT_FOUND)
    }

    /// Without a current record the next is the first, and the previous the last.
    fn search(&self, identifier: u8, occurrence: Occurrence, current: Option<Place>) -> Option<Place> {
        let matches =
            |place: &Place| identifier == 0 || self.get(*place).is_ok_and(|it| it.first() == Some(&identifier));
        let mut places = 0..self.count();
        match (occurrence, current) {
            (Occurrence::First, _) | (Occurrence::Next, None) => places.find(matches),
            (Occurrence::Last, _) | (Occurrence::Previous, None) => places.rev().find(matches),
            (Occurrence::Next, Some(current)) => (current + 1..self.count()).find(matches),
            (Occurrence::Previous, Some(current)) => places.take(current).rev().find(matches),
        }
    }

    pub fn get(&self, place: Place) -> Result<&[u8]> {
        self.records.get(place).map(Vec::as_slice).ok_or(Status::RECORD_NOT_FOUND)
    }

    pub fn write(&mut self, place: Place, data: &[u8], behaviour: WriteBehaviour) -> Result<()> {
        let record = self.records.get_mut(place).ok_or(Status::RECORD_NOT_FOUND)?;
        if record.len() != data.len() {
            return Err(Status::WRONG_LENGTH);
        }
        behaviour.write(record, data)
    }

    pub fn update(&mut self, place: Place, data: &[u8]) -> Result<()> {
        self.check_length(data)?;
        let record = self.records.get_mut(place).ok_or(Status::RECORD_NOT_FOUND)?;
        *record = data.to_vec();
        Ok(())
    }

    /// Adds a record, and returns its index.
    pub fn append(&mut self, data: &[u8]) -> Result<Place> {
        self.check_length(data)?;
        let full = self.count() >= self.capacity;
        if self.structure == Structure::Cyclic {
            if full {
                self.records.pop();
            }
            self.records.insert(0, data.to_vec());
            return Ok(0);
        }
        if full {
            return Err(Status::NOT_ENOUGH_MEMORY);
        }
        self.records.push(data.to_vec());
        Ok(self.count() - 1)
    }

    fn check_length(&self, data: &[u8]) -> Result<()> {
        let fits = match self.structure {
            Structure::LinearVariable => (1..=self.size).contains(&data.len()),
            Structure::LinearFixed | Structure::Cyclic => data.len() == self.size,
        };
        if fits { Ok(()) } else { Err(Status::WRONG_LENGTH) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(structure: Structure) -> Records {
        Records::new(structure, 2, 3, vec![vec![0xA1, 1], vec![0xB2, 2], vec![0xA1, 3]])
    }

    #[test]
    fn records_are_found_by_number() {
        let records = records(Structure::LinearFixed);
        assert_eq!(records.find(Choice::Number(3), None), Ok(2));
        assert_eq!(records.find(Choice::Number(4), None), Err(Status::RECORD_NOT_FOUND));
        assert_eq!(records.find(Choice::Number(0), Some(1)), Ok(1));
        assert_eq!(records.find(Choice::Number(0), None), Err(Status::RECORD_NOT_FOUND));
    }

    #[test]
    fn records_are_found_by_identifier() {
        use Occurrence::*;
        let records = records(Structure::LinearFixed);
        let find =
            |identifier, occurrence, current| records.find(Choice::Identifier(identifier, occurrence), current).ok();
        assert_eq!(find(0xA1, First, Some(1)), Some(0));
        assert_eq!(find(0xA1, Last, Some(1)), Some(2));
        assert_eq!(find(0xA1, Next, Some(0)), Some(2));
        assert_eq!(find(0xA1, Previous, Some(2)), Some(0));
        assert_eq!(find(0xA1, Next, None), Some(0));
        assert_eq!(find(0xA1, Previous, None), Some(2));
        assert_eq!(find(0xB2, Next, Some(1)), None);
        assert_eq!(find(0, Next, Some(0)), Some(1));
        assert_eq!(find(0, Next, Some(2)), None);
        assert_eq!(find(0, Previous, Some(0)), None);
        assert_eq!(find(0xC3, First, None), None);
    }

    #[test]
    fn a_full_linear_file_takes_no_more() {
        assert_eq!(records(Structure::LinearFixed).append(&[0, 0]), Err(Status::NOT_ENOUGH_MEMORY));
        assert_eq!(records(Structure::LinearFixed).append(&[0]), Err(Status::WRONG_LENGTH));
    }

    #[test]
    fn a_full_cyclic_file_forgets_its_oldest() {
        let mut records = records(Structure::Cyclic);
        assert_eq!(records.append(&[0xC3, 4]), Ok(0));
        assert_eq!(records.count(), 3);
        assert_eq!(records.get(0), Ok(&[0xC3, 4][..]));
        assert_eq!(records.get(2), Ok(&[0xB2, 2][..]));
    }

    #[test]
    fn only_variable_records_change_their_length() {
        let mut variable = records(Structure::LinearVariable);
        assert_eq!(variable.update(0, &[7]), Ok(()));
        assert_eq!(variable.update(0, &[7, 7, 7]), Err(Status::WRONG_LENGTH));
        assert_eq!(variable.write(0, &[7, 7], WriteBehaviour::Or), Err(Status::WRONG_LENGTH));
        assert_eq!(variable.write(0, &[8], WriteBehaviour::Or), Ok(()));
        assert_eq!(variable.get(0), Ok(&[15][..]));
        assert_eq!(records(Structure::LinearFixed).update(0, &[7]), Err(Status::WRONG_LENGTH));
    }
}
