//! Attach and detach.

use std::ffi::c_char;

use super::{attached, handles, scm_result, token};
use crate::abi::cause::refuse;
use crate::abi::constants::{Access, Disposition, Protocols, ShareMode};
pub use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::{Attachment, Ownership};
use crate::capi::boundary::{OfArgument, Options, Output, guard, options, text};
use crate::handles::process::end_all_of;
use crate::resource_manager::ifd_name::{self, IfdName};
use crate::resource_manager::{Icc, managers};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::SCM_INFINITE;

/// The longest name of a reader, in bytes of UTF-8 without the NUL.
pub const SCM_IFD_NAME_MAX: usize = 127;
const _: () = assert!(SCM_IFD_NAME_MAX == ifd_name::MAX_LENGTH);

/// `scm_attach_options.flags`: the card handle becomes the library's own (`scm_attach_by_handle_ex` only).
///
/// The library disconnects it at `scm_detach`, may close and reopen it in `scm_reconnect`, and the caller does not
/// use it any more. Its context stays the caller's. It must last until the attachment ends, or until the first
/// reconnect after a restart of the service.
pub const SCM_ATTACH_ADOPT: u32 = 1;

/// How to attach. Initialise with `SCM_ATTACH_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_attach_options {
    /// `sizeof(scm_attach_options)`: tells the library which version of the structure this is.
    pub struct_size: u32,
    /// `SCM_SHARE_SHARED` (default), `SCM_SHARE_EXCLUSIVE`, or `SCM_SHARE_DIRECT`. By handle: the mode in which the
    /// caller has connected, because PC/SC does not tell it.
    pub share_mode: u32,
    /// `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both (default), or `SCM_PROTOCOL_RAW`. Not used in direct mode. By handle:
    /// the protocols that a later reconnect may choose from.
    pub protocols: u32,
    /// 0, or `SCM_ATTACH_ADOPT` by handle.
    pub flags: u32,
    /// The limit of the whole call, in milliseconds, after which it returns `SCM_SCARD_E_TIMEOUT`. 0 (default) and
    /// `SCM_INFINITE`: no limit.
    pub limit_ms: u32,
}

// SAFETY: repr(C), five u32, the first of them the size.
unsafe impl Options for scm_attach_options {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self = scm_attach_options {
        struct_size: size_of::<Self>() as u32,
        share_mode: 0,
        protocols: 0,
        flags: 0,
        limit_ms: 0,
    };
}

impl scm_attach_options {
    fn access(&self) -> Result<Access> {
        let default = Access::default();
        Ok(Access {
            share_mode: if_given(self.share_mode, ShareMode::from_value)
                .of("share_mode")?
                .unwrap_or(default.share_mode),
            protocols: if_given(self.protocols, Protocols::from_value).of("protocols")?.unwrap_or(default.protocols),
        })
    }

    fn limit_ms(&self) -> Option<u32> {
        Some(self.limit_ms).filter(|limit_ms| ![0, SCM_INFINITE].contains(limit_ms))
    }

    fn ownership(&self) -> Result<Ownership> {
        match self.flags {
            0 => Ok(Ownership::Borrowed),
            SCM_ATTACH_ADOPT => Ok(Ownership::Owned),
            _ => Err(refuse("has a bit that is not SCM_ATTACH_ADOPT")).of("flags"),
        }
    }
}

/// The meaning of `value`, or None for 0, which means the default.
pub(super) fn if_given<T>(value: u32, meaning: impl FnOnce(u32) -> Result<T>) -> Result<Option<T>> {
    (value != 0).then(|| meaning(value)).transpose()
}

/// Attaches to the card in a reader, shared, with T=0 or T=1 (ISCardManage::AttachByIFD). The card is not reset.
///
/// @param ifd_name  the name of the reader, as `scm_list_ifds` gives it: 1 to `SCM_IFD_NAME_MAX` bytes
/// @param handle  [out] the attachment, which `scm_detach` ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: attached.
/// - `SCM_SCARD_E_UNKNOWN_READER`: no reader has this name. If the resource manager does not run but the process has
///   virtual readers, only these exist.
/// - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application uses the card exclusively.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks neither T=0 nor T=1, or another application speaks or spoke
///   `SCM_PROTOCOL_RAW` with it, which only a reset ends (see `SCM_PROTOCOL_RAW`).
/// - `SCM_SCARD_E_NOT_READY`: other applications reset the card again and again; try later. Or a callback would have to
///   wait for the attachment that it works for.
/// - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card does not
///   answer to a reset, has no power, or the reader does not understand it.
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is being removed.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run, and there is no virtual reader.
/// - `SCM_SCARD_F_COMM_ERROR`: the resource manager closed the connection, and runs again.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`: the resource manager serves as many clients as it can (pcscd: 200 by default).
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: a policy of the system (polkit) forbids this process to use cards. At the first
///   use in a process pcscd also says so when it serves as many clients as it can.
/// - the other codes of a connection
///
/// Blocks while another application or attachment holds a lock on the card; `scm_attach_by_ifd_ex` has a limit. May be
/// called in the child of a fork.
///
/// @see scm_list_ifds, scm_attach_by_ifd_ex, scm_attach_by_handle, scm_detach
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_ifd(ifd_name: *const c_char, handle: *mut *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_attach_by_ifd(text(ifd_name), handle), || unsafe { attach_by_ifd(ifd_name, std::ptr::null(), handle) })
}

