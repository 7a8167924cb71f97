//! The files of a card: ISCardFileAccess.

use std::ffi::c_char;

use super::interface::create_standard;
use super::{created, release, scm_handle, scm_result, token};
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{Options, Output, OutputBytes, guard, input, options, text_with_nul};
use crate::capi::file::scm_file;
use crate::handles::objects::Created;
use crate::handles::process::insert;
use crate::interfaces::file_access::{FileAccess, NewFile};
use crate::interfaces::identity::Standard;
use crate::iso7816::path;
use crate::runtime::fallible::Arc;

/// The files of a card, made by `scm_create_file_access`. A token, as every handle; dead after `scm_file_access_release`, and
/// after the `scm_detach` of its attachment.
pub struct scm_file_access {
    _opaque: (),
}

/// The longest path, in bytes without the NUL.
pub const SCM_PATH_MAX: usize = 127;
const _: () = assert!(SCM_PATH_MAX == path::MAX_TEXT);

/// Which identifiers `scm_file_access_directory_ex` tries. Begin with `SCM_DIRECTORY_OPTIONS_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_directory_options {
    /// `sizeof(scm_directory_options)`
    pub struct_size: u32,
    /// The first identifier that is tried, and the last one. Both 0: the usual ones.
    pub first_id: u16,
    pub last_id: u16,
}

// SAFETY: repr(C), the first field is the size, and integers have no invalid values.
unsafe impl Options for scm_directory_options {
    const FIRST_SIZE: usize = 8;
    const DEFAULT: Self = scm_directory_options { struct_size: size_of::<Self>() as u32, first_id: 0, last_id: 0 };
}

/// Gives access to the files of the card (ISCardManage::CreateFileAccess).
///
/// The files are those of ISO/IEC 7816-4: a tree of directories (DF) and files (EF) below the MF, which is the current directory
/// at first. Nothing is sent to the card yet. A card that refuses the class of the first SELECT (6E00, 6D00), or answers it as a SIM, is asked once for an MF in class A0,
/// and is a SIM (3GPP TS 51.011) if it has one: its files and codes are asked for in that class. docs/files.md says what a SIM has not.
///
/// Every function of the object that asks the card does so under one lock, and selects what it works on, because another
/// process may have selected something else meanwhile. While the caller holds `scm_lock`, what is selected stays selected, and is
/// not selected again, as long as no command of the caller's own comes in between (`scm_send`, `scm_transmit`) and nobody else
/// knows the card handle (it is borrowed, or was asked for with `scm_get_icc`).
///
/// PATHS are text of at most `SCM_PATH_MAX` bytes. `reference_type` says how they are meant:
/// - `SCM_TYPE_BY_ID`: identifiers of four hexadecimal digits, from the MF (`3F00/5015/4401`) or from the current directory
///   (`4401`); `..` takes back what is before it, `.` is the current one. Where the first is a name of at least three bytes, from that.
/// - `SCM_TYPE_BY_NAME`: the name of a directory (AID) in hexadecimal digits; identifiers may follow: `F073636D74657374/4401`. The
///   beginning of a name is enough where nothing is changed as a whole (deleted, invalidated, given properties).
/// - `SCM_TYPE_BY_SHORT_ID`: a short identifier, 1 to 30: a file in the current directory.
/// - `SCM_TYPE_BY_ANY`: what it looks like; where it looks like several things, what the card has first: an identifier, a short
///   identifier, a name of at least five bytes. `scm_file_access_resolve` and `scm_file_get_info` tell what it was taken for.
///
/// CODES that every function here may answer, besides its own:
/// - `SCM_E_HANDLE`: the object was released, or its attachment detached.
/// - `SCM_E_INVALIDARG`: a path is NULL, too long, or none of this type; a value or a flag is not defined for this function.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: `SCM_FL_SECURE_MESSAGING` without a provider for it, or the card does not know the command.
/// - `SCM_SCARD_E_DIR_NOT_FOUND`, `SCM_SCARD_E_FILE_NOT_FOUND`: the directory, or the file in it, is not on the card.
/// - `SCM_SCARD_E_NO_DIR`, `SCM_SCARD_E_NO_FILE`: it is a file, or a directory, and the other was meant.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before, perhaps again after a reset.
/// - `SCM_SCARD_E_NO_ACCESS`: it is not allowed in the state that the file is in.
/// - `SCM_SCARD_E_COMM_DATA_LOST`: the card says that the data may be wrong (6281).
/// - what else `scm_send` makes of a status word, and the codes of a connection (see the top of this file)
///
/// They block while others hold a lock on the card, which `scm_cancel` ends, and as long as the card takes. Any thread may call
/// them; calls for one attachment run one after the other.
///
/// @param handle  the attachment
/// @param file_access  [out] the object, to be ended with `scm_file_access_release`; NULL after a failure
///
/// @return
/// - `SCM_S_OK`: made.
/// - `SCM_E_POINTER`: `file_access` is NULL.
/// - `SCM_SCARD_E_ICC_CREATEORDER`: `handle` is NULL: attach first.
/// - `SCM_E_HANDLE`: `handle` is no attachment, or not any more.
/// - `SCM_E_OUTOFMEMORY`: no memory.
///
/// Asks nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_create_file_access(
    handle: *mut scm_handle,
    file_access: *mut *mut scm_file_access,
) -> scm_result {
    // SAFETY: as the header says.
    guard(|| unsafe { create_standard(handle, Standard::FileAccess, file_access) })
}

