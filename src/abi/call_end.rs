//! The work of a thread at the end of an exported function: after a failure, in a logged call, or if the thread ends in
//! a callback. One load shows whether any thread has something to do, and one test shows it together with the
//! failure of the function.

use std::sync::atomic::{AtomicI32, Ordering};

/// Minus the number of things that threads have to do: below 0, as a failure is.
static DUE: AtomicI32 = AtomicI32::new(0);

/// This thread has one more thing to do.
#[cold]
pub fn expect() {
    DUE.fetch_sub(1, Ordering::Relaxed);
}

/// One thing is done.
#[cold]
pub fn forget() {
    DUE.fetch_add(1, Ordering::Relaxed);
}

/// Whether the end of a function with this result has something to do: it failed, or a thread has something to do.
#[inline(always)]
pub fn is_due(result: i32) -> bool {
    DUE.load(Ordering::Relaxed) | result < 0
}
