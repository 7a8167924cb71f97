//! The files of a card: ISCardFileAccess.

use std::ffi::c_char;

use super::interface::create_standard;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{OfArgument, Options, Output, OutputBytes, guard, input, options, text_with_nul};
use crate::capi::file::scm_file;
use crate::handles::objects::Created;
use crate::handles::process::insert;
use crate::interfaces::file_access::{FileAccess, NewFile};
use crate::interfaces::identity::Standard;
use crate::iso7816::path;
use crate::runtime::fallible::Arc;

/// The files of a card. `scm_create_file_access` makes it; `scm_file_access_release` or the end of the attachment ends
/// it.
pub struct scm_file_access {
    _opaque: (),
}

/// The longest path, in bytes without the NUL.
pub const SCM_PATH_MAX: usize = 127;
const _: () = assert!(SCM_PATH_MAX == path::MAX_TEXT);

/// The identifiers that `scm_file_access_directory_ex` tries. Initialise with `SCM_DIRECTORY_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_directory_options {
    /// `sizeof(scm_directory_options)`
    pub struct_size: u32,
    /// The first identifier. Both 0: the usual identifiers.
    pub first_id: u16,
    /// The last identifier, not before the first one.
    pub last_id: u16,
}

// SAFETY: repr(C), the first field is the size, and integers have no invalid values.
unsafe impl Options for scm_directory_options {
    const FIRST_SIZE: usize = 8;
    const DEFAULT: Self = scm_directory_options { struct_size: size_of::<Self>() as u32, first_id: 0, last_id: 0 };
}

/// Makes an object for the files of the card (ISCardManage::CreateFileAccess).
///
/// The current directory is the MF. Nothing is sent to the card yet. If the card refuses the class of the first SELECT
/// (6E00, 6D00) or answers it as a SIM, the library asks once for an MF in class A0. If that exists, the card is a SIM
/// (3GPP TS 51.011), and class A0 is used for its files and codes; docs/files.md tells what a SIM lacks.
///
/// PATHS have at most `SCM_PATH_MAX` bytes. `reference_type` tells their form:
/// - `SCM_TYPE_BY_ID`: identifiers of four hexadecimal digits, from the MF (`3F00/5015/4401`) or from the current
///   directory (`4401`). `..` is the directory above, `.` the current one. The first one may be a name of at least
///   three bytes.
/// - `SCM_TYPE_BY_NAME`: the name of a directory (AID) in hexadecimal digits; identifiers may follow:
///   `F073636D74657374/4401`. The beginning of a name suffices, except to delete, to invalidate or to set properties.
/// - `SCM_TYPE_BY_SHORT_ID`: a short identifier, 1 to 30, of a file in the current directory.
/// - `SCM_TYPE_BY_ANY`: the first of these that the card has: an identifier, a short identifier, a name of at least
///   five bytes. `scm_file_access_resolve` and `scm_file_get_info` tell which it was.
///
/// @param handle  the attachment
/// @param file_access  [out] the object, which `scm_file_access_release` ends; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - any failure of the provider of this card
///
/// Does not block, unless a provider does.
///
/// @see scm_file_access_open, scm_file_access_change_dir, scm_file_access_release, scm_create_interface
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_file_access(
    handle: *mut scm_handle,
    file_access: *mut *mut scm_file_access,
) -> scm_result {
    // SAFETY: as the header says.
    guard!(scm_create_file_access(handle, file_access), || unsafe {
        create_standard(handle, Standard::FileAccess, file_access)
    }
    .of("file_access"))
}

