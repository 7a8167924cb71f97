//! A provider: the interface and the cards that it is for, and its functions.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use super::atr_pattern::AtrPattern;
use crate::abi::functions::Functions;
use crate::abi::guid::scm_guid;
use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::identity::{Interface, Offer};
use crate::interfaces::name::InterfaceName;
use crate::iso7816::atr::Atr;
use crate::runtime::callback::{self, THREAD_ENDED};

/// The functions that create and end objects, with the pointer that they get.
#[derive(Clone, Copy)]
pub struct ProviderCallbacks {
    pub user_data: *mut c_void,
    pub create: unsafe extern "C-unwind" fn(*mut c_void, *mut scm_handle, *mut c_void, *mut *mut c_void) -> i32,
    pub release: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    pub end: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
}

pub struct Provider {
    offer: Offer,
    cards: AtrPattern,
    callbacks: ProviderCallbacks,
    functions: Functions,
    /// Only a provider that was registered is told of its end.
    is_registered: AtomicBool,
}

// SAFETY: a program that registers a provider guarantees that any thread may use its functions and `user_data`.
unsafe impl Send for Provider {}
// SAFETY: as above.
unsafe impl Sync for Provider {}

impl Provider {
    pub fn new(offer: Offer, cards: AtrPattern, callbacks: ProviderCallbacks, functions: Functions) -> Provider {
        Provider { offer, cards, callbacks, functions, is_registered: AtomicBool::new(false) }
    }

    pub fn note_registration(&self) {
        self.is_registered.store(true, Ordering::Relaxed);
    }

    pub fn functions(&self) -> Functions {
        self.functions
    }

    #[cfg(test)]
    pub fn user_data(&self) -> *mut c_void {
        self.callbacks.user_data
    }

    pub fn matches(&self, interface: &Interface, card: &Atr) -> bool {
        self.offer.matches(interface) && self.cards.matches(card)
    }

    /// Whether the program has registered it with these values.
    pub fn is_registered_as(&self, pattern: &ProviderPattern) -> bool {
        self.offer.is_given_by(pattern.iid, pattern.name)
            && pattern.cards == self.cards
            && pattern.user_data == self.callbacks.user_data
            && std::ptr::fn_addr_eq(pattern.create, self.callbacks.create)
    }

    /// Makes an object for an attachment.
    pub fn create(&self, handle: *mut scm_handle, caller_user_data: *mut c_void) -> Result<*mut c_void> {
        let mut object = std::ptr::null_mut();
        let ProviderCallbacks { user_data, create, .. } = self.callbacks;
        // SAFETY: the program guarantees its callback, and `object` may be written.
        let create = || unsafe { create(user_data, handle, caller_user_data, &mut object) };
        check(callback::call(create, THREAD_ENDED))?;
        Ok(object)
    }

    pub fn release(&self, object: *mut c_void) {
        if let Some(release) = self.callbacks.release {
            // SAFETY: the program guarantees its callback, and gets back the object that `create` gave.
            callback::call(|| unsafe { release(object) }, ());
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        match self.callbacks.end {
            Some(end) if *self.is_registered.get_mut() => {
                // SAFETY: the program guarantees its callback. Nothing refers to the provider any more, so this call is
                // the last one.
                callback::call(|| unsafe { end(self.callbacks.user_data) }, ());
            }
            _ => {}
        }
    }
}

/// The values by which a program names one of its providers.
pub struct ProviderPattern {
    pub iid: Option<scm_guid>,
    pub name: Option<InterfaceName>,
    pub cards: AtrPattern,
    pub user_data: *mut c_void,
    pub create: unsafe extern "C-unwind" fn(*mut c_void, *mut scm_handle, *mut c_void, *mut *mut c_void) -> i32,
}

/// The code that a function of a provider has returned.
pub fn check(code: i32) -> Result<Hresult> {
    match Hresult(code) {
        code if code.0 < 0 => Err(code.from_outside()),
        code => Ok(code),
    }
}
