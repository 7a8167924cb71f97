//! An open file: the rest of ISCardFileAccess.

use super::{created, release, scm_result, token};
use crate::abi::constants::SCM_FL_ERASE;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::capi::boundary::{Options, Output, OutputBytes, OutputStructure, guard, input};
use crate::handles::objects::Created;
use crate::interfaces::file::{Content, File};
use crate::runtime::fallible::Arc;

/// An open file, made by `scm_file_access_open`. A token, as every handle; dead after `scm_file_close`, and after the `scm_detach`
/// of its attachment.
///
/// It outlives a reset of the card: the next call selects it again, and answers `SCM_SCARD_W_SECURITY_VIOLATION` where a code has
/// to be shown again. Once the card may be another one (it was taken out, the reader or the service was gone, another ATR
/// answers, or an exchange with it broke off, of this or another attachment of the process, and the service cannot tell why), every call that asks the card answers `SCM_SCARD_W_REMOVED_CARD`, until the file is opened anew.
pub struct scm_file {
    _opaque: (),
}

/// What the card does not tell, in `scm_file_info`.
pub const SCM_FILE_UNKNOWN: u32 = 0xFFFF_FFFF;

/// What is known of an open file. Begin with `SCM_FILE_INFO_INIT`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_file_info {
    /// `sizeof(scm_file_info)`
    pub struct_size: u32,
    /// What its path was taken for: `SCM_TYPE_BY_NAME`, `SCM_TYPE_BY_ID` or `SCM_TYPE_BY_SHORT_ID`.
    pub reference_type: u32,
    /// `SCM_TYPE_TRANSPARENT_EF`, `SCM_TYPE_FIXED_EF`, `SCM_TYPE_VARIABLE_EF` or `SCM_TYPE_CYCLIC_EF`. Of a card that does not
    /// tell it was found out by reading, and then it is one of the first and the third.
    pub file_type: u32,
    /// Its identifier.
    pub id: u32,
    /// Its short identifier.
    pub short_id: u32,
    /// Its bytes, or those that its records can have altogether.
    pub size: u32,
    /// The bytes of its longest record.
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

