//! The one handle table of this process, its mutex, and what a fork does to it.
//!
//! The mutex guards the table only: it is never held during a call to the resource manager, so that a call that blocks
//! delays no other attachment.
//!
//! A child process shares the parent's connections to the resource manager, and any use of them breaks both. So in the
//! child every handle from before the fork is dead, and nothing of the parent's is closed. Virtual readers are the
//! parent's too: the child begins without any.

use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

use crate::attachment::Attachment;
use crate::handle_table::{HandleTable, Kind};
use crate::hresult::Result;
use crate::monitor::Monitor;
use crate::shared::Shared;
use crate::subsystem::r#virtual::IfdNumber;

/// What the handles of this process stand for, one table for each kind.
pub struct Handles {
    pub attachments: HandleTable<Shared<Attachment>>,
    pub virtual_ifds: HandleTable<IfdNumber>,
    pub monitors: HandleTable<Shared<Monitor>>,
}

static HANDLES: OnceCell<Mutex<Handles>> = OnceCell::new();

/// The table, locked. Keep it no longer than one call of the table's own.
pub fn handles() -> Result<MutexGuard<'static, Handles>> {
    let table = HANDLES.get_or_try_init(|| -> Result<_> {
        #[cfg(unix)]
        fork::watch()?;
        Ok(Mutex::new(Handles {
            attachments: HandleTable::new(Kind::Attachment),
            virtual_ifds: HandleTable::new(Kind::VirtualIfd),
            monitors: HandleTable::new(Kind::Monitor),
        }))
    })?;
    Ok(lock(table))
}

/// No code that can panic runs under this mutex, so there is no half-done state behind a poisoned one.
fn lock(table: &Mutex<Handles>) -> MutexGuard<'_, Handles> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
mod fork {
    use std::cell::UnsafeCell;
    use std::sync::MutexGuard;

    use super::{lock, Handles, HANDLES};
    use crate::arbiter::seat::{self, Arbiters};
    use crate::hresult::{Hresult, Result};
    use crate::subsystem::{r#virtual, system};

    /// What is locked while a fork is under way, so that no child inherits anything in mid-change.
    struct Held {
        handles: MutexGuard<'static, Handles>,
        arbiters: MutexGuard<'static, Arbiters>,
        system: system::Locked,
        readers: r#virtual::Locked,
    }

    struct HeldLocks(UnsafeCell<Option<Held>>);

    // SAFETY: only the thread that holds the locks touches the cell: `before` once it has them, `after_in_*` until it
    // gives them back, all on the thread that forks.
    unsafe impl Sync for HeldLocks {}

    static HELD: HeldLocks = HeldLocks(UnsafeCell::new(None));

    /// Asks for the three calls around each fork. They end with this library: the C library drops them on dlclose.
    pub fn watch() -> Result<()> {
        // SAFETY: the functions have the signature asked for, and may run at any time after this.
        match unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) } {
            0 => Ok(()),
            _ => Err(Hresult::E_OUTOFMEMORY),
        }
    }

    unsafe extern "C" fn before() {
        // There is a table, or is about to be: that is when these functions are asked for. Nobody waits for one of the
        // others with the next one locked, so the order is free.
        let handles = lock(HANDLES.wait());
        let held = Held { handles, arbiters: seat::lock(), system: system::lock(), readers: r#virtual::lock() };
        // SAFETY: this thread holds the locks.
        unsafe { *HELD.0.get() = Some(held) };
    }

    /// What `before` kept.
    fn take_held() -> Option<Held> {
        // SAFETY: called by the thread that forked, which has held the locks since `before`.
        unsafe { (*HELD.0.get()).take() }
    }

    unsafe extern "C" fn after_in_parent() {
        drop(take_held());
    }

    unsafe extern "C" fn after_in_child() {
        if let Some(Held { mut handles, mut arbiters, mut system, mut readers }) = take_held() {
            handles.attachments.forget_all();
            handles.virtual_ifds.forget_all();
            // Their threads are the parent's, and one of them may have had their mutex.
            handles.monitors.forget_all();
            arbiters.forget_all();
            system.forget_all();
            readers.forget_all();
        }
    }
}
