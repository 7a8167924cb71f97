//! Reconnect, the function that this library is named for.

use super::attachment::if_given;
use super::{attached, scm_handle, scm_result};
use crate::abi::constants::{Disposition, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::{ReconnectRequest, Reconnected};
use crate::capi::boundary::{Options, guard, options};
use crate::runtime::wait::SCM_INFINITE;

/// How to reconnect. Begin with `SCM_RECONNECT_OPTIONS_INIT`; zero in a field keeps what is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_reconnect_options {
    /// `sizeof(scm_reconnect_options)`: how the library tells versions of this structure apart.
    pub struct_size: u32,
    /// The share mode from now on: `SCM_SHARE_EXCLUSIVE`, `SCM_SHARE_SHARED`, `SCM_SHARE_DIRECT`; 0 keeps it.
    pub share_mode: u32,
    /// The protocols from now on: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed, or `SCM_PROTOCOL_RAW`; 0 keeps
    /// them.
    pub protocols: u32,
    /// What is done to the card: `SCM_DISPOSITION_LEAVE` (default), `SCM_DISPOSITION_RESET` or
    /// `SCM_DISPOSITION_UNPOWER`.
    pub initial_action: u32,
    /// How long it may take, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`; or `SCM_INFINITE`:
    /// without a limit, and `scm_cancel` ends it wherever it waits. 0 (default): without a limit, and what waits for
    /// another application waits in the resource manager, where `scm_cancel` does not reach it. Never kept for later
    /// reconnects.
    pub limit_ms: u32,
}

// SAFETY: repr(C), five u32, the first of them the size.
unsafe impl Options for scm_reconnect_options {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self = scm_reconnect_options {
        struct_size: size_of::<Self>() as u32,
        share_mode: 0,
        protocols: 0,
        initial_action: 0,
        limit_ms: 0,
    };
}

impl scm_reconnect_options {
    fn request(&self) -> Result<ReconnectRequest> {
        let initial = match Disposition::from_value(self.initial_action)? {
            Disposition::Eject => return Err(Hresult::E_INVALIDARG),
            initial => initial,
        };
        Ok(ReconnectRequest {
            share_mode: if_given(self.share_mode, ShareMode::from_value)?,
            protocols: if_given(self.protocols, Protocols::from_value)?,
            initial,
            limit_ms: if self.limit_ms == 0 { SCM_INFINITE } else { self.limit_ms },
        })
    }
}

/// Makes an attachment usable again, without a detach followed by an attach (ISCardManage::Reconnect).
///
/// Acknowledges that the card was reset by someone else; connects anew when the card was taken out and is back; opens
/// a new context and connects anew when the service was restarted or the reader came back. When nothing happened it
/// changes nothing. A lock that was held before is held after, taken anew where it was lost; otherwise the call fails.
/// The card is not reset. The generation (`scm_get_generation`) has grown when the card may have forgotten its state:
/// selected files, verified codes, keys.
///
/// Cards are told apart by the ATR that the service has read. A swap faster than the service looks at its readers (400
/// ms with pcsc-lite) shows as an exchange that broke off: the generation has grown, but the ATR is that of the old
/// card until the new one is reset, and so `SCM_S_OK` comes for another card.
///
/// A borrowed card handle is reconnected as it is. One that the service does not know any more, because it was
/// restarted or the handle was disconnected, cannot be brought back.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: usable, and the card answers with the same ATR as before.
/// - `SCM_S_FALSE`: usable, but the card answers with another ATR: it is another card, or another mode of it.
/// - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application has the card exclusively.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols of this attachment; or it speaks another one
///   now, because others use it so, or have left it so: `initial_action` `SCM_DISPOSITION_RESET` ends that.
/// - `SCM_SCARD_E_INVALID_HANDLE`: the card handle is borrowed, and cannot be brought back.
/// - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card is mute,
///   without power, or not understood by the reader.
/// - `SCM_SCARD_E_NOT_READY`: others reset the card at the same time, again and again; try later. Also to a callback of
///   a virtual card that reconnects the attachment it is called for.
/// - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the service failed to acknowledge the signal; try again.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`, `SCM_E_OUTOFMEMORY`: as for `scm_attach_by_ifd`.
/// - the other codes of a connection (see the top of this file), if the service or the driver says so.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
/// - `SCM_E_UNEXPECTED`: an internal error; the attachment can only be detached.
///
/// A failure leaves the attachment in place, to be reconnected later.
///
/// Blocks while another application, or another attachment, holds a lock on the card: `scm_reconnect_ex` has a limit
/// for it. Any thread may call it; other threads that use the same handle wait meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_reconnect(handle: *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { reconnect(handle, std::ptr::null()) })
}

/// Makes an attachment usable again as `scm_reconnect` does, with another share mode, other protocols, or a reset.
///
/// @param handle  the attachment
/// @param options  what is to change; NULL for nothing. What it sets holds for later reconnects too, once it succeeded.
///
/// @return as `scm_reconnect`, and
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value is not defined here.
/// - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`. The attachment is as before, to be reconnected
///   later.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended it. The attachment is as before.
///
/// Blocks as `scm_reconnect`; asked for exclusive use, also until no other application uses the card (pcsc-lite).
/// `timeout_ms` bounds it, whatever the resource manager does. One that is still at it then keeps the card handle: an
/// own one is closed when it is done, and a new one takes its place, for which the generation grows; calls on a
/// borrowed one wait until it is done. A reset or a loss of power is signalled to other attachments
/// (`SCM_SCARD_W_RESET_CARD`), and makes the generation grow.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_reconnect_ex(
    handle: *mut scm_handle,
    options: *const scm_reconnect_options,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { reconnect(handle, options) })
}

/// # Safety
/// The pointers are as the header says.
unsafe fn reconnect(handle: *mut scm_handle, given: *const scm_reconnect_options) -> Result<Hresult> {
    let attachment = attached(handle)?;
    // SAFETY: as the caller vouches for.
    let given = unsafe { options(given) }?;
    Ok(match attachment.reconnect(given.request()?)? {
        Reconnected::SameCard => Hresult::S_OK,
        Reconnected::OtherCard => Hresult::S_FALSE,
    })
}