/// Ends the object. Files that it has opened stay open.
///
/// @param file_access  the object
///
/// @return
/// - `SCM_S_OK`: ended.
/// - `SCM_E_HANDLE`: `file_access` is no such object, or not any more.
///
/// Asks nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_release(file_access: *mut scm_file_access) -> scm_result {
    guard(|| {
        let released = release(token(file_access)?, |handles| &mut handles.file_accesses)?;
        drop(released);
        Ok(Hresult::S_OK)
    })
}

/// Makes another directory the current one (ISCardFileAccess::ChangeDir).
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant
/// @param path  the directory
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says. After a failure the current directory is as before.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_change_dir(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
) -> scm_result {
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        access.object.change_dir(&attachment, reference_type, path)
    })
}

/// Tells the path of the current directory (ISCardFileAccess::GetCurrentDir).
///
/// It begins with 3F00, or with the name of a directory where that was changed to by its name: `3F00/5015`,
/// `F073636D74657374`. `SCM_TYPE_BY_ANY` takes it back.
///
/// @param file_access  the object
/// @param path  [out] the path, with its NUL; NULL with capacity 0 asks for the length
/// @param capacity  the room in `path`, in bytes
/// @param path_length  [out] the length of the path with its NUL, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_POINTER`: `path_length` is NULL, or `path` is NULL with a capacity.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the path does not fit.
/// - `SCM_E_HANDLE`, `SCM_E_OUTOFMEMORY`
///
/// Asks nobody: whether the directory is still there shows when it is used.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_get_current_dir(
    file_access: *mut scm_file_access,
    path: *mut c_char,
    capacity: libc::size_t,
    path_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let path = unsafe { OutputBytes::new(path.cast(), capacity, path_length) }?;
        accessed(file_access)?.0.object.get_current_dir(path)
    })
}

/// Tells what a path is taken for, and the path from the MF or from a name that it stands for. There has to be such a file, or
/// directory, on the card.
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant
/// @param path  the file or directory
/// @param taken_as  [out] `SCM_TYPE_BY_NAME`, `_BY_ID` or `_BY_SHORT_ID`; 0 after a failure
/// @param resolved  [out] the whole path, with its NUL; NULL with capacity 0 asks for the length. A short identifier is a number
///   behind the directory: `3F00/5015/7`.
/// @param capacity  the room in `resolved`, in bytes
/// @param resolved_length  [out] its length with its NUL, 0 after a failure
///
/// @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_resolve(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    taken_as: *mut u32,
    resolved: *mut c_char,
    capacity: libc::size_t,
    resolved_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // Both outputs become zero before one of them is refused.
        // SAFETY: as the header says.
        let (output, resolved) =
            unsafe { (Output::new(taken_as), OutputBytes::new(resolved.cast(), capacity, resolved_length)) };
        let (output, resolved) = (output?, resolved?);
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        let mut taken_as = 0;
        let result = access.object.resolve(&attachment, reference_type, path, &mut taken_as, resolved)?;
        output.set(taken_as);
        Ok(result)
    })
}

