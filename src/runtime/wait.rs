//! Waits with a limit. All deadlines are computed here.

use std::time::{Duration, Instant};

use crate::abi::hresult::{Hresult, Result};
use crate::runtime::cancel::Waker;
use crate::runtime::fallible::Arc;
use crate::runtime::pthread_cancel::is_single_threaded;

/// No limit, as a time in milliseconds. `scm_cancel` ends the wait of an attachment, `scm_monitor_cancel` that of a
/// monitor; nothing ends that of a function that attaches.
pub const SCM_INFINITE: u32 = 0xFFFF_FFFF;

/// How long PC/SC may take to answer, from the beginning of a call, before that counts as a wait. A busy machine or a
/// card that powers up takes time.
pub(crate) const GRACE_MS: u32 = 200;

/// How long clean-up may take after the deadline of its call, or after a cancel. A service that is only busy must not
/// cost the connection.
pub(crate) const CLEANUP_MS: u32 = 1000;

/// The limit of one call.
#[derive(Clone, Copy)]
pub struct WaitLimit<'a> {
    deadline: Option<Instant>,
    /// Until then PC/SC may answer, although the deadline has passed.
    grace: Option<Instant>,
    /// Whether the limit also ends waits inside the resource manager, on which the library has no influence.
    strict: bool,
    /// If this is the limit of clean-up: until when it may go on, whenever the cancel came.
    cleanup: Option<Instant>,
    waker: Option<&'a Arc<Waker>>,
}

impl<'a> WaitLimit<'a> {
    /// No limit, and no cancel.
    pub(crate) const ENDLESS: WaitLimit<'static> =
        WaitLimit { deadline: None, grace: None, strict: false, cleanup: None, waker: None };

    /// No limit. A cancel ends waits inside this process, but none inside the resource manager.
    pub fn cancellable(waker: &'a Arc<Waker>) -> WaitLimit<'a> {
        WaitLimit { waker: Some(waker), ..WaitLimit::ENDLESS }
    }

    /// A limit in milliseconds. It and a cancel also end a wait inside the resource manager.
    pub fn of_ms(timeout_ms: u32, waker: &'a Arc<Waker>) -> WaitLimit<'a> {
        let (deadline, grace) = (deadline(timeout_ms), in_future(Duration::from_millis(GRACE_MS.into())));
        WaitLimit { deadline, grace, strict: true, cleanup: None, waker: Some(waker) }
    }

    /// The same, with an additional limit.
    pub fn at_most_ms(self, limit_ms: u32) -> WaitLimit<'a> {
        WaitLimit { deadline: earlier(self.deadline, deadline(limit_ms)), ..self }
    }

    /// The same, but if there is a limit, at least so much time is left.
    pub fn at_least_ms(self, rest_ms: u32) -> WaitLimit<'a> {
        WaitLimit { deadline: self.deadline.map(|end| deadline(rest_ms).map_or(end, |least| end.max(least))), ..self }
    }

