//! ISCardAuth: authentication with the keys of a card.

use std::cell::Cell;

use super::generic::card_auth::Responder;
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;

/// The keys of a card. A default answers for a provider, whose table has no such function.
pub trait CardAuth: Send + Sync {
    fn get_challenge(&self, attachment: &Attachment, method: Method, challenge: OutputBytes) -> Result<Hresult>;

    fn app_auth(&self, attachment: &Attachment, method: Method, data: &[u8]) -> Result<Hresult>;

    /// `answer` may be the same memory as `data`.
    fn icc_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        data: &[Cell<u8>],
        answer: OutputBytes,
    ) -> Result<Hresult>;

    fn user_auth(&self, attachment: &Attachment, method: Method, data: &[u8]) -> Result<Hresult>;

    /// The authentication with all its steps.
    fn challenge_response(&self) -> Result<&dyn ChallengeResponse> {
        Err(Hresult::E_NOTIMPL)
    }
}

/// Authentication with all its steps: challenge, response, decision.
pub trait ChallengeResponse {
    /// The card gives the challenge, and decides.
    fn app_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        responder: &Responder,
        challenge_length: usize,
    ) -> Result<Hresult>;

    /// The challenge is random. The response of the card is compared with that of the responder.
    fn icc_auth(
        &self,
        attachment: &Attachment,
        method: Method,
        responder: &Responder,
        challenge_length: usize,
    ) -> Result<Hresult>;
}

/// The algorithm, with its parameters.
#[derive(Clone, Copy)]
pub struct Method<'a> {
    pub algorithm: u32,
    pub parameters: &'a [u8],
}
