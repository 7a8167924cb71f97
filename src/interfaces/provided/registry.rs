//! The providers of this process, and the choice of one of them. No provider is called while the mutex is held.
//!
//! The child of a fork has the same providers, because it has their code and their memory, too. The objects that they
//! created before belong to the parent.

use std::ffi::c_void;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::provider::{Provider, ProviderPattern};
use crate::abi::functions::Functions;
use crate::abi::handle::scm_handle;
use crate::abi::hresult::{Hresult, Result};
use crate::interfaces::identity::Interface;
use crate::iso7816::atr::Atr;
use crate::runtime::fallible::Arc;
use crate::runtime::thread_id::this_thread;

static REGISTRY: Mutex<ProviderRegistry> = Mutex::new(ProviderRegistry::new());

pub struct ProviderRegistry {
    /// In the order of registration. The newest one comes first in a choice.
    providers: Vec<Arc<Provider>>,
    /// The providers that are creating an object now, each with its thread.
    creating: Vec<(usize, Arc<Provider>)>,
}

/// No code that can panic runs under this mutex.
pub fn lock() -> MutexGuard<'static, ProviderRegistry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the provider is chosen before all others.
pub fn register(provider: Provider) -> Result<()> {
    let provider = Arc::try_new(provider)?;
    lock().register(provider)
}

/// From now on the newest provider that has this pattern is not chosen any more.
pub fn unregister(pattern: &ProviderPattern) -> Result<()> {
    let unregistered = lock().unregister(pattern);
    // The provider may end here. The mutex is free.
    unregistered.map(drop)
}

/// The provider of an interface for this card, if there is one.
pub fn choose(interface: &Interface, card: &Atr) -> Result<Option<Choice>> {
    let thread = this_thread();
    let provider = lock().choose(thread, interface, card)?;
    Ok(provider.map(|provider| Choice { thread, provider }))
}

impl ProviderRegistry {
    const fn new() -> ProviderRegistry {
        ProviderRegistry { providers: Vec::new(), creating: Vec::new() }
    }

    fn register(&mut self, provider: Arc<Provider>) -> Result<()> {
        self.providers.try_reserve(1)?;
        provider.note_registration();
        self.providers.push(provider);
        Ok(())
    }

    fn unregister(&mut self, pattern: &ProviderPattern) -> Result<Arc<Provider>> {
        let place = self.providers.iter().rposition(|provider| provider.is_registered_as(pattern));
        Ok(self.providers.remove(place.ok_or(Hresult::E_NOINTERFACE)?))
    }

    /// A call from the `create` of a provider gets the next provider, and in the end none. So a provider can use the
    /// implementation that it replaces.
    fn choose(&mut self, thread: usize, interface: &Interface, card: &Atr) -> Result<Option<Arc<Provider>>> {
        let is_creating = |provider: &Arc<Provider>| {
            self.creating.iter().any(|(of, creating)| *of == thread && Arc::is_same(creating, provider))
        };
        let matches = |provider: &&Arc<Provider>| provider.matches(interface, card) && !is_creating(provider);
        let Some(provider) = self.providers.iter().rev().find(matches).cloned() else { return Ok(None) };
        self.creating.try_reserve(1)?;
        self.creating.push((thread, provider.clone()));
        Ok(Some(provider))
    }

    fn note_end_of_creation(&mut self, thread: usize, provider: &Arc<Provider>) -> Option<(usize, Arc<Provider>)> {
        let is_it = |(of, creating): &(usize, Arc<Provider>)| *of == thread && Arc::is_same(creating, provider);
        self.creating.iter().rposition(is_it).map(|place| self.creating.remove(place))
    }

    /// In the child of a fork the other threads do not exist.
    pub fn forget_other_threads(&mut self) {
        let this = this_thread();
        // No provider ends here: those threads still have their references, and never give them back.
        self.creating.retain(|(thread, _)| *thread == this);
    }
}

/// A provider that may create an object on this thread now.
pub struct Choice {
    thread: usize,
    provider: Arc<Provider>,
}

impl Choice {
    pub fn provider(&self) -> Arc<Provider> {
        self.provider.clone()
    }

