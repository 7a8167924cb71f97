//! The interfaces that ISCardManage creates, for any card that keeps to ISO/IEC 7816-4: files, codes, authentication. They stand
//! on `Attachment::converse`, and know nothing of C.
#![forbid(unsafe_code)]

pub mod binary;
pub mod card_auth;
pub mod ch_verification;
pub mod cipher;
pub mod code;
pub mod control_parameters;
pub mod creation;
pub mod directory;
pub mod file;
pub mod file_access;
pub mod information;
pub mod pin_pad;
pub mod properties;
pub mod record;
pub mod search;
pub mod selection;

use crate::abi::hresult::Result;

/// The last number from 1 to `most` for which there `is` something, if that is so for all before it; 0 if there is none. Asked in
/// doubling steps, and then by halves.
fn last_of(most: u64, mut is: impl FnMut(u64) -> Result<bool>) -> Result<u64> {
    let (mut last, mut step) = (0, 1);
    while last + step <= most && is(last + step)? {
        last += step;
        step *= 2;
    }
    while step > 1 {
        step /= 2;
        if last + step <= most && is(last + step)? {
            last += step;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_found() {
        for most in [0, 1, 2, 3, 10, 254] {
            for last in 0..=most {
                let mut asked = 0;
                let found = last_of(most, |number| {
                    asked += 1;
                    assert!((1..=most).contains(&number));
                    Ok(number <= last)
                });
                assert_eq!(found, Ok(last), "of {most}");
                assert!(asked <= 16);
            }
        }
    }
}
