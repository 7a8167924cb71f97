//! The functions of libscm as methods of Rust. Everything unsafe of this program is in this folder.

mod attachment;
mod c;
mod codes;
mod error;
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
pub use error::{Error, Told, name_of};
pub use files::{File, Files, Kind};
pub use monitor::{Event, EventKind, Monitor, Usage};
pub use reader::readers;
pub use virtual_card::VirtualCard;

use c::{scm_result, scm_version};

pub type Result<T> = std::result::Result<T, Error>;

/// There is no card in the reader.
pub const NO_SMARTCARD: &str = "SCM_SCARD_E_NO_SMARTCARD";
/// The end of a file.
pub const EOF: &str = "SCM_SCARD_W_EOF";
/// The time limit has passed.
pub const TIMEOUT: &str = "SCM_SCARD_E_TIMEOUT";
/// Another program has the card.
pub const SHARING_VIOLATION: &str = "SCM_SCARD_E_SHARING_VIOLATION";

const INSUFFICIENT_BUFFER: &str = "SCM_SCARD_E_INSUFFICIENT_BUFFER";
const S_OK: scm_result = 0;

pub fn version() -> &'static str {
    static_text(scm_version())
}

fn static_text(text: *const c_char) -> &'static str {
    // SAFETY: the functions above promise static text that is never NULL.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?")
}

/// Called directly after the function, so that its failure is the last one.
fn check(code: scm_result) -> Result<()> {
    if code < 0 { Err(Error::of(code)) } else { Ok(()) }
}

/// A text for the library. A NUL inside would end it; the character in its place is in no name, path or description.
fn text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{FFFD}")).unwrap_or_default()
}

/// Calls a function with (buffer, capacity, length) until its answer fits, which may grow between two calls.
fn grow(first: usize, mut call: impl FnMut(*mut u8, usize, *mut usize) -> scm_result) -> Result<(scm_result, Vec<u8>)> {
    let mut buffer = vec![0; first];
    loop {
        let mut length = 0;
        let code = call(buffer.as_mut_ptr(), buffer.len(), &mut length);
        if code < 0 && name_of(code) == INSUFFICIENT_BUFFER && length > buffer.len() {
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
