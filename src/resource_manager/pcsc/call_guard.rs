//! The gate that every call of PC/SC passes, the end of the process, and its forks.
//!
//! libpcsclite has a destructor: at the end of a process it frees the list of its contexts, without a look at the threads that are in a
//! call. Such a thread crashes where it reads or changes the list: at the beginning of each call, and at the end of those
//! that make and release contexts and disconnect cards. So the gate closes before the destructor runs. A call that comes
//! later fails with `SCARD_P_SHUTDOWN`, and those that are under way get a moment to return. What is left then waits for
//! the service, far from the list.
//!
//! The gate closes in two steps. The first is an exit handler that is registered when this library is loaded: no destructor of
//! any library has run then. From now on only the thread that ends the process passes, so that exit handlers and destructors
//! of the program may still detach. The second is a destructor of this library: the dynamic linker calls it before that of
//! libpcsclite, on which this library depends, and nobody passes any more.
//!
//! A fork holds the gate for a moment, so that the child inherits no mutex of libpcsclite that a thread of the parent has locked:
//! each call locks some at its beginning. With one of them locked no call of the child would return, and from 2.5 on not
//! even the destructor.

#[cfg(unix)]
use std::sync::TryLockError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::cancellation::{HeldOff, hold_off};

/// In `GATE`: the end of the process has begun.
const CLOSED: usize = 1;
/// In `GATE`: a fork is under way.
const HELD: usize = 2;
/// In `GATE`: one call.
const CALL: usize = 4;
/// In `GATE`: one of the calls waits for something to happen.
const WAIT: usize = 1 << (usize::BITS / 2);

/// How many calls are under way, how many of them wait, `CLOSED` and `HELD`: in one word, as two are never seen at one moment.
static GATE: AtomicUsize = AtomicUsize::new(0);

/// How often somebody who waits at the gate, or for the calls under way, looks again.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// A call of PC/SC that is under way, until it is dropped. Its thread is not cancelled meanwhile, as it has locks of libpcsclite.
pub struct Passage {
    _cancellation: HeldOff,
}

/// Lets a call in, unless the process ends.
#[inline(always)]
pub fn pass() -> Result<Passage> {
    let passage = Passage { _cancellation: hold_off() };
    if GATE.fetch_add(CALL, Ordering::Acquire) & (CLOSED | HELD) == 0 { Ok(passage) } else { pass_later(passage) }
}

#[cold]
fn pass_later(passage: Passage) -> Result<Passage> {
    let _cancellation = hold_off();
    drop(passage);
    while GATE.load(Ordering::Acquire) & HELD != 0 {
        std::thread::sleep(LOOK_EVERY);
    }
    let passage = Passage { _cancellation: hold_off() };
    match GATE.fetch_add(CALL, Ordering::Acquire) {
        gate if gate & HELD != 0 => pass_later(passage),
        gate if gate & CLOSED == 0 || end::is_at_work() => Ok(passage),
        _ => Err(Hresult::SCARD_P_SHUTDOWN),
    }
}

/// One at a time: libpcsclite keeps contexts and handles in lists, and SCardDisconnect walks through all of them while
/// SCardEstablishContext and SCardReleaseContext change them, which crashes (1.9.9; mended in part in 2.5). None of the
/// three waits for a card: `close_card` has the transaction, or leaves the card as it is.
static REGISTRY: Mutex<()> = Mutex::new(());

/// The passage of one of these three.
pub struct SinglePassage {
    _alone: MutexGuard<'static, ()>,
    _passage: Passage,
}

/// Lets one of these three in, when no other one is under way.
pub fn pass_alone() -> Result<SinglePassage> {
    let passage = pass()?;
    let alone = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    // The one before may have kept it until the end, in a service that hangs.
    if GATE.load(Ordering::Acquire) & CLOSED != 0 && !end::is_at_work() {
        return Err(Hresult::SCARD_P_SHUTDOWN);
    }
    Ok(SinglePassage { _alone: alone, _passage: passage })
}

impl Drop for Passage {
    #[inline(always)]
    fn drop(&mut self) {
        GATE.fetch_sub(CALL, Ordering::Release);
    }
}

/// Makes a call that waits for something to happen. Neither a fork nor the end waits for it, once it sleeps.
pub fn waiting<T>(call: impl FnOnce() -> T) -> T {
    end::note_wait();
    GATE.fetch_add(WAIT, Ordering::Release);
    let _wait = Wait(());
    call()
}

/// How many calls are asking for the states of the readers.
static READS: AtomicUsize = AtomicUsize::new(0);

