//! Allows one thread at a time to call the callbacks of a card, or those of a reader.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::reentrancy;
use crate::runtime::thread_id::this_thread;

#[derive(Default)]
pub struct CallbackLock<Pending> {
    state: Mutex<CallbackState<Pending>>,
    free: Condvar,
}

#[derive(Default)]
pub struct CallbackState<Pending> {
    /// The id of the thread that is in a callback, or 0.
    busy: usize,
    /// Incremented to make waiting threads check the card again.
    interruptions: usize,
    /// Events that the card gets after the present callback.
    pub pending: Pending,
}

impl<Pending> CallbackState<Pending> {
    pub fn is_busy(&self) -> bool {
        self.busy != 0
    }

    /// Locks the callbacks for this thread.
    pub fn begin(&mut self) {
        self.busy = this_thread();
    }
}

impl<Pending> CallbackLock<Pending> {
    pub fn lock(&self) -> MutexGuard<'_, CallbackState<Pending>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other thread is in a callback; None if the wait was interrupted. Call it without a lock of the
    /// library. It fails in a callback of the same object, and in any other callback if it would have to wait.
    pub fn free(&self) -> Result<Option<MutexGuard<'_, CallbackState<Pending>>>> {
        let mut state = self.lock();
        if state.busy == this_thread() {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let before = state.interruptions;
        while state.is_busy() {
            // The other thread may be waiting for the card whose callback this is.
            reentrancy::may_wait()?;
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.interruptions != before {
                return Ok(None);
            }
        }
        Ok(Some(state))
    }

    /// Unlocks the callbacks.
    pub fn end(&self, mut state: MutexGuard<'_, CallbackState<Pending>>) {
        state.busy = 0;
        drop(state);
        self.free.notify_all();
    }

    /// Interrupts the waits, so that the threads check the card again.
    pub fn interrupt(&self) {
        let mut state = self.lock();
        state.interruptions = state.interruptions.wrapping_add(1);
        self.free.notify_all();
    }
}
