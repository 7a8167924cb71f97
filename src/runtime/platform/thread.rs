//! POSIX threads.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::try_box;

pub fn spawn<F: FnOnce() + Send + 'static>(work: F) -> Result<()> {
    let work = Box::into_raw(try_box(work)?);
    create(start::<F>, work.cast()).inspect_err(|_| {
        // SAFETY: there is no new thread that could have it.
        drop(unsafe { Box::from_raw(work) });
    })
}

extern "C" fn start<F: FnOnce()>(work: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` made it of a box, and gave it to this thread alone.
    let work = unsafe { Box::from_raw(work.cast::<F>()) };
    work();
    std::ptr::null_mut()
}

fn create(start: extern "C" fn(*mut c_void) -> *mut c_void, argument: *mut c_void) -> Result<()> {
    let mut thread = MaybeUninit::uninit();
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised before their use and destroyed after it, and all pointers are ours.
    let code = unsafe {
        if libc::pthread_attr_init(attributes.as_mut_ptr()) != 0 {
            return Err(Hresult::E_OUTOFMEMORY);
        }
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED);
        let code =
            with_signals_blocked(|| libc::pthread_create(thread.as_mut_ptr(), attributes.as_ptr(), start, argument));
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        code
    };
    if code == 0 { Ok(()) } else { Err(Hresult::E_OUTOFMEMORY) }
}

/// A new thread inherits the set of blocked signals.
fn with_signals_blocked<T>(act: impl FnOnce() -> T) -> T {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are ours; the second is written by the call and read after it.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        let done = act();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        done
    }
}
