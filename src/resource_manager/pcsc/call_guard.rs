//! A guard around each call of PC/SC: for the end of the process, and for its forks.
//!
//! libpcsclite has a destructor. At the end of the process it frees the list of its contexts, without regard to threads
//! inside a call. Such a thread crashes when it reads or changes the list: at the beginning of each call, and at the
//! end of a call that makes or releases a context or disconnects a card. So no call passes the guard after the
//! destructor may have run. Later calls fail with `SCARD_P_SHUTDOWN`. Calls that are under way get a moment to return;
//! those that remain wait for the service, and do not use the list.
//!
//! The guard closes in two steps. The first step is an exit handler, which is registered when this library is loaded.
//! No destructor of any library has run then. From then on only the thread that ends the process may call PC/SC, so
//! that exit handlers and destructors of the program can still detach. The second step is a destructor of this library.
//! The dynamic linker runs it before that of libpcsclite, because this library depends on libpcsclite. After it no call
//! passes.
//!
//! A fork holds the guard for a moment. Otherwise the child could inherit a mutex of libpcsclite that a thread of the
//! parent has locked: each call locks some at its beginning. Then no call of the child would return, and since 2.5 not
//! even the destructor.

#[cfg(unix)]
use std::sync::TryLockError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::pthread_cancel::{HeldOff, hold_off};

/// In `STATE`: the process ends.
const CLOSED: usize = 1;
/// In `STATE`: a fork is under way.
const HELD: usize = 2;
/// In `STATE`: one call.
const CALL: usize = 4;
/// In `STATE`: one of the calls waits for an event.
const WAIT: usize = 1 << (usize::BITS / 2);

/// The number of calls, the number of those that wait, `CLOSED` and `HELD`. They share one word, so that all are read
/// at one moment.
static STATE: AtomicUsize = AtomicUsize::new(0);

/// How often a thread checks again whether it may go on.
const CHECK_EVERY: Duration = Duration::from_micros(200);

/// A call of PC/SC, until it is dropped. Its thread cannot be cancelled meanwhile, because it has locked mutexes of
/// libpcsclite.
pub struct GuardedCall {
    _cancellation: HeldOff,
}

/// Begins a call, unless the process ends.
#[inline(always)]
pub fn begin() -> Result<GuardedCall> {
    let call = GuardedCall { _cancellation: hold_off() };
    if STATE.fetch_add(CALL, Ordering::Acquire) & (CLOSED | HELD) == 0 { Ok(call) } else { begin_later(call) }
}

#[cold]
fn begin_later(call: GuardedCall) -> Result<GuardedCall> {
    let _cancellation = hold_off();
    drop(call);
    while STATE.load(Ordering::Acquire) & HELD != 0 {
        std::thread::sleep(CHECK_EVERY);
    }
    let call = GuardedCall { _cancellation: hold_off() };
    match STATE.fetch_add(CALL, Ordering::Acquire) {
        state if state & HELD != 0 => begin_later(call),
        state if state & CLOSED == 0 || end::is_ending_thread() => Ok(call),
        _ => Err(Hresult::SCARD_P_SHUTDOWN),
    }
}

/// Only one at a time: libpcsclite keeps contexts and handles in lists. SCardDisconnect reads all of them while
/// SCardEstablishContext or SCardReleaseContext changes them, and crashes (1.9.9; partly fixed in 2.5). None of these
/// three calls waits for a card: `connection::close` has begun a transaction, or leaves the card as it is.
static EXCLUSIVE: Mutex<()> = Mutex::new(());

/// One of these three calls, until it is dropped.
pub struct ExclusiveCall {
    _alone: MutexGuard<'static, ()>,
    _call: GuardedCall,
}

/// Begins one of these three calls, when no other one is under way.
pub fn begin_exclusive() -> Result<ExclusiveCall> {
    let call = begin()?;
    let alone = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
    // The previous call may have ended only after the guard was closed, if the service hung.
    if STATE.load(Ordering::Acquire) & CLOSED != 0 && !end::is_ending_thread() {
        return Err(Hresult::SCARD_P_SHUTDOWN);
    }
    Ok(ExclusiveCall { _alone: alone, _call: call })
}

impl Drop for GuardedCall {
    #[inline(always)]
    fn drop(&mut self) {
        STATE.fetch_sub(CALL, Ordering::Release);
    }
}

/// Makes a call that waits for an event. Once it sleeps, neither a fork nor the end of the process waits for it.
pub fn waiting<T>(call: impl FnOnce() -> T) -> T {
    end::note_wait();
    STATE.fetch_add(WAIT, Ordering::Release);
    let _wait = Wait(());
    call()
}

/// How many calls ask for the states of the readers.
static READS: AtomicUsize = AtomicUsize::new(0);

/// Makes a call that asks for the states of the readers. Since 2.0.1 libpcsclite locks a mutex until the service has
/// answered. A child of a fork would inherit it locked. So a fork waits longer for such a call.
pub fn reading<T>(call: impl FnOnce() -> T) -> T {
    READS.fetch_add(1, Ordering::Release);
    let _read = Read(());
    call()
}

struct Read(());

impl Drop for Read {
    fn drop(&mut self) {
        READS.fetch_sub(1, Ordering::Release);
    }
}

struct Wait(());