/// Makes a call that asks for the states of the readers. From 2.0.1 on libpcsclite keeps a mutex locked until the service has answered,
/// and nobody unlocks it in a child that is made meanwhile. So a fork waits for it longer than for others.
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
        GATE.fetch_sub(WAIT, Ordering::Relaxed);
    }
}

/// Whether a call is under way that does not wait.
#[cfg(unix)]
fn is_anyone_busy() -> bool {
    let gate = GATE.load(Ordering::Acquire);
    gate % WAIT / CALL > gate / WAIT
}

/// The gate while a fork is under way.
#[cfg(unix)]
pub struct Hold {
    alone: Option<MutexGuard<'static, ()>>,
    is_reading: bool,
}

#[cfg(unix)]
impl Hold {
    /// Whether no thread is in one of the calls that come alone. The child inherits their mutex locked otherwise.
    pub fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Whether a thread is still asking for the states of the readers: the service has not answered in time. The child may inherit
    /// the mutex of the states locked.
    pub fn is_reading(&self) -> bool {
        self.is_reading
    }
}

/// Keeps calls from beginning, and gives those that are under way a moment to get away from the mutexes that they lock first. A fork
/// does not wait for a service that hangs.
#[cfg(unix)]
pub fn hold() -> Hold {
    const LOOKS_FOR_CALLS: u32 = 50;
    const LOOKS_FOR_READS: u32 = 500;
    const LOOKS_FOR_REGISTRY: u32 = 500;
    let _cancellation = hold_off();
    GATE.fetch_or(HELD, Ordering::SeqCst);
    wait_until(LOOKS_FOR_CALLS, || !is_anyone_busy());
    let is_reading = !wait_until(LOOKS_FOR_READS, || READS.load(Ordering::Acquire) == 0);
    let mut alone = None;
    wait_until(LOOKS_FOR_REGISTRY, || {
        alone = match REGISTRY.try_lock() {
            Ok(alone) => Some(alone),
            Err(TryLockError::Poisoned(alone)) => Some(alone.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        alone.is_some()
    });
    Hold { alone, is_reading }
}

#[cfg(unix)]
fn wait_until(looks: u32, mut is_reached: impl FnMut() -> bool) -> bool {
    for _ in 0..looks {
        if is_reached() {
            return true;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    false
}

#[cfg(unix)]
impl Drop for Hold {
    fn drop(&mut self) {
        GATE.fetch_and(!HELD, Ordering::Release);
    }
}

/// In the child of a fork: it has none of the threads that were in a call, nor the one that ended the parent, unless that has
/// forked.
#[cfg(unix)]
pub fn forget_all() {
    let end = if end::is_at_work() { CLOSED } else { 0 };
    GATE.store(HELD | end, Ordering::Relaxed);
    READS.store(0, Ordering::Relaxed);
}

/// The end of a process on a system whose PC/SC library has a destructor.
#[cfg(all(unix, not(target_os = "macos")))]
mod end {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::{CLOSED, GATE, LOOK_EVERY, WAIT, is_anyone_busy};
    use crate::runtime::cancellation::hold_off;
    use crate::runtime::thread_id::this_thread;

    /// How long the end waits for calls that are under way. Those of a service that hangs take longer.
    const PATIENCE_MS: u64 = 80;

    /// How long a thread may take from the beginning of a wait to where it sleeps, on a busy machine.
    const FALLING_ASLEEP_MS: u64 = 40;

    /// When the last wait began.
    static LAST_WAIT_MS: AtomicU64 = AtomicU64::new(0);

    /// The thread that ends the process, between the two steps; 0 before and after.
    static ENDING: AtomicUsize = AtomicUsize::new(0);

    /// A wait begins.
    pub fn note_wait() {
        LAST_WAIT_MS.store(now_ms(), Ordering::Relaxed);
    }

    /// Whether this thread is the one that ends the process, and may still pass.
    pub fn is_at_work() -> bool {
        ENDING.load(Ordering::Relaxed) == this_thread()
    }

    // The priority lets both steps enclose whatever a program does before and after `main`, if it is linked with the static library.
    // They are in the file of `pass`, as a linker leaves out what nobody asks for.
    #[used]
    #[unsafe(link_section = ".init_array.00101")]
    static LOADED: extern "C" fn() = expect_end;

    #[used]
    #[unsafe(link_section = ".fini_array.00101")]
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
        let is_falling_asleep = || now_ms() < LAST_WAIT_MS.load(Ordering::Relaxed) + FALLING_ASLEEP_MS;
        is_anyone_busy() || GATE.load(Ordering::Relaxed) >= WAIT && is_falling_asleep()
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

    pub fn is_at_work() -> bool {
        false
    }
}
