//! The gate that every call of PC/SC passes, and the end of the process.
//!
//! libpcsclite has a destructor: at the end of a process it frees the list of its contexts, without a look at the threads that are in a
//! call. Such a thread crashes where it reads or changes the list: at the beginning of each call, and at the end of those
//! that make and release contexts and disconnect cards. So the gate closes before the destructor runs. A call that comes
//! later fails with `SCARD_P_SHUTDOWN`, and those that are under way get a moment to return. What is left then waits for
//! the service, far from the list.
//!
//! The gate closes in two steps. The first is an exit handler that is registered when this library is loaded: no destructor of
//! any library has run then. From now on only the thread that ends the process passes, so that exit handlers and destructors of the program
//! may still detach. The second is a destructor of this library: the dynamic linker calls it before that of
//! libpcsclite, on which this library depends, and nobody passes any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cancellation::{hold_off, HeldOff};
use crate::hresult::{Hresult, Result};

/// In `GATE`: the end of the process has begun.
const CLOSED: usize = 1;
/// In `GATE`: one call.
const CALL: usize = 2;
/// In `GATE`: one of the calls waits for something to happen.
const WAIT: usize = 1 << (usize::BITS / 2);

/// How many calls are under way, how many of them wait, and `CLOSED`.
static GATE: AtomicUsize = AtomicUsize::new(0);

/// A call of PC/SC that is under way, until it is dropped. Its thread is not cancelled meanwhile, as it has locks of libpcsclite.
pub struct Passage {
    _cancellation: HeldOff,
}

/// Lets a call in, unless the process ends.
#[inline(always)]
pub fn pass() -> Result<Passage> {
    let passage = Passage { _cancellation: hold_off() };
    if GATE.fetch_add(CALL, Ordering::Acquire) & CLOSED == 0 {
        Ok(passage)
    } else {
        pass_closed(passage)
    }
}

#[cold]
fn pass_closed(passage: Passage) -> Result<Passage> {
    if end::is_at_work() {
        return Ok(passage);
    }
    drop(passage);
    Err(Hresult::SCARD_P_SHUTDOWN)
}

impl Drop for Passage {
    #[inline(always)]
    fn drop(&mut self) {
        GATE.fetch_sub(CALL, Ordering::Release);
    }
}

/// In the child of a fork: it has none of the threads that were in a call, nor the one that ended the parent, unless that has
/// forked.
#[cfg(unix)]
pub fn forget_all() {
    let end = if end::is_at_work() { CLOSED } else { 0 };
    GATE.store(end, Ordering::Relaxed);
}

pub use end::waiting;

/// The end of a process on a system whose PC/SC library has a destructor.
#[cfg(all(unix, not(target_os = "macos")))]
mod end {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{CALL, CLOSED, GATE, WAIT};
    use crate::cancellation::hold_off;
    use crate::thread_mark::this_thread;

    /// How long the end waits for calls that are under way. Those of a service that hangs take longer.
    const PATIENCE_MS: u64 = 80;

    /// How long a thread may take from the beginning of a wait to where it sleeps, on a busy machine.
    const FALLING_ASLEEP_MS: u64 = 40;

    const LOOK_EVERY: Duration = Duration::from_micros(200);

    /// When the last wait began.
    static LAST_WAIT_MS: AtomicU64 = AtomicU64::new(0);

    /// The thread that ends the process, between the two steps; 0 before and after.
    static ENDING: AtomicUsize = AtomicUsize::new(0);

    /// Makes a call that waits for something to happen. The end does not wait for it once it sleeps.
    pub fn waiting<T>(call: impl FnOnce() -> T) -> T {
        LAST_WAIT_MS.store(now_ms(), Ordering::Relaxed);
        GATE.fetch_add(WAIT, Ordering::Release);
        let _wait = Wait;
        call()
    }

    struct Wait;

    impl Drop for Wait {
        fn drop(&mut self) {
            GATE.fetch_sub(WAIT, Ordering::Relaxed);
        }
    }

    /// Whether this thread is the one that ends the process, and may still pass.
    pub fn is_at_work() -> bool {
        ENDING.load(Ordering::Relaxed) == this_thread()
    }

    // The priority lets both steps enclose whatever a program does before and after `main`, if it is linked with the static library.
    // They are in the file of `pass`, as a linker leaves out what nobody asks for.
    #[used]
    #[link_section = ".init_array.00101"]
    static LOADED: extern "C" fn() = expect_end;

    #[used]
    #[link_section = ".fini_array.00101"]
    static UNLOADED: extern "C" fn() = finish_end;

    extern "C" fn expect_end() {
        // SAFETY: the function has the signature asked for, and may run at any time after this. Without memory for it the second
        // step closes the gate alone.
        unsafe { libc::atexit(begin_end) };
    }

    extern "C" fn begin_end() {
        ENDING.store(this_thread(), Ordering::Relaxed);
        close();
    }

    extern "C" fn finish_end() {
        ENDING.store(0, Ordering::Relaxed);
        close();
    }

    fn close() {
        let _cancellation = hold_off();
        if GATE.fetch_or(CLOSED, Ordering::SeqCst) & CLOSED != 0 {
            return;
        }
        let limit = now_ms() + PATIENCE_MS;
        while is_anyone_awake() && now_ms() < limit {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn is_anyone_awake() -> bool {
        let gate = GATE.load(Ordering::Acquire);
        let (calls, waits) = (gate % WAIT / CALL, gate / WAIT);
        calls > waits || waits > 0 && now_ms() < LAST_WAIT_MS.load(Ordering::Relaxed) + FALLING_ASLEEP_MS
    }

    fn now_ms() -> u64 {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the output is ours.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
        now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod end {
    /// Makes a call that waits for something to happen.
    pub fn waiting<T>(call: impl FnOnce() -> T) -> T {
        call()
    }

    pub fn is_at_work() -> bool {
        false
    }
}
