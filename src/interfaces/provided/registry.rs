//! The providers of this process, and which of them is asked. The mutex is never held while one of them is called.
//!
//! The child of a fork has the same providers: their code and their memory are there, too. What they have created before is the
//! parent's.

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Provider;
use super::interface::Interface;
use crate::abi::functions::Functions;
use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::runtime::fallible::Arc;
use crate::runtime::thread_id::this_thread;

static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());

pub type Locked = MutexGuard<'static, Registry>;

pub struct Registry {
    /// The last one is asked first.
    providers: Vec<Arc<Provider>>,
    /// Who is being asked, on which thread.
    asked: Vec<(usize, Arc<Provider>)>,
}

/// No code that can panic runs under this mutex.
pub fn lock() -> Locked {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the provider is asked before all others.
pub fn register(provider: Provider) -> Result<()> {
    let provider = Arc::try_new(provider)?;
    lock().register(provider)
}

/// From now on the provider that was last registered as `pattern` says is not asked any more.
pub fn unregister(pattern: &Provider) -> Result<()> {
    let taken_out = lock().unregister(pattern);
    // If it ends here, then without the mutex.
    taken_out.map(drop)
}

/// The provider to be asked, if there is one for this card.
pub fn choose(interface: &Interface, card: &Atr) -> Result<Option<Choice>> {
    let thread = this_thread();
    let provider = lock().choose(thread, interface, card)?;
    Ok(provider.map(|provider| Choice { thread, provider }))
}

impl Registry {
    const fn new() -> Registry {
        Registry { providers: Vec::new(), asked: Vec::new() }
    }

    fn register(&mut self, provider: Arc<Provider>) -> Result<()> {
        self.providers.try_reserve(1)?;
        provider.keep();
        self.providers.push(provider);
        Ok(())
    }

    fn unregister(&mut self, pattern: &Provider) -> Result<Arc<Provider>> {
        let place = self.providers.iter().rposition(|provider| provider.is_as(pattern));
        Ok(self.providers.remove(place.ok_or(Hresult::E_NOINTERFACE)?))
    }

    /// Who asks from the `create` of a provider gets the next one, and the generic one in the end. So a provider can stand on what
    /// there was before it.
    fn choose(&mut self, thread: usize, interface: &Interface, card: &Atr) -> Result<Option<Arc<Provider>>> {
        let is_asked = |provider: &Arc<Provider>| {
            self.asked.iter().any(|(asker, asked)| *asker == thread && Arc::is_same(asked, provider))
        };
        let suits = |provider: &&Arc<Provider>| provider.suits(interface, card) && !is_asked(provider);
        let Some(provider) = self.providers.iter().rev().find(suits).cloned() else { return Ok(None) };
        self.asked.try_reserve(1)?;
        self.asked.push((thread, provider.clone()));
        Ok(Some(provider))
    }

    fn note_answer(&mut self, thread: usize, provider: &Arc<Provider>) -> Option<(usize, Arc<Provider>)> {
        let is_meant = |(asker, asked): &(usize, Arc<Provider>)| *asker == thread && Arc::is_same(asked, provider);
        self.asked.iter().rposition(is_meant).map(|place| self.asked.remove(place))
    }

    /// In the child of a fork: the other threads that were asking are not there any more.
    #[cfg(any(unix, test))]
    pub fn forget_other_threads(&mut self) {
        let this = this_thread();
        // No provider ends here: those threads have them, and never give them back.
        self.asked.retain(|(thread, _)| *thread == this);
    }
}

/// A provider that is being asked by this thread.
pub struct Choice {
    thread: usize,
    provider: Arc<Provider>,
}

impl Choice {
    pub fn provider(&self) -> Arc<Provider> {
        self.provider.clone()
    }

    pub fn functions(&self) -> Functions {
        self.provider.functions
    }

    pub fn create(&self, handle: *mut scm_handle, caller_user: *mut c_void) -> Result<*mut c_void> {
        self.provider.create(handle, caller_user)
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        // What it gives ends without the mutex, and is not the last one: `self` has another.
        let answered = lock().note_answer(self.thread, &self.provider);
        drop(answered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::functions::Own;
    use crate::interfaces::provided::Callbacks;
    use crate::interfaces::provided::atr_pattern::AtrPattern;
    use crate::interfaces::provided::interface::Offer;
    use crate::interfaces::provided::name::Name;
    use std::cell::Cell;

    const CARD: &[u8] = &[0x3B, 0x02, 0x14, 0x50];
    const OTHER_CARD: &[u8] = &[0x3B, 0x00];

    unsafe extern "C-unwind" fn create(_: *mut c_void, _: *mut scm_handle, _: *mut c_void, _: *mut *mut c_void) -> i32 {
        0
    }

    /// `user` is the number that tells one provider from another.
    fn provider(name: &str, atr: &[u8], user: usize) -> Provider {
        let offer = Offer::new(None, Some(Name::new(name.as_bytes()).unwrap())).unwrap();
        let user = std::ptr::without_provenance_mut(user);
        let callbacks = Callbacks { user, create, release: None, end: None };
        Provider::new(offer, AtrPattern::new(atr, None).unwrap(), callbacks, Functions::Own(Own(std::ptr::null())))
    }

    fn registry(providers: impl IntoIterator<Item = Provider>) -> Registry {
        let mut registry = Registry::new();
        for provider in providers {
            registry.register(Arc::try_new(provider).unwrap()).unwrap();
        }
        registry
    }

    fn choose(registry: &mut Registry, thread: usize, name: &str, card: &[u8]) -> Option<usize> {
        let interface = Interface::of_name(Name::new(name.as_bytes()).unwrap());
        let chosen = registry.choose(thread, &interface, &Atr::new(card)).unwrap();
        chosen.map(|provider| provider.callbacks.user as usize)
    }

    fn ask(registry: &mut Registry, name: &str, card: &[u8]) -> Option<usize> {
        let chosen = choose(registry, 1, name, card);
        registry.asked.clear();
        chosen
    }

    #[test]
    fn a_provider_is_asked_for_its_interface_and_its_card() {
        let mut registry = registry([provider("CardAuth", CARD, 1), provider("Crypto", CARD, 2)]);
        assert_eq!(ask(&mut registry, "CardAuth", CARD), Some(1));
        assert_eq!(ask(&mut registry, "ISCardAuth", CARD), Some(1));
        assert_eq!(ask(&mut registry, "Crypto", CARD), Some(2));
        assert_eq!(ask(&mut registry, "Crypto", OTHER_CARD), None);
        assert_eq!(ask(&mut registry, "FileAccess", CARD), None);
    }

    #[test]
    fn the_last_registered_is_asked_first() {
        let mut registry =
            registry([provider("Crypto", CARD, 1), provider("Crypto", &[], 2), provider("Crypto", OTHER_CARD, 3)]);
        assert_eq!(ask(&mut registry, "Crypto", CARD), Some(2));
        assert_eq!(ask(&mut registry, "Crypto", OTHER_CARD), Some(3));
        registry.unregister(&provider("Crypto", &[], 2)).unwrap();
        assert_eq!(ask(&mut registry, "Crypto", CARD), Some(1));
    }

    #[test]
    fn what_is_unregistered_has_to_be_registered_so() {
        let mut registry = registry([provider("Crypto", CARD, 1)]);
        let unregister = |registry: &mut Registry, pattern| registry.unregister(&pattern).err();
        let none = Some(Hresult::E_NOINTERFACE);
        assert_eq!(unregister(&mut registry, provider("Crypt", CARD, 1)), none);
        assert_eq!(unregister(&mut registry, provider("Crypto", OTHER_CARD, 1)), none);
        assert_eq!(unregister(&mut registry, provider("Crypto", CARD, 2)), none);
        assert_eq!(unregister(&mut registry, provider("Crypto", CARD, 1)), None);
        assert_eq!(unregister(&mut registry, provider("Crypto", CARD, 1)), none);
    }

    #[test]
    fn who_is_asked_is_not_asked_again_by_the_same_thread() {
        let mut registry = registry([provider("Crypto", CARD, 1), provider("Crypto", CARD, 2)]);
        assert_eq!(choose(&mut registry, 1, "Crypto", CARD), Some(2));
        assert_eq!(choose(&mut registry, 2, "Crypto", CARD), Some(2), "another thread");
        assert_eq!(choose(&mut registry, 1, "Crypto", CARD), Some(1));
        assert_eq!(choose(&mut registry, 1, "Crypto", CARD), None);
        let last = registry.providers[1].clone();
        registry.note_answer(1, &last).unwrap();
        assert_eq!(choose(&mut registry, 1, "Crypto", CARD), Some(2));
    }

    #[test]
    fn a_child_forgets_whom_other_threads_asked() {
        let mut registry = registry([provider("Crypto", CARD, 1)]);
        assert_eq!(choose(&mut registry, this_thread(), "Crypto", CARD), Some(1));
        assert_eq!(choose(&mut registry, this_thread() + 1, "Crypto", CARD), Some(1));
        registry.forget_other_threads();
        assert_eq!(choose(&mut registry, this_thread(), "Crypto", CARD), None);
        assert_eq!(choose(&mut registry, this_thread() + 1, "Crypto", CARD), Some(1));
    }

    #[test]
    fn a_provider_ends_once_and_only_if_it_was_registered() {
        unsafe extern "C-unwind" fn end(user: *mut c_void) {
            // SAFETY: the cell below, on this thread.
            let ended = unsafe { &*user.cast::<Cell<u32>>() };
            ended.set(ended.get() + 1);
        }
        let ended = Cell::new(0);
        let make = || {
            let mut provider = provider("Crypto", CARD, 0);
            provider.callbacks.user = std::ptr::from_ref(&ended).cast_mut().cast();
            provider.callbacks.end = Some(end);
            provider
        };
        let mut registry = registry([make()]);
        drop(make());
        assert_eq!(ended.get(), 0);
        let asked = registry.providers[0].clone();
        drop(registry.unregister(&make()).unwrap());
        assert_eq!(ended.get(), 0, "somebody is in it");
        drop(asked);
        assert_eq!(ended.get(), 1);
    }
}
