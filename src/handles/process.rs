//! The one handle table of this process, and its lock.
//!
//! The lock guards the table only. No call to the resource manager and no call of a function of the program is made
//! while it is held, so that a call that blocks delays no other attachment.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use once_cell::sync::OnceCell;

use super::fork;
use super::objects::{Created, ObjectTable};
use super::table::HandleTable;
use super::token::{HandleKind, Token};
use crate::abi::hresult::Result;
use crate::attachment::Attachment;
use crate::interfaces::card_auth::CardAuth;
use crate::interfaces::ch_verification::ChVerification;
use crate::interfaces::file::File;
use crate::interfaces::file_access::FileAccess;
use crate::interfaces::object::Object;
use crate::interfaces::provided::ProvidedInterface;
use crate::monitor::Monitor;
use crate::resource_manager::r#virtual::IfdNumber;
use crate::runtime::fallible::Arc;
use crate::runtime::platform::load::at_load;
use crate::runtime::pthread_cancel;

/// The objects behind the handles of this process, one table for each kind.
pub struct Handles {
    pub attachments: HandleTable<Arc<Attachment>>,
    pub virtual_ifds: HandleTable<IfdNumber>,
    pub monitors: HandleTable<Arc<Monitor>>,
    pub file_accesses: ObjectTable<Box<dyn FileAccess>>,
    pub files: ObjectTable<Box<dyn File>>,
    pub ch_verifications: ObjectTable<Box<dyn ChVerification>>,
    pub card_auths: ObjectTable<Box<dyn CardAuth>>,
    pub interfaces: ObjectTable<ProvidedInterface>,
}

impl Handles {
    const fn new() -> Handles {
        Handles {
            attachments: HandleTable::new(HandleKind::Attachment),
            virtual_ifds: HandleTable::new(HandleKind::VirtualIfd),
            monitors: HandleTable::new(HandleKind::Monitor),
            file_accesses: ObjectTable::new(HandleKind::FileAccess),
            files: ObjectTable::new(HandleKind::File),
            ch_verifications: ObjectTable::new(HandleKind::ChVerification),
            card_auths: ObjectTable::new(HandleKind::CardAuth),
            interfaces: ObjectTable::new(HandleKind::Interface),
        }
    }

    /// In the child of a fork every token is dead. Nothing is dropped, because it belongs to the parent: a thread of
    /// the parent may have held its mutex.
    pub fn forget_all(&mut self) {
        self.attachments.forget_all();
        self.virtual_ifds.forget_all();
        self.monitors.forget_all();
        self.file_accesses.forget_all();
        self.files.forget_all();
        self.ch_verifications.forget_all();
        self.card_auths.forget_all();
        self.interfaces.forget_all();
    }
}

/// Gives a new object of any interface a token.
pub fn insert_object(attachment: Token, object: Object) -> Result<Token> {
    match object {
        Object::FileAccess(object) => insert(attachment, object, |handles| &mut handles.file_accesses),
        Object::ChVerification(object) => insert(attachment, object, |handles| &mut handles.ch_verifications),
        Object::CardAuth(object) => insert(attachment, object, |handles| &mut handles.card_auths),
        Object::Interface(object) => insert(attachment, object, |handles| &mut handles.interfaces),
    }
}

/// Gives an object a token. If its attachment has ended, the object ends here.
pub fn insert<T>(
    attachment: Token,
    object: T,
    table: impl FnOnce(&mut Handles) -> &mut ObjectTable<T>,
) -> Result<Token> {
    let created = Arc::try_new(Created { attachment, object })?;
    let mut handles = handles()?;
    let token = match handles.attachments.get(attachment) {
        Ok(_) => table(&mut handles).insert(created.clone()),
        Err(code) => Err(code),
    };
    // An object without a token is dropped when the lock is free.
    drop(handles);
    token
}

/// Ends every object of an attachment that was taken out of the table.
pub fn end_all_of(attachment: Token) -> Result<()> {
    end(attachment, |handles| &mut handles.files)?;
    end(attachment, |handles| &mut handles.file_accesses)?;
    end(attachment, |handles| &mut handles.ch_verifications)?;
    end(attachment, |handles| &mut handles.card_auths)?;
    end(attachment, |handles| &mut handles.interfaces)?;
    handles()?.attachments.release_slot(attachment);
    Ok(())
}

/// Each object ends when the lock is free, because a provider may be called then.
fn end<T>(attachment: Token, table: impl Fn(&mut Handles) -> &mut ObjectTable<T>) -> Result<()> {
    loop {
        let ended = table(&mut *handles()?).remove_one_of(attachment);
        if ended.is_none() {
            return Ok(());
        }
    }
}

static HANDLES: OnceCell<RwLock<Handles>> = OnceCell::new();

// Every fork is watched from here on, even if another thread forks during the first call.
at_load!(watch_forks);

extern "C" fn watch_forks() {
    // If memory is short now, the first call that needs the table tries again, and reports it.
    drop(handles());
}

/// The table, locked. Keep it no longer than for one operation of the table.
pub fn handles() -> Result<RwLockWriteGuard<'static, Handles>> {
    Ok(lock(table()?))
}

/// The attachment of a token. Threads that only ask do not wait for each other.
#[inline(always)]
pub fn attachment(token: Token) -> Result<Arc<Attachment>> {
    table()?.read().unwrap_or_else(PoisonError::into_inner).attachments.get(token)
}

#[inline(always)]
fn table() -> Result<&'static RwLock<Handles>> {
    match HANDLES.get() {
        Some(table) => Ok(table),
        None => new_table(),
    }
}

#[cold]
fn new_table() -> Result<&'static RwLock<Handles>> {
    HANDLES.get_or_try_init(|| {
        fork::watch()?;
        pthread_cancel::learn();
        Ok(RwLock::new(Handles::new()))
    })
}

/// The table, locked, when it exists: waits until the thread that makes it is done.
pub fn wait_for_handles() -> RwLockWriteGuard<'static, Handles> {
    lock(HANDLES.wait())
}

/// No code that can panic runs under this lock, so the table behind a poisoned one is whole.
fn lock(table: &RwLock<Handles>) -> RwLockWriteGuard<'_, Handles> {
    table.write().unwrap_or_else(PoisonError::into_inner)
}
