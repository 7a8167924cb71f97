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
pub mod property;
pub mod reconnect;
pub mod result;
pub mod version;

use crate::attachment::Attachment;
use crate::handle_table::Token;
use crate::hresult::{Hresult, Result};
use crate::process_table::attachments;
use crate::shared::Shared;
use crate::subsystem::system::System;
use crate::subsystem::Subsystem;
use attachment::scm_handle;
use result::scm_result;

/// The resource manager of the platform.
static SYSTEM: &dyn Subsystem = &System;

/// The attachment behind a handle, alive as long as this reference, whatever other threads do with the handle.
fn attached(handle: *mut scm_handle) -> Result<Shared<Attachment>> {
    attachments()?.get(token(handle)?)
}

fn token(handle: *mut scm_handle) -> Result<Token> {
    Token::from_pointer(handle).ok_or(Hresult::E_HANDLE)
}
