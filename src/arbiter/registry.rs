//! The arbiters of this process: one for each reader that somebody is attached to, by its name.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Arbiter;
use crate::abi::hresult::Result;
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::fallible::Arc;

static ARBITERS: Mutex<Arbiters> = Mutex::new(Arbiters(Vec::new()));

pub struct Arbiters(Vec<Entry>);

struct Entry {
    ifd: IfdName,
    arbiter: Arc<Arbiter>,
    users: usize,
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
    /// In the child of a fork: who had users, and who holds and waits, belongs to the parent.
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
pub struct Registration {
    ifd: IfdName,
    arbiter: Arc<Arbiter>,
}

impl Registration {
    pub fn take(ifd: IfdName) -> Result<Registration> {
        let mut all = lock();
        let entry = all.position(&ifd).and_then(|place| all.0.get_mut(place));
        if let Some(entry) = entry {
            entry.users += 1;
            entry.taken += 1;
            return Ok(Registration { ifd, arbiter: entry.arbiter.clone() });
        }
        all.0.try_reserve(1)?;
        let arbiter = Arc::try_new(Arbiter::default())?;
        all.0.push(Entry { ifd, arbiter: arbiter.clone(), users: 1, taken: 1, doubts: 0 });
        Ok(Registration { ifd, arbiter })
    }
}

impl Clone for Registration {
    /// One more place for the same one: nobody has come.
    fn clone(&self) -> Registration {
        let mut all = lock();
        if let Some(entry) = all.position(&self.ifd).and_then(|place| all.0.get_mut(place)) {
            entry.users += 1;
        }
        Registration { ifd: self.ifd, arbiter: self.arbiter.clone() }
    }
}

impl Registration {
    pub fn ifd(&self) -> &IfdName {
        &self.ifd
    }

    /// How many have a registration here, and how many have come since this one did, or before.
    pub fn company(&self) -> (usize, u64) {
        let all = lock();
        let entry = all.position(&self.ifd).and_then(|place| all.0.get(place));
        entry.map_or((1, 0), |entry| (entry.users, entry.taken))
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

impl Deref for Registration {
    type Target = Arc<Arbiter>;

    fn deref(&self) -> &Arc<Arbiter> {
        &self.arbiter
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut all = lock();
        let Some(place) = all.position(&self.ifd) else { return };
        let Some(entry) = all.0.get_mut(place) else { return };
        entry.users -= 1;
        if entry.users == 0 {
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
        let (first, second) =
            (Registration::take(name("Registration A")).unwrap(), Registration::take(name("Registration A")).unwrap());
        let other = Registration::take(name("Registration B")).unwrap();
        assert!(Arc::is_same(&first, &second) && !Arc::is_same(&first, &other));
        first.doubt();
        assert_eq!((first.doubts(), second.doubts(), other.doubts()), (1, 1, 0));
        drop((first, second));
        assert!(
            lock().position(&name("Registration A")).is_none() && lock().position(&name("Registration B")).is_some()
        );
    }
}
