//! The properties of an attachment.

use std::ffi::c_char;

use super::{attached, scm_handle, scm_result};
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OfArgument, Output, OutputBytes, guard};

/// The longest ATR, in bytes.
pub const SCM_ATR_MAX: usize = 33;
const _: () = assert!(SCM_ATR_MAX == crate::iso7816::atr::MAX_LENGTH);

/// Tells the state of the card and the active protocol (ISCardManage::Status).
///
/// A missing card is a state, not an error: `SCM_S_OK` with `SCM_STATE_ABSENT`. It stays absent for this attachment
/// until `scm_reconnect`, also after a card was put in.
///
/// @param handle  the attachment
/// @param state  [out] `SCM_STATE_ABSENT` to `SCM_STATE_SPECIFICMODE`; 0 after a failure
/// @param protocol  [out] `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1` or `SCM_PROTOCOL_RAW`; 0 if none is active, as in direct
///   mode, and after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_SCARD_W_RESET_CARD`: another application has reset the card; call `scm_reconnect`.
/// - the other codes of a connection
///
/// Blocks while another application holds a lock on the card (pcsc-lite).
///
/// @see scm_reconnect, scm_get_atr, scm_get_generation
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_status(handle: *mut scm_handle, state: *mut u32, protocol: *mut u32) -> scm_result {
    guard!(scm_status(handle, state, protocol), || {
        // SAFETY: as the header says.
        let (state, protocol) = unsafe { (Output::new(state).of("state"), Output::new(protocol).of("protocol")) };
        let (state, protocol) = (state?, protocol?);
        let (card_state, active) = attached(handle)?.status()?;
        state.set(card_state.value());
        protocol.set(active.map_or(0, |active| active.value()));
        Ok(Hresult::S_OK)
    })
}

/// Gets the ATR of the card, as it was at the attach or at the last reconnect.
///
/// @param handle  the attachment
/// @param atr  [out] the ATR; NULL with capacity 0 asks for the length
/// @param capacity  the room in `atr`; `SCM_ATR_MAX` is always enough
/// @param atr_length  [out] its length, also if it does not fit; 0 in direct mode without a card, and after another
///   failure
///
/// @return
/// - `SCM_S_OK`: copied.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the ATR does not fit.
///
/// Never blocks.
///
/// @see scm_status, scm_get_attribute
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_atr(
    handle: *mut scm_handle,
    atr: *mut u8,
    capacity: libc::size_t,
    atr_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_get_atr(handle, atr, capacity, atr_length), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(atr, capacity, atr_length).of("atr") }?;
        output.fill(attached(handle)?.atr().as_bytes())
    })
}

/// Gets the name of the reader.
///
/// @param handle  the attachment
/// @param name  [out] the name with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `name`, in bytes; `SCM_IFD_NAME_MAX` + 1 is always enough
/// @param name_length  [out] the length of the name with its NUL, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: copied.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the name does not fit.
///
/// Never blocks.
///
/// @see scm_list_ifds, scm_attach_by_handle
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_ifd_name(
    handle: *mut scm_handle,
    name: *mut c_char,
    capacity: libc::size_t,
    name_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_get_ifd_name(handle, name, capacity, name_length), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(name.cast(), capacity, name_length).of("name") }?;
        output.fill(attached(handle)?.ifd().as_c_str().to_bytes_with_nul())
    })
}

/// Gets the card handle of PC/SC (`SCARDHANDLE`), for calls that this library does not have.
///
/// It belongs to the library, or to the caller if it is borrowed. It changes when `scm_reconnect` has to connect again.
/// Do not use it during a call on the attachment: see `scm_attach_by_handle`.
///
/// @param handle  the attachment
/// @param icc  [out] the card handle; 0 after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - one of the codes of a connection: that of the call that has left none
///
/// Never blocks.
///
/// @see scm_get_context, scm_attach_by_handle
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_icc(handle: *mut scm_handle, icc: *mut usize) -> scm_result {
    guard!(scm_get_icc(handle, icc), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(icc).of("icc") }?;
        output.set(attached(handle)?.lend_icc()?.0);
        Ok(Hresult::S_OK)
    })
}

/// Gets the context of PC/SC (`SCARDCONTEXT`) of the card handle.
///
/// @param handle  the attachment
/// @param context  [out] the context; 0 after a failure. The library releases it, never the caller.
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the card handle came from the caller, and PC/SC does not tell its context.
/// - one of the codes of a connection: that of the call that has left none
///
/// Never blocks.
///
/// @see scm_get_icc
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_context(handle: *mut scm_handle, context: *mut usize) -> scm_result {
    guard!(scm_get_context(handle, context), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(context).of("context") }?;
        output.set(attached(handle)?.context()?.0);
        Ok(Hresult::S_OK)
    })
}

/// Gets a number that grows whenever the card may have forgotten its state: after a reset, a loss of power, a removal,
/// another card, a restart of the service, or an exchange that failed.
///
/// A program that remembers state of the card (a selected file, a verified code) remembers the generation with it, and
/// starts over when the generation has grown. It is 0 after an attach. One event makes it grow once, however many calls
/// fail.
///
/// @param handle  the attachment
/// @param generation  [out] the generation; 0 after a failure
///
/// @return
/// - `SCM_S_OK`: told.
///
/// Never blocks. The number counts what calls on this attachment have noticed.
///
/// @see scm_reconnect, scm_status, scm_send_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_generation(handle: *mut scm_handle, generation: *mut u64) -> scm_result {
    guard!(scm_get_generation(handle, generation), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(generation).of("generation") }?;
        output.set(attached(handle)?.generation());
        Ok(Hresult::S_OK)
    })
}
