//! Translates the codes of PC/SC into those of libscm.
//!
//! Codes of PC/SC concern readers, cards and the service. The other codes of libscm concern its own objects
//! (`E_HANDLE`, `E_UNEXPECTED`), the arguments of its callers, their waits and buffers, or the status word of a card. A
//! service or driver can never cause one of these.

use pcsc::ffi::LONG;

use super::IS_PCSC_LITE;
use crate::abi::call::Call;
use crate::abi::cause;
use crate::abi::hresult::{Hresult, Result};

/// The result of a call: only 0 is a success. A LONG has 32 or 64 bits, and some platforms extend the sign of a code.
/// `answers` are the codes that this call returns as an answer; after another call they have another meaning. Any other
/// code is the cause of a failure.
#[inline(always)]
pub fn check(call: Call, code: LONG, answers: &[Hresult]) -> Result<()> {
    match code as u32 {
        0 => Ok(()),
        code => Err(failure(call, code, answers)),
    }
}

#[cold]
fn failure(call: Call, native: u32, answers: &[Hresult]) -> Hresult {
    let code = translate(native);
    if answers.contains(&code) && !REFUSALS.contains(&code) {
        return code;
    }
    let code = if answers.contains(&code) { code } else { elsewhere(code) };
    cause::note_answer(call, native, code);
    code
}

/// An answer of a call that is a failure all the same.
const REFUSALS: &[Hresult] = &[Hresult::SCARD_W_SECURITY_VIOLATION];

/// The meaning of a code that is no answer to the call.
fn elsewhere(code: Hresult) -> Hresult {
    match code {
        // To a caller of libscm these codes would concern a limit, a cancel or a buffer of its own.
        Hresult::SCARD_E_TIMEOUT => Hresult::SCARD_F_WAITED_TOO_LONG,
        Hresult::SCARD_E_CANCELLED => Hresult::SCARD_E_SYSTEM_CANCELLED,
        Hresult::SCARD_E_INSUFFICIENT_BUFFER => Hresult::SCARD_E_COMM_DATA_LOST,
        // libpcsclite reports this when a connection ends in the middle of a message: the daemon was killed.
        Hresult::SCARD_W_SECURITY_VIOLATION if IS_PCSC_LITE => Hresult::SCARD_F_COMM_ERROR,
        code => code,
    }
}

/// The code of libscm for a code of PC/SC.
fn translate(code: u32) -> Hresult {
    const FACILITY_WIN32: u32 = 0x8007_0000;
    match Hresult(code as i32) {
        // The memory of the service and that of this process have the same code.
        Hresult::SCARD_E_NO_MEMORY => Hresult::E_OUTOFMEMORY,
        // The service ends. In libscm this code means the end of this process.
        Hresult::SCARD_P_SHUTDOWN => Hresult::SCARD_E_SERVICE_STOPPED,
        // pcsc-lite before 2.0 has this number for "unsupported", and has no "unexpected".
        Hresult::SCARD_E_UNEXPECTED if cfg!(not(windows)) => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        Hresult::E_NOTIMPL => Hresult::SCARD_E_UNSUPPORTED_FEATURE,
        Hresult::E_ABORT => Hresult::SCARD_E_CANCELLED,
        Hresult::E_POINTER => Hresult::SCARD_E_INVALID_PARAMETER,
        said if SERVICE_CODES.contains(&said) => said,
        _ if code <= 0xFFFF || code & 0xFFFF_0000 == FACILITY_WIN32 => from_win32(code as u16),
        // An unknown success code, a code of another facility, or an invention of a driver.
        _ => Hresult::SCARD_F_UNKNOWN_ERROR,
    }
}

