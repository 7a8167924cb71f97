//! The last failure of a thread: what failed, why, and what to do.

use std::cell::Cell;
use std::ffi::c_char;
use std::fmt::{self, Write};

use super::advice;
use super::scm_result;
use crate::abi::call::Call;
use crate::abi::cause::Cause;
use crate::abi::hresult::Hresult;
use crate::capi::boundary::{OfArgument, Options, OutputStructure, guard};

/// The last failure of a thread. Initialise with `SCM_LAST_ERROR_INIT`.
///
/// Each text ends with a NUL, and is empty if there is nothing to say. The texts are for a person, and may change; the
/// names and the numbers are for a program.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct scm_last_error {
    /// `sizeof(scm_last_error)`. The library writes no more than that.
    pub struct_size: u32,
    /// The code that the function has returned; 0 if no function has failed.
    pub result: scm_result,
    /// The code of PC/SC as it was returned, as an unsigned number of 32 bits; 0 if PC/SC is not the cause. A number
    /// that `scm_result_name` does not know is an invention of a driver.
    pub pcsc_code: u32,
    /// The status word of the card, SW1 and SW2 as one number, such as 0x6982; 0 if no status word is the cause.
    pub status_word: u32,
    /// The function of this library, such as "scm_attach_by_ifd".
    pub function: [c_char; 64],
    /// The argument that is wrong, as the header names it: "ifd_name", or "card.transmit" for a field of a structure.
    pub argument: [c_char; 64],
    /// The function of PC/SC, such as "SCardConnect".
    pub pcsc_function: [c_char; 32],
    /// The failure: one sentence, with the function, the name of the code and its message.
    pub what: [c_char; 256],
    /// The reason: one sentence about the argument, or about the answer of PC/SC or of the card.
    pub why: [c_char; 256],
    /// The advice for a person.
    pub advice: [c_char; 256],
}

const _: () = assert!(size_of::<scm_last_error>() == 944);

// SAFETY: repr(C), integers only without padding, as the sum of their sizes above shows, the first of them the size.
unsafe impl Options for scm_last_error {
    const FIRST_SIZE: usize = 944;
    const DEFAULT: Self = scm_last_error {
        struct_size: size_of::<Self>() as u32,
        result: 0,
        pcsc_code: 0,
        status_word: 0,
        function: [0; 64],
        argument: [0; 64],
        pcsc_function: [0; 32],
        what: [0; 256],
        why: [0; 256],
        advice: [0; 256],
    };
}

/// A failure, as it is kept: the texts are made when they are asked for.
#[derive(Clone, Copy)]
struct Failure {
    call: Call,
    code: Hresult,
    cause: Cause,
}

thread_local!(static LAST: Cell<Option<Failure>> = const { Cell::new(None) });

/// Keeps a failure of an exported function.
pub fn set(call: Call, code: Hresult, cause: Cause) {
    LAST.set(Some(Failure { call, code, cause }));
}

/// Tells what the last failed call of this thread was, why it failed, and what to do.
///
/// Every function that returns an `scm_result` below 0 sets it, for its thread; success does not change it. So call
/// this function directly after a failure. A failure of this function is one, too.
///
/// If an argument is wrong (`SCM_E_INVALIDARG`, `SCM_E_POINTER`, `SCM_E_HANDLE`), `argument` names it. If a function of
/// the program (a callback, a provider) has returned one of these codes, `argument` is empty. If PC/SC has failed,
/// `pcsc_function` and `pcsc_code` tell its call and its code. If the card has refused a command, `status_word` is
/// its answer; a card that answers to `scm_transmit` has not failed.
///
/// @param error  [out] the failure; zero behind `struct_size` after a failure of this function
///
/// @return
/// - `SCM_S_OK`: told.
/// - `SCM_S_FALSE`: no call of this thread has failed. Everything behind `struct_size` is zero.
///
/// Never blocks, and needs no memory.
///
/// @see scm_result_name, scm_result_message
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_last_error(error: *mut scm_last_error) -> scm_result {
    guard!(scm_get_last_error(error), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputStructure::new(error).within("error") }?;
        let Some(failure) = LAST.get() else { return Ok(Hresult::S_FALSE) };
        output.set(&failure.told());
        Ok(Hresult::S_OK)
    })
}

