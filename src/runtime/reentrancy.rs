//! Which threads are in a function of the program's that the library has called, and what may wait for its end: such a thread
//! does not wait for that.

use std::cell::Cell;

use crate::abi::hresult::{Hresult, Result};

/// How many functions of the program's can be in each other, each under a lock of its own, before the innermost waits for nobody.
const NESTED: usize = 4;

thread_local! {
    /// In how many callbacks of virtual cards this thread is.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// The locks under which this thread is in functions of the program's.
    static LOCKS: Cell<[Option<Lock>; NESTED]> = const { Cell::new([None; NESTED]) };
}

/// A lock: a number for what it locks, and one for its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    pub reader: usize,
    pub owner: usize,
}

/// Fails on a thread that is in a callback of a virtual card: what it would wait for may wait for the end of the callback.
pub fn may_wait() -> Result<()> {
    match DEPTH.get() {
        0 => Ok(()),
        _ => Err(Hresult::SCARD_E_NOT_READY),
    }
}

/// Whether this thread is in a function of the program's on whose end others may wait: in a callback, or under a lock.
pub fn is_called() -> bool {
    DEPTH.get() > 0 || LOCKS.get().iter().any(Option::is_some)
}

/// Fails also on a thread that is in a function of the program's under a lock on `place`.
pub fn may_wait_at(reader: usize) -> Result<()> {
    may_wait_unless(|lock| lock.reader == reader)
}

/// The same, but what waits for the owner of such a lock does not wait for this thread.
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

/// This thread is in a callback of a virtual card, for as long as this lives.
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

/// This thread is in a function of the program's under a lock, for as long as this lives.
pub struct UnderLock {
    before: [Option<Lock>; NESTED],
    /// There was no room for one more.
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
    fn a_thread_waits_for_nobody_until_its_last_callback_has_ended() {
        assert_eq!(may_wait(), Ok(()));
        let outer = Callback::begin();
        drop(Callback::begin());
        assert_eq!(may_wait(), NOT_READY);
        std::thread::scope(|scope| scope.spawn(|| assert_eq!(may_wait(), Ok(()))).join().unwrap());
        drop(outer);
        assert_eq!(may_wait(), Ok(()));
    }

    #[test]
    fn under_a_lock_a_thread_waits_for_other_places_and_for_its_owner() {
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
    fn where_there_is_no_room_for_a_lock_the_thread_waits_for_nobody() {
        let mut locks: Vec<_> = (0..NESTED).map(|n| UnderLock::begin(Lock { reader: n, owner: n })).collect();
        assert_eq!(may_wait(), Ok(()));
        locks.push(UnderLock::begin(Lock { reader: 77, owner: 77 }));
        assert_eq!(may_wait(), NOT_READY);
        while locks.pop().is_some() {}
        assert_eq!((may_wait(), may_wait_at(0)), (Ok(()), Ok(())));
    }
}
