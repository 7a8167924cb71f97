//! The codes of a card, as a provider has them.

use super::object::{Provided, address};
use crate::abi::functions::ch_verification::scm_ch_verification_functions;
use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;
use crate::interfaces::ch_verification::{ChVerification, Codes};

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
        let Codes { current, new } = codes;
        self.call(
            |functions| functions.change_code,
            // SAFETY: as above.
            |object, change_code| unsafe {
                let (old_code, new_code) = (address(current), address(new));
                change_code(object, old_code, current.len(), new_code, new.len(), flags, reference, retries_left)
            },
        )
    }

    fn unblock(
        &self,
        _: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult> {
        let Codes { current, new } = codes;
        self.call(
            |functions| functions.unblock,
            // SAFETY: as above.
            |object, unblock| unsafe {
                let (unblocking_code, new_code) = (address(current), address(new));
                unblock(object, unblocking_code, current.len(), new_code, new.len(), flags, reference, retries_left)
            },
        )
    }

    fn reset_security_state(&self, _: &Attachment) -> Result<Hresult> {
        // SAFETY: as above.
        self.call(|functions| functions.reset_security_state, |object, reset| unsafe { reset(object) })
    }
}
