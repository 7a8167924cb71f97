//! The codes of a card.

use super::interface::create_standard;
use super::{handles, made, scm_handle, scm_result, token};
use crate::boundary::{guard, input, Output};
use crate::hresult::Hresult;
use crate::provider::implementation::Implementation;
use crate::provider::interface::Standard;

/// The codes of a card, made by `scm_create_ch_verification`.
pub struct scm_ch_verification {
    _opaque: (),
}

/// Creates what verifies codes (ISCardManage::CreateCHVerification).
///
/// @param handle  the attachment
/// @param ch_verification  [out] what was created; NULL after a failure
///
/// @return as `scm_create_interface`
#[no_mangle]
pub unsafe extern "C" fn scm_create_ch_verification(
    handle: *mut scm_handle,
    ch_verification: *mut *mut scm_ch_verification,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_standard(handle, Standard::ChVerification, ch_verification) })
}

/// Ends it.
///
/// @param ch_verification  what was created
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `ch_verification` is none, or not any more.
#[no_mangle]
pub unsafe extern "C" fn scm_ch_verification_release(ch_verification: *mut scm_ch_verification) -> scm_result {
    guard(|| {
        let token = token(ch_verification)?;
        let released = handles()?.ch_verifications.remove(token)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Verifies a code.
///
/// @param ch_verification  what was created
/// @param code  the code
/// @param code_length  its length
/// @param flags  0
/// @param reference  which code
/// @param retries_left  [out] how many tries are left
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_ch_verification_verify(
    ch_verification: *mut scm_ch_verification,
    code: *const u8,
    code_length: libc::size_t,
    flags: u32,
    reference: u32,
    retries_left: *mut u32,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        unsafe { (Output::new(retries_left)?, input(code, code_length)?) };
        let (made, _attachment) = made(token(ch_verification)?, |handles| &handles.ch_verifications)?;
        match &made.object {
            Implementation::Generic(_) => Err(Hresult::E_NOTIMPL),
            Implementation::Provided(provided) => provided.call(
                |functions| functions.verify,
                // SAFETY: the program vouches for its function; the pointers are as the header says.
                |object, verify| unsafe { verify(object, code, code_length, flags, reference, retries_left) },
            ),
        }
    })
}
