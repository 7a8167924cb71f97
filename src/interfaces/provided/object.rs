//! An object that a provider has created, with the functions of its interface.

use std::ffi::c_void;

use super::provider::{Provider, check};
use super::registry::Choice;
use crate::abi::functions::Own;
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::object::ObjectRequest;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::fallible::Arc;

/// The provider gets the object back when this is dropped: once, and when no thread is in a function of it.
pub struct Provided<F> {
    functions: F,
    object: *mut c_void,
    provider: Arc<Provider>,
}

// SAFETY: a program that registers a provider guarantees that any threads may use its functions and objects at the same
// time.
unsafe impl<F: Send> Send for Provided<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Provided<F> {}

impl<F> Provided<F> {
    /// Lets the chosen provider create an object. `functions` are those of the provider.
    pub fn create(choice: &Choice, functions: F, request: &ObjectRequest) -> Result<Provided<F>> {
        let object = choice.create(request.handle, request.user_data)?;
        Ok(Provided { functions, object, provider: choice.provider() })
    }

    /// Calls one of the functions with the object, if the provider has it.
    pub fn call<C>(
        &self,
        function: impl FnOnce(&F) -> Option<C>,
        call: impl FnOnce(*mut c_void, C) -> i32,
    ) -> Result<Hresult> {
        let function = function(&self.functions).ok_or(Hresult::E_NOTIMPL)?;
        check(callback::call(|| call(self.object, function), THREAD_ENDED))
    }

    pub fn functions(&self) -> &F {
        &self.functions
    }
}

impl Provided<Own> {
    /// The table of functions, and the object that they get.
    pub fn implementation(&self) -> (*const c_void, *mut c_void) {
        (self.functions.0, self.object)
    }
}

impl<F> Drop for Provided<F> {
    fn drop(&mut self) {
        self.provider.release(self.object);
    }
}

/// The address of an input, as C has it: NULL where there is none.
pub fn address(input: &[u8]) -> *const u8 {
    if input.is_empty() { std::ptr::null() } else { input.as_ptr() }
}