/// Lists the current directory (ISCardFileAccess::Directory).
///
/// ISO/IEC 7816-4 has no command for it. So files are found by selecting identifiers that are in use on many cards, in 351 SELECTs: those of
/// the standard applications (ISO/IEC 7816-4 and 7816-15, ICAO 9303, ETSI TS 102 221 with 3GPP TS 51.011 and TS 31.102, EN 14890), and 44, 45, 50, 10,
/// 00, 40 and 5F with 00 to 1F behind; docs/files.md has the list. In the MF also by what EF.DIR (2F00) has of applications. What is
/// neither is not listed, nor what may not be selected: `scm_file_access_directory_ex` tries other identifiers. On a SIM all identifiers are tried that
/// the standard has for the level of the directory, in 512 SELECTs at most. A provider lists what it knows.
///
/// @param file_access  the object
/// @param file_type  what to list: `SCM_TYPE_DIRECTORIES`, `SCM_TYPE_FILES`, `SCM_TYPE_ALL_FILES`, or one kind, from
///   `SCM_TYPE_DIRECTORY_FILE` to `SCM_TYPE_VARIABLE_EF`. A file whose kind its card does not tell is one of the first three.
/// @param names  [out] the names, each with its NUL, and one more NUL at the end: identifiers, and names of applications that have
///   none; NULL with capacity 0 asks for the length
/// @param capacity  the room in `names`, in bytes
/// @param names_length  [out] the length with all NULs, 0 after a failure
///
/// @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER` (the card is asked again by the next call), or a code as
///   `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_directory(
    file_access: *mut scm_file_access,
    file_type: u32,
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length) }?;
        let (access, attachment) = accessed(file_access)?;
        access.object.directory(&attachment, file_type, names)
    })
}

/// Lists the current directory, trying the identifiers that `options` say.
///
/// @param file_access  the object
/// @param file_type  as for `scm_file_access_directory`
/// @param options  the range of identifiers, both included; NULL for the usual ones. All of them, 0001 to FFFE, are 65,534 commands:
///   minutes, with most cards and readers.
/// @param names  [out] as for `scm_file_access_directory`
/// @param capacity  as for `scm_file_access_directory`
/// @param names_length  [out] as for `scm_file_access_directory`
///
/// @return as `scm_file_access_directory`, and
/// - `SCM_E_INVALIDARG`: the last identifier comes before the first, or `struct_size` is that of no version.
///
/// The card is locked all the time.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_directory_ex(
    file_access: *mut scm_file_access,
    file_type: u32,
    options: *const scm_directory_options,
    names: *mut c_char,
    capacity: libc::size_t,
    names_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let names = unsafe { OutputBytes::new(names.cast(), capacity, names_length) }?;
        let (access, attachment) = accessed(file_access)?;
        if options.is_null() {
            return access.object.directory(&attachment, file_type, names);
        }
        // SAFETY: as the header says.
        let ids = match unsafe { self::options(options) }? {
            scm_directory_options { first_id: 0, last_id: 0, .. } => None,
            scm_directory_options { first_id, last_id, .. } if first_id <= last_id => Some(first_id..=last_id),
            _ => return Err(Hresult::E_INVALIDARG),
        };
        access.object.directory_of(&attachment, file_type, ids, names)
    })
}

