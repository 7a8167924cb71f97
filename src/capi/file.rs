//! Open files, the second part of ISCardFileAccess.

use super::{created, release, scm_result, token};
use crate::abi::cause::refuse_null;
use crate::abi::constants::SCM_FL_ERASE;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{OfArgument, Options, Output, OutputBytes, OutputStructure, guard, input};
use crate::handles::objects::Created;
use crate::interfaces::file::{Content, File};
use crate::runtime::fallible::Arc;

/// An open file. `scm_file_access_open` makes it; `scm_file_close` or the end of the attachment ends it.
///
/// It outlives a reset of the card: the next call selects it again, and returns `SCM_SCARD_W_SECURITY_VIOLATION` if a
/// code must be presented again. When the card may be another one, every call that asks the card returns
/// `SCM_SCARD_W_REMOVED_CARD` until the file is opened again. That is after a removal, after the reader or the service
/// was gone, after another ATR, and after a failed exchange in this process for which the service knows no reason.
pub struct scm_file {
    _opaque: (),
}

/// The value of a field of `scm_file_info` that the card does not tell.
pub const SCM_FILE_UNKNOWN: u32 = 0xFFFF_FFFF;

/// The properties of an open file. Initialise with `SCM_FILE_INFO_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_file_info {
    /// `sizeof(scm_file_info)`
    pub struct_size: u32,
    /// The form of its path: `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`.
    pub reference_type: u32,
    /// `SCM_TYPE_TRANSPARENT_EF`, `SCM_TYPE_FIXED_EF`, `SCM_TYPE_VARIABLE_EF` or `SCM_TYPE_CYCLIC_EF`. If the card does
    /// not tell it, the library has found out by reading, and it is the first or the third.
    pub file_type: u32,
    /// Its identifier.
    pub id: u32,
    /// Its short identifier.
    pub short_id: u32,
    /// Its size in bytes; for records, the size of all records together.
    pub size: u32,
    /// The size of its longest record, in bytes.
    pub record_size: u32,
    /// Its life cycle status byte (ISO/IEC 7816-4, 7.4.10).
    pub life_cycle: u32,
}

// SAFETY: repr(C), eight u32, the first of them the size.
unsafe impl Options for scm_file_info {
    const FIRST_SIZE: usize = 32;
    const DEFAULT: Self = scm_file_info {
        struct_size: size_of::<Self>() as u32,
        reference_type: 0,
        file_type: 0,
        id: SCM_FILE_UNKNOWN,
        short_id: SCM_FILE_UNKNOWN,
        size: SCM_FILE_UNKNOWN,
        record_size: SCM_FILE_UNKNOWN,
        life_cycle: SCM_FILE_UNKNOWN,
    };
}