/// Ends the object. Files that it has opened stay open.
///
/// @param file_access  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `file_access` is not such an object.
///
/// Does not block. A call of another thread continues to its end.
///
/// @see scm_create_file_access, scm_file_close, scm_detach
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_release(file_access: *mut scm_file_access) -> scm_result {
    guard!(scm_file_access_release(file_access), || {
        let released = release(token(file_access)?, |handles| &mut handles.file_accesses)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Changes the current directory (ISCardFileAccess::ChangeDir).
///
/// @param file_access  the object
/// @param reference_type  the form of `path`
/// @param path  the directory
///
/// @return `SCM_S_OK`, or one of the result codes of the group. After a failure the current directory is as before.
///
/// @see scm_file_access_get_current_dir, scm_file_access_resolve, scm_file_access_directory
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_change_dir(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
) -> scm_result {
    guard!(scm_file_access_change_dir(file_access, reference_type, text(path)), || {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
        access.object.change_dir(&attachment, reference_type, path)
    })
}

/// Gets the path of the current directory (ISCardFileAccess::GetCurrentDir).
///
/// It begins with 3F00, or with a name if the program has changed to that name: `3F00/5015`, `F073636D74657374`. The
/// functions take it back with `SCM_TYPE_BY_ANY`.
///
/// @param file_access  the object
/// @param path  [out] the path, with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `path`, in bytes
/// @param path_length  [out] the length of the path with its NUL, also if it does not fit; 0 after another failure
///
/// @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the result codes of the group
///
/// Does not block: does not ask the card, so the directory may be gone.
///
/// @see scm_file_access_change_dir, scm_file_access_resolve
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_get_current_dir(
    file_access: *mut scm_file_access,
    path: *mut c_char,
    capacity: libc::size_t,
    path_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_file_access_get_current_dir(file_access, path, capacity, path_length), || {
        // SAFETY: as the header says.
        let path = unsafe { OutputBytes::new(path.cast(), capacity, path_length).of("path") }?;
        accessed(file_access)?.0.object.get_current_dir(path)
    })
}

/// Tells what a path means: its form, and the whole path from the MF or from a name. The file or directory must exist.
///
/// @param file_access  the object
/// @param reference_type  the form of `path`
/// @param path  the file or directory
/// @param resolved_type  [out] `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`; 0 after a failure
/// @param resolved  [out] the whole path, with its NUL; NULL with capacity 0 asks for the length. A short identifier is
///   a number behind its directory: `3F00/5015/7`.
/// @param capacity  the room in `resolved`, in bytes
/// @param resolved_length  [out] its length with its NUL, also if it does not fit; 0 after another failure
///
/// @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the result codes of the group
///
/// @see scm_file_access_get_current_dir, scm_file_get_info
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_resolve(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    resolved_type: *mut u32,
    resolved: *mut c_char,
    capacity: libc::size_t,
    resolved_length: *mut libc::size_t,
) -> scm_result {
    guard!(
        scm_file_access_resolve(
            file_access,
            reference_type,
            text(path),
            resolved_type,
            resolved,
            capacity,
            resolved_length
        ),
        || {
            // Both outputs become zero before one of them is refused.
            // SAFETY: as the header says.
            let (output, resolved) = unsafe {
                (
                    Output::new(resolved_type).of("resolved_type"),
                    OutputBytes::new(resolved.cast(), capacity, resolved_length).of("resolved"),
                )
            };
            let (output, resolved) = (output?, resolved?);
            let (access, attachment) = accessed(file_access)?;
            // SAFETY: as the header says.
            let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
            let mut found_type = 0;
            let result = access.object.resolve(&attachment, reference_type, path, &mut found_type, resolved)?;
            output.set(found_type);
            Ok(result)
        }
    )
}

/// Lists the current directory (ISCardFileAccess::Directory).
///
/// ISO/IEC 7816-4 has no command for it. The library selects 351 identifiers that are in use on many cards: those of
/// standard applications (ISO/IEC 7816-4 and 7816-15, ICAO 9303, ETSI TS 102 221 with 3GPP TS 51.011 and TS 31.102, EN
/// 14890), and 44, 45, 50, 10, 00, 40 and 5F followed by 00 to 1F; docs/files.md has the list. In the MF it also reads
/// the applications in EF.DIR (2F00). Other files, and files that may not be selected, are not listed;
/// `scm_file_access_directory_ex` tries other identifiers. On a SIM the library tries all identifiers of the standard
/// for that level, 512 at most. A provider lists what it knows.
///
/// @param file_access  the object
/// @param file_type  `SCM_TYPE_DIRECTORIES`, `SCM_TYPE_FILES`, `SCM_TYPE_ALL_FILES`, or one kind, from
///   `SCM_TYPE_DIRECTORY_FILE` to `SCM_TYPE_VARIABLE_EF`. A file whose kind is unknown is listed with the first three
///   only.
/// @param names  [out] a multi-string of identifiers, and of names of applications without an identifier; NULL with
///   capacity 0 asks for the length
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length with all NULs, also if it does not fit; 0 after another failure
///
/// @return `SCM_S_OK`, `SCM_SCARD_E_INSUFFICIENT_BUFFER` (the next call asks the card again), or one of the codes of
///   the group
///
/// @see scm_file_access_directory_ex, scm_file_access_change_dir, scm_file_access_get_properties
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_directory(
    file_access: *mut scm_file_access,
    file_type: u32,
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_file_access_directory(file_access, file_type, names, capacity, names_length), || {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length).of("names") }?;
        let (access, attachment) = accessed(file_access)?;
        access.object.directory(&attachment, file_type, names)
    })
}

