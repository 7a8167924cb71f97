//! A failed call of the library.

use std::ffi::c_char;

use super::c::{Options, scm_get_last_error, scm_last_error, scm_result, scm_result_message, scm_result_name};
use super::static_text;
use crate::status_word;

/// Made directly after the call, because the next failure of the thread takes the place of its last error.
#[derive(Debug)]
pub struct Error {
    code: scm_result,
    told: Box<Told>,
}

/// The last error of the library, without its code. Each text is empty if there is nothing to say.
#[derive(Debug, Default)]
pub struct Told {
    /// The function that has failed.
    pub function: String,
    /// The argument that is wrong.
    pub argument: String,
    pub why: String,
    /// For the author of a program, too: `advice` makes it one for the user of this program.
    pub advice: String,
    pub pcsc_function: String,
    /// 0 if PC/SC is not the cause.
    pub pcsc_code: u32,
    /// 0 if no answer of the card is the cause.
    pub status_word: u32,
}

impl Error {
    pub(super) fn of(code: scm_result) -> Error {
        Error {
            code,
            told: Box::new(last().filter(|last| last.result == code).as_ref().map(Told::of).unwrap_or_default()),
        }
    }

    /// A code that has no last error.
    pub(super) fn bare(code: scm_result) -> Error {
        Error { code, told: Box::default() }
    }

    /// A failure that no call has returned. The name is one of PC/SC.
    pub fn named(name: &str) -> Error {
        // The codes of PC/SC are 80100001 and the numbers behind it.
        let mut codes = (0..0x100).map(|number| (0x8010_0000_u32 | number) as i32);
        Error::bare(codes.find(|&code| name_of(code) == name).unwrap_or(-1))
    }

    /// The name of the code, such as `SCM_SCARD_E_NO_SMARTCARD`.
    pub fn name(&self) -> &'static str {
        name_of(self.code)
    }

    pub fn is(&self, name: &str) -> bool {
        self.name() == name
    }

    /// One sentence.
    pub fn message(&self) -> &'static str {
        static_text(scm_result_message(self.code))
    }

    pub fn told(&self) -> &Told {
        &self.told
    }

    #[cfg(test)]
    pub fn telling(name: &str, told: Told) -> Error {
        Error { told: Box::new(told), ..Error::named(name) }
    }
}

fn last() -> Option<scm_last_error> {
    let mut error = scm_last_error::DEFAULT;
    // SAFETY: the structure has its size.
    (unsafe { scm_get_last_error(&mut error) } == super::S_OK).then_some(error)
}

impl Told {
    /// The reason, with the meaning of a status word. The message of the code has that of a counter (63CX) already.
    pub fn why(&self) -> String {
        match u16::try_from(self.status_word) {
            Ok(word @ 1..) if word >> 4 != 0x63C => {
                format!("{}: {}.", self.why.trim_end_matches('.'), status_word::explain(word))
            }
            _ => self.why.clone(),
        }
    }

    fn of(error: &scm_last_error) -> Told {
        Told {
            function: own_text(&error.function),
            argument: own_text(&error.argument),
            why: own_text(&error.why),
            advice: own_text(&error.advice),
            pcsc_function: own_text(&error.pcsc_function),
            pcsc_code: error.pcsc_code,
            status_word: error.status_word,
        }
    }
}

/// The text before the NUL.
fn own_text(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The name of any code.
pub fn name_of(code: scm_result) -> &'static str {
    static_text(scm_result_name(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_the_code_and_its_message() {
        let error = Error::named("SCM_SCARD_E_NO_SMARTCARD");
        assert!(error.is("SCM_SCARD_E_NO_SMARTCARD"));
        assert_eq!(error.message(), "No card is in the reader.");
        assert!(Error::named("SCM_SCARD_W_REMOVED_CARD").is("SCM_SCARD_W_REMOVED_CARD"));
    }

    #[test]
    fn the_answer_of_a_card_has_its_meaning() {
        let why = |status_word| Told { why: "The card answered.".into(), status_word, ..Told::default() }.why();
        assert_eq!(why(0x6700), "The card answered: wrong length.");
        assert_eq!((why(0x63C2).as_str(), why(0).as_str()), ("The card answered.", "The card answered."));
    }

    #[test]
    fn a_failed_call_tells_its_function_and_its_argument() {
        // SAFETY: any value is allowed.
        let code = unsafe { super::super::c::scm_reconnect(std::ptr::null_mut()) };
        let error = Error::of(code);
        let told = error.told();
        assert_eq!(
            (error.name(), told.function.as_str(), told.argument.as_str()),
            ("SCM_E_HANDLE", "scm_reconnect", "handle")
        );
        assert!(told.why.starts_with("handle is NULL"), "{}", told.why);
        assert!(Error::of(code + 1).told().function.is_empty(), "the last error is of another code");
    }
}
