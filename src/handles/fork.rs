//! The handles of this process in a fork.
//!
//! A child process shares the parent's connections to the resource manager, and any use of them breaks both. So in the
//! child every handle from before the fork is dead, and nothing that belongs to the parent is closed. Virtual readers
//! belong to the parent too: the child begins without any. Providers are code of the program, and stay registered.

use std::cell::UnsafeCell;
use std::sync::{MutexGuard, RwLockWriteGuard};

use super::process::{Handles, wait_for_handles};
use crate::abi::hresult::{Hresult, Result};
use crate::arbiter::registry::{self as arbiters, Registry};
use crate::interfaces::provided::registry as providers;
use crate::resource_manager::{pcsc, r#virtual};
use crate::runtime::fork_count::count_fork;

/// The locks that are held during a fork, so that no child inherits data in the middle of a change.
struct HeldLocks {
    handles: RwLockWriteGuard<'static, Handles>,
    arbiters: MutexGuard<'static, Registry>,
    pcsc: pcsc::Locked,
    readers: r#virtual::Locked,
    providers: providers::Locked,
}

struct LockCell(UnsafeCell<Option<HeldLocks>>);

// SAFETY: only the thread that holds the locks uses the cell: `before` when it has them, `after_in_*` until it releases
// them. All of these run on the thread that forks.
unsafe impl Sync for LockCell {}

static HELD: LockCell = LockCell(UnsafeCell::new(None));

/// Asks for the three calls around each fork. They end with this library: the C library drops them on dlclose.
pub fn watch() -> Result<()> {
    // SAFETY: the functions have the required signature, and may run at any time after this.
    match unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) } {
        0 => Ok(()),
        _ => Err(Hresult::E_OUTOFMEMORY),
    }
}

unsafe extern "C" fn before() {
    // The table exists, or a thread is making it and has asked for these calls. The order of the other locks is free:
    // no thread waits for one of them while it holds a later one.
    let held = HeldLocks {
        handles: wait_for_handles(),
        arbiters: arbiters::lock(),
        pcsc: pcsc::lock(),
        readers: r#virtual::lock(),
        providers: providers::lock(),
    };
    // SAFETY: this thread holds the locks.
    unsafe { *HELD.0.get() = Some(held) };
}

/// The locks that `before` has taken.
fn take_held() -> Option<HeldLocks> {
    // SAFETY: the thread that forked calls this. It has held the locks since `before`.
    unsafe { (*HELD.0.get()).take() }
}

unsafe extern "C" fn after_in_parent() {
    drop(take_held());
}

unsafe extern "C" fn after_in_child() {
    if let Some(HeldLocks { mut handles, mut arbiters, mut pcsc, mut readers, mut providers }) = take_held() {
        count_fork();
        handles.forget_all();
        arbiters.forget_all();
        pcsc.forget_all();
        readers.forget_all();
        providers.forget_other_threads();
    }
}
