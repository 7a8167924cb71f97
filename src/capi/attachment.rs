//! Attach and detach.

use std::ffi::c_char;

use super::{attached, handles, scm_result, token};
use crate::abi::constants::{Access, Disposition, Protocols, ShareMode};
pub use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::{Attachment, Ownership};
use crate::capi::boundary::{Options, Output, guard, options, text};
use crate::handles::process::end_all_of;
use crate::resource_manager::ifd_name::{self, IfdName};
use crate::resource_manager::{self, Icc};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::SCM_INFINITE;

/// The longest name of a reader, in bytes of UTF-8 without the NUL.
pub const SCM_IFD_NAME_MAX: usize = 127;
const _: () = assert!(SCM_IFD_NAME_MAX == ifd_name::MAX_LENGTH);

/// `scm_attach_options.flags`: the card handle becomes the library's own (`scm_attach_by_handle_ex` only).
///
/// The library then disconnects it at `scm_detach`, and may close and reopen it in `scm_reconnect`; the caller does not
/// use it any more. The context it was connected in stays the caller's, and has to outlive the attachment or its first
/// reconnect after the service was restarted.
pub const SCM_ATTACH_ADOPT: u32 = 1;

/// How to attach. Begin with `SCM_ATTACH_OPTIONS_INIT`; zero in a field is its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_attach_options {
    /// `sizeof(scm_attach_options)`: how the library tells versions of this structure apart.
    pub struct_size: u32,
    /// `SCM_SHARE_SHARED` (default), `SCM_SHARE_EXCLUSIVE`, or `SCM_SHARE_DIRECT`: the reader, with or without a card.
    /// By handle: the mode that the caller has connected with, because PC/SC cannot be asked.
    pub share_mode: u32,
    /// `SCM_PROTOCOL_T0`, `SCM_PROTOCOL_T1`, both or-ed (default), or `SCM_PROTOCOL_RAW`. Not used in direct mode.
    /// By handle: what a later reconnect may choose from.
    pub protocols: u32,
    /// 0, or `SCM_ATTACH_ADOPT` by handle.
    pub flags: u32,
    /// How long attaching may take, in milliseconds, after which it ends with `SCM_SCARD_E_TIMEOUT`. 0 (default) and
    /// `SCM_INFINITE`: without a limit.
    pub timeout_ms: u32,
}

// SAFETY: repr(C), five u32, the first of them the size.
unsafe impl Options for scm_attach_options {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self = scm_attach_options {
        struct_size: size_of::<Self>() as u32,
        share_mode: 0,
        protocols: 0,
        flags: 0,
        timeout_ms: 0,
    };
}

impl scm_attach_options {
    fn access(&self) -> Result<Access> {
        let default = Access::default();
        Ok(Access {
            share_mode: if_given(self.share_mode, ShareMode::from_value)?.unwrap_or(default.share_mode),
            protocols: if_given(self.protocols, Protocols::from_value)?.unwrap_or(default.protocols),
        })
    }

    fn timeout_ms(&self) -> Option<u32> {
        Some(self.timeout_ms).filter(|timeout_ms| ![0, SCM_INFINITE].contains(timeout_ms))
    }

    fn ownership(&self) -> Result<Ownership> {
        match self.flags {
            0 => Ok(Ownership::Borrowed),
            SCM_ATTACH_ADOPT => Ok(Ownership::Owned),
            _ => Err(Hresult::E_INVALIDARG),
        }
    }
}

/// What `value` means, or None for 0, which means the default.
pub(super) fn if_given<T>(value: u32, meaning: impl FnOnce(u32) -> Result<T>) -> Result<Option<T>> {
    (value != 0).then(|| meaning(value)).transpose()
}

