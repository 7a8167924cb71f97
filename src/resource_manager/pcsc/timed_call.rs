//! A call of PC/SC whose caller has a limit. PC/SC has no limit for most calls, and cannot cancel them. So another
//! thread makes the call. When the caller gives up, the call becomes an abandoned call (see `abandoned_calls`).
//!
//! Where nothing can end the call early, the calling thread makes the call itself: a second thread costs more than a
//! message to the service.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::abandoned_calls;
use super::contention::{self, POLL};
use super::own_handles::context_of;
use super::workers::execute;
use crate::abi::cause::{self, Cause};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::log::{self, Lines};
use crate::runtime::wait::{WaitLimit, in_future, is_past, later};

/// The least time that a call of PC/SC gets to return, however little of its limit is left.
const SHORTEST_GRACE: Duration = Duration::from_millis(20);

/// The object of a call. A call waits for the abandoned call on its object. So a card handle and a context have one at
/// most; calls to a reader or the service that began together can each leave one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CallTarget {
    /// The service itself: a new context.
    Service,
    /// A reader: a new card handle, in this context.
    Ifd(IfdName, Context),
    Icc(Icc),
}

impl CallTarget {
    /// The context of the call. That of a caller's card handle is not known.
    pub(super) fn context(&self) -> Option<Context> {
        match self {
            CallTarget::Service => None,
            CallTarget::Ifd(_, context) => Some(*context),
            CallTarget::Icc(icc) => context_of(*icc),
        }
    }

    pub(super) fn is_same(&self, other: &CallTarget) -> bool {
        match (self, other) {
            (CallTarget::Ifd(one, _), CallTarget::Ifd(other, _)) => one == other,
            (one, other) => one == other,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CallState {
    Running,
    /// It waits until another application ends its transaction.
    Blocked,
    Done,
    /// Its caller has given up.
    Abandoned,
}

/// A call, as its caller and the thread that makes it share it.
pub struct TimedCall {
    state: Mutex<CallState>,
    changed: Condvar,
    waker: Arc<Waker>,
    /// Why it has failed.
    cause: Mutex<Cause>,
    /// The lines of the log that wait for the end of the caller's function.
    lines: Mutex<Lines>,
}

/// How a call waits until another application ends its transaction.
pub enum Blocking<'a> {
    /// PC/SC waits. It polls every 100 ms.
    InPcsc,
    /// The thread of the caller polls, if there was contention lately. Nothing ends its wait.
    OnThisThread,
    /// The thread of the call polls, until the caller gives up.
    Timed(&'a TimedCall),
}

impl Blocking<'_> {
    /// Returns once `is_locked` is false, or at once where PC/SC is to wait. Fails when the caller has given up.
    pub fn wait_while(&self, is_locked: impl FnMut() -> bool) -> Result<()> {
        match self {
            Blocking::InPcsc => Ok(()),
            Blocking::OnThisThread => {
                contention::wait_while(is_locked);
                Ok(())
            }
            Blocking::Timed(timed_call) => timed_call.wait_while(is_locked),
        }
    }
}

/// Makes `call` with the limit of its caller. `undo` takes back the outcome of a call that was abandoned.
pub fn run<T: Send + 'static>(
    limit: &WaitLimit,
    target: CallTarget,
    call: impl FnOnce(&Blocking) -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    match place(limit, &target)? {
        Place::Caller(blocking) => call(&blocking),
        Place::Worker(waker) => run_on_worker(limit, waker, target, call, undo),
    }
}

/// The thread that makes a call.
enum Place<'a> {
    Caller(Blocking<'static>),
    Worker(&'a Arc<Waker>),
}

/// Waits for the abandoned call on the target, and decides which thread makes the next one. Not generic, so that the
/// library has it once.
#[inline(never)]
fn place<'a>(limit: &WaitLimit<'a>, target: &CallTarget) -> Result<Place<'a>> {
    let Some(waker) = limit.strict_waker() else {
        if let CallTarget::Icc(icc) = target {
            abandoned_calls::wait_for(*icc);
        }
        return Ok(Place::Caller(Blocking::InPcsc));
    };
    abandoned_calls::wait_within_limit(target, limit, waker)?;
    Ok(if limit.can_end_early() { Place::Worker(waker) } else { Place::Caller(Blocking::OnThisThread) })
}

