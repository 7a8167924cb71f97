//! Every exported function, one file per noun. A function checks its arguments, looks up the object, calls it, and
//! translates the answer. The documentation here becomes that of the headers.
//!
//! The functions are `unsafe` for one reason: the pointers must be as the header says.
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // said once, above

pub mod advice;
pub mod attachment;
pub mod attribute;
pub mod boundary;
pub mod card_auth;
pub mod card_capabilities;
pub mod ch_verification;
pub mod command;
pub mod exchange;
pub mod file;
pub mod file_access;
pub mod ifd;
pub mod interface;
pub mod last_error;
pub mod lock;
pub mod log;
pub mod monitor;
pub mod property;
pub mod provider;
pub mod reconnect;
pub mod result;
pub mod version;
pub mod virtual_card;
pub mod virtual_failure;
pub mod virtual_ifd;
pub mod virtual_service;

use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::handles::objects::{Created, ObjectTable};
use crate::handles::process::{self, Handles, handles};
use crate::handles::token::Token;
use crate::runtime::fallible::Arc;
use attachment::scm_handle;
use result::scm_result;

/// The attachment behind a handle, alive as long as this reference, whatever other threads do with the handle.
#[inline(never)]
fn attached(handle: *mut scm_handle) -> Result<Arc<Attachment>> {
    attached_inlined(handle)
}

/// `attached` for an exchange: no other call has to be that fast.
#[inline(always)]
fn attached_inlined(handle: *mut scm_handle) -> Result<Arc<Attachment>> {
    process::attachment(token(handle)?)
}

/// An object that was created for an attachment, and that attachment.
fn created<T>(
    token: Token,
    table: impl FnOnce(&Handles) -> &ObjectTable<T>,
) -> Result<(Arc<Created<T>>, Arc<Attachment>)> {
    let handles = handles()?;
    let created = table(&handles).get(token)?;
    let attachment = handles.attachments.get(created.attachment)?;
    Ok((created, attachment))
}

/// Makes the token of an object dead. The object ends when the caller drops it: the lock is free then.
fn release<T>(token: Token, table: impl FnOnce(&mut Handles) -> &mut ObjectTable<T>) -> Result<Arc<Created<T>>> {
    table(&mut *handles()?).remove(token)
}

/// The token in any kind of handle.
fn token<T>(handle: *mut T) -> Result<Token> {
    Token::from_pointer(handle).ok_or(Hresult::E_HANDLE)
}