/// Lists the current directory with identifiers that the caller chooses. The card is locked all the time.
///
/// @param file_access  the object
/// @param file_type  as for `scm_file_access_directory`
/// @param options  the first and the last identifier; NULL for the usual ones. All identifiers, 0001 to FFFE, are
///   65,534 commands, which takes minutes.
/// @param names  [out] as for `scm_file_access_directory`
/// @param capacity  as for `scm_file_access_directory`
/// @param names_length  [out] as for `scm_file_access_directory`
///
/// @return as `scm_file_access_directory`, and
/// - `SCM_E_INVALIDARG`: also if the last identifier comes before the first.
///
/// @see scm_file_access_directory
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_directory_ex(
    file_access: *mut scm_file_access,
    file_type: u32,
    options: *const scm_directory_options,
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_file_access_directory_ex(file_access, file_type, options, names, capacity, names_length), || {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length).of("names") }?;
        let (access, attachment) = accessed(file_access)?;
        if options.is_null() {
            return access.object.directory(&attachment, file_type, names);
        }
        // SAFETY: as the header says.
        let ids = match unsafe { self::options(options).within("options") }? {
            scm_directory_options { first_id: 0, last_id: 0, .. } => None,
            scm_directory_options { first_id, last_id, .. } if first_id <= last_id => Some(first_id..=last_id),
            _ => return Err(refuse("is greater than last_id")).of("first_id").within("options"),
        };
        access.object.directory_of(&attachment, file_type, ids, names)
    })
}

/// Opens a file (ISCardFileAccess::Open). The position is at its beginning.
///
/// @param file_access  the object
/// @param reference_type  the form of `path`
/// @param path  the file
/// @param file  [out] the file, which `scm_file_close` ends; NULL after a failure
///
/// @return `SCM_S_OK`, or one of the result codes of the group
///
/// @see scm_file_read, scm_file_write, scm_file_get_info, scm_file_close, scm_file_access_create
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_open(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    file: *mut *mut scm_file,
) -> scm_result {
    guard!(scm_file_access_open(file_access, reference_type, text(path), file), || {
        // SAFETY: as the header says.
        let file = unsafe { Output::new(file).of("file") }?;
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
        let opened = access.object.open(&attachment, reference_type, path)?;
        let token = insert(access.attachment, opened, |handles| &mut handles.files)?;
        file.set(token.to_pointer());
        Ok(Hresult::S_OK)
    })
}

/// Creates a file or a directory (ISCardFileAccess::Create; CREATE FILE of ISO/IEC 7816-9).
///
/// @param file_access  the object
/// @param reference_type  the form of `path`. By name it creates a directory of this name in the current one. A short
///   identifier is not possible, but may be among the `properties` (88).
/// @param path  the new file
/// @param properties  its control parameters: BER-TLV data objects of ISO/IEC 7816-4, 7.4, in a template 62 or without
///   one, such as 80 (size), 82 (file descriptor), 86 or 8C (security). The library adds what is missing: the
///   identifier (83) or name (84) of the path, the size of `data`, and the descriptor of a transparent EF (by name: of
///   a directory). (NULL, 0) for none.
/// @param properties_length  their length in bytes
/// @param flags  `SCM_FL_PREALLOCATE` if data come later, and `properties` tell the size; or 0
/// @param data  the first content of the file: for a file of records as many records as it fills. (NULL, 0) for none.
/// @param data_length  its length in bytes
///
/// @return `SCM_S_OK`, or one of the result codes of the group, and
/// - `SCM_E_INVALIDARG`: also `properties` that are not data objects, contradict the path, or tell no size with
///   `SCM_FL_PREALLOCATE`; `data` for a directory.
/// - `SCM_SCARD_E_NO_ACCESS`: a file of this identifier or name exists, or a condition of the card is not met.
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: no room on the card, or the data are too long for the file.
///
/// If the file was created but the data could not be written, the file stays.
///
/// @see scm_file_access_open, scm_file_write, scm_file_access_delete, scm_file_access_set_properties
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_create(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    properties: *const u8,
    properties_length: libc::size_t,
    flags: u32,
    data: *const u8,
    data_length: libc::size_t,
) -> scm_result {
    guard!(
        scm_file_access_create(
            file_access,
            reference_type,
            text(path),
            properties,
            properties_length,
            flags,
            data,
            data_length
        ),
        || {
            let (access, attachment) = accessed(file_access)?;
            // SAFETY: as the header says.
            let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
            // SAFETY: as the header says.
            let (properties, data) = unsafe {
                (input(properties, properties_length).of("properties")?, input(data, data_length).of("data")?)
            };
            access.object.create(&attachment, reference_type, path, NewFile { properties, flags, data })
        }
    )
}

