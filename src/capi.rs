//! Every exported function, one file per noun. Each is thin: it checks what C gave, looks up the attachment, calls it,
//! and translates the answer. The documentation here is the documentation in `scm.h`.
//!
//! All of them are `unsafe` for one reason: the pointers have to be what the header says they are.
#![allow(non_camel_case_types)]
#![allow(clippy::missing_safety_doc)] // said once, above

pub mod attachment;
pub mod attribute;
pub mod exchange;
pub mod ifd;
pub mod lock;
pub mod monitor;
pub mod property;
pub mod reconnect;
pub mod result;
pub mod version;
pub mod virtual_ifd;

use crate::attachment::Attachment;
use crate::handle_table::Token;
use crate::hresult::{Hresult, Result};
use crate::process_table::handles;
use crate::shared::Shared;
use attachment::scm_handle;
use result::scm_result;

/// The attachment behind a handle, alive as long as this reference, whatever other threads do with the handle.
#[inline(always)]
fn attached(handle: *mut scm_handle) -> Result<Shared<Attachment>> {
    handles()?.attachments.get(token(handle)?)
}

/// The token in any kind of handle.
fn token<T>(handle: *mut T) -> Result<Token> {
    Token::from_pointer(handle).ok_or(Hresult::E_HANDLE)
}
