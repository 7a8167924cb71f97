//! Things that are known by a number, which is never given twice.

use crate::abi::hresult::{Hresult, Result};

/// In order of their numbers, because the numbers only grow.
pub struct IdMap<T> {
    things: Vec<(usize, T)>,
}

impl<T> IdMap<T> {
    pub const fn new() -> Self {
        IdMap { things: Vec::new() }
    }

    /// Takes `thing` in. `number` is greater than all before.
    pub fn insert(&mut self, number: usize, thing: T) -> Result<()> {
        self.things.try_reserve(1)?;
        self.things.push((number, thing));
        Ok(())
    }

    pub fn get(&self, number: usize) -> Option<&T> {
        let (_, thing) = self.things.get(self.place(number)?)?;
        Some(thing)
    }

    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let place = self.place(number)?;
        let (_, thing) = self.things.get_mut(place)?;
        Some(thing)
    }

    pub fn remove(&mut self, number: usize) -> Result<T> {
        let place = self.place(number).ok_or(Hresult::SCARD_E_INVALID_HANDLE)?;
        Ok(self.things.remove(place).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.things.iter().map(|(number, thing)| (*number, thing))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.things.iter_mut().map(|(number, thing)| (*number, thing))
    }

    fn place(&self, number: usize) -> Option<usize> {
        self.things.binary_search_by_key(&number, |(number, _)| *number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_found_until_it_is_removed() {
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