    /// The same, for work that must be done although the caller has cancelled. A cancel leaves it `CLEANUP_MS`, and
    /// then ends it like a deadline. The cancel is kept for the next wait.
    pub fn for_cleanup(self) -> WaitLimit<'a> {
        match (self.waker, self.cleanup) {
            (Some(waker), None) => {
                waker.begin_cleanup();
                WaitLimit { cleanup: deadline(CLEANUP_MS), ..self }
            }
            _ => self,
        }
    }

    /// The same, with so much time after the deadline or an earlier cancel.
    pub fn for_cleanup_of_ms(self, rest_ms: u32) -> WaitLimit<'a> {
        let limit = self.for_cleanup().at_least_ms(rest_ms);
        WaitLimit { cleanup: limit.cleanup.and_then(|_| deadline(rest_ms)), ..limit }
    }

    /// For cleaning up after the deadline of the caller: a new limit, with the old grace.
    pub fn for_brief_cleanup(self, limit_ms: u32) -> WaitLimit<'a> {
        WaitLimit { deadline: deadline(limit_ms), strict: true, ..self.for_cleanup() }
    }

    /// The waker, if a wait in the resource manager must end when it is cancelled or the time is up.
    pub fn strict_waker(&self) -> Option<&'a Arc<Waker>> {
        self.waker.filter(|_| self.strict)
    }

    /// Whether a wait of this call can end early: at its deadline, or by a cancel. Only another thread can still cancel
    /// it.
    pub fn can_end_early(&self) -> bool {
        let can_be_cancelled = |waker: &Arc<Waker>| waker.is_cancelled() || !is_single_threaded();
        self.deadline.is_some() || self.waker.is_some_and(can_be_cancelled)
    }

    /// Whether a wait of this call can end early with that code.
    pub fn can_end_with(&self, code: Hresult) -> bool {
        match code {
            Hresult::SCARD_E_CANCELLED => self.cancelling_waker().is_some(),
            // A cancel ends clean-up in this way.
            Hresult::SCARD_E_TIMEOUT => self.deadline.is_some() || self.strict_waker().is_some(),
            _ => false,
        }
    }

    fn cancelling_waker(&self) -> Option<&'a Arc<Waker>> {
        self.waker.filter(|_| self.cleanup.is_none())
    }

    /// When the wait ends, as far as that is known. After a wake it can be earlier: a cancel also ends clean-up.
    pub fn deadline(&self) -> Option<Instant> {
        earlier(self.deadline, self.end_of_cleanup())
    }

    /// Until when clean-up may take after a cancel, if there was one.
    fn end_of_cleanup(&self) -> Option<Instant> {
        let (least, cancelled) = (self.cleanup?, self.waker?.cleanup_cancelled_at()?);
        Some(least.max(cancelled.checked_add(Duration::from_millis(CLEANUP_MS.into()))?))
    }

    /// Until when PC/SC may answer although the time is up.
    pub fn grace(&self) -> Option<Instant> {
        self.grace
    }

    /// How many milliseconds are left, but no more than `limit_ms`.
    pub fn rest_ms(&self, limit_ms: u32) -> u32 {
        rest_ms(self.deadline(), limit_ms)
    }

    /// Fails if the wait must end now. Call it only before another wait: a cancel is reported once.
    pub fn check(&self) -> Result<()> {
        if self.cancelling_waker().is_some_and(|waker| waker.take_cancel()) {
            return Err(Hresult::SCARD_E_CANCELLED);
        }
        match is_past(self.deadline()) {
            true => Err(Hresult::SCARD_E_TIMEOUT),
            false => Ok(()),
        }
    }

    /// Why clean-up has ended early, for a caller that waits for it. A cancel is reported here, also if a wait of
    /// another thread has ended by it.
    pub fn reason_of_end(&self) -> Hresult {
        let is_cancelled = |waker: &Arc<Waker>| waker.cleanup_cancelled_at().is_some();
        match self.check() {
            Err(code) => code,
            Ok(()) if self.cancelling_waker().is_some_and(is_cancelled) => Hresult::SCARD_E_CANCELLED,
            Ok(()) => Hresult::SCARD_E_TIMEOUT,
        }
    }

    /// The wait has not reported `why`. A cancel is kept for the next wait.
    pub fn keep_cancel(&self, why: Hresult) {
        if let (Some(waker), Hresult::SCARD_E_CANCELLED) = (self.waker, why) {
            waker.cancel();
        }
    }
}

/// The end of a time in milliseconds that begins now; None for `SCM_INFINITE`.
pub fn deadline(timeout_ms: u32) -> Option<Instant> {
    match timeout_ms {
        SCM_INFINITE => None,
        _ => in_future(Duration::from_millis(timeout_ms.into())),
    }
}

/// So long from now. None if the clock does not reach so far: that never comes.
pub fn in_future(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}

/// How long it is until a moment; None if it never comes.
pub fn until(moment: Option<Instant>) -> Option<Duration> {
    moment.map(|moment| moment.saturating_duration_since(Instant::now()))
}

/// How many milliseconds it is until a moment, but no more than `limit_ms`. A part of one counts as a whole: 0 says
/// that the moment has come.
pub fn rest_ms(moment: Option<Instant>, limit_ms: u32) -> u32 {
    let whole = |rest: Duration| u32::try_from(rest.as_nanos().div_ceil(1_000_000)).ok();
    until(moment).and_then(whole).map_or(limit_ms, |rest| rest.min(limit_ms))
}

/// Whether a moment has come.
pub fn is_past(moment: Option<Instant>) -> bool {
    until(moment).is_some_and(|rest| rest.is_zero())
}

