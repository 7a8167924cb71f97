//! The functions of libscm as methods of Rust. Everything unsafe of this program is in this folder.

mod attachment;
mod c;
mod codes;
mod files;
mod monitor;
mod reader;
mod virtual_card;

use std::ffi::{CStr, CString, c_char};

pub use attachment::{Attachment, Share};
pub use c::{
    SCM_ATTR_VENDOR_IFD_SERIAL_NO, SCM_ATTR_VENDOR_IFD_TYPE, SCM_ATTR_VENDOR_IFD_VERSION, SCM_ATTR_VENDOR_NAME,
};
pub use codes::{CodeFormat, Codes, Encoding, Presented, Reference, Secret};
pub use files::{File, Files, Kind};
pub use monitor::{Event, EventKind, Monitor};
pub use reader::{Readers, readers};
pub use virtual_card::VirtualCard;

use c::{scm_result, scm_result_message, scm_result_name, scm_version};

/// A failed call: its code.
pub type Result<T> = std::result::Result<T, scm_result>;

/// There is no card in the reader.
pub const NO_SMARTCARD: &str = "SCM_SCARD_E_NO_SMARTCARD";
/// The end of a file.
pub const EOF: &str = "SCM_SCARD_W_EOF";

const INSUFFICIENT_BUFFER: &str = "SCM_SCARD_E_INSUFFICIENT_BUFFER";
const S_OK: scm_result = 0;

/// The name of a code, such as `SCM_SCARD_E_NO_SMARTCARD`.
pub fn name(code: scm_result) -> &'static str {
    static_text(scm_result_name(code))
}

/// The sentence of a code.
pub fn message(code: scm_result) -> &'static str {
    static_text(scm_result_message(code))
}

/// The code of a name; it is one of the table.
pub fn code(name: &str) -> scm_result {
    // The codes of PC/SC are 80100001 and the numbers behind it.
    let codes = (0..0x100).map(|number| (0x8010_0000_u32 | number) as i32);
    codes.into_iter().find(|&code| self::name(code) == name).unwrap_or(-1)
}

pub fn version() -> &'static str {
    static_text(scm_version())
}

fn static_text(text: *const c_char) -> &'static str {
    // SAFETY: the functions above promise static text that is never NULL.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?")
}

fn check(code: scm_result) -> Result<()> {
    if code < 0 { Err(code) } else { Ok(()) }
}

/// A text for the library. One with a NUL inside is none that the library knows, like an empty one.
fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// Calls a function with (buffer, capacity, length) until its answer fits, which may grow between two calls.
fn grow(first: usize, mut call: impl FnMut(*mut u8, usize, *mut usize) -> scm_result) -> Result<(scm_result, Vec<u8>)> {
    let mut buffer = vec![0; first];
    loop {
        let mut length = 0;
        let code = call(buffer.as_mut_ptr(), buffer.len(), &mut length);
        if code < 0 && name(code) == INSUFFICIENT_BUFFER && length > buffer.len() {
            buffer = vec![0; length];
            continue;
        }
        check(code)?;
        buffer.truncate(length);
        return Ok((code, buffer));
    }
}

/// The texts of a multi-string.
fn texts(multi_string: &[u8]) -> Vec<String> {
    let parts = multi_string.split(|&byte| byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}