/// The end of a call for the log: its code, and why it failed.
pub struct Described(pub Hresult);

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)?;
        let Some(failure) = LAST.get().filter(|_| self.0.0 < 0) else { return Ok(()) };
        let why = failure.told().why;
        let mut letters =
            why.iter().take_while(|letter| **letter != 0).map(|letter| char::from(*letter as u8)).peekable();
        if letters.peek().is_some() {
            f.write_str(": ")?;
        }
        letters.try_for_each(|letter| f.write_char(letter))
    }
}

impl Failure {
    /// The failure as C has it.
    #[inline(never)]
    fn told(&self) -> scm_last_error {
        let Failure { call, code, cause } = self;
        let refusal = cause.refusal.filter(|refusal| refusal.code == *code);
        let status_word = cause.status_word(*code).filter(|_| refusal.is_none());
        let is_open = refusal.is_none() && status_word.is_none();
        let answer = cause.answer(*code).filter(|_| is_open && is_from_outside(*code));
        let reason = cause.reason(*code).filter(|_| is_open && answer.is_none());
        let object = call.parameters().next().filter(|_| *code == Hresult::E_HANDLE);
        let mut told = scm_last_error { result: code.0, ..scm_last_error::DEFAULT };
        let unknown = hexadecimal(code.0 as u32);
        let (name, message) = match code.lookup() {
            Some(row) => (row.name.to_str().unwrap_or_default(), row.message.to_str().unwrap_or_default()),
            None => (as_text(&unknown), "This code is not one of libscm's."),
        };
        put(&mut told.function, &[call.name()]);
        put(&mut told.what, &[call.name(), " failed with ", name, ": ", message]);
        if let Some(refusal) = refusal {
            put(&mut told.argument, &refusal.name());
            let [argument, dot, field, suffix] = refusal.name();
            put(&mut told.why, &[argument, dot, field, suffix, " ", refusal.why, "."]);
        } else if let Some(object) = object {
            put(&mut told.argument, &[object]);
            put(&mut told.why, &[object, " is NULL, has ended, or is of another kind."]);
        } else if let Some(status_word) = status_word {
            told.status_word = status_word.into();
            let [_, _, _, _, _, _, digits @ ..] = hexadecimal(status_word.into());
            let (sw1, sw2) = as_text(&digits).split_at(2);
            put(&mut told.why, &["The card answered ", sw1, " ", sw2, "."]);
        } else if let Some(answer) = answer {
            told.pcsc_code = answer.native;
            put(&mut told.pcsc_function, &[answer.call.name()]);
            put(&mut told.why, &[answer.call.name(), " returned ", as_text(&hexadecimal(answer.native)), "."]);
        } else if let Some(reason) = reason {
            put(&mut told.why, &[reason.why]);
        } else if matches!(*code, Hresult::E_INVALIDARG | Hresult::E_POINTER) {
            put(&mut told.why, &["A function of the program (a callback or a provider) has returned it."]);
        }
        put(&mut told.advice, &[advice::on(*code, refusal.as_ref(), reason.as_ref(), status_word)]);
        told
    }
}

/// Whether PC/SC can be the cause of this code. The codes of arguments and handles are the library's own.
fn is_from_outside(code: Hresult) -> bool {
    !matches!(code, Hresult::E_INVALIDARG | Hresult::E_POINTER | Hresult::E_HANDLE | Hresult::E_UNEXPECTED)
}

/// 0x and eight digits.
#[inline(never)]
fn hexadecimal(number: u32) -> [u8; 10] {
    let mut text = *b"0x00000000";
    for (place, digit) in text.iter_mut().rev().take(8).zip(0..) {
        *place = b"0123456789ABCDEF".get((number >> (4 * digit) & 0xF) as usize).copied().unwrap_or_default();
    }
    text
}

