//! The driver of a virtual reader: what the reader answers by itself, with a card or without. Its callbacks are called one at a time.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answer::{self, Control};
use super::callback_lock::CallbackLock;
use crate::abi::hresult::Result;
use crate::runtime::callback;
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy::Callback;

/// The callbacks as C gave them, with the pointer that goes with them.
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
    /// That of the process whose reader it is: the driver of another one is not called.
    forks: usize,
    callback_lock: CallbackLock<()>,
}

// SAFETY: whoever gives the callbacks vouches that they and `user` may be used on any thread, one call at a time, which the callback_lock
// sees to.
unsafe impl Send for Driver {}
// SAFETY: as above.
unsafe impl Sync for Driver {}

impl Driver {
    /// A driver whose `user` is the caller's until `keep`.
    pub fn new(callbacks: DriverCallbacks) -> Driver {
        Driver { callbacks, kept: AtomicBool::new(false), forks: fork_count(), callback_lock: CallbackLock::default() }
    }

    /// Takes `user` over from the program, which gets it back by its callback `release`.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Whether it answers anything at all.
    pub fn has_control(&self) -> bool {
        self.callbacks.control.is_some()
    }

    /// Replaces `response` by the answer to a control code, if `may_begin` allows that once no other thread is served; None when that
    /// was disturbed.
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

    /// Lets those who wait for it look again: the reader has gone, or its service has.
    pub fn disturb(&self) {
        self.callback_lock.disturb();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        match self.callbacks.release {
            Some(release) if *self.kept.get_mut() && self.forks == fork_count() => {
                let _callback = Callback::begin();
                // SAFETY: the program vouches for its callback; nobody has the reader any more, so it is the last one.
                callback::call(|| unsafe { release(self.callbacks.user) }, ());
            }
            _ => {}
        }
    }
}
