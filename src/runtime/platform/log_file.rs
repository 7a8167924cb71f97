//! The file of a log. Each line is one write to its end, so that lines of several processes do not mix.

use std::ffi::{CStr, c_int};
use std::io::{Error, ErrorKind};

use crate::runtime::pthread_cancel::hold_off;

pub const STDERR: c_int = libc::STDERR_FILENO;

/// Opens or creates it. Only the user can read a new one. A new program (`exec`) does not inherit it.
pub fn open(path: &CStr) -> Result<c_int, ErrorKind> {
    let _cancellation = hold_off();
    // SAFETY: the path ends with a NUL.
    let file =
        unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC, 0o600) };
    if file >= 0 { Ok(file) } else { Err(Error::last_os_error().kind()) }
}

/// Writes a line. The rest that the file does not take is lost, because a program must not fail for its log.
pub fn write(file: c_int, line: &[u8]) {
    let _cancellation = hold_off();
    let mut rest = line;
    while !rest.is_empty() {
        // SAFETY: the bytes are ours.
        match unsafe { libc::write(file, rest.as_ptr().cast(), rest.len()) } {
            written if written > 0 => rest = rest.get(written as usize..).unwrap_or_default(),
            _ if Error::last_os_error().kind() == ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}