/// Attaches to the card in a reader, or to the reader itself, with options.
///
/// In direct mode a reader without a card is not an error, and the ATR is empty then. No protocol is active in direct
/// mode, with or without a card: `scm_transmit` returns `SCM_SCARD_E_PROTO_MISMATCH` until `scm_reconnect_ex` asks for
/// shared or exclusive use.
///
/// @param ifd_name  as for `scm_attach_by_ifd`
/// @param options  share mode, protocols and limit; NULL for the defaults. `flags` must be 0.
/// @param handle  [out] the attachment; NULL after a failure
///
/// @return as `scm_attach_by_ifd`, and
/// - `SCM_SCARD_E_SHARING_VIOLATION`: also if exclusive use is requested and another application uses the card.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the requested protocols, or another application has chosen
///   another one. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
/// - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed. If the resource manager makes the connection later, the library
///   closes it at once. Until then other calls with a limit that attach to the same reader wait.
///
/// Blocks as `scm_attach_by_ifd`, for `limit_ms` at most.
///
/// @see scm_attach_by_ifd, scm_detach, scm_reconnect_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_ifd_ex(
    ifd_name: *const c_char,
    options: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_attach_by_ifd_ex(text(ifd_name), options, handle), || unsafe {
        attach_by_ifd(ifd_name, options, handle)
    })
}

/// Attaches to the card behind a card handle that the caller has connected, shared (ISCardManage::AttachByHandle).
///
/// The card handle is borrowed. The caller keeps it connected until after `scm_detach`, and then disconnects it. The
/// library never disconnects, resets or releases it. During a call on the attachment the caller uses neither this card
/// handle nor another one of its context: libpcsclite would block, or stop the whole process.
///
/// @param icc  the card handle (`SCARDHANDLE`) from PC/SC in this process, or from `scm_get_icc` for a virtual reader
/// @param handle  [out] the attachment, which `scm_detach` ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: attached.
/// - `SCM_E_INVALIDARG`: the resource manager does not know `icc`.
/// - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: another application has reset the card, or it was taken out,
///   and the caller has not called `SCardReconnect` since.
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager does not run, or was restarted since the handle was connected.
/// - `SCM_SCARD_E_NOT_READY`: a callback would have to wait for a lock of another attachment.
/// - `SCM_SCARD_F_COMM_ERROR`: the resource manager closed the connection.
/// - the other codes of a connection
///
/// Blocks while another application holds a lock on the card.
///
/// @see scm_attach_by_handle_ex, scm_attach_by_ifd, scm_detach, scm_get_icc
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_handle(icc: usize, handle: *mut *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_attach_by_handle(icc, handle), || unsafe { attach_by_handle(icc, std::ptr::null(), handle) })
}

/// Attaches to the card behind a card handle, borrowed or adopted, with options.
///
/// @param icc  as for `scm_attach_by_handle`
/// @param options  the share mode in which the caller has connected, the protocols for a later reconnect, and
///   `SCM_ATTACH_ADOPT` to hand the card handle over. NULL for the defaults.
/// @param handle  [out] the attachment; NULL after a failure. Then the caller still owns an `icc` that was to be
///   adopted.
///
/// @return as `scm_attach_by_handle`, and
/// - `SCM_SCARD_E_TIMEOUT`: `limit_ms` has passed.
///
/// Blocks as `scm_attach_by_handle`, for `limit_ms` at most.
///
/// @see scm_attach_by_handle, scm_detach, scm_reconnect
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_handle_ex(
    icc: usize,
    options: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_attach_by_handle_ex(icc, options, handle), || unsafe { attach_by_handle(icc, options, handle) })
}

