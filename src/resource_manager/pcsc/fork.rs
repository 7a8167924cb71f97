//! A fork of the process. The parent locks everything that the child inherits; the child forgets what belongs to the
//! parent.

use std::sync::MutexGuard;

use super::abandoned_calls::{self, AbandonedCalls};
use super::daemon_wait;
use super::own_handles::{self, OwnHandle};
use super::stale_answers::QUESTIONS;
use super::workers::{self, Workers};
use super::{call_guard, context, fork_check};
use crate::runtime::fork_locks::ForkLocks;
use crate::runtime::pthread_cancel::is_single_threaded;

/// The locks that are held while a fork is under way.
struct Locks {
    call_guard: call_guard::ForkGuard,
    /// The process has no other thread that could be in a call of PC/SC.
    has_one_thread: bool,
    workers: MutexGuard<'static, Workers>,
    abandoned_calls: MutexGuard<'static, AbandonedCalls>,
    own_handles: MutexGuard<'static, Vec<OwnHandle>>,
    waits: MutexGuard<'static, Vec<daemon_wait::WaitEntry>>,
}

static HELD: ForkLocks<Locks> = ForkLocks::new();

pub fn before() {
    // In the order in which calls take these locks.
    let abandoned_calls = abandoned_calls::lock();
    let (own_handles, waits, workers) = (own_handles::lock(), daemon_wait::lock(), workers::lock());
    let has_one_thread = is_single_threaded();
    let call_guard = call_guard::hold_for_fork();
    HELD.hold(Locks { own_handles, waits, workers, abandoned_calls, call_guard, has_one_thread });
}

pub fn after_in_parent() {
    drop(HELD.take());
}

pub fn after_in_child() {
    if let Some(mut locks) = HELD.take() {
        locks.forget_all();
    }
}

impl Locks {
    /// In the child of a fork: threads, calls and card handles are the parent's.
    fn forget_all(&mut self) {
        self.workers.forget_all();
        self.abandoned_calls.forget_all();
        self.own_handles.clear();
        daemon_wait::forget_all(&mut self.waits);
        context::forget_admission();
        QUESTIONS.forget_all();
        call_guard::forget_all();
        if !self.has_one_thread {
            fork_check::inherit(!self.call_guard.is_alone(), self.call_guard.is_reading());
        }
    }
}
