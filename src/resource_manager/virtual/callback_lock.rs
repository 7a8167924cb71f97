//! Where the callbacks of a card, or those of a reader, are called: for one thread at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::reentrancy;
use crate::runtime::thread_id::this_thread;

#[derive(Default)]
pub struct CallbackLock<Pending> {
    state: Mutex<State<Pending>>,
    free: Condvar,
}

#[derive(Default)]
pub struct State<Pending> {
    /// The mark of the thread that is in a callback, or 0.
    busy: usize,
    /// Grows when waiting threads have to look again.
    disturbances: usize,
    /// The events that are told afterwards.
    pub pending: Pending,
}

impl<Pending> State<Pending> {
    pub fn is_busy(&self) -> bool {
        self.busy != 0
    }

    /// Serves this thread from now on.
    pub fn begin(&mut self) {
        self.busy = this_thread();
    }
}

impl<Pending> CallbackLock<Pending> {
    pub fn lock(&self) -> MutexGuard<'_, State<Pending>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The callback_lock, once it serves no other thread; None when it was disturbed meanwhile. Not to be called with a lock of ours held; from
    /// a callback that is called here it is refused, and where it would have to wait from any other one.
    pub fn free(&self) -> Result<Option<MutexGuard<'_, State<Pending>>>> {
        let mut state = self.lock();
        if state.busy == this_thread() {
            return Err(Hresult::SCARD_E_NOT_READY);
        }
        let before = state.disturbances;
        while state.is_busy() {
            // The other thread may be in there for the sake of the card whose callback this is.
            reentrancy::may_wait()?;
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
            if state.disturbances != before {
                return Ok(None);
            }
        }
        Ok(Some(state))
    }

    /// Lets the next one in.
    pub fn end(&self, mut state: MutexGuard<'_, State<Pending>>) {
        state.busy = 0;
        drop(state);
        self.free.notify_all();
    }

    /// Lets those who wait look again.
    pub fn disturb(&self) {
        let mut state = self.lock();
        state.disturbances = state.disturbances.wrapping_add(1);
        self.free.notify_all();
    }
}
