//! The arbiters of this process, by the names of their readers. A reader has one while an attachment uses it.

use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Arbiter;
use crate::abi::hresult::Result;
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::fallible::Arc;
use crate::runtime::map::Map;

static REGISTRY: Mutex<ArbiterRegistry> = Mutex::new(ArbiterRegistry(Map::new()));

pub struct ArbiterRegistry(Map<IfdName, Entry>);

struct Entry {
    arbiter: Arc<Arbiter>,
    users: usize,
    /// How many registrations there were so far.
    arrivals: u64,
    /// How often an attachment reported that the card may be another one.
    doubts: u64,
}

/// The registry, locked. A fork holds this lock.
pub fn lock() -> MutexGuard<'static, ArbiterRegistry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ArbiterRegistry {
    /// In the child of a fork: users, locks and waits belong to the parent.
    pub fn forget_all(&mut self) {
        self.0.forget_all();
    }

    /// Whether an attachment waits for this reader.
    #[cfg(test)]
    pub fn has_waiters(&self, ifd: &IfdName) -> bool {
        self.0.get(ifd).is_some_and(|entry| entry.arbiter.has_waiters())
    }
}

/// The use of a reader by one attachment. The last one to be dropped removes the arbiter.
pub struct Registration {
    ifd: IfdName,
    arbiter: Arc<Arbiter>,
}

impl Registration {
    pub fn take(ifd: IfdName) -> Result<Registration> {
        let mut registry = lock();
        if let Some(entry) = registry.0.get_mut(&ifd) {
            entry.users += 1;
            entry.arrivals += 1;
            return Ok(Registration { ifd, arbiter: entry.arbiter.clone() });
        }
        let arbiter = Arc::try_new(Arbiter::default())?;
        registry.0.insert(ifd, Entry { arbiter: arbiter.clone(), users: 1, arrivals: 1, doubts: 0 })?;
        Ok(Registration { ifd, arbiter })
    }
}

impl Clone for Registration {
    /// Another registration of the same attachment: it does not count as an arrival.
    fn clone(&self) -> Registration {
        if let Some(entry) = self.entry(&mut lock()) {
            entry.users += 1;
        }
        Registration { ifd: self.ifd, arbiter: self.arbiter.clone() }
    }
}

impl Registration {
    /// None in the child of a fork: there the reader may have an entry for another arbiter.
    fn entry<'a>(&self, registry: &'a mut ArbiterRegistry) -> Option<&'a mut Entry> {
        registry.0.get_mut(&self.ifd).filter(|entry| Arc::is_same(&entry.arbiter, &self.arbiter))
    }

    pub fn ifd(&self) -> &IfdName {
        &self.ifd
    }

    /// How many registrations the reader has now, and how many it had so far.
    pub fn users_and_arrivals(&self) -> (usize, u64) {
        self.entry(&mut lock()).map_or((1, 0), |entry| (entry.users, entry.arrivals))
    }

    /// Tells all attachments to this reader that the card may be another one, although none of them has noticed a
    /// change.
    pub fn doubt(&self) {
        if let Some(entry) = self.entry(&mut lock()) {
            entry.doubts += 1;
        }
    }

    pub fn doubts(&self) -> u64 {
        self.entry(&mut lock()).map_or(0, |entry| entry.doubts)
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
        let mut registry = lock();
        let Some(entry) = self.entry(&mut registry) else { return };
        entry.users -= 1;
        if entry.users == 0 {
            registry.0.remove(&self.ifd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function of the program forks under a call, and the child attaches to the same reader before it returns.
    #[test]
    fn a_registration_of_the_parent_ends_none_of_the_child() {
        let ifd = IfdName::new(b"Registration C").unwrap();
        let of_child = Registration::take(ifd).unwrap();
        let of_parent = Registration { ifd, arbiter: Arc::try_new(Arbiter::default()).unwrap() };
        of_parent.doubt();
        drop(of_parent.clone());
        drop(of_parent);
        assert_eq!((of_child.users_and_arrivals(), of_child.doubts()), ((1, 1), 0));
        assert!(Arc::is_same(&of_child, &Registration::take(ifd).unwrap()));
    }

    #[test]
    fn a_reader_has_one_arbiter_while_it_is_used() {
        let name = |text: &str| IfdName::new(text.as_bytes()).unwrap();
        let take = |text| Registration::take(name(text)).unwrap();
        let (first, second, other) = (take("Registration A"), take("Registration A"), take("Registration B"));
        assert!(Arc::is_same(&first, &second) && !Arc::is_same(&first, &other));
        assert_eq!((first.users_and_arrivals(), other.users_and_arrivals()), ((2, 2), (1, 1)));
        first.doubt();
        assert_eq!((first.doubts(), second.doubts(), other.doubts()), (1, 1, 0));
        let copy = first.clone();
        assert_eq!(first.users_and_arrivals(), (3, 2));
        drop((first, second));
        assert_eq!(copy.users_and_arrivals(), (1, 2));
        drop(copy);
        let has_arbiter = |text| lock().0.get(&name(text)).is_some();
        assert!(!has_arbiter("Registration A") && has_arbiter("Registration B"));
    }
}
