//! Locks that the thread that forks holds from before the fork until after it. The C library calls a function for each
//! of these moments, so no stack frame can hold the guards.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::runtime::thread_id::this_thread;

/// In `holder`: no thread.
const NOBODY: usize = 0;

/// A place for the guards of one module.
pub struct ForkLocks<Guards> {
    /// The thread that holds the guards.
    holder: AtomicUsize,
    guards: UnsafeCell<Option<Guards>>,
}

// SAFETY: only the thread in `holder` uses the cell. The guards never leave that thread, and it cannot end in the
// middle of a fork.
unsafe impl<Guards> Sync for ForkLocks<Guards> {}

impl<Guards> ForkLocks<Guards> {
    pub const fn new() -> ForkLocks<Guards> {
        ForkLocks { holder: AtomicUsize::new(NOBODY), guards: UnsafeCell::new(None) }
    }

    /// Keeps the guards. Another thread cannot have put its own here: both would hold the same locks.
    pub fn hold(&self, guards: Guards) {
        if self.holder.compare_exchange(NOBODY, this_thread(), Ordering::Acquire, Ordering::Relaxed).is_ok() {
            // SAFETY: this thread is the holder.
            unsafe { *self.guards.get() = Some(guards) };
        }
    }

    /// The guards that this thread holds. They release their locks when they are dropped.
    pub fn take(&self) -> Option<Guards> {
        if self.holder.load(Ordering::Relaxed) != this_thread() {
            return None;
        }
        // SAFETY: this thread is the holder.
        let guards = unsafe { (*self.guards.get()).take() };
        self.holder.store(NOBODY, Ordering::Release);
        guards
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard};

    use super::ForkLocks;

    #[test]
    fn only_the_thread_that_holds_the_guards_takes_them() {
        static LOCK: Mutex<u32> = Mutex::new(0);
        static HELD: ForkLocks<MutexGuard<'static, u32>> = ForkLocks::new();
        assert!(HELD.take().is_none());
        HELD.hold(LOCK.lock().unwrap());
        std::thread::spawn(|| assert!(HELD.take().is_none())).join().unwrap();
        assert!(LOCK.try_lock().is_err());
        *HELD.take().unwrap() += 1;
        assert_eq!(*LOCK.try_lock().unwrap(), 1);
        assert!(HELD.take().is_none());
        HELD.hold(LOCK.lock().unwrap());
        assert!(HELD.take().is_some());
    }
}
