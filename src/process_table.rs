//! The one handle table of this process, its mutex, and what a fork does to it.
//!
//! The mutex guards the table only: it is never held during a call to the resource manager, so that a call that blocks
//! delays no other attachment.
//!
//! A child process shares the parent's connections to the resource manager, and any use of them breaks both. So in the
//! child every handle from before the fork is dead, and nothing of the parent's is closed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

use crate::attachment::Attachment;
use crate::handle_table::HandleTable;
use crate::hresult::Result;
use crate::shared::Shared;

type Attachments = HandleTable<Shared<Attachment>>;

static ATTACHMENTS: OnceCell<Mutex<Attachments>> = OnceCell::new();

/// The table, locked. Keep it no longer than one call of the table's own.
pub fn attachments() -> Result<MutexGuard<'static, Attachments>> {
    let table = ATTACHMENTS.get_or_try_init(|| -> Result<_> {
        #[cfg(unix)]
        fork::watch()?;
        Ok(Mutex::new(HandleTable::new()))
    })?;
    Ok(lock(table))
}

/// No code that can panic runs under this mutex, so there is no half-done state behind a poisoned one.
fn lock(table: &Mutex<Attachments>) -> MutexGuard<'_, Attachments> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
mod fork {
    use std::cell::UnsafeCell;
    use std::sync::MutexGuard;

    use super::{lock, Attachments, ATTACHMENTS};
    use crate::hresult::{Hresult, Result};

    /// The lock of the table while a fork is under way, so that no child inherits a table in mid-change.
    struct HeldLock(UnsafeCell<Option<MutexGuard<'static, Attachments>>>);

    // SAFETY: only the thread that holds the lock of the table touches the cell: `before` once it has the lock,
    // `after_in_*` until it gives it back, all on the thread that forks.
    unsafe impl Sync for HeldLock {}

    static HELD: HeldLock = HeldLock(UnsafeCell::new(None));

    /// Asks for the three calls around each fork. They end with this library: the C library drops them on dlclose.
    pub fn watch() -> Result<()> {
        // SAFETY: the functions have the signature asked for, and may run at any time after this.
        match unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) } {
            0 => Ok(()),
            _ => Err(Hresult::E_OUTOFMEMORY),
        }
    }

    unsafe extern "C" fn before() {
        // There is a table, or is about to be: that is when these functions are asked for.
        let table = lock(ATTACHMENTS.wait());
        // SAFETY: this thread holds the lock of the table.
        unsafe { *HELD.0.get() = Some(table) };
    }

    /// What `before` kept.
    fn take_held() -> Option<MutexGuard<'static, Attachments>> {
        // SAFETY: called by the thread that forked, which has held the lock since `before`.
        unsafe { (*HELD.0.get()).take() }
    }

    unsafe extern "C" fn after_in_parent() {
        drop(take_held());
    }

    unsafe extern "C" fn after_in_child() {
        if let Some(mut table) = take_held() {
            table.forget_all();
        }
    }
}
