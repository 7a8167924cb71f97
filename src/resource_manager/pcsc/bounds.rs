//! Limits for the answers of a service. Each length that it reports has a maximum, and so has each repetition that it
//! asks for. An answer beyond the maximum is an error, whatever its reason is.

use crate::abi::hresult::{Hresult, Result};

/// The greatest number of readers, or of groups. pcsc-lite has 16 readers, its next version 64; winscard has no limit.
pub(super) const MOST_NAMES: usize = 512;

/// The longest list of names: each has 127 bytes and a NUL, and a NUL ends the list.
pub(super) const LONGEST_LIST: usize = MOST_NAMES * 128 + 1;

/// How often a question is repeated because its answer has changed meanwhile.
pub(super) const TRIES: u32 = 16;

/// How often at most a question is repeated because other calls of this process may have overwritten its answer.
pub(super) const MOST_ANSWERS: usize = 1024;

/// The code for an impossible answer.
pub(super) const IMPOSSIBLE: Hresult = Hresult::SCARD_F_INTERNAL_ERROR;

/// Checks a length from the service. `DWORD` has 64 bits on some platforms, and -1 is a large number.
#[inline(always)]
pub fn length<T: TryInto<usize>>(said: T, most: usize) -> Result<usize> {
    match said.try_into() {
        Ok(length) if length <= most => Ok(length),
        _ => Err(IMPOSSIBLE),
    }
}

/// Repeats a question until there is an answer, but not for ever.
pub fn ask<T>(mut question: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    for _ in 0..TRIES {
        if let Some(answer) = question()? {
            return Ok(answer);
        }
    }
    Err(IMPOSSIBLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_a_bound() {
        assert_eq!(length(0u32, 10), Ok(0));
        assert_eq!(length(10u64, 10), Ok(10));
        for said in [11, 0xC000_0000, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            assert_eq!(length(said, 10), Err(IMPOSSIBLE));
        }
        assert_eq!(length(-1i64, 10), Err(IMPOSSIBLE));
    }

    #[test]
    fn a_question_is_asked_again_but_not_for_ever() {
        let mut asked = 0;
        let mut until = |enough: u32| {
            asked = 0;
            let answer = ask(|| {
                asked += 1;
                Ok((asked == enough).then_some(7))
            });
            (answer, asked)
        };
        assert_eq!(until(1), (Ok(7), 1));
        assert_eq!(until(TRIES), (Ok(7), TRIES));
        assert_eq!(until(0), (Err(IMPOSSIBLE), TRIES));
        assert_eq!(ask::<()>(|| Err(Hresult::SCARD_E_NO_SERVICE)), Err(Hresult::SCARD_E_NO_SERVICE));
    }
}
