//! The cause of a failure, kept for its thread until the exported function returns: which argument is wrong and why,
//! and what PC/SC or the card has answered.
//!
//! A code says what failed, and travels up through the layers. The cause is beside it, so that success costs nothing:
//! only failures come here. The end of an exported function takes the cause (`capi::boundary`).

use std::cell::Cell;

use super::call::Call;
use super::call_end;
use super::hresult::{Hresult, Result};

/// A refused argument.
#[derive(Clone, Copy)]
pub struct Refusal {
    pub code: Hresult,
    argument: &'static str,
    /// The field, if the argument points to a structure.
    field: &'static str,
    /// "_length", if the length is refused and not the pointer before it.
    suffix: &'static str,
    pub why: &'static str,
}

impl Refusal {
    /// The name of the argument, in parts: "options.key_length", for example.
    pub fn name(&self) -> [&'static str; 4] {
        [self.argument, if self.field.is_empty() { "" } else { "." }, self.field, self.suffix]
    }

    /// Whether this field of a structure is refused.
    pub fn is_of_field(&self, field: &str) -> bool {
        self.field == field
    }
}

/// A failed call of PC/SC.
#[derive(Clone, Copy)]
pub struct NativeAnswer {
    pub call: Call,
    /// As PC/SC has returned it.
    pub native: u32,
    /// The code of this library for it.
    pub code: Hresult,
}

/// A status word of the card that is a failure.
#[derive(Clone, Copy)]
struct CardAnswer {
    status_word: u16,
    /// The code of this library for it.
    code: Hresult,
}

/// Why this library itself has failed with a code.
#[derive(Clone, Copy)]
pub struct Reason {
    code: Hresult,
    /// A sentence.
    pub why: &'static str,
    /// A sentence, or empty for the usual advice on the code.
    pub advice: &'static str,
}

/// The known causes of a failure.
#[derive(Clone, Copy)]
pub struct Cause {
    pub refusal: Option<Refusal>,
    reason: Option<Reason>,
    card: Option<CardAnswer>,
    first: Option<NativeAnswer>,
    last: Option<NativeAnswer>,
}

impl Cause {
    /// Nothing is known.
    pub const fn none() -> Cause {
        Cause { refusal: None, reason: None, card: None, first: None, last: None }
    }

    /// The last reason for this code.
    pub fn reason(&self, code: Hresult) -> Option<Reason> {
        self.reason.filter(|reason| reason.code == code)
    }

    /// The last status word with this code.
    pub fn status_word(&self, code: Hresult) -> Option<u16> {
        self.card.filter(|card| card.code == code).map(|card| card.status_word)
    }

    /// The answer of PC/SC that explains `code`: the last one with this code, or else the first one. After a failure
    /// the library asks PC/SC once more, and the answer to that may be the code of the failure.
    pub fn answer(&self, code: Hresult) -> Option<NativeAnswer> {
        self.last.filter(|answer| answer.code == code).or(self.first)
    }
}

thread_local! {
    static CAUSE: Cell<Cause> = const { Cell::new(Cause::none()) };
    /// Whether this thread has a cause, and `call_end` knows it.
    static IS_NOTED: Cell<bool> = const { Cell::new(false) };
}

#[cold]
#[inline(never)]
fn note(change: impl FnOnce(&mut Cause)) {
    let mut cause = CAUSE.get();
    change(&mut cause);
    CAUSE.set(cause);
    if !IS_NOTED.replace(true) {
        call_end::expect();
    }
}

/// The cause of this thread, which has none afterwards.
pub fn take() -> Cause {
    if IS_NOTED.replace(false) {
        call_end::forget();
    }
    CAUSE.replace(Cause::none())
}

/// Takes over the cause of a call that another thread has made for this one.
pub fn take_over(cause: Cause) {
    let is_known = cause.refusal.is_some() || cause.reason.is_some() || cause.card.is_some() || cause.first.is_some();
    if is_known {
        note(|own| *own = cause);
    }
}

/// `E_INVALIDARG`, and why: half a sentence that follows the name of the argument.
#[cold]
#[inline(never)]
pub fn refuse(why: &'static str) -> Hresult {
    refuse_with(Hresult::E_INVALIDARG, "", why)
}

/// As `refuse`, for the length of the argument.
#[cold]
#[inline(never)]
pub fn refuse_length(why: &'static str) -> Hresult {
    refuse_with(Hresult::E_INVALIDARG, "_length", why)
}

/// `E_POINTER`: the output is NULL.
#[cold]
#[inline(never)]
pub fn refuse_null() -> Hresult {
    refuse_with(Hresult::E_POINTER, "", "is NULL")
}

/// `E_POINTER`: the output for the length is NULL.
#[cold]
#[inline(never)]
pub fn refuse_null_length() -> Hresult {
    refuse_with(Hresult::E_POINTER, "_length", "is NULL")
}

/// `E_POINTER`: the buffer is NULL, and has a capacity.
#[cold]
#[inline(never)]
pub fn refuse_null_buffer() -> Hresult {
    refuse_with(Hresult::E_POINTER, "", "is NULL, and its capacity is not 0")
}

