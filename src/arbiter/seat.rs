//! The arbiters of this process: one for each reader that somebody is attached to, by its name.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Arbiter;
use crate::hresult::Result;
use crate::ifd_name::IfdName;
use crate::shared::Shared;

static ARBITERS: Mutex<Arbiters> = Mutex::new(Arbiters(Vec::new()));

pub struct Arbiters(Vec<Entry>);

struct Entry {
    ifd: IfdName,
    arbiter: Shared<Arbiter>,
    seats: usize,
    /// How many there have been.
    taken: u64,
    /// How often somebody had to doubt that it is still the same card.
    doubts: u64,
}

/// All of them, locked.
pub fn lock() -> MutexGuard<'static, Arbiters> {
    ARBITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Arbiters {
    /// In the child of a fork: who had seats, and who holds and waits, belongs to the parent.
    #[cfg(unix)]
    pub fn forget_all(&mut self) {
        self.0.drain(..).for_each(std::mem::forget);
    }

    /// Whether somebody waits for this reader.
    #[cfg(test)]
    pub fn has_waiters(&self, ifd: &IfdName) -> bool {
        self.position(ifd).is_some_and(|place| self.0[place].arbiter.has_waiters())
    }

    fn position(&self, ifd: &IfdName) -> Option<usize> {
        self.0.iter().position(|entry| entry.ifd == *ifd)
    }
}

/// A place at the arbiter of a reader. The last one to leave takes the arbiter along.
pub struct Seat {
    ifd: IfdName,
    arbiter: Shared<Arbiter>,
}

impl Seat {
    pub fn take(ifd: IfdName) -> Result<Seat> {
        let mut all = lock();
        let entry = all.position(&ifd).and_then(|place| all.0.get_mut(place));
        if let Some(entry) = entry {
            entry.seats += 1;
            entry.taken += 1;
            return Ok(Seat { ifd, arbiter: entry.arbiter.clone() });
        }
        all.0.try_reserve(1)?;
        let arbiter = Shared::try_new(Arbiter::default())?;
        all.0.push(Entry { ifd, arbiter: arbiter.clone(), seats: 1, taken: 1, doubts: 0 });
        Ok(Seat { ifd, arbiter })
    }
}

impl Clone for Seat {
    /// One more place for the same one: nobody has come.
    fn clone(&self) -> Seat {
        let mut all = lock();
        if let Some(entry) = all.position(&self.ifd).and_then(|place| all.0.get_mut(place)) {
            entry.seats += 1;
        }
        Seat { ifd: self.ifd, arbiter: self.arbiter.clone() }
    }
}

impl Seat {
    pub fn ifd(&self) -> &IfdName {
        &self.ifd
    }

    /// How many have a seat here, and how many have come since this one did, or before.
    pub fn company(&self) -> (usize, u64) {
        let all = lock();
        let entry = all.position(&self.ifd).and_then(|place| all.0.get(place));
        entry.map_or((1, 0), |entry| (entry.seats, entry.taken))
    }

    /// Tells everyone here that another card may be in the reader, though nobody has seen it come.
    pub fn doubt(&self) {
        let mut all = lock();
        if let Some(entry) = all.position(&self.ifd).and_then(|place| all.0.get_mut(place)) {
            entry.doubts += 1;
        }
    }

    pub fn doubts(&self) -> u64 {
        let all = lock();
        all.position(&self.ifd).and_then(|place| all.0.get(place)).map_or(0, |entry| entry.doubts)
    }
}

impl Deref for Seat {
    type Target = Shared<Arbiter>;

    fn deref(&self) -> &Shared<Arbiter> {
        &self.arbiter
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = lock();
        let Some(place) = all.position(&self.ifd) else { return };
        let Some(entry) = all.0.get_mut(place) else { return };
        entry.seats -= 1;
        if entry.seats == 0 {
            all.0.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_has_one_arbiter_as_long_as_somebody_is_there() {
        let name = |text: &str| IfdName::new(text.as_bytes()).unwrap();
        let (first, second) = (Seat::take(name("Seat A")).unwrap(), Seat::take(name("Seat A")).unwrap());
        let other = Seat::take(name("Seat B")).unwrap();
        assert!(Shared::is_same(&first, &second) && !Shared::is_same(&first, &other));
        first.doubt();
        assert_eq!((first.doubts(), second.doubts(), other.doubts()), (1, 1, 0));
        drop((first, second));
        assert!(lock().position(&name("Seat A")).is_none() && lock().position(&name("Seat B")).is_some());
    }
}
