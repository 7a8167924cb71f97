//! Calls of functions that belong to the program, in which its thread may end.
//!
//! `pthread_exit` and `pthread_cancel` unwind the stack on glibc: a forced unwind, which must not end in `catch_unwind`, as the guard
//! of the exported functions would have it. So it stops where the function was called: to the library the function has failed. The
//! call of the library comes to its end and releases everything. Then `resume` lets the thread end.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::abi::hresult::Hresult;
use crate::runtime::platform::unwinder::{self, Unwind};

/// How many threads have an unwind that waits. It makes the question cheap where there is none.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// What a function has answered in which its thread ends.
pub(crate) const THREAD_ENDED: i32 = Hresult::E_ABORT.0;

/// Calls a function of the program. If its thread ends in there, the answer is `ended`.
pub fn call<T>(function: impl FnOnce() -> T, ended: T) -> T {
    match unwinder::call(function) {
        Ok(answer) => answer,
        Err(unwind) => {
            keep(unwind);
            ended
        }
    }
}

/// Ends this thread, if it was to end in a function of the program. Nothing of the library is left on its stack by then.
#[inline(always)]
pub fn resume() {
    if WAITING.load(Ordering::Relaxed) != 0 {
        if let Some(unwind) = take() {
            unwinder::resume(unwind);
        }
    }
}

/// Ends the wait without resuming it, for a thread of the library, which ends by itself.
pub fn forget() {
    take();
}

thread_local!(static KEPT: std::cell::Cell<Option<Unwind>> = const { std::cell::Cell::new(None) });

/// A thread that ends can be called back once more before the call is over. The unwind is the same one then.
#[cold]
fn keep(unwind: Unwind) {
    if KEPT.replace(Some(unwind)).is_none() {
        WAITING.fetch_add(1, Ordering::Relaxed);
    }
}

#[cold]
fn take() -> Option<Unwind> {
    let unwind = KEPT.take();
    if unwind.is_some() {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
    unwind
}
