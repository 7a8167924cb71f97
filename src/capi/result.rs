//! The names and the messages of codes.

use std::ffi::{CStr, c_char};

pub use crate::abi::hresult::scm_result;
use crate::abi::hresult::{Code, Hresult};

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
/// @param result  any number
/// @return static text in UTF-8, never NULL. It stays valid.
///
/// Never blocks, and never fails.
///
/// @see scm_result_name
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_result_message(result: scm_result) -> *const c_char {
    text(result, |code| code.message, c"This code is not one of libscm's.")
}

fn text(result: scm_result, of: impl FnOnce(&Code) -> &'static CStr, unknown: &'static CStr) -> *const c_char {
    Hresult(result).lookup().map_or(unknown, of).as_ptr()
}
