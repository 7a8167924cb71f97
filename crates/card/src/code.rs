//! A code: reference data that its holder knows (a PIN, a PUK).

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::access::Condition;
use crate::bytes::Secret;
use crate::retry::RetryCounter;
use crate::status::{Result, Status};

#[derive(Clone, Debug)]
pub struct Code {
    /// 1 to 31.
    pub number: u8,
    pub counter: RetryCounter,
    /// The reference of the code that resets the counter of this one.
    pub unblock: Option<u8>,
    pub access: CodeAccess,
    form: Form,
    value: Secret,
}

/// The form of a presented code.
#[derive(Clone, Debug)]
pub enum Form {
    /// Fixed length: a shorter value is padded.
    Padded { length: usize, padding: u8 },
    /// The length of the value.
    Plain { shortest: usize, longest: usize },
}

/// The permissions of a code besides verification.
#[derive(Clone, Debug)]
pub struct CodeAccess {
    /// Condition of CHANGE REFERENCE DATA with the old value.
    pub change: Condition,
    /// Condition of CHANGE REFERENCE DATA without it.
    pub replace: Condition,
    /// Condition of RESET RETRY COUNTER without a resetting code.
    pub reset: Condition,
}

impl Code {
    pub fn new(number: u8, value: &Secret, form: Form, tries: u8, unblock: Option<u8>, access: CodeAccess) -> Code {
        let value = form.fill(value);
        Code { number, counter: RetryCounter::new(tries), unblock, access, form, value }
    }

    /// Compares `presented` with the value, and counts the try.
    pub fn verify(&mut self, presented: &[u8]) -> Result<()> {
        if self.counter.is_blocked() {
            return Err(Status::METHOD_BLOCKED);
        }
        // A wrong form costs no try.
        if presented.is_empty() || matches!(self.form, Form::Padded { length, .. } if presented.len() != length) {
            return Err(Status::WRONG_LENGTH);
        }
        let value = self.value.reveal();
        self.counter.attempt(|| bool::from(value.ct_eq(presented)))
    }

    /// The rest of `data` after a value of this code (ISO/IEC 7816-4, 11.5.7: there is no delimiter).
    pub fn split<'a>(&self, data: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
        data.split_at_checked(self.value.reveal().len()).ok_or(Status::WRONG_LENGTH)
    }

    /// True if `value` has the form of this code.
    pub fn accepts(&self, value: &[u8]) -> Result<()> {
        if self.form.accepts(value.len()) { Ok(()) } else { Err(Status::WRONG_LENGTH) }
    }

    /// Sets a new value of the right form. The counter does not change.
    pub fn replace(&mut self, value: &[u8]) {
        self.value = Secret::new(value.to_vec());
    }
}

impl Form {
    fn accepts(&self, given: usize) -> bool {
        match *self {
            Form::Padded { length, .. } => given == length,
            Form::Plain { shortest, longest } => (shortest..=longest).contains(&given),
        }
    }

    fn fill(&self, value: &Secret) -> Secret {
        let mut filled = Zeroizing::new(value.reveal().to_vec());
        if let Form::Padded { length, padding } = *self {
            // At full length from the start: a growing value would leave a copy behind.
            filled = Zeroizing::new(vec![padding; length]);
            for (place, byte) in filled.iter_mut().zip(value.reveal()) {
                *place = *byte;
            }
        }
        Secret::new(std::mem::take(&mut filled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(form: Form) -> Code {
        let access = CodeAccess { change: Condition::always(), replace: Condition::never(), reset: Condition::never() };
        Code::new(1, &Secret::new(b"1234".to_vec()), form, 3, None, access)
    }

    #[test]
    fn a_padded_code_is_compared_with_its_padding() {
        let mut code = code(Form::Padded { length: 8, padding: 0xFF });
        assert_eq!(code.verify(b"1234"), Err(Status::WRONG_LENGTH));
        assert_eq!(code.counter.left(), 3);
        assert_eq!(code.verify(b"1234\xFF\xFF\xFF\xFF"), Ok(()));
        assert_eq!(code.verify(b"1234\0\0\0\0"), Err(Status::tries_left(2)));
        assert_eq!(code.split(b"12345678abcdefgh"), Ok((&b"12345678"[..], &b"abcdefgh"[..])));
        assert_eq!(code.accepts(b"1234"), Err(Status::WRONG_LENGTH));
    }

    #[test]
    fn a_plain_code_may_change_its_length() {
        let mut code = code(Form::Plain { shortest: 4, longest: 6 });
        assert_eq!(code.verify(b"12345"), Err(Status::tries_left(2)));
        assert_eq!(code.accepts(b"123"), Err(Status::WRONG_LENGTH));
        code.replace(b"123456");
        assert_eq!(code.verify(b"123456"), Ok(()));
        assert_eq!(code.split(b"12345"), Err(Status::WRONG_LENGTH));
    }
}