/// Opens a file (ISCardFileAccess::Open). The position is at its beginning.
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant
/// @param path  the file
/// @param file  [out] the file, to be ended with `scm_file_close`; NULL after a failure
///
/// @return `SCM_S_OK`, `SCM_E_POINTER`, or a code as `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_open(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    file: *mut *mut scm_file,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let file = unsafe { Output::new(file) }?;
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        let opened = access.object.open(&attachment, reference_type, path)?;
        let token = insert(access.attachment, opened, |handles| &mut handles.files)?;
        file.set(token.to_pointer());
        Ok(Hresult::S_OK)
    })
}

/// Creates a file or a directory (ISCardFileAccess::Create; CREATE FILE of ISO/IEC 7816-9).
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant. By name a directory of this name is created in the current one; a short identifier
///   is no place for a new file, but may be among the `properties` (88).
/// @param path  the new file
/// @param properties  its control parameters, as BER-TLV data objects of ISO/IEC 7816-4, 7.4, with a template 62 or without: such as
///   80 (size), 82 (file descriptor), 86 or 8C (security). What is missing is put in: the identifier (83) or the name (84) of the
///   path, the size of `data`, and that it is a file of bytes (a directory, if by name). (NULL, 0) for none.
/// @param properties_length  their length in bytes
/// @param flags  `SCM_FL_PREALLOCATE`: room is wanted for data that come later; `properties` say how much. Or 0.
/// @param data  the first content of the file; of a file of records as many as it fills. (NULL, 0) for none.
/// @param data_length  its length in bytes
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
/// - `SCM_E_INVALIDARG`: `properties` are no data objects, or contradict the path, or do not say a size with `SCM_FL_PREALLOCATE`;
///   `data` for a directory.
/// - `SCM_SCARD_E_NO_ACCESS`: there is a file of this identifier or name, or a condition of the card is not met.
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: no room on the card, or the data are too long for the file.
///
/// Where the file was created and the data could not be written, the file is there.
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
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        // SAFETY: as the header says.
        let (properties, data) = unsafe { (input(properties, properties_length)?, input(data, data_length)?) };
        access.object.create(&attachment, reference_type, path, NewFile { properties, flags, data })
    })
}

/// Deletes a file or a directory (ISCardFileAccess::Delete; DELETE FILE of ISO/IEC 7816-9).
///
/// When the current directory is deleted, the one above it becomes the current one.
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant; not by short identifier
/// @param path  the file or directory
/// @param flags  `SCM_FL_RECURSIVE`: a directory with all that is in it; `SCM_FL_NON_RECURSIVE`, or 0: a file only, because whether
///   a directory is empty no command of the standard tells. A provider may know.
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: it is a directory, or may be one, and `SCM_FL_RECURSIVE` is not said. Nothing is deleted.
/// - `SCM_SCARD_E_FILE_NOT_FOUND`: also a name that is only the beginning of one.
/// - `SCM_SCARD_E_NO_ACCESS`: a condition of the card is not met, such as that a directory has to be empty: then what is in it is to
///   be deleted before.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_delete(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        access.object.delete(&attachment, reference_type, path, flags)
    })
}

/// Tells the properties of a file or a directory (ISCardFileAccess::GetProperties): its control parameters, as the card gives them
/// when it is selected (ISO/IEC 7816-4, 7.4).
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant
/// @param path  the file or directory; `.` is the current one
/// @param tags  which of them: tags one behind the other, such as 80 82 83; (NULL, 0) for all that `flags` say
/// @param tags_length  their length in bytes
/// @param flags  `SCM_FL_GET_ALL_PROPERTIES`: all that the card tells, also management data such as labels; `SCM_FL_STAT_DEFAULT`, or
///   0: the control parameters
/// @param properties  [out] BER-TLV data objects, without a template; NULL with capacity 0 asks for the length
/// @param capacity  the room in `properties`, in bytes
/// @param properties_length  [out] their length, 0 after a failure
///
/// @return `SCM_S_OK` (also if the card tells none of them), `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as
///   `scm_create_file_access` says
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
    guard(|| {
        // SAFETY: as the header says.
        let properties = unsafe { OutputBytes::new(properties, capacity, properties_length) }?;
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let (path, tags) = unsafe { (text_with_nul(path, SCM_PATH_MAX)?, input(tags, tags_length)?) };
        access.object.get_properties(&attachment, reference_type, path, tags, flags, properties)
    })
}