/// Tells what is known of an open file, as it was when it was opened.
///
/// @param file  the file
/// @param info  [out] what is known; its `struct_size` is set before, as `SCM_FILE_INFO_INIT` does
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_E_POINTER`: `info` is NULL.
/// - `SCM_E_INVALIDARG`: `struct_size` is that of no version.
/// - `SCM_E_HANDLE`: `file` is no file, or not any more.
///
/// Asks nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_get_info(file: *mut scm_file, info: *mut scm_file_info) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let info = unsafe { OutputStructure::new(info) }?;
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

/// Reads from the position on, which moves behind what was read (ISCardFileAccess::Read).
///
/// Of a file of bytes up to `capacity` bytes, in as many commands as it takes; fewer at its end, and where the card gives no more:
/// then the next call tells why. Of a file of records one record, as long as it is, whatever length of records the card has told. Of a record that
/// it cuts without saying so, and of whose length it tells nothing, the cut one is read.
///
/// The end is proven. A card that refuses a length (6700, 6B00, 6282 without data, 6A86, 6CXX, 6F00, 6985, nothing at all, ...) is asked for less, down to one
/// byte: it may not cross the end, or cannot give so much at once, and then what it gives is found in eight commands at most, and remembered for the
/// card. A card that has lost the selection (6986, 6A82) is asked once more with the file selected again. Extended lengths that it refuses (6D00, 6981, 6985, ...) are
/// tried short. `SCM_SCARD_W_EOF` says that the card has refused one byte, or the record, twice; and where it has told a greater size, or
/// more records, also the last one of that. A size that is too small is found out as well: behind it one byte is asked for.
///
/// @param file  the file
/// @param data  [out] the bytes, or the record
/// @param capacity  how many bytes are wanted, and the room in `data`
/// @param data_length  [out] how many were read, 0 after a failure
/// @param flags  0
///
/// @return
/// - `SCM_S_OK`: read.
/// - `SCM_SCARD_W_EOF`: the position is at the end.
/// - `SCM_SCARD_E_COMM_DATA_LOST`: the card says that part of the data may be wrong (6281), or that there is nothing, or no file, where it has
///   told that there is; or it cannot give so long a record at once.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the position is beyond 32,767, and the card does not know the instruction for that (B1).
/// - `SCM_E_POINTER`: `data_length` is NULL, or `data` is.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the record does not fit, `*data_length` is what is needed, and the position is as before.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one than the file was opened on.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before.
/// - others as `scm_create_file_access` says
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_read(
    file: *mut scm_file,
    data: *mut u8,
    capacity: libc::size_t,
    data_length: *mut libc::size_t,
    flags: u32,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(data, capacity, data_length) }?;
        if data.is_null() {
            return Err(Hresult::E_POINTER);
        }
        let (file, attachment) = opened(file)?;
        file.object.read(&attachment, output, flags)
    })
}

/// Writes at the position, which moves behind what was written (ISCardFileAccess::Write).
///
/// To a file of bytes all of `data`, in as many commands as it takes. A card that refuses a part (6700, 6A84, 6A86, 6B00, ...) is given a
/// shorter one, down to one byte; what it takes at once is remembered. A card that has lost the selection (6986, 6A82) gets the
/// command once more with the file selected again. To a file of records one record: that at the position, or a new one at the end
/// (APPEND RECORD; in a ring UPDATE RECORD of the previous one, where the card knows only that). In a ring a new record is the first,
/// where there is no room in place of the oldest, and
/// the position is behind it then: 1.
///
/// @param file  the file
/// @param data  the bytes, or the record. With `SCM_FL_ERASE` only their length counts, and it may be NULL.
/// @param data_length  their length; with 0 nothing is sent
/// @param flags  `SCM_FL_REPLACE`, or 0: what was there is replaced (UPDATE); `SCM_FL_ERASE`: it is erased (ERASE); `SCM_FL_OR`,
///   `SCM_FL_AND`: bits are set or cleared (WRITE). Whether WRITE does the one or the other is a property of the file. A record
///   is erased as a whole.
/// @param written  [out] how many bytes the card has acknowledged: also after a failure, such as a card that was pulled in the
///   middle. The position is behind them then.
///
/// @return
/// - `SCM_S_OK`: all written.
/// - `SCM_E_POINTER`: `written` is NULL.
/// - `SCM_E_INVALIDARG`: `data` is NULL with a length; several of the flags; another flag.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: WRITE does something else with this file; or the card does not know the command.
/// - `SCM_SCARD_E_WRITE_TOO_MANY`: more than the file, or a record of it, can hold. Behind the size that the card has told, one byte is read
///   first: if the card refuses it twice, nothing is written. Else, and where it has told no size, or too much, what fits is written, and `*written`
///   tells how much. A record that is longer than the card has told is sent, and this is the code if the card refuses it.
/// - `SCM_SCARD_E_BAD_SEEK`: the position is behind the end.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, or may be another one than the file was opened on.
/// - `SCM_SCARD_W_SECURITY_VIOLATION`: a code or a key has to be shown before.
/// - others as `scm_create_file_access` says. Whether the card has carried out the command that failed is not known where it has
///   not answered.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_write(
    file: *mut scm_file,
    data: *const u8,
    data_length: libc::size_t,
    flags: u32,
    written: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let written = unsafe { Output::new(written) }?;
        let (file, attachment) = opened(file)?;
        let content = match flags & SCM_FL_ERASE {
            // SAFETY: as the header says.
            0 => Content::Data(unsafe { input(data, data_length) }?),
            _ => Content::Length(data_length),
        };
        let mut count = 0;
        let result = file.object.write(&attachment, content, flags, &mut count);
        written.set(count);
        result
    })
}

/// Moves the position (ISCardFileAccess::Seek). It counts bytes, or records of a file of records.
///
/// @param file  the file
/// @param offset  how far, also negative
/// @param origin  from where: `SCM_SEEK_FROM_BEGINNING`, `SCM_SEEK_FROM_END` or `SCM_SEEK_RELATIVE`
///
/// @return
/// - `SCM_S_OK`: moved; right behind the end is a position too.
/// - `SCM_E_INVALIDARG`: `origin` is not defined.
/// - `SCM_SCARD_E_BAD_SEEK`: that is before the beginning or behind the end. The position is as before. Of a file of bytes whose size
///   the card does not tell, the end is not looked for.
/// - `SCM_E_HANDLE`, and where the card is asked the codes of `scm_file_read`
///
/// Asks the card for records, for the end, and whether there is something behind the size that it has told.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_seek(file: *mut scm_file, offset: i64, origin: u32) -> scm_result {
    guard(|| {
        let (file, attachment) = opened(file)?;
        file.object.seek(&attachment, offset, origin)
    })
}

/// Tells the position.
///
/// @param file  the file
/// @param position  [out] bytes, or records, from the beginning; 0 after a failure
///
/// @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_E_HANDLE`
///
/// Asks nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_tell(file: *mut scm_file, position: *mut u64) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(position) }?;
        let mut position = 0;
        let result = opened(file)?.0.object.tell(&mut position)?;
        output.set(position);
        Ok(result)
    })
}

/// Tells how many bytes a file has, or how many records there are in a file of records.
///
/// @param file  the file
/// @param size  [out] the number; 0 after a failure
///
/// @return `SCM_S_OK`, `SCM_E_POINTER`, `SCM_E_HANDLE`, or the codes of `scm_file_read`
///
/// Asks the card for records, at most 16 times. Of a file of bytes it reads the last one of the size that the card has told, and looks whether another
/// one follows, once; where that is wrong, or the card tells no size, it looks for the end. Of a file that may not be read it gives what the card tells.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_size(file: *mut scm_file, size: *mut u64) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(size) }?;
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
/// - `SCM_E_HANDLE`: `file` is no file, or not any more.
///
/// Asks nobody: the card knows nothing of open files.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_file_close(file: *mut scm_file) -> scm_result {
    guard(|| {
        let closed = release(token(file)?, |handles| &mut handles.files)?;
        // If another thread is in a call on the file, the file ends with that call.
        closed.into_inner().map_or(Ok(Hresult::S_OK), |mut created| created.object.close())
    })
}

type CreatedFile = Arc<Created<Box<dyn File>>>;

fn opened(file: *mut scm_file) -> Result<(CreatedFile, Arc<Attachment>)> {
    created(token(file)?, |handles| &handles.files)
}
