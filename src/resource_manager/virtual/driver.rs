//! The driver of a virtual reader: it answers for the reader itself, with a card or without. Its callbacks are called
//! one at a time.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answer::{self, Control};
use super::callback_lock::CallbackLock;
use crate::abi::hresult::Result;
use crate::runtime::callback;
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy::Callback;

/// The callbacks and their argument, as C gave them.
#[derive(Clone, Copy)]
pub struct DriverCallbacks {
    pub user: *mut c_void,
    pub control: Option<Control>,
    pub release: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
}

pub struct Driver {
    callbacks: DriverCallbacks,
    /// The reader has taken `user` over from the program.
    kept: AtomicBool,
    /// The fork count of the process that owns the reader: another process does not call the driver.
    forks: usize,
    callback_lock: CallbackLock<()>,
}

// SAFETY: the program guarantees that the callbacks and `user` may be used on any thread, one call at a time;
// `CallbackLock` allows no more.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

impl Driver {
    /// A driver whose `user` belongs to the caller until `keep`.
    pub fn new(callbacks: DriverCallbacks) -> Driver {
        Driver { callbacks, kept: AtomicBool::new(false), forks: fork_count(), callback_lock: CallbackLock::default() }
    }

    /// Takes `user` over from the program, which gets it back in its callback `release`.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Whether it has a callback for control codes.
    pub fn has_control(&self) -> bool {
        self.callbacks.control.is_some()
    }

    /// Replaces `response` by the answer to a control code. Once no other thread is in a callback, `may_begin` decides
    /// about the call. None if the wait was interrupted.
    pub fn control(
        &self,
        code: u32,
        input: &[u8],
        response: &mut Vec<u8>,
        may_begin: impl FnOnce() -> Result<()>,
    ) -> Result<Option<()>> {
        let Some(mut state) = self.callback_lock.free()? else { return Ok(None) };
        state.begin();
        drop(state);
        let answered = may_begin().and_then(|()| {
            let DriverCallbacks { user, control, .. } = self.callbacks;
            let _callback = Callback::begin();
            answer::control(control, user, code, input, response)
        });
        self.callback_lock.end(self.callback_lock.lock());
        answered.map(Some)
    }

    /// Interrupts the threads that wait for the driver: the reader was unplugged, or its service has stopped.
    pub fn interrupt(&self) {
        self.callback_lock.interrupt();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        match self.callbacks.release {
            Some(release) if *self.kept.get_mut() && self.forks == fork_count() => {
                let _callback = Callback::begin();
                // SAFETY: the program guarantees its callback; this is the last reference to the reader, so it is the
                // last call.
                callback::call(|| unsafe { release(self.callbacks.user) }, ());
            }
            _ => {}
        }
    }
}
