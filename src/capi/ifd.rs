//! The readers of this machine and of this process.

use std::ffi::c_char;

use super::scm_result;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, OutputBytes, guard};
use crate::resource_manager::managers::{self, Listing};

/// Lists the readers: first those of the platform in its own order, then the virtual readers of this process.
///
/// If a resource manager does not run, its readers are missing. If no reader is left for that reason, the code says so.
/// That code is a success, because a program may go on without a reader: `scm_monitor_wait` tells when a reader
/// arrives.
///
/// @param names  [out] a multi-string of names; a single NUL if there is no reader. NULL with capacity 0 asks for the
///   length.
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length of the list with all its NULs, also if it does not fit; 0 after another
///   failure
///
/// @return
/// - `SCM_S_OK`: listed. An empty list means that the resource manager runs and knows no reader.
/// - `SCM_SCARD_S_NO_SERVICE`: a success. The list is empty because a resource manager does not run: pcscd on Linux,
///   which `systemctl start pcscd.socket` starts, or the virtual one, which was stopped.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the list does not fit. It may be longer at the next call.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`. If there are virtual
///   readers, the function lists only these instead.
/// - the codes of a connection, if there is no virtual reader
///
/// Does not block. May be called in the child of a fork.
///
/// @see scm_attach_by_ifd, scm_list_ifd_groups, scm_monitor_create
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_list_ifds(
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_list_ifds(names, capacity, names_length), || {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length).of("names") }?;
        list(names, managers::list_ifds()?)
    })
}

/// Lists the groups of readers. pcsc-lite has one, `SCard$DefaultReaders`.
///
/// @param names  [out] a multi-string, as for `scm_list_ifds`
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length of the list with all its NULs, also if it does not fit; 0 after another
///   failure
///
/// @return as `scm_list_ifds`
///
/// Does not block. May be called in the child of a fork.
///
/// @see scm_list_ifds
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_list_ifd_groups(
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_list_ifd_groups(names, capacity, names_length), || {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length).of("names") }?;
        list(names, managers::list_ifd_groups()?)
    })
}

fn list(names: OutputBytes, (list, code): Listing) -> Result<Hresult> {
    names.fill(&list.into_bytes()).map(|_| code)
}