/// Ends an attachment and leaves the card as it is (ISCardManage::Detach).
///
/// Its lock is released. The handle becomes invalid at once, in every thread, and so does every object that was made
/// for the attachment: interfaces and open files. A call of another thread on the attachment continues to its end;
/// after that the library frees what the attachment holds. Providers release their objects during this call.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: ended, also if the card, the reader or the service is gone.
/// - `SCM_E_HANDLE`: `handle` is not an attachment.
///
/// Does not block, not even for another thread.
///
/// @see scm_detach_ex, scm_attach_by_ifd, scm_attach_by_handle
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_detach(handle: *mut scm_handle) -> scm_result {
    guard!(scm_detach(handle), || detach(handle, Disposition::Leave))
}

/// Ends an attachment with a disposition of the card.
///
/// @param handle  the attachment
/// @param disposition  `SCM_DISPOSITION_LEAVE`, `SCM_DISPOSITION_RESET`, `SCM_DISPOSITION_UNPOWER` or
///   `SCM_DISPOSITION_EJECT`. A borrowed card handle allows only `SCM_DISPOSITION_LEAVE`.
///
/// @return
/// - `SCM_S_OK`: ended. pcsc-lite returns this also if the card is gone, or if the reader cannot eject it.
/// - `SCM_E_INVALIDARG`: `disposition` is not defined, or is not allowed for a borrowed card handle. The attachment
///   stays.
/// - `SCM_SCARD_E_NOT_READY`: a callback would have to wait for another attachment that uses the card. The attachment
///   stays.
/// - any other: ended, but without the disposition, for the reason that the code tells (`SCM_SCARD_E_NO_SERVICE`, ...).
///
/// Blocks while another application or attachment holds a lock on the card, except for `SCM_DISPOSITION_LEAVE`. If
/// another thread is in a call on the attachment, this returns `SCM_S_OK` at once: a thread of the library disposes of
/// the card when that call has ended, and its result is lost.
///
/// @see scm_detach, scm_unlock, scm_reconnect_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_detach_ex(handle: *mut scm_handle, disposition: u32) -> scm_result {
    guard!(scm_detach_ex(handle, disposition), || {
        attached(handle)?;
        detach(handle, Disposition::from_value(disposition).of("disposition")?)
    })
}

/// # Safety
/// The pointers are as the header says.
unsafe fn attach_by_ifd(
    ifd_name: *const c_char,
    given: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let (handle, name, given) = unsafe {
        (
            Output::new(handle).of("handle")?,
            text(ifd_name, SCM_IFD_NAME_MAX).of("ifd_name")?,
            options(given).within("options")?,
        )
    };
    let name = IfdName::new(name).of("ifd_name")?;
    if given.flags != 0 {
        return Err(refuse("has to be 0, because an attachment by name is owned already"))
            .of("flags")
            .within("options");
    }
    let (access, manager) = (given.access().within("options")?, managers::of_ifd(&name)?);
    let attached = Attachment::by_ifd(manager, name, access, given.limit_ms());
    let attachment = attached.map_err(|code| managers::attach_error(manager, code))?;
    hand_out(attachment, Ownership::Owned, handle)
}

/// # Safety
/// The pointers are as the header says.
unsafe fn attach_by_handle(
    icc: usize,
    given: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> Result<Hresult> {
    // SAFETY: as the caller vouches for.
    let (handle, given) = unsafe { (Output::new(handle).of("handle")?, options(given).within("options")?) };
    let (access, ownership) = (given.access().within("options")?, given.ownership().within("options")?);
    let icc = Icc(icc);
    let attachment = Attachment::by_handle(managers::of_icc(icc), icc, access, given.limit_ms()).of("icc")?;
    hand_out(attachment, ownership, handle)
}

fn hand_out(attachment: Attachment, ownership: Ownership, handle: Output<*mut scm_handle>) -> Result<Hresult> {
    let attachment = Arc::try_new(attachment)?;
    let token = handles()?.attachments.insert(attachment.clone())?;
    // Nothing fails from here on, so the card handle of the caller is adopted only now.
    attachment.own_as(ownership);
    handle.set(token.to_pointer());
    Ok(Hresult::S_OK)
}

fn detach(handle: *mut scm_handle, disposition: Disposition) -> Result<Hresult> {
    let token = token(handle)?;
    let attachment = handles()?.attachments.get(token)?;
    attachment.check_disposition(disposition)?;
    // No new attachment gets the slot before the objects of this one have ended.
    drop(handles()?.attachments.take(token)?);
    attachment.set_disposition(disposition);
    // The lock ends before functions of providers run, because they may use the reader.
    let closed = match Arc::is_last(&attachment) {
        true => attachment.into_inner().map_or(Ok(()), |mut attachment| attachment.close()),
        // The call of another thread closes the attachment at its end, and its result is lost.
        false => {
            attachment.end_locks_of_program();
            return attachment.call_under_lock(|| end_all_of(token)).map(|()| Hresult::S_OK);
        }
    };
    end_all_of(token)?;
    closed.map(|()| Hresult::S_OK)
}
