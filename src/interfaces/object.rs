//! The creation of an object for an attachment: an object of one of the interfaces.

use std::ffi::c_void;

use super::card_auth::CardAuth;
use super::ch_verification::ChVerification;
use super::file_access::FileAccess;
use super::identity::Interface;
use super::provided::{self, ProvidedInterface, registry};
use crate::abi::handle::scm_handle;
use crate::abi::hresult::Result;
use crate::iso7816::atr::Atr;

/// An object of any interface.
pub enum Object {
    FileAccess(Box<dyn FileAccess>),
    ChVerification(Box<dyn ChVerification>),
    CardAuth(Box<dyn CardAuth>),
    /// Only its provider knows this interface.
    Interface(ProvidedInterface),
}

/// A request for a new object.
pub struct ObjectRequest {
    pub interface: Interface,
    pub card: Atr,
    /// A provider gets these two.
    pub handle: *mut scm_handle,
    pub user_data: *mut c_void,
}

impl Object {
    /// Lets the provider create the object that is registered for the card, or else `generic`.
    pub fn create(request: &ObjectRequest, generic: impl FnOnce() -> Result<Object>) -> Result<Object> {
        match registry::choose(&request.interface, &request.card)? {
            Some(choice) => provided::create(&choice, request),
            None => generic(),
        }
    }
}
