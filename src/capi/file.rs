//! Open files.

use super::{handles, made, scm_result, token};
use crate::boundary::{guard, Output, OutputBytes};
use crate::hresult::Hresult;
use crate::process_table::Made;
use crate::provider::implementation::Implementation;

/// An open file, made by `scm_file_access_open`.
pub struct scm_file {
    _opaque: (),
}

/// Reads from a file.
///
/// @param file  the file
/// @param buffer  [out] the data
/// @param capacity  the room in `buffer`
/// @param length  [out] the length of the data
/// @param flags  0
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_file_read(
    file: *mut scm_file,
    buffer: *mut u8,
    capacity: libc::size_t,
    length: *mut libc::size_t,
    flags: u32,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(buffer, capacity, length) }?;
        let (made, _attachment) = made(token(file)?, |handles| &handles.files)?;
        match &made.object {
            Implementation::Generic(_) => Err(Hresult::E_NOTIMPL),
            Implementation::Provided(file) => output.fill_by(|buffer, capacity, length| {
                file.call(
                    |functions| functions.read,
                    // SAFETY: the program vouches for its function; the pointers are as the header says.
                    |file, read| unsafe { read(file, buffer, capacity, length, flags) },
                )
            }),
        }
    })
}

/// Tells the position in a file.
///
/// @param file  the file
/// @param position  [out] the position
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_file_tell(file: *mut scm_file, position: *mut u64) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { Output::new(position) }?;
        let (made, _attachment) = made(token(file)?, |handles| &handles.files)?;
        match &made.object {
            Implementation::Generic(_) => Err(Hresult::E_NOTIMPL),
            Implementation::Provided(file) => output.set_by(|position| {
                // SAFETY: the program vouches for its function; the pointer is as the header says.
                file.call(|functions| functions.tell, |file, tell| unsafe { tell(file, position) })
            }),
        }
    })
}

/// Closes a file.
///
/// @param file  the file
///
/// @return a code
#[no_mangle]
pub unsafe extern "C" fn scm_file_close(file: *mut scm_file) -> scm_result {
    guard(|| {
        let token = token(file)?;
        let closed = handles()?.files.remove(token)?;
        // When another thread is in a call on the file, it ends there.
        match closed.into_inner() {
            Some(Made { object: Implementation::Provided(file), .. }) => file.close(),
            _ => Ok(Hresult::S_OK),
        }
    })
}
