//! Cancellation of POSIX threads.

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

const DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
/// In the place of a state: it was left as it was.
const UNTOUCHED: c_int = -1;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

static NOT_KNOWN: AtomicU8 = AtomicU8::new(0);

/// What is not 0 while the process has a single thread, which nobody can cancel.
static IS_SINGLE_THREADED: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const NOT_KNOWN).cast_mut());

/// Looks for the variable that tells. glibc has it from 2.32 on. Without it each call pays for its caution.
pub fn learn() {
    // SAFETY: the name ends with a NUL.
    let told = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    if !told.is_null() {
        IS_SINGLE_THREADED.store(told.cast(), Ordering::Relaxed);
    }
}

/// Whether the process is known to have no other thread.
#[inline(always)]
pub fn is_single_threaded() -> bool {
    // SAFETY: ours, or that of the C library: a byte that is always there, and changes only while there is a single thread.
    unsafe { &*IS_SINGLE_THREADED.load(Ordering::Relaxed) }.load(Ordering::Relaxed) != 0
}

/// Until it is dropped, this thread is not cancelled.
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
            // SAFETY: the state that it was in.
            unsafe { pthread_setcancelstate(self.before, null_mut()) };
        }
    }
}