/// Gets what was known of a file when it was opened.
///
/// @param file  the file
/// @param info  [out] the information; set its `struct_size` before, as `SCM_FILE_INFO_INIT` does
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_NOTIMPL`: the file is that of a provider.
///
/// Does not block: does not ask the card.
///
/// @see scm_file_get_size, scm_file_access_get_properties, scm_file_access_resolve
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_get_info(file: *mut scm_file, info: *mut scm_file_info) -> scm_result {
    guard!(scm_file_get_info(file, info), || {
        // SAFETY: as the header says.
        let info = unsafe { OutputStructure::new(info).within("info") }?;
        let known = opened(file)?.0.object.info()?;
        info.set(&scm_file_info {
            reference_type: known.reference_type,
            file_type: known.file_type,
            id: known.id.map_or(SCM_FILE_UNKNOWN, u32::from),
            short_id: known.short_id.map_or(SCM_FILE_UNKNOWN, u32::from),
            size: known.size.unwrap_or(SCM_FILE_UNKNOWN),
            record_size: known.record_size.unwrap_or(SCM_FILE_UNKNOWN),
            life_cycle: known.life_cycle.map_or(SCM_FILE_UNKNOWN, u32::from),
            ..scm_file_info::DEFAULT
        });
        Ok(Hresult::S_OK)
    })
}

/// Reads from the position, and moves the position behind what was read (ISCardFileAccess::Read).
///
/// From a transparent file: up to `capacity` bytes, in as many commands as needed. It gives fewer bytes at the end of
/// the file, or if the card fails on the way; then the next call tells why. From a file of records: one record, in its
/// own length. If the card cuts a record without saying so, and tells nothing of its length, the cut record is read.
///
/// If a card refuses a length (6700, 6B00, 6282 without data, 6A86, 6CXX, 6F00, 6985, no answer, ...), the library asks
/// for less, down to one byte. It finds the greatest length in eight commands at most, and remembers it. If the card
/// refuses extended lengths (6D00, 6981, 6985, ...), the library uses short ones. If the card has lost the selection
/// (6986, 6A82), the library selects the file again, once.
///
/// The end of a file is proven: `SCM_SCARD_W_EOF` means that the card has refused one byte, or the record, twice. If
/// the card has told a greater size, or more records, it has also refused the last byte or record of these. If the size
/// that it has told may be too small, the library asks for one more byte.
///
/// @param file  the file
/// @param data  [out] the bytes, or the record
/// @param capacity  how many bytes are wanted, and the room in `data`
/// @param data_length  [out] how many bytes were read; or the length of a record that does not fit; 0 after
///   another failure
/// @param flags  0
///
/// @return
/// - `SCM_S_OK`: read.
/// - `SCM_SCARD_W_EOF`: the position is at the end.
/// - `SCM_SCARD_E_COMM_DATA_LOST`: the data may be wrong (6281); the card has announced data, or the file, and gives
///   none; or it cannot give so long a record at once.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the position is beyond 32,767, and the card does not know the instruction for
///   that (B1).
/// - `SCM_E_POINTER`: also if `data` is NULL with capacity 0.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the record does not fit. The position is as before.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one.
/// - the other result codes of the group
///
/// @see scm_file_write, scm_file_seek, scm_file_get_size, scm_set_card_capabilities
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_read(
    file: *mut scm_file,
    data: *mut u8,
    capacity: libc::size_t,
    data_length: *mut libc::size_t,
    flags: u32,
) -> scm_result {
    guard!(scm_file_read(file, data, capacity, data_length, flags), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(data, capacity, data_length).of("data") }?;
        if data.is_null() {
            return Err(refuse_null()).of("data");
        }
        let (file, attachment) = opened(file)?;
        file.object.read(&attachment, output, flags)
    })
}

/// Writes at the position, and moves the position behind what was written (ISCardFileAccess::Write).
///
/// To a transparent file: all of `data`, in as many commands as needed. If the card refuses a part (6700, 6A84, 6A86,
/// 6B00, ...), the library sends a shorter one, down to one byte, and remembers the length that works. If the card has
/// lost the selection (6986, 6A82), the file is selected again, once. To a file of records: one record, in place of
/// that at the position, or a new one at the end (APPEND RECORD; in a ring UPDATE RECORD of the previous one, if the
/// card knows only that). In a ring a new record becomes the first one, replaces the oldest one if there is no room,
/// and the position is behind it: 1.
///
/// @param file  the file
/// @param data  the bytes, or the record. With `SCM_FL_ERASE` only their length counts, and it may be NULL.
/// @param data_length  their length; with 0 nothing is sent
/// @param flags  `SCM_FL_REPLACE` or 0 replaces the old data (UPDATE); `SCM_FL_ERASE` erases them (ERASE), a record as
///   a whole; `SCM_FL_OR` and `SCM_FL_AND` set or clear bits (WRITE), whichever of the two the file allows
/// @param written_length  [out] how many bytes the card has acknowledged, also after a failure. The position is behind
///   them.
///
/// @return
/// - `SCM_S_OK`: everything is written.
/// - `SCM_E_INVALIDARG`: also more than one flag.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: WRITE does the other operation with this file, or the card does not know the
///   command.
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: more than the file, or the record, can hold. Before it writes behind the size that
///   the card has told, the library reads one byte there. If the card refuses it twice, nothing is written. Otherwise,
///   or if the card told no size, the part that fits is written. A record that is longer than announced is sent, and
///   the card decides.
/// - `SCM_SCARD_E_BAD_SEEK`: the position is behind the end.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one.
/// - the other result codes of the group. If the card has not answered, it may have carried out the command.
///
/// @see scm_file_read, scm_file_seek, scm_file_access_create
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_write(
    file: *mut scm_file,
    data: *const u8,
    data_length: libc::size_t,
    flags: u32,
    written_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_file_write(file, data, data_length, flags, written_length), || {
        // SAFETY: as the header says.
        let written = unsafe { Output::new(written_length).of("written_length") }?;
        let (file, attachment) = opened(file)?;
        let content = match flags & SCM_FL_ERASE {
            // SAFETY: as the header says.
            0 => Content::Data(unsafe { input(data, data_length).of("data") }?),
            _ => Content::Length(data_length),
        };
        let mut count = 0;
        let result = file.object.write(&attachment, content, flags, &mut count);
        written.set(count);
        result
    })
}

/// Moves the position (ISCardFileAccess::Seek). It counts bytes; in a file of records, records.
///
/// @param file  the file
/// @param offset  how far; may be negative
/// @param origin  from where: `SCM_SEEK_FROM_BEGINNING`, `SCM_SEEK_FROM_END` or `SCM_SEEK_RELATIVE`
///
/// @return
/// - `SCM_S_OK`: moved. The place right behind the end is a position, too.
/// - `SCM_SCARD_E_BAD_SEEK`: before the beginning or behind the end. The position is as before. If the card does not
///   tell the size of a transparent file, its end is not searched.
/// - if the card is asked, the codes of `scm_file_read`
///
/// Asks the card for records, for the end, and whether there is something behind the size that it has told.
///
/// @see scm_file_tell, scm_file_read, scm_file_write
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_seek(file: *mut scm_file, offset: i64, origin: u32) -> scm_result {
    guard!(scm_file_seek(file, offset, origin), || {
        let (file, attachment) = opened(file)?;
        file.object.seek(&attachment, offset, origin)
    })
}

/// Tells the position.
///
/// @param file  the file
/// @param position  [out] bytes, or records, from the beginning; 0 after a failure
///
/// @return `SCM_S_OK`, or one of the result codes of the group
///
/// Does not block: does not ask the card.
///
/// @see scm_file_seek, scm_file_get_size
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_tell(file: *mut scm_file, position: *mut u64) -> scm_result {
    guard!(scm_file_tell(file, position), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(position).of("position") }?;
        let mut position = 0;
        let result = opened(file)?.0.object.tell(&mut position)?;
        output.set(position);
        Ok(result)
    })
}

/// Gets the size of a file in bytes, or the number of its records.
///
/// @param file  the file
/// @param size  [out] the number; 0 after a failure
///
/// @return `SCM_S_OK`, or the codes of `scm_file_read`
///
/// Asks the card for records, 16 times at most. In a transparent file it reads the last byte of the size that the card
/// has told, and tries the next one, once; if that size is wrong, or the card tells none, it searches the end. If the
/// file may not be read, it gives what the card tells.
///
/// @see scm_file_seek, scm_file_get_info
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_get_size(file: *mut scm_file, size: *mut u64) -> scm_result {
    guard!(scm_file_get_size(file, size), || {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(size).of("size") }?;
        let (file, attachment) = opened(file)?;
        let mut size = 0;
        let result = file.object.size(&attachment, &mut size)?;
        output.set(size);
        Ok(result)
    })
}

/// Closes a file (ISCardFileAccess::Close).
///
/// @param file  the file
///
/// @return
/// - `SCM_S_OK`: closed.
/// - `SCM_E_HANDLE`: `file` is not an open file.
/// - any failure of the provider: closed
///
/// Does not block: the card knows nothing of open files.
///
/// @see scm_file_access_open, scm_file_access_release
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_close(file: *mut scm_file) -> scm_result {
    guard!(scm_file_close(file), || {
        let closed = release(token(file)?, |handles| &mut handles.files)?;
        // If another thread is in a call on the file, the file ends with that call.
        closed.into_inner().map_or(Ok(Hresult::S_OK), |mut created| created.object.close())
    })
}

type CreatedFile = Arc<Created<Box<dyn File>>>;

fn opened(file: *mut scm_file) -> Result<(CreatedFile, Arc<Attachment>)> {
    created(token(file)?, |handles| &handles.files)
}