/// Gives a file or a directory other properties (ISCardFileAccess::SetProperties): PUT DATA of the control parameters (0062), where
/// the card allows that.
///
/// @param file_access  the object
/// @param reference_type  how `path` is meant
/// @param path  the file or directory
/// @param properties  BER-TLV data objects, without a template
/// @param properties_length  their length in bytes
/// @param flags  0
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says, and
/// - `SCM_E_INVALIDARG`: `properties` are no data objects, or none.
/// - `SCM_SCARD_E_NO_ACCESS`: the card does not change them.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_set_properties(
    file_access: *mut scm_file_access,
    reference_type: u32,
    path: *const c_char,
    properties: *const u8,
    properties_length: libc::size_t,
    flags: u32,
) -> scm_result {
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let (path, properties) = unsafe { (text_with_nul(path, SCM_PATH_MAX)?, input(properties, properties_length)?) };
        access.object.set_properties(&attachment, reference_type, path, properties, flags)
    })
}

/// Tells what the file system of the card can do (ISCardFileAccess::GetFileCapabilities): what its ATR and EF.ATR/INFO say, as
/// BER-TLV data objects (ISO/IEC 7816-4, 12.1 and 12.2): 43 card service data, 47 card capabilities, 7F66 how long commands and
/// responses may be, and others.
///
/// @param file_access  the object
/// @param tags  which of them: tags one behind the other; (NULL, 0) for all
/// @param tags_length  their length in bytes
/// @param flags  0
/// @param capabilities  [out] the data objects; NULL with capacity 0 asks for the length
/// @param capacity  the room in `capabilities`, in bytes
/// @param capabilities_length  [out] their length, 0 after a failure
///
/// @return `SCM_S_OK` (also if the card says none of them), `SCM_E_POINTER`, `SCM_SCARD_E_INSUFFICIENT_BUFFER`, or a code as
///   `scm_create_file_access` says
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
    guard(|| {
        // SAFETY: as the header says.
        let capabilities = unsafe { OutputBytes::new(capabilities, capacity, capabilities_length) }?;
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let tags = unsafe { input(tags, tags_length) }?;
        access.object.get_file_capabilities(&attachment, tags, flags, capabilities)
    })
}

/// Makes a file or a directory unusable until `scm_file_access_rehabilitate` (ISCardFileAccess::Invalidate; DEACTIVATE FILE of ISO/IEC
/// 7816-9).
///
/// @param file_access  the object
/// @param path  the file or directory, of any type
/// @param flags  0
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_invalidate(
    file_access: *mut scm_file_access,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        access.object.invalidate(&attachment, path, flags)
    })
}

/// Makes a file or a directory usable again (ISCardFileAccess::Rehabilitate; ACTIVATE FILE of ISO/IEC 7816-9).
///
/// @param file_access  the object
/// @param path  the file or directory, of any type
/// @param flags  0
///
/// @return `SCM_S_OK`, or a code as `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_access_rehabilitate(
    file_access: *mut scm_file_access,
    path: *const c_char,
    flags: u32,
) -> scm_result {
    guard(|| {
        let (access, attachment) = accessed(file_access)?;
        // SAFETY: as the header says.
        let path = unsafe { text_with_nul(path, SCM_PATH_MAX) }?;
        access.object.rehabilitate(&attachment, path, flags)
    })
}

type CreatedFileAccess = Arc<Created<Box<dyn FileAccess>>>;

fn accessed(file_access: *mut scm_file_access) -> Result<(CreatedFileAccess, Arc<Attachment>)> {
    created(token(file_access)?, |handles| &handles.file_accesses)
}