fn as_text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Writes texts and a NUL into memory that is zero. Texts that do not fit end early, and not within a character.
#[inline(never)]
fn put(to: &mut [c_char], texts: &[&str]) {
    let room = to.len() - 1;
    let mut used = 0;
    for text in texts {
        let end = (0..=text.len().min(room - used)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        for (place, byte) in to.iter_mut().skip(used).zip(text.bytes().take(end)) {
            *place = byte as c_char;
        }
        used += end;
        if end < text.len() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::cause::{note_answer, refuse};
    use crate::abi::hresult::Result;
    use crate::capi::boundary::guard;
    use crate::iso7816::status_word::StatusWord;

    fn text(of: &[c_char]) -> String {
        of.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8 as char).collect()
    }

    fn last_error() -> (scm_result, scm_last_error) {
        let mut error = scm_last_error::DEFAULT;
        // SAFETY: the structure is ours.
        let result = unsafe { scm_get_last_error(&mut error) };
        (result, error)
    }

    fn fail(body: fn() -> Result<Hresult>) -> scm_last_error {
        let handle = 0usize;
        assert!(guard!(scm_lock(handle), body) < 0);
        let (result, error) = last_error();
        assert_eq!((result, text(&error.function)), (0, "scm_lock".to_string()));
        error
    }

    #[test]
    fn a_thread_without_a_failure_has_no_last_error() {
        std::thread::spawn(|| {
            let (result, error) = last_error();
            assert_eq!((result, error.result, text(&error.what)), (1, 0, String::new()));
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_argument_is_named() {
        let error = fail(|| Err(refuse("is NULL: a function is required")).of("transmit").within("card"));
        assert_eq!(text(&error.argument), "card.transmit");
        assert_eq!(text(&error.why), "card.transmit is NULL: a function is required.");
        assert_eq!(text(&error.what), "scm_lock failed with SCM_E_INVALIDARG: An argument is invalid.");
        assert!(!text(&error.advice).is_empty());
        let error = fail(|| Err(Hresult::E_HANDLE));
        assert_eq!(text(&error.argument), "handle");
        let error = fail(|| Err(Hresult::E_INVALIDARG));
        assert!(text(&error.argument).is_empty() && text(&error.why).contains("callback"));
    }

    #[test]
    fn the_answer_of_pcsc_is_told() {
        let error = fail(|| {
            note_answer(Call::new(c"SCardConnect hcontext"), 0x8010_000B, Hresult::SCARD_E_SHARING_VIOLATION);
            Err(Hresult::SCARD_E_SHARING_VIOLATION)
        });
        assert_eq!((text(&error.pcsc_function), error.pcsc_code), ("SCardConnect".to_string(), 0x8010_000B));
        assert_eq!(text(&error.why), "SCardConnect returned 0x8010000B.");
    }

    #[test]
    fn the_answer_of_the_card_is_told() {
        let error = fail(|| {
            note_answer(Call::new(c"SCardConnect hcontext"), 6, Hresult::SCARD_E_INVALID_HANDLE);
            Err(StatusWord(0x6982).failure())
        });
        assert_eq!((error.status_word, error.pcsc_code), (0x6982, 0));
        assert_eq!(text(&error.why), "The card answered 69 82.");
        assert!(!text(&error.advice).contains("polkit"), "the card refuses, not polkit");
        // The library has gone on after a refusal, and has failed later.
        let error = fail(|| {
            StatusWord(0x6A82).failure();
            Err(Hresult::SCARD_W_REMOVED_CARD)
        });
        assert_eq!((error.status_word, text(&error.why)), (0, String::new()));
    }

    #[test]
    fn a_cause_that_a_success_has_left_does_not_explain_a_later_failure() {
        let handle = 0usize;
        let succeeded = guard!(scm_unlock(handle), || {
            note_answer(Call::new(c"SCardStatus hcard"), 6, Hresult::SCARD_E_INVALID_HANDLE);
            Ok(Hresult::S_OK)
        });
        let error = fail(|| Err(Hresult::SCARD_E_NOT_TRANSACTED));
        assert_eq!((succeeded, text(&error.why), error.pcsc_code), (0, String::new(), 0));
    }

    #[test]
    fn a_text_that_is_too_long_ends_with_a_whole_character_and_a_nul() {
        for (text, fitting) in [("abc", "abc"), ("abcd", "abcd"), ("abcde", "abcd"), ("abcä", "abc"), ("äää", "ää")]
        {
            let mut room = [0; 5];
            put(&mut room, &[text]);
            let length = room.iter().position(|byte| *byte == 0).unwrap();
            let bytes: Vec<_> = room.iter().take(length).map(|byte| *byte as u8).collect();
            assert_eq!(bytes, fitting.as_bytes(), "{text}");
        }
        let mut room = [0; 5];
        put(&mut room, &["abcdef", "g"]);
        assert_eq!(text(&room), "abcd");
    }
}
