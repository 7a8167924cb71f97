//! The functions of a provider for authentication.

use std::ffi::c_void;

use crate::abi::hresult::scm_result;

/// The authentication of a card, implemented by a provider. Initialise with `SCM_CARD_AUTH_FUNCTIONS_INIT`.
///
/// `object` is what `scm_provider.create_object` has made. Everything else is as for the functions of the library. A
/// function that is NULL returns `SCM_E_NOTIMPL`.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_card_auth_functions {
    /// `sizeof(scm_card_auth_functions)`
    pub struct_size: u32,
    /// Gets a challenge from the card.
    pub get_challenge: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            algorithm: u32,
            parameters: *const u8,
            parameters_length: libc::size_t,
            challenge: *mut u8,
            capacity: libc::size_t,
            challenge_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Proves the application to the card.
    pub app_auth: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            algorithm: u32,
            parameters: *const u8,
            parameters_length: libc::size_t,
            data: *const u8,
            data_length: libc::size_t,
        ) -> scm_result,
    >,
    /// Proves the card to the application.
    pub icc_auth: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            algorithm: u32,
            parameters: *const u8,
            parameters_length: libc::size_t,
            data: *const u8,
            data_length: libc::size_t,
            answer: *mut u8,
            capacity: libc::size_t,
            answer_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Proves the user to the card.
    pub user_auth: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            algorithm: u32,
            parameters: *const u8,
            parameters_length: libc::size_t,
            data: *const u8,
            data_length: libc::size_t,
        ) -> scm_result,
    >,
}
