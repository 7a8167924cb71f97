//! The version of this library, at run time.

use std::ffi::{CStr, c_char};

use super::scm_result;
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, guard, text};

/// The version of the binary interface. It grows when programs that were compiled with an older header stop working.
pub const SCM_ABI_VERSION: u32 = 1;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("the version has an inner NUL"), // at compile time only
};

/// The longest text that can be a version.
const MAX_VERSION_LENGTH: usize = 32;

/// The version of the library, such as "0.1.0". `SCM_VERSION` is the version of the header.
///
/// @return static text, never NULL. It stays valid.
///
/// Never blocks, and never fails.
///
/// @see scm_abi_version, scm_check_version
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The version of the binary interface of the library. `SCM_ABI_VERSION` is that of the header.
///
/// @return the number. A program that loads the library with dlopen compares it with `SCM_ABI_VERSION` before any
///   other call.
///
/// Never blocks, and never fails.
///
/// @see scm_version, scm_check_version
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_abi_version() -> u32 {
    SCM_ABI_VERSION
}

/// Checks whether the library works for a program that needs a certain version.
///
/// The rule is that of semantic versioning: the same major version and not older; before 1.0 also the same minor
/// version.
///
/// @param required  "major.minor.patch", such as `SCM_VERSION`
///
/// @return
/// - `SCM_S_OK`: it works.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the library is older, or of another major version.
/// - `SCM_E_INVALIDARG`: `required` is NULL or not a version.
///
/// Never blocks.
///
/// @see scm_version, scm_abi_version
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_check_version(required: *const c_char) -> scm_result {
    guard!(scm_check_version(text(required)), || {
        // SAFETY: as the header says.
        let required = parse(unsafe { text(required, MAX_VERSION_LENGTH).of("required") }?).of("required")?;
        let found = parse(VERSION.to_bytes())?;
        if serves(found, required) { Ok(Hresult::S_OK) } else { Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE) }
    })
}

type Version = [u32; 3];

fn parse(text: &[u8]) -> Result<Version> {
    let no_version = || refuse("is not a version as 1.2.3");
    let text = std::str::from_utf8(text).map_err(|_| no_version())?;
    let mut parts = text.split('.').map(number);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => Ok([major, minor, patch]),
        _ => Err(no_version()),
    }
}

/// A number of digits alone: `u32::from_str` would take a sign.
fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn serves(found: Version, required: Version) -> bool {
    let line = |[major, minor, _]: Version| if major == 0 { (0, minor) } else { (major, 0) };
    line(found) == line(required) && found >= required
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(parse(b"10.2.33"), Ok([10, 2, 33]));
        for wrong in
            [&b""[..], b"1", b"1.2", b"1.2.3.4", b"1.2.x", b"1..3", b"+1.2.3", b"1.2.3 ", b"1.2.4294967296", b"\xFF"]
        {
            assert_eq!(parse(wrong), Err(Hresult::E_INVALIDARG));
        }
    }

    #[test]
    fn a_version_serves_its_line_and_what_is_older() {
        assert!(serves([0, 1, 2], [0, 1, 2]) && serves([0, 1, 2], [0, 1, 0]));
        assert!(!serves([0, 1, 2], [0, 1, 3]) && !serves([0, 2, 0], [0, 1, 0]));
        assert!(serves([1, 5, 0], [1, 4, 9]) && !serves([1, 5, 0], [1, 6, 0]) && !serves([2, 0, 0], [1, 0, 0]));
    }
}