#[cold]
fn refuse_with(code: Hresult, suffix: &'static str, why: &'static str) -> Hresult {
    note(|cause| cause.refusal = Some(Refusal { code, argument: "", field: "", suffix, why }));
    code
}

/// Gives a failure of a virtual reader its reason.
#[cold]
#[inline(never)]
pub fn explain(code: Hresult, why: &'static str, advice: &'static str) -> Hresult {
    note(|cause| cause.reason = Some(Reason { code, why, advice }));
    code
}

/// Notes a status word of the card, and the code for it.
#[cold]
pub fn note_status_word(status_word: u16, code: Hresult) {
    note(|cause| cause.card = Some(CardAnswer { status_word, code }));
}

/// Notes a failed call of PC/SC.
#[cold]
pub fn note_answer(call: Call, native: u32, code: Hresult) {
    let answer = NativeAnswer { call, native, code };
    note(|cause| {
        cause.first.get_or_insert(answer);
        cause.last = Some(answer);
    });
}

/// Names the argument of a check that may have refused it.
pub trait OfArgument {
    /// Names the argument, or the field of a structure, unless it has a name.
    fn of(self, name: &'static str) -> Self;

    /// As `of`, where `name` is the length of the bytes or the text.
    fn of_length(self, name: &'static str) -> Self;

    /// Names the argument that points to the structure whose field is named.
    fn within(self, argument: &'static str) -> Self;
}

impl<T> OfArgument for Result<T> {
    #[inline(always)]
    fn of(self, name: &'static str) -> Self {
        if self.is_err() {
            name_argument(name);
        }
        self
    }

    #[inline(always)]
    fn of_length(self, name: &'static str) -> Self {
        if self.is_err() {
            name_length(name);
        }
        self
    }

    #[inline(always)]
    fn within(self, argument: &'static str) -> Self {
        if self.is_err() {
            name_structure(argument);
        }
        self
    }
}

#[cold]
#[inline(never)]
fn name_argument(name: &'static str) {
    rename(|refusal| {
        if refusal.argument.is_empty() {
            refusal.argument = name;
        }
    });
}

#[cold]
#[inline(never)]
fn name_length(name: &'static str) {
    rename(|refusal| {
        if refusal.argument.is_empty() {
            (refusal.argument, refusal.suffix) = (name, "");
        }
    });
}

#[cold]
#[inline(never)]
fn name_structure(name: &'static str) {
    rename(|refusal| {
        if refusal.argument.is_empty() {
            refusal.argument = name;
        } else if refusal.field.is_empty() {
            (refusal.argument, refusal.field) = (name, refusal.argument);
        }
    });
}

fn rename(change: impl FnOnce(&mut Refusal)) {
    let mut cause = CAUSE.get();
    if let Some(refusal) = &mut cause.refusal {
        change(refusal);
        CAUSE.set(cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(refused: Result<()>) -> String {
        assert!(refused.is_err());
        take().refusal.map_or_else(String::new, |refusal| refusal.name().concat())
    }

    #[test]
    fn names_are_put_together_from_inside() {
        assert_eq!(name(Err(refuse("is too long")).of("path")), "path");
        assert_eq!(name(Err(refuse_length("is too long")).of("data")), "data_length");
        assert_eq!(name(Err(refuse("is wrong")).of("share_mode").within("options")), "options.share_mode");
        assert_eq!(name(Err(refuse_length("is wrong")).of("key").within("options")), "options.key_length");
        assert_eq!(name(Err(refuse("is wrong")).of("reference_type").of("path")), "reference_type");
        assert_eq!(name(Err(refuse_length("is wrong")).of_length("attribute_count")), "attribute_count");
        assert_eq!(name(Err(refuse_null()).of("handle")), "handle");
    }

    #[test]
    fn the_code_of_another_gets_no_name() {
        assert_eq!(name(Err(Hresult::E_INVALIDARG).of("path").within("options")), "");
    }

    #[test]
    fn the_answer_with_the_code_of_the_failure_explains_it() {
        let (vague, true_code) = (Hresult::SCARD_F_COMM_ERROR, Hresult::SCARD_W_REMOVED_CARD);
        note_answer(Call::new(c"SCardTransmit"), 0x8010_002F, vague);
        note_answer(Call::new(c"SCardStatus"), 0x8010_0069, true_code);
        let cause = take();
        let function = |code| cause.answer(code).unwrap().call.name();
        assert_eq!((function(true_code), function(vague)), ("SCardStatus", "SCardTransmit"));
        assert_eq!(function(Hresult::E_FAIL), "SCardTransmit");
        assert!(take().answer(vague).is_none());
    }

    #[test]
    fn a_cause_goes_to_the_thread_that_waits_for_the_call() {
        let noted = std::thread::spawn(|| {
            note_answer(Call::new(c"SCardBeginTransaction"), 6, Hresult::SCARD_E_INVALID_HANDLE);
            take()
        });
        take_over(noted.join().unwrap());
        assert_eq!(take().answer(Hresult::SCARD_E_INVALID_HANDLE).unwrap().native, 6);
    }
}
