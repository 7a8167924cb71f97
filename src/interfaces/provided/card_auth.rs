//! Authentication, as a provider does it.

use std::cell::Cell;

use super::object::{Provided, address};
use crate::abi::functions::card_auth::scm_card_auth_functions;
use crate::abi::hresult::{Hresult, Result};
use crate::abi::output::OutputBytes;
use crate::attachment::Attachment;
use crate::interfaces::card_auth::{CardAuth, Method};

// The program guarantees its functions. Each of them gets the pointers and lengths that the header names.
impl CardAuth for Provided<scm_card_auth_functions> {
    fn get_challenge(&self, _: &Attachment, method: Method, challenge: OutputBytes) -> Result<Hresult> {
        let Method { algorithm, parameters } = method;
        challenge.fill_by(|challenge, capacity, length| {
            self.call(
                |functions| functions.get_challenge,
                // SAFETY: as above.
                |object, get_challenge| unsafe {
                    get_challenge(object, algorithm, address(parameters), parameters.len(), challenge, capacity, length)
                },
            )
        })
    }

    fn app_auth(&self, _: &Attachment, method: Method, data: &[u8]) -> Result<Hresult> {
        let Method { algorithm, parameters } = method;
        self.call(
            |functions| functions.app_auth,
            // SAFETY: as above.
            |object, app_auth| unsafe {
                app_auth(object, algorithm, address(parameters), parameters.len(), address(data), data.len())
            },
        )
    }

    fn icc_auth(&self, _: &Attachment, method: Method, data: &[Cell<u8>], answer: OutputBytes) -> Result<Hresult> {
        let Method { algorithm, parameters } = method;
        let data_address = if data.is_empty() { std::ptr::null() } else { data.as_ptr().cast() };
        answer.fill_by(|answer, capacity, length| {
            self.call(
                |functions| functions.icc_auth,
                // SAFETY: as above.
                |object, icc_auth| unsafe {
                    icc_auth(
                        object,
                        algorithm,
                        address(parameters),
                        parameters.len(),
                        data_address,
                        data.len(),
                        answer,
                        capacity,
                        length,
                    )
                },
            )
        })
    }

    fn user_auth(&self, _: &Attachment, method: Method, data: &[u8]) -> Result<Hresult> {
        let Method { algorithm, parameters } = method;
        self.call(
            |functions| functions.user_auth,
            // SAFETY: as above.
            |object, user_auth| unsafe {
                user_auth(object, algorithm, address(parameters), parameters.len(), address(data), data.len())
            },
        )
    }
}
