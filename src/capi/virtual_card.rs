//! A card of a virtual reader, as its program describes it.

use std::ffi::c_void;

use super::scm_result;
use crate::abi::cause::{refuse, refuse_length};
use crate::abi::constants::Protocols;
use crate::abi::hresult::Result;
use crate::capi::boundary::{OfArgument, Options, input, required};
use crate::iso7816::atr::{self, Atr};
use crate::resource_manager::r#virtual::{CardCallbacks, VirtualCard};

/// A virtual card. Initialise with `SCM_VIRTUAL_CARD_INIT`.
///
/// The callbacks run on the thread whose call needs the card (of an application, or of `scm_virtual_ifd_insert` and the
/// like), without a lock of the library, and never two at a time for one card, from its insertion to `release`.
///
/// A callback may call the library, but never waits, because another thread may wait for the callback. A call that
/// would have to wait returns `SCM_SCARD_E_NOT_READY`:
/// - a call on the attachment that the callback works for, except `scm_detach` and the functions that never block
/// - a use of its own card through any attachment
/// - a use of an attachment, reader or card that another thread uses at the time
///
/// A callback may remove or reset its own card. Then the exchange in progress fails with `SCM_SCARD_W_REMOVED_CARD` or
/// `SCM_SCARD_W_RESET_CARD`, and `power` and `release` are called after the callback has returned. To insert another
/// card with the same `user_data`, do that in `release`. If its thread ends in a callback, the callback has failed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_virtual_card {
    /// `sizeof(scm_virtual_card)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// The protocols of the card: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both, or `SCM_PROTOCOL_RAW`. 0 for those of the
    /// ATR; if the ATR is not valid, the reader does not understand the card then (`SCM_SCARD_W_UNSUPPORTED_CARD`). If
    /// both are possible, T=1 is chosen.
    pub protocols: u32,
    /// The ATR, 1 to `SCM_ATR_MAX` bytes; copied.
    pub atr: *const u8,
    /// Its length.
    pub atr_length: libc::size_t,
    /// The first argument of the callbacks.
    pub user_data: *mut c_void,
    /// Answers one command. Required. The capacity is `SCM_RESPONSE_MAX`. A failure is a card that has not answered
    /// (`SCM_SCARD_E_NOT_TRANSACTED`), and so is an answer of fewer than two bytes (`SCM_SCARD_F_COMM_ERROR`).
    pub transmit: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            command: *const u8,
            command_length: libc::size_t,
            response: *mut u8,
            capacity: libc::size_t,
            response_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Tells the card of its power: `SCM_POWER_ON`, `SCM_POWER_OFF` or `SCM_POWER_RESET`. NULL for a card that forgets
    /// nothing and answers to every reset. After a failure the card is mute (`SCM_SCARD_W_UNRESPONSIVE_CARD`) until a
    /// later call succeeds. The result for `SCM_POWER_OFF` is ignored.
    pub power: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, event: u32) -> scm_result>,
    /// Answers a control code as the reader, if the reader has no `control` (`scm_virtual_ifd_options`) or does not
    /// know the code. NULL for a card that knows no code. `SCM_E_NOTIMPL` and `SCM_SCARD_E_UNSUPPORTED_FEATURE` mean
    /// that it does not know this code; any other failure is a failed reader (`SCM_SCARD_E_NOT_TRANSACTED`).
    pub control: Option<
        unsafe extern "C-unwind" fn(
            user_data: *mut c_void,
            control_code: u32,
            input: *const u8,
            input_length: libc::size_t,
            output: *mut u8,
            capacity: libc::size_t,
            output_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// The last call, once: the card was removed or its reader destroyed, and no other callback runs. NULL if there is
    /// nothing to do.
    pub release: Option<unsafe extern "C-unwind" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), two u32, then pointers and a size_t without padding. A function pointer is one of the caller's, or
// NULL.
unsafe impl Options for scm_virtual_card {
    const FIRST_SIZE: usize = 8 + 7 * size_of::<usize>();
    const DEFAULT: Self = scm_virtual_card {
        struct_size: size_of::<Self>() as u32,
        protocols: 0,
        atr: std::ptr::null(),
        atr_length: 0,
        user_data: std::ptr::null_mut(),
        transmit: None,
        power: None,
        control: None,
        release: None,
    };
}

/// # Safety
/// The pointers are as the header says.
pub(super) unsafe fn read_card(card: *const scm_virtual_card) -> Result<VirtualCard> {
    // SAFETY: as the caller vouches for.
    let given = unsafe { required(card) }.within("card")?;
    // SAFETY: as the caller vouches for.
    let atr = unsafe { input(given.atr, given.atr_length) }.of("atr").within("card")?;
    if !(1..=atr::MAX_LENGTH).contains(&atr.len()) {
        return Err(refuse_length("is 0, or more than SCM_ATR_MAX")).of("atr").within("card");
    }
    let protocols = match given.protocols {
        0 => None,
        protocols => Some(Protocols::from_value(protocols).of("protocols").within("card")?),
    };
    let callbacks = CardCallbacks {
        user: given.user_data,
        transmit: given
            .transmit
            .ok_or_else(|| refuse("is NULL: a function is required"))
            .of("transmit")
            .within("card")?,
        power: given.power,
        control: given.control,
        release: given.release,
    };
    Ok(VirtualCard::new(Atr::new(atr), protocols, callbacks))
}