/// Attaches to the card in a reader, shared, with T=0 or T=1 (ISCardManage::AttachByIFD).
///
/// The attachment gets a PC/SC context and a card handle of its own. The card is not reset.
///
/// @param ifd_name  the name of the reader as `scm_list_ifds` gives it: UTF-8, 1 to `SCM_IFD_NAME_MAX` bytes, NUL-terminated
/// @param handle  [out] the attachment, to be ended with `scm_detach`; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: attached.
/// - `SCM_E_POINTER`: `handle` is NULL.
/// - `SCM_E_INVALIDARG`: `ifd_name` is NULL, empty, too long, or not UTF-8.
/// - `SCM_E_OUTOFMEMORY`: no memory, here or in the resource manager.
/// - `SCM_SCARD_E_UNKNOWN_READER`: no reader has this name. Where the resource manager is not running, but the process has virtual
///   readers, these are all that there are.
/// - `SCM_SCARD_E_NO_SMARTCARD`: no card is in the reader.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application has the card exclusively.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks neither T=0 nor T=1; or it speaks `SCM_PROTOCOL_RAW` now, because another uses it so,
///   or has left it so. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
/// - `SCM_SCARD_E_NOT_READY`: others reset the card at the same time, again and again; try later. Also to a callback or a hook that would
///   have to wait for the attachment that it is called for.
/// - `SCM_SCARD_W_UNRESPONSIVE_CARD`, `SCM_SCARD_W_UNPOWERED_CARD`, `SCM_SCARD_W_UNSUPPORTED_CARD`: the card is mute,
///   without power, or not understood by the reader.
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is going away.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running, and there is no virtual reader.
/// - `SCM_SCARD_F_COMM_ERROR`: the resource manager broke off the connection, and is there again.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`: the resource manager serves as many clients as it can (pcscd: 200 by default).
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: a policy of the system forbids this process to use cards (polkit), or, at the
///   first use of a process, pcscd serves as many clients as it can: it answers both alike.
/// - the other codes of a connection (see the top of this file), if the service or the driver says so.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// After a failure everything is as it was.
///
/// Blocks while another application, or another attachment, holds a lock on the card: `scm_attach_by_ifd_ex` has a limit
/// for it. Any thread may call it. After a fork the child attaches anew.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_ifd(ifd_name: *const c_char, handle: *mut *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { attach_by_ifd(ifd_name, std::ptr::null(), handle) })
}

/// Attaches to the card in a reader, or to the reader itself, as `options` say.
///
/// @param ifd_name  as for `scm_attach_by_ifd`
/// @param options  share mode, protocols and time limit; NULL for the defaults. `flags` has to be 0.
/// @param handle  [out] the attachment; NULL after a failure
///
/// @return as `scm_attach_by_ifd`, and
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value or flag is not defined here.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: exclusive use is asked for and another application uses the card.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: the card speaks none of the protocols asked for; or it speaks another one now, because others use
///   it so, or have left it so. Only a reset of the card ends that (see `SCM_PROTOCOL_RAW`).
/// - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`, whatever the resource manager was doing. A connection that
///   it makes later is closed at once; until then other calls with a limit that attach to the same reader do not begin.
///
/// In direct mode a reader without a card is no error: the ATR is empty then. With a card or without, no protocol is
/// active: `scm_transmit` answers `SCM_SCARD_E_PROTO_MISMATCH` until `scm_reconnect_ex` asks for shared or exclusive use.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_ifd_ex(
    ifd_name: *const c_char,
    options: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { attach_by_ifd(ifd_name, options, handle) })
}

/// Attaches to the card behind a card handle that the caller has connected, shared (ISCardManage::AttachByHandle).
///
/// The handle is borrowed: it stays the caller's, who keeps it connected until after `scm_detach`, and disconnects it.
/// The library never disconnects or releases it. The caller does not use it, nor another handle of its context, while a
/// call on the attachment is under way: libpcsclite makes one wait for the other, or stops the whole process.
///
/// @param icc  the card handle (`SCARDHANDLE`) that PC/SC gave in this process, or that `scm_get_icc` gave for an attachment
///   to a virtual reader
/// @param handle  [out] the attachment, to be ended with `scm_detach`; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: attached.
/// - `SCM_E_POINTER`: `handle` is NULL.
/// - `SCM_E_INVALIDARG`: the resource manager does not know `icc`.
/// - `SCM_SCARD_E_NOT_READY`: asked by a callback or a hook, for a card on which another has a lock.
/// - `SCM_E_OUTOFMEMORY`: no memory, here or in the resource manager.
/// - `SCM_SCARD_W_RESET_CARD`, `SCM_SCARD_W_REMOVED_CARD`: the card of this handle was reset by someone else, or taken
///   out, and the caller has not reconnected it (`SCardReconnect`).
/// - `SCM_SCARD_E_READER_UNAVAILABLE`: the reader is gone.
/// - `SCM_SCARD_E_NO_SERVICE`: the resource manager is not running, or was restarted since the handle was connected.
/// - `SCM_SCARD_F_COMM_ERROR`: the resource manager broke off the connection.
/// - the other codes of a connection (see the top of this file), if the service or the driver says so.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// After a failure everything is as it was. Blocks while another application holds a lock on the card. Any thread may call
/// it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_handle(icc: usize, handle: *mut *mut scm_handle) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { attach_by_handle(icc, std::ptr::null(), handle) })
}