impl Drop for Wait {
    fn drop(&mut self) {
        STATE.fetch_sub(WAIT, Ordering::Relaxed);
    }
}

/// Whether there is a call that does not wait for an event.
#[cfg(unix)]
fn is_any_call_active() -> bool {
    let gate = STATE.load(Ordering::Acquire);
    gate % WAIT / CALL > gate / WAIT
}

/// The guard while a fork is under way.
#[cfg(unix)]
pub struct ForkGuard {
    alone: Option<MutexGuard<'static, ()>>,
    is_reading: bool,
}

#[cfg(unix)]
impl ForkGuard {
    /// Whether no thread is in one of the calls that run one at a time. Otherwise the child inherits their mutex
    /// locked.
    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Whether a call still asks for the states of the readers, because the service has not answered in time. The child
    /// may inherit their mutex locked.
    pub fn is_reading(&self) -> bool {
        self.is_reading
    }
}

/// Keeps new calls waiting, and gives the present calls a moment to unlock the mutexes that they lock at their
/// beginning. A fork does not wait for a service that hangs.
#[cfg(unix)]
pub fn hold_for_fork() -> ForkGuard {
    const CHECKS_FOR_CALLS: u32 = 50;
    const CHECKS_FOR_READS: u32 = 500;
    const CHECKS_FOR_EXCLUSIVE: u32 = 500;
    let _cancellation = hold_off();
    STATE.fetch_or(HELD, Ordering::SeqCst);
    wait_until(CHECKS_FOR_CALLS, || !is_any_call_active());
    let is_reading = !wait_until(CHECKS_FOR_READS, || READS.load(Ordering::Acquire) == 0);
    let mut alone = None;
    wait_until(CHECKS_FOR_EXCLUSIVE, || {
        alone = match EXCLUSIVE.try_lock() {
            Ok(alone) => Some(alone),
            Err(TryLockError::Poisoned(alone)) => Some(alone.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        alone.is_some()
    });
    ForkGuard { alone, is_reading }
}

#[cfg(unix)]
fn wait_until(checks: u32, mut is_reached: impl FnMut() -> bool) -> bool {
    for _ in 0..checks {
        if is_reached() {
            return true;
        }
        std::thread::sleep(CHECK_EVERY);
    }
    false
}

#[cfg(unix)]
impl Drop for ForkGuard {
    fn drop(&mut self) {
        STATE.fetch_and(!HELD, Ordering::Release);
    }
}

/// In the child of a fork: it has no thread that was in a call. The thread that ends the process exists only if it has
/// forked.
#[cfg(unix)]
pub fn forget_all() {
    let end = if end::is_ending_thread() { CLOSED } else { 0 };
    STATE.store(HELD | end, Ordering::Relaxed);
    READS.store(0, Ordering::Relaxed);
}

/// The end of a process, where the PC/SC library has a destructor.
#[cfg(all(unix, not(target_os = "macos")))]
mod end {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::{CHECK_EVERY, CLOSED, STATE, WAIT, is_any_call_active};
    use crate::runtime::pthread_cancel::hold_off;
    use crate::runtime::thread_id::this_thread;

    /// How long the end waits for the present calls. They take longer if the service hangs.
    const END_LIMIT_MS: u64 = 80;

    /// How long a thread may need, on a busy machine, from the beginning of a wait until it sleeps.
    const BEFORE_SLEEP_MS: u64 = 40;

    /// When the last wait began.
    static LAST_WAIT_MS: AtomicU64 = AtomicU64::new(0);

    /// The thread that ends the process, between the two steps; 0 before and after them.
    static ENDING: AtomicUsize = AtomicUsize::new(0);

    /// A wait begins.
    pub fn note_wait() {
        LAST_WAIT_MS.store(now_ms(), Ordering::Relaxed);
    }

    /// Whether this thread ends the process, and may still call PC/SC.
    pub fn is_ending_thread() -> bool {
        ENDING.load(Ordering::Relaxed) == this_thread()
    }

    // With this priority the steps enclose everything that a program does before and after `main`, if it is linked with
    // the static library. They are in the same file as `begin`, because a linker omits files that nobody refers to.
    #[used]
    #[unsafe(link_section = ".init_array.00101")]
    static LOADED: extern "C" fn() = register_end;

    #[used]
    #[unsafe(link_section = ".fini_array.00101")]
    static UNLOADED: extern "C" fn() = finish_end;

    extern "C" fn register_end() {
        // SAFETY: the function has the required signature, and may run at any later time. If there is no memory for it,
        // the second step alone closes the guard.
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
        if STATE.fetch_or(CLOSED, Ordering::SeqCst) & CLOSED != 0 {
            return;
        }
        let limit = now_ms() + END_LIMIT_MS;
        while is_any_call_awake() && now_ms() < limit {
            std::thread::sleep(CHECK_EVERY);
        }
    }

    fn is_any_call_awake() -> bool {
        let may_not_sleep_yet = || now_ms() < LAST_WAIT_MS.load(Ordering::Relaxed) + BEFORE_SLEEP_MS;
        is_any_call_active() || STATE.load(Ordering::Relaxed) >= WAIT && may_not_sleep_yet()
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
    pub fn note_wait() {}

    pub fn is_ending_thread() -> bool {
        false
    }
}
