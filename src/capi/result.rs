//! The names and the messages of codes.

use std::ffi::{CStr, c_char};

pub use crate::abi::hresult::scm_result;
use crate::abi::hresult::{Code, Hresult};
use crate::resource_manager::managers;

/// The name of a code, such as "SCM_SCARD_W_RESET_CARD".
///
/// @param result  any number
/// @return static text, never NULL: "unknown" for a number that is not a code of this library. It stays valid.
///
/// Never blocks, and never fails.
///
/// @see scm_result_message
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_result_name(result: scm_result) -> *const c_char {
    text(result, |code| code.name, c"unknown")
}

/// The meaning of a code, as one English sentence for a person.
///
/// A library that was built to open libpcsclite at the first use, and did not find it, says so in the messages of
/// `SCM_SCARD_E_NO_SERVICE` and `SCM_SCARD_S_NO_SERVICE`, with the package to install.
///
/// @param result  any number
/// @return static text in UTF-8, never NULL. It stays valid.
///
/// Never blocks, and never fails.
///
/// @see scm_result_name
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_result_message(result: scm_result) -> *const c_char {
    if matches!(Hresult(result), Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_S_NO_SERVICE) {
        if let Some(advice) = managers::advice() {
            return advice.as_ptr();
        }
    }
    text(result, |code| code.message, c"This code is not one of libscm's.")
}

fn text(result: scm_result, of: impl FnOnce(&Code) -> &'static CStr, unknown: &'static CStr) -> *const c_char {
    Hresult(result).lookup().map_or(unknown, of).as_ptr()
}
