//! Where the library writes no file (Windows).

use std::ffi::{CStr, c_int};

pub const STDERR: c_int = 2;

pub fn open(_path: &CStr) -> Option<c_int> {
    None
}

pub fn write(_file: c_int, _line: &[u8]) {}