/// The earlier of two moments, where None never comes.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The later of two moments, of those that are known.
pub fn later(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.max(other)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn waker() -> Arc<Waker> {
        Arc::try_new(Waker::default()).unwrap()
    }

    #[test]
    fn a_cancel_ends_one_wait_even_if_it_begins_later() {
        let waker = waker();
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        waker.cancel();
        assert_eq!(limit.check(), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(limit.check(), Ok(()));
        limit.keep_cancel(Hresult::SCARD_E_CANCELLED);
        limit.keep_cancel(Hresult::SCARD_E_TIMEOUT);
        assert_eq!(limit.check(), Err(Hresult::SCARD_E_CANCELLED));
        assert_eq!(limit.check(), Ok(()));
    }

    #[test]
    fn a_limit_for_cleanup_leaves_a_cancel_to_the_next_wait() {
        let waker = waker();
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        waker.cancel();
        assert_eq!(limit.for_cleanup().check(), Ok(()));
        assert_eq!(limit.for_brief_cleanup(0).check(), Err(Hresult::SCARD_E_TIMEOUT));
        assert_eq!(limit.check(), Err(Hresult::SCARD_E_CANCELLED));
    }

    #[test]
    fn a_cancel_ends_clean_up_after_a_second() {
        let waker = waker();
        let second = Duration::from_millis(CLEANUP_MS.into());
        for timeout_ms in [60_000, SCM_INFINITE] {
            let cleanup = WaitLimit::of_ms(timeout_ms, &waker).for_cleanup();
            assert!(cleanup.can_end_early());
            let before = cleanup.deadline();
            waker.cancel();
            let end = cleanup.deadline().unwrap();
            assert!(before.is_none_or(|before| end < before));
            assert!(until(Some(end)).unwrap() <= second && cleanup.rest_ms(SCM_INFINITE) <= CLEANUP_MS);

            // The cancel came before the clean-up, which gets a second all the same. A part of it gets no other one.
            let begun = Instant::now();
            let cleanup = WaitLimit::of_ms(timeout_ms, &waker).for_cleanup();
            assert!(cleanup.deadline().unwrap() >= begun + second);
            assert_eq!(cleanup.for_cleanup().deadline(), cleanup.deadline());

            assert!(waker.take_cancel());
        }
        assert!(WaitLimit::ENDLESS.for_cleanup().deadline().is_none());
        assert!(!WaitLimit::ENDLESS.for_cleanup().can_end_early());
    }

    /// Neither more cancels nor a wait of another thread that takes the cancel give clean-up more time.
    #[test]
    fn the_first_cancel_ends_clean_up() {
        let waker = waker();
        let long_ago = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let limit = WaitLimit::of_ms(SCM_INFINITE, &waker);
        let cleanup = limit.for_cleanup_of_ms(0);
        assert_eq!(cleanup.check(), Ok(()));
        waker.cancel_at(long_ago);
        waker.cancel();
        assert_eq!(cleanup.check(), Err(Hresult::SCARD_E_TIMEOUT));
        assert!(waker.take_cancel());
        waker.cancel();
        assert_eq!(cleanup.check(), Err(Hresult::SCARD_E_TIMEOUT));

        assert!(waker.take_cancel());
        assert_eq!(limit.reason_of_end(), Hresult::SCARD_E_CANCELLED);
        // The next clean-up has nothing to do with them.
        assert_eq!(limit.for_cleanup_of_ms(0).check(), Ok(()));
        assert_eq!(limit.reason_of_end(), Hresult::SCARD_E_TIMEOUT);
        waker.cancel();
        assert_eq!(limit.reason_of_end(), Hresult::SCARD_E_CANCELLED);
        assert_eq!(limit.check(), Ok(()));
    }

    #[test]
    fn clean_up_after_a_diagnosis_has_the_rest_of_the_time() {
        let waker = waker();
        waker.cancel_at(Instant::now().checked_sub(Duration::from_secs(5)).unwrap());
        for timeout_ms in [0, SCM_INFINITE] {
            let rest_ms = WaitLimit::of_ms(timeout_ms, &waker).for_cleanup_of_ms(300).rest_ms(SCM_INFINITE);
            assert!(rest_ms > 100 && rest_ms <= 300, "{rest_ms}");
        }
    }

    #[test]
    fn only_a_code_that_the_limit_can_give_ends_a_wait() {
        let waker = waker();
        let codes = [Hresult::SCARD_E_CANCELLED, Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_NO_SERVICE];
        let endless = WaitLimit::of_ms(SCM_INFINITE, &waker);
        for (limit, expected) in [
            (WaitLimit::ENDLESS, [false, false, false]),
            (WaitLimit::ENDLESS.for_cleanup(), [false, false, false]),
            (WaitLimit::cancellable(&waker), [true, false, false]),
            (endless, [true, true, false]),
            (endless.for_cleanup(), [false, true, false]),
            (WaitLimit::of_ms(1, &waker), [true, true, false]),
            (WaitLimit::of_ms(1, &waker).for_cleanup(), [false, true, false]),
        ] {
            assert_eq!(codes.map(|code| limit.can_end_with(code)), expected);
        }
    }

    #[test]
    fn a_limit_can_be_given_more_time() {
        let waker = waker();
        assert_eq!(WaitLimit::of_ms(0, &waker).at_least_ms(60_000).check(), Ok(()));
        let rest_ms = WaitLimit::of_ms(60_000, &waker).at_least_ms(1).rest_ms(SCM_INFINITE);
        assert!(rest_ms > 50_000, "{rest_ms}");
        assert_eq!(WaitLimit::of_ms(SCM_INFINITE, &waker).at_least_ms(1).deadline(), None);
    }

    #[test]
    fn a_part_of_a_millisecond_is_not_over() {
        let moment = in_future(Duration::from_secs(60) - Duration::from_micros(1));
        assert_eq!(rest_ms(moment, 60_000), 60_000);
        assert_eq!(rest_ms(Some(Instant::now()), 60_000), 0);
    }

    #[test]
    fn a_limit_ends_at_its_deadline() {
        let waker = waker();
        assert_eq!(WaitLimit::of_ms(0, &waker).check(), Err(Hresult::SCARD_E_TIMEOUT));
        assert_eq!(WaitLimit::of_ms(60_000, &waker).check(), Ok(()));
        assert_eq!(WaitLimit::of_ms(SCM_INFINITE, &waker).deadline(), None);
        waker.sleep(waker.wakes(), Some(Instant::now()));
    }
}