/// The codes that a service can return. The others concern directories, files, certificates, PINs and caches.
const SERVICE_CODES: &[Hresult] = &[
    Hresult::SCARD_F_INTERNAL_ERROR,
    Hresult::SCARD_E_CANCELLED,
    Hresult::SCARD_E_INVALID_HANDLE,
    Hresult::SCARD_E_INVALID_PARAMETER,
    Hresult::SCARD_E_INVALID_TARGET,
    Hresult::SCARD_F_WAITED_TOO_LONG,
    Hresult::SCARD_E_INSUFFICIENT_BUFFER,
    Hresult::SCARD_E_UNKNOWN_READER,
    Hresult::SCARD_E_TIMEOUT,
    Hresult::SCARD_E_SHARING_VIOLATION,
    Hresult::SCARD_E_NO_SMARTCARD,
    Hresult::SCARD_E_UNKNOWN_CARD,
    Hresult::SCARD_E_CANT_DISPOSE,
    Hresult::SCARD_E_PROTO_MISMATCH,
    Hresult::SCARD_E_NOT_READY,
    Hresult::SCARD_E_INVALID_VALUE,
    Hresult::SCARD_E_SYSTEM_CANCELLED,
    Hresult::SCARD_F_COMM_ERROR,
    Hresult::SCARD_F_UNKNOWN_ERROR,
    Hresult::SCARD_E_INVALID_ATR,
    Hresult::SCARD_E_NOT_TRANSACTED,
    Hresult::SCARD_E_READER_UNAVAILABLE,
    Hresult::SCARD_E_PCI_TOO_SMALL,
    Hresult::SCARD_E_READER_UNSUPPORTED,
    Hresult::SCARD_E_DUPLICATE_READER,
    Hresult::SCARD_E_CARD_UNSUPPORTED,
    Hresult::SCARD_E_NO_SERVICE,
    Hresult::SCARD_E_SERVICE_STOPPED,
    Hresult::SCARD_E_UNEXPECTED,
    Hresult::SCARD_E_UNSUPPORTED_FEATURE,
    Hresult::SCARD_E_UNKNOWN_RES_MNG,
    Hresult::SCARD_E_NO_READERS_AVAILABLE,
    Hresult::SCARD_E_COMM_DATA_LOST,
    Hresult::SCARD_E_SERVER_TOO_BUSY,
    Hresult::SCARD_W_UNSUPPORTED_CARD,
    Hresult::SCARD_W_UNRESPONSIVE_CARD,
    Hresult::SCARD_W_UNPOWERED_CARD,
    Hresult::SCARD_W_RESET_CARD,
    Hresult::SCARD_W_REMOVED_CARD,
    Hresult::SCARD_W_SECURITY_VIOLATION,
];