fn run_on_worker<T: Send + 'static>(
    limit: &WaitLimit,
    waker: &Arc<Waker>,
    target: CallTarget,
    call: impl FnOnce(&Blocking) -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    let timed_call = TimedCall::new(waker);
    let shared = Arc::try_new((timed_call, Mutex::new(None)))?;
    let _room = abandoned_calls::Room::reserve()?;
    let on_worker = shared.clone();
    execute(move || {
        let (timed_call, outcome) = &*on_worker;
        let made = call(&Blocking::Timed(timed_call));
        *locked(outcome) = Some(made);
        if !timed_call.end() {
            // The caller has given up, so nobody else takes the outcome.
            if let Some(Ok(value)) = locked(outcome).take() {
                undo(value);
            }
            abandoned_calls::finish(timed_call.id(), &timed_call.waker);
        }
    })?;
    let (timed_call, outcome) = &*shared;
    timed_call.wait(limit, target)?;
    locked(outcome).take().unwrap_or(Err(Hresult::E_UNEXPECTED))
}

impl TimedCall {
    #[inline(never)]
    fn new(waker: &Arc<Waker>) -> TimedCall {
        TimedCall {
            state: Mutex::new(CallState::Running),
            changed: Condvar::new(),
            waker: waker.clone(),
            cause: Mutex::new(Cause::none()),
            lines: Mutex::default(),
        }
    }

    /// Waits on the thread of the call until `is_locked` is false. Fails when the caller has given up.
    fn wait_while(&self, mut is_locked: impl FnMut() -> bool) -> Result<()> {
        while is_locked() {
            let mut state = locked(&self.state);
            if *state == CallState::Running {
                *state = CallState::Blocked;
                self.waker.wake();
            }
            if *state == CallState::Blocked {
                state = self.changed.wait_timeout(state, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            if *state == CallState::Abandoned {
                return Err(Hresult::SCARD_E_CANCELLED);
            }
        }
        let mut state = locked(&self.state);
        match *state {
            CallState::Abandoned => Err(Hresult::SCARD_E_CANCELLED),
            _ => {
                *state = CallState::Running;
                Ok(())
            }
        }
    }

    /// The call has returned on its thread. Whether the caller waits for it.
    fn end(&self) -> bool {
        *locked(&self.cause) = cause::take();
        let mut state = locked(&self.state);
        if *state == CallState::Abandoned {
            return false;
        }
        *locked(&self.lines) = log::take();
        *state = CallState::Done;
        drop(state);
        self.waker.wake();
        true
    }

    /// The thread of the caller takes over what the thread of the call knows.
    fn take_over(&self) {
        cause::take_over(*locked(&self.cause));
        log::take_over(std::mem::take(&mut *locked(&self.lines)));
    }

    /// Waits on the thread of the caller until the call has returned. Fails when the caller gives up.
    fn wait(&self, limit: &WaitLimit, target: CallTarget) -> Result<()> {
        let grace = later(limit.grace(), in_future(SHORTEST_GRACE));
        loop {
            let seen_wakes = self.waker.wakes();
            let state = *locked(&self.state);
            if state == CallState::Done {
                self.take_over();
                return Ok(());
            }
            let in_grace = state == CallState::Running && !is_past(grace);
            if !in_grace {
                if let Err(code) = limit.check() {
                    if self.abandon(target) {
                        return Err(code);
                    }
                    limit.keep_cancel(code);
                    self.take_over();
                    return Ok(());
                }
            }
            self.waker.sleep(seen_wakes, if in_grace { grace } else { limit.deadline() });
        }
    }

    /// Abandons the call, unless it has returned meanwhile. Whether it did.
    fn abandon(&self, target: CallTarget) -> bool {
        let mut abandoned_calls = abandoned_calls::lock();
        let mut state = locked(&self.state);
        if *state == CallState::Done {
            return false;
        }
        *state = CallState::Abandoned;
        abandoned_calls.add(self.id(), target);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// No other call has this number at the same time.
    fn id(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
