//! What the child of a fork has inherited of libpcsclite: its global mutex, which was locked if another thread of the parent was at the
//! beginning of a call, and from 2.0.1 on that of the states of the readers, if one was asking for them. Nobody unlocks it in the child, and every call would wait for it for ever. So the child tries it on a
//! thread of its own before it makes its first call.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::native;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::Context;
use crate::runtime::cancellation::hold_off;
use crate::runtime::thread;
use crate::runtime::wait::{in_future, is_past};

/// How long the attempt may take on a busy machine. It asks nobody, and needs no more than a few microseconds.
const TRY_LIMIT: Duration = Duration::from_secs(1);

const LOOK_EVERY: Duration = Duration::from_micros(50);

/// In `STATE`: PC/SC can be called.
const FREE: u8 = 0;
/// In `STATE`: nobody has tried it yet.
const UNTRIED: u8 = 1;
/// In `STATE`: it hangs.
const LOCKED: u8 = 2;
/// In `STATE`: nobody has tried it yet, nor the question for the states of the readers.
const UNTRIED_STATES: u8 = 3;

static STATE: AtomicU8 = AtomicU8::new(FREE);

/// In the child of a fork. `is_locked` when it is known to be, `was_reading` when a thread of the parent was asking for states.
#[cfg(unix)]
pub fn inherit(is_locked: bool, was_reading: bool) {
    let state = match (is_locked, was_reading) {
        (true, _) => LOCKED,
        (false, true) => UNTRIED_STATES,
        (false, false) => UNTRIED,
    };
    STATE.store(state, Ordering::Relaxed);
}

/// Whether PC/SC can be called at all. To be asked before what can be the first call of a process.
pub fn check() -> Result<()> {
    match STATE.load(Ordering::Relaxed) {
        FREE => Ok(()),
        state @ (UNTRIED | UNTRIED_STATES) => attempt(state),
        _ => Err(Hresult::SCARD_E_NO_SERVICE),
    }
}

#[cold]
fn attempt(state: u8) -> Result<()> {
    thread::spawn(move || {
        // There is no such context, so it takes the mutex and does nothing else.
        let _ = native::cancel(Context(0));
        if state == UNTRIED_STATES {
            ask_for_states();
        }
        STATE.store(FREE, Ordering::Relaxed);
    })?;
    let _cancellation = hold_off();
    let end = in_future(TRY_LIMIT);
    while STATE.load(Ordering::Relaxed) == state && !is_past(end) {
        std::thread::sleep(LOOK_EVERY);
    }
    match STATE.compare_exchange(state, LOCKED, Ordering::Relaxed, Ordering::Relaxed) {
        Err(FREE) => Ok(()),
        _ => Err(Hresult::SCARD_E_NO_SERVICE),
    }
}

/// The service is asked, as the mutex cannot be had without.
fn ask_for_states() {
    if let Ok(context) = native::establish_context() {
        let _ = native::list_readers(context, None);
        let _ = native::release_context(context);
    }
}
