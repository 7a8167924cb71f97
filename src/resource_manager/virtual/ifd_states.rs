//! The states of all virtual readers, and a wait until one of them changes, arrives or leaves.

use super::manager::{Manager, lock, watch_until};
use crate::abi::hresult::Result;
use crate::resource_manager::{Context, IfdState};
use crate::runtime::wait::{deadline, is_past};

/// Waits until the readers differ from `known`, or the time is up.
pub fn wait_for_ifds(context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>> {
    let end = deadline(timeout_ms);
    let mut manager = lock();
    loop {
        manager.check_context(context.0)?;
        let now = list_ifd_states(&manager)?;
        if is_past(end) || IfdState::differ(known, &now) {
            return Ok(now);
        }
        manager = watch_until(manager, end);
    }
}

/// Ends a wait, even one that has not begun yet: it cannot go on without its context.
pub fn cancel(context: Context) {
    let mut manager = lock();
    // An unknown context was released already.
    manager.forget_context(context.0);
    manager.announce_to_watchers();
}

fn list_ifd_states(manager: &Manager) -> Result<Vec<IfdState>> {
    let mut all = Vec::new();
    for (id, ifd) in manager.ifds.iter() {
        let slot_state = ifd.slot_state();
        let card = slot_state.card_present.then_some(slot_state.atr);
        all.try_reserve(1)?;
        all.push(IfdState {
            name: ifd.name,
            id,
            card,
            events: slot_state.events,
            resets: ifd.resets,
            usage: ifd.usage(),
            native: slot_state.native,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::abi::hresult::Hresult;
    use crate::resource_manager::ResourceManager;
    use crate::resource_manager::r#virtual::Virtual;
    use crate::runtime::wait::{SCM_INFINITE, WaitLimit};

    #[test]
    fn a_cancel_before_the_wait_ends_it() {
        let context = Virtual.establish_context(&WaitLimit::ENDLESS);
        let Ok(context) = context else { return }; // another test has stopped the service
        let _ = Virtual.wait_for_ifds(context, &[], 0);
        Virtual.cancel_wait_for_ifds(context);
        assert_eq!(Virtual.wait_for_ifds(context, &[], SCM_INFINITE).err(), Some(Hresult::SCARD_E_INVALID_HANDLE));
        Virtual.release_context(context);
    }
}
