//! The readers of this machine and of this process.

use std::ffi::c_char;

use super::scm_result;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OutputBytes, guard};
use crate::resource_manager::{self, Listing};

/// Lists the readers: those of the platform in its order, then the virtual ones of this process in the order in which
/// they were made. A resource manager that does not run has no readers, and where no reader is left to be listed a code
/// says so. It is a success, so that a program that needs no reader yet goes on; `scm_monitor_wait` tells when the
/// service comes up, and its readers.
///
/// @param names  [out] a multi-string: each name in UTF-8 with its NUL, behind the last one a NUL more. No reader is an
///   empty list, a single NUL, and no error. NULL with capacity 0 asks for the length.
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length of the list with all its NULs, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: listed. An empty list with this code: the resource manager runs, and knows no reader.
/// - `SCM_SCARD_S_NO_SERVICE`: a success. The list is empty, because a resource manager is not running: that of the
///   platform (on Linux pcscd; as root `systemctl start pcscd.socket` starts it, for one), or that of the virtual
///   readers, which was stopped.
/// - `SCM_E_POINTER`: `names_length` is NULL, or `names` is NULL with a capacity.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the list does not fit; `*names_length` is what is needed now. It may have grown
///   by the next call.
/// - `SCM_SCARD_E_SERVER_TOO_BUSY`, `SCM_SCARD_W_SECURITY_VIOLATION`: as for `scm_attach_by_ifd`, if there is no
///   virtual reader; otherwise only these are listed.
/// - the other codes of a connection (see the top of this file), if the service says so and there is no virtual reader.
/// - `SCM_E_OUTOFMEMORY`: no memory.
/// - `SCM_E_UNEXPECTED`: an internal error.
///
/// Does not wait for other applications. Any thread may call it, and a child after a fork.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_list_ifds(
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length) }?;
        list(names, resource_manager::list_ifds()?)
    })
}

/// Lists the groups of readers. pcsc-lite has one, `SCard$DefaultReaders`.
///
/// @param names  [out] a multi-string, as for `scm_list_ifds`
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length of the list with all its NULs, 0 after a failure
///
/// @return as `scm_list_ifds`
///
/// Does not wait for other applications. Any thread may call it, and a child after a fork.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_list_ifd_groups(
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length) }?;
        list(names, resource_manager::list_ifd_groups()?)
    })
}

fn list(names: OutputBytes, (list, code): Listing) -> Result<Hresult> {
    names.fill(&list.into_bytes()).map(|_| code)
}
