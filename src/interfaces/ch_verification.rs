//! ISCardVerify: the codes of the card holder (CHV).

use crate::abi::hresult::{Hresult, Result};
use crate::attachment::Attachment;

/// The codes of a card. `retries_left` is set if the card tells the number, also after a failure.
pub trait ChVerification: Send + Sync {
    fn verify(
        &self,
        attachment: &Attachment,
        code: &[u8],
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult>;

    fn change_code(
        &self,
        attachment: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult>;

    fn unblock(
        &self,
        attachment: &Attachment,
        codes: Codes,
        flags: u32,
        reference: u32,
        retries_left: &mut u32,
    ) -> Result<Hresult>;

    fn reset_security_state(&self, attachment: &Attachment) -> Result<Hresult>;
}

/// The codes of a change or an unblocking. An empty one is missing.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    /// The old code, or the unblocking code.
    pub current: &'a [u8],
    pub new: &'a [u8],
}
