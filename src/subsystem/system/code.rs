//! The codes of PC/SC, as the platform says them, and the codes of libscm for them.

use pcsc::ffi::LONG;

use super::IS_PCSC_LITE;
use crate::hresult::{Hresult, Result};

/// The outcome of a call: 0 is its only success. A LONG has 32 or 64 bits, and a code in it is sign-extended or not.
#[inline(always)]
pub fn check(code: LONG) -> Result<()> {
    match code as u32 {
        0 => Ok(()),
        code => Err(failure(code)),
    }
}

#[cold]
fn failure(code: u32) -> Hresult {
    match translate(code) {
        // What libpcsclite makes of a connection that ends in the middle of a message: the daemon was killed.
        Hresult::SCARD_W_SECURITY_VIOLATION if IS_PCSC_LITE => Hresult::SCARD_F_COMM_ERROR,
        code => code,
    }
}

/// The code of libscm for a failure that PC/SC tells by this code.
pub fn translate(code: u32) -> Hresult {
    match Hresult(code as i32) {
        // One thing, one code: the memory of the service and ours.
        Hresult::SCARD_E_NO_MEMORY => Hresult::E_OUTOFMEMORY,
        // pcsc-lite before 2.0 uses the number of "unexpected" for "unsupported", and has no "unexpected".
        Hresult::SCARD_E_UNEXPECTED if cfg!(not(windows)) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        _ if code <= 0xFFFF => from_win32(code as u16),
        code if code.0 < 0 => code,
        // A success that is none, of a driver that makes up codes.
        _ => Hresult::SCARD_F_UNKNOWN_ERROR,
    }
}

/// Winscard lets Win32 errors of the drivers through.
fn from_win32(error: u16) -> Hresult {
    const ERROR_INVALID_HANDLE: u16 = 6;
    const ERROR_GEN_FAILURE: u16 = 31;
    const ERROR_NOT_SUPPORTED: u16 = 50;
    const ERROR_INSUFFICIENT_BUFFER: u16 = 122;
    match error {
        ERROR_INVALID_HANDLE => Hresult::SCARD_E_INVALID_HANDLE,
        ERROR_GEN_FAILURE => Hresult::SCARD_F_COMM_ERROR,
        ERROR_NOT_SUPPORTED => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        ERROR_INSUFFICIENT_BUFFER => Hresult::SCARD_E_INSUFFICIENT_BUFFER,
        error => Hresult::from_win32(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_same_however_wide_they_come() {
        let narrow = 0x8010_0003_u32 as LONG;
        let extended = 0x8010_0003_u32 as i32 as LONG;
        assert_eq!(check(narrow), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(extended), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(0), Ok(()));
    }

    #[test]
    fn codes_of_drivers_and_of_memory_have_a_code_of_ours() {
        assert_eq!(translate(50), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        assert_eq!(translate(6), Hresult::SCARD_E_INVALID_HANDLE);
        assert_eq!(translate(5), Hresult::E_ACCESSDENIED);
        assert_eq!(translate(0x8010_0006), Hresult::E_OUTOFMEMORY);
        assert_eq!(translate(0x0001_0000), Hresult::SCARD_F_UNKNOWN_ERROR);
    }

    #[cfg(not(windows))]
    #[test]
    fn the_unexpected_of_pcsc_lite_is_unsupported() {
        assert_eq!(translate(0x8010_001F), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
}
