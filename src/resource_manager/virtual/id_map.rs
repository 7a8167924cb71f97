//! Values with numbers as keys; a number is never used twice.

use crate::abi::hresult::{Hresult, Result};

/// In the order of their numbers, as these only grow.
pub struct IdMap<T> {
    values: Vec<(usize, T)>,
}

impl<T> IdMap<T> {
    pub const fn new() -> Self {
        IdMap { values: Vec::new() }
    }

    /// Adds a value. `number` is greater than all before.
    pub fn insert(&mut self, number: usize, value: T) -> Result<()> {
        self.values.try_reserve(1)?;
        self.values.push((number, value));
        Ok(())
    }

    pub fn get(&self, number: usize) -> Option<&T> {
        let (_, value) = self.values.get(self.place(number)?)?;
        Some(value)
    }

    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let place = self.place(number)?;
        let (_, value) = self.values.get_mut(place)?;
        Some(value)
    }

    pub fn remove(&mut self, number: usize) -> Result<T> {
        let place = self.place(number).ok_or(Hresult::SCARD_E_INVALID_HANDLE)?;
        Ok(self.values.remove(place).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.values.iter().map(|(number, value)| (*number, value))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.values.iter_mut().map(|(number, value)| (*number, value))
    }

    fn place(&self, number: usize) -> Option<usize> {
        self.values.binary_search_by_key(&number, |(number, _)| *number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_until_it_is_removed() {
        let mut numbered = IdMap::new();
        for number in [3, 5, 9] {
            numbered.insert(number, number * 10).unwrap();
        }
        assert_eq!(numbered.remove(5), Ok(50));
        assert_eq!(numbered.remove(5), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!((numbered.get(3), numbered.get(5), numbered.get(9)), (Some(&30), None, Some(&90)));
        *numbered.get_mut(9).unwrap() = 1;
        assert_eq!(numbered.iter().map(|(number, _)| number).collect::<Vec<_>>(), [3, 9]);
    }
}