    pub fn functions(&self) -> Functions {
        self.provider.functions()
    }

    pub fn create(&self, handle: *mut scm_handle, caller_user_data: *mut c_void) -> Result<*mut c_void> {
        self.provider.create(handle, caller_user_data)
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        let ended = lock().note_end_of_creation(self.thread, &self.provider);
        // The mutex is free.
        drop(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::functions::Own;
    use crate::interfaces::identity::Offer;
    use crate::interfaces::name::InterfaceName;
    use crate::interfaces::provided::atr_pattern::AtrPattern;
    use crate::interfaces::provided::provider::ProviderCallbacks;
    use std::cell::Cell;

    const CARD: &[u8] = &[0x3B, 0x02, 0x14, 0x50];
    const OTHER_CARD: &[u8] = &[0x3B, 0x00];

    unsafe extern "C-unwind" fn create(_: *mut c_void, _: *mut scm_handle, _: *mut c_void, _: *mut *mut c_void) -> i32 {
        0
    }

    fn name(text: &str) -> Option<InterfaceName> {
        InterfaceName::new(text.as_bytes()).ok()
    }

    /// `user_data` is the number of the provider.
    fn provider(interface: &str, atr: &[u8], number: usize) -> Provider {
        with_end(interface, atr, std::ptr::without_provenance_mut(number), None)
    }

    fn with_end(
        interface: &str,
        atr: &[u8],
        user_data: *mut c_void,
        end: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
    ) -> Provider {
        let offer = match Interface::of_name(name(interface).unwrap()) {
            Interface::Standard(standard) => Offer::of_standard(standard, None, name(interface)),
            _ => Offer::of_program(None, name(interface)),
        };
        let callbacks = ProviderCallbacks { user_data, create, release: None, end };
        let cards = AtrPattern::new(atr, None).unwrap();
        Provider::new(offer.unwrap(), cards, callbacks, Functions::Own(Own(std::ptr::null())))
    }

    fn pattern(interface: &str, atr: &[u8], number: usize) -> ProviderPattern {
        let user_data = std::ptr::without_provenance_mut(number);
        ProviderPattern {
            iid: None,
            name: name(interface),
            cards: AtrPattern::new(atr, None).unwrap(),
            user_data,
            create,
        }
    }

    fn registry(providers: impl IntoIterator<Item = Provider>) -> ProviderRegistry {
        let mut registry = ProviderRegistry::new();
        for provider in providers {
            registry.register(Arc::try_new(provider).unwrap()).unwrap();
        }
        registry
    }

    /// The number of the provider that is chosen, which creates an object from now on.
    fn begin(registry: &mut ProviderRegistry, thread: usize, interface: &str, card: &[u8]) -> Option<usize> {
        let interface = Interface::of_name(name(interface).unwrap());
        let chosen = registry.choose(thread, &interface, &Atr::new(card)).unwrap();
        chosen.map(|provider| provider.user_data() as usize)
    }

    fn choose(registry: &mut ProviderRegistry, interface: &str, card: &[u8]) -> Option<usize> {
        let chosen = begin(registry, 1, interface, card);
        registry.creating.clear();
        chosen
    }

    #[test]
    fn a_provider_is_chosen_for_its_interface_and_its_cards() {
        let mut registry = registry([provider("CardAuth", CARD, 1), provider("Crypto", CARD, 2)]);
        assert_eq!(choose(&mut registry, "CardAuth", CARD), Some(1));
        assert_eq!(choose(&mut registry, "ISCardAuth", CARD), Some(1));
        assert_eq!(choose(&mut registry, "Crypto", CARD), Some(2));
        assert_eq!(choose(&mut registry, "Crypto", OTHER_CARD), None);
        assert_eq!(choose(&mut registry, "FileAccess", CARD), None);
    }

    #[test]
    fn the_newest_provider_is_chosen_first() {
        let mut registry =
            registry([provider("Crypto", CARD, 1), provider("Crypto", &[], 2), provider("Crypto", OTHER_CARD, 3)]);
        assert_eq!(choose(&mut registry, "Crypto", CARD), Some(2));
        assert_eq!(choose(&mut registry, "Crypto", OTHER_CARD), Some(3));
        registry.unregister(&pattern("Crypto", &[], 2)).unwrap();
        assert_eq!(choose(&mut registry, "Crypto", CARD), Some(1));
    }

    #[test]
    fn a_provider_is_unregistered_as_it_was_registered() {
        let mut registry = registry([provider("Crypto", CARD, 1)]);
        let unregister = |registry: &mut ProviderRegistry, pattern| registry.unregister(&pattern).err();
        let none = Some(Hresult::E_NOINTERFACE);
        assert_eq!(unregister(&mut registry, pattern("Crypt", CARD, 1)), none);
        assert_eq!(unregister(&mut registry, pattern("Crypto", OTHER_CARD, 1)), none);
        assert_eq!(unregister(&mut registry, pattern("Crypto", CARD, 2)), none);
        assert_eq!(unregister(&mut registry, ProviderPattern { name: None, ..pattern("Crypto", CARD, 1) }), none);
        assert_eq!(unregister(&mut registry, pattern("Crypto", CARD, 1)), None);
        assert_eq!(unregister(&mut registry, pattern("Crypto", CARD, 1)), none);
    }

    #[test]
    fn a_standard_interface_is_unregistered_without_its_name() {
        let mut registry = registry([provider("CardAuth", CARD, 1), provider("Crypto", CARD, 1)]);
        let unnamed = ProviderPattern { name: None, ..pattern("", CARD, 1) };
        assert!(registry.unregister(&unnamed).is_ok());
        assert_eq!(choose(&mut registry, "CardAuth", CARD), None);
        assert_eq!(registry.unregister(&unnamed).err(), Some(Hresult::E_NOINTERFACE));
        assert_eq!(choose(&mut registry, "Crypto", CARD), Some(1));
    }

    #[test]
    fn a_provider_is_not_chosen_on_the_thread_that_is_in_its_create() {
        let mut registry = registry([provider("Crypto", CARD, 1), provider("Crypto", CARD, 2)]);
        assert_eq!(begin(&mut registry, 1, "Crypto", CARD), Some(2));
        assert_eq!(begin(&mut registry, 2, "Crypto", CARD), Some(2), "another thread");
        assert_eq!(begin(&mut registry, 1, "Crypto", CARD), Some(1));
        assert_eq!(begin(&mut registry, 1, "Crypto", CARD), None);
        let newest = registry.providers[1].clone();
        registry.note_end_of_creation(1, &newest).unwrap();
        assert_eq!(begin(&mut registry, 1, "Crypto", CARD), Some(2));
    }

    #[test]
    fn a_child_forgets_the_choices_of_other_threads() {
        let mut registry = registry([provider("Crypto", CARD, 1)]);
        assert_eq!(begin(&mut registry, this_thread(), "Crypto", CARD), Some(1));
        assert_eq!(begin(&mut registry, this_thread() + 1, "Crypto", CARD), Some(1));
        registry.forget_other_threads();
        assert_eq!(begin(&mut registry, this_thread(), "Crypto", CARD), None);
        assert_eq!(begin(&mut registry, this_thread() + 1, "Crypto", CARD), Some(1));
    }

    #[test]
    fn a_provider_ends_once_and_only_if_it_was_registered() {
        unsafe extern "C-unwind" fn end(user_data: *mut c_void) {
            // SAFETY: the cell below, on this thread.
            let ended = unsafe { &*user_data.cast::<Cell<u32>>() };
            ended.set(ended.get() + 1);
        }
        let ended = Cell::new(0);
        let user_data = std::ptr::from_ref(&ended).cast_mut().cast();
        let make = || with_end("Crypto", CARD, user_data, Some(end));
        let mut registry = registry([make()]);
        drop(make());
        assert_eq!(ended.get(), 0);
        let used = registry.providers[0].clone();
        drop(registry.unregister(&ProviderPattern { user_data, ..pattern("Crypto", CARD, 0) }).unwrap());
        assert_eq!(ended.get(), 0, "a thread still uses it");
        drop(used);
        assert_eq!(ended.get(), 1);
    }
}
