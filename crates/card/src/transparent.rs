//! A transparent EF: a sequence of bytes (ISO/IEC 7816-4, 7.2).

use crate::data_coding::WriteBehaviour;
use crate::status::{Result, Status};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transparent {
    bytes: Vec<u8>,
}

impl Transparent {
    pub fn new(bytes: Vec<u8>) -> Transparent {
        Transparent { bytes }
    }

    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from `offset` on.
    pub fn read(&self, offset: usize) -> Result<&[u8]> {
        self.bytes.get(offset..).filter(|rest| !rest.is_empty()).ok_or(Status::WRONG_OFFSET)
    }

    pub fn write(&mut self, offset: usize, data: &[u8], behaviour: WriteBehaviour) -> Result<()> {
        behaviour.write(self.place(offset, data.len())?, data)
    }

    pub fn update(&mut self, offset: usize, data: &[u8]) -> Result<()> {
        self.place(offset, data.len())?.copy_from_slice(data);
        Ok(())
    }

    /// Erases from `offset` up to but not including `end`, or to the end of the file.
    pub fn erase(&mut self, offset: usize, end: Option<usize>, behaviour: WriteBehaviour) -> Result<()> {
        let end = end.unwrap_or(self.size());
        let length = end.checked_sub(offset).ok_or(Status::WRONG_DATA)?;
        self.place(offset, length)?.fill(behaviour.erased());
        Ok(())
    }

    fn place(&mut self, offset: usize, length: usize) -> Result<&mut [u8]> {
        let rest = self.bytes.get_mut(offset..).filter(|rest| !rest.is_empty()).ok_or(Status::WRONG_OFFSET)?;
        rest.get_mut(..length).ok_or(Status::NOT_ENOUGH_MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Transparent {
        Transparent::new(vec![1, 2, 3, 4])
    }

    #[test]
    fn reading_starts_inside_the_file() {
        assert_eq!(file().read(1), Ok(&[2, 3, 4][..]));
        assert_eq!(file().read(4), Err(Status::WRONG_OFFSET));
        assert_eq!(file().read(usize::MAX), Err(Status::WRONG_OFFSET));
    }

    #[test]
    fn too_much_data_change_nothing() {
        let mut changed = file();
        assert_eq!(changed.update(3, &[9, 9]), Err(Status::NOT_ENOUGH_MEMORY));
        assert_eq!(changed.write(4, &[9], WriteBehaviour::Or), Err(Status::WRONG_OFFSET));
        assert_eq!(changed.erase(3, Some(2), WriteBehaviour::Or), Err(Status::WRONG_DATA));
        assert_eq!(changed, file());
    }

    #[test]
    fn update_replaces_write_combines_erase_empties() {
        let mut changed = file();
        changed.update(0, &[9]).unwrap();
        changed.write(1, &[0x10], WriteBehaviour::Or).unwrap();
        changed.erase(2, Some(3), WriteBehaviour::Or).unwrap();
        assert_eq!(changed.bytes, [9, 0x12, 0, 4]);
        changed.erase(2, None, WriteBehaviour::And).unwrap();
        assert_eq!(changed.bytes, [9, 0x12, 0xFF, 0xFF]);
    }
}
