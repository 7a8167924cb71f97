//! The codes of a card, as a provider has them.

use std::ffi::c_void;

use super::object::{Provided, address};
use crate::abi::functions::ch_verification::scm_ch_verification_functions;
use crate::abi::hresult::{Hresult, Result, scm_result};
use crate::attachment::Attachment;
use crate::interfaces::ch_verification::{ChVerification, Codes};

/// A function with two codes: the present or the unblocking one, and the new one.
type WithCodes =
    unsafe extern "C-unwind" fn(*mut c_void, *const u8, usize, *const u8, usize, u32, u32, *mut u32) -> scm_result;

impl Provided<scm_ch_verification_functions> {
    fn call_with_codes(
        &self,
        function: impl FnOnce(&scm_ch_verification_functions) -> Option<WithCodes>,
        Codes { current, new }: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        // SAFETY: the program guarantees its functions. They get the pointers and lengths that the header names.
        self.call(function, |object, function| unsafe {
            let (first, second) = (address(current), address(new));
            function(object, first, current.len(), second, new.len(), flags, reference, retries_left)
        })
    }
}

// The program guarantees its functions. Each of them gets the pointers and lengths that the header names.
impl ChVerification for Provided<scm_ch_verification_functions> {
    fn verify(
        &self,
        _: &Attachment,
        code: &[u8],
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        self.call(
            |functions| functions.verify,
            // SAFETY: as above.
            |object, verify| unsafe { verify(object, address(code), code.len(), flags, reference, retries_left) },
        )
    }

    fn change_code(
        &self,
        _: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        self.call_with_codes(|functions| functions.change_code, codes, flags, reference, retries_left)
    }

    fn unblock(
        &self,
        _: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        self.call_with_codes(|functions| functions.unblock, codes, flags, reference, retries_left)
    }

    fn reset_security_state(&self, _: &Attachment) -> Result<Hresult> {
        // SAFETY: as above.
        self.call(|functions| functions.reset_security_state, |object, reset| unsafe { reset(object) })
    }
}
