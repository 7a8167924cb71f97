//! Providers: what a program brings in the place of the generic interfaces, for cards that it knows better, or beside them.
//!
//! A provider is alive as long as it is registered, as one of its objects is there, or as somebody is in its `create`. Whatever of
//! it is called is called without any mutex of this library held, because it may call the library in turn.

pub mod atr_pattern;
pub mod implementation;
pub mod interface;
pub mod name;
pub mod object;
pub mod registry;

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::abi::functions::Functions;
use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::runtime::callback::{self, THREAD_ENDED};
use atr_pattern::AtrPattern;
use interface::{Interface, Offer};

/// The callbacks as C gave them, with the pointer that goes with them.
#[derive(Clone, Copy)]
pub struct Callbacks {
    pub user: *mut c_void,
    pub create: unsafe extern "C-unwind" fn(*mut c_void, *mut scm_handle, *mut c_void, *mut *mut c_void) -> i32,
    pub release: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    pub end: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
}

pub struct Provider {
    offer: Offer,
    cards: AtrPattern,
    callbacks: Callbacks,
    functions: Functions,
    /// The program gave it away. Until then it has nothing to be told.
    is_kept: AtomicBool,
}

// SAFETY: whoever registers a provider vouches that its functions and `user` may be used on any thread.
unsafe impl Send for Provider {}
// SAFETY: as above.
unsafe impl Sync for Provider {}

impl Provider {
    pub fn new(offer: Offer, cards: AtrPattern, callbacks: Callbacks, functions: Functions) -> Provider {
        Provider { offer, cards, callbacks, functions, is_kept: AtomicBool::new(false) }
    }

    fn keep(&self) {
        self.is_kept.store(true, Ordering::Relaxed);
    }

    fn suits(&self, asked: &Interface, card: &Atr) -> bool {
        self.offer.is_what(asked) && self.cards.matches(card)
    }

    /// Whether it was registered with what `other` says. Its functions do not matter.
    fn is_as(&self, other: &Provider) -> bool {
        let essence = |provider: &Provider| (provider.offer, provider.cards, provider.callbacks.user);
        essence(self) == essence(other) && std::ptr::fn_addr_eq(self.callbacks.create, other.callbacks.create)
    }

    /// Makes an object for an attachment.
    fn create(&self, handle: *mut scm_handle, caller_user: *mut c_void) -> Result<*mut c_void> {
        let mut object = std::ptr::null_mut();
        // SAFETY: the program vouches for its callback, and `object` may be written.
        let create = || unsafe { (self.callbacks.create)(self.callbacks.user, handle, caller_user, &mut object) };
        answered(callback::call(create, THREAD_ENDED))?;
        Ok(object)
    }

    fn release(&self, object: *mut c_void) {
        if let Some(release) = self.callbacks.release {
            // SAFETY: the program vouches for its callback, and gets back what `create` gave.
            callback::call(|| unsafe { release(object) }, ());
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        match self.callbacks.end {
            Some(end) if *self.is_kept.get_mut() => {
                // SAFETY: the program vouches for its callback; nobody has the provider any more, so it is the last one.
                callback::call(|| unsafe { end(self.callbacks.user) }, ());
            }
            _ => {}
        }
    }
}

/// What a function of a provider has answered.
pub fn answered(code: i32) -> Result<Hresult> {
    match Hresult(code) {
        code if code.0 < 0 => Err(code.said_outside()),
        code => Ok(code),
    }
}
