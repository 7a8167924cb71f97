//! The log of the library.

use std::ffi::{c_char, c_void};

use super::scm_result;
use crate::abi::cause::refuse;
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OfArgument, guard};
use crate::runtime::log::{self, Callback, Level, Sink};

/// No log.
pub const SCM_LOG_OFF: u32 = 0;
/// The calls of the program: a line at the beginning with the arguments, and a line at the end with the code and the
/// duration.
pub const SCM_LOG_CALLS: u32 = 1;
/// In addition each call of PC/SC: its arguments, its code and its duration.
pub const SCM_LOG_PCSC: u32 = 2;
/// In addition each command and each response, in hexadecimal and without secrets.
pub const SCM_LOG_APDUS: u32 = 3;

const _: () = assert!(
    SCM_LOG_CALLS == Level::Calls as u32 && SCM_LOG_PCSC == Level::Pcsc as u32 && SCM_LOG_APDUS == Level::Apdus as u32
);

/// A function of the program for the lines of the log.
///
/// The library calls it on any thread, also on its own threads and on several at once, and never while it holds a lock.
/// It may call the library; its own calls are not logged, and set no last error. `level` is that of the line. `line` is
/// ASCII text without an end of line, and is valid during the call.
pub type scm_log_callback =
    Option<unsafe extern "C-unwind" fn(user_data: *mut c_void, level: u32, line: *const c_char)>;

/// Sends the log of the library to a function of the program, in place of that before and of `SCM_LOG`.
///
/// A line has the time (UTC), the process and a number for the thread, the kind ("call", "pcsc", "apdu"), then ">" for
/// a beginning or "<" for an end, and the text. Lines of other kinds may come. The beginning and the end of a call have
/// the same thread. Lines about PC/SC and APDUs come before the end of their call.
///
/// Codes, keys and what proves them are never in it: commands that carry them show their header, and their responses
/// the status word. So do commands with secure messaging. Data for the reader (`scm_control`, PIN pads) show their
/// length. Other data of the card are in it.
///
/// Without this function the variable `SCM_LOG` of the environment decides, when the library is first called: "calls",
/// "pcsc" or "apdus" for stderr, "apdus:FILE" for a file, or "off". A program with the set-user-id bit ignores it.
///
/// @param callback  the function; NULL ends the log
/// @param user_data  the first argument of the callback. It must stay valid: a thread that is in a call of the library
///   may use it until that call ends.
/// @param level  `SCM_LOG_OFF` to `SCM_LOG_APDUS`; not used if `callback` is NULL
///
/// @return
/// - `SCM_S_OK`: set.
/// - `SCM_E_INVALIDARG`: `level` is not defined. The log stays as it was.
///
/// Never blocks.
///
/// @see scm_get_last_error
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_set_log(
    callback: scm_log_callback,
    user_data: *mut c_void,
    level: u32,
) -> scm_result {
    guard!(scm_set_log(callback, user_data, level), || {
        let target = match (callback, level) {
            (None, _) | (_, SCM_LOG_OFF) => None,
            (Some(function), level) => {
                let unknown = || refuse("is not a level that the header defines");
                let level = Level::from_value(level).ok_or_else(unknown).of("level")?;
                Some((Sink::Callback(Callback { function, user_data }), level))
            }
        };
        log::set(target)?;
        Ok(Hresult::S_OK)
    })
}
