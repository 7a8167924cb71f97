//! Where the library reads no environment (Windows): a program calls `scm_set_log`.

use std::ffi::CStr;

pub fn variable(_name: &CStr) -> Option<&'static CStr> {
    None
}
