//! The functions of a provider for codes.

use std::ffi::c_void;

use crate::abi::hresult::scm_result;

/// The codes of a card, implemented by a provider. Initialise with `SCM_CH_VERIFICATION_FUNCTIONS_INIT`.
///
/// `object` is what `scm_provider.create_object` has made. Everything else is as for the functions of the library. A
/// function that is NULL returns `SCM_E_NOTIMPL`.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_ch_verification_functions {
    /// `sizeof(scm_ch_verification_functions)`
    pub struct_size: u32,
    /// Verifies a code. `retries_left` is never NULL.
    pub verify: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            code: *const u8,
            code_length: libc::size_t,
            flags: u32,
            reference: u32,
            retries_left: *mut u32,
        ) -> scm_result,
    >,
    /// Replaces an old code by a new one.
    pub change_code: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            old_code: *const u8,
            old_code_length: libc::size_t,
            new_code: *const u8,
            new_code_length: libc::size_t,
            flags: u32,
            reference: u32,
            retries_left: *mut u32,
        ) -> scm_result,
    >,
    /// Unblocks a code, and gives it a new value.
    pub unblock: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            unblocking_code: *const u8,
            unblocking_code_length: libc::size_t,
            new_code: *const u8,
            new_code_length: libc::size_t,
            flags: u32,
            reference: u32,
            retries_left: *mut u32,
        ) -> scm_result,
    >,
    /// Withdraws everything that was verified.
    pub reset_security_state: Option<unsafe extern "C-unwind" fn(object: *mut c_void) -> scm_result>,
}
