//! A failed call of the library.

use super::c::{scm_result, scm_result_message, scm_result_name};
use super::static_text;

/// Made directly after the call, so that everything that the library tells of a failure is read here.
#[derive(Debug)]
pub struct Error {
    code: scm_result,
}

impl Error {
    pub(super) fn of(code: scm_result) -> Error {
        Error { code }
    }

    /// A failure that no call has returned. The name is one of PC/SC.
    pub fn named(name: &str) -> Error {
        // The codes of PC/SC are 80100001 and the numbers behind it.
        let mut codes = (0..0x100).map(|number| (0x8010_0000_u32 | number) as i32);
        Error { code: codes.find(|&code| name_of(code) == name).unwrap_or(-1) }
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
}
