//! Checks in the child of a fork whether PC/SC can be called.
//!
//! The child may have inherited a locked mutex of libpcsclite: the global one, if another thread of the parent was at
//! the beginning of a call; since 2.0.1 also that of the reader states, if a thread was asking for them. Nobody unlocks
//! it in the child, so each call would block for ever. So the child tries a call on a thread of its own before its
//! first call.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::native;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::Context;
use crate::runtime::pthread_cancel::hold_off;
use crate::runtime::thread;
use crate::runtime::wait::{in_future, is_past};

/// How long the try may take on a busy machine. It needs a few microseconds, as it sends no message.
const TRY_LIMIT: Duration = Duration::from_secs(1);

const CHECK_EVERY: Duration = Duration::from_micros(50);

/// In `STATE`: PC/SC can be called.
const FREE: u8 = 0;
/// In `STATE`: not tried yet.
const UNTRIED: u8 = 1;
/// In `STATE`: a call would block for ever.
const LOCKED: u8 = 2;
/// In `STATE`: not tried yet; the question for the states of the readers has to be tried, too.
const UNTRIED_STATES: u8 = 3;

static STATE: AtomicU8 = AtomicU8::new(FREE);

/// Called in the child of a fork. `is_locked`: a mutex is known to be locked. `was_reading`: a thread of the parent was
/// asking for the states of the readers.
#[cfg(unix)]
pub fn inherit(is_locked: bool, was_reading: bool) {
    let state = match (is_locked, was_reading) {
        (true, _) => LOCKED,
        (false, true) => UNTRIED_STATES,
        (false, false) => UNTRIED,
    };
    STATE.store(state, Ordering::Relaxed);
}

/// Whether PC/SC can be called. Check it before a call that may be the first one of the process.
pub fn check() -> Result<()> {
    match STATE.load(Ordering::Relaxed) {
        FREE => Ok(()),
        state @ (UNTRIED | UNTRIED_STATES) => try_call(state),
        _ => Err(Hresult::SCARD_E_NO_SERVICE),
    }
}

#[cold]
fn try_call(state: u8) -> Result<()> {
    thread::spawn(move || {
        // There is no such context, so the call only locks and unlocks the mutex.
        let _ = native::cancel(Context(0));
        if state == UNTRIED_STATES {
            ask_for_states();
        }
        STATE.store(FREE, Ordering::Relaxed);
    })?;
    let _cancellation = hold_off();
    let end = in_future(TRY_LIMIT);
    while STATE.load(Ordering::Relaxed) == state && !is_past(end) {
        std::thread::sleep(CHECK_EVERY);
    }
    match STATE.compare_exchange(state, LOCKED, Ordering::Relaxed, Ordering::Relaxed) {
        Err(FREE) => Ok(()),
        _ => Err(Hresult::SCARD_E_NO_SERVICE),
    }
}

/// Only a question to the service locks this mutex.
fn ask_for_states() {
    if let Ok(context) = native::establish_context() {
        let _ = native::list_readers(context, None);
        let _ = native::release_context(context);
    }
}
