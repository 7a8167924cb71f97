//! Answers of callbacks: bytes, in a buffer of the library's.

use std::ffi::c_void;

use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::command::MAX_RESPONSE;
use crate::runtime::callback::{THREAD_ENDED, call};

/// Answers a control code.
pub type Control = unsafe extern "C-unwind" fn(*mut c_void, u32, *const u8, usize, *mut u8, usize, *mut usize) -> i32;

/// Calls a callback that answers control codes, which is the caller's to call now, and replaces `response` by its answer.
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
        // SAFETY: the program vouches for its callback, and the callback_lock for one call at a time; the buffers are as long as is said.
        answer =
            call(|| unsafe { callback(user, code, input.as_ptr(), input.len(), room, capacity, length) }, THREAD_ENDED);
        answer
    });
    match Hresult(answer) {
        // The one thing that a reader says of a code that it does not know.
        Hresult::E_NOTIMPL | Hresult::SCARD_E_UNSUPPORTED_FEATURE => Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        _ => filled,
    }
}

/// Lets a callback write to `response`, whose capacity is the room that there is.
pub fn fill(response: &mut Vec<u8>, callback: impl FnOnce(*mut u8, usize, *mut usize) -> i32) -> Result<()> {
    response.clear();
    let (capacity, mut length) = (response.capacity().min(MAX_RESPONSE), 0);
    let answer = callback(response.as_mut_ptr(), capacity, &mut length);
    if answer < 0 || length > capacity {
        return Err(Hresult::SCARD_E_NOT_TRANSACTED);
    }
    // SAFETY: not more than the capacity, and the program vouches that its callback has written as much as it says.
    unsafe { response.set_len(length) };
    Ok(())
}
