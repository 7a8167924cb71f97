//! The one handle table of this process, its mutex, and what a fork does to it.
//!
//! The mutex guards the table only: it is never held during a call to the resource manager, so that a call that blocks
//! delays no other attachment.
//!
//! A child process shares the parent's connections to the resource manager, and any use of them breaks both. So in the
//! child every handle from before the fork is dead, and nothing of the parent's is closed. Virtual readers are the
//! parent's too: the child begins without any. Providers are code of the program, and stay registered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;

use crate::abi::functions::Own;
use crate::abi::functions::card_auth::scm_card_auth_functions;
use crate::abi::functions::ch_verification::scm_ch_verification_functions;
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::hresult::Result;
use crate::attachment::Attachment;
use crate::handles::table::{HandleTable, Kind, Token};
use crate::interfaces::generic::card_auth::CardAuth;
use crate::interfaces::generic::ch_verification::ChVerification;
use crate::interfaces::generic::file::File;
use crate::interfaces::generic::file_access::FileAccess;
use crate::interfaces::provided::implementation::Implementation;
use crate::interfaces::provided::object::{Provided, ProvidedFile};
use crate::monitor::Monitor;
use crate::resource_manager::r#virtual::IfdNumber;
use crate::runtime::cancellation;
use crate::runtime::fallible::Arc;

/// What the handles of this process stand for, one table for each kind.
pub struct Handles {
    pub attachments: HandleTable<Arc<Attachment>>,
    pub virtual_ifds: HandleTable<IfdNumber>,
    pub monitors: HandleTable<Arc<Monitor>>,
    pub file_accesses: MadeTable<Either<FileAccess, scm_file_access_functions>>,
    pub files: MadeTable<Implementation<File, ProvidedFile>>,
    pub ch_verifications: MadeTable<Either<ChVerification, scm_ch_verification_functions>>,
    pub card_auths: MadeTable<Either<CardAuth, scm_card_auth_functions>>,
    /// What only a provider has.
    pub interfaces: MadeTable<Arc<Provided<Own>>>,
}

type MadeTable<T> = HandleTable<Arc<Made<T>>>;
/// The generic implementation, or that of a provider with these functions.
pub type Either<Generic, Functions> = Implementation<Generic, Arc<Provided<Functions>>>;

/// An object that was made for an attachment, and lives no longer.
pub struct Made<T> {
    pub attachment: Token,
    pub object: T,
}

/// Makes `object` for an attachment, if there is that attachment, and gives it a token.
pub fn make<T>(
    attachment: Token,
    object: T,
    table: impl FnOnce(&mut Handles) -> &mut HandleTable<Arc<Made<T>>>,
) -> Result<Token> {
    let made = Arc::try_new(Made { attachment, object })?;
    let mut handles = handles()?;
    handles.attachments.get(attachment)?;
    let token = table(&mut handles).insert(made.clone());
    // What could not be inserted ends without the mutex.
    drop(handles);
    token
}

/// Ends everything that was made for an attachment that has ended. The objects end without the mutex: that can be a call of
/// the program's own.
pub fn end_all_of(attachment: Token) -> Result<()> {
    end(attachment, |handles| &mut handles.files)?;
    end(attachment, |handles| &mut handles.file_accesses)?;
    end(attachment, |handles| &mut handles.ch_verifications)?;
    end(attachment, |handles| &mut handles.card_auths)?;
    end(attachment, |handles| &mut handles.interfaces)
}

fn end<T>(attachment: Token, table: impl Fn(&mut Handles) -> &mut HandleTable<Arc<Made<T>>>) -> Result<()> {
    loop {
        let ended = table(&mut *handles()?).remove_any(|made| made.attachment == attachment);
        if ended.is_none() {
            return Ok(());
        }
    }
}

static HANDLES: OnceCell<Mutex<Handles>> = OnceCell::new();

/// Runs when the library is loaded: whatever a thread is in when another one forks, a fork is watched then.
#[cfg(unix)]
#[used]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array.00101"))]
#[cfg_attr(target_os = "macos", link_section = "__DATA,__mod_init_func")]
static LOADED: extern "C" fn() = watch_forks;

#[cfg(unix)]
extern "C" fn watch_forks() {
    // Without memory for it now, the first call that needs the table tries again, and can say so.
    drop(handles());
}

/// The table, locked. Keep it no longer than one call of the table's own.
pub fn handles() -> Result<MutexGuard<'static, Handles>> {
    let table = HANDLES.get_or_try_init(|| -> Result<_> {
        #[cfg(unix)]
        fork::watch()?;
        cancellation::learn();
        Ok(Mutex::new(Handles {
            attachments: HandleTable::new(Kind::Attachment),
            virtual_ifds: HandleTable::new(Kind::VirtualIfd),
            monitors: HandleTable::new(Kind::Monitor),
            file_accesses: HandleTable::new(Kind::FileAccess),
            files: HandleTable::new(Kind::File),
            ch_verifications: HandleTable::new(Kind::ChVerification),
            card_auths: HandleTable::new(Kind::CardAuth),
            interfaces: HandleTable::new(Kind::Interface),
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

    use super::{HANDLES, Handles, lock};
    use crate::abi::hresult::{Hresult, Result};
    use crate::arbiter::registry::{self as arbiters, Registry};
    use crate::interfaces::provided::registry as providers;
    use crate::resource_manager::{pcsc, r#virtual};
    use crate::runtime::fork_count::count_fork;

    /// What is locked while a fork is under way, so that no child inherits anything in mid-change.
    struct Held {
        handles: MutexGuard<'static, Handles>,
        arbiters: MutexGuard<'static, Registry>,
        pcsc: pcsc::Locked,
        readers: r#virtual::Locked,
        providers: providers::Locked,
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
        let held = Held {
            handles,
            arbiters: arbiters::lock(),
            pcsc: pcsc::lock(),
            readers: r#virtual::lock(),
            providers: providers::lock(),
        };
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
        if let Some(Held { mut handles, mut arbiters, mut pcsc, mut readers, mut providers }) = take_held() {
            count_fork();
            handles.attachments.forget_all();
            handles.virtual_ifds.forget_all();
            // Their threads are the parent's, and one of them may have had their mutex.
            handles.monitors.forget_all();
            handles.file_accesses.forget_all();
            handles.files.forget_all();
            handles.ch_verifications.forget_all();
            handles.card_auths.forget_all();
            handles.interfaces.forget_all();
            arbiters.forget_all();
            pcsc.forget_all();
            readers.forget_all();
            providers.forget_other_threads();
        }
    }
}
