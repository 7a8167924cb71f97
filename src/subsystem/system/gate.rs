//! The gate that every call of PC/SC passes, and the end of the process.
//!
//! libpcsclite has a destructor: at the end of a process it frees the list of its contexts, without a look at the threads that are in a
//! call. Such a thread crashes where it reads or changes the list: at the beginning of each call, and at the end of those
//! that make and release contexts and disconnect cards. So the gate closes before the destructor runs. A call that comes
//! later fails with `SCARD_P_SHUTDOWN`, and those that are under way get a moment to return. What is left then waits for
//! the service, far from the list.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cancellation::{hold_off, HeldOff};
use crate::hresult::{Hresult, Result};

/// In `GATE`: the end of the process has begun.
const CLOSED: usize = 1;
/// In `GATE`: one call.
const CALL: usize = 2;

/// How many calls are under way, and `CLOSED`.
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
        Err(refuse(passage))
    }
}

#[cold]
fn refuse(passage: Passage) -> Hresult {
    drop(passage);
    Hresult::SCARD_P_SHUTDOWN
}

impl Drop for Passage {
    #[inline(always)]
    fn drop(&mut self) {
        GATE.fetch_sub(CALL, Ordering::Release);
    }
}

/// In the child of a fork, which has none of the threads that were in a call.
#[cfg(unix)]
pub fn forget_all() {
    GATE.fetch_and(CLOSED, Ordering::Relaxed);
}

pub use end::waiting;

/// The end of a process on a system whose PC/SC library has a destructor.
#[cfg(all(unix, not(target_os = "macos")))]
mod end {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{CALL, CLOSED, GATE};
    use crate::cancellation::hold_off;

    /// How long the end waits for calls that are under way. Those of a service that hangs take longer.
    const PATIENCE_MS: u64 = 80;

    /// How long a thread may take from the beginning of a wait to where it sleeps, on a busy machine.
    const FALLING_ASLEEP_MS: u64 = 20;

    const LOOK_EVERY: Duration = Duration::from_micros(200);

    /// How many of the calls wait for something to happen.
    static WAITS: AtomicUsize = AtomicUsize::new(0);
    /// When the last of them began.
    static LAST_WAIT_MS: AtomicU64 = AtomicU64::new(0);

    /// Makes a call that waits for something to happen. The end does not wait for it once it sleeps.
    pub fn waiting<T>(call: impl FnOnce() -> T) -> T {
        LAST_WAIT_MS.store(now_ms(), Ordering::Relaxed);
        WAITS.fetch_add(1, Ordering::Release);
        let _wait = Wait;
        call()
    }

    struct Wait;

    impl Drop for Wait {
        fn drop(&mut self) {
            WAITS.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The dynamic linker calls it before the destructor of libpcsclite, which this library depends on.
    #[used]
    #[link_section = ".fini_array"]
    static CLOSE: extern "C" fn() = close;

    extern "C" fn close() {
        let _cancellation = hold_off();
        GATE.fetch_or(CLOSED, Ordering::SeqCst);
        let limit = now_ms() + PATIENCE_MS;
        while is_anyone_awake() && now_ms() < limit {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn is_anyone_awake() -> bool {
        let waits = WAITS.load(Ordering::Acquire);
        let calls = GATE.load(Ordering::Acquire) / CALL;
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
}
