//! The functions of a provider for files.

use std::ffi::{c_char, c_void};

use crate::abi::hresult::scm_result;

/// The files of a card, implemented by a provider. Initialise with `SCM_FILE_ACCESS_FUNCTIONS_INIT`.
///
/// `object` is what `scm_provider.create_object` has made, and `file` is what `open` has made. Everything else is as
/// for the functions of the library. A function that is NULL returns `SCM_E_NOTIMPL`.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_file_access_functions {
    /// `sizeof(scm_file_access_functions)`
    pub struct_size: u32,
    /// Changes the current directory.
    pub change_dir: Option<
        unsafe extern "C-unwind" fn(object: *mut c_void, reference_type: u32, path: *const c_char) -> scm_result,
    >,
    /// Gets its path; `path_length` counts the NUL.
    pub get_current_dir: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            path: *mut c_char,
            capacity: libc::size_t,
            path_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Lists its files, as a multi-string.
    pub directory: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            file_type: u32,
            names: *mut c_char,
            capacity: libc::size_t,
            names_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Opens a file. Its `file` is the first argument of the functions of the file; NULL is allowed. `object` is
    /// released after the last of its files was closed.
    pub open: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            reference_type: u32,
            path: *const c_char,
            file: *mut *mut c_void,
        ) -> scm_result,
    >,
    /// Creates a file or a directory.
    pub create: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            reference_type: u32,
            path: *const c_char,
            properties: *const u8,
            properties_length: libc::size_t,
            flags: u32,
            data: *const u8,
            data_length: libc::size_t,
        ) -> scm_result,
    >,
    /// Deletes a file or a directory.
    pub delete_file: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            reference_type: u32,
            path: *const c_char,
            flags: u32,
        ) -> scm_result,
    >,
    /// Gets the properties of a file.
    pub get_properties: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            reference_type: u32,
            path: *const c_char,
            tags: *const u8,
            tags_length: libc::size_t,
            flags: u32,
            properties: *mut u8,
            capacity: libc::size_t,
            properties_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Sets properties of a file.
    pub set_properties: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            reference_type: u32,
            path: *const c_char,
            properties: *const u8,
            properties_length: libc::size_t,
            flags: u32,
        ) -> scm_result,
    >,
    /// Gets the capabilities of the file system.
    pub get_file_capabilities: Option<
        unsafe extern "C-unwind" fn(
            object: *mut c_void,
            tags: *const u8,
            tags_length: libc::size_t,
            flags: u32,
            capabilities: *mut u8,
            capacity: libc::size_t,
            capabilities_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Deactivates a file.
    pub invalidate:
        Option<unsafe extern "C-unwind" fn(object: *mut c_void, path: *const c_char, flags: u32) -> scm_result>,
    /// Activates a file again.
    pub rehabilitate:
        Option<unsafe extern "C-unwind" fn(object: *mut c_void, path: *const c_char, flags: u32) -> scm_result>,
    /// Reads from a file.
    pub read: Option<
        unsafe extern "C-unwind" fn(
            file: *mut c_void,
            data: *mut u8,
            capacity: libc::size_t,
            data_length: *mut libc::size_t,
            flags: u32,
        ) -> scm_result,
    >,
    /// Writes to a file.
    pub write: Option<
        unsafe extern "C-unwind" fn(
            file: *mut c_void,
            data: *const u8,
            data_length: libc::size_t,
            flags: u32,
            written_length: *mut libc::size_t,
        ) -> scm_result,
    >,
    /// Moves the position in a file.
    pub seek: Option<unsafe extern "C-unwind" fn(file: *mut c_void, offset: i64, origin: u32) -> scm_result>,
    /// Tells the position in a file.
    pub tell: Option<unsafe extern "C-unwind" fn(file: *mut c_void, position: *mut u64) -> scm_result>,
    /// Gets the size of a file.
    pub get_size: Option<unsafe extern "C-unwind" fn(file: *mut c_void, size: *mut u64) -> scm_result>,
    /// Ends `file`, once, after its last function has returned. The attachment may have ended. NULL if there is nothing
    /// to do.
    pub close: Option<unsafe extern "C-unwind" fn(file: *mut c_void) -> scm_result>,
}
