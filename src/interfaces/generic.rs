//! The interfaces for every card that follows ISO/IEC 7816-4. They use `Attachment::transact`, and no memory of C but
//! outputs.
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
pub mod opening;
pub mod pin_pad;
pub mod properties;
pub mod record;
pub mod search;
pub mod selection;

use super::identity::Standard;
use super::object::Object;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::constants::SCM_FL_SECURE_MESSAGING;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::fallible::try_box;

/// Creates an object of a standard interface.
pub fn create(standard: Standard) -> Result<Object> {
    Ok(match standard {
        Standard::FileAccess => Object::FileAccess(try_box(file_access::GenericFileAccess::new())?),
        Standard::ChVerification => Object::ChVerification(try_box(ch_verification::GenericChVerification::default())?),
        Standard::CardAuth => Object::CardAuth(try_box(card_auth::GenericCardAuth)?),
    })
}

/// Checks that all flags are among the `known` ones. Secure messaging needs a provider.
fn check_flags(flags: u32, known: u32) -> Result<()> {
    if flags & SCM_FL_SECURE_MESSAGING != 0 {
        return Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE);
    }
    if flags & !known != 0 {
        return Err(refuse("has a bit that this function does not know")).of("flags");
    }
    Ok(())
}

/// The last number from 1 to `most` for which `is` holds, if it holds for all before it; 0 if it holds for none. The
/// search doubles its steps, and then halves them.
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
    fn the_last_number_is_found() {
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
