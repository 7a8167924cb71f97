//! Which threads are in a function of the program that the library has called. Other threads may wait until that
//! function returns. A thread in such a function must not wait for them.

use std::cell::Cell;

use crate::abi::hresult::{Hresult, Result};

/// How many calls of the program under different locks a thread can nest. In a deeper call it waits for nothing.
const NESTED: usize = 4;

thread_local! {
    /// The number of nested callbacks of virtual cards on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The locks under which this thread calls the program.
    static LOCKS: Cell<[Option<Lock>; NESTED]> = const { Cell::new([None; NESTED]) };
}

/// A lock: the number of its reader, and of its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    pub reader: usize,
    pub owner: usize,
}

/// Fails in a callback of a virtual card: the thread would wait for something that may wait for the callback.
pub fn may_wait() -> Result<()> {
    match DEPTH.get() {
        0 => Ok(()),
        _ => Err(Hresult::SCARD_E_NOT_READY),
    }
}

/// Whether this thread is in a function of the program whose end others may wait for: in a callback, or under a lock.
pub fn is_called() -> bool {
    DEPTH.get() > 0 || LOCKS.get().iter().any(Option::is_some)
}

/// Fails also in a function that is called under a lock of this reader.
pub fn may_wait_at(reader: usize) -> Result<()> {
    may_wait_unless(|lock| lock.reader == reader)
}

/// Fails as `may_wait_at` does, but not if the lock belongs to this owner: others that wait for the owner do not wait
/// for this thread.
pub fn may_wait_for(owner: Lock) -> Result<()> {
    may_wait_unless(|lock| lock.reader == owner.reader && lock.owner != owner.owner)
}

fn may_wait_unless(waits_for_us: impl Fn(&Lock) -> bool) -> Result<()> {
    may_wait()?;
    match LOCKS.get().iter().flatten().any(waits_for_us) {
        true => Err(Hresult::SCARD_E_NOT_READY),
        false => Ok(()),
    }
}

/// Marks that this thread is in a callback of a virtual card, until it is dropped.
pub struct Callback(());

impl Callback {
    pub fn begin() -> Callback {
        DEPTH.set(DEPTH.get() + 1);
        Callback(())
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Marks that this thread calls the program under a lock, until it is dropped.
pub struct UnderLock {
    before: [Option<Lock>; NESTED],
    /// Used when `LOCKS` is full.
    _callback: Option<Callback>,
}

impl UnderLock {
    pub fn begin(lock: Lock) -> UnderLock {
        let before = LOCKS.get();
        let mut now = before;
        let room = now.iter_mut().find(|place| place.is_none());
        let callback = match room {
            Some(room) => {
                *room = Some(lock);
                None
            }
            None => Some(Callback::begin()),
        };
        LOCKS.set(now);
        UnderLock { before, _callback: callback }
    }
}

impl Drop for UnderLock {
    fn drop(&mut self) {
        LOCKS.set(self.before);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NOT_READY: Result<()> = Err(Hresult::SCARD_E_NOT_READY);

    #[test]
    fn a_thread_in_a_callback_does_not_wait() {
        assert_eq!(may_wait(), Ok(()));
        let outer = Callback::begin();
        drop(Callback::begin());
        assert_eq!(may_wait(), NOT_READY);
        std::thread::scope(|scope| scope.spawn(|| assert_eq!(may_wait(), Ok(()))).join().unwrap());
        drop(outer);
        assert_eq!(may_wait(), Ok(()));
    }

    #[test]
    fn under_a_lock_a_thread_waits_for_other_readers_and_for_its_owner() {
        let lock = |reader, owner| Lock { reader, owner };
        assert!(!is_called());
        let outer = UnderLock::begin(lock(1, 10));
        assert!(is_called());
        assert_eq!((may_wait(), may_wait_at(1), may_wait_at(2)), (Ok(()), NOT_READY, Ok(())));
        assert_eq!((may_wait_for(lock(1, 10)), may_wait_for(lock(1, 11))), (Ok(()), NOT_READY));
        let inner = UnderLock::begin(lock(2, 20));
        assert_eq!((may_wait_at(1), may_wait_at(2), may_wait_for(lock(2, 21))), (NOT_READY, NOT_READY, NOT_READY));
        drop(inner);
        assert_eq!(may_wait_at(2), Ok(()));
        drop(outer);
        assert_eq!(may_wait_at(1), Ok(()));
        assert!(!is_called());
    }

    #[test]
    fn a_thread_with_too_many_nested_locks_does_not_wait() {
        let mut locks: Vec<_> = (0..NESTED).map(|n| UnderLock::begin(Lock { reader: n, owner: n })).collect();
        assert_eq!(may_wait(), Ok(()));
        locks.push(UnderLock::begin(Lock { reader: 77, owner: 77 }));
        assert_eq!(may_wait(), NOT_READY);
        while locks.pop().is_some() {}
        assert_eq!((may_wait(), may_wait_at(0)), (Ok(()), Ok(())));
    }
}
