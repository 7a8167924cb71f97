//! What can be known of an attachment.

use std::ffi::c_char;

use super::{attached, scm_handle, scm_result};
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{Output, OutputBytes, guard};

/// The longest ATR, in bytes.
pub const SCM_ATR_MAX: usize = 33;
const _: () = assert!(SCM_ATR_MAX == crate::iso7816::atr::MAX_LENGTH);

/// The state of the card and the protocol that is active (ISCardManage::Status).
///
/// That the card is gone is a state, not an error: `SCM_S_OK` with `SCM_STATE_ABSENT`. It stays absent for this
/// attachment when it, or another one, is put in, until `scm_reconnect`.
///
/// @param handle  the attachment
/// @param state  [out] `SCM_STATE_ABSENT` to `SCM_STATE_SPECIFICMODE`; 0 after a failure
/// @param protocol  [out] `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1` or `SCM_PROTOCOL_RAW`; 0 when none is active, as in
///   direct mode, and after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `state` or `protocol` is NULL.
/// - `SCM_SCARD_W_RESET_CARD`: the card was reset by someone else; `scm_reconnect`.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
///
/// Blocks while another application holds a lock on the card (pcsc-lite). Other threads that use the same handle wait.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_status(handle: *mut scm_handle, state: *mut u32, protocol: *mut u32) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let (state, protocol) = unsafe { (Output::new(state), Output::new(protocol)) };
        let (state, protocol) = (state?, protocol?);
        let (card_state, active) = attached(handle)?.status()?;
        state.set(card_state.value());
        protocol.set(active.map_or(0, |active| active.value()));
        Ok(Hresult::S_OK)
    })
}

/// The ATR of the card that the last attach or reconnect found (ISO/IEC 7816-3, clause 8).
///
/// @param handle  the attachment
/// @param atr  [out] the ATR; NULL with capacity 0 asks for the length
/// @param capacity  the room in `atr`; `SCM_ATR_MAX` is always enough
/// @param atr_length  [out] its length; 0 in direct mode without a card, and after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `atr_length` is NULL, or `atr` is NULL with a capacity.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit; `*atr_length` is what is needed.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service, and never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_atr(
    handle: *mut scm_handle,
    atr: *mut u8,
    capacity: libc::size_t,
    atr_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(atr, capacity, atr_length) }?;
        output.fill(attached(handle)?.atr().as_bytes())
    })
}

/// The name of the reader.
///
/// @param handle  the attachment
/// @param name  [out] the name in UTF-8 with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `name`, in bytes; `SCM_IFD_NAME_MAX` + 1 is always enough
/// @param name_length  [out] the length of the name with its NUL, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `name_length` is NULL, or `name` is NULL with a capacity.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the name does not fit; `*name_length` is what is needed.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service, and never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_ifd_name(
    handle: *mut scm_handle,
    name: *mut c_char,
    capacity: libc::size_t,
    name_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(name.cast(), capacity, name_length) }?;
        output.fill(attached(handle)?.ifd().as_c_str().to_bytes_with_nul())
    })
}

/// The card handle of PC/SC (`SCARDHANDLE`), for what this library does not do.
///
/// It is the library's, or the caller's if borrowed, and is another one after a `scm_reconnect` that had to connect
/// anew. Calls with it and calls on the attachment exclude each other: see `scm_attach_by_handle`.
///
/// @param handle  the attachment
/// @param icc  [out] the card handle, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `icc` is NULL.
/// - the code that the last `scm_reconnect` failed with, if it left no connection.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service, and never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_icc(handle: *mut scm_handle, icc: *mut usize) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(icc) }?;
        output.set(attached(handle)?.lend_icc()?.0);
        Ok(Hresult::S_OK)
    })
}

/// The context of PC/SC (`SCARDCONTEXT`) that the card handle belongs to.
///
/// @param handle  the attachment
/// @param context  [out] the context, 0 after a failure. It is released by the library, never by the caller.
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `context` is NULL.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card handle came from the caller, and PC/SC cannot be asked for its
///   context.
/// - the code that the last `scm_reconnect` failed with, if it left no connection.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Asks neither card nor service, and never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_context(handle: *mut scm_handle, context: *mut usize) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(context) }?;
        output.set(attached(handle)?.context()?.0);
        Ok(Hresult::S_OK)
    })
}

/// A number that grows whenever the card may have forgotten its state: reset, loss of power, removal, another card,
/// a restart of the service, an exchange that broke off.
///
/// Who keeps state of the card (a selected file, a verified code) remembers the generation with it, and starts over
/// when it has grown. It is 0 after an attach. One event makes it grow once, however many calls fail because of it.
///
/// @param handle  the attachment
/// @param generation  [out] the generation, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `generation` is NULL.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// It knows what a call on this attachment has noticed; it asks neither card nor service, and never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_generation(handle: *mut scm_handle, generation: *mut u64) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(generation) }?;
        output.set(attached(handle)?.generation());
        Ok(Hresult::S_OK)
    })
}
