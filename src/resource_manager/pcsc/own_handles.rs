//! The card handles that libscm has opened, each with its context and reader. PC/SC cannot always tell these.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::hresult::Result;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};

#[derive(Clone, Copy)]
pub struct OwnHandle {
    icc: Icc,
    context: Context,
    ifd: IfdName,
}

static OWN_HANDLES: Mutex<Vec<OwnHandle>> = Mutex::new(Vec::new());

/// The list, locked. A fork holds this lock.
pub fn lock() -> MutexGuard<'static, Vec<OwnHandle>> {
    OWN_HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn add(icc: Icc, context: Context, ifd: IfdName) -> Result<()> {
    let mut handles = lock();
    handles.try_reserve(1)?;
    handles.push(OwnHandle { icc, context, ifd });
    Ok(())
}

pub fn remove(icc: Icc) {
    lock().retain(|handle| handle.icc != icc);
}

pub fn remove_all_in(context: Context) {
    lock().retain(|handle| handle.context != context);
}

pub fn context_of(icc: Icc) -> Option<Context> {
    find(icc).map(|handle| handle.context)
}

pub fn ifd_of(icc: Icc) -> Option<IfdName> {
    find(icc).map(|handle| handle.ifd)
}

fn find(icc: Icc) -> Option<OwnHandle> {
    lock().iter().find(|handle| handle.icc == icc).copied()
}
