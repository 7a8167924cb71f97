//! A call of PC/SC whose caller has a limit. PC/SC has no limit for most calls, and cannot cancel them. So another
//! thread makes the call. When the caller gives up, the call becomes an abandoned call (see `abandoned_calls`).
//!
//! Where nothing can end the call early, the calling thread makes the call itself: a second thread costs more than a
//! message to the service.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::abandoned_calls;
use super::contention;
use super::workers::execute;
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::{WaitLimit, Waker, in_future, is_past, later};

/// How often a call asks whether the transaction of another application has ended: 0.5 % of a core, and a twentieth of
/// the delay of PC/SC.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// The least time that a call of PC/SC gets to return, however little of its limit is left.
const SHORTEST_GRACE: Duration = Duration::from_millis(20);

/// The object of a call. No object has more than one abandoned call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The service itself: a new context.
    Service,
    /// A reader: a new card handle, in this context.
    Ifd(IfdName, Context),
    Icc(Icc),
}

impl Target {
    pub(super) fn is_same(&self, other: &Target) -> bool {
        match (self, other) {
            (Target::Ifd(one, _), Target::Ifd(other, _)) => one == other,
            (one, other) => one == other,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    /// It waits until another application ends its transaction.
    Blocked,
    Done,
    /// Its caller has given up.
    Abandoned,
}

/// The data that the caller and the thread of the call share.
struct TimedCall<T> {
    state: Mutex<State>,
    changed: Condvar,
    outcome: Mutex<Option<Result<T>>>,
    waker: Arc<Waker>,
}

/// How a call waits until another application ends its transaction.
pub enum Blocking<'a> {
    /// PC/SC waits. It polls every 100 ms.
    InPcsc,
    /// The thread of the caller polls, if there was contention lately. Nothing ends its wait.
    OnThisThread,
    /// The thread of the call polls, until the caller gives up.
    Timed(&'a Mutex<State>, &'a Condvar, &'a Arc<Waker>),
}

impl Blocking<'_> {
    /// Returns once `is_locked` is false, or at once where PC/SC is to wait. Fails when the caller has given up.
    pub fn wait_while(&self, mut is_locked: impl FnMut() -> bool) -> Result<()> {
        let (state, changed, waker) = match self {
            Blocking::InPcsc => return Ok(()),
            Blocking::OnThisThread => {
                contention::wait_while(is_locked);
                return Ok(());
            }
            Blocking::Timed(state, changed, waker) => (state, changed, waker),
        };
        while is_locked() {
            let mut now = locked(state);
            if *now == State::Running {
                *now = State::Blocked;
                waker.wake();
            }
            if *now == State::Blocked {
                now = changed.wait_timeout(now, POLL).unwrap_or_else(PoisonError::into_inner).0;
            }
            if *now == State::Abandoned {
                return Err(Hresult::SCARD_E_CANCELLED);
            }
        }
        let mut now = locked(state);
        match *now {
            State::Abandoned => Err(Hresult::SCARD_E_CANCELLED),
            _ => {
                *now = State::Running;
                Ok(())
            }
        }
    }
}

/// Makes `call` with the limit of its caller. `undo` takes back the outcome of a call that was abandoned.
pub fn run<T: Send + 'static>(
    limit: &WaitLimit,
    target: Target,
    call: impl FnOnce(&Blocking) -> Result<T> + Send + 'static,
    undo: impl FnOnce(T) + Send + 'static,
) -> Result<T> {
    let Some(waker) = limit.strict_waker() else {
        if let Target::Icc(icc) = target {
            abandoned_calls::wait_for(icc);
        }
        return call(&Blocking::InPcsc);
    };
    abandoned_calls::wait_within_limit(&target, limit, waker)?;
    if !limit.can_end_early() {
        return call(&Blocking::OnThisThread);
    }
    let timed_call = Arc::try_new(TimedCall {
        state: Mutex::new(State::Running),
        changed: Condvar::new(),
        outcome: Mutex::new(None),
        waker: waker.clone(),
    })?;
    let _room = abandoned_calls::Room::reserve()?;
    let shared = timed_call.clone();
    execute(move || shared.make(call, undo))?;
    timed_call.wait(limit, target)
}

impl<T: Send + 'static> TimedCall<T> {
    /// Runs on the thread of the call.
    fn make(&self, call: impl FnOnce(&Blocking) -> Result<T>, undo: impl FnOnce(T)) {
        let outcome = call(&Blocking::Timed(&self.state, &self.changed, &self.waker));
        let mut state = locked(&self.state);
        if *state != State::Abandoned {
            *locked(&self.outcome) = Some(outcome);
            *state = State::Done;
            drop(state);
            self.waker.wake();
            return;
        }
        drop(state);
        if let Ok(value) = outcome {
            undo(value);
        }
        abandoned_calls::finish(self.id(), &self.waker);
    }

    /// Runs on the thread of the caller.
    fn wait(&self, limit: &WaitLimit, target: Target) -> Result<T> {
        let grace = later(limit.grace(), in_future(SHORTEST_GRACE));
        loop {
            let seen_wakes = self.waker.wakes();
            let state = *locked(&self.state);
            if state == State::Done {
                break;
            }
            let in_grace = state == State::Running && !is_past(grace);
            if !in_grace {
                if let Err(code) = limit.check() {
                    if self.abandon(target) {
                        return Err(code);
                    }
                    limit.take_back(code);
                    break;
                }
            }
            self.waker.sleep(seen_wakes, if in_grace { grace } else { limit.deadline() });
        }
        locked(&self.outcome).take().unwrap_or(Err(Hresult::E_UNEXPECTED))
    }

    /// Abandons the call, unless it has ended meanwhile. Whether it did.
    fn abandon(&self, target: Target) -> bool {
        let mut abandoned_calls = abandoned_calls::lock();
        let mut state = locked(&self.state);
        if *state == State::Done {
            return false;
        }
        *state = State::Abandoned;
        abandoned_calls.add(self.id(), target);
        drop(state);
        self.changed.notify_all();
        true
    }

    /// No other call has this number at the same time.
    fn id(&self) -> usize {
        std::ptr::from_ref(&self.state) as usize
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
