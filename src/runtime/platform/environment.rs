//! The environment of a process whose rights are those of its user.

use std::ffi::{CStr, c_char};

#[cfg(any(target_os = "linux", target_os = "android"))]
fn find(name: &CStr) -> *const c_char {
    unsafe extern "C" {
        fn secure_getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: the name ends with a NUL.
    unsafe { secure_getenv(name.as_ptr()) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn find(name: &CStr) -> *const c_char {
    unsafe extern "C" {
        fn issetugid() -> std::ffi::c_int;
    }
    // SAFETY: the name ends with a NUL.
    unsafe { if issetugid() == 0 { libc::getenv(name.as_ptr()) } else { std::ptr::null() } }
}

/// The value of a variable, or None: also in a program that has more rights than its user (set-user-id, capabilities).
///
/// The value is valid until the program changes the variable.
pub fn variable(name: &CStr) -> Option<&'static CStr> {
    let value = find(name);
    // SAFETY: not NULL, so it is a text of the environment.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}
