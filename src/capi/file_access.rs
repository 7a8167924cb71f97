//! The files of a card.

use std::ffi::c_char;

use super::file::scm_file;
use super::interface::create_standard;
use super::{handles, made, scm_handle, scm_result, token};
use crate::boundary::{guard, Output, OutputBytes};
use crate::hresult::Hresult;
use crate::process_table::make;
use crate::provider::implementation::Implementation;
use crate::provider::interface::Standard;

/// The files of a card, made by `scm_create_file_access`.
pub struct scm_file_access {
    _opaque: (),
}

/// Creates access to the files of a card (ISCardManage::CreateFileAccess).
///
/// @param handle  the attachment
/// @param file_access  [out] what was created; NULL after a failure
///
/// @return as `scm_create_interface`
#[no_mangle]
pub unsafe extern "C" fn scm_create_file_access(
    handle: *mut scm_handle,
    file_access: *mut *mut scm_file_access,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_standard(handle, Standard::FileAccess, file_access) })
}

/// Ends the access to files. Open files stay open.
///
/// @param file_access  the access
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `file_access` is none, or not any more.
#[no_mangle]
pub unsafe extern "C" fn scm_file_access_release(file_access: *mut scm_file_access) -> scm_result {
    guard(|| {
        let token = token(file_access)?;
        let released = handles()?.file_accesses.remove(token)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Tells the current directory.
///
/// @param file_access  the access
/// @param path  [out] the path
/// @param capacity  the room in `path`
/// @param length  [out] its length with the NUL
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_file_access_get_current_dir(
    file_access: *mut scm_file_access,
    path: *mut c_char,
    capacity: libc::size_t,
    length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(path.cast(), capacity, length) }?;
        let (made, _attachment) = made(token(file_access)?, |handles| &handles.file_accesses)?;
        match &made.object {
            Implementation::Generic(_) => output.fill(b"/\0"),
            Implementation::Provided(provided) => output.fill_by(|path, capacity, length| {
                provided.call(
                    |functions| functions.get_current_dir,
                    // SAFETY: the program vouches for its function; the pointers are as the header says.
                    |object, get_current_dir| unsafe { get_current_dir(object, path.cast(), capacity, length) },
                )
            }),
        }
    })
}

/// Opens a file.
///
/// @param file_access  the access
/// @param reference_type  how the path is meant
/// @param path  the path
/// @param file  [out] the file; NULL after a failure
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_file_access_open(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    file: *mut *mut scm_file,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(file) }?;
        let (made, _attachment) = made(token(file_access)?, |handles| &handles.file_accesses)?;
        if path.is_null() {
            return Err(Hresult::E_INVALIDARG);
        }
        let opened = match &made.object {
            Implementation::Generic(_) => return Err(Hresult::E_NOTIMPL),
            Implementation::Provided(provided) => provided.open(
                |functions| functions.open,
                // SAFETY: the program vouches for its function; the pointers are as the header says.
                |object, open, file| unsafe { open(object, reference_type, path, file) },
            )?,
        };
        let token = make(made.attachment, Implementation::Provided(opened), |handles| &mut handles.files)?;
        output.set(token.to_pointer());
        Ok(Hresult::S_OK)
    })
}
