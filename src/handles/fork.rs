//! The handles of this process in a fork.
//!
//! A child process shares the parent's connections to the resource managers, and any use of them breaks both. So in the
//! child every handle from before the fork is dead, and nothing that belongs to the parent is closed. Each resource
//! manager forgets its own in the same way. Providers are code of the program, and stay registered.

use std::sync::{MutexGuard, RwLockWriteGuard};

use super::process::{Handles, wait_for_handles};
use crate::abi::hresult::Result;
use crate::arbiter::registry::{self as arbiters, ArbiterRegistry};
use crate::interfaces::provided::registry::{self as providers, ProviderRegistry};
use crate::resource_manager::managers;
use crate::runtime::fork_count::count_fork;
use crate::runtime::fork_locks::ForkLocks;
use crate::runtime::platform;

/// The locks that are held during a fork, so that no child inherits data in the middle of a change. Each resource
/// manager holds its own.
struct Locks {
    handles: RwLockWriteGuard<'static, Handles>,
    arbiters: MutexGuard<'static, ArbiterRegistry>,
    providers: MutexGuard<'static, ProviderRegistry>,
}

static HELD: ForkLocks<Locks> = ForkLocks::new();

/// From now on the child of a fork begins without handles.
pub fn watch() -> Result<()> {
    platform::fork::watch(before, after_in_parent, after_in_child)
}

extern "C" fn before() {
    // The table exists, or a thread is making it and has asked for these calls. The order of the other locks is free:
    // no thread waits for one of them while it holds a later one.
    let (handles, arbiters) = (wait_for_handles(), arbiters::lock());
    managers::all().for_each(|manager| manager.before_fork());
    HELD.hold(Locks { handles, arbiters, providers: providers::lock() });
}

extern "C" fn after_in_parent() {
    managers::all().for_each(|manager| manager.after_fork_in_parent());
    drop(HELD.take());
}

extern "C" fn after_in_child() {
    count_fork();
    managers::all().for_each(|manager| manager.after_fork_in_child());
    if let Some(Locks { mut handles, mut arbiters, mut providers }) = HELD.take() {
        handles.forget_all();
        arbiters.forget_all();
        providers.forget_other_threads();
    }
}
