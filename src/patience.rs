//! How long a call waits for others, and who may end it earlier.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::hresult::{Hresult, Result};

/// No limit, as a time in milliseconds: the call waits until it has what it waits for, or is cancelled.
pub const SCM_INFINITE: u32 = 0xFFFF_FFFF;

/// What a wait sleeps on: it is rung when something has changed that the wait may be for, and when it is cancelled.
#[derive(Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    /// Somebody has asked for the next wait to end, or for the one that is under way.
    cancelled: bool,
    waiting: usize,
}

impl Bell {
    /// Lets those who wait look again.
    pub fn ring(&self) {
        if self.state().waiting > 0 {
            self.rung.notify_all();
        }
    }

    /// Ends a wait: the one under way, or else the next one.
    pub fn cancel(&self) {
        self.state().cancelled = true;
        self.rung.notify_all();
    }

    /// Whether the wait is cancelled, which it is told once.
    pub fn take_cancel(&self) -> bool {
        std::mem::take(&mut self.state().cancelled)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The patience of one call.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    deadline: Option<Instant>,
    bell: Option<&'a Bell>,
}

impl<'a> Patience<'a> {
    /// Waits as long as it takes, and cannot be cancelled.
    pub const ENDLESS: Patience<'static> = Patience { deadline: None, bell: None };

    /// Until so many milliseconds have passed, or without a limit for `SCM_INFINITE`.
    pub fn of_ms(timeout_ms: u32) -> Patience<'static> {
        let limit = Duration::from_millis(timeout_ms.into());
        let deadline = (timeout_ms != SCM_INFINITE).then(|| Instant::now().checked_add(limit)).flatten();
        Patience { deadline, bell: None }
    }

    /// The same, but who rings the bell can end it.
    pub fn with(self, bell: &'a Bell) -> Patience<'a> {
        Patience { bell: Some(bell), ..self }
    }

    /// Whether nothing but success ends it.
    pub fn is_endless(&self) -> bool {
        self.deadline.is_none() && self.bell.is_none()
    }

    /// How long there is, if there is a limit.
    pub fn rest(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Why a wait must end now, if it must. To be asked only by who would wait otherwise: a cancel is told once.
    pub fn check(&self) -> Result<()> {
        if self.bell.is_some_and(Bell::take_cancel) {
            return Err(Hresult::SCARD_E_CANCELLED);
        }
        match self.rest() {
            Some(rest) if rest.is_zero() => Err(Hresult::SCARD_E_TIMEOUT),
            _ => Ok(()),
        }
    }
}