/// Deletes a file or a directory (ISCardFileAccess::Delete; DELETE FILE of ISO/IEC 7816-9).
///
/// After the current directory was deleted, the directory above it is the current one.
///
/// @param file_access  the object
/// @param reference_type  the form of `path`; not a short identifier
/// @param path  the file or directory
/// @param flags  `SCM_FL_RECURSIVE` for a directory with its content; `SCM_FL_NON_RECURSIVE` or 0 for a file only,
///   because no standard command tells whether a directory is empty. A provider may know.
///
/// @return `SCM_S_OK`, or one of the result codes of the group, and
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: it is or may be a directory, and `SCM_FL_RECURSIVE` is missing. Nothing is
///   deleted.
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: also if only the beginning of a name is given.
/// - `SCM_SCARD_E_NO_ACCESS`: a condition of the card is not met. Some cards delete only empty directories: delete the
///   content first.
///
/// @see scm_file_access_create, scm_file_access_invalidate
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_delete(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard!(scm_file_access_delete(file_access, reference_type, text(path), flags), || {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
        access.object.delete(&attachment, reference_type, path, flags)
    })
}

/// Gets the properties of a file or a directory (ISCardFileAccess::GetProperties): the control parameters that the card
/// gives when the file is selected (ISO/IEC 7816-4, 7.4).
///
/// @param file_access  the object
/// @param reference_type  the form of `path`
/// @param path  the file or directory; `.` is the current one
/// @param tags  the wanted tags, one after the other, such as 80 82 83; (NULL, 0) for all that `flags` say
/// @param tags_length  their length in bytes
/// @param flags  `SCM_FL_GET_ALL_PROPERTIES` for everything that the card tells, also management data such as labels;
///   `SCM_FL_STAT_DEFAULT` or 0 for the control parameters
/// @param properties  [out] BER-TLV data objects, without a template; NULL with capacity 0 asks for the length
/// @param capacity  the room in `properties`, in bytes
/// @param properties_length  [out] their length, also if it does not fit; 0 after another failure
///
/// @return `SCM_S_OK` (also if the card tells none of them), `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the codes of
///   the group
///
/// @see scm_file_access_set_properties, scm_file_get_info, scm_file_access_get_file_capabilities
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_get_properties(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    tags: *const u8,
    tags_length: libc::size_t,
    flags: u32,
    properties: *mut u8,
    capacity: libc::size_t,
    properties_length: *mut libc::size_t,
) -> scm_result {
    guard!(
        scm_file_access_get_properties(
            file_access,
            reference_type,
            text(path),
            tags,
            tags_length,
            flags,
            properties,
            capacity,
            properties_length
        ),
        || {
            // SAFETY: as the header says.
            let properties = unsafe { OutputBytes::new(properties, capacity, properties_length).of("properties") }?;
            let (access, attachment) = accessed(file_access)?;
            // SAFETY: as the header says.
            let (path, tags) =
                unsafe { (text_with_nul(path, SCM_PATH_MAX).of("path")?, input(tags, tags_length).of("tags")?) };
            access.object.get_properties(&attachment, reference_type, path, tags, flags, properties)
        }
    )
}

