//! The tables of functions of providers.

pub mod card_auth;
pub mod ch_verification;
pub mod file_access;

use std::ffi::c_void;

use card_auth::scm_card_auth_functions;
use ch_verification::scm_ch_verification_functions;
use file_access::scm_file_access_functions;

/// A table of functions, by its interface.
#[derive(Clone, Copy)]
pub enum Functions {
    FileAccess(scm_file_access_functions),
    ChVerification(scm_ch_verification_functions),
    CardAuth(scm_card_auth_functions),
    Own(Own),
}

/// The table of an interface that only its provider knows.
#[derive(Clone, Copy)]
pub struct Own(pub *const c_void);

// SAFETY: the library does not read the table. The provider guarantees that any thread may use it.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}
