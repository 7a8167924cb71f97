//! What a provider has created: its object with its functions. Each ends once, when nobody is in it any more.

use std::ffi::c_void;

use super::registry::Choice;
use super::{Provider, answered};
use crate::abi::functions::file_access::scm_file_access_functions;
use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::fallible::Arc;

/// An object of an interface, which the provider gets back when this is dropped.
pub struct Provided<F> {
    functions: F,
    object: *mut c_void,
    provider: Arc<Provider>,
}

// SAFETY: whoever registers a provider vouches that its functions and objects may be used on any thread, also at the same time.
unsafe impl<F: Send> Send for Provided<F> {}
// SAFETY: as above.
unsafe impl<F: Sync> Sync for Provided<F> {}

impl<F> Provided<F> {
    /// Lets the chosen provider create an object for an attachment. `functions` are those of the provider.
    pub fn create(
        choice: Choice,
        functions: F,
        handle: *mut scm_handle,
        caller_user: *mut c_void,
    ) -> Result<Arc<Provided<F>>> {
        let object = choice.create(handle, caller_user)?;
        // Without memory this drops it, which gives the object back.
        Arc::try_new(Provided { functions, object, provider: choice.provider() })
    }

    pub fn functions(&self) -> &F {
        &self.functions
    }

    pub fn object(&self) -> *mut c_void {
        self.object
    }

    /// Calls one of the functions with the object, if the provider has it.
    pub fn call<C>(
        &self,
        function: impl FnOnce(&F) -> Option<C>,
        call: impl FnOnce(*mut c_void, C) -> i32,
    ) -> Result<Hresult> {
        let function = function(&self.functions).ok_or(Hresult::E_NOTIMPL)?;
        answered(callback::call(|| call(self.object, function), THREAD_ENDED))
    }
}

impl<F> Drop for Provided<F> {
    fn drop(&mut self) {
        self.provider.release(self.object);
    }
}

/// A file that a provider has opened, which it closes at the latest when this is dropped. It keeps what it was opened by.
pub struct ProvidedFile {
    access: Arc<Provided<scm_file_access_functions>>,
    file: *mut c_void,
    is_open: bool,
}

// SAFETY: as for what it was opened by.
unsafe impl Send for ProvidedFile {}
// SAFETY: as above.
unsafe impl Sync for ProvidedFile {}

impl Arc<Provided<scm_file_access_functions>> {
    /// Opens a file with the function `open` of the provider, if it has it.
    pub fn open<C>(
        &self,
        function: impl FnOnce(&scm_file_access_functions) -> Option<C>,
        call: impl FnOnce(*mut c_void, C, *mut *mut c_void) -> i32,
    ) -> Result<ProvidedFile> {
        let mut file = std::ptr::null_mut();
        self.call(function, |object, open| call(object, open, &mut file))?;
        Ok(ProvidedFile { access: self.clone(), file, is_open: true })
    }
}

impl ProvidedFile {
    /// Calls one of the functions with the file, if the provider has it.
    pub fn call<C>(
        &self,
        function: impl FnOnce(&scm_file_access_functions) -> Option<C>,
        call: impl FnOnce(*mut c_void, C) -> i32,
    ) -> Result<Hresult> {
        self.access.call(function, |_, function| call(self.file, function))
    }

    /// Closes the file, and gives the answer to it.
    pub fn close(mut self) -> Result<Hresult> {
        self.end()
    }

    fn end(&mut self) -> Result<Hresult> {
        let close = self.access.functions.close.filter(|_| self.is_open);
        self.is_open = false;
        match close {
            // SAFETY: the program vouches for its function, and gets back what `open` gave, once.
            Some(close) => answered(callback::call(|| unsafe { close(self.file) }, THREAD_ENDED)),
            None => Ok(Hresult::S_OK),
        }
    }
}

impl Drop for ProvidedFile {
    fn drop(&mut self) {
        // Who could be told has closed it before.
        let _ = self.end();
    }
}
