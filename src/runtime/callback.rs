//! Calls of the program's functions, in which the program may end the thread.
//!
//! On glibc `pthread_exit` and `pthread_cancel` end a thread by a forced unwind of its stack. It must not reach the
//! `catch_unwind` in the guard of an exported function. So it stops at the call of the program's function, and the
//! library takes that function for failed. The exported function completes and releases everything. Then `resume`
//! continues the unwind.

use crate::abi::call_end;
use crate::abi::hresult::Hresult;
use crate::runtime::platform::unwinder::{self, Unwind};

/// The result of a function in which its thread ends.
pub(crate) const THREAD_ENDED: i32 = Hresult::E_ABORT.0;

/// Calls a function of the program. Returns `ended` if the program ends the thread in it.
pub fn call<T>(function: impl FnOnce() -> T, ended: T) -> T {
    match unwinder::call(function) {
        Ok(answer) => answer,
        Err(unwind) => {
            keep(unwind);
            ended
        }
    }
}

/// Continues the unwind of this thread, if it has one. Nothing of the library is left on its stack then.
pub fn resume() {
    if let Some(unwind) = take() {
        unwinder::resume(unwind);
    }
}

/// Drops the unwind of this thread without continuing it, for a thread of the library, which ends by itself.
pub fn forget() {
    take();
}

thread_local!(static KEPT: std::cell::Cell<Option<Unwind>> = const { std::cell::Cell::new(None) });

/// The library may call the program again on a thread with a stopped unwind. A second unwind of the thread is the same
/// object.
#[cold]
fn keep(unwind: Unwind) {
    if KEPT.replace(Some(unwind)).is_none() {
        call_end::expect();
    }
}

#[cold]
fn take() -> Option<Unwind> {
    let unwind = KEPT.take();
    if unwind.is_some() {
        call_end::forget();
    }
    unwind
}
