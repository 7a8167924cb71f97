//! Providers: a program implements an interface for its cards, in the place of the generic implementation, or an
//! interface of its own.
//!
//! A provider lives as long as it is registered, as one of its objects exists, or as a thread is in its `create`. The
//! library holds no mutex when it calls a function of a provider, because that may call the library.

pub mod atr_pattern;
pub mod provider;
pub mod registry;

mod card_auth;
mod ch_verification;
mod file;
mod file_access;
mod object;

use super::object::{Object, ObjectRequest};
use crate::abi::functions::{Functions, Own};
use crate::abi::hresult::Result;
use crate::runtime::fallible::{Arc, try_box};
use object::Provided;
use registry::Choice;

/// An object of an interface that only its provider knows.
pub type ProvidedInterface = Provided<Own>;

/// Lets the chosen provider create an object.
pub fn create(choice: &Choice, request: &ObjectRequest) -> Result<Object> {
    Ok(match choice.functions() {
        Functions::FileAccess(functions) => {
            let object = Arc::try_new(Provided::create(choice, functions, request)?)?;
            Object::FileAccess(try_box(object)?)
        }
        Functions::ChVerification(functions) => {
            Object::ChVerification(try_box(Provided::create(choice, functions, request)?)?)
        }
        Functions::CardAuth(functions) => Object::CardAuth(try_box(Provided::create(choice, functions, request)?)?),
        Functions::Own(functions) => Object::Interface(Provided::create(choice, functions, request)?),
    })
}
