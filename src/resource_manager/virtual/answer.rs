//! Answers of callbacks: bytes, in a buffer of the library.

use std::ffi::c_void;

use crate::abi::cause::explain;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_RESPONSE;
use crate::runtime::callback::{THREAD_ENDED, call};

/// Answers a control code.
pub type Control = unsafe extern "C-unwind" fn(*mut c_void, u32, *const u8, usize, *mut u8, usize, *mut usize) -> i32;

/// Calls the callback for control codes, and replaces `response` by its answer. The caller has the right to call it.
pub fn control(
    callback: Option<Control>,
    user: *mut c_void,
    code: u32,
    input: &[u8],
    response: &mut Vec<u8>,
) -> Result<()> {
    let callback = callback.ok_or(Hresult::SCARD_E_UNSUPPORTED_FEATURE)?;
    let mut answer = 0;
    let filled = fill(response, |room, capacity, length| {
        // SAFETY: the program guarantees its callback, and `CallbackLock` allows one call at a time; the buffers have
        // the given lengths.
        answer =
            call(|| unsafe { callback(user, code, input.as_ptr(), input.len(), room, capacity, length) }, THREAD_ENDED);
        answer
    });
    match Hresult(answer) {
        // The code of a reader for an unknown control code.
        Hresult::E_NOTIMPL | Hresult::SCARD_E_UNSUPPORTED_FEATURE => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        _ => filled,
    }
}

/// Lets a callback write to `response`, up to its capacity.
pub fn fill(response: &mut Vec<u8>, callback: impl FnOnce(*mut u8, usize, *mut usize) -> i32) -> Result<()> {
    response.clear();
    let (capacity, mut length) = (response.capacity().min(MAX_RESPONSE), 0);
    let answer = callback(response.as_mut_ptr(), capacity, &mut length);
    if answer < 0 || length > capacity {
        let why = "A callback of the virtual card or reader has failed, or has told a length above its capacity.";
        return Err(explain(Hresult::SCARD_E_NOT_TRANSACTED, why, ""));
    }
    // SAFETY: not more than the capacity, and the program guarantees that its callback has written that many bytes.
    unsafe { response.set_len(length) };
    Ok(())
}
