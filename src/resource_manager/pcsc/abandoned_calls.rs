//! Calls of PC/SC that have not returned, and whose callers have given up (`timed_call.rs` decides that). When such a
//! call returns, its thread takes back its outcome, and then closes the card handle and the context that were closed
//! meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::timed_call::CallTarget;
use super::{connection, context};
use crate::abi::constants::Disposition;
use crate::abi::hresult::Result;
use crate::resource_manager::{Context, Icc};
use crate::runtime::cancel::Waker;
use crate::runtime::wait::{WaitLimit, earlier, in_future};

static ABANDONED_CALLS: Mutex<AbandonedCalls> = Mutex::new(AbandonedCalls { all: Vec::new(), timed_calls: 0 });
static FINISHED: Condvar = Condvar::new();
/// The length of the list. While it is 0, no call takes the lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

pub struct AbandonedCalls {
    all: Vec<AbandonedCall>,
    /// How many calls are under way that their callers could abandon.
    timed_calls: usize,
}

struct AbandonedCall {
    /// Different for each call that is under way.
    id: usize,
    target: CallTarget,
    /// The context of the card handle, if libscm has opened it.
    context: Option<Context>,
    /// A card handle of the same context, or the one of the call.
    disconnect: Option<(Icc, Disposition)>,
    release: Option<Context>,
}

/// The list, locked. A fork holds this lock.
pub fn lock() -> MutexGuard<'static, AbandonedCalls> {
    ABANDONED_CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AbandonedCalls {
    pub(super) fn add(&mut self, id: usize, target: CallTarget) {
        let context = target.context();
        // `Room` has reserved the memory.
        self.all.push(AbandonedCall { id, target, context, disconnect: None, release: None });
        COUNT.store(self.all.len(), Ordering::Relaxed);
    }

    /// Finds a call on the target. A call in the same context counts too: PC/SC makes one wait for the other. So there
    /// is no second abandoned call in a context.
    fn find(&mut self, target: &CallTarget) -> Option<&mut AbandonedCall> {
        let context = target.context();
        let in_context = |call: &AbandonedCall| context.is_some() && call.context == context;
        self.all.iter_mut().find(|call| call.target.is_same(target) || in_context(call))
    }

    /// In the child of a fork: the calls are the parent's.
    #[cfg(unix)]
    pub fn forget_all(&mut self) {
        self.all.clear();
        self.timed_calls = 0;
        COUNT.store(0, Ordering::Relaxed);
    }
}

/// Memory in the list for one timed call, so that its caller can always abandon it.
pub struct Room;

impl Room {
    pub fn reserve() -> Result<Room> {
        let mut calls = lock();
        let timed_calls = calls.timed_calls + 1;
        calls.all.try_reserve(timed_calls)?;
        calls.timed_calls = timed_calls;
        Ok(Room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        lock().timed_calls -= 1;
    }
}

#[inline]
fn exist() -> bool {
    COUNT.load(Ordering::Relaxed) > 0
}

/// Whether this card handle has an abandoned call.
pub fn has(icc: Icc) -> bool {
    exist() && lock().find(&CallTarget::Icc(icc)).is_some()
}

/// Returns once this card handle has no abandoned call.
#[inline]
pub fn wait_for(icc: Icc) {
    if exist() {
        wait_until_finished(icc);
    }
}

#[cold]
fn wait_until_finished(icc: Icc) {
    let mut calls = lock();
    while calls.find(&CallTarget::Icc(icc)).is_some() {
        calls = FINISHED.wait(calls).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The same, with a limit.
#[inline]
pub fn wait_within_limit(target: &CallTarget, limit: &WaitLimit, waker: &Waker) -> Result<()> {
    if exist() { poll_within_limit(target, limit, waker) } else { Ok(()) }
}

/// The end of another attachment's call does not wake this waker, so it polls.
#[cold]
fn poll_within_limit(target: &CallTarget, limit: &WaitLimit, waker: &Waker) -> Result<()> {
    const POLL: Duration = Duration::from_millis(20);
    loop {
        let seen_wakes = waker.wakes();
        if lock().find(target).is_none() {
            return Ok(());
        }
        limit.check()?;
        waker.sleep(seen_wakes, earlier(limit.deadline(), in_future(POLL)));
    }
}

/// Leaves the disconnect of a card handle to the end of its abandoned call. Whether it has one.
pub fn disconnect(icc: Icc, disposition: Disposition) -> bool {
    exist() && lock().find(&CallTarget::Icc(icc)).map(|call| call.disconnect = Some((icc, disposition))).is_some()
}

/// Leaves the release of a context to the end of an abandoned call in it. Whether it has one.
pub fn release(context: Context) -> bool {
    if !exist() {
        return false;
    }
    let mut calls = lock();
    let call = calls.all.iter_mut().find(|call| call.context == Some(context));
    call.map(|call| call.release = Some(context)).is_some()
}

/// The call has returned: closes what was closed meanwhile, and removes the call from the list.
pub(super) fn finish(id: usize, waker: &Waker) {
    loop {
        let mut calls = lock();
        let Some(index) = calls.all.iter().position(|call| call.id == id) else { return };
        let Some(call) = calls.all.get_mut(index) else { return };
        let (disconnect, release) = (call.disconnect.take(), call.release.take());
        if let (None, None) = (disconnect, release) {
            calls.all.swap_remove(index);
            COUNT.store(calls.all.len(), Ordering::Relaxed);
            drop(calls);
            FINISHED.notify_all();
            waker.wake();
            return;
        }
        drop(calls);
        if let Some((icc, disposition)) = disconnect {
            // No caller is left for an error.
            let _ = connection::close(icc, disposition);
        }
        if let Some(context) = release {
            context::close(context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::own_handles;
    use super::*;
    use crate::resource_manager::ifd_name::IfdName;

    fn name(name: &str) -> IfdName {
        IfdName::new(name.as_bytes()).unwrap()
    }

    /// PC/SC makes one call in a context wait for the other.
    #[test]
    fn a_call_stands_in_the_way_of_all_others_in_its_context() {
        const CONTEXTS: [Context; 2] = [Context(0x7A01), Context(0x7A02)];
        const ICCS: [Icc; 2] = [Icc(0x7B01), Icc(0x7B02)];
        for (icc, context) in ICCS.into_iter().zip(CONTEXTS) {
            own_handles::add(icc, context, name("Abandoned")).unwrap();
        }
        let targets = |at: usize| [CallTarget::Icc(ICCS[at]), CallTarget::Ifd(name(["A", "B"][at]), CONTEXTS[at])];
        for abandoned in targets(0) {
            let mut calls = AbandonedCalls { all: Vec::new(), timed_calls: 0 };
            calls.all.push(AbandonedCall {
                id: 1,
                target: abandoned,
                context: abandoned.context(),
                disconnect: None,
                release: None,
            });
            assert!(targets(0).iter().all(|target| calls.find(target).is_some()));
            assert!(targets(1).iter().all(|target| calls.find(target).is_none()));
            assert!(calls.find(&CallTarget::Service).is_none());
        }
        CONTEXTS.into_iter().for_each(own_handles::remove_all_in);
    }
}
