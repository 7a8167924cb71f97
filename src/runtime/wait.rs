//! How long a call waits for others, and who may end it earlier.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::Arc;
use crate::runtime::sync::{Condvar, Mutex, MutexGuard};

/// No limit, as a time in milliseconds. `scm_cancel` ends the wait.
pub const SCM_INFINITE: u32 = 0xFFFF_FFFF;

/// How long a call waits for PC/SC at least, from its beginning, before it counts as a wait: on a busy machine, or where a reader
/// turns its card on, an answer takes its time.
const GRACE: Duration = Duration::from_millis(200);

/// What the waits of one attachment sleep on. It is woken when what they wait for may have come about.
#[derive(Default)]
pub struct Waker {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    /// Somebody wants the wait to end that is under way, or else the next one.
    cancelled: bool,
    wakes: u64,
}

impl Waker {
    /// Lets those who wait look again.
    pub fn wake(&self) {
        self.state().wakes += 1;
        self.woken.notify_all();
    }

    /// Ends a wait: the one that is under way, or else the next one.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.cancelled = true;
        state.wakes += 1;
        drop(state);
        self.woken.notify_all();
    }

    /// How often it was woken. To be asked before looking whether to sleep.
    pub fn wakes(&self) -> u64 {
        self.state().wakes
    }

    /// Sleeps until it was woken more often than `seen_wakes`, or until then.
    pub fn sleep(&self, seen_wakes: u64, until: Option<Instant>) {
        let mut state = self.state();
        while state.wakes == seen_wakes {
            let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
            state = match rest {
                None => self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return,
                Some(rest) => self.woken.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn take_cancel(&self) -> bool {
        std::mem::take(&mut self.state().cancelled)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limit of one call.
#[derive(Clone, Copy)]
pub struct WaitLimit<'a> {
    deadline: Option<Instant>,
    /// Until then PC/SC may answer all the same.
    grace: Option<Instant>,
    /// Whether it holds inside of the resource manager as well, where waits are not ours to end.
    strict: bool,
    waker: Option<&'a Arc<Waker>>,
}

impl<'a> WaitLimit<'a> {
    /// Waits as long as it takes, and cannot be cancelled.
    pub(crate) const ENDLESS: WaitLimit<'static> =
        WaitLimit { deadline: None, grace: None, strict: false, waker: None };

    /// Without a limit. Waits inside of this process can be cancelled; one of the resource manager takes its time.
    pub fn lasting(waker: &'a Arc<Waker>) -> WaitLimit<'a> {
        WaitLimit { deadline: None, grace: None, strict: false, waker: Some(waker) }
    }

    /// Ends after so many milliseconds, or when it is cancelled, whatever the resource manager does.
    pub fn of_ms(timeout_ms: u32, waker: &'a Arc<Waker>) -> WaitLimit<'a> {
        let (now, limit) = (Instant::now(), Duration::from_millis(timeout_ms.into()));
        let deadline = (timeout_ms != SCM_INFINITE).then(|| now.checked_add(limit)).flatten();
        WaitLimit { deadline, grace: now.checked_add(GRACE), strict: true, waker: Some(waker) }
    }

    /// The same, but not for longer than so.
    pub fn at_most_ms(self, limit_ms: u32) -> WaitLimit<'a> {
        let limit = Instant::now().checked_add(Duration::from_millis(limit_ms.into()));
        WaitLimit { deadline: earlier(self.deadline, limit), ..self }
    }

    /// For what has to follow after the caller's time is up: so long from now, and no grace of its own.
    pub fn moment(self, limit_ms: u32) -> WaitLimit<'a> {
        let deadline = Instant::now().checked_add(Duration::from_millis(limit_ms.into()));
        WaitLimit { deadline, strict: true, ..self }
    }

    /// The waker, if a wait in the resource manager must end when it is cancelled or the time is up.
    pub fn strict_waker(&self) -> Option<&'a Arc<Waker>> {
        self.waker.filter(|_| self.strict)
    }

    pub fn is_endless(&self) -> bool {
        self.deadline.is_none()
    }

    pub fn can_be_cancelled(&self) -> bool {
        self.waker.is_some()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Until when PC/SC may answer although the time is up.
    pub fn grace(&self) -> Option<Instant> {
        self.grace
    }

    /// How many milliseconds are left, of so many at most.
    pub fn rest_ms(&self, limit_ms: u32) -> u32 {
        let rest = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()).as_millis());
        rest.and_then(|rest| u32::try_from(rest).ok()).map_or(limit_ms, |rest| rest.min(limit_ms))
    }

    /// Why a wait must end now, if it must. To be asked only by who would go on waiting: a cancel is told once.
    pub fn check(&self) -> Result<()> {
        if self.waker.is_some_and(|waker| waker.take_cancel()) {
            return Err(Hresult::SCARD_E_CANCELLED);
        }
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => Err(Hresult::SCARD_E_TIMEOUT),
            _ => Ok(()),
        }
    }

    /// What has ended the wait has not: it came about by itself in the same moment. A cancel is for the next wait then.
    pub fn take_back(&self, why: Hresult) {
        if let (Some(waker), Hresult::SCARD_E_CANCELLED) = (self.waker, why) {
            waker.cancel();
        }
    }
}

/// The earlier of two moments, where None never comes.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn waker() -> Arc<Waker> {
        Arc::try_new(Waker::default()).unwrap()
    }

    #[test]
    fn a_cancel_ends_one_wait_whether_it_has_begun_or_not() {
        let waker = waker();
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        waker.cancel();
        assert_eq!(limit.check(), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(limit.check(), Ok(()));
        limit.take_back(Hresult::SCARD_E_CANCELLED);
        limit.take_back(Hresult::SCARD_E_TIMEOUT);
        assert_eq!(limit.check(), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(limit.check(), Ok(()));
    }

    #[test]
    fn a_ring_before_the_sleep_is_heard() {
        let waker = waker();
        let seen_wakes = waker.wakes();
        waker.wake();
        waker.sleep(seen_wakes, None);
    }

    #[test]
    fn time_is_up_when_it_is() {
        let waker = waker();
        assert_eq!(WaitLimit::of_ms(0, &waker).check(), Err(Hresult::SCARD_E_TIMEOUT));
        assert_eq!(WaitLimit::of_ms(60_000, &waker).check(), Ok(()));
        assert_eq!(WaitLimit::of_ms(SCM_INFINITE, &waker).deadline(), None);
        waker.sleep(waker.wakes(), Some(Instant::now()));
    }
}
