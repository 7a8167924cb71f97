//! Cancellation of POSIX threads.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
/// In place of a state: the state was not changed.
const UNTOUCHED: c_int = -1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

static NOT_KNOWN: AtomicU8 = AtomicU8::new(0);

/// A byte that is not 0 while the process has only one thread, which nobody can cancel.
static IS_SINGLE_THREADED: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const NOT_KNOWN).cast_mut());

/// Looks for this byte in the C library: glibc has it since 2.32. Without it every call of PC/SC changes the cancel
/// state.
pub fn learn() {
    // SAFETY: the name ends with a NUL.
    let variable = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    if !variable.is_null() {
        IS_SINGLE_THREADED.store(variable.cast(), Ordering::Relaxed);
    }
}

/// Whether the process is known to have only one thread.
#[inline(always)]
pub fn is_single_threaded() -> bool {
    // SAFETY: a byte of ours, or of the C library: it always exists, and changes only while there is one thread.
    unsafe { &*IS_SINGLE_THREADED.load(Ordering::Relaxed) }.load(Ordering::Relaxed) != 0
}

/// Disables cancellation of this thread until it is dropped.
pub struct HeldOff {
    before: c_int,
}

#[inline(always)]
pub fn hold_off() -> HeldOff {
    let mut before = UNTOUCHED;
    if !is_single_threaded() {
        // SAFETY: the output is ours.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
    }
    HeldOff { before }
}

impl Drop for HeldOff {
    #[inline(always)]
    fn drop(&mut self) {
        if self.before != UNTOUCHED {
            // SAFETY: the state from before.
            unsafe { pthread_setcancelstate(self.before, null_mut()) };
        }
    }
}
