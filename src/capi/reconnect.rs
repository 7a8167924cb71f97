//! Reconnect.

use super::attachment::if_given;
use super::{attached, scm_handle, scm_result};
use crate::abi::cause::refuse;
use crate::abi::constants::{Disposition, Protocols, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::{ReconnectRequest, Reconnected};
use crate::capi::boundary::{OfArgument, Options, guard, options};
use crate::runtime::wait::SCM_INFINITE;

/// How to reconnect. Initialise with `SCM_RECONNECT_OPTIONS_INIT`; zero in a field changes nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_reconnect_options {
    /// `sizeof(scm_reconnect_options)`
    pub struct_size: u32,
    /// The share mode from now on: `SCM_SHARE_EXCLUSIVE`, `SCM_SHARE_SHARED` or `SCM_SHARE_DIRECT`; 0 keeps it.
    pub share_mode: u32,
    /// The protocols from now on: `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both, or `SCM_PROTOCOL_RAW`; 0 keeps them.
    pub protocols: u32,
    /// The treatment of the card: `SCM_DISPOSITION_LEAVE` (default), `SCM_DISPOSITION_RESET` or
    /// `SCM_DISPOSITION_UNPOWER`.
    pub initial_action: u32,
    /// The limit of the whole call, in milliseconds, after which it returns `SCM_SCARD_E_TIMEOUT`. 0 (default) and
    /// `SCM_INFINITE`: no limit. Later reconnects do not keep it.
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
        let initial = match Disposition::from_value(self.initial_action).of("initial_action")? {
            Disposition::Eject => return Err(refuse("cannot be to eject")).of("initial_action"),
            initial => initial,
        };
        Ok(ReconnectRequest {
            share_mode: if_given(self.share_mode, ShareMode::from_value).of("share_mode")?,
            protocols: if_given(self.protocols, Protocols::from_value).of("protocols")?,
            initial,
            limit_ms: if self.limit_ms == 0 { SCM_INFINITE } else { self.limit_ms },
        })
    }
}

/// Makes an attachment usable again, without a Detach followed by an Attach (ISCardManage::Reconnect).
///
/// It acknowledges a reset by another application. It connects again after the card was taken out and put back. It
/// opens a new context and connects again after a restart of the service or after the reader came back. If nothing has
/// happened, it changes nothing. The card is not reset. A lock that was held is held afterwards, or the call fails. The
/// generation (`scm_get_generation`) has grown if the card may have forgotten its state: selected files, verified
/// codes, keys.
///
/// Cards are distinguished by the ATR that the service has read. If a card is replaced faster than the service looks
/// (400 ms with pcsc-lite), the exchange fails and the generation grows, but the service still has the ATR of the old
/// card until the new one is reset: the result is `SCM_S_OK` although the card is another one.
///
/// A borrowed card handle is reconnected as it is. If the service does not know it any more, because of a restart or a
/// disconnect, it cannot be brought back.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: usable, and the card has the same ATR as before.
/// - `SCM_S_FALSE`: usable, but with another ATR: another card, or another mode of it.
/// - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application uses the card exclusively.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols of this attachment, or another application has
///   chosen another one; `initial_action` `SCM_DISPOSITION_RESET` ends that.
/// - `SCM_SCARD_E_INVALID_HANDLE`: the card handle is borrowed, and cannot be brought back.
/// - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card does not
///   answer to a reset, has no power, or the reader does not understand it.
/// - `SCM_SCARD_E_NOT_READY`: other applications reset the card again and again; try later. Or a callback of a virtual
///   card reconnects the attachment that it works for.
/// - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the service failed to acknowledge the signal; try again.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended it. The attachment is as before, except that a lock may be lost:
///   if it had to be taken again, other calls return this code until a reconnect succeeds.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`.
/// - the other codes of a connection
///
/// A failure leaves the attachment in place, and it can be reconnected later.
///
/// Blocks while another application or attachment holds a lock on the card. `scm_cancel` ends that, and
/// `scm_reconnect_ex` has a limit.
///
/// @see scm_reconnect_ex, scm_get_generation, scm_status
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_reconnect(handle: *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_reconnect(handle), || unsafe { reconnect(handle, std::ptr::null()) })
}

/// Makes an attachment usable again as `scm_reconnect` does, with another share mode, other protocols, or a reset.
///
/// @param handle  the attachment
/// @param options  the changes; NULL for none. After a success they hold for later reconnects, too.
///
/// @return as `scm_reconnect`, and
/// - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed; otherwise as `SCM_SCARD_E_CANCELLED`
///
/// After a reset or a loss of power the generation has grown, and other attachments get `SCM_SCARD_W_RESET_CARD`.
///
/// For exclusive use the attachment ends its connection, waits until no other application uses the card, and makes a
/// new connection. So the generation grows.
///
/// If the limit has passed, or `scm_cancel` has ended the call, the resource manager may still be working on it. Then
/// the library replaces the card handle, and closes the old one later; so the generation grows. It cannot replace a
/// borrowed card handle: calls on that wait until the resource manager has finished.
///
/// Blocks as `scm_reconnect`, for `limit_ms` at most.
///
/// @see scm_reconnect, scm_attach_by_ifd_ex, scm_detach_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_reconnect_ex(
    handle: *mut scm_handle,
    options: *const scm_reconnect_options,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_reconnect_ex(handle, options), || unsafe { reconnect(handle, options) })
}

/// # Safety
/// The pointers are as the header says.
unsafe fn reconnect(handle: *mut scm_handle, given: *const scm_reconnect_options) -> Result<Hresult> {
    let attachment = attached(handle)?;
    // SAFETY: as the caller vouches for.
    let given = unsafe { options(given).within("options") }?;
    Ok(match attachment.reconnect(given.request().within("options")?)? {
        Reconnected::SameCard => Hresult::S_OK,
        Reconnected::OtherCard => Hresult::S_FALSE,
    })
}
