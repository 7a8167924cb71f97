//! Authentication between a card and a program.

use super::interface::create_standard;
use super::{handles, made, scm_handle, scm_result, token};
use crate::boundary::{guard, input, OutputBytes};
use crate::hresult::Hresult;
use crate::provider::implementation::Implementation;
use crate::provider::interface::Standard;

/// The authentication of a card, made by `scm_create_card_auth`.
pub struct scm_card_auth {
    _opaque: (),
}

/// Creates what authenticates (ISCardManage::CreateCardAuth).
///
/// @param handle  the attachment
/// @param card_auth  [out] what was created; NULL after a failure
///
/// @return as `scm_create_interface`
#[no_mangle]
pub unsafe extern "C" fn scm_create_card_auth(
    handle: *mut scm_handle,
    card_auth: *mut *mut scm_card_auth,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_standard(handle, Standard::CardAuth, card_auth) })
}

/// Ends it.
///
/// @param card_auth  what was created
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `card_auth` is none, or not any more.
#[no_mangle]
pub unsafe extern "C" fn scm_card_auth_release(card_auth: *mut scm_card_auth) -> scm_result {
    guard(|| {
        let token = token(card_auth)?;
        let released = handles()?.card_auths.remove(token)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Gets a challenge from the card.
///
/// @param card_auth  what was created
/// @param algorithm  for which algorithm
/// @param parameters  its parameters
/// @param parameters_length  their length
/// @param challenge  [out] the challenge
/// @param capacity  the room in `challenge`
/// @param length  [out] its length
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_card_auth_get_challenge(
    card_auth: *mut scm_card_auth,
    algorithm: u32,
    parameters: *const u8,
    parameters_length: libc::size_t,
    challenge: *mut u8,
    capacity: libc::size_t,
    length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let (output, _) =
            unsafe { (OutputBytes::new(challenge, capacity, length)?, input(parameters, parameters_length)?) };
        let (made, _attachment) = made(token(card_auth)?, |handles| &handles.card_auths)?;
        match &made.object {
            Implementation::Generic(_) => Err(Hresult::E_NOTIMPL),
            Implementation::Provided(provided) => output.fill_by(|challenge, capacity, length| {
                provided.call(
                    |functions| functions.get_challenge,
                    // SAFETY: the program vouches for its function; the pointers are as the header says.
                    |object, get_challenge| unsafe {
                        get_challenge(object, algorithm, parameters, parameters_length, challenge, capacity, length)
                    },
                )
            }),
        }
    })
}