/// Sets properties of a file or a directory (ISCardFileAccess::SetProperties): PUT DATA of the control parameters
/// (0062), if the card allows it.
///
/// @param file_access  the object
/// @param reference_type  the form of `path`
/// @param path  the file or directory
/// @param properties  BER-TLV data objects, without a template
/// @param properties_length  their length in bytes
/// @param flags  0
///
/// @return `SCM_S_OK`, or one of the result codes of the group, and
/// - `SCM_E_INVALIDARG`: also `properties` that are empty or not data objects.
/// - `SCM_SCARD_E_NO_ACCESS`: the card does not change them.
///
/// @see scm_file_access_get_properties
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_set_properties(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    properties: *const u8,
    properties_length: libc::size_t,
    flags: u32,
) -> scm_result {
    guard!(
        scm_file_access_set_properties(file_access, reference_type, text(path), properties, properties_length, flags),
        || {
            let (access, attachment) = accessed(file_access)?;
            // SAFETY: as the header says.
            let (path, properties) = unsafe {
                (text_with_nul(path, SCM_PATH_MAX).of("path")?, input(properties, properties_length).of("properties")?)
            };
            access.object.set_properties(&attachment, reference_type, path, properties, flags)
        }
    )
}

/// Gets the capabilities of the file system of the card (ISCardFileAccess::GetFileCapabilities), from its ATR and
/// EF.ATR/INFO, as BER-TLV data objects (ISO/IEC 7816-4, 12.1 and 12.2): 43 card service data, 47 card capabilities,
/// 7F66 the longest commands and responses, and others.
///
/// @param file_access  the object
/// @param tags  the wanted tags, one after the other; (NULL, 0) for all
/// @param tags_length  their length in bytes
/// @param flags  0
/// @param capabilities  [out] the data objects; NULL with capacity 0 asks for the length
/// @param capacity  the room in `capabilities`, in bytes
/// @param capabilities_length  [out] their length, also if it does not fit; 0 after another failure
///
/// @return `SCM_S_OK` (also if the card tells none of them), `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or one of the codes of
///   the group
///
/// @see scm_file_access_get_properties, scm_get_card_capabilities
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_get_file_capabilities(
    file_access: *mut scm_file_access,
    tags: *const u8,
    tags_length: libc::size_t,
    flags: u32,
    capabilities: *mut u8,
    capacity: libc::size_t,
    capabilities_length: *mut libc::size_t,
) -> scm_result {
    guard!(
        scm_file_access_get_file_capabilities(
            file_access,
            tags,
            tags_length,
            flags,
            capabilities,
            capacity,
            capabilities_length
        ),
        || {
            // SAFETY: as the header says.
            let capabilities =
                unsafe { OutputBytes::new(capabilities, capacity, capabilities_length).of("capabilities") }?;
            let (access, attachment) = accessed(file_access)?;
            // SAFETY: as the header says.
            let tags = unsafe { input(tags, tags_length).of("tags") }?;
            access.object.get_file_capabilities(&attachment, tags, flags, capabilities)
        }
    )
}

/// Makes a file or a directory unusable until `scm_file_access_rehabilitate` (ISCardFileAccess::Invalidate; DEACTIVATE
/// FILE of ISO/IEC 7816-9).
///
/// @param file_access  the object
/// @param path  the file or directory, in any form (`SCM_TYPE_BY_ANY`)
/// @param flags  0
///
/// @return `SCM_S_OK`, or one of the result codes of the group
///
/// @see scm_file_access_rehabilitate, scm_file_access_delete
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_invalidate(
    file_access: *mut scm_file_access,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard!(scm_file_access_invalidate(file_access, text(path), flags), || {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
        access.object.invalidate(&attachment, path, flags)
    })
}

/// Makes a file or a directory usable again (ISCardFileAccess::Rehabilitate; ACTIVATE FILE of ISO/IEC 7816-9).
///
/// @param file_access  the object
/// @param path  the file or directory, in any form (`SCM_TYPE_BY_ANY`)
/// @param flags  0
///
/// @return `SCM_S_OK`, or one of the result codes of the group
///
/// @see scm_file_access_invalidate
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_rehabilitate(
    file_access: *mut scm_file_access,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard!(scm_file_access_rehabilitate(file_access, text(path), flags), || {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX).of("path") }?;
        access.object.rehabilitate(&attachment, path, flags)
    })
}

type CreatedFileAccess = Arc<Created<Box<dyn FileAccess>>>;

fn accessed(file_access: *mut scm_file_access) -> Result<(CreatedFileAccess, Arc<Attachment>)> {
    created(token(file_access)?, |handles| &handles.file_accesses)
}
