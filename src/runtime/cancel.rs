//! A cancel of a wait: how it and other wakes reach the threads that sleep for an attachment.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::runtime::sync::{Condvar, Mutex, MutexGuard};
use crate::runtime::wait;

/// Waiting threads of one attachment sleep on it. It wakes them when the state that they wait for may have changed.
#[derive(Default)]
pub struct Waker {
    state: Mutex<WakerState>,
    woken: Condvar,
}

#[derive(Default)]
struct WakerState {
    /// When the present wait was told to end, or else the next one. More cancels before that change nothing.
    cancelled: Option<Instant>,
    /// The first cancel that the present clean-up has met, also if a wait of another thread has ended by it.
    cleanup_cancelled: Option<Instant>,
    wakes: u64,
}

impl Waker {
    /// Makes all waiting threads check their state again.
    pub fn wake(&self) {
        self.state().wakes += 1;
        self.woken.notify_all();
    }

    /// Ends the present wait, or else the next one.
    pub fn cancel(&self) {
        self.cancel_at(Instant::now());
    }

    pub(super) fn cancel_at(&self, moment: Instant) {
        let mut state = self.state();
        state.cancelled.get_or_insert(moment);
        state.cleanup_cancelled.get_or_insert(moment);
        state.wakes += 1;
        drop(state);
        self.woken.notify_all();
    }

    /// The number of wakes so far. Read it before you decide to sleep.
    pub fn wakes(&self) -> u64 {
        self.state().wakes
    }

    /// Sleeps until there are more wakes than `seen_wakes`, or until then.
    pub fn sleep(&self, seen_wakes: u64, until: Option<Instant>) {
        let mut state = self.state();
        while state.wakes == seen_wakes {
            state = match wait::until(until) {
                None => self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return,
                Some(rest) => self.woken.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Whether there was a cancel that has not ended a wait yet.
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled.is_some()
    }

    /// Clean-up begins. An attachment has one at a time.
    pub fn begin_cleanup(&self) {
        let mut state = self.state();
        state.cleanup_cancelled = state.cancelled;
    }

    /// When the present clean-up was cancelled, if it was.
    pub fn cleanup_cancelled_at(&self) -> Option<Instant> {
        self.state().cleanup_cancelled
    }

    /// Whether there was a cancel, once: the wait that asks ends.
    pub fn take_cancel(&self) -> bool {
        self.state().cancelled.take().is_some()
    }

    fn state(&self) -> MutexGuard<'_, WakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_sleep_is_not_lost() {
        let waker = Waker::default();
        let seen_wakes = waker.wakes();
        waker.wake();
        waker.sleep(seen_wakes, None);
    }
}