/// Attaches to the card behind a card handle, borrowed or adopted, as `options` say.
///
/// @param icc  as for `scm_attach_by_handle`
/// @param options  the share mode that the caller has connected with, the protocols that a reconnect may choose from, and
///   `SCM_ATTACH_ADOPT` to hand the card handle over. NULL for the defaults.
/// @param handle  [out] the attachment; NULL after a failure
///
/// @return as `scm_attach_by_handle`, and
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version, or a value or flag is not defined here.
/// - `SCM_SCARD_E_TIMEOUT`: it has taken longer than `timeout_ms`, whatever the resource manager was doing.
///
/// After a failure an `icc` that was to be adopted is still the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_attach_by_handle_ex(
    icc: usize,
    options: *const scm_attach_options,
    handle: *mut *mut scm_handle,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { attach_by_handle(icc, options, handle) })
}

/// Ends an attachment and leaves the card as it is (ISCardManage::Detach).
///
/// A lock that is held is given back. The handle is dead at once, also for calls of other threads that begin later, and so is
/// everything that was created for it: open files, and the objects that give them and the like (`SCM_E_HANDLE`). A
/// call that another thread is still in ends in its own way; what the attachment holds is given back when it does.
///
/// @param handle  the attachment
///
/// @return
/// - `SCM_S_OK`: ended; also when the card, the reader or the service is gone.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
///
/// Waits neither for other applications nor for a call of another thread. Providers release their objects meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_detach(handle: *mut scm_handle) -> scm_result {
    guard(|| detach(handle, Disposition::Leave))
}

/// Ends an attachment and disposes of the card.
///
/// @param handle  the attachment
/// @param disposition  `SCM_DISPOSITION_LEAVE`, `_RESET`, `_UNPOWER` or `_EJECT`. A borrowed card handle can only be left.
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
/// - `SCM_E_INVALIDARG`: `disposition` is not defined, or not `LEAVE` for a borrowed handle. The attachment is unchanged.
/// - `SCM_SCARD_E_NOT_READY`: asked by a callback, for a card that another attachment of this process is using. The attachment is
///   unchanged. A call that would wait for the end of a callback does not begin to.
/// - any other: ended, but the card could not be disposed of so; the code says why (`SCM_SCARD_E_NO_SERVICE`, ...).
///   pcsc-lite answers `SCM_S_OK` also when the card is gone, or the reader cannot eject it.
///
/// Blocks, except for `LEAVE`, while another application or another attachment holds a lock on the card. When a call of another
/// thread is still under way on the attachment, this returns `SCM_S_OK` at once: a thread of the library disposes of the card when
/// that call has ended, and nobody is told what became of it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_detach_ex(handle: *mut scm_handle, disposition: u32) -> scm_result {
    guard(|| {
        attached(handle)?;
        detach(handle, Disposition::from_value(disposition)?)
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
    let (handle, name, given) = unsafe { (Output::new(handle)?, text(ifd_name, SCM_IFD_NAME_MAX)?, options(given)?) };
    let name = IfdName::new(name)?;
    if given.flags != 0 {
        return Err(Hresult::E_INVALIDARG);
    }
    let (access, manager) = (given.access()?, resource_manager::of_ifd(&name));
    let attached = Attachment::by_ifd(manager, name, access, given.timeout_ms());
    let attachment =
        attached.map_err(|code| if manager.is_private() { code } else { resource_manager::missed(code) })?;
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
    let (handle, given) = unsafe { (Output::new(handle)?, options(given)?) };
    let (access, ownership) = (given.access()?, given.ownership()?);
    let icc = Icc(icc);
    let attachment = Attachment::by_handle(resource_manager::of_icc(icc), icc, access, given.timeout_ms())?;
    hand_out(attachment, ownership, handle)
}

fn hand_out(attachment: Attachment, ownership: Ownership, handle: Output<*mut scm_handle>) -> Result<Hresult> {
    let attachment = Arc::try_new(attachment)?;
    let token = handles()?.attachments.insert(attachment.clone())?;
    // From here on nothing fails, so only now is a caller's card handle taken over.
    attachment.own_as(ownership);
    handle.set(token.to_pointer());
    Ok(Hresult::S_OK)
}

fn detach(handle: *mut scm_handle, disposition: Disposition) -> Result<Hresult> {
    let token = token(handle)?;
    let attachment = handles()?.attachments.get(token)?;
    attachment.check_parting(disposition)?;
    // No new attachment gets the slot before the objects of this one have ended.
    drop(handles()?.attachments.take(token)?);
    attachment.part_with(disposition);
    // Nobody can unlock it any more, so the lock ends before functions of providers run, which may use the reader themselves.
    let closed = match Arc::is_last(&attachment) {
        true => attachment.into_inner().map_or(Ok(()), |mut attachment| attachment.close()),
        // A call is under way. Where it ends it closes the attachment, and nobody waits for the result.
        false => {
            attachment.end_locks_of_program();
            return attachment.call_under_lock(|| end_all_of(token)).map(|()| Hresult::S_OK);
        }
    };
    end_all_of(token)?;
    closed.map(|()| Hresult::S_OK)
}