/// Winscard passes on Win32 errors of drivers, as they are or as HRESULTs.
fn from_win32(error: u16) -> Hresult {
    /// The numbers are those of winerror.h.
    const ERRORS: &[(u16, Hresult)] = &[
        (1, Hresult::SCARD_E_UNSUPPORTED_FEATURE), // INVALID_FUNCTION
        (5, Hresult::SCARD_W_SECURITY_VIOLATION),  // ACCESS_DENIED
        (6, Hresult::SCARD_E_INVALID_HANDLE),
        (8, Hresult::E_OUTOFMEMORY),                 // NOT_ENOUGH_MEMORY
        (14, Hresult::E_OUTOFMEMORY),                // OUTOFMEMORY
        (21, Hresult::SCARD_E_NOT_READY),            // NOT_READY
        (22, Hresult::SCARD_E_UNSUPPORTED_FEATURE),  // BAD_COMMAND
        (31, Hresult::SCARD_F_COMM_ERROR),           // GEN_FAILURE
        (50, Hresult::SCARD_E_UNSUPPORTED_FEATURE),  // NOT_SUPPORTED
        (55, Hresult::SCARD_E_READER_UNAVAILABLE),   // DEV_NOT_EXIST
        (87, Hresult::SCARD_E_INVALID_PARAMETER),    // INVALID_PARAMETER
        (120, Hresult::SCARD_E_UNSUPPORTED_FEATURE), // CALL_NOT_IMPLEMENTED
        (121, Hresult::SCARD_E_TIMEOUT),             // SEM_TIMEOUT
        (122, Hresult::SCARD_E_INSUFFICIENT_BUFFER), // INSUFFICIENT_BUFFER
        (995, Hresult::SCARD_E_CANCELLED),           // OPERATION_ABORTED
        (1117, Hresult::SCARD_F_COMM_ERROR),         // IO_DEVICE
        (1167, Hresult::SCARD_E_READER_UNAVAILABLE), // DEVICE_NOT_CONNECTED
        (1460, Hresult::SCARD_E_TIMEOUT),            // TIMEOUT
    ];
    ERRORS.iter().find(|(known, _)| *known == error).map_or(Hresult::SCARD_F_UNKNOWN_ERROR, |(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::CODES;

    fn failure_of(code: u32) -> Hresult {
        check(Call::new(c"a call"), code as LONG, &[]).expect_err("no failure is a success")
    }

    #[test]
    fn codes_are_the_same_however_wide_they_come() {
        let narrow = 0x8010_0003_u32 as LONG;
        let extended = 0x8010_0003_u32 as i32 as LONG;
        assert_eq!(check(Call::new(c"a call"), narrow, &[]), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(Call::new(c"a call"), extended, &[]), Err(Hresult::SCARD_E_INVALID_HANDLE));
        assert_eq!(check(Call::new(c"a call"), 0, &[]), Ok(()));
    }

    #[test]
    fn codes_of_drivers_and_of_memory_are_translated() {
        assert_eq!(translate(50), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        assert_eq!(translate(6), Hresult::SCARD_E_INVALID_HANDLE);
        assert_eq!(translate(0x8007_0006), Hresult::SCARD_E_INVALID_HANDLE);
        assert_eq!(translate(5), Hresult::SCARD_W_SECURITY_VIOLATION);
        assert_eq!(translate(0x8010_0006), Hresult::E_OUTOFMEMORY);
        assert_eq!(translate(0x8007_000E), Hresult::E_OUTOFMEMORY);
        assert_eq!(translate(0x8000_4001), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
        assert_eq!(translate(0x8010_0018), Hresult::SCARD_E_SERVICE_STOPPED);
        for invented in
            [2, 0xFFFF, 0x0001_0000, 0x7FFF_FFFF, 0x8000_FFFF, 0x8010_FFFF, 0x8010_006B, 0xC000_0001, u32::MAX]
        {
            assert_eq!(translate(invented), Hresult::SCARD_F_UNKNOWN_ERROR, "{invented:#X}");
        }
    }

    #[test]
    fn codes_of_waits_and_buffers_are_only_answers() {
        let answers = [Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_CANCELLED, Hresult::SCARD_E_INSUFFICIENT_BUFFER];
        let elsewhere =
            [Hresult::SCARD_F_WAITED_TOO_LONG, Hresult::SCARD_E_SYSTEM_CANCELLED, Hresult::SCARD_E_COMM_DATA_LOST];
        for (answer, elsewhere) in answers.into_iter().zip(elsewhere) {
            assert_eq!(check(Call::new(c"a call"), answer.0 as LONG, &answers), Err(answer));
            assert_eq!(failure_of(answer.0 as u32), elsewhere);
        }
    }

    /// About four million codes: all codes of the known facilities, and others.
    #[test]
    fn every_code_of_a_service_concerns_the_service() {
        let facilities =
            [0x0000, 0x0010, 0x4010, 0x8000, 0x8004, 0x8007, 0x8009, 0x800F, 0x8010, 0x8011, 0xC000, 0xC010, 0xFFFF];
        let of_facilities =
            facilities.into_iter().flat_map(|facility: u32| (0..=0xFFFF).map(move |code| facility << 16 | code));
        // The step is odd and large, so no code comes twice.
        let others = (0..3_000_000u32).map(|n| n.wrapping_mul(0x9E37_79B1));
        let ours = [Hresult::SCARD_E_TIMEOUT, Hresult::SCARD_E_CANCELLED, Hresult::SCARD_E_INSUFFICIENT_BUFFER];
        for code in of_facilities.chain(others).filter(|code| *code != 0) {
            for wide in [code as LONG, code as i32 as LONG] {
                let Err(translated) = check(Call::new(c"a call"), wide, &[]) else { panic!("{code:#X} is a success") };
                let is_known = translated == Hresult::E_OUTOFMEMORY || SERVICE_CODES.contains(&translated);
                assert!(is_known && !ours.contains(&translated), "{code:#X} is {translated:?}");
            }
        }
    }

    /// The header documents each code that a service can return.
    #[test]
    fn a_code_of_a_service_is_in_the_table_and_is_not_changed() {
        for code in SERVICE_CODES {
            assert!(CODES.iter().any(|known| known.value == *code));
            if cfg!(windows) || *code != Hresult::SCARD_E_UNEXPECTED {
                assert_eq!(translate(code.0 as u32), *code);
            }
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn the_unexpected_of_pcsc_lite_is_unsupported() {
        assert_eq!(translate(0x8010_001F), Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
}
